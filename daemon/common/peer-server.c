/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/common/peer-server.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/ipc/ipc.h"

#define LOCK_SUFFIX ".lock"
#define NEW_SUFFIX ".new"
#define FLUSH_TIMEOUT_MS 1000

struct _MillPeerServer
{
  GObject parent;

  /* All on the creating thread. */
  gchar *path;
  gchar *object_path;
  gint lock_fd;
  GDBusServer *server;
  GDBusInterfaceSkeleton *skeleton;
  GDBusConnection *connection; /* nullable: the peer */
};

enum
{
  SIGNAL_CONNECTED,
  SIGNAL_DISCONNECTED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (MillPeerServer, mill_peer_server, G_TYPE_OBJECT)

static void
set_errno_error (GError **error, const gchar *what, const gchar *subject)
{
  const gint code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s '%s': %s",
      what, subject, g_strerror (code));
}

/* ---- the directory and the lock ---- */

/* Whoever may write into the directory may put a socket of its own there. */
static gboolean
prepare_directory (const gchar *path, GError **error)
{
  g_autofree gchar *dir = g_path_get_dirname (path);
  struct stat status;

  if (g_mkdir_with_parents (dir, 0700) != 0 || stat (dir, &status) != 0) {
    set_errno_error (error, "make directory", dir);
    return FALSE;
  }
  if (status.st_uid != geteuid () || (status.st_mode & 022) != 0) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_FAILED,
        "socket directory '%s': got owner %u and mode %03o, expected owner %u "
        "and nobody else to write",
        dir, (guint) status.st_uid, (guint) status.st_mode & 0777,
        (guint) geteuid ());
    return FALSE;
  }
  return TRUE;
}

/* Locks of the open file description: they can be asked for without being
 * taken, and closing another descriptor of the file does not drop them
 * (fcntl(2)). */
static struct flock
whole_file (void)
{
  const struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

  return lock;
}

/* Whether the locked @fd is still the file of that name: its former holder may
 * have removed it between our open and our lock. */
static gboolean
is_current (gint fd, const gchar *lock_path)
{
  struct stat own;
  struct stat named;

  return fstat (fd, &own) == 0 && stat (lock_path, &named) == 0 &&
      own.st_ino == named.st_ino && own.st_dev == named.st_dev;
}

static void
write_pid (gint fd)
{
  gchar text[24];
  const gint length = g_snprintf (text, sizeof text, "%d\n", (gint) getpid ());

  /* Only for people and launchers to read: the lock does not depend on it. */
  if (ftruncate (fd, 0) == 0) {
    const gssize done G_GNUC_UNUSED = pwrite (fd, text, (gsize) length, 0);
  }
}

static gint
take_lock (const gchar *path, GError **error)
{
  g_autofree gchar *lock_path = g_strconcat (path, LOCK_SUFFIX, NULL);

  for (;;) {
    struct flock lock = whole_file ();
    const gint fd = open (lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
      set_errno_error (error, "open", lock_path);
      return -1;
    }
    if (fcntl (fd, F_OFD_SETLK, &lock) != 0) {
      close (fd);
      g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_EXISTS,
          "socket '%s': another process serves it", path);
      return -1;
    }
    if (is_current (fd, lock_path)) {
      write_pid (fd);
      return fd;
    }
    close (fd);
  }
}

gboolean
mill_peer_server_is_served (const gchar *path, guint *ret_pid)
{
  g_autofree gchar *lock_path = g_strconcat (path, LOCK_SUFFIX, NULL);
  struct flock lock = whole_file ();
  const gint fd = open (lock_path, O_RDWR | O_CLOEXEC);
  gchar text[24] = "";

  if (fd < 0)
    return FALSE;
  const gboolean held = fcntl (fd, F_OFD_GETLK, &lock) == 0 &&
      lock.l_type != F_UNLCK;
  if (held && ret_pid) {
    const gssize size = pread (fd, text, sizeof text - 1, 0);
    *ret_pid = size > 0 ? (guint) g_ascii_strtoull (text, NULL, 10) : 0;
  }
  close (fd);
  return held;
}

/* ---- connections ---- */

static void
drop_connection (MillPeerServer *server)
{
  g_autoptr (GDBusConnection) connection =
      g_steal_pointer (&server->connection);

  if (!connection)
    return;
  g_signal_handlers_disconnect_by_data (connection, server);
  g_dbus_interface_skeleton_unexport_from_connection (server->skeleton,
      connection);
  g_dbus_connection_close (connection, NULL, NULL, NULL);
}

static void
on_closed (GDBusConnection *connection, gboolean remote_peer_vanished,
    GError *error, gpointer user_data)
{
  MillPeerServer *server = user_data;

  drop_connection (server);
  g_signal_emit (server, signals[SIGNAL_DISCONNECTED], 0);
}

