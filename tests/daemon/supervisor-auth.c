/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "admin-key.h"
#include "publish-auth.h"
#include "secret.h"
#include "store-keys.h"

#define NOW 1000

typedef struct
{
  gchar *dir;
  gchar *path;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->dir = g_dir_make_tmp ("mill-auth-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->dir, "admin.key", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_unlink (fixture->path);
  g_assert_cmpint (g_rmdir (fixture->dir), ==, 0);
  g_free (fixture->dir);
  g_free (fixture->path);
}

static void
test_admin_key_is_made_once_and_private (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *text = NULL;
  struct stat info;
  g_autoptr (MillAdminKey) first = mill_admin_key_load (fixture->dir, &error);
  g_assert_no_error (error);
  g_assert_cmpint (g_stat (fixture->path, &info), ==, 0);
  g_assert_cmpint (info.st_mode & 07777, ==, 0600);
  g_assert_true (g_file_get_contents (fixture->path, &text, NULL, NULL));
  g_strchomp (text);
  g_assert_cmpuint (strlen (text), >=, 32);

  g_autoptr (MillAdminKey) again = mill_admin_key_load (fixture->dir, &error);
  g_assert_true (mill_admin_key_matches (first, text));
  g_assert_true (mill_admin_key_matches (again, text));
  g_assert_false (mill_admin_key_matches (again, NULL));
  g_assert_false (mill_admin_key_matches (again, ""));
  text[strlen (text) - 1] ^= 1;
  g_assert_false (mill_admin_key_matches (again, text));
}

static void
test_admin_key_that_others_can_read (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillAdminKey) key = mill_admin_key_load (fixture->dir, NULL);
  g_assert_nonnull (key);
  g_assert_cmpint (g_chmod (fixture->path, 0644), ==, 0);
  g_assert_null (mill_admin_key_load (fixture->dir, &error));
  g_assert_error (error, MILL_AUTH_ERROR, MILL_AUTH_ERROR_KEY_FILE);
  g_assert_nonnull (g_strstr_len (error->message, -1, "0644"));
}

static void
test_admin_key_that_is_too_short (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (g_file_set_contents_full (fixture->path, "short\n", -1,
      G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  g_assert_null (mill_admin_key_load (fixture->dir, &error));
  g_assert_error (error, MILL_AUTH_ERROR, MILL_AUTH_ERROR_KEY_FILE);
  g_assert_null (g_strstr_len (error->message, -1, "short\n"));
}

static void
test_secrets (void)
{
  g_autoptr (GHashTable) seen =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < 1000; i++) {
    gchar *secret = mill_secret_generate ("sk_");
    g_assert_cmpuint (strlen (secret), ==, 3 + 32); /* 160 bits */
    g_assert_true (mill_publish_auth_is_name (secret));
    g_assert_true (g_hash_table_add (seen, secret));
  }
  /* FIPS 180-4's example "abc" */
  static const guint8 abc[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
    0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3,
    0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
  g_autoptr (GBytes) hash = mill_secret_hash ("abc");
  g_assert_cmpmem (g_bytes_get_data (hash, NULL), g_bytes_get_size (hash), abc,
      sizeof abc);
}

static void
add_key (MillStore *store, const gchar *secret, const gchar *id,
    gboolean enabled, gint64 expires_at)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) hash = mill_secret_hash (secret);
  MillKeyRow row = { .id = (gchar *) id,
    .app = (gchar *) "live",
    .name = (gchar *) "mine",
    .enabled = enabled,
    .created_at = 1,
    .expires_at = expires_at,
    .generation = 1,
    .node_id = (gchar *) "n" };
  mill_store_keys_insert (store, &row, hash, &error);
  g_assert_no_error (error);
}

/* Anybody who gets a stream here that this table does not say can take over
 * somebody else's; anybody refused cannot go live. */
