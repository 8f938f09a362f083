/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "tls-identity.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

/* Records that came together are read together: a turn of a 5 Mb/s publisher
 * brings 20 KB. Released while nothing is in it. */
#define READ_BUFFER_BYTES (32 * 1024)

/* No chain is that long; what is behind it is not read. */
#define MAX_BYTES (1024 * 1024)

struct _MillTlsIdentity
{
  gatomicrefcount refs;
  SSL_CTX *context;
  gchar *certificate_file;
  gchar *key_file;
  gboolean key_is_open; /* readable by everybody */
  gchar *subject;
  gchar *fingerprint;
  gint64 not_before;
  gint64 not_after;
};

/* A PEM file in memory. */
typedef struct
{
  const gchar *what; /* "certificate", "key" */
  const gchar *file;
  gchar *text;
  gsize size;
  BIO *bio;
  gboolean is_encrypted;
} Pem;

G_DEFINE_QUARK (mill_tls_error, mill_tls_error)

/* ---- PEM files ---- */

static void
clear_pem (Pem *pem)
{
  if (pem->text)
    OPENSSL_cleanse (pem->text, pem->size);
  g_free (pem->text);
  BIO_free (pem->bio);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pem, clear_pem)

static gboolean
open_pem (Pem *pem, const gchar *what, const gchar *file, GError **error)
{
  g_autoptr (GError) cause = NULL;

  pem->what = what;
  pem->file = file;
  const gchar *reason = g_access (file, R_OK) == 0 ? NULL : g_strerror (errno);
  if (!reason && !g_file_get_contents (file, &pem->text, &pem->size, &cause))
    reason = cause->message;
  if (reason) {
    g_set_error (error, MILL_TLS_ERROR, MILL_TLS_ERROR_FILE,
        "%s '%s': %s, expected a PEM file that can be read", what, file,
        reason);
    return FALSE;
  }
  pem->size = MIN (pem->size, MAX_BYTES);
  pem->bio = BIO_new_mem_buf (pem->text, (gint) pem->size);
  return pem->bio != NULL;
}

/* The line of the first block of @kind behind @position, 0: there is none. */
static guint
find_block (const Pem *pem, gsize position, const gchar *kind)
{
  guint line = 1;

  for (const gchar *at = pem->text; at && *at; line++) {
    const gchar *end = strchr (at, '\n');
    gsize size = end ? (gsize) (end - at) : strlen (at);
    if (at >= pem->text + position && g_str_has_prefix (at, "-----BEGIN ") &&
        g_strstr_len (at, (gssize) size, kind))
      return line;
    at = end ? end + 1 : NULL;
  }
  return 0;
}

/* OpenSSL's last error, for people. */
static const gchar *
get_reason (void)
{
  const gchar *reason = ERR_reason_error_string (ERR_peek_last_error ());

  return reason ? reason : "unknown error";
}

/* @position: where the reading of the block began */
static void
set_format_error (const Pem *pem, gsize position, GError **error)
{
  const gchar *kind = g_str_equal (pem->what, "key") ? "PRIVATE KEY"
                                                     : "CERTIFICATE";
  guint line = find_block (pem, position, kind);

  if (line == 0)
    g_set_error (error, MILL_TLS_ERROR, MILL_TLS_ERROR_FORMAT,
        "%s '%s': got no such block, expected a line -----BEGIN %s-----",
        pem->what, pem->file, kind);
  else if (pem->is_encrypted)
    g_set_error (error, MILL_TLS_ERROR, MILL_TLS_ERROR_FORMAT,
        "key '%s': line %u: got a key with a passphrase, expected one without "
        "(openssl pkey -in OLD -out NEW)",
        pem->file, line);
  else
    g_set_error (error, MILL_TLS_ERROR, MILL_TLS_ERROR_FORMAT,
        "%s '%s': line %u: got a damaged block (%s), expected a whole %s in "
        "PEM",
        pem->what, pem->file, line, get_reason (), kind);
  ERR_clear_error ();
}

