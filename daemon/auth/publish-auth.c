/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "publish-auth.h"

#include <string.h>

#define MAX_NAME_LENGTH 64
/* A JWS in its compact form (RFC 7515 §7.1) has two dots, which no name has,
 * and begins with an encoded "{". */
#define TOKEN_PREFIX "ey"

gboolean
mill_publish_auth_is_name (const gchar *name)
{
  gsize length = strspn (name, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_-");
  return length > 0 && length <= MAX_NAME_LENGTH && name[length] == '\0';
}

/* The first of its name counts: what stands before is what was looked at.
 * Returns: (transfer full) (nullable) */
static gchar *
find_in_query (const gchar *query, const gchar *const *names)
{
  GUriParamsIter iter;
  gchar *name;
  gchar *value;
  g_uri_params_iter_init (&iter, query ? query : "", -1, "&",
      G_URI_PARAMS_WWW_FORM);
  while (g_uri_params_iter_next (&iter, &name, &value, NULL)) {
    gboolean found = g_strv_contains (names, name);
    g_free (name);
    if (found)
      return value;
    g_free (value);
  }
  return NULL;
}

gchar *
mill_publish_auth_find_key (const MillPublishClaim *claim)
{
  static const gchar *const names[] = { "key", NULL };
  gchar *key = find_in_query (claim->query, names);
  if (!key && g_str_has_prefix (claim->name, MILL_PUBLISH_AUTH_KEY_PREFIX))
    key = g_strdup (claim->name);
  return key;
}

gchar *
mill_publish_auth_find_token (const MillPublishClaim *claim)
{
  static const gchar *const names[] = { "token", "jwt", NULL };
  gchar *token = find_in_query (claim->query, names);
  if (!token && g_str_has_prefix (claim->name, TOKEN_PREFIX) &&
      strchr (claim->name, '.'))
    token = g_strdup (claim->name);
  return token;
}

MillPublishAuth
mill_publish_auth_choose (MillPublishAuth ways, const MillPublishClaim *claim)
{
  g_autofree gchar *key = mill_publish_auth_find_key (claim);
  g_autofree gchar *token = mill_publish_auth_find_token (claim);
  if ((ways & MILL_PUBLISH_AUTH_KEYS) && key)
    return MILL_PUBLISH_AUTH_KEYS;
  if ((ways & MILL_PUBLISH_AUTH_JWT) && token)
    return MILL_PUBLISH_AUTH_JWT;
  if (ways & MILL_PUBLISH_AUTH_WEBHOOK)
    return MILL_PUBLISH_AUTH_WEBHOOK;
  /* Nothing to look at: whichever there is says what is missing. */
  return ways & MILL_PUBLISH_AUTH_KEYS ? MILL_PUBLISH_AUTH_KEYS : ways;
}
