/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include <gst/gst.h>

GST_DEBUG_CATEGORY (mill_relay_debug);
