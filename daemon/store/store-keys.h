/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "store.h"

G_BEGIN_DECLS

/** A stream key without its secret, of which only the hash is kept. */
typedef struct
{
  gchar *id;
  gchar *app;
  gchar *name; /* the stream it may publish */
  gboolean enabled;
  gint64 created_at;
  gint64 expires_at; /* 0: never */
  guint64 generation; /* counts its rotations */
  gint64 previous_expires_at; /* 0: the secret before the last rotation is
                                 worth nothing */
  gchar **allowed_addresses; /* networks; empty, or NULL in a row that is
                                written: from everywhere */
  guint64 max_bitrate_bps; /* 0: no limit */
  guint max_duration_s; /* 0: no limit */
  gchar *node_id;
  gchar *owner_key_id; /* nullable */
  gboolean matched_previous; /* found by the secret before the last rotation */
} MillKeyRow;

void mill_store_keys_free_row (MillKeyRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillKeyRow, mill_store_keys_free_row)

/* @hash: SHA-256 of the secret */
gboolean mill_store_keys_insert (MillStore *store, const MillKeyRow *row,
    GBytes *hash, GError **error);
/* Gives the key of @id another secret; the one before is found too, and is
 * worth something until @previous_expires_at (0: nothing). Errors: NOT_FOUND */
gboolean mill_store_keys_rotate (MillStore *store, const gchar *id,
    GBytes *hash, gint64 previous_expires_at, GError **error);
/* Keeps what may be changed of the key of that id: enabled, expires_at,
 * allowed_addresses and the limits. Errors: NOT_FOUND */
gboolean mill_store_keys_update (MillStore *store, const MillKeyRow *row,
    GError **error);
/* Errors: NOT_FOUND */
gboolean mill_store_keys_delete (MillStore *store, const gchar *id,
    GError **error);
/* Returns: (transfer full) (nullable): NULL with NOT_FOUND when there is none */
MillKeyRow *mill_store_keys_get (MillStore *store, const gchar *id,
    GError **error);
/* By its secret, or the one before. */
MillKeyRow *mill_store_keys_find (MillStore *store, GBytes *hash,
    GError **error);
/* Returns: (transfer full) (nullable) (element-type MillKeyRow): by id */
GPtrArray *mill_store_keys_list (MillStore *store, const MillStorePage *page,
    GError **error);

G_END_DECLS
