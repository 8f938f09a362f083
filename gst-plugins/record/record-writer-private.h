/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "record-writer.h"

G_BEGIN_DECLS

/** How a container is written: each file of the folder has one. */
typedef struct
{
  gsize size; /* of the structure that begins with MillRecordWriter */
  gboolean (*begin) (MillRecordWriter *self, GError **error);
  gboolean (*write) (MillRecordWriter *self, const MillCmafTaken *pieces,
      GError **error);
  gboolean (*finish) (MillRecordWriter *self, GError **error);
  /* Of what is kept until the end; NULL: next to nothing */
  guint64 (*get_index_bytes) (MillRecordWriter *self);
  void (*clear) (MillRecordWriter *self);
} MillRecordWriterClass;

struct _MillRecordWriter
{
  const MillRecordWriterClass *klass;
  MillRecordContainer container;
  gint fd;
  guint64 size; /* bytes written */
  gint64 began; /* wall clock, µs since 1970 */
  MillRecordFormat *formats;
  guint n_formats;
  MillBmffWriter scratch;
};

extern const MillRecordWriterClass mill_record_mp4_class;
extern const MillRecordWriterClass mill_record_matroska_class;

/** Appends what is in the scratch and empties it. */
gboolean mill_record_writer_append_scratch (MillRecordWriter *self,
    GError **error);

/** Overwrites what is at @at. */
gboolean mill_record_writer_patch (MillRecordWriter *self, guint64 at,
    const guint8 *data, gsize size, GError **error);

/** Appends the payload of @piece's sample @i to the scratch.
 * Errors: G_FILE_ERROR.IO for a frame that cannot be mapped */
gboolean mill_record_writer_put_payload (MillRecordWriter *self,
    const MillCmafTaken *piece, guint i, GError **error);

G_END_DECLS
