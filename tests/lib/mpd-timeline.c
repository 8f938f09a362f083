/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Timelines that are kept from MPD to MPD. Were these wrong, players of a stream
 * that can be rewound for hours would ask for segments that are not there. */

#include <string.h>

#include "playlist/mpd.h"

typedef struct
{
  guint64 number;
  gint64 time;
  guint64 duration;
} Row;

static GBytes *
print (MillMpdRepresentation *representation)
{
  g_autoptr (GError) error = NULL;
  MillMpdPeriod period = {
    .id = "p0",
    .duration = GST_CLOCK_TIME_NONE,
    .representations = representation,
    .n_representations = 1,
  };
  MillMpd mpd = {
    .kind = MILL_MPD_DYNAMIC,
    .availability_start_us = 1764000000000000,
    .publish_us = 1764000010000000,
    .duration = GST_CLOCK_TIME_NONE,
    .periods = &period,
    .n_periods = 1,
  };
  GBytes *bytes;

  representation->id = "a";
  representation->set = 1;
  representation->content = MILL_MPD_AUDIO;
  representation->codecs = "mp4a.40.2";
  representation->bandwidth_bps = 128000;
  representation->timescale = 48000;
  representation->init = "a/init-1.mp4";
  representation->media = "a/1-$Number$.m4s";
  bytes = mill_mpd_print (&mpd, &error);
  g_assert_no_error (error);
  return bytes;
}

static void
assert_same (GBytes *kept, GBytes *whole)
{
  g_autofree gchar *a =
      g_strndup (g_bytes_get_data (kept, NULL), g_bytes_get_size (kept));
  g_autofree gchar *b =
      g_strndup (g_bytes_get_data (whole, NULL), g_bytes_get_size (whole));

  g_assert_cmpstr (a, ==, b);
}

/* What the timeline has is what an MPD of the segments themselves has. */
static void
compare (const MillMpdTimeline *timeline, const MillMpdSegment *segments,
    gsize n)
{
  MillMpdRepresentation kept = { .timeline = timeline, .n_segments = n };
  MillMpdRepresentation whole = { .segments = segments, .n_segments = n };
  g_autoptr (GBytes) a = NULL;
  g_autoptr (GBytes) b = NULL;

  g_assert_cmpuint (mill_mpd_timeline_get_length (timeline), ==, n);
  if (n > 0)
    g_assert_cmpuint (mill_mpd_timeline_get_first (timeline), ==,
        segments[0].number);
  a = print (&kept);
  b = print (&whole);
  assert_same (a, b);
}

/* Sound of 48 kHz, cut at whole frames of 1024, now and then with a hole. */
static MillMpdSegment
make_segment (GRand *random, const MillMpdSegment *last)
{
  MillMpdSegment segment = {
    .number = last->number + 1,
    .time = last->time + last->duration,
    .duration = g_rand_int_range (random, 0, 4) > 0 ? 96256 : 95232,
  };

  if (g_rand_int_range (random, 0, 20) == 0)
    segment.time += (guint64) g_rand_int_range (random, 1, 1000);
  return segment;
}

/* However much of it has left, at every length, up to windows whose text is in
 * many pieces. */
static void
test_slides (gconstpointer data)
{
  guint window = GPOINTER_TO_UINT (data);
  g_autoptr (GRand) random = g_rand_new_with_seed (42);
  g_autoptr (MillMpdTimeline) timeline = mill_mpd_timeline_new (1000);
  g_autoptr (GArray) list = g_array_new (FALSE, FALSE, sizeof (MillMpdSegment));
  MillMpdSegment last = { .number = 6, .time = 1000 };
  guint every = MAX (window / 16, 1);

  for (guint i = 0; i < 3 * window; i++) {
    last = make_segment (random, &last);
    g_array_append_val (list, last);
    mill_mpd_timeline_append (timeline, last.number, (gint64) last.time,
        last.duration);
    if (list->len > window) {
      g_array_remove_index (list, 0);
      mill_mpd_timeline_retire (timeline,
          g_array_index (list, MillMpdSegment, 0).number);
    }
    if (i % every == 0)
      compare (timeline, (const MillMpdSegment *) list->data, list->len);
  }
  while (list->len > 0) {
    if (list->len % every == 0 || list->len < 8)
      compare (timeline, (const MillMpdSegment *) list->data, list->len);
    g_array_remove_index (list, 0);
    mill_mpd_timeline_retire (timeline,
        list->len > 0 ? g_array_index (list, MillMpdSegment, 0).number
                      : last.number + 1);
  }
  g_assert_cmpuint (mill_mpd_timeline_get_length (timeline), ==, 0);
}

/* Two clocks disagree by a tick; a segment begins before its Period; one has
 * nothing in it. */
static void
test_overlaps (void)
{
  static const Row rows[] = { { 3, 900, 200 }, { 4, 1099, 100 },
    { 5, 1199, 100 }, { 6, 1298, 101 }, { 7, 1399, 0 } };
  static const MillMpdSegment told[] = { { 3, 1000, 99 }, { 4, 1099, 100 },
    { 5, 1199, 99 }, { 6, 1298, 101 } };
  g_autoptr (MillMpdTimeline) timeline = mill_mpd_timeline_new (1000);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    mill_mpd_timeline_append (timeline, rows[i].number, rows[i].time,
        rows[i].duration);
  compare (timeline, told, G_N_ELEMENTS (told));
}

/* A number that is missing needs a Period of its own; until it has left, there
 * is no MPD. */
static void
test_hole (void)
{
  g_autoptr (MillMpdTimeline) timeline = mill_mpd_timeline_new (0);

  mill_mpd_timeline_append (timeline, 1, 0, 100);
  g_assert_true (mill_mpd_timeline_is_consecutive (timeline));
  mill_mpd_timeline_append (timeline, 3, 100, 100);
  mill_mpd_timeline_append (timeline, 4, 200, 100);
  g_assert_false (mill_mpd_timeline_is_consecutive (timeline));
  mill_mpd_timeline_retire (timeline, 2);
  g_assert_true (mill_mpd_timeline_is_consecutive (timeline));
  g_assert_cmpuint (mill_mpd_timeline_get_first (timeline), ==, 3);
  g_assert_cmpuint (mill_mpd_timeline_get_length (timeline), ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/mpd/timeline/slides/1", GUINT_TO_POINTER (1),
      test_slides);
  g_test_add_data_func ("/mpd/timeline/slides/10", GUINT_TO_POINTER (10),
      test_slides);
  g_test_add_data_func ("/mpd/timeline/slides/4000", GUINT_TO_POINTER (4000),
      test_slides);
  g_test_add_func ("/mpd/timeline/overlaps", test_overlaps);
  g_test_add_func ("/mpd/timeline/hole", test_hole);
  return g_test_run ();
}
