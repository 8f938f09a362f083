/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a seek bar without pictures, one whose pictures are gone or
 * are of another time, a directory that fills up with them. */
#include "cmafsink-test.h"

#define SHEETS                                                     \
  "image/jpeg, width=96, height=36, tile-columns=3, tile-rows=2, " \
  "tile-interval=(guint64)1000000000"
#define SHEET_NS (6 * GST_SECOND)

static const guint8 jpeg[] = { 0xff, 0xd8, 0xff, 0xd9 };

static GstHarness *
add_sheets (Fixture *f)
{
  return fixture_add (f, "image_0", gst_caps_from_string (SHEETS));
}

static GstFlowReturn
push_sheet (GstHarness *h, GstClockTime time, guint tiles)
{
  GstBuffer *buffer = gst_buffer_new_memdup (jpeg, sizeof jpeg);
  GST_BUFFER_PTS (buffer) = time;
  GST_BUFFER_DURATION (buffer) = tiles * GST_SECOND;
  return gst_harness_push (h, buffer);
}

/* Of a film the end waits for its pictures, whatever comes last. */
static void
test_file (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 2, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  GstHarness *sheets = add_sheets (&f);
  push_both (&f, 0, 0, 200, 50);
  push_sheet (sheets, 0, 6);
  gst_harness_push_event (f.video, gst_event_new_eos ());
  g_assert_false (exists (&f, "master.m3u8"));
  push_sheet (sheets, SHEET_NS, 2);
  gst_harness_push_event (sheets, gst_event_new_eos ());
  wait_eos (&f);
  g_assert_true (exists (&f, "master.m3u8"));
  g_assert_true (exists (&f, "thumbnails/1-0.jpg"));
  g_assert_true (contains (&f, "manifest.mpd",
      "thumbnail_tile\" value=\"3x2\""));
  g_assert_true (contains (&f, "manifest.mpd",
      "media=\"thumbnails/1-$Time$.jpg\""));
  g_assert_true (contains (&f, "manifest.mpd",
      "<S t=\"0\" d=\"6000\" r=\"1\"/>"));
  g_autofree gchar *cues = read_text (&f, "thumbnails.vtt");
  g_assert_cmpstr (cues, ==,
      "WEBVTT\n"
      "\n00:00:00.000 --> 00:00:01.000\nthumbnails/1-0.jpg#xywh=0,0,32,18\n"
      "\n00:00:01.000 --> 00:00:02.000\nthumbnails/1-0.jpg#xywh=32,0,32,18\n"
      "\n00:00:02.000 --> 00:00:03.000\nthumbnails/1-0.jpg#xywh=64,0,32,18\n"
      "\n00:00:03.000 --> 00:00:04.000\nthumbnails/1-0.jpg#xywh=0,18,32,18\n"
      "\n00:00:04.000 --> 00:00:05.000\nthumbnails/1-0.jpg#xywh=32,18,32,18\n"
      "\n00:00:05.000 --> 00:00:06.000\nthumbnails/1-0.jpg#xywh=64,18,32,18\n"
      "\n00:00:06.000 --> 00:00:07.000\nthumbnails/1-6000.jpg#xywh=0,0,32,18\n"
      "\n00:00:07.000 --> 00:00:08.000\nthumbnails/1-6000.jpg#xywh=32,0,32,"
      "18\n");
  gst_harness_teardown (sheets);
  fixture_clear (&f);
}

/* Nothing live waits for them, and what no playlist reaches leaves. */
static void
test_live (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "window-segments", 3, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  GstHarness *sheets = add_sheets (&f);
  for (guint i = 0; i < 8; i++) {
    push_both (&f, 0, i * 150, (i + 1) * 150, 50);
    push_sheet (sheets, i * SHEET_NS, 6);
  }
  push_both (&f, 0, 1200, 1251, 50);
  g_assert_false (contains (&f, "thumbnails.vtt", "/1-0.jpg"));
  g_assert_true (contains (&f, "thumbnails.vtt", "/1-42000.jpg"));
  g_assert_true (contains (&f, "manifest.mpd", "<S t=\"42000\" d=\"6000\"/>"));
  g_assert_true (exists (&f, "thumbnails/1-42000.jpg"));
  push_eos (&f);
  wait_eos (&f);
  gst_harness_teardown (sheets);
  fixture_clear (&f);
}

/* Those of before a crash are still of their pictures; one that was written, and
 * not yet told of, goes. */
static void
test_restart (void)
{
  Fixture f;
  gchar *dir = make_dir ();
  fixture_init (&f, g_strdup (dir), NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  GstHarness *sheets = add_sheets (&f);
  push_both (&f, 0, 0, 160, 50);
  push_sheet (sheets, 0, 6);
  push_both (&f, 0, 160, 260, 50);
  gst_harness_teardown (sheets);
  fixture_stop (&f);
  g_free (f.dir);

  fixture_init (&f, dir, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  sheets = add_sheets (&f);
  push_both (&f, 0, 0, 160, 50);
  push_sheet (sheets, 0, 6);
  push_both (&f, 0, 160, 260, 50);
  g_assert_cmpuint (count (&f, "manifest.mpd", "thumbnail_tile"), ==, 2);
  g_assert_true (contains (&f, "manifest.mpd", "thumbnails/1-$Time$.jpg"));
  g_assert_true (contains (&f, "manifest.mpd", "thumbnails/2-$Time$.jpg"));
  g_assert_true (exists (&f, "thumbnails/1-0.jpg"));
  g_assert_true (exists (&f, "thumbnails/2-0.jpg"));
  gst_harness_teardown (sheets);
  fixture_clear (&f);
}

static void
test_poster (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  GstHarness *poster = fixture_add (&f, "image_%u",
      gst_caps_from_string ("image/jpeg, width=640, height=360"));
  push_both (&f, 0, 0, 60, 50);
  gst_harness_push (poster, gst_buffer_new_memdup (jpeg, sizeof jpeg));
  g_assert_true (exists (&f, "poster.jpg"));
  g_assert_false (exists (&f, "thumbnails.vtt"));
  gst_harness_teardown (poster);
  fixture_clear (&f);
}

static void
test_refused (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  GstHarness *sheets = fixture_add (&f, "image_0",
      gst_caps_from_string ("image/jpeg, width=96, height=36, tile-columns=0, "
                            "tile-rows=2, tile-interval=(guint64)1000000000"));
  g_assert_cmpint (push_sheet (sheets, 0, 1), ==, GST_FLOW_NOT_NEGOTIATED);
  g_autofree gchar *text = pop_text (&f, GST_MESSAGE_ERROR);
  g_assert_nonnull (strstr (text, "pad 'image_0': got sheets of 0 x 2 tiles"));
  gst_harness_teardown (sheets);
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink/images/file", test_file);
  g_test_add_func ("/cmafsink/images/live", test_live);
  g_test_add_func ("/cmafsink/images/restart", test_restart);
  g_test_add_func ("/cmafsink/images/poster", test_poster);
  g_test_add_func ("/cmafsink/images/refused", test_refused);
  return g_test_run ();
}
