/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "bmff/bmff-segment.h"

#include "bmff/bmff-chunk.h"
#include "bmff/bmff-fields-private.h"

#define FOURCC MILL_BMFF_FOURCC

/** The chunk that is being read, and the defaults of its samples. */
typedef struct
{
  MillBmffSegment *segment;
  const MillBmffInit *init; /* nullable */
  MillBmffSegmentChunk chunk;
  gboolean has_start; /* chunk.offset is set: by styp, prft, emsg or moof */
  gboolean has_moof;
  gsize data_size;
  guint64 chunk_bytes; /* that the samples of this chunk claim */
  guint64 moof_offset;
  guint64 data_offset; /* of the next sample */
  guint64 decode_time; /* of the next sample */
  guint32 default_duration;
  guint32 default_size;
  guint32 default_flags;
} SegmentReader;

/* ---- moof, ISO/IEC 14496-12 §8.8 ---- */

static gboolean
parse_tfhd (SegmentReader *r, const MillBmffBox *tfhd, GError **error)
{
  FieldReader f;
  fields_init_full (&f, tfhd);
  guint32 track_id = fields_get_u32 (&f);
  if ((f.flags & 0x000001) != 0) {
    fields_set_error (error, MILL_BMFF_ERROR_UNSUPPORTED, tfhd->type,
        "a base data offset, expected offsets from moof (CMAF)");
    return FALSE;
  }
  if (r->init != NULL && track_id != r->init->track_id) {
    fields_set_error (error, MILL_BMFF_ERROR_UNSUPPORTED, tfhd->type,
        "another track than the header's, expected that one");
    return FALSE;
  }
  r->default_duration = r->init != NULL ? r->init->default_duration : 0;
  r->default_size = r->init != NULL ? r->init->default_size : 0;
  r->default_flags = r->init != NULL ? r->init->default_flags : 0;
  if ((f.flags & 0x000002) != 0)
    fields_skip (&f, 4); /* sample description */
  if ((f.flags & 0x000008) != 0)
    r->default_duration = fields_get_u32 (&f);
  if ((f.flags & 0x000010) != 0)
    r->default_size = fields_get_u32 (&f);
  if ((f.flags & 0x000020) != 0)
    r->default_flags = fields_get_u32 (&f);
  return fields_check (&f, tfhd->type, error);
}

static gboolean
parse_tfdt (SegmentReader *r, const MillBmffBox *tfdt, GError **error)
{
  FieldReader f;
  fields_init_full (&f, tfdt);
  r->decode_time = f.version == 1 ? fields_get_u64 (&f) : fields_get_u32 (&f);
  r->chunk.decode_time = r->decode_time;
  return fields_check (&f, tfdt->type, error);
}

static gboolean
add_sample (SegmentReader *r, FieldReader *f, const guint32 *first_flags,
    GError **error)
{
  guint32 duration = (f->flags & 0x100) != 0 ? fields_get_u32 (f)
                                             : r->default_duration;
  guint32 size = (f->flags & 0x200) != 0 ? fields_get_u32 (f) : r->default_size;
  guint32 flags = (f->flags & 0x400) != 0 ? fields_get_u32 (f)
                                          : r->default_flags;
  guint32 cts = (f->flags & 0x800) != 0 ? fields_get_u32 (f) : 0;
  if (!fields_check (f, FOURCC ('t', 'r', 'u', 'n'), error))
    return FALSE;
  r->chunk_bytes += size;
  if (r->chunk_bytes > r->data_size) {
    fields_set_error (error, MILL_BMFF_ERROR_TRUNCATED,
        FOURCC ('t', 'r', 'u', 'n'),
        "samples of more bytes than there are, expected less");
    return FALSE;
  }
  MillBmffSegmentSample sample = {
    .decode_time = r->decode_time,
    .composition_offset = (gint32) cts,
    .duration = duration,
    .size = size,
    .flags = first_flags != NULL ? *first_flags : flags,
    .offset = r->data_offset,
  };
  if (!g_uint64_checked_add (&r->decode_time, r->decode_time, duration) ||
      !g_uint64_checked_add (&r->data_offset, r->data_offset, size)) {
    fields_set_error (error, MILL_BMFF_ERROR_INVALID,
        FOURCC ('t', 'r', 'u', 'n'),
        "samples beyond 64 bits of time or place, expected less");
    return FALSE;
  }
  g_array_append_val (r->segment->samples, sample);
  return TRUE;
}

/* A count that no field per sample backs costs the sender nothing; each such
 * sample must at least have a byte in the data. What a moof promises and the
 * data lacks is a chunk that was cut off. */
