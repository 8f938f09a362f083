/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/origin/http-exchange.h"
#include "daemon/origin/live-stream.h"
#include "daemon/origin/origin-files.h"
#include "daemon/origin/origin-gzip.h"
#include "daemon/origin/origin-metrics.h"
#include "daemon/origin/origin-path.h"

G_BEGIN_DECLS

/*
 * Requests for what a live stream has, or is about to have: playlists with
 * their delivery directives, parts, hinted headers (RFC 8216bis 6.2.5, 6.2.6).
 * An answer that has to wait holds its exchange. Main thread.
 *
 * Each function returns FALSE, and has done nothing, when the request is none
 * of its: then the file is served as it is.
 */
typedef struct _MillLiveServe MillLiveServe;

/** All of them outlive it. */
typedef struct
{
  MillLiveStreams *streams;
  MillOriginFiles *files;
  MillOriginGzip *gzip;
  MillOriginMetrics *metrics;
} MillLiveServeOptions;

/** Returns: (transfer full) */
MillLiveServe *mill_live_serve_new (const MillLiveServeOptions *options);
void mill_live_serve_free (MillLiveServe *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillLiveServe, mill_live_serve_free)

/** {rendition}/{name}.m3u8 */
gboolean mill_live_serve_playlist (MillLiveServe *self,
    MillHttpExchange *exchange, const MillOriginPath *path);

/** {rendition}/{generation}-{number}.{part}.m4s; FALSE: nothing is known
 * of such a stream, and parts are not in files of their own */
gboolean mill_live_serve_part (MillLiveServe *self, MillHttpExchange *exchange,
    const MillOriginPath *path);

/** {rendition}/init-{generation}.mp4 that is hinted, and not there yet. */
gboolean mill_live_serve_init (MillLiveServe *self, MillHttpExchange *exchange,
    const MillOriginPath *path);

/** Whoever waits for something of @streams, which are about to be drained, is to
 * ask another process. */
void mill_live_serve_drain (MillLiveServe *self);

G_END_DECLS
