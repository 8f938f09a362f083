/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "address.h"
#include "admin-key.h"
#include "attempt-limit.h"
#include "key-auth.h"
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

/* The key that @secret opens allows only these networks. */
static void
allow_from (MillStore *store, const gchar *id, const gchar *ranges)
{
  g_autoptr (MillKeyRow) row = mill_store_keys_get (store, id, NULL);
  g_strfreev (row->allowed_addresses);
  row->allowed_addresses = g_strsplit (ranges, " ", -1);
  g_assert_true (mill_store_keys_update (store, row, NULL));
}

/* Anybody who gets a stream here that this table does not say can take over
 * somebody else's; anybody refused cannot go live. What the encoder shows is
 * all that its user has: a mistyped key in OBS' only field is another thing
 * than a key that was left out. */
static void
test_who_may_publish (void)
{
  static const gchar *const over = "stream key is disabled or has expired";
  static const struct
  {
    const gchar *app;
    const gchar *name;
    const gchar *query;
    MillDenial denial; /* NONE: "mine" */
    const gchar *text;
  } cases[] = {
    { "live", "mine", "key=good", MILL_DENIAL_NONE, NULL },
    { "live", "mine", "a=b&key=good&c=d", MILL_DENIAL_NONE, NULL },
    { "live", "good", "", MILL_DENIAL_NONE, NULL },
    { "live", "mine", "key=timely", MILL_DENIAL_NONE, NULL },
    { "live", "mine", "", MILL_DENIAL_NO_CREDENTIAL,
        "a stream key is required" },
    { "live", "mine", "KEY=good", MILL_DENIAL_NO_CREDENTIAL,
        "a stream key is required" },
    { "live", "mine", "%zz", MILL_DENIAL_NO_CREDENTIAL,
        "a stream key is required" },
    { "live", "mine", "key=", MILL_DENIAL_UNKNOWN_KEY, "unknown stream key" },
    { "live", "mine", "key=bad", MILL_DENIAL_UNKNOWN_KEY,
        "unknown stream key" },
    { "live", "mine", "key=bad&key=good", MILL_DENIAL_UNKNOWN_KEY,
        "unknown stream key" },
    { "live", MILL_PUBLISH_AUTH_KEY_PREFIX "bad", "", MILL_DENIAL_UNKNOWN_KEY,
        "unknown stream key" },
    { "live", "other", "key=good", MILL_DENIAL_KEY_MISMATCH,
        "stream key is for another name" },
    { "else", "mine", "key=good", MILL_DENIAL_KEY_MISMATCH,
        "stream key is for another application" },
    { "live", "mine", "key=off", MILL_DENIAL_KEY_DISABLED, over },
    { "live", "mine", "key=late", MILL_DENIAL_KEY_EXPIRED, over },
    { "live", "mine", "key=away", MILL_DENIAL_ADDRESS,
        "stream key is not allowed from this address" },
  };
  g_autoptr (MillStore) store = mill_store_open ("sqlite::memory:", "/", NULL);
  g_autoptr (GInetAddress) address = mill_address_parse ("192.0.2.7:4000");
  add_key (store, "good", "key_1", TRUE, 0);
  add_key (store, "off", "key_2", FALSE, 0);
  add_key (store, "late", "key_3", TRUE, NOW);
  add_key (store, "timely", "key_4", TRUE, NOW + 1);
  add_key (store, "away", "key_5", TRUE, 0);
  allow_from (store, "key_5", "192.0.3.0/24 2001:db8::/32");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MillPublishClaim claim = { cases[i].app, cases[i].name, cases[i].query,
      address };
    g_autoptr (MillPublishVerdict) verdict =
        mill_key_auth_check (store, &claim, NOW);
    g_test_message ("case %u", i);
    g_assert_cmpstr (mill_publish_verdict_denial_to_string (verdict->denial),
        ==, mill_publish_verdict_denial_to_string (cases[i].denial));
    g_assert_cmpstr (verdict->text, ==, cases[i].text);
    g_assert_cmpstr (verdict->stream, ==, cases[i].text ? NULL : "mine");
    /* what was sent may be somebody's key: no message repeats it */
    for (guint n = 0; verdict->text && n < 2; n++) {
      const gchar *message = n == 0 ? verdict->text : verdict->detail;
      g_assert_null (message ? strstr (message, "good") : NULL);
      g_assert_null (message ? strstr (message, "mine") : NULL);
    }
  }
}

