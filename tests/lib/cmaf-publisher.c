/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a player a few seconds behind that gets 404, or a disk
 * that fills up with segments nobody can ask for. */
#include "cmaf-publisher.h"

#include <glib/gstdio.h>
#include <string.h>

#include "store/store-directory.h"

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

static MillCmafPublisher *
open_publisher (const gchar *dir, MillCmafMode mode)
{
  MillCmafPublisherOptions options = {
    .mode = mode,
    .segment_duration = 2 * GST_SECOND,
    .window_segments = 3,
    .hls = TRUE,
    .dash = TRUE,
    .may_wait = TRUE, /* written when a call returns */
    .clock = fake_clock,
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (MillStore) store = mill_store_directory_new (dir, &error);
  g_assert_no_error (error);
  MillCmafPublisher *publisher =
      mill_cmaf_publisher_open (store, &options, on_done, NULL, &error);
  g_assert_no_error (error);
  return publisher;
}

static guint
add_video (MillCmafPublisher *publisher)
{
  MillCmafFormat format = {
    .kind = MILL_CMAF_VIDEO,
    .timescale = 1000,
    .width = 640,
    .height = 360,
    .codec = (gchar *) "avc1.64001E",
    .group = (gchar *) "audio",
  };
  return (guint) mill_cmaf_publisher_add_rendition (publisher, "video_0", NULL,
      "v360", &format);
}

static void
publish (MillCmafPublisher *publisher, guint rendition, guint64 number)
{
  const MillCmafState *state = mill_cmaf_publisher_get_state (publisher);
  MillCmafCut cut = {
    .number = number,
    .generation = state->generation,
    .start = (GstClockTimeDiff) (number * 2 * GST_SECOND),
    .end = (GstClockTimeDiff) ((number + 1) * 2 * GST_SECOND),
    .media_start = (GstClockTimeDiff) (number * 2 * GST_SECOND),
  };
  g_autoptr (GBytes) header = g_bytes_new_static ("header", 6);
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  MillCmafChunkWrite write = {
    .rendition = rendition,
    .cut = &cut,
    .init = header,
    .header = header,
    .memories = none,
    .begins = TRUE,
    .ends = TRUE,
    .duration = 2 * GST_SECOND,
  };
  g_autoptr (GError) error = NULL;
  g_assert_true (mill_cmaf_publisher_write_chunk (publisher, &write, &error));
  MillCmafSegment segments[MILL_CMAF_RENDITIONS_MAX];
  for (guint i = 0; i < state->renditions->len; i++)
    segments[i] =
        (MillCmafSegment){ (gint64) number * 2000, 2000, 6, 0, 0, 0, 0 };
  mill_cmaf_publisher_add (publisher, &cut, segments);
  mill_cmaf_publisher_write_manifests (publisher, TRUE);
}

static gboolean
exists (const gchar *dir, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (dir, name, NULL);
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
remove_all (const gchar *dir)
{
  g_autoptr (GDir) handle = g_dir_open (dir, 0, NULL);
  const gchar *name;
  while ((name = g_dir_read_name (handle)) != NULL) {
    g_autofree gchar *path = g_build_filename (dir, name, NULL);
    if (g_file_test (path, G_FILE_TEST_IS_DIR))
      remove_all (path);
    else
      g_unlink (path);
  }
  g_rmdir (dir);
}

/* RFC 8216bis 6.2.2: a segment stays for its duration and that of the longest
 * playlist that held it: here 2 + 8 s, counted from its removal. */
static void
test_late_removal (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("mill-publisher-XXXXXX", NULL);
  now_us = 0;
  g_autoptr (MillCmafPublisher) publisher =
      open_publisher (dir, MILL_CMAF_LIVE);
  guint video = add_video (publisher);
  for (guint64 n = 0; n < 4; n++, now_us += 2000000)
    publish (publisher, video, n);
  /* Segment 0 left the playlist at 6 s. */
  g_assert_cmpuint (mill_cmaf_publisher_get_state (publisher)->cuts->len, ==,
      3);
  g_assert_true (exists (dir, "v360/1-0.m4s"));
  now_us = 15999999;
  publish (publisher, video, 4);
  g_assert_true (exists (dir, "v360/1-0.m4s"));
  now_us = 16000000;
  publish (publisher, video, 5);
  g_assert_false (exists (dir, "v360/1-0.m4s"));
  g_assert_true (exists (dir, "v360/1-1.m4s"));
  g_assert_true (exists (dir, "v360/init-1.mp4"));
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  remove_all (dir);
}

/* What a crashed predecessor left goes late too; nothing else is touched. */
static void
test_leftovers (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("mill-publisher-XXXXXX", NULL);
  now_us = 0;
  g_autoptr (MillCmafPublisher) publisher =
      open_publisher (dir, MILL_CMAF_LIVE);
  publish (publisher, add_video (publisher), 0);
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  static const gchar *const files[] = { "v360/1-1.m4s", "v360/notes.txt" };
  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree gchar *path = g_build_filename (dir, files[i], NULL);
    g_assert_true (g_file_set_contents (path, "half", 4, NULL));
  }
  publisher = open_publisher (dir, MILL_CMAF_LIVE);
  g_assert_true (mill_cmaf_publisher_is_continued (publisher));
  guint video = add_video (publisher);
  publish (publisher, video, 1);
  g_assert_true (exists (dir, "v360/1-1.m4s"));
  now_us = 6000000;
  publish (publisher, video, 2);
  g_assert_false (exists (dir, "v360/1-1.m4s"));
  g_assert_true (exists (dir, "v360/1-0.m4s"));
  g_assert_true (exists (dir, "v360/2-1.m4s"));
  g_assert_true (exists (dir, "v360/notes.txt"));
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  remove_all (dir);
}

/* What left the playlist just before a crash is asked for as long as without one,
 * here for 2 + 8 s; and what the crash left in it is in it until there is another. */
static void
test_removal_over_crash (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("mill-publisher-XXXXXX", NULL);
  now_us = 0;
  g_autoptr (MillCmafPublisher) publisher =
      open_publisher (dir, MILL_CMAF_LIVE);
  guint video = add_video (publisher);
  for (guint64 n = 0; n < 4; n++)
    publish (publisher, video, n);
  /* Segment 0 has left, at 0 s. */
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  publisher = open_publisher (dir, MILL_CMAF_LIVE);
  video = add_video (publisher);
  now_us = 30000000;
  publish (publisher, video, 4);
  now_us = 39999999;
  publish (publisher, video, 5);
  g_assert_true (exists (dir, "v360/1-0.m4s"));
  g_assert_true (exists (dir, "v360/1-1.m4s"));
  now_us = 40000000;
  publish (publisher, video, 6);
  g_assert_false (exists (dir, "v360/1-0.m4s"));
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  remove_all (dir);
}

static guint
count_entries (const gchar *dir)
{
  g_autoptr (GDir) handle = g_dir_open (dir, 0, NULL);
  guint n = 0;
  while (g_dir_read_name (handle) != NULL)
    n++;
  return n;
}

/* A run that fails before it has media leaves an empty directory empty; what
 * somebody has played is never forgotten, or its URIs would be used again. */
static void
test_no_media (void)
{
  static const MillCmafMode modes[] = { MILL_CMAF_LIVE, MILL_CMAF_VOD };
  for (guint i = 0; i < G_N_ELEMENTS (modes); i++) {
    g_autofree gchar *dir = g_dir_make_tmp ("mill-publisher-XXXXXX", NULL);
    g_autoptr (MillCmafPublisher) publisher = open_publisher (dir, modes[i]);
    g_assert_true (exists (dir, ".state"));
    g_clear_pointer (&publisher, mill_cmaf_publisher_free);
    g_assert_cmpuint (count_entries (dir), ==, 0);
    publisher = open_publisher (dir, modes[i]);
    publish (publisher, add_video (publisher), 0);
    g_clear_pointer (&publisher, mill_cmaf_publisher_free);
    publisher = open_publisher (dir, modes[i]);
    g_clear_pointer (&publisher, mill_cmaf_publisher_free);
    g_assert_true (exists (dir, ".state"));
    publisher = open_publisher (dir, modes[i]);
    g_assert_cmpuint (mill_cmaf_publisher_get_state (publisher)->generation, ==,
        3);
    g_clear_pointer (&publisher, mill_cmaf_publisher_free);
    remove_all (dir);
  }
}

static void
write_media (MillCmafPublisher *publisher, guint rendition)
{
  const MillCmafState *state = mill_cmaf_publisher_get_state (publisher);
  MillCmafCut cut = { .generation = state->generation, .end = GST_SECOND };
  g_autoptr (GBytes) header = g_bytes_new_static ("header", 6);
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  MillCmafChunkWrite write = {
    .rendition = rendition,
    .cut = &cut,
    .init = header,
    .header = header,
    .memories = none,
    .begins = TRUE,
    .duration = GST_SECOND,
  };
  g_assert_true (mill_cmaf_publisher_write_chunk (publisher, &write, NULL));
}

/* A film that fails before its end has no playlist: its media would only fill the
 * disk. What an older run has listed, and what is of others, stays. */
static void
test_failed_file (void)
{
  g_autofree gchar *top = g_dir_make_tmp ("mill-publisher-XXXXXX", NULL);
  g_autofree gchar *dir = g_build_filename (top, "film", NULL);
  g_autoptr (MillCmafPublisher) publisher = open_publisher (dir, MILL_CMAF_VOD);
  write_media (publisher, add_video (publisher));
  g_assert_true (exists (dir, "v360/1-0.m4s"));
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  g_assert_false (g_file_test (dir, G_FILE_TEST_EXISTS));

  publisher = open_publisher (dir, MILL_CMAF_VOD);
  publish (publisher, add_video (publisher), 0);
  mill_cmaf_publisher_end (publisher);
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  g_autofree gchar *note = g_build_filename (dir, "v360", "notes.txt", NULL);
  g_assert_true (g_file_set_contents (note, "mine", 4, NULL));
  publisher = open_publisher (dir, MILL_CMAF_VOD);
  write_media (publisher, add_video (publisher));
  g_assert_true (exists (dir, "v360/2-0.m4s"));
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  g_assert_false (exists (dir, "v360/2-0.m4s"));
  g_assert_false (exists (dir, "v360/init-2.mp4"));
  g_assert_true (exists (dir, "v360/1-0.m4s"));
  g_assert_true (exists (dir, "v360/init-1.mp4"));
  g_assert_true (exists (dir, "v360/playlist.m3u8"));
  g_assert_true (exists (dir, "v360/notes.txt"));
  g_assert_true (exists (dir, ".state"));
  remove_all (top);
}

/* A generation's header goes with the last of its segments. */
static void
test_old_generation (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("mill-publisher-XXXXXX", NULL);
  now_us = 0;
  g_autoptr (MillCmafPublisher) publisher =
      open_publisher (dir, MILL_CMAF_LIVE);
  publish (publisher, add_video (publisher), 0);
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  publisher = open_publisher (dir, MILL_CMAF_LIVE);
  guint video = add_video (publisher);
  for (guint64 n = 1; n < 5; n++)
    publish (publisher, video, n);
  g_assert_true (exists (dir, "v360/init-1.mp4"));
  now_us = 60000000;
  publish (publisher, video, 5);
  g_assert_false (exists (dir, "v360/init-1.mp4"));
  g_assert_false (exists (dir, "v360/1-0.m4s"));
  g_assert_true (exists (dir, "v360/init-2.mp4"));
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  remove_all (dir);
}

/* ---- what is kept from segment to segment ---- */

static void
add_sound (MillCmafPublisher *publisher)
{
  MillCmafFormat format = {
    .kind = MILL_CMAF_AUDIO,
    .timescale = 48000,
    .sample_rate = 48000,
    .channels = 2,
    .codec = (gchar *) "mp4a.40.2",
    .group = (gchar *) "audio",
  };
  mill_cmaf_publisher_add_rendition (publisher, "audio_0", NULL, "a128",
      &format);
}

/* Sound is cut at frames, is away at times; the stream breaks at others. */
static void
publish_row (MillCmafPublisher *publisher, guint64 n)
{
  guint64 from = (n * 96000 + 1023) / 1024 * 1024;
  guint64 to = ((n + 1) * 96000 + 1023) / 1024 * 1024;
  MillCmafCut cut = {
    .number = n,
    .generation = 1,
    .start = (GstClockTimeDiff) (n * 2 * GST_SECOND),
    .end = (GstClockTimeDiff) ((n + 1) * 2 * GST_SECOND),
    .media_start = (GstClockTimeDiff) (n * 2 * GST_SECOND),
    .wall_us = G_GINT64_CONSTANT (1764000000000000) + (gint64) n * 2000000,
    .flags = (n % 97 == 96 ? MILL_CMAF_CUT_DISCONTINUITY : 0) |
        (n % 31 == 30 ? MILL_CMAF_CUT_DEPENDENT : 0),
  };
  MillCmafSegment segments[] = {
    { (gint64) n * 2000, 2000, 1000 + n % 7, 0 },
    { (gint64) from, to - from, 100, 0 },
  };
  if (n % 113 < 3)
    segments[1] =
        (MillCmafSegment){ (gint64) from, 96000, 0, MILL_CMAF_SEGMENT_GAP };
  mill_cmaf_publisher_add (publisher, &cut, segments);
}

static gchar *
read_without_date (const gchar *dir, const gchar *name)
{
  g_autofree gchar *path = g_build_filename (dir, name, NULL);
  g_autofree gchar *text = NULL;
  g_autoptr (GRegex) date = g_regex_new ("publishTime=\"[^\"]*\"", 0, 0, NULL);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return g_regex_replace_literal (date, text, -1, 0, "", 0, NULL);
}

/* The MPD that was written is the one that a packager without a memory would
 * write: were it another, players would ask for what is not there after hours
 * of live. Its window has breaks and gaps on both ends, and in the midst. */
static void
test_kept (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("mill-publisher-XXXXXX", NULL);
  g_autofree gchar *again = g_dir_make_tmp ("mill-publisher-XXXXXX", NULL);
  now_us = 0;
  MillCmafPublisherOptions options = {
    .mode = MILL_CMAF_LIVE,
    .segment_duration = 2 * GST_SECOND,
    .window_segments = 300,
    .hls = TRUE,
    .dash = TRUE,
    .may_wait = TRUE,
    .dated = TRUE,
    .clock = fake_clock,
  };
  g_autoptr (MillStore) store = mill_store_directory_new (dir, NULL);
  g_autoptr (MillCmafPublisher) publisher =
      mill_cmaf_publisher_open (store, &options, on_done, NULL, NULL);
  add_video (publisher);
  add_sound (publisher);
  for (guint64 n = 0; n < 1000; n++, now_us += 2000000) {
    publish_row (publisher, n);
    if (n % 37 != 36)
      continue;
    mill_cmaf_publisher_write_manifests (publisher, TRUE);
    g_autofree gchar *kept = read_without_date (dir, "manifest.mpd");
    MillCmafBitrate bitrates[] = {
      mill_cmaf_publisher_get_bitrate (publisher, 0),
      mill_cmaf_publisher_get_bitrate (publisher, 1),
    };
    MillCmafManifest manifest = {
      .state = mill_cmaf_publisher_get_state (publisher),
      .bitrates = bitrates,
      .segment_duration = 2 * GST_SECOND,
      .dated = TRUE,
    };
    g_autoptr (GBytes) mpd = mill_cmaf_manifest_mpd_print (&manifest, NULL);
    g_autofree gchar *path = g_build_filename (again, "manifest.mpd", NULL);
    g_assert_true (g_file_set_contents (path, g_bytes_get_data (mpd, NULL),
        (gssize) g_bytes_get_size (mpd), NULL));
    g_autofree gchar *whole = read_without_date (again, "manifest.mpd");
    g_assert_cmpstr (kept, ==, whole);
  }
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  remove_all (dir);
  remove_all (again);
}

/* ---- what a successor could not read is not published ---- */

static MillCmafPublisher *
open_long (const gchar *dir, MillCmafMode mode, guint64 segments,
    GError **error)
{
  MillCmafPublisherOptions options = {
    .mode = mode,
    .segment_duration = GST_SECOND,
    .dvr_window = segments * GST_SECOND,
    .hls = TRUE,
    .may_wait = TRUE,
    .clock = fake_clock,
  };
  g_autoptr (MillStore) store = mill_store_directory_new (dir, NULL);
  return mill_cmaf_publisher_open (store, &options, on_done, NULL, error);
}

static void
test_window_max (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("mill-publisher-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (MillCmafPublisher) publisher =
      open_long (dir, MILL_CMAF_LIVE, MILL_CMAF_SEGMENTS_MAX + 1, &error);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  g_assert_cmpstr (error->message, ==,
      "dvr-window-ms: got 100001000, which is 100001 segments of "
      "segment-duration-ms 1000, expected at most 100000 segments");
  g_assert_cmpuint (count_entries (dir), ==, 0);
  remove_all (dir);
}

static void
add_short (MillCmafPublisher *publisher, guint64 n)
{
  MillCmafCut cut = {
    .number = n,
    .generation = 1,
    .start = (GstClockTimeDiff) (n * GST_SECOND / 2),
    .end = (GstClockTimeDiff) ((n + 1) * GST_SECOND / 2),
    .media_start = (GstClockTimeDiff) (n * GST_SECOND / 2),
  };
  MillCmafSegment segment = { (gint64) n * 500, 500, 6, 0 };
  mill_cmaf_publisher_add (publisher, &cut, &segment);
}

/* Segments may be shorter than what was wished, and so more than reckoned: a
 * window keeps as many as can be read, an event ends with an error. */
static void
test_segments_max (gconstpointer data)
{
  MillCmafMode mode = (MillCmafMode) GPOINTER_TO_INT (data);
  g_autofree gchar *dir = g_dir_make_tmp ("mill-publisher-XXXXXX", NULL);
  g_autoptr (MillCmafPublisher) publisher =
      open_long (dir, mode, MILL_CMAF_SEGMENTS_MAX, NULL);
  g_autoptr (GError) refused = NULL;
  guint64 n = 0;
  add_video (publisher);
  for (; refused == NULL && n < MILL_CMAF_SEGMENTS_MAX + 5; n++) {
    add_short (publisher, n);
    refused = mill_cmaf_publisher_refuse_segment (publisher);
  }
  if (mode == MILL_CMAF_EVENT) {
    g_assert_error (refused, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
    g_assert_nonnull (strstr (refused->message,
        "at most 100000 in mode event"));
  } else {
    g_assert_no_error (refused);
  }
  mill_cmaf_publisher_write_manifests (publisher, TRUE);
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  publisher = open_long (dir, mode, MILL_CMAF_SEGMENTS_MAX, NULL);
  g_assert_null (mill_cmaf_publisher_get_warning (publisher));
  g_assert_true (mill_cmaf_publisher_is_continued (publisher));
  g_assert_cmpuint (mill_cmaf_publisher_get_state (publisher)->cuts->len, ==,
      MILL_CMAF_SEGMENTS_MAX);
  g_assert_cmpuint (mill_cmaf_publisher_get_state (publisher)->next_number, ==,
      n);
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  remove_all (dir);
}

/* Rendition @missing has nothing in segment @n. */
static void
publish_gap (MillCmafPublisher *publisher, guint64 n, guint missing)
{
  MillCmafCut cut = {
    .number = n,
    .generation = 1,
    .start = (GstClockTimeDiff) (n * 2 * GST_SECOND),
    .end = (GstClockTimeDiff) ((n + 1) * 2 * GST_SECOND),
    .media_start = (GstClockTimeDiff) (n * 2 * GST_SECOND),
  };
  MillCmafSegment segments[] = {
    { (gint64) n * 2000, 2000, 6, 0 },
    { (gint64) n * 96000, 96000, 6, 0 },
  };
  segments[missing].flags = MILL_CMAF_SEGMENT_GAP;
  segments[missing].bytes = 0;
  mill_cmaf_publisher_add (publisher, &cut, segments);
  mill_cmaf_publisher_write_manifests (publisher, TRUE);
}

static void
test_renditions_max (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("mill-publisher-XXXXXX", NULL);
  g_autoptr (MillCmafPublisher) publisher =
      open_publisher (dir, MILL_CMAF_LIVE);
  MillCmafFormat format = {
    .kind = MILL_CMAF_VIDEO,
    .timescale = 1000,
    .codec = (gchar *) "avc1.64001E",
    .group = (gchar *) "audio",
  };
  for (guint i = 0; i <= MILL_CMAF_RENDITIONS_MAX; i++) {
    g_autofree gchar *pad = g_strdup_printf ("video_%u", i);
    gint got =
        mill_cmaf_publisher_add_rendition (publisher, pad, NULL, "v", &format);
    g_assert_cmpint (got, ==, i < MILL_CMAF_RENDITIONS_MAX ? (gint) i : -1);
  }
  g_autoptr (GError) error = mill_cmaf_publisher_refuse_rendition (publisher);
  g_assert_nonnull (strstr (error->message, "expected at most 64"));
  publish (publisher, 0, 0);
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  publisher = open_publisher (dir, MILL_CMAF_LIVE);
  g_assert_null (mill_cmaf_publisher_get_warning (publisher));
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  remove_all (dir);
}

/* Pads that come and go with names of their own would be too many one day. */
static void
test_absent (void)
{
  g_autofree gchar *dir = g_dir_make_tmp ("mill-publisher-XXXXXX", NULL);
  g_autoptr (MillCmafPublisher) publisher =
      open_publisher (dir, MILL_CMAF_LIVE);
  guint video = add_video (publisher);
  add_sound (publisher);
  for (guint64 n = 0; n < 5; n++)
    publish_gap (publisher, n, 1);
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  publisher = open_publisher (dir, MILL_CMAF_LIVE);
  const MillCmafState *state = mill_cmaf_publisher_get_state (publisher);
  g_assert_cmpuint (state->renditions->len, ==, 1);
  g_assert_cmpuint (add_video (publisher), ==, video);
  g_assert_true (mill_cmaf_publisher_is_continued (publisher));
  g_clear_pointer (&publisher, mill_cmaf_publisher_free);
  remove_all (dir);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmaf/publisher/late-removal", test_late_removal);
  g_test_add_func ("/cmaf/publisher/leftovers", test_leftovers);
  g_test_add_func ("/cmaf/publisher/removal-over-crash",
      test_removal_over_crash);
  g_test_add_func ("/cmaf/publisher/no-media", test_no_media);
  g_test_add_func ("/cmaf/publisher/failed-file", test_failed_file);
  g_test_add_func ("/cmaf/publisher/old-generation", test_old_generation);
  g_test_add_func ("/cmaf/publisher/kept", test_kept);
  g_test_add_func ("/cmaf/publisher/window-max", test_window_max);
  g_test_add_data_func ("/cmaf/publisher/segments-max/live",
      GINT_TO_POINTER (MILL_CMAF_LIVE), test_segments_max);
  g_test_add_data_func ("/cmaf/publisher/segments-max/event",
      GINT_TO_POINTER (MILL_CMAF_EVENT), test_segments_max);
  g_test_add_func ("/cmaf/publisher/renditions-max", test_renditions_max);
  g_test_add_func ("/cmaf/publisher/absent", test_absent);
  return g_test_run ();
}
