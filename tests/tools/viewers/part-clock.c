/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "viewers.h"

#define MAX_PARTS \
  4096 /* remembered; the newest take the places of the oldest */

typedef struct
{
  guint64 number;
  guint part;
  gint64 wall_us;
} Seen;

struct _PartClock
{
  gchar *index;
  gchar *rendition;
  GThread *thread;
  gint inotify;
  gint stop; /* eventfd */

  /* The thread's. */
  gint fd;
  off_t offset;
  GString *rest; /* of a line */

  GMutex lock; /* of what follows */
  Seen seen[MAX_PARTS];
  guint n_seen;
};

gint64
part_clock_look_up (PartClock *self, guint64 number, guint part)
{
  gint64 wall_us = 0;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < MIN (self->n_seen, MAX_PARTS); i++) {
    const Seen *seen = &self->seen[(self->n_seen - 1 - i) % MAX_PARTS];

    if (seen->number != number || seen->part != part)
      continue;
    wall_us = seen->wall_us;
    break;
  }
  g_mutex_unlock (&self->lock);
  return wall_us;
}

static void
take_line (PartClock *self, const gchar *line, gint64 wall_us)
{
  gchar name[65];
  unsigned long long generation;
  unsigned long long number;
  guint part;

  if (sscanf (line, "%64s %llu %llu %u ", name, &generation, &number, &part) !=
          4 ||
      strcmp (name, self->rendition) != 0)
    return;
  g_mutex_lock (&self->lock);
  self->seen[self->n_seen++ % MAX_PARTS] = (Seen){ number, part, wall_us };
  g_mutex_unlock (&self->lock);
}

/* @is_old: it was there before anybody looked. */
static void
read_appended (PartClock *self, gboolean is_old)
{
  struct stat status;
  gchar block[65536];
  gssize n;
  gchar *end;

  if (self->fd < 0 || fstat (self->fd, &status) < 0)
    return;
  while ((n = pread (self->fd, block, sizeof (block), self->offset)) > 0) {
    g_string_append_len (self->rest, block, n);
    self->offset += n;
  }
  while ((end = strchr (self->rest->str, '\n')) != NULL) {
    *end = '\0';
    if (!is_old)
      take_line (self, self->rest->str,
          status.st_mtim.tv_sec * G_USEC_PER_SEC +
              status.st_mtim.tv_nsec / 1000);
    g_string_erase (self->rest, 0, end + 1 - self->rest->str);
  }
}

/* Compacted: what it has now was told before, by the former file. */
static void
reopen (PartClock *self)
{
  if (self->fd >= 0)
    close (self->fd);
  self->fd = open (self->index, O_RDONLY | O_CLOEXEC);
  self->offset = 0;
  g_string_truncate (self->rest, 0);
  read_appended (self, TRUE);
}

static void
handle_events (PartClock *self)
{
  gchar buffer[4096] __attribute__ ((aligned (8)));
  gssize n = read (self->inotify, buffer, sizeof (buffer));
  g_autofree gchar *name = g_path_get_basename (self->index);

  for (gssize at = 0; at < n;) {
    const struct inotify_event *event =
        (const struct inotify_event *) (buffer + at);

    at += sizeof (*event) + event->len;
    if (event->len == 0 || strcmp (event->name, name) != 0)
      continue;
    if (event->mask & IN_MOVED_TO) {
      read_appended (self, FALSE);
      reopen (self);
    } else {
      read_appended (self, FALSE);
    }
  }
}

static gpointer
run (gpointer data)
{
  PartClock *self = data;
  struct pollfd fds[] = { { self->inotify, POLLIN, 0 },
    { self->stop, POLLIN, 0 } };

  while (poll (fds, 2, -1) >= 0 || errno == EINTR) {
    if (fds[1].revents)
      break;
    if (fds[0].revents)
      handle_events (self);
  }
  return NULL;
}

PartClock *
part_clock_new (const gchar *index, const gchar *rendition, GError **error)
{
  PartClock *self = g_new0 (PartClock, 1);
  g_autofree gchar *directory = g_path_get_dirname (index);

  self->index = g_strdup (index);
  self->rendition = g_strdup (rendition);
  self->rest = g_string_new (NULL);
  self->fd = -1;
  g_mutex_init (&self->lock);
  self->inotify = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  self->stop = eventfd (0, EFD_CLOEXEC);
  if (inotify_add_watch (self->inotify, directory, IN_MODIFY | IN_MOVED_TO) <
      0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
        "directory '%s': %s", directory, g_strerror (errno));
    part_clock_free (self);
    return NULL;
  }
  reopen (self);
  self->thread = g_thread_new ("part-clock", run, self);
  return self;
}

void
part_clock_free (PartClock *self)
{
  const guint64 one = 1;

  if (self->thread != NULL &&
      write (self->stop, &one, sizeof (one)) == sizeof (one))
    g_thread_join (self->thread);
  close (self->inotify);
  close (self->stop);
  if (self->fd >= 0)
    close (self->fd);
  g_mutex_clear (&self->lock);
  g_string_free (self->rest, TRUE);
  g_free (self->index);
  g_free (self->rendition);
  g_free (self);
}