static MillDenial
check_from (MillStore *store, const gchar *secret, const gchar *from,
    gint64 now)
{
  g_autoptr (GInetAddress) address = mill_address_parse (from);
  g_autofree gchar *query = g_strconcat ("key=", secret, NULL);
  MillPublishClaim claim = { "live", "mine", query, address };
  g_autoptr (MillPublishVerdict) verdict =
      mill_key_auth_check (store, &claim, now);
  return verdict->denial;
}

/* A key for the studio is worth nothing to who finds it elsewhere. */
static void
test_allowed_addresses (void)
{
  static const struct
  {
    const gchar *from;
    gboolean allowed;
  } cases[] = {
    { "10.1.2.3:1234", TRUE },
    { "11.1.2.3:1234", FALSE },
    { "[2001:db8:1::9]:1234", TRUE },
    { "[2001:db9::9]:1234", FALSE },
    { "[::ffff:10.9.9.9]:1234", TRUE }, /* a listener on [::] */
    { "[::ffff:11.9.9.9]:1234", FALSE },
    { "198.51.100.4:1", TRUE },
    { "198.51.100.5:1", FALSE },
    { "unknown", FALSE },
    { "", FALSE },
  };
  g_autoptr (MillStore) store = mill_store_open ("sqlite::memory:", "/", NULL);
  add_key (store, "good", "key_1", TRUE, 0);
  allow_from (store, "key_1", "10.0.0.0/8 2001:db8::/32 198.51.100.4");
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_test_message ("from %s", cases[i].from);
    g_assert_cmpint (check_from (store, "good", cases[i].from, NOW), ==,
        cases[i].allowed ? MILL_DENIAL_NONE : MILL_DENIAL_ADDRESS);
  }
  static const gchar *const wrong[] = { "", "10.0.0.1/8", "10.0.0.0/33", "x",
    "10.0.0.0/", "2001:db8::/129", "10.0.0.0/8 " };
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_false (mill_address_check_range (wrong[i], &error));
    g_assert_nonnull (error);
  }
}

/* The encoder has time to be told the new secret; then the old one is over. */
static void
test_rotation_with_grace (void)
{
  g_autoptr (MillStore) store = mill_store_open ("sqlite::memory:", "/", NULL);
  g_autoptr (GBytes) second = mill_secret_hash ("second");
  g_autoptr (GBytes) third = mill_secret_hash ("third");
  const gchar *from = "10.0.0.1:1";
  add_key (store, "first", "key_1", TRUE, 0);

  g_assert_true (mill_store_keys_rotate (store, "key_1", second, NOW + 10,
      NULL));
  g_assert_cmpint (check_from (store, "first", from, NOW + 9), ==,
      MILL_DENIAL_NONE);
  g_assert_cmpint (check_from (store, "first", from, NOW + 10), ==,
      MILL_DENIAL_KEY_EXPIRED);
  g_assert_cmpint (check_from (store, "second", from, NOW + 10), ==,
      MILL_DENIAL_NONE);

  g_assert_true (mill_store_keys_rotate (store, "key_1", third, 0, NULL));
  g_assert_cmpint (check_from (store, "second", from, NOW), ==,
      MILL_DENIAL_UNKNOWN_KEY);
  g_assert_cmpint (check_from (store, "first", from, NOW), ==,
      MILL_DENIAL_UNKNOWN_KEY);
  g_assert_cmpint (check_from (store, "third", from, NOW), ==,
      MILL_DENIAL_NONE);
}

