/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-command.h"

#include <string.h>

#include "amf0.h"
#include "bytes/bytes.h"

/* The answers' chunk size: most of them then fit one chunk. */
#define OUR_CHUNK_SIZE 4096

/* Window Ack Size and Set Peer Bandwidth in bytes (sections 5.4.4, 5.4.5): one
 * acknowledgement per some seconds of a stream. */
#define OUR_WINDOW 2500000
#define LIMIT_DYNAMIC 2

typedef struct
{
  MillRtmpSession *session;
  guint32 stream_id;
  gdouble transaction;
  MillAmf0Reader arguments; /* after the command object */
  MillAmf0Value object;
} Call;

/* ---- answers ---- */

static void
send_body (MillRtmpSession *session, guint32 stream_id, const GByteArray *body)
{
  MillRtmpHeader header = {
    .chunk_stream = MILL_RTMP_CHUNK_STREAM_COMMAND,
    .type = MILL_RTMP_MESSAGE_COMMAND,
    .stream_id = stream_id,
  };
  mill_rtmp_session_private_send (session, &header, body->data, body->len);
}

static void
write_member (GByteArray *body, const gchar *name, const gchar *string)
{
  mill_amf0_write_name (body, name);
  mill_amf0_write_string (body, string);
}

typedef struct
{
  const gchar *level; /* "status" or "error" */
  const gchar *code;
  const gchar *description;
} Status;

static void
write_status_members (GByteArray *body, const Status *status)
{
  write_member (body, "level", status->level);
  write_member (body, "code", status->code);
  write_member (body, "description", status->description);
}

/* onStatus and its like. Section 7.2.2: transaction 0. */
static void
send_status (MillRtmpSession *session, const gchar *command, guint32 stream_id,
    const Status *status)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();
  mill_amf0_write_string (body, command);
  mill_amf0_write_number (body, 0);
  mill_amf0_write_null (body);
  mill_amf0_write_object_begin (body);
  write_status_members (body, status);
  mill_amf0_write_object_end (body);
  send_body (session, stream_id, body);
}

/* _result with null and then @number (nullable: null again). A call with
 * transaction 0 wants no answer (section 7.2.1.2). */
static void
send_result (const Call *call, const gdouble *number)
{
  if (call->transaction == 0)
    return;
  g_autoptr (GByteArray) body = g_byte_array_new ();
  mill_amf0_write_string (body, "_result");
  mill_amf0_write_number (body, call->transaction);
  mill_amf0_write_null (body);
  if (number != NULL)
    mill_amf0_write_number (body, *number);
  else
    mill_amf0_write_null (body);
  send_body (call->session, 0, body);
}

static void
send_error (const Call *call, const gchar *code, const gchar *description)
{
  if (call->transaction == 0)
    return;
  Status status = { "error", code, description };
  g_autoptr (GByteArray) body = g_byte_array_new ();
  mill_amf0_write_string (body, "_error");
  mill_amf0_write_number (body, call->transaction);
  mill_amf0_write_null (body);
  mill_amf0_write_object_begin (body);
  write_status_members (body, &status);
  mill_amf0_write_object_end (body);
  send_body (call->session, 0, body);
}

static void
send_control (MillRtmpSession *session, MillRtmpMessageType type,
    const guint8 *payload, gsize size)
{
  MillRtmpHeader header = {
    .chunk_stream = MILL_RTMP_CHUNK_STREAM_CONTROL,
    .type = type,
  };
  mill_rtmp_session_private_send (session, &header, payload, size);
}

/* ---- arguments ---- */

/* @string: (nullable) */
static gboolean
check_string (const MillRtmpSession *session, const gchar *what,
    const gchar *string, GError **error)
{
  guint max_bytes = session->limits.max_string_bytes;
  if (string == NULL || strlen (string) <= max_bytes)
    return TRUE;
  g_set_error (error, MILL_RTMP_LIMIT_ERROR, MILL_RTMP_LIMIT_STRING_BYTES,
      "%s: got %" G_GSIZE_FORMAT " bytes, expected at most %u", what,
      strlen (string), max_bytes);
  return FALSE;
}

/* The next argument as a string; NULL when there is none or it is no string.
 * Errors: MILL_RTMP_LIMIT_STRING_BYTES */
static gboolean
read_string (Call *call, const gchar *what, gchar **ret_string, GError **error)
{
  g_autofree gchar *string = NULL;
  if (!mill_amf0_at_end (&call->arguments)) {
    MillAmf0Value value;
    if (!mill_amf0_read (&call->arguments, &value, error))
      return FALSE;
    string = mill_amf0_dup_string (&value);
  }
  if (!check_string (call->session, what, string, error))
    return FALSE;
  *ret_string = g_steal_pointer (&string);
  return TRUE;
}

