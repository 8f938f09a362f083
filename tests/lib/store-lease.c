/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Who owns what in a store. Were it wrong, two packagers would write one
 * stream, or none could after one has died. */

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store-test.h"

static void
test_lease (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillStore) other = mill_store_directory_new (fixture->path, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) state = g_bytes_new_static ("epoch 5", 7);
  g_autoptr (GBytes) found = NULL;
  MillStoreLease *first;
  MillStoreLease *second;

  first =
      mill_store_take (fixture->store, ".state", MILL_STORE_TAKE_FREE, &error);
  g_assert_no_error (error);
  found = mill_store_lease_dup_content (first);
  g_assert_cmpuint (g_bytes_get_size (found), ==, 0);

  /* Held before and after a write, which is another file. */
  for (guint i = 0; i < 3; i++) {
    g_assert_null (mill_store_take (other, ".state", MILL_STORE_TAKE_FREE,
        &error));
    g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_HELD);
    g_clear_error (&error);
    g_assert_false (mill_store_lease_is_lost (first));
    g_assert_true (mill_store_lease_write (first, state, &error));
    g_assert_no_error (error);
  }
  mill_store_lease_free (first);

  second = mill_store_take (other, ".state", MILL_STORE_TAKE_FREE, &error);
  g_assert_no_error (error);
  g_clear_pointer (&found, g_bytes_unref);
  found = mill_store_lease_dup_content (second);
  g_assert_true (g_bytes_equal (found, state));
  mill_store_lease_free (second);
}

static void
test_take_over (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) state = g_bytes_new_static ("epoch 5", 7);
  g_autoptr (GBytes) late = g_bytes_new_static ("late", 4);
  g_autoptr (GBytes) found = NULL;
  g_autoptr (MillStoreLease) first = NULL;
  g_autoptr (MillStoreLease) second = NULL;

  first =
      mill_store_take (fixture->store, ".state", MILL_STORE_TAKE_FREE, &error);
  g_assert_true (mill_store_lease_write (first, state, &error));
  second =
      mill_store_take (fixture->store, ".state", MILL_STORE_TAKE_OVER, &error);
  g_assert_no_error (error);
  found = mill_store_lease_dup_content (second);
  g_assert_true (g_bytes_equal (found, state));

  g_assert_true (mill_store_lease_is_lost (first));
  g_assert_false (mill_store_lease_write (first, late, &error));
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_LOST);
  g_assert_false (mill_store_lease_is_lost (second));
  assert_content (fixture->store, ".state", "epoch 5");
  g_assert_null (mill_store_take (fixture->store, ".state",
      MILL_STORE_TAKE_FREE, NULL));
}

static void
test_lease_append (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) state = g_bytes_new_static ("whole ", 6);
  g_autoptr (GBytes) more = g_bytes_new_static ("more ", 5);
  g_autoptr (GBytes) found = NULL;
  MillStoreLease *first =
      mill_store_take (fixture->store, ".state", MILL_STORE_TAKE_FREE, &error);

  g_assert_no_error (error);
  g_assert_true (mill_store_lease_can_append (first));
  g_assert_true (mill_store_lease_append (first, more, &error));
  g_assert_true (mill_store_lease_write (first, state, &error));
  g_assert_true (mill_store_lease_append (first, more, &error));
  g_assert_true (mill_store_lease_append (first, more, &error));
  mill_store_lease_free (first);

  /* A successor's first append follows what it found. */
  first =
      mill_store_take (fixture->store, ".state", MILL_STORE_TAKE_FREE, &error);
  g_assert_no_error (error);
  g_assert_true (mill_store_lease_append (first, more, &error));
  found = mill_store_get (fixture->store, ".state", 100, &error);
  g_assert_cmpmem (g_bytes_get_data (found, NULL), g_bytes_get_size (found),
      "whole more more more ", 21);

  /* Whoever has lost it writes nothing. */
  g_autoptr (MillStoreLease) second =
      mill_store_take (fixture->store, ".state", MILL_STORE_TAKE_OVER, &error);
  g_assert_no_error (error);
  g_assert_false (mill_store_lease_append (first, more, &error));
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_LOST);
  mill_store_lease_free (first);
}

