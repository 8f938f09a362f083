/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

#include "sign/sign-credentials.h"

G_BEGIN_DECLS

/*
 * Signers: what makes an HTTP request one that the server accepts. A signer
 * is told of the request and adds headers to it. No I/O; immutable and
 * reference counted.
 *
 * Threads: any.
 */
typedef struct _MillSigner MillSigner;

/** A header of the request that is to be signed, or that a signer adds. */
typedef struct
{
  const gchar *name;
  const gchar *value;
} MillSignHeader;

/**
 * MillSignRequest:
 * @method: "PUT"
 * @host: as in the header Host: with the port where it is not the scheme's
 * @path: as sent: absolute and percent-encoded
 * @query: (nullable): as sent
 * @headers: others that are to be signed
 * @payload_sha256: (nullable): hexadecimal; NULL: the body is not signed
 * @now_s: Unix seconds
 */
typedef struct
{
  const gchar *method;
  const gchar *host;
  const gchar *path;
  const gchar *query;
  const MillSignHeader *headers;
  guint n_headers;
  const gchar *payload_sha256;
  gint64 now_s;
} MillSignRequest;

typedef void (*MillSignAdd) (const gchar *name, const gchar *value,
    gpointer user_data);

/** What a kind of signer implements. */
typedef struct
{
  void (*sign) (MillSigner *self, const MillSignRequest *request,
      MillSignAdd add, gpointer user_data);
  void (*finalize) (MillSigner *self);
} MillSignerClass;

struct _MillSigner
{
  const MillSignerClass *klass;
  gint n_refs; /* atomic */
};

/** Returns: (transfer full): "Authorization: Bearer @token" (RFC 6750 2.1) */
MillSigner *mill_sign_new_bearer (const gchar *token);

/** The AWS Signature Version 4 in the header Authorization.
 * @region, @service: "us-east-1", "s3"
 * Returns: (transfer full) */
MillSigner *mill_sign_sigv4_new (const MillCredentials *credentials,
    const gchar *region, const gchar *service);

MillSigner *mill_sign_ref (MillSigner *self);
void mill_sign_unref (MillSigner *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillSigner, mill_sign_unref)

/** Calls @add with each header that the request needs.
 * @self: (nullable): NULL adds none */
void mill_sign_run (MillSigner *self, const MillSignRequest *request,
    MillSignAdd add, gpointer user_data);

G_END_DECLS
