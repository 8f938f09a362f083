/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* hlstssink: what a directory has after pipelines that end, or are ended. What
 * is in the segments is looked at by tests/tools/check (tests/e2e/ts). */

#include "cmafsink-test.h"
#include "stalled-disk.h"

typedef struct
{
  gchar *dir;
  GstElement *pipeline;
} Run;

static void
run_begin (Run *self, const gchar *launch)
{
  g_autoptr (GError) error = NULL;
  self->pipeline = gst_parse_launch (launch, &error);
  g_assert_no_error (error);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (self->pipeline), "s");
  g_object_set (sink, "location", self->dir, NULL);
  gst_object_unref (sink);
}

/* Returns: (transfer full): EOS or an error */
static GstMessage *
run_to_end (Run *self)
{
  gst_element_set_state (self->pipeline, GST_STATE_PLAYING);
  g_autoptr (GstBus) bus = gst_element_get_bus (self->pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (bus, 30 * GST_SECOND,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  return message;
}

static void
run_stop (Run *self)
{
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  gst_clear_object (&self->pipeline);
}

static void
run_whole (Run *self, const gchar *launch)
{
  run_begin (self, launch);
  g_autoptr (GstMessage) message = run_to_end (self);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  run_stop (self);
}

static void
run_clear (Run *self)
{
  remove_tree (self->dir);
  g_clear_pointer (&self->dir, g_free);
}

static gchar *
read_file (const Run *self, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (self->dir, name, NULL);
  gchar *text = NULL;
  g_autoptr (GError) error = NULL;
  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

static guint
count_of (const Run *self, const gchar *name, const gchar *needle)
{
  g_autofree gchar *text = read_file (self, name);
  guint n = 0;
  for (const gchar *at = text; (at = strstr (at, needle)) != NULL; at++)
    n++;
  return n;
}

static gboolean
is_there (const Run *self, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (self->dir, name, NULL);
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
assert_begins_with_tables (const Run *self, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (self->dir, name, NULL);
  g_autofree gchar *data = NULL;
  gsize size;
  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  const guint8 *packets = (const guint8 *) data;
  g_assert_cmpuint (size % 188, ==, 0);
  g_assert_cmpuint (packets[0], ==, 0x47);
  g_assert_cmpuint ((packets[1] & 0x1f) << 8 | packets[2], ==, 0);
  /* Behind the adaptation field and the pointer: the table_id of a PMT. */
  const guint8 *second = packets + 188;
  guint payload = second[3] & 0x20 ? 5u + second[4] : 4u;
  g_assert_cmpuint (second[payload + 1], ==, 0x02);
}

static void
test_muxed (void)
{
  Run run = { .dir = make_dir () };
  run_whole (&run,
      "videotestsrc num-buffers=100 ! "
      "video/x-raw,width=160,height=90,framerate=25/1 ! "
      "x264enc speed-preset=ultrafast key-int-max=25 ! "
      "hlstssink name=s mode=vod segment-duration-ms=2000 "
      "audiotestsrc num-buffers=187 samplesperbuffer=1024 ! "
      "audio/x-raw,rate=48000 ! avenc_aac ! s.audio_0");
  g_assert_cmpuint (count_of (&run, "v90/playlist.m3u8", ".ts\n"), ==, 2);
  g_assert_cmpuint (count_of (&run, "v90/playlist.m3u8", "#EXTINF:2.000000,"),
      ==, 2);
  g_assert_cmpuint (count_of (&run, "v90/playlist.m3u8", "#EXT-X-ENDLIST"), ==,
      1);
  g_assert_cmpuint (count_of (&run, "v90/playlist.m3u8", "#EXT-X-MAP"), ==, 0);
  g_assert_cmpuint (count_of (&run, "master.m3u8", "mp4a.40.2\""), ==, 1);
  g_assert_cmpuint (count_of (&run, "master.m3u8", "EXT-X-MEDIA"), ==, 0);
  assert_begins_with_tables (&run, "v90/1-0.ts");
  assert_begins_with_tables (&run, "v90/1-1.ts");
  /* What is of no use to players of this is not there. */
  g_assert_false (is_there (&run, "manifest.mpd"));
  g_assert_false (is_there (&run, "live.index"));
  run_clear (&run);
}

static void
test_separate (void)
{
  Run run = { .dir = make_dir () };
  run_whole (&run,
      "videotestsrc num-buffers=100 ! "
      "video/x-raw,width=160,height=90,framerate=25/1 ! "
      "x264enc speed-preset=ultrafast key-int-max=25 ! "
      "hlstssink name=s mode=vod muxed=false segment-duration-ms=2000 "
      "audiotestsrc num-buffers=187 samplesperbuffer=1024 ! "
      "audio/x-raw,rate=48000 ! avenc_aac ! s.audio_0 "
      "audiotestsrc num-buffers=187 samplesperbuffer=1024 ! "
      "audio/x-raw,rate=48000 ! "
      "avenc_aac ! s.audio_1");
  g_assert_cmpuint (count_of (&run, "master.m3u8", "TYPE=AUDIO"), ==, 2);
  g_assert_cmpuint (count_of (&run, "master.m3u8", "DEFAULT=YES"), ==, 1);
  g_assert_cmpuint (count_of (&run, "v90/playlist.m3u8", ".ts\n"), ==, 2);
  g_assert_cmpuint (count_of (&run, "audio/playlist.m3u8", ".ts\n"), ==, 2);
  g_assert_cmpuint (count_of (&run, "audio-2/playlist.m3u8", ".ts\n"), ==, 2);
  assert_begins_with_tables (&run, "audio/1-1.ts");
  run_clear (&run);
}

static void
test_audio_alone (void)
{
  Run run = { .dir = make_dir () };
  run_whole (&run,
      "audiotestsrc num-buffers=180 samplesperbuffer=1024 ! "
      "audio/x-raw,rate=48000 ! avenc_aac ! "
      "hlstssink name=s mode=vod segment-duration-ms=1000");
  g_assert_cmpuint (count_of (&run, "audio/playlist.m3u8", ".ts\n"), ==, 4);
  g_assert_cmpuint (count_of (&run, "master.m3u8", "CODECS=\"mp4a.40.2\""), ==,
      1);
  assert_begins_with_tables (&run, "audio/1-3.ts");
  run_clear (&run);
}

/* A stop without EOS is all that a crash leaves. */
static void
test_goes_on_after_a_stop (void)
{
  static const gchar launch[] =
      "videotestsrc is-live=%s num-buffers=150 ! "
      "video/x-raw,width=160,height=90,framerate=25/1 ! "
      "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! "
      "hlstssink name=s segment-duration-ms=400 window-segments=4";
  Run run = { .dir = make_dir () };
  g_autofree gchar *live = g_strdup_printf (launch, "true");
  run_begin (&run, live);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (run.pipeline), "s");
  gst_element_set_state (run.pipeline, GST_STATE_PLAYING);
  gint64 deadline = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
  guint64 segments = 0;
  while (segments < 3 && g_get_monotonic_time () < deadline) {
    g_autoptr (GstStructure) stats = NULL;
    g_object_get (sink, "stats", &stats, NULL);
    gst_structure_get_uint64 (stats, "segments", &segments);
    g_thread_yield ();
  }
  g_assert_cmpuint (segments, >=, 3);
  gst_object_unref (sink);
  run_stop (&run);
  g_assert_cmpuint (count_of (&run, "v90/playlist.m3u8", "ENDLIST"), ==, 0);

  g_autofree gchar *whole = g_strdup_printf (launch, "false");
  run_whole (&run, whole);
  g_autofree gchar *text = read_file (&run, "v90/playlist.m3u8");
  g_assert_nonnull (strstr (text, "\n2-"));
  g_assert_nonnull (strstr (text, "#EXT-X-ENDLIST"));
  /* It has left the list, and is counted. */
  g_assert_nonnull (strstr (text, "#EXT-X-DISCONTINUITY-SEQUENCE:1"));
  g_assert_null (strstr (text, "#EXT-X-MEDIA-SEQUENCE:0\n"));
  g_assert_nonnull (strstr (text, "#EXT-X-PROGRAM-DATE-TIME:"));
  run_clear (&run);
}

static void
test_may_be_started_again (void)
{
  Run run = { .dir = make_dir () };
  run_begin (&run,
      "videotestsrc num-buffers=60 ! "
      "video/x-raw,width=160,height=90,framerate=25/1 ! "
      "x264enc tune=zerolatency speed-preset=ultrafast key-int-max=10 ! "
      "hlstssink name=s segment-duration-ms=400 mode=event");
  for (guint i = 1; i <= 2; i++) {
    g_autoptr (GstMessage) message = run_to_end (&run);
    g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
    gst_element_set_state (run.pipeline, GST_STATE_NULL);
    g_autofree gchar *first = g_strdup_printf ("\n%u-", i);
    g_assert_cmpuint (count_of (&run, "v90/playlist.m3u8", first), ==, 6);
    g_assert_cmpuint (count_of (&run, "v90/playlist.m3u8", "1970"), ==, 0);
    g_assert_cmpuint (count_of (&run, "v90/playlist.m3u8",
                          "#EXT-X-DISCONTINUITY\n"),
        ==, 0);
  }
  run_stop (&run);
  run_clear (&run);
}

/* Intra pictures of a size that fills memory soon. */
static GstBuffer *
make_picture (guint i, gsize size)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  GstMapInfo map;
  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  memset (map.data, 0x5a, size);
  GST_WRITE_UINT32_BE (map.data, size - 4);
  map.data[4] = 0x65; /* IDR, its first macroblock, type 7 (I), set 0 */
  map.data[5] = 0x88;
  map.data[6] = 0x84;
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = i * GST_SECOND;
  GST_BUFFER_DURATION (buffer) = GST_SECOND;
  return buffer;
}

/* Of a file nothing is left out: segments wait for a pad that is late, but a pad
 * from which nothing ever comes is an error that names it, not all of memory. */
static void
test_pad_without_media (void)
{
  gchar *dir = make_dir ();
  GstElement *sink = gst_element_factory_make ("hlstssink", NULL);
  gst_object_ref_sink (sink);
  g_autoptr (GstBus) bus = gst_bus_new ();
  gst_element_set_bus (sink, bus);
  gst_util_set_object_arg (G_OBJECT (sink), "mode", "vod");
  g_object_set (sink, "location", dir, "muxed", FALSE, "segment-duration-ms",
      1000, NULL);
  GstHarness *audio = gst_harness_new_with_element (sink, "audio_%u", NULL);
  GstHarness *video = gst_harness_new_with_element (sink, "video_%u", NULL);
  gst_harness_set_src_caps (audio, audio_caps ());
  gst_harness_set_src_caps (video, video_caps ());
  g_autoptr (GstMessage) message = NULL;
  for (guint i = 0; message == NULL && i < 100; i++) {
    gst_harness_push (video, make_picture (i, 2u << 20));
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  }
  /* What was pushed goes through threads of the element. */
  if (message == NULL)
    message =
        gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_autoptr (GError) error = NULL;
  gst_message_parse_error (message, &error, NULL);
  g_assert_nonnull (strstr (error->message, "of 'audio_0': got none while"));
  /* It is not the disk that whoever reads this has to look at. */
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY);
  gst_element_set_state (sink, GST_STATE_NULL);
  gst_harness_teardown (audio);
  gst_harness_teardown (video);
  gst_element_set_bus (sink, NULL);
  gst_object_unref (sink);
  remove_tree (dir);
  g_free (dir);
}

/* Whoever looks at the stats does not stand still with the disk: in a worker that
 * is the main loop, and all its streams with it. */
static void
test_stalled (void)
{
  Run run = { .dir = make_dir () };
  run_begin (&run,
      "videotestsrc num-buffers=100 ! "
      "video/x-raw,width=160,height=90,framerate=25/1 ! "
      "x264enc speed-preset=ultrafast key-int-max=25 ! "
      "hlstssink name=s mode=vod segment-duration-ms=1000");
  g_autoptr (GstElement) sink =
      gst_bin_get_by_name (GST_BIN (run.pipeline), "s");
  stalled_disk_stall ("-2.ts");
  gst_element_set_state (run.pipeline, GST_STATE_PLAYING);
  stalled_disk_wait ();
  g_autoptr (GstStructure) stats = stalled_disk_get (sink, "stats");
  guint64 segments = 0;
  g_assert_true (gst_structure_get_uint64 (stats, "segments", &segments));
  g_assert_cmpuint (segments, ==, 2);
  stalled_disk_release ();
  g_autoptr (GstMessage) message = run_to_end (&run);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  run_stop (&run);
  g_assert_cmpuint (count_of (&run, "v90/playlist.m3u8", ".ts\n"), ==, 4);
  run_clear (&run);
}

/* Whoever sends something else is told what it is, what there is a place for, and
 * what to take instead. */
static void
check_refused (const gchar *pad, const gchar *caps, const gchar *name)
{
  g_autofree gchar *dir = make_dir ();
  g_autoptr (GstElement) sink =
      gst_object_ref_sink (gst_element_factory_make ("hlstssink", NULL));
  g_autoptr (GstBus) bus = gst_bus_new ();
  gst_element_set_bus (sink, bus);
  g_object_set (sink, "location", dir, NULL);
  GstHarness *h = gst_harness_new_with_element (sink, pad, NULL);
  gst_harness_set_src_caps (h, gst_caps_from_string (caps));
  g_autoptr (GstMessage) message =
      gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  g_autoptr (GError) error = NULL;
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
  g_autofree gchar *text = g_strdup_printf (
      "codec of pad '%s': got %s, expected what HLS in MPEG-TS has a place for "
      "here: H.264 and HEVC, AAC, AC-3 and MP3; cmafsink takes %s",
      pad, name, name);
  g_assert_cmpstr (error->message, ==, text);
  gst_element_set_state (sink, GST_STATE_NULL);
  gst_harness_teardown (h);
  gst_element_set_bus (sink, NULL);
  remove_tree (dir);
}

static void
test_refuses_codecs (void)
{
  check_refused ("video_0", "video/x-av1", "AV1");
  check_refused ("video_0", "video/x-vp9", "VP9");
  check_refused ("audio_0", "audio/x-eac3, framed=true", "E-AC-3");
  check_refused ("audio_0", "audio/x-flac, framed=true", "FLAC");
  check_refused ("audio_0", "audio/x-opus, channel-mapping-family=0", "Opus");
}

static void
test_one_audio_when_muxed (void)
{
  GstElement *sink = gst_element_factory_make ("hlstssink", NULL);
  gst_object_ref_sink (sink);
  g_autoptr (GstPad) first = gst_element_request_pad_simple (sink, "audio_%u");
  g_assert_nonnull (first);
  g_assert_null (gst_element_request_pad_simple (sink, "audio_%u"));
  gst_element_release_request_pad (sink, first);
  gst_object_unref (sink);
}

static void
test_without_location (void)
{
  GstElement *sink = gst_element_factory_make ("hlstssink", NULL);
  gst_object_ref_sink (sink);
  g_assert_cmpint (gst_element_set_state (sink, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (sink, GST_STATE_NULL);
  gst_object_unref (sink);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hlstssink/muxed", test_muxed);
  g_test_add_func ("/hlstssink/separate", test_separate);
  g_test_add_func ("/hlstssink/audio-alone", test_audio_alone);
  g_test_add_func ("/hlstssink/pad-without-media", test_pad_without_media);
  g_test_add_func ("/hlstssink/goes-on-after-a-stop",
      test_goes_on_after_a_stop);
  g_test_add_func ("/hlstssink/may-be-started-again",
      test_may_be_started_again);
  g_test_add_func ("/hlstssink/stalled", test_stalled);
  g_test_add_func ("/hlstssink/refuses-codecs", test_refuses_codecs);
  g_test_add_func ("/hlstssink/one-audio-when-muxed",
      test_one_audio_when_muxed);
  g_test_add_func ("/hlstssink/without-location", test_without_location);
  const gint failed = g_test_run ();
  /* The leaks tracer reports when GStreamer is deinitialised. */
  gst_deinit ();
  return failed;
}
