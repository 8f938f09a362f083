/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-capabilities.h"
#include "rtmp-handshake.h"
#include "rtmp-message.h"
#include "rtmp-session.h"

G_BEGIN_DECLS

/*
 * The client's side of one RTMP connection, without I/O like the session: it
 * publishes a stream or plays one. The server may be hostile: what it sends is
 * bounded, its texts are cut and cleaned, and it gets no answers that it does
 * not read.
 *
 * Threads: none of its own; one thread at a time may use a client.
 * Source: Adobe RTMP 1.0 section 7.2; Enhanced RTMP v2 for the request to
 * connect again.
 */
typedef struct _MillRtmpClient MillRtmpClient;

typedef enum
{
  MILL_RTMP_CLIENT_PUBLISH,
  MILL_RTMP_CLIENT_PLAY,
} MillRtmpClientRole;

/* Strings are copied. */
typedef struct
{
  const gchar *app; /* may have a query */
  const gchar *name; /* may have a query */
  const gchar *tc_url;
  MillRtmpHandshakeKind handshake;
  guint chunk_size; /* of what is sent after connect; 0: 4096 */
  gboolean is_classic; /* says nothing of Enhanced RTMP */
  MillRtmpClientRole role;
} MillRtmpClientOptions;

/**
 * MillRtmpClientEvents:
 * @ready: the server accepted: media may be sent, or will come
 * @refused: connect, publish or play was refused, or an error came later.
 *   @code and @description are what the server said, one line of at most 256
 *   bytes each; they may repeat the stream's name.
 * @reconnect: the server wants the stream to go on elsewhere, at the next
 *   keyframe; @tc_url: (nullable): absolute or relative, not checked; NULL: the
 *   same address
 * @media: (transfer full) @payload: as that of a session
 * @metadata: (transfer none): likewise
 * @redirected: the server refuses and names another place (code 302). @url is
 *   not checked.
 * @ended: who published the stream that is played has stopped
 *
 * Any may be NULL. None may free the client.
 */
typedef struct
{
  void (*ready) (MillRtmpClient *client, gpointer user_data);
  void (*refused) (MillRtmpClient *client, const gchar *code,
      const gchar *description, gpointer user_data);
  void (*reconnect) (MillRtmpClient *client, const gchar *tc_url,
      const gchar *description, gpointer user_data);
  void (*media) (MillRtmpClient *client, MillRtmpMediaType type,
      guint32 timestamp_ms, GstBuffer *payload, gpointer user_data);
  void (*metadata) (MillRtmpClient *client, const GstStructure *metadata,
      gpointer user_data);
  void (*redirected) (MillRtmpClient *client, const gchar *url,
      gpointer user_data);
  void (*ended) (MillRtmpClient *client, gpointer user_data);
} MillRtmpClientEvents;

/* @events is not copied: static. */
MillRtmpClient *mill_rtmp_client_new (const MillRtmpClientOptions *options,
    const MillRtmpClientEvents *events, gpointer user_data);
void mill_rtmp_client_free (MillRtmpClient *client);

/* Bytes from the server, all consumed; FALSE ends the connection.
 * Errors: MILL_RTMP_ERROR, MILL_RTMP_LIMIT_ERROR */
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

/* The message stream that publishes or plays, from ready on. */
guint32 mill_rtmp_client_get_stream_id (MillRtmpClient *client);

/* Ends the stream in good order: FCUnpublish (of a publisher), deleteStream. */
void mill_rtmp_client_unpublish (MillRtmpClient *client);

/* The chunk stream on which @type is sent. */
guint mill_rtmp_client_chunk_stream (MillRtmpMessageType type);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRtmpClient, mill_rtmp_client_free)

G_END_DECLS
