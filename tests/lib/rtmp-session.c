/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A publisher's session: a fault here means that an encoder cannot publish,
 * that its pictures arrive damaged, or that a stranger can exhaust us. */
#include "rtmp/rtmp-session.h"

#include "rtmp-test.h"
#include "rtmp/amf0.h"
#include "rtmp/rtmp-chunk-reader.h"
#include "rtmp/rtmp-chunk-writer.h"
#include "bytes/bytes.h"
#include "rtmp/rtmp-client.h"

/* ---- a server that writes down what happens ---- */

typedef struct
{
  GString *log;
  gboolean defer; /* publish is not answered in the callback */
  gboolean refuse;
  gboolean refuse_media; /* the second message: a codec nobody knows */
  guint n_publish;
  guint n_audio;
  guint n_video;
  guint n_unpublish;
} Server;

static void
on_publish (MillRtmpSession *session, const MillRtmpPublish *publish,
    gpointer user_data)
{
  Server *server = user_data;
  server->n_publish++;
  g_string_append_printf (server->log, "publish app=%s name=%s query=%s\n",
      publish->app, publish->name, publish->query);
  if (server->defer)
    return;
  if (server->refuse)
    mill_rtmp_session_refuse (session, "NetStream.Publish.Denied",
        "no such key");
  else
    mill_rtmp_session_accept (session);
}

static void
on_media (MillRtmpSession *session, MillRtmpMediaType type,
    guint32 timestamp_ms, GstBuffer *payload, gpointer user_data)
{
  Server *server = user_data;
  if (type == MILL_RTMP_MEDIA_AUDIO)
    server->n_audio++;
  else
    server->n_video++;
  g_assert_cmpuint (gst_buffer_n_memory (payload), ==, 1);
  GstMapInfo map;
  gst_buffer_map (payload, &map, GST_MAP_READ);
  g_autofree gchar *sum =
      g_compute_checksum_for_data (G_CHECKSUM_MD5, map.data, map.size);
  g_string_append_printf (server->log,
      "media %d @%u %.8s %" G_GSIZE_FORMAT "\n", type, timestamp_ms, sum,
      map.size);
  gst_buffer_unmap (payload, &map);
  gst_buffer_unref (payload);
  if (server->refuse_media && server->n_audio + server->n_video == 2)
    mill_rtmp_session_refuse (session, "NetStream.Publish.Rejected",
        "unknown codec");
}

static void
on_metadata (MillRtmpSession *session, const GstStructure *metadata,
    gpointer user_data)
{
  Server *server = user_data;
  g_autofree gchar *text = gst_structure_to_string (metadata);
  g_string_append_printf (server->log, "%s\n", text);
}

static void
on_cue (MillRtmpSession *session, GBytes *section, gpointer user_data)
{
  Server *server = user_data;
  gsize size;
  const guint8 *data = g_bytes_get_data (section, &size);
  g_string_append_printf (server->log, "cue %02x of %" G_GSIZE_FORMAT "\n",
      data[0], size);
}

static void
on_unpublish (MillRtmpSession *session, gpointer user_data)
{
  Server *server = user_data;
  server->n_unpublish++;
  g_string_append (server->log, "unpublish\n");
}

static const MillRtmpSessionEvents events = {
  .publish = on_publish,
  .media = on_media,
  .metadata = on_metadata,
  .cue = on_cue,
  .unpublish = on_unpublish,
};

static void
server_clear (Server *server)
{
  g_string_free (server->log, TRUE);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Server, server_clear)

static void
drop_output (MillRtmpSession *session)
{
  gsize size;
  mill_rtmp_session_peek_output (session, &size);
  mill_rtmp_session_drop_output (session, size);
}

/* Feeds all of @data in pieces; answers of the session are thrown away. */
static gboolean
feed_pieces (MillRtmpSession *session, const GByteArray *data, TestSplit split,
    GError **error)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (data->len);
  for (gsize done = 0; done < data->len;) {
    gsize size = split (rand, data->len - done);
    g_autofree guint8 *piece = g_memdup2 (data->data + done, size);
    gsize consumed;
    if (!mill_rtmp_session_feed (session, piece, size, &consumed, error))
      return FALSE;
    g_assert_cmpuint (consumed, ==, size);
    drop_output (session);
    done += size;
  }
  return TRUE;
}

/* ---- what real publishers sent (tests/data/rtmp) ---- */

typedef struct
{
  const gchar *file;
  const gchar *publish;
  guint n_audio, n_video;
  guint n_unpublish;
} Capture;

/* Each published the same second of test picture (10 video and 23 audio
 * packets, and headers). librtmp's sender crashed before its end; OBS was
 * stopped by its button four pictures after it began. */
static const Capture captures[] = {
  { "rtmp/ffmpeg-5.1.rtmp", "publish app=live name=demo query=key=secret\n", 24,
      12, 1 },
  { "rtmp/rtmp2sink-1.22.rtmp", "publish app=live name=demo query=\n", 24, 12,
      1 },
  { "rtmp/librtmp-2.4.rtmp", "publish app=live name=demo query=\n", 16, 10, 0 },
  { "rtmp/obs-29.0.rtmp", "publish app=live name=studio query=\n", 3, 4, 1 },
};

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

/* ---- hand-over ---- */

