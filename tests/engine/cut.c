/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* A stream in several processes: what leaves one arrives in the other at the
 * same running time, either may come, go and stand still, and the end of a film
 * is the end of all its parts. usage: engine-cut RUN-DESCRIPTION */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "engine.h"
#include "fake-demux.h"

#define DEADLINE_S 30
#define HEAD "millrace: 1\nname: cut\nnodes:\n"

static const gchar *run_description;

/* An encoder whose frames go past, and through, an isolated parser. */
#define STREAM(source, fps)                                                 \
  HEAD "  direct: { element: fakesink, from: [in] }\n"                      \
       "  back: { element: fakesink, from: [part] }\n"                      \
       "  part: { element: h264parse, from: [in], isolate: true }\n"        \
       "  in: { element: x264enc, from: [size], props: { tune: "            \
       "zerolatency, speed-preset: ultrafast, key-int-max: 10, threads: 1 " \
       "} }\n"                                                              \
       "  size: { element: capsfilter, from: [picture], props: { caps: "    \
       "\"video/x-raw,format=I420,width=64,height=36,framerate=" fps        \
       "\" } }\n"                                                           \
       "  picture: { element: videotestsrc, props: { " source " } }\n"
#define LIVE STREAM ("is-live: true", "60/1")
#define FILM STREAM ("num-buffers: 120", "30/1")
#define FAST STREAM ("is-live: true", "400/1")

/* ---- what passes a pad ---- */

typedef struct
{
  GMutex lock;
  GHashTable *set; /* lock: running times */
  guint count; /* lock */
  GstClockTime last; /* lock */
} Seen;

static void
seen_init (Seen *seen)
{
  *seen = (Seen){ .last = GST_CLOCK_TIME_NONE };
  g_mutex_init (&seen->lock);
  seen->set = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
}

static void
seen_clear (Seen *seen)
{
  g_hash_table_unref (seen->set);
  g_mutex_clear (&seen->lock);
}

static GstPadProbeReturn
on_buffer (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Seen *seen = user_data;
  g_autoptr (GstEvent) event =
      gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment;
  GstClockTime time;

  gst_event_parse_segment (event, &segment);
  time = gst_segment_to_running_time (segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)));
  g_mutex_lock (&seen->lock);
  g_hash_table_add (seen->set, g_memdup2 (&time, sizeof time));
  seen->count++;
  seen->last = time;
  g_mutex_unlock (&seen->lock);
  g_main_context_wakeup (NULL);
  return GST_PAD_PROBE_OK;
}

static guint
seen_count (Seen *seen)
{
  g_mutex_lock (&seen->lock);
  guint count = seen->count;
  g_mutex_unlock (&seen->lock);
  return count;
}

/* Each running time of @part was one of @whole, and not only once. */
static void
assert_within (Seen *part, Seen *whole)
{
  GHashTableIter iter;
  gpointer time;

  g_mutex_lock (&part->lock);
  g_mutex_lock (&whole->lock);
  g_assert_cmpuint (g_hash_table_size (part->set), >, 5);
  g_hash_table_iter_init (&iter, part->set);
  while (g_hash_table_iter_next (&iter, &time, NULL))
    g_assert_true (g_hash_table_contains (whole->set, time));
  g_mutex_unlock (&whole->lock);
  g_mutex_unlock (&part->lock);
}

/* ---- a stream in parts ---- */

typedef struct
{
  MillGraph *graph;
  gboolean ended;
  GString *said; /* failures and warnings */
} Part;

typedef struct
{
  gchar *dir;
  gchar *text;
  GstClockTime epoch;
  MillBusQueue *queue;
  GPid child; /* 0: none */
  guint timeout_ms;
  Part parts[3];
  guint deadline;
} Stream;

static gboolean
on_deadline (gpointer user_data)
{
  Stream *stream = user_data;

  for (guint i = 0; i < G_N_ELEMENTS (stream->parts); i++) {
    Part *part = &stream->parts[i];
    g_autofree gchar *dot = part->graph ? mill_graph_to_dot (part->graph)
                                        : NULL;

    g_printerr ("part %u: ended %d, said %s\n%s\n", i, part->ended,
        part->said->str, dot ? dot : "not running");
  }
  if (stream->child)
    kill (stream->child, SIGKILL);
  g_error ("nothing came in %d s", DEADLINE_S);
  return G_SOURCE_REMOVE;
}

