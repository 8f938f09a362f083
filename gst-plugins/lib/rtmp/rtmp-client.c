/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-client.h"

#include <string.h>

#include "amf0.h"
#include "rtmp-chunk-reader.h"
#include "rtmp-chunk-writer.h"
#include "rtmp-session.h"
#include "rtmp-bytes.h"

#define DEFAULT_CHUNK_SIZE 4096
#define MAX_MESSAGE (1024 * 1024)
#define MAX_CHUNK_STREAMS 64
#define MAX_AMF_DEPTH 16

/* What answers refer to (section 7.2.1.2): the order of the requests. */
enum
{
  TRANSACTION_CONNECT = 1,
  TRANSACTION_RELEASE_STREAM,
  TRANSACTION_FC_PUBLISH,
  TRANSACTION_CREATE_STREAM,
  TRANSACTION_PUBLISH,
  TRANSACTION_FC_UNPUBLISH,
  TRANSACTION_DELETE_STREAM,
};

typedef enum
{
  STATE_FIRST, /* S0 and S1 are awaited */
  STATE_SECOND, /* S2 is awaited */
  STATE_OPEN,
  STATE_READY,
} State;

struct _MillRtmpClient
{
  gchar *app;
  gchar *name;
  gchar *tc_url;
  guint chunk_size;
  gboolean is_classic;
  MillRtmpCapabilities capabilities; /* of the server */
  const MillRtmpClientEvents *events;
  gpointer user_data;

