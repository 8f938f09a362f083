/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "store.h"

G_BEGIN_DECLS

typedef enum
{
  MILL_DESIRED_RUNNING, /* runs, or waits for its publisher */
  MILL_DESIRED_STOPPED,
} MillDesired;

/** How far a stream's present run has come, as far as it must survive a
 * restart of millraced; the finer state is the worker's to tell. */
typedef enum
{
  MILL_PHASE_IDLE, /* never ran */
  MILL_PHASE_RUNNING, /* a worker was given it */
  MILL_PHASE_ENDED, /* finished its output; the next run is a new one */
  MILL_PHASE_FAILED,
} MillPhase;

typedef struct
{
  gchar *name;
  gchar *app; /* nullable: no RTMP application */
  gchar *pipeline;
  gchar *params; /* JSON object of strings */
  gboolean declared; /* by PUT; others go with their directory */
  MillDesired desired;
  MillPhase phase;
  gchar *owner; /* nullable: id of the worker that runs it */
  guint64 generation;
  guint64 epoch; /* CLOCK_MONOTONIC nanoseconds */
  gchar *boot_id; /* of that clock */
  guint restarts;
  gchar *last_error; /* nullable */
  gchar *node_id;
  gchar *owner_key_id; /* nullable */
  gchar *lease_owner; /* nullable */
  gint64 lease_expires; /* Unix seconds */
  gint64 created_at;
  gint64 updated_at;
  gchar *run_text; /* nullable: the description as the present run has it */
  gchar *run_file; /* nullable: its name in messages, for relative paths */
} MillStreamRow;

void mill_store_streams_free_row (MillStreamRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStreamRow, mill_store_streams_free_row)

/* Inserts, or replaces the row of that name. */
gboolean mill_store_streams_put (MillStore *store, const MillStreamRow *row,
    GError **error);
/* Errors: MILL_STORE_ERROR.NOT_FOUND */
gboolean mill_store_streams_delete (MillStore *store, const gchar *name,
    GError **error);
/* Returns: (transfer full) (nullable) (element-type MillStreamRow): by name */
GPtrArray *mill_store_streams_list (MillStore *store, GError **error);

G_END_DECLS
