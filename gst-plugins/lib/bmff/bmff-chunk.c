/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "bmff/bmff-chunk.h"

#include "bytes/bytes.h"

#define FOURCC MILL_BMFF_FOURCC

/* tfhd flags, 14496-12 §8.8.7.1 */
#define TFHD_DEFAULT_DURATION 0x000008u
#define TFHD_DEFAULT_SIZE 0x000010u
#define TFHD_DEFAULT_FLAGS 0x000020u
#define TFHD_DEFAULT_BASE_IS_MOOF 0x020000u

/* trun flags, 14496-12 §8.8.8.1 */
#define TRUN_DATA_OFFSET 0x000001u
#define TRUN_FIRST_FLAGS 0x000004u
#define TRUN_DURATION 0x000100u
#define TRUN_SIZE 0x000200u
#define TRUN_FLAGS 0x000400u
#define TRUN_CTS 0x000800u

#define BOX_HEAD 8
#define FULL_BOX_HEAD 12
#define MFHD_SIZE (FULL_BOX_HEAD + 4)
#define TFDT_SIZE (FULL_BOX_HEAD + 8)
#define SBGP_SIZE (FULL_BOX_HEAD + 4 + 4 + 8)
#define PRFT_SIZE (FULL_BOX_HEAD + 4 + 8 + 8)

/* Where the properties of the samples go: as defaults when all agree. */
typedef struct
{
  guint32 tfhd_flags;
  guint32 trun_flags;
  guint64 payload_size;
  gsize styp_size;
  gsize prft_size;
  gsize emsg_size;
  gsize tfhd_size;
  gsize trun_size;
  guint64 moof_size;
} Layout;

/* Segment, fragment and chunk begin at the same byte, so styp has the brands
 * of all three, ISO/IEC 23000-19 §7.3.3; msdh as DASH asks, 23009-1 §6.3.4.2.
 */
static const guint32 styp_brands[] = {
  FOURCC ('m', 's', 'd', 'h'), FOURCC ('c', 'm', 'f', 's'),
  FOURCC ('c', 'm', 'f', 'f'), FOURCC ('c', 'm', 'f', 'l'),
  FOURCC ('l', 'm', 's', 'g'), /* of the last segment only */
};

static guint
count_brands (const MillBmffChunk *chunk)
{
  guint n = G_N_ELEMENTS (styp_brands);
  return (chunk->flags & MILL_BMFF_CHUNK_LAST_SEGMENT) != 0 ? n : n - 1;
}

static guint
count_bits (guint32 flags)
{
  guint n = 0;
  for (; flags != 0; flags &= flags - 1)
    n++;
  return n;
}

static void
choose_flags (const MillBmffChunk *chunk, Layout *layout)
{
  const MillBmffSample *first = &chunk->samples[0];
  /* What all samples but the first are like. */
  guint32 rest_flags = chunk->samples[chunk->n_samples > 1 ? 1 : 0].flags;
  gboolean is_explicit = (chunk->flags & MILL_BMFF_CHUNK_EXPLICIT) != 0;
  gboolean same_duration = !is_explicit;
  gboolean same_size = !is_explicit;
  gboolean same_rest = TRUE;
  gboolean no_cts = TRUE;
  guint64 payload_size = 0;
  for (guint i = 0; i < chunk->n_samples; i++) {
    const MillBmffSample *sample = &chunk->samples[i];
    same_duration &= sample->duration == first->duration;
    same_size &= sample->size == first->size;
    same_rest &= i == 0 || sample->flags == rest_flags;
    no_cts &= sample->composition_offset == 0;
    payload_size += sample->size;
  }
  layout->payload_size = payload_size;
  layout->tfhd_flags = TFHD_DEFAULT_BASE_IS_MOOF |
      (same_duration ? TFHD_DEFAULT_DURATION : 0) |
      (same_size ? TFHD_DEFAULT_SIZE : 0) |
      (same_rest ? TFHD_DEFAULT_FLAGS : 0);
  /* first-sample-flags excludes flags per sample, §8.8.8.1. */
  layout->trun_flags = TRUN_DATA_OFFSET | (same_duration ? 0 : TRUN_DURATION) |
      (same_size ? 0 : TRUN_SIZE) | (same_rest ? 0 : TRUN_FLAGS) |
      (same_rest && first->flags != rest_flags ? TRUN_FIRST_FLAGS : 0) |
      (no_cts ? 0 : TRUN_CTS);
}

