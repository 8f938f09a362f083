/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "source-event.h"

#define NAME_LOST "millrace-source-lost"
#define NAME_SPLICE "millrace-splice"

GstEvent *
mill_source_event_new_lost (const gchar *reason)
{
  return gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_OOB,
      gst_structure_new (NAME_LOST, "reason", G_TYPE_STRING, reason, NULL));
}

gboolean
mill_source_event_is_lost (GstEvent *event)
{
  return GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM_OOB &&
      gst_event_has_name (event, NAME_LOST);
}

GstEvent *
mill_source_event_new_splice (GBytes *section)
{
  return gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
      gst_structure_new (NAME_SPLICE, "section", G_TYPE_BYTES, section, NULL));
}

GBytes *
mill_source_event_get_splice (GstEvent *event)
{
  GBytes *section = NULL;
  if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_DOWNSTREAM &&
      gst_event_has_name (event, NAME_SPLICE))
    gst_structure_get (gst_event_get_structure (event), "section", G_TYPE_BYTES,
        &section, NULL);
  return section;
}
