/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <string.h>

#include <gst/base/gstbytereader.h>

#include "bmff/bmff-reader.h"
#include "bytes/bytes.h"

G_BEGIN_DECLS

/*
 * Fields of one box, for the parsers of this folder. The reader is sticky: a
 * read past the end gives 0, and the end is checked once, by fields_check().
 */
typedef struct
{
  GstByteReader bytes;
  guint8 version; /* of a full box */
  guint32 flags;
  gboolean truncated;
} FieldReader;

static inline gchar *
fields_describe_type (guint32 type)
{
  gchar letters[5] = { type >> 24, type >> 16 & 0xff, type >> 8 & 0xff,
    type & 0xff, '\0' };
  for (guint i = 0; i < 4; i++) {
    if (!g_ascii_isprint (letters[i]))
      return g_strdup_printf ("0x%08x", type);
  }
  return g_strdup (letters);
}

static inline void
fields_set_error (GError **error, MillBmffError code, guint32 type,
    const gchar *text)
{
  g_autofree gchar *name = fields_describe_type (type);
  g_set_error (error, MILL_BMFF_ERROR, code, "box '%s': got %s", name, text);
}

static inline void
fields_init (FieldReader *f, const guint8 *data, gsize size)
{
  *f = (FieldReader){ 0 };
  gst_byte_reader_init (&f->bytes, data, MIN (size, G_MAXUINT));
}

/* Returns: (nullable): NULL past the end */
static inline const guint8 *
fields_take (FieldReader *f, guint size)
{
  const guint8 *data = NULL;
  f->truncated |= !gst_byte_reader_get_data (&f->bytes, size, &data);
  return data;
}

static inline guint8
fields_get_u8 (FieldReader *f)
{
  const guint8 *data = fields_take (f, 1);
  return data != NULL ? *data : 0;
}

static inline guint16
fields_get_u16 (FieldReader *f)
{
  const guint8 *data = fields_take (f, 2);
  return data != NULL ? mill_bytes_read_u16 (data) : 0;
}

static inline guint32
fields_get_u32 (FieldReader *f)
{
  const guint8 *data = fields_take (f, 4);
  return data != NULL ? mill_bytes_read_u32 (data) : 0;
}

static inline guint64
fields_get_u64 (FieldReader *f)
{
  const guint8 *data = fields_take (f, 8);
  return data != NULL ? mill_bytes_read_u64 (data) : 0;
}

static inline void
fields_skip (FieldReader *f, guint size)
{
  f->truncated |= !gst_byte_reader_skip (&f->bytes, size);
}

static inline void
fields_init_full (FieldReader *f, const MillBmffBox *box)
{
  fields_init (f, box->payload, box->payload_size);
  guint32 head = fields_get_u32 (f);
  f->version = head >> 24;
  f->flags = head & 0xffffff;
}

static inline gboolean
fields_check (const FieldReader *f, guint32 type, GError **error)
{
  if (!f->truncated)
    return TRUE;
  fields_set_error (error, MILL_BMFF_ERROR_INVALID, type,
      "a size that is too small for its fields, expected all of them");
  return FALSE;
}

G_END_DECLS
