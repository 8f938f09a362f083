/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store-keys.h"
#include "store-nodes.h"
#include "store-pipelines.h"
#include "store-private.h"
#include "store-streams.h"

typedef struct
{
  gchar *dir;
  gchar *path;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->dir = g_dir_make_tmp ("mill-store-XXXXXX", NULL);
  g_assert_nonnull (fixture->dir);
  fixture->path = g_build_filename (fixture->dir, "millrace.db", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  static const gchar *const files[] = { "millrace.db", "millrace.db-wal",
    "millrace.db-shm" };
  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree gchar *path = g_build_filename (fixture->dir, files[i], NULL);
    g_unlink (path);
  }
  g_assert_cmpint (g_rmdir (fixture->dir), ==, 0);
  g_free (fixture->dir);
  g_free (fixture->path);
}

static MillStore *
open_store (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  MillStore *store = mill_store_open ("sqlite:", fixture->dir, &error);
  g_assert_no_error (error);
  g_assert_nonnull (store);
  return store;
}

static void
assert_open_fails (Fixture *fixture, MillStoreError code, const gchar *text)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (mill_store_open ("sqlite:", fixture->dir, &error));
  g_assert_error (error, MILL_STORE_ERROR, (gint) code);
  g_assert_nonnull (g_strstr_len (error->message, -1, text));
  g_assert_nonnull (g_strstr_len (error->message, -1, fixture->path));
}

static void
assert_private (const gchar *path)
{
  struct stat info;
  g_assert_cmpint (stat (path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 0777, ==, 0600);
}

static gint
query_number (const gchar *path, const gchar *sql)
{
  sqlite3 *db = NULL;
  sqlite3_stmt *statement = NULL;
  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (db, sql, -1, &statement, NULL), ==,
      SQLITE_OK);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  gint value = sqlite3_column_int (statement, 0);
  sqlite3_finalize (statement);
  sqlite3_close (db);
  return value;
}

static void
execute (const gchar *path, const gchar *sql)
{
  sqlite3 *db = NULL;
  gchar *text = NULL;
  g_assert_cmpint (sqlite3_open (path, &db), ==, SQLITE_OK);
  sqlite3_exec (db, sql, NULL, NULL, &text);
  g_assert_cmpstr (text, ==, NULL);
  sqlite3_close (db);
}

static MillStreamRow *
new_row (const gchar *name)
{
  MillStreamRow *row = g_new0 (MillStreamRow, 1);
  row->name = g_strdup (name);
  row->app = g_strdup ("live");
  row->pipeline = g_strdup ("live-passthrough");
  row->params = g_strdup ("{\"a\":\"b\"}");
  row->declared = TRUE;
  row->desired = MILL_DESIRED_STOPPED;
  row->phase = MILL_PHASE_FAILED;
  row->owner = g_strdup ("shared-1");
  row->generation = 7;
  row->epoch = G_MAXINT64 - 1;
  row->boot_id = g_strdup ("boot");
  row->restarts = 3;
  row->last_error = g_strdup ("it's \"broken\"");
  row->node_id = g_strdup ("node");
  row->owner_key_id = g_strdup ("admin");
  row->lease_owner = g_strdup ("lessee");
  row->lease_expires = 11;
  row->created_at = 12;
  row->updated_at = 13;
  return row;
}

/* A stream that differs after a restart of millraced would be started in the
 * wrong place, or twice. */
static void
test_stream_round_trip (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillStreamRow) row = new_row ("demo");
  MillStore *store = open_store (fixture);
  mill_store_streams_put (store, row, &error);
  g_assert_no_error (error);
  mill_store_close (store);

  store = open_store (fixture);
  g_autoptr (GPtrArray) rows = mill_store_streams_list (store, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (rows->len, ==, 1);
  const MillStreamRow *read = g_ptr_array_index (rows, 0);
  g_assert_cmpstr (read->name, ==, row->name);
  g_assert_cmpstr (read->app, ==, row->app);
  g_assert_cmpstr (read->pipeline, ==, row->pipeline);
  g_assert_cmpstr (read->params, ==, row->params);
  g_assert_true (read->declared);
  g_assert_cmpint (read->desired, ==, row->desired);
  g_assert_cmpint (read->phase, ==, row->phase);
  g_assert_cmpstr (read->owner, ==, row->owner);
  g_assert_cmpuint (read->generation, ==, row->generation);
  g_assert_cmpuint (read->epoch, ==, row->epoch);
  g_assert_cmpstr (read->boot_id, ==, row->boot_id);
  g_assert_cmpuint (read->restarts, ==, row->restarts);
  g_assert_cmpstr (read->last_error, ==, row->last_error);
  g_assert_cmpstr (read->node_id, ==, row->node_id);
  g_assert_cmpstr (read->owner_key_id, ==, row->owner_key_id);
  g_assert_cmpstr (read->lease_owner, ==, row->lease_owner);
  g_assert_cmpint (read->lease_expires, ==, row->lease_expires);
  g_assert_cmpint (read->created_at, ==, row->created_at);
  g_assert_cmpint (read->updated_at, ==, row->updated_at);

  mill_store_streams_delete (store, "demo", &error);
  g_assert_no_error (error);
  g_assert_false (mill_store_streams_delete (store, "demo", &error));
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_NOT_FOUND);
  mill_store_close (store);
}

