/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The store. Were it wrong, viewers would read half a playlist, segments would
 * hold torn chunks after a full disk, a stalled disk would hold up streams
 * that have nothing to do with it, or two packagers would write one stream. */

#include <errno.h>
#include <signal.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "store/store-directory.h"
#include "store/store-writer.h"

#define DEADLINE_US (20 * G_USEC_PER_SEC)

typedef struct
{
  gchar *path;
  MillStore *store;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->path = g_dir_make_tmp ("mill-store-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->store = mill_store_directory_new (fixture->path, &error);
  g_assert_no_error (error);
}

static void
remove_tree (MillStore *store, const gchar *directory)
{
  g_autoptr (GPtrArray) names = mill_store_list (store, directory, NULL);

  for (guint i = 0; names != NULL && i < names->len; i++) {
    const gchar *name = g_ptr_array_index (names, i);
    g_autofree gchar *child =
        g_strconcat (directory, directory[0] != '\0' ? "/" : "", name, NULL);

    if (g_str_has_suffix (child, "/")) {
      child[strlen (child) - 1] = '\0';
      remove_tree (store, child);
    }
    mill_store_remove (store, child, NULL);
  }
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  remove_tree (fixture->store, "");
  mill_store_unref (fixture->store);
  g_assert_cmpint (g_rmdir (fixture->path), ==, 0);
  g_free (fixture->path);
}

static void
put (MillStore *store, const gchar *name, const gchar *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;

  mill_store_put (store, name, bytes, &error);
  g_assert_no_error (error);
}

static void
assert_content (MillStore *store, const gchar *name, const gchar *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = mill_store_get (store, name, 1 << 20, &error);
  gsize size;
  gconstpointer data;

  g_assert_no_error (error);
  data = g_bytes_get_data (bytes, &size);
  g_assert_cmpmem (data, size, expected, strlen (expected));
}

static MillStoreChunk *
make_chunk (const gchar *text)
{
  MillStoreChunk *chunk = mill_store_chunk_new (1);
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  mill_store_chunk_add_bytes (chunk, bytes);
  return chunk;
}

static void
append (MillStoreObject *object, const gchar *text)
{
  g_autoptr (MillStoreChunk) chunk = make_chunk (text);
  g_autoptr (GError) error = NULL;

  mill_store_object_append (object, chunk, &error);
  g_assert_no_error (error);
}

/* ---- names ---- */

static void
test_names (Fixture *fixture, gconstpointer data)
{
  static const gchar *const refused[] = { "", "/", "/etc/passwd", "..", ".",
    "../x", "a/../b", "a/..", "a//b", "a/", "./a", "a\nb", "a\\..\\b",
    "a\x7f" };
  g_autofree gchar *longest = g_strnfill (255, 'a');
  g_autofree gchar *too_long = g_strnfill (256, 'a');
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);

  for (guint i = 0; i <= G_N_ELEMENTS (refused); i++) {
    const gchar *name = i < G_N_ELEMENTS (refused) ? refused[i] : too_long;
    g_autoptr (GError) error = NULL;
    g_autoptr (MillStoreObject) object =
        mill_store_object_new (fixture->store, name, MILL_STORE_NEW);
    g_autoptr (MillStoreChunk) chunk = make_chunk ("x");

    g_assert_false (mill_store_put (fixture->store, name, bytes, &error));
    g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_NAME);
    g_assert_null (mill_store_get (fixture->store, name, 1, NULL));
    g_assert_false (mill_store_stat (fixture->store, name, NULL, NULL));
    g_assert_false (mill_store_remove (fixture->store, name, NULL));
    g_assert_false (mill_store_object_append (object, chunk, NULL));
    g_assert_null (mill_store_take (fixture->store, name, MILL_STORE_TAKE_FREE,
        NULL));
  }
  put (fixture->store, longest, "fits");
  assert_content (fixture->store, longest, "fits");
  put (fixture->store, "a/..b/...", "no escape");
  assert_content (fixture->store, "a/..b/...", "no escape");
}

