/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What people write as a location and as its endpoint (a line each), and the
 * file of credentials (the rest): what is taken is a plain URL without secrets,
 * and no message has a secret either. */

#include <string.h>

#include "sign/sign-credentials.h"
#include "store/store-location.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_url (const gchar *url)
{
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_ENCODED, NULL);
  g_autofree gchar *object = mill_store_location_join (url, "v360/1-0.m4s");

  g_assert_nonnull (uri);
  g_assert_null (g_uri_get_userinfo (uri));
  g_assert_null (g_uri_get_query (uri));
  g_assert_null (g_uri_get_fragment (uri));
  g_assert_true (g_str_has_prefix (url, "http"));
  g_assert_false (g_str_has_suffix (url, "/"));
  g_assert_true (g_str_has_suffix (object, "/v360/1-0.m4s"));
}

static void
check_location (const gchar *text, const gchar *endpoint)
{
  g_auto (MillStoreLocation) location = { 0 };
  g_autoptr (GError) error = NULL;

  if (!mill_store_location_parse (text, endpoint, NULL, &location, &error)) {
    g_assert_nonnull (error);
    return;
  }
  g_assert_no_error (error);
  g_assert_true ((location.path == NULL) != (location.url == NULL));
  if (location.url != NULL)
    check_url (location.url);
}

static void
check_credentials (const gchar *text, gsize length)
{
  g_auto (MillCredentials) credentials = { 0 };
  g_autoptr (GError) error = NULL;
  gboolean done =
      mill_sign_credentials_parse (text, length, "file", &credentials, &error);

  g_assert_true (done == (error == NULL));
  if (done && credentials.bearer_token != NULL)
    g_assert_null (strpbrk (credentials.bearer_token, " \r\n"));
}

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree gchar *text =
      g_strndup (size > 0 ? (const gchar *) data : "", size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", 3);
  guint n = g_strv_length (lines);

  if (n >= 1)
    check_location (lines[0], n >= 2 ? lines[1] : NULL);
  if (n >= 3)
    check_credentials (lines[2], strlen (lines[2]));
  return 0;
}
