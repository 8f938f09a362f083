/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A session's answers to single messages: a fault here means that an encoder
 * waits for ever, or that a stranger's bytes are taken for a stream. */
#include "rtmp/rtmp-session.h"

#include "rtmp-session-test.h"
#include "rtmp/amf0.h"
#include "rtmp/rtmp-chunk-writer.h"
#include "rtmp/rtmp-handshake.h"
#include "bytes/bytes.h"

/* ---- a peer behind handshake and connect ---- */

typedef struct
{
  Server server;
  MillRtmpSession *session;
  MillRtmpChunkWriter *writer;
  GByteArray *out;
} Peer;

static void
peer_send (Peer *peer, guint type, guint32 stream_id, const GByteArray *body)
{
  MillRtmpHeader header = { .chunk_stream = 3,
    .type = type,
    .stream_id = stream_id,
    .timestamp_ms = 1000 };
  mill_rtmp_chunk_writer_write (peer->writer, peer->out, &header, body->data,
      body->len);
}

/* A command with a string or number for an argument (nullable). */
static void
peer_call (Peer *peer, const gchar *name, const gchar *argument)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();
  mill_amf0_write_string (body, name);
  mill_amf0_write_number (body, 9);
  if (g_str_equal (name, "connect")) {
    mill_amf0_write_object_begin (body);
    mill_amf0_write_name (body, "app");
    mill_amf0_write_string (body, "live");
    mill_amf0_write_object_end (body);
  } else {
    mill_amf0_write_null (body);
  }
  if (argument != NULL && g_ascii_isdigit (argument[0]))
    mill_amf0_write_number (body, g_ascii_strtod (argument, NULL));
  else if (argument != NULL)
    mill_amf0_write_string (body, argument);
  peer_send (peer, 20, 1, body);
}

static gboolean
peer_flush (Peer *peer, GError **error)
{
  gsize consumed;
  gboolean ok = mill_rtmp_session_feed (peer->session, peer->out->data,
      peer->out->len, &consumed, error);
  g_byte_array_set_size (peer->out, 0);
  return ok;
}

static Peer *
peer_new (const MillRtmpLimits *limits, gboolean publish)
{
  Peer *peer = g_new0 (Peer, 1);
  peer->server.log = g_string_new (NULL);
  peer->session = mill_rtmp_session_new (limits, &events, &peer->server);
  peer->writer = mill_rtmp_chunk_writer_new ();
  peer->out = g_byte_array_new ();
  g_byte_array_set_size (peer->out, 1 + 2 * MILL_RTMP_HANDSHAKE_SIZE);
  memset (peer->out->data, 0, peer->out->len);
  peer->out->data[0] = 3;
  peer_call (peer, "connect", NULL);
  if (publish)
    peer_call (peer, "publish", "demo");
  g_assert_true (peer_flush (peer, NULL));
  drop_output (peer->session);
  return peer;
}

static void
peer_free (Peer *peer)
{
  server_clear (&peer->server);
  mill_rtmp_session_free (peer->session);
  mill_rtmp_chunk_writer_free (peer->writer);
  g_byte_array_unref (peer->out);
  g_free (peer);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Peer, peer_free)

/* What the session answers: printable bytes as they are, others in hex. */
static gchar *
peer_answers (Peer *peer)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gsize size;
  const guint8 *data = mill_rtmp_session_peek_output (peer->session, &size);
  for (gsize i = 0; i < size; i++) {
    if (g_ascii_isprint (data[i]))
      g_string_append_c (text, (gchar) data[i]);
    else
      g_string_append_printf (text, "\\%02x", data[i]);
  }
  mill_rtmp_session_drop_output (peer->session, size);
  return g_strdup (text->str);
}

/* ---- messages ---- */

