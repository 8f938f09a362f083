/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "bmff/bmff-reader.h"

#include "bmff/bmff-fields-private.h"

#define FOURCC MILL_BMFF_FOURCC

/* ---- boxes, ISO/IEC 14496-12 §4.2 ---- */

void
mill_bmff_reader_init (MillBmffReader *reader, const guint8 *data, gsize size)
{
  *reader = (MillBmffReader){ .data = data, .size = size };
}

MillBmffNext
mill_bmff_reader_next (MillBmffReader *reader, MillBmffBox *ret_box,
    GError **error)
{
  if (reader->position == reader->size)
    return MILL_BMFF_NEXT_END;

  const guint8 *data = reader->data + reader->position;
  gsize left = reader->size - reader->position;
  if (left < 8) {
    g_set_error (error, MILL_BMFF_ERROR, MILL_BMFF_ERROR_TRUNCATED,
        "box header: got %" G_GSIZE_FORMAT " bytes, expected 8", left);
    return MILL_BMFF_NEXT_ERROR;
  }
  guint32 type = mill_bytes_read_u32 (data + 4);
  guint64 size = mill_bytes_read_u32 (data);
  gsize header = 8;
  if (size == 1) {
    header = 16;
    if (left < header) {
      fields_set_error (error, MILL_BMFF_ERROR_TRUNCATED, type,
          "the end of the data in its 64-bit size, expected 16 bytes");
      return MILL_BMFF_NEXT_ERROR;
    }
    size = mill_bytes_read_u64 (data + 8);
  } else if (size == 0 && type != 0) {
    size = left; /* up to the end of the file */
  }
  if (size < header) {
    fields_set_error (error, MILL_BMFF_ERROR_INVALID, type,
        "a size below that of its own header, expected at least 8");
    return MILL_BMFF_NEXT_ERROR;
  }
  if (size > left) {
    fields_set_error (error, MILL_BMFF_ERROR_TRUNCATED, type,
        "a size that passes the end of the data, expected all of it");
    return MILL_BMFF_NEXT_ERROR;
  }
  *ret_box = (MillBmffBox){
    .type = type,
    .offset = reader->position,
    .size = size,
    .payload = data + header,
    .payload_size = size - header,
  };
  reader->position += size;
  return MILL_BMFF_NEXT_BOX;
}

gboolean
mill_bmff_reader_find (const guint8 *data, gsize size, guint32 type,
    MillBmffBox *ret_box, GError **error)
{
  MillBmffReader reader;
  MillBmffBox box;
  mill_bmff_reader_init (&reader, data, size);
  for (;;) {
    switch (mill_bmff_reader_next (&reader, &box, error)) {
      case MILL_BMFF_NEXT_ERROR:
        return FALSE;
      case MILL_BMFF_NEXT_END:
        fields_set_error (error, MILL_BMFF_ERROR_INVALID, type,
            "none, expected one");
        return FALSE;
      case MILL_BMFF_NEXT_BOX:
        if (box.type == type) {
          *ret_box = box;
          return TRUE;
        }
    }
  }
}

/* ---- CMAF header ---- */

/* A descriptor with at least the fixed part that its caller reads next,
 * 14496-1 §8.3.3. */
static gboolean
get_descriptor (FieldReader *f, guint8 tag, guint32 *ret_size)
{
  guint32 size = 0;
  if (fields_get_u8 (f) != tag)
    return FALSE;
  for (guint i = 0; i < 4; i++) {
    guint8 byte = fields_get_u8 (f);
    size = size << 7 | (byte & 0x7f);
    if ((byte & 0x80) == 0)
      break;
  }
  *ret_size = size;
  return !f->truncated && size <= gst_byte_reader_get_remaining (&f->bytes);
}

/* 14496-1 §7.2.6.5 */
static gboolean
parse_esds (const MillBmffBox *box, MillBmffInit *init, GError **error)
{
  FieldReader f;
  guint32 size;
  fields_init_full (&f, box);
  gboolean ok = get_descriptor (&f, 0x03, &size);
  if (ok) {
    fields_skip (&f, 2);
    guint8 flags = fields_get_u8 (&f);
    if ((flags & 0x80) != 0)
      fields_skip (&f, 2); /* dependsOn_ES_ID */
    if ((flags & 0x40) != 0)
      fields_skip (&f, fields_get_u8 (&f)); /* URL */
    if ((flags & 0x20) != 0)
      fields_skip (&f, 2); /* OCR_ES_Id */
    ok = get_descriptor (&f, 0x04, &size);
  }
  if (ok) {
    init->object_type = fields_get_u8 (&f);
    fields_skip (&f, 12);
    /* MP3 has no DecoderSpecificInfo. */
    if (init->object_type == 0x6b || init->object_type == 0x69) {
      init->codec_data = g_bytes_new (NULL, 0);
      return fields_check (&f, box->type, error);
    }
    ok = get_descriptor (&f, 0x05, &size);
  }
  const guint8 *config;
  if (!ok || !gst_byte_reader_get_data (&f.bytes, size, &config)) {
    fields_set_error (error, MILL_BMFF_ERROR_INVALID, box->type,
        "no decoder configuration, expected an AudioSpecificConfig");
    return FALSE;
  }
  init->codec_data = g_bytes_new (config, size);
  return TRUE;
}