/* What could not be added is missing: nothing may follow it. */
static void
test_lease_hole (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) state = g_bytes_new_static ("whole", 5);
  g_autoptr (GBytes) more = g_bytes_new_static ("more", 4);
  g_autoptr (MillStoreLease) lease =
      mill_store_take (fixture->store, ".state", MILL_STORE_TAKE_FREE, &error);
  struct rlimit old;
  struct rlimit limit;

  g_assert_true (mill_store_lease_write (lease, state, &error));
  getrlimit (RLIMIT_FSIZE, &old);
  limit = old;
  limit.rlim_cur = 7;
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  gboolean added = mill_store_lease_append (lease, more, &error);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &old), ==, 0);
  g_assert_false (added);
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_FULL);
  g_clear_error (&error);
  assert_content (fixture->store, ".state", "whole");
  g_assert_false (mill_store_lease_append (lease, more, &error));
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_FAILED);
  g_clear_error (&error);
  g_assert_true (mill_store_lease_write (lease, state, &error));
  g_assert_true (mill_store_lease_append (lease, more, &error));
  assert_content (fixture->store, ".state", "wholemore");
}

/* The directory that went away under a packager is lost too. */
static void
test_lease_removed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillStoreLease) lease =
      mill_store_take (fixture->store, ".state", MILL_STORE_TAKE_FREE, NULL);

  g_assert_true (mill_store_remove (fixture->store, ".state", NULL));
  g_assert_true (mill_store_lease_is_lost (lease));
}

/* A worker without a free descriptor keeps its streams: it cannot write for a
 * while, but nobody has taken them from it. */
static void
test_lease_without_descriptors (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) state = g_bytes_new_static ("epoch 5", 7);
  g_autoptr (MillStoreLease) lease =
      mill_store_take (fixture->store, ".state", MILL_STORE_TAKE_FREE, NULL);
  struct rlimit old;

  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &old), ==, 0);
  struct rlimit none = { .rlim_cur = 0, .rlim_max = old.rlim_max };
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &none), ==, 0);
  gboolean lost = mill_store_lease_is_lost (lease);
  gboolean written = mill_store_lease_write (lease, state, &error);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &old), ==, 0);
  g_assert_false (lost);
  g_assert_false (written);
  g_assert_false (g_error_matches (error, MILL_STORE_ERROR,
      MILL_STORE_ERROR_LOST));
  g_clear_error (&error);
  g_assert_true (mill_store_lease_write (lease, state, &error));
  g_assert_no_error (error);
}

/* However a packager dies, its successor finds the lease free. */
static void
test_lease_of_the_dead (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillStoreLease) lease = NULL;
  gint ready[2];
  gchar byte;
  pid_t child;

  g_assert_cmpint (pipe (ready), ==, 0);
  child = fork ();
  if (child == 0) {
    MillStoreLease *held =
        mill_store_take (fixture->store, ".state", MILL_STORE_TAKE_FREE, NULL);

    if (held == NULL || write (ready[1], "x", 1) != 1)
      _exit (1);
    for (;;)
      pause ();
  }
  g_assert_cmpint (read (ready[0], &byte, 1), ==, 1);
  g_assert_null (mill_store_take (fixture->store, ".state",
      MILL_STORE_TAKE_FREE, NULL));
  kill (child, SIGKILL);
  g_assert_cmpint (waitpid (child, NULL, 0), ==, child);
  lease =
      mill_store_take (fixture->store, ".state", MILL_STORE_TAKE_FREE, NULL);
  g_assert_nonnull (lease);
  close (ready[0]);
  close (ready[1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  ADD ("/store/lease/of-the-dead", NULL, test_lease_of_the_dead);
  ADD ("/store/lease/held", NULL, test_lease);
  ADD ("/store/lease/take-over", NULL, test_take_over);
  ADD ("/store/lease/append", NULL, test_lease_append);
  ADD ("/store/lease/hole", NULL, test_lease_hole);
  ADD ("/store/lease/removed", NULL, test_lease_removed);
  ADD ("/store/lease/descriptors", NULL, test_lease_without_descriptors);
  return g_test_run ();
}
