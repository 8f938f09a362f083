/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-packager.h"

G_BEGIN_DECLS

/** Returns: (transfer full): the element's property "stats"; @packager:
 * (nullable) */
GstStructure *gst_cmaf_sink_stats_new (MillCmafPackager *packager);

G_END_DECLS
