/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "link-socket.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 16

static gint
fail (gint fd, const gchar *what, const gchar *path, GError **error)
{
  gint code = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s '%s': %s",
      what, path, g_strerror (code));
  if (fd >= 0)
    close (fd);
  return -1;
}

static gint
make_socket (const gchar *path, struct sockaddr_un *ret_address, GError **error)
{
  memset (ret_address, 0, sizeof *ret_address);
  ret_address->sun_family = AF_UNIX;
  if (g_strlcpy (ret_address->sun_path, path, sizeof ret_address->sun_path) >=
          sizeof ret_address->sun_path ||
      path[0] == '\0') {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "socket '%s': got %" G_GSIZE_FORMAT " bytes, expected 1 to %u", path,
        strlen (path), (guint) sizeof ret_address->sun_path - 1);
    return -1;
  }
  gint fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  return fd < 0 ? fail (fd, "cannot make a socket for", path, error) : fd;
}

static gboolean
check_peer (gint fd, GError **error)
{
  struct ucred peer;
  socklen_t size = sizeof peer;

  if (getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
      peer.uid == geteuid ())
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED,
      "peer of a link: got user %u, expected %u", peer.uid, geteuid ());
  return FALSE;
}

gint
mill_link_socket_connect (const gchar *path, GError **error)
{
  struct sockaddr_un address;
  gint fd = make_socket (path, &address, error);

  if (fd < 0)
    return -1;
  if (connect (fd, (struct sockaddr *) &address, sizeof address) < 0)
    return fail (fd, "cannot connect to", path, error);
  if (check_peer (fd, error))
    return fd;
  close (fd);
  return -1;
}

/* What a producer that was killed left behind. */
static gboolean
remove_stale (const gchar *path, GError **error)
{
  struct stat info;
  g_autoptr (GError) refused = NULL;

  if (lstat (path, &info) < 0)
    return TRUE;
  gint fd = S_ISSOCK (info.st_mode) ? mill_link_socket_connect (path, &refused)
                                    : -1;
  if (fd >= 0)
    close (fd);
  if (g_error_matches (refused, G_IO_ERROR, G_IO_ERROR_CONNECTION_REFUSED))
    return unlink (path) == 0 || errno == ENOENT;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE,
      "socket '%s': got %s, expected a free name", path,
      S_ISSOCK (info.st_mode) ? "one that is in use" : "another kind of file");
  return FALSE;
}

gint
mill_link_socket_listen (const gchar *path, GError **error)
{
  struct sockaddr_un address;

  if (!remove_stale (path, error))
    return -1;
  gint fd = make_socket (path, &address, error);
  if (fd < 0)
    return -1;
  /* Before bind(): the file is made with the socket's mode (unix(7)). */
  if (fchmod (fd, 0600) < 0 ||
      bind (fd, (struct sockaddr *) &address, sizeof address) < 0 ||
      listen (fd, BACKLOG) < 0)
    return fail (fd, "cannot listen at", path, error);
  return fd;
}

gint
mill_link_socket_accept (gint listener, GError **error)
{
  gint fd = accept4 (listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

  if (fd < 0 &&
      (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
          errno == ENOMEM)) {
    gint code = errno;
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
        "cannot accept a consumer: %s", g_strerror (code));
    return -1;
  }
  if (fd < 0)
    return -1;
  if (check_peer (fd, error))
    return fd;
  close (fd);
  return -1;
}

gboolean
mill_link_socket_wait (gint wake_fd, gint socket, gint timeout_ms)
{
  struct pollfd fds[] = { { wake_fd, POLLIN, 0 }, { socket, POLLIN, 0 } };
  guint64 count;

  if (poll (fds, socket >= 0 ? 2 : 1, timeout_ms) <= 0)
    return FALSE;
  /* Woken twice, there is nothing to read the second time. */
  if (fds[0].revents && read (wake_fd, &count, sizeof count) < 0 &&
      errno != EAGAIN)
    return FALSE;
  return socket >= 0 && fds[1].revents != 0;
}
