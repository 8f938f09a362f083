/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: an advertisement that begins beside its break, because
 * playlists date the break by one clock and its segments by another; or a break
 * whose date jumps while somebody watches. */
#include "bytes/bytes.h"
#include "cmafsink-dates-test.h"
#include "scte35/scte35.h"

/* ---- what has dates beside segments ---- */

/* PTS of the first DATERANGE, 90 kHz. */
static guint64
read_pts (Fixture *f)
{
  MillScte35 section;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autofree gchar *text = read_text (f, "v576/playlist.m3u8");
  g_auto (GStrv) pieces = g_strsplit (text, "SCTE35-OUT=0x", -1);
  g_assert_cmpuint (g_strv_length (pieces), >, 1);
  const gchar *hex = pieces[1];
  for (guint i = 0; g_ascii_isxdigit (hex[i]); i += 2) {
    guint8 byte = (guint8) (g_ascii_xdigit_value (hex[i]) << 4 |
        g_ascii_xdigit_value (hex[i + 1]));
    g_byte_array_append (bytes, &byte, 1);
  }
  g_assert_true (mill_scte35_parse (bytes->data, bytes->len, &section, NULL));
  g_assert_true (section.has_pts);
  return section.pts;
}

/* A break is marked where its segment is, though it was marked before that was
 * known. */
static void
test_break (void)
{
  Fixture f;
  Take take = { 60, START_NS, 0, 0 };
  g_autoptr (GstStructure) answer = NULL;
  g_autoptr (GstStructure) cue =
      gst_structure_from_string ("cue, type=out, id=(uint)7", NULL);
  begin (&f, 0);
  publish (&f, &take, 0, 4);
  g_signal_emit_by_name (f.sink, "cue", cue, &answer);
  publish (&f, &take, 4, 160);
  assert_dated (video_date (&f, 1), &take, -400 * MS);
  g_assert_cmpint (date_after (&f, "v576/playlist.m3u8", "START-DATE=\"", 0),
      ==, video_date (&f, 1));
  fixture_clear (&f);
}

/* A break that is asked for at a date is at that, in media that has it. */
static void
test_break_at_date (void)
{
  Fixture f;
  Take take = { 60, START_NS, 0, 0 };
  g_autoptr (GstStructure) answer = NULL;
  begin (&f, 0);
  publish (&f, &take, 0, 4);
  gint64 asked_us = (take.begin_us / MS + 1000) * MS;
  g_autoptr (GstStructure) cue = gst_structure_new ("cue", "type",
      G_TYPE_STRING, "out", "id", G_TYPE_UINT, 7, "wall-time", G_TYPE_INT64,
      asked_us, NULL);
  g_signal_emit_by_name (f.sink, "cue", cue, &answer);
  publish (&f, &take, 4, 160);
  assert_dated (video_date (&f, 1), &take, -400 * MS);
  g_assert_cmpint (ABS (date_after (&f, "v576/playlist.m3u8", "START-DATE=\"",
                            0) -
                       asked_us),
      <=, CUT_US);
  /* Media time of what it names: running time here, 90 kHz. */
  gint64 expected_us = (gint64) (START_NS / GST_USECOND) + asked_us -
      video_date (&f, 0);
  g_assert_cmpint (ABS ((gint64) read_pts (&f) * 100 / 9 - expected_us), <=,
      CUT_US);
  fixture_clear (&f);
}

/* The times in emsg boxes of @name (ISO/IEC 23009-1 5.10.3.3.3), µs of media time. */
static GArray *
read_event_times (Fixture *f, const gchar *name)
{
  gsize size;
  g_autofree gchar *data = read_bytes (f, name, &size);
  GArray *times = g_array_new (FALSE, FALSE, sizeof (gint64));
  for (gsize i = 0; i + 28 < size; i++) {
    /* And version 1: the letters alone are in the scheme of ID3 too. */
    if (memcmp (data + i, "emsg\1", 5) != 0)
      continue;
    gint64 time_us = (gint64)
        gst_util_uint64_scale (mill_bytes_read_u64 ((const guint8 *) data + i +
                                   12),
            G_USEC_PER_SEC,
            mill_bytes_read_u32 ((const guint8 *) data + i + 8));
    g_array_append_val (times, time_us);
  }
  return times;
}

