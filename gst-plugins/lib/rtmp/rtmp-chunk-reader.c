/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-chunk-reader.h"

#include <string.h>

#include "rtmp-session.h"
#include "rtmp-bytes.h"

/* Section 5.4.1 */
#define DEFAULT_CHUNK_SIZE 128

/* Basic header, message header and extended time stamp at their longest */
#define MAX_HEADER (3 + 11 + 4)

#define EXTENDED 0xffffff

/* What a message gets at once; what is longer must first arrive this far. */
#define FIRST_ALLOCATION (256 * 1024)

/* Section 5.3.1.1 */
#define MIN_CHUNK_STREAM 2
#define MAX_CHUNK_STREAM 65599

typedef struct
{
  guint id;

  /* the last message header, inherited by shorter ones */
  gboolean extended;
  guint32 field; /* time stamp or delta as sent */
  guint32 timestamp_ms;
  guint32 length;
  guint8 type;
  guint32 stream_id;

  /* the message being read */
  gboolean in_message;
  MillRtmpPayload payload;
  gsize fill;
} ChunkStream;

struct _MillRtmpChunkReader
{
  MillRtmpChunkLimits limits;
  guint max_message_bytes;
  guint chunk_size;
  GPtrArray *streams; /* ChunkStream */
  guint64 announced; /* lengths of all half-read messages */
  MillRtmpArena arena;

  ChunkStream *current; /* whose chunk is being read */
  gsize chunk_left;

  /* a header cut in two by the end of the fed bytes, or bytes looked ahead at
   * for an extended time stamp that was not one */
  guint8 tail[MAX_HEADER];
  gsize tail_size;
};

/* One chunk's header, decoded but not applied. */
typedef struct
{
  guint format;
  guint id;
  gsize size;
  gboolean extended;
  guint32 field;
  guint32 length;
  guint8 type;
  guint32 stream_id;
} ChunkHeader;

static void
drop_message (MillRtmpChunkReader *reader, ChunkStream *stream)
{
  if (!stream->in_message)
    return;
  mill_rtmp_arena_drop (&stream->payload);
  stream->in_message = FALSE;
  stream->fill = 0;
  reader->announced -= stream->length;
}

MillRtmpChunkReader *
mill_rtmp_chunk_reader_new (const MillRtmpChunkLimits *limits)
{
  MillRtmpChunkReader *reader = g_new0 (MillRtmpChunkReader, 1);
  reader->limits = *limits;
  reader->chunk_size = DEFAULT_CHUNK_SIZE;
  reader->streams = g_ptr_array_new_with_free_func (g_free);
  return reader;
}

void
mill_rtmp_chunk_reader_free (MillRtmpChunkReader *reader)
{
  for (guint i = 0; i < reader->streams->len; i++)
    drop_message (reader, g_ptr_array_index (reader->streams, i));
  g_ptr_array_unref (reader->streams);
  mill_rtmp_arena_clear (&reader->arena);
  g_free (reader);
}

void
mill_rtmp_chunk_reader_set_memory_kind (MillRtmpChunkReader *reader,
    const MillRtmpMemoryKind *kind)
{
  reader->arena.kind = kind;
}

void
mill_rtmp_chunk_reader_set_max_message (MillRtmpChunkReader *reader,
    guint max_message_bytes)
{
  reader->max_message_bytes = max_message_bytes;
}

/* Publishers use three or four chunk streams: a list is the fastest map. */
static ChunkStream *
find_stream (const MillRtmpChunkReader *reader, guint id)
{
  for (guint i = 0; i < reader->streams->len; i++) {
    ChunkStream *stream = g_ptr_array_index (reader->streams, i);
    if (stream->id == id)
      return stream;
  }
  return NULL;
}

/* Section 5.3.1.1; 0 when @bytes end too early. */
static gsize
parse_basic_header (const MillRtmpBytes *bytes, ChunkHeader *header)
{
  const guint8 *data = bytes->data;
  if (bytes->size < 1)
    return 0;
  header->format = data[0] >> 6;
  header->id = data[0] & 0x3f;
  gsize size = header->id == 0 ? 2 : header->id == 1 ? 3 : 1;
  if (bytes->size < size)
    return 0;
  if (size == 2)
    header->id = 64 + data[1];
  else if (size == 3)
    header->id = 64 + data[1] + 256u * data[2];
  return size;
}

