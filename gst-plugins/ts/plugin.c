/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include <gst/gst.h>

GST_ELEMENT_REGISTER_DECLARE (hlstssink)

static gboolean
plugin_init (GstPlugin *plugin)
{
  return GST_ELEMENT_REGISTER (hlstssink, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, millts,
    "HLS in MPEG-TS, for players that know no fMP4", plugin_init, MILL_VERSION,
    "MIT/X11", "millrace", "https://millrace.invalid/")
