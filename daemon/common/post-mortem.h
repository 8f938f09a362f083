/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * A process writes its own post-mortem: nobody can wait for a process it did
 * not start, so the status of an adopted worker is otherwise lost.
 * On SIGSEGV, SIGABRT, SIGBUS, SIGFPE and SIGILL, only with async-signal-safe
 * calls: signal, time, thread, streams, backtrace to @path; then the default
 * action (core dump, exit status) takes its course.
 */

/* The file is opened now (a crash may be lack of descriptors) and removed by
 * mill_post_mortem_close() of a good end, when nothing was written. */
gboolean mill_post_mortem_open (const gchar *path, GError **error);
void mill_post_mortem_close (void);

/* The streams this process runs, for the file. Main thread. */
void mill_post_mortem_add_stream (const gchar *name);
void mill_post_mortem_remove_stream (const gchar *name);

/* For whoever finds the process gone: the text of its post-mortem.
 * Returns: (transfer full) (nullable): NULL when it left none. */
gchar *mill_post_mortem_read (const gchar *path);

G_END_DECLS
