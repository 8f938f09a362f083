/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "auth"

#include "key-auth.h"

#include "address.h"
#include "secret.h"

static MillPublishVerdict *
deny (MillDenial denial, const gchar *text, const MillKeyRow *key,
    const gchar *why)
{
  g_autofree gchar *detail = key ? g_strdup_printf ("%s %s", key->id, why)
                                 : NULL;
  return mill_publish_verdict_new_denied (denial, text, detail);
}

/* The secret before the last rotation has a life of its own. */
static gint64
get_expiry (const MillKeyRow *key, gboolean is_previous)
{
  if (!is_previous)
    return key->expires_at;
  return key->expires_at > 0 ? MIN (key->expires_at, key->previous_expires_at)
                             : key->previous_expires_at;
}

static MillPublishVerdict *
grant (const MillKeyRow *key, gboolean is_previous)
{
  MillPublishVerdict *verdict = mill_publish_verdict_new_granted (key->name);
  verdict->key_id = g_strdup (key->id);
  verdict->key_generation = key->generation - (is_previous ? 1 : 0);
  verdict->expires_at = get_expiry (key, is_previous);
  verdict->limits =
      (MillPublishLimits){ key->max_bitrate_bps, key->max_duration_s };
  return verdict;
}

static gboolean
allows (const MillKeyRow *key, GInetAddress *address)
{
  const gchar *const *ranges = (const gchar *const *) key->allowed_addresses;
  return !*ranges || (address && mill_address_is_in (address, ranges));
}

/* Who shows a secret of 160 random bits knows it, so that what is wrong with
 * the key is no secret to him; what is wrong in detail is for the log. */
static MillPublishVerdict *
judge (const MillKeyRow *key, const MillPublishClaim *claim,
    gboolean names_stream, gint64 now)
{
  static const gchar *const over = "stream key is disabled or has expired";
  gint64 expires_at = get_expiry (key, key->matched_previous);

  if (!key->enabled)
    return deny (MILL_DENIAL_KEY_DISABLED, over, key, "is disabled");
  if (expires_at > 0 && now >= expires_at)
    return deny (MILL_DENIAL_KEY_EXPIRED, over, key,
        key->matched_previous ? "was rotated, and its time of grace is over"
                              : "has expired");
  if (!g_str_equal (key->app, claim->app))
    return deny (MILL_DENIAL_KEY_MISMATCH,
        "stream key is for another application", key,
        "is for another application");
  if (!names_stream && !g_str_equal (key->name, claim->name))
    return deny (MILL_DENIAL_KEY_MISMATCH, "stream key is for another name",
        key, "is for another name");
  if (!allows (key, claim->address))
    return deny (MILL_DENIAL_ADDRESS,
        "stream key is not allowed from this address", key,
        "is not allowed from there");

  return grant (key, key->matched_previous);
}

MillPublishVerdict *
mill_key_auth_check (MillStore *store, const MillPublishClaim *claim,
    gint64 now)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *given = mill_publish_auth_find_key (claim);
  gboolean names_stream = !given || g_str_equal (given, claim->name);
  g_autoptr (GBytes) hash = mill_secret_hash (given ? given : claim->name);
  g_autoptr (MillKeyRow) key = mill_store_keys_find (store, hash, &error);

  if (key)
    return judge (key, claim, names_stream, now);
  if (!g_error_matches (error, MILL_STORE_ERROR, MILL_STORE_ERROR_NOT_FOUND)) {
    g_warning ("stream keys cannot be checked: %s", error->message);
    return mill_publish_verdict_new_denied (MILL_DENIAL_UNAVAILABLE,
        "the daemon cannot check keys just now", error->message);
  }
  return given
      ? deny (MILL_DENIAL_UNKNOWN_KEY, "unknown stream key", NULL, NULL)
      : deny (MILL_DENIAL_NO_CREDENTIAL, "a stream key is required", NULL,
            NULL);
}

MillPublishVerdict *
mill_key_auth_recheck (MillStore *store, const MillKeyUse *use)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillKeyRow) key = mill_store_keys_get (store, use->key_id, &error);

  if (g_error_matches (error, MILL_STORE_ERROR, MILL_STORE_ERROR_NOT_FOUND))
    return mill_publish_verdict_new_denied (MILL_DENIAL_UNKNOWN_KEY,
        "its stream key was revoked", NULL);
  if (!key)
    return NULL;
  /* Let in before a rotation that leaves it time: what is over when that time
   * is, is the secret, and that is the same as for a key that runs out. */
  gboolean is_previous = use->key_generation + 1 == key->generation &&
      key->previous_expires_at > 0;
  if (use->key_generation != key->generation && !is_previous)
    return deny (MILL_DENIAL_UNKNOWN_KEY, "its stream key was rotated", key,
        "was rotated");
  if (!key->enabled)
    return deny (MILL_DENIAL_KEY_DISABLED, "its stream key was disabled", key,
        "was disabled");
  if (!allows (key, use->address))
    return deny (MILL_DENIAL_ADDRESS,
        "its stream key is no longer allowed from its address", key,
        "is no longer allowed from there");
  return grant (key, is_previous);
}