static void
test_who_may_publish (void)
{
  static const struct
  {
    MillPublishAuth auth;
    const gchar *app;
    const gchar *name;
    const gchar *query;
    const gchar *stream; /* NULL: denied */
  } cases[] = {
    { MILL_PUBLISH_AUTH_NONE, "live", "any_Name-1", "", "any_Name-1" },
    { MILL_PUBLISH_AUTH_NONE, "live", "any", "key=whatever", "any" },
    { MILL_PUBLISH_AUTH_NONE, "live", "", "", NULL },
    { MILL_PUBLISH_AUTH_NONE, "live", "../x", "", NULL },
    { MILL_PUBLISH_AUTH_NONE, "live", "a b", "", NULL },
    { MILL_PUBLISH_AUTH_NONE, "live", "a\n", "", NULL },
    { MILL_PUBLISH_AUTH_NONE, "live", ".", "", NULL },
    { MILL_PUBLISH_AUTH_KEYS, "live", "mine", "key=good", "mine" },
    { MILL_PUBLISH_AUTH_KEYS, "live", "mine", "a=b&key=good&c=d", "mine" },
    { MILL_PUBLISH_AUTH_KEYS, "live", "good", "", "mine" },
    { MILL_PUBLISH_AUTH_KEYS, "live", "mine", "", NULL },
    { MILL_PUBLISH_AUTH_KEYS, "live", "mine", "key=", NULL },
    { MILL_PUBLISH_AUTH_KEYS, "live", "mine", "key=bad", NULL },
    { MILL_PUBLISH_AUTH_KEYS, "live", "mine", "key=bad&key=good", NULL },
    { MILL_PUBLISH_AUTH_KEYS, "live", "other", "key=good", NULL },
    { MILL_PUBLISH_AUTH_KEYS, "else", "mine", "key=good", NULL },
    { MILL_PUBLISH_AUTH_KEYS, "live", "mine", "key=off", NULL },
    { MILL_PUBLISH_AUTH_KEYS, "live", "mine", "key=late", NULL },
    { MILL_PUBLISH_AUTH_KEYS, "live", "mine", "key=timely", "mine" },
    { MILL_PUBLISH_AUTH_KEYS, "live", "mine", "KEY=good", NULL },
    { MILL_PUBLISH_AUTH_KEYS, "live", "mine", "%zz", NULL },
  };
  g_autoptr (MillStore) store = mill_store_open ("sqlite::memory:", "/", NULL);
  add_key (store, "good", "key_1", TRUE, 0);
  add_key (store, "off", "key_2", FALSE, 0);
  add_key (store, "late", "key_3", TRUE, NOW);
  add_key (store, "timely", "key_4", TRUE, NOW + 1);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    MillPublishClaim claim = { cases[i].app, cases[i].name, cases[i].query };
    g_autofree gchar *stream =
        mill_publish_auth_check (cases[i].auth, store, &claim, NOW, &error);
    g_test_message ("case %u", i);
    g_assert_cmpstr (stream, ==, cases[i].stream);
    if (cases[i].stream)
      continue;
    g_assert_error (error, MILL_AUTH_ERROR, MILL_AUTH_ERROR_DENIED);
    /* what was sent may be somebody's key: no message repeats it */
    g_assert_null (g_strstr_len (error->message, -1, "good"));
    g_assert_null (g_strstr_len (error->message, -1, "mine"));
  }
}

/* What the encoder shows is all that its user has: a mistyped key in OBS' only
 * field is another thing than a key that was left out. */
static void
test_refusal_says_what_is_wrong (void)
{
  static const struct
  {
    const gchar *name;
    const gchar *query;
    const gchar *message;
  } cases[] = {
    { "mine", "", "a stream key is required" },
    { "mine", "key=bad", "unknown stream key" },
    { MILL_PUBLISH_AUTH_KEY_PREFIX "bad", "", "unknown stream key" },
    { "mine", "key=off", "stream key is disabled or has expired" },
    { "other", "key=good", "stream key is for another name" },
  };
  g_autoptr (MillStore) store = mill_store_open ("sqlite::memory:", "/", NULL);
  add_key (store, "good", "key_1", TRUE, 0);
  add_key (store, "off", "key_2", FALSE, 0);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    MillPublishClaim claim = { "live", cases[i].name, cases[i].query };
    g_assert_null (mill_publish_auth_check (MILL_PUBLISH_AUTH_KEYS, store,
        &claim, NOW, &error));
    g_assert_cmpstr (error->message, ==, cases[i].message);
  }
}

static void
test_name_lengths (void)
{
  g_autofree gchar *longest = g_strnfill (64, 'a');
  g_autofree gchar *too_long = g_strnfill (65, 'a');
  g_assert_true (mill_publish_auth_is_name (longest));
  g_assert_false (mill_publish_auth_is_name (too_long));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/auth/admin-key/made", Fixture, NULL, set_up,
      test_admin_key_is_made_once_and_private, tear_down);
  g_test_add ("/auth/admin-key/readable", Fixture, NULL, set_up,
      test_admin_key_that_others_can_read, tear_down);
  g_test_add ("/auth/admin-key/short", Fixture, NULL, set_up,
      test_admin_key_that_is_too_short, tear_down);
  g_test_add_func ("/auth/secrets", test_secrets);
  g_test_add_func ("/auth/publish", test_who_may_publish);
  g_test_add_func ("/auth/publish/refusal-says-what-is-wrong",
      test_refusal_says_what_is_wrong);
  g_test_add_func ("/auth/name-lengths", test_name_lengths);
  return g_test_run ();
}
