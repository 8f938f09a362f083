/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: renditions that cannot be switched between because
 * their keyframes differ, lost frames, or wrong colours. */
#include "abrladder-test.h"

/* ---- alignment, from the bytes ---- */

static guint
count_kept (const Recorded *source, guint divisor)
{
  guint kept = 0;
  guint since = 0;
  for (guint i = 0; i < source->frames->len; i++) {
    GstClockTime time = time_at (source->frames, i);
    if (has_time (source->keyframes, time))
      since = 0;
    kept += since++ % divisor == 0;
  }
  return kept;
}

static void
check_aligned (const gchar *speed, guint divisor)
{
  g_autofree gchar *preset = write_preset (speed,
      divisor == 1       ? ""
          : divisor == 2 ? "max-frame-rate=25\n"
                         : "max-frame-rate=17\n");
  Fixture f;
  fixture_init_movie (&f, "preset", preset, NULL);
  fixture_run (&f);
  g_assert_cmpuint (f.source.keyframes->len, ==, N_KEYFRAMES);
  g_assert_cmpuint (f.source.frames->len, ==, MOVIE_FRAMES);
  g_array_sort (f.source.frames, compare_times);
  g_assert_cmpuint (f.outputs->len, ==, 3); /* two of video, one of audio */
  for (guint i = 0; i < 2; i++) {
    const Recorded *output = output_named (&f, i == 0 ? "video_0" : "video_1");
    g_assert_cmpint (output->height, ==, i == 0 ? 360 : 180);
    g_assert_cmpint (output->width, ==, i == 0 ? 640 : 320);
    assert_same_times (output->keyframes, f.source.keyframes);
    g_assert_cmpuint (output->frames->len, ==,
        i == 0 ? MOVIE_FRAMES : count_kept (&f.source, divisor));
    g_assert_cmpuint (output->broken, ==, 0);
  }
  const Recorded *audio = output_named (&f, "audio_0");
  g_assert_cmpuint (audio->frames->len, ==, f.source_audio.frames->len);
  g_assert_cmpuint (f.no_more_pads, ==, 1);
  fixture_clear (&f);
}

static void
test_aligned_veryfast (void)
{
  check_aligned ("veryfast", 1);
}

static void
test_aligned_veryfast_half (void)
{
  check_aligned ("veryfast", 2);
}

static void
test_aligned_third (void)
{
  check_aligned ("superfast", 3);
}

static void
test_aligned_slow (void)
{
  check_aligned ("slow", 1);
}

static void
test_aligned_slow_half (void)
{
  check_aligned ("slow", 2);
}

/* To a millisecond, in the order of their presentation: a picture that is said to
 * be later than the keyframe after it, is beyond a segment's end without having
 * had one. */
static void
assert_near_times (GArray *got, GArray *expected)
{
  g_assert_cmpuint (got->len, ==, expected->len);
  g_array_sort (got, compare_times);
  g_array_sort (expected, compare_times);
  for (guint i = 0; i < got->len; i++)
    g_assert_cmpint (ABS (GST_CLOCK_DIFF (time_at (got, i),
                         time_at (expected, i))),
        <, GST_MSECOND);
}

/* A publisher on a busy machine stamps the pictures of a quarter of a second alike,
 * and a keyframe soon after: less after them than they last. */
static GstPadProbeReturn
hold_stamps (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  const GstClockTime held = 500 * GST_MSECOND;
  const GstClockTime catch_up = 200 * GST_MSECOND;
  GstBuffer *buffer =
      gst_buffer_make_writable (GST_PAD_PROBE_INFO_BUFFER (info));
  if (GST_BUFFER_PTS (buffer) >= 740 * GST_MSECOND) {
    GST_BUFFER_PTS (buffer) -= catch_up;
    GST_BUFFER_DTS (buffer) -= catch_up;
  } else if (GST_BUFFER_PTS (buffer) > held) {
    GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = held;
  }
  info->data = buffer;
  return GST_PAD_PROBE_OK;
}

