/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * gst_running_clock_ask:
 * @element: which takes dates from when something comes
 *
 * Any thread, without the object lock.
 *
 * Returns: running time by the pipeline's clock, now, ns; GST_CLOCK_STIME_NONE
 * where there is none, or it does not run: before PLAYING nothing says where
 * running time will be
 */
GstClockTimeDiff gst_running_clock_ask (GstElement *element);

G_END_DECLS
