/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Compressed texts, each kept for as long as its version is the newest and
 * there is room: a playlist is compressed once, not once per viewer.
 * Main thread. */
typedef struct _MillOriginGzip MillOriginGzip;

/** @max_bytes: of all that is kept. Returns: (transfer full) */
MillOriginGzip *mill_origin_gzip_new (gsize max_bytes);
void mill_origin_gzip_free (MillOriginGzip *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillOriginGzip, mill_origin_gzip_free)

/** @name: of the text. @version: its ETag. Returns: (transfer full)(nullable) */
GBytes *mill_origin_gzip_lookup (MillOriginGzip *self, const gchar *name,
    const gchar *version);

/** Compresses @text and keeps the result. Returns: (transfer full) */
GBytes *mill_origin_gzip_add (MillOriginGzip *self, const gchar *name,
    const gchar *version, GBytes *text);

/** Returns: bytes kept */
gsize mill_origin_gzip_get_size (MillOriginGzip *self);

G_END_DECLS
