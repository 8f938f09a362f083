/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <cjose/cjose.h>
#include <glib.h>

G_BEGIN_DECLS

#define MILL_JWT_ERROR (mill_jwt_error_quark ())
GQuark mill_jwt_error_quark (void);

/**
 * MillJwtError:
 * @MILL_JWT_ERROR_KEYS: no key set, or none of its keys can be used
 * @MILL_JWT_ERROR_TOKEN: no token, or not signed by one of the keys
 * @MILL_JWT_ERROR_UNKNOWN_KEY: the token names a key that is not in the set
 */
typedef enum
{
  MILL_JWT_ERROR_KEYS,
  MILL_JWT_ERROR_TOKEN,
  MILL_JWT_ERROR_UNKNOWN_KEY,
} MillJwtError;

/** The algorithms of signatures (RFC 7518 §3.1). "none" is not one. */
typedef enum
{
  MILL_JWT_RS256 = 1 << 0,
  MILL_JWT_ES256 = 1 << 1,
  MILL_JWT_HS256 = 1 << 2,
} MillJwtAlgorithm;

/* "RS256", ... in the order of their bits, ended by NULL. */
extern const gchar *const mill_jwt_keys_algorithms[];

/** One key. Its algorithm follows from what it is, never from what a token
 * says: a public key is no secret for an HMAC. */
typedef struct
{
  gchar *id; /* nullable: "kid" */
  MillJwtAlgorithm algorithm;
  cjose_jwk_t *jwk;
} MillJwtKey;

/** MillJwtKeys: a set of keys. Reference counted and immutable. */
typedef struct _MillJwtKeys MillJwtKeys;

/* @text: a JWK Set (RFC 7517 §5). A key in it that is not of @allowed, is weak
 *   or not for signatures is left out.
 * @allowed: MillJwtAlgorithm bits
 * Returns: (transfer full) (nullable): NULL with MILL_JWT_ERROR.KEYS */
MillJwtKeys *mill_jwt_keys_new_from_set (const gchar *text, gsize size,
    guint allowed, GError **error);

/* @secret: shared with who signs, for HS256: at least 32 bytes
 * Returns: (transfer full) (nullable): NULL with MILL_JWT_ERROR.KEYS */
MillJwtKeys *mill_jwt_keys_new_from_secret (const guint8 *secret, gsize size,
    GError **error);

MillJwtKeys *mill_jwt_keys_ref (MillJwtKeys *keys);
void mill_jwt_keys_unref (MillJwtKeys *keys);

guint mill_jwt_keys_count (const MillJwtKeys *keys);
const MillJwtKey *mill_jwt_keys_get (const MillJwtKeys *keys, guint i);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillJwtKeys, mill_jwt_keys_unref)

G_END_DECLS