/* Without nclx there is nothing that we would write. */
static gboolean
parse_colr (const MillBmffBox *box, MillBmffInit *init, GError **error)
{
  FieldReader f;
  fields_init (&f, box->payload, box->payload_size);
  if (fields_get_u32 (&f) != FOURCC ('n', 'c', 'l', 'x'))
    return fields_check (&f, box->type, error);
  init->colour.known = TRUE;
  init->colour.primaries = (guint8) fields_get_u16 (&f);
  init->colour.transfer = (guint8) fields_get_u16 (&f);
  init->colour.matrix = (guint8) fields_get_u16 (&f);
  init->colour.full_range = (fields_get_u8 (&f) & 0x80) != 0;
  return fields_check (&f, box->type, error);
}

static gboolean
parse_mdcv (const MillBmffBox *box, MillCodecHdr *hdr, GError **error)
{
  FieldReader f;
  fields_init (&f, box->payload, box->payload_size);
  for (guint i = 0; i < G_N_ELEMENTS (hdr->primaries); i++) {
    hdr->primaries[i][0] = fields_get_u16 (&f);
    hdr->primaries[i][1] = fields_get_u16 (&f);
  }
  hdr->white[0] = fields_get_u16 (&f);
  hdr->white[1] = fields_get_u16 (&f);
  hdr->max_luminance = fields_get_u32 (&f);
  hdr->min_luminance = fields_get_u32 (&f);
  hdr->has_mastering = !f.truncated;
  return fields_check (&f, box->type, error);
}

static gboolean
parse_entry_child (const MillBmffBox *box, MillBmffInit *init, GError **error)
{
  FieldReader f;
  fields_init (&f, box->payload, box->payload_size);
  switch (box->type) {
    case FOURCC ('a', 'v', 'c', 'C'):
    case FOURCC ('h', 'v', 'c', 'C'):
    case FOURCC ('a', 'v', '1', 'C'):
    case FOURCC ('v', 'p', 'c', 'C'):
    case FOURCC ('d', 'O', 'p', 's'):
    case FOURCC ('d', 'f', 'L', 'a'):
    case FOURCC ('d', 'a', 'c', '3'):
    case FOURCC ('d', 'e', 'c', '3'):
      if (init->codec_data == NULL)
        init->codec_data = g_bytes_new (box->payload, box->payload_size);
      return TRUE;
    case FOURCC ('e', 's', 'd', 's'):
      return init->codec_data != NULL || parse_esds (box, init, error);
    case FOURCC ('c', 'o', 'l', 'r'):
      return parse_colr (box, init, error);
    case FOURCC ('m', 'd', 'c', 'v'):
      return parse_mdcv (box, &init->hdr, error);
    case FOURCC ('c', 'l', 'l', 'i'):
      init->hdr.max_cll = fields_get_u16 (&f);
      init->hdr.max_fall = fields_get_u16 (&f);
      init->hdr.has_light = !f.truncated;
      return fields_check (&f, box->type, error);
    case FOURCC ('p', 'a', 's', 'p'):
      init->par_n = fields_get_u32 (&f);
      init->par_d = fields_get_u32 (&f);
      return fields_check (&f, box->type, error);
    case FOURCC ('b', 't', 'r', 't'):
      fields_skip (&f, 4);
      init->max_bitrate_bps = fields_get_u32 (&f);
      init->average_bitrate_bps = fields_get_u32 (&f);
      return fields_check (&f, box->type, error);
    default:
      return TRUE;
  }
}

/* The fixed part of a sample entry: 78 bytes of video, 28 of audio, 14496-12
 * §12.1.3 and §12.2.3. */
