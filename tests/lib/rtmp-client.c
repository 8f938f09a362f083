/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What a client makes of the answers of servers, good and hostile ones. */
#include "rtmp-test.h"

#include <malloc.h>

#include "rtmp/amf0.h"
#include "rtmp/rtmp-chunk-writer.h"
#include "rtmp/rtmp-client.h"

typedef struct
{
  GByteArray *bytes;
  MillRtmpChunkWriter *writer;
} Script;

static void
script_send (Script *script, const MillRtmpHeader *header, const guint8 *data,
    gsize size)
{
  mill_rtmp_chunk_writer_write (script->writer, script->bytes, header, data,
      size);
}

/* S0, S1 and S2. */
static void
script_init (Script *script)
{
  static const guint8 handshake[1 + 2 * MILL_RTMP_HANDSHAKE_SIZE] = { 3 };
  script->bytes = g_byte_array_new ();
  script->writer = mill_rtmp_chunk_writer_new ();
  g_byte_array_append (script->bytes, handshake, sizeof handshake);
}

static void
script_clear (Script *script)
{
  g_byte_array_unref (script->bytes);
  mill_rtmp_chunk_writer_free (script->writer);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Script, script_clear)

static void
script_command (Script *script, GByteArray *body)
{
  MillRtmpHeader header = { .chunk_stream = 3,
    .type = MILL_RTMP_MESSAGE_COMMAND };
  script_send (script, &header, body->data, body->len);
}

/* _result of @transaction with null and @number */
static void
script_result (Script *script, guint transaction, gdouble number)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();
  mill_amf0_write_string (body, "_result");
  mill_amf0_write_number (body, transaction);
  mill_amf0_write_null (body);
  mill_amf0_write_number (body, number);
  script_command (script, body);
}

typedef struct
{
  const gchar *command;
  guint transaction;
  const gchar *level, *code, *description;
  const gchar *redirect; /* nullable */
  const gchar *tc_url; /* nullable */
} Status;

static void
write_member (GByteArray *body, const gchar *name, const gchar *string)
{
  if (string == NULL)
    return;
  mill_amf0_write_name (body, name);
  mill_amf0_write_string (body, string);
}

static void
script_status (Script *script, const Status *status)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();
  mill_amf0_write_string (body, status->command);
  mill_amf0_write_number (body, status->transaction);
  mill_amf0_write_null (body);
  mill_amf0_write_object_begin (body);
  write_member (body, "level", status->level);
  write_member (body, "code", status->code);
  write_member (body, "description", status->description);
  write_member (body, "tcUrl", status->tc_url);
  if (status->redirect != NULL) {
    mill_amf0_write_name (body, "ex");
    mill_amf0_write_object_begin (body);
    mill_amf0_write_name (body, "code");
    mill_amf0_write_number (body, 302);
    write_member (body, "redirect", status->redirect);
    mill_amf0_write_object_end (body);
  }
  mill_amf0_write_object_end (body);
  script_command (script, body);
}

/* The way to publish or play, as every server answers. */
static void
script_accept (Script *script, MillRtmpClientRole role)
{
  Status start = { .command = "onStatus",
    .level = "status",
    .code = role == MILL_RTMP_CLIENT_PLAY ? "NetStream.Play.Start"
                                          : "NetStream.Publish.Start" };
  script_result (script, 1, 0);
  script_result (script, 4, 1);
  script_status (script, &start);
}

/* ---- what the client says it saw ---- */

static void
on_ready (MillRtmpClient *client, gpointer user_data)
{
  g_string_append_printf (user_data, "ready %u\n",
      mill_rtmp_client_get_stream_id (client));
}

static void
on_refused (MillRtmpClient *client, const gchar *code, const gchar *description,
    gpointer user_data)
{
  g_string_append_printf (user_data, "refused %s|%s\n", code, description);
}

static void
on_media (MillRtmpClient *client, MillRtmpMediaType type, guint32 timestamp_ms,
    GstBuffer *payload, gpointer user_data)
{
  g_string_append_printf (user_data, "media %u @%u %" G_GSIZE_FORMAT "\n", type,
      timestamp_ms, gst_buffer_get_size (payload));
  gst_buffer_unref (payload);
}

static void
on_metadata (MillRtmpClient *client, const GstStructure *metadata,
    gpointer user_data)
{
  g_autofree gchar *text = gst_structure_to_string (metadata);
  g_string_append_printf (user_data, "%s\n", text);
}

static void
on_redirected (MillRtmpClient *client, const gchar *url, gpointer user_data)
{
  g_string_append_printf (user_data, "redirected %s\n", url);
}

static void
on_ended (MillRtmpClient *client, gpointer user_data)
{
  g_string_append (user_data, "ended\n");
}