static void
test_held_stamps (void)
{
  g_autofree gchar *preset = write_preset ("veryfast", "");
  g_autofree gchar *source = g_strdup_printf (
      "filesrc location=%s ! qtdemux name=d  d.video_0 ! identity name=held ! "
      "identity name=sv ! l.video",
      movie_path);
  Fixture f;
  fixture_init (&f, source, "preset", preset, NULL);
  g_autoptr (GstElement) held =
      gst_bin_get_by_name (GST_BIN (f.pipeline), "held");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (held, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, hold_stamps, NULL, NULL);
  fixture_run (&f);
  g_assert_cmpuint (f.source.keyframes->len, ==, N_KEYFRAMES);
  for (guint i = 0; i < 2; i++) {
    const Recorded *output = output_named (&f, i == 0 ? "video_0" : "video_1");
    assert_same_times (output->keyframes, f.source.keyframes);
    assert_near_times (output->frames, f.source.frames);
  }
  fixture_clear (&f);
}

/* After a flush nothing of what was before counts. */
static void
test_seek (void)
{
  g_autofree gchar *preset = write_preset ("veryfast", "max-frame-rate=25\n");
  Fixture f;
  fixture_init_movie (&f, "preset", preset, NULL);
  fixture_run (&f);
  fixture_forget (&f);
  g_assert_true (gst_element_seek_simple (f.pipeline, GST_FORMAT_TIME,
      GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT, 0));
  fixture_wait_eos (&f);
  g_assert_cmpuint (f.source.keyframes->len, ==, N_KEYFRAMES);
  for (guint i = 0; i < 2; i++)
    assert_same_times (output_named (&f, i == 0 ? "video_0" : "video_1")
                           ->keyframes,
        f.source.keyframes);
  fixture_clear (&f);
}

/* ---- raw sources ---- */

static void
test_raw (void)
{
  Fixture f;
  fixture_init (&f,
      "videotestsrc num-buffers=75 ! "
      "video/x-raw,width=480,height=270,framerate=25/1 ! l.video "
      "audiotestsrc num-buffers=100 samplesperbuffer=1024 ! "
      "audio/x-raw,rate=48000,channels=2 ! l.audio",
      "preset", "test", "keyframe-interval-ms", "1000", NULL);
  fixture_run (&f);
  g_assert_cmpuint (f.outputs->len, ==, 3);
  for (guint i = 0; i < 2; i++) {
    const Recorded *output = output_named (&f, i == 0 ? "video_0" : "video_1");
    g_assert_cmpint (output->height, ==, i == 0 ? 270 : 180);
    g_assert_cmpuint (output->frames->len, ==, 75);
    g_assert_cmpuint (output->keyframes->len, ==, 3);
    for (guint k = 0; k < 3; k++)
      g_assert_cmpuint (time_at (output->keyframes, k), ==, k * GST_SECOND);
  }
  const Recorded *audio = output_named (&f, "audio_0");
  /* The encoder primes with a frame or two of its own. */
  g_assert_cmpuint (audio->frames->len, >=, 100);
  g_assert_cmpuint (audio->frames->len, <=, 102);
  fixture_clear (&f);
}

static void
on_pin_set (GObject *pin, GParamSpec *pspec, gpointer user_data)
{
  GHashTable *counts = user_data;
  guint count = GPOINTER_TO_UINT (g_hash_table_lookup (counts, pin));
  g_hash_table_insert (counts, pin, GUINT_TO_POINTER (count + 1));
}

static void
on_inner_element (GstBin *bin, GstElement *element, gpointer user_data)
{
  if (g_str_equal (G_OBJECT_TYPE_NAME (element), "GstCapsFilter"))
    g_signal_connect (element, "notify::caps", G_CALLBACK (on_pin_set),
        user_data);
}

/* A pin that is set again while the pictures run makes the source negotiate
 * anew, and now and then it was told meanwhile that nothing fits. */