/* An upgrade of millrace that loses streams would end them. The older file is
 * made by the steps that released versions made it with. */
static void
test_upgrade_from_each_version (Fixture *fixture, gconstpointer data)
{
  guint newest = mill_store_migrations_count ();
  for (guint version = 1; version < newest; version++) {
    g_autoptr (GError) error = NULL;
    g_unlink (fixture->path);
    for (guint step = 0; step < version; step++)
      execute (fixture->path, mill_store_migrations[step]);
    g_autofree gchar *mark =
        g_strdup_printf ("PRAGMA user_version = %u", version);
    execute (fixture->path, mark);
    execute (fixture->path,
        "INSERT INTO streams (name, pipeline, declared, desired, phase,"
        " generation, epoch, boot_id, node_id, created_at, updated_at)"
        " VALUES ('old', 'p', 1, 'running', 'running', 41, 5, 'b', 'n', 1, 2);"
        "UPDATE counters SET value = 41 WHERE name = 'generation'");

    g_autoptr (MillStore) store = open_store (fixture);
    g_autoptr (GPtrArray) rows = mill_store_streams_list (store, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (rows->len, ==, 1);
    g_assert_cmpuint (((MillStreamRow *) g_ptr_array_index (rows, 0))
                          ->generation,
        ==, 41);
    guint64 generation;
    g_assert_true (mill_store_next_generation (store, &generation, &error));
    g_assert_cmpuint (generation, ==, 42);
    g_autoptr (GPtrArray) keys = mill_store_keys_list (store, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (keys->len, ==, 0);
    g_assert_cmpint (query_number (fixture->path, "PRAGMA user_version"), ==,
        newest);
  }
}

static void
test_newer_version_is_refused_untouched (Fixture *fixture, gconstpointer data)
{
  execute (fixture->path, "CREATE TABLE future (x); PRAGMA user_version = 99");
  assert_open_fails (fixture, MILL_STORE_ERROR_VERSION, "newer millrace");
  g_assert_cmpint (query_number (fixture->path, "PRAGMA user_version"), ==, 99);
}

/* Half an upgrade must not be taken for a whole one. */
static void
test_failed_upgrade_changes_nothing (Fixture *fixture, gconstpointer data)
{
  execute (fixture->path, "CREATE TABLE nodes (in_the_way)");
  assert_open_fails (fixture, MILL_STORE_ERROR_FAILED, "version 1");
  g_assert_cmpint (query_number (fixture->path, "PRAGMA user_version"), ==, 0);
  g_assert_cmpint (query_number (fixture->path,
                       "SELECT count(*) FROM sqlite_schema"
                       " WHERE name = 'counters'"),
      ==, 0);
}

static void
test_corrupt_file (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *junk = g_strnfill (8192, 'x');
  g_assert_true (g_file_set_contents (fixture->path, junk, 8192, NULL));
  assert_open_fails (fixture, MILL_STORE_ERROR_CORRUPT, "backup");
}

/* Root may write everything, so a directory in the file's place stands for a
 * path that cannot be opened. */
static void
test_path_that_cannot_be_opened (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  assert_open_fails (fixture, MILL_STORE_ERROR_OPEN, "may create and write");
  g_rmdir (fixture->path);
}

/* max_page_count makes SQLite say what a full disk makes it say. */
static void
test_full_store (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillStore) store = open_store (fixture);
  g_autoptr (GError) error = NULL;
  g_autofree gchar *long_text = g_strnfill (1 << 20, 'x');
  g_assert_true (mill_store_select (store, NULL, NULL, &error,
      "PRAGMA max_page_count = 20", ""));
  MillPipelineRow row = { .name = (gchar *) "big",
    .text = long_text,
    .node_id = (gchar *) "n" };
  g_assert_false (mill_store_pipelines_put (store, &row, &error));
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_FULL);
  g_clear_error (&error);
  /* and goes on with what fits */
  g_autoptr (MillStreamRow) stream = new_row ("small");
  g_assert_true (mill_store_streams_put (store, stream, &error));
  g_assert_no_error (error);
}

/* A generation that repeats would overwrite segments that caches hold. */
static void
test_generations_never_repeat (Fixture *fixture, gconstpointer data)
{
  guint64 last = 0;
  for (guint opening = 0; opening < 3; opening++) {
    g_autoptr (MillStore) store = open_store (fixture);
    for (guint i = 0; i < 5; i++) {
      guint64 generation;
      g_assert_true (mill_store_next_generation (store, &generation, NULL));
      g_assert_cmpuint (generation, >, last);
      last = generation;
    }
  }
}

