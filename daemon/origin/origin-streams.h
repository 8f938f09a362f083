/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/origin/http-exchange.h"
#include "daemon/origin/origin-metrics.h"
#include "daemon/origin/origin-path.h"

G_BEGIN_DECLS

/* The files of stream directories, each kind by a handler of its own: see the
 * table in origin-streams.c. Main thread. */
typedef struct _MillOriginStreams MillOriginStreams;

/** @metrics: outlives it. Returns: (transfer full) */
MillOriginStreams *mill_origin_streams_new (const gchar *media_dir,
    MillOriginMetrics *metrics);
void mill_origin_streams_free (MillOriginStreams *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillOriginStreams, mill_origin_streams_free)

/** Answers a GET or HEAD, or holds it; its tag becomes what it is counted as.
 * @path: of kind MILL_ORIGIN_PATH_STREAM */
void mill_origin_streams_serve (MillOriginStreams *self,
    MillHttpExchange *exchange, const MillOriginPath *path);

/** Answers everybody who waits; nobody waits any more. */
void mill_origin_streams_drain (MillOriginStreams *self);

/** @path: of kind MILL_ORIGIN_PATH_STREAM. Returns: whether it is a media file
 * that is there and will never be another one */
gboolean mill_origin_streams_is_complete (MillOriginStreams *self,
    const MillOriginPath *path);

/** Adds what it holds to @gauges. */
void mill_origin_streams_get_gauges (MillOriginStreams *self,
    MillOriginGauges *gauges);

const gchar *mill_origin_streams_get_media_dir (MillOriginStreams *self);

G_END_DECLS
