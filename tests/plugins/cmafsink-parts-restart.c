/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Parts where they cannot be had, and over a restart. A user would notice:
 * low-latency players that play a piece twice or never after a restart of the
 * packager, or that end for good because the part target has changed. */
#include "cmafsink-index.h"

#include "playlist/mpd-low-latency.h"

/* ---- with and without ---- */

/* One segment of another length ends low-latency DASH: counting does not lead to
 * what comes after it. A Period begins for those, and the viewer is near to live
 * again. */
static gboolean
is_low_latency (Fixture *f)
{
  MillMpdLowLatency options = { .part_target_ns = 201 * GST_MSECOND };
  g_autofree gchar *text = read_text (f, "manifest.mpd");
  g_autoptr (GBytes) plain = g_bytes_new (text, strlen (text));
  g_autoptr (GBytes) made =
      mill_mpd_low_latency_make (plain, &options, NULL, NULL);
  return made != NULL;
}

static void
test_irregular (void)
{
  Fixture f;
  GString *seen = g_string_new (NULL);
  guint64 next_audio = 0;
  fixture_init (&f, make_dir (), "part-duration-ms", 200, "segment-duration-ms",
      1000, NULL);
  fixture_add_both (&f);
  for (guint i = 0; i < 360; i++) {
    /* A second each, and one of 1.4 s. */
    gboolean sync = i < 150 ? i % 25 == 0 : i >= 160 && (i - 160) % 25 == 0;
    push_video (&f, i * FRAME_NS, i * FRAME_NS, sync);
    for (; next_audio * AAC_NS < (i + 1) * FRAME_NS; next_audio++)
      push_audio (&f,
          gst_util_uint64_scale (next_audio, 1024 * GST_SECOND, 48000));
    if (i % 25 == 20 && i > 60)
      g_string_append_c (seen, is_low_latency (&f) ? 'L' : '-');
  }
  /* Regular; the long one in the playlist; two that are alike, which tell how
   * long they are; and two of the Period that is begun then. */
  g_assert_cmpstr (seen->str, ==, "LLLL----LLLL");
  g_assert_cmpuint (count (&f, "manifest.mpd", "<Period "), ==, 2);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "DISCONTINUITY"), ==, 0);
  g_string_free (seen, TRUE);
  fixture_clear (&f);
}

/* A part is told as soon as there is no room for another frame: not when that
 * comes, and not when the one after it tells how long it was. */
static void
test_at_once (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "part-duration-ms", 200, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  for (guint i = 0; i < 5; i++)
    push_video (&f, i * FRAME_NS, i * FRAME_NS, i == 0);
  g_assert_false (contains (&f, "live.index", "v576 1 0 0 "));
  /* How long the fifth is, the sixth tells. */
  push_video (&f, 5 * FRAME_NS, 5 * FRAME_NS, FALSE);
  g_assert_true (contains (&f, "live.index", "v576 1 0 0 "));
  fixture_clear (&f);
}

/* Nothing of all this is for streams without parts. */
static void
test_without (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 130, 50);
  g_assert_cmpuint (count (&f, "live.index", "#"), ==, 0);
  g_assert_cmpuint (count (&f, "live.index", "v576 "), ==, 2);
  fixture_clear (&f);
}

/* ---- restarts ---- */

/* Two segments are listed and 1.2 s of the third are told. */
static void
begin_stream (Fixture *f, gchar *dir)
{
  fixture_init (f, dir, "part-duration-ms", 200, NULL);
  fixture_add_both (f);
  push_both (f, 0, 0, 133, 50);
}