/* Each command gets the answer that encoders wait for. */
static void
test_commands (void)
{
  static const struct
  {
    const gchar *command, *argument;
    gboolean publishing;
    const gchar *answers[3]; /* all must be found */
    const gchar *log; /* what the owner is told */
  } cases[] = {
    { "createStream", NULL, FALSE, { "_result" }, "" },
    { "releaseStream", "demo", FALSE, { "_result" }, "" },
    { "FCPublish", "demo", FALSE,
        { "_result", "onFCPublish", "NetStream.Publish.Start" }, "" },
    { "_checkbw", NULL, FALSE, { "_result" }, "" },
    { "getStreamLength", "demo", FALSE, { "_result" }, "" },
    { "play", "demo", FALSE, { "onStatus", "error", "NetStream.Play.Failed" },
        "" },
    { "launchMissiles", NULL, FALSE, { "_error", "NetConnection.Call.Failed" },
        "" },
    { "publish", "demo", FALSE, { "onStatus", "NetStream.Publish.Start" },
        "publish app=live name=demo query=\n" },
    { "publish", "other", TRUE, { "onStatus", "NetStream.Publish.BadName" },
        "" },
    { "FCUnpublish", "demo", TRUE,
        { "onFCUnpublish", "NetStream.Unpublish.Success" }, "unpublish\n" },
    { "FCUnpublish", "demo", FALSE, { "onFCUnpublish" }, "" },
    { "deleteStream", "1", TRUE, { "NetStream.Unpublish.Success" },
        "unpublish\n" },
    { "deleteStream", "7", TRUE, { "" }, "" },
    { "closeStream", NULL, TRUE, { "NetStream.Unpublish.Success" },
        "unpublish\n" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s %s", cases[i].command,
        cases[i].publishing ? "while publishing" : "");
    g_autoptr (Peer) peer = peer_new (NULL, cases[i].publishing);
    g_string_set_size (peer->server.log, 0);
    peer_call (peer, cases[i].command, cases[i].argument);
    g_autoptr (GError) error = NULL;
    peer_flush (peer, &error);
    g_assert_no_error (error);
    g_autofree gchar *answers = peer_answers (peer);
    for (guint j = 0; j < 3 && cases[i].answers[j] != NULL; j++)
      g_assert_nonnull (strstr (answers, cases[i].answers[j]));
    if (g_str_equal (cases[i].answers[0], ""))
      g_assert_cmpstr (answers, ==, "");
    g_assert_cmpstr (peer->server.log->str, ==, cases[i].log);
  }
}

/* After its end a stream may be published again on the same connection. */
static void
test_publish_again (void)
{
  g_autoptr (Peer) peer = peer_new (NULL, TRUE);
  peer_call (peer, "FCUnpublish", "demo");
  peer_call (peer, "deleteStream", "1");
  peer_call (peer, "publish", "second?key=x");
  g_assert_true (peer_flush (peer, NULL));
  g_assert_cmpstr (peer->server.log->str, ==,
      "publish app=live name=demo query=\nunpublish\n"
      "publish app=live name=second query=key=x\n");
}

/* The command's marker byte of AMF3 messages, section 7.1.1 */
static void
test_amf3_command (void)
{
  g_autoptr (Peer) peer = peer_new (NULL, FALSE);
  g_autoptr (GByteArray) body = bytes_from_hex (
      "00 02 0007 7075626c697368 00 4014000000000000 05 02 0004 64656d6f");
  peer_send (peer, 17, 1, body);
  g_assert_true (peer_flush (peer, NULL));
  g_assert_cmpuint (peer->server.n_publish, ==, 1);
}

/* Section 7.1.7 */
static void
test_ping (void)
{
  g_autoptr (Peer) peer = peer_new (NULL, TRUE);
  g_autoptr (GByteArray) ping = bytes_from_hex ("0006 41424344");
  peer_send (peer, 4, 0, ping);
  g_assert_true (peer_flush (peer, NULL));
  g_autofree gchar *answers = peer_answers (peer);
  g_assert_nonnull (strstr (answers, "\\00\\07ABCD"));
}

/* Section 5.4.3: one acknowledgement per window, of all bytes so far. */
static void
test_acknowledgement (void)
{
  g_autoptr (Peer) peer = peer_new (NULL, TRUE);
  g_autoptr (GByteArray) window = bytes_from_hex ("00001388"); /* 5,000 */
  peer_send (peer, 5, 0, window);
  g_assert_true (peer_flush (peer, NULL));
  g_autofree gchar *none = peer_answers (peer);
  g_autoptr (GByteArray) frame = g_byte_array_new ();
  g_byte_array_set_size (frame, 1000);
  memset (frame->data, 0, frame->len);
  guint n_acknowledged = 0;
  for (guint i = 0; i < 25; i++) {
    peer_send (peer, 9, 1, frame);
    g_assert_true (peer_flush (peer, NULL));
    gsize size;
    const guint8 *data = mill_rtmp_session_peek_output (peer->session, &size);
    if (size == 0)
      continue;
    n_acknowledged++;
    /* the last four bytes of the output are the count */
    g_assert_cmpuint (mill_bytes_read_u32 (data + size - 4), >,
        3073 + i * 1000);
    g_assert_cmpuint (mill_bytes_read_u32 (data + size - 4), <,
        5000 + i * 1100);
    drop_output (peer->session);
  }
  g_assert_cmpuint (n_acknowledged, ==, 5);
}

