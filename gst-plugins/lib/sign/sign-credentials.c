/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "sign/sign-credentials.h"

#include <string.h>

#define GROUP "default"
/* A session token is about 1 KB; what is larger is another file. */
#define MAX_FILE_BYTES (64 * 1024)

G_DEFINE_QUARK (mill_credentials_error, mill_credentials_error)

/* ---- one value ---- */

static void
wipe (gchar **secret)
{
  if (*secret != NULL)
    explicit_bzero (*secret, strlen (*secret));
  g_clear_pointer (secret, g_free);
}

/* What goes into a header: visible ASCII, so that a secret with a line end
 * cannot become a header of its own. */
static gboolean
is_token (const gchar *value)
{
  for (const gchar *at = value; *at != '\0'; at++)
    if (!g_ascii_isgraph (*at))
      return FALSE;
  return *value != '\0';
}

static gboolean
take_value (gchar *value, const gchar *key, const gchar *name, gchar **ret,
    GError **error)
{
  if (value == NULL)
    return TRUE;
  g_strstrip (value);
  if (is_token (value)) {
    *ret = value;
    return TRUE;
  }
  wipe (&value);
  g_set_error (error, MILL_CREDENTIALS_ERROR, MILL_CREDENTIALS_ERROR_FORMAT,
      "%s in %s: got an empty value or one with spaces, expected one word", key,
      name);
  return FALSE;
}

/* ---- files ---- */

static const struct
{
  const gchar *key;
  const gchar *variable;
  gsize offset;
} fields[] = {
  { "aws_access_key_id", "AWS_ACCESS_KEY_ID",
      G_STRUCT_OFFSET (MillCredentials, access_key) },
  { "aws_secret_access_key", "AWS_SECRET_ACCESS_KEY",
      G_STRUCT_OFFSET (MillCredentials, secret_key) },
  { "aws_session_token", "AWS_SESSION_TOKEN",
      G_STRUCT_OFFSET (MillCredentials, session_token) },
  { "bearer_token", "MILLRACE_BEARER_TOKEN",
      G_STRUCT_OFFSET (MillCredentials, bearer_token) },
};

static gboolean
has_group (const gchar *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (g_strstrip (lines[i]), "["))
      return TRUE;
  return FALSE;
}

gboolean
mill_sign_credentials_parse (const gchar *text, gsize length, const gchar *name,
    MillCredentials *ret_credentials, GError **error)
{
  g_auto (MillCredentials) found = { 0 };
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autofree gchar *owned = g_strndup (length > 0 ? text : "", length);
  g_autofree gchar *whole =
      g_strconcat (has_group (owned) ? "" : "[" GROUP "]\n", owned, NULL);
  gboolean done = g_key_file_load_from_data (file, whole, -1, 0, NULL);

  explicit_bzero (owned, strlen (owned));
  explicit_bzero (whole, strlen (whole));
  /* GKeyFile's own text would quote the line, i.e. the secret. */
  if (!done || !g_key_file_has_group (file, GROUP)) {
    g_set_error (error, MILL_CREDENTIALS_ERROR, MILL_CREDENTIALS_ERROR_FORMAT,
        "%s: got something else, expected lines 'key = value' in [" GROUP "]",
        name);
    return FALSE;
  }
  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (!take_value (g_key_file_get_value (file, GROUP, fields[i].key, NULL),
            fields[i].key, name, G_STRUCT_MEMBER_P (&found, fields[i].offset),
            error))
      return FALSE;
  *ret_credentials = found;
  memset (&found, 0, sizeof found);
  return TRUE;
}

static gboolean
load_file (const gchar *path, MillCredentials *ret_credentials, GError **error)
{
  g_autofree gchar *text = NULL;
  gsize length;
  g_autoptr (GError) failure = NULL;
  g_autofree gchar *name = g_strdup_printf ("credentials '%s'", path);
  gboolean done;

  if (!g_file_get_contents (path, &text, &length, &failure)) {
    g_set_error (error, MILL_CREDENTIALS_ERROR, MILL_CREDENTIALS_ERROR_FILE,
        "%s: %s", name, failure->message);
    return FALSE;
  }
  if (length > MAX_FILE_BYTES) {
    g_set_error (error, MILL_CREDENTIALS_ERROR, MILL_CREDENTIALS_ERROR_FORMAT,
        "%s: got %" G_GSIZE_FORMAT " bytes, expected at most %d", name, length,
        MAX_FILE_BYTES);
    return FALSE;
  }
  done =
      mill_sign_credentials_parse (text, length, name, ret_credentials, error);
  explicit_bzero (text, length);
  return done;
}

static gboolean
load_environment (MillCredentials *ret_credentials, GError **error)
{
  g_auto (MillCredentials) found = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (!take_value (g_strdup (g_getenv (fields[i].variable)),
            fields[i].variable, "the environment",
            G_STRUCT_MEMBER_P (&found, fields[i].offset), error))
      return FALSE;
  *ret_credentials = found;
  memset (&found, 0, sizeof found);
  return TRUE;
}

gboolean
mill_sign_credentials_load (const gchar *path, MillCredentials *ret_credentials,
    GError **error)
{
  return path != NULL ? load_file (path, ret_credentials, error)
                      : load_environment (ret_credentials, error);
}

void
mill_sign_credentials_clear (MillCredentials *credentials)
{
  wipe (&credentials->access_key);
  wipe (&credentials->secret_key);
  wipe (&credentials->session_token);
  wipe (&credentials->bearer_token);
}
