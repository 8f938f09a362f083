/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The health of who publishes: looked at once a second, told as messages. */

#include "rtmp-stream-private.h"

GST_DEBUG_CATEGORY_EXTERN (gst_rtmp_server_src_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_src_debug

static void
post_changes (MillRtmpStream *self, const MillRtmpHealthChange *changes,
    guint n_changes)
{
  MillRtmpHealth *health = mill_rtmp_output_get_health (self->output);

  for (guint i = 0; i < n_changes; i++) {
    const gchar *id = mill_rtmp_health_warnings_get_id (changes[i].warning);
    const gchar *text =
        mill_rtmp_health_get_message (health, changes[i].warning);
    GST_INFO_OBJECT (self->element, "%s %s%s%s", id,
        changes[i].is_raised ? "begins" : "is over", text ? ": " : "",
        text ? text : "");
    gst_element_post_message (self->element,
        gst_message_new_element (GST_OBJECT (self->element),
            gst_structure_new ("rtmp-health", "id", G_TYPE_STRING, id, "raised",
                G_TYPE_BOOLEAN, changes[i].is_raised, "message", G_TYPE_STRING,
                text ? text : "", NULL)));
  }
}

void
mill_rtmp_stream_health_arm (MillRtmpStream *self)
{
  gint64 second = g_get_monotonic_time () / G_USEC_PER_SEC + 1;

  mill_rtmp_timer_arm (self->health_timer, second * G_USEC_PER_SEC);
}

void
mill_rtmp_stream_health_on_due (gpointer user_data)
{
  MillRtmpStream *self = user_data;
  MillRtmpHealthChange changes[MILL_RTMP_HEALTH_N_WARNINGS];
  guint n_changes = 0;

  g_mutex_lock (&self->lock);
  g_autoptr (MillRtmpConnection) session =
      self->live ? g_object_ref (self->session) : NULL;
  gboolean playing = self->playing;
  g_mutex_unlock (&self->lock);
  if (!session)
    return;
  mill_rtmp_stream_health_arm (self);
  /* Who is not read has nothing to be judged by. */
  if (playing)
    n_changes = mill_rtmp_output_tick (self->output,
        mill_rtmp_connection_get_rtt_us (session),
        mill_rtmp_stream_get_low_latency (self), changes);
  post_changes (self, changes, n_changes);
}

void
mill_rtmp_stream_health_end (MillRtmpStream *self)
{
  MillRtmpHealthChange changes[MILL_RTMP_HEALTH_N_WARNINGS];
  guint n_changes =
      mill_rtmp_health_end (mill_rtmp_output_get_health (self->output),
          changes);

  mill_rtmp_timer_arm (self->health_timer, 0);
  post_changes (self, changes, n_changes);
}