static MillDenial
recheck (MillStore *store, const MillKeyUse *use)
{
  g_autoptr (MillPublishVerdict) verdict = mill_key_auth_recheck (store, use);
  return verdict->denial;
}

/* Who was let in is thrown out by what an operator does to his key, and by
 * nothing else. */
static void
test_recheck (void)
{
  g_autoptr (MillStore) store = mill_store_open ("sqlite::memory:", "/", NULL);
  g_autoptr (GInetAddress) address = mill_address_parse ("10.0.0.1:1");
  g_autoptr (GBytes) second = mill_secret_hash ("second");
  g_autoptr (GBytes) third = mill_secret_hash ("third");
  MillKeyUse use = { "key_1", 1, address };
  add_key (store, "first", "key_1", TRUE, 5); /* long expired */

  g_assert_cmpint (recheck (store, &use), ==, MILL_DENIAL_NONE);
  allow_from (store, "key_1", "10.0.0.0/8");
  g_assert_cmpint (recheck (store, &use), ==, MILL_DENIAL_NONE);
  allow_from (store, "key_1", "11.0.0.0/8");
  g_assert_cmpint (recheck (store, &use), ==, MILL_DENIAL_ADDRESS);
  allow_from (store, "key_1", "10.0.0.1");
  mill_store_keys_rotate (store, "key_1", second, NOW, NULL);
  g_assert_cmpint (recheck (store, &use), ==, MILL_DENIAL_NONE);
  mill_store_keys_rotate (store, "key_1", third, 0, NULL);
  g_assert_cmpint (recheck (store, &use), ==, MILL_DENIAL_UNKNOWN_KEY);
  use.key_generation = 3;
  g_assert_cmpint (recheck (store, &use), ==, MILL_DENIAL_NONE);
  g_autoptr (MillKeyRow) row = mill_store_keys_get (store, "key_1", NULL);
  row->enabled = FALSE;
  mill_store_keys_update (store, row, NULL);
  g_assert_cmpint (recheck (store, &use), ==, MILL_DENIAL_KEY_DISABLED);
  mill_store_keys_delete (store, "key_1", NULL);
  g_assert_cmpint (recheck (store, &use), ==, MILL_DENIAL_UNKNOWN_KEY);
}

/* What is shown says who judges it; with nothing shown, what is missing is
 * said by one that knows. */
static void
test_ways (void)
{
  const MillPublishAuth keys = MILL_PUBLISH_AUTH_KEYS;
  const MillPublishAuth jwt = MILL_PUBLISH_AUTH_JWT;
  const MillPublishAuth webhook = MILL_PUBLISH_AUTH_WEBHOOK;
  const struct
  {
    MillPublishAuth ways;
    const gchar *name;
    const gchar *query;
    MillPublishAuth chosen;
  } cases[] = {
    { MILL_PUBLISH_AUTH_NONE, "mine", "key=x", MILL_PUBLISH_AUTH_NONE },
    { keys, "mine", "", keys },
    { keys | jwt, "mine", "", keys },
    { keys | jwt, "mine", "token=x", jwt },
    { keys | jwt, "mine", "jwt=x", jwt },
    { keys | jwt, "mine", "key=x&token=y", keys },
    { keys | jwt, "eyJhbGciOiJub25lIn0.e30.", "", jwt },
    { keys | jwt, "sk_x", "", keys },
    { keys | jwt | webhook, "mine", "", webhook },
    { keys | webhook, "mine", "token=x", webhook },
    { keys | webhook, "mine", "key=x", keys },
    { jwt, "mine", "key=x", jwt },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MillPublishClaim claim = { "live", cases[i].name, cases[i].query, NULL };
    g_test_message ("case %u", i);
    g_assert_cmpint (mill_publish_auth_choose (cases[i].ways, &claim), ==,
        cases[i].chosen);
  }
}

