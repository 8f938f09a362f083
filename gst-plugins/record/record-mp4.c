/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* MP4: while it grows ftyp, free, moov with mvex, and a moof for each track and
 * fragment. At the end free becomes the head of one mdat that all of this is
 * inside of, and a moov behind it has the index: an ordinary file.
 * Source: ISO/IEC 14496-12 (clauses are its). */

#include "record-writer-private.h"

#include <string.h>

#include "bmff/bmff-chunk.h"
#include "bmff/bmff-reader.h"

#define FOURCC MILL_BMFF_FOURCC
#define MOVIE_TIMESCALE 90000
/* 8.2.2.3: seconds since 1904. */
#define EPOCH_1904 G_GUINT64_CONSTANT (2082844800)
/* The head of an mdat with a 64-bit size. */
#define LARGE_HEAD 16
/* The index may go to the front, which moves all chunks by its size. */
#define STCO_MAX (G_GUINT64_CONSTANT (3) << 30)

/** @count neighbours with one value: as stts and ctts have them. */
typedef struct
{
  guint32 count;
  guint32 value;
} Run;

typedef struct
{
  guint64 offset;
  guint32 n_samples;
} Chunk;

typedef struct
{
  GBytes *init; /* ftyp and moov of this track alone */
  guint64 begin; /* ticks: decoding time of the first sample */
  guint64 end;
  GArray *sizes; /* guint32 */
  GArray *syncs; /* guint32: numbers of sync samples, from 1 */
  GArray *durations; /* Run */
  GArray *offsets; /* Run, signed values */
  GArray *chunks; /* Chunk */
} Track;

typedef struct
{
  MillRecordWriter parent;
  Track *tracks;
  guint32 sequence;
  guint64 free_at; /* of the box that becomes mdat */
} Mp4;

static Mp4 *
get_mp4 (MillRecordWriter *writer)
{
  return (Mp4 *) writer;
}

/* ---- parts of the tracks' own headers ---- */

/* The first box at @path, which is four letters a level, inside of @track's
 * header. It is there: this project wrote it. */
static MillBmffBox
find (const Track *track, const gchar *path)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (track->init, &size);
  MillBmffBox box = { 0 };
  for (; *path != '\0'; path += 4) {
    if (!mill_bmff_reader_find (data, size,
            FOURCC (path[0], path[1], path[2], path[3]), &box, NULL))
      return (MillBmffBox){ 0 };
    data = box.payload;
    size = box.payload_size;
  }
  return box;
}

static void
put_box (MillBmffWriter *w, const MillBmffBox *box)
{
  if (box->size > 0)
    mill_bmff_writer_put_data (w,
        box->payload - (box->size - box->payload_size), box->size);
}

static void
put_found (MillBmffWriter *w, const Track *track, const gchar *path)
{
  MillBmffBox box = find (track, path);
  put_box (w, &box);
}

/* ---- head ---- */

static void
put_mvhd (MillRecordWriter *self, guint64 duration)
{
  static const guint32 unity[] = { 0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0,
    0x40000000 };
  MillBmffWriter *w = &self->scratch;
  guint64 began = (guint64) (self->began / G_TIME_SPAN_SECOND) + EPOCH_1904;
  gsize box =
      mill_bmff_writer_begin_full (w, FOURCC ('m', 'v', 'h', 'd'), 1, 0);
  mill_bmff_writer_put_u64 (w, began);
  mill_bmff_writer_put_u64 (w, began);
  mill_bmff_writer_put_u32 (w, MOVIE_TIMESCALE);
  mill_bmff_writer_put_u64 (w, duration);
  mill_bmff_writer_put_u32 (w, 0x00010000); /* rate */
  mill_bmff_writer_put_u16 (w, 0x0100); /* volume */
  mill_bmff_writer_put_zeros (w, 10);
  for (guint i = 0; i < G_N_ELEMENTS (unity); i++)
    mill_bmff_writer_put_u32 (w, unity[i]);
  mill_bmff_writer_put_zeros (w, 24);
  mill_bmff_writer_put_u32 (w, self->n_formats + 1);
  mill_bmff_writer_end (w, box);
}

static void
put_ftyp (MillBmffWriter *w)
{
  gsize box = mill_bmff_writer_begin (w, FOURCC ('f', 't', 'y', 'p'));
  mill_bmff_writer_put_u32 (w, FOURCC ('i', 's', 'o', 'm'));
  mill_bmff_writer_put_u32 (w, 0);
  mill_bmff_writer_put_u32 (w, FOURCC ('i', 's', 'o', 'm'));
  mill_bmff_writer_put_u32 (w, FOURCC ('i', 's', 'o', '6'));
  mill_bmff_writer_put_u32 (w, FOURCC ('m', 'p', '4', '2'));
  mill_bmff_writer_end (w, box);
}

