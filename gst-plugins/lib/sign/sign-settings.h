/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "sign/sign.h"

G_BEGIN_DECLS

typedef enum
{
  MILL_SIGN_NONE,
  MILL_SIGN_BEARER,
  MILL_SIGN_SIGV4,
} MillSignKind;

/**
 * MillSignSettings: which signer
 * @credentials: (nullable): file of them; NULL: the environment
 * @region: (nullable): of sigv4; NULL: AWS_REGION, or else us-east-1
 * @service: of sigv4
 */
typedef struct
{
  MillSignKind kind;
  const gchar *credentials;
  const gchar *region;
  const gchar *service;
} MillSignSettings;

/** Makes it; blocks for as long as a small file takes.
 * @ret_signer: (out)(transfer full)(nullable): NULL for MILL_SIGN_NONE
 * Errors: MILL_CREDENTIALS_ERROR */
gboolean mill_sign_settings_make (const MillSignSettings *self,
    MillSigner **ret_signer, GError **error);

/** Returns: whether requests show a secret to whoever can read them */
gboolean mill_sign_settings_show_secret (const MillSignSettings *self);

G_END_DECLS
