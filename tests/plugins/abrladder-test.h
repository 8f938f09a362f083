/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib/gstdio.h>
#include <gst/gst.h>
#include <gst/video/video.h>

#include "codec/avc.h"

/*
 * A pipeline with an abrladder named "l", and a record of what goes in and what
 * comes out of every pad: running times, keyframes from the bytes.
 */

#define DEADLINE (50 * GST_SECOND)
#define MOVIE_FRAMES 120 /* 50 a second, with B-frames */
#define MOVIE_KEYFRAMES "0,0.26,0.74,0.96,1.78,2.1"
#define N_KEYFRAMES 6

typedef struct _Fixture Fixture;

typedef struct
{
  Fixture *fixture;
  gchar *name;
  gboolean is_video;
  /* streaming thread; read when it has ended */
  GArray *frames; /* of GstClockTime */
  GArray *keyframes;
  guint broken; /* frames whose flag and bytes disagree */
  guint caps;
  gint width;
  gint height;
  gint ended; /* atomic */
} Recorded;

struct _Fixture
{
  GstElement *pipeline;
  GstElement *ladder;
  GstBus *bus;
  Recorded source;
  Recorded source_audio;
  GMutex lock;
  GPtrArray *outputs; /* lock: of Recorded */
  gint no_more_pads; /* atomic */
  guint demand_after; /* frames of video_1 after which a keyframe is wanted */
  GstClockTime demand_time; /* 0: at once */
  gboolean query_latency;
  gboolean live;
  GstClockTime latency;
};

static gchar *movie_dir;
static gchar *movie_path;
static guint n_files;

/* ---- files ---- */

