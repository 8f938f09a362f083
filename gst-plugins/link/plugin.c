/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include <gst/gst.h>
#include <gst/video/video.h>

GST_ELEMENT_REGISTER_DECLARE (millsink)
GST_ELEMENT_REGISTER_DECLARE (millsrc)

static gboolean
plugin_init (GstPlugin *plugin)
{
  /* h264parse puts it into caps, and GStreamer reads only values of types that
   * it has met: a consumer may be the first here to meet this one. */
  g_type_ensure (GST_TYPE_VIDEO_MULTIVIEW_FLAGSET);
  return GST_ELEMENT_REGISTER (millsink, plugin) &&
      GST_ELEMENT_REGISTER (millsrc, plugin);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, milllink,
    "Links between graphs of several processes", plugin_init, MILL_VERSION,
    "MIT/X11", "millrace", "https://millrace.invalid/")