static void
choose_layout (const MillBmffChunk *chunk, Layout *layout)
{
  choose_flags (chunk, layout);
  layout->styp_size = (chunk->flags & MILL_BMFF_CHUNK_SEGMENT_START) != 0
      ? BOX_HEAD + 8 + 4 * count_brands (chunk)
      : 0;
  layout->prft_size = chunk->ntp_time != 0 ? PRFT_SIZE : 0;
  layout->emsg_size = 0;
  for (guint i = 0; i < chunk->n_events; i++)
    layout->emsg_size += mill_bmff_event_get_size (&chunk->events[i]);
  layout->tfhd_size = FULL_BOX_HEAD + 4 +
      4 * count_bits (layout->tfhd_flags & ~TFHD_DEFAULT_BASE_IS_MOOF);
  guint per_sample = count_bits (layout->trun_flags & 0xff00);
  guint per_run = count_bits (layout->trun_flags & 0x00ff);
  layout->trun_size = FULL_BOX_HEAD + 4 + 4 * per_run +
      4 * (gsize) per_sample * chunk->n_samples;
  layout->moof_size = (guint64) BOX_HEAD + MFHD_SIZE + BOX_HEAD +
      layout->tfhd_size + TFDT_SIZE + layout->trun_size +
      ((chunk->flags & MILL_BMFF_CHUNK_ROLL) != 0 ? SBGP_SIZE : 0);
}

static void
write_styp (MillBmffWriter *w, const MillBmffChunk *chunk)
{
  gsize box = mill_bmff_writer_begin (w, FOURCC ('s', 't', 'y', 'p'));
  mill_bmff_writer_put_u32 (w, styp_brands[0]);
  mill_bmff_writer_put_u32 (w, 0);
  for (guint i = 0; i < count_brands (chunk); i++)
    mill_bmff_writer_put_u32 (w, styp_brands[i]);
  mill_bmff_writer_end (w, box);
}

/* 14496-12 §8.16.5. Flag 8: the offset of the wall clock is arbitrary but the
 * same throughout; we know when a frame arrived, not when it was captured. */
static void
write_prft (MillBmffWriter *w, const MillBmffChunk *chunk)
{
  gsize box =
      mill_bmff_writer_begin_full (w, FOURCC ('p', 'r', 'f', 't'), 1, 8);
  mill_bmff_writer_put_u32 (w, chunk->track_id);
  mill_bmff_writer_put_u64 (w, chunk->ntp_time);
  mill_bmff_writer_put_u64 (w,
      chunk->decode_time + chunk->samples[0].composition_offset);
  mill_bmff_writer_end (w, box);
}

static void
write_tfhd (MillBmffWriter *w, const MillBmffChunk *chunk, const Layout *layout)
{
  guint32 flags = layout->tfhd_flags;
  gsize box =
      mill_bmff_writer_begin_full (w, FOURCC ('t', 'f', 'h', 'd'), 0, flags);
  mill_bmff_writer_put_u32 (w, chunk->track_id);
  if ((flags & TFHD_DEFAULT_DURATION) != 0)
    mill_bmff_writer_put_u32 (w, chunk->samples[0].duration);
  if ((flags & TFHD_DEFAULT_SIZE) != 0)
    mill_bmff_writer_put_u32 (w, chunk->samples[0].size);
  /* The last: the first may be excepted. */
  if ((flags & TFHD_DEFAULT_FLAGS) != 0)
    mill_bmff_writer_put_u32 (w, chunk->samples[chunk->n_samples - 1].flags);
  mill_bmff_writer_end (w, box);
}

/* Version 1: composition offsets are signed. */
static void
write_trun (MillBmffWriter *w, const MillBmffChunk *chunk, const Layout *layout)
{
  guint32 flags = layout->trun_flags;
  gsize box =
      mill_bmff_writer_begin_full (w, FOURCC ('t', 'r', 'u', 'n'), 1, flags);
  mill_bmff_writer_put_u32 (w, chunk->n_samples);
  mill_bmff_writer_put_u32 (w, layout->moof_size + BOX_HEAD);
  if ((flags & TRUN_FIRST_FLAGS) != 0)
    mill_bmff_writer_put_u32 (w, chunk->samples[0].flags);
  for (guint i = 0; i < chunk->n_samples; i++) {
    const MillBmffSample *sample = &chunk->samples[i];
    if ((flags & TRUN_DURATION) != 0)
      mill_bmff_writer_put_u32 (w, sample->duration);
    if ((flags & TRUN_SIZE) != 0)
      mill_bmff_writer_put_u32 (w, sample->size);
    if ((flags & TRUN_FLAGS) != 0)
      mill_bmff_writer_put_u32 (w, sample->flags);
    if ((flags & TRUN_CTS) != 0)
      mill_bmff_writer_put_u32 (w, (guint32) sample->composition_offset);
  }
  mill_bmff_writer_end (w, box);
}

