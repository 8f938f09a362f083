/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "publish-auth.h"
#include "publish-verdict.h"

G_BEGIN_DECLS

/** What an application says about tokens. */
typedef struct
{
  gchar *jwks; /* nullable: URL, or path of a file; else secret_file is set */
  gchar *secret_file; /* nullable: path */
  guint algorithms; /* MillJwtAlgorithm bits */
  gchar *issuer; /* nullable */
  gchar *audience; /* nullable */
  guint leeway_s;
  gchar *ca_file; /* nullable */
  gboolean insecure; /* jwks may be http to elsewhere */
} MillJwtSettings;

/** MillJwtAuth: lets in who holds a token that is signed for it. Main loop
 * only. */
typedef struct _MillJwtAuth MillJwtAuth;

/* @settings: outlive it */
MillJwtAuth *mill_jwt_auth_new (const MillJwtSettings *settings);
/* Who is waiting is denied. */
void mill_jwt_auth_free (MillJwtAuth *auth);

/* Reads files of keys and secrets again. */
void mill_jwt_auth_reload (MillJwtAuth *auth);

/* @verdict: (transfer full) */
typedef void (*MillJwtAuthFunc) (MillPublishVerdict *verdict,
    gpointer user_data);

/* @func is called once, before this returns or within some seconds. */
void mill_jwt_auth_ask (MillJwtAuth *auth, const MillPublishClaim *claim,
    MillJwtAuthFunc func, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillJwtAuth, mill_jwt_auth_free)

G_END_DECLS
