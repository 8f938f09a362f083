/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <string.h>

#include <glib/gstdio.h>
#include <gst/check/gstcheck.h>

/* Recordings into a directory of their own, and readers of what is there. */

#define VIDEO(n)                                      \
  "videotestsrc num-buffers=" #n " ! "                \
  "video/x-raw,width=160,height=90,framerate=25/1 ! " \
  "x264enc speed-preset=ultrafast bframes=2 key-int-max=25 ! "

static inline gchar *
make_dir (void)
{
  gchar *dir = g_dir_make_tmp ("mill-record-XXXXXX", NULL);
  g_assert_nonnull (dir);
  return dir;
}

static inline void
clear_dir (gchar *dir)
{
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  const gchar *name;
  while ((name = g_dir_read_name (entries)) != NULL) {
    g_autofree gchar *path = g_build_filename (dir, name, NULL);
    g_assert_cmpint (g_unlink (path), ==, 0);
  }
  g_assert_cmpint (g_rmdir (dir), ==, 0);
  g_free (dir);
}

static inline gboolean
is_there (const gchar *dir, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (dir, name, NULL);
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* Until all of @pipeline is at its end; an error fails the test. */
static inline void
wait_eos (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
      60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
}

/* Returns: (transfer full): EOS or the error */
static inline GstMessage *
run (const gchar *launch, const gchar *dir, const gchar *name, guint *warnings)
{
  g_autoptr (GError) error = NULL;
  GstElement *pipeline = gst_parse_launch (launch, &error);
  g_assert_no_error (error);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "s");
  g_autofree gchar *location = g_build_filename (dir, name, NULL);
  g_object_set (sink, "location", location, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  for (*warnings = 0;; gst_message_unref (message)) {
    message = gst_bus_timed_pop_filtered (bus, 60 * GST_SECOND,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
    g_assert_nonnull (message);
    if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_WARNING)
      break;
    *warnings += 1;
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return message;
}

static inline void
run_whole (const gchar *launch, const gchar *dir, const gchar *name)
{
  guint warnings;
  g_autoptr (GstMessage) message = run (launch, dir, name, &warnings);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  g_assert_cmpuint (warnings, ==, 0);
}

static inline GstPadProbeReturn
on_frame (GstPad *pad, GstPadProbeInfo *info, gpointer times)
{
  g_autoptr (GstEvent) event =
      gst_pad_get_sticky_event (pad, GST_EVENT_SEGMENT, 0);
  const GstSegment *segment;
  gst_event_parse_segment (event, &segment);
  GstClockTime time = gst_segment_to_stream_time (segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (GST_PAD_PROBE_INFO_BUFFER (info)));
  g_array_append_val ((GArray *) times, time);
  return GST_PAD_PROBE_OK;
}

/* The times of the frames that @track of @demux gives, in the order of decoding. */
static inline GArray *
read_track (const gchar *dir, const gchar *name, const gchar *demux,
    const gchar *track)
{
  GArray *times = g_array_new (FALSE, FALSE, sizeof (GstClockTime));
  g_autofree gchar *launch = g_strdup_printf (
      "filesrc location=%s/%s ! %s name=d d.%s ! fakesink name=f "
      "sync=false async=false",
      dir, name, demux, track);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  g_autoptr (GstElement) end = gst_bin_get_by_name (GST_BIN (pipeline), "f");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (end, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_frame, times, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
      60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    g_autoptr (GError) error = NULL;
    g_autofree gchar *debug = NULL;
    gst_message_parse_error (message, &error, &debug);
    g_error ("%s: %s (%s)", name, error->message, debug);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  return times;
}

static inline GArray *
read_times (const gchar *dir, const gchar *name, const gchar *demux)
{
  return read_track (dir, name, demux, "video_0");
}

static inline gint
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const gchar *const *) a, *(const gchar *const *) b);
}

/* Names in @dir that end in @suffix, in order. */
static inline GPtrArray *
list (const gchar *dir, const gchar *suffix)
{
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) entries = g_dir_open (dir, 0, NULL);
  const gchar *name;
  while ((name = g_dir_read_name (entries)) != NULL)
    if (g_str_has_suffix (name, suffix))
      g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare_names);
  return names;
}
