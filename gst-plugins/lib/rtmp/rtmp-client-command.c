/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The requests of a client and what a server answers: NetConnection and
 * NetStream commands (Adobe RTMP 1.0 section 7.2). */
#include "rtmp-client-private.h"

#include <string.h>

#include "amf0.h"
#include "bytes/bytes.h"
#include "rtmp-metadata.h"

#define MAX_AMF_DEPTH 16

/* What a server says is shown to people. */
#define MAX_TEXT 256
#define MAX_URL 1024

/* Section 5.4.4: how often a server is to acknowledge, and is acknowledged. */
#define WINDOW 2500000

/* Section 7.1.7, in ms: how much of a stream a server may send ahead. */
#define BUFFER_MS 1000

/* What answers refer to (section 7.2.1.2): the order of the requests. */
enum
{
  TRANSACTION_CONNECT = 1,
  TRANSACTION_RELEASE_STREAM,
  TRANSACTION_FC_PUBLISH,
  TRANSACTION_CREATE_STREAM,
  TRANSACTION_ASK, /* publish or play */
  TRANSACTION_FC_UNPUBLISH,
  TRANSACTION_DELETE_STREAM,
};

/* ---- requests ---- */

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

/* Section 7.2.1.1: only who plays has codecs to name: all that there are. */
static void
write_player (GByteArray *body)
{
  static const struct
  {
    const gchar *name;
    gdouble number;
  } members[] = {
    { "capabilities", 15 },
    { "audioCodecs", 0x0fff },
    { "videoCodecs", 0x00ff },
    { "videoFunction", 1 },
  };
  mill_amf0_write_name (body, "fpad");
  mill_amf0_write_boolean (body, FALSE);
  for (guint i = 0; i < G_N_ELEMENTS (members); i++) {
    mill_amf0_write_name (body, members[i].name);
    mill_amf0_write_number (body, members[i].number);
  }
}

void
mill_rtmp_client_command_connect (MillRtmpClient *client)
{
  gboolean plays = client->role == MILL_RTMP_CLIENT_PLAY;
  GByteArray *body = begin_command ("connect", TRANSACTION_CONNECT);
  mill_amf0_write_object_begin (body);
  write_member (body, "app", client->app);
  if (!plays)
    write_member (body, "type", "nonprivate");
  write_member (body, "flashVer",
      plays ? "LNX 9,0,124,2 (compatible; millrace)"
            : "FMLE/3.0 (compatible; millrace)");
  write_member (body, "tcUrl", client->tc_url);
  if (plays)
    write_player (body);
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
  guint8 window[4];
  mill_bytes_write_u32 (window, WINDOW);
  mill_rtmp_client_private_send_control (client, MILL_RTMP_MESSAGE_WINDOW_SIZE,
      window, sizeof window);
  if (client->role == MILL_RTMP_CLIENT_PUBLISH) {
    send_named (client, "releaseStream", TRANSACTION_RELEASE_STREAM);
    send_named (client, "FCPublish", TRANSACTION_FC_PUBLISH);
  }
  GByteArray *body = begin_command ("createStream", TRANSACTION_CREATE_STREAM);
  mill_amf0_write_null (body);
  send_command (client, 0, body);
}

static void
send_publish (MillRtmpClient *client)
{
  GByteArray *body = begin_command ("publish", TRANSACTION_ASK);
  mill_amf0_write_null (body);
  mill_amf0_write_string (body, client->name);
  mill_amf0_write_string (body, "live");
  send_command (client, client->stream_id, body);
}

/* Section 7.2.2.1: without a start a live stream, else a recorded one. */
static void
send_play (MillRtmpClient *client)
{
  GByteArray *body = begin_command ("play", TRANSACTION_ASK);
  mill_amf0_write_null (body);
  mill_amf0_write_string (body, client->name);
  send_command (client, client->stream_id, body);
  guint8 length[10];
  mill_bytes_write_u16 (length, MILL_RTMP_CONTROL_SET_BUFFER_LENGTH);
  mill_bytes_write_u32 (length + 2, client->stream_id);
  mill_bytes_write_u32 (length + 6, BUFFER_MS);
  mill_rtmp_client_private_send_control (client, MILL_RTMP_MESSAGE_USER_CONTROL,
      length, sizeof length);
}

void
mill_rtmp_client_command_unpublish (MillRtmpClient *client)
{
  if (client->role == MILL_RTMP_CLIENT_PUBLISH)
    send_named (client, "FCUnpublish", TRANSACTION_FC_UNPUBLISH);
  GByteArray *body = begin_command ("deleteStream", TRANSACTION_DELETE_STREAM);
  mill_amf0_write_null (body);
  mill_amf0_write_number (body, client->stream_id);
  send_command (client, 0, body);
  client->state = MILL_RTMP_CLIENT_OVER;
}

/* ---- news for the owner ---- */

void
mill_rtmp_client_command_set_ready (MillRtmpClient *client)
{
  client->state = MILL_RTMP_CLIENT_READY;
  if (client->events->ready != NULL)
    client->events->ready (client, client->user_data);
}

void
mill_rtmp_client_command_set_ended (MillRtmpClient *client)
{
  if (client->role != MILL_RTMP_CLIENT_PLAY ||
      client->state != MILL_RTMP_CLIENT_READY)
    return;
  client->state = MILL_RTMP_CLIENT_OVER;
  if (client->events->ended != NULL)
    client->events->ended (client, client->user_data);
}

