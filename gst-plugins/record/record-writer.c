/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "record-writer-private.h"

#include <errno.h>
#include <unistd.h>

/* A fragment's memory is kept for the next one up to this. */
#define SCRATCH_KEPT (4u << 20)

static gboolean
write_at (gint fd, const guint8 *data, gsize size, guint64 at, GError **error)
{
  while (size > 0) {
    gssize n = pwrite (fd, data, size, (off_t) at);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      gint code = errno;
      g_set_error (error, G_FILE_ERROR, (gint) g_file_error_from_errno (code),
          "%s", g_strerror (code));
      return FALSE;
    }
    data += n;
    at += (guint64) n;
    size -= (gsize) n;
  }
  return TRUE;
}

gboolean
mill_record_writer_append_scratch (MillRecordWriter *self, GError **error)
{
  gboolean ok = write_at (self->fd, self->scratch.data, self->scratch.size,
      self->size, error);
  if (ok)
    self->size += self->scratch.size;
  /* What is left of a fragment would be in the way of a reader. */
  else if (ftruncate (self->fd, (off_t) self->size) != 0)
    g_prefix_error (error, "not cut off again: ");
  if (self->scratch.capacity > SCRATCH_KEPT)
    mill_bmff_writer_clear (&self->scratch);
  else
    mill_bmff_writer_reset (&self->scratch);
  return ok;
}

gboolean
mill_record_writer_patch (MillRecordWriter *self, guint64 at,
    const guint8 *data, gsize size, GError **error)
{
  return write_at (self->fd, data, size, at, error);
}

gboolean
mill_record_writer_put_payload (MillRecordWriter *self,
    const MillCmafTaken *piece, guint i, GError **error)
{
  GstMemory *memory = g_ptr_array_index (piece->memories, i);
  GstMapInfo map;
  if (!gst_memory_map (memory, &map, GST_MAP_READ)) {
    g_set_error_literal (error, G_FILE_ERROR, G_FILE_ERROR_IO,
        "a frame that cannot be read");
    return FALSE;
  }
  mill_bmff_writer_put_data (&self->scratch, map.data, map.size);
  gst_memory_unmap (memory, &map);
  return TRUE;
}

MillRecordWriter *
mill_record_writer_new (MillRecordContainer container, gint fd,
    const MillRecordFormat *formats, guint n_formats, GError **error)
{
  const MillRecordWriterClass *klass = container == MILL_RECORD_MP4
      ? &mill_record_mp4_class
      : &mill_record_matroska_class;
  g_autoptr (MillRecordWriter) self = g_malloc0 (klass->size);
  self->klass = klass;
  self->container = container;
  self->fd = fd;
  self->began = g_get_real_time ();
  self->n_formats = n_formats;
  self->formats = g_new0 (MillRecordFormat, n_formats);
  for (guint i = 0; i < n_formats; i++)
    mill_record_format_copy (&self->formats[i], &formats[i]);
  if (!klass->begin (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
mill_record_writer_free (MillRecordWriter *self)
{
  if (self == NULL)
    return;
  self->klass->clear (self);
  for (guint i = 0; i < self->n_formats; i++)
    mill_record_format_clear (&self->formats[i]);
  g_free (self->formats);
  mill_bmff_writer_clear (&self->scratch);
  g_free (self);
}

gboolean
mill_record_writer_write (MillRecordWriter *self, const MillCmafTaken *pieces,
    GError **error)
{
  return self->klass->write (self, pieces, error);
}

gboolean
mill_record_writer_finish (MillRecordWriter *self, GError **error)
{
  return self->klass->finish (self, error);
}

guint64
mill_record_writer_get_size (const MillRecordWriter *self)
{
  return self->size;
}

guint64
mill_record_writer_get_index_bytes (MillRecordWriter *self)
{
  return self->klass->get_index_bytes != NULL
      ? self->klass->get_index_bytes (self)
      : 0;
}