/* A string member of the command object, cut short after @max_bytes. */
static gchar *
dup_member (const Call *call, const gchar *name, gsize max_bytes)
{
  MillAmf0Value value;
  if (!mill_amf0_lookup (&call->object, name, &value))
    return NULL;
  value.string_size = MIN (value.string_size, max_bytes);
  return mill_amf0_dup_string (&value);
}

/* "name?query": the query goes into a string of its own, which may be "". */
static gchar *
split_query (gchar *string)
{
  gchar *mark = strchr (string, '?');
  if (mark == NULL)
    return g_strdup ("");
  *mark = '\0';
  return g_strdup (mark + 1);
}

/* ---- connect ---- */

static void
send_connected (const Call *call)
{
  MillRtmpSession *session = call->session;
  guint8 window[5];
  mill_bytes_write_u32 (window, OUR_WINDOW);
  window[4] = LIMIT_DYNAMIC;
  send_control (session, MILL_RTMP_MESSAGE_WINDOW_SIZE, window, 4);
  send_control (session, MILL_RTMP_MESSAGE_PEER_BANDWIDTH, window, 5);
  mill_rtmp_session_private_send_chunk_size (session, OUR_CHUNK_SIZE);

  Status status = { "status", "NetConnection.Connect.Success",
    "Connection succeeded." };
  g_autoptr (GByteArray) body = g_byte_array_new ();
  mill_amf0_write_string (body, "_result");
  mill_amf0_write_number (body, call->transaction);
  mill_amf0_write_object_begin (body);
  /* Some encoders look for this form before they use releaseStream and
   * FCPublish. */
  write_member (body, "fmsVer", "FMS/3,0,1,123");
  mill_amf0_write_name (body, "capabilities");
  mill_amf0_write_number (body, 31);
  mill_amf0_write_object_end (body);
  mill_amf0_write_object_begin (body);
  write_status_members (body, &status);
  mill_amf0_write_name (body, "objectEncoding");
  mill_amf0_write_number (body, 0);
  /* Who does not ask gets the answer that encoders have known for long. */
  if (session->capabilities.is_enhanced)
    mill_rtmp_capabilities_write (body);
  mill_amf0_write_object_end (body);
  send_body (session, 0, body);
}

/* Section 7.2.1.1. "live/?a=b" is the application "live". */
static gboolean
handle_connect (Call *call, GError **error)
{
  MillRtmpSession *session = call->session;
  if (session->state != MILL_RTMP_STATE_OPEN) {
    g_set_error_literal (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "command 'connect': got a second one, expected one per connection");
    return FALSE;
  }
  gsize max_bytes = session->limits.max_string_bytes;
  /* Whole, since who may publish hangs on it. */
  g_autofree gchar *app = dup_member (call, "app", G_MAXSIZE);
  if (app == NULL) {
    g_set_error_literal (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "command 'connect': got no app, expected the name of an application");
    return FALSE;
  }
  if (!check_string (session, "application", app, error))
    return FALSE;
  session->app_query = split_query (app);
  gsize size = strlen (app);
  while (size > 0 && app[size - 1] == '/')
    app[--size] = '\0';
  session->app = g_steal_pointer (&app);
  session->tc_url = dup_member (call, "tcUrl", max_bytes);
  session->flash_version = dup_member (call, "flashVer", max_bytes);
  mill_rtmp_capabilities_read (&call->object, &session->capabilities);
  session->state = MILL_RTMP_STATE_CONNECTED;
  send_connected (call);
  return TRUE;
}

/* ---- streams ---- */

static gboolean
handle_create_stream (Call *call, GError **error)
{
  gdouble id = ++call->session->last_stream_id;
  send_result (call, &id);
  return TRUE;
}

/* Commands that want no more than an answer. */
static gboolean
handle_ignored (Call *call, GError **error)
{
  send_result (call, NULL);
  return TRUE;
}

static gboolean
handle_get_stream_length (Call *call, GError **error)
{
  gdouble live = 0;
  send_result (call, &live);
  return TRUE;
}

static gboolean
handle_fc_publish (Call *call, GError **error)
{
  g_autofree gchar *name = NULL;
  if (!read_string (call, "stream name", &name, error))
    return FALSE;
  send_result (call, NULL);
  Status status = { "status", "NetStream.Publish.Start",
    name != NULL ? name : "" };
  send_status (call->session, "onFCPublish", 0, &status);
  return TRUE;
}

