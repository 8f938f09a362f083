/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "codec/id3.h"

#include <string.h>

#define HEAD_SIZE 10
#define FLAG_FOOTER 0x10
#define UTF_8 3

/* 6.2: seven bits in each byte, so that no synchronisation is found in it. */
static guint32
read_size (const guint8 *data)
{
  return (guint32) data[0] << 21 | (guint32) data[1] << 14 |
      (guint32) data[2] << 7 | data[3];
}

static void
put_size (GByteArray *out, gsize size)
{
  const guint8 bytes[] = { size >> 21 & 0x7f, size >> 14 & 0x7f,
    size >> 7 & 0x7f, size & 0x7f };
  g_byte_array_append (out, bytes, sizeof bytes);
}

gboolean
mill_id3_is_tag (const guint8 *data, gsize size)
{
  if (size < HEAD_SIZE || memcmp (data, "ID3", 3) != 0 || data[3] == 0xff ||
      data[4] == 0xff)
    return FALSE;
  for (guint i = 6; i < HEAD_SIZE; i++)
    if (data[i] & 0x80)
      return FALSE;
  gsize footer = data[5] & FLAG_FOOTER ? HEAD_SIZE : 0;
  return read_size (data + 6) + HEAD_SIZE + footer == size;
}

GBytes *
mill_id3_new_text (const gchar *description, const gchar *value)
{
  static const guint8 head[] = { 'I', 'D', '3', 4, 0, 0 };
  static const guint8 flags[] = { 0, 0 };
  static const guint8 encoding = UTF_8;
  GByteArray *out = g_byte_array_new ();
  gsize size = 1 + strlen (description) + 1 + strlen (value);
  g_byte_array_append (out, head, sizeof head);
  put_size (out, HEAD_SIZE + size);
  g_byte_array_append (out, (const guint8 *) "TXXX", 4);
  put_size (out, size);
  g_byte_array_append (out, flags, sizeof flags);
  g_byte_array_append (out, &encoding, 1);
  g_byte_array_append (out, (const guint8 *) description,
      (guint) strlen (description) + 1);
  g_byte_array_append (out, (const guint8 *) value, (guint) strlen (value));
  return g_byte_array_free_to_bytes (out);
}
