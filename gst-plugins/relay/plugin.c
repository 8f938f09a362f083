/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include <gst/gst.h>

GST_DEBUG_CATEGORY_EXTERN (mill_relay_debug);

GST_ELEMENT_REGISTER_DECLARE (rtmpclientsink);
GST_ELEMENT_REGISTER_DECLARE (rtmpclientsrc);

static gboolean
plugin_init (GstPlugin *plugin)
{
  GST_DEBUG_CATEGORY_INIT (mill_relay_debug, "rtmpclient", 0,
      "streams to and from RTMP servers");
  return GST_ELEMENT_REGISTER (rtmpclientsink, plugin) &&
      GST_ELEMENT_REGISTER (rtmpclientsrc, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, millrelay,
    "Sends to RTMP servers and pulls from them", plugin_init, MILL_VERSION,
    "MIT/X11", "millrace", "https://millrace.invalid/")