static inline void
fixture_make_movie (void)
{
  g_autoptr (GError) error = NULL;
  movie_dir = g_dir_make_tmp ("mill-abrladder-XXXXXX", &error);
  g_assert_no_error (error);
  movie_path = g_build_filename (movie_dir, "movie.mp4", NULL);
  const gchar *const command[] = { "ffmpeg", "-loglevel", "error", "-f",
    "lavfi", "-i", "testsrc2=size=640x360:rate=50", "-f", "lavfi", "-i",
    "sine=frequency=440:sample_rate=48000", "-t", "2.4", "-c:v", "libx264",
    "-preset", "veryfast", "-bf", "3", "-g", "999", "-sc_threshold", "0",
    "-force_key_frames", MOVIE_KEYFRAMES, "-pix_fmt", "yuv420p", "-c:a", "aac",
    movie_path, NULL };
  gint status;
  g_spawn_sync (NULL, (gchar **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
      NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_true (g_spawn_check_wait_status (status, &error));
}

static inline void
fixture_remove_movie (void)
{
  g_autoptr (GDir) dir = g_dir_open (movie_dir, 0, NULL);
  const gchar *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *path = g_build_filename (movie_dir, name, NULL);
    g_unlink (path);
  }
  g_rmdir (movie_dir);
  g_clear_pointer (&movie_path, g_free);
  g_clear_pointer (&movie_dir, g_free);
}

static inline gchar *
write_file (const gchar *text)
{
  g_autofree gchar *base = g_strdup_printf ("%u.ini", n_files++);
  gchar *path = g_build_filename (movie_dir, base, NULL);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

/* Two rungs, 360 and 180; @low: more keys of the lower. */
static inline gchar *
write_preset (const gchar *speed, const gchar *low)
{
  g_autofree gchar *text = g_strdup_printf (
      "[ladder]\nformat=1\n[x264enc]\nspeed-preset=%s\nbframes=3\n"
      "[rung high]\nheight=360\nbitrate-bps=800000\n"
      "[rung low]\nheight=180\nbitrate-bps=200000\n%s",
      speed, low);
  return write_file (text);
}

/* ---- recording ---- */

static inline GstClockTime
time_at (const GArray *times, guint i)
{
  return g_array_index (times, GstClockTime, i);
}

static inline gint
compare_times (gconstpointer a, gconstpointer b)
{
  GstClockTime one = *(const GstClockTime *) a;
  GstClockTime other = *(const GstClockTime *) b;
  return one < other ? -1 : one > other;
}

static inline gboolean
has_time (const GArray *times, GstClockTime time)
{
  for (guint i = 0; i < times->len; i++) {
    if (time_at (times, i) == time)
      return TRUE;
  }
  return FALSE;
}

static inline void
assert_same_times (const GArray *got, const GArray *expected)
{
  g_assert_cmpuint (got->len, ==, expected->len);
  for (guint i = 0; i < got->len; i++)
    g_assert_cmpuint (time_at (got, i), ==, time_at (expected, i));
}

static inline void
record_buffer (Recorded *self, GstPad *pad, GstBuffer *buffer)
{
  g_autoptr (GstEvent) event =
      gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment;
  gst_event_parse_segment (event, &segment);
  GstClockTime time = gst_segment_to_running_time (segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (buffer));
  g_array_append_val (self->frames, time);
  if (!self->is_video)
    return;
  GstMapInfo map;
  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  gboolean is_idr = mill_avc_has_idr (map.data, map.size, 4);
  gst_buffer_unmap (buffer, &map);
  if (is_idr)
    g_array_append_val (self->keyframes, time);
  self->broken += is_idr ==
      GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
}

static inline void
act_on_buffer (Recorded *self, GstPad *pad)
{
  Fixture *f = self->fixture;
  if (f->query_latency && self->frames->len == 1) {
    g_autoptr (GstQuery) query = gst_query_new_latency ();
    g_assert_true (gst_pad_peer_query (pad, query));
    gst_query_parse_latency (query, &f->live, &f->latency, NULL);
  }
  if (f->demand_after > 0 && self->frames->len == f->demand_after &&
      g_str_equal (self->name, "video_1"))
    gst_pad_push_event (pad,
        gst_video_event_new_upstream_force_key_unit (f->demand_time > 0
                ? f->demand_time
                : GST_CLOCK_TIME_NONE,
            TRUE, 1));
}

static inline void
record_event (Recorded *self, GstEvent *event)
{
  GstCaps *caps;
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      self->caps++;
      gst_structure_get_int (gst_caps_get_structure (caps, 0), "width",
          &self->width);
      gst_structure_get_int (gst_caps_get_structure (caps, 0), "height",
          &self->height);
      break;
    case GST_EVENT_FLUSH_STOP:
      g_array_set_size (self->frames, 0);
      g_array_set_size (self->keyframes, 0);
      break;
    case GST_EVENT_EOS:
      g_atomic_int_set (&self->ended, TRUE);
      gst_bus_post (self->fixture->bus,
          gst_message_new_application (NULL, gst_structure_new_empty ("eos")));
      break;
    default:
      break;
  }
}

static inline GstPadProbeReturn
on_data (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Recorded *self = user_data;
  if (GST_IS_EVENT (info->data)) {
    record_event (self, info->data);
    return GST_PAD_PROBE_OK;
  }
  record_buffer (self, pad, info->data);
  act_on_buffer (self, pad);
  return GST_PAD_PROBE_OK;
}

static inline void
record_pad (Recorded *self, GstPad *pad)
{
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM |
          GST_PAD_PROBE_TYPE_EVENT_FLUSH,
      on_data, self, NULL);
}

static inline void
recorded_init (Recorded *self, Fixture *f, const gchar *name)
{
  self->fixture = f;
  self->name = g_strdup (name);
  self->is_video = g_str_has_prefix (name, "video");
  self->frames = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  self->keyframes = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
}

static inline void
recorded_clear (Recorded *self)
{
  g_clear_pointer (&self->name, g_free);
  g_clear_pointer (&self->frames, g_array_unref);
  g_clear_pointer (&self->keyframes, g_array_unref);
}

static inline void
recorded_free (gpointer data)
{
  recorded_clear (data);
  g_free (data);
}

/* ---- the pipeline ---- */

