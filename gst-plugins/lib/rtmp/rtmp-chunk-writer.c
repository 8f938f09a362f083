/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-chunk-writer.h"

#include "rtmp-session.h"
#include "rtmp-bytes.h"

#define DEFAULT_CHUNK_SIZE 128
#define MAX_CHUNK_SIZE 0xffffff
#define EXTENDED 0xffffff
#define MAX_SAVED_STREAMS 64

typedef struct
{
  guint id;
  gboolean has_delta; /* the last header was not of type 0 */
  guint32 delta;
  guint32 timestamp_ms;
  guint32 length;
  guint8 type;
  guint32 stream_id;
} ChunkStream;

struct _MillRtmpChunkWriter
{
  guint chunk_size;
  GArray *streams; /* ChunkStream */
};

MillRtmpChunkWriter *
mill_rtmp_chunk_writer_new (void)
{
  MillRtmpChunkWriter *writer = g_new0 (MillRtmpChunkWriter, 1);
  writer->chunk_size = DEFAULT_CHUNK_SIZE;
  writer->streams = g_array_new (FALSE, TRUE, sizeof (ChunkStream));
  return writer;
}

void
mill_rtmp_chunk_writer_free (MillRtmpChunkWriter *writer)
{
  g_array_unref (writer->streams);
  g_free (writer);
}

static ChunkStream *
find_stream (MillRtmpChunkWriter *writer, guint id)
{
  for (guint i = 0; i < writer->streams->len; i++) {
    ChunkStream *stream = &g_array_index (writer->streams, ChunkStream, i);
    if (stream->id == id)
      return stream;
  }
  return NULL;
}

/* Section 5.3.1.1 */
static void
append_basic_header (GByteArray *out, guint format, guint id)
{
  guint8 bytes[3] = { (guint8) (format << 6) };
  guint size = 1;
  if (id < 64) {
    bytes[0] |= (guint8) id;
  } else if (id < 320) {
    bytes[1] = (guint8) (id - 64);
    size = 2;
  } else {
    bytes[0] |= 1;
    bytes[1] = (guint8) ((id - 64) & 0xff);
    bytes[2] = (guint8) ((id - 64) >> 8);
    size = 3;
  }
  g_byte_array_append (out, bytes, size);
}

/* Section 5.3.1.2. Type 3 is not used right after type 0, where readers do not
 * agree on whether it means the time stamp again as a delta or none. */
static guint
choose_format (const ChunkStream *last, const ChunkStream *next)
{
  gboolean backwards = (gint32) (next->timestamp_ms - last->timestamp_ms) < 0;
  if (last->id == 0 || backwards || next->stream_id != last->stream_id)
    return 0;
  if (next->length != last->length || next->type != last->type)
    return 1;
  if (!last->has_delta || next->delta != last->delta)
    return 2;
  return 3;
}

static void
append_message_header (GByteArray *out, guint format, const ChunkStream *next,
    guint32 field)
{
  static const guint8 sizes[] = { 11, 7, 3, 0 };
  guint8 bytes[11];
  mill_bytes_write_u24 (bytes, MIN (field, EXTENDED));
  mill_bytes_write_u24 (bytes + 3, next->length);
  bytes[6] = next->type;
  mill_rtmp_write_u32_le (bytes + 7, next->stream_id);
  g_byte_array_append (out, bytes, sizes[format]);
}

static void
append_extended (GByteArray *out, guint32 field)
{
  if (field < EXTENDED)
    return;
  guint8 bytes[4];
  mill_bytes_write_u32 (bytes, field);
  g_byte_array_append (out, bytes, sizeof bytes);
}

