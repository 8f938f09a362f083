/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a graph of GStreamer's own encoders and parsers that
 * cmafsink refuses, or a wrong CODECS for it. */
#include "cmafsink-test.h"

/* Caps are those of the elements; a pipeline whose elements are not installed
 * is left out, and says so. */
static const struct
{
  const gchar *line;
  const gchar *codecs;
} pipelines[] = {
  { "audiotestsrc num-buffers=200 ! audio/x-raw,channels=2 ! opusenc ! "
    "opusparse",
      "Opus" },
  { "audiotestsrc num-buffers=200 ! flacenc ! flacparse", "fLaC" },
  { "audiotestsrc num-buffers=200 ! audio/x-raw,channels=1 ! lamemp3enc ! "
    "mpegaudioparse",
      "mp4a.6B" },
  { "audiotestsrc num-buffers=200 ! audio/x-raw,rate=48000,channels=2 ! "
    "avenc_ac3 ! ac3parse",
      "ac-3" },
  { "audiotestsrc num-buffers=200 ! audio/x-raw,rate=48000,channels=2 ! "
    "avenc_eac3 ! ac3parse",
      "ec-3" },
  { "videotestsrc num-buffers=75 ! video/x-raw,format=I420,width=160,"
    "height=120 ! x265enc speed-preset=ultrafast key-int-max=30 ! h265parse",
      "hvc1.1.6.L" },
  { "videotestsrc num-buffers=75 ! video/x-raw,format=I420,width=160,"
    "height=120 ! vp9enc "
    "deadline=1 cpu-used=8 keyframe-max-dist=30 ! vp9parse",
      "vp09.00.10.08.01" },
  { "videotestsrc num-buffers=75 ! video/x-raw,format=I420,width=160,"
    "height=120 ! av1enc "
    "cpu-used=8 usage-profile=realtime keyframe-max-dist=30 ! av1parse",
      "av01.0.00M.08" },
};

static void
run_pipeline (const gchar *line, const gchar *codecs)
{
  Fixture f = { .dir = make_dir () };
  g_autofree gchar *whole =
      g_strdup_printf ("%s ! cmafsink mode=vod location=%s", line, f.dir);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (whole, &error);
  if (g_error_matches (error, GST_PARSE_ERROR, GST_PARSE_ERROR_NO_SUCH_ELEMENT))
    g_test_message ("left out: %s", error->message);
  else
    g_assert_no_error (error);
  if (error == NULL) {
    gst_object_ref_sink (pipeline);
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    f.bus = gst_element_get_bus (pipeline);
    g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (f.bus,
        30 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    g_assert_nonnull (message);
    g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
    g_test_message ("%s", line);
    g_assert_true (contains (&f, "master.m3u8", codecs));
    gst_element_set_state (pipeline, GST_STATE_NULL);
    gst_clear_object (&f.bus);
  }
  remove_tree (f.dir);
  g_free (f.dir);
}

static void
test_elements (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (pipelines); i++)
    run_pipeline (pipelines[i].line, pipelines[i].codecs);
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink-elements/lines", test_elements);
  return g_test_run ();
}
