/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * live.index: what an origin makes low-latency playlists of. What was told in it
 * is never taken back: a successor tells the same lines again, and what its
 * predecessor has begun and not listed becomes a segment of the parts that were
 * told (players may have played them, RFC 8216bis 6.2.1).
 */

#include "cmaf-publisher-private.h"

/* Of an index that is read; one of a stream with many renditions has some MB. */
#define MAX_INDEX_BYTES (64u << 20)
/* Of a segment that is cut back to what was told of it. */
#define MAX_SEGMENT_BYTES (512u << 20)

/* ---- lines ---- */

/* Of what is listed when it is whole there is nothing to tell earlier. */
static gboolean
is_told (const MillCmafPublisher *self)
{
  return self->options.mode != MILL_CMAF_VOD &&
      self->options.container != MILL_CMAF_TS &&
      !mill_store_is_remote (self->store);
}

/* Text has no parts and its playlist none of the tags of low latency: whoever
 * serves it needs no more than its files. */
static gboolean
is_indexed (const MillCmafPublisher *self, guint i)
{
  return self->index != NULL &&
      mill_cmaf_publisher_rendition (self, i)->format.kind != MILL_CMAF_TEXT;
}

/* @line: (transfer full) */
static void
append (MillCmafPublisher *self, MillStoreJob *job, GBytes *line)
{
  g_autoptr (GBytes) owned = line;
  if (self->index_stale)
    return;
  MillStoreChunk *bytes = mill_store_chunk_new (1);
  mill_store_chunk_add_bytes (bytes, line);
  mill_store_job_append (job, self->index_object, bytes);
}

/* Replaces the file by the lines that are still of use. */
static void
rewrite (MillCmafPublisher *self, MillStoreJob *job)
{
  g_autoptr (GBytes) content = mill_live_index_print (self->index);
  mill_store_job_put (job, MILL_LIVE_INDEX_NAME, content);
  g_clear_pointer (&self->index_object, mill_store_object_unref);
  self->index_object = mill_store_object_new (self->store, MILL_LIVE_INDEX_NAME,
      MILL_STORE_APPEND);
  self->index_stale = self->index_moved = FALSE;
}

/* The segment @k of rendition @i as one chunk. */
static MillLiveChunk
describe_segment (const MillCmafPublisher *self, guint i, guint k)
{
  const MillCmafRendition *rendition = mill_cmaf_publisher_rendition (self, i);
  const MillCmafSegment *segment =
      &g_array_index (rendition->segments, MillCmafSegment, k);
  const MillCmafCut *cut = mill_cmaf_publisher_cut (self, k);
  gboolean gap = (segment->flags & MILL_CMAF_SEGMENT_GAP) != 0;
  MillLiveChunk chunk = {
    .generation = cut->generation,
    .number = cut->number,
    .length = segment->bytes,
    .time_ns = (guint64) MAX (cut->start, 0),
    .duration_ns =
        (guint64) mill_cmaf_timeline_to_ns ((gint64) segment->duration,
            rendition->format.timescale),
    .flags = MILL_LIVE_CHUNK_LAST,
    .wall_us = cut->wall_us,
  };
  if (gap)
    chunk.flags |= MILL_LIVE_CHUNK_GAP;
  else if (!(cut->flags & MILL_CMAF_CUT_DEPENDENT))
    chunk.flags |= MILL_LIVE_CHUNK_INDEPENDENT;
  if (cut->flags & MILL_CMAF_CUT_DISCONTINUITY)
    chunk.flags |= MILL_LIVE_CHUNK_DISCONTINUITY;
  g_strlcpy (chunk.rendition, rendition->name, sizeof chunk.rendition);
  return chunk;
}

