/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What a process that outlives its supervisor does to itself, early in main()
 * and before any thread: own session, stdin and stdout on /dev/null, stderr
 * appended to state_dir/logs/ID.log (over 8 MiB the old one becomes ID.log.1,
 * at the start and while the default main context runs);
 * no parent-death signal; as many descriptors as the hard limit allows; SIGPIPE
 * ignored; at most two malloc arenas (each costs address space and, with
 * hundreds of streams, resident memory per thread).
 * @state_dir: (nullable): NULL keeps stderr. */
gboolean mill_daemonize_detach (const gchar *state_dir, const gchar *id,
    GError **error);

/* Begins a new log when this one is over 8 MiB. Main loop. */
void mill_daemonize_rotate_log (void);

/* Path of the log or post-mortem of the process @id.
 * @suffix: ".log" or ".crash". Returns: (transfer full) */
gchar *mill_daemonize_get_log_path (const gchar *state_dir, const gchar *id,
    const gchar *suffix);

G_END_DECLS
