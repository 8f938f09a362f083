/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * A stream of two inputs that need no publisher. An operator would notice: a
 * slate that cannot be shown and of which nobody was told while there was time
 * to mend it. */
#include <string.h>

#include "daemon/ipc/ipc.h"
#include "fixture.h"

#define SOURCE "{ element: videotestsrc, props: { is-live: true } }\n"
#define CODER                                                              \
  "props: { tune: zerolatency, key-int-max: 5, threads: 1, speed-preset: " \
  "ultrafast } }\n"

/* The parameter of printf is the slate. */
#define TWO                                                                    \
  "millrace: 1\nname: two\nnodes:\n"                                           \
  "  film: " SOURCE "  spare: " SOURCE                                         \
  "  primary: { element: x264enc, from: [film], " CODER                        \
  "  backup: { element: x264enc, from: [spare], " CODER                        \
  "  switch:\n    element: failoverswitch\n    from:\n"                        \
  "      - { node: primary, props: { priority: 0 } }\n"                        \
  "      - { node: backup, props: { priority: 1 } }\n"                         \
  "    props: { slate: \"%s\" }\n"                                             \
  "  out: { element: fakesink, from: [switch.video_0], props: { async: false " \
  "} }\n"

typedef struct
{
  Fixture *fixture;
  FixtureWatch *watch;
  MillWorkerProxy *proxy; /* the watch's */
  GString *told; /* a line per event */
  const gchar *wanted;
} Test;

/* A line of its own: "stream type node shows: message". */
static void
on_stream_event (MillWorkerProxy *proxy, const MillWorkerEvent *event,
    Test *test)
{
  const gchar *node = "-";
  const gchar *shows = "-";
  const gchar *message = "-";

  g_variant_lookup (event->details, "node", "&s", &node);
  g_variant_lookup (event->details, "shows", "&s", &shows);
  g_variant_lookup (event->details, "message", "&s", &message);
  g_test_message ("%s %s %s %s: %s", event->stream, event->type, node, shows,
      message);
  g_string_append_printf (test->told, "%s %s %s %s: %s\n", event->stream,
      event->type, node, shows, message);
}

static void
set_up (Test *test, gconstpointer data)
{
  test->fixture = fixture_new (NULL, 0);
  test->watch = fixture_worker (test->fixture, "w0");
  test->proxy = test->watch->proxy;
  test->told = g_string_new (NULL);
  g_signal_connect (test->proxy, "stream-event", G_CALLBACK (on_stream_event),
      test);
}

static void
tear_down (Test *test, gconstpointer data)
{
  fixture_watch_free (test->watch);
  fixture_free (test->fixture);
  g_string_free (test->told, TRUE);
}

static void
start (Test *test, const gchar *slate)
{
  g_autofree gchar *yaml = g_strdup_printf (TWO, slate);
  g_autoptr (GError) error = NULL;

  fixture_start_stream (test->proxy, "two", yaml, &error);
  g_assert_no_error (error);
  fixture_watch_wait (test->watch, "two", MILL_STREAM_LIVE);
}

static gboolean
is_told (gpointer data)
{
  Test *test = data;

  return strstr (test->told->str, test->wanted) != NULL;
}

static void
wait_told (Test *test, const gchar *wanted)
{
  test->wanted = wanted;
  fixture_wait (wanted, is_told, test);
}

/* ---- the slate ---- */

static void
test_slate_missing (Test *test, gconstpointer data)
{
  start (test, "/nonexistent/slate.png");
  wait_told (test,
      "two stream.warning switch -: slate '/nonexistent/slate.png': got no such "
      "file, expected a PNG, JPEG or MP4 file (nothing is shown while no input "
      "sends)\n");
  wait_told (test, "two input.switched switch input 0: ");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) \
  g_test_add ("/worker/inputs/" name, Test, NULL, set_up, function, tear_down)
  ADD ("slate-missing", test_slate_missing);
  return g_test_run ();
}
