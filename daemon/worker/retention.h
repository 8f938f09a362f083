/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Takes stream directories away some time after their stream ended, so that
 * viewers can finish what they watch. How long is kept in the directory itself
 * (".retention", milliseconds), so that a worker finds what a former one left.
 * Threads: main loop; files are deleted on a thread of their own. */
typedef struct _MillRetention MillRetention;

MillRetention *mill_retention_new (const gchar *media_dir);
void mill_retention_free (MillRetention *retention);

/* A stream writes to @directory: it stays until it is scheduled.
 * @retention_ms: 0: for ever */
void mill_retention_hold (MillRetention *retention, const gchar *directory,
    guint64 retention_ms);

/* Its stream has ended. Does nothing for one that is kept for ever. */
void mill_retention_schedule (MillRetention *retention, const gchar *directory,
    guint64 retention_ms);

/* Schedules what former processes left below media_dir, by the age of its
 * newest file. A directory that a packager holds is not touched. */
void mill_retention_scan (MillRetention *retention);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRetention, mill_retention_free)

G_END_DECLS
