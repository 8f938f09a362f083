/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/log-gstreamer.h"

/* Any thread. Levels finer than INFO appear only with GST_DEBUG, so someone
 * asked for them: they are not hidden behind the process's own level. */
static void
forward (GstDebugCategory *category, GstDebugLevel level, const gchar *file,
    const gchar *function, gint line, GObject *object, GstDebugMessage *message,
    gpointer user_data)
{
  const gchar *domain = gst_debug_category_get_name (category);
  const gchar *name = GST_IS_OBJECT (object) ? GST_OBJECT_NAME (object) : NULL;
  GLogLevelFlags flags = G_LOG_LEVEL_INFO;

  if (level > gst_debug_category_get_threshold (category))
    return;
  if (level == GST_LEVEL_ERROR)
    flags = G_LOG_LEVEL_WARNING;
  else if (level == GST_LEVEL_WARNING || level == GST_LEVEL_FIXME)
    flags = G_LOG_LEVEL_MESSAGE;
  if (name)
    g_log_structured (domain, flags, "MILL_OBJECT", name, "MILL_FUNCTION",
        function, "MESSAGE", "%s", gst_debug_message_get (message));
  else
    g_log_structured (domain, flags, "MILL_FUNCTION", function, "MESSAGE", "%s",
        gst_debug_message_get (message));
}

void
mill_log_gstreamer_route (void)
{
  gst_debug_remove_log_function (gst_debug_log_default);
  gst_debug_add_log_function (forward, NULL, NULL);
  if (gst_debug_get_default_threshold () < GST_LEVEL_WARNING)
    gst_debug_set_default_threshold (GST_LEVEL_WARNING);
}
