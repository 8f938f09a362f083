/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* One stream: live.index, read on as it grows, as a model. */

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/origin/live-stream-private.h"

/* Parts are served for six target durations (RFC 8216bis 6.2.2: three in the
 * playlist, three after); two more are for what grows. */
#define KEEP_TARGETS 8
#define NS_PER_S G_GUINT64_CONSTANT (1000000000)
/* Whatever their durations say. */
#define MAX_SEGMENTS 4096
#define MAX_RENDITIONS 64
#define MAX_PARTS 4096

static void
free_segment (gpointer data)
{
  MillLiveSegment *segment = data;

  g_array_unref (segment->parts);
  g_free (segment);
}

static void
free_rendition (gpointer data)
{
  MillLiveRendition *rendition = data;

  g_ptr_array_unref (rendition->segments);
  g_free (rendition->name);
  g_free (rendition);
}

/* ---- what the lines say ---- */

static MillLiveRendition *
get_rendition (MillLiveStream *self, const gchar *name)
{
  MillLiveRendition *rendition = mill_live_stream_find_rendition (self, name);

  if (rendition != NULL || self->renditions->len >= MAX_RENDITIONS)
    return rendition;
  rendition = g_new0 (MillLiveRendition, 1);
  rendition->name = g_strdup (name);
  rendition->part_target_ns = self->part_target_ns;
  rendition->segments = g_ptr_array_new_with_free_func (free_segment);
  g_ptr_array_add (self->renditions, rendition);
  return rendition;
}

static void
on_stream (guint64 part_target_ns, gpointer user_data)
{
  MillLiveStream *self = user_data;

  self->part_target_ns = part_target_ns;
}

static void
on_rendition (const gchar *name, guint64 part_target_ns, gpointer user_data)
{
  MillLiveStream *self = user_data;
  MillLiveRendition *rendition = get_rendition (self, name);

  if (rendition != NULL)
    rendition->part_target_ns = MIN (part_target_ns, self->part_target_ns);
}

static MillLiveSegment *
get_last (const MillLiveRendition *rendition)
{
  guint n = rendition->segments->len;

  return n > 0 ? g_ptr_array_index (rendition->segments, n - 1) : NULL;
}

/* Numbers go up; a gap may be told when what follows it is there already. */
static void
insert_segment (MillLiveRendition *rendition, MillLiveSegment *segment)
{
  guint at = rendition->segments->len;

  while (at > 0 &&
      ((MillLiveSegment *) rendition->segments->pdata[at - 1])->number >
          segment->number)
    at--;
  g_ptr_array_insert (rendition->segments, (gint) at, segment);
}

/* The segment that @chunk belongs to; NULL when it belongs nowhere. */
static MillLiveSegment *
get_segment (MillLiveRendition *rendition, const MillLiveChunk *chunk)
{
  MillLiveSegment *segment =
      mill_live_stream_find_number (rendition, chunk->number);
  const MillLiveSegment *last = get_last (rendition);

  if (segment != NULL && segment->generation == chunk->generation)
    return segment;
  /* Another packager makes it again: what the last one had begun is void. */
  if (segment != NULL) {
    if (segment->generation > chunk->generation)
      return NULL;
    g_ptr_array_remove (rendition->segments, segment);
  } else if (last != NULL && chunk->number < last->number &&
      !(chunk->flags & MILL_LIVE_CHUNK_GAP)) {
    return NULL;
  }
  segment = g_new0 (MillLiveSegment, 1);
  segment->generation = chunk->generation;
  segment->number = chunk->number;
  segment->parts = g_array_new (FALSE, FALSE, sizeof (MillLivePart));
  insert_segment (rendition, segment);
  return segment;
}

/* No part, and no gap of one, is longer than its target (4.4.4.9). */
static void
fill_gap (const MillLiveRendition *rendition, MillLiveSegment *segment,
    const MillLiveChunk *chunk)
{
  guint64 longest = rendition->part_target_ns;
  guint64 done = segment->duration_ns;
  guint64 left = chunk->duration_ns > done ? chunk->duration_ns - done : 0;

  segment->gap = TRUE;
  segment->complete = TRUE;
  segment->gap_ns = left;
  while (left > 0 && longest > 0 && segment->parts->len < MAX_PARTS) {
    MillLivePart part = {
      .offset = segment->length,
      .time_ns = chunk->time_ns + segment->duration_ns,
      .duration_ns = MIN (left, longest),
      .wall_us = chunk->wall_us + (gint64) (segment->duration_ns / 1000),
      .flags = MILL_LIVE_CHUNK_GAP,
    };

    g_array_append_val (segment->parts, part);
    segment->duration_ns += part.duration_ns;
    left -= part.duration_ns;
  }
  segment->duration_ns = MAX (chunk->duration_ns, done);
}