static void
on_reconnect (MillRtmpClient *client, const gchar *tc_url,
    const gchar *description, gpointer user_data)
{
  g_string_append_printf (user_data, "reconnect %s\n",
      tc_url ? tc_url : "(same)");
}

static const MillRtmpClientEvents events = { on_ready, on_refused, on_reconnect,
  on_media, on_metadata, on_redirected, on_ended };

static MillRtmpClient *
new_client (MillRtmpClientRole role, GString *log)
{
  MillRtmpClientOptions options = { .app = "live",
    .name = "demo",
    .tc_url = "rtmp://h/live",
    .role = role };
  return mill_rtmp_client_new (&options, &events, log);
}

/* Feeds the script in pieces of @piece bytes and gives what was seen. */
static gchar *
run (const Script *script, MillRtmpClientRole role, gsize piece)
{
  GString *log = g_string_new (NULL);
  g_autoptr (MillRtmpClient) client = new_client (role, log);
  for (gsize done = 0; done < script->bytes->len; done += piece) {
    g_autoptr (GError) error = NULL;
    gsize size = MIN (piece, script->bytes->len - done);
    mill_rtmp_client_feed (client, script->bytes->data + done, size, &error);
    g_assert_no_error (error);
  }
  return g_string_free (log, FALSE);
}

static void
check (const Script *script, MillRtmpClientRole role, const gchar *expected)
{
  g_autofree gchar *whole = run (script, role, G_MAXUINT16);
  g_autofree gchar *bytes = run (script, role, 1);
  g_autofree gchar *odd = run (script, role, 97);
  g_assert_cmpstr (whole, ==, expected);
  g_assert_cmpstr (bytes, ==, expected);
  g_assert_cmpstr (odd, ==, expected);
}

/* ---- refusals and redirects ---- */

static void
test_answers (void)
{
  static const struct
  {
    gboolean is_connected;
    Status status;
    const gchar *expected;
  } cases[] = {
    /* section 7.2.1.1 */
    { FALSE,
        { "_error", 1, "error", "NetConnection.Connect.Rejected", "no app" },
        "refused NetConnection.Connect.Rejected|no app\n" },
    { FALSE,
        { "_error", 1, "error", "NetConnection.Connect.Rejected", "moved",
            "rtmp://other:1936/live/demo" },
        "redirected rtmp://other:1936/live/demo\n" },
    /* nobody asked: releaseStream and FCPublish may fail */
    { FALSE, { "_error", 2, "error", "x", "y" }, "" },
    { FALSE, { "_error", 3, "error", "x", "y" }, "" },
    /* section 7.2.2.6 */
    { TRUE, { "onStatus", 0, "error", "NetStream.Publish.BadName", "taken" },
        "ready 1\nrefused NetStream.Publish.BadName|taken\n" },
    { TRUE, { "onStatus", 0, "status", "NetStream.Unknown", "x" },
        "ready 1\n" },
    /* Enhanced RTMP v2, Reconnect Request */
    { TRUE,
        { "onStatus", 0, "status", "NetConnection.Connect.ReconnectRequest", "",
            NULL, "rtmps://b/live" },
        "ready 1\nreconnect rtmps://b/live\n" },
    { TRUE,
        { "onStatus", 0, "status", "NetConnection.Connect.ReconnectRequest",
            "" },
        "ready 1\nreconnect (same)\n" },
    /* texts are one clean line */
    { FALSE, { "_error", 1, "error", "A\nB", "\033[2Jx\r\ny" },
        "refused A B| [2Jx  y\n" },
    { FALSE, { "_error", 1, NULL, NULL, NULL }, "refused |\n" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (Script) script;
    script_init (&script);
    if (cases[i].is_connected)
      script_accept (&script, MILL_RTMP_CLIENT_PUBLISH);
    script_status (&script, &cases[i].status);
    /* what comes after it is not heard */
    Status late = { "onStatus", 0, "error", "late", "late" };
    if (strstr (cases[i].expected, "refused") ||
        strstr (cases[i].expected, "redirected"))
      script_status (&script, &late);
    check (&script, MILL_RTMP_CLIENT_PUBLISH, cases[i].expected);
  }
}

static void
test_long_texts (void)
{
  g_autofree gchar *text = g_strnfill (5000, 'x');
  Status status = { "_error", 1, "error", text, text };
  g_auto (Script) script;
  script_init (&script);
  script_status (&script, &status);
  g_autofree gchar *seen = run (&script, MILL_RTMP_CLIENT_PUBLISH, G_MAXUINT16);
  g_assert_cmpuint (strlen (seen), ==, strlen ("refused |\n") + 2 * 256);
}

/* Each answer counts once, and only for what was asked. */
static void
test_states (void)
{
  g_auto (Script) script;
  Status start = { "onStatus", 0, "status", "NetStream.Publish.Start", "" };
  Status play = { "onStatus", 0, "status", "NetStream.Play.Start", "" };
  script_init (&script);
  script_result (&script, 4, 7); /* before connect's */
  script_status (&script, &start);
  script_result (&script, 1, 0);
  script_result (&script, 1, 0);
  script_result (&script, 4, G_MAXDOUBLE);
  script_result (&script, 4, -1);
  script_result (&script, 4, 5);
  script_result (&script, 4, 6);
  script_status (&script, &play);
  script_status (&script, &start);
  script_status (&script, &start);
  check (&script, MILL_RTMP_CLIENT_PUBLISH, "ready 5\n");
}

/* ---- playing ---- */

static void
script_media (Script *script, guint type, guint32 timestamp_ms, gsize size)
{
  g_autofree guint8 *data = g_malloc0 (size);
  MillRtmpHeader header = { .chunk_stream = 6,
    .type = type,
    .stream_id = 1,
    .timestamp_ms = timestamp_ms };
  script_send (script, &header, data, size);
}

static void
script_control (Script *script, guint event, guint32 number)
{
  guint8 body[6] = { 0, (guint8) event, (guint8) (number >> 24),
    (guint8) (number >> 16), (guint8) (number >> 8), (guint8) number };
  MillRtmpHeader header = { .chunk_stream = 2,
    .type = MILL_RTMP_MESSAGE_USER_CONTROL };
  script_send (script, &header, body, sizeof body);
}

static void
script_metadata (Script *script)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();
  MillRtmpHeader header = { .chunk_stream = 5, .type = MILL_RTMP_MESSAGE_DATA };
  mill_amf0_write_string (body, "onMetaData");
  mill_amf0_write_ecma_array_begin (body, 1);
  mill_amf0_write_name (body, "width");
  mill_amf0_write_number (body, 640);
  mill_amf0_write_object_end (body);
  script_send (script, &header, body->data, body->len);
}

