/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Users notice a broken one by segments in the wrong place, by a signature that
 * does not fit the path, or by a password in a log. */

#include <string.h>

#include "store/store-location.h"
#include "store/store.h"

static const struct
{
  const gchar *text;
  const gchar *endpoint;
  const gchar *path;
  const gchar *url;
} good[] = {
  { "media/live", NULL, "media/live", NULL },
  { "/media/live", NULL, "/media/live", NULL },
  { "file:///media/a%20b", NULL, "/media/a b", NULL },
  { "http://host", NULL, NULL, "http://host" },
  { "https://host/", NULL, NULL, "https://host" },
  { "https://host:8443/a/b/", NULL, NULL, "https://host:8443/a/b" },
  { "http://[::1]:80/a", NULL, NULL, "http://[::1]:80/a" },
  { "https://host/a%20b+c~", NULL, NULL, "https://host/a%20b%2Bc~" },
  { "s3://bucket", NULL, NULL, "https://s3.us-east-1.amazonaws.com/bucket" },
  { "s3://bucket/a/b", "http://127.0.0.1:9000", NULL,
      "http://127.0.0.1:9000/bucket/a/b" },
  { "s3://bucket/a", "https://store.example/base/", NULL,
      "https://store.example/base/bucket/a" },
};

static const struct
{
  const gchar *text;
  const gchar *endpoint;
  const gchar *says;
} bad[] = {
  { "ftp://host/a", NULL, "scheme 'ftp'" },
  { "http:///a", NULL, "no host" },
  { "http://me:hunter2@host/a", NULL, "'http://host/a'" },
  { "http://hunter2@host/a", NULL, "credentials" },
  { "https://host/a?sig=hunter2", NULL, "'https://host/a'" },
  { "https://host/a#hunter2", NULL, "query or fragment" },
  { "https://host/a//b", NULL, "empty" },
  { "https://host//", NULL, "empty" },
  { "https://host%2Fa", NULL, "no host" },
  { "https://me%40host/a", NULL, "no host" },
  { "https://a%3Ab/c", NULL, "no host" },
  { "s3://bucket//", NULL, "s3://bucket/prefix" },
  { "https://host/a%2Fb", NULL, "escapes" },
  { "https://host/%00", NULL, "escapes" },
  { "https://host/%FF", NULL, "escapes" },
  { "s3://Bucket/a", NULL, "s3://bucket/prefix" },
  { "s3://b/a", NULL, "s3://bucket/prefix" },
  { "s3://bucket:9000/a", NULL, "s3://bucket/prefix" },
  { "s3://bucket/a", "store.example", "endpoint" },
  { "s3://bucket/a", "https://me:hunter2@store.example", "credentials" },
};

static void
test_good (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_auto (MillStoreLocation) location = { 0 };
    g_autoptr (GError) error = NULL;

    g_assert_true (mill_store_location_parse (good[i].text, good[i].endpoint,
        NULL, &location, &error));
    g_assert_no_error (error);
    g_assert_cmpstr (location.path, ==, good[i].path);
    g_assert_cmpstr (location.url, ==, good[i].url);
  }
}

static void
test_bad (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_auto (MillStoreLocation) location = { 0 };
    g_autoptr (GError) error = NULL;

    g_assert_false (mill_store_location_parse (bad[i].text, bad[i].endpoint,
        NULL, &location, &error));
    g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_NAME);
    if (strstr (error->message, bad[i].says) == NULL)
      g_error ("'%s' is not in '%s'", bad[i].says, error->message);
    g_assert_null (strstr (error->message, "hunter2"));
  }
}

static void
test_join (void)
{
  g_autofree gchar *url = mill_store_location_join ("http://h/a", "v/1 2.m4s");

  g_assert_cmpstr (url, ==, "http://h/a/v/1%202.m4s");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store/location/good", test_good);
  g_test_add_func ("/store/location/bad", test_bad);
  g_test_add_func ("/store/location/join", test_join);
  return g_test_run ();
}