/* Section 5.3.1.3: a chunk of type 3 repeats the extended time stamp of its
 * message, but some encoders leave it out: four other bytes are payload. */
static gsize
skip_repeated_timestamp (const MillRtmpBytes *bytes, gsize used,
    const ChunkStream *stream)
{
  if (!stream->extended)
    return used;
  if (bytes->size - used < 4)
    return 0;
  gboolean repeated = mill_bytes_read_u32 (bytes->data + used) == stream->field;
  return repeated ? used + 4 : used;
}

/* Section 5.3.1.2. Decodes without side effects: header->size stays 0 when
 * @bytes end too early. */
static gboolean
parse_header (const MillRtmpChunkReader *reader, const MillRtmpBytes *bytes,
    ChunkHeader *header, GError **error)
{
  static const guint8 message_header_sizes[] = { 11, 7, 3, 0 };
  *header = (ChunkHeader){ 0 };
  gsize used = parse_basic_header (bytes, header);
  if (used == 0)
    return TRUE;
  const guint8 *data = bytes->data + used;
  const ChunkStream *stream = find_stream (reader, header->id);
  /* librtmp begins chunk streams with type 1: then time and message stream
   * start from 0. Without a length nothing can be read. */
  if (header->format >= 2 && stream == NULL) {
    g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "chunk stream '%u': got a header of type %u first, expected type 0",
        header->id, header->format);
    return FALSE;
  }
  if (header->format == 3) {
    header->size = skip_repeated_timestamp (bytes, used, stream);
    return TRUE;
  }
  used += message_header_sizes[header->format];
  if (bytes->size < used)
    return TRUE;
  header->field = mill_bytes_read_u24 (data);
  if (header->format <= 1) {
    header->length = mill_bytes_read_u24 (data + 3);
    header->type = data[6];
  }
  if (header->format == 0)
    header->stream_id = mill_rtmp_read_u32_le (data + 7);
  header->extended = header->field == EXTENDED;
  if (header->extended) {
    if (bytes->size < used + 4)
      return TRUE;
    header->field = mill_bytes_read_u32 (bytes->data + used);
    used += 4;
  }
  header->size = used;
  return TRUE;
}

static void
advance (MillRtmpBytes *bytes, gsize size)
{
  bytes->data += size;
  bytes->size -= size;
}

static void
drop_tail (MillRtmpChunkReader *reader, gsize size)
{
  reader->tail_size -= size;
  memmove (reader->tail, reader->tail + size, reader->tail_size);
}

/* The next header, from the tail and @bytes; header->size is 0 when both end
 * too early and everything is in the tail. */
static gboolean
take_header (MillRtmpChunkReader *reader, MillRtmpBytes *bytes,
    ChunkHeader *header, GError **error)
{
  if (reader->tail_size == 0) {
    if (!parse_header (reader, bytes, header, error))
      return FALSE;
    if (header->size == 0) {
      memcpy (reader->tail, bytes->data, bytes->size);
      reader->tail_size = bytes->size;
      advance (bytes, bytes->size);
    }
    advance (bytes, header->size);
    return TRUE;
  }
  for (;;) {
    MillRtmpBytes tail = { reader->tail, reader->tail_size };
    if (!parse_header (reader, &tail, header, error))
      return FALSE;
    if (header->size > 0)
      break;
    if (bytes->size == 0)
      return TRUE;
    reader->tail[reader->tail_size++] = bytes->data[0];
    advance (bytes, 1);
  }
  drop_tail (reader, header->size);
  return TRUE;
}