static void
set_published_name (MillRtmpSession *session, gchar *name)
{
  g_free (session->name);
  g_free (session->query);
  session->query = split_query (name);
  session->name = name;
  if (session->query[0] != '\0')
    return;
  const gchar *query = session->app_query;
  if (query[0] == '\0' && session->tc_url != NULL) {
    const gchar *mark = strchr (session->tc_url, '?');
    query = mark != NULL ? mark + 1 : "";
  }
  g_free (session->query);
  session->query = g_strdup (query);
}

/* Section 7.2.2.6. The types "record" and "append" are live here: whether a
 * stream is recorded is the server's to say. */
static gboolean
handle_publish (Call *call, GError **error)
{
  MillRtmpSession *session = call->session;
  g_autofree gchar *name = NULL;
  if (!read_string (call, "stream name", &name, error))
    return FALSE;
  if (session->state == MILL_RTMP_STATE_PUBLISHING) {
    Status status = { "error", "NetStream.Publish.BadName",
      "This connection publishes already." };
    send_status (session, "onStatus", call->stream_id, &status);
    return TRUE;
  }
  set_published_name (session,
      name != NULL ? g_steal_pointer (&name) : g_strdup (""));
  session->stream_id = call->stream_id;
  session->state = MILL_RTMP_STATE_ASKING;
  MillRtmpPublish publish = {
    .app = session->app,
    .name = session->name,
    .query = session->query,
    .tc_url = session->tc_url,
    .flash_version = session->flash_version,
    .capabilities = session->capabilities,
  };
  if (session->events->publish != NULL)
    session->events->publish (session, &publish, session->user_data);
  return TRUE;
}

static void
end_publishing (MillRtmpSession *session)
{
  if (session->state != MILL_RTMP_STATE_PUBLISHING)
    return;
  session->state = MILL_RTMP_STATE_CONNECTED;
  session->before_publish = 0;
  session->commands_before_publish = 0;
  mill_rtmp_session_private_limit_messages (session);
  Status status = { "status", "NetStream.Unpublish.Success",
    "Publishing ended." };
  send_status (session, "onStatus", session->stream_id, &status);
  if (session->events->unpublish != NULL)
    session->events->unpublish (session, session->user_data);
}

static gboolean
handle_fc_unpublish (Call *call, GError **error)
{
  g_autofree gchar *name = NULL;
  if (!read_string (call, "stream name", &name, error))
    return FALSE;
  send_result (call, NULL);
  Status status = { "status", "NetStream.Unpublish.Success",
    name != NULL ? name : "" };
  send_status (call->session, "onFCUnpublish", 0, &status);
  end_publishing (call->session);
  return TRUE;
}

static gboolean
handle_close_stream (Call *call, GError **error)
{
  if (call->stream_id == call->session->stream_id)
    end_publishing (call->session);
  return TRUE;
}

/* Section 7.2.2.3 */
static gboolean
handle_delete_stream (Call *call, GError **error)
{
  MillAmf0Value id = { .type = MILL_AMF0_NULL };
  if (!mill_amf0_at_end (&call->arguments) &&
      !mill_amf0_read (&call->arguments, &id, error))
    return FALSE;
  if (id.type != MILL_AMF0_NUMBER || id.number == call->session->stream_id)
    end_publishing (call->session);
  return TRUE;
}

static gboolean
handle_play (Call *call, GError **error)
{
  Status status = { "error", "NetStream.Play.Failed",
    "This server takes streams by RTMP and gives them by HLS and DASH." };
  send_status (call->session, "onStatus", call->stream_id, &status);
  return TRUE;
}

/* Answers to us, which asked nothing that matters. */
static gboolean
handle_answer (Call *call, GError **error)
{
  return TRUE;
}

static gboolean
handle_unknown (Call *call, GError **error)
{
  send_error (call, "NetConnection.Call.Failed", "Unknown command.");
  return TRUE;
}

typedef struct
{
  const gchar *name;
  gboolean (*handle) (Call *call, GError **error);
  MillRtmpState from; /* the earliest state in which it is allowed */
} Command;

static const Command commands[] = {
  { "connect", handle_connect, MILL_RTMP_STATE_OPEN },
  { "createStream", handle_create_stream, MILL_RTMP_STATE_CONNECTED },
  { "releaseStream", handle_ignored, MILL_RTMP_STATE_CONNECTED },
  { "FCPublish", handle_fc_publish, MILL_RTMP_STATE_CONNECTED },
  { "publish", handle_publish, MILL_RTMP_STATE_CONNECTED },
  { "FCUnpublish", handle_fc_unpublish, MILL_RTMP_STATE_CONNECTED },
  { "closeStream", handle_close_stream, MILL_RTMP_STATE_CONNECTED },
  { "deleteStream", handle_delete_stream, MILL_RTMP_STATE_CONNECTED },
  { "getStreamLength", handle_get_stream_length, MILL_RTMP_STATE_CONNECTED },
  { "_checkbw", handle_ignored, MILL_RTMP_STATE_OPEN },
  { "checkBandwidth", handle_ignored, MILL_RTMP_STATE_OPEN },
  { "play", handle_play, MILL_RTMP_STATE_CONNECTED },
  { "play2", handle_play, MILL_RTMP_STATE_CONNECTED },
  { "_result", handle_answer, MILL_RTMP_STATE_OPEN },
  { "_error", handle_answer, MILL_RTMP_STATE_OPEN },
  { "onStatus", handle_answer, MILL_RTMP_STATE_OPEN },
};