static gboolean
make_init (Mp4 *self, guint i, GError **error)
{
  const MillRecordFormat *format = &self->parent.formats[i];
  MillBmffTrack track = {
    .track_id = i + 1,
    .timescale = format->timescale,
    .language = *format->language != '\0' ? format->language : NULL,
    .codec = &format->codec,
    .codec_data = format->codec_data,
    .hdr = &format->hdr,
    .orientation = format->orientation,
  };
  g_auto (MillBmffWriter) writer = { 0 };
  if (!mill_bmff_init_write (&writer, &track, error))
    return FALSE;
  self->tracks[i].init = mill_bmff_writer_steal_bytes (&writer);
  return TRUE;
}

static void
init_track (Track *track)
{
  track->sizes = g_array_new (FALSE, FALSE, sizeof (guint32));
  track->syncs = g_array_new (FALSE, FALSE, sizeof (guint32));
  track->durations = g_array_new (FALSE, FALSE, sizeof (Run));
  track->offsets = g_array_new (FALSE, FALSE, sizeof (Run));
  track->chunks = g_array_new (FALSE, FALSE, sizeof (Chunk));
}

static gboolean
mp4_begin (MillRecordWriter *writer, GError **error)
{
  Mp4 *self = get_mp4 (writer);
  MillBmffWriter *w = &writer->scratch;
  self->tracks = g_new0 (Track, writer->n_formats);
  for (guint i = 0; i < writer->n_formats; i++) {
    init_track (&self->tracks[i]);
    if (!make_init (self, i, error))
      return FALSE;
  }
  put_ftyp (w);
  self->free_at = w->size;
  gsize box = mill_bmff_writer_begin (w, FOURCC ('f', 'r', 'e', 'e'));
  mill_bmff_writer_put_zeros (w, LARGE_HEAD - 8);
  mill_bmff_writer_end (w, box);
  gsize moov = mill_bmff_writer_begin (w, FOURCC ('m', 'o', 'o', 'v'));
  put_mvhd (writer, 0);
  for (guint i = 0; i < writer->n_formats; i++)
    put_found (w, &self->tracks[i], "moovtrak");
  gsize mvex = mill_bmff_writer_begin (w, FOURCC ('m', 'v', 'e', 'x'));
  for (guint i = 0; i < writer->n_formats; i++)
    put_found (w, &self->tracks[i], "moovmvextrex");
  mill_bmff_writer_end (w, mvex);
  mill_bmff_writer_end (w, moov);
  return mill_record_writer_append_scratch (writer, error);
}

/* ---- fragments ---- */

static void
add_run (GArray *runs, guint32 value)
{
  Run *last = runs->len > 0 ? &g_array_index (runs, Run, runs->len - 1) : NULL;
  if (last != NULL && last->value == value) {
    last->count++;
    return;
  }
  Run run = { 1, value };
  g_array_append_val (runs, run);
}

/* What is missing before a piece is how much longer the last sample is shown. */
static void
stretch_last (Track *track, guint32 by)
{
  Run *last = &g_array_index (track->durations, Run, track->durations->len - 1);
  guint32 value = last->value;
  if (--last->count == 0)
    g_array_set_size (track->durations, track->durations->len - 1);
  add_run (track->durations, value + by);
}

static void
note (Track *track, const MillCmafTaken *piece, guint64 offset)
{
  const GArray *samples = piece->samples;
  guint64 dts = (guint64) MAX (piece->dts, 0);
  if (track->sizes->len == 0)
    track->begin = dts;
  else if (dts > track->end)
    stretch_last (track, (guint32) MIN (dts - track->end, G_MAXINT32));
  track->end = MAX (track->end, dts);
  for (guint i = 0; i < samples->len; i++) {
    const MillBmffSample *sample = &g_array_index (samples, MillBmffSample, i);
    guint32 number = track->sizes->len + 1;
    g_array_append_val (track->sizes, sample->size);
    if ((sample->flags & MILL_BMFF_SAMPLE_NON_SYNC_BIT) == 0)
      g_array_append_val (track->syncs, number);
    add_run (track->durations, sample->duration);
    add_run (track->offsets, (guint32) sample->composition_offset);
    track->end += sample->duration;
  }
  Chunk chunk = { offset, samples->len };
  g_array_append_val (track->chunks, chunk);
}