static gboolean
parse_sample_entry (const MillBmffBox *entry, MillBmffInit *init,
    GError **error)
{
  FieldReader f;
  fields_init (&f, entry->payload, entry->payload_size);
  fields_skip (&f, 8);
  if (init->handler == FOURCC ('v', 'i', 'd', 'e')) {
    fields_skip (&f, 16);
    init->width = fields_get_u16 (&f);
    init->height = fields_get_u16 (&f);
    fields_skip (&f, 50);
  } else {
    fields_skip (&f, 8);
    init->channels = fields_get_u16 (&f);
    fields_skip (&f, 6);
    init->sample_rate = fields_get_u32 (&f) >> 16;
  }
  if (!fields_check (&f, entry->type, error))
    return FALSE;
  init->codec = entry->type;

  guint head = gst_byte_reader_get_pos (&f.bytes);
  MillBmffReader reader;
  MillBmffBox box;
  MillBmffNext next;
  mill_bmff_reader_init (&reader, entry->payload + head,
      entry->payload_size - head);
  while ((next = mill_bmff_reader_next (&reader, &box, error)) ==
      MILL_BMFF_NEXT_BOX) {
    if (!parse_entry_child (&box, init, error))
      return FALSE;
  }
  return next == MILL_BMFF_NEXT_END;
}

static gboolean
parse_stsd (const MillBmffBox *stsd, MillBmffInit *init, GError **error)
{
  FieldReader f;
  fields_init_full (&f, stsd);
  guint32 n_entries = fields_get_u32 (&f);
  if (!fields_check (&f, stsd->type, error))
    return FALSE;
  if (n_entries != 1) {
    fields_set_error (error, MILL_BMFF_ERROR_UNSUPPORTED, stsd->type,
        "not one sample entry, expected one");
    return FALSE;
  }
  MillBmffReader reader;
  MillBmffBox entry;
  mill_bmff_reader_init (&reader, stsd->payload + 8, stsd->payload_size - 8);
  switch (mill_bmff_reader_next (&reader, &entry, error)) {
    case MILL_BMFF_NEXT_BOX:
      return parse_sample_entry (&entry, init, error);
    case MILL_BMFF_NEXT_END:
      fields_set_error (error, MILL_BMFF_ERROR_INVALID, stsd->type,
          "no sample entry, expected one");
      return FALSE;
    default:
      return FALSE;
  }
}

/* Of the roll group, the first distance; others than version 1 are skipped. */
static gboolean
parse_sgpd (const MillBmffBox *stbl, MillBmffInit *init, GError **error)
{
  MillBmffBox box;
  FieldReader f;
  if (!mill_bmff_reader_find (stbl->payload, stbl->payload_size,
          FOURCC ('s', 'g', 'p', 'd'), &box, NULL))
    return TRUE;
  fields_init_full (&f, &box);
  guint32 type = fields_get_u32 (&f);
  guint32 length = fields_get_u32 (&f);
  guint32 n = fields_get_u32 (&f);
  if (type == FOURCC ('r', 'o', 'l', 'l') && f.version == 1 && length == 2 &&
      n > 0)
    init->roll_distance = (gint16) fields_get_u16 (&f);
  return fields_check (&f, box.type, error);
}

static gboolean
parse_mdhd (const MillBmffBox *mdhd, MillBmffInit *init, GError **error)
{
  FieldReader f;
  fields_init_full (&f, mdhd);
  fields_skip (&f, f.version == 1 ? 16 : 8);
  init->timescale = fields_get_u32 (&f);
  fields_skip (&f, f.version == 1 ? 8 : 4);
  guint16 language = fields_get_u16 (&f);
  for (guint i = 0; i < 3; i++)
    init->language[i] = 0x60 + (language >> (10 - 5 * i) & 0x1f);
  if (!fields_check (&f, mdhd->type, error))
    return FALSE;
  if (init->timescale == 0) {
    fields_set_error (error, MILL_BMFF_ERROR_INVALID, mdhd->type,
        "timescale 0, expected units per second");
    return FALSE;
  }
  return TRUE;
}

static gboolean
parse_mdia (const MillBmffBox *mdia, MillBmffInit *init, GError **error)
{
  const guint8 *data = mdia->payload;
  gsize size = mdia->payload_size;
  MillBmffBox box;
  FieldReader f;
  if (!mill_bmff_reader_find (data, size, FOURCC ('m', 'd', 'h', 'd'), &box,
          error) ||
      !parse_mdhd (&box, init, error) ||
      !mill_bmff_reader_find (data, size, FOURCC ('h', 'd', 'l', 'r'), &box,
          error))
    return FALSE;
  fields_init_full (&f, &box);
  fields_skip (&f, 4);
  init->handler = fields_get_u32 (&f);
  if (!fields_check (&f, box.type, error))
    return FALSE;
  if (init->handler != FOURCC ('v', 'i', 'd', 'e') &&
      init->handler != FOURCC ('s', 'o', 'u', 'n')) {
    fields_set_error (error, MILL_BMFF_ERROR_UNSUPPORTED, init->handler,
        "a track of this kind, expected video or audio");
    return FALSE;
  }
  return mill_bmff_reader_find (data, size, FOURCC ('m', 'i', 'n', 'f'), &box,
             error) &&
      mill_bmff_reader_find (box.payload, box.payload_size,
          FOURCC ('s', 't', 'b', 'l'), &box, error) &&
      parse_sgpd (&box, init, error) &&
      mill_bmff_reader_find (box.payload, box.payload_size,
          FOURCC ('s', 't', 's', 'd'), &box, error) &&
      parse_stsd (&box, init, error);
}

