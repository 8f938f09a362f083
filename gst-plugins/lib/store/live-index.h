/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * live.index: what a packager has published, a line per chunk, for whoever
 * serves the stream with low latency. Appended to, after the bytes that a line
 * names; replaced by rename when it is compacted (a reader that holds the old
 * file notices by its inode and reads the new one from the start).
 *
 * Text, one record per line, fields separated by one space, ended by '\n':
 *
 *     millrace-live 2
 *     #stream PART-TARGET
 *     #rendition RENDITION PART-TARGET
 *     RENDITION GENERATION NUMBER PART OFFSET LENGTH TIME DURATION FLAGS WALL
 *     #next GENERATION NUMBER
 *     #listed GENERATION NUMBER TARGET-DURATION
 *     #end
 *
 *     v360 3 17 0 0 48211 34000000000 500000000 I 1764000000123456
 *
 * A chunk: the segment is {RENDITION}/{GENERATION}-{NUMBER}.m4s; PART counts
 * from 0; OFFSET and LENGTH are bytes in it; TIME (running time) and DURATION
 * are in ns, and the durations of a segment's chunks add up to that of the
 * segment; WALL is the wall clock of the first sample in µs since 1970; FLAGS
 * is "-" or, in this order, I (starts with an IDR), L (last of its segment), D
 * (first after a discontinuity), G (gap: no bytes, LENGTH is 0; it takes the
 * place of what its segment still lacks).
 *
 * #stream comes once, before any chunk: the longest chunk of a video, in ns,
 * which is the same for the life of the stream. Without it (or with 0) the
 * chunks are no parts: nobody is promised anything of their lengths.
 * #rendition comes before the first chunk of RENDITION: its own PART-TARGET in
 * ns, never changed either. That of sound may be up to a frame more than the
 * stream's, but not of one that begins when playlists are there already and is
 * the first such: PART-HOLD-BACK is made of the longest.
 * #next announces that segments from NUMBER on are of GENERATION, before the
 * last chunk of the one before it.
 * #listed follows the playlists that list segment NUMBER, of GENERATION, in all
 * renditions together; TARGET-DURATION is theirs, in s. #end follows those that
 * have EXT-X-ENDLIST. Lines of '#' and another word are for later: a reader
 * goes over them. Version 1 had chunks alone.
 *
 * A last line without '\n' is not there yet. Any other line that does not fit
 * is an error: a reader starts over from a new file.
 */

#define MILL_LIVE_INDEX_NAME "live.index"
/* Longest rendition name, as that of a stream. */
#define MILL_LIVE_INDEX_RENDITION_MAX 64

#define MILL_LIVE_INDEX_ERROR (mill_live_index_error_quark ())
GQuark mill_live_index_error_quark (void);

/**
 * MillLiveIndexError:
 * @MILL_LIVE_INDEX_ERROR_VERSION: the first line is not that of a version read
 *   here
 * @MILL_LIVE_INDEX_ERROR_LINE: a line that does not fit the format
 */
typedef enum
{
  MILL_LIVE_INDEX_ERROR_VERSION,
  MILL_LIVE_INDEX_ERROR_LINE,
} MillLiveIndexError;

typedef enum
{
  MILL_LIVE_CHUNK_NONE = 0,
  MILL_LIVE_CHUNK_INDEPENDENT = 1 << 0,
  MILL_LIVE_CHUNK_LAST = 1 << 1,
  MILL_LIVE_CHUNK_DISCONTINUITY = 1 << 2,
  MILL_LIVE_CHUNK_GAP = 1 << 3,
} MillLiveChunkFlags;

/** One line; see above. */
typedef struct
{
  gchar rendition[MILL_LIVE_INDEX_RENDITION_MAX + 1];
  guint64 generation;
  guint64 number;
  guint32 part;
  guint64 offset;
  guint64 length;
  guint64 time_ns;
  guint64 duration_ns;
  MillLiveChunkFlags flags;
  gint64 wall_us;
} MillLiveChunk;

/* ---- writing: no I/O, one thread at a time ---- */

typedef struct _MillLiveIndex MillLiveIndex;

/** @part_target_ns: longest chunk of a video; 0: chunks are no parts.
 * Returns: (transfer full): an index of no chunks; put mill_live_index_print()
 * before the first line is appended */
MillLiveIndex *mill_live_index_new (guint64 part_target_ns);
void mill_live_index_free (MillLiveIndex *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillLiveIndex, mill_live_index_free)

/** Tells the longest part of @rendition, before its first chunk.
 * Returns: (transfer full)(nullable): the line to append; NULL when it was told
 * before */
GBytes *mill_live_index_declare (MillLiveIndex *self, const gchar *rendition,
    guint64 part_target_ns);

/** Records @chunk. Returns: (transfer full): the line to append */
GBytes *mill_live_index_add (MillLiveIndex *self, const MillLiveChunk *chunk);

/** The chunks of segments from @number on are of @us later, WALL.
 * Returns: whether there are any: then the file has to be put anew */
gboolean mill_live_index_shift (MillLiveIndex *self, guint64 number, gint64 us);

/** Segments from @number on are of @generation.
 * Returns: (transfer full): the line to append */
GBytes *mill_live_index_announce (MillLiveIndex *self, guint64 generation,
    guint64 number);

/** The playlists list this segment, and all before it.
 * Returns: (transfer full): the line to append */
GBytes *mill_live_index_list (MillLiveIndex *self, guint64 generation,
    guint64 number, guint target_duration_s);

/** The playlists are ended. Returns: (transfer full): the line to append */
GBytes *mill_live_index_end (MillLiveIndex *self);

/** Forgets every chunk of a segment before @generation, @number. They leave
 * the file when it is compacted. */
void mill_live_index_expire (MillLiveIndex *self, guint64 generation,
    guint64 number);

/** Returns: whether the file holds enough expired lines to be worth replacing
 */
gboolean mill_live_index_wants_compaction (MillLiveIndex *self);

/** Returns: (transfer full): the whole file, compacted: put it, then append
 * to the new object */
GBytes *mill_live_index_print (MillLiveIndex *self);

/* ---- reading: no I/O ---- */

typedef struct _MillLiveReader MillLiveReader;

/**
 * MillLiveReaderFuncs: what is called for each line, in order; any but @chunk
 * may be NULL
 */
typedef struct
{
  void (*stream) (guint64 part_target_ns, gpointer user_data);
  void (*rendition) (const gchar *name, guint64 part_target_ns,
      gpointer user_data);
  void (*chunk) (const MillLiveChunk *chunk, gpointer user_data);
  void (*next) (guint64 generation, guint64 number, gpointer user_data);
  void (*listed) (guint64 generation, guint64 number, guint target_duration_s,
      gpointer user_data);
  void (*end) (gpointer user_data);
} MillLiveReaderFuncs;

/** @funcs: must outlive the reader */
MillLiveReader *mill_live_index_reader_new (const MillLiveReaderFuncs *funcs,
    gpointer user_data);
void mill_live_index_reader_free (MillLiveReader *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillLiveReader, mill_live_index_reader_free)

/** Reads on: @data follows what was fed before, cut anywhere. After an error
 * nothing more is read. */
gboolean mill_live_index_reader_feed (MillLiveReader *self, const gchar *data,
    gsize length, GError **error);

G_END_DECLS
