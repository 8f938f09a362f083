/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Message type ids, Adobe RTMP 1.0 sections 5.4, 6.2 and 7.1. */
typedef enum
{
  MILL_RTMP_MESSAGE_SET_CHUNK_SIZE = 1,
  MILL_RTMP_MESSAGE_ABORT = 2,
  MILL_RTMP_MESSAGE_ACKNOWLEDGEMENT = 3,
  MILL_RTMP_MESSAGE_USER_CONTROL = 4,
  MILL_RTMP_MESSAGE_WINDOW_SIZE = 5,
  MILL_RTMP_MESSAGE_PEER_BANDWIDTH = 6,
  MILL_RTMP_MESSAGE_AUDIO = 8,
  MILL_RTMP_MESSAGE_VIDEO = 9,
  MILL_RTMP_MESSAGE_DATA_AMF3 = 15,
  MILL_RTMP_MESSAGE_COMMAND_AMF3 = 17,
  MILL_RTMP_MESSAGE_DATA = 18,
  MILL_RTMP_MESSAGE_COMMAND = 20,
  MILL_RTMP_MESSAGE_AGGREGATE = 22,
} MillRtmpMessageType;

/* User control events, section 7.1.7. */
typedef enum
{
  MILL_RTMP_CONTROL_STREAM_BEGIN = 0,
  MILL_RTMP_CONTROL_STREAM_EOF = 1,
  MILL_RTMP_CONTROL_SET_BUFFER_LENGTH = 3,
  MILL_RTMP_CONTROL_PING_REQUEST = 6,
  MILL_RTMP_CONTROL_PING_RESPONSE = 7,
} MillRtmpControlEvent;

/* Chunk streams by custom: 2 is the protocol's own (section 5.3), 3 has the
 * commands; the others are the sender's to choose. */
#define MILL_RTMP_CHUNK_STREAM_CONTROL 2
#define MILL_RTMP_CHUNK_STREAM_COMMAND 3

/**
 * MillRtmpHeader:
 * @chunk_stream: 2 to 65,599 (section 5.3.1.1)
 * @type: a MillRtmpMessageType, or whatever the peer sent
 * @stream_id: message stream
 * @timestamp_ms: absolute, 32 bits, wraps
 */
typedef struct
{
  guint chunk_stream;
  guint type;
  guint32 stream_id;
  guint32 timestamp_ms;
} MillRtmpHeader;

G_END_DECLS