static const Command unknown = { "", handle_unknown, MILL_RTMP_STATE_OPEN };

static const Command *
find_command (const MillAmf0Value *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
    if (strlen (commands[i].name) == name->string_size &&
        memcmp (commands[i].name, name->string, name->string_size) == 0)
      return &commands[i];
  }
  return &unknown;
}

/* Section 7.2: name, transaction, command object, then arguments. Some leave
 * out what they do not need from the end. */
static gboolean
read_call (Call *call, MillAmf0Value *ret_name, GError **error)
{
  MillAmf0Value transaction = { .type = MILL_AMF0_NULL };
  call->object.type = MILL_AMF0_NULL;
  if (!mill_amf0_read (&call->arguments, ret_name, error))
    return FALSE;
  if (!mill_amf0_at_end (&call->arguments) &&
      !mill_amf0_read (&call->arguments, &transaction, error))
    return FALSE;
  if (!mill_amf0_at_end (&call->arguments) &&
      !mill_amf0_read (&call->arguments, &call->object, error))
    return FALSE;
  if (ret_name->type != MILL_AMF0_STRING) {
    g_set_error_literal (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "command message: got another type first, expected a string");
    return FALSE;
  }
  if (transaction.type == MILL_AMF0_NUMBER)
    call->transaction = transaction.number;
  return TRUE;
}

static gboolean
count_command (MillRtmpSession *session, GError **error)
{
  guint max_commands = session->limits.max_commands_before_publish;
  if (session->state > MILL_RTMP_STATE_CONNECTED ||
      session->commands_before_publish++ < max_commands)
    return TRUE;
  g_set_error (error, MILL_RTMP_LIMIT_ERROR,
      MILL_RTMP_LIMIT_COMMANDS_BEFORE_PUBLISH,
      "got one more than %u without publish, expected publish", max_commands);
  return FALSE;
}

gboolean
mill_rtmp_command_handle (MillRtmpSession *session, guint32 stream_id,
    const guint8 *data, gsize size, GError **error)
{
  Call call = { .session = session, .stream_id = stream_id };
  mill_rtmp_session_private_init_amf (session, &call.arguments, data, size);
  MillAmf0Value name;
  if (!count_command (session, error) || !read_call (&call, &name, error)) {
    g_prefix_error (error, "command message: ");
    return FALSE;
  }
  const Command *command = find_command (&name);
  if (session->state < command->from) {
    g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "command '%s': got it before connect, expected connect first",
        command->name);
    return FALSE;
  }
  if (!command->handle (&call, error)) {
    g_prefix_error (error, "command '%s': ", command->name);
    return FALSE;
  }
  return TRUE;
}

void
mill_rtmp_command_send_accepted (MillRtmpSession *session)
{
  guint8 begin[6];
  mill_bytes_write_u16 (begin, MILL_RTMP_CONTROL_STREAM_BEGIN);
  mill_bytes_write_u32 (begin + 2, session->stream_id);
  send_control (session, MILL_RTMP_MESSAGE_USER_CONTROL, begin, sizeof begin);
  Status status = { "status", "NetStream.Publish.Start", "Publishing." };
  send_status (session, "onStatus", session->stream_id, &status);
}

void
mill_rtmp_command_send_refused (MillRtmpSession *session, const gchar *code,
    const gchar *description)
{
  Status status = { "error", code, description };
  send_status (session, "onStatus", session->stream_id, &status);
}

/* Enhanced RTMP v2, "Reconnect Request": of the connection, not of a stream. */
void
mill_rtmp_command_send_reconnect (MillRtmpSession *session, const gchar *tc_url,
    const gchar *description)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();
  mill_amf0_write_string (body, "onStatus");
  mill_amf0_write_number (body, 0);
  mill_amf0_write_null (body);
  mill_amf0_write_object_begin (body);
  write_member (body, "level", "status");
  write_member (body, "code", "NetConnection.Connect.ReconnectRequest");
  if (description != NULL)
    write_member (body, "description", description);
  if (tc_url != NULL)
    write_member (body, "tcUrl", tc_url);
  mill_amf0_write_object_end (body);
  send_body (session, 0, body);
}