/* 14496-12 §8.9.2 */
static void
write_sbgp (MillBmffWriter *w, const MillBmffChunk *chunk)
{
  gsize box =
      mill_bmff_writer_begin_full (w, FOURCC ('s', 'b', 'g', 'p'), 0, 0);
  mill_bmff_writer_put_u32 (w, FOURCC ('r', 'o', 'l', 'l'));
  mill_bmff_writer_put_u32 (w, 1);
  mill_bmff_writer_put_u32 (w, chunk->n_samples);
  mill_bmff_writer_put_u32 (w, 1); /* of the header's descriptions */
  mill_bmff_writer_end (w, box);
}

static void
write_moof (MillBmffWriter *w, const MillBmffChunk *chunk, const Layout *layout)
{
  gsize moof = mill_bmff_writer_begin (w, FOURCC ('m', 'o', 'o', 'f'));
  gsize mfhd =
      mill_bmff_writer_begin_full (w, FOURCC ('m', 'f', 'h', 'd'), 0, 0);
  mill_bmff_writer_put_u32 (w, chunk->sequence_number);
  mill_bmff_writer_end (w, mfhd);
  gsize traf = mill_bmff_writer_begin (w, FOURCC ('t', 'r', 'a', 'f'));
  write_tfhd (w, chunk, layout);
  /* Version 1: live time outgrows 32 bits. */
  gsize tfdt =
      mill_bmff_writer_begin_full (w, FOURCC ('t', 'f', 'd', 't'), 1, 0);
  mill_bmff_writer_put_u64 (w, chunk->decode_time);
  mill_bmff_writer_end (w, tfdt);
  write_trun (w, chunk, layout);
  if ((chunk->flags & MILL_BMFF_CHUNK_ROLL) != 0)
    write_sbgp (w, chunk);
  mill_bmff_writer_end (w, traf);
  mill_bmff_writer_end (w, moof);
}

/* The offset of the payload is a signed 32-bit number, the size of mdat an
 * unsigned one. */
static gboolean
fits (const Layout *layout)
{
  return layout->payload_size <= G_MAXUINT32 - BOX_HEAD &&
      layout->moof_size <= G_MAXINT32 - BOX_HEAD;
}

static gsize
get_header_size (const Layout *layout)
{
  return layout->styp_size + layout->prft_size + layout->emsg_size +
      layout->moof_size + BOX_HEAD;
}

gsize
mill_bmff_chunk_get_header_size (const MillBmffChunk *chunk)
{
  Layout layout;
  if (chunk->n_samples == 0)
    return 0;
  choose_layout (chunk, &layout);
  return fits (&layout) ? get_header_size (&layout) : 0;
}

gboolean
mill_bmff_chunk_write (MillBmffWriter *writer, const MillBmffChunk *chunk,
    GError **error)
{
  if (chunk->n_samples == 0) {
    g_set_error (error, MILL_BMFF_ERROR, MILL_BMFF_ERROR_INVALID,
        "chunk '%u': got no samples, expected at least one",
        chunk->sequence_number);
    return FALSE;
  }
  Layout layout;
  choose_layout (chunk, &layout);
  if (!fits (&layout)) {
    g_set_error (error, MILL_BMFF_ERROR, MILL_BMFF_ERROR_TOO_BIG,
        "chunk '%u': got %u samples of %" G_GUINT64_FORMAT
        " bytes, expected less than 4 GiB",
        chunk->sequence_number, chunk->n_samples, layout.payload_size);
    return FALSE;
  }
  mill_bmff_writer_reserve (writer, get_header_size (&layout));
  if (layout.styp_size > 0)
    write_styp (writer, chunk);
  if (layout.prft_size > 0)
    write_prft (writer, chunk);
  for (guint i = 0; i < chunk->n_events; i++)
    mill_bmff_event_write (writer, &chunk->events[i]);
  write_moof (writer, chunk, &layout);
  mill_bmff_writer_put_u32 (writer, layout.payload_size + BOX_HEAD);
  mill_bmff_writer_put_u32 (writer, FOURCC ('m', 'd', 'a', 't'));
  return TRUE;
}

gsize
mill_bmff_chunk_find_moof (const guint8 *data, gsize size)
{
  gsize at = 0;
  while (size - at >= BOX_HEAD) {
    gsize box = mill_bytes_read_u32 (data + at);
    if (mill_bytes_read_u32 (data + at + 4) == FOURCC ('m', 'o', 'o', 'f'))
      return at;
    if (box < BOX_HEAD || box > size - at)
      break;
    at += box;
  }
  return size;
}
