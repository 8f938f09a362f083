/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define MILL_BMFF_ERROR (mill_bmff_writer_error_quark ())
GQuark mill_bmff_writer_error_quark (void);

/**
 * MillBmffError: of everything in bmff/
 * @MILL_BMFF_ERROR_TRUNCATED: the data ends inside a box
 * @MILL_BMFF_ERROR_INVALID: boxes that contradict ISO/IEC 14496-12
 * @MILL_BMFF_ERROR_UNSUPPORTED: legal, but nothing that this library reads
 *   or writes
 * @MILL_BMFF_ERROR_TOO_BIG: what was to be written exceeds a 32-bit box
 */
typedef enum
{
  MILL_BMFF_ERROR_TRUNCATED,
  MILL_BMFF_ERROR_INVALID,
  MILL_BMFF_ERROR_UNSUPPORTED,
  MILL_BMFF_ERROR_TOO_BIG,
} MillBmffError;

#define MILL_BMFF_FOURCC(a, b, c, d)                                \
  ((guint32) (a) << 24 | (guint32) (b) << 16 | (guint32) (c) << 8 | \
      (guint32) (d))

/**
 * MillBmffWriter: grows as it is written, big-endian as all of ISO/IEC
 * 14496-12. Lives on the stack: `g_auto (MillBmffWriter) w = { 0 };`. A
 * writer that is emptied by mill_bmff_writer_reset() keeps its memory, so
 * that a loop which writes from it at once allocates nothing.
 */
typedef struct
{
  guint8 *data;
  gsize size; /* bytes written */
  gsize capacity;
} MillBmffWriter;

void mill_bmff_writer_clear (MillBmffWriter *writer);
void mill_bmff_writer_reset (MillBmffWriter *writer);

/* Makes room for @size more bytes in one step. */
void mill_bmff_writer_reserve (MillBmffWriter *writer, gsize size);

/* Hands over the bytes, for g_free(), and empties the writer.
 * Returns: (transfer full) (nullable) (array length=ret_size) */
guint8 *mill_bmff_writer_steal (MillBmffWriter *writer, gsize *ret_size);

/* The same as GBytes. Returns: (transfer full) */
GBytes *mill_bmff_writer_steal_bytes (MillBmffWriter *writer);

void mill_bmff_writer_put_u8 (MillBmffWriter *writer, guint8 value);
void mill_bmff_writer_put_u16 (MillBmffWriter *writer, guint16 value);
void mill_bmff_writer_put_u24 (MillBmffWriter *writer, guint32 value);
void mill_bmff_writer_put_u32 (MillBmffWriter *writer, guint32 value);
void mill_bmff_writer_put_u64 (MillBmffWriter *writer, guint64 value);
void mill_bmff_writer_put_zeros (MillBmffWriter *writer, gsize size);
void mill_bmff_writer_put_data (MillBmffWriter *writer, const void *data,
    gsize size);

/* Overwrites four bytes at @offset, which must have been written. */
void mill_bmff_writer_set_u32 (MillBmffWriter *writer, gsize offset,
    guint32 value);

/* Begins a box (begin_full: with version and flags); mill_bmff_writer_end()
 * with the returned offset fills in its size. Boxes nest. */
gsize mill_bmff_writer_begin (MillBmffWriter *writer, guint32 type);
gsize mill_bmff_writer_begin_full (MillBmffWriter *writer, guint32 type,
    guint8 version, guint32 flags);
void mill_bmff_writer_end (MillBmffWriter *writer, gsize box);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MillBmffWriter, mill_bmff_writer_clear)

G_END_DECLS