/* The member as one clean line: it goes to logs and terminals. */
static gchar *
dup_member (const MillAmf0Value *object, const gchar *name, gsize max_size)
{
  MillAmf0Value value;
  g_autofree gchar *string = mill_amf0_lookup (object, name, &value)
      ? mill_amf0_dup_string (&value)
      : NULL;
  GString *line = g_string_new (NULL);
  for (const gchar *p = string; p != NULL && *p != '\0';
       p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    if (line->len + g_utf8_skip[*(const guchar *) p] > max_size)
      break;
    g_string_append_unichar (line, g_unichar_isprint (c) ? c : ' ');
  }
  return g_string_free (line, FALSE);
}

/* Enhanced RTMP v2, "Reconnect Request": until then all goes on as before. */
static void
handle_reconnect (MillRtmpClient *client, const MillAmf0Value *info)
{
  g_autofree gchar *url = dup_member (info, "tcUrl", MAX_URL);
  g_autofree gchar *description = dup_member (info, "description", MAX_TEXT);
  if (client->events->reconnect != NULL)
    client->events->reconnect (client, *url != '\0' ? url : NULL, description,
        client->user_data);
}

/* An error with `ex: { code: 302, redirect: URL }`, which no specification
 * has: the servers of Adobe and after them others. */
static gboolean
is_redirect (MillRtmpClient *client, const MillAmf0Value *info)
{
  MillAmf0Value ex;
  MillAmf0Value code;
  if (!mill_amf0_lookup (info, "ex", &ex) ||
      !mill_amf0_lookup (&ex, "code", &code) || code.type != MILL_AMF0_NUMBER ||
      code.number != 302)
    return FALSE;
  g_autofree gchar *url = dup_member (&ex, "redirect", MAX_URL);
  if (*url == '\0')
    return FALSE;
  client->state = MILL_RTMP_CLIENT_OVER;
  if (client->events->redirected != NULL)
    client->events->redirected (client, url, client->user_data);
  return TRUE;
}

static void
refuse (MillRtmpClient *client, const MillAmf0Value *info)
{
  if (is_redirect (client, info))
    return;
  g_autofree gchar *code = dup_member (info, "code", MAX_TEXT);
  g_autofree gchar *description = dup_member (info, "description", MAX_TEXT);
  client->state = MILL_RTMP_CLIENT_OVER;
  if (client->events->refused != NULL)
    client->events->refused (client, code, description, client->user_data);
}

/* ---- answers ---- */

static void
handle_status (MillRtmpClient *client, const MillAmf0Value *info)
{
  static const gchar *const starts[] = { "NetStream.Publish.Start",
    "NetStream.Play.Start" };
  static const gchar *const ends[] = { "NetStream.Play.UnpublishNotify",
    "NetStream.Play.Stop", "NetStream.Play.Complete", NULL };
  g_autofree gchar *level = dup_member (info, "level", MAX_TEXT);
  g_autofree gchar *code = dup_member (info, "code", MAX_TEXT);
  if (g_str_equal (code, "NetConnection.Connect.ReconnectRequest")) {
    handle_reconnect (client, info);
  } else if (g_str_equal (level, "error")) {
    refuse (client, info);
  } else if (client->state == MILL_RTMP_CLIENT_ASKING &&
      g_str_equal (code, starts[client->role])) {
    mill_rtmp_client_command_set_ready (client);
  } else if (g_strv_contains (ends, code)) {
    mill_rtmp_client_command_set_ended (client);
  }
}

static void
handle_result (MillRtmpClient *client, guint transaction,
    const MillAmf0Value *result)
{
  if (transaction == TRANSACTION_CONNECT &&
      client->state == MILL_RTMP_CLIENT_CONNECTING) {
    client->state = MILL_RTMP_CLIENT_CREATING;
    send_create_stream (client);
  } else if (transaction == TRANSACTION_CREATE_STREAM &&
      client->state == MILL_RTMP_CLIENT_CREATING &&
      result->type == MILL_AMF0_NUMBER && result->number >= 0 &&
      result->number <= G_MAXUINT32) {
    client->state = MILL_RTMP_CLIENT_ASKING;
    client->stream_id = (guint32) result->number;
    if (client->role == MILL_RTMP_CLIENT_PLAY)
      send_play (client);
    else
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
gboolean
mill_rtmp_client_command_handle (MillRtmpClient *client, const guint8 *data,
    gsize size, GError **error)
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
  if (client->state == MILL_RTMP_CLIENT_OVER)
    return TRUE;
  if (is_string (&values[0], "_result") && transaction == TRANSACTION_CONNECT)
    read_capabilities (client, &values[2], &values[3]);
  if (is_string (&values[0], "_result"))
    handle_result (client, transaction, &values[3]);
  else if (is_string (&values[0], "onStatus"))
    handle_status (client, &values[3]);
  else if (is_string (&values[0], "_error") &&
      (transaction == TRANSACTION_CONNECT ||
          transaction == TRANSACTION_CREATE_STREAM ||
          transaction == TRANSACTION_ASK))
    refuse (client, &values[3]);
  return TRUE;
}

void
mill_rtmp_client_command_handle_data (MillRtmpClient *client,
    const guint8 *data, gsize size)
{
  MillAmf0Reader reader;
  MillAmf0Value name;
  MillAmf0Value object;
  mill_amf0_reader_init (&reader, data, size, MAX_AMF_DEPTH);
  if (client->role != MILL_RTMP_CLIENT_PLAY ||
      client->state > MILL_RTMP_CLIENT_READY ||
      client->events->metadata == NULL ||
      !mill_amf0_read (&reader, &name, NULL))
    return;
  /* What a publisher sent may come with its first word. */
  if (is_string (&name, "@setDataFrame") &&
      !mill_amf0_read (&reader, &name, NULL))
    return;
  if (!is_string (&name, "onMetaData") ||
      !mill_amf0_read (&reader, &object, NULL))
    return;
  g_autoptr (GstStructure) metadata = mill_rtmp_metadata_new (&object);
  client->events->metadata (client, metadata, client->user_data);
}
