/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A publisher's session: a fault here means that an encoder cannot publish, or
 * that its pictures arrive damaged. */
#include "rtmp/rtmp-session.h"

#include "rtmp-session-test.h"
#include "rtmp/amf0.h"
#include "rtmp/rtmp-client.h"

/* ---- real publishers ---- */

static void
test_captures (void)
{
  static const TestSplit splits[] = { split_whole, split_bytes, split_random };
  for (guint i = 0; i < G_N_ELEMENTS (captures); i++) {
    g_autoptr (GByteArray) bytes = bytes_from_data_file (captures[i].file);
    g_autofree gchar *first = NULL;
    for (guint j = 0; j < G_N_ELEMENTS (splits); j++) {
      g_test_message ("%s, split %u", captures[i].file, j);
      g_auto (Server) server = { .log = g_string_new (NULL) };
      g_autoptr (MillRtmpSession) session =
          mill_rtmp_session_new (NULL, &events, &server);
      g_autoptr (GError) error = NULL;
      feed_pieces (session, bytes, splits[j], &error);
      g_assert_no_error (error);
      g_assert_true (g_str_has_prefix (server.log->str, captures[i].publish));
      g_assert_cmpuint (server.n_audio, ==, captures[i].n_audio);
      g_assert_cmpuint (server.n_video, ==, captures[i].n_video);
      g_assert_cmpuint (server.n_unpublish, ==, captures[i].n_unpublish);
      if (first == NULL)
        first = g_strdup (server.log->str);
      g_assert_cmpstr (server.log->str, ==, first);
    }
  }
}

/* A connection that breaks anywhere is no error, and shows only what came. */
static void
test_truncated (void)
{
  g_autoptr (GByteArray) bytes = bytes_from_data_file (captures[0].file);
  g_auto (Server) whole = { .log = g_string_new (NULL) };
  g_autoptr (MillRtmpSession) all =
      mill_rtmp_session_new (NULL, &events, &whole);
  g_assert_true (feed_pieces (all, bytes, split_whole, NULL));
  for (gsize size = 0; size < bytes->len; size++) {
    g_auto (Server) server = { .log = g_string_new (NULL) };
    g_autoptr (MillRtmpSession) session =
        mill_rtmp_session_new (NULL, &events, &server);
    g_autofree guint8 *piece = g_memdup2 (bytes->data, size);
    gsize consumed;
    g_autoptr (GError) error = NULL;
    mill_rtmp_session_feed (session, piece, size, &consumed, &error);
    g_assert_no_error (error);
    g_assert_true (g_str_has_prefix (whole.log->str, server.log->str));
  }
}

/* ---- our own publisher against our own server ---- */

typedef struct
{
  gboolean ready;
  GString *refusal;
} Publisher;

static void
on_ready (MillRtmpClient *client, gpointer user_data)
{
  ((Publisher *) user_data)->ready = TRUE;
}

static void
on_refused (MillRtmpClient *client, const gchar *code, const gchar *description,
    gpointer user_data)
{
  Publisher *publisher = user_data;
  g_string_append_printf (publisher->refusal, "%s: %s", code, description);
}

static const MillRtmpClientEvents client_events = { on_ready, on_refused };

/* Carries bytes to and fro until both sides are silent; what the client said
 * is appended to @record (nullable). */