  State state;
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

const guint8 *
mill_rtmp_client_peek_output (MillRtmpClient *client, gsize *ret_size)
{
  *ret_size = client->output->len - client->output_sent;
  return client->output->data + client->output_sent;
}

void
mill_rtmp_client_drop_output (MillRtmpClient *client, gsize size)
{
  client->output_sent += size;
  if (client->output_sent < client->output->len)
    return;
  g_byte_array_set_size (client->output, 0);
  client->output_sent = 0;
}

/* ---- commands ---- */

static void
send_control (MillRtmpClient *client, MillRtmpMessageType type,
    const guint8 *payload, gsize size)
{
  MillRtmpHeader header = {
    .chunk_stream = MILL_RTMP_CHUNK_STREAM_CONTROL,
    .type = type,
  };
  mill_rtmp_chunk_writer_write (client->writer, client->output, &header,
      payload, size);
}

static GByteArray *
begin_command (const gchar *name, guint transaction)
{
  GByteArray *body = g_byte_array_new ();
  mill_amf0_write_string (body, name);
  mill_amf0_write_number (body, transaction);
  return body;
}

static void
send_command (MillRtmpClient *client, guint32 stream_id, GByteArray *body)
{
  MillRtmpHeader header = {
    .chunk_stream = MILL_RTMP_CHUNK_STREAM_COMMAND,
    .type = MILL_RTMP_MESSAGE_COMMAND,
    .stream_id = stream_id,
  };
  mill_rtmp_chunk_writer_write (client->writer, client->output, &header,
      body->data, body->len);
  g_byte_array_unref (body);
}

/* releaseStream, FCPublish and FCUnpublish: null and the stream's name */
static void
send_named (MillRtmpClient *client, const gchar *command, guint transaction)
{
  GByteArray *body = begin_command (command, transaction);
  mill_amf0_write_null (body);
  mill_amf0_write_string (body, client->name);
  send_command (client, 0, body);
}

static void
write_member (GByteArray *body, const gchar *name, const gchar *string)
{
  mill_amf0_write_name (body, name);
  mill_amf0_write_string (body, string);
}

static void
send_connect (MillRtmpClient *client)
{
  GByteArray *body = begin_command ("connect", TRANSACTION_CONNECT);
  mill_amf0_write_object_begin (body);
  write_member (body, "app", client->app);
  write_member (body, "type", "nonprivate");
  write_member (body, "flashVer", "FMLE/3.0 (compatible; millrace)");
  write_member (body, "tcUrl", client->tc_url);
  if (!client->is_classic)
    mill_rtmp_capabilities_write (body);
  mill_amf0_write_object_end (body);
  send_command (client, 0, body);
}

static void
send_create_stream (MillRtmpClient *client)
{
  mill_rtmp_chunk_writer_set_chunk_size (client->writer, client->output,
      client->chunk_size);
  send_named (client, "releaseStream", TRANSACTION_RELEASE_STREAM);
  send_named (client, "FCPublish", TRANSACTION_FC_PUBLISH);
  GByteArray *body = begin_command ("createStream", TRANSACTION_CREATE_STREAM);
  mill_amf0_write_null (body);
  send_command (client, 0, body);
}

static void
send_publish (MillRtmpClient *client)
{
  GByteArray *body = begin_command ("publish", TRANSACTION_PUBLISH);
  mill_amf0_write_null (body);
  mill_amf0_write_string (body, client->name);
  mill_amf0_write_string (body, "live");
  send_command (client, client->stream_id, body);
}

void
mill_rtmp_client_unpublish (MillRtmpClient *client)
{
  send_named (client, "FCUnpublish", TRANSACTION_FC_UNPUBLISH);
  GByteArray *body = begin_command ("deleteStream", TRANSACTION_DELETE_STREAM);
  mill_amf0_write_null (body);
  mill_amf0_write_number (body, client->stream_id);
  send_command (client, 0, body);
  client->state = STATE_OPEN;
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

/* ---- answers ---- */

static gchar *
dup_member (const MillAmf0Value *object, const gchar *name)
{
  MillAmf0Value value;
  gchar *string = mill_amf0_lookup (object, name, &value)
      ? mill_amf0_dup_string (&value)
      : NULL;
  return string != NULL ? string : g_strdup ("");
}

static void
handle_reconnect (MillRtmpClient *client, const MillAmf0Value *info)
{
  MillAmf0Value value;
  g_autofree gchar *description = dup_member (info, "description");
  g_autofree gchar *tc_url = mill_amf0_lookup (info, "tcUrl", &value)
      ? mill_amf0_dup_string (&value)
      : NULL;
  if (client->events->reconnect != NULL)
    client->events->reconnect (client, tc_url, description, client->user_data);
}

static void
handle_status (MillRtmpClient *client, const MillAmf0Value *info,
    gboolean is_error)
{
  g_autofree gchar *level = dup_member (info, "level");
  g_autofree gchar *code = dup_member (info, "code");
  g_autofree gchar *description = dup_member (info, "description");
  if (is_error || g_str_equal (level, "error")) {
    if (client->events->refused != NULL)
      client->events->refused (client, code, description, client->user_data);
  } else if (g_str_equal (code, "NetStream.Publish.Start") &&
      client->state == STATE_OPEN) {
    client->state = STATE_READY;
    if (client->events->ready != NULL)
      client->events->ready (client, client->user_data);
  } else if (g_str_equal (code, "NetConnection.Connect.ReconnectRequest")) {
    handle_reconnect (client, info);
  }
}

static void
handle_result (MillRtmpClient *client, guint transaction,
    const MillAmf0Value *result)
{
  if (transaction == TRANSACTION_CONNECT) {
    send_create_stream (client);
  } else if (transaction == TRANSACTION_CREATE_STREAM &&
      result->type == MILL_AMF0_NUMBER) {
    client->stream_id = (guint32) result->number;
    send_publish (client);
  }
}

static gboolean
is_string (const MillAmf0Value *value, const gchar *string)
{
  return value->type == MILL_AMF0_STRING &&
      value->string_size == strlen (string) &&
      memcmp (value->string, string, value->string_size) == 0;
}

/* Servers put their capabilities into either object of the result. */
static void
read_capabilities (MillRtmpClient *client, const MillAmf0Value *properties,
    const MillAmf0Value *info)
{
  mill_rtmp_capabilities_read (info, &client->capabilities);
  if (!client->capabilities.is_enhanced)
    mill_rtmp_capabilities_read (properties, &client->capabilities);
}

/* Name, transaction, properties or null, then what it is about. */
static gboolean
handle_command (MillRtmpClient *client, const guint8 *data, gsize size,
    GError **error)
{
  MillAmf0Reader reader;
  mill_amf0_reader_init (&reader, data, size, MAX_AMF_DEPTH);
  MillAmf0Value values[4];
  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    values[i] = (MillAmf0Value){ .type = MILL_AMF0_NULL };
    if (!mill_amf0_at_end (&reader) &&
        !mill_amf0_read (&reader, &values[i], error))
      return FALSE;
  }
  guint transaction = 0;
  if (values[1].type == MILL_AMF0_NUMBER && values[1].number >= 0 &&
      values[1].number <= TRANSACTION_DELETE_STREAM)
    transaction = (guint) values[1].number;
  if (is_string (&values[0], "_result") && transaction == TRANSACTION_CONNECT)
    read_capabilities (client, &values[2], &values[3]);
  if (is_string (&values[0], "_result"))
    handle_result (client, transaction, &values[3]);
  else if (is_string (&values[0], "onStatus"))
    handle_status (client, &values[3], FALSE);
  else if (is_string (&values[0], "_error") &&
      (transaction == TRANSACTION_CONNECT ||
          transaction == TRANSACTION_CREATE_STREAM))
    handle_status (client, &values[3], TRUE);
  return TRUE;
}

static void
handle_user_control (MillRtmpClient *client, const guint8 *data, gsize size)
{
  if (size < 6 || mill_rtmp_read_u16 (data) != MILL_RTMP_CONTROL_PING_REQUEST)
    return;
  guint8 pong[6];
  memcpy (pong, data, sizeof pong);
  mill_rtmp_write_u16 (pong, MILL_RTMP_CONTROL_PING_RESPONSE);
  send_control (client, MILL_RTMP_MESSAGE_USER_CONTROL, pong, sizeof pong);
}

static gboolean
handle_message (MillRtmpClient *client, const MillRtmpHeader *header,
    GstBuffer *payload, GError **error)
{
  g_autoptr (GstBuffer) owned = payload;
  if (owned == NULL)
    return TRUE;
  gboolean ok = TRUE;
  GstMapInfo map;
  gst_buffer_map (owned, &map, GST_MAP_READ);
  if (header->type == MILL_RTMP_MESSAGE_COMMAND)
    ok = handle_command (client, map.data, map.size, error);
  else if (header->type == MILL_RTMP_MESSAGE_USER_CONTROL)
    handle_user_control (client, map.data, map.size);
  else if (header->type == MILL_RTMP_MESSAGE_WINDOW_SIZE && map.size >= 4)
    client->window = mill_rtmp_read_u32 (map.data);
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

static gboolean
feed_handshake (MillRtmpClient *client, MillRtmpBytes *bytes, GError **error)
{
  if (client->state == STATE_SECOND) {
    if (!take_handshake (client, bytes, MILL_RTMP_HANDSHAKE_SIZE))
      return TRUE;
    send_connect (client);
    client->state = STATE_OPEN;
  } else {
    if (!take_handshake (client, bytes, 1 + MILL_RTMP_HANDSHAKE_SIZE))
      return TRUE;
    const guint8 *first = client->handshake->data;
    if (!mill_rtmp_handshake_check_version (first[0], error))
      return FALSE;
    guint8 second[MILL_RTMP_HANDSHAKE_SIZE];
    mill_rtmp_handshake_make_second (second, first + 1,
        MILL_RTMP_HANDSHAKE_CLIENT, 0);
    g_byte_array_append (client->output, second, sizeof second);
    client->state = STATE_SECOND;
  }
  g_byte_array_set_size (client->handshake, 0);
  return TRUE;
}

static void
acknowledge (MillRtmpClient *client)
{
  if (client->window == 0 ||
      client->received - client->acknowledged < client->window)
    return;
  client->acknowledged = client->received;
  guint8 payload[4];
  mill_rtmp_write_u32 (payload, client->received);
  send_control (client, MILL_RTMP_MESSAGE_ACKNOWLEDGEMENT, payload,
      sizeof payload);
}

gboolean
mill_rtmp_client_feed (MillRtmpClient *client, const guint8 *data, gsize size,
    GError **error)
{
  MillRtmpBytes bytes = { data, size };
  client->received += (guint32) size;
  while (bytes.size > 0) {
    if (client->state < STATE_OPEN) {
      if (!feed_handshake (client, &bytes, error))
        return FALSE;
      continue;
    }
    MillRtmpHeader header;
    GstBuffer *payload;
    MillRtmpChunkResult result = mill_rtmp_chunk_reader_feed (client->reader,
        &bytes, &header, &payload, error);
    if (result == MILL_RTMP_CHUNK_FAILED)
      return FALSE;
    if (result == MILL_RTMP_CHUNK_MESSAGE &&
        !handle_message (client, &header, payload, error))
      return FALSE;
  }
  acknowledge (client);
  return TRUE;
}
