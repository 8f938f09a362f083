/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "tls-files.h"

#include <glib/gstdio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#define DEFAULT_VALIDITY_S (2 * 24 * 3600)

TlsFiles *
tls_files_new (void)
{
  TlsFiles *self = g_new0 (TlsFiles, 1);

  self->directory = g_dir_make_tmp ("mill-tls-XXXXXX", NULL);
  g_assert_nonnull (self->directory);
  self->certificate = g_build_filename (self->directory, "cert.pem", NULL);
  self->key = g_build_filename (self->directory, "key.pem", NULL);
  return self;
}

void
tls_files_free (TlsFiles *self)
{
  g_autoptr (GDir) dir = g_dir_open (self->directory, 0, NULL);
  const gchar *name;

  while ((name = g_dir_read_name (dir))) {
    g_autofree gchar *path = g_build_filename (self->directory, name, NULL);
    g_remove (path);
  }
  g_rmdir (self->directory);
  g_free (self->directory);
  g_free (self->certificate);
  g_free (self->key);
  g_free (self);
}

static X509 *
make_certificate (EVP_PKEY *key, const TlsFilesOptions *options)
{
  X509 *certificate = X509_new ();
  X509_NAME *name = X509_get_subject_name (certificate);
  const gchar *common_name = options->name ? options->name : "localhost";
  gint64 until_s = options->until_s ? options->until_s : DEFAULT_VALIDITY_S;

  X509_set_version (certificate, X509_VERSION_3);
  ASN1_INTEGER_set (X509_get_serialNumber (certificate), g_random_int ());
  X509_gmtime_adj (X509_getm_notBefore (certificate), options->from_s);
  X509_gmtime_adj (X509_getm_notAfter (certificate), until_s);
  X509_NAME_add_entry_by_txt (name, "CN", MBSTRING_UTF8,
      (const guchar *) common_name, -1, -1, 0);
  X509_set_issuer_name (certificate, name);
  X509_set_pubkey (certificate, key);
  X509_EXTENSION *address = X509V3_EXT_conf_nid (NULL, NULL,
      NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost");
  X509_add_ext (certificate, address, -1);
  X509_EXTENSION_free (address);
  g_assert_cmpint (X509_sign (certificate, key, EVP_sha256 ()), >, 0);
  return certificate;
}

static gchar *
take_text (BIO *bio)
{
  gchar *data;
  glong size = BIO_get_mem_data (bio, &data);
  gchar *text = g_strndup (data, (gsize) size);

  BIO_free (bio);
  return text;
}

static gchar *
make_certificate_text (X509 *certificate, guint n_issuers)
{
  BIO *bio = BIO_new (BIO_s_mem ());

  for (guint i = 0; i <= n_issuers; i++)
    PEM_write_bio_X509 (bio, certificate);
  return take_text (bio);
}

static gchar *
make_key_text (EVP_PKEY *key, const gchar *passphrase)
{
  BIO *bio = BIO_new (BIO_s_mem ());

  PEM_write_bio_PKCS8PrivateKey (bio, key,
      passphrase ? EVP_aes_128_cbc () : NULL, passphrase,
      passphrase ? (gint) strlen (passphrase) : 0, NULL, NULL);
  return take_text (bio);
}

gchar *
tls_files_write (TlsFiles *self, const gchar *file, const gchar *text)
{
  gchar *path = g_build_filename (self->directory, file, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT,
      0600, &error);
  g_assert_no_error (error);
  return path;
}

gchar *
tls_files_make (TlsFiles *self, const TlsFilesOptions *options)
{
  const TlsFilesOptions defaults = { 0 };
  const TlsFilesOptions *wanted = options ? options : &defaults;
  EVP_PKEY *key = EVP_EC_gen ("P-256");
  X509 *certificate = make_certificate (key, wanted);
  g_autofree gchar *certificate_text =
      make_certificate_text (certificate, wanted->n_issuers);
  g_autofree gchar *key_text = make_key_text (key, wanted->passphrase);
  guchar digest[EVP_MAX_MD_SIZE];
  guint size;
  GString *hex = g_string_new (NULL);

  X509_digest (certificate, EVP_sha256 (), digest, &size);
  for (guint i = 0; i < size; i++)
    g_string_append_printf (hex, "%02x", digest[i]);
  g_free (tls_files_write (self, "key.pem", key_text));
  g_free (tls_files_write (self, "cert.pem", certificate_text));
  X509_free (certificate);
  EVP_PKEY_free (key);
  return g_string_free (hex, FALSE);
}