static ChunkStream *
add_stream (MillRtmpChunkReader *reader, guint id, GError **error)
{
  if (reader->streams->len >= reader->limits.max_chunk_streams) {
    g_set_error (error, MILL_RTMP_LIMIT_ERROR, MILL_RTMP_LIMIT_CHUNK_STREAMS,
        "chunk stream '%u': got one more than %u, expected no more", id,
        reader->limits.max_chunk_streams);
    return NULL;
  }
  ChunkStream *stream = g_new0 (ChunkStream, 1);
  stream->id = id;
  g_ptr_array_add (reader->streams, stream);
  return stream;
}

static gboolean
check_length (const MillRtmpChunkReader *reader, const ChunkStream *stream,
    GError **error)
{
  if (stream->length > reader->max_message_bytes) {
    g_set_error (error, MILL_RTMP_LIMIT_ERROR, MILL_RTMP_LIMIT_MESSAGE_BYTES,
        "message of type %u: got %u bytes, expected at most %u", stream->type,
        stream->length, reader->max_message_bytes);
    return FALSE;
  }
  guint64 announced = reader->announced + stream->length;
  if (announced > 2 * (guint64) reader->max_message_bytes) {
    g_set_error (error, MILL_RTMP_LIMIT_ERROR, MILL_RTMP_LIMIT_MESSAGE_BYTES,
        "interleaved messages: got %" G_GUINT64_FORMAT
        " bytes announced, expected at most twice %u",
        announced, reader->max_message_bytes);
    return FALSE;
  }
  return TRUE;
}

/* Section 5.3.1.2: what each type of header gives, the rest is inherited. A
 * type 3 that starts a message repeats the delta, or after type 0 the time
 * stamp as a delta (section 5.3.1.2.4). */
static gboolean
begin_message (MillRtmpChunkReader *reader, ChunkStream *stream,
    const ChunkHeader *header, GError **error)
{
  if (header->format <= 2) {
    stream->field = header->field;
    stream->extended = header->extended;
  }
  if (header->format <= 1) {
    stream->length = header->length;
    stream->type = header->type;
  }
  if (header->format == 0) {
    stream->stream_id = header->stream_id;
    stream->timestamp_ms = header->field;
  } else {
    stream->timestamp_ms += stream->field;
  }
  if (!check_length (reader, stream, error))
    return FALSE;
  stream->in_message = TRUE;
  reader->announced += stream->length;
  return TRUE;
}

static gboolean
begin_chunk (MillRtmpChunkReader *reader, const ChunkHeader *header,
    GError **error)
{
  ChunkStream *stream = find_stream (reader, header->id);
  if (stream == NULL)
    stream = add_stream (reader, header->id, error);
  if (stream == NULL)
    return FALSE;
  if (!stream->in_message) {
    if (!begin_message (reader, stream, header, error))
      return FALSE;
  } else if (header->format != 3) {
    g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "chunk stream '%u': got a header of type %u within a message, "
        "expected type 3 for %" G_GSIZE_FORMAT " more bytes",
        stream->id, header->format, stream->length - stream->fill);
    return FALSE;
  }
  reader->current = stream;
  reader->chunk_left = MIN (reader->chunk_size, stream->length - stream->fill);
  return TRUE;
}

/* A length is only a peer's word: memory grows with what has arrived. */
static void
reserve (MillRtmpChunkReader *reader, ChunkStream *stream, gsize size)
{
  MillRtmpPayload *payload = &stream->payload;
  MillRtmpPayload grown = { 0 };

  if (payload->size >= size)
    return;
  gsize wanted = MAX (FIRST_ALLOCATION, 2 * stream->fill);
  wanted = CLAMP (wanted, size, MAX (size, stream->length));
  mill_rtmp_arena_reserve (&reader->arena, wanted, &grown);
  if (stream->fill > 0)
    memcpy (grown.data, payload->data, stream->fill);
  mill_rtmp_arena_drop (payload);
  *payload = grown;
}

static void
read_payload (MillRtmpChunkReader *reader, MillRtmpBytes *bytes)
{
  gsize size = MIN (bytes->size, reader->chunk_left);
  if (size == 0)
    return;
  ChunkStream *stream = reader->current;
  reserve (reader, stream, stream->fill + size);
  memcpy (stream->payload.data + stream->fill, bytes->data, size);
  stream->fill += size;
  reader->chunk_left -= size;
  advance (bytes, size);
}

