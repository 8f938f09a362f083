/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * What an object that is sent is, by its name.
 */

typedef enum
{
  MILL_STORE_HTTP_MEDIA, /* never changes */
  MILL_STORE_HTTP_PLAYLIST, /* names media, which is there by then */
  MILL_STORE_HTTP_TOP, /* names playlists */
  MILL_STORE_HTTP_PICTURES, /* of the seek bar: names sheets; or the poster */
  MILL_STORE_HTTP_DELETE,
} MillStoreHttpRank;

/**
 * MillStoreHttpKind:
 * @suffix: of the name, or all of it
 * @type: its media type
 * @caching: (nullable): for how long others may keep it
 */
typedef struct
{
  const gchar *suffix;
  MillStoreHttpRank rank;
  const gchar *type;
  const gchar *caching;
} MillStoreHttpKind;

/** @name: of an object, as in "v720/1-7.m4s"
 * Returns: (transfer none): what it is; of one that is not known, too */
const MillStoreHttpKind *mill_store_http_kind_find (const gchar *name);
/** Returns: that of its kind; never MILL_STORE_HTTP_DELETE */
MillStoreHttpRank mill_store_http_kind_get_rank (const gchar *name);

G_END_DECLS
