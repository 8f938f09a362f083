/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Certificates for tests: a directory of its own, and PEM files in it that are
 * replaced by rename, as tools that renew certificates do.
 */
typedef struct
{
  gchar *directory;
  gchar *certificate; /* cert.pem */
  gchar *key; /* key.pem */
} TlsFiles;

typedef struct
{
  const gchar *name; /* CN; nullable */
  gint64 from_s; /* validity, from now */
  gint64 until_s; /* 0: two days */
  guint n_issuers; /* certificates behind the first one */
  const gchar *passphrase; /* nullable: of the key */
} TlsFilesOptions;

TlsFiles *tls_files_new (void);
void tls_files_free (TlsFiles *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TlsFiles, tls_files_free)

/* A self-signed ECDSA certificate for 127.0.0.1 and its key in both files.
 * @options: (nullable)
 * Returns: its SHA-256 in hexadecimal */
gchar *tls_files_make (TlsFiles *self, const TlsFilesOptions *options);

/* Writes @text to @file in the directory by rename. Returns: its path */
gchar *tls_files_write (TlsFiles *self, const gchar *file, const gchar *text);

G_END_DECLS
