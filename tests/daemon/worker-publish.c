/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * Publishers knock at a worker, whose supervisor is this test: accepted,
 * refused, left without an answer, back after a loss. */
#include <gst/gst.h>
#include <string.h>

#include "daemon/ipc/ipc.h"
#include "publisher.h"
#include "worker-door.h"

#define GRAPH(hold_ms)                                                      \
  "millrace: 1\nname: ingest\nnodes:\n"                                     \
  "  in: { element: rtmpserversrc, props: { reconnect-timeout-ms: " hold_ms \
  " } }\n"                                                                  \
  "  video: { element: fakesink, from: [in.video_0] }\n"                    \
  "  audio: { element: fakesink, from: [in.audio_0] }\n"

static MillFlvFile *movie;

typedef WorkerDoor Test;

/* Another supervisor takes over; the former's watch goes. */
static void
reconnect (Test *test)
{
  g_autoptr (GError) error = NULL;

  mill_worker_proxy_disconnect (test->proxy);
  fixture_watch_free (test->watch);
  test->watch = fixture_connect (test->fixture, "w0", &error);
  g_assert_no_error (error);
  test->proxy = test->watch->proxy;
}

static gboolean
accept_as (Test *test, const gchar *stream, const gchar *yaml, GError **error)
{
  g_autoptr (MillGraphSpec) spec = mill_graph_spec_new (yaml, "ingest.yaml");
  const MillWorkerStart start = { stream, 5, spec };

  return worker_door_accept (test, &start, error);
}

/* A publisher that is live with some media sent. */
static Publisher *
go_live (Test *test, const gchar *stream, const gchar *yaml)
{
  Publisher *publisher = publisher_new (test->address, "live", stream);
  g_autoptr (GError) error = NULL;

  accept_as (test, stream, yaml, &error);
  g_assert_no_error (error);
  publisher_wait_ready (publisher);
  publisher_send (publisher, movie, 0);
  fixture_watch_wait (test->watch, stream, MILL_STREAM_LIVE);
  return publisher;
}

typedef struct
{
  Test *test;
  const gchar *stream;
  const gchar *node;
  const gchar *field;
  guint64 more_than;
} Counted;

static gboolean
has_counted (gpointer data)
{
  const Counted *counted = data;
  g_autoptr (MillStreamReport) report =
      fixture_get_stream (counted->test->proxy, counted->stream, NULL);
  guint64 number = 0;

  g_assert_nonnull (report);
  g_autoptr (GVariant) node = g_variant_lookup_value (report->nodes,
      counted->node, G_VARIANT_TYPE_VARDICT);
  return node && g_variant_lookup (node, counted->field, "t", &number) &&
      number > counted->more_than;
}

/* Counted at the source: a burst overflows the leaky queue that the plan puts
 * before a sink that may wait. */
static void
wait_frames (Test *test, const gchar *stream, guint64 more_than)
{
  Counted counted = { test, stream, "in", "video-frames", more_than };

  fixture_wait ("media to arrive", has_counted, &counted);
}

static guint
count_video_frames (void)
{
  guint count = 0;

  for (guint i = 0; i < movie->tags->len; i++) {
    const MillFlvFileTag *tag = &g_array_index (movie->tags, MillFlvFileTag, i);
    /* FLV 10.1 E.4.3.1: AVCPacketType 1 is a picture, 0 a header. */
    count += tag->type == 9 && tag->size > 1 && tag->data[1] == 1 ? 1 : 0;
  }
  return count;
}

/* ---- listening ---- */

