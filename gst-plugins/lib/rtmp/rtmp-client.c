/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-client-private.h"

#include <string.h>

#include "rtmp-aggregate.h"
#include "bytes/bytes.h"
#include "rtmp-unsent.h"

#define DEFAULT_CHUNK_SIZE 4096
#define MAX_CHUNK_STREAMS 64

/* A server has little to say but media, which is a picture of 4K at most. */
#define MAX_MESSAGE (64 * 1024)
#define MAX_MEDIA_MESSAGE (16 * 1024 * 1024)

/* A server that reads nothing gets no more pongs and acknowledgements. */
#define MAX_UNREAD (256 * 1024)

static void
send_first (MillRtmpClient *client, MillRtmpHandshakeKind kind)
{
  guint8 packet[1 + MILL_RTMP_HANDSHAKE_SIZE] = { MILL_RTMP_HANDSHAKE_VERSION };
  mill_rtmp_handshake_make_first (packet + 1, kind, MILL_RTMP_HANDSHAKE_CLIENT,
      0);
  g_byte_array_append (client->output, packet, sizeof packet);
}

MillRtmpClient *
mill_rtmp_client_new (const MillRtmpClientOptions *options,
    const MillRtmpClientEvents *events, gpointer user_data)
{
  static const MillRtmpChunkLimits limits = {
    .max_chunk_bytes = 0xffffff,
    .max_chunk_streams = MAX_CHUNK_STREAMS,
  };
  MillRtmpClient *client = g_new0 (MillRtmpClient, 1);
  client->role = options->role;
  client->app = g_strdup (options->app);
  client->name = g_strdup (options->name);
  client->tc_url = g_strdup (options->tc_url);
  client->chunk_size = options->chunk_size != 0 ? options->chunk_size
                                                : DEFAULT_CHUNK_SIZE;
  client->is_classic = options->is_classic;
  client->events = events;
  client->user_data = user_data;
  client->handshake = g_byte_array_new ();
  client->reader = mill_rtmp_chunk_reader_new (&limits);
  mill_rtmp_chunk_reader_set_max_message (client->reader, MAX_MESSAGE);
  client->writer = mill_rtmp_chunk_writer_new ();
  client->output = g_byte_array_new ();
  send_first (client, options->handshake);
  return client;
}

void
mill_rtmp_client_free (MillRtmpClient *client)
{
  if (client == NULL)
    return;
  g_free (client->app);
  g_free (client->name);
  g_free (client->tc_url);
  g_byte_array_unref (client->handshake);
  mill_rtmp_chunk_reader_free (client->reader);
  mill_rtmp_chunk_writer_free (client->writer);
  g_byte_array_unref (client->output);
  g_free (client);
}

/* ---- output ---- */

const guint8 *
mill_rtmp_client_peek_output (MillRtmpClient *client, gsize *ret_size)
{
  *ret_size = client->output->len - client->output_sent;
  return client->output->data + client->output_sent;
}

void
mill_rtmp_client_drop_output (MillRtmpClient *client, gsize size)
{
  g_return_if_fail (size <= client->output->len - client->output_sent);
  client->output_sent =
      mill_rtmp_unsent_drop (client->output, client->output_sent, size);
}

void
mill_rtmp_client_private_send_control (MillRtmpClient *client,
    MillRtmpMessageType type, const guint8 *payload, gsize size)
{
  MillRtmpHeader header = {
    .chunk_stream = MILL_RTMP_CHUNK_STREAM_CONTROL,
    .type = type,
  };
  mill_rtmp_chunk_writer_write (client->writer, client->output, &header,
      payload, size);
}

static gboolean
may_reply (const MillRtmpClient *client)
{
  return client->output->len - client->output_sent <= MAX_UNREAD;
}

guint
mill_rtmp_client_chunk_stream (MillRtmpMessageType type)
{
  switch (type) {
    case MILL_RTMP_MESSAGE_AUDIO:
      return 4;
    case MILL_RTMP_MESSAGE_VIDEO:
      return 6;
    default:
      return 5;
  }
}

void
mill_rtmp_client_send (MillRtmpClient *client, MillRtmpMessageType type,
    guint32 timestamp_ms, const guint8 *data, gsize size)
{
  MillRtmpHeader header = {
    .chunk_stream = mill_rtmp_client_chunk_stream (type),
    .type = type,
    .stream_id = client->stream_id,
    .timestamp_ms = timestamp_ms,
  };
  mill_rtmp_chunk_writer_write (client->writer, client->output, &header, data,
      size);
}

