/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What an operator reads about a certificate that does not work; a fault here
 * is an evening of searching. */
#include "tls/tls-identity.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tls-files.h"

static gint64
now_s (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

static void
expect_error (const gchar *certificate, const gchar *key, MillTlsError code,
    const gchar *const *texts)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillTlsIdentity) identity =
      mill_tls_identity_load (certificate, key, &error);

  g_assert_null (identity);
  g_assert_error (error, MILL_TLS_ERROR, (gint) code);
  for (; *texts; texts++)
    if (!strstr (error->message, *texts))
      g_error ("got '%s', expected '%s' in it", error->message, *texts);
}

#define TEXTS(...) ((const gchar *const[]){ __VA_ARGS__, NULL })

/* ---- what works ---- */

static void
test_load (void)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  const TlsFilesOptions options = { .name = "ingest", .n_issuers = 2 };
  g_autofree gchar *fingerprint = tls_files_make (files, &options);
  g_autoptr (GError) error = NULL;
  g_autoptr (MillTlsIdentity) identity =
      mill_tls_identity_load (files->certificate, files->key, &error);
  STACK_OF (X509) *chain = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (mill_tls_identity_get_subject (identity), ==, "/CN=ingest");
  g_assert_cmpstr (mill_tls_identity_get_fingerprint (identity), ==,
      fingerprint);
  gint64 left_s = mill_tls_identity_get_not_after (identity) - now_s ();
  g_assert_cmpint (left_s, >, 2 * 24 * 3600 - 60);
  g_assert_cmpint (left_s, <=, 2 * 24 * 3600);
  SSL_CTX_get0_chain_certs (mill_tls_identity_get_context (identity), &chain);
  g_assert_cmpint (sk_X509_num (chain), ==, 2);
  g_auto (GStrv) warnings =
      mill_tls_identity_list_warnings (identity, now_s ());
  g_assert_cmpuint (g_strv_length (warnings), ==, 0);
}

/* Some tools write both into one file, in either order. */
static void
test_one_file (void)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_autofree gchar *fingerprint = tls_files_make (files, NULL);
  g_autofree gchar *certificate = NULL;
  g_autofree gchar *key = NULL;

  g_file_get_contents (files->certificate, &certificate, NULL, NULL);
  g_file_get_contents (files->key, &key, NULL, NULL);
  for (guint i = 0; i < 2; i++) {
    g_autofree gchar *text =
        g_strconcat (i ? key : certificate, i ? certificate : key, NULL);
    g_autofree gchar *path = tls_files_write (files, "both.pem", text);
    g_autoptr (GError) error = NULL;
    g_autoptr (MillTlsIdentity) identity =
        mill_tls_identity_load (path, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (mill_tls_identity_get_fingerprint (identity), ==,
        fingerprint);
  }
}

static void
expect_warning (TlsFiles *files, gint64 at_s, const gchar *file,
    const gchar *text)
{
  g_autoptr (MillTlsIdentity) identity =
      mill_tls_identity_load (files->certificate, files->key, NULL);
  g_auto (GStrv) warnings = mill_tls_identity_list_warnings (identity, at_s);

  g_assert_cmpuint (g_strv_length (warnings), ==, 1);
  g_assert_nonnull (strstr (warnings[0], file));
  g_assert_nonnull (strstr (warnings[0], text));
}

static void
test_warnings (void)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_free (tls_files_make (files, NULL));

  expect_warning (files, now_s () + 3 * 24 * 3600, files->certificate,
      "expired at");
  expect_warning (files, now_s () - 3600, files->certificate, "valid only");
  g_assert_cmpint (g_chmod (files->key, 0644), ==, 0);
  expect_warning (files, now_s (), files->key, "expected mode 0600");
  /* a group of those who may read certificates is what Debian has */
  g_assert_cmpint (g_chmod (files->key, 0640), ==, 0);
  g_autoptr (MillTlsIdentity) identity =
      mill_tls_identity_load (files->certificate, files->key, NULL);
  g_auto (GStrv) warnings =
      mill_tls_identity_list_warnings (identity, now_s ());
  g_assert_cmpuint (g_strv_length (warnings), ==, 0);
}

/* ---- what does not ---- */

