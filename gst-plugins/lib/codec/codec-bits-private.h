/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/base/gstbitreader.h>

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * Bits of a header, for the parsers of this folder. The reader is sticky: a
 * read past the end gives 0, and the end is checked once, by bits_check().
 */
typedef struct
{
  GstBitReader bits;
  gboolean truncated;
} BitsReader;

/* No header of ours is longer than 64 KiB; the bound keeps the count of bits in
 * 32 bits. */
static inline void
bits_init (BitsReader *reader, const guint8 *data, gsize size)
{
  *reader = (BitsReader){ 0 };
  gst_bit_reader_init (&reader->bits, data, MIN (size, G_MAXUINT16));
}

static inline guint32
bits_get (BitsReader *reader, guint n)
{
  guint32 value = 0;
  if (!gst_bit_reader_get_bits_uint32 (&reader->bits, &value, n)) {
    reader->truncated = TRUE;
    return 0;
  }
  return value;
}

static inline void
bits_skip (BitsReader *reader, guint n)
{
  if (!gst_bit_reader_skip (&reader->bits, n))
    reader->truncated = TRUE;
}

static inline gboolean
bits_check (const BitsReader *reader, const gchar *what, GError **error)
{
  if (!reader->truncated)
    return TRUE;
  g_set_error (error, MILL_CODEC_ERROR, MILL_CODEC_ERROR_TRUNCATED,
      "%s: got %u bytes, expected more", what,
      gst_bit_reader_get_size (&reader->bits) / 8);
  return FALSE;
}

static inline gboolean
bits_refuse (GError **error, MillCodecError code, const gchar *text)
{
  g_set_error_literal (error, MILL_CODEC_ERROR, code, text);
  return FALSE;
}

static inline guint32
bits_fourcc (gchar a, gchar b, gchar c, gchar d)
{
  return (guint32) a << 24 | (guint32) b << 16 | (guint32) c << 8 | (guint32) d;
}

G_END_DECLS
