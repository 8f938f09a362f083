/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "progress.h"

#include <stdatomic.h>

/** Written by streaming threads, read by the main loop. */
typedef struct
{
  _Atomic guint64 bytes;
  _Atomic guint64 position; /* running time, the furthest of all pads */
} Meter;

/** Belongs to the streaming thread of a pad. */
typedef struct
{
  Meter *meter; /* owned */
  GstSegment segment;
} PadMeter;

/** A sink of the pipeline, watched for pads. */
typedef struct
{
  GstElement *element;
  Meter *meter;
  gchar *written; /* nullable: the last file, under the name that it got */
} SinkMeter;

struct _MillProgress
{
  GstPipeline *pipeline;
  GPtrArray *sinks; /* (element-type SinkMeter) */
  gint64 started_us;
};

/* ---- pads ---- */

static void
free_pad_meter (gpointer data)
{
  PadMeter *pad = data;
  g_atomic_rc_box_release (pad->meter);
  g_free (pad);
}

static void
count_buffer (PadMeter *pad, GstBuffer *buffer)
{
  atomic_fetch_add (&pad->meter->bytes, gst_buffer_get_size (buffer));
  GstClockTime time = GST_BUFFER_PTS (buffer);
  if (pad->segment.format != GST_FORMAT_TIME || !GST_CLOCK_TIME_IS_VALID (time))
    return;
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    time += GST_BUFFER_DURATION (buffer);
  guint64 position =
      gst_segment_to_running_time (&pad->segment, GST_FORMAT_TIME, time);
  guint64 seen = atomic_load (&pad->meter->position);
  while (GST_CLOCK_TIME_IS_VALID (position) && position > seen &&
      !atomic_compare_exchange_weak (&pad->meter->position, &seen, position))
    continue;
}

static GstPadProbeReturn
on_pad_data (GstPad *gst_pad, GstPadProbeInfo *info, gpointer user_data)
{
  PadMeter *pad = user_data;
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER) {
    count_buffer (pad, GST_PAD_PROBE_INFO_BUFFER (info));
  } else if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    GstBufferList *list = GST_PAD_PROBE_INFO_BUFFER_LIST (info);
    for (guint i = 0; i < gst_buffer_list_length (list); i++)
      count_buffer (pad, gst_buffer_list_get (list, i));
  } else {
    GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
    if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
      gst_event_copy_segment (event, &pad->segment);
  }
  return GST_PAD_PROBE_OK;
}

static void
watch_pad (Meter *meter, GstPad *gst_pad)
{
  if (GST_PAD_DIRECTION (gst_pad) != GST_PAD_SINK)
    return;
  PadMeter *pad = g_new0 (PadMeter, 1);
  pad->meter = g_atomic_rc_box_acquire (meter);
  gst_segment_init (&pad->segment, GST_FORMAT_UNDEFINED);
  gst_pad_add_probe (gst_pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST |
          GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      on_pad_data, pad, free_pad_meter);
}

/* On a streaming thread when a source finds its pads late. */
static void
on_pad_added (GstElement *sink, GstPad *pad, gpointer user_data)
{
  watch_pad (user_data, pad);
}

static gboolean
watch_existing_pad (GstElement *sink, GstPad *pad, gpointer user_data)
{
  watch_pad (user_data, pad);
  return TRUE;
}

/* A handler that is under way keeps its meter. */
static void
release_meter (gpointer meter, GClosure *closure)
{
  g_atomic_rc_box_release (meter);
}

static void
free_sink_meter (gpointer data)
{
  SinkMeter *sink = data;
  g_signal_handlers_disconnect_by_data (sink->element, sink->meter);
  gst_object_unref (sink->element);
  g_atomic_rc_box_release (sink->meter);
  g_free (sink->written);
  g_free (sink);
}

/* Returns: (transfer full)(nullable): where @sink puts what it gets */
static gchar *
dup_location (const SinkMeter *sink)
{
  gchar *location = g_strdup (sink->written);
  if (location != NULL)
    return location;
  GParamSpec *pspec =
      g_object_class_find_property (G_OBJECT_GET_CLASS (sink->element),
          "location");
  if (pspec != NULL && G_IS_PARAM_SPEC_STRING (pspec))
    g_object_get (sink->element, "location", &location, NULL);
  return location;
}

/* Takes its pads and leaves it at that, as a recordsink without a location. */
static gboolean
is_off (const SinkMeter *sink)
{
  g_autofree gchar *location = dup_location (sink);
  return location != NULL && *location == '\0';
}

static void
watch_sink (const GValue *item, gpointer user_data)
{
  MillProgress *self = user_data;
  SinkMeter *sink = g_new0 (SinkMeter, 1);
  sink->element = g_value_dup_object (item);
  sink->meter = g_atomic_rc_box_new0 (Meter);
  if (is_off (sink)) {
    free_sink_meter (sink);
    return;
  }
  g_ptr_array_add (self->sinks, sink);
  g_signal_connect_data (sink->element, "pad-added", G_CALLBACK (on_pad_added),
      g_atomic_rc_box_acquire (sink->meter), release_meter, 0);
  gst_element_foreach_sink_pad (sink->element, watch_existing_pad, sink->meter);
}

MillProgress *
mill_progress_new (GstPipeline *pipeline)
{
  MillProgress *self = g_new0 (MillProgress, 1);
  self->pipeline = pipeline;
  self->sinks = g_ptr_array_new_with_free_func (free_sink_meter);
  self->started_us = g_get_monotonic_time ();
  GstIterator *sinks = gst_bin_iterate_sinks (GST_BIN (pipeline));
  gst_iterator_foreach (sinks, watch_sink, self);
  gst_iterator_free (sinks);
  return self;
}

