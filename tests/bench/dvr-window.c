/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * What a segment costs a packager in a window of hours: a simulated clock, three
 * renditions, segments of two seconds. A user would notice if it grew: a stream
 * that can be rewound for half a day would slow down, and the packager with it.
 *
 *     dvr-window [HOURS [TOTAL]]
 *
 * A window of so many hours, until TOTAL have passed (three windows and two
 * hours). Prints CPU and memory for each hour. Exits with 1 when a segment of the
 * last hour costs more than BOUND_US, or memory still grows when as much has left
 * the window as is in it.
 */
#include "cmaf-publisher.h"
#include "store/store-directory.h"

#include <glib/gstdio.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define N_RENDITIONS 3
#define SEGMENT_S 2
#define PER_HOUR (3600 / SEGMENT_S)
/* What a segment costs in a window of twelve hours is what the system needs to
 * write five playlists of two megabytes each. */
#define BOUND_US (N_RENDITIONS * 1500)
/* Of memory: what buffers have in reserve, which grow by steps. */
#define SLACK_KB 128

static gint64 now_us;

static gint64
fake_clock (void)
{
  return now_us;
}

static void
on_done (MillCmafWrote what, guint rendition, guint64 number,
    const GError *error, gpointer user_data)
{
  g_assert_no_error (error);
}

static gint64
cpu_us (void)
{
  struct timespec time;
  clock_gettime (CLOCK_PROCESS_CPUTIME_ID, &time);
  return (gint64) time.tv_sec * G_USEC_PER_SEC + time.tv_nsec / 1000;
}

static gsize
resident_kb (void)
{
  g_autofree gchar *text = NULL;
  gsize pages = 0;
  if (g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    sscanf (text, "%*u %zu", &pages);
  return pages * (gsize) sysconf (_SC_PAGESIZE) / 1024;
}

/* What is held, to the byte: how many pages the allocator has them on differs by
 * 0.7 MB from one run to the next. */
static gsize
held_kb (void)
{
  struct mallinfo2 info = mallinfo2 ();
  return (info.uordblks + info.hblkhd) / 1024;
}

static void
add_renditions (MillCmafPublisher *publisher)
{
  static const MillCmafFormat formats[N_RENDITIONS] = {
    { .kind = MILL_CMAF_VIDEO,
        .timescale = 90000,
        .width = 1920,
        .height = 1080,
        .codec = (gchar *) "avc1.640028",
        .group = (gchar *) "audio" },
    { .kind = MILL_CMAF_VIDEO,
        .timescale = 90000,
        .width = 640,
        .height = 360,
        .codec = (gchar *) "avc1.64001E",
        .group = (gchar *) "audio" },
    { .kind = MILL_CMAF_AUDIO,
        .timescale = 48000,
        .sample_rate = 48000,
        .channels = 2,
        .codec = (gchar *) "mp4a.40.2",
        .group = (gchar *) "audio" },
  };
  static const gchar *const names[] = { "v1080", "v360", "a128" };
  for (guint i = 0; i < N_RENDITIONS; i++)
    mill_cmaf_publisher_add_rendition (publisher, names[i], NULL, names[i],
        &formats[i]);
}

/* Sound is not cut within a frame, so that its durations differ. */
static guint64
audio_tick (guint64 number)
{
  return (number * SEGMENT_S * 48000 + 1023) / 1024 * 1024;
}

static void
publish (MillCmafPublisher *publisher, guint64 number)
{
  MillCmafCut cut = {
    .number = number,
    .generation = 1,
    .start = (GstClockTimeDiff) (number * SEGMENT_S * GST_SECOND),
    .end = (GstClockTimeDiff) ((number + 1) * SEGMENT_S * GST_SECOND),
    .media_start = (GstClockTimeDiff) (number * SEGMENT_S * GST_SECOND),
    .wall_us = G_GINT64_CONSTANT (1764000000000000) +
        (gint64) number * SEGMENT_S * G_USEC_PER_SEC,
  };
  MillCmafSegment segments[N_RENDITIONS];
  for (guint i = 0; i < N_RENDITIONS; i++) {
    g_autoptr (GBytes) header = g_bytes_new_static ("header", 6);
    g_autoptr (GPtrArray) none = g_ptr_array_new ();
    MillCmafChunkWrite write = {
      .rendition = i,
      .cut = &cut,
      .init = number == 0 ? header : NULL,
      .header = header,
      .memories = none,
      .begins = TRUE,
      .ends = TRUE,
      .sync = TRUE,
      .duration = SEGMENT_S * GST_SECOND,
    };
    g_assert_true (mill_cmaf_publisher_write_chunk (publisher, &write, NULL));
    segments[i] = (MillCmafSegment){ (gint64) number * SEGMENT_S * 90000,
      SEGMENT_S * 90000, 6, 0, 0, 5 };
  }
  segments[2].time = (gint64) audio_tick (number);
  segments[2].duration = audio_tick (number + 1) - audio_tick (number);
  mill_cmaf_publisher_add (publisher, &cut, segments);
  mill_cmaf_publisher_write_manifests (publisher, TRUE);
  now_us += SEGMENT_S * G_USEC_PER_SEC;
}

static void
remove_tree (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *child = g_build_filename (path, name, NULL);
    if (g_file_test (child, G_FILE_TEST_IS_DIR))
      remove_tree (child);
    else
      g_unlink (child);
  }
  g_rmdir (path);
}