static GstBuffer *
steal_payload (MillRtmpChunkReader *reader, ChunkStream *stream)
{
  GstBuffer *payload = NULL;
  if (stream->payload.data != NULL)
    payload =
        mill_rtmp_arena_wrap (&reader->arena, &stream->payload, stream->fill);
  drop_message (reader, stream);
  return payload;
}

static gboolean
read_control_number (const ChunkStream *stream, guint32 *ret_number,
    GError **error)
{
  if (stream->fill < 4) {
    g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "message of type %u: got %" G_GSIZE_FORMAT " bytes, expected 4",
        stream->type, stream->fill);
    return FALSE;
  }
  *ret_number = mill_bytes_read_u32 (stream->payload.data);
  return TRUE;
}

/* Section 5.4.1: the top bit is zero, and sizes above 0xFFFFFF are all the
 * same since no message is longer. */
static gboolean
set_chunk_size (MillRtmpChunkReader *reader, const ChunkStream *stream,
    GError **error)
{
  guint32 size;
  if (!read_control_number (stream, &size, error))
    return FALSE;
  if (size < 1 || size > G_MAXINT32) {
    g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "Set Chunk Size: got %u, expected 1 to 2147483647", size);
    return FALSE;
  }
  size = MIN (size, 0xffffff);
  if (size > reader->limits.max_chunk_bytes) {
    g_set_error (error, MILL_RTMP_LIMIT_ERROR, MILL_RTMP_LIMIT_CHUNK_BYTES,
        "Set Chunk Size: got %u, expected at most %u", size,
        reader->limits.max_chunk_bytes);
    return FALSE;
  }
  reader->chunk_size = size;
  return TRUE;
}

/* Section 5.4.2 */
static gboolean
abort_message (MillRtmpChunkReader *reader, const ChunkStream *stream,
    GError **error)
{
  guint32 id;
  if (!read_control_number (stream, &id, error))
    return FALSE;
  ChunkStream *aborted = find_stream (reader, id);
  if (aborted != NULL && aborted != stream)
    drop_message (reader, aborted);
  return TRUE;
}

static MillRtmpChunkResult
end_message (MillRtmpChunkReader *reader, ChunkStream *stream,
    MillRtmpHeader *ret_header, GstBuffer **ret_payload, GError **error)
{
  gboolean ok;
  if (stream->type == MILL_RTMP_MESSAGE_SET_CHUNK_SIZE) {
    ok = set_chunk_size (reader, stream, error);
  } else if (stream->type == MILL_RTMP_MESSAGE_ABORT) {
    ok = abort_message (reader, stream, error);
  } else {
    *ret_header = (MillRtmpHeader){
      .chunk_stream = stream->id,
      .type = stream->type,
      .stream_id = stream->stream_id,
      .timestamp_ms = stream->timestamp_ms,
    };
    *ret_payload = steal_payload (reader, stream);
    return MILL_RTMP_CHUNK_MESSAGE;
  }
  drop_message (reader, stream);
  return ok ? MILL_RTMP_CHUNK_MORE : MILL_RTMP_CHUNK_FAILED;
}

MillRtmpChunkResult
mill_rtmp_chunk_reader_feed (MillRtmpChunkReader *reader, MillRtmpBytes *bytes,
    MillRtmpHeader *ret_header, GstBuffer **ret_payload, GError **error)
{
  while (bytes->size > 0 || reader->tail_size > 0) {
    if (reader->current == NULL) {
      ChunkHeader header;
      if (!take_header (reader, bytes, &header, error))
        return MILL_RTMP_CHUNK_FAILED;
      if (header.size == 0)
        break;
      if (!begin_chunk (reader, &header, error))
        return MILL_RTMP_CHUNK_FAILED;
    }
    if (reader->tail_size > 0) {
      MillRtmpBytes tail = { reader->tail, reader->tail_size };
      read_payload (reader, &tail);
      drop_tail (reader, reader->tail_size - tail.size);
    }
    read_payload (reader, bytes);
    if (reader->chunk_left > 0)
      break;
    ChunkStream *stream = g_steal_pointer (&reader->current);
    if (stream->fill < stream->length)
      continue;
    MillRtmpChunkResult result =
        end_message (reader, stream, ret_header, ret_payload, error);
    if (result != MILL_RTMP_CHUNK_MORE)
      return result;
  }
  return MILL_RTMP_CHUNK_MORE;
}

