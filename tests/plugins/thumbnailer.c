/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a preview over the seek bar that shows another scene than
 * the one a click leads to, a black poster, a processor that decodes all of a
 * film. */
#include <gst/app/gstappsink.h>
#include <gst/check/gstharness.h>
#include <gst/video/video.h>

#define WIDTH 64
#define HEIGHT 36

typedef struct
{
  GstHarness *h;
  GstHarness *sheets;
  GstHarness *poster;
  GstElement *element;
} Fixture;

static void
fixture_init (Fixture *self)
{
  /* 3 x 2 tiles of a second. */
  self->element =
      gst_object_ref_sink (gst_element_factory_make_full ("thumbnailer",
          "interval-ms", 1000, "columns", 3, "rows", 2, "tile-width", WIDTH,
          "poster-width", WIDTH, "quality", 95, NULL));
  self->h = gst_harness_new_with_element (self->element, "sink", NULL);
  self->sheets = gst_harness_new_with_element (self->element, NULL, "sheets");
  self->poster = gst_harness_new_with_element (self->element, NULL, "poster");
  gst_harness_play (self->h);
  gst_harness_play (self->sheets);
  gst_harness_play (self->poster);
  gst_harness_set_src_caps_str (self->h,
      "video/x-raw, format=I420, width=64, height=36, framerate=2/1");
}

static void
fixture_clear (Fixture *self)
{
  gst_harness_teardown (self->sheets);
  gst_harness_teardown (self->poster);
  gst_harness_teardown (self->h);
  gst_object_unref (self->element);
}

/* A picture of one grey, or with a black half. */
static void
push (Fixture *self, GstClockTime time, guint8 grey, gboolean half)
{
  GstBuffer *buffer = gst_buffer_new_and_alloc (WIDTH * HEIGHT * 3 / 2);
  gst_buffer_memset (buffer, 0, grey, WIDTH * HEIGHT);
  gst_buffer_memset (buffer, WIDTH * HEIGHT, 128, WIDTH * HEIGHT / 2);
  if (half)
    gst_buffer_memset (buffer, 0, 16, WIDTH * HEIGHT / 2);
  GST_BUFFER_PTS (buffer) = time;
  g_assert_cmpint (gst_harness_push (self->h, buffer), ==, GST_FLOW_OK);
}

/** Of a JPEG, as raw video in full range. */
typedef struct
{
  GstBuffer *buffer;
  GstVideoInfo info;
} Picture;

static void
decode (GstBuffer *jpeg, GstHarness *from, Picture *ret)
{
  GstHarness *h = gst_harness_new ("jpegdec");
  g_autoptr (GstPad) pad = gst_pad_get_peer (from->sinkpad);
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (pad);
  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  g_assert_cmpint (gst_harness_push (h, gst_buffer_ref (jpeg)), ==,
      GST_FLOW_OK);
  ret->buffer = gst_harness_pull (h);
  g_autoptr (GstCaps) raw = gst_pad_get_current_caps (h->sinkpad);
  g_assert_true (gst_video_info_from_caps (&ret->info, raw));
  gst_harness_teardown (h);
}

static guint
luma_at (const Picture *picture, guint x, guint y)
{
  GstVideoFrame frame;
  g_assert_true (gst_video_frame_map (&frame, &picture->info, picture->buffer,
      GST_MAP_READ));
  /* Luma, or red, which is the same of a grey. */
  guint value = ((guint8 *) GST_VIDEO_FRAME_COMP_DATA (&frame,
      0))[y * (guint) GST_VIDEO_FRAME_COMP_STRIDE (&frame, 0) +
      x * (guint) GST_VIDEO_FRAME_COMP_PSTRIDE (&frame, 0)];
  gst_video_frame_unmap (&frame);
  return value;
}

/* Video range to full range. */
static guint
to_full (guint grey)
{
  return (grey - 16) * 255 / 219;
}

static void
assert_tile (const Picture *sheet, guint i, guint expected)
{
  guint seen =
      luma_at (sheet, i % 3 * WIDTH + WIDTH / 2, i / 3 * HEIGHT + HEIGHT / 2);
  if (ABS ((gint) seen - (gint) expected) > 3)
    g_error ("tile %u: got grey %u, expected %u", i, seen, expected);
}

static void
assert_sheet (Fixture *self, GstClockTime time, guint n, const guint *greys)
{
  g_autoptr (GstBuffer) jpeg = gst_harness_pull (self->sheets);
  Picture sheet;
  g_assert_cmpuint (GST_BUFFER_PTS (jpeg), ==, time);
  g_assert_cmpuint (GST_BUFFER_DURATION (jpeg), ==, n * GST_SECOND);
  decode (jpeg, self->sheets, &sheet);
  g_assert_cmpint (sheet.info.width, ==, 3 * WIDTH);
  g_assert_cmpint (sheet.info.height, ==, 2 * HEIGHT);
  for (guint i = 0; i < n; i++)
    assert_tile (&sheet, i, to_full (greys[i]));
  for (guint i = n; i < 6; i++)
    assert_tile (&sheet, i, 0);
  gst_buffer_unref (sheet.buffer);
}

/* Two pictures a second, the first of each is shown; it is there as soon as its
 * sheet is full, and the rest at the end. */
static void
test_tiles (void)
{
  Fixture f;
  fixture_init (&f);
  for (guint i = 0; i < 16; i++)
    push (&f, i * 500 * GST_MSECOND, (guint8) (30 + 10 * i), FALSE);
  assert_sheet (&f, 0, 6, (guint[]){ 30, 50, 70, 90, 110, 130 });
  gst_harness_push_event (f.h, gst_event_new_eos ());
  assert_sheet (&f, 6 * GST_SECOND, 2, (guint[]){ 150, 170 });
  fixture_clear (&f);
}

