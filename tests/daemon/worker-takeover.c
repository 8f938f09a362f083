/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * Two publishers of one stream at a worker, whose supervisor is this test. A
 * viewer would notice a stream that begins anew or ends; an operator, a
 * publisher in the wrong place, or one that is sent away without a word. */
#include <gst/gst.h>
#include <string.h>

#include "daemon/ipc/ipc.h"
#include "publisher.h"
#include "worker-door.h"

#define SINGLE                                           \
  "millrace: 1\nname: ingest\nparams:\n"                 \
  "  output: { type: string, required: true }\nnodes:\n" \
  "  in: { element: rtmpserversrc }\n"                   \
  "  package: { element: cmafsink, from: [in], "         \
  "props: { location: \"${output}\", mode: live } }\n"

static MillFlvFile *movie;

typedef WorkerDoor Test;

/* @spec: (nullable): for a stream that runs */
static gboolean
accept_next (Test *test, const MillGraphSpec *spec, MillTakeover takeover,
    GError **error)
{
  const MillWorkerStart start = { "demo", 5, spec, takeover };

  return worker_door_accept (test, &start, error);
}

/* A publisher that has a place, and has sent 2 s of media from @from_ms on. */
static Publisher *
join (Test *test, const gchar *name, const MillGraphSpec *spec,
    MillTakeover takeover)
{
  Publisher *publisher = publisher_new (test->address, "live", name);
  g_autoptr (GError) error = NULL;

  accept_next (test, spec, takeover, &error);
  g_assert_no_error (error);
  publisher_wait_ready (publisher);
  publisher_send (publisher, movie, 0);
  return publisher;
}

static MillGraphSpec *
read_shipped (const gchar *name)
{
  g_autofree gchar *file =
      g_build_filename (g_getenv ("MILL_SOURCE_ROOT"), "pipelines", name, NULL);
  g_autofree gchar *yaml = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (file, &yaml, NULL, &error);
  g_assert_no_error (error);
  MillGraphSpec *spec = mill_graph_spec_new (yaml, name);
  /* The test sends in bursts: their ends are no stalls. */
  mill_graph_spec_set_param (spec, "stall-timeout-ms", "60000");
  mill_graph_spec_set_param (spec, "recovery-ms", "0");
  return spec;
}

/* ---- what the worker says ---- */

typedef struct
{
  Test *test;
  const gchar *text; /* "node:state" of each, * behind the one that is seen */
  gchar *got;
} Places;

static gboolean
has_places (gpointer data)
{
  Places *places = data;
  g_autoptr (MillStreamReport) report =
      fixture_get_stream (places->test->proxy, "demo", NULL);
  GString *text = g_string_new (NULL);

  for (guint i = 0; report && i < report->inputs->len; i++) {
    const MillInputReport *input = report->inputs->pdata[i];
    g_string_append_printf (text, "%s%s:%s%s", i > 0 ? " " : "", input->node,
        input->state, input->active ? "*" : "");
  }
  g_free (places->got);
  places->got = g_string_free (text, FALSE);
  return g_str_equal (places->got, places->text);
}

static void
wait_places (Test *test, const gchar *text)
{
  Places places = { test, text, NULL };

  fixture_wait (text, has_places, &places);
  g_free (places.got);
}

static guint
count (const gchar *text, const gchar *word)
{
  guint n = 0;

  for (const gchar *at = text; (at = strstr (at, word)); at++)
    n++;
  return n;
}

typedef struct
{
  Test *test;
  guint wanted;
} Segments;

static gboolean
has_segments (gpointer data)
{
  const Segments *segments = data;
  g_autofree gchar *playlist =
      worker_door_read_output (segments->test, "v90/playlist.m3u8");

  return playlist && count (playlist, "#EXTINF") >= segments->wanted;
}

/* What was sent is no more than on its way: an end overtakes it. A segment is
 * listed when the next one has begun. */
static void
wait_segments (Test *test, guint wanted)
{
  Segments segments = { test, wanted };

  fixture_wait ("segments", has_segments, &segments);
}

