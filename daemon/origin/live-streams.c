/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Which streams are watched: those that somebody has asked for lately. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <glib-unix.h>

#include "daemon/origin/live-stream-private.h"

#define DEFAULT_MAX_WAITS 20000
#define DEFAULT_MAX_WAITS_PER_STREAM 10000

/* A stream that nobody asks for is let go of. */
#define SWEEP_S 10
#define IDLE_US (30 * G_USEC_PER_SEC)

/* Watched at most: beyond it, the one that was not used for longest goes. */
#define MAX_STREAMS 4096

#define WATCH_MASK                                                    \
  (IN_MODIFY | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_DELETE_SELF | \
      IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK)

struct _MillLiveStreams
{
  gchar *media_dir;
  MillLiveLimits limits;
  gint inotify; /* -1: there is none, and no low latency */
  guint inotify_id;
  guint sweep_id;
  GHashTable *by_name; /* of MillLiveStream, with a reference */
  GHashTable *by_watch; /* the same, without */
  gboolean draining;
  MillLiveCounts counts;
};

/* With references: any of them may go while they are gone through. */
static GPtrArray *
list_streams (MillLiveStreams *self)
{
  GPtrArray *list =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_live_stream_unref);
  GHashTableIter iter;
  gpointer stream;

  g_hash_table_iter_init (&iter, self->by_name);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    g_ptr_array_add (list, mill_live_stream_ref (stream));
  return list;
}

static void
forget (MillLiveStreams *self, MillLiveStream *stream)
{
  g_autoptr (MillLiveStream) keep = mill_live_stream_ref (stream);

  g_hash_table_remove (self->by_watch, GINT_TO_POINTER (stream->watch));
  inotify_rm_watch (self->inotify, stream->watch);
  g_hash_table_remove (self->by_name, stream->name);
  mill_live_stream_end (stream);
}

/* ---- events ---- */

static void
on_event (MillLiveStreams *self, const struct inotify_event *event)
{
  MillLiveStream *stream =
      g_hash_table_lookup (self->by_watch, GINT_TO_POINTER (event->wd));

  if (stream == NULL)
    return;
  if (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED))
    forget (self, stream);
  else if (event->len == 0 || !g_str_equal (event->name, MILL_LIVE_INDEX_NAME))
    return;
  /* The directory goes: its own end is told when nobody holds it open. */
  else if (event->mask & IN_DELETE)
    forget (self, stream);
  else
    mill_live_stream_refresh (stream);
}

/* Events were lost: every stream is looked at. */
static void
refresh_all (MillLiveStreams *self)
{
  g_autoptr (GPtrArray) all = list_streams (self);

  for (guint i = 0; i < all->len; i++)
    mill_live_stream_refresh (all->pdata[i]);
}

static gboolean
on_inotify (gint fd, GIOCondition condition, gpointer user_data)
{
  MillLiveStreams *self = user_data;
  gchar buffer[16 * 1024]
      __attribute__ ((aligned (__alignof__(struct inotify_event))));
  gssize got;

  while ((got = read (fd, buffer, sizeof (buffer))) > 0) {
    for (gchar *at = buffer; at < buffer + got;) {
      const struct inotify_event *event = (const struct inotify_event *) at;

      if (event->mask & IN_Q_OVERFLOW)
        refresh_all (self);
      else
        on_event (self, event);
      at += sizeof (*event) + event->len;
    }
  }
  return G_SOURCE_CONTINUE;
}

static gboolean
on_sweep (gpointer user_data)
{
  MillLiveStreams *self = user_data;
  g_autoptr (GPtrArray) all = list_streams (self);
  gint64 limit = g_get_monotonic_time () - IDLE_US;

  for (guint i = 0; i < all->len; i++) {
    MillLiveStream *stream = g_ptr_array_index (all, i);

    if (stream->used < limit && stream->waits.length == 0)
      forget (self, stream);
  }
  return G_SOURCE_CONTINUE;
}

/* ---- streams ---- */

