/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "engine-test.h"

/* A stream of up to three processes, which are graphs of this one, and what
 * passes the pads of theirs. */

#define DEADLINE_S 30
#define HEAD "millrace: 1\nname: cut\nnodes:\n"

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

static inline void
seen_init (Seen *seen)
{
  *seen = (Seen){ .last = GST_CLOCK_TIME_NONE };
  g_mutex_init (&seen->lock);
  seen->set = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
}

static inline void
seen_clear (Seen *seen)
{
  g_hash_table_unref (seen->set);
  g_mutex_clear (&seen->lock);
}

static inline GstPadProbeReturn
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

static inline guint
seen_count (Seen *seen)
{
  g_mutex_lock (&seen->lock);
  guint count = seen->count;
  g_mutex_unlock (&seen->lock);
  return count;
}

/* Each running time of @part was one of @whole, and not only once. */
static inline void
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

static inline gboolean
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

static inline void
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

static inline void
on_ended (MillGraph *graph, Part *part)
{
  part->ended = TRUE;
}

static inline void
on_failed (MillGraph *graph, const GError *error, const gchar *node, Part *part)
{
  g_string_append_printf (part->said, "failed %s: %s\n", node, error->message);
}

static inline void
on_warning (MillGraph *graph, const gchar *node, const gchar *text, Part *part)
{
  g_string_append_printf (part->said, "warning %s: %s\n", node, text);
}

static inline void
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

static inline Part *
stream_build (Stream *stream, guint process)
{
  stream_build_as (stream, process, &stream->parts[process]);
  return &stream->parts[process];
}

static inline void
part_watch (Part *part, const gchar *node, const gchar *name, Seen *seen)
{
  GstElement *element = mill_graph_get_node (part->graph, node);
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_buffer, seen, NULL);
}

static inline void
part_start (Part *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (mill_graph_start (part->graph, &error));
  g_assert_no_error (error);
}

static inline void
part_stop (Part *part)
{
  if (part->graph)
    mill_graph_stop (part->graph);
  g_clear_object (&part->graph);
}

static inline void
wait_more (Seen *seen, guint more)
{
  guint until = seen_count (seen) + more;

  while (seen_count (seen) < until)
    g_main_context_iteration (NULL, TRUE);
}

static inline void
wait_ended (Part *part)
{
  while (!part->ended)
    g_main_context_iteration (NULL, TRUE);
}

static inline void
run_parts (Stream *stream, guint n_parts)
{
  for (guint i = n_parts; i > 0; i--)
    part_start (stream_build (stream, i - 1));
  for (guint i = 0; i < n_parts; i++)
    wait_ended (&stream->parts[i]);
}

/* Nothing was said, and nothing is left: neither graphs nor sockets. */
static inline void
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

static inline void
assert_said (Stream *stream, guint process, const gchar *said)
{
  g_assert_cmpstr (stream->parts[process].said->str, ==, said);
  g_string_truncate (stream->parts[process].said, 0);
}