static gboolean
on_new_connection (GDBusServer *dbus_server, GDBusConnection *connection,
    gpointer user_data)
{
  MillPeerServer *server = user_data;
  g_autoptr (GError) error = NULL;

  drop_connection (server);
  if (!g_dbus_interface_skeleton_export (server->skeleton, connection,
          server->object_path, &error)) {
    g_warning ("socket '%s': %s", server->path, error->message);
    return FALSE;
  }
  server->connection = g_object_ref (connection);
  g_signal_connect (connection, "closed", G_CALLBACK (on_closed), server);
  g_signal_emit (server, signals[SIGNAL_CONNECTED], 0);
  return TRUE;
}

/* ---- life ---- */

/* Listens under another name first: a file of the final name can be connected
 * to from the moment it is seen. */
static gboolean
listen_and_rename (MillPeerServer *server, GError **error)
{
  g_autofree gchar *new_path = g_strconcat (server->path, NEW_SUFFIX, NULL);
  g_autofree gchar *address = mill_ipc_get_address (new_path);
  g_autofree gchar *guid = g_dbus_generate_guid ();
  g_autoptr (GDBusAuthObserver) observer = mill_ipc_auth_observer_new ();

  if (strlen (new_path) >= sizeof ((struct sockaddr_un *) NULL)->sun_path) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID,
        "socket '%s': got a path of %zu bytes, expected at most %zu",
        server->path, strlen (server->path),
        sizeof ((struct sockaddr_un *) NULL)->sun_path - sizeof NEW_SUFFIX);
    return FALSE;
  }
  (void) g_unlink (new_path);
  server->server = g_dbus_server_new_sync (address,
      G_DBUS_SERVER_FLAGS_AUTHENTICATION_REQUIRE_SAME_USER, guid, observer,
      NULL, error);
  if (!server->server)
    return FALSE;
  g_signal_connect (server->server, "new-connection",
      G_CALLBACK (on_new_connection), server);
  g_dbus_server_start (server->server);
  if (g_rename (new_path, server->path) != 0) {
    set_errno_error (error, "rename", new_path);
    return FALSE;
  }
  return TRUE;
}

MillPeerServer *
mill_peer_server_new (const gchar *path, GDBusInterfaceSkeleton *skeleton,
    const gchar *object_path, GError **error)
{
  g_autoptr (MillPeerServer) server =
      g_object_new (MILL_TYPE_PEER_SERVER, NULL);

  server->object_path = g_strdup (object_path);
  server->skeleton = g_object_ref (skeleton);
  if (!prepare_directory (path, error))
    return NULL;
  server->lock_fd = take_lock (path, error);
  if (server->lock_fd < 0)
    return NULL;
  server->path = g_strdup (path);
  if (!listen_and_rename (server, error))
    return NULL;
  return g_steal_pointer (&server);
}

void
mill_peer_server_stop (MillPeerServer *server)
{
  drop_connection (server);
  if (server->server) {
    g_signal_handlers_disconnect_by_data (server->server, server);
    /* GDBusServer removes the file under the name it made it with, and
     * complains when there is none. */
    g_autofree gchar *new_path = g_strconcat (server->path, NEW_SUFFIX, NULL);
    (void) g_rename (server->path, new_path);
    g_dbus_server_stop (server->server);
    g_clear_object (&server->server);
  }
  if (server->lock_fd >= 0) {
    /* While the lock is held: nobody else's files can go. */
    g_autofree gchar *lock_path = g_strconcat (server->path, LOCK_SUFFIX, NULL);
    (void) g_unlink (lock_path);
    close (server->lock_fd);
    server->lock_fd = -1;
  }
}

gboolean
mill_peer_server_is_connected (MillPeerServer *server)
{
  return server->connection != NULL;
}

static void
on_flushed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  gboolean *done = user_data;

  g_dbus_connection_flush_finish (G_DBUS_CONNECTION (source), result, NULL);
  *done = TRUE;
}

static gboolean
on_flush_timeout (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_REMOVE;
}

void
mill_peer_server_flush (MillPeerServer *server)
{
  g_autoptr (GMainContext) context = g_main_context_ref_thread_default ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GSource) timer = g_timeout_source_new (FLUSH_TIMEOUT_MS);
  gboolean done = FALSE;

  if (!server->connection)
    return;
  g_source_set_callback (timer, on_flush_timeout, cancellable, NULL);
  g_source_attach (timer, context);
  g_dbus_connection_flush (server->connection, cancellable, on_flushed, &done);
  while (!done)
    g_main_context_iteration (context, TRUE);
  g_source_destroy (timer);
}

static void
mill_peer_server_finalize (GObject *object)
{
  MillPeerServer *server = MILL_PEER_SERVER (object);

  mill_peer_server_stop (server);
  g_clear_object (&server->skeleton);
  g_free (server->path);
  g_free (server->object_path);
  G_OBJECT_CLASS (mill_peer_server_parent_class)->finalize (object);
}

static void
mill_peer_server_class_init (MillPeerServerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = mill_peer_server_finalize;
  signals[SIGNAL_CONNECTED] = g_signal_new ("connected",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 0);
  signals[SIGNAL_DISCONNECTED] = g_signal_new ("disconnected",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
      G_TYPE_NONE, 0);
}

static void
mill_peer_server_init (MillPeerServer *server)
{
  server->lock_fd = -1;
}
