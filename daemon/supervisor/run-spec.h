/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "catalog.h"
#include "daemon/ipc/graph-spec.h"

G_BEGIN_DECLS

/** What a stream's run is made of: its description, checked against
 * GStreamer's registry with the parameters filled in. */
typedef struct
{
  MillGraphSpec *graph; /* epoch not set */
  guint n_processes; /* the shared one and those of isolated nodes */
  guint n_places; /* sources that a publisher feeds */
  MillRestart policy;
} MillRunSpec;

typedef struct
{
  const gchar *pipeline;
  const gchar *text; /* (nullable): plan this description, called file, in
                        place of the pipeline as it is now */
  const gchar *file;
  const gchar *stream;
  const gchar *media_dir; /* output is media_dir/stream */
  const gchar *runtime_dir; /* links between processes are below it */
  GHashTable *params; /* (nullable) name -> text */
} MillRunRequest;

/* Returns: (transfer full) (nullable): NULL when @diagnostics got an error. */
MillRunSpec *mill_run_spec_new (MillCatalog *catalog,
    const MillRunRequest *request, MillDiagnostics *diagnostics);
void mill_run_spec_free (MillRunSpec *spec);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRunSpec, mill_run_spec_free)

G_END_DECLS