static void
stream_init (Stream *stream, const gchar *text)
{
  *stream = (Stream){ .text = g_strdup (text) };
  stream->dir = g_dir_make_tmp ("millrace-XXXXXX", NULL);
  stream->epoch = (GstClockTime) g_get_monotonic_time () * 1000;
  stream->queue = mill_bus_queue_new (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (stream->parts); i++)
    stream->parts[i].said = g_string_new (NULL);
  stream->deadline = g_timeout_add_seconds (DEADLINE_S, on_deadline, stream);
}

static void
on_ended (MillGraph *graph, Part *part)
{
  part->ended = TRUE;
}

static void
on_failed (MillGraph *graph, const GError *error, const gchar *node, Part *part)
{
  g_string_append_printf (part->said, "failed %s: %s\n", node, error->message);
}

static void
on_warning (MillGraph *graph, const gchar *node, const gchar *text, Part *part)
{
  g_string_append_printf (part->said, "warning %s: %s\n", node, text);
}

static void
stream_build_as (Stream *stream, guint process, Part *part)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (GError) error = NULL;
  MillPlanOptions options = { .epoch = stream->epoch,
    .process = process,
    .links_dir = stream->dir,
    .link_timeout_ms = stream->timeout_ms };
  g_autoptr (MillPlan) plan = mill_plan_new_from_data (stream->text,
      strlen (stream->text), "f.yaml", &options, diagnostics);
  g_autofree gchar *said = mill_diagnostics_to_string (diagnostics);

  g_assert_cmpstr (said, ==, "");
  part->ended = FALSE;
  part->graph = mill_graph_new (plan, stream->queue, &error);
  g_assert_no_error (error);
  g_signal_connect (part->graph, "ended", G_CALLBACK (on_ended), part);
  g_signal_connect (part->graph, "failed", G_CALLBACK (on_failed), part);
  g_signal_connect (part->graph, "warning", G_CALLBACK (on_warning), part);
}

static Part *
stream_build (Stream *stream, guint process)
{
  stream_build_as (stream, process, &stream->parts[process]);
  return &stream->parts[process];
}

static void
part_watch (Part *part, const gchar *node, const gchar *name, Seen *seen)
{
  GstElement *element = mill_graph_get_node (part->graph, node);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, seen, NULL);
}

static void
part_start (Part *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (mill_graph_start (part->graph, &error));
  g_assert_no_error (error);
}

static void
part_stop (Part *part)
{
  if (part->graph)
    mill_graph_stop (part->graph);
  g_clear_object (&part->graph);
}

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

static void
wait_more (Seen *seen, guint more)
{
  guint until = seen_count (seen) + more;

  while (seen_count (seen) < until)
    g_main_context_iteration (NULL, TRUE);
}

static void
wait_ended (Part *part)
{
  while (!part->ended)
    g_main_context_iteration (NULL, TRUE);
}

/* Nothing was said, and nothing is left: neither graphs nor sockets. */
static void
stream_clear (Stream *stream)
{
  for (guint i = 0; i < G_N_ELEMENTS (stream->parts); i++) {
    part_stop (&stream->parts[i]);
    g_assert_cmpstr (stream->parts[i].said->str, ==, "");
    g_string_free (stream->parts[i].said, TRUE);
  }
  mill_bus_queue_free (stream->queue);
  g_source_remove (stream->deadline);
  g_assert_cmpint (g_rmdir (stream->dir), ==, 0);
  g_free (stream->dir);
  g_free (stream->text);
}

static void
assert_said (Stream *stream, guint process, const gchar *said)
{
  g_assert_cmpstr (stream->parts[process].said->str, ==, said);
  g_string_truncate (stream->parts[process].said, 0);
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

/* ---- pads ---- */

#define DEMUX(pads)                                                                  \
  HEAD                                                                               \
      "  a: { element: fakesrc, props: { num-buffers: 5, filltype: zero, sizetype: " \
      "fixed } }\n"                                                                  \
      "  d: { element: fakedemux, from: [a], props: { pads: \"" pads                 \
      "\" } }\n"                                                                     \
      "  here: { element: fakesink, from: [d.video_3] }\n"                           \
      "  v: { element: fakesink, from: [d.video_3], isolate: true }\n"

static void
run_parts (Stream *stream, guint n_parts)
{
  for (guint i = n_parts; i > 0; i--)
    part_start (stream_build (stream, i - 1));
  for (guint i = 0; i < n_parts; i++)
    wait_ended (&stream->parts[i]);
}

/* Pads keep their names, and one that another process wants is no surprise. */
static void
test_pad_names (void)
{
  static const gchar *const names[] = { "video_3", "audio_1" };
  Stream stream;

  stream_init (&stream,
      DEMUX ("audio_1 video_3") "  s: { element: fakesink, from: [d.audio_1], "
                                "isolate: true }\n");
  run_parts (&stream, 3);
  /* Of the other one nothing need have come when all that is wanted has. */
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GstElement *end = mill_graph_get_node (stream.parts[i + 1].graph, "link:d");
    g_autoptr (GstPad) pad = gst_element_get_static_pad (end, names[i]);

    g_assert_nonnull (pad);
  }
  stream_clear (&stream);
}

