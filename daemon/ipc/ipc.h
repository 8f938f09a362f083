/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Version of the interfaces in this folder: raised when a peer of the older
 * version could misunderstand; a new key in an a{sv} does not raise it. */
#define MILL_IPC_PROTOCOL 1u

#define MILL_IPC_WORKER_PATH "/org/millrace/worker"
#define MILL_IPC_ORIGIN_PATH "/org/millrace/origin"

/* Sockets below runtime_dir. */
#define MILL_IPC_WORKERS_DIR "workers"
#define MILL_IPC_SOCKET_SUFFIX ".sock"

/** Crosses the bus as org.millrace.Error.*: a GError of this domain that one
 * side returns is the same GError on the other side. */
#define MILL_IPC_ERROR (mill_ipc_error_quark ())
GQuark mill_ipc_error_quark (void);

/**
 * MillIpcError:
 * @MILL_IPC_ERROR_FAILED: anything without a code of its own
 * @MILL_IPC_ERROR_INVALID: an argument is out of its range
 * @MILL_IPC_ERROR_ADDRESS_IN_USE: a listener's address is taken
 * @MILL_IPC_ERROR_EXISTS: a stream of this name runs already, or another
 *   process serves the socket
 * @MILL_IPC_ERROR_NOT_FOUND: no such stream
 * @MILL_IPC_ERROR_DESCRIPTION: the description has mistakes; the text has a
 *   line per mistake, file:line:column: error: ...
 * @MILL_IPC_ERROR_DRAINING: the process takes nothing new
 * @MILL_IPC_ERROR_PROTOCOL: the peer speaks another version; it was told to
 *   drain
 * @MILL_IPC_ERROR_EXITED: a started process ended before it served its socket
 * @MILL_IPC_ERROR_TIMEOUT: no answer before the deadline
 * @MILL_IPC_ERROR_CONFLICT: what was asked does not go with what is so
 */
typedef enum
{
  MILL_IPC_ERROR_FAILED,
  MILL_IPC_ERROR_INVALID,
  MILL_IPC_ERROR_ADDRESS_IN_USE,
  MILL_IPC_ERROR_EXISTS,
  MILL_IPC_ERROR_NOT_FOUND,
  MILL_IPC_ERROR_DESCRIPTION,
  MILL_IPC_ERROR_DRAINING,
  MILL_IPC_ERROR_PROTOCOL,
  MILL_IPC_ERROR_EXITED,
  MILL_IPC_ERROR_TIMEOUT,
  MILL_IPC_ERROR_CONFLICT,
} MillIpcError;

/* "unix:path=..." with @path escaped. Returns: (transfer full) */
gchar *mill_ipc_get_address (const gchar *path);

/* Admits SASL EXTERNAL and peers of this process's own user only: the
 * directory's mode 0700 is the first lock, this the second.
 * Returns: (transfer full) */
GDBusAuthObserver *mill_ipc_auth_observer_new (void);

/* The message of a GError that came over the bus, without the D-Bus name that
 * GDBus puts before it. Returns: (transfer full) */
gchar *mill_ipc_error_get_message (const GError *error);

/* The string @key of an a{sv}, "" without one. Returns: (transfer full) */
gchar *mill_ipc_lookup_string (GVariant *dict, const gchar *key);

G_END_DECLS