static void
exchange (MillRtmpClient *client, MillRtmpSession *session, GByteArray *record)
{
  for (gsize moved = 1; moved > 0;) {
    g_autoptr (GError) error = NULL;
    gsize size;
    gsize consumed;
    const guint8 *data = mill_rtmp_client_peek_output (client, &size);
    if (record != NULL)
      g_byte_array_append (record, data, (guint) size);
    mill_rtmp_session_feed (session, data, size, &consumed, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (consumed, ==, size);
    mill_rtmp_client_drop_output (client, size);
    moved = size;
    data = mill_rtmp_session_peek_output (session, &size);
    mill_rtmp_client_feed (client, data, size, &error);
    g_assert_no_error (error);
    mill_rtmp_session_drop_output (session, size);
    moved += size;
  }
}

/* Adobe's and Elemental's form, one without a section, and one with a damaged
 * one: cue points of others, of which nothing is known. */
static void
send_cues (MillRtmpClient *client)
{
  static const gchar *const cues[][3] = {
    { "onAdCue", NULL,
        "/DAvAAAAAAAA///wFAVIAACPf+/+c2nALv4AUsz1AAAAAAAKAAhDVUVJAAABNWLbowo=" },
    { "onCuePoint", "parameters",
        "/DAvAAAAAAAA///wBQb+dGKQoAAZAhdDVUVJSAAAjn+fCAgAAAAALKChijUCAKnMZ1g=" },
    { "onCuePoint", "parameters", "com.example.cuepoint" },
    { "onAdCue", NULL,
        "/DAvAAAAAAAA///wFAVIAACPf+/+c2nALv4AUsz1AAAAAAAKAAhDVUVJAAABNWLbowp=" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cues); i++) {
    g_autoptr (GByteArray) data = g_byte_array_new ();
    mill_amf0_write_string (data, cues[i][0]);
    mill_amf0_write_object_begin (data);
    mill_amf0_write_name (data, "type");
    mill_amf0_write_string (data, "SCTE-35");
    if (cues[i][1] != NULL) {
      mill_amf0_write_name (data, cues[i][1]);
      mill_amf0_write_object_begin (data);
    }
    mill_amf0_write_name (data, "cue");
    mill_amf0_write_string (data, cues[i][2]);
    if (cues[i][1] != NULL)
      mill_amf0_write_object_end (data);
    mill_amf0_write_object_end (data);
    mill_rtmp_client_send (client, MILL_RTMP_MESSAGE_DATA, 0, data->data,
        data->len);
  }
}

static void
send_show (MillRtmpClient *client)
{
  g_autoptr (GByteArray) metadata = g_byte_array_new ();
  mill_amf0_write_string (metadata, "@setDataFrame");
  mill_amf0_write_string (metadata, "onMetaData");
  mill_amf0_write_ecma_array_begin (metadata, 3);
  mill_amf0_write_name (metadata, "width");
  mill_amf0_write_number (metadata, 1920);
  mill_amf0_write_name (metadata, "stereo");
  mill_amf0_write_boolean (metadata, TRUE);
  mill_amf0_write_name (metadata, "bad name!");
  mill_amf0_write_number (metadata, 1);
  mill_amf0_write_name (metadata, "encoder");
  mill_amf0_write_string (metadata, "x");
  mill_amf0_write_object_end (metadata);
  mill_rtmp_client_send (client, MILL_RTMP_MESSAGE_DATA, 0, metadata->data,
      metadata->len);
  guint8 frame[9000];
  for (guint i = 0; i < sizeof frame; i++)
    frame[i] = (guint8) i;
  for (guint i = 0; i < 5; i++) {
    mill_rtmp_client_send (client, MILL_RTMP_MESSAGE_VIDEO,
        4294967280u + i * 33, frame, sizeof frame - i);
    mill_rtmp_client_send (client, MILL_RTMP_MESSAGE_AUDIO,
        4294967280u + i * 23, frame, 100 + i);
  }
}

/* Every handshake, every way to cut the bytes: the same events. */
static void
test_dialogue (void)
{
  static const TestSplit splits[] = { split_whole, split_bytes, split_random };
  for (guint kind = 0; kind < 3; kind++) {
    MillRtmpClientOptions options = {
      .app = "live",
      .name = "demo?key=secret",
      .tc_url = "rtmp://127.0.0.1/live",
      .handshake = kind,
      .chunk_size = 1000,
    };
    Publisher publisher = { .refusal = g_string_new (NULL) };
    g_autoptr (MillRtmpClient) client =
        mill_rtmp_client_new (&options, &client_events, &publisher);
    g_auto (Server) server = { .log = g_string_new (NULL) };
    g_autoptr (MillRtmpSession) session =
        mill_rtmp_session_new (NULL, &events, &server);
    g_autoptr (GByteArray) record = g_byte_array_new ();
    exchange (client, session, record);
    g_assert_true (publisher.ready);
    send_show (client);
    send_cues (client);
    exchange (client, session, record);
    mill_rtmp_client_unpublish (client);
    exchange (client, session, record);
    g_assert_cmpstr (publisher.refusal->str, ==, "");
    g_assert_cmpuint (server.n_video, ==, 5);
    g_assert_cmpuint (server.n_audio, ==, 5);
    g_assert_cmpuint (server.n_unpublish, ==, 1);
    g_assert_nonnull (strstr (server.log->str,
        "metadata, width=(double)1920, stereo=(boolean)true, "
        "encoder=(string)x;"));
    g_assert_nonnull (strstr (server.log->str, "media 9 @4294967280 "));
    g_assert_nonnull (strstr (server.log->str, "media 9 @17 "));
    g_assert_nonnull (strstr (server.log->str,
        "\ncue fc of 50\ncue fc of 50\nunpublish\n"));

    for (guint i = 0; i < G_N_ELEMENTS (splits); i++) {
      g_auto (Server) again = { .log = g_string_new (NULL) };
      g_autoptr (MillRtmpSession) replay =
          mill_rtmp_session_new (NULL, &events, &again);
      g_assert_true (feed_pieces (replay, record, splits[i], NULL));
      g_assert_cmpstr (again.log->str, ==, server.log->str);
    }
    g_string_free (publisher.refusal, TRUE);
  }
}

static void
test_refuse (void)
{
  MillRtmpClientOptions options = { .app = "live",
    .name = "demo",
    .tc_url = "rtmp://127.0.0.1/live" };
  Publisher publisher = { .refusal = g_string_new (NULL) };
  g_autoptr (MillRtmpClient) client =
      mill_rtmp_client_new (&options, &client_events, &publisher);
  g_auto (Server) server = { .log = g_string_new (NULL), .refuse = TRUE };
  g_autoptr (MillRtmpSession) session =
      mill_rtmp_session_new (NULL, &events, &server);
  exchange (client, session, NULL);
  g_assert_false (publisher.ready);
  g_assert_cmpstr (publisher.refusal->str, ==,
      "NetStream.Publish.Denied: no such key");
  /* what it sends all the same reaches nobody */
  send_show (client);
  exchange (client, session, NULL);
  g_assert_cmpuint (server.n_video, ==, 0);
  g_string_free (publisher.refusal, TRUE);
}

/* An accepted publisher may be sent away, and is told why. */
static void
test_refuse_later (void)
{
  MillRtmpClientOptions options = { .app = "live",
    .name = "demo",
    .tc_url = "rtmp://127.0.0.1/live" };
  Publisher publisher = { .refusal = g_string_new (NULL) };
  g_autoptr (MillRtmpClient) client =
      mill_rtmp_client_new (&options, &client_events, &publisher);
  g_auto (Server) server = { .log = g_string_new (NULL), .refuse_media = TRUE };
  g_autoptr (MillRtmpSession) session =
      mill_rtmp_session_new (NULL, &events, &server);
  exchange (client, session, NULL);
  send_show (client);
  exchange (client, session, NULL);
  g_assert_cmpstr (publisher.refusal->str, ==,
      "NetStream.Publish.Rejected: unknown codec");
  g_assert_cmpuint (server.n_audio + server.n_video, ==, 2);
  g_string_free (publisher.refusal, TRUE);
}

/* While the answer is awaited nothing more is taken; then all of it is. */
static void
test_deferred (void)
{
  g_autoptr (GByteArray) bytes = bytes_from_data_file (captures[0].file);
  g_auto (Server) server = { .log = g_string_new (NULL), .defer = TRUE };
  g_autoptr (MillRtmpSession) session =
      mill_rtmp_session_new (NULL, &events, &server);
  gsize done;
  gsize consumed;
  g_assert_true (mill_rtmp_session_feed (session, bytes->data, bytes->len,
      &done, NULL));
  g_assert_cmpuint (server.n_publish, ==, 1);
  g_assert_cmpuint (done, <, bytes->len);
  for (guint i = 0; i < 3; i++) {
    g_assert_true (mill_rtmp_session_feed (session, bytes->data + done,
        bytes->len - done, &consumed, NULL));
    g_assert_cmpuint (consumed, ==, 0);
  }
  drop_output (session);
  g_autoptr (GError) error = NULL;
  g_assert_null (mill_rtmp_session_save (session, &error));
  g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_STATE);
  mill_rtmp_session_accept (session);
  g_assert_true (mill_rtmp_session_feed (session, bytes->data + done,
      bytes->len - done, &consumed, NULL));
  g_assert_cmpuint (consumed, ==, bytes->len - done);
  g_assert_cmpuint (server.n_video, ==, captures[0].n_video);
  g_assert_cmpuint (server.n_unpublish, ==, 1);
}

