/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "bmff/bmff-index.h"

#define SIDX_HEAD (12 + 4 + 4 + 8 + 8 + 4)
#define REFERENCE_SIZE 12

gsize
mill_bmff_index_get_size (guint n_references)
{
  return SIDX_HEAD + (gsize) n_references * REFERENCE_SIZE;
}

static gboolean
check (const MillBmffIndex *index, GError **error)
{
  if (index->n_references == 0 || index->n_references > G_MAXUINT16) {
    g_set_error (error, MILL_BMFF_ERROR, MILL_BMFF_ERROR_INVALID,
        "index of track '%u': got %u references, expected 1 to %u",
        index->track_id, index->n_references, G_MAXUINT16);
    return FALSE;
  }
  for (guint i = 0; i < index->n_references; i++) {
    const MillBmffReference *reference = &index->references[i];
    if (reference->size <= G_MAXINT32 && reference->duration <= G_MAXUINT32)
      continue;
    g_set_error (error, MILL_BMFF_ERROR, MILL_BMFF_ERROR_TOO_BIG,
        "reference '%u' of an index: got %" G_GUINT64_FORMAT
        " bytes of %" G_GUINT64_FORMAT " ticks, expected less than 2 GiB and "
        "32 bits",
        i, reference->size, reference->duration);
    return FALSE;
  }
  return TRUE;
}

gboolean
mill_bmff_index_write (MillBmffWriter *w, const MillBmffIndex *index,
    GError **error)
{
  if (!check (index, error))
    return FALSE;
  mill_bmff_writer_reserve (w, mill_bmff_index_get_size (index->n_references));
  gsize box = mill_bmff_writer_begin_full (w,
      MILL_BMFF_FOURCC ('s', 'i', 'd', 'x'), 1, 0);
  mill_bmff_writer_put_u32 (w, index->track_id);
  mill_bmff_writer_put_u32 (w, index->timescale);
  mill_bmff_writer_put_u64 (w, index->earliest_time);
  mill_bmff_writer_put_u64 (w, index->distance);
  mill_bmff_writer_put_u16 (w, 0);
  mill_bmff_writer_put_u16 (w, (guint16) index->n_references);
  for (guint i = 0; i < index->n_references; i++) {
    const MillBmffReference *reference = &index->references[i];
    /* reference_type 0: media */
    mill_bmff_writer_put_u32 (w, (guint32) reference->size);
    mill_bmff_writer_put_u32 (w, (guint32) reference->duration);
    /* starts_with_SAP, SAP_type; SAP_delta_time 0 */
    mill_bmff_writer_put_u32 (w,
        reference->sap_type > 0 ? 0x80000000u | reference->sap_type << 28 : 0);
  }
  mill_bmff_writer_end (w, box);
  return TRUE;
}
