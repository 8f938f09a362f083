/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "jwt-keys.h"

#include <string.h>

#include "bounded-json.h"

/* More than anybody has in use at once; each is tried for a token that names
 * none. */
#define MAX_KEYS 64
/* RFC 7518 §3.3 and §3.2. */
#define MIN_RSA_BITS 2048
#define MAX_RSA_BITS 8192
#define MIN_SECRET_BYTES 32

struct _MillJwtKeys
{
  gint refs;
  GPtrArray *keys; /* (element-type MillJwtKey) */
};

const gchar *const mill_jwt_keys_algorithms[] = { "RS256", "ES256", "HS256",
  NULL };

G_DEFINE_QUARK (mill_jwt_error, mill_jwt_error)

static void
key_free (gpointer data)
{
  MillJwtKey *key = data;
  g_free (key->id);
  cjose_jwk_release (key->jwk);
  g_free (key);
}

static MillJwtKeys *
new_set (void)
{
  MillJwtKeys *keys = g_new0 (MillJwtKeys, 1);
  keys->refs = 1;
  keys->keys = g_ptr_array_new_with_free_func (key_free);
  return keys;
}

static void
add_key (MillJwtKeys *keys, const gchar *id, MillJwtAlgorithm algorithm,
    cjose_jwk_t *jwk)
{
  MillJwtKey *key = g_new0 (MillJwtKey, 1);
  key->id = g_strdup (id);
  key->algorithm = algorithm;
  key->jwk = jwk;
  g_ptr_array_add (keys->keys, key);
}

/* Which algorithm a key can only be for. Returns: 0 for none of ours */
static guint
find_algorithm (const cjose_jwk_t *jwk)
{
  cjose_err error;
  gsize bits = cjose_jwk_get_keysize (jwk, &error);
  switch (cjose_jwk_get_kty (jwk, &error)) {
    case CJOSE_JWK_KTY_RSA:
      return bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS ? MILL_JWT_RS256 : 0;
    case CJOSE_JWK_KTY_EC:
      return cjose_jwk_EC_get_curve (jwk, &error) == CJOSE_JWK_EC_P_256
          ? MILL_JWT_ES256
          : 0;
    case CJOSE_JWK_KTY_OCT:
      return bits >= MIN_SECRET_BYTES * 8 ? MILL_JWT_HS256 : 0;
    default:
      return 0;
  }
}

static const gchar *
name_algorithm (guint algorithm)
{
  for (guint i = 0; mill_jwt_keys_algorithms[i]; i++)
    if (algorithm == 1u << i)
      return mill_jwt_keys_algorithms[i];
  return NULL;
}

/* RFC 7517 §4.2 to §4.4: what a key is meant for, if it says so. */
static gboolean
is_meant_for (JsonObject *object, guint algorithm)
{
  const gchar *use = mill_bounded_json_get_text (object, "use");
  const gchar *name = mill_bounded_json_get_text (object, "alg");
  if (json_object_has_member (object, "use") && g_strcmp0 (use, "sig") != 0)
    return FALSE;
  return !json_object_has_member (object, "alg") ||
      g_strcmp0 (name, name_algorithm (algorithm)) == 0;
}

static void
read_key (MillJwtKeys *keys, JsonNode *node, guint allowed)
{
  cjose_err error;
  if (!JSON_NODE_HOLDS_OBJECT (node) || keys->keys->len >= MAX_KEYS)
    return;
  JsonObject *object = json_node_get_object (node);
  g_autofree gchar *text = json_to_string (node, FALSE);
  cjose_jwk_t *jwk = cjose_jwk_import (text, strlen (text), &error);
  guint algorithm = jwk ? find_algorithm (jwk) : 0;
  if ((algorithm & allowed) && is_meant_for (object, algorithm))
    add_key (keys, mill_bounded_json_get_text (object, "kid"), algorithm, jwk);
  else if (jwk)
    cjose_jwk_release (jwk);
}

MillJwtKeys *
mill_jwt_keys_new_from_set (const gchar *text, gsize size, guint allowed,
    GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (JsonNode) root =
      mill_bounded_json_parse_object (text, size, &cause);
  JsonNode *list = root
      ? json_object_get_member (json_node_get_object (root), "keys")
      : NULL;
  if (!list || !JSON_NODE_HOLDS_ARRAY (list)) {
    g_set_error (error, MILL_JWT_ERROR, MILL_JWT_ERROR_KEYS,
        "key set: %s, expected { \"keys\": [ … ] }",
        cause ? cause->message : "it has no keys");
    return NULL;
  }
  g_autoptr (MillJwtKeys) keys = new_set ();
  JsonArray *array = json_node_get_array (list);
  for (guint i = 0; i < json_array_get_length (array); i++)
    read_key (keys, json_array_get_element (array, i), allowed);
  if (keys->keys->len == 0) {
    g_set_error (error, MILL_JWT_ERROR, MILL_JWT_ERROR_KEYS,
        "key set: none of its %u keys can be used, expected RSA of %d bits or "
        "more (RS256), EC of curve P-256 (ES256) or oct of %d bytes or more "
        "(HS256), as 'algorithms' allows",
        json_array_get_length (array), MIN_RSA_BITS, MIN_SECRET_BYTES);
    return NULL;
  }
  return g_steal_pointer (&keys);
}

MillJwtKeys *
mill_jwt_keys_new_from_secret (const guint8 *secret, gsize size, GError **error)
{
  cjose_err cause;
  cjose_jwk_t *jwk = size >= MIN_SECRET_BYTES
      ? cjose_jwk_create_oct_spec (secret, size, &cause)
      : NULL;
  if (!jwk) {
    g_set_error (error, MILL_JWT_ERROR, MILL_JWT_ERROR_KEYS,
        "secret: got %zu bytes, expected at least %d (RFC 7518 §3.2)", size,
        MIN_SECRET_BYTES);
    return NULL;
  }
  MillJwtKeys *keys = new_set ();
  add_key (keys, NULL, MILL_JWT_HS256, jwk);
  return keys;
}

MillJwtKeys *
mill_jwt_keys_ref (MillJwtKeys *keys)
{
  g_atomic_int_inc (&keys->refs);
  return keys;
}

void
mill_jwt_keys_unref (MillJwtKeys *keys)
{
  if (!keys || !g_atomic_int_dec_and_test (&keys->refs))
    return;
  g_ptr_array_unref (keys->keys);
  g_free (keys);
}

guint
mill_jwt_keys_count (const MillJwtKeys *keys)
{
  return keys->keys->len;
}

const MillJwtKey *
mill_jwt_keys_get (const MillJwtKeys *keys, guint i)
{
  return g_ptr_array_index (keys->keys, i);
}
