/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "publish-auth.h"

#include <string.h>

#include "admin-key.h"
#include "secret.h"
#include "store-keys.h"

#define MAX_NAME_LENGTH 64

gboolean
mill_publish_auth_is_name (const gchar *name)
{
  gsize length = strspn (name, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_-");
  return length > 0 && length <= MAX_NAME_LENGTH && name[length] == '\0';
}

static gchar *
deny (GError **error, const gchar *reason)
{
  g_set_error_literal (error, MILL_AUTH_ERROR, MILL_AUTH_ERROR_DENIED, reason);
  return NULL;
}

/* Returns: (transfer full) (nullable): the value of "key" in @query */
static gchar *
find_key (const gchar *query)
{
  GUriParamsIter iter;
  gchar *name;
  gchar *value;
  g_uri_params_iter_init (&iter, query ? query : "", -1, "&",
      G_URI_PARAMS_WWW_FORM);
  while (g_uri_params_iter_next (&iter, &name, &value, NULL)) {
    gboolean found = g_str_equal (name, "key");
    g_free (name);
    if (found)
      return value;
    g_free (value);
  }
  return NULL;
}

static gboolean
is_valid (const MillKeyRow *key, gint64 now)
{
  return key->enabled && (key->expires_at == 0 || now < key->expires_at);
}

static gchar *
check_keys (MillStore *store, const MillPublishClaim *claim, gint64 now,
    GError **error)
{
  g_autofree gchar *given = find_key (claim->query);
  g_autoptr (GBytes) hash = mill_secret_hash (given ? given : claim->name);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (MillKeyRow) key = mill_store_keys_find (store, hash, &local_error);

  if (!key &&
      !g_error_matches (local_error, MILL_STORE_ERROR,
          MILL_STORE_ERROR_NOT_FOUND)) {
    g_propagate_error (error, g_steal_pointer (&local_error));
    return NULL;
  }
  if (!key &&
      (given || g_str_has_prefix (claim->name, MILL_PUBLISH_AUTH_KEY_PREFIX)))
    return deny (error, "unknown stream key");
  if (!key)
    return deny (error, "a stream key is required");
  if (!is_valid (key, now))
    return deny (error, "stream key is disabled or has expired");
  if (!g_str_equal (key->app, claim->app))
    return deny (error, "stream key is for another application");
  if (given && !g_str_equal (key->name, claim->name))
    return deny (error, "stream key is for another name");
  return g_strdup (key->name);
}

gchar *
mill_publish_auth_check (MillPublishAuth auth, MillStore *store,
    const MillPublishClaim *claim, gint64 now, GError **error)
{
  if (auth == MILL_PUBLISH_AUTH_KEYS)
    return check_keys (store, claim, now, error);
  if (!mill_publish_auth_is_name (claim->name))
    return deny (error,
        "stream name is not allowed, expected 1 to 64 of A-Z a-z 0-9 _ -");
  return g_strdup (claim->name);
}
