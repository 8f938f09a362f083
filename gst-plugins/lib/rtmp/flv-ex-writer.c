/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "flv-ex-writer.h"

#include "bytes/bytes.h"

static void
write_u8 (GByteArray *out, guint number)
{
  guint8 byte = (guint8) number;
  g_byte_array_append (out, &byte, 1);
}

static void
write_u24 (GByteArray *out, guint32 number)
{
  guint8 bytes[3];
  mill_bytes_write_u24 (bytes, number);
  g_byte_array_append (out, bytes, sizeof bytes);
}

static void
write_u32 (GByteArray *out, guint32 number)
{
  guint8 bytes[4];
  mill_bytes_write_u32 (bytes, number);
  g_byte_array_append (out, bytes, sizeof bytes);
}

/* Each step has the type of the next one in its own first or last byte. */
static void
write_header (GByteArray *out, const MillFlvExHeader *header)
{
  gboolean is_video = header->kind == MILL_FLV_KIND_VIDEO;
  guint multitrack_type = is_video ? MILL_FLV_EX_VIDEO_MULTITRACK
                                   : MILL_FLV_EX_AUDIO_MULTITRACK;
  gboolean is_multitrack = header->multitrack != MILL_FLV_EX_NO_MULTITRACK;
  guint type = is_multitrack ? multitrack_type : header->packet_type;
  guint first = is_video ? 0x80 | header->frame_type << 4 : 0x90;

  if (header->nano_offset > 0) {
    write_u8 (out, first | MILL_FLV_EX_MOD_EX);
    write_u8 (out, 3 - 1);
    write_u24 (out, header->nano_offset);
    first = MILL_FLV_EX_MOD_TIMESTAMP_OFFSET_NANO << 4;
  }
  write_u8 (out, first | type);
  if (is_multitrack)
    write_u8 (out, header->multitrack << 4 | header->packet_type);
}

static gboolean
has_composition_time (const MillFlvExHeader *header, const MillFlvExBody *body)
{
  return header->kind == MILL_FLV_KIND_VIDEO &&
      header->packet_type == MILL_FLV_EX_CODED_FRAMES &&
      (body->fourcc == MILL_FLV_FOURCC_AVC ||
          body->fourcc == MILL_FLV_FOURCC_HEVC);
}

static void
write_body (GByteArray *out, const MillFlvExHeader *header,
    const MillFlvExBody *body)
{
  gboolean has_time = has_composition_time (header, body);

  if (header->multitrack == MILL_FLV_EX_MANY_TRACKS_MANY_CODECS)
    write_u32 (out, body->fourcc);
  if (header->multitrack != MILL_FLV_EX_NO_MULTITRACK) {
    write_u8 (out, body->id);
    if (header->multitrack != MILL_FLV_EX_ONE_TRACK)
      write_u24 (out, (guint32) body->size + (has_time ? 3 : 0));
  }
  if (has_time)
    write_u24 (out, (guint32) body->composition_time_ms & 0xffffff);
  g_byte_array_append (out, body->data, (guint) body->size);
}

void
mill_flv_ex_writer_write (GByteArray *out, const MillFlvExHeader *header,
    const MillFlvExBody *bodies, guint n_bodies)
{
  g_return_if_fail (n_bodies == 1 ||
      header->multitrack == MILL_FLV_EX_MANY_TRACKS ||
      header->multitrack == MILL_FLV_EX_MANY_TRACKS_MANY_CODECS);
  write_header (out, header);
  if (header->multitrack != MILL_FLV_EX_MANY_TRACKS_MANY_CODECS)
    write_u32 (out, bodies[0].fourcc);
  for (guint i = 0; i < n_bodies; i++)
    write_body (out, header, &bodies[i]);
}
