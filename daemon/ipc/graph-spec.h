/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** What a worker builds a graph from. */
typedef struct
{
  gchar *description; /* YAML text */
  gchar *file; /* its name in messages */
  GHashTable *params; /* (element-type utf8 utf8); never NULL */
  guint64 epoch_ns; /* CLOCK_MONOTONIC; 0: the worker takes its own now */
  gboolean one_process; /* isolate is ignored: the whole graph in one worker */
  guint process; /* otherwise: the part to run, 0 is the shared one */
} MillGraphSpec;

/* Returns: (transfer full): no parameters, epoch 0, all in one process. */
MillGraphSpec *mill_graph_spec_new (const gchar *description,
    const gchar *file);
void mill_graph_spec_free (MillGraphSpec *spec);
void mill_graph_spec_set_param (MillGraphSpec *spec, const gchar *name,
    const gchar *value);

/* Returns: (transfer full) (nullable): NULL without a description. Without
 * `process` the graph is for one process. */
MillGraphSpec *mill_graph_spec_new_from_variant (GVariant *variant,
    GError **error);
/* @spec: (nullable): NULL gives an empty a{sv}. Returns: floating */
GVariant *mill_graph_spec_to_variant (const MillGraphSpec *spec);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillGraphSpec, mill_graph_spec_free)

G_END_DECLS
