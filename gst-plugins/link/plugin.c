/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include <gst/gst.h>

GST_ELEMENT_REGISTER_DECLARE (millsink)
GST_ELEMENT_REGISTER_DECLARE (millsrc)

static gboolean
plugin_init (GstPlugin *plugin)
{
  return GST_ELEMENT_REGISTER (millsink, plugin) &&
      GST_ELEMENT_REGISTER (millsrc, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, milllink,
    "Links between graphs of several processes", plugin_init, MILL_VERSION,
    "MIT/X11", "millrace", "https://millrace.invalid/")