static int
refuse_passphrase (char *buffer, int size, int is_writing, void *user_data)
{
  Pem *pem = user_data;

  pem->is_encrypted = TRUE;
  return -1;
}

static gsize
get_position (const Pem *pem)
{
  return pem->size - (gsize) BIO_pending (pem->bio);
}

/* ---- what is in them ---- */

static gint64
to_unix (const ASN1_TIME *time)
{
  struct tm parts;

  if (!ASN1_TIME_to_tm (time, &parts))
    return 0;
  g_autoptr (GDateTime) date = g_date_time_new_utc (parts.tm_year + 1900,
      parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min,
      parts.tm_sec);
  return date ? g_date_time_to_unix (date) : 0;
}

static void
describe (MillTlsIdentity *self, X509 *certificate)
{
  guchar digest[EVP_MAX_MD_SIZE];
  guint size = 0;
  GString *hex = g_string_new (NULL);
  gchar *subject =
      X509_NAME_oneline (X509_get_subject_name (certificate), NULL, 0);

  self->subject = g_strdup (subject ? subject : "");
  OPENSSL_free (subject);
  X509_digest (certificate, EVP_sha256 (), digest, &size);
  for (guint i = 0; i < size; i++)
    g_string_append_printf (hex, "%02x", digest[i]);
  self->fingerprint = g_string_free (hex, FALSE);
  self->not_before = to_unix (X509_get0_notBefore (certificate));
  self->not_after = to_unix (X509_get0_notAfter (certificate));
}

/* The server's own, the first of the file. */
static gboolean
use_certificate (MillTlsIdentity *self, Pem *pem, GError **error)
{
  X509 *certificate = PEM_read_bio_X509_AUX (pem->bio, NULL, NULL, NULL);

  if (!certificate) {
    set_format_error (pem, 0, error);
    return FALSE;
  }
  describe (self, certificate);
  gboolean is_used = SSL_CTX_use_certificate (self->context, certificate) == 1;
  X509_free (certificate);
  if (!is_used)
    g_set_error (error, MILL_TLS_ERROR, MILL_TLS_ERROR_FORMAT,
        "certificate '%s': got one that this system does not allow (%s), "
        "expected for instance RSA of 2048 bits or ECDSA with P-256",
        pem->file, get_reason ());
  ERR_clear_error ();
  return is_used;
}

/* Those behind it, up to the end of the file or to what is no certificate. */
static gboolean
use_chain (MillTlsIdentity *self, Pem *pem, GError **error)
{
  for (;;) {
    gsize block = get_position (pem);
    X509 *issuer = PEM_read_bio_X509 (pem->bio, NULL, NULL, NULL);
    if (!issuer &&
        ERR_GET_REASON (ERR_peek_last_error ()) == PEM_R_NO_START_LINE)
      break;
    if (!issuer) {
      set_format_error (pem, block, error);
      return FALSE;
    }
    SSL_CTX_add0_chain_cert (self->context, issuer); /* takes it */
  }
  ERR_clear_error ();
  return TRUE;
}

static gboolean
use_key (MillTlsIdentity *self, Pem *pem, GError **error)
{
  EVP_PKEY *key =
      PEM_read_bio_PrivateKey (pem->bio, NULL, refuse_passphrase, pem);

  if (!key) {
    set_format_error (pem, 0, error);
    return FALSE;
  }
  gboolean fits = SSL_CTX_use_PrivateKey (self->context, key) == 1 &&
      SSL_CTX_check_private_key (self->context) == 1;
  EVP_PKEY_free (key);
  if (!fits)
    g_set_error (error, MILL_TLS_ERROR, MILL_TLS_ERROR_MISMATCH,
        "key '%s': got the key of another certificate, expected that of '%s' "
        "(%s)",
        self->key_file, self->certificate_file, self->subject);
  ERR_clear_error ();
  return fits;
}

/* ---- life ---- */