/* Metadata that is asked for at a date: dates move before it is due, and what the
 * media say of it does not change, because they say it only then. */
static void
test_event_at_date (void)
{
  Fixture f;
  Take take = { 60, START_NS, 0, 0 };
  g_autoptr (GstStructure) answer = NULL;
  guint n = 0;
  begin (&f, 200);
  publish (&f, &take, 0, 4);
  gint64 asked_us = (take.begin_us / MS + 1000) * MS;
  g_autoptr (GstStructure) cue = gst_structure_new ("cue", "type",
      G_TYPE_STRING, "metadata", "key", G_TYPE_STRING, "TIT2", "value",
      G_TYPE_STRING, "a", "wall-time", G_TYPE_INT64, asked_us, NULL);
  g_signal_emit_by_name (f.sink, "cue", cue, &answer);
  publish (&f, &take, 4, 160);
  gint64 expected_us = (gint64) (START_NS / GST_USECOND) + asked_us -
      video_date (&f, 0);
  for (guint k = 0; k < 3; k++) {
    g_autofree gchar *name = g_strdup_printf ("v576/1-%u.m4s", k);
    g_autoptr (GArray) times = read_event_times (&f, name);
    n += times->len;
    for (guint i = 0; i < times->len; i++)
      g_assert_cmpint (ABS (g_array_index (times, gint64, i) - expected_us), <=,
          CUT_US);
  }
  g_assert_cmpuint (n, >, 0);
  fixture_clear (&f);
}

/* Metadata for a date, and other metadata at once: both are told, also when the
 * date comes before it is known what it is of. */
static void
test_events_in_order (void)
{
  Fixture f;
  Take take = { 0, START_NS, 0, 0 };
  g_autoptr (GstStructure) answer_later = NULL;
  g_autoptr (GstStructure) answer_now = NULL;
  guint n = 0;
  begin (&f, 200);
  publish (&f, &take, 0, 4);
  gint64 asked_us = (take.begin_us / MS + 700) * MS;
  g_autoptr (GstStructure) later = gst_structure_new ("cue", "type",
      G_TYPE_STRING, "metadata", "key", G_TYPE_STRING, "TIT2", "value",
      G_TYPE_STRING, "b", "wall-time", G_TYPE_INT64, asked_us, NULL);
  g_autoptr (GstStructure) now = gst_structure_new ("cue", "type",
      G_TYPE_STRING, "metadata", "key", G_TYPE_STRING, "TIT2", "value",
      G_TYPE_STRING, "a", NULL);
  g_signal_emit_by_name (f.sink, "cue", later, &answer_later);
  g_signal_emit_by_name (f.sink, "cue", now, &answer_now);
  publish (&f, &take, 4, 160);
  for (guint k = 0; k < 3; k++) {
    g_autofree gchar *name = g_strdup_printf ("v576/1-%u.m4s", k);
    g_autoptr (GArray) times = read_event_times (&f, name);
    n += times->len;
  }
  g_assert_cmpuint (n, >=, 2);
  fixture_clear (&f);
}

/* There is sound, and no picture yet, so nothing is cut: a break that is asked for
 * at a date waits, and is at that date all the same. */
