/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <unistd.h>

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/check/gstcheck.h>

/* A producer of appsrcs, one per pad and of its name, and consumers with an
 * appsink per pad, of its name too. Frame n lasts 40 ms, is filled with n and
 * has a PTS of its DTS plus 7. */

#define LINK_WAIT (20 * GST_SECOND)
#define LINK_FRAME (40 * GST_MSECOND)
#define LINK_VIDEO_CAPS                                               \
  "video/x-h264,stream-format=avc,alignment=au,width=64,height=64,"   \
  "codec_data=(buffer)0142c01e,colorimetry=(string)bt2020,"           \
  "mastering-display-info=(string)34000:16000:13250:34500:7500:3000:" \
  "15635:16450:10000000:1,content-light-level=(string)1000:400"
#define LINK_AUDIO_CAPS                                               \
  "audio/mpeg,mpegversion=4,stream-format=raw,rate=48000,channels=2," \
  "codec_data=(buffer)1190"
#define LINK_TEXT_CAPS "text/x-raw,format=utf8"

static gchar *link_directory;
static gchar *link_path;

G_GNUC_UNUSED static void
link_setup (void)
{
  link_directory = g_dir_make_tmp ("millink-XXXXXX", NULL);
  link_path = g_build_filename (link_directory, "s", NULL);
}

G_GNUC_UNUSED static void
link_teardown (void)
{
  unlink (link_path); /* of a check that failed */
  rmdir (link_directory);
  g_free (link_path);
  g_free (link_directory);
}

G_GNUC_UNUSED static guint64
link_get_stat (GstElement *pipeline, const gchar *name)
{
  g_autoptr (GstElement) link =
      gst_bin_get_by_name (GST_BIN (pipeline), "link");
  g_autoptr (GstStructure) stats = NULL;
  g_object_get (link, "stats", &stats, NULL);
  const GValue *value = gst_structure_get_value (stats, name);
  if (G_VALUE_HOLDS_BOOLEAN (value))
    return g_value_get_boolean (value);
  return G_VALUE_HOLDS_UINT (value) ? g_value_get_uint (value)
                                    : g_value_get_uint64 (value);
}

G_GNUC_UNUSED static void
link_wait_stat (GstElement *pipeline, const gchar *name, guint64 wanted)
{
  gint64 deadline = g_get_monotonic_time () + LINK_WAIT / 1000;
  while (link_get_stat (pipeline, name) < wanted) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (1000);
  }
}

G_GNUC_UNUSED static GstMessageType
link_wait_message (GstElement *pipeline, GstMessageType types)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (bus, LINK_WAIT, types);
  return message ? GST_MESSAGE_TYPE (message) : GST_MESSAGE_UNKNOWN;
}

/* Nothing of @types is waiting. */
G_GNUC_UNUSED static void
link_assert_quiet (GstElement *pipeline, GstMessageType types)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  g_autoptr (GstMessage) message = gst_bus_pop_filtered (bus, types);
  g_assert_null (message);
}

G_GNUC_UNUSED static void
link_close (GstElement *pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

/* ---- the producer ---- */

/* One more pad, from the next buffer on. */
G_GNUC_UNUSED static void
link_add_input (GstElement *pipeline, const gchar *name, const gchar *caps)
{
  GstElement *source = gst_element_factory_make ("appsrc", name);
  g_autoptr (GstElement) link =
      gst_bin_get_by_name (GST_BIN (pipeline), "link");
  g_autoptr (GstCaps) parsed = gst_caps_from_string (caps);

  gboolean is_leaky;

  g_object_get (link, "leaky", &is_leaky, NULL);
  g_object_set (source, "format", GST_FORMAT_TIME, "caps", parsed,
      "handle-segment-change", TRUE, "is-live", is_leaky, NULL);
  gst_bin_add (GST_BIN (pipeline), source);
  g_assert_true (gst_element_link_pads (source, "src", link, name));
  gst_element_sync_state_with_parent (source);
}

G_GNUC_UNUSED static void
link_remove_input (GstElement *pipeline, const gchar *name)
{
  g_autoptr (GstElement) source =
      gst_bin_get_by_name (GST_BIN (pipeline), name);
  g_autoptr (GstElement) link =
      gst_bin_get_by_name (GST_BIN (pipeline), "link");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (link, name);

  gst_element_set_state (source, GST_STATE_NULL);
  gst_element_release_request_pad (link, pad);
  gst_bin_remove (GST_BIN (pipeline), source);
}

/* @names: as "video_0 audio_0" */
G_GNUC_UNUSED static GstElement *
link_open_producer (gboolean leaky, const gchar *names)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *link = gst_element_factory_make ("millsink", "link");
  g_auto (GStrv) parts = g_strsplit (names, " ", -1);

  g_object_set (link, "location", link_path, "leaky", leaky, NULL);
  gst_bin_add (GST_BIN (pipeline), link);
  for (guint i = 0; parts[i]; i++)
    link_add_input (pipeline, parts[i],
        parts[i][0] == 'v'       ? LINK_VIDEO_CAPS
            : parts[i][0] == 'a' ? LINK_AUDIO_CAPS
                                 : LINK_TEXT_CAPS);
  g_assert_cmpint (gst_element_set_state (pipeline, GST_STATE_PLAYING), !=,
      GST_STATE_CHANGE_FAILURE);
  return pipeline;
}

