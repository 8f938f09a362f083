/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "jwt-token.h"

#include <string.h>

/* A token of the tools that people sign with has some hundred bytes. */
#define MAX_TOKEN_BYTES 8192
#define MAX_KEY_ID_BYTES 256
/* The end of the year 9999. */
#define MAX_TIME G_GINT64_CONSTANT (253402300799)

static gboolean
fail (GError **error, const gchar *why)
{
  g_set_error (error, MILL_JWT_ERROR, MILL_JWT_ERROR_TOKEN, "token %s", why);
  return FALSE;
}

/* ---- the form: three parts of base64url, none of them empty. An empty
 *      signature is what "none" looks like. ---- */

static gboolean
check_form (const gchar *token, GError **error)
{
  const gchar *at = token;
  for (guint part = 0; part < 3; part++) {
    gsize length = strspn (at, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_-");
    at += length;
    if (length == 0 || *at != (part < 2 ? '.' : '\0'))
      return fail (error, "is none, expected a JWS in compact form");
    at++;
  }
  return at - token <= MAX_TOKEN_BYTES ||
      fail (error, "is longer than any that is expected");
}

/* ---- the signature ---- */

static cjose_jws_t *
import (const gchar *token)
{
  cjose_err error;
  return cjose_jws_import (token, strlen (token), &error);
}

static guint
parse_algorithm (const gchar *name)
{
  for (guint i = 0; name && mill_jwt_keys_algorithms[i]; i++)
    if (g_str_equal (mill_jwt_keys_algorithms[i], name))
      return 1u << i;
  return 0;
}

/* What the header asks for; it is not yet known who wrote it. */
typedef struct
{
  guint algorithm; /* MillJwtAlgorithm */
  gchar *key_id; /* nullable */
  gsize signature_length; /* characters */
} Header;

static void
header_clear (Header *header)
{
  g_clear_pointer (&header->key_id, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Header, header_clear)

static gboolean
read_header (cjose_jws_t *jws, Header *header, GError **error)
{
  cjose_err cause;
  cjose_header_t *fields = cjose_jws_get_protected (jws);
  const gchar *key_id = cjose_header_get (fields, "kid", &cause);
  gchar *critical = cjose_header_get_raw (fields, "crit", &cause);

  /* RFC 7515 §4.1.11: extensions that must be understood; none is. */
  if (critical) {
    cjose_get_dealloc () (critical);
    return fail (error, "has critical extensions, expected none");
  }
  header->algorithm =
      parse_algorithm (cjose_header_get (fields, "alg", &cause));
  if (header->algorithm == 0)
    return fail (error, "is not signed by RS256, ES256 or HS256");
  if (key_id && strlen (key_id) > MAX_KEY_ID_BYTES)
    return fail (error, "names a key by a text that is too long");
  header->key_id = g_strdup (key_id);
  return TRUE;
}

/* A key of another algorithm is never tried: cjose takes the header's word for
 * what to do with it. */
static gboolean
is_for (const MillJwtKey *key, const Header *header)
{
  return key->algorithm == header->algorithm &&
      (!key->id || !header->key_id || g_str_equal (key->id, header->key_id));
}

/* RFC 7518 §3.2 to §3.4: as long as the hash, two coordinates, the modulus.
 * cjose looks no further than that, whatever may follow. */
static gboolean
fits (const MillJwtKey *key, const Header *header)
{
  cjose_err error;
  gsize bytes = 0;
  switch (key->algorithm) {
    case MILL_JWT_HS256:
      bytes = 32;
      break;
    case MILL_JWT_ES256:
      bytes = 64;
      break;
    case MILL_JWT_RS256:
      bytes = (cjose_jwk_get_keysize (key->jwk, &error) + 7) / 8;
      break;
  }
  return header->signature_length == (bytes * 4 + 2) / 3;
}

/* Returns: (nullable): the claims as bytes of the JWS, which then was
 * verified and is the caller's */
static cjose_jws_t *
verify_with (const gchar *token, const MillJwtKey *key)
{
  cjose_err error;
  cjose_jws_t *jws = import (token);
  if (jws && cjose_jws_verify (jws, key->jwk, &error))
    return jws;
  if (jws)
    cjose_jws_release (jws);
  return NULL;
}

static gboolean
fail_unverified (const Header *header, guint n_tried, GError **error)
{
  if (n_tried > 0)
    return fail (error, "has a signature that none of the keys made");
  g_set_error (error, MILL_JWT_ERROR, MILL_JWT_ERROR_UNKNOWN_KEY,
      "token is signed by %s and a key that is not in the set",
      mill_jwt_keys_algorithms[g_bit_nth_lsf (header->algorithm, -1)]);
  return FALSE;
}

static cjose_jws_t *
verify (const gchar *token, const MillJwtKeys *keys, GError **error)
{
  g_auto (Header) header = { 0 };
  guint n_tried = 0;
  cjose_jws_t *unverified = import (token);

  if (!unverified) {
    fail (error, "cannot be read");
    return NULL;
  }
  gboolean readable = read_header (unverified, &header, error);
  header.signature_length = strlen (strrchr (token, '.') + 1);
  cjose_jws_release (unverified);
  if (!readable)
    return NULL;
  for (guint i = 0; i < mill_jwt_keys_count (keys); i++) {
    const MillJwtKey *key = mill_jwt_keys_get (keys, i);
    if (!is_for (key, &header))
      continue;
    n_tried++;
    cjose_jws_t *jws = fits (key, &header) ? verify_with (token, key) : NULL;
    if (jws)
      return jws;
  }
  fail_unverified (&header, n_tried, error);
  return NULL;
}

JsonNode *
mill_jwt_token_verify (const gchar *token, const MillJwtKeys *keys,
    GError **error)
{
  uint8_t *text;
  size_t size;
  cjose_err cause;
  JsonNode *claims = NULL;

  if (!check_form (token, error))
    return NULL;
  cjose_jws_t *jws = verify (token, keys, error);
  if (!jws)
    return NULL;
  if (cjose_jws_get_plaintext (jws, &text, &size, &cause))
    claims = mill_bounded_json_parse_object ((const gchar *) text, size, NULL);
  cjose_jws_release (jws);
  if (!claims)
    fail (error, "has claims that are no object of JSON");
  return claims;
}

/* ---- the claims ---- */

static MillPublishVerdict *
deny_invalid (const gchar *why)
{
  return mill_publish_verdict_new_denied (MILL_DENIAL_TOKEN_INVALID,
      "the token is not valid", why);
}

static MillPublishVerdict *
deny_mismatch (const gchar *why)
{
  return mill_publish_verdict_new_denied (MILL_DENIAL_TOKEN_MISMATCH,
      "the token is not for this", why);
}

/* RFC 7519 §4.1.4 to §4.1.6. One without an end would be good for ever in
 * whoever's hands it falls.
 * Returns: (transfer full) (nullable): NULL when it is the time */
static MillPublishVerdict *
check_time (JsonObject *claims, gint64 leeway_s, gint64 now, gint64 *ret_expiry)
{
  static const gchar *const starts[] = { "nbf", "iat", NULL };
  gint64 time;

  if (!mill_bounded_json_get_number (claims, "exp", 0, MAX_TIME, ret_expiry))
    return deny_invalid ("has no time at which it expires ('exp')");
  if (now >= *ret_expiry + leeway_s)
    return mill_publish_verdict_new_denied (MILL_DENIAL_TOKEN_EXPIRED,
        "the token has expired", NULL);
  for (guint i = 0; starts[i]; i++) {
    if (!json_object_has_member (claims, starts[i]))
      continue;
    if (!mill_bounded_json_get_number (claims, starts[i], 0, MAX_TIME, &time))
      return deny_invalid ("has a time that is none ('nbf' or 'iat')");
    if (now < time - leeway_s)
      return deny_invalid ("is of the future ('nbf' or 'iat')");
  }
  return NULL;
}

/* RFC 7519 §4.1.3: a text, or several. */
static gboolean
has_audience (JsonNode *node, const gchar *audience)
{
  if (JSON_NODE_HOLDS_VALUE (node) &&
      json_node_get_value_type (node) == G_TYPE_STRING)
    return g_strcmp0 (json_node_get_string (node), audience) == 0;
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return FALSE;
  JsonArray *array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *element = json_array_get_element (array, i);
    if (!JSON_NODE_HOLDS_ARRAY (element) && has_audience (element, audience))
      return TRUE;
  }
  return FALSE;
}

static MillPublishVerdict *
check_parties (JsonObject *claims, const MillJwtRules *rules,
    const MillPublishClaim *claim)
{
  JsonNode *audience = json_object_get_member (claims, "aud");
  const gchar *app = mill_bounded_json_get_text (claims, "app");

  if (rules->issuer &&
      g_strcmp0 (mill_bounded_json_get_text (claims, "iss"), rules->issuer) !=
          0)
    return deny_mismatch ("is of another issuer ('iss')");
  if (rules->audience &&
      !(audience && has_audience (audience, rules->audience)))
    return deny_mismatch ("is for another audience ('aud')");
  if (!rules->audience && audience)
    return deny_mismatch ("is for an audience ('aud'), and the application has "
                          "none ('jwt.audience')");
  if (json_object_has_member (claims, "app") &&
      g_strcmp0 (app, claim->app) != 0)
    return deny_mismatch ("is for another application ('app')");
  return NULL;
}

/* Returns: (transfer full) (nullable): NULL when it is not in the token */
static gchar *
choose_stream (JsonObject *claims, const MillPublishClaim *claim)
{
  const gchar *granted = json_object_has_member (claims, "stream")
      ? mill_bounded_json_get_text (claims, "stream")
      : mill_bounded_json_get_text (claims, "sub");
  gboolean is_pattern = json_object_has_member (claims, "stream") && granted &&
      g_str_has_suffix (granted, "*");

  if (!granted)
    return NULL;
  /* The token in the place of the name: what it says is the name. */
  if (strchr (claim->name, '.'))
    return is_pattern || !mill_publish_auth_is_name (granted)
        ? NULL
        : g_strdup (granted);
  if (!mill_publish_auth_is_name (claim->name))
    return NULL;
  gboolean matches = is_pattern
      ? strncmp (claim->name, granted, strlen (granted) - 1) == 0
      : g_str_equal (claim->name, granted);
  return matches ? g_strdup (claim->name) : NULL;
}

static gboolean
read_limit (JsonObject *claims, const gchar *name, gint64 maximum,
    gint64 *ret_limit)
{
  *ret_limit = 0;
  return !json_object_has_member (claims, name) ||
      mill_bounded_json_get_number (claims, name, 1, maximum, ret_limit);
}

MillPublishVerdict *
mill_jwt_token_check (JsonObject *claims, const MillJwtRules *rules,
    const MillPublishClaim *claim, gint64 now)
{
  gint64 expires_at;
  gint64 bitrate_bps;
  gint64 duration_s;
  MillPublishVerdict *denied =
      check_time (claims, rules->leeway_s, now, &expires_at);
  if (!denied)
    denied = check_parties (claims, rules, claim);
  if (denied)
    return denied;
  if (!read_limit (claims, "max_bitrate_bps", G_MAXINT64 / 16, &bitrate_bps) ||
      !read_limit (claims, "max_duration_seconds", G_MAXINT32, &duration_s))
    return deny_invalid ("has a limit that is none");
  g_autofree gchar *stream = choose_stream (claims, claim);
  if (!stream)
    return deny_mismatch ("is for another stream ('stream' or 'sub')");

  MillPublishVerdict *verdict = mill_publish_verdict_new_granted (stream);
  verdict->expires_at = expires_at;
  verdict->limits =
      (MillPublishLimits){ (guint64) bitrate_bps, (guint) duration_s };
  return verdict;
}