/* A link that a stranger put there leads nowhere. */
static void
test_links (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *directory = g_build_filename (fixture->path, "d", NULL);
  g_autofree gchar *file = g_build_filename (fixture->path, "f", NULL);
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  g_autoptr (MillStoreObject) object =
      mill_store_object_new (fixture->store, "f", MILL_STORE_APPEND);
  g_autoptr (MillStoreChunk) chunk = make_chunk ("x");

  g_assert_cmpint (symlink ("/tmp", directory), ==, 0);
  g_assert_cmpint (symlink ("/nonexistent/x", file), ==, 0);
  g_assert_false (mill_store_put (fixture->store, "d/x", bytes, NULL));
  g_assert_null (mill_store_get (fixture->store, "f", 10, NULL));
  g_assert_false (mill_store_object_append (object, chunk, NULL));
  g_assert_false (mill_store_stat (fixture->store, "f", NULL, NULL));
  /* Replacing the link itself is what rename does, and is fine. */
  put (fixture->store, "f", "file");
  assert_content (fixture->store, "f", "file");
}

/* ---- whole objects ---- */

static void
test_whole (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = NULL;
  guint64 size = 99;

  put (fixture->store, "v360/playlist.m3u8", "one");
  put (fixture->store, "v360/playlist.m3u8", "longer than one");
  assert_content (fixture->store, "v360/playlist.m3u8", "longer than one");
  g_assert_true (mill_store_stat (fixture->store, "v360/playlist.m3u8", &size,
      NULL));
  g_assert_cmpuint (size, ==, 15);

  /* Nothing but the object is left in its directory. */
  names = mill_store_list (fixture->store, "v360", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (names->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (names, 0), ==, "playlist.m3u8");

  g_assert_null (mill_store_get (fixture->store, "v360/playlist.m3u8", 14,
      &error));
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_FAILED);
  g_clear_error (&error);

  put (fixture->store, "old/p", "one");
  g_assert_true (mill_store_remove (fixture->store, "old/p", &error));
  g_assert_true (mill_store_remove (fixture->store, "old/p", &error));
  g_assert_true (mill_store_remove (fixture->store, "old", &error));
  g_assert_no_error (error);
  g_assert_false (mill_store_stat (fixture->store, "old/p", NULL, &error));
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_NOT_FOUND);
}

typedef struct
{
  MillStore *store;
  gint stop; /* atomic */
  gint n_read; /* atomic */
} Reader;

static gpointer
read_on (gpointer data)
{
  Reader *reader = data;

  while (!g_atomic_int_get (&reader->stop)) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes =
        mill_store_get (reader->store, "master.m3u8", 1 << 20, &error);
    gsize size;
    const gchar *text;

    g_assert_no_error (error);
    text = g_bytes_get_data (bytes, &size);
    /* Each version is one letter, as often as its place in the alphabet times
     * a thousand. */
    g_assert_cmpuint (size, ==, (gsize) (text[0] - 'a' + 1) * 1000);
    for (gsize i = 0; i < size; i++)
      g_assert_cmpint (text[i], ==, text[0]);
    g_atomic_int_inc (&reader->n_read);
  }
  return NULL;
}

