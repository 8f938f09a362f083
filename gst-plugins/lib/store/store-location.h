/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Where a store is, as people write it: a directory, its file:// URL, an
 * http:// or https:// URL whose objects are put and deleted, or
 * s3://bucket/prefix. No I/O; any thread.
 */

/**
 * MillStoreLocation:
 * @path: (nullable): of a directory
 * @url: (nullable): http(s), percent-encoded, no '/' at its end
 * @is_s3: it was written as s3://
 */
typedef struct
{
  gchar *path;
  gchar *url;
  gboolean is_s3;
} MillStoreLocation;

/**
 * mill_store_location_parse:
 * @endpoint: (nullable): http(s) URL of the server of s3:// locations; NULL:
 *   that of AWS in @region
 *
 * Errors: MILL_STORE_ERROR_NAME; the text has neither user, password nor query
 * of a URL.
 */
gboolean mill_store_location_parse (const gchar *text, const gchar *endpoint,
    const gchar *region, MillStoreLocation *ret_location, GError **error);

/** Frees what @location has, not itself. */
void mill_store_location_clear (MillStoreLocation *location);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MillStoreLocation, mill_store_location_clear)

/** Returns: (transfer full): URL of the object @name in the store at @url */
gchar *mill_store_location_join (const gchar *url, const gchar *name);

G_END_DECLS