static void
test_play (void)
{
  g_autoptr (GByteArray) tags =
      bytes_from_hex ("09 000002 000010 00 000000 1701 0000000d"
                      "08 000001 000021 00 000000 af 0000000c");
  MillRtmpHeader header = { .chunk_stream = 6,
    .type = MILL_RTMP_MESSAGE_AGGREGATE,
    .stream_id = 1,
    .timestamp_ms = 1000 };
  g_auto (Script) script;
  script_init (&script);
  script_media (&script, MILL_RTMP_MESSAGE_VIDEO, 0, 5); /* nobody asked */
  script_accept (&script, MILL_RTMP_CLIENT_PLAY);
  script_metadata (&script);
  script_media (&script, MILL_RTMP_MESSAGE_VIDEO, 40, 5);
  /* larger than what may come before media */
  script_media (&script, MILL_RTMP_MESSAGE_VIDEO, 0x1000000, 200000);
  script_send (&script, &header, tags->data, tags->len);
  script_control (&script, MILL_RTMP_CONTROL_STREAM_EOF, 9); /* another's */
  script_control (&script, MILL_RTMP_CONTROL_STREAM_EOF, 1);
  script_media (&script, MILL_RTMP_MESSAGE_VIDEO, 80, 5);
  check (&script, MILL_RTMP_CLIENT_PLAY,
      "ready 1\n"
      "metadata, width=(double)640;\n"
      "media 9 @40 5\n"
      "media 9 @16777216 200000\n"
      "media 9 @1000 2\n"
      "media 8 @1017 1\n"
      "ended\n");
}

/* nginx-rtmp and others send the first pictures before they say Start. */
static void
test_play_early_media (void)
{
  g_auto (Script) script;
  Status start = { "onStatus", 0, "status", "NetStream.Play.Start", "" };
  Status gone = { "onStatus", 0, "status", "NetStream.Play.UnpublishNotify",
    "" };
  script_init (&script);
  script_result (&script, 1, 0);
  script_result (&script, 4, 1);
  script_media (&script, MILL_RTMP_MESSAGE_AUDIO, 0, 3);
  script_status (&script, &start);
  script_status (&script, &gone);
  check (&script, MILL_RTMP_CLIENT_PLAY, "ready 1\nmedia 8 @0 3\nended\n");
}

/* ---- hostile servers ---- */

/* What a publisher's server may send is small, whatever it announces. */
static void
test_limits (void)
{
  g_auto (Script) script;
  g_autoptr (GError) error = NULL;
  GString *log = g_string_new (NULL);
  g_autoptr (MillRtmpClient) client =
      new_client (MILL_RTMP_CLIENT_PUBLISH, log);
  script_init (&script);
  script_accept (&script, MILL_RTMP_CLIENT_PUBLISH);
  script_media (&script, MILL_RTMP_MESSAGE_VIDEO, 0, 65537);
  g_assert_false (mill_rtmp_client_feed (client, script.bytes->data,
      script.bytes->len, &error));
  g_assert_error (error, MILL_RTMP_LIMIT_ERROR, MILL_RTMP_LIMIT_MESSAGE_BYTES);
  g_string_free (log, TRUE);
}

