/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include <gst/gst.h>

GST_ELEMENT_REGISTER_DECLARE (recordsink)

static gboolean
plugin_init (GstPlugin *plugin)
{
  return GST_ELEMENT_REGISTER (recordsink, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, millrecord,
    "Recordings in MP4, WebM and Matroska files", plugin_init, MILL_VERSION,
    "MIT/X11", "millrace", "https://millrace.invalid/")
