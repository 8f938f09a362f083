/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

/* The inline versions of these write and read through cast pointers, as
 * GST_READ_UINT32_BE() and its like do, which sanitizers rightly report. */
#define GST_BYTE_READER_DISABLE_INLINES
#define GST_BYTE_WRITER_DISABLE_INLINES
#include <gst/base/base.h>

#include "bytes/bytes.h"

G_BEGIN_DECLS

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
  return mill_bytes_read_u32 (reader->data + reader->byte - 4);
}

static inline guint64
mill_link_take_u64 (GstByteReader *reader)
{
  reader->byte += 8;
  return mill_bytes_read_u64 (reader->data + reader->byte - 8);
}

static inline gdouble
mill_link_take_double (GstByteReader *reader)
{
  reader->byte += 8;
  return mill_bytes_read_double (reader->data + reader->byte - 8);
}

G_END_DECLS
