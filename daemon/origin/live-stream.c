/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* One stream: live.index, read on as it grows, as a model. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/origin/live-stream-private.h"

/* ---- the file ---- */

static void
close_index (MillLiveStream *self)
{
  if (self->index >= 0)
    close (self->index);
  self->index = -1;
  self->inode = 0;
  self->offset = 0;
  g_clear_pointer (&self->reader, mill_live_index_reader_free);
}

/* Another file tells everything anew. */
static void
forget_all (MillLiveStream *self)
{
  g_ptr_array_set_size (self->renditions, 0);
  self->part_target_ns = 0;
  self->next_generation = 0;
  self->has_listed = FALSE;
  self->ended = FALSE;
}

/* Returns whether another file has taken the place of the one that was read. */
static gboolean
open_index (MillLiveStream *self)
{
  struct stat status;
  gint fd;

  if (self->index >= 0 &&
      fstatat (self->directory, MILL_LIVE_INDEX_NAME, &status,
          AT_SYMLINK_NOFOLLOW) == 0 &&
      status.st_ino == self->inode)
    return FALSE;
  /* Between two packagers there is always one: what was read still holds. */
  fd = openat (self->directory, MILL_LIVE_INDEX_NAME,
      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  if (fstat (fd, &status) < 0 || !S_ISREG (status.st_mode)) {
    close (fd);
    return FALSE;
  }
  close_index (self);
  forget_all (self);
  self->index = fd;
  self->inode = status.st_ino;
  self->reader = mill_live_index_reader_new (&mill_live_lines_funcs, self);
  return TRUE;
}

/* Returns whether there was anything. */
static gboolean
read_index (MillLiveStream *self)
{
  gchar buffer[64 * 1024];
  gboolean news = FALSE;

  while (self->reader != NULL) {
    gssize got =
        pread (self->index, buffer, sizeof (buffer), (off_t) self->offset);
    g_autoptr (GError) error = NULL;

    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      break;
    news = TRUE;
    self->offset += (guint64) got;
    if (mill_live_index_reader_feed (self->reader, buffer, (gsize) got, &error))
      continue;
    /* Until there is another file: its inode is kept. */
    g_message ("Low latency of '%s': %s, serving plain files", self->name,
        error->message);
    forget_all (self);
    g_clear_pointer (&self->reader, mill_live_index_reader_free);
  }
  return news;
}

gint64
mill_live_stream_get_written (MillLiveStream *self)
{
  return self->written_us;
}

static void
note_written (MillLiveStream *self)
{
  struct stat status;

  if (self->index >= 0 && fstat (self->index, &status) == 0)
    self->written_us = status.st_mtim.tv_sec * G_USEC_PER_SEC +
        status.st_mtim.tv_nsec / 1000;
}

void
mill_live_stream_refresh (MillLiveStream *self)
{
  gboolean news;

  if (self->gone)
    return;
  news = open_index (self);
  news |= read_index (self);
  if (!news)
    return;
  self->version++;
  note_written (self);
  mill_live_wait_run (self);
}

/* ---- life ---- */

MillLiveStream *
mill_live_stream_new (MillLiveStreams *owner, const gchar *name, gint directory)
{
  MillLiveStream *self = g_new0 (MillLiveStream, 1);

  self->ref_count = 1;
  self->owner = owner;
  self->name = g_strdup (name);
  self->directory = directory;
  self->index = -1;
  /* A new one of the same name is never taken for the same text. */
  self->version = (guint64) g_get_monotonic_time ();
  self->renditions =
      g_ptr_array_new_with_free_func (mill_live_lines_free_rendition);
  self->groups = g_ptr_array_new_with_free_func (mill_live_wait_free_group);
  g_queue_init (&self->waits);
  return self;
}

void
mill_live_stream_end (MillLiveStream *self)
{
  self->gone = TRUE;
  self->version++;
  mill_live_wait_run (self);
  self->owner = NULL;
  close_index (self);
}

MillLiveStream *
mill_live_stream_ref (MillLiveStream *self)
{
  self->ref_count++;
  return self;
}

void
mill_live_stream_unref (MillLiveStream *self)
{
  if (--self->ref_count > 0)
    return;
  close_index (self);
  g_clear_handle_id (&self->timeout_id, g_source_remove);
  close (self->directory);
  g_ptr_array_unref (self->groups);
  g_ptr_array_unref (self->renditions);
  g_free (self->name);
  g_free (self);
}

/* ---- what is there ---- */

const gchar *
mill_live_stream_get_name (MillLiveStream *self)
{
  return self->name;
}

gboolean
mill_live_stream_is_gone (MillLiveStream *self)
{
  return self->gone;
}

guint64
mill_live_stream_get_version (MillLiveStream *self)
{
  return self->version;
}

guint64
mill_live_stream_get_part_target (MillLiveStream *self)
{
  return self->part_target_ns;
}

guint64
mill_live_stream_get_longest_part (MillLiveStream *self)
{
  guint64 longest = self->part_target_ns;

  for (guint i = 0; i < self->renditions->len; i++) {
    const MillLiveRendition *rendition = self->renditions->pdata[i];

    longest = MAX (longest, rendition->part_target_ns);
  }
  return longest;
}

guint
mill_live_stream_get_target_duration (MillLiveStream *self)
{
  return self->target_duration_s;
}

gboolean
mill_live_stream_has_ended (MillLiveStream *self)
{
  return self->ended;
}

gboolean
mill_live_stream_get_listed (MillLiveStream *self, guint64 *ret_number)
{
  *ret_number = self->listed;
  return self->has_listed;
}

gboolean
mill_live_stream_get_next (MillLiveStream *self, guint64 *ret_generation,
    guint64 *ret_number)
{
  *ret_generation = self->next_generation;
  *ret_number = self->next_number;
  return self->next_generation > 0;
}

gboolean
mill_live_stream_get_tip (MillLiveStream *self, MillLiveRendition *rendition,
    MillLiveTip *ret_tip)
{
  const MillLiveSegment *segment = NULL;
  const MillLiveSegment *next = NULL;
  MillLiveTip tip = { .whole = self->listed, .part = -1 };

  if (!self->has_listed)
    return FALSE;
  if (rendition != NULL) {
    segment = mill_live_stream_find_number (rendition, tip.whole);
    while ((next = mill_live_stream_find_number (rendition, tip.whole + 1)) !=
            NULL &&
        next->complete) {
      segment = next;
      tip.whole++;
    }
  }
  tip.number = tip.whole;
  if (next != NULL && next->parts->len > 0) {
    segment = next;
    tip.number++;
  }
  if (segment != NULL)
    tip.part = (gint64) segment->parts->len - 1;
  *ret_tip = tip;
  return TRUE;
}

GPtrArray *
mill_live_stream_get_renditions (MillLiveStream *self)
{
  return self->renditions;
}

MillLiveRendition *
mill_live_stream_find_rendition (MillLiveStream *self, const gchar *name)
{
  for (guint i = 0; i < self->renditions->len; i++) {
    MillLiveRendition *rendition = g_ptr_array_index (self->renditions, i);

    if (g_str_equal (rendition->name, name))
      return rendition;
  }
  return NULL;
}

MillLiveSegment *
mill_live_stream_find_number (MillLiveRendition *rendition, guint64 number)
{
  /* What is asked for is at the end. */
  for (guint i = rendition->segments->len; i-- > 0;) {
    MillLiveSegment *segment = g_ptr_array_index (rendition->segments, i);

    if (segment->number == number)
      return segment;
    if (segment->number < number)
      break;
  }
  return NULL;
}

MillLiveSegment *
mill_live_stream_find_segment (MillLiveRendition *rendition, guint64 generation,
    guint64 number)
{
  MillLiveSegment *segment = mill_live_stream_find_number (rendition, number);

  return segment != NULL && segment->generation == generation ? segment : NULL;
}

/* ---- waiting ---- */

/* What is before it is there too: a playlist has no holes. */
static gboolean
is_connected (MillLiveStream *self, MillLiveRendition *rendition,
    guint64 number)
{
  for (guint64 n = self->listed + 1; n < number; n++) {
    const MillLiveSegment *segment =
        mill_live_stream_find_number (rendition, n);

    if (segment == NULL || !segment->complete)
      return FALSE;
  }
  return self->has_listed;
}

static MillLiveOutcome
check_listed (MillLiveStream *self, guint64 number)
{
  if (self->has_listed && self->listed >= number)
    return MILL_LIVE_READY;
  return self->ended ? MILL_LIVE_GONE : MILL_LIVE_LATE;
}

/* @want's segment has begun. */
static MillLiveOutcome
check_segment (MillLiveStream *self, MillLiveRendition *rendition,
    const MillLiveSegment *segment, const MillLiveWant *want)
{
  gboolean any = want->generation == MILL_LIVE_ANY;
  gboolean whole = want->part == MILL_LIVE_WHOLE;

  if (!any && segment->generation != want->generation)
    return MILL_LIVE_GONE;
  if (any && !is_connected (self, rendition, want->number))
    return self->ended ? MILL_LIVE_GONE : MILL_LIVE_LATE;
  if (whole ? segment->complete : want->part < segment->parts->len)
    return MILL_LIVE_READY;
  if (segment->complete && !any)
    return MILL_LIVE_GONE;
  if (segment->complete) {
    MillLiveWant next = *want;

    /* 6.2.5.2: a part past the last is part 0 of the next segment. */
    next.number++;
    next.part = 0;
    return mill_live_stream_check (self, &next);
  }
  return self->ended ? MILL_LIVE_GONE : MILL_LIVE_LATE;
}

MillLiveOutcome
mill_live_stream_check (MillLiveStream *self, const MillLiveWant *want)
{
  MillLiveRendition *rendition;
  const MillLiveSegment *segment;
  const MillLiveSegment *last;

  if (self->gone || self->part_target_ns == 0)
    return MILL_LIVE_GONE;
  if (want->rendition == NULL)
    return check_listed (self, want->number);
  rendition = mill_live_stream_find_rendition (self, want->rendition);
  last = rendition != NULL ? mill_live_lines_get_last (rendition) : NULL;
  if (last == NULL)
    return self->ended ? MILL_LIVE_GONE : MILL_LIVE_LATE;
  segment = mill_live_stream_find_number (rendition, want->number);
  if (segment != NULL)
    return check_segment (self, rendition, segment, want);
  if (want->generation == MILL_LIVE_ANY && self->has_listed &&
      want->number <= self->listed)
    return MILL_LIVE_READY;
  if (want->generation != MILL_LIVE_ANY &&
      (last->number > want->number || last->generation > want->generation))
    return MILL_LIVE_GONE;
  return self->ended ? MILL_LIVE_GONE : MILL_LIVE_LATE;
}

MillLiveWait *
mill_live_stream_wait (MillLiveStream *self, const MillLiveWant *want,
    MillLiveFunc func, gpointer user_data)
{
  return mill_live_wait_add (self, want, func, user_data);
}

void
mill_live_stream_cancel (MillLiveWait *wait)
{
  mill_live_wait_remove (wait);
}
