/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <string.h>

#include <glib.h>

G_BEGIN_DECLS

/*
 * Numbers in wire order at any address. GST_READ_UINT32_BE() and its like read
 * through a cast pointer on x86, which sanitizers rightly report; compilers
 * make the same instruction of these.
 */

static inline guint16
mill_rtmp_read_u16 (const guint8 *data)
{
  return (guint16) (data[0] << 8 | data[1]);
}

static inline guint32
mill_rtmp_read_u24 (const guint8 *data)
{
  return (guint32) data[0] << 16 | (guint32) data[1] << 8 | data[2];
}

/* SI24: two's complement in 24 bits */
static inline gint32
mill_rtmp_read_s24 (const guint8 *data)
{
  return (gint32) (mill_rtmp_read_u24 (data) ^ 0x800000) - 0x800000;
}

static inline guint32
mill_rtmp_read_u32 (const guint8 *data)
{
  return (guint32) data[0] << 24 | mill_rtmp_read_u24 (data + 1);
}

static inline guint32
mill_rtmp_read_u32_le (const guint8 *data)
{
  return GUINT32_SWAP_LE_BE (mill_rtmp_read_u32 (data));
}

static inline gdouble
mill_rtmp_read_double (const guint8 *data)
{
  guint64 bits = (guint64) mill_rtmp_read_u32 (data) << 32 |
      mill_rtmp_read_u32 (data + 4);
  gdouble number;
  memcpy (&number, &bits, sizeof number);
  return number;
}

static inline void
mill_rtmp_write_u16 (guint8 *data, guint16 number)
{
  data[0] = (guint8) (number >> 8);
  data[1] = (guint8) number;
}

static inline void
mill_rtmp_write_u24 (guint8 *data, guint32 number)
{
  data[0] = (guint8) (number >> 16);
  mill_rtmp_write_u16 (data + 1, (guint16) number);
}

static inline void
mill_rtmp_write_u32 (guint8 *data, guint32 number)
{
  mill_rtmp_write_u16 (data, (guint16) (number >> 16));
  mill_rtmp_write_u16 (data + 2, (guint16) number);
}

static inline void
mill_rtmp_write_u32_le (guint8 *data, guint32 number)
{
  mill_rtmp_write_u32 (data, GUINT32_SWAP_LE_BE (number));
}

static inline void
mill_rtmp_write_double (guint8 *data, gdouble number)
{
  guint64 bits;
  memcpy (&bits, &number, sizeof bits);
  mill_rtmp_write_u32 (data, (guint32) (bits >> 32));
  mill_rtmp_write_u32 (data + 4, (guint32) bits);
}

G_END_DECLS
