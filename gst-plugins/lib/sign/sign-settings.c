/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "sign/sign-settings.h"

#define DEFAULT_REGION "us-east-1"
#define DEFAULT_SERVICE "s3"

static gboolean
require (const MillSignSettings *self, const gchar *value, const gchar *key,
    const gchar *variable, GError **error)
{
  if (value != NULL)
    return TRUE;
  g_set_error (error, MILL_CREDENTIALS_ERROR, MILL_CREDENTIALS_ERROR_MISSING,
      "credentials '%s': got no %s, expected it there%s%s",
      self->credentials ? self->credentials : "of the environment", key,
      self->credentials ? "" : " as ", self->credentials ? "" : variable);
  return FALSE;
}

static const gchar *
get_region (const MillSignSettings *self)
{
  const gchar *found = self->region;

  if (found == NULL || *found == '\0')
    found = g_getenv ("AWS_REGION");
  return found != NULL && *found != '\0' ? found : DEFAULT_REGION;
}

gboolean
mill_sign_settings_make (const MillSignSettings *self, MillSigner **ret_signer,
    GError **error)
{
  g_auto (MillCredentials) credentials = { 0 };

  if (self->kind == MILL_SIGN_NONE) {
    *ret_signer = NULL;
    return TRUE;
  }
  if (!mill_sign_credentials_load (self->credentials, &credentials, error))
    return FALSE;
  if (self->kind == MILL_SIGN_BEARER) {
    if (!require (self, credentials.bearer_token, "bearer_token",
            "MILLRACE_BEARER_TOKEN", error))
      return FALSE;
    *ret_signer = mill_sign_new_bearer (credentials.bearer_token);
    return TRUE;
  }
  if (!require (self, credentials.access_key, "aws_access_key_id",
          "AWS_ACCESS_KEY_ID", error) ||
      !require (self, credentials.secret_key, "aws_secret_access_key",
          "AWS_SECRET_ACCESS_KEY", error))
    return FALSE;
  *ret_signer = mill_sign_sigv4_new (&credentials, get_region (self),
      self->service != NULL ? self->service : DEFAULT_SERVICE);
  return TRUE;
}

gboolean
mill_sign_settings_show_secret (const MillSignSettings *self)
{
  return self->kind == MILL_SIGN_BEARER;
}
