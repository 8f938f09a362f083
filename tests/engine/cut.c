/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* A stream in several processes: what leaves one arrives in the other at the
 * same running time, either may come, go and stand still, and the end of a film
 * is the end of all its parts. usage: engine-cut RUN-DESCRIPTION */
#include <sys/wait.h>

#include "cut-test.h"

static const gchar *run_description;

/* The first, with the encoder, which `direct` and `back` drink from. */
static Part *
start_shared (Stream *stream, Seen *given, Seen *back)
{
  Part *part = stream_build (stream, 0);

  part_watch (part, "in", "src", given);
  part_watch (part, "back", "sink", back);
  part_start (part);
  return part;
}

static Part *
start_isolated (Stream *stream, Seen *taken)
{
  Part *part = stream_build (stream, 1);

  part_watch (part, "part", "sink", taken);
  part_start (part);
  return part;
}

typedef struct
{
  Stream stream;
  Seen given; /* by the encoder, in process 0 */
  Seen taken; /* by the parser, in process 1 */
  Seen back; /* from the parser, in process 0 */
} Test;

static void
set_up (Test *test, gconstpointer text)
{
  stream_init (&test->stream, text);
  seen_init (&test->given);
  seen_init (&test->taken);
  seen_init (&test->back);
}

static void
tear_down (Test *test, gconstpointer text)
{
  stream_clear (&test->stream);
  seen_clear (&test->given);
  seen_clear (&test->taken);
  seen_clear (&test->back);
}

static void
assert_times (Test *test)
{
  assert_within (&test->taken, &test->given);
  assert_within (&test->back, &test->taken);
}

static guint64
link_stat (Part *part, const gchar *field)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 value = G_MAXUINT64;

  g_object_get (mill_graph_get_node (part->graph, "link:in"), "stats", &stats,
      NULL);
  g_assert_true (gst_structure_get_uint64 (stats, field, &value));
  return value;
}

/* ---- live ---- */

/* A rendition of the isolated part has the times of the pass-through. */
static void
test_times (Test *test, gconstpointer text)
{
  Part *isolated = start_isolated (&test->stream, &test->taken);
  Part *shared = start_shared (&test->stream, &test->given, &test->back);

  wait_more (&test->back, 30);
  assert_times (test);
  g_assert_cmpuint (gst_element_get_base_time (
                        GST_ELEMENT (mill_graph_get_pipeline (shared->graph))),
      ==, test->stream.epoch);
  g_assert_cmpuint (gst_element_get_base_time (GST_ELEMENT (
                        mill_graph_get_pipeline (isolated->graph))),
      ==, test->stream.epoch);
}

/* Each comes back alone, and the other has not even noticed. */
static void
test_restarts (Test *test, gconstpointer text)
{
  Part *shared = start_shared (&test->stream, &test->given, &test->back);
  Part *isolated = start_isolated (&test->stream, &test->taken);

  for (guint i = 0; i < 2; i++) {
    wait_more (&test->back, 10);
    part_stop (isolated);
    wait_more (&test->given, 10);
    isolated = start_isolated (&test->stream, &test->taken);
    wait_more (&test->back, 10);
    part_stop (shared);
    shared = start_shared (&test->stream, &test->given, &test->back);
    wait_more (&test->back, 10);
  }
  assert_times (test);
}

/* What the isolated part still has when the stream is ended is not lost. */
static void
test_end (Test *test, gconstpointer text)
{
  Part *shared = start_shared (&test->stream, &test->given, &test->back);
  Part *isolated = start_isolated (&test->stream, &test->taken);

  wait_more (&test->back, 10);
  mill_graph_end (shared->graph);
  wait_ended (isolated);
  wait_ended (shared);
  g_assert_cmpuint (test->back.last, ==, test->given.last);
}

/* What comes back of one source goes on when another source has ended, longer
 * than is waited for what comes back at the end. */
static void
test_one_of_two_ends (void)
{
  static const gchar text[] = STREAM ("is-live: true",
      "30/1") "  short: { element: videotestsrc, props: { is-live: true, num-buffers: "
              "3 } }\n"
              "  enc: { element: x264enc, from: [short], props: { tune: zerolatency, "
              "speed-preset: ultrafast, threads: 1 } }\n"
              "  other: { element: h264parse, from: [enc], isolate: true }\n"
              "  end: { element: fakesink, from: [other] }\n";
  Test test;

  set_up (&test, text);
  part_start (stream_build (&test.stream, 2));
  start_isolated (&test.stream, &test.taken);
  start_shared (&test.stream, &test.given, &test.back);
  wait_ended (&test.stream.parts[2]);
  wait_more (&test.back, 6 * 30);
  assert_times (&test);
  tear_down (&test, text);
}

