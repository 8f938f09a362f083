/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-aggregate.h"

#include "bytes/bytes.h"
#include "rtmp-session.h"

/* An FLV tag inside an aggregate message: header, and size again behind. */
#define TAG_HEADER 11
#define TAG_TRAILER 4

void
mill_rtmp_aggregate_init (MillRtmpAggregate *aggregate,
    const MillRtmpHeader *header, const guint8 *data, gsize size)
{
  *aggregate =
      (MillRtmpAggregate){ .header = header, .data = data, .size = size };
}

static gboolean
check_tag (const MillRtmpAggregate *aggregate, gsize tag_size, GError **error)
{
  gsize left = aggregate->size - aggregate->position;
  if (left >= TAG_HEADER + tag_size)
    return TRUE;
  g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
      "aggregate message at byte %" G_GSIZE_FORMAT ": got %" G_GSIZE_FORMAT
      " more bytes, expected a tag of %" G_GSIZE_FORMAT,
      aggregate->position, left, TAG_HEADER + tag_size);
  return FALSE;
}

/* Time stamps count from the first tag's, which stands for the message's. */
gboolean
mill_rtmp_aggregate_next (MillRtmpAggregate *aggregate,
    MillRtmpAggregatePart *ret_part, GError **error)
{
  if (aggregate->position == aggregate->size ||
      !check_tag (aggregate, 0, error))
    return FALSE;
  const guint8 *tag = aggregate->data + aggregate->position;
  gsize tag_size = mill_bytes_read_u24 (tag + 1);
  /* FLV E.4.1: the upper eight bits of the time stamp come last */
  guint32 tag_ms = mill_bytes_read_u24 (tag + 4) | (guint32) tag[7] << 24;
  if (!check_tag (aggregate, tag_size, error))
    return FALSE;
  if (aggregate->position == 0)
    aggregate->first_ms = tag_ms;
  ret_part->header = *aggregate->header;
  ret_part->header.type = tag[0] & 0x1f;
  ret_part->header.timestamp_ms += tag_ms - aggregate->first_ms;
  ret_part->offset = aggregate->position + TAG_HEADER;
  ret_part->size = tag_size;
  aggregate->position += MIN (aggregate->size - aggregate->position,
      TAG_HEADER + tag_size + TAG_TRAILER);
  return TRUE;
}
