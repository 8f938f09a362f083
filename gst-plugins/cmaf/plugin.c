/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include <gst/mpegts/mpegts.h>

GST_ELEMENT_REGISTER_DECLARE (cmafmux)
GST_ELEMENT_REGISTER_DECLARE (cmafsink)

static gboolean
plugin_init (GstPlugin *plugin)
{
  /* Sections in events are found by it. */
  gst_mpegts_initialize ();
  return GST_ELEMENT_REGISTER (cmafmux, plugin) &&
      GST_ELEMENT_REGISTER (cmafsink, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, millcmaf,
    "CMAF packaging for HLS and DASH", plugin_init, MILL_VERSION, "MIT/X11",
    "millrace", "https://millrace.invalid/")