static void
test_rgb (void)
{
  Fixture f;
  g_autoptr (GHashTable) counts = g_hash_table_new (NULL, NULL);
  fixture_init (&f,
      "videotestsrc num-buffers=20 ! "
      "video/x-raw,format=BGRx,width=640,height=360,framerate=25/1 ! l.video",
      "preset", "test", NULL);
  g_signal_connect (f.ladder, "element-added", G_CALLBACK (on_inner_element),
      counts);
  fixture_run (&f);
  g_assert_cmpuint (f.outputs->len, ==, 3);
  g_assert_cmpuint (g_hash_table_size (counts), ==, 6);
  GHashTableIter iter;
  gpointer count;
  g_hash_table_iter_init (&iter, counts);
  while (g_hash_table_iter_next (&iter, NULL, &count))
    g_assert_cmpuint (GPOINTER_TO_UINT (count), ==, 1);
  fixture_clear (&f);
}

static void
test_video_only (void)
{
  Fixture f;
  fixture_init (&f,
      "videotestsrc num-buffers=10 ! video/x-raw,width=320,height=180 ! "
      "l.video",
      "preset", "test", NULL);
  fixture_run (&f);
  g_assert_cmpuint (f.outputs->len, ==, 1);
  g_assert_cmpuint (f.no_more_pads, ==, 1);
  fixture_clear (&f);
}

/* One viewer's demand makes a keyframe in every rung, at one time. */
static void
test_demanded_keyframe (void)
{
  Fixture f;
  fixture_init (&f,
      "videotestsrc num-buffers=60 ! "
      "video/x-raw,width=480,height=270,framerate=25/1 ! l.video",
      "preset", "test", "keyframe-interval-ms", "60000", NULL);
  f.demand_after = 20;
  fixture_run (&f);
  const Recorded *top = output_named (&f, "video_0");
  g_assert_cmpuint (top->keyframes->len, ==, 2);
  assert_same_times (top->keyframes, output_named (&f, "video_1")->keyframes);
  fixture_clear (&f);
}

/* A break that begins at a time begins with a picture of that time. */
static void
test_demanded_time (void)
{
  Fixture f;
  fixture_init (&f,
      "videotestsrc num-buffers=200 ! "
      "video/x-raw,width=480,height=270,framerate=25/1 ! l.video",
      "preset", "test", "keyframe-interval-ms", "60000", NULL);
  f.demand_after = 1;
  f.demand_time = 7 * GST_SECOND - GST_MSECOND;
  fixture_run (&f);
  const Recorded *top = output_named (&f, "video_0");
  g_assert_cmpuint (top->keyframes->len, ==, 2);
  g_assert_cmpuint (time_at (top->keyframes, 1), ==, 7 * GST_SECOND);
  assert_same_times (top->keyframes, output_named (&f, "video_1")->keyframes);
  fixture_clear (&f);
}

/* A source that changes its size keeps its rungs. */
static void
test_size_change (void)
{
  Fixture f;
  fixture_init (&f,
      "concat name=cat ! l.video  "
      "videotestsrc num-buffers=20 ! "
      "video/x-raw,width=640,height=360,framerate=25/1 ! cat.  "
      "videotestsrc num-buffers=20 ! "
      "video/x-raw,width=400,height=300,framerate=25/1 ! cat.",
      "preset", "test", NULL);
  fixture_run (&f);
  static const gchar *const names[] = { "video_0", "video_1", "video_2" };
  static const gint widths[] = { 400, 360, 240 };
  static const gint heights[] = { 300, 270, 180 };
  g_assert_cmpuint (f.outputs->len, ==, 3);
  for (guint i = 0; i < 3; i++) {
    const Recorded *output = output_named (&f, names[i]);
    g_assert_cmpuint (output->frames->len, ==, 40);
    g_assert_cmpuint (output->caps, ==, 2);
    g_assert_cmpint (output->width, ==, widths[i]);
    g_assert_cmpint (output->height, ==, heights[i]);
    assert_same_times (output->keyframes,
        output_named (&f, "video_0")->keyframes);
  }
  fixture_clear (&f);
}

/* ---- colours ---- */