/* Readers see versions, never a mixture. */
static void
test_atomic (Fixture *fixture, gconstpointer data)
{
  Reader reader = { .store = fixture->store };
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  GThread *threads[2];
  guint n_put = 0;

  put (fixture->store, "master.m3u8", "");
  for (guint turn = 0; turn < 2; turn++) {
    g_autofree gchar *text = g_strnfill (1000, 'a');

    put (fixture->store, "master.m3u8", text);
  }
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("reader", read_on, &reader);
  while (n_put < 500 || g_atomic_int_get (&reader.n_read) < 500) {
    gint letter = 'a' + n_put++ % 26;
    g_autofree gchar *text = g_strnfill ((letter - 'a' + 1) * 1000, letter);

    put (fixture->store, "master.m3u8", text);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
  g_atomic_int_set (&reader.stop, 1);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* ---- appending ---- */

static void
test_append (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillStoreChunk) chunk = mill_store_chunk_new (0);
  g_autoptr (GString) expected = g_string_new ("head");
  g_autoptr (MillStoreObject) object =
      mill_store_object_new (fixture->store, "v360/3-0.m4s", MILL_STORE_NEW);
  g_autoptr (MillStoreObject) again = NULL;
  g_autoptr (GBytes) tail = g_bytes_new_static ("tail", 4);

  append (object, "head");
  /* More memories than one writev takes (IOV_MAX is 1024), empty ones among
   * them. */
  for (guint i = 0; i < 2500; i++) {
    g_autofree gchar *text = g_strdup_printf ("%u,", i % 100 == 0 ? 0 : i);
    g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

    mill_store_chunk_add_bytes (chunk, bytes);
    mill_store_chunk_add (chunk, gst_allocator_alloc (NULL, 0, NULL));
    g_string_append (expected, text);
  }
  mill_store_chunk_add_bytes (chunk, tail);
  g_string_append (expected, "tail");
  g_assert_cmpuint (mill_store_chunk_get_size (chunk), ==, expected->len - 4);
  g_assert_true (mill_store_object_append (object, chunk, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (mill_store_object_get_size (object), ==, expected->len);
  assert_content (fixture->store, "v360/3-0.m4s", expected->str);

  g_assert_true (mill_store_object_close (object, &error));
  g_assert_false (mill_store_object_append (object, chunk, NULL));

  again =
      mill_store_object_new (fixture->store, "v360/3-0.m4s", MILL_STORE_NEW);
  g_assert_false (mill_store_object_append (again, chunk, &error));
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_EXISTS);
}

static void
test_append_on (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillStoreObject) object =
      mill_store_object_new (fixture->store, "live.index", MILL_STORE_APPEND);

  put (fixture->store, "live.index", "first\n");
  append (object, "second\n");
  g_assert_cmpuint (mill_store_object_get_size (object), ==, 13);
  assert_content (fixture->store, "live.index", "first\nsecond\n");
}

static void
assert_full (MillStore *store, MillStoreObject *object, gsize before)
{
  g_autofree gchar *big = g_strnfill (200 * 1000, 'x');
  g_autoptr (MillStoreChunk) chunk = make_chunk (big);
  g_autoptr (MillStoreChunk) small = make_chunk ("y");
  g_autoptr (GBytes) bytes = g_bytes_new (big, strlen (big));
  g_autoptr (GError) error = NULL;
  guint64 size = 0;

  g_assert_false (mill_store_object_append (object, chunk, &error));
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_FULL);
  g_assert_nonnull (strstr (error->message, "3-0.m4s"));
  /* Cut back to whole chunks, and no later chunk hides the missing one. */
  g_assert_true (mill_store_stat (store, "v360/3-0.m4s", &size, NULL));
  g_assert_cmpuint (size, ==, before);
  g_assert_cmpuint (mill_store_object_get_size (object), ==, before);
  g_assert_false (mill_store_object_append (object, small, NULL));

  /* A playlist that does not fit leaves the old one. */
  g_clear_error (&error);
  g_assert_false (mill_store_put (store, "master.m3u8", bytes, &error));
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_FULL);
  assert_content (store, "master.m3u8", "old");
}

static void
test_file_limit (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillStoreObject) object =
      mill_store_object_new (fixture->store, "v360/3-0.m4s", MILL_STORE_NEW);
  struct rlimit old;
  struct rlimit limit;

  put (fixture->store, "master.m3u8", "old");
  append (object, "chunk one,");
  signal (SIGXFSZ, SIG_IGN);
  getrlimit (RLIMIT_FSIZE, &old);
  limit = old;
  limit.rlim_cur = 100 * 1000;
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &limit), ==, 0);
  assert_full (fixture->store, object, 10);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &old), ==, 0);
}

/* Returns 77 when mounting is not possible here. In a child, because the mount
 * namespace is of a process. */
static gint
run_full_disk (const gchar *path)
{
  g_autoptr (MillStore) store = NULL;
  g_autoptr (MillStoreObject) object = NULL;

  if (unshare (CLONE_NEWNS) < 0 ||
      mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
      mount ("tmpfs", path, "tmpfs", 0, "size=128k") < 0)
    return 77;
  store = mill_store_directory_new (path, NULL);
  object = mill_store_object_new (store, "v360/3-0.m4s", MILL_STORE_NEW);
  g_assert_true (mill_store_is_memory (store));
  put (store, "master.m3u8", "old");
  append (object, "chunk one,");
  assert_full (store, object, 10);
  return 0;
}

static void
test_full_disk (Fixture *fixture, gconstpointer data)
{
  pid_t child = fork ();
  gint status = 0;

  if (child == 0)
    _exit (run_full_disk (fixture->path));
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  if (WIFEXITED (status) && WEXITSTATUS (status) == 77)
    g_test_skip ("mounting a file system is not permitted here");
  else
    g_assert_cmpint (status, ==, 0);
}

