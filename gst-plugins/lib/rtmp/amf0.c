/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "amf0.h"

#include <string.h>

#include "rtmp-session.h"
#include "bytes/bytes.h"

/* AMF 0 section 2.1 */
enum
{
  MARKER_NUMBER = 0x00,
  MARKER_BOOLEAN = 0x01,
  MARKER_STRING = 0x02,
  MARKER_OBJECT = 0x03,
  MARKER_NULL = 0x05,
  MARKER_UNDEFINED = 0x06,
  MARKER_REFERENCE = 0x07,
  MARKER_ECMA_ARRAY = 0x08,
  MARKER_OBJECT_END = 0x09,
  MARKER_STRICT_ARRAY = 0x0a,
  MARKER_DATE = 0x0b,
  MARKER_LONG_STRING = 0x0c,
  MARKER_UNSUPPORTED = 0x0d,
  MARKER_XML_DOCUMENT = 0x0f,
  MARKER_TYPED_OBJECT = 0x10,
};

static gboolean read_value (MillAmf0Reader *reader, guint depth,
    MillAmf0Value *ret_value, GError **error);

void
mill_amf0_reader_init (MillAmf0Reader *reader, const guint8 *data, gsize size,
    guint max_depth)
{
  *reader = (MillAmf0Reader){
    .data = data,
    .size = size,
    .max_depth = max_depth,
    .max_values = G_MAXUINT,
  };
}

gboolean
mill_amf0_at_end (const MillAmf0Reader *reader)
{
  return reader->position >= reader->size;
}

/* The next @size bytes, or NULL with an error that says where they end. */
static const guint8 *
take (MillAmf0Reader *reader, gsize size, GError **error)
{
  if (reader->size - reader->position < size) {
    g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "AMF0 value at byte %" G_GSIZE_FORMAT ": got %" G_GSIZE_FORMAT
        " more bytes, expected %" G_GSIZE_FORMAT,
        reader->position, reader->size - reader->position, size);
    return NULL;
  }
  const guint8 *bytes = reader->data + reader->position;
  reader->position += size;
  return bytes;
}

static gboolean
read_double (MillAmf0Reader *reader, gdouble *ret_number, GError **error)
{
  const guint8 *bytes = take (reader, 8, error);
  if (bytes == NULL)
    return FALSE;
  *ret_number = mill_bytes_read_double (bytes);
  return TRUE;
}

static gboolean
read_text (MillAmf0Reader *reader, guint length_bytes, MillAmf0Value *ret_value,
    GError **error)
{
  const guint8 *length = take (reader, length_bytes, error);
  if (length == NULL)
    return FALSE;
  gsize size = length_bytes == 2 ? mill_bytes_read_u16 (length)
                                 : mill_bytes_read_u32 (length);
  const guint8 *text = take (reader, size, error);
  if (text == NULL)
    return FALSE;
  ret_value->type = MILL_AMF0_STRING;
  ret_value->string = (const gchar *) text;
  ret_value->string_size = size;
  return TRUE;
}

/* Section 2.5: names and values up to an empty name with the end marker. Some
 * encoders end an ECMA array with the message instead, which is taken too
 * (the declared count is only a hint, section 2.10). */
static gboolean
read_members (MillAmf0Reader *reader, guint depth, gboolean end_may_lack,
    MillAmf0Value *value, GError **error)
{
  gsize start = reader->position;
  for (;;) {
    gsize end = reader->position;
    if (end_may_lack && mill_amf0_at_end (reader)) {
      value->members_size = end - start;
      break;
    }
    MillAmf0Value name;
    if (!read_text (reader, 2, &name, error))
      return FALSE;
    if (name.string_size == 0 && !mill_amf0_at_end (reader) &&
        reader->data[reader->position] == MARKER_OBJECT_END) {
      reader->position++;
      value->members_size = end - start;
      break;
    }
    MillAmf0Value member;
    if (!read_value (reader, depth, &member, error))
      return FALSE;
  }
  value->members = reader->data + start;
  return TRUE;
}

/* Section 2.12: a count that is checked by reading that many values, each of
 * at least one byte. */
