/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a film in one file that cannot be sought, or is not all
 * there, or a disk that keeps the one before. */
#include "cmafsink-test.h"

typedef struct
{
  guint64 earliest;
  guint64 first; /* offset of the first subsegment */
  guint n;
  guint8 *rows; /* 12 bytes each */
  guint64 size; /* of the file */
  guint8 *data;
} Index;

/* Boxes lie at any address. */
static guint64
read_number (const guint8 *data, guint bytes)
{
  guint64 number = 0;
  for (guint i = 0; i < bytes; i++)
    number = number << 8 | data[i];
  return number;
}

static void
read_index (Fixture *f, const gchar *name, Index *index)
{
  gsize size;
  gchar *data = read_bytes (f, name, &size);
  MillBmffReader reader;
  MillBmffBox box;
  mill_bmff_reader_init (&reader, (const guint8 *) data, size);
  do
    g_assert_cmpint (mill_bmff_reader_next (&reader, &box, NULL), ==,
        MILL_BMFF_NEXT_BOX);
  while (box.type != MILL_BMFF_FOURCC ('s', 'i', 'd', 'x'));
  *index = (Index){
    .earliest = read_number (box.payload + 12, 8),
    .first = box.offset + box.size + read_number (box.payload + 20, 8),
    .n = (guint) read_number (box.payload + 30, 2),
    .rows = (guint8 *) box.payload + 32,
    .size = size,
    .data = (guint8 *) data,
  };
}

/* Every subsegment begins where the index says, at the time that it says, and
 * the last ends with the file. Returns: samples in all */
static guint
walk_index (const Index *index)
{
  guint64 at = index->first;
  guint64 time = index->earliest;
  guint samples = 0;
  for (guint i = 0; i < index->n; i++) {
    guint64 bytes = read_number (index->rows + 12 * i, 4);
    g_assert_cmpuint (at + bytes, <=, index->size);
    g_autoptr (MillBmffSegment) segment =
        mill_bmff_segment_parse (index->data + at, bytes, NULL);
    g_assert_no_error (segment->rest_error);
    g_assert_cmpuint (segment->complete_size, ==, bytes);
    g_assert_cmpuint (sample_of (segment, 0).decode_time, ==, time);
    samples += segment->samples->len;
    at += bytes;
    time += read_number (index->rows + 12 * i + 4, 4);
  }
  g_assert_cmpuint (at, ==, index->size);
  return samples;
}

static void
run (Fixture *f, gchar *dir, guint segment_ms, guint frames, guint gop)
{
  fixture_init (f, dir, "mode", 2, "single-file", TRUE, "segment-duration-ms",
      segment_ms, NULL);
  fixture_add_both (f);
  push_both (f, 0, 0, frames, gop);
  g_assert_false (exists (f, "master.m3u8"));
  push_eos (f);
  wait_eos (f);
}

static void
test_film (void)
{
  Fixture f;
  Index video;
  Index audio;
  run (&f, make_dir (), 2000, 251, 50);
  read_index (&f, "v576/1.mp4", &video);
  read_index (&f, "a112/1.mp4", &audio);
  g_assert_cmpuint (video.n, ==, 6);
  g_assert_cmpuint (walk_index (&video), ==, 251);
  g_assert_cmpuint (walk_index (&audio), ==, 471);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "\n1.mp4\n"), ==, 6);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-BYTERANGE:"), ==,
      6);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8",
                        "#EXT-X-MAP:URI=\"1.mp4\",BYTERANGE=\""),
      ==, 1);
  g_assert_cmpuint (count (&f, "v576/iframes.m3u8", "#EXT-X-BYTERANGE:"), ==,
      6);
  g_assert_true (contains (&f, "manifest.mpd", "isoff-on-demand"));
  g_assert_cmpuint (count (&f, "manifest.mpd", "<SegmentBase "), ==, 2);
  g_assert_false (exists (&f, "v576/1-0.m4s"));
  g_assert_false (exists (&f, "v576/init-1.mp4"));
  g_free (video.data);
  g_free (audio.data);
  fixture_clear (&f);
}

/* More segments than the index has room for: each stands for several. */
static void
test_long (void)
{
  Fixture f;
  Index video;
  fixture_init (&f, make_dir (), "mode", 2, "single-file", TRUE,
      "segment-duration-ms", 100, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_both (&f, 0, 0, 3 * 6000, 3);
  push_eos (&f);
  wait_eos (&f);
  read_index (&f, "v576/1.mp4", &video);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-BYTERANGE:"), ==,
      6000);
  g_assert_cmpuint (video.n, ==, 3000);
  g_assert_cmpuint (walk_index (&video), ==, 18000);
  g_free (video.data);
  fixture_clear (&f);
}