/* The source was away: its last picture stands; a sheet nobody came for is not
 * made. */
static void
test_hole (void)
{
  Fixture f;
  fixture_init (&f);
  push (&f, 2 * GST_SECOND, 60, FALSE);
  push (&f, 4 * GST_SECOND, 100, FALSE);
  push (&f, 25 * GST_SECOND, 140, FALSE);
  assert_sheet (&f, 0, 5, (guint[]){ 60, 60, 60, 100, 100 });
  gst_harness_push_event (f.h, gst_event_new_eos ());
  assert_sheet (&f, 24 * GST_SECOND, 2, (guint[]){ 140, 140 });
  fixture_clear (&f);
}

static void
test_poster (void)
{
  Fixture f;
  Picture poster;
  fixture_init (&f);
  push (&f, 0, 16, FALSE);
  push (&f, GST_SECOND, 200, FALSE);
  g_assert_cmpuint (gst_harness_buffers_in_queue (f.poster), ==, 0);
  push (&f, 2 * GST_SECOND, 180, TRUE);
  push (&f, 3 * GST_SECOND, 100, TRUE);
  g_assert_cmpuint (gst_harness_buffers_in_queue (f.poster), ==, 1);
  g_autoptr (GstBuffer) jpeg = gst_harness_pull (f.poster);
  decode (jpeg, f.poster, &poster);
  g_assert_cmpint (poster.info.width, ==, WIDTH);
  g_assert_cmpint (ABS ((gint) luma_at (&poster, 32, 30) -
                       (gint) to_full (180)),
      <=, 3);
  gst_buffer_unref (poster.buffer);
  fixture_clear (&f);
}

static void
test_told (void)
{
  Fixture f;
  gint columns;
  gint rows;
  guint64 interval;
  fixture_init (&f);
  for (guint i = 0; i < 6; i++)
    push (&f, i * GST_SECOND, 50, FALSE);
  gst_buffer_unref (gst_harness_pull (f.sheets));
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (f.sheets->sinkpad);
  g_assert_true (gst_structure_get (gst_caps_get_structure (caps, 0),
      "tile-columns", G_TYPE_INT, &columns, "tile-rows", G_TYPE_INT, &rows,
      "tile-interval", G_TYPE_UINT64, &interval, NULL));
  g_assert_cmpint (columns, ==, 3);
  g_assert_cmpint (rows, ==, 2);
  g_assert_cmpuint (interval, ==, GST_SECOND);
  fixture_clear (&f);
}

/* What the decoder is given of an encoder's 100 pictures: the keyframes of each
 * second, and they come out without waiting for the next. */
static GstPadProbeReturn
count (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  (*(guint *) user_data)++;
  return GST_PAD_PROBE_OK;
}

static void
on_deep_added (GstBin *bin, GstBin *sub, GstElement *element, gpointer data)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  if (factory == NULL ||
      !gst_element_factory_list_is_type (factory,
          GST_ELEMENT_FACTORY_TYPE_DECODER))
    return;
  g_autoptr (GstPad) sink = gst_element_get_static_pad (element, "sink");
  gst_pad_add_probe (sink, GST_PAD_PROBE_TYPE_BUFFER, count, data, NULL);
}

static void
test_encoded (void)
{
  guint decoded = 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (GstElement) pipeline = gst_parse_launch (
      "videotestsrc num-buffers=100 ! "
      "video/x-raw,format=I420,width=320,height=180,framerate=25/1 ! "
      "x264enc key-int-max=10 speed-preset=ultrafast bframes=2 ! h264parse ! "
      "video/x-h264,stream-format=avc,alignment=au ! thumbnailer name=t "
      "interval-ms=1000 columns=2 rows=2 t.sheets ! appsink name=s sync=false "
      "t.poster ! queue ! fakesink sync=false async=false",
      &error);
  g_assert_no_error (error);
  g_signal_connect (pipeline, "deep-element-added", G_CALLBACK (on_deep_added),
      &decoded);
  g_autoptr (GstElement) sink = gst_bin_get_by_name (GST_BIN (pipeline), "s");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_autoptr (GstSample) sample = gst_app_sink_pull_sample (GST_APP_SINK (sink));
  g_assert_nonnull (sample);
  GstBuffer *sheet = gst_sample_get_buffer (sample);
  g_assert_cmpuint (GST_BUFFER_PTS (sheet), ==, 0);
  g_assert_cmpuint (GST_BUFFER_DURATION (sheet), ==, 4 * GST_SECOND);
  g_autoptr (GstSample) none = gst_app_sink_pull_sample (GST_APP_SINK (sink));
  g_assert_null (none);
  g_assert_cmpuint (decoded, ==, 4);
  gst_element_set_state (pipeline, GST_STATE_NULL);
}

/* As a stream that is started again. */
static void
test_again (void)
{
  Fixture f;
  fixture_init (&f);
  push (&f, 0, 90, TRUE);
  gst_element_set_state (f.element, GST_STATE_NULL);
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/thumbnailer/tiles", test_tiles);
  g_test_add_func ("/thumbnailer/hole", test_hole);
  g_test_add_func ("/thumbnailer/poster", test_poster);
  g_test_add_func ("/thumbnailer/told", test_told);
  g_test_add_func ("/thumbnailer/encoded", test_encoded);
  g_test_add_func ("/thumbnailer/again", test_again);
  return g_test_run ();
}
