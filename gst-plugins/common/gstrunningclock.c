/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstrunningclock.h"

GstClockTimeDiff
gst_running_clock_ask (GstElement *element)
{
  g_autoptr (GstClock) clock = gst_element_get_clock (element);
  GstClockTime base = gst_element_get_base_time (element);
  if (clock == NULL || GST_STATE (element) != GST_STATE_PLAYING ||
      !GST_CLOCK_TIME_IS_VALID (base))
    return GST_CLOCK_STIME_NONE;
  return GST_CLOCK_DIFF (base, gst_clock_get_time (clock));
}