void
mill_rtmp_client_unpublish (MillRtmpClient *client)
{
  mill_rtmp_client_command_unpublish (client);
}

const MillRtmpCapabilities *
mill_rtmp_client_get_capabilities (MillRtmpClient *client)
{
  return &client->capabilities;
}

guint32
mill_rtmp_client_get_stream_id (MillRtmpClient *client)
{
  return client->stream_id;
}

/* ---- messages ---- */

/* Some servers begin with the media and say that they do afterwards. */
static void
give_media (MillRtmpClient *client, const MillRtmpHeader *header,
    GstBuffer *payload)
{
  g_autoptr (GstBuffer) owned = payload;
  if (client->role != MILL_RTMP_CLIENT_PLAY || owned == NULL)
    return;
  if (client->state == MILL_RTMP_CLIENT_ASKING)
    mill_rtmp_client_command_set_ready (client);
  if (client->state == MILL_RTMP_CLIENT_READY && client->events->media != NULL)
    client->events->media (client, (MillRtmpMediaType) header->type,
        header->timestamp_ms, g_steal_pointer (&owned), client->user_data);
}

static gboolean
split_aggregate (MillRtmpClient *client, const MillRtmpHeader *header,
    GstBuffer *payload, const GstMapInfo *map, GError **error)
{
  MillRtmpAggregate aggregate;
  MillRtmpAggregatePart part;
  GError *broken = NULL;
  mill_rtmp_aggregate_init (&aggregate, header, map->data, map->size);
  while (mill_rtmp_aggregate_next (&aggregate, &part, &broken)) {
    gboolean is_media = part.header.type == MILL_RTMP_MESSAGE_AUDIO ||
        part.header.type == MILL_RTMP_MESSAGE_VIDEO;
    if (is_media && part.size > 0)
      give_media (client, &part.header,
          gst_buffer_copy_region (payload, GST_BUFFER_COPY_MEMORY, part.offset,
              part.size));
    else if (part.header.type == MILL_RTMP_MESSAGE_DATA)
      mill_rtmp_client_command_handle_data (client, map->data + part.offset,
          part.size);
  }
  if (broken == NULL)
    return TRUE;
  g_propagate_error (error, broken);
  return FALSE;
}

/* Section 7.1.7 */
static void
handle_user_control (MillRtmpClient *client, const guint8 *data, gsize size)
{
  if (size < 6)
    return;
  guint event = mill_bytes_read_u16 (data);
  if (event == MILL_RTMP_CONTROL_STREAM_EOF &&
      mill_bytes_read_u32 (data + 2) == client->stream_id)
    mill_rtmp_client_command_set_ended (client);
  if (event != MILL_RTMP_CONTROL_PING_REQUEST || !may_reply (client))
    return;
  guint8 pong[6];
  memcpy (pong, data, sizeof pong);
  mill_bytes_write_u16 (pong, MILL_RTMP_CONTROL_PING_RESPONSE);
  mill_rtmp_client_private_send_control (client, MILL_RTMP_MESSAGE_USER_CONTROL,
      pong, sizeof pong);
}

/* All but audio and video, whose payload is not looked at here. */
static gboolean
handle_mapped (MillRtmpClient *client, const MillRtmpHeader *header,
    GstBuffer *payload, const GstMapInfo *map, GError **error)
{
  switch (header->type) {
    case MILL_RTMP_MESSAGE_COMMAND:
      return mill_rtmp_client_command_handle (client, map->data, map->size,
          error);
    case MILL_RTMP_MESSAGE_COMMAND_AMF3:
      /* a marker, then AMF0 until a value says otherwise */
      return mill_rtmp_client_command_handle (client, map->data + 1,
          map->size - 1, error);
    case MILL_RTMP_MESSAGE_DATA:
      mill_rtmp_client_command_handle_data (client, map->data, map->size);
      return TRUE;
    case MILL_RTMP_MESSAGE_DATA_AMF3:
      mill_rtmp_client_command_handle_data (client, map->data + 1,
          map->size - 1);
      return TRUE;
    case MILL_RTMP_MESSAGE_AGGREGATE:
      return split_aggregate (client, header, payload, map, error);
    case MILL_RTMP_MESSAGE_USER_CONTROL:
      handle_user_control (client, map->data, map->size);
      return TRUE;
    case MILL_RTMP_MESSAGE_WINDOW_SIZE:
      if (map->size >= 4)
        client->window = mill_bytes_read_u32 (map->data);
      return TRUE;
    default:
      return TRUE; /* section 5.4: what is not known is passed over */
  }
}

