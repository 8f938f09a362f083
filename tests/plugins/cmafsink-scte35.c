/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: breaks of a broadcaster's transport stream that are not
 * in the playlists, or begin at another picture. */
#include <gst/mpegts/mpegts.h>

#include "cmafsink-test.h"

#define BREAK_OUT (5 * GST_SECOND)
#define BREAK_IN (7 * GST_SECOND)
#define EVENT_ID 4711

/** What is put into a transport stream, when its frame number comes. */
typedef struct
{
  GstElement *mux;
  guint frame;
} Insertion;

static void
send_section (GstElement *mux, GstMpegtsSCTESIT *sit)
{
  GstMpegtsSection *section = gst_mpegts_section_from_scte_sit (sit, 500);
  g_assert_true (gst_mpegts_section_send_event (section, mux));
  gst_mpegts_section_unref (section);
}

static GstPadProbeReturn
on_frame (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Insertion *self = user_data;
  guint frame = self->frame++;
  if (frame == 25)
    send_section (self->mux,
        gst_mpegts_scte_splice_out_new (EVENT_ID, BREAK_OUT, 60 * GST_SECOND));
  /* Encoders repeat what they tell. */
  if (frame == 50)
    send_section (self->mux,
        gst_mpegts_scte_splice_out_new (EVENT_ID, BREAK_OUT, 60 * GST_SECOND));
  if (frame == 140)
    send_section (self->mux,
        gst_mpegts_scte_splice_in_new (EVENT_ID, BREAK_IN));
  return GST_PAD_PROBE_OK;
}

static void
run (GstElement *pipeline)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
      60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

/* Returns: FALSE when elements are not installed */
static gboolean
run_line (const gchar *line, const gchar *mux, const gchar *before)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (line, &error);
  if (g_error_matches (error, GST_PARSE_ERROR,
          GST_PARSE_ERROR_NO_SUCH_ELEMENT)) {
    g_test_skip (error->message);
    return FALSE;
  }
  g_assert_no_error (error);
  gst_object_ref_sink (pipeline);
  Insertion insertion = { 0 };
  if (mux != NULL) {
    insertion.mux = gst_bin_get_by_name (GST_BIN (pipeline), mux);
    g_autoptr (GstElement) encoder =
        gst_bin_get_by_name (GST_BIN (pipeline), before);
    g_autoptr (GstPad) pad = gst_element_get_static_pad (encoder, "sink");
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_frame, &insertion,
        NULL);
  }
  run (pipeline);
  gst_clear_object (&insertion.mux);
  return TRUE;
}

static void
test_transport_stream (void)
{
  Fixture f = { .dir = make_dir () };
  g_autofree gchar *ts = path_of (&f, "in.ts");
  g_autofree gchar *make = g_strdup_printf (
      "videotestsrc num-buffers=250 ! "
      "video/x-raw,width=160,height=120,framerate=25/1 ! x264enc name=enc "
      "tune=zerolatency speed-preset=ultrafast key-int-max=1000 ! h264parse ! "
      "mpegtsmux name=mux scte-35-pid=500 scte-35-null-interval=90000 ! "
      "filesink location=%s",
      ts);
  g_autofree gchar *package =
      g_strdup_printf ("filesrc location=%s ! "
                       "tsdemux send-scte35-events=true ! h264parse ! "
                       "cmafsink mode=vod break-periods=true location=%s/out",
          ts, f.dir);
  if (run_line (make, "mux", "enc") && run_line (package, NULL, NULL)) {
    g_autofree gchar *text = read_text (&f, "out/v120/playlist.m3u8");
    g_test_message ("%s", text);
    /* The muxer has asked the encoder for a keyframe at 5 s, and there it is. */
    g_assert_cmpuint (count (&f, "out/v120/playlist.m3u8", "#EXT-X-DATERANGE"),
        ==, 2);
    g_assert_cmpuint (count (&f, "out/v120/playlist.m3u8", "SCTE35-OUT=0xFC"),
        ==, 1);
    g_assert_cmpuint (count (&f, "out/v120/playlist.m3u8", "SCTE35-IN=0xFC"),
        ==, 1);
    g_assert_true (contains (&f, "out/v120/playlist.m3u8",
        "PLANNED-DURATION=60.000"));
    g_assert_true (contains (&f, "out/v120/playlist.m3u8", "DURATION=2.000"));
    g_assert_cmpuint (count (&f, "out/v120/playlist.m3u8", "#EXTINF:5.000"), ==,
        1);
    g_assert_cmpuint (count (&f, "out/manifest.mpd", "<Period"), >=, 2);
    g_assert_cmpuint (count (&f, "out/manifest.mpd",
                          "<Event presentationTime=\"0\" "
                          "duration=\"5400000\""),
        ==, 1);
  }
  remove_tree (f.dir);
  g_free (f.dir);
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  gst_mpegts_initialize ();
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink/scte35/transport-stream", test_transport_stream);
  return g_test_run ();
}