/* ---- ownership ---- */

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

/* ---- writers ---- */

typedef struct
{
  GMutex lock; /* guards all */
  GCond changed;
  gboolean hold; /* jobs that hold_job() made wait while it is set */
  guint n_holding;
  guint n_done;
  guint n_destroyed;
  GError *error; /* of the last one */
  GThread *thread; /* it was done on */
} Watch;

static void
on_done (const GError *error, gpointer user_data)
{
  Watch *watch = user_data;

  g_mutex_lock (&watch->lock);
  watch->n_done++;
  watch->thread = g_thread_self ();
  g_clear_error (&watch->error);
  if (error != NULL)
    watch->error = g_error_copy (error);
  g_cond_broadcast (&watch->changed);
  g_mutex_unlock (&watch->lock);
}

static void
on_destroy (gpointer user_data)
{
  Watch *watch = user_data;

  g_mutex_lock (&watch->lock);
  watch->n_destroyed++;
  g_mutex_unlock (&watch->lock);
}

/* Stands in for a disk that does not answer. */
static void
on_hold (const GError *error, gpointer user_data)
{
  Watch *watch = user_data;

  g_mutex_lock (&watch->lock);
  watch->n_holding++;
  g_cond_broadcast (&watch->changed);
  while (watch->hold)
    g_cond_wait (&watch->changed, &watch->lock);
  g_mutex_unlock (&watch->lock);
}

static void
hold_thread (MillStoreWriter *writer, Watch *watch)
{
  MillStoreJob *job = mill_store_job_new ();

  watch->hold = TRUE;
  mill_store_job_on_done (job, on_hold, watch, NULL);
  g_assert_true (mill_store_writer_submit (writer, job, NULL));
  g_mutex_lock (&watch->lock);
  while (watch->n_holding == 0)
    g_cond_wait (&watch->changed, &watch->lock);
  g_mutex_unlock (&watch->lock);
}

static void
let_go (Watch *watch)
{
  g_mutex_lock (&watch->lock);
  watch->hold = FALSE;
  g_cond_broadcast (&watch->changed);
  g_mutex_unlock (&watch->lock);
}

static MillStoreJob *
make_job (Watch *watch, MillStoreObject *object, const gchar *text)
{
  MillStoreJob *job = mill_store_job_new ();

  if (object != NULL)
    mill_store_job_append (job, object, make_chunk (text));
  mill_store_job_on_done (job, on_done, watch, on_destroy);
  return job;
}

static void
clear_watch (Watch *watch)
{
  g_clear_error (&watch->error);
  g_mutex_clear (&watch->lock);
  g_cond_clear (&watch->changed);
}

static void
test_writer_order (Fixture *fixture, gconstpointer data)
{
  MillStoreWriterOptions options = { .mode = GPOINTER_TO_INT (data),
    .max_jobs = 1000 };
  g_autoptr (MillStoreWriter) writer =
      mill_store_writer_new (fixture->store, &options);
  g_autoptr (MillStoreObject) object =
      mill_store_object_new (fixture->store, "v360/3-0.m4s", MILL_STORE_NEW);
  g_autoptr (GString) expected = g_string_new (NULL);
  Watch watch = { 0 };

  for (guint i = 0; i < 300; i++) {
    g_autofree gchar *text = g_strdup_printf ("%u\n", i);

    g_string_append (expected, text);
    g_assert_true (mill_store_writer_submit (writer,
        make_job (&watch, object, text), NULL));
  }
  g_assert_true (mill_store_writer_flush (writer, DEADLINE_US));
  g_assert_cmpuint (mill_store_writer_get_queued (writer), ==, 0);
  g_assert_cmpuint (watch.n_done, ==, 300);
  g_assert_cmpuint (watch.n_destroyed, ==, 300);
  g_assert_no_error (watch.error);
  g_assert_true (mill_store_writer_is_inline (writer) ==
      (watch.thread == g_thread_self ()));
  assert_content (fixture->store, "v360/3-0.m4s", expected->str);
  clear_watch (&watch);
}

