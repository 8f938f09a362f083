/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bounds on what a peer controls: each has a default, and each is an error of
 * its own, so that whoever closes the connection can count which it was. */

#define MILL_RTMP_LIMIT_ERROR (mill_rtmp_limit_error_quark ())
GQuark mill_rtmp_limit_error_quark (void);

/**
 * MillRtmpLimit: the codes of MILL_RTMP_LIMIT_ERROR; the connection is to be
 * closed.
 */
typedef enum
{
  MILL_RTMP_LIMIT_MESSAGE_BYTES,
  MILL_RTMP_LIMIT_CHUNK_BYTES,
  MILL_RTMP_LIMIT_CHUNK_STREAMS,
  MILL_RTMP_LIMIT_AMF_DEPTH,
  MILL_RTMP_LIMIT_AMF_VALUES,
  MILL_RTMP_LIMIT_STRING_BYTES,
  MILL_RTMP_LIMIT_BYTES_BEFORE_PUBLISH,
  MILL_RTMP_LIMIT_COMMANDS_BEFORE_PUBLISH,
  MILL_RTMP_LIMIT_UNREAD_BYTES,
  MILL_RTMP_N_LIMITS,
} MillRtmpLimit;

/* "message-bytes" and so on. */
const gchar *mill_rtmp_limits_get_name (MillRtmpLimit limit);

/**
 * MillRtmpLimits: zero takes the default in brackets.
 * @max_message_bytes: [8 MiB] of one message; all that are half read together
 *   may announce twice as much. Memory grows with what has arrived, not with
 *   what was announced. Before publish the bytes before publish bound it too
 * @max_chunk_bytes: [16 MiB - 1, the longest message there is] Set Chunk Size
 * @max_chunk_streams: [64] in use by the peer; encoders need three to eight
 * @max_amf_depth: [16] of values in values
 * @max_amf_values: [4096] in one message, all levels together
 * @max_string_bytes: [2048] of an application or stream name, its query
 *   included (room for a token in it); tcUrl and flashVer are cut there
 * @max_bytes_before_publish: [64 KiB] beyond the handshake
 * @max_commands_before_publish: [64]; encoders send four to seven
 * @max_unread_bytes: [64 KiB] of answers that the peer asked for and does not
 *   read; the handshake alone is 3 KiB
 */
typedef struct
{
  guint max_message_bytes;
  guint max_chunk_bytes;
  guint max_chunk_streams;
  guint max_amf_depth;
  guint max_amf_values;
  guint max_string_bytes;
  guint max_bytes_before_publish;
  guint max_commands_before_publish;
  guint max_unread_bytes;
} MillRtmpLimits;

/* @limits: (nullable): NULL is all zeros. Returns: without zeros */
MillRtmpLimits mill_rtmp_limits_complete (const MillRtmpLimits *limits);

G_END_DECLS