static gboolean
put_piece (Mp4 *self, guint i, const MillCmafTaken *piece, GError **error)
{
  MillRecordWriter *writer = &self->parent;
  MillBmffChunk chunk = {
    .flags = writer->formats[i].codec.roll_distance != 0 ? MILL_BMFF_CHUNK_ROLL
                                                         : MILL_BMFF_CHUNK_NONE,
    .track_id = i + 1,
    .sequence_number = ++self->sequence,
    .decode_time = (guint64) MAX (piece->dts, 0),
    .samples = (const MillBmffSample *) piece->samples->data,
    .n_samples = piece->samples->len,
  };
  if (!mill_bmff_chunk_write (&writer->scratch, &chunk, error))
    return FALSE;
  for (guint j = 0; j < piece->samples->len; j++)
    if (!mill_record_writer_put_payload (writer, piece, j, error))
      return FALSE;
  return TRUE;
}

static gboolean
mp4_write (MillRecordWriter *writer, const MillCmafTaken *pieces,
    GError **error)
{
  Mp4 *self = get_mp4 (writer);
  guint64 begin = writer->size;
  g_autofree guint64 *offsets = g_new0 (guint64, writer->n_formats);
  for (guint i = 0; i < writer->n_formats; i++) {
    if (pieces[i].samples->len == 0)
      continue;
    if (!put_piece (self, i, &pieces[i], error))
      return FALSE;
    offsets[i] = begin + writer->scratch.size - pieces[i].size;
  }
  if (!mill_record_writer_append_scratch (writer, error))
    return FALSE;
  for (guint i = 0; i < writer->n_formats; i++)
    if (pieces[i].samples->len > 0)
      note (&self->tracks[i], &pieces[i], offsets[i]);
  return TRUE;
}

/* ---- index ---- */

static void
put_runs (MillBmffWriter *w, guint32 type, guint8 version, const GArray *runs)
{
  gsize box = mill_bmff_writer_begin_full (w, type, version, 0);
  mill_bmff_writer_put_u32 (w, runs->len);
  for (guint i = 0; i < runs->len; i++) {
    const Run *run = &g_array_index (runs, Run, i);
    mill_bmff_writer_put_u32 (w, run->count);
    mill_bmff_writer_put_u32 (w, run->value);
  }
  mill_bmff_writer_end (w, box);
}

static void
put_numbers (MillBmffWriter *w, const GArray *numbers)
{
  mill_bmff_writer_put_u32 (w, numbers->len);
  for (guint i = 0; i < numbers->len; i++)
    mill_bmff_writer_put_u32 (w, g_array_index (numbers, guint32, i));
}

/* 8.7.4: the first chunk of each run of chunks that are equally long. */
static void
put_stsc (MillBmffWriter *w, const GArray *chunks)
{
  gsize box =
      mill_bmff_writer_begin_full (w, FOURCC ('s', 't', 's', 'c'), 0, 0);
  gsize count_at = w->size;
  guint32 count = 0;
  guint32 last = 0;
  mill_bmff_writer_put_u32 (w, 0);
  for (guint i = 0; i < chunks->len; i++) {
    guint32 n = g_array_index (chunks, Chunk, i).n_samples;
    if (n == last)
      continue;
    mill_bmff_writer_put_u32 (w, i + 1);
    mill_bmff_writer_put_u32 (w, n);
    mill_bmff_writer_put_u32 (w, 1);
    last = n;
    count++;
  }
  mill_bmff_writer_set_u32 (w, count_at, count);
  mill_bmff_writer_end (w, box);
}

static void
put_offsets (MillRecordWriter *self, const GArray *chunks)
{
  MillBmffWriter *w = &self->scratch;
  gboolean is_large = self->size > STCO_MAX;
  gsize box = mill_bmff_writer_begin_full (w,
      is_large ? FOURCC ('c', 'o', '6', '4') : FOURCC ('s', 't', 'c', 'o'), 0,
      0);
  mill_bmff_writer_put_u32 (w, chunks->len);
  for (guint i = 0; i < chunks->len; i++) {
    guint64 offset = g_array_index (chunks, Chunk, i).offset;
    if (is_large)
      mill_bmff_writer_put_u64 (w, offset);
    else
      mill_bmff_writer_put_u32 (w, (guint32) offset);
  }
  mill_bmff_writer_end (w, box);
}

