/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Action Message Format 0: the arguments of RTMP commands and onMetaData.
 * The reader works in place on the caller's bytes and allocates nothing; the
 * writer appends to a GByteArray.
 * Source: Adobe AMF 0 specification (2007), section 2.
 */

/* Markers, section 2.1. Types that carry no data of use (undefined, reference,
 * unsupported) are read as MILL_AMF0_NULL; a typed object as an object, an XML
 * document as a string. MovieClip, RecordSet and AVM+ (AMF3) are refused. */
typedef enum
{
  MILL_AMF0_NUMBER,
  MILL_AMF0_BOOLEAN,
  MILL_AMF0_STRING, /* short and long */
  MILL_AMF0_OBJECT, /* also typed */
  MILL_AMF0_NULL,
  MILL_AMF0_ECMA_ARRAY,
  MILL_AMF0_STRICT_ARRAY,
  MILL_AMF0_DATE,
} MillAmf0Type;

/* One value; points into the bytes that were read. */
typedef struct
{
  MillAmf0Type type;
  gdouble number; /* also boolean (0 or 1), date (ms since 1970, UTC) */
  const gchar *string; /* string: not terminated, any bytes */
  gsize string_size;
  const guint8 *members; /* object and arrays: for mill_amf0_iter_init() */
  gsize members_size;
} MillAmf0Value;

typedef struct
{
  const guint8 *data;
  gsize size;
  gsize position;
  guint max_depth;
  guint max_values; /* unlimited after init; counted down */
} MillAmf0Reader;

/* @data must outlive the reader and every value read from it. */
void mill_amf0_reader_init (MillAmf0Reader *reader, const guint8 *data,
    gsize size, guint max_depth);
gboolean mill_amf0_at_end (const MillAmf0Reader *reader);

/* Reads and checks one value with all that is in it.
 * Errors: MILL_RTMP_ERROR_PROTOCOL (cut short, unknown marker),
 * MILL_RTMP_LIMIT_ERROR (deeper than max_depth, more than max_values). */
gboolean mill_amf0_read (MillAmf0Reader *reader, MillAmf0Value *ret_value,
    GError **error);

/* Walks the members of an object or array in order. In a strict array names
 * are empty. */
typedef struct
{
  MillAmf0Reader reader;
  gboolean named;
} MillAmf0Iter;

void mill_amf0_iter_init (MillAmf0Iter *iter, const MillAmf0Value *container);
gboolean mill_amf0_iter_next (MillAmf0Iter *iter, const gchar **ret_name,
    gsize *ret_name_size, MillAmf0Value *ret_value);

/* The first member called @name. FALSE when there is none or @container has
 * no members at all. */
gboolean mill_amf0_lookup (const MillAmf0Value *container, const gchar *name,
    MillAmf0Value *ret_value);

/* A string as UTF-8, broken sequences replaced.
 * Returns: (transfer full) (nullable): NULL when @value is no string */
gchar *mill_amf0_dup_string (const MillAmf0Value *value);

void mill_amf0_write_number (GByteArray *out, gdouble number);
void mill_amf0_write_boolean (GByteArray *out, gboolean value);
void mill_amf0_write_string (GByteArray *out, const gchar *string);
void mill_amf0_write_null (GByteArray *out);
/* begin, then name and value in turn, then end; for both kinds */
void mill_amf0_write_object_begin (GByteArray *out);
void mill_amf0_write_ecma_array_begin (GByteArray *out, guint32 n_members);
void mill_amf0_write_name (GByteArray *out, const gchar *name);
void mill_amf0_write_object_end (GByteArray *out);
/* followed by that many values, which need no end */
void mill_amf0_write_strict_array_begin (GByteArray *out, guint32 n_values);

G_END_DECLS