/* Ends the stream, which must end in good order. */
static gchar *
end_and_read (Test *test)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (fixture_stop_stream (test->proxy, "demo", MILL_WORKER_STOP_EOS,
      &error));
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_ENDED);
  gchar *playlist = worker_door_read_output (test, "v90/playlist.m3u8");
  g_assert_nonnull (playlist);
  g_assert_nonnull (strstr (playlist, "#EXT-X-ENDLIST"));
  return playlist;
}

/* ---- one place ---- */

typedef struct
{
  const gchar *address;
  guint64 bytes;
} Leaver;

static void
on_report (MillWorkerProxy *proxy, const MillStreamReport *report,
    gpointer user_data)
{
  Leaver *leaver = user_data;

  for (guint i = 0; i < report->inputs->len; i++) {
    const MillInputReport *input = report->inputs->pdata[i];
    if (input->publisher && g_str_equal (input->state, MILL_INPUT_AWAY) &&
        g_str_equal (input->publisher->address, leaver->address))
      leaver->bytes = input->publisher->bytes;
  }
}

static gboolean
has_left (gpointer data)
{
  const Leaver *leaver = data;

  return leaver->bytes > 0;
}

/* What whoever has to go sent is told before another one has his place: it counts
 * for the bit rate that his key allows. */
static void
test_replaced_is_told (Test *test, gconstpointer data)
{
  g_autoptr (MillGraphSpec) spec = mill_graph_spec_new (SINGLE, "x.yaml");
  Publisher *first = join (test, "demo", spec, MILL_TAKEOVER_REPLACE);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_LIVE);
  g_autoptr (MillStreamReport) before =
      fixture_get_stream (test->proxy, "demo", NULL);
  Leaver leaver = { before->publisher->address, 0 };
  gulong handler = g_signal_connect (test->proxy, "stream-changed",
      G_CALLBACK (on_report), &leaver);

  Publisher *second = join (test, "demo", NULL, MILL_TAKEOVER_REPLACE);
  fixture_wait ("a word of the one that left", has_left, &leaver);
  g_assert_cmpuint (leaver.bytes, >=, before->publisher->bytes);
  wait_places (test, "in:live*");
  g_signal_handler_disconnect (test->proxy, handler);
  publisher_free (first);
  publisher_free (second);
}

static void
test_replace (Test *test, gconstpointer data)
{
  g_autoptr (MillGraphSpec) spec = mill_graph_spec_new (SINGLE, "x.yaml");
  Publisher *first = join (test, "demo", spec, MILL_TAKEOVER_REPLACE);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_LIVE);
  g_autoptr (MillStreamReport) before =
      fixture_get_stream (test->proxy, "demo", NULL);

  Publisher *second = join (test, "demo", NULL, MILL_TAKEOVER_REPLACE);
  publisher_wait_dropped (first, "another publisher has taken over");
  publisher_wait_closed (first);
  wait_places (test, "in:live*");
  g_autoptr (MillStreamReport) after =
      fixture_get_stream (test->proxy, "demo", NULL);
  g_assert_cmpuint (after->epoch_ns, ==, before->epoch_ns);
  g_assert_cmpstr (after->publisher->address, !=, before->publisher->address);
  publisher_send (second, movie, 2000);
  wait_segments (test, 2);
  /* No new session for viewers: the numbers go on, after one discontinuity, and
   * with the same header. */
  g_autofree gchar *playlist = end_and_read (test);
  g_assert_cmpuint (count (playlist, "#EXT-X-DISCONTINUITY\n"), ==, 1);
  g_assert_null (strstr (playlist, "init-6.mp4"));
  publisher_free (first);
  publisher_free (second);
}

