/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/** Measures what reaches the sinks of a pipeline: media time and bytes. */
typedef struct _MillProgress MillProgress;

/* @pipeline: before it starts; must outlive the object */
MillProgress *mill_progress_new (GstPipeline *pipeline);
void mill_progress_free (MillProgress *progress);

/* The sink @node has written @path, whatever name it was told. */
void mill_progress_set_written (MillProgress *progress, const gchar *node,
    const gchar *path);

/* "00:01:23.4 of 00:10:00.0, 29.3x real time, 2.4 Mbit/s, 17 s left".
 * Returns: (transfer full) */
gchar *mill_progress_to_line (MillProgress *progress);

/* "600.0 s of media in 20.5 s, ...". Returns: (transfer full) */
gchar *mill_progress_to_summary (MillProgress *progress);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillProgress, mill_progress_free)

G_END_DECLS
