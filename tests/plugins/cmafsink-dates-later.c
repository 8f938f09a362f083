/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: dates that jump while somebody watches, or a break or a
 * cue that is told with the date of another. */
#include "bytes/bytes.h"
#include "cmafsink-dates-test.h"
#include "scte35/scte35.h"

/* ---- publishers that come back ---- */

/* A publisher that comes back has something waiting, and comes back again with
 * nothing. @part_ms: 0: a segment is told when it is whole; else its first part
 * waits for what had waited, which is more than that part. */
static void
test_return (gconstpointer data)
{
  guint part_ms = GPOINTER_TO_UINT (data);
  Fixture f;
  Take first = { 25, START_NS, 0, 0 };
  Take second = { 20, START_NS + 20 * GST_SECOND, 0, 0 };
  Take third = { 0, START_NS + 40 * GST_SECOND, 0, 0 };
  begin (&f, part_ms);
  publish (&f, &first, 0, 120);
  publish (&f, &second, 0, 120);
  publish (&f, &third, 0, 120);
  /* Dates go on by the test clock, not by that of this process. */
  assert_dated (video_date (&f, 0), &first, -1000 * MS);
  assert_dated (video_date (&f, 3), &first, 19200 * MS);
  assert_dated (video_date (&f, 4), &first, 21200 * MS);
  assert_dated (video_date (&f, 6), &first, 40000 * MS);
  assert_dated (video_date (&f, 7), &first, 42000 * MS);
  /* A Period begins where its first date says. */
  assert_dated (date_after (&f, "manifest.mpd", "availabilityStartTime=\"", 0),
      &first, -1000 * MS);
  g_assert_true (contains (&f, "manifest.mpd", "start=\"PT20.200000S\""));
  g_assert_true (contains (&f, "manifest.mpd", "start=\"PT41.000000S\""));
  fixture_clear (&f);
}

/* The first part of who comes back with nothing waiting is told as soon as it is
 * whole, and of who has something waiting not later than that. */
static void
test_return_is_told (gconstpointer data)
{
  guint waiting = GPOINTER_TO_UINT (data);
  Fixture f;
  Take first = { 0, START_NS, 0, 0 };
  Take second = { waiting, START_NS + 20 * GST_SECOND, 0, 0 };
  begin (&f, 200);
  publish (&f, &first, 0, 120);
  publish (&f, &second, 0, waiting + 5);
  g_assert_false (contains (&f, "live.index", "v576 1 3 0 "));
  publish (&f, &second, waiting + 5, waiting + 6);
  g_assert_true (contains (&f, "live.index", "v576 1 3 0 "));
  fixture_clear (&f);
}

/* Where the @k-th Period begins, µs since the availability start. */
static gint64
period_start (Fixture *f, guint k)
{
  g_autofree gchar *text = read_text (f, "manifest.mpd");
  g_auto (GStrv) pieces = g_strsplit (text, "<Period ", -1);
  g_assert_cmpuint (g_strv_length (pieces), >, k + 1);
  const gchar *start = strstr (pieces[k + 1], "start=\"PT");
  g_assert_nonnull (start);
  return (gint64) (g_ascii_strtod (start + strlen ("start=\"PT"), NULL) * 1e6 +
      0.5);
}

/* It leaves and is back before any date was told, and catches up so slowly that
 * dates move when its segments are in the lists already: Periods do with them. */
static void
test_early_return (void)
{
  Fixture f;
  Take first = { 0, START_NS, 0, 0 };
  GstClockTime back = START_NS + 10 * FRAME_NS + 1200 * GST_MSECOND;
  begin (&f, 200);
  publish (&f, &first, 0, 10);
  for (guint i = 0; i < 110; i++)
    push_frame (f.video, i, back + i * FRAME_NS, back + i * FRAME_NS / 2,
        i == 0);
  gint64 available_us =
      date_after (&f, "manifest.mpd", "availabilityStartTime=\"", 0);
  gint64 told_us = video_date (&f, 1) - available_us;
  g_assert_cmpint (period_start (&f, 0), ==, 0);
  g_assert_cmpint (ABS (period_start (&f, 1) - told_us), <=, CUT_US);
  /* It has moved, as far as it may. */
  g_assert_cmpint (ABS (told_us - 400 * MS), <=, CUT_US);
  fixture_clear (&f);
}

/* Subtitles are still missing: who has nothing to play with them waits, but
 * segments are listed when there are two. */