/* 8.9.2: all samples are of the roll group that the header describes. */
static void
put_groups (MillBmffWriter *w, const Track *track)
{
  MillBmffBox sgpd = find (track, "moovtrakmdiaminfstblsgpd");
  if (sgpd.size == 0)
    return;
  put_box (w, &sgpd);
  gsize box =
      mill_bmff_writer_begin_full (w, FOURCC ('s', 'b', 'g', 'p'), 0, 0);
  mill_bmff_writer_put_u32 (w, FOURCC ('r', 'o', 'l', 'l'));
  mill_bmff_writer_put_u32 (w, 1);
  mill_bmff_writer_put_u32 (w, track->sizes->len);
  mill_bmff_writer_put_u32 (w, 1);
  mill_bmff_writer_end (w, box);
}

static gboolean
is_zero (const GArray *runs)
{
  return runs->len == 0 ||
      (runs->len == 1 && g_array_index (runs, Run, 0).value == 0);
}

static void
put_stbl (MillRecordWriter *self, const Track *track)
{
  MillBmffWriter *w = &self->scratch;
  gsize stbl = mill_bmff_writer_begin (w, FOURCC ('s', 't', 'b', 'l'));
  put_found (w, track, "moovtrakmdiaminfstblstsd");
  put_runs (w, FOURCC ('s', 't', 't', 's'), 0, track->durations);
  /* 8.6.1.3: version 1 has signed offsets. */
  if (!is_zero (track->offsets))
    put_runs (w, FOURCC ('c', 't', 't', 's'), 1, track->offsets);
  if (track->syncs->len < track->sizes->len) {
    gsize stss =
        mill_bmff_writer_begin_full (w, FOURCC ('s', 't', 's', 's'), 0, 0);
    put_numbers (w, track->syncs);
    mill_bmff_writer_end (w, stss);
  }
  put_stsc (w, track->chunks);
  gsize stsz =
      mill_bmff_writer_begin_full (w, FOURCC ('s', 't', 's', 'z'), 0, 0);
  mill_bmff_writer_put_u32 (w, 0); /* not all of one size */
  put_numbers (w, track->sizes);
  mill_bmff_writer_end (w, stsz);
  put_offsets (self, track->chunks);
  put_groups (w, track);
  mill_bmff_writer_end (w, stbl);
}

static guint64
to_movie_time (const MillRecordFormat *format, guint64 ticks)
{
  return gst_util_uint64_scale_round (ticks, MOVIE_TIMESCALE,
      format->timescale);
}

/* 8.6.6: a track that begins later than the file waits. */
static void
put_edits (MillBmffWriter *w, guint64 wait, guint64 duration)
{
  if (wait == 0)
    return;
  gsize edts = mill_bmff_writer_begin (w, FOURCC ('e', 'd', 't', 's'));
  gsize elst =
      mill_bmff_writer_begin_full (w, FOURCC ('e', 'l', 's', 't'), 1, 0);
  mill_bmff_writer_put_u32 (w, 2);
  mill_bmff_writer_put_u64 (w, wait);
  mill_bmff_writer_put_u64 (w, G_MAXUINT64); /* an empty edit */
  mill_bmff_writer_put_u32 (w, 0x00010000);
  mill_bmff_writer_put_u64 (w, duration);
  mill_bmff_writer_put_u64 (w, 0);
  mill_bmff_writer_put_u32 (w, 0x00010000);
  mill_bmff_writer_end (w, elst);
  mill_bmff_writer_end (w, edts);
}

/* 8.3.2, of version 1, with what the track's own has behind its times. */
static void
put_tkhd (MillBmffWriter *w, const Track *track, guint64 began,
    guint64 duration)
{
  MillBmffBox own = find (track, "moovtraktkhd");
  gsize box =
      mill_bmff_writer_begin_full (w, FOURCC ('t', 'k', 'h', 'd'), 1, 7);
  mill_bmff_writer_put_u64 (w, began);
  mill_bmff_writer_put_u64 (w, began);
  mill_bmff_writer_put_data (w, own.payload + 12, 4 + 4); /* ID, reserved */
  mill_bmff_writer_put_u64 (w, duration);
  mill_bmff_writer_put_data (w, own.payload + 24, own.payload_size - 24);
  mill_bmff_writer_end (w, box);
}

/* 8.4.2 */
static void
put_mdhd (MillBmffWriter *w, const Track *track, guint64 began)
{
  MillBmffBox own = find (track, "moovtrakmdiamdhd");
  gsize box =
      mill_bmff_writer_begin_full (w, FOURCC ('m', 'd', 'h', 'd'), 1, 0);
  mill_bmff_writer_put_u64 (w, began);
  mill_bmff_writer_put_u64 (w, began);
  mill_bmff_writer_put_data (w, own.payload + 12, 4); /* timescale */
  mill_bmff_writer_put_u64 (w, track->end - track->begin);
  mill_bmff_writer_put_data (w, own.payload + 20, 4); /* language, reserved */
  mill_bmff_writer_end (w, box);
}