/* Replaces @session by its saved and loaded self wherever that is possible. */
static guint
hand_over (MillRtmpSession **session, Server *server)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) variant = mill_rtmp_session_save (*session, &error);
  if (variant == NULL) {
    g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_STATE);
    return 0;
  }
  g_autoptr (GBytes) serialised = g_variant_get_data_as_bytes (variant);
  g_autoptr (GVariant) received = g_variant_ref_sink (g_variant_new_from_bytes (
      g_variant_get_type (variant), serialised, FALSE));
  mill_rtmp_session_free (*session);
  *session = mill_rtmp_session_load (received, NULL, &events, server, &error);
  g_assert_no_error (error);
  return 1;
}

/* A publisher whose server is replaced at every message notices nothing, and
 * the stream misses nothing. */
static void
test_save_load (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (captures); i++) {
    g_autoptr (GByteArray) bytes = bytes_from_data_file (captures[i].file);
    g_auto (Server) whole = { .log = g_string_new (NULL) };
    g_autoptr (MillRtmpSession) all =
        mill_rtmp_session_new (NULL, &events, &whole);
    g_assert_true (feed_pieces (all, bytes, split_whole, NULL));

    g_auto (Server) server = { .log = g_string_new (NULL) };
    MillRtmpSession *session = mill_rtmp_session_new (NULL, &events, &server);
    guint n_times = 0;
    for (gsize j = 0; j < bytes->len; j++) {
      gsize consumed;
      g_assert_true (mill_rtmp_session_feed (session, bytes->data + j, 1,
          &consumed, NULL));
      drop_output (session);
      n_times += hand_over (&session, &server);
    }
    mill_rtmp_session_free (session);
    g_assert_cmpstr (server.log->str, ==, whole.log->str);
    g_assert_cmpuint (n_times, >, captures[i].n_audio + captures[i].n_video);
  }
}

static void
test_load_refused (void)
{
  static const struct
  {
    const gchar *what;
    const gchar *variant;
  } cases[] = {
    { "another type", "uint32 1" },
    { "another format",
        "(uint32 2, byte 0x05, (uint32 9, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(just 'n', just ''), (uint32 128, @a(ubuuuyu) []), "
        "(uint32 128, @a(ubuuuyu) []))" },
    { "a state that is never saved",
        "(uint32 1, byte 0x04, (uint32 9, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(just 'n', just ''), (uint32 128, @a(ubuuuyu) []), "
        "(uint32 128, @a(ubuuuyu) []))" },
    { "publishing without a name",
        "(uint32 1, byte 0x05, (uint32 9, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(@ms nothing, just ''), (uint32 128, @a(ubuuuyu) []), "
        "(uint32 128, @a(ubuuuyu) []))" },
    { "a window of 0",
        "(uint32 1, byte 0x05, (uint32 0, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(just 'n', just ''), (uint32 128, @a(ubuuuyu) []), "
        "(uint32 128, @a(ubuuuyu) []))" },
    { "chunk size 0",
        "(uint32 1, byte 0x05, (uint32 9, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(just 'n', just ''), (uint32 0, @a(ubuuuyu) []), "
        "(uint32 128, @a(ubuuuyu) []))" },
    { "a chunk stream twice",
        "(uint32 1, byte 0x05, (uint32 9, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(just 'n', just ''), (uint32 128, "
        "[(uint32 4, false, uint32 0, uint32 0, uint32 1, byte 0x08, uint32 1),"
        " (4, false, 0, 0, 1, 8, 1)]), (uint32 128, @a(ubuuuyu) []))" },
    { "a length over 24 bits",
        "(uint32 1, byte 0x05, (uint32 9, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(just 'n', just ''), (uint32 128, "
        "[(uint32 4, false, uint32 0, uint32 0, uint32 16777216, byte 0x08, "
        "uint32 1)]), (uint32 128, @a(ubuuuyu) []))" },
    { "a writer's chunk stream 0",
        "(uint32 1, byte 0x05, (uint32 9, uint32 0, uint32 0, uint32 0, "
        "uint32 0, uint32 0), ('a', '', @ms nothing, @ms nothing), "
        "(just 'n', just ''), (uint32 128, @a(ubuuuyu) []), (uint32 128, "
        "[(uint32 0, false, uint32 0, uint32 0, uint32 1, byte 0x08, "
        "uint32 1)]))" },
  };
  Server server = { 0 };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("%s", cases[i].what);
    g_autoptr (GError) error = NULL;
    g_autoptr (GVariant) variant =
        g_variant_parse (NULL, cases[i].variant, NULL, NULL, &error);
    g_assert_no_error (error);
    g_autoptr (MillRtmpSession) session =
        mill_rtmp_session_load (variant, NULL, &events, &server, &error);
    g_assert_null (session);
    g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL);
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

/* ---- single messages, behind a handshake and connect ---- */

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
  g_test_add_func ("/rtmp/session/captures", test_captures);
  g_test_add_func ("/rtmp/session/truncated", test_truncated);
  g_test_add_func ("/rtmp/session/save-load", test_save_load);
  g_test_add_func ("/rtmp/session/load-refused", test_load_refused);
  g_test_add_func ("/rtmp/session/dialogue", test_dialogue);
  g_test_add_func ("/rtmp/session/refuse", test_refuse);
  g_test_add_func ("/rtmp/session/refuse-later", test_refuse_later);
  g_test_add_func ("/rtmp/session/deferred", test_deferred);
  g_test_add_func ("/rtmp/session/names", test_names);
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