static inline void
on_pad_added (GstElement *ladder, GstPad *pad, gpointer user_data)
{
  Fixture *f = user_data;
  if (gst_pad_get_direction (pad) != GST_PAD_SRC)
    return;
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  g_object_set (sink, "async", FALSE, "sync", FALSE, NULL);
  gst_bin_add (GST_BIN (f->pipeline), sink);
  Recorded *output = g_new0 (Recorded, 1);
  recorded_init (output, f, GST_PAD_NAME (pad));
  g_mutex_lock (&f->lock);
  g_ptr_array_add (f->outputs, output);
  g_mutex_unlock (&f->lock);
  g_autoptr (GstPad) sink_pad = gst_element_get_static_pad (sink, "sink");
  record_pad (output, sink_pad);
  gst_element_sync_state_with_parent (sink);
  g_assert_cmpint (gst_pad_link (pad, sink_pad), ==, GST_PAD_LINK_OK);
}

/* Its sink goes with the pad, as a user's would. */
static inline void
on_pad_removed (GstElement *ladder, GstPad *pad, gpointer user_data)
{
  Fixture *f = user_data;
  if (gst_pad_get_direction (pad) != GST_PAD_SRC)
    return;
  GstIterator *sinks = gst_bin_iterate_sinks (GST_BIN (f->pipeline));
  g_auto (GValue) item = G_VALUE_INIT;
  while (gst_iterator_next (sinks, &item) == GST_ITERATOR_OK) {
    g_autoptr (GstElement) sink = g_value_dup_object (&item);
    g_autoptr (GstPad) sink_pad = gst_element_get_static_pad (sink, "sink");
    g_value_reset (&item);
    if (gst_pad_is_linked (sink_pad))
      continue;
    gst_element_set_locked_state (sink, TRUE);
    gst_element_set_state (sink, GST_STATE_NULL);
    gst_bin_remove (GST_BIN (f->pipeline), sink);
    gst_iterator_resync (sinks);
  }
  gst_iterator_free (sinks);
}

static inline void
on_no_more_pads (GstElement *ladder, gpointer user_data)
{
  Fixture *f = user_data;
  g_atomic_int_inc (&f->no_more_pads);
  gst_bus_post (f->bus,
      gst_message_new_application (NULL, gst_structure_new_empty ("pads")));
}

static inline void
record_element (Fixture *f, Recorded *record, const gchar *name)
{
  g_autoptr (GstElement) element =
      gst_bin_get_by_name (GST_BIN (f->pipeline), name);
  if (element == NULL)
    return;
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "sink");
  record_pad (record, pad);
}

static inline void
fixture_init_va (Fixture *f, const gchar *source, va_list args)
{
  *f = (Fixture){ 0 };
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = g_strconcat ("abrladder name=l ", source, NULL);
  f->pipeline = gst_parse_launch (text, &error);
  g_assert_no_error (error);
  gst_object_ref_sink (f->pipeline);
  f->ladder = gst_bin_get_by_name (GST_BIN (f->pipeline), "l");
  f->bus = gst_element_get_bus (f->pipeline);
  g_mutex_init (&f->lock);
  f->outputs = g_ptr_array_new_with_free_func (recorded_free);
  recorded_init (&f->source, f, "video");
  recorded_init (&f->source_audio, f, "audio");
  record_element (f, &f->source, "sv");
  record_element (f, &f->source_audio, "sa");
  const gchar *property;
  while ((property = va_arg (args, const gchar *)) != NULL) {
    /* GStreamer 1.22 writes into the text of an array while it reads it. */
    g_autofree gchar *value = g_strdup (va_arg (args, const gchar *));
    gst_util_set_object_arg (G_OBJECT (f->ladder), property, value);
  }
  g_signal_connect (f->ladder, "pad-added", G_CALLBACK (on_pad_added), f);
  g_signal_connect (f->ladder, "pad-removed", G_CALLBACK (on_pad_removed), f);
  g_signal_connect (f->ladder, "no-more-pads", G_CALLBACK (on_no_more_pads), f);
}

