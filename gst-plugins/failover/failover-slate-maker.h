/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "failover-slate.h"

G_BEGIN_DECLS

/* Makes the media of a slate. On any thread; takes seconds.
 * @cancelled: atomic; ends it early
 * @tracks: N_TRACKS of them, empty
 * Errors: GST_RESOURCE_ERROR, GST_STREAM_ERROR, GST_CORE_ERROR: the file cannot
 * be used, or an element is missing */
gboolean mill_failover_slate_maker_run (const MillFailoverSlateFormat *format,
    const gint *cancelled, MillFailoverSlateTrack *tracks, GError **error);

G_END_DECLS
