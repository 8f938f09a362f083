/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-message.h"

G_BEGIN_DECLS

/*
 * The messages inside an aggregate message: FLV tags one after the other
 * (Adobe RTMP 1.0 section 7.1.6).
 */
typedef struct
{
  const MillRtmpHeader *header; /* of the aggregate */
  const guint8 *data;
  gsize size;
  gsize position;
  guint32 first_ms;
} MillRtmpAggregate;

/* @header, @data must outlive it. */
void mill_rtmp_aggregate_init (MillRtmpAggregate *aggregate,
    const MillRtmpHeader *header, const guint8 *data, gsize size);

typedef struct
{
  MillRtmpHeader header;
  gsize offset; /* of the payload in the aggregate's data */
  gsize size;
} MillRtmpAggregatePart;

/**
 * mill_rtmp_aggregate_next:
 * @ret_part: set when a message was found
 *
 * Returns: TRUE with a message; FALSE at the end, or with an error
 * Errors: MILL_RTMP_ERROR_PROTOCOL when the data end inside a tag
 */
gboolean mill_rtmp_aggregate_next (MillRtmpAggregate *aggregate,
    MillRtmpAggregatePart *ret_part, GError **error);

G_END_DECLS