static void
test_go_on (void)
{
  Fixture f;
  gchar *dir = make_dir ();
  begin_stream (&f, g_strdup (dir));
  g_auto (Index) before = read_index (&f);
  g_assert_cmpuint (before.listed, ==, 1);
  fixture_stop (&f);
  /* A chunk that was written, and not told of. */
  g_autofree gchar *segment = path_of (&f, "v576/1-2.m4s");
  FILE *file = g_fopen (segment, "ab");
  g_assert_cmpuint (fwrite (avcc, 1, sizeof avcc, file), ==, sizeof avcc);
  fclose (file);
  g_free (f.dir);

  /* With other ideas of what a part is. */
  fixture_init (&f, dir, "part-duration-ms", 500, NULL);
  fixture_add_both (&f);
  gst_element_set_state (f.sink, GST_STATE_PLAYING);
  g_auto (Index) after = read_index (&f);
  g_assert_cmpuint (after.stream_target, ==, before.stream_target);
  g_assert_cmpuint (target_of (&after, "v576"), ==,
      target_of (&before, "v576"));
  g_assert_cmpuint (after.next_generation, ==, 2);
  g_assert_cmpuint (after.next_number, ==, 3);
  /* What was told is told again; the last part of what had begun is its end. */
  g_assert_cmpuint (after.chunks->len, ==, before.chunks->len);
  for (guint i = 0; i < before.chunks->len; i++) {
    const MillLiveChunk *was = chunk_at (&before, i);
    gboolean found = FALSE;
    for (guint k = 0; k < after.chunks->len; k++) {
      const MillLiveChunk *is = chunk_at (&after, k);
      found |= g_str_equal (is->rendition, was->rendition) &&
          is->number == was->number && is->part == was->part &&
          is->generation == 1 && is->offset == was->offset &&
          is->length == was->length && is->duration_ns == was->duration_ns;
    }
    g_assert_true (found);
  }
  push_both (&f, 0, 0, 130, 50);
  g_auto (Index) end = read_index (&f);
  assert_rules (&end, "v576", FALSE);
  assert_rules (&end, "a112", FALSE);
  assert_sum (&f, &end, "v576", 2);
  assert_sum (&f, &end, "a112", 2);
  g_assert_true (contains (&f, "v576/playlist.m3u8",
      "\n1-2.m4s\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init-2.mp4\"\n"));
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-GAP"), ==, 0);
  g_autoptr (MillBmffSegment) whole = read_segment (&f, "v576/1-2.m4s");
  g_assert_cmpuint (whole->samples->len % 5, ==, 0);
  push_eos (&f);
  wait_eos (&f);
  g_auto (Index) ended = read_index (&f);
  g_assert_true (ended.ended);
  fixture_clear (&f);
}

/* An index that is damaged, or gone, costs parts and nothing else. */
static void
test_damaged (void)
{
  static const gchar *const texts[] = { "", "garbage\n",
    "millrace-live 2\n#stream 201000000\nv576 1 2 0 0 99999999 4000000000 "
    "200000000 I 1\n" };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    Fixture f;
    gchar *dir = make_dir ();
    begin_stream (&f, g_strdup (dir));
    fixture_stop (&f);
    g_autofree gchar *path = path_of (&f, "live.index");
    g_assert_true (g_file_set_contents (path, texts[i], -1, NULL));
    g_free (f.dir);
    fixture_init (&f, dir, "part-duration-ms", 200, NULL);
    fixture_add_both (&f);
    push_both (&f, 0, 0, 130, 50);
    g_assert_true (contains (&f, "v576/playlist.m3u8", "\n2-2.m4s"));
    g_assert_false (contains (&f, "v576/playlist.m3u8", "\n1-2.m4s"));
    g_assert_true (contains (&f, "live.index", "v576 2 2 0 0 "));
    fixture_clear (&f);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink/parts/irregular", test_irregular);
  g_test_add_func ("/cmafsink/parts/at-once", test_at_once);
  g_test_add_func ("/cmafsink/parts/without", test_without);
  g_test_add_func ("/cmafsink/parts/go-on", test_go_on);
  g_test_add_func ("/cmafsink/parts/damaged", test_damaged);
  const gint failed = g_test_run ();
  /* The leaks tracer reports when GStreamer is deinitialised. */
  gst_deinit ();
  return failed;
}