/* What a film lacks is said, and keeps nobody waiting. */
static void
test_pad_never_appears (void)
{
  Stream stream;

  stream_init (&stream,
      DEMUX ("video_3") "  s: { element: fakesink, from: [d.audio_0], isolate: "
                        "true }\n");
  run_parts (&stream, 3);
  assert_said (&stream, 0,
      "warning d: planned pad 'audio_0' for 'link:d' has not appeared and will "
      "not\n");
  assert_said (&stream, 2,
      "warning link:d: planned pad 'audio_0' for 's' has not appeared and will "
      "not\n");
  stream_clear (&stream);
}

static void
test_no_pad_appears (void)
{
  Stream stream;

  stream_init (&stream,
      HEAD
      "  a: { element: fakesrc, props: { num-buffers: 5, filltype: zero, sizetype: fixed "
      "} }\n"
      "  d: { element: fakedemux, from: [a], props: { pads: video_0 } }\n"
      "  here: { element: fakesink, from: [d.video_0] }\n"
      "  s: { element: fakesink, from: [d.audio_0], isolate: true }\n");
  run_parts (&stream, 2);
  assert_said (&stream, 0,
      "warning d: planned pad 'audio_0' for 'link:d' has not appeared and will "
      "not\n");
  assert_said (&stream, 1,
      "warning link:d: planned pad 'audio_0' for 's' has not appeared and will "
      "not\n");
  stream_clear (&stream);
}

/* ---- other streams ---- */

#define PUBLISHED                                                            \
  HEAD "  picture: { element: videotestsrc, props: { is-live: true } }\n"    \
       "  in: { element: x264enc, from: [picture], publish: true, props: { " \
       "tune: zerolatency, speed-preset: ultrafast, key-int-max: 10 } }\n"   \
       "  own: { element: fakesink, from: [in] }\n"
#define TAKER                                                                 \
  HEAD "  parse: { element: h264parse, from: [\"stream:cut/in.video_0\"] }\n" \
       "  out: { element: fakesink, from: [parse] }\n"

/* Another graph takes from it, leaves, and comes again; it does not notice. */
static void
test_stream (void)
{
  Stream stream;
  Seen given;
  Seen taken;

  stream_init (&stream, PUBLISHED);
  seen_init (&given);
  seen_init (&taken);
  Part *part = stream_build (&stream, 0);
  part_watch (part, "in", "src", &given);
  part_start (part);
  g_free (stream.text);
  stream.text = g_strdup (TAKER);
  Part *taker = &stream.parts[1];
  for (guint i = 0; i < 2; i++) {
    stream_build_as (&stream, 0, taker);
    part_watch (taker, "parse", "sink", &taken);
    part_start (taker);
    wait_more (&taken, 10);
    part_stop (taker);
    wait_more (&given, 10);
  }
  assert_within (&taken, &given);
  stream_clear (&stream);
  seen_clear (&given);
  seen_clear (&taken);
}

static void
test_no_such_stream (void)
{
  Stream stream;

  stream_init (&stream, TAKER);
  stream.timeout_ms = 50;
  Part *part = stream_build (&stream, 0);
  g_autofree gchar *said =
      g_strdup_printf ("failed stream:cut/in: Nobody publishes on "
                       "'%s/cut.in'.\n",
          stream.dir);
  part_start (part);
  while (!*part->said->str)
    g_main_context_iteration (NULL, TRUE);
  assert_said (&stream, 0, said);
  stream_clear (&stream);
}

/* A source too small for any rung: the packager in the other process has what
 * goes past the ladder, and that is not the end of the stream. */