/* Section 7.1.6: time stamps count from the first tag's. */
static void
test_aggregate (void)
{
  g_autoptr (Peer) peer = peer_new (NULL, TRUE);
  g_string_set_size (peer->server.log, 0);
  g_autoptr (GByteArray) body =
      bytes_from_hex ("09 000003 000064 00 000000 170102 0000000e"
                      "08 000002 00007b 00 000000 af01 0000000d"
                      "09 000001 000000 01 000000 17 0000000c");
  peer_send (peer, 22, 1, body);
  g_autoptr (GError) error = NULL;
  peer_flush (peer, &error);
  g_assert_no_error (error);
  g_auto (GStrv) lines = g_strsplit (peer->server.log->str, "\n", -1);
  g_assert_true (g_str_has_prefix (lines[0], "media 9 @1000 "));
  g_assert_true (g_str_has_suffix (lines[0], " 3"));
  g_assert_true (g_str_has_prefix (lines[1], "media 8 @1023 "));
  g_assert_true (g_str_has_prefix (lines[2], "media 9 @16778116 "));

  /* cut short at every byte: refused, or a tag less */
  for (guint size = 1; size < body->len; size++) {
    g_autoptr (Peer) other = peer_new (NULL, TRUE);
    g_autoptr (GByteArray) part = g_byte_array_new ();
    g_byte_array_append (part, body->data, size);
    peer_send (other, 22, 1, part);
    g_autoptr (GError) cut = NULL;
    if (!peer_flush (other, &cut))
      g_assert_error (cut, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL);
    else
      g_assert_cmpuint (other->server.n_video + other->server.n_audio, >, 0);
  }
}

/* What is no RTMP, or out of order, ends with words that say so. */
static void
test_garbage (void)
{
  static const struct
  {
    const gchar *bytes;
    const gchar *word;
  } cases[] = {
    { "GET / HTTP/1.1\r\n\r\n", "HTTP" },
    { "\x16\x03\x01", "TLS" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Server server = { 0 };
    g_autoptr (MillRtmpSession) session =
        mill_rtmp_session_new (NULL, &events, &server);
    gsize consumed;
    g_autoptr (GError) error = NULL;
    g_assert_false (mill_rtmp_session_feed (session,
        (const guint8 *) cases[i].bytes, strlen (cases[i].bytes), &consumed,
        &error));
    g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_HANDSHAKE);
    g_assert_nonnull (strstr (error->message, cases[i].word));
  }
  g_autoptr (Peer) twice = peer_new (NULL, FALSE);
  peer_call (twice, "connect", NULL);
  g_autoptr (GError) error = NULL;
  g_assert_false (peer_flush (twice, &error));
  g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL);
}

/* Metadata that cannot be read costs nobody the stream. */
static void
test_bad_metadata (void)
{
  g_autoptr (Peer) peer = peer_new (NULL, TRUE);
  g_string_set_size (peer->server.log, 0);
  g_autoptr (GByteArray) body =
      bytes_from_hex ("02 000a 6f6e4d65746144617461 08 00000001 0001 61 11");
  peer_send (peer, 18, 1, body);
  g_assert_true (peer_flush (peer, NULL));
  g_assert_cmpstr (peer->server.log->str, ==, "");
}

/* A thousand publishers must not hold a thousand buffers. */
static void
test_idle_has_no_output (void)
{
  g_autoptr (Peer) peer = peer_new (NULL, TRUE);
  gsize size;
  g_assert_null (mill_rtmp_session_peek_output (peer->session, &size));
  g_assert_cmpuint (size, ==, 0);
}

int
main (int argc, char **argv)
{
  init_gstreamer ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtmp/session/commands", test_commands);
  g_test_add_func ("/rtmp/session/publish-again", test_publish_again);
  g_test_add_func ("/rtmp/session/amf3-command", test_amf3_command);
  g_test_add_func ("/rtmp/session/ping", test_ping);
  g_test_add_func ("/rtmp/session/acknowledgement", test_acknowledgement);
  g_test_add_func ("/rtmp/session/aggregate", test_aggregate);
  g_test_add_func ("/rtmp/session/garbage", test_garbage);
  g_test_add_func ("/rtmp/session/bad-metadata", test_bad_metadata);
  g_test_add_func ("/rtmp/session/idle", test_idle_has_no_output);
  return g_test_run ();
}