static MillLiveChunk
describe_chunk (const MillCmafPublisher *self, const MillCmafChunkWrite *write,
    gsize length)
{
  const MillCmafOutput *output =
      mill_cmaf_publisher_output (self, write->rendition);
  MillLiveChunk chunk = {
    .generation = write->cut->generation,
    .number = write->cut->number,
    .part = output->part,
    .offset = output->offset,
    .length = length,
    .time_ns = (guint64) MAX (write->time, 0),
    .duration_ns = write->duration,
    .wall_us = write->wall_us,
  };
  if (write->sync)
    chunk.flags |= MILL_LIVE_CHUNK_INDEPENDENT;
  if (write->ends)
    chunk.flags |= MILL_LIVE_CHUNK_LAST;
  if (write->begins && (write->cut->flags & MILL_CMAF_CUT_DISCONTINUITY))
    chunk.flags |= MILL_LIVE_CHUNK_DISCONTINUITY;
  g_strlcpy (chunk.rendition,
      mill_cmaf_publisher_rendition (self, write->rendition)->name,
      sizeof chunk.rendition);
  return chunk;
}

/* ---- targets ---- */

static GstClockTime
find_target (const MillCmafPublisher *self, const gchar *rendition)
{
  const guint64 *target = self->part_targets != NULL
      ? g_hash_table_lookup (self->part_targets, rendition)
      : NULL;
  return target != NULL ? *target : 0;
}

static void
set_target (MillCmafPublisher *self, const gchar *rendition,
    GstClockTime target)
{
  if (self->part_targets == NULL)
    self->part_targets =
        g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_hash_table_insert (self->part_targets, g_strdup (rendition),
      g_memdup2 (&target, sizeof target));
}

static GstClockTime
get_longest (const MillCmafPublisher *self)
{
  GstClockTime longest = self->part_target;
  GHashTableIter targets;
  gpointer target;

  if (self->part_targets == NULL)
    return longest;
  g_hash_table_iter_init (&targets, self->part_targets);
  while (g_hash_table_iter_next (&targets, NULL, &target))
    longest = MAX (longest, *(const guint64 *) target);
  return longest;
}

GstClockTime
mill_cmaf_index_choose_target (MillCmafPublisher *self, guint i,
    GstClockTime wanted)
{
  const gchar *name = mill_cmaf_publisher_rendition (self, i)->name;
  GstClockTime target = find_target (self, name);
  if (target > 0)
    return target;
  /* PART-HOLD-BACK is three of the longest, and stays what it was when it was
   * told (RFC 8216bis 6.2.1). */
  if (self->listed || self->continued)
    wanted = MIN (wanted, get_longest (self));
  set_target (self, name, wanted);
  return wanted;
}

/* ---- what a predecessor has told ---- */

static void
on_stream (guint64 part_target_ns, gpointer user_data)
{
  MillCmafPublisher *self = user_data;
  self->part_target = part_target_ns;
}

static void
on_rendition (const gchar *name, guint64 part_target_ns, gpointer user_data)
{
  if (part_target_ns > 0)
    set_target (user_data, name, part_target_ns);
}

static void
on_chunk (const MillLiveChunk *chunk, gpointer user_data)
{
  MillCmafPublisher *self = user_data;
  g_array_append_vals (self->past, chunk, 1);
}

static void
read_past (MillCmafPublisher *self)
{
  static const MillLiveReaderFuncs funcs = { .stream = on_stream,
    .rendition = on_rendition,
    .chunk = on_chunk };
  g_autoptr (GBytes) content =
      mill_store_get (self->store, MILL_LIVE_INDEX_NAME, MAX_INDEX_BYTES, NULL);
  self->past = g_array_new (FALSE, FALSE, sizeof (MillLiveChunk));
  if (content == NULL)
    return;
  gsize size;
  const gchar *data = g_bytes_get_data (content, &size);
  g_autoptr (MillLiveReader) reader = mill_live_index_reader_new (&funcs, self);
  /* What is damaged from somewhere on is good up to there. */
  mill_live_index_reader_feed (reader, data, size, NULL);
}

/* What was told of a segment. */
typedef struct
{
  GArray *chunks; /* MillLiveChunk: part 0, 1 and so on, without a hole */
  guint64 bytes;
  guint64 duration_ns;
} Told;