/* The same after a loss, which the publisher is given time to come back from. */
static void
test_grace (Test *test, gconstpointer data)
{
  g_autoptr (MillGraphSpec) spec = mill_graph_spec_new (SINGLE, "x.yaml");
  Publisher *publisher = join (test, "demo", spec, MILL_TAKEOVER_REFUSE);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_LIVE);
  publisher_send (publisher, movie, 2000);
  /* What comes all at once is listed with the second segment. */
  publisher_send (publisher, movie, 4000);
  wait_segments (test, 2);

  publisher_free (publisher);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_RECONNECTING);
  wait_places (test, "in:away");
  publisher = join (test, "demo", NULL, MILL_TAKEOVER_REFUSE);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_LIVE);
  publisher_send (publisher, movie, 2000);
  wait_segments (test, 4);
  g_autofree gchar *playlist = end_and_read (test);
  g_test_message ("%s", playlist);
  g_assert_cmpuint (count (playlist, "#EXT-X-DISCONTINUITY\n"), ==, 1);
  g_assert_nonnull (strstr (playlist, "#EXT-X-MEDIA-SEQUENCE:0\n"));
  g_assert_cmpuint (count (playlist, "#EXTINF"), >=, 5);
  g_assert_cmpuint (count (playlist, "init-1.mp4"), ==, 2);
  g_assert_null (strstr (playlist, "init-2.mp4"));
  publisher_free (publisher);
}

/* A run that millraced has given up for another: who is let in to that one must
 * not end up in this. */
static void
test_another_run (Test *test, gconstpointer data)
{
  g_autoptr (MillGraphSpec) spec = mill_graph_spec_new (SINGLE, "x.yaml");
  const MillWorkerStart start = { "demo", 6, spec, MILL_TAKEOVER_REPLACE };
  g_autoptr (GError) error = NULL;
  Publisher *first = join (test, "demo", spec, MILL_TAKEOVER_REPLACE);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_LIVE);

  Publisher *second = publisher_new (test->address, "live", "demo");
  g_assert_false (worker_door_accept (test, &start, &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_EXISTS);
  publisher_wait_refused (second, "NetStream.Publish.BadName", "");
  wait_places (test, "in:live*");
  g_autofree gchar *playlist = end_and_read (test);
  publisher_free (first);
  publisher_free (second);
}

/* ---- two places ---- */

static void
test_backup (Test *test, gconstpointer data)
{
  g_autoptr (MillGraphSpec) spec = read_shipped ("live-failover.yaml");
  g_autoptr (GError) error = NULL;
  Publisher *first = join (test, "demo", spec, MILL_TAKEOVER_BACKUP);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_LIVE);
  wait_places (test, "primary:live* backup:waiting");
  Publisher *second = join (test, "demo?key=b", NULL, MILL_TAKEOVER_BACKUP);
  wait_places (test, "primary:live* backup:live");

  Publisher *third = publisher_new (test->address, "live", "demo");
  g_assert_false (accept_next (test, NULL, MILL_TAKEOVER_BACKUP, &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_EXISTS);
  publisher_wait_refused (third, "NetStream.Publish.BadName", "");
  publisher_free (third);

  /* The stream is live as long as one is. */
  publisher_free (first);
  wait_places (test, "primary:away* backup:live");
  publisher_send (second, movie, 2000);
  wait_places (test, "primary:away backup:live*");
  g_autoptr (MillStreamReport) report =
      fixture_get_stream (test->proxy, "demo", NULL);
  g_assert_cmpint (report->state, ==, MILL_STREAM_LIVE);
  g_assert_cmpuint (report->publisher->bytes, >, 0);
  first = join (test, "demo", NULL, MILL_TAKEOVER_BACKUP);
  wait_places (test, "primary:live* backup:live");

  /* Neither changed what a decoder has to know, or left a gap. */
  g_autofree gchar *playlist = end_and_read (test);
  g_test_message ("%s", playlist);
  g_assert_cmpuint (count (playlist, "init-"), ==, 1);
  publisher_free (first);
  publisher_free (second);
}

/* Both lost: each comes back to its own place, in whichever order. */
static void
test_places_are_kept (Test *test, gconstpointer data)
{
  g_autoptr (MillGraphSpec) spec = read_shipped ("live-failover.yaml");
  Publisher *first = join (test, "demo?key=a", spec, MILL_TAKEOVER_BACKUP);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_LIVE);
  Publisher *second = join (test, "demo?key=b", NULL, MILL_TAKEOVER_BACKUP);
  wait_places (test, "primary:live* backup:live");

  publisher_free (first);
  publisher_free (second);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_RECONNECTING);
  second = join (test, "demo?key=b", NULL, MILL_TAKEOVER_BACKUP);
  wait_places (test, "primary:away backup:live*");
  first = join (test, "demo?key=a", NULL, MILL_TAKEOVER_BACKUP);
  wait_places (test, "primary:live* backup:live");
  publisher_free (first);
  publisher_free (second);
}

