/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gststates.h"

GstStateChangeReturn
gst_states_change (GstElement *element, GstStateChange transition,
    GstElementClass *parent, const GstStatesCalls *calls)
{
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !calls->start (element))
    return GST_STATE_CHANGE_FAILURE;
  GstStateChangeReturn ret = parent->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
          ret == GST_STATE_CHANGE_FAILURE))
    calls->stop (element);
  return ret;
}
