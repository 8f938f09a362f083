/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstrecordsinkmessages.h"

#include <glib/gstdio.h>

#include "record-file.h"

static gint
to_resource_error (const GError *error)
{
  if (g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOSPC))
    return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
  if (g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_ACCES))
    return GST_RESOURCE_ERROR_OPEN_WRITE;
  return GST_RESOURCE_ERROR_WRITE;
}

void
gst_record_sink_messages_post_trouble (GstElement *sink, GstMessageType type,
    const GError *error)
{
  gboolean is_gst = error->domain == GST_STREAM_ERROR;
  gst_element_message_full (sink, type,
      is_gst ? GST_STREAM_ERROR : GST_RESOURCE_ERROR,
      is_gst ? error->code : to_resource_error (error),
      g_strdup (error->message), NULL, __FILE__, GST_FUNCTION, __LINE__);
}

void
gst_record_sink_messages_post_done (GstElement *sink,
    const MillRecordTake *take, const gchar *path)
{
  GStatBuf about = { 0 };
  g_stat (path, &about);
  gst_element_post_message (sink,
      gst_message_new_element (GST_OBJECT (sink),
          gst_structure_new ("recording-done", "location", G_TYPE_STRING, path,
              "begin", G_TYPE_INT64, mill_record_take_get_begin (take),
              "duration", G_TYPE_UINT64, mill_record_take_get_duration (take),
              "bytes", G_TYPE_UINT64, (guint64) about.st_size, NULL)));
}

void
gst_record_sink_messages_post_left (GstElement *sink, const gchar *location)
{
  g_autoptr (GPtrArray) left = mill_record_file_find_left (location);
  for (guint i = 0; i < left->len; i++)
    GST_ELEMENT_WARNING (sink, RESOURCE, FAILED,
        ("recording '%s': got no end of it, expected a renamed file; it is "
         "kept",
            (const gchar *) g_ptr_array_index (left, i)),
        (NULL));
}

void
gst_record_sink_messages_post_mirrored (GstElement *sink,
    MillRecordContainer container)
{
  GST_ELEMENT_WARNING (sink, STREAM, MUX,
      ("orientation of the picture: got a mirrored one, which %s does not "
       "hold, expected a rotation, or a location that ends in .mp4; it is "
       "recorded as it is encoded",
          mill_record_format_get_title (container)),
      (NULL));
}