static void
test_missing (void)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_free (tls_files_make (files, NULL));

  expect_error ("/nowhere/cert.pem", files->key, MILL_TLS_ERROR_FILE,
      TEXTS ("certificate '/nowhere/cert.pem'", "No such file"));
  expect_error (files->certificate, "/nowhere/key.pem", MILL_TLS_ERROR_FILE,
      TEXTS ("key '/nowhere/key.pem'", "No such file"));
  expect_error (files->directory, files->key, MILL_TLS_ERROR_FILE,
      TEXTS ("certificate '", files->directory));
}

static void
test_other_content (void)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_free (tls_files_make (files, NULL));
  g_autofree gchar *empty = tls_files_write (files, "empty.pem", "");

  expect_error (empty, files->key, MILL_TLS_ERROR_FORMAT,
      TEXTS (empty, "expected a line -----BEGIN CERTIFICATE-----"));
  expect_error (files->key, files->key, MILL_TLS_ERROR_FORMAT,
      TEXTS ("certificate '", "BEGIN CERTIFICATE"));
  expect_error (files->certificate, files->certificate, MILL_TLS_ERROR_FORMAT,
      TEXTS ("key '", "expected a line -----BEGIN PRIVATE KEY-----"));
}

/* The line is where an editor is to go. */
static void
test_damaged (void)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_free (tls_files_make (files, NULL));
  g_autofree gchar *good = NULL;

  g_file_get_contents (files->certificate, &good, NULL, NULL);
  g_autofree gchar *text = g_strconcat ("# made by hand\n\n",
      "-----BEGIN CERTIFICATE-----\n*!*\n-----END CERTIFICATE-----\n", NULL);
  g_autofree gchar *first = tls_files_write (files, "first.pem", text);
  expect_error (first, files->key, MILL_TLS_ERROR_FORMAT,
      TEXTS (first, "line 3"));

  guint n_lines = 0;
  for (const gchar *at = good; *at; at++)
    n_lines += *at == '\n';
  g_autofree gchar *chain_text = g_strconcat (good, text, NULL);
  g_autofree gchar *chain = tls_files_write (files, "chain.pem", chain_text);
  g_autofree gchar *line = g_strdup_printf ("line %u", n_lines + 3);
  expect_error (chain, files->key, MILL_TLS_ERROR_FORMAT, TEXTS (chain, line));
}

static void
test_other_key (void)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_autoptr (TlsFiles) others = tls_files_new ();
  g_free (tls_files_make (files, NULL));
  g_free (tls_files_make (others, NULL));

  expect_error (files->certificate, others->key, MILL_TLS_ERROR_MISMATCH,
      TEXTS (others->key, files->certificate, "/CN=localhost"));
}

/* Nobody is there to be asked: it must not wait at a terminal either. */
static void
test_passphrase (void)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  const TlsFilesOptions options = { .passphrase = "secret" };
  g_free (tls_files_make (files, &options));

  expect_error (files->certificate, files->key, MILL_TLS_ERROR_FORMAT,
      TEXTS (files->key, "passphrase", "openssl pkey"));
}

/* No byte of it can make the reader crash or loop. */
static void
test_truncated (void)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_free (tls_files_make (files, NULL));
  g_autofree gchar *text = NULL;
  gsize size;

  g_file_get_contents (files->certificate, &text, &size, NULL);
  for (gsize i = 0; i + 1 < size; i++) {
    g_autofree gchar *part = g_strndup (text, i);
    g_autofree gchar *path = tls_files_write (files, "part.pem", part);
    g_autoptr (GError) error = NULL;
    g_autoptr (MillTlsIdentity) identity =
        mill_tls_identity_load (path, files->key, &error);
    g_assert_true ((identity == NULL) == (error != NULL));
  }
}

gint
main (gint argc, gchar **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tls/identity/load", test_load);
  g_test_add_func ("/tls/identity/one-file", test_one_file);
  g_test_add_func ("/tls/identity/warnings", test_warnings);
  g_test_add_func ("/tls/identity/missing", test_missing);
  g_test_add_func ("/tls/identity/other-content", test_other_content);
  g_test_add_func ("/tls/identity/damaged", test_damaged);
  g_test_add_func ("/tls/identity/other-key", test_other_key);
  g_test_add_func ("/tls/identity/passphrase", test_passphrase);
  g_test_add_func ("/tls/identity/truncated", test_truncated);
  return g_test_run ();
}
