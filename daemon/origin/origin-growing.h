/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/origin/http-exchange.h"
#include "daemon/origin/live-stream.h"
#include "daemon/origin/origin-path.h"

G_BEGIN_DECLS

/*
 * A segment that is being written, sent as it grows: chunked, a part at a time,
 * up to its end. What players of low-latency DASH ask for (their MPD says
 * availabilityTimeComplete="false"), also a little before it begins: they are
 * held until it does. When the packager dies, or nothing comes for three target
 * durations, the connection ends in the middle, so that nobody takes what they
 * have for the whole. Main thread.
 */

typedef enum
{
  MILL_ORIGIN_GROWTH_NONE, /* it does not grow, and is not about to begin */
  MILL_ORIGIN_GROWTH_SERVED, /* the exchange is answered, or will be */
  MILL_ORIGIN_GROWTH_WHOLE, /* the file is complete, listed or not */
} MillOriginGrowth;

/**
 * mill_origin_growing_serve:
 * @path: of a segment that no playlist lists
 *
 * Ranges are not looked at: how long it becomes is not known.
 *
 * Returns: what it did; only MILL_ORIGIN_GROWTH_SERVED touches @exchange
 */
MillOriginGrowth mill_origin_growing_serve (MillLiveStreams *streams,
    const gchar *media_dir, MillHttpExchange *exchange,
    const MillOriginPath *path);

G_END_DECLS
