/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "store.h"

G_BEGIN_DECLS

/** Who was let in to publish a stream that runs, as far as it must survive a
 * restart of millraced: so that revoking a key ends what it let in. */
typedef struct
{
  gchar *stream;
  guint64 generation; /* of the stream's run */
  gchar *key_id; /* nullable: let in by no stream key */
  guint64 key_generation;
  gchar *address; /* as the worker says it; "" when unknown */
  gint64 since; /* Unix seconds: the run's first publisher came */
  gint64 ends_at; /* Unix seconds; 0: when the publisher wants */
  guint64 max_bitrate_bps; /* 0: no limit */
  gchar *node_id;
  gchar *owner_key_id; /* nullable */
} MillAdmissionRow;

MillAdmissionRow *mill_store_admissions_copy_row (const MillAdmissionRow *row);
void mill_store_admissions_free_row (MillAdmissionRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillAdmissionRow, mill_store_admissions_free_row)

/* Inserts, or replaces the row of that stream and address. */
gboolean mill_store_admissions_put (MillStore *store,
    const MillAdmissionRow *row, GError **error);
/* One that is not there is no error. */
gboolean mill_store_admissions_delete (MillStore *store, const gchar *stream,
    const gchar *address, GError **error);
/* Returns: (transfer full) (nullable) (element-type MillAdmissionRow) */
GPtrArray *mill_store_admissions_list (MillStore *store, GError **error);

G_END_DECLS
