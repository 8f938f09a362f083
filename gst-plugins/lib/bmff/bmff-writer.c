/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "bmff/bmff-writer.h"

#include <string.h>

#include "bytes/bytes.h"

G_DEFINE_QUARK (mill_bmff_error, mill_bmff_writer_error)

void
mill_bmff_writer_clear (MillBmffWriter *writer)
{
  g_free (writer->data);
  *writer = (MillBmffWriter){ 0 };
}

void
mill_bmff_writer_reset (MillBmffWriter *writer)
{
  writer->size = 0;
}

void
mill_bmff_writer_reserve (MillBmffWriter *writer, gsize size)
{
  if (writer->capacity - writer->size >= size)
    return;
  gsize needed = writer->size + size;
  g_assert (needed >= size);
  writer->capacity = needed;
  writer->data = g_realloc (writer->data, needed);
}

guint8 *
mill_bmff_writer_steal (MillBmffWriter *writer, gsize *ret_size)
{
  guint8 *data = writer->data;
  *ret_size = writer->size;
  *writer = (MillBmffWriter){ 0 };
  return data;
}

GBytes *
mill_bmff_writer_steal_bytes (MillBmffWriter *writer)
{
  gsize size;
  guint8 *data = mill_bmff_writer_steal (writer, &size);
  return g_bytes_new_take (data, size);
}

/* Doubles, where reserve() takes exactly what it is asked for. */
static guint8 *
append (MillBmffWriter *writer, gsize size)
{
  if (writer->capacity - writer->size < size)
    mill_bmff_writer_reserve (writer, MAX (size, MAX (writer->capacity, 256)));
  guint8 *place = writer->data + writer->size;
  writer->size += size;
  return place;
}

void
mill_bmff_writer_put_u8 (MillBmffWriter *writer, guint8 value)
{
  *append (writer, 1) = value;
}

void
mill_bmff_writer_put_u16 (MillBmffWriter *writer, guint16 value)
{
  mill_bytes_write_u16 (append (writer, 2), value);
}

void
mill_bmff_writer_put_u24 (MillBmffWriter *writer, guint32 value)
{
  mill_bytes_write_u24 (append (writer, 3), value);
}

void
mill_bmff_writer_put_u32 (MillBmffWriter *writer, guint32 value)
{
  mill_bytes_write_u32 (append (writer, 4), value);
}

void
mill_bmff_writer_put_u64 (MillBmffWriter *writer, guint64 value)
{
  mill_bytes_write_u64 (append (writer, 8), value);
}

void
mill_bmff_writer_put_zeros (MillBmffWriter *writer, gsize size)
{
  if (size > 0)
    memset (append (writer, size), 0, size);
}

void
mill_bmff_writer_put_data (MillBmffWriter *writer, const void *data, gsize size)
{
  if (size > 0)
    memcpy (append (writer, size), data, size);
}

void
mill_bmff_writer_set_u32 (MillBmffWriter *writer, gsize offset, guint32 value)
{
  g_return_if_fail (writer->size >= 4 && offset <= writer->size - 4);
  mill_bytes_write_u32 (writer->data + offset, value);
}

gsize
mill_bmff_writer_begin (MillBmffWriter *writer, guint32 type)
{
  gsize box = writer->size;
  mill_bmff_writer_put_u32 (writer, 0);
  mill_bmff_writer_put_u32 (writer, type);
  return box;
}

gsize
mill_bmff_writer_begin_full (MillBmffWriter *writer, guint32 type,
    guint8 version, guint32 flags)
{
  gsize box = mill_bmff_writer_begin (writer, type);
  mill_bmff_writer_put_u8 (writer, version);
  mill_bmff_writer_put_u24 (writer, flags);
  return box;
}

void
mill_bmff_writer_end (MillBmffWriter *writer, gsize box)
{
  g_return_if_fail (box <= writer->size);
  g_return_if_fail (writer->size - box <= G_MAXUINT32);
  mill_bmff_writer_set_u32 (writer, box, writer->size - box);
}
