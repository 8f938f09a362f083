/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The store. Were it wrong, viewers would read half a playlist, or segments
 * would hold torn chunks after a full disk. */

#include <signal.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store-test.h"

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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  /* The one that forks comes before any thread. */
  ADD ("/store/full-disk", NULL, test_full_disk);
  ADD ("/store/names", NULL, test_names);
  ADD ("/store/links", NULL, test_links);
  ADD ("/store/whole", NULL, test_whole);
  ADD ("/store/atomic", NULL, test_atomic);
  ADD ("/store/append", NULL, test_append);
  ADD ("/store/append-on", NULL, test_append_on);
  ADD ("/store/file-limit", NULL, test_file_limit);
  return g_test_run ();
}
