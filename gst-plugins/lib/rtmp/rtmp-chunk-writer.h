/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-message.h"

G_BEGIN_DECLS

/* From messages to chunks (Adobe RTMP 1.0 section 5.3), each with the shortest
 * header that says it. */
typedef struct _MillRtmpChunkWriter MillRtmpChunkWriter;

MillRtmpChunkWriter *mill_rtmp_chunk_writer_new (void);
void mill_rtmp_chunk_writer_free (MillRtmpChunkWriter *writer);

/* Appends a Set Chunk Size message and uses @chunk_size (1 to 0xFFFFFF) from
 * there on. */
void mill_rtmp_chunk_writer_set_chunk_size (MillRtmpChunkWriter *writer,
    GByteArray *out, guint chunk_size);

/* Appends one message; @size is at most 0xFFFFFF. */
void mill_rtmp_chunk_writer_write (MillRtmpChunkWriter *writer, GByteArray *out,
    const MillRtmpHeader *header, const guint8 *data, gsize size);

/* As of the reader. Returns: (transfer floating) */
#define MILL_RTMP_CHUNK_WRITER_VARIANT "(ua(ubuuuyu))"
GVariant *mill_rtmp_chunk_writer_save (const MillRtmpChunkWriter *writer);
gboolean mill_rtmp_chunk_writer_load (MillRtmpChunkWriter *writer,
    GVariant *variant, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRtmpChunkWriter, mill_rtmp_chunk_writer_free)

G_END_DECLS