/* The disk does not answer: the queue fills, the newest job is refused at once,
 * the last ones of a stream still get in, and nothing is lost or re-ordered. */
static void
test_writer_bound (Fixture *fixture, gconstpointer data)
{
  MillStoreWriterOptions options = { .mode = MILL_STORE_WRITER_THREAD,
    .max_jobs = 3 };
  g_autoptr (MillStoreWriter) writer =
      mill_store_writer_new (fixture->store, &options);
  g_autoptr (MillStoreObject) object =
      mill_store_object_new (fixture->store, "x", MILL_STORE_NEW);
  g_autoptr (GError) error = NULL;
  MillStoreJob *last;
  Watch watch = { 0 };

  hold_thread (writer, &watch);
  g_assert_false (mill_store_writer_flush (writer, 1000));
  for (guint i = 0; i < 2; i++)
    mill_store_writer_submit (writer, make_job (&watch, object, "a"), NULL);
  g_assert_false (mill_store_writer_submit (writer,
      make_job (&watch, object, "refused"), &error));
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_BUSY);
  g_assert_cmpuint (watch.n_destroyed, ==, 1);
  last = make_job (&watch, object, "z");
  mill_store_job_set_essential (last);
  g_assert_true (mill_store_writer_submit (writer, last, NULL));
  g_assert_cmpuint (watch.n_done, ==, 0);

  let_go (&watch);
  g_assert_true (mill_store_writer_flush (writer, DEADLINE_US));
  g_assert_cmpuint (watch.n_done, ==, 3);
  assert_content (fixture->store, "x", "aaz");
  clear_watch (&watch);
}

static void
test_writer_bytes (Fixture *fixture, gconstpointer data)
{
  MillStoreWriterOptions options = { .mode = MILL_STORE_WRITER_THREAD,
    .max_bytes = 100 };
  g_autoptr (MillStoreWriter) writer =
      mill_store_writer_new (fixture->store, &options);
  g_autoptr (MillStoreObject) object =
      mill_store_object_new (fixture->store, "x", MILL_STORE_NEW);
  g_autofree gchar *big = g_strnfill (150, 'b');
  Watch watch = { 0 };

  hold_thread (writer, &watch);
  /* One that is beyond the bound alone must not wait for ever. */
  g_assert_true (mill_store_writer_submit (writer,
      make_job (&watch, object, big), NULL));
  g_assert_false (mill_store_writer_submit (writer,
      make_job (&watch, object, "c"), NULL));
  let_go (&watch);
  g_assert_true (mill_store_writer_flush (writer, DEADLINE_US));
  assert_content (fixture->store, "x", big);
  clear_watch (&watch);
}

/* A step that fails ends its job: no line of live.index without its bytes. */
static void
test_writer_failure (Fixture *fixture, gconstpointer data)
{
  MillStoreWriterOptions options = { .mode = GPOINTER_TO_INT (data) };
  g_autoptr (MillStoreWriter) writer =
      mill_store_writer_new (fixture->store, &options);
  g_autoptr (MillStoreObject) object =
      mill_store_object_new (fixture->store, "x", MILL_STORE_NEW);
  g_autoptr (GBytes) line = g_bytes_new_static ("x 0 1\n", 6);
  MillStoreJob *job;
  Watch watch = { 0 };

  put (fixture->store, "x", "in the way");
  job = make_job (&watch, object, "bytes");
  mill_store_job_put (job, "live.index", line);
  g_assert_true (mill_store_writer_submit (writer, job, NULL));
  g_assert_true (mill_store_writer_flush (writer, DEADLINE_US));
  g_assert_error (watch.error, MILL_STORE_ERROR, MILL_STORE_ERROR_EXISTS);
  g_assert_false (mill_store_stat (fixture->store, "live.index", NULL, NULL));
  clear_watch (&watch);
}