static gboolean
check_sample_count (SegmentReader *r, const FieldReader *f, guint32 n_samples,
    GError **error)
{
  gboolean sized = (f->flags & 0x200) != 0;
  guint64 room = sized      ? gst_byte_reader_get_remaining (&f->bytes) / 4
      : r->default_size > 0 ? r->data_size / r->default_size
                            : 0;
  if (n_samples <= room)
    return TRUE;
  fields_set_error (error, MILL_BMFF_ERROR_TRUNCATED,
      FOURCC ('t', 'r', 'u', 'n'),
      "more samples than there are bytes for, expected less");
  return FALSE;
}

static gboolean
parse_trun (SegmentReader *r, const MillBmffBox *trun, GError **error)
{
  FieldReader f;
  guint32 first_flags = 0;
  fields_init_full (&f, trun);
  guint32 n_samples = fields_get_u32 (&f);
  if ((f.flags & 0x000001) != 0) {
    gint32 offset = (gint32) fields_get_u32 (&f);
    r->data_offset = r->moof_offset + MAX (offset, 0);
  }
  gboolean has_first = (f.flags & 0x000004) != 0;
  if (has_first)
    first_flags = fields_get_u32 (&f);
  if (has_first && (f.flags & 0x400) != 0) {
    fields_set_error (error, MILL_BMFF_ERROR_INVALID, trun->type,
        "flags of the first sample and of each, expected one of the two");
    return FALSE;
  }
  if (!fields_check (&f, trun->type, error) ||
      !check_sample_count (r, &f, n_samples, error))
    return FALSE;
  for (guint32 i = 0; i < n_samples; i++) {
    if (!add_sample (r, &f, has_first && i == 0 ? &first_flags : NULL, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
parse_truns (SegmentReader *r, const MillBmffBox *traf, GError **error)
{
  MillBmffReader reader;
  MillBmffBox box;
  MillBmffNext next;
  mill_bmff_reader_init (&reader, traf->payload, traf->payload_size);
  while ((next = mill_bmff_reader_next (&reader, &box, error)) ==
      MILL_BMFF_NEXT_BOX) {
    if (box.type == FOURCC ('t', 'r', 'u', 'n') && !parse_trun (r, &box, error))
      return FALSE;
  }
  return next == MILL_BMFF_NEXT_END;
}

static gboolean
parse_traf (SegmentReader *r, const MillBmffBox *traf, GError **error)
{
  MillBmffBox box;
  return mill_bmff_reader_find (traf->payload, traf->payload_size,
             FOURCC ('t', 'f', 'h', 'd'), &box, error) &&
      parse_tfhd (r, &box, error) &&
      mill_bmff_reader_find (traf->payload, traf->payload_size,
          FOURCC ('t', 'f', 'd', 't'), &box, error) &&
      parse_tfdt (r, &box, error) && parse_truns (r, traf, error);
}

static gboolean
count_trafs (const MillBmffBox *moof, guint *ret_count, GError **error)
{
  MillBmffReader reader;
  MillBmffBox box;
  MillBmffNext next;
  guint count = 0;
  mill_bmff_reader_init (&reader, moof->payload, moof->payload_size);
  while ((next = mill_bmff_reader_next (&reader, &box, error)) ==
      MILL_BMFF_NEXT_BOX)
    count += box.type == FOURCC ('t', 'r', 'a', 'f');
  *ret_count = count;
  return next == MILL_BMFF_NEXT_END;
}

static gboolean
parse_moof (SegmentReader *r, const MillBmffBox *moof, GError **error)
{
  MillBmffBox box;
  FieldReader f;
  guint n_trafs;
  if (r->has_moof) {
    fields_set_error (error, MILL_BMFF_ERROR_INVALID, moof->type,
        "a second one, expected the mdat of the first");
    return FALSE;
  }
  if (!count_trafs (moof, &n_trafs, error))
    return FALSE;
  if (n_trafs != 1) {
    fields_set_error (error, MILL_BMFF_ERROR_UNSUPPORTED, moof->type,
        "not one track fragment, expected one (CMAF)");
    return FALSE;
  }
  if (!mill_bmff_reader_find (moof->payload, moof->payload_size,
          FOURCC ('m', 'f', 'h', 'd'), &box, error))
    return FALSE;
  fields_init_full (&f, &box);
  r->chunk.sequence_number = fields_get_u32 (&f);
  if (!fields_check (&f, box.type, error))
    return FALSE;
  r->moof_offset = moof->offset;
  r->data_offset = moof->offset;
  r->chunk_bytes = 0;
  r->chunk.first_sample = r->segment->samples->len;
  if (!mill_bmff_reader_find (moof->payload, moof->payload_size,
          FOURCC ('t', 'r', 'a', 'f'), &box, error) ||
      !parse_traf (r, &box, error))
    return FALSE;
  r->has_moof = TRUE;
  return TRUE;
}

/* ---- mdat ends a chunk ---- */

static gboolean
finish_chunk (SegmentReader *r, const MillBmffBox *mdat, GError **error)
{
  MillBmffSegment *segment = r->segment;
  MillBmffSegmentChunk *chunk = &r->chunk;
  gsize end = mdat->offset + mdat->size;
  gsize start = end - mdat->payload_size;
  if (!r->has_moof) {
    fields_set_error (error, MILL_BMFF_ERROR_INVALID, mdat->type,
        "one without moof, expected moof before it");
    return FALSE;
  }
  for (guint i = chunk->first_sample; i < segment->samples->len; i++) {
    const MillBmffSegmentSample *sample =
        &g_array_index (segment->samples, MillBmffSegmentSample, i);
    if (sample->offset < start || sample->offset > end ||
        sample->size > end - sample->offset) {
      fields_set_error (error, MILL_BMFF_ERROR_INVALID, mdat->type,
          "samples outside of it, expected all inside");
      return FALSE;
    }
  }
  chunk->n_samples = segment->samples->len - chunk->first_sample;
  chunk->size = end - chunk->offset;
  chunk->duration = r->decode_time - chunk->decode_time;
  chunk->independent = chunk->n_samples > 0 &&
      (g_array_index (segment->samples, MillBmffSegmentSample,
           chunk->first_sample)
              .flags &
          MILL_BMFF_SAMPLE_NON_SYNC_BIT) == 0;
  g_array_append_val (segment->chunks, *chunk);
  segment->complete_size = end;
  r->has_moof = FALSE;
  r->has_start = FALSE;
  *chunk = (MillBmffSegmentChunk){ .first_sample = segment->samples->len };
  return TRUE;
}

static gboolean
parse_box (SegmentReader *r, const MillBmffBox *box, GError **error)
{
  switch (box->type) {
    case FOURCC ('m', 'd', 'a', 't'):
      return finish_chunk (r, box, error);
    case FOURCC ('s', 't', 'y', 'p'):
    case FOURCC ('p', 'r', 'f', 't'):
    case FOURCC ('e', 'm', 's', 'g'):
    case FOURCC ('m', 'o', 'o', 'f'):
      if (!r->has_start)
        r->chunk.offset = box->offset;
      r->has_start = TRUE;
      return box->type != FOURCC ('m', 'o', 'o', 'f') ||
          parse_moof (r, box, error);
    default:
      return TRUE; /* ftyp and moov of a whole track, sidx, free */
  }
}

static gboolean
parse_boxes (SegmentReader *r, const guint8 *data, gsize size, GError **error)
{
  MillBmffReader reader;
  MillBmffBox box;
  MillBmffNext next;
  mill_bmff_reader_init (&reader, data, size);
  while ((next = mill_bmff_reader_next (&reader, &box, error)) ==
      MILL_BMFF_NEXT_BOX) {
    if (!parse_box (r, &box, error))
      return FALSE;
  }
  if (next == MILL_BMFF_NEXT_ERROR)
    return FALSE;
  if (r->segment->complete_size < size) {
    g_set_error_literal (error, MILL_BMFF_ERROR, MILL_BMFF_ERROR_TRUNCATED,
        "segment: got boxes without media at its end, expected moof and mdat");
    return FALSE;
  }
  return TRUE;
}

MillBmffSegment *
mill_bmff_segment_parse (const guint8 *data, gsize size,
    const MillBmffInit *init)
{
  MillBmffSegment *segment = g_new0 (MillBmffSegment, 1);
  segment->chunks = g_array_new (FALSE, FALSE, sizeof (MillBmffSegmentChunk));
  segment->samples = g_array_new (FALSE, FALSE, sizeof (MillBmffSegmentSample));
  SegmentReader reader = {
    .segment = segment,
    .init = init,
    .data_size = size,
  };
  if (!parse_boxes (&reader, data, size, &segment->rest_error))
    g_array_set_size (segment->samples, reader.chunk.first_sample);
  return segment;
}

void
mill_bmff_segment_free (MillBmffSegment *segment)
{
  if (segment == NULL)
    return;
  g_array_unref (segment->chunks);
  g_array_unref (segment->samples);
  g_clear_error (&segment->rest_error);
  g_free (segment);
}