static gint
open_directory (MillLiveStreams *self, const gchar *name)
{
  gint media = open (self->media_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
  gint directory;

  if (media < 0)
    return -1;
  directory =
      openat (media, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  close (media);
  return directory;
}

static void
drop_oldest (MillLiveStreams *self)
{
  GHashTableIter iter;
  gpointer value;
  MillLiveStream *oldest = NULL;

  g_hash_table_iter_init (&iter, self->by_name);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    MillLiveStream *stream = value;

    if (stream->waits.length == 0 &&
        (oldest == NULL || stream->used < oldest->used))
      oldest = stream;
  }
  if (oldest != NULL)
    forget (self, oldest);
}

/* Watches first and reads then, so that nothing comes in between. */
static MillLiveStream *
watch (MillLiveStreams *self, const gchar *name)
{
  gint directory = open_directory (self, name);
  g_autofree gchar *path = NULL;
  MillLiveStream *stream;
  gint watch;

  if (directory < 0)
    return NULL;
  /* By its descriptor: the name may stand for another one by now. */
  path = g_strdup_printf ("/proc/self/fd/%d", directory);
  watch = inotify_add_watch (self->inotify, path, WATCH_MASK);
  if (watch < 0) {
    g_warning ("Low latency of '%s': got no watch (%s), serving plain files",
        name, g_strerror (errno));
    close (directory);
    return NULL;
  }
  /* One directory has one watch, whatever its name was before. */
  stream = g_hash_table_lookup (self->by_watch, GINT_TO_POINTER (watch));
  if (stream != NULL)
    forget (self, stream);
  if (g_hash_table_size (self->by_name) >= MAX_STREAMS)
    drop_oldest (self);
  stream = mill_live_stream_new (self, name, directory);
  stream->watch = watch;
  g_hash_table_insert (self->by_name, stream->name, stream);
  g_hash_table_insert (self->by_watch, GINT_TO_POINTER (watch), stream);
  mill_live_stream_refresh (stream);
  return stream;
}

MillLiveStream *
mill_live_streams_look_up (MillLiveStreams *self, const gchar *name)
{
  MillLiveStream *stream = g_hash_table_lookup (self->by_name, name);

  if (stream == NULL && self->inotify >= 0)
    stream = watch (self, name);
  if (stream == NULL)
    return NULL;
  stream->used = g_get_monotonic_time ();
  return stream->part_target_ns > 0 ? stream : NULL;
}

/* ---- bounds ---- */

gboolean
mill_live_streams_begin_wait (MillLiveStream *stream)
{
  MillLiveStreams *self = stream->owner;

  if (self == NULL)
    return FALSE;
  if (self->draining || self->counts.waits >= self->limits.max_waits ||
      stream->waits.length >= self->limits.max_waits_per_stream) {
    self->counts.refused++;
    return FALSE;
  }
  self->counts.waits++;
  return TRUE;
}

void
mill_live_streams_end_wait (MillLiveStream *stream)
{
  if (stream->owner != NULL)
    stream->owner->counts.waits--;
}

void
mill_live_streams_count_wakeup (MillLiveStream *stream)
{
  if (stream->owner != NULL)
    stream->owner->counts.wakeups++;
}

/* ---- the table ---- */

MillLiveStreams *
mill_live_streams_new (const gchar *media_dir, const MillLiveLimits *limits)
{
  MillLiveStreams *self = g_new0 (MillLiveStreams, 1);

  self->media_dir = g_strdup (media_dir);
  if (limits != NULL)
    self->limits = *limits;
  if (self->limits.max_waits == 0)
    self->limits.max_waits = DEFAULT_MAX_WAITS;
  if (self->limits.max_waits_per_stream == 0)
    self->limits.max_waits_per_stream = DEFAULT_MAX_WAITS_PER_STREAM;
  self->by_name = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
      (GDestroyNotify) mill_live_stream_unref);
  self->by_watch = g_hash_table_new (NULL, NULL);
  self->inotify = inotify_init1 (IN_NONBLOCK | IN_CLOEXEC);
  if (self->inotify < 0)
    g_warning ("Low latency: got no inotify (%s), serving plain files",
        g_strerror (errno));
  else
    self->inotify_id = g_unix_fd_add_full (G_PRIORITY_HIGH, self->inotify,
        G_IO_IN, on_inotify, self, NULL);
  self->sweep_id = g_timeout_add_seconds (SWEEP_S, on_sweep, self);
  return self;
}

void
mill_live_streams_drain (MillLiveStreams *self)
{
  g_autoptr (GPtrArray) all = list_streams (self);

  self->draining = TRUE;
  for (guint i = 0; i < all->len; i++)
    forget (self, all->pdata[i]);
}

void
mill_live_streams_free (MillLiveStreams *self)
{
  mill_live_streams_drain (self);
  g_clear_handle_id (&self->inotify_id, g_source_remove);
  g_source_remove (self->sweep_id);
  if (self->inotify >= 0)
    close (self->inotify);
  g_hash_table_unref (self->by_watch);
  g_hash_table_unref (self->by_name);
  g_free (self->media_dir);
  g_free (self);
}

void
mill_live_streams_get_counts (MillLiveStreams *self, MillLiveCounts *ret_counts)
{
  *ret_counts = self->counts;
  ret_counts->streams = g_hash_table_size (self->by_name);
}