static void
test_no_pad_of_one_of_two (void)
{
  g_autofree gchar *text = NULL;
  g_autofree gchar *out = NULL;
  Stream stream;

  stream_init (&stream, "");
  out = g_build_filename (stream.dir, "out.sock", NULL);
  text = g_strdup_printf (HEAD
      "  a: { element: fakesrc, props: { num-buffers: 5, sizetype: fixed "
      "} }\n"
      "  b: { element: fakesrc, props: { num-buffers: 5, sizetype: fixed "
      "} }\n"
      "  none: { element: fakedemux, from: [a], props: { pads: \"\" } }\n"
      "  some: { element: fakedemux, from: [b], props: { pads: video_0 } "
      "}\n"
      "  out: { element: millsink, from: [none.video_%%u, some.video_%%u], "
      "isolate: true, props: { location: %s } }\n",
      out);
  g_free (stream.text);
  stream.text = g_steal_pointer (&text);
  run_parts (&stream, 2);
  assert_said (&stream, 0,
      "warning none: planned pad 'video_%u' for 'link:none' has not appeared and "
      "will not\n");
  assert_said (&stream, 1,
      "warning link:none: planned pad 'video_%u' for 'out' has not appeared and "
      "will not\n");
  stream_clear (&stream);
}

/* As in workers: what has ended is stopped at once. */
static void
run_workers (Stream *stream, guint n_parts)
{
  guint n_running = n_parts;

  for (guint i = n_parts; i > 0; i--)
    part_start (stream_build (stream, i - 1));
  while (n_running > 0) {
    g_main_context_iteration (NULL, TRUE);
    for (guint i = 0; i < n_parts; i++) {
      Part *part = &stream->parts[i];

      if (!part->ended || !part->graph)
        continue;
      part_stop (part);
      n_running--;
    }
  }
}

/* The same of a film, whose sender waits for whoever takes it: that stays until
 * the film is over, although it makes nothing of it. */
static void
test_film_for_nothing (void)
{
  g_autofree gchar *text = NULL;
  g_autofree gchar *out = NULL;
  Stream stream;

  stream_init (&stream, "");
  out = g_build_filename (stream.dir, "out.sock", NULL);
  text = g_strdup_printf (HEAD
      "  film: { element: videotestsrc, props: { num-buffers: 600 } }\n"
      "  in: { element: x264enc, from: [film], props: { tune: "
      "zerolatency, speed-preset: ultrafast, threads: 1 } }\n"
      "  none: { element: fakedemux, from: [in], isolate: true, props: { "
      "pads: \"\" } }\n"
      "  out: { element: millsink, from: [in, none.video_%%u], props: { "
      "location: %s } }\n",
      out);
  g_free (stream.text);
  stream.text = g_steal_pointer (&text);
  run_workers (&stream, 2);
  assert_said (&stream, 0,
      "warning link:none: planned pad 'video_%u' for 'out' has not appeared and "
      "will not\n");
  assert_said (&stream, 1,
      "warning none: planned pad 'video_%u' for 'link:none' has not appeared and "
      "will not\n");
  stream_clear (&stream);
}

/* A mistake on the link is said with the node whose media it is. */
static void
test_socket_taken (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *path = NULL;
  Stream stream;

  stream_init (&stream, LIVE);
  path = g_build_filename (stream.dir, "cut.in", NULL);
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  stream_build (&stream, 0);
  g_assert_false (mill_graph_start (stream.parts[0].graph, &error));
  g_assert_nonnull (strstr (error->message, "node 'link:in': "));
  g_assert_nonnull (strstr (error->message, path));
  g_remove (path);
  stream_clear (&stream);
}

#define ADD(name, text, func) \
  g_test_add ("/cut/" name, Test, text, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  gint result;

  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);
  run_description = argv[1];
  mill_engine_init (&argc, &argv, &error);
  g_assert_no_error (error);
  fake_demux_register ();
  ADD ("times", LIVE, test_times);
  ADD ("restarts", LIVE, test_restarts);
  ADD ("end", LIVE, test_end);
  g_test_add_func ("/cut/one-of-two-ends", test_one_of_two_ends);
  ADD ("alone", LIVE, test_alone);
  ADD ("stopped-process", FAST, test_stopped_process);
  ADD ("film", FILM, test_film);
  ADD ("film-isolated-first", FILM, test_film_isolated_first);
  g_test_add_func ("/cut/pad-names", test_pad_names);
  g_test_add_func ("/cut/pad-never-appears", test_pad_never_appears);
  g_test_add_func ("/cut/no-pad-appears", test_no_pad_appears);
  g_test_add_func ("/cut/stream", test_stream);
  g_test_add_func ("/cut/no-such-stream", test_no_such_stream);
  g_test_add_func ("/cut/no-pad-of-one-of-two", test_no_pad_of_one_of_two);
  g_test_add_func ("/cut/film-for-nothing", test_film_for_nothing);
  g_test_add_func ("/cut/socket-taken", test_socket_taken);
  result = g_test_run ();
  gst_deinit ();
  return result;
}