/* Another encoding is another file, with a header of its own. */
static void
test_change (void)
{
  static const guint8 other[] = { 0x01, 0x64, 0x00, 0x1f, 0xff, 0xe1, 0x00,
    0x1d, 0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0xb4, 0x24, 0xd8, 0x23,
    0x50, 0x50, 0x60, 0x54, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03,
    0x00, 0xc8, 0x7c, 0x50, 0xa6, 0x58, 0x01, 0x00, 0x04, 0x68, 0xfe, 0x8f,
    0xcb, 0xfd, 0xf8, 0xf8, 0x00 };
  Fixture f;
  Index first;
  Index second;
  fixture_init (&f, make_dir (), "mode", 2, "single-file", TRUE, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_both (&f, 0, 0, 100, 50);
  gst_harness_set_src_caps (f.video,
      make_caps ("video/x-h264, stream-format=avc, alignment=au, "
                 "framerate=25/1",
          other, sizeof other));
  push_both (&f, 0, 100, 200, 50);
  push_eos (&f);
  wait_eos (&f);
  read_index (&f, "v576/1.mp4", &first);
  read_index (&f, "v576/2.mp4", &second);
  g_assert_cmpuint (walk_index (&first) + walk_index (&second), ==, 200);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-MAP:"), ==, 2);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-DISCONTINUITY\n"),
      ==, 1);
  g_assert_cmpuint (count (&f, "manifest.mpd", "<Period "), ==, 2);
  g_free (first.data);
  g_free (second.data);
  fixture_clear (&f);
}

/* A second run takes the place of the first, at its end and not before; and so
 * does one in files for each segment. */
static void
test_again (void)
{
  Fixture f;
  gchar *dir = make_dir ();
  run (&f, g_strdup (dir), 2000, 101, 50);
  fixture_stop (&f);
  g_free (f.dir);
  fixture_init (&f, g_strdup (dir), "mode", 2, "single-file", TRUE, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 101, 50);
  g_assert_true (exists (&f, "v576/1.mp4"));
  g_assert_true (contains (&f, "v576/playlist.m3u8", "\n1.mp4\n"));
  push_eos (&f);
  wait_eos (&f);
  g_assert_false (exists (&f, "v576/1.mp4"));
  g_assert_true (contains (&f, "v576/playlist.m3u8", "\n2.mp4\n"));
  fixture_stop (&f);
  g_free (f.dir);
  fixture_init (&f, dir, "mode", 2, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 101, 50);
  push_eos (&f);
  wait_eos (&f);
  g_assert_false (exists (&f, "v576/2.mp4"));
  g_assert_true (exists (&f, "v576/3-0.m4s"));
  g_assert_false (contains (&f, "v576/playlist.m3u8", "BYTERANGE"));
  fixture_clear (&f);
}

/* ---- what may not be ---- */

static void
assert_refused (const gchar *expected, const gchar *property, const gchar *text)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  /* The reader of arrays writes into what it reads. */
  g_autofree gchar *copy = g_strdup (text);
  gst_util_set_object_arg (G_OBJECT (f.sink), property, copy);
  g_assert_cmpint (gst_element_set_state (f.sink, GST_STATE_PAUSED), ==,
      GST_STATE_CHANGE_FAILURE);
  g_autofree gchar *told = pop_text (&f, GST_MESSAGE_ERROR);
  g_assert_nonnull (strstr (told, expected));
  fixture_clear (&f);
}

static void
test_refused (void)
{
  assert_refused ("single-file: got a mode", "single-file", "true");
  assert_refused ("expected one of them", "session-data",
      "<(structure)\"d,id=a;\">");
  assert_refused ("got field 'vaule'", "session-data",
      "<(structure)\"d,id=a,vaule=1;\">");
  assert_refused ("expected an http or https URL", "pathways",
      "<(structure)\"p,id=a,uri=(string)ftp://x/;\">");
  assert_refused ("got no pathways", "steering-uri", "https://s.example/");
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink/single/film", test_film);
  g_test_add_func ("/cmafsink/single/long", test_long);
  g_test_add_func ("/cmafsink/single/change", test_change);
  g_test_add_func ("/cmafsink/single/again", test_again);
  g_test_add_func ("/cmafsink/single/refused", test_refused);
  return g_test_run ();
}
