/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <string.h>

/* The inline versions of these write and read through cast pointers, as
 * GST_READ_UINT32_BE() and its like do, which sanitizers rightly report. */
#define GST_BYTE_READER_DISABLE_INLINES
#define GST_BYTE_WRITER_DISABLE_INLINES
#include <gst/base/base.h>

G_BEGIN_DECLS

/* Numbers in network order at any address. */

static inline guint16
mill_link_read_u16 (const guint8 *data)
{
  return (guint16) (data[0] << 8 | data[1]);
}

static inline guint32
mill_link_read_u32 (const guint8 *data)
{
  guint32 number;
  memcpy (&number, data, sizeof number);
  return GUINT32_FROM_BE (number);
}

static inline guint64
mill_link_read_u64 (const guint8 *data)
{
  guint64 number;
  memcpy (&number, data, sizeof number);
  return GUINT64_FROM_BE (number);
}

static inline void
mill_link_write_u32 (guint8 *data, guint32 number)
{
  number = GUINT32_TO_BE (number);
  memcpy (data, &number, sizeof number);
}

static inline void
mill_link_write_u64 (guint8 *data, guint64 number)
{
  number = GUINT64_TO_BE (number);
  memcpy (data, &number, sizeof number);
}

/* The next number of a reader whose size has been checked. */

static inline guint8
mill_link_take_u8 (GstByteReader *reader)
{
  return reader->data[reader->byte++];
}

static inline guint32
mill_link_take_u32 (GstByteReader *reader)
{
  reader->byte += 4;
  return mill_link_read_u32 (reader->data + reader->byte - 4);
}

static inline guint64
mill_link_take_u64 (GstByteReader *reader)
{
  reader->byte += 8;
  return mill_link_read_u64 (reader->data + reader->byte - 8);
}

static inline gdouble
mill_link_take_double (GstByteReader *reader)
{
  guint64 bits = mill_link_take_u64 (reader);
  gdouble number;
  memcpy (&number, &bits, sizeof number);
  return number;
}

G_END_DECLS
