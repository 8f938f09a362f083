/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "amf0.h"
#include "flv-fourcc.h"

G_BEGIN_DECLS

/*
 * onMetaData, kept as far as it is safe to keep.
 * Source: FLV specification 10.1, annex E.5; Enhanced RTMP v2, "Enhancing
 * onMetaData".
 *
 * The structure "metadata" has the numbers, strings and booleans of the first
 * level, and a structure each for videoTrackIdInfoMap and audioTrackIdInfoMap,
 * of which the functions below know the inside.
 */

/* Returns: (transfer full) */
GstStructure *mill_rtmp_metadata_new (const MillAmf0Value *object);

/* What is told of one track: its own value, else the one for all.
 * @metadata: (nullable)
 * @ret_number: untouched when there is none */
gboolean mill_rtmp_metadata_get_number (const GstStructure *metadata,
    MillFlvKind kind, guint track_id, const gchar *name, gdouble *ret_number);

/* What is told of that track alone. Returns: (nullable) */
const gchar *mill_rtmp_metadata_get_track_string (const GstStructure *metadata,
    MillFlvKind kind, guint track_id, const gchar *name);

G_END_DECLS
