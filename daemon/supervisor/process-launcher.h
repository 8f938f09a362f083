/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * MillProcessLauncher: starts millrace-worker and millrace-origin as processes
 * that outlive this one, and finds those that run already.
 *
 * It hands nothing on but a socket's path: whoever launched connects by
 * mill_worker_proxy_connect_async(), as to a process it adopts.
 *
 * Signals:
 *   "exited" (const gchar *id, guint pid, gint wait_status)
 *       a process that this launcher started has ended. Adopted processes are
 *       seen to go by "lost" of their link only.
 *
 * Threads: main loop.
 */
#define MILL_TYPE_PROCESS_LAUNCHER (mill_process_launcher_get_type ())
G_DECLARE_FINAL_TYPE (MillProcessLauncher, mill_process_launcher, MILL,
    PROCESS_LAUNCHER, GObject)

typedef struct
{
  const gchar *runtime_dir;
  const gchar *state_dir;
  const gchar *media_dir;
  const gchar *log_level; /* nullable: info */
  const gchar *log_format; /* nullable: text */
  guint orphan_timeout_s; /* 0: 300 */
  guint deadline_ms; /* until the socket is there; 0: 10000 */
} MillProcessLauncherOptions;

/* Copies @options. The binaries are siblings of the running one (build tree),
 * else in libexec. Returns: (transfer full) */
MillProcessLauncher *mill_process_launcher_new (const MillProcessLauncherOptions
        *options);

/* Sockets of processes that are alive. Files of dead ones are removed.
 * Returns: (transfer full): ids, sorted. */
GStrv mill_process_launcher_scan_workers (MillProcessLauncher *launcher);
GStrv mill_process_launcher_scan_origins (MillProcessLauncher *launcher);
gboolean mill_process_launcher_is_origin_running (MillProcessLauncher *launcher,
    const gchar *id);

/* Returns: (transfer full): runtime_dir/workers/ID.sock; runtime_dir/ID.sock */
gchar *mill_process_launcher_get_worker_socket (MillProcessLauncher *launcher,
    const gchar *id);
gchar *mill_process_launcher_get_origin_socket (MillProcessLauncher *launcher,
    const gchar *id);

/* Starts the process unless it runs already; done when its socket can be
 * connected to. A process that ends first, or is late (it is killed then), is
 * an error with the tail of its log.
 * Errors: MILL_IPC_ERROR.EXITED, .TIMEOUT, .FAILED, G_IO_ERROR */
void mill_process_launcher_launch_worker_async (MillProcessLauncher *launcher,
    const gchar *id, GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data);
/* One of kind isolated: it runs a part of one stream and ends with it. */
void mill_process_launcher_launch_isolated_async (MillProcessLauncher *launcher,
    const gchar *id, GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data);
void mill_process_launcher_launch_origin_async (MillProcessLauncher *launcher,
    const gchar *id, GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data);

/* Returns: (transfer full) (nullable): the socket's path. */
gchar *mill_process_launcher_launch_finish (MillProcessLauncher *launcher,
    GAsyncResult *result, GError **error);

/* The post-mortem (else the last lines of the log) that process @id left.
 * Returns: (transfer full) (nullable) */
gchar *mill_process_launcher_read_last_words (MillProcessLauncher *launcher,
    const gchar *id);

G_END_DECLS