static void
test_break_before_pictures (void)
{
  Fixture f;
  g_autoptr (GstStructure) answer = NULL;
  gboolean taken = FALSE;
  fixture_init (&f, make_dir (), "part-duration-ms", 0, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  f.audio = fixture_add (&f, "audio_0", audio_caps ());
  wait_for (f.audio, START_NS);
  gint64 began_us = g_get_real_time ();
  for (guint i = 0; i < 10; i++)
    g_assert_cmpint (push_audio (&f, START_NS + i * AAC_NS), ==, GST_FLOW_OK);
  gint64 asked_us = (began_us / MS + 3000) * MS;
  g_autoptr (GstStructure) cue = gst_structure_new ("cue", "type",
      G_TYPE_STRING, "out", "id", G_TYPE_UINT, 7, "wall-time", G_TYPE_INT64,
      asked_us, NULL);
  g_signal_emit_by_name (f.sink, "cue", cue, &answer);
  g_assert_true (gst_structure_get_boolean (answer, "taken", &taken) && taken);
  guint sound = 10;
  for (guint i = 0; i < 210; i++) {
    push_frame (f.video, i, START_NS + i * FRAME_NS, START_NS + i * FRAME_NS,
        FALSE);
    for (; sound * AAC_NS < (i + 1) * FRAME_NS; sound++)
      push_audio (&f, START_NS + sound * AAC_NS);
  }
  g_assert_cmpint (ABS (date_after (&f, "v576/playlist.m3u8", "START-DATE=\"",
                            0) -
                       asked_us),
      <=, CUT_US);
  gint64 expected_us = (gint64) (START_NS / GST_USECOND) + asked_us -
      video_date (&f, 0);
  g_assert_cmpint (ABS ((gint64) read_pts (&f) * 100 / 9 - expected_us), <=,
      CUT_US);
  fixture_clear (&f);
}

/* ---- of a publisher that comes back ---- */

/* Handed to cmafsink, and taken. @cue: (transfer full) */
static void
give_cue (Fixture *f, GstStructure *cue)
{
  g_autoptr (GstStructure) owned = cue;
  g_autoptr (GstStructure) answer = NULL;
  gboolean taken = FALSE;
  g_signal_emit_by_name (f->sink, "cue", owned, &answer);
  g_assert_true (gst_structure_get_boolean (answer, "taken", &taken) && taken);
}

static GstStructure *
make_break (gint64 wall_us)
{
  GstStructure *cue = gst_structure_new ("cue", "type", G_TYPE_STRING, "out",
      "id", G_TYPE_UINT, 7, NULL);
  if (wall_us >= 0)
    gst_structure_set (cue, "wall-time", G_TYPE_INT64, wall_us, NULL);
  return cue;
}

/* (transfer full)(nullable): the only EXT-X-DATERANGE */
static gchar *
find_range (Fixture *f)
{
  g_autofree gchar *text = read_text (f, "v576/playlist.m3u8");
  g_auto (GStrv) pieces = g_strsplit (text, "#EXT-X-DATERANGE:", -1);
  g_assert_cmpuint (g_strv_length (pieces), <=, 2);
  return pieces[1] != NULL ? g_strndup (pieces[1], strcspn (pieces[1], "\n"))
                           : NULL;
}

/* As publish(), by somebody who watches: what was said of a break stays so (RFC
 * 8216bis 4.4.5.1). @seen: (inout)(nullable): what was */
static void
publish_watched (Fixture *f, Take *take, guint from, guint to, gchar **seen)
{
  for (guint i = from; i < to; i++) {
    publish (f, take, i, i + 1);
    g_autofree gchar *range = find_range (f);
    if (*seen != NULL)
      g_assert_cmpstr (range, ==, *seen);
    else
      *seen = g_steal_pointer (&range);
  }
}

static guint
count_segments (Fixture *f)
{
  return count (f, "v576/playlist.m3u8", "#EXTINF:");
}

/* The stream had a cue some time, which changes nothing of when who comes back
 * with something waiting is dated. */
static void
test_return (gconstpointer data)
{
  Fixture f;
  Take first = { 25, START_NS, 0, 0 };
  Take second = { 20, START_NS + 20 * GST_SECOND, 0, 0 };
  Take third = { 0, START_NS + 40 * GST_SECOND, 0, 0 };
  begin (&f, GPOINTER_TO_UINT (data));
  publish (&f, &first, 0, 4);
  give_cue (&f,
      gst_structure_new ("cue", "type", G_TYPE_STRING, "metadata", "key",
          G_TYPE_STRING, "TIT2", "value", G_TYPE_STRING, "a", NULL));
  publish (&f, &first, 4, 120);
  publish (&f, &second, 0, 120);
  publish (&f, &third, 0, 120);
  assert_dated (video_date (&f, 0), &first, -1000 * MS);
  assert_dated (video_date (&f, 3), &first, 19200 * MS);
  assert_dated (video_date (&f, 4), &first, 21200 * MS);
  assert_dated (video_date (&f, 6), &first, 40000 * MS);
  assert_dated (video_date (&f, 7), &first, 42000 * MS);
  g_assert_true (contains (&f, "manifest.mpd", "start=\"PT20.200000S\""));
  g_assert_true (contains (&f, "manifest.mpd", "start=\"PT41.000000S\""));
  fixture_clear (&f);
}

/* A break begins with the first picture of who is back: it is told of when it is
 * known when that was, and then at once. */
static void
test_break_at_return (gconstpointer data)
{
  guint part_ms = GPOINTER_TO_UINT (data);
  Fixture f;
  g_autofree gchar *seen = NULL;
  Take first = { 25, START_NS, 0, 0 };
  Take second = { 20, START_NS + 20 * GST_SECOND, 0, 0 };
  begin (&f, part_ms);
  publish (&f, &first, 0, 120);
  give_cue (&f, make_break (-1));
  publish_watched (&f, &second, 0, 25, &seen);
  g_assert_cmpuint (count_segments (&f), ==, 3);
  g_assert_null (seen);
  /* The first part, of which that is one. */
  publish_watched (&f, &second, 25, 26, &seen);
  if (part_ms > 0)
    g_assert_nonnull (seen);
  g_assert_cmpuint (count_segments (&f), ==, 3);
  publish_watched (&f, &second, 26, 120, &seen);
  g_assert_nonnull (seen);
  assert_dated (video_date (&f, 3), &first, 19200 * MS);
  g_assert_cmpint (date_after (&f, "v576/playlist.m3u8", "START-DATE=\"", 0),
      ==, video_date (&f, 3));
  g_assert_true (contains (&f, "manifest.mpd", "<EventStream"));
  fixture_clear (&f);
}

/* A break goes on while its publisher is away, and ends when it is back: where it
 * ends is told when that is known, and where it began stays. */
static void
test_break_over_return (void)
{
  Fixture f;
  Take first = { 25, START_NS, 0, 0 };
  Take second = { 20, START_NS + 20 * GST_SECOND, 0, 0 };
  GstStructure *cue = make_break (-1);
  gst_structure_set (cue, "duration", G_TYPE_UINT64, 10 * GST_SECOND,
      "auto-return", G_TYPE_BOOLEAN, TRUE, NULL);
  begin (&f, 200);
  publish (&f, &first, 0, 60);
  give_cue (&f, cue);
  publish (&f, &first, 60, 120);
  publish (&f, &second, 0, 4);
  gint64 begun_us = date_after (&f, "v576/playlist.m3u8", "START-DATE=\"", 0);
  g_assert_false (contains (&f, "v576/playlist.m3u8", "SCTE35-IN"));
  publish (&f, &second, 4, 120);
  g_assert_cmpint (date_after (&f, "v576/playlist.m3u8", "START-DATE=\"", 0),
      ==, begun_us);
  g_assert_cmpint (begun_us, ==, video_date (&f, 2));
  g_autofree gchar *text = read_text (&f, "v576/playlist.m3u8");
  g_auto (GStrv) pieces = g_strsplit (text, ",DURATION=", -1);
  g_assert_cmpuint (g_strv_length (pieces), ==, 2);
  gint64 lasted_us = (gint64) (g_ascii_strtod (pieces[1], NULL) * 1e6 + 0.5);
  g_assert_cmpint (ABS (begun_us + lasted_us - video_date (&f, 3)), <=, CUT_US);
  fixture_clear (&f);
}

/* What was told before the publisher left is at the wall clock that was told. */
static void
test_told_before_return (void)
{
  Fixture f;
  g_autofree gchar *seen = NULL;
  Take first = { 25, START_NS, 0, 0 };
  Take second = { 20, START_NS + 20 * GST_SECOND, 0, 0 };
  begin (&f, 200);
  publish (&f, &first, 0, 110);
  gint64 asked_us = (first.begin_us / MS + 22000) * MS;
  give_cue (&f, make_break (asked_us));
  publish (&f, &first, 110, 120);
  publish_watched (&f, &second, 0, 4, &seen);
  g_assert_nonnull (seen);
  publish_watched (&f, &second, 4, 120, &seen);
  assert_dated (video_date (&f, 3), &first, 19200 * MS);
  g_assert_cmpint (date_after (&f, "v576/playlist.m3u8", "START-DATE=\"", 0),
      ==, asked_us);
  fixture_clear (&f);
}

/* Somebody asks for a break at a date while it is not known yet which media has
 * that. */
static void
test_asked_in_return (void)
{
  Fixture f;
  g_autofree gchar *seen = NULL;
  Take first = { 25, START_NS, 0, 0 };
  Take second = { 20, START_NS + 20 * GST_SECOND, 0, 0 };
  begin (&f, 0);
  publish (&f, &first, 0, 120);
  publish_watched (&f, &second, 0, 2, &seen);
  gint64 asked_us = (first.begin_us / MS + 21500) * MS;
  give_cue (&f, make_break (asked_us));
  publish_watched (&f, &second, 2, 120, &seen);
  g_assert_nonnull (seen);
  g_assert_cmpint (date_after (&f, "v576/playlist.m3u8", "START-DATE=\"", 0),
      ==, asked_us);
  gint64 expected_us = (gint64) (second.start / GST_USECOND) + asked_us -
      video_date (&f, 3);
  g_assert_cmpint (ABS ((gint64) read_pts (&f) * 100 / 9 - expected_us), <=,
      CUT_US);
  fixture_clear (&f);
}

/* Who is back leaves at once, and is back again: the break is where its segment
 * is, of which nobody had been told. */
static void
test_two_returns (void)
{
  Fixture f;
  g_autofree gchar *seen = NULL;
  Take first = { 25, START_NS, 0, 0 };
  Take second = { 20, START_NS + 20 * GST_SECOND, 0, 0 };
  Take third = { 0, START_NS + 40 * GST_SECOND, 0, 0 };
  begin (&f, 200);
  publish (&f, &first, 0, 120);
  give_cue (&f, make_break (-1));
  publish_watched (&f, &second, 0, 5, &seen);
  g_assert_null (seen);
  publish_watched (&f, &third, 0, 120, &seen);
  g_assert_nonnull (seen);
  g_assert_cmpint (date_after (&f, "v576/playlist.m3u8", "START-DATE=\"", 0),
      ==, video_date (&f, 3));
  assert_dated (video_date (&f, 4), &first, 40000 * MS);
  fixture_clear (&f);
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink/cue-dates/break", test_break);
  g_test_add_func ("/cmafsink/cue-dates/break-at-date", test_break_at_date);
  g_test_add_func ("/cmafsink/cue-dates/event-at-date", test_event_at_date);
  g_test_add_func ("/cmafsink/cue-dates/events-in-order", test_events_in_order);
  g_test_add_func ("/cmafsink/cue-dates/break-before-pictures",
      test_break_before_pictures);
  g_test_add_data_func ("/cmafsink/cue-dates/return/whole",
      GUINT_TO_POINTER (0), test_return);
  g_test_add_data_func ("/cmafsink/cue-dates/return/parts",
      GUINT_TO_POINTER (200), test_return);
  g_test_add_data_func ("/cmafsink/cue-dates/break-at-return/whole",
      GUINT_TO_POINTER (0), test_break_at_return);
  g_test_add_data_func ("/cmafsink/cue-dates/break-at-return/parts",
      GUINT_TO_POINTER (200), test_break_at_return);
  g_test_add_func ("/cmafsink/cue-dates/break-over-return",
      test_break_over_return);
  g_test_add_func ("/cmafsink/cue-dates/told-before-return",
      test_told_before_return);
  g_test_add_func ("/cmafsink/cue-dates/asked-in-return", test_asked_in_return);
  g_test_add_func ("/cmafsink/cue-dates/two-returns", test_two_returns);
  return g_test_run ();
}