static void
add_part (const MillLiveRendition *rendition, MillLiveSegment *segment,
    const MillLiveChunk *chunk)
{
  MillLivePart part = {
    .offset = chunk->offset,
    .length = chunk->length,
    .time_ns = chunk->time_ns,
    .duration_ns = chunk->duration_ns,
    .wall_us = chunk->wall_us,
    .flags = chunk->flags,
  };

  /* A segment that was told as one chunk has no parts that anybody knows of. */
  if (chunk->part > 0 || !(chunk->flags & MILL_LIVE_CHUNK_LAST) ||
      chunk->duration_ns <= rendition->part_target_ns)
    g_array_append_val (segment->parts, part);
  segment->length += chunk->length;
  segment->duration_ns += chunk->duration_ns;
  segment->complete = (chunk->flags & MILL_LIVE_CHUNK_LAST) != 0;
}

static void
on_chunk (const MillLiveChunk *chunk, gpointer user_data)
{
  MillLiveStream *self = user_data;
  MillLiveRendition *rendition = get_rendition (self, chunk->rendition);
  MillLiveSegment *segment = rendition != NULL ? get_segment (rendition, chunk)
                                               : NULL;

  if (segment == NULL || segment->complete || segment->parts->len >= MAX_PARTS)
    return;
  if (segment->parts->len == 0) {
    segment->wall_us = chunk->wall_us;
    segment->discontinuity = (chunk->flags & MILL_LIVE_CHUNK_DISCONTINUITY) !=
        0;
  }
  if (chunk->flags & MILL_LIVE_CHUNK_GAP)
    fill_gap (rendition, segment, chunk);
  /* A line that was lost with its bytes leaves its segment as it is. */
  else if (chunk->part == segment->parts->len &&
      chunk->offset == segment->length)
    add_part (rendition, segment, chunk);
}

/* What no playlist has, and nobody may ask for any more. */
static void
trim (MillLiveStream *self, MillLiveRendition *rendition)
{
  guint64 limit = NS_PER_S * KEEP_TARGETS * self->target_duration_s;
  guint64 duration = 0;
  guint keep = 0;

  while (keep < rendition->segments->len && keep < MAX_SEGMENTS &&
      duration < limit) {
    keep++;
    duration += ((MillLiveSegment *) rendition->segments
                     ->pdata[rendition->segments->len - keep])
                    ->duration_ns;
  }
  g_ptr_array_remove_range (rendition->segments, 0,
      rendition->segments->len - keep);
}

/* What the playlists list does not grow: its last part may not have been known
 * to be that. */
static void
complete_listed (MillLiveStream *self, MillLiveRendition *rendition)
{
  for (guint i = rendition->segments->len; i-- > 0;) {
    MillLiveSegment *segment = g_ptr_array_index (rendition->segments, i);

    if (segment->number > self->listed)
      continue;
    if (segment->complete)
      break;
    segment->complete = TRUE;
  }
}

static void
on_listed (guint64 generation, guint64 number, guint target_duration_s,
    gpointer user_data)
{
  MillLiveStream *self = user_data;

  self->has_listed = TRUE;
  self->listed = number;
  self->target_duration_s = target_duration_s;
  for (guint i = 0; i < self->renditions->len; i++) {
    complete_listed (self, self->renditions->pdata[i]);
    trim (self, self->renditions->pdata[i]);
  }
}

static void
on_next (guint64 generation, guint64 number, gpointer user_data)
{
  MillLiveStream *self = user_data;

  self->next_generation = generation;
  self->next_number = number;
}

static void
on_end (gpointer user_data)
{
  ((MillLiveStream *) user_data)->ended = TRUE;
}

static const MillLiveReaderFuncs reader_funcs = {
  .stream = on_stream,
  .rendition = on_rendition,
  .chunk = on_chunk,
  .next = on_next,
  .listed = on_listed,
  .end = on_end,
};

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
  self->reader = mill_live_index_reader_new (&reader_funcs, self);
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
  self->renditions = g_ptr_array_new_with_free_func (free_rendition);
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
  last = rendition != NULL ? get_last (rendition) : NULL;
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