static gboolean
handle_message (MillRtmpClient *client, const MillRtmpHeader *header,
    GstBuffer *payload, GError **error)
{
  if (header->type == MILL_RTMP_MESSAGE_AUDIO ||
      header->type == MILL_RTMP_MESSAGE_VIDEO) {
    give_media (client, header, payload);
    return TRUE;
  }
  g_autoptr (GstBuffer) owned = payload;
  if (owned == NULL)
    return TRUE;
  GstMapInfo map;
  gst_buffer_map (owned, &map, GST_MAP_READ);
  gboolean ok = handle_mapped (client, header, owned, &map, error);
  gst_buffer_unmap (owned, &map);
  return ok;
}

/* ---- input ---- */

/* S0 and S1, or S2, whole; what is left of @bytes follows. */
static gboolean
take_handshake (MillRtmpClient *client, MillRtmpBytes *bytes, gsize wanted)
{
  gsize size = MIN (bytes->size, wanted - client->handshake->len);
  g_byte_array_append (client->handshake, bytes->data, (guint) size);
  bytes->data += size;
  bytes->size -= size;
  return client->handshake->len == wanted;
}

/* A version is judged at once: what speaks something else is not waited for. */
static gboolean
feed_first (MillRtmpClient *client, MillRtmpBytes *bytes, GError **error)
{
  if (client->handshake->len == 0 &&
      !mill_rtmp_handshake_check_version (bytes->data[0], error))
    return FALSE;
  if (!take_handshake (client, bytes, 1 + MILL_RTMP_HANDSHAKE_SIZE))
    return TRUE;
  guint8 second[MILL_RTMP_HANDSHAKE_SIZE];
  mill_rtmp_handshake_make_second (second, client->handshake->data + 1,
      MILL_RTMP_HANDSHAKE_CLIENT, 0);
  g_byte_array_append (client->output, second, sizeof second);
  g_byte_array_set_size (client->handshake, 0);
  client->state = MILL_RTMP_CLIENT_SECOND;
  return TRUE;
}

static void
feed_second (MillRtmpClient *client, MillRtmpBytes *bytes)
{
  if (!take_handshake (client, bytes, MILL_RTMP_HANDSHAKE_SIZE))
    return;
  g_byte_array_set_size (client->handshake, 0);
  client->state = MILL_RTMP_CLIENT_CONNECTING;
  mill_rtmp_client_command_connect (client);
}

static gboolean
feed_messages (MillRtmpClient *client, MillRtmpBytes *bytes, GError **error)
{
  /* Only a server that was asked to play may send what is large. */
  mill_rtmp_chunk_reader_set_max_message (client->reader,
      client->role == MILL_RTMP_CLIENT_PLAY &&
              client->state >= MILL_RTMP_CLIENT_ASKING
          ? MAX_MEDIA_MESSAGE
          : MAX_MESSAGE);
  MillRtmpHeader header;
  GstBuffer *payload;
  switch (mill_rtmp_chunk_reader_feed (client->reader, bytes, &header, &payload,
      error)) {
    case MILL_RTMP_CHUNK_FAILED:
      return FALSE;
    case MILL_RTMP_CHUNK_MESSAGE:
      return handle_message (client, &header, payload, error);
    case MILL_RTMP_CHUNK_MORE:
    default:
      return TRUE;
  }
}

/* Section 5.4.3 */
static void
acknowledge (MillRtmpClient *client)
{
  if (client->window == 0 || !may_reply (client) ||
      client->received - client->acknowledged < client->window)
    return;
  client->acknowledged = client->received;
  guint8 payload[4];
  mill_bytes_write_u32 (payload, client->received);
  mill_rtmp_client_private_send_control (client,
      MILL_RTMP_MESSAGE_ACKNOWLEDGEMENT, payload, sizeof payload);
}

static gboolean
feed_step (MillRtmpClient *client, MillRtmpBytes *bytes, GError **error)
{
  if (client->state == MILL_RTMP_CLIENT_FIRST)
    return feed_first (client, bytes, error);
  if (client->state != MILL_RTMP_CLIENT_SECOND)
    return feed_messages (client, bytes, error);
  feed_second (client, bytes);
  return TRUE;
}

gboolean
mill_rtmp_client_feed (MillRtmpClient *client, const guint8 *data, gsize size,
    GError **error)
{
  MillRtmpBytes bytes = { data, size };
  client->received += (guint32) size;
  while (bytes.size > 0)
    if (!feed_step (client, &bytes, error))
      return FALSE;
  acknowledge (client);
  return TRUE;
}