gboolean
mill_rtmp_chunk_reader_is_idle (const MillRtmpChunkReader *reader)
{
  if (reader->current != NULL || reader->tail_size > 0)
    return FALSE;
  for (guint i = 0; i < reader->streams->len; i++) {
    ChunkStream *stream = g_ptr_array_index (reader->streams, i);
    if (stream->in_message)
      return FALSE;
  }
  return TRUE;
}

GVariant *
mill_rtmp_chunk_reader_save (const MillRtmpChunkReader *reader)
{
  GVariantBuilder streams;
  g_variant_builder_init (&streams, G_VARIANT_TYPE ("a(ubuuuyu)"));
  for (guint i = 0; i < reader->streams->len; i++) {
    ChunkStream *stream = g_ptr_array_index (reader->streams, i);
    g_variant_builder_add (&streams, "(ubuuuyu)", stream->id, stream->extended,
        stream->field, stream->timestamp_ms, stream->length, stream->type,
        stream->stream_id);
  }
  return g_variant_new ("(u@a(ubuuuyu))", reader->chunk_size,
      g_variant_builder_end (&streams));
}

static gboolean
load_stream (MillRtmpChunkReader *reader, const ChunkStream *loaded,
    GError **error)
{
  if (loaded->id < MIN_CHUNK_STREAM || loaded->id > MAX_CHUNK_STREAM ||
      loaded->length > 0xffffff || find_stream (reader, loaded->id) != NULL) {
    g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "saved chunk stream '%u': got a length of %u, expected an id used once "
        "in %u to %u and a length of 24 bits",
        loaded->id, loaded->length, MIN_CHUNK_STREAM, MAX_CHUNK_STREAM);
    return FALSE;
  }
  ChunkStream *stream = add_stream (reader, loaded->id, error);
  if (stream == NULL)
    return FALSE;
  *stream = *loaded;
  return TRUE;
}

gboolean
mill_rtmp_chunk_reader_load (MillRtmpChunkReader *reader, GVariant *variant,
    GError **error)
{
  guint chunk_size;
  g_autoptr (GVariantIter) streams = NULL;
  g_variant_get (variant, MILL_RTMP_CHUNK_READER_VARIANT, &chunk_size,
      &streams);
  if (chunk_size < 1 || chunk_size > reader->limits.max_chunk_bytes) {
    g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
        "saved chunk size: got %u, expected 1 to %u", chunk_size,
        reader->limits.max_chunk_bytes);
    return FALSE;
  }
  reader->chunk_size = chunk_size;
  ChunkStream stream = { 0 };
  while (g_variant_iter_next (streams, "(ubuuuyu)", &stream.id,
      &stream.extended, &stream.field, &stream.timestamp_ms, &stream.length,
      &stream.type, &stream.stream_id)) {
    if (!load_stream (reader, &stream, error))
      return FALSE;
  }
  return TRUE;
}

void
mill_rtmp_chunk_reader_visit (const MillRtmpChunkReader *reader,
    MillRtmpVisitFunc visit, gpointer user_data)
{
  visit (reader, sizeof *reader, user_data);
  visit (reader->streams, sizeof *reader->streams, user_data);
  visit (reader->streams->pdata, reader->streams->len * sizeof (gpointer),
      user_data);
  for (guint i = 0; i < reader->streams->len; i++)
    visit (g_ptr_array_index (reader->streams, i), sizeof (ChunkStream),
        user_data);
}

gpointer
mill_rtmp_chunk_reader_peek_room (const MillRtmpChunkReader *reader)
{
  return mill_rtmp_arena_peek (&reader->arena);
}
