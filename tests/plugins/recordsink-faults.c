/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* recordsink: the files that recordings leave which do not come to their end. */

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "recordsink-test.h"

/* Not a test by itself: records until it is killed. */
static gint
record_forever (const gchar *path)
{
  g_autofree gchar *launch =
      g_strdup_printf (VIDEO (100000) "recordsink name=s location=%s", path);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_main_loop_run (g_main_loop_new (NULL, FALSE));
  return 0;
}

static gchar *program;

static void
test_killed (void)
{
  gchar *dir = make_dir ();
  g_autofree gchar *path = g_build_filename (dir, "a.mp4", NULL);
  g_autofree gchar *part = g_strconcat (path, ".part", NULL);
  gchar *args[] = { program, (gchar *) "--record", path, NULL };
  GPid pid;
  g_assert_true (g_spawn_async (NULL, args, NULL, G_SPAWN_DO_NOT_REAP_CHILD,
      NULL, NULL, &pid, NULL));
  gint64 deadline = g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND;
  GStatBuf about = { 0 };
  while (g_stat (part, &about) != 0 || about.st_size < 200000) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_usleep (10000);
  }
  kill (pid, SIGKILL);
  waitpid (pid, NULL, 0);
  g_autoptr (GArray) times = read_times (dir, "a.mp4.part", "qtdemux");
  g_assert_cmpuint (times->len, >=, 25);
  guint warnings;
  g_autoptr (GstMessage) message =
      run (VIDEO (30) "recordsink name=s", dir, "a.mp4", &warnings);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  g_assert_cmpuint (warnings, ==, 1);
  g_assert_true (is_there (dir, "a.mp4.part") && is_there (dir, "a-1.mp4"));
  clear_dir (dir);
}

static void
test_full (void)
{
  gchar *dir = make_dir ();
  struct rlimit before;
  getrlimit (RLIMIT_FSIZE, &before);
  struct rlimit small = { 150000, before.rlim_max };
  signal (SIGXFSZ, SIG_IGN);
  setrlimit (RLIMIT_FSIZE, &small);
  guint warnings;
  g_autoptr (GstMessage) message =
      run (VIDEO (1000) "recordsink name=s", dir, "a.mp4", &warnings);
  setrlimit (RLIMIT_FSIZE, &before);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "error");
  g_autoptr (GError) error = NULL;
  gst_message_parse_error (message, &error, NULL);
  g_assert_nonnull (strstr (error->message, "a.mp4.part"));
  g_assert_false (is_there (dir, "a.mp4"));
  g_autoptr (GArray) times = read_times (dir, "a.mp4.part", "qtdemux");
  g_assert_cmpuint (times->len, >=, 25);
  clear_dir (dir);
}

/* A disk that is full is a warning, which names the file, and frames go on to
 * be taken; with room again there is a new file 10 s later. */
static void
test_continues (void)
{
  gchar *dir = make_dir ();
  struct rlimit before;
  getrlimit (RLIMIT_FSIZE, &before);
  struct rlimit small = { 150000, before.rlim_max };
  signal (SIGXFSZ, SIG_IGN);
  setrlimit (RLIMIT_FSIZE, &small);
  guint warnings;
  g_autoptr (GstMessage) message =
      run (VIDEO (1000) "recordsink name=s on-error=continue", dir, "a{n}.mp4",
          &warnings);
  setrlimit (RLIMIT_FSIZE, &before);
  g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  g_autoptr (GPtrArray) names = list (dir, ".part");
  /* 40 s: one file at once, and one after each 10 s at the most. */
  g_assert_cmpuint (names->len, >=, 2);
  g_assert_cmpuint (names->len, <=, 4);
  g_assert_cmpuint (warnings, >=, names->len - 1);
  for (guint i = 0; i < names->len; i++) {
    g_autoptr (GArray) times =
        read_times (dir, g_ptr_array_index (names, i), "qtdemux");
    g_assert_cmpuint (times->len, >=, 25);
  }
  clear_dir (dir);
}

gint
main (gint argc, gchar **argv)
{
  g_autofree gchar *self = g_file_read_link ("/proc/self/exe", NULL);
  program = self;
  gst_init (&argc, &argv);
  if (argc == 3 && g_str_equal (argv[1], "--record"))
    return record_forever (argv[2]);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recordsink/killed", test_killed);
  g_test_add_func ("/recordsink/full", test_full);
  g_test_add_func ("/recordsink/continues", test_continues);
  return g_test_run ();
}
