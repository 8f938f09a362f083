/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Secrets for signers. They come from a file or from the environment, never
 * from a property or a description, and no message ever holds one.
 *
 * The file is in the form that the tools of AWS read:
 *
 *     [default]
 *     aws_access_key_id = AKIA...
 *     aws_secret_access_key = ...
 *     aws_session_token = ...
 *
 * and for bearer tokens `bearer_token = ...` in the same group. A file without
 * a group is one of [default].
 */

#define MILL_CREDENTIALS_ERROR (mill_credentials_error_quark ())
GQuark mill_credentials_error_quark (void);

/**
 * MillCredentialsError:
 * @MILL_CREDENTIALS_ERROR_FILE: it cannot be read
 * @MILL_CREDENTIALS_ERROR_FORMAT: it is not of this form
 * @MILL_CREDENTIALS_ERROR_MISSING: what was asked for is not there
 */
typedef enum
{
  MILL_CREDENTIALS_ERROR_FILE,
  MILL_CREDENTIALS_ERROR_FORMAT,
  MILL_CREDENTIALS_ERROR_MISSING,
} MillCredentialsError;

/** Each may be NULL. */
typedef struct
{
  gchar *access_key;
  gchar *secret_key;
  gchar *session_token;
  gchar *bearer_token;
} MillCredentials;

/** @text: content of a file; @name: what messages call it.
 * Errors: MILL_CREDENTIALS_ERROR */
gboolean mill_sign_credentials_parse (const gchar *text, gsize length,
    const gchar *name, MillCredentials *ret_credentials, GError **error);

/** Reads @path, or, when that is NULL, the environment: AWS_ACCESS_KEY_ID,
 * AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, MILLRACE_BEARER_TOKEN. Blocks for
 * as long as a small file takes.
 * Errors: MILL_CREDENTIALS_ERROR */
gboolean mill_sign_credentials_load (const gchar *path,
    MillCredentials *ret_credentials, GError **error);

/** The secrets are overwritten before they are freed. */
void mill_sign_credentials_clear (MillCredentials *credentials);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MillCredentials, mill_sign_credentials_clear)

G_END_DECLS