static void
clear_told (Told *told)
{
  g_clear_pointer (&told->chunks, g_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Told, clear_told)

static void
collect_told (const MillCmafPublisher *self, const gchar *rendition,
    guint64 generation, guint64 number, Told *ret_told)
{
  *ret_told =
      (Told){ .chunks = g_array_new (FALSE, FALSE, sizeof (MillLiveChunk)) };
  for (guint i = 0; i < self->past->len; i++) {
    const MillLiveChunk *chunk = &g_array_index (self->past, MillLiveChunk, i);
    if (chunk->generation != generation || chunk->number != number ||
        !g_str_equal (chunk->rendition, rendition) ||
        (chunk->flags & MILL_LIVE_CHUNK_GAP) ||
        chunk->part != ret_told->chunks->len ||
        chunk->offset != ret_told->bytes)
      continue;
    g_array_append_vals (ret_told->chunks, chunk, 1);
    ret_told->bytes += chunk->length;
    ret_told->duration_ns += chunk->duration_ns;
  }
}

/* ---- the segment that a predecessor had begun ---- */

/* Whether its file is the told chunks. A chunk that was written and not told is
 * cut off: nobody knows of it. */
static gboolean
trim_segment (MillCmafPublisher *self, const gchar *name, guint64 bytes)
{
  guint64 size;
  if (!mill_store_stat (self->store, name, &size, NULL) || size < bytes)
    return FALSE;
  if (size == bytes)
    return TRUE;
  g_autoptr (GBytes) content =
      mill_store_get (self->store, name, MAX_SEGMENT_BYTES, NULL);
  if (content == NULL || g_bytes_get_size (content) < bytes)
    return FALSE;
  g_autoptr (GBytes) told = g_bytes_new_from_bytes (content, 0, bytes);
  return mill_store_put (self->store, name, told, NULL);
}

/* Of the rendition that cuts: its first part begins where the segment does. */
static const MillLiveChunk *
find_first (const MillCmafPublisher *self, const Told *told)
{
  const MillLiveChunk *first = NULL;
  for (guint i = 0; i < self->state->renditions->len; i++) {
    gboolean video = mill_cmaf_publisher_rendition (self, i)->format.kind ==
        MILL_CMAF_VIDEO;
    if (told[i].chunks->len == 0)
      continue;
    if (video)
      return &g_array_index (told[i].chunks, MillLiveChunk, 0);
    if (first == NULL)
      first = &g_array_index (told[i].chunks, MillLiveChunk, 0);
  }
  return first;
}

static MillCmafCut
make_cut (const MillCmafPublisher *self, const MillLiveChunk *first,
    GstClockTimeDiff duration)
{
  const MillCmafCut *last =
      mill_cmaf_publisher_cut (self, self->state->cuts->len - 1);
  MillCmafCut cut = {
    .number = first->number,
    .generation = first->generation,
    .start = (GstClockTimeDiff) first->time_ns,
    .end = (GstClockTimeDiff) first->time_ns + duration,
    .wall_us = first->wall_us,
  };
  cut.media_start = last->media_start + (cut.start - last->start);
  if (first->flags & MILL_LIVE_CHUNK_DISCONTINUITY)
    cut.flags |= MILL_CMAF_CUT_DISCONTINUITY | MILL_CMAF_CUT_PERIOD;
  if (!(first->flags & MILL_LIVE_CHUNK_INDEPENDENT))
    cut.flags |= MILL_CMAF_CUT_DEPENDENT;
  return cut;
}

static MillCmafSegment
make_segment (const MillCmafPublisher *self, guint i, const Told *told,
    const MillCmafCut *cut)
{
  guint timescale = mill_cmaf_publisher_rendition (self, i)->format.timescale;
  GstClockTimeDiff time = cut->media_start;
  if (told->chunks->len == 0)
    return (MillCmafSegment){
      .time = mill_cmaf_timeline_to_ticks (time, timescale),
      .duration = (guint64) mill_cmaf_timeline_to_ticks (cut->end - cut->start,
          timescale),
      .flags = MILL_CMAF_SEGMENT_GAP,
    };
  const MillLiveChunk *first = &g_array_index (told->chunks, MillLiveChunk, 0);
  time += (GstClockTimeDiff) first->time_ns - cut->start;
  return (MillCmafSegment){
    .time = mill_cmaf_timeline_to_ticks (time, timescale),
    .duration = (guint64)
        mill_cmaf_timeline_to_ticks ((GstClockTimeDiff) told->duration_ns,
            timescale),
    .bytes = told->bytes,
  };
}

static void
adopt (MillCmafPublisher *self, Told *told)
{
  guint n = self->state->renditions->len;
  guint64 longest = 0;
  for (guint i = 0; i < n; i++) {
    if (told[i].chunks->len == 0)
      continue;
    g_autofree gchar *name =
        mill_cmaf_manifest_name_segment (mill_cmaf_publisher_rendition (self, i)
                                             ->name,
            MILL_CMAF_FMP4, self->state->generation, self->state->next_number);
    if (!trim_segment (self, name, told[i].bytes))
      g_array_set_size (told[i].chunks, 0);
    else
      longest = MAX (longest, told[i].duration_ns);
  }
  const MillLiveChunk *first = find_first (self, told);
  if (first == NULL || longest == 0)
    return;
  MillCmafCut cut = make_cut (self, first, (GstClockTimeDiff) longest);
  g_autofree MillCmafSegment *segments = g_new0 (MillCmafSegment, n);
  for (guint i = 0; i < n; i++)
    segments[i] = make_segment (self, i, &told[i], &cut);
  mill_cmaf_window_add (self, &cut, segments);
}

void
mill_cmaf_index_resume (MillCmafPublisher *self)
{
  MillCmafState *state = self->state;
  if (!is_told (self))
    return;
  if (self->continued)
    read_past (self);
  if (self->part_target == 0 || self->options.part_duration == 0)
    self->part_target = self->options.part_duration > 0
        ? self->options.part_duration + MILL_CMAF_PART_ROUNDING_NS
        : 0;
  /* Where its media lies is known from the segment before it, of the same run.
   */
  if (!self->continued || self->part_target == 0 ||
      mill_cmaf_publisher_cut (self, state->cuts->len - 1)->generation !=
          state->generation)
    return;
  guint n = state->renditions->len;
  g_autofree Told *told = g_new0 (Told, n);
  for (guint i = 0; i < n; i++)
    collect_told (self, mill_cmaf_publisher_rendition (self, i)->name,
        state->generation, state->next_number, &told[i]);
  adopt (self, told);
  for (guint i = 0; i < n; i++)
    clear_told (&told[i]);
}

/* ---- the index of this run ---- */

/* The lines of segment @k as they were told, or else one. */
static void
fill_segment (MillCmafPublisher *self, guint i, guint k)
{
  const MillCmafRendition *rendition = mill_cmaf_publisher_rendition (self, i);
  MillLiveChunk whole = describe_segment (self, i, k);
  g_auto (Told) told = { 0 };
  collect_told (self, rendition->name, whole.generation, whole.number, &told);
  if (told.chunks->len == 0 || told.bytes != whole.length) {
    g_autoptr (GBytes) line = mill_live_index_add (self->index, &whole);
    return;
  }
  for (guint p = 0; p < told.chunks->len; p++) {
    MillLiveChunk *chunk = &g_array_index (told.chunks, MillLiveChunk, p);
    if (p + 1 == told.chunks->len)
      chunk->flags |= MILL_LIVE_CHUNK_LAST;
    g_autoptr (GBytes) line = mill_live_index_add (self->index, chunk);
  }
}

static void
fill (MillCmafPublisher *self)
{
  const MillCmafState *state = self->state;
  for (guint k = mill_cmaf_window_find_recent (self); k < state->cuts->len; k++)
    for (guint i = 0; i < state->renditions->len; i++)
      if (is_indexed (self, i))
        fill_segment (self, i, k);
}

gboolean
mill_cmaf_index_begin (MillCmafPublisher *self, GError **error)
{
  MillCmafState *state = self->state;
  if (!is_told (self))
    return TRUE;
  self->index = mill_live_index_new (self->part_target);
  for (guint i = 0; self->part_target > 0 && i < state->renditions->len; i++) {
    const gchar *name = mill_cmaf_publisher_rendition (self, i)->name;
    GstClockTime target = find_target (self, name);
    if (target > 0)
      g_bytes_unref (mill_live_index_declare (self->index, name, target));
  }
  if (self->past != NULL && state->cuts->len > 0) {
    const MillCmafCut *last =
        mill_cmaf_publisher_cut (self, state->cuts->len - 1);
    fill (self);
    if (self->part_target > 0)
      g_bytes_unref (mill_live_index_list (self->index, last->generation,
          last->number, state->target_duration_s));
  }
  g_clear_pointer (&self->past, g_array_unref);
  if (self->part_target > 0)
    g_bytes_unref (mill_live_index_announce (self->index, state->generation,
        state->next_number));
  g_autoptr (GBytes) content = mill_live_index_print (self->index);
  self->index_object = mill_store_object_new (self->store, MILL_LIVE_INDEX_NAME,
      MILL_STORE_APPEND);
  return mill_store_put (self->store, MILL_LIVE_INDEX_NAME, content, error);
}

/* ---- what happens ---- */

static void
declare (MillCmafPublisher *self, MillStoreJob *job, guint i)
{
  const gchar *name = mill_cmaf_publisher_rendition (self, i)->name;
  GstClockTime target = find_target (self, name);
  GBytes *line =
      target > 0 ? mill_live_index_declare (self->index, name, target) : NULL;
  if (line != NULL)
    append (self, job, line);
}

void
mill_cmaf_index_add (MillCmafPublisher *self, MillStoreJob *job,
    const MillCmafChunkWrite *write, gsize length)
{
  if (!is_indexed (self, write->rendition))
    return;
  if (write->begins && self->part_target > 0)
    declare (self, job, write->rendition);
  MillLiveChunk chunk = describe_chunk (self, write, length);
  append (self, job, mill_live_index_add (self->index, &chunk));
}

void
mill_cmaf_index_shift (MillCmafPublisher *self, guint64 number, gint64 us)
{
  if (self->index != NULL && mill_live_index_shift (self->index, number, us))
    self->index_moved = TRUE;
}

void
mill_cmaf_index_renew (MillCmafPublisher *self, MillStoreJob *job)
{
  if (self->index != NULL && (self->index_stale || self->index_moved))
    rewrite (self, job);
}

void
mill_cmaf_index_announce (MillCmafPublisher *self, MillStoreJob *job,
    guint64 number)
{
  if (self->index != NULL && self->part_target > 0)
    append (self, job,
        mill_live_index_announce (self->index, self->state->generation,
            number));
}

void
mill_cmaf_index_list (MillCmafPublisher *self, MillStoreJob *job)
{
  const MillCmafState *state = self->state;
  if (self->index == NULL || state->cuts->len == 0)
    return;
  guint k = state->cuts->len - 1;
  for (guint i = 0; i < state->renditions->len; i++) {
    if (!is_indexed (self, i))
      continue;
    MillLiveChunk chunk = describe_segment (self, i, k);
    if (chunk.flags & MILL_LIVE_CHUNK_GAP)
      append (self, job, mill_live_index_add (self->index, &chunk));
  }
  const MillCmafCut *last = mill_cmaf_publisher_cut (self, k);
  if (self->part_target > 0)
    append (self, job,
        mill_live_index_list (self->index, last->generation, last->number,
            state->target_duration_s));
  if (mill_live_index_wants_compaction (self->index))
    rewrite (self, job);
  else
    mill_cmaf_index_renew (self, job);
}

void
mill_cmaf_index_end (MillCmafPublisher *self, MillStoreJob *job)
{
  if (self->index == NULL || self->part_target == 0)
    return;
  mill_cmaf_index_list (self, job);
  append (self, job, mill_live_index_end (self->index));
}