/* Only an edit list of one entry, CMAF's media skip, has a meaning here. */
static gboolean
parse_edts (const MillBmffBox *trak, MillBmffInit *init, GError **error)
{
  MillBmffBox box;
  FieldReader f;
  if (!mill_bmff_reader_find (trak->payload, trak->payload_size,
          FOURCC ('e', 'd', 't', 's'), &box, NULL))
    return TRUE;
  if (!mill_bmff_reader_find (box.payload, box.payload_size,
          FOURCC ('e', 'l', 's', 't'), &box, error))
    return FALSE;
  fields_init_full (&f, &box);
  if (fields_get_u32 (&f) != 1)
    return fields_check (&f, box.type, error);
  if (f.version == 1) {
    fields_skip (&f, 8);
    init->media_time = (gint64) fields_get_u64 (&f);
  } else {
    fields_skip (&f, 4);
    init->media_time = (gint32) fields_get_u32 (&f);
  }
  return fields_check (&f, box.type, error);
}

static gboolean
parse_trak (const MillBmffBox *trak, MillBmffInit *init, GError **error)
{
  MillBmffBox box;
  FieldReader f;
  if (!mill_bmff_reader_find (trak->payload, trak->payload_size,
          FOURCC ('t', 'k', 'h', 'd'), &box, error))
    return FALSE;
  fields_init_full (&f, &box);
  fields_skip (&f, f.version == 1 ? 16 : 8);
  init->track_id = fields_get_u32 (&f);
  fields_skip (&f, f.version == 1 ? 4 + 8 : 4 + 4);
  fields_skip (&f, 8 + 2 + 2 + 2 + 2); /* layer, group, volume */
  for (guint i = 0; i < 4; i++) {
    init->matrix[i] = (gint32) fields_get_u32 (&f);
    if (i % 2 == 1)
      fields_skip (&f, 4);
  }
  return fields_check (&f, box.type, error) && parse_edts (trak, init, error) &&
      mill_bmff_reader_find (trak->payload, trak->payload_size,
          FOURCC ('m', 'd', 'i', 'a'), &box, error) &&
      parse_mdia (&box, init, error);
}

static gboolean
parse_mvex (const MillBmffBox *moov, MillBmffInit *init, GError **error)
{
  MillBmffBox box;
  FieldReader f;
  if (!mill_bmff_reader_find (moov->payload, moov->payload_size,
          FOURCC ('m', 'v', 'e', 'x'), &box, error) ||
      !mill_bmff_reader_find (box.payload, box.payload_size,
          FOURCC ('t', 'r', 'e', 'x'), &box, error))
    return FALSE;
  fields_init_full (&f, &box);
  guint32 track_id = fields_get_u32 (&f);
  fields_skip (&f, 4);
  init->default_duration = fields_get_u32 (&f);
  init->default_size = fields_get_u32 (&f);
  init->default_flags = fields_get_u32 (&f);
  if (!fields_check (&f, box.type, error))
    return FALSE;
  if (track_id != init->track_id) {
    fields_set_error (error, MILL_BMFF_ERROR_UNSUPPORTED, box.type,
        "defaults of another track, expected those of the only one");
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_init (const MillBmffInit *init, GError **error)
{
  if (init->codec_data != NULL)
    return TRUE;
  fields_set_error (error, MILL_BMFF_ERROR_UNSUPPORTED, init->codec,
      "no configuration record, expected that of the codec");
  return FALSE;
}

MillBmffInit *
mill_bmff_reader_parse_init (const guint8 *data, gsize size, GError **error)
{
  g_autoptr (MillBmffInit) init = g_new0 (MillBmffInit, 1);
  MillBmffBox moov;
  MillBmffBox trak;
  init->par_n = 1;
  init->par_d = 1;
  if (!mill_bmff_reader_find (data, size, FOURCC ('m', 'o', 'o', 'v'), &moov,
          error) ||
      !mill_bmff_reader_find (moov.payload, moov.payload_size,
          FOURCC ('t', 'r', 'a', 'k'), &trak, error) ||
      !parse_trak (&trak, init, error) || !parse_mvex (&moov, init, error) ||
      !check_init (init, error))
    return NULL;
  return g_steal_pointer (&init);
}

void
mill_bmff_reader_free_init (MillBmffInit *init)
{
  if (init == NULL)
    return;
  g_clear_pointer (&init->codec_data, g_bytes_unref);
  g_free (init);
}
