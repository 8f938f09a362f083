/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "stream.h"

G_BEGIN_DECLS

/** Every stream of this installation, by name; what must survive a restart is
 * in the store after each save. */
typedef struct _MillStreamRegistry MillStreamRegistry;

/* Loads the streams of @store.
 * Returns: (transfer full) (nullable) */
MillStreamRegistry *mill_stream_registry_new (MillStore *store,
    const gchar *node_id, GError **error);
void mill_stream_registry_free (MillStreamRegistry *registry);

/* Tells of every change of state, of streams that there are and those to come. */
void mill_stream_registry_set_watch (MillStreamRegistry *registry,
    const MillStreamWatch *watch);

/* Returns: (transfer none) (nullable) */
MillStream *mill_stream_registry_find (MillStreamRegistry *registry,
    const gchar *name);

/* A stream that is neither wanted nor running yet, not saved.
 * Returns: (transfer none) */
MillStream *mill_stream_registry_add (MillStreamRegistry *registry,
    const gchar *name, const gchar *app, const gchar *pipeline);

/* Writes the stream's row. */
gboolean mill_stream_registry_save (MillStreamRegistry *registry,
    MillStream *stream, GError **error);

/* Forgets and frees the stream. */
gboolean mill_stream_registry_remove (MillStreamRegistry *registry,
    MillStream *stream, GError **error);

/* Returns: (transfer container) (element-type MillStream): by name */
GPtrArray *mill_stream_registry_list (MillStreamRegistry *registry);

/* The parameters in the stream's row.
 * Returns: (transfer full) (element-type utf8 utf8) */
GHashTable *mill_stream_registry_get_params (const MillStream *stream);

/* Sets them there. @params: (element-type utf8 utf8) */
void mill_stream_registry_set_params (MillStream *stream, GHashTable *params);

guint mill_stream_registry_count_running (MillStreamRegistry *registry);
/* Parts in processes of their own, of all streams. */
guint mill_stream_registry_count_parts (MillStreamRegistry *registry);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStreamRegistry, mill_stream_registry_free)

G_END_DECLS