static SSL_CTX *
new_context (void)
{
  static const guchar session_context[] = "millrace";
  SSL_CTX *context = SSL_CTX_new (TLS_server_method ());

  SSL_CTX_set_min_proto_version (context, TLS1_2_VERSION);
  /* A publisher that goes without close_notify (most do) has ended its stream
   * all the same: RTMP says by itself what is whole. */
  SSL_CTX_set_options (context,
      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
          SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode (context,
      SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
          SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead (context, 1);
  SSL_CTX_set_default_read_buffer_len (context, READ_BUFFER_BYTES);
  /* librtmp on GnuTLS takes the tickets of TLS 1.3, which come unasked for, for
   * a failure of its read; a publisher has little use for them. */
  SSL_CTX_set_num_tickets (context, 0);
  SSL_CTX_set_session_cache_mode (context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_session_id_context (context, session_context,
      sizeof session_context - 1);
  return context;
}

MillTlsIdentity *
mill_tls_identity_load (const gchar *certificate, const gchar *key,
    GError **error)
{
  g_autoptr (MillTlsIdentity) self = g_new0 (MillTlsIdentity, 1);
  g_auto (Pem) certificate_pem = { 0 };
  g_auto (Pem) key_pem = { 0 };
  struct stat info;

  g_atomic_ref_count_init (&self->refs);
  self->certificate_file = g_strdup (certificate);
  self->key_file = g_strdup (key ? key : certificate);
  self->context = new_context ();
  ERR_clear_error ();
  if (!open_pem (&certificate_pem, "certificate", self->certificate_file,
          error) ||
      !use_certificate (self, &certificate_pem, error) ||
      !use_chain (self, &certificate_pem, error) ||
      !open_pem (&key_pem, "key", self->key_file, error) ||
      !use_key (self, &key_pem, error))
    return NULL;
  self->key_is_open = g_stat (self->key_file, &info) == 0 &&
      (info.st_mode & S_IROTH) != 0;
  return g_steal_pointer (&self);
}

MillTlsIdentity *
mill_tls_identity_ref (MillTlsIdentity *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
mill_tls_identity_unref (MillTlsIdentity *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  SSL_CTX_free (self->context);
  g_free (self->certificate_file);
  g_free (self->key_file);
  g_free (self->subject);
  g_free (self->fingerprint);
  g_free (self);
}

/* ---- reading ---- */

SSL_CTX *
mill_tls_identity_get_context (MillTlsIdentity *self)
{
  return self->context;
}

const gchar *
mill_tls_identity_get_subject (MillTlsIdentity *self)
{
  return self->subject;
}

const gchar *
mill_tls_identity_get_fingerprint (MillTlsIdentity *self)
{
  return self->fingerprint;
}

gint64
mill_tls_identity_get_not_after (MillTlsIdentity *self)
{
  return self->not_after;
}

static gchar *
format_time (gint64 seconds)
{
  g_autoptr (GDateTime) date = g_date_time_new_from_unix_utc (seconds);

  return g_date_time_format_iso8601 (date);
}

gchar **
mill_tls_identity_list_warnings (MillTlsIdentity *self, gint64 now)
{
  g_autoptr (GStrvBuilder) warnings = g_strv_builder_new ();
  g_autofree gchar *open = g_strdup_printf ("key '%s': everybody on this "
                                            "machine may read it, expected "
                                            "mode 0600 or 0640",
      self->key_file);
  g_autofree gchar *from = format_time (self->not_before);
  g_autofree gchar *until = format_time (self->not_after);
  g_autofree gchar *early = g_strdup_printf ("certificate '%s': valid only "
                                             "from %s on, publishers that "
                                             "check it are refused by "
                                             "themselves",
      self->certificate_file, from);
  g_autofree gchar *late = g_strdup_printf ("certificate '%s': expired at %s, "
                                            "publishers that check it cannot "
                                            "connect: renew it",
      self->certificate_file, until);

  if (self->key_is_open)
    g_strv_builder_add (warnings, open);
  if (now < self->not_before)
    g_strv_builder_add (warnings, early);
  if (now > self->not_after)
    g_strv_builder_add (warnings, late);
  return g_strv_builder_end (warnings);
}