static void
put_trak (Mp4 *self, guint i)
{
  MillRecordWriter *writer = &self->parent;
  const MillRecordFormat *format = &writer->formats[i];
  const Track *track = &self->tracks[i];
  MillBmffWriter *w = &writer->scratch;
  guint64 began = (guint64) (writer->began / G_TIME_SPAN_SECOND) + EPOCH_1904;
  guint64 wait = to_movie_time (format, track->begin);
  guint64 duration = to_movie_time (format, track->end - track->begin);
  gsize trak = mill_bmff_writer_begin (w, FOURCC ('t', 'r', 'a', 'k'));
  put_tkhd (w, track, began, wait + duration);
  put_edits (w, wait, duration);
  gsize mdia = mill_bmff_writer_begin (w, FOURCC ('m', 'd', 'i', 'a'));
  put_mdhd (w, track, began);
  put_found (w, track, "moovtrakmdiahdlr");
  gsize minf = mill_bmff_writer_begin (w, FOURCC ('m', 'i', 'n', 'f'));
  put_found (w, track, "moovtrakmdiaminfvmhd");
  put_found (w, track, "moovtrakmdiaminfsmhd");
  put_found (w, track, "moovtrakmdiaminfdinf");
  put_stbl (writer, track);
  mill_bmff_writer_end (w, minf);
  mill_bmff_writer_end (w, mdia);
  mill_bmff_writer_end (w, trak);
}

static void
put_moov (Mp4 *self)
{
  MillRecordWriter *writer = &self->parent;
  MillBmffWriter *w = &writer->scratch;
  guint64 longest = 0;
  for (guint i = 0; i < writer->n_formats; i++)
    longest =
        MAX (longest, to_movie_time (&writer->formats[i], self->tracks[i].end));
  gsize moov = mill_bmff_writer_begin (w, FOURCC ('m', 'o', 'o', 'v'));
  put_mvhd (writer, longest);
  for (guint i = 0; i < writer->n_formats; i++)
    if (self->tracks[i].sizes->len > 0)
      put_trak (self, i);
  mill_bmff_writer_end (w, moov);
}

static gboolean
mp4_finish (MillRecordWriter *writer, GError **error)
{
  Mp4 *self = get_mp4 (writer);
  guint64 media = writer->size - self->free_at;
  put_moov (self);
  if (!mill_record_writer_append_scratch (writer, error))
    return FALSE;
  /* 4.2: size 1, the type, and a size of 64 bits. */
  g_auto (MillBmffWriter) head = { 0 };
  mill_bmff_writer_put_u32 (&head, 1);
  mill_bmff_writer_put_u32 (&head, FOURCC ('m', 'd', 'a', 't'));
  mill_bmff_writer_put_u64 (&head, media);
  return mill_record_writer_patch (writer, self->free_at, head.data, head.size,
      error);
}

static guint64
mp4_get_index_bytes (MillRecordWriter *writer)
{
  Mp4 *self = get_mp4 (writer);
  guint64 bytes = 0;
  for (guint i = 0; i < writer->n_formats; i++) {
    const Track *track = &self->tracks[i];
    bytes += track->sizes->len * sizeof (guint32) +
        track->syncs->len * sizeof (guint32) +
        track->durations->len * sizeof (Run) +
        track->offsets->len * sizeof (Run) +
        track->chunks->len * sizeof (Chunk);
  }
  return bytes;
}

static void
mp4_clear (MillRecordWriter *writer)
{
  Mp4 *self = get_mp4 (writer);
  for (guint i = 0; self->tracks != NULL && i < writer->n_formats; i++) {
    Track *track = &self->tracks[i];
    g_clear_pointer (&track->init, g_bytes_unref);
    g_clear_pointer (&track->sizes, g_array_unref);
    g_clear_pointer (&track->syncs, g_array_unref);
    g_clear_pointer (&track->durations, g_array_unref);
    g_clear_pointer (&track->offsets, g_array_unref);
    g_clear_pointer (&track->chunks, g_array_unref);
  }
  g_free (self->tracks);
}

const MillRecordWriterClass mill_record_mp4_class = {
  .size = sizeof (Mp4),
  .begin = mp4_begin,
  .write = mp4_write,
  .finish = mp4_finish,
  .get_index_bytes = mp4_get_index_bytes,
  .clear = mp4_clear,
};