void
mill_rtmp_chunk_writer_write (MillRtmpChunkWriter *writer, GByteArray *out,
    const MillRtmpHeader *header, const guint8 *data, gsize size)
{
  g_return_if_fail (size <= 0xffffff);
  ChunkStream none = { 0 };
  ChunkStream *last = find_stream (writer, header->chunk_stream);
  if (last == NULL)
    last = &none;
  ChunkStream next = {
    .id = header->chunk_stream,
    .timestamp_ms = header->timestamp_ms,
    .delta = header->timestamp_ms - last->timestamp_ms,
    .length = (guint32) size,
    .type = (guint8) header->type,
    .stream_id = header->stream_id,
  };
  guint format = choose_format (last, &next);
  next.has_delta = format != 0;
  guint32 field = next.has_delta ? next.delta : next.timestamp_ms;

  append_basic_header (out, format, next.id);
  append_message_header (out, format, &next, field);
  append_extended (out, field);
  for (gsize sent = 0; sent < size;) {
    gsize chunk = MIN (size - sent, writer->chunk_size);
    if (sent > 0) {
      append_basic_header (out, 3, next.id);
      append_extended (out, field); /* section 5.3.1.3 */
    }
    g_byte_array_append (out, data + sent, (guint) chunk);
    sent += chunk;
  }
  if (last == &none)
    g_array_append_val (writer->streams, next);
  else
    *last = next;
}

void
mill_rtmp_chunk_writer_set_chunk_size (MillRtmpChunkWriter *writer,
    GByteArray *out, guint chunk_size)
{
  g_return_if_fail (chunk_size >= 1 && chunk_size <= MAX_CHUNK_SIZE);
  guint8 payload[4];
  mill_bytes_write_u32 (payload, chunk_size);
  MillRtmpHeader header = {
    .chunk_stream = MILL_RTMP_CHUNK_STREAM_CONTROL,
    .type = MILL_RTMP_MESSAGE_SET_CHUNK_SIZE,
  };
  mill_rtmp_chunk_writer_write (writer, out, &header, payload, sizeof payload);
  writer->chunk_size = chunk_size;
}

GVariant *
mill_rtmp_chunk_writer_save (const MillRtmpChunkWriter *writer)
{
  GVariantBuilder streams;
  g_variant_builder_init (&streams, G_VARIANT_TYPE ("a(ubuuuyu)"));
  for (guint i = 0; i < writer->streams->len; i++) {
    ChunkStream *stream = &g_array_index (writer->streams, ChunkStream, i);
    g_variant_builder_add (&streams, "(ubuuuyu)", stream->id, stream->has_delta,
        stream->delta, stream->timestamp_ms, stream->length, stream->type,
        stream->stream_id);
  }
  return g_variant_new ("(u@a(ubuuuyu))", writer->chunk_size,
      g_variant_builder_end (&streams));
}

gboolean
mill_rtmp_chunk_writer_load (MillRtmpChunkWriter *writer, GVariant *variant,
    GError **error)
{
  guint chunk_size;
  g_autoptr (GVariantIter) streams = NULL;
  g_variant_get (variant, MILL_RTMP_CHUNK_WRITER_VARIANT, &chunk_size,
      &streams);
  gsize n_streams = g_variant_iter_n_children (streams);
  if (chunk_size < 1 || chunk_size > MAX_CHUNK_SIZE ||
      n_streams > MAX_SAVED_STREAMS) {
    g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "saved chunk writer: got chunk size %u and %" G_GSIZE_FORMAT
        " streams, expected 1 to %u and at most %u",
        chunk_size, n_streams, MAX_CHUNK_SIZE, MAX_SAVED_STREAMS);
    return FALSE;
  }
  writer->chunk_size = chunk_size;
  ChunkStream stream = { 0 };
  while (g_variant_iter_next (streams, "(ubuuuyu)", &stream.id,
      &stream.has_delta, &stream.delta, &stream.timestamp_ms, &stream.length,
      &stream.type, &stream.stream_id)) {
    if (stream.id < 2 || find_stream (writer, stream.id) != NULL) {
      g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
          "saved chunk stream '%u': expected an id from 2 used once",
          stream.id);
      return FALSE;
    }
    g_array_append_val (writer->streams, stream);
  }
  return TRUE;
}
