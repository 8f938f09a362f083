/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: dates that are later than what they date, or media that
 * is not there when dates say so. */
#include "cmaf-wall.h"

#define MS ((GstClockTimeDiff) GST_MSECOND)
#define FRAME (40 * MS)

static const gint video = 0;
static const gint audio = 0;

/* Samples of @source from @start to @end, of which those before @ready are there
 * when they are asked for, and the others come when they were made;
 * stamps are @off later than that. */
static void
send (MillCmafWall *wall, gconstpointer source, GstClockTimeDiff start,
    GstClockTimeDiff end, GstClockTimeDiff ready, GstClockTimeDiff off)
{
  for (GstClockTimeDiff at = start; at < end; at += FRAME)
    mill_cmaf_wall_note (wall, source, MAX (at, ready), at + off);
}

static void
test_nothing (void)
{
  g_autoptr (MillCmafWall) wall = mill_cmaf_wall_new ();
  g_assert_false (mill_cmaf_wall_is_open (wall));
  send (wall, &video, 0, 1000 * MS, 0, 500 * MS);
  g_assert_cmpint (mill_cmaf_wall_get_offset (wall), ==, 0);
  mill_cmaf_wall_begin (wall, G_MININT64, G_MININT64);
  g_assert_true (mill_cmaf_wall_is_open (wall));
  g_assert_cmpint (mill_cmaf_wall_get_offset (wall), ==, 0);
}

/* What waited tells nothing, what came without waiting does. */
static void
test_waiting (void)
{
  g_autoptr (MillCmafWall) wall = mill_cmaf_wall_new ();
  mill_cmaf_wall_begin (wall, G_MININT64, G_MININT64);
  send (wall, &video, 0, 40 * MS, 1000 * MS, 1000 * MS);
  g_assert_cmpint (mill_cmaf_wall_get_offset (wall), ==, 0);
  send (wall, &video, 40 * MS, 3000 * MS, 1000 * MS, 1000 * MS);
  g_assert_cmpint (mill_cmaf_wall_get_offset (wall), ==, -1000000);
}

/* Late by an encoder, or by the network for a while: stamps are right. */
static void
test_late (void)
{
  g_autoptr (MillCmafWall) wall = mill_cmaf_wall_new ();
  mill_cmaf_wall_begin (wall, G_MININT64, G_MININT64);
  send (wall, &video, 0, 1000 * MS, 0, -300 * MS);
  g_assert_cmpint (mill_cmaf_wall_get_offset (wall), ==, 0);
  send (wall, &audio, 0, 1000 * MS, 400 * MS, 0);
  g_assert_cmpint (mill_cmaf_wall_get_offset (wall), ==, 0);
}

/* The rendition that is most behind counts, whichever comes first. */
static void
test_renditions (void)
{
  g_autoptr (MillCmafWall) wall = mill_cmaf_wall_new ();
  mill_cmaf_wall_begin (wall, G_MININT64, G_MININT64);
  send (wall, &audio, 0, 1000 * MS, 0, 900 * MS);
  g_assert_cmpint (mill_cmaf_wall_get_offset (wall), ==, -900000);
  send (wall, &video, 0, 1000 * MS, 0, 200 * MS);
  g_assert_cmpint (mill_cmaf_wall_get_offset (wall), ==, -200000);
}

/* Once told it stays, until the next take, which knows nothing of this one. */
static void
test_takes (void)
{
  g_autoptr (MillCmafWall) wall = mill_cmaf_wall_new ();
  mill_cmaf_wall_begin (wall, G_MININT64, G_MININT64);
  send (wall, &video, 0, 1000 * MS, 0, 200 * MS);
  mill_cmaf_wall_settle (wall);
  g_assert_false (mill_cmaf_wall_is_open (wall));
  send (wall, &video, 1000 * MS, 2000 * MS, 0, 700 * MS);
  g_assert_cmpint (mill_cmaf_wall_get_offset (wall), ==, -200000);
  /* A rendition that is behind is still in the take before. */
  mill_cmaf_wall_begin (wall, 9000 * MS, -1000 * MS);
  send (wall, &audio, 2000 * MS, 3000 * MS, 0, 200 * MS);
  g_assert_cmpint (mill_cmaf_wall_get_offset (wall), ==, 0);
  send (wall, &video, 9000 * MS, 9400 * MS, 0, 300 * MS);
  g_assert_cmpint (mill_cmaf_wall_get_offset (wall), ==, -300000);
  /* By no more than the source was away. */
  send (wall, &video, 9400 * MS, 9800 * MS, 0, 5000 * MS);
  g_assert_cmpint (mill_cmaf_wall_get_offset (wall), ==, -1000000);
}

/* Steady is what came for so long without being any earlier. */
static void
test_steady (void)
{
  g_autoptr (MillCmafWall) wall = mill_cmaf_wall_new ();
  mill_cmaf_wall_begin (wall, G_MININT64, G_MININT64);
  send (wall, &video, 0, 2000 * MS, 2000 * MS, 2000 * MS);
  g_assert_false (mill_cmaf_wall_is_steady (wall, 500 * GST_MSECOND));
  send (wall, &video, 2000 * MS, 2480 * MS, 0, 2000 * MS);
  g_assert_false (mill_cmaf_wall_is_steady (wall, 500 * GST_MSECOND));
  send (wall, &video, 2480 * MS, 2600 * MS, 0, 2000 * MS);
  g_assert_true (mill_cmaf_wall_is_steady (wall, 500 * GST_MSECOND));
  /* Jitter does not count, another rendition does. */
  send (wall, &video, 2600 * MS, 2700 * MS, 0, 2015 * MS);
  g_assert_true (mill_cmaf_wall_is_steady (wall, 500 * GST_MSECOND));
  send (wall, &audio, 2600 * MS, 2700 * MS, 0, 2000 * MS);
  g_assert_false (mill_cmaf_wall_is_steady (wall, 500 * GST_MSECOND));
  /* A little at a time adds up: who sends 5 % too fast is not done. */
  mill_cmaf_wall_begin (wall, G_MININT64, G_MININT64);
  for (guint i = 0; i < 100; i++)
    mill_cmaf_wall_note (wall, &video, i * FRAME, i * FRAME + i * 2 * MS);
  g_assert_false (mill_cmaf_wall_is_steady (wall, 500 * GST_MSECOND));
}

gint
main (gint argc, gchar **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmaf-wall/nothing", test_nothing);
  g_test_add_func ("/cmaf-wall/waiting", test_waiting);
  g_test_add_func ("/cmaf-wall/late", test_late);
  g_test_add_func ("/cmaf-wall/renditions", test_renditions);
  g_test_add_func ("/cmaf-wall/takes", test_takes);
  g_test_add_func ("/cmaf-wall/steady", test_steady);
  return g_test_run ();
}