static gboolean
read_strict_array (MillAmf0Reader *reader, guint depth, MillAmf0Value *value,
    GError **error)
{
  const guint8 *count = take (reader, 4, error);
  if (count == NULL)
    return FALSE;
  gsize start = reader->position;
  for (guint32 i = mill_bytes_read_u32 (count); i > 0; i--) {
    MillAmf0Value member;
    if (!read_value (reader, depth, &member, error))
      return FALSE;
  }
  value->type = MILL_AMF0_STRICT_ARRAY;
  value->members = reader->data + start;
  value->members_size = reader->position - start;
  return TRUE;
}

static gboolean
read_container (MillAmf0Reader *reader, guint8 marker, guint depth,
    MillAmf0Value *value, GError **error)
{
  if (depth >= reader->max_depth) {
    g_set_error (error, MILL_RTMP_LIMIT_ERROR, MILL_RTMP_LIMIT_AMF_DEPTH,
        "AMF0 value at byte %" G_GSIZE_FORMAT
        ": got nesting deeper than %u, expected less",
        reader->position, reader->max_depth);
    return FALSE;
  }
  depth++;
  switch (marker) {
    case MARKER_STRICT_ARRAY:
      return read_strict_array (reader, depth, value, error);
    case MARKER_ECMA_ARRAY:
      value->type = MILL_AMF0_ECMA_ARRAY;
      return take (reader, 4, error) != NULL &&
          read_members (reader, depth, TRUE, value, error);
    case MARKER_TYPED_OBJECT: {
      MillAmf0Value class_name;
      if (!read_text (reader, 2, &class_name, error))
        return FALSE;
      break;
    }
    default:
      break;
  }
  value->type = MILL_AMF0_OBJECT;
  return read_members (reader, depth, FALSE, value, error);
}

static gboolean
read_scalar (MillAmf0Reader *reader, guint8 marker, MillAmf0Value *value,
    GError **error)
{
  const guint8 *bytes;
  switch (marker) {
    case MARKER_NUMBER:
      value->type = MILL_AMF0_NUMBER;
      return read_double (reader, &value->number, error);
    case MARKER_BOOLEAN:
      bytes = take (reader, 1, error);
      if (bytes == NULL)
        return FALSE;
      value->type = MILL_AMF0_BOOLEAN;
      value->number = bytes[0] != 0;
      return TRUE;
    case MARKER_STRING:
      return read_text (reader, 2, value, error);
    case MARKER_LONG_STRING:
    case MARKER_XML_DOCUMENT:
      return read_text (reader, 4, value, error);
    case MARKER_DATE: /* section 2.13: the time zone is reserved */
      value->type = MILL_AMF0_DATE;
      return read_double (reader, &value->number, error) &&
          take (reader, 2, error) != NULL;
    case MARKER_NULL:
    case MARKER_UNDEFINED:
    case MARKER_UNSUPPORTED:
      return TRUE;
    case MARKER_REFERENCE:
      return take (reader, 2, error) != NULL;
    default:
      g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
          "AMF0 value at byte %" G_GSIZE_FORMAT
          ": got marker 0x%02x, expected a type of AMF0",
          reader->position - 1, marker);
      return FALSE;
  }
}

/* Values of one byte make a message of megabytes slow to read. */
static gboolean
count_value (MillAmf0Reader *reader, GError **error)
{
  if (reader->max_values > 0) {
    reader->max_values--;
    return TRUE;
  }
  g_set_error (error, MILL_RTMP_LIMIT_ERROR, MILL_RTMP_LIMIT_AMF_VALUES,
      "AMF0 value at byte %" G_GSIZE_FORMAT
      ": got one more than is taken in a message, expected no more",
      reader->position);
  return FALSE;
}

static gboolean
read_value (MillAmf0Reader *reader, guint depth, MillAmf0Value *ret_value,
    GError **error)
{
  if (!count_value (reader, error))
    return FALSE;
  const guint8 *marker = take (reader, 1, error);
  if (marker == NULL)
    return FALSE;
  MillAmf0Value value = { .type = MILL_AMF0_NULL };
  gboolean ok;
  switch (*marker) {
    case MARKER_OBJECT:
    case MARKER_TYPED_OBJECT:
    case MARKER_ECMA_ARRAY:
    case MARKER_STRICT_ARRAY:
      ok = read_container (reader, *marker, depth, &value, error);
      break;
    default:
      ok = read_scalar (reader, *marker, &value, error);
      break;
  }
  if (ok)
    *ret_value = value;
  return ok;
}