static const gchar *
get_state (Test *test, const gchar *node)
{
  static gchar state[16];
  g_autoptr (MillStreamReport) report =
      fixture_get_stream (test->proxy, "demo", NULL);
  g_autoptr (GVariant) stats =
      g_variant_lookup_value (report->nodes, node, G_VARIANT_TYPE_VARDICT);
  const gchar *text = "";

  g_variant_lookup (stats, "state", "&s", &text);
  g_strlcpy (state, text, sizeof (state));
  return state;
}

/* A description may say how long a place waits. After that it takes nobody, who
 * would be let in and not be seen. */
static void
test_place_is_over (Test *test, gconstpointer data)
{
  g_autoptr (MillGraphSpec) spec = read_shipped ("live-failover.yaml");
  g_autoptr (GError) error = NULL;
  gint64 limit_us = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  g_auto (GStrv) parts =
      g_strsplit (spec->description, "reconnect-timeout-ms: 2147483647", 2);
  g_assert_nonnull (parts[1]);
  g_free (spec->description);
  spec->description = g_strjoinv ("reconnect-timeout-ms: 100", parts);
  Publisher *first = join (test, "demo?key=a", spec, MILL_TAKEOVER_BACKUP);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_LIVE);
  Publisher *second = join (test, "demo?key=b", NULL, MILL_TAKEOVER_BACKUP);
  wait_places (test, "primary:live* backup:live");

  publisher_free (first);
  while (!g_str_equal (get_state (test, "primary"), "ended"))
    g_assert_cmpint (g_get_monotonic_time (), <, limit_us);
  Publisher *late = publisher_new (test->address, "live", "demo?key=a");
  g_assert_false (accept_next (test, NULL, MILL_TAKEOVER_BACKUP, &error));
  g_assert_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_EXISTS);
  publisher_wait_refused (late, "NetStream.Publish.BadName", "");
  publisher_free (late);
  publisher_free (second);
}

/* Who was let in and leaves before he sends anything keeps no stream, though
 * his place is held as long as one lives. */
static void
test_left_before_media (Test *test, gconstpointer data)
{
  g_autoptr (MillGraphSpec) spec = read_shipped ("live-failover.yaml");
  g_autoptr (GError) error = NULL;

  mill_graph_spec_set_param (spec, "slate-timeout-ms", "200");
  Publisher *publisher = publisher_new (test->address, "live", "demo");
  accept_next (test, spec, MILL_TAKEOVER_BACKUP, &error);
  g_assert_no_error (error);
  publisher_wait_ready (publisher);
  publisher_free (publisher);
  fixture_watch_wait (test->watch, "demo", MILL_STREAM_FAILED);
}

/* A backup that never came is no failure of the end. */
static void
test_end_without_backup (Test *test, gconstpointer data)
{
  g_autoptr (MillGraphSpec) spec = read_shipped ("live-failover.yaml");
  Publisher *publisher = join (test, "demo", spec, MILL_TAKEOVER_BACKUP);

  fixture_watch_wait (test->watch, "demo", MILL_STREAM_LIVE);
  publisher_send (publisher, movie, 2000);
  g_autofree gchar *playlist = end_and_read (test);
  publisher_free (publisher);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv); /* the publisher's own messages are GstBuffers */
  movie = worker_door_make_movie ();
#define ADD(name, function)                                             \
  g_test_add ("/worker/takeover/" name, Test, NULL, worker_door_set_up, \
      function, worker_door_tear_down)
  ADD ("replace", test_replace);
  ADD ("replaced-is-told", test_replaced_is_told);
  ADD ("grace", test_grace);
  ADD ("another-run", test_another_run);
  ADD ("backup", test_backup);
  ADD ("places-are-kept", test_places_are_kept);
  ADD ("place-is-over", test_place_is_over);
  ADD ("left-before-media", test_left_before_media);
  ADD ("end-without-backup", test_end_without_backup);
  const gint status = g_test_run ();
  mill_flv_file_free (movie);
  return status;
}
