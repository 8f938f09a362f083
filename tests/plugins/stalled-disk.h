/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * A disk that stands still: writev() of libc, which the store writes with, is
 * replaced in the program and what it loads (which has to be linked with
 * export_dynamic for that).
 */

/** Writes to files whose path ends with @suffix stand still from now on. */
void stalled_disk_stall (const gchar *suffix);

/** Waits until one does. */
void stalled_disk_wait (void);

void stalled_disk_release (void);

/** Reads a property of @object, a GstStructure, as the main loop of a worker
 * does, which the disk must not keep from it.
 * Returns: (transfer full): never NULL */
gpointer stalled_disk_get (gpointer object, const gchar *property);

G_END_DECLS
