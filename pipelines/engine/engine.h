/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bus-queue.h"
#include "description.h"
#include "diagnostics.h"
#include "graph.h"
#include "plan.h"

G_BEGIN_DECLS

/* Finds the plugins and data of this installation, or of the build tree when
 * the running binary lies in one, then calls gst_init(). Call it once, first,
 * from main(). */
gboolean mill_engine_init (int *argc, char ***argv, GError **error);

/* The same for a process that runs @description and looks at no other element:
 * only plugins that this needs are loaded, where that can be told beforehand.
 * @description: (nullable): NULL: any */
gboolean mill_engine_init_for (const MillDescription *description,
    GError **error);

/* Directory of the shipped descriptions (pipelines/), of presets/, of the
 * sibling binaries (millrace-worker, millrace-origin).
 * Returns: (transfer none), valid for ever. */
const gchar *mill_engine_get_pipelines_dir (void);
const gchar *mill_engine_get_presets_dir (void);
const gchar *mill_engine_get_libexec_dir (void);

/* Directory of what the programs of millrace load by themselves.
 * Returns: (transfer none), valid for ever. */
const gchar *mill_engine_get_modules_dir (void);

/* Where the links of a daemon with the default runtime directory are, or of
 * that which MILLRACE_RUNTIME_DIR names. Returns: (transfer none) */
const gchar *mill_engine_get_links_dir (void);

G_END_DECLS
