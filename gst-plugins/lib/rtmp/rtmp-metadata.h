/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "amf0.h"

G_BEGIN_DECLS

/* The structure "metadata" with the numbers, strings and booleans of
 * onMetaData's first level; what is not safe to keep is left out.
 * Returns: (transfer full) */
GstStructure *mill_rtmp_metadata_new (const MillAmf0Value *object);

G_END_DECLS