void
mill_progress_free (MillProgress *progress)
{
  if (progress == NULL)
    return;
  g_ptr_array_unref (progress->sinks);
  g_free (progress);
}

void
mill_progress_set_written (MillProgress *progress, const gchar *node,
    const gchar *path)
{
  for (guint i = 0; i < progress->sinks->len; i++) {
    SinkMeter *sink = g_ptr_array_index (progress->sinks, i);
    if (!g_str_equal (GST_OBJECT_NAME (sink->element), node))
      continue;
    g_free (sink->written);
    sink->written = g_strdup (path);
  }
}

/* ---- text ---- */

typedef struct
{
  gdouble position_s;
  gdouble elapsed_s;
  guint64 bytes;
  guint n_sinks; /* that got something */
  gdouble speed;
  gdouble bitrate_mbps; /* of the media, not of the work */
} Numbers;

static Numbers
take_numbers (MillProgress *self)
{
  guint64 position = 0;
  Numbers n = {
    .elapsed_s = (g_get_monotonic_time () - self->started_us) / 1e6,
  };
  for (guint i = 0; i < self->sinks->len; i++) {
    const SinkMeter *sink = g_ptr_array_index (self->sinks, i);
    guint64 bytes = atomic_load (&sink->meter->bytes);
    n.bytes += bytes;
    n.n_sinks += bytes > 0;
    position = MAX (position, atomic_load (&sink->meter->position));
  }
  n.position_s = position / 1e9;
  n.speed = n.elapsed_s > 0 ? n.position_s / n.elapsed_s : 0;
  n.bitrate_mbps = n.position_s > 0 ? n.bytes * 8 / n.position_s / 1e6 : 0;
  return n;
}

static gchar *
format_time (gdouble seconds)
{
  guint tenths = seconds * 10;
  return g_strdup_printf ("%02u:%02u:%02u.%u", tenths / 36000,
      tenths / 600 % 60, tenths / 10 % 60, tenths % 10);
}

/* Three digits, without an exponent. */
static gchar *
format_number (gdouble number)
{
  guint decimals = number < 10 ? 2 : number < 100 ? 1 : 0;
  return g_strdup_printf ("%.*f", decimals, number);
}

/* Several sinks may have the same media: then their sum is nobody's rate. */
static void
add_bitrate (GString *text, const Numbers *n)
{
  g_autofree gchar *bitrate = format_number (n->bitrate_mbps);
  if (n->n_sinks <= 1)
    g_string_append_printf (text, ", %s Mbit/s", bitrate);
}

/* A recording's name is made when its file is: "location" is a pattern. */
static gboolean
is_unfinished (const SinkMeter *sink)
{
  GstElementFactory *factory = gst_element_get_factory (sink->element);
  return sink->written == NULL && factory != NULL &&
      g_str_equal (GST_OBJECT_NAME (factory), "recordsink");
}

/* What each sink got, by name where there are several. */
static void
add_bytes (GString *text, MillProgress *self, const Numbers *n)
{
  if (n->n_sinks == 0)
    g_string_append (text, ", 0.0 MB");
  for (guint i = 0; i < self->sinks->len; i++) {
    const SinkMeter *sink = g_ptr_array_index (self->sinks, i);
    guint64 bytes = atomic_load (&sink->meter->bytes);
    g_autofree gchar *location = dup_location (sink);
    const gchar *name = GST_OBJECT_NAME (sink->element);
    if (bytes == 0)
      continue;
    if (is_unfinished (sink))
      g_string_append_printf (text,
          ", %.1f MB to '%s', which finished no file (what it left may end in "
          ".part)",
          bytes / 1e6, name);
    else if (n->n_sinks <= 1)
      g_string_append_printf (text, ", %.1f MB", bytes / 1e6);
    else
      g_string_append_printf (text, ", %.1f MB to %s", bytes / 1e6,
          location != NULL ? location : name);
  }
}

gchar *
mill_progress_to_line (MillProgress *progress)
{
  Numbers n = take_numbers (progress);
  gint64 duration = -1;
  g_autofree gchar *position = format_time (n.position_s);
  GString *line = g_string_new (position);
  gst_element_query_duration (GST_ELEMENT (progress->pipeline), GST_FORMAT_TIME,
      &duration);
  if (duration > 0) {
    g_autofree gchar *total = format_time (duration / 1e9);
    g_string_append_printf (line, " of %s", total);
  }
  g_autofree gchar *speed = format_number (n.speed);
  g_string_append_printf (line, ", %sx real time", speed);
  add_bitrate (line, &n);
  if (duration > 0 && n.speed > 0)
    g_string_append_printf (line, ", %.0f s left",
        MAX (0, (duration / 1e9 - n.position_s) / n.speed));
  return g_string_free (line, FALSE);
}

gchar *
mill_progress_to_summary (MillProgress *progress)
{
  Numbers n = take_numbers (progress);
  g_autofree gchar *speed = format_number (n.speed);
  GString *text = g_string_new (NULL);
  /* A muxer's bytes carry no time (mp4mux): no numbers are better than 0. */
  if (n.position_s > 0)
    g_string_append_printf (text, "%.1f s of media in %.2f s (%sx real time)",
        n.position_s, n.elapsed_s, speed);
  else
    g_string_append_printf (text, "%.2f s", n.elapsed_s);
  add_bytes (text, progress, &n);
  if (n.position_s > 0)
    add_bitrate (text, &n);
  return g_string_free (text, FALSE);
}