/* Means of 8x8 samples in the middle of each of the seven bars. */
static void
measure_bars (GstPad *pad, GstBuffer *buffer, gint (*ret_means)[3])
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  GstVideoInfo info;
  GstVideoFrame frame;
  g_assert_true (gst_video_info_from_caps (&info, caps));
  g_assert_true (gst_video_frame_map (&frame, &info, buffer, GST_MAP_READ));
  for (guint bar = 0; bar < 7; bar++) {
    for (guint c = 0; c < 3; c++) {
      gint width = GST_VIDEO_FRAME_COMP_WIDTH (&frame, c);
      gint height = GST_VIDEO_FRAME_COMP_HEIGHT (&frame, c);
      gint stride = GST_VIDEO_FRAME_COMP_STRIDE (&frame, c);
      const guint8 *data = GST_VIDEO_FRAME_COMP_DATA (&frame, c);
      gint left = (gint) (width * (2 * bar + 1)) / 14 - 4;
      gint sum = 0;
      for (gint y = height / 4 - 4; y < height / 4 + 4; y++) {
        for (gint x = left; x < left + 8; x++)
          sum += data[y * stride + x];
      }
      ret_means[bar][c] = sum / 64;
    }
  }
  gst_video_frame_unmap (&frame);
}

typedef struct
{
  gint means[7][3];
  gboolean seen;
} Bars;

static GstPadProbeReturn
on_picture (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Bars *bars = user_data;
  measure_bars (pad, GST_PAD_PROBE_INFO_BUFFER (info), bars->means);
  bars->seen = TRUE;
  return GST_PAD_PROBE_REMOVE;
}

/* An untagged or HD source scaled to SD is where scalers change the matrix. */
static void
test_colours (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (
      "videotestsrc num-buffers=8 pattern=smpte ! "
      "video/x-raw,format=I420,width=1280,height=720,colorimetry=bt709 ! "
      "identity name=in ! abrladder name=l preset=standard "
      "l.video_0 ! avdec_h264 ! fakesink name=a async=false "
      "l.video_1 ! avdec_h264 ! fakesink name=b async=false "
      "l.video_2 ! avdec_h264 ! fakesink name=c async=false "
      "l.video_3 ! avdec_h264 ! fakesink name=d async=false",
      &error);
  g_assert_no_error (error);
  static const gchar *const names[] = { "in", "a", "b", "c", "d" };
  Bars bars[G_N_ELEMENTS (names)] = { 0 };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GstElement) element =
        gst_bin_get_by_name (GST_BIN (pipeline), names[i]);
    g_autoptr (GstPad) pad = gst_element_get_static_pad (element, "sink");
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_picture, &bars[i],
        NULL);
  }
  run_pipeline (pipeline);
  for (guint i = 1; i < G_N_ELEMENTS (names); i++) {
    g_assert_true (bars[i].seen);
    for (guint bar = 0; bar < 7; bar++) {
      for (guint c = 0; c < 3; c++)
        g_assert_cmpint (ABS (bars[i].means[bar][c] - bars[0].means[bar][c]),
            <=, 3);
    }
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  fixture_make_movie ();
  g_test_add_func ("/abrladder/aligned/veryfast", test_aligned_veryfast);
  g_test_add_func ("/abrladder/aligned/veryfast-half",
      test_aligned_veryfast_half);
  g_test_add_func ("/abrladder/aligned/third", test_aligned_third);
  g_test_add_func ("/abrladder/aligned/slow", test_aligned_slow);
  g_test_add_func ("/abrladder/aligned/slow-half", test_aligned_slow_half);
  g_test_add_func ("/abrladder/aligned/held-stamps", test_held_stamps);
  g_test_add_func ("/abrladder/seek", test_seek);
  g_test_add_func ("/abrladder/raw", test_raw);
  g_test_add_func ("/abrladder/rgb", test_rgb);
  g_test_add_func ("/abrladder/video-only", test_video_only);
  g_test_add_func ("/abrladder/demanded-keyframe", test_demanded_keyframe);
  g_test_add_func ("/abrladder/demanded-keyframe-time", test_demanded_time);
  g_test_add_func ("/abrladder/size-change", test_size_change);
  g_test_add_func ("/abrladder/colours", test_colours);
  int result = g_test_run ();
  fixture_remove_movie ();
  gst_deinit ();
  return result;
}
