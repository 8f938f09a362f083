/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "record-ebml.h"

#include <string.h>

#define VOID 0xec
/* RFC 8794, 4.4: all ones are an unknown size. */
#define UNKNOWN G_GUINT64_CONSTANT (0x01ffffffffffffff)

/* An ID has its length in itself (section 5). */
static void
put_id (MillBmffWriter *w, guint32 id)
{
  for (gint shift = 24; shift >= 0; shift -= 8)
    if (shift == 0 || id >> shift != 0)
      mill_bmff_writer_put_u8 (w, (guint8) (id >> shift));
}

/* Sizes up to 126, or of eight bytes. */
static void
put_size (MillBmffWriter *w, guint64 size)
{
  if (size < 0x7f)
    mill_bmff_writer_put_u8 (w, (guint8) (0x80 | size));
  else
    mill_bmff_writer_put_u64 (w, G_GUINT64_CONSTANT (1) << 56 | size);
}

void
mill_record_ebml_put_uint (MillBmffWriter *w, guint32 id, guint64 value)
{
  guint size = 1;
  while (size < 8 && value >> (8 * size) != 0)
    size++;
  put_id (w, id);
  put_size (w, size);
  for (guint i = size; i > 0; i--)
    mill_bmff_writer_put_u8 (w, (guint8) (value >> (8 * (i - 1))));
}

void
mill_record_ebml_put_int64 (MillBmffWriter *w, guint32 id, gint64 value)
{
  put_id (w, id);
  put_size (w, 8);
  mill_bmff_writer_put_u64 (w, (guint64) value);
}

void
mill_record_ebml_put_float (MillBmffWriter *w, guint32 id, gdouble value)
{
  guint64 bits;
  memcpy (&bits, &value, sizeof bits);
  mill_record_ebml_put_int64 (w, id, (gint64) bits);
}

void
mill_record_ebml_put_data (MillBmffWriter *w, guint32 id, const guint8 *data,
    gsize size)
{
  put_id (w, id);
  put_size (w, size);
  mill_bmff_writer_put_data (w, data, size);
}

void
mill_record_ebml_put_text (MillBmffWriter *w, guint32 id, const gchar *text)
{
  mill_record_ebml_put_data (w, id, (const guint8 *) text, strlen (text));
}

gsize
mill_record_ebml_begin (MillBmffWriter *w, guint32 id)
{
  put_id (w, id);
  mill_bmff_writer_put_u32 (w, 0);
  return w->size;
}

void
mill_record_ebml_end (MillBmffWriter *w, gsize element)
{
  mill_bmff_writer_set_u32 (w, element - 4,
      0x10000000u | (guint32) (w->size - element));
}

void
mill_record_ebml_put_head (MillBmffWriter *w, guint32 id, guint64 size)
{
  put_id (w, id);
  mill_bmff_writer_put_u64 (w,
      size == G_MAXUINT64 ? UNKNOWN : G_GUINT64_CONSTANT (1) << 56 | size);
}

void
mill_record_ebml_put_void (MillBmffWriter *w, gsize size)
{
  mill_record_ebml_put_head (w, VOID, size - 9);
  mill_bmff_writer_put_zeros (w, size - 9);
}
