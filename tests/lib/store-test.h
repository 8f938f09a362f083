/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <string.h>

#include <glib/gstdio.h>

#include "store/store-directory.h"

/* What the tests of the store share: a store in a directory of its own, and
 * what is written to one and found in it. */

#define DEADLINE_US (20 * G_USEC_PER_SEC)

typedef struct
{
  gchar *path;
  MillStore *store;
} Fixture;

static inline void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->path = g_dir_make_tmp ("mill-store-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->store = mill_store_directory_new (fixture->path, &error);
  g_assert_no_error (error);
}

static inline void
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

static inline void
tear_down (Fixture *fixture, gconstpointer data)
{
  remove_tree (fixture->store, "");
  mill_store_unref (fixture->store);
  g_assert_cmpint (g_rmdir (fixture->path), ==, 0);
  g_free (fixture->path);
}

static inline void
put (MillStore *store, const gchar *name, const gchar *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  g_autoptr (GError) error = NULL;

  mill_store_put (store, name, bytes, &error);
  g_assert_no_error (error);
}

static inline void
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

static inline MillStoreChunk *
make_chunk (const gchar *text)
{
  MillStoreChunk *chunk = mill_store_chunk_new (1);
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  mill_store_chunk_add_bytes (chunk, bytes);
  return chunk;
}

static inline void
append (MillStoreObject *object, const gchar *text)
{
  g_autoptr (MillStoreChunk) chunk = make_chunk (text);
  g_autoptr (GError) error = NULL;

  mill_store_object_append (object, chunk, &error);
  g_assert_no_error (error);
}

#define ADD(path, data, func) \
  g_test_add (path, Fixture, data, set_up, func, tear_down)
