/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <string.h>

#include <glib.h>

G_BEGIN_DECLS

/*
 * Numbers in network order at any address. GST_READ_UINT32_BE() and its like go
 * through a cast pointer on x86, which sanitizers rightly report; compilers make
 * the same instruction of these. Whoever calls has checked that @data is long
 * enough.
 */

static inline guint16
mill_bytes_read_u16 (const guint8 *data)
{
  guint16 number;
  memcpy (&number, data, sizeof number);
  return GUINT16_FROM_BE (number);
}

static inline guint32
mill_bytes_read_u24 (const guint8 *data)
{
  return (guint32) data[0] << 16 | mill_bytes_read_u16 (data + 1);
}

static inline guint32
mill_bytes_read_u32 (const guint8 *data)
{
  guint32 number;
  memcpy (&number, data, sizeof number);
  return GUINT32_FROM_BE (number);
}

static inline guint64
mill_bytes_read_u64 (const guint8 *data)
{
  guint64 number;
  memcpy (&number, data, sizeof number);
  return GUINT64_FROM_BE (number);
}

/** IEEE 754, 64 bits. */
static inline gdouble
mill_bytes_read_double (const guint8 *data)
{
  guint64 bits = mill_bytes_read_u64 (data);
  gdouble number;
  memcpy (&number, &bits, sizeof number);
  return number;
}

static inline void
mill_bytes_write_u16 (guint8 *data, guint16 number)
{
  number = GUINT16_TO_BE (number);
  memcpy (data, &number, sizeof number);
}

static inline void
mill_bytes_write_u24 (guint8 *data, guint32 number)
{
  data[0] = (guint8) (number >> 16);
  mill_bytes_write_u16 (data + 1, (guint16) number);
}

static inline void
mill_bytes_write_u32 (guint8 *data, guint32 number)
{
  number = GUINT32_TO_BE (number);
  memcpy (data, &number, sizeof number);
}

static inline void
mill_bytes_write_u64 (guint8 *data, guint64 number)
{
  number = GUINT64_TO_BE (number);
  memcpy (data, &number, sizeof number);
}

/** IEEE 754, 64 bits. */
static inline void
mill_bytes_write_double (guint8 *data, gdouble number)
{
  guint64 bits;
  memcpy (&bits, &number, sizeof bits);
  mill_bytes_write_u64 (data, bits);
}

G_END_DECLS
