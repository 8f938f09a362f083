/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmafsink-test.h"
#include "store/live-index.h"

/* ---- live.index as it is read ---- */

typedef struct
{
  guint64 stream_target;
  GHashTable *targets; /* rendition -> guint64 */
  GArray *chunks; /* MillLiveChunk */
  guint64 listed;
  guint64 next_generation;
  guint64 next_number;
  gboolean ended;
} Index;

static inline void
on_stream (guint64 target, gpointer data)
{
  ((Index *) data)->stream_target = target;
}

static inline void
on_rendition (const gchar *name, guint64 target, gpointer data)
{
  /* Told once, before its first chunk. */
  g_assert_true (g_hash_table_insert (((Index *) data)->targets,
      g_strdup (name), g_memdup2 (&target, sizeof target)));
}

static inline void
on_chunk (const MillLiveChunk *chunk, gpointer data)
{
  g_assert_true (g_hash_table_contains (((Index *) data)->targets,
      chunk->rendition));
  g_array_append_vals (((Index *) data)->chunks, chunk, 1);
}

static inline void
on_next (guint64 generation, guint64 number, gpointer data)
{
  ((Index *) data)->next_generation = generation;
  ((Index *) data)->next_number = number;
}

static inline void
on_listed (guint64 generation, guint64 number, guint target, gpointer data)
{
  ((Index *) data)->listed = number;
}

static inline void
on_end (gpointer data)
{
  ((Index *) data)->ended = TRUE;
}

static const MillLiveReaderFuncs funcs = { on_stream, on_rendition, on_chunk,
  on_next, on_listed, on_end };

static inline void
clear_index (Index *index)
{
  g_hash_table_unref (index->targets);
  g_array_unref (index->chunks);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Index, clear_index)

static inline Index
read_index (Fixture *f)
{
  Index index = {
    .targets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
    .chunks = g_array_new (FALSE, FALSE, sizeof (MillLiveChunk)),
  };
  g_autofree gchar *text = read_text (f, "live.index");
  g_autoptr (MillLiveReader) reader =
      mill_live_index_reader_new (&funcs, &index);
  g_autoptr (GError) error = NULL;
  mill_live_index_reader_feed (reader, text, strlen (text), &error);
  g_assert_no_error (error);
  return index;
}

static inline guint64
target_of (const Index *index, const gchar *rendition)
{
  const guint64 *target = g_hash_table_lookup (index->targets, rendition);
  g_assert_nonnull (target);
  return *target;
}

static inline const MillLiveChunk *
chunk_at (const Index *index, guint i)
{
  return &g_array_index (index->chunks, MillLiveChunk, i);
}

/* ---- what holds for the parts of all streams ---- */

static inline gboolean
is_too_short (const MillLiveChunk *chunk, guint64 target)
{
  return !(chunk->flags &
             (MILL_LIVE_CHUNK_LAST | MILL_LIVE_CHUNK_INDEPENDENT)) &&
      chunk->duration_ns * 100 < target * 85;
}

/* RFC 8216bis 4.4.4.9, and what a playlist is made of. @varies: the last picture
 * of a segment may last so long that there is no room for it in the part before,
 * and nothing else to fill that with. */
static inline void
assert_rules (const Index *index, const gchar *rendition, gboolean varies)
{
  guint64 target = target_of (index, rendition);
  const MillLiveChunk *before = NULL;
  /* Sound has as many parts as the picture, in whole frames: of AAC at 48 kHz the
   * longest is the first number of frames that is as long as was asked for. */
  if (*rendition == 'a' && target > index->stream_target)
    g_assert_cmpuint (target - index->stream_target, <, AAC_NS);
  else
    g_assert_cmpuint (target, <=, index->stream_target);
  for (guint i = 0; i < index->chunks->len; i++) {
    const MillLiveChunk *chunk = chunk_at (index, i);
    if (!g_str_equal (chunk->rendition, rendition))
      continue;
    g_assert_cmpuint (chunk->duration_ns, <=, target);
    if (before != NULL && is_too_short (before, target)) {
      g_assert_true (varies && (chunk->flags & MILL_LIVE_CHUNK_LAST));
      g_assert_cmpuint (before->duration_ns + chunk->duration_ns, >, target);
    }
    if (before != NULL && !(before->flags & MILL_LIVE_CHUNK_LAST)) {
      g_assert_cmpuint (chunk->number, ==, before->number);
      g_assert_cmpuint (chunk->part, ==, before->part + 1);
      g_assert_cmpuint (chunk->offset, ==, before->offset + before->length);
    } else {
      g_assert_cmpuint (chunk->part, ==, 0);
      g_assert_true (chunk->flags & MILL_LIVE_CHUNK_INDEPENDENT);
    }
    before = chunk;
  }
}

/* The parts of a segment last as long, to the microsecond, as its EXTINF. */
static inline void
assert_sum (Fixture *f, const Index *index, const gchar *rendition,
    guint64 number)
{
  guint64 sum = 0;
  gsize bytes = 0;
  guint64 generation = 0;
  for (guint i = 0; i < index->chunks->len; i++) {
    const MillLiveChunk *chunk = chunk_at (index, i);
    if (!g_str_equal (chunk->rendition, rendition) || chunk->number != number)
      continue;
    sum += chunk->duration_ns;
    bytes += chunk->length;
    generation = chunk->generation;
  }
  guint64 us = (sum + 500) / 1000;
  g_autofree gchar *line =
      g_strdup_printf ("#EXTINF:%" G_GUINT64_FORMAT ".%06" G_GUINT64_FORMAT
                       ",\n%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".m4s\n",
          us / G_USEC_PER_SEC, us % G_USEC_PER_SEC, generation, number);
  g_autofree gchar *playlist = g_strconcat (rendition, "/playlist.m3u8", NULL);
  if (!contains (f, playlist, line))
    g_error ("%s has no '%s'", playlist, line);
  g_autofree gchar *name = g_strdup_printf ("%s/%" G_GUINT64_FORMAT
                                            "-%" G_GUINT64_FORMAT ".m4s",
      rendition, generation, number);
  g_autofree gchar *path = path_of (f, name);
  GStatBuf status;
  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpuint (status.st_size, ==, bytes);
}