static void
test_writer_lease (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillStoreWriter) writer =
      mill_store_writer_new (fixture->store, NULL);
  g_autoptr (MillStoreLease) lease =
      mill_store_take (fixture->store, ".state", MILL_STORE_TAKE_FREE, NULL);
  g_autoptr (MillStoreLease) thief = NULL;
  g_autoptr (GBytes) state = g_bytes_new_static ("n 1", 3);
  Watch watch = { 0 };

  for (guint i = 0; i < 2; i++) {
    MillStoreJob *job = make_job (&watch, NULL, NULL);

    mill_store_job_require_lease (job, lease);
    mill_store_job_put (job, i == 0 ? "mine" : "not-mine", state);
    mill_store_job_write_lease (job, lease, state);
    g_assert_true (mill_store_writer_submit (writer, job, NULL));
    g_assert_true (mill_store_writer_flush (writer, DEADLINE_US));
    if (i == 0) {
      g_assert_no_error (watch.error);
      thief = mill_store_take (fixture->store, ".state", MILL_STORE_TAKE_OVER,
          NULL);
      g_assert_nonnull (thief);
    }
  }
  g_assert_error (watch.error, MILL_STORE_ERROR, MILL_STORE_ERROR_LOST);
  assert_content (fixture->store, ".state", "n 1");
  g_assert_true (mill_store_stat (fixture->store, "mine", NULL, NULL));
  g_assert_false (mill_store_stat (fixture->store, "not-mine", NULL, NULL));
  clear_watch (&watch);
}

/* Freed with jobs under way: they are carried out all the same. */
static void
test_writer_free (Fixture *fixture, gconstpointer data)
{
  MillStoreWriterOptions options = { .mode = MILL_STORE_WRITER_THREAD };
  MillStoreWriter *writer = mill_store_writer_new (fixture->store, &options);
  MillStoreObject *object =
      mill_store_object_new (fixture->store, "x", MILL_STORE_NEW);
  Watch watch = { 0 };

  hold_thread (writer, &watch);
  mill_store_writer_submit (writer, make_job (&watch, object, "late"), NULL);
  mill_store_object_unref (object);
  mill_store_writer_free (writer);
  let_go (&watch);
  g_mutex_lock (&watch.lock);
  while (watch.n_done == 0)
    g_cond_wait (&watch.changed, &watch.lock);
  g_mutex_unlock (&watch.lock);
  assert_content (fixture->store, "x", "late");
  /* The job is freed after its callback, on the writer thread: another job
   * behind it, through another writer of all threads, tells when. */
  for (guint i = 0; i < 8; i++) {
    g_autoptr (MillStoreWriter) next =
        mill_store_writer_new (fixture->store, &options);

    g_assert_true (mill_store_writer_flush (next, DEADLINE_US));
  }
  g_assert_cmpuint (watch.n_destroyed, ==, 1);
  clear_watch (&watch);
}

#define ADD(path, data, func) \
  g_test_add (path, Fixture, data, set_up, func, tear_down)
#define INLINE GINT_TO_POINTER (MILL_STORE_WRITER_INLINE)
#define THREAD GINT_TO_POINTER (MILL_STORE_WRITER_THREAD)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  /* The ones that fork come before any writer thread. */
  ADD ("/store/full-disk", NULL, test_full_disk);
  ADD ("/store/lease/of-the-dead", NULL, test_lease_of_the_dead);
  ADD ("/store/names", NULL, test_names);
  ADD ("/store/links", NULL, test_links);
  ADD ("/store/whole", NULL, test_whole);
  ADD ("/store/atomic", NULL, test_atomic);
  ADD ("/store/append", NULL, test_append);
  ADD ("/store/append-on", NULL, test_append_on);
  ADD ("/store/file-limit", NULL, test_file_limit);
  ADD ("/store/lease/held", NULL, test_lease);
  ADD ("/store/lease/take-over", NULL, test_take_over);
  ADD ("/store/lease/append", NULL, test_lease_append);
  ADD ("/store/lease/hole", NULL, test_lease_hole);
  ADD ("/store/lease/removed", NULL, test_lease_removed);
  ADD ("/store/lease/descriptors", NULL, test_lease_without_descriptors);
  ADD ("/store/writer/order/inline", INLINE, test_writer_order);
  ADD ("/store/writer/order/thread", THREAD, test_writer_order);
  ADD ("/store/writer/bound", NULL, test_writer_bound);
  ADD ("/store/writer/bytes", NULL, test_writer_bytes);
  ADD ("/store/writer/failure/inline", INLINE, test_writer_failure);
  ADD ("/store/writer/failure/thread", THREAD, test_writer_failure);
  ADD ("/store/writer/lease", NULL, test_writer_lease);
  ADD ("/store/writer/free", NULL, test_writer_free);
  return g_test_run ();
}