static void
test_keys (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillStore) store = open_store (fixture);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) one = g_bytes_new_take (g_strnfill (32, 1), 32);
  g_autoptr (GBytes) two = g_bytes_new_take (g_strnfill (32, 2), 32);
  for (guint i = 0; i < 5; i++) {
    g_autofree gchar *id = g_strdup_printf ("key_%u", i);
    g_autoptr (GBytes) hash =
        g_bytes_new_take (g_strnfill (32, (gchar) (10 + i)), 32);
    MillKeyRow row = { .id = id,
      .app = (gchar *) "live",
      .name = (gchar *) "demo",
      .enabled = TRUE,
      .created_at = 5,
      .expires_at = i == 0 ? 0 : 99,
      .generation = 1,
      .node_id = (gchar *) "n" };
    mill_store_keys_insert (store, &row, i == 0 ? one : hash, &error);
    g_assert_no_error (error);
    g_assert_false (mill_store_keys_insert (store, &row, i == 0 ? one : hash,
        &error));
    g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_EXISTS);
    g_clear_error (&error);
  }

  g_autoptr (MillKeyRow) found = mill_store_keys_find (store, one, &error);
  g_assert_cmpstr (found->id, ==, "key_0");
  g_assert_cmpint (found->expires_at, ==, 0);
  g_assert_true (mill_store_keys_rotate (store, "key_0", two, 0, &error));
  g_assert_null (mill_store_keys_find (store, one, &error));
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_autoptr (MillKeyRow) rotated = mill_store_keys_find (store, two, &error);
  g_assert_cmpuint (rotated->generation, ==, 2);

  MillStorePage page = { "key_1", 2 };
  g_autoptr (GPtrArray) rows = mill_store_keys_list (store, &page, &error);
  g_assert_cmpuint (rows->len, ==, 2);
  g_assert_cmpstr (((MillKeyRow *) g_ptr_array_index (rows, 0))->id, ==,
      "key_2");
  g_assert_true (mill_store_keys_delete (store, "key_0", &error));
  g_assert_false (mill_store_keys_delete (store, "key_0", &error));
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_NOT_FOUND);
}

static void
test_pipelines (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillStore) store = open_store (fixture);
  g_autoptr (GError) error = NULL;
  MillPipelineRow row = { .name = (gchar *) "p",
    .text = (gchar *) "one",
    .node_id = (gchar *) "n",
    .created_at = 1,
    .updated_at = 1 };
  g_assert_true (mill_store_pipelines_put (store, &row, &error));
  row.text = (gchar *) "two";
  row.created_at = row.updated_at = 2;
  g_assert_true (mill_store_pipelines_put (store, &row, &error));
  g_autoptr (MillPipelineRow) read =
      mill_store_pipelines_get (store, "p", &error);
  g_assert_cmpstr (read->text, ==, "two");
  g_assert_cmpuint (read->generation, ==, 2);
  g_assert_cmpint (read->created_at, ==, 1);
  g_assert_cmpint (read->updated_at, ==, 2);
}

static void
test_urls (void)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (mill_store_check_url ("sqlite:", NULL));
  g_assert_true (mill_store_check_url ("sqlite:/x/y.db", NULL));
  g_assert_false (mill_store_check_url ("postgresql://h/d", &error));
  g_assert_nonnull (g_strstr_len (error->message, -1, "not yet available"));
  g_clear_error (&error);
  g_assert_false (mill_store_check_url ("mysql://h", &error));
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_OPEN);
}

/* It has keys of other servers: whatever its directory and an older millrace
 * have let in. */
static void
test_private (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *wal = g_strconcat (fixture->path, "-wal", NULL);
  mode_t before = umask (0022);
  MillStore *store = open_store (fixture);
  g_autoptr (MillStreamRow) row = new_row ("demo");
  g_autoptr (GError) error = NULL;
  assert_private (fixture->path);
  mill_store_streams_put (store, row, &error);
  g_assert_no_error (error);
  assert_private (wal);
  mill_store_close (store);

  g_assert_cmpint (g_chmod (fixture->path, 0644), ==, 0);
  mill_store_close (open_store (fixture));
  assert_private (fixture->path);
  umask (before);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) \
  g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/store/stream-round-trip", test_stream_round_trip);
  ADD ("/store/upgrade", test_upgrade_from_each_version);
  ADD ("/store/newer", test_newer_version_is_refused_untouched);
  ADD ("/store/failed-upgrade", test_failed_upgrade_changes_nothing);
  ADD ("/store/corrupt", test_corrupt_file);
  ADD ("/store/unopenable", test_path_that_cannot_be_opened);
  ADD ("/store/full", test_full_store);
  ADD ("/store/generations", test_generations_never_repeat);
  ADD ("/store/keys", test_keys);
  ADD ("/store/private", test_private);
  ADD ("/store/pipelines", test_pipelines);
  g_test_add_func ("/store/urls", test_urls);
  return g_test_run ();
}