static void
test_listen (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *again =
      worker_door_listen (test, "rtmp", "127.0.0.1:0", &error);

  g_assert_cmpstr (again, ==, test->address);
  g_assert_false (g_str_has_suffix (test->address, ":0"));
  g_assert_null (worker_door_listen (test, "srt", "127.0.0.1:0", &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID);
  reconnect (test);
  GHashTable *listeners = mill_worker_proxy_get_report (test->proxy)->listeners;
  g_assert_cmpstr (g_hash_table_lookup (listeners, "rtmp"), ==, test->address);
}

static void
test_address_in_use (void)
{
  Test test = { .fixture = fixture_new (NULL, 0) };
  g_autoptr (GSocketListener) other = g_socket_listener_new ();
  g_autoptr (GError) error = NULL;
  const guint16 port =
      g_socket_listener_add_any_inet_port (other, NULL, &error);
  g_autofree gchar *address = g_strdup_printf ("127.0.0.1:%u", port);

  g_assert_no_error (error);
  test.watch = fixture_worker (test.fixture, "w0");
  test.proxy = test.watch->proxy;
  g_assert_null (worker_door_listen (&test, "rtmp", address, &error));
  g_test_message ("%s", error->message);
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_ADDRESS_IN_USE);
  g_assert_nonnull (strstr (error->message, address));
  /* Nothing is left behind: another address works. */
  g_clear_error (&error);
  test.address = worker_door_listen (&test, "rtmp", "127.0.0.1:0", &error);
  g_assert_no_error (error);
  worker_door_tear_down (&test, NULL);
}

/* ---- accepted ---- */

static void
test_accept (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Publisher *publisher =
      publisher_new (test->address, "live", "show?key=abc&x=1");

  worker_door_wait_request (test);
  const MillPublisher *asked = test->watch->publisher;
  g_assert_cmpstr (asked->app, ==, "live");
  g_assert_cmpstr (asked->name, ==, "show");
  g_assert_cmpstr (asked->query, ==, "key=abc&x=1");
  g_assert_true (g_str_has_prefix (asked->address, "127.0.0.1:"));
  g_assert_true (accept_as (test, "renamed", GRAPH ("5000"), &error));
  publisher_wait_ready (publisher);
  publisher_send (publisher, movie, 0);
  fixture_watch_wait (test->watch, "renamed", MILL_STREAM_LIVE);
  wait_frames (test, "renamed", count_video_frames () - 1);
  g_autoptr (MillStreamReport) report =
      fixture_get_stream (test->proxy, "renamed", &error);
  g_assert_cmpuint (report->generation, ==, 5);
  g_assert_nonnull (report->publisher);
  g_assert_cmpstr (report->publisher->name, ==, "show");
  g_assert_cmpuint (report->publisher->bytes, >, 1000);
  publisher_free (publisher);
}

/* The location in a description is for running it by hand: in a worker the
 * accepted publisher arrives at that node all the same. */
static void
test_accept_with_location (Test *test, gconstpointer data)
{
  Publisher *publisher = go_live (test, "demo",
      "millrace: 1\nname: ingest\nnodes:\n"
      "  in: { element: rtmpserversrc,\n"
      "        props: { location: \"rtmp://127.0.0.1:1/live/x\" } }\n"
      "  video: { element: fakesink, from: [in.video_0] }\n");

  wait_frames (test, "demo", 0);
  publisher_free (publisher);
}

