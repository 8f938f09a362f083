/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-capabilities.h"
#include "rtmp-handshake.h"
#include "rtmp-message.h"

G_BEGIN_DECLS

/*
 * The publisher's side of one RTMP connection, without I/O like the session:
 * what tests and load generators speak.
 */
typedef struct _MillRtmpClient MillRtmpClient;

/* Strings are copied. */
typedef struct
{
  const gchar *app; /* may have a query */
  const gchar *name; /* may have a query */
  const gchar *tc_url;
  MillRtmpHandshakeKind handshake;
  guint chunk_size; /* of what is sent after connect; 0: 4096 */
  gboolean is_classic; /* says nothing of Enhanced RTMP */
} MillRtmpClientOptions;

/* Any may be NULL. None may free the client. */
typedef struct
{
  /* the server accepted publish: media may be sent */
  void (*ready) (MillRtmpClient *client, gpointer user_data);
  /* connect or publish was refused, or a status error came later */
  void (*refused) (MillRtmpClient *client, const gchar *code,
      const gchar *description, gpointer user_data);
  /* the server wants the stream to go on elsewhere, at the next keyframe
   * @tc_url: (nullable): absolute or relative; NULL: the same address */
  void (*reconnect) (MillRtmpClient *client, const gchar *tc_url,
      const gchar *description, gpointer user_data);
} MillRtmpClientEvents;

MillRtmpClient *mill_rtmp_client_new (const MillRtmpClientOptions *options,
    const MillRtmpClientEvents *events, gpointer user_data);
void mill_rtmp_client_free (MillRtmpClient *client);

/* Bytes from the server, all consumed; FALSE ends the connection. */
gboolean mill_rtmp_client_feed (MillRtmpClient *client, const guint8 *data,
    gsize size, GError **error);
const guint8 *mill_rtmp_client_peek_output (MillRtmpClient *client,
    gsize *ret_size);
void mill_rtmp_client_drop_output (MillRtmpClient *client, gsize size);

/* One audio, video or data message of the published stream: @type is as in an
 * FLV file. Media have chunk stream 4 (audio) and 6 (video), data 5. */
void mill_rtmp_client_send (MillRtmpClient *client, MillRtmpMessageType type,
    guint32 timestamp_ms, const guint8 *data, gsize size);

/* What the server has told of itself; from ready on. */
const MillRtmpCapabilities *mill_rtmp_client_get_capabilities (MillRtmpClient
        *client);

/* The message stream that publishes, from ready on. */
guint32 mill_rtmp_client_get_stream_id (MillRtmpClient *client);

/* Ends the stream in good order: FCUnpublish and deleteStream. */
void mill_rtmp_client_unpublish (MillRtmpClient *client);

/* The chunk stream on which @type is sent. */
guint mill_rtmp_client_chunk_stream (MillRtmpMessageType type);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRtmpClient, mill_rtmp_client_free)

G_END_DECLS
