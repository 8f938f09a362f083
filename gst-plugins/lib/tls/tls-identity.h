/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>
#include <openssl/ssl.h>

G_BEGIN_DECLS

/** What a TLS server proves itself with: a certificate, the chain behind it and
 * its private key, read from PEM files once. Immutable and reference counted:
 * who connected with one keeps it when a newer one is in use.
 *
 * Threads: any. */
typedef struct _MillTlsIdentity MillTlsIdentity;

#define MILL_TLS_ERROR (mill_tls_error_quark ())
GQuark mill_tls_error_quark (void);

/**
 * MillTlsError:
 * @MILL_TLS_ERROR_FILE: a file cannot be read
 * @MILL_TLS_ERROR_FORMAT: a file is not the PEM that it should be
 * @MILL_TLS_ERROR_MISMATCH: the key is not the certificate's
 */
typedef enum
{
  MILL_TLS_ERROR_FILE,
  MILL_TLS_ERROR_FORMAT,
  MILL_TLS_ERROR_MISMATCH,
} MillTlsError;

/* Blocks for as long as two small files take.
 * @certificate: PEM file: the server's certificate first, then its issuers
 * @key: (nullable): PEM file of the private key; NULL: it is in @certificate
 * Returns: (transfer full) (nullable)
 * Errors: MILL_TLS_ERROR, which name the file, the line and what was expected */
MillTlsIdentity *mill_tls_identity_load (const gchar *certificate,
    const gchar *key, GError **error);

MillTlsIdentity *mill_tls_identity_ref (MillTlsIdentity *self);
void mill_tls_identity_unref (MillTlsIdentity *self);

/* For servers: TLS 1.2 and 1.3 with the system's ciphers, no renegotiation, no
 * compression, no session cache; tickets with TLS 1.2 only.
 * Returns: (transfer none) */
SSL_CTX *mill_tls_identity_get_context (MillTlsIdentity *self);

/* For people: of the first certificate. Returns: (transfer none) */
const gchar *mill_tls_identity_get_subject (MillTlsIdentity *self);
/* SHA-256 of it, in lower-case hexadecimal. Returns: (transfer none) */
const gchar *mill_tls_identity_get_fingerprint (MillTlsIdentity *self);
/* Unix seconds. */
gint64 mill_tls_identity_get_not_after (MillTlsIdentity *self);

/* What works but should be mended, a sentence each: a key that others may read,
 * a certificate that is not valid at @now (Unix seconds).
 * Returns: (transfer full) */
gchar **mill_tls_identity_list_warnings (MillTlsIdentity *self, gint64 now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillTlsIdentity, mill_tls_identity_unref)

G_END_DECLS