/* A stream runs, and ends, although its isolated part is not there. */
static void
test_alone (Test *test, gconstpointer text)
{
  Part *shared = start_shared (&test->stream, &test->given, &test->back);
  GstElement *direct = mill_graph_get_node (shared->graph, "direct");

  wait_more (&test->given, 10);
  gst_element_get_state (direct, NULL, NULL, DEADLINE_S * GST_SECOND);
  g_assert_cmpint (GST_STATE (direct), ==, GST_STATE_PLAYING);
  mill_graph_end (shared->graph);
  wait_ended (shared);
  assert_said (&test->stream, 0,
      "warning link:part: planned pad 'video_0' for 'back' has not appeared and "
      "will not\n");
}

/* ---- another process ---- */

static void
spawn_isolated (Stream *stream)
{
  g_autofree gchar *file = g_build_filename (stream->dir, "cut.yaml", NULL);
  g_autofree gchar *epoch =
      g_strdup_printf ("%" G_GUINT64_FORMAT, stream->epoch);
  const gchar *arguments[] = { run_description, "--process", "1", "--epoch",
    epoch, "--links", stream->dir, file, NULL };
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (file, stream->text, -1, NULL));
  g_spawn_async (NULL, (gchar **) arguments, NULL,
      G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
      &stream->child, &error);
  g_assert_no_error (error);
}

static void
on_child (GPid pid, gint status, gpointer user_data)
{
  *(gint *) user_data = status;
}

/* Returns: the exit status */
static gint
wait_for_child (Stream *stream)
{
  gint status = G_MAXINT;

  g_child_watch_add (stream->child, on_child, &status);
  while (status == G_MAXINT)
    g_main_context_iteration (NULL, TRUE);
  stream->child = 0;
  return status;
}

static void
remove_file (Stream *stream, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (stream->dir, name, NULL);

  g_remove (path);
}

/* A process that stands still costs what goes through it, until it runs again,
 * and nothing else; one that is killed and replaced, too. */
static void
test_stopped_process (Test *test, gconstpointer text)
{
  Part *shared = start_shared (&test->stream, &test->given, &test->back);

  spawn_isolated (&test->stream);
  wait_more (&test->back, 30);
  kill (test->stream.child, SIGSTOP);
  while (link_stat (shared, "dropped") == 0)
    wait_more (&test->given, 50);
  wait_more (&test->given, 50);
  kill (test->stream.child, SIGCONT);
  wait_more (&test->back, 1000);
  assert_within (&test->back, &test->given);
  kill (test->stream.child, SIGKILL);
  g_assert_true (WIFSIGNALED (wait_for_child (&test->stream)));
  spawn_isolated (&test->stream);
  wait_more (&test->back, 30);
  assert_within (&test->back, &test->given);
  mill_graph_end (shared->graph);
  wait_ended (shared);
  g_assert_cmpint (wait_for_child (&test->stream), ==, 0);
  remove_file (&test->stream, "cut.yaml");
  /* That of the process that was killed: its successor has taken it over. */
  remove_file (&test->stream, "cut.part");
}

/* ---- films ---- */

/* Each frame arrives, whoever was there first, and the end is the end of all. */
static void
check_film (Test *test, gboolean isolated_first)
{
  Part *isolated = &test->stream.parts[1];
  Part *shared;

  if (isolated_first)
    start_isolated (&test->stream, &test->taken);
  shared = start_shared (&test->stream, &test->given, &test->back);
  if (!isolated_first) {
    wait_more (&test->given, 1);
    start_isolated (&test->stream, &test->taken);
  }
  wait_ended (shared);
  wait_ended (isolated);
  g_assert_cmpuint (test->given.count, ==, 120);
  g_assert_cmpuint (test->taken.count, ==, 120);
  g_assert_cmpuint (test->back.count, ==, 120);
  assert_times (test);
}

static void
test_film (Test *test, gconstpointer text)
{
  check_film (test, FALSE);
}

static void
test_film_isolated_first (Test *test, gconstpointer text)
{
  check_film (test, TRUE);
}

#define ADD(name, text, func) \
  g_test_add ("/cut/" name, Test, text, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  engine_test_init (&argc, &argv);
  g_assert_cmpint (argc, ==, 2);
  run_description = argv[1];
  ADD ("times", LIVE, test_times);
  ADD ("restarts", LIVE, test_restarts);
  ADD ("end", LIVE, test_end);
  g_test_add_func ("/cut/one-of-two-ends", test_one_of_two_ends);
  ADD ("alone", LIVE, test_alone);
  ADD ("stopped-process", FAST, test_stopped_process);
  ADD ("film", FILM, test_film);
  ADD ("film-isolated-first", FILM, test_film_isolated_first);
  return engine_test_run ();
}
