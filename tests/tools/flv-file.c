/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "flv-file.h"

#include <string.h>

#define FILE_HEADER 9
#define TAG_HEADER 11
#define TAG_TRAILER 4 /* the tag's size once more */

static guint32
read_u24 (const guint8 *data)
{
  return (guint32) data[0] << 16 | (guint32) data[1] << 8 | data[2];
}

/* A tag that the end of the file cuts off is left out. */
static void
index_tags (MillFlvFile *file, const guint8 *data, gsize size)
{
  for (gsize at = FILE_HEADER + TAG_TRAILER; at + TAG_HEADER <= size;) {
    const guint8 *header = data + at;
    MillFlvFileTag tag = {
      .type = header[0] & 0x1f,
      .size = read_u24 (header + 1),
      .time_ms = read_u24 (header + 4) | (guint32) header[7] << 24,
      .data = header + TAG_HEADER,
    };
    if (tag.size > size - at - TAG_HEADER)
      break;
    if (tag.size > 0)
      g_array_append_val (file->tags, tag);
    at += TAG_HEADER + tag.size + TAG_TRAILER;
  }
}

/* Muxers let tracks run ahead of each other, encoders do not. The sort is
 * stable, so that headers stay before the frames of their time. */
static gint
compare_time (gconstpointer a, gconstpointer b)
{
  guint32 a_ms = ((const MillFlvFileTag *) a)->time_ms;
  guint32 b_ms = ((const MillFlvFileTag *) b)->time_ms;
  return (a_ms > b_ms) - (a_ms < b_ms);
}

MillFlvFile *
mill_flv_file_open (const gchar *path, GError **error)
{
  g_autoptr (GMappedFile) mapping = g_mapped_file_new (path, FALSE, error);
  if (mapping == NULL)
    return NULL;
  const guint8 *data = (const guint8 *) g_mapped_file_get_contents (mapping);
  gsize size = g_mapped_file_get_length (mapping);
  if (size < FILE_HEADER + TAG_TRAILER || memcmp (data, "FLV\x01", 4) != 0) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
        "file '%s': got no FLV header, expected one", path);
    return NULL;
  }
  g_autoptr (MillFlvFile) file = g_new0 (MillFlvFile, 1);
  file->tags = g_array_new (FALSE, FALSE, sizeof (MillFlvFileTag));
  file->mapping = g_steal_pointer (&mapping);
  index_tags (file, data, size);
  g_array_sort (file->tags, compare_time);
  if (file->tags->len == 0) {
    g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
        "file '%s': got no tags, expected some", path);
    return NULL;
  }
  return g_steal_pointer (&file);
}

void
mill_flv_file_free (MillFlvFile *file)
{
  if (file == NULL)
    return;
  g_array_unref (file->tags);
  g_mapped_file_unref (file->mapping);
  g_free (file);
}
