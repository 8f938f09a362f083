/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * What the kernel takes to receive publishers and to write as many bytes into
 * files as their segments have: the floor below every server that is measured.
 * No message is parsed after a publish was accepted, nothing can be played, and
 * there are no playlists.
 *
 *     rtmp-floor PORT DIRECTORY
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rtmp/rtmp-session.h"

/* Two seconds of the benches' film, its sound, and how many stay. */
#define SEGMENT_BYTES 632000
#define SOUND_BYTES 32000
#define WINDOW 9

#define SCRATCH_BYTES (128 * 1024)
#define EVENTS_PER_TURN 64
#define BACKLOG 512

typedef struct
{
  gint fd;
  MillRtmpSession *session;
  gchar *directory; /* nullable: nothing was published yet */
  guint8 *segment;
  gsize fill;
  guint number;
} Publisher;

static const gchar *root;
static guint8 scratch[SCRATCH_BYTES];

static void
on_publish (MillRtmpSession *session, const MillRtmpPublish *publish,
    gpointer user_data)
{
  Publisher *self = user_data;

  g_free (self->directory);
  self->directory = g_build_filename (root, publish->name, NULL);
  mkdir (self->directory, 0755);
}

static const MillRtmpSessionEvents session_events = { .publish = on_publish };

static gboolean
answer (Publisher *self)
{
  gsize size;
  const guint8 *data = mill_rtmp_session_peek_output (self->session, &size);

  if (size == 0)
    return TRUE;
  gssize n = send (self->fd, data, size, MSG_NOSIGNAL);
  mill_rtmp_session_drop_output (self->session, size);
  return n == (gssize) size;
}

/* Up to the publish, as a server does. */
static gboolean
talk (Publisher *self, gsize size)
{
  gsize n_consumed;

  if (!mill_rtmp_session_feed (self->session, scratch, size, &n_consumed, NULL))
    return FALSE;
  if (self->directory)
    mill_rtmp_session_accept (self->session);
  return answer (self);
}

static void
write_file (const Publisher *self, const gchar *kind, gsize offset, gsize size)
{
  gchar name[512];

  g_snprintf (name, sizeof name, "%s/%s%u", self->directory, kind,
      self->number);
  gint fd = open (name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0 || write (fd, self->segment + offset, size) != (gssize) size)
    g_error ("cannot write %s: %s", name, g_strerror (errno));
  close (fd);
  if (self->number < WINDOW)
    return;
  g_snprintf (name, sizeof name, "%s/%s%u", self->directory, kind,
      self->number - WINDOW);
  unlink (name);
}

static void
keep (Publisher *self, gsize size)
{
  memcpy (self->segment + self->fill, scratch, size);
  self->fill += size;
  if (self->fill < SEGMENT_BYTES)
    return;
  write_file (self, "sound", 0, SOUND_BYTES);
  write_file (self, "picture", SOUND_BYTES, self->fill - SOUND_BYTES);
  self->number++;
  self->fill = 0;
}

static void
on_readable (Publisher *self)
{
  gssize n = recv (self->fd, scratch, sizeof scratch, MSG_DONTWAIT);

  if (n < 0 && errno == EAGAIN)
    return;
  if (n > 0 && self->directory) {
    keep (self, n);
    return;
  }
  if (n > 0 && talk (self, n))
    return;
  close (self->fd);
  mill_rtmp_session_free (self->session);
  g_free (self->directory);
  g_free (self->segment);
  g_free (self);
}

static void
on_connection (gint epoll_fd, gint listener_fd)
{
  gint fd = accept4 (listener_fd, NULL, NULL, SOCK_CLOEXEC);
  if (fd < 0)
    return;
  Publisher *self = g_new0 (Publisher, 1);
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = self };

  self->fd = fd;
  self->session = mill_rtmp_session_new (NULL, &session_events, self);
  self->segment = g_malloc (SEGMENT_BYTES + SCRATCH_BYTES);
  epoll_ctl (epoll_fd, EPOLL_CTL_ADD, fd, &event);
}

static gint
listen_on (guint16 port)
{
  struct sockaddr_in address = {
    .sin_family = AF_INET,
    .sin_port = htons (port),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK),
  };
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gint one = 1;

  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind (fd, (struct sockaddr *) &address, sizeof address) < 0 ||
      listen (fd, BACKLOG) < 0)
    g_error ("cannot listen on port %u: %s", port, g_strerror (errno));
  return fd;
}

gint
main (gint argc, gchar **argv)
{
  struct epoll_event events[EVENTS_PER_TURN];
  struct epoll_event event = { .events = EPOLLIN };

  gst_init (&argc, &argv);
  if (argc != 3) {
    g_printerr ("usage: rtmp-floor PORT DIRECTORY\n");
    return 64;
  }
  root = argv[2];
  gint listener_fd = listen_on ((guint16) atoi (argv[1]));
  gint epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  epoll_ctl (epoll_fd, EPOLL_CTL_ADD, listener_fd, &event);
  for (;;) {
    gint n = epoll_wait (epoll_fd, events, EVENTS_PER_TURN, -1);
    for (gint i = 0; i < n; i++) {
      if (events[i].data.ptr)
        on_readable (events[i].data.ptr);
      else
        on_connection (epoll_fd, listener_fd);
    }
  }
}