/* ---- names ---- */

static void
test_names (void)
{
  static const struct
  {
    const gchar *app, *name, *tc_url;
    const gchar *expected;
  } cases[] = {
    { "live", "demo", "rtmp://h/live", "publish app=live name=demo query=\n" },
    { "live", "demo?key=s", "rtmp://h/live",
        "publish app=live name=demo query=key=s\n" },
    { "live/", "demo", "rtmp://h/live/",
        "publish app=live name=demo query=\n" },
    { "live?key=a", "demo", "rtmp://h/live?key=a",
        "publish app=live name=demo query=key=a\n" },
    { "live/?key=a", "demo?key=b", "rtmp://h/live/?key=a",
        "publish app=live name=demo query=key=b\n" },
    { "live", "demo", "rtmp://h/live?key=t",
        "publish app=live name=demo query=key=t\n" },
    { "live", "demo?a=1?b=2", "",
        "publish app=live name=demo query=a=1?b=2\n" },
    { "", "", "", "publish app= name= query=\n" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MillRtmpClientOptions options = { .app = cases[i].app,
      .name = cases[i].name,
      .tc_url = cases[i].tc_url };
    Publisher publisher = { .refusal = g_string_new (NULL) };
    g_autoptr (MillRtmpClient) client =
        mill_rtmp_client_new (&options, &client_events, &publisher);
    g_auto (Server) server = { .log = g_string_new (NULL) };
    g_autoptr (MillRtmpSession) session =
        mill_rtmp_session_new (NULL, &events, &server);
    exchange (client, session, NULL);
    g_assert_cmpstr (server.log->str, ==, cases[i].expected);
    g_string_free (publisher.refusal, TRUE);
  }
}

int
main (int argc, char **argv)
{
  init_gstreamer ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtmp/session/captures", test_captures);
  g_test_add_func ("/rtmp/session/truncated", test_truncated);
  g_test_add_func ("/rtmp/session/dialogue", test_dialogue);
  g_test_add_func ("/rtmp/session/refuse", test_refuse);
  g_test_add_func ("/rtmp/session/refuse-later", test_refuse_later);
  g_test_add_func ("/rtmp/session/deferred", test_deferred);
  g_test_add_func ("/rtmp/session/names", test_names);
  return g_test_run ();
}
