/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bounded-json.h"
#include "jwt-keys.h"
#include "publish-auth.h"
#include "publish-verdict.h"

G_BEGIN_DECLS

/* Checks the signature of @token, a JWS in its compact form (RFC 7515 §7.1).
 * Returns: (transfer full) (nullable): its claims, an object; NULL with
 *   MILL_JWT_ERROR. No message contains a part of the token. */
JsonNode *mill_jwt_token_verify (const gchar *token, const MillJwtKeys *keys,
    GError **error);

/** What a token's claims must say. */
typedef struct
{
  const gchar *issuer; /* nullable: any */
  const gchar *audience; /* nullable: only tokens that name none */
  guint leeway_s; /* that clocks may differ */
} MillJwtRules;

/* Whether claims that are signed let this publisher in. "stream" (a name, or
 * the beginning of one and "*"), else "sub", says what it may publish.
 * @now: Unix seconds
 * Returns: (transfer full) */
MillPublishVerdict *mill_jwt_token_check (JsonObject *claims,
    const MillJwtRules *rules, const MillPublishClaim *claim, gint64 now);

G_END_DECLS
