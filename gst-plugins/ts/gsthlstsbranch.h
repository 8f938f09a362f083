/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "gsthlstsoutput.h"

G_BEGIN_DECLS

/*
 * What is behind one pad of a hlstssink, up to its muxers: parsers, which are
 * chosen when caps come, a queue and a tee. Videos are offered for cutting here.
 */
typedef struct _GstHlsTsBranch GstHlsTsBranch;

/** @ghost: (transfer none): without target, of @bin
 * Returns: (transfer full) */
GstHlsTsBranch *gst_hls_ts_branch_new (GstBin *bin, GstPad *ghost,
    MillCmafKind kind);
/** Its elements leave the bin. */
void gst_hls_ts_branch_free (GstHlsTsBranch *self);

/** Returns: (transfer none)(nullable): NULL once it has ended */
GstPad *gst_hls_ts_branch_get_ghost (const GstHlsTsBranch *self);
/** What it was made with. */
MillCmafKind gst_hls_ts_branch_get_kind (const GstHlsTsBranch *self);

/** Links it to @mux, which @output ends. */
gboolean gst_hls_ts_branch_link (GstHlsTsBranch *self, GstElement *mux,
    GstHlsTsOutput *output);

/** Forgets what it knew of a run before; while stopped. */
void gst_hls_ts_branch_reset (GstHlsTsBranch *self);

/** It ends while the others go on; its ghost pad goes. */
void gst_hls_ts_branch_end (GstHlsTsBranch *self);

G_END_DECLS