static void
test_threads_in_stats (Test *test, gconstpointer data)
{
  GAsyncResult *slot = NULL;

  Publisher *publisher = go_live (test, "demo", GRAPH ("5000"));
  reconnect (test);
  /* The poll made at connecting is answered before this. */
  mill_worker_proxy_describe_async (test->proxy, fixture_on_result, &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  const MillProcessStats *stats =
      mill_peer_link_get_last_stats (mill_worker_proxy_get_link (test->proxy));
  guint connections = 0;
  g_assert_cmpuint (stats->threads->len, >, 0);
  for (guint i = 0; i < stats->threads->len; i++) {
    const MillThreadReport *thread = stats->threads->pdata[i];
    g_assert_cmpuint (strlen (thread->name), >, 0);
    connections += thread->connections;
  }
  g_assert_cmpuint (connections, ==, 1);
  publisher_free (publisher);
}

/* ---- refused ---- */

static void
test_refuse (Test *test, gconstpointer data)
{
  Publisher *publisher = publisher_new (test->address, "live", "show");

  mill_worker_proxy_refuse_publish (test->proxy,
      worker_door_take_request (test), "NetStream.Publish.Denied",
      "the stream key is not known");
  publisher_wait_refused (publisher, "NetStream.Publish.Denied",
      "the stream key is not known");
  publisher_wait_closed (publisher);
  publisher_free (publisher);
}

static void
test_bad_description (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Publisher *publisher = publisher_new (test->address, "live", "show");

  g_assert_false (accept_as (test, "show",
      "millrace: 1\nname: x\nnodes:\n  in: { element: rtmpserversrx }\n",
      &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_DESCRIPTION);
  g_assert_nonnull (strstr (error->message, "ingest.yaml:4:"));
  /* Details of the server are not for whoever knocks. */
  publisher_wait_refused (publisher, "NetStream.Publish.Denied",
      "cannot be started");
  publisher_free (publisher);
}

static void
test_no_input (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Publisher *publisher = publisher_new (test->address, "live", "show");

  g_assert_false (accept_as (test, "show",
      "millrace: 1\nname: x\nnodes:\n"
      "  src: { element: videotestsrc, props: { is-live: true } }\n"
      "  out: { element: fakesink, from: [src] }\n",
      &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_DESCRIPTION);
  g_assert_nonnull (strstr (error->message, "rtmpserversrc"));
  publisher_wait_refused (publisher, "NetStream.Publish.Denied",
      "cannot be started");
  publisher_free (publisher);
}

static void
test_second_publisher (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Publisher *first = go_live (test, "demo", GRAPH ("5000"));
  Publisher *second = publisher_new (test->address, "live", "demo");

  g_assert_false (accept_as (test, "demo", GRAPH ("5000"), &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_EXISTS);
  publisher_wait_refused (second, "NetStream.Publish.BadName", "");
  g_autoptr (MillStreamReport) report =
      fixture_get_stream (test->proxy, "demo", NULL);
  g_assert_cmpint (report->state, ==, MILL_STREAM_LIVE);
  publisher_free (second);
  publisher_free (first);
}

#define TURN_MS 50

static gboolean
on_turn (gpointer user_data)
{
  ++*(guint *) user_data;
  return G_SOURCE_CONTINUE;
}

/* Nobody answers: the publisher is told so in 5 s, not left hanging. Too late is by
 * turns of this process's own loop: where it is held up the answer may be there
 * long before it looks. */
static void
test_no_answer (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Publisher *publisher = publisher_new (test->address, "live", "show");
  const gint64 from = g_get_monotonic_time ();
  guint turns = 0;
  const guint clock = g_timeout_add (TURN_MS, on_turn, &turns);

  worker_door_wait_request (test);
  publisher_wait_refused (publisher, "NetStream.Publish.Denied",
      "cannot admit publishers right now");
  g_source_remove (clock);
  g_assert_cmpint (g_get_monotonic_time () - from, >, 4 * G_USEC_PER_SEC);
  g_assert_cmpuint (turns * TURN_MS, <, 8000);
  /* An answer that comes too late is told so. */
  g_assert_false (accept_as (test, "show", GRAPH ("5000"), &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_NOT_FOUND);
  publisher_free (publisher);
}

static gboolean
has_connections (gpointer data)
{
  Test *test = data;
  const MillProcessStats *stats =
      mill_peer_link_get_last_stats (mill_worker_proxy_get_link (test->proxy));
  for (guint i = 0; stats && i < stats->threads->len; i++) {
    const MillThreadReport *thread = stats->threads->pdata[i];
    if (thread->connections > 0)
      return TRUE;
  }
  return FALSE;
}

static gboolean
has_no_connection (gpointer data)
{
  return !has_connections (data);
}

/* No failure of the stream: encoders give up and come again. */
static void
test_left_before_the_answer (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Publisher *publisher = publisher_new (test->address, "live", "show");

  mill_peer_link_watch_closely (mill_worker_proxy_get_link (test->proxy), 20);
  worker_door_wait_request (test);
  fixture_wait ("the connection", has_connections, test);
  publisher_free (publisher);
  fixture_wait ("its end", has_no_connection, test);
  g_assert_false (accept_as (test, "show", GRAPH ("5000"), &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_NOT_FOUND);
  g_assert_null (fixture_get_stream (test->proxy, "show", NULL));
}

static void
test_drain_closes_the_door (Test *test, gconstpointer data)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  GAsyncResult *slot = NULL;
  Publisher *live = go_live (test, "demo", GRAPH ("5000"));
  Publisher *waiting = publisher_new (test->address, "live", "late");

  worker_door_wait_request (test);
  mill_worker_proxy_drain_async (test->proxy, fixture_on_result, &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  publisher_wait_closed (waiting);
  g_assert_null (g_socket_client_connect_to_host (client, test->address, 0,
      NULL, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED);
  /* The one that is live goes on. */
  publisher_send (live, movie, 3000);
  wait_frames (test, "demo", count_video_frames ());
  publisher_free (waiting);
  publisher_free (live);
}

/* ---- the supervisor is away ---- */

static void
test_held_for_the_next_supervisor (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  mill_worker_proxy_disconnect (test->proxy);
  Publisher *publisher = publisher_new (test->address, "live", "show");
  reconnect (test);
  g_assert_true (accept_as (test, "show", GRAPH ("5000"), &error));
  publisher_wait_ready (publisher);
  publisher_free (publisher);
}

static void
test_goes_on_without_supervisor (Test *test, gconstpointer data)
{
  Publisher *publisher = go_live (test, "demo", GRAPH ("5000"));

  wait_frames (test, "demo", count_video_frames () - 1);
  mill_worker_proxy_disconnect (test->proxy);
  publisher_send (publisher, movie, 3000);
  reconnect (test);
  wait_frames (test, "demo", 2 * count_video_frames () - 1);
  const MillProcessReport *report = mill_worker_proxy_get_report (test->proxy);
  g_assert_cmpuint (report->streams->len, ==, 1);
  const MillStreamReport *stream = report->streams->pdata[0];
  g_assert_cmpint (stream->state, ==, MILL_STREAM_LIVE);
  g_assert_cmpuint (stream->generation, ==, 5);
  publisher_free (publisher);
}

/* ---- the publisher is away ---- */

static void
test_reconnect_continues (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Publisher *publisher = go_live (test, "demo", GRAPH ("15000"));

  wait_frames (test, "demo", count_video_frames () - 1);
  g_autoptr (MillStreamReport) before =
      fixture_get_stream (test->proxy, "demo", NULL);
  publisher_free (publisher);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_RECONNECTING);
  publisher = go_live (test, "demo", "the graph is not even read");
  /* The same node counts on: it is the same graph. */
  wait_frames (test, "demo", 2 * count_video_frames () - 1);
  g_autoptr (MillStreamReport) after =
      fixture_get_stream (test->proxy, "demo", NULL);
  g_assert_cmpuint (after->epoch_ns, ==, before->epoch_ns);
  g_assert_cmpstr (after->publisher->address, !=, before->publisher->address);
  publisher_free (publisher);
}

static void
test_stays_away (Test *test, gconstpointer data)
{
  Publisher *publisher = go_live (test, "demo", GRAPH ("300"));

  wait_frames (test, "demo", count_video_frames () - 1);
  publisher_unpublish (publisher);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_ENDED);
  publisher_free (publisher);
}

static void
test_stop_with_eos (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Publisher *publisher = go_live (test, "demo", GRAPH ("15000"));

  wait_frames (test, "demo", count_video_frames () - 1);
  g_assert_true (fixture_stop_stream (test->proxy, "demo", MILL_WORKER_STOP_EOS,
      &error));
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_ENDED);
  publisher_wait_closed (publisher);
  publisher_free (publisher);
}

static gboolean
is_connected (gpointer data)
{
  g_autoptr (MillStreamReport) report =
      fixture_get_stream (((Test *) data)->proxy, "demo", NULL);
  g_autoptr (GVariant) node =
      g_variant_lookup_value (report->nodes, "in", G_VARIANT_TYPE_VARDICT);
  const gchar *state = NULL;

  return node && g_variant_lookup (node, "state", "&s", &state) &&
      g_str_equal (state, "live");
}

/* A list that shows a stream as live when nobody can play it misleads; one that
 * goes silent after it had media was live, and is again. */
static void
test_starting_until_media (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Publisher *publisher = publisher_new (test->address, "live", "demo");

  g_assert_true (accept_as (test, "demo", GRAPH ("15000"), &error));
  publisher_wait_ready (publisher);
  fixture_wait ("the source to have its publisher", is_connected, test);
  g_autoptr (MillStreamReport) silent =
      fixture_get_stream (test->proxy, "demo", NULL);
  g_assert_cmpint (silent->state, ==, MILL_STREAM_STARTING);
  g_assert_nonnull (silent->publisher);
  publisher_send (publisher, movie, 0);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_LIVE);
  publisher_free (publisher);
}

/* Accepted, but gone before any media: no stream is left behind. */
static void
test_stop_before_media (Test *test, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Publisher *publisher = publisher_new (test->address, "live", "demo");

  g_assert_true (accept_as (test, "demo", GRAPH ("15000"), &error));
  publisher_wait_ready (publisher);
  g_assert_true (fixture_stop_stream (test->proxy, "demo", MILL_WORKER_STOP_EOS,
      &error));
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_GONE);
  publisher_wait_closed (publisher);
  publisher_free (publisher);
}

/* ---- what is written ---- */

static gboolean
has_renditions (gpointer data)
{
  g_autoptr (MillStreamReport) report =
      fixture_get_stream (((Test *) data)->proxy, "demo", NULL);

  return report->renditions->len == 2;
}

/* The shipped description, as the daemon runs it: the report names what viewers
 * can have, and the directory knows how long it has to stay. */
static void
test_packages (Test *test, gconstpointer data)
{
  g_autofree gchar *file = g_build_filename (g_getenv ("MILL_SOURCE_ROOT"),
      "pipelines", "live-passthrough.yaml", NULL);
  g_autofree gchar *yaml = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (file, &yaml, NULL, &error);
  g_assert_no_error (error);
  Publisher *publisher = go_live (test, "demo", yaml);
  for (guint32 from_ms = 2000; from_ms < 10000; from_ms += 2000)
    publisher_send (publisher, movie, from_ms);
  fixture_wait ("two renditions", has_renditions, test);
  g_autoptr (MillStreamReport) report =
      fixture_get_stream (test->proxy, "demo", &error);
  const MillRenditionReport *video = report->renditions->pdata[0];
  g_assert_cmpstr (video->name, ==, "v90");
  g_assert_cmpstr (video->kind, ==, "video");
  g_assert_true (g_str_has_prefix (video->codec, "avc1."));
  g_assert_cmpuint (video->width, ==, 160);
  g_assert_cmpuint (video->height, ==, 90);
  g_autofree gchar *retention = worker_door_read_output (test, ".retention");
  g_assert_nonnull (retention);
  g_assert_cmpuint (g_ascii_strtoull (retention, NULL, 10), >=, 60000);

  g_assert_true (fixture_stop_stream (test->proxy, "demo", MILL_WORKER_STOP_EOS,
      &error));
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_ENDED);
  g_autofree gchar *playlist =
      worker_door_read_output (test, "v90/playlist.m3u8");
  g_assert_nonnull (playlist);
  g_assert_nonnull (strstr (playlist, "#EXT-X-ENDLIST"));
  publisher_free (publisher);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv); /* the publisher's own messages are GstBuffers */
  movie = worker_door_make_movie ();
#define ADD(name, function)                                            \
  g_test_add ("/worker/publish/" name, Test, NULL, worker_door_set_up, \
      function, worker_door_tear_down)
  ADD ("listen", test_listen);
  ADD ("starting-until-media", test_starting_until_media);
  g_test_add_func ("/worker/publish/address-in-use", test_address_in_use);
  ADD ("accept", test_accept);
  ADD ("accept-with-location", test_accept_with_location);
  ADD ("threads-in-stats", test_threads_in_stats);
  ADD ("refuse", test_refuse);
  ADD ("bad-description", test_bad_description);
  ADD ("no-input", test_no_input);
  ADD ("second-publisher", test_second_publisher);
  ADD ("no-answer", test_no_answer);
  ADD ("left", test_left_before_the_answer);
  ADD ("drain-closes-the-door", test_drain_closes_the_door);
  ADD ("held-for-the-next-supervisor", test_held_for_the_next_supervisor);
  ADD ("goes-on-without-supervisor", test_goes_on_without_supervisor);
  ADD ("reconnect-continues", test_reconnect_continues);
  ADD ("stays-away", test_stays_away);
  ADD ("stop-with-eos", test_stop_with_eos);
  ADD ("stop-before-media", test_stop_before_media);
  ADD ("packages", test_packages);
  const gint status = g_test_run ();
  mill_flv_file_free (movie);
  return status;
}