G_GNUC_UNUSED static GstBuffer *
link_make_buffer (guint n, gsize size, gboolean is_key)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

  gst_buffer_memset (buffer, 0, n & 0xff, size);
  GST_BUFFER_DTS (buffer) = n * LINK_FRAME;
  GST_BUFFER_PTS (buffer) = n * LINK_FRAME + 7;
  GST_BUFFER_DURATION (buffer) = LINK_FRAME;
  if (!is_key)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  return buffer;
}

/* @buffer: (transfer full) */
G_GNUC_UNUSED static void
link_push_buffer (GstElement *pipeline, const gchar *name, GstBuffer *buffer)
{
  g_autoptr (GstElement) source =
      gst_bin_get_by_name (GST_BIN (pipeline), name);
  g_assert_cmpint (gst_app_src_push_buffer (GST_APP_SRC (source), buffer), ==,
      GST_FLOW_OK);
}

G_GNUC_UNUSED static void
link_push (GstElement *pipeline, const gchar *name, guint n, gboolean is_key)
{
  link_push_buffer (pipeline, name, link_make_buffer (n, 1000, is_key));
}

G_GNUC_UNUSED static void
link_push_eos (GstElement *pipeline, const gchar *name)
{
  g_autoptr (GstElement) source =
      gst_bin_get_by_name (GST_BIN (pipeline), name);
  gst_app_src_end_of_stream (GST_APP_SRC (source));
}

/* ---- a consumer ---- */

static void
link_on_pad_added (GstElement *element, GstPad *pad, gpointer pipeline)
{
  GstElement *sink = gst_element_factory_make ("appsink", GST_PAD_NAME (pad));
  g_autoptr (GstPad) input = gst_element_get_static_pad (sink, "sink");

  g_object_set (sink, "sync", FALSE, "async", FALSE, NULL);
  /* whoever finds it may pull */
  gst_element_set_state (sink, GST_STATE_PLAYING);
  gst_bin_add (pipeline, sink);
  g_assert_cmpint (gst_pad_link (pad, input), ==, GST_PAD_LINK_OK);
}

static void
link_on_pad_removed (GstElement *element, GstPad *pad, gpointer pipeline)
{
  g_autoptr (GstElement) sink =
      gst_bin_get_by_name (pipeline, GST_PAD_NAME (pad));
  gst_element_set_state (sink, GST_STATE_NULL);
  gst_bin_remove (pipeline, sink);
}

G_GNUC_UNUSED static GstElement *
link_open_consumer (gboolean leaky)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *link = gst_element_factory_make ("millsrc", "link");

  g_object_set (link, "location", link_path, "leaky", leaky, NULL);
  g_signal_connect (link, "pad-added", G_CALLBACK (link_on_pad_added),
      pipeline);
  g_signal_connect (link, "pad-removed", G_CALLBACK (link_on_pad_removed),
      pipeline);
  gst_bin_add (GST_BIN (pipeline), link);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  return pipeline;
}

/* The sink of a pad, waited for. Returns: (transfer full) */
G_GNUC_UNUSED static GstElement *
link_get_output (GstElement *pipeline, const gchar *name)
{
  gint64 deadline = g_get_monotonic_time () + LINK_WAIT / 1000;
  GstElement *sink;
  while (!(sink = gst_bin_get_by_name (GST_BIN (pipeline), name))) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (1000);
  }
  return sink;
}

/* The next sample of a pad. Returns: (transfer full) (nullable): NULL at EOS
 * and when none comes */
G_GNUC_UNUSED static GstSample *
link_pull_sample (GstElement *pipeline, const gchar *name)
{
  g_autoptr (GstElement) sink = link_get_output (pipeline, name);
  return gst_app_sink_try_pull_sample (GST_APP_SINK (sink), LINK_WAIT);
}

/* The number of the next frame of a pad, -1: none comes */
G_GNUC_UNUSED static gint
link_pull (GstElement *pipeline, const gchar *name, gboolean *ret_is_discont)
{
  g_autoptr (GstSample) sample = link_pull_sample (pipeline, name);
  if (!sample)
    return -1;
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  guint n = GST_BUFFER_DTS (buffer) / LINK_FRAME;
  guint8 first;

  g_assert_cmpuint (GST_BUFFER_PTS (buffer), ==, n * LINK_FRAME + 7);
  gst_buffer_extract (buffer, 0, &first, 1);
  g_assert_cmpuint (first, ==, n & 0xff);
  if (ret_is_discont)
    *ret_is_discont = GST_BUFFER_IS_DISCONT (buffer);
  return n;
}