static void
test_missing (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "startup-timeout-ms", 20000, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  GstPad *text = gst_element_request_pad_simple (f.sink, "text_0");
  g_assert_nonnull (text);
  for (guint i = 0; i < 60; i++)
    push_frame (f.video, i, START_NS + i * FRAME_NS,
        START_NS + i * FRAME_NS / 2, FALSE);
  g_assert_false (exists (&f, "v576/playlist.m3u8"));
  for (guint i = 60; i < 110; i++)
    push_frame (f.video, i, START_NS + i * FRAME_NS,
        START_NS + i * FRAME_NS / 2, FALSE);
  g_assert_true (exists (&f, "v576/playlist.m3u8"));
  g_assert_false (exists (&f, "master.m3u8"));
  gst_object_unref (text);
  fixture_clear (&f);
}

/* However much waited, dates do not go back. */
static void
test_no_overlap (void)
{
  Fixture f;
  Take first = { 0, START_NS, 0, 0 };
  Take second = { 50, START_NS + 121 * FRAME_NS + GST_SECOND, 0, 0 };
  begin (&f, 0);
  publish (&f, &first, 0, 121);
  publish (&f, &second, 0, 120);
  /* It was away for a second, and says that it had two. */
  assert_dated (video_date (&f, 3), &first, 121 * 40 * MS);
  fixture_clear (&f);
}

/* Another run, of another packager. */
static void
test_restart (void)
{
  Fixture f;
  Take late = { 0 };
  Take again = { 25, START_NS, 0, 0 };
  begin (&f, 0);
  /* From five minutes ago, as a clock that stood still would tell. */
  for (guint i = 0; i < 110; i++) {
    late.begin_us = i == 0 ? g_get_real_time () : late.begin_us;
    push_frame (f.video, i, i * FRAME_NS, i * FRAME_NS + 300 * GST_SECOND,
        FALSE);
    late.end_us = i == 0 ? g_get_real_time () : late.end_us;
  }
  g_autofree gchar *dir = g_strdup (f.dir);
  fixture_stop (&f);
  g_clear_pointer (&f.dir, g_free);
  fixture_init (&f, g_steal_pointer (&dir), "part-duration-ms", 0, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  publish (&f, &again, 0, 110);
  assert_dated (video_date (&f, 0), &late, -300000 * MS);
  assert_dated (date_after (&f, "manifest.mpd", "availabilityStartTime=\"", 0),
      &late, -300000 * MS);
  assert_dated (video_date (&f, 2), &again, -1000 * MS);
  fixture_clear (&f);
}

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

/* The source's own clock, which comes with its second report: nobody was told of
 * another one, so there is nothing to break. */
static void
test_reference_later (void)
{
  Fixture f;
  g_autoptr (GstCaps) unix_time = gst_caps_from_string ("timestamp/x-unix");
  fixture_init (&f, make_dir (), "program-date-time", 1, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  for (guint i = 0; i < 160; i++) {
    GstBuffer *buffer = make_frame (i % GOP == 0, 100);
    GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = i * FRAME_NS;
    GST_BUFFER_DURATION (buffer) = FRAME_NS;
    if (i >= 10)
      gst_buffer_add_reference_timestamp_meta (buffer, unix_time,
          G_GUINT64_CONSTANT (1764072000) * GST_SECOND + i * FRAME_NS,
          GST_CLOCK_TIME_NONE);
    wait_for (f.video, i * FRAME_NS);
    g_assert_cmpint (gst_harness_push (f.video, buffer), ==, GST_FLOW_OK);
  }
  g_assert_cmpint (video_date (&f, 0), ==,
      G_GINT64_CONSTANT (1764072000000000));
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-DISCONTINUITY"),
      ==, 0);
  fixture_clear (&f);
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/cmafsink/dates/return/whole", GUINT_TO_POINTER (0),
      test_return);
  g_test_add_data_func ("/cmafsink/dates/return/parts", GUINT_TO_POINTER (200),
      test_return);
  g_test_add_data_func ("/cmafsink/dates/return/told/none-waiting",
      GUINT_TO_POINTER (0), test_return_is_told);
  g_test_add_data_func ("/cmafsink/dates/return/told/waiting",
      GUINT_TO_POINTER (20), test_return_is_told);
  g_test_add_func ("/cmafsink/dates/early-return", test_early_return);
  g_test_add_func ("/cmafsink/dates/missing", test_missing);
  g_test_add_func ("/cmafsink/dates/no-overlap", test_no_overlap);
  g_test_add_func ("/cmafsink/dates/restart", test_restart);
  g_test_add_func ("/cmafsink/dates/break", test_break);
  g_test_add_func ("/cmafsink/dates/break-at-date", test_break_at_date);
  g_test_add_func ("/cmafsink/dates/event-at-date", test_event_at_date);
  g_test_add_func ("/cmafsink/dates/events-in-order", test_events_in_order);
  g_test_add_func ("/cmafsink/dates/break-before-pictures",
      test_break_before_pictures);
  g_test_add_func ("/cmafsink/dates/reference-later", test_reference_later);
  return g_test_run ();
}
