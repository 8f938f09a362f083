/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstparsers.h"

gboolean
gst_parsers_takes (const gchar *wanted, gboolean is_video, const GstCaps *caps)
{
  if (!g_str_has_prefix (wanted, is_video ? "video/" : "audio/"))
    return FALSE;
  g_autoptr (GstCaps) entry = gst_caps_from_string (wanted);
  return gst_caps_can_intersect (caps, entry);
}

GstElement *
gst_parsers_add (GstBin *bin, GstPad *pad, const gchar *description)
{
  g_autoptr (GError) error = NULL;
  GstElement *element =
      gst_parse_bin_from_description (description, TRUE, &error);
  if (element == NULL) {
    GST_ELEMENT_ERROR (bin, CORE, MISSING_PLUGIN,
        ("parser of pad '%s': got none, expected '%s'", GST_PAD_NAME (pad),
            description),
        ("%s", error->message));
    return NULL;
  }
  gst_bin_add (bin, element);
  return element;
}