/* @source: a launch line that links to l.video and l.audio; then properties of
 * the ladder with their values as text, and NULL. */
static inline void G_GNUC_NULL_TERMINATED
fixture_init (Fixture *f, const gchar *source, ...)
{
  va_list args;
  va_start (args, source);
  fixture_init_va (f, source, args);
  va_end (args);
}

static inline void G_GNUC_NULL_TERMINATED
fixture_init_movie (Fixture *f, ...)
{
  va_list args;
  va_start (args, f);
  g_autofree gchar *source = g_strdup_printf (
      "filesrc location=%s ! qtdemux name=d  d.video_0 ! identity name=sv ! "
      "l.video  d.audio_0 ! identity name=sa ! l.audio",
      movie_path);
  fixture_init_va (f, source, args);
  va_end (args);
}

static inline gboolean
is_ended (Fixture *f)
{
  gboolean ended = g_atomic_int_get (&f->no_more_pads) > 0;
  g_mutex_lock (&f->lock);
  for (guint i = 0; i < f->outputs->len; i++) {
    Recorded *output = g_ptr_array_index (f->outputs, i);
    ended &= g_atomic_int_get (&output->ended);
  }
  g_mutex_unlock (&f->lock);
  return ended;
}

static inline void
fail_on_error (GstMessage *message)
{
  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ERROR)
    return;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *debug = NULL;
  gst_message_parse_error (message, &error, &debug);
  g_error ("%s: %s (%s)", GST_OBJECT_NAME (GST_MESSAGE_SRC (message)),
      error->message, debug);
}

/* Until every pad has its end. */
static inline void
fixture_wait_eos (Fixture *f)
{
  while (!is_ended (f)) {
    g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (f->bus,
        DEADLINE, GST_MESSAGE_ERROR | GST_MESSAGE_APPLICATION);
    if (message == NULL)
      g_error ("no end of stream before the deadline");
    fail_on_error (message);
  }
}

static inline void
fixture_run (Fixture *f)
{
  /* A demuxer whose pads are still to come may start before what follows it,
   * and a pad that is not active yet ends its task: it starts last. */
  g_autoptr (GstElement) demux =
      gst_bin_get_by_name (GST_BIN (f->pipeline), "d");
  if (demux != NULL)
    gst_element_set_locked_state (demux, TRUE);
  g_assert_cmpint (gst_element_set_state (f->pipeline, GST_STATE_PLAYING), !=,
      GST_STATE_CHANGE_FAILURE);
  if (demux != NULL) {
    gst_element_set_locked_state (demux, FALSE);
    g_assert_true (gst_element_sync_state_with_parent (demux));
  }
  fixture_wait_eos (f);
}

/* Ends are waited for anew. */
static inline void
fixture_forget (Fixture *f)
{
  for (guint i = 0; i < f->outputs->len; i++) {
    Recorded *output = g_ptr_array_index (f->outputs, i);
    g_atomic_int_set (&output->ended, FALSE);
  }
}

static inline void
fixture_clear (Fixture *f)
{
  gst_element_set_state (f->pipeline, GST_STATE_NULL);
  gst_bus_set_flushing (f->bus, TRUE);
  g_clear_object (&f->bus);
  g_clear_object (&f->ladder);
  g_clear_object (&f->pipeline);
  g_clear_pointer (&f->outputs, g_ptr_array_unref);
  recorded_clear (&f->source);
  recorded_clear (&f->source_audio);
  g_mutex_clear (&f->lock);
}

static inline const Recorded *
output_named (Fixture *f, const gchar *name)
{
  for (guint i = 0; i < f->outputs->len; i++) {
    const Recorded *output = g_ptr_array_index (f->outputs, i);
    if (g_str_equal (output->name, name))
      return output;
  }
  g_error ("no pad '%s'", name);
}

static inline void
run_pipeline (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus, DEADLINE,
      GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  g_assert_nonnull (message);
  fail_on_error (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}