/* A server that pings and reads nothing costs no memory. */
static void
test_ping_flood (void)
{
  g_auto (Script) script;
  GString *log = g_string_new (NULL);
  g_autoptr (MillRtmpClient) client =
      new_client (MILL_RTMP_CLIENT_PUBLISH, log);
  gsize size;
  script_init (&script);
  script_accept (&script, MILL_RTMP_CLIENT_PUBLISH);
  for (guint i = 0; i < 100000; i++)
    script_control (&script, MILL_RTMP_CONTROL_PING_REQUEST, i);
  g_assert_true (mill_rtmp_client_feed (client, script.bytes->data,
      script.bytes->len, NULL));
  mill_rtmp_client_peek_output (client, &size);
  g_assert_cmpuint (size, >, 100 * 1024);
  g_assert_cmpuint (size, <, 300 * 1024);
  /* once it reads, it is answered again */
  mill_rtmp_client_drop_output (client, size);
  g_autoptr (GByteArray) ping = bytes_from_hex ("c2 0006 00000001");
  g_assert_true (mill_rtmp_client_feed (client, ping->data, ping->len, NULL));
  mill_rtmp_client_peek_output (client, &size);
  g_assert_cmpuint (size, >, 0);
  g_string_free (log, TRUE);
}

/* A server whose link is a little too thin for the stream never has all of it:
 * hours of that may not add up. */
static void
test_thin_link (void)
{
  GString *log = g_string_new (NULL);
  g_autoptr (MillRtmpClient) client =
      new_client (MILL_RTMP_CLIENT_PUBLISH, log);
  g_autofree guint8 *frame = g_malloc0 (20 * 1000);
  struct mallinfo2 before = mallinfo2 ();
  for (guint i = 0; i < 5000; i++) { /* 100 MB */
    gsize size;
    mill_rtmp_client_peek_output (client, &size);
    g_assert_cmpuint (size, >, 0);
    if (size > 100 * 1000)
      mill_rtmp_client_drop_output (client, size - 80 * 1000);
    mill_rtmp_client_send (client, MILL_RTMP_MESSAGE_VIDEO, i, frame,
        20 * 1000);
  }
  struct mallinfo2 after = mallinfo2 ();
  g_assert_cmpuint (after.uordblks + after.hblkhd, <,
      before.uordblks + before.hblkhd + 1000 * 1000);
  g_string_free (log, TRUE);
}

static void
test_no_rtmp (void)
{
  g_autoptr (GError) error = NULL;
  GString *log = g_string_new (NULL);
  g_autoptr (MillRtmpClient) client =
      new_client (MILL_RTMP_CLIENT_PUBLISH, log);
  g_assert_false (mill_rtmp_client_feed (client, (const guint8 *) "HTTP/1.1", 8,
      &error));
  g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_HANDSHAKE);
  g_string_free (log, TRUE);
}

/* A connection that breaks anywhere leaves nothing behind. */
static void
test_truncated (void)
{
  g_auto (Script) script;
  script_init (&script);
  script_accept (&script, MILL_RTMP_CLIENT_PLAY);
  script_metadata (&script);
  script_media (&script, MILL_RTMP_MESSAGE_VIDEO, 40, 300);
  for (gsize size = 3000; size <= script.bytes->len; size++) {
    GString *log = g_string_new (NULL);
    g_autoptr (MillRtmpClient) client = new_client (MILL_RTMP_CLIENT_PLAY, log);
    g_assert_true (mill_rtmp_client_feed (client, script.bytes->data, size,
        NULL));
    g_assert_true (size == script.bytes->len || !strstr (log->str, "media"));
    g_string_free (log, TRUE);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  init_gstreamer ();
  g_test_add_func ("/rtmp-client/answers", test_answers);
  g_test_add_func ("/rtmp-client/long-texts", test_long_texts);
  g_test_add_func ("/rtmp-client/states", test_states);
  g_test_add_func ("/rtmp-client/play", test_play);
  g_test_add_func ("/rtmp-client/play-early-media", test_play_early_media);
  g_test_add_func ("/rtmp-client/limits", test_limits);
  g_test_add_func ("/rtmp-client/ping-flood", test_ping_flood);
  g_test_add_func ("/rtmp-client/thin-link", test_thin_link);
  g_test_add_func ("/rtmp-client/no-rtmp", test_no_rtmp);
  g_test_add_func ("/rtmp-client/truncated", test_truncated);
  return g_test_run ();
}
