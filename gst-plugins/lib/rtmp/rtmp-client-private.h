/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-chunk-reader.h"
#include "rtmp-chunk-writer.h"
#include "rtmp-client.h"

G_BEGIN_DECLS

/* What rtmp-client.c (bytes, messages) and rtmp-client-command.c (requests and
 * their answers) share. */

/* In the order of their coming: each answer counts in one of them, once. */
typedef enum
{
  MILL_RTMP_CLIENT_FIRST, /* S0 and S1 are awaited */
  MILL_RTMP_CLIENT_SECOND, /* S2 is awaited */
  MILL_RTMP_CLIENT_CONNECTING,
  MILL_RTMP_CLIENT_CREATING,
  MILL_RTMP_CLIENT_ASKING,
  MILL_RTMP_CLIENT_READY,
  MILL_RTMP_CLIENT_OVER, /* refused, redirected or ended */
} MillRtmpClientState;

struct _MillRtmpClient
{
  MillRtmpClientRole role;
  gchar *app;
  gchar *name;
  gchar *tc_url;
  guint chunk_size;
  gboolean is_classic;
  MillRtmpCapabilities capabilities; /* of the server */
  const MillRtmpClientEvents *events;
  gpointer user_data;

  MillRtmpClientState state;
  GByteArray *handshake; /* S0 and S1, then S2 */
  MillRtmpChunkReader *reader;
  MillRtmpChunkWriter *writer;
  GByteArray *output;
  gsize output_sent;
  guint32 stream_id;
  guint32 window; /* 0 until the server says it */
  guint32 received;
  guint32 acknowledged;
};

/* One command message (type 20; type 17 without its first byte).
 * Errors: MILL_RTMP_ERROR_PROTOCOL, MILL_RTMP_LIMIT_ERROR */
gboolean mill_rtmp_client_command_handle (MillRtmpClient *client,
    const guint8 *data, gsize size, GError **error);

/* One data message; what cannot be read is passed over. */
void mill_rtmp_client_command_handle_data (MillRtmpClient *client,
    const guint8 *data, gsize size);

/* The first request, after the handshake. */
void mill_rtmp_client_command_connect (MillRtmpClient *client);

/* The last ones: FCUnpublish, deleteStream. */
void mill_rtmp_client_command_unpublish (MillRtmpClient *client);

/* The server accepted, in whatever words. */
void mill_rtmp_client_command_set_ready (MillRtmpClient *client);

/* Who published is gone. */
void mill_rtmp_client_command_set_ended (MillRtmpClient *client);

/* A message of the control chunk stream. */
void mill_rtmp_client_private_send_control (MillRtmpClient *client,
    MillRtmpMessageType type, const guint8 *payload, gsize size);

G_END_DECLS
