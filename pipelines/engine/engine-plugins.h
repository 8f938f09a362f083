/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "description.h"

G_BEGIN_DECLS

/* The files of all plugins that a process needs which runs @description and
 * nothing else.
 * @own_dir: where millrace's plugins are
 * Returns: (transfer full) (nullable) (element-type filename): NULL when only
 *   GStreamer's registry can tell, or somebody has told GStreamer where plugins
 *   are, or which; then the registry is read as ever */
GPtrArray *mill_engine_plugins_find (const MillDescription *description,
    const gchar *own_dir);

/* gst_init() with the plugins in @files and no others.
 * Errors: those of gst_init_check(); GST_PLUGIN_ERROR */
gboolean mill_engine_plugins_init (GPtrArray *files, GError **error);

G_END_DECLS
