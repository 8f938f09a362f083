/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "scte35/scte35.h"

#include <string.h>

#include "bmff/bmff-writer.h"

#define PTS_MASK ((G_GUINT64_CONSTANT (1) << 33) - 1)
#define ADJUSTMENT_OFFSET 4 /* its highest bit is the last of this byte */
#define CRC_SIZE 4

guint32
mill_scte35_writer_get_crc (const guint8 *data, gsize size)
{
  guint32 crc = 0xffffffff;
  for (gsize i = 0; i < size; i++) {
    crc ^= (guint32) data[i] << 24;
    for (guint bit = 0; bit < 8; bit++)
      crc = crc & 0x80000000 ? crc << 1 ^ 0x04c11db7 : crc << 1;
  }
  return crc;
}

/* 7 or 6 bits in front of 33 bits of time: five bytes. */
static void
put_time (MillBmffWriter *w, guint8 flags, guint64 ticks)
{
  ticks &= PTS_MASK;
  mill_bmff_writer_put_u8 (w, flags | (guint8) (ticks >> 32));
  mill_bmff_writer_put_u32 (w, (guint32) ticks);
}

/* splice_insert(), 9.7.3 */
static void
put_insert (MillBmffWriter *w, const MillScte35Insert *insert)
{
  mill_bmff_writer_put_u32 (w, insert->event_id);
  mill_bmff_writer_put_u8 (w, 0x7f); /* not cancelled */
  mill_bmff_writer_put_u8 (w,
      (insert->is_out ? 0x80 : 0) | 0x40 | (insert->duration ? 0x20 : 0) |
          (insert->is_immediate ? 0x10 : 0) | 0x0f);
  if (!insert->is_immediate)
    put_time (w, 0x80 | 0x7e, insert->pts);
  if (insert->duration)
    put_time (w, (insert->auto_return ? 0x80 : 0) | 0x7e, insert->duration);
  mill_bmff_writer_put_u16 (w, 0); /* unique_program_id */
  mill_bmff_writer_put_u16 (w, 0); /* avail_num, avails_expected */
}

/* splice_info_section(), 9.6 */
GBytes *
mill_scte35_writer_print (const MillScte35Insert *insert)
{
  g_auto (MillBmffWriter) command = { 0 };
  g_auto (MillBmffWriter) w = { 0 };
  put_insert (&command, insert);
  guint length = (guint) command.size + 11 + 2 + CRC_SIZE;
  mill_bmff_writer_put_u8 (&w, 0xfc);
  mill_bmff_writer_put_u16 (&w, (guint16) (0x3000 | length));
  mill_bmff_writer_put_u8 (&w, 0); /* protocol_version */
  put_time (&w, 0, 0); /* not encrypted, pts_adjustment */
  mill_bmff_writer_put_u8 (&w, 0xff); /* cw_index */
  /* tier: all; splice_command_length */
  mill_bmff_writer_put_u24 (&w, 0xfff000 | (guint32) command.size);
  mill_bmff_writer_put_u8 (&w, MILL_SCTE35_INSERT);
  mill_bmff_writer_put_data (&w, command.data, command.size);
  mill_bmff_writer_put_u16 (&w, 0); /* no descriptors */
  mill_bmff_writer_put_u32 (&w, mill_scte35_writer_get_crc (w.data, w.size));
  return mill_bmff_writer_steal_bytes (&w);
}

GBytes *
mill_scte35_writer_restamp (GBytes *section, guint64 pts)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (section, &size);
  MillScte35 parsed;
  gsize length = mill_scte35_get_size (data, size);
  if (!mill_scte35_parse (data, size, &parsed, NULL))
    return g_bytes_ref (section);
  /* What may be behind it is none of it. */
  if (!parsed.has_pts)
    return g_bytes_new_from_bytes (section, 0, length);
  guint64 adjustment = (pts - parsed.raw_pts) & PTS_MASK;
  g_auto (MillBmffWriter) w = { 0 };
  mill_bmff_writer_put_data (&w, data, length);
  w.data[ADJUSTMENT_OFFSET] =
      (guint8) ((data[ADJUSTMENT_OFFSET] & 0xfe) | adjustment >> 32);
  mill_bmff_writer_set_u32 (&w, ADJUSTMENT_OFFSET + 1, (guint32) adjustment);
  mill_bmff_writer_set_u32 (&w, length - CRC_SIZE,
      mill_scte35_writer_get_crc (w.data, length - CRC_SIZE));
  return mill_bmff_writer_steal_bytes (&w);
}