/* ---- attempts ---- */

static guint
count_attempts (MillAttemptLimit *limit, const gchar *from, gint64 now,
    gboolean wrong)
{
  g_autoptr (GInetAddress) address = mill_address_parse (from);
  for (guint n = 0; n < 1000; n++) {
    if (!mill_attempt_limit_take (limit, address, now))
      return n;
    if (wrong)
      mill_attempt_limit_fail (limit, address);
  }
  return G_MAXUINT;
}

static void
test_attempts (void)
{
  const gint64 minute = 60 * G_USEC_PER_SEC;
  gchar *exempt[] = { (gchar *) "127.0.0.0/8", NULL };
  MillAttemptRules rules = { 60, 60, 6, 3, exempt };
  g_autoptr (MillAttemptLimit) limit = mill_attempt_limit_new ();
  mill_attempt_limit_set_rules (limit, &rules);

  g_assert_cmpuint (count_attempts (limit, "192.0.2.1:1", 0, TRUE), ==, 10);
  g_assert_cmpuint (count_attempts (limit, "192.0.2.2:1", 0, FALSE), ==, 60);
  /* Another port is the same sender, another address is not. */
  g_assert_cmpuint (count_attempts (limit, "192.0.2.1:2", 0, FALSE), ==, 0);
  g_assert_cmpuint (count_attempts (limit, "127.0.0.1:1", 0, TRUE), ==,
      G_MAXUINT);
  /* Who waits a minute, and knows the secret by then, gets in. */
  g_assert_cmpuint (count_attempts (limit, "192.0.2.1:1", minute, TRUE), ==,
      10);
  g_assert_cmpuint (count_attempts (limit, "192.0.2.1:1", minute, TRUE), ==, 0);
  /* The whole /64 is one customer. */
  g_assert_cmpuint (count_attempts (limit, "[2001:db8::1]:1", 0, FALSE), ==,
      60);
  g_assert_cmpuint (count_attempts (limit, "[2001:db8::ffff:1]:1", 0, FALSE),
      ==, 0);
  /* The fourth sender: the least recent is forgotten, the others are not. */
  g_assert_cmpuint (count_attempts (limit, "[2001:db8:0:1::1]:1", 0, FALSE), ==,
      60);
  g_assert_cmpuint (count_attempts (limit, "[2001:db8::2]:1", 0, FALSE), ==, 0);
  g_assert_cmpuint (count_attempts (limit, "192.0.2.2:1", 0, FALSE), ==, 60);
  rules.burst = 0;
  mill_attempt_limit_set_rules (limit, &rules);
  g_assert_cmpuint (count_attempts (limit, "192.0.2.2:1", 0, TRUE), ==,
      G_MAXUINT);
}

static void
test_names (void)
{
  g_autofree gchar *longest = g_strnfill (64, 'a');
  g_autofree gchar *too_long = g_strnfill (65, 'a');
  g_assert_true (mill_publish_auth_is_name (longest));
  g_assert_false (mill_publish_auth_is_name (too_long));
  static const gchar *const wrong[] = { "", "../x", "a b", "a\n", ".", "a/b",
    "\xc3\xa4" };
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    g_assert_false (mill_publish_auth_is_name (wrong[i]));
  g_assert_true (mill_publish_auth_is_name ("any_Name-1"));
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
  g_test_add_func ("/auth/publish/addresses", test_allowed_addresses);
  g_test_add_func ("/auth/publish/rotation", test_rotation_with_grace);
  g_test_add_func ("/auth/publish/recheck", test_recheck);
  g_test_add_func ("/auth/publish/ways", test_ways);
  g_test_add_func ("/auth/attempts", test_attempts);
  g_test_add_func ("/auth/names", test_names);
  return g_test_run ();
}