/* How long a successor needs to go on with what is there. */
static gint64
measure_restart (const gchar *dir, const MillCmafPublisherOptions *options)
{
  gint64 before = cpu_us ();
  g_autoptr (GError) error = NULL;
  g_autoptr (MillStore) store = mill_store_directory_new (dir, NULL);
  g_autoptr (MillCmafPublisher) publisher =
      mill_cmaf_publisher_open (store, options, on_done, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (mill_cmaf_publisher_is_continued (publisher));
  return cpu_us () - before;
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  setvbuf (stdout, NULL, _IOLBF, 0);
  guint hours = argc > 1 ? (guint) g_ascii_strtoull (argv[1], NULL, 10) : 12;
  /* What has left the window is kept for as long again, and one segment (RFC
   * 8216bis 6.2.2); memory is full by then. */
  guint total = argc > 2 ? (guint) g_ascii_strtoull (argv[2], NULL, 10)
                         : 3 * hours + 2;
  gchar dir[] = "/dev/shm/mill-dvr-XXXXXX";
  g_assert_nonnull (g_mkdtemp (dir));
  MillCmafPublisherOptions options = {
    .mode = MILL_CMAF_LIVE,
    .segment_duration = SEGMENT_S * GST_SECOND,
    .window_segments = 10,
    .dvr_window = hours * 3600 * GST_SECOND,
    .hls = TRUE,
    .dash = TRUE,
    .i_frames = TRUE,
    .dated = TRUE,
    .may_wait = TRUE,
    .clock = fake_clock,
  };
  g_autoptr (MillStore) store = mill_store_directory_new (dir, NULL);
  g_autoptr (MillCmafPublisher) publisher =
      mill_cmaf_publisher_open (store, &options, on_done, NULL, NULL);
  add_renditions (publisher);
  gint64 cost_us = 0;
  gsize full_kb = 0;
  guint64 number = 0;
  printf ("%5s %10s %14s %10s %10s\n", "hour", "segments", "CPU us/segment",
      "held KB", "RSS KB");
  for (guint hour = 1; hour <= total; hour++) {
    gint64 before = cpu_us ();
    for (guint i = 0; i < PER_HOUR; i++)
      publish (publisher, number++);
    cost_us = (cpu_us () - before) / PER_HOUR;
    gsize kb = held_kb ();
    if (hour == MIN (2 * hours + 1, total - 1))
      full_kb = kb;
    printf ("%5u %10u %14" G_GINT64_FORMAT " %10zu %10zu\n", hour,
        mill_cmaf_publisher_get_state (publisher)->cuts->len, cost_us, kb,
        resident_kb ());
  }
  gsize grown_kb = held_kb () > full_kb ? held_kb () - full_kb : 0;
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  printf ("restart: %.1f ms CPU; grown since the window is full: %zu KB\n",
      (gdouble) measure_restart (dir, &options) / 1000, grown_kb);
  remove_tree (dir);
  return cost_us <= BOUND_US && grown_kb <= SLACK_KB ? 0 : 1;
}
