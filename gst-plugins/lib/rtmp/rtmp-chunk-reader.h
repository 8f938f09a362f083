/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-arena.h"
#include "rtmp-message.h"

G_BEGIN_DECLS

/*
 * From chunks to messages (Adobe RTMP 1.0 section 5.3), parsed in place: the
 * only bytes copied are a payload's, once, into the memory it leaves in (more
 * often only above 256 KiB), and a header that the fed bytes cut in two.
 * Set Chunk Size and Abort (section 5.4) are obeyed here and not reported.
 * Between messages a reader holds no payload, but the block that the next ones
 * are put into (rtmp-arena.h).
 */
typedef struct _MillRtmpChunkReader MillRtmpChunkReader;

/**
 * MillRtmpChunkLimits:
 * @max_chunk_bytes: highest Set Chunk Size
 * @max_chunk_streams: chunk streams in use by the peer
 */
typedef struct
{
  guint max_chunk_bytes;
  guint max_chunk_streams;
} MillRtmpChunkLimits;

typedef enum
{
  MILL_RTMP_CHUNK_FAILED, /* the error is set */
  MILL_RTMP_CHUNK_MORE, /* all bytes are consumed */
  MILL_RTMP_CHUNK_MESSAGE, /* a message is complete; feed the rest again */
} MillRtmpChunkResult;

MillRtmpChunkReader *mill_rtmp_chunk_reader_new (const MillRtmpChunkLimits
        *limits);
void mill_rtmp_chunk_reader_free (MillRtmpChunkReader *reader);

/* What payloads are in, from the first message on. @kind: static */
void mill_rtmp_chunk_reader_set_memory_kind (MillRtmpChunkReader *reader,
    const MillRtmpMemoryKind *kind);

/* The longest message taken from now on; all half-read messages together may
 * announce twice as much. */
void mill_rtmp_chunk_reader_set_max_message (MillRtmpChunkReader *reader,
    guint max_message_bytes);

/* Bytes to be read; a reader moves @data and shrinks @size as it consumes. */
typedef struct
{
  const guint8 *data;
  gsize size;
} MillRtmpBytes;

/**
 * mill_rtmp_chunk_reader_feed:
 * @bytes: consumed up to the end of the message that is returned, else whole
 * @ret_header: set with MILL_RTMP_CHUNK_MESSAGE only
 * @ret_payload: (transfer full) (nullable): likewise; one memory, NULL when the
 *   message is empty
 *
 * Errors: MILL_RTMP_ERROR_PROTOCOL, and those of MILL_RTMP_LIMIT_ERROR
 */
MillRtmpChunkResult mill_rtmp_chunk_reader_feed (MillRtmpChunkReader *reader,
    MillRtmpBytes *bytes, MillRtmpHeader *ret_header, GstBuffer **ret_payload,
    GError **error);

/* Whether no header or message is half read: only then can it be saved. */
gboolean mill_rtmp_chunk_reader_is_idle (const MillRtmpChunkReader *reader);

/* Where the payload of the next message is put, unless it is a large one.
 * Returns: (nullable) */
gpointer mill_rtmp_chunk_reader_peek_room (const MillRtmpChunkReader *reader);

/* All memory but payload that a message goes through. */
void mill_rtmp_chunk_reader_visit (const MillRtmpChunkReader *reader,
    MillRtmpVisitFunc visit, gpointer user_data);

/* State between messages, of type MILL_RTMP_CHUNK_READER_VARIANT. Loading goes
 * into a new reader and checks every number.
 * Returns: (transfer floating) */
#define MILL_RTMP_CHUNK_READER_VARIANT "(ua(ubuuuyu))"
GVariant *mill_rtmp_chunk_reader_save (const MillRtmpChunkReader *reader);
gboolean mill_rtmp_chunk_reader_load (MillRtmpChunkReader *reader,
    GVariant *variant, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRtmpChunkReader, mill_rtmp_chunk_reader_free)

G_END_DECLS
