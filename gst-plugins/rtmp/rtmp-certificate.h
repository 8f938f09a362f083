/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "tls/tls-identity.h"

G_BEGIN_DECLS

/*
 * The certificate that a listener shows: loaded from its files, and again within
 * a second when they have changed, on a thread that does nothing else. One that
 * cannot be loaded leaves the one in use, and says so once.
 *
 * Threads: any.
 */
typedef struct _MillRtmpCertificate MillRtmpCertificate;

/* @certificate, @key: as for mill_tls_identity_load()
 * Errors: MILL_TLS_ERROR */
MillRtmpCertificate *mill_rtmp_certificate_new (const gchar *certificate,
    const gchar *key, GError **error);
void mill_rtmp_certificate_free (MillRtmpCertificate *self);

/* Whether these are its files. */
gboolean mill_rtmp_certificate_is_of (MillRtmpCertificate *self,
    const gchar *certificate, const gchar *key);

/* Now, from these files, also when they have not changed.
 * Errors: MILL_TLS_ERROR; then files and certificate stay what they were */
gboolean mill_rtmp_certificate_reload (MillRtmpCertificate *self,
    const gchar *certificate, const gchar *key, GError **error);

/* For a new connection: the one in use. Does not wait for files.
 * Returns: (transfer full) */
MillTlsIdentity *mill_rtmp_certificate_take (MillRtmpCertificate *self);

/* Returns: (transfer full): certificate, subject, fingerprint (strings),
 * not-after (gint64, Unix seconds), loads (guint), error (string: why what is
 * in the files is not in use, "" if it is) */
GstStructure *mill_rtmp_certificate_describe (MillRtmpCertificate *self);

G_END_DECLS
