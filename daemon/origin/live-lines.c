/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What the lines of live.index say of a stream. */

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

void
mill_live_lines_free_rendition (gpointer data)
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
    rendition->part_target_ns = part_target_ns;
}

MillLiveSegment *
mill_live_lines_get_last (const MillLiveRendition *rendition)
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
  const MillLiveSegment *last = mill_live_lines_get_last (rendition);

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

const MillLiveReaderFuncs mill_live_lines_funcs = {
  .stream = on_stream,
  .rendition = on_rendition,
  .chunk = on_chunk,
  .next = on_next,
  .listed = on_listed,
  .end = on_end,
};
