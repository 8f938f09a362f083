/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Users notice a broken one by a live stream that stops, or that is full of
 * holes, because its own history has filled the disk; or by players that rewind
 * into segments that are listed and gone. */

#include <sched.h>
#include <sys/mount.h>

#include "cmafsink-test.h"

/* Every listed segment that is no gap is there. Returns: how many are listed */
static guint
check_listed (Fixture *f, const gchar *rendition)
{
  g_autofree gchar *name = g_strdup_printf ("%s/playlist.m3u8", rendition);
  g_autofree gchar *text = read_text (f, name);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  gboolean is_gap = FALSE;
  guint n = 0;
  for (guint i = 0; lines[i] != NULL; i++) {
    is_gap |= g_str_equal (lines[i], "#EXT-X-GAP");
    if (lines[i][0] == '#' || lines[i][0] == '\0')
      continue;
    g_autofree gchar *path = g_strdup_printf ("%s/%s", rendition, lines[i]);
    if (!is_gap && !exists (f, path))
      g_error ("%s is listed and not there", path);
    is_gap = FALSE;
    n++;
  }
  return n;
}

static guint64
measure_segments (Fixture *f, const gchar *rendition)
{
  g_autofree gchar *path = path_of (f, rendition);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;
  guint64 sum = 0;
  while ((name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *file = g_build_filename (path, name, NULL);
    GStatBuf status;
    if (g_str_has_suffix (name, ".m4s") && g_stat (file, &status) == 0)
      sum += (guint64) status.st_size;
  }
  return sum;
}

static guint64
get_shrunk (Fixture *f)
{
  g_autoptr (GstStructure) stats = NULL;
  guint64 n = 0;
  g_object_get (f->sink, "stats", &stats, NULL);
  g_assert_true (gst_structure_get_uint64 (stats, "window-shrunk", &n));
  return n;
}

static guint
count_warnings (Fixture *f, gchar **ret_first)
{
  guint n = 0;
  for (;;) {
    g_autoptr (GstMessage) message =
        gst_bus_pop_filtered (f->bus, GST_MESSAGE_WARNING | GST_MESSAGE_ERROR);
    g_autoptr (GError) error = NULL;
    if (message == NULL)
      return n;
    g_assert_cmpint (GST_MESSAGE_TYPE (message), ==, GST_MESSAGE_WARNING);
    gst_message_parse_warning (message, &error, NULL);
    if (n++ == 0 && ret_first != NULL)
      *ret_first = g_strdup (error->message);
  }
}

/* GOPs of 54 kB @from up to @to, with a look at what is listed after each. */
static void
push_gops (Fixture *f, guint from, guint to)
{
  for (guint i = from; i < to; i++) {
    push_both (f, 0, i * 50, i * 50 + 50, 50);
    if (i > 0) {
      check_listed (f, "v576");
      check_listed (f, "a112");
    }
  }
}

static void
test_max_bytes (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "window-segments", 100, "max-bytes",
      (guint64) 500000, NULL);
  fixture_add_both (&f);
  push_gops (&f, 0, 40);
  g_assert_cmpuint (measure_segments (&f, "v576") +
          measure_segments (&f, "a112"),
      <=, 560000);
  g_assert_cmpuint (check_listed (&f, "v576"), >=, 7);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-GAP"), ==, 0);
  g_assert_cmpuint (get_shrunk (&f), >=, 25);
  g_autofree gchar *warning = NULL;
  g_assert_cmpuint (count_warnings (&f, &warning), ==, 1);
  g_assert_nonnull (strstr (warning, "max-bytes"));
  g_assert_nonnull (strstr (warning, f.dir));
  fixture_clear (&f);
}

/* What a live playlist must hold stays, whatever the bound. */
static void
test_least (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "window-segments", 20, "max-bytes",
      (guint64) 1000, NULL);
  fixture_add_both (&f);
  push_gops (&f, 0, 12);
  g_assert_cmpuint (check_listed (&f, "v576"), ==, 3);
  fixture_clear (&f);
}

static void
test_enough (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "window-segments", 10, "max-bytes",
      (guint64) 5000000, NULL);
  fixture_add_both (&f);
  push_gops (&f, 0, 20);
  g_assert_cmpuint (check_listed (&f, "v576"), ==, 10);
  g_assert_cmpuint (get_shrunk (&f), ==, 0);
  g_assert_cmpuint (count_warnings (&f, NULL), ==, 0);
  fixture_clear (&f);
}

static void
write_ballast (Fixture *f)
{
  g_autofree gchar *path = path_of (f, ".ballast");
  g_autofree gchar *block = g_malloc0 (4096);
  FILE *file = g_fopen (path, "w");
  g_assert_nonnull (file);
  while (fwrite (block, 1, 4096, file) == 4096 && fflush (file) == 0)
    ;
  fclose (file);
}

static void
test_full_disk (void)
{
  Fixture f;
  g_autofree gchar *dir = make_dir ();
  if (unshare (CLONE_NEWNS) < 0 ||
      mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
      mount ("tmpfs", dir, "tmpfs", 0, "size=2m") < 0) {
    g_rmdir (dir);
    g_test_skip ("no right to mount");
    return;
  }
  fixture_init (&f, g_strdup (dir), "window-segments", 1000, NULL);
  fixture_add_both (&f);
  /* 3 MB on a disk of 2: the history becomes shorter, and nothing else. */
  push_gops (&f, 0, 60);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-GAP"), ==, 0);
  g_assert_cmpuint (get_shrunk (&f), >, 10);
  g_autofree gchar *warning = NULL;
  g_assert_cmpuint (count_warnings (&f, &warning), ==, 1);
  g_assert_nonnull (strstr (warning, "dropped early"));
  guint before = check_listed (&f, "v576");
  g_assert_cmpuint (before, >, 15);
  /* Somebody takes all that is left: a hole, and it goes on. */
  write_ballast (&f);
  push_gops (&f, 60, 75);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-GAP"), <=, 4);
  guint during = check_listed (&f, "v576");
  g_assert_cmpuint (during, <, before);
  g_assert_true (contains (&f, "v576/playlist.m3u8", "1-73.m4s"));
  g_assert_true (exists (&f, "v576/1-73.m4s"));
  /* And gives it back. */
  g_autofree gchar *ballast = path_of (&f, ".ballast");
  g_assert_cmpint (g_unlink (ballast), ==, 0);
  push_gops (&f, 75, 90);
  g_assert_cmpuint (check_listed (&f, "v576"), >, during);
  g_assert_cmpuint (count_warnings (&f, NULL), <=, 1);
  push_eos (&f);
  wait_eos (&f);
  fixture_stop (&f);
  g_assert_cmpint (umount (dir), ==, 0);
  g_rmdir (dir);
  g_free (f.dir);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink/room/max-bytes", test_max_bytes);
  g_test_add_func ("/cmafsink/room/least", test_least);
  g_test_add_func ("/cmafsink/room/enough", test_enough);
  g_test_add_func ("/cmafsink/room/full-disk", test_full_disk);
  return g_test_run ();
}