gboolean
mill_amf0_read (MillAmf0Reader *reader, MillAmf0Value *ret_value,
    GError **error)
{
  return read_value (reader, 0, ret_value, error);
}

void
mill_amf0_iter_init (MillAmf0Iter *iter, const MillAmf0Value *container)
{
  /* The members were checked when the container was read, depth included. */
  mill_amf0_reader_init (&iter->reader, container->members,
      container->members_size, G_MAXUINT);
  iter->named = container->type != MILL_AMF0_STRICT_ARRAY;
}

gboolean
mill_amf0_iter_next (MillAmf0Iter *iter, const gchar **ret_name,
    gsize *ret_name_size, MillAmf0Value *ret_value)
{
  MillAmf0Value name = { .string = "" };
  if (mill_amf0_at_end (&iter->reader) ||
      (iter->named && !read_text (&iter->reader, 2, &name, NULL)) ||
      !read_value (&iter->reader, 0, ret_value, NULL))
    return FALSE;
  *ret_name = name.string;
  *ret_name_size = name.string_size;
  return TRUE;
}

gboolean
mill_amf0_lookup (const MillAmf0Value *container, const gchar *name,
    MillAmf0Value *ret_value)
{
  gsize size = strlen (name);
  MillAmf0Iter iter;
  mill_amf0_iter_init (&iter, container);
  const gchar *member_name;
  gsize member_name_size;
  MillAmf0Value member;
  while (mill_amf0_iter_next (&iter, &member_name, &member_name_size,
      &member)) {
    if (member_name_size == size && memcmp (member_name, name, size) == 0) {
      *ret_value = member;
      return TRUE;
    }
  }
  return FALSE;
}

gchar *
mill_amf0_dup_string (const MillAmf0Value *value)
{
  if (value->type != MILL_AMF0_STRING)
    return NULL;
  return g_utf8_make_valid (value->string, (gssize) value->string_size);
}

static void
append_marker (GByteArray *out, guint8 marker)
{
  g_byte_array_append (out, &marker, 1);
}

static void
append_u32 (GByteArray *out, guint32 number)
{
  guint8 bytes[4];
  mill_bytes_write_u32 (bytes, number);
  g_byte_array_append (out, bytes, sizeof bytes);
}

void
mill_amf0_write_number (GByteArray *out, gdouble number)
{
  guint8 bytes[8];
  mill_bytes_write_double (bytes, number);
  append_marker (out, MARKER_NUMBER);
  g_byte_array_append (out, bytes, sizeof bytes);
}

void
mill_amf0_write_boolean (GByteArray *out, gboolean value)
{
  append_marker (out, MARKER_BOOLEAN);
  append_marker (out, value ? 1 : 0);
}

void
mill_amf0_write_name (GByteArray *out, const gchar *name)
{
  gsize size = strlen (name);
  g_return_if_fail (size <= G_MAXUINT16);
  guint8 length[2];
  mill_bytes_write_u16 (length, (guint16) size);
  g_byte_array_append (out, length, sizeof length);
  g_byte_array_append (out, (const guint8 *) name, (guint) size);
}

void
mill_amf0_write_string (GByteArray *out, const gchar *string)
{
  gsize size = strlen (string);
  if (size <= G_MAXUINT16) {
    append_marker (out, MARKER_STRING);
    mill_amf0_write_name (out, string);
    return;
  }
  g_return_if_fail (size <= G_MAXUINT32);
  append_marker (out, MARKER_LONG_STRING);
  append_u32 (out, (guint32) size);
  g_byte_array_append (out, (const guint8 *) string, (guint) size);
}

void
mill_amf0_write_null (GByteArray *out)
{
  append_marker (out, MARKER_NULL);
}

void
mill_amf0_write_object_begin (GByteArray *out)
{
  append_marker (out, MARKER_OBJECT);
}

void
mill_amf0_write_ecma_array_begin (GByteArray *out, guint32 n_members)
{
  append_marker (out, MARKER_ECMA_ARRAY);
  append_u32 (out, n_members);
}

void
mill_amf0_write_strict_array_begin (GByteArray *out, guint32 n_values)
{
  append_marker (out, MARKER_STRICT_ARRAY);
  append_u32 (out, n_values);
}

void
mill_amf0_write_object_end (GByteArray *out)
{
  mill_amf0_write_name (out, "");
  append_marker (out, MARKER_OBJECT_END);
}
