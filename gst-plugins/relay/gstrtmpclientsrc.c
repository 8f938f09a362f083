/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * rtmpclientsrc: pulls a stream from an RTMP server and pushes it as it is: the
 * counterpart of rtmpserversrc, with the same pads, caps and time stamps.
 *
 *   gst-launch-1.0 -e rtmpclientsrc location=rtmp://127.0.0.1:1935/live/demo
 *       name=s  s.video_0 ! queue ! mp4mux name=m ! filesink location=a.mp4
 *       s.audio_0 ! queue ! m.
 *
 * States: live, no preroll. PLAYING connects, PAUSED stops reading,
 * PAUSED->READY waits for its own push in flight and leaves the server.
 *
 * Here are states and properties; relay-pull.c has the stream.
 *
 * Threads: media is pushed from a thread of the element's own.
 *
 * Source: docs in this folder's README.md; protocol in lib/rtmp/.
 */
#include <gst/gst.h>

#include "relay-pull.h"
#include "rtmp-track.h"

enum
{
  PROP_STATS = MILL_RELAY_N_PROPS,
};

#define GST_TYPE_RTMP_CLIENT_SRC (gst_rtmp_client_src_get_type ())
G_DECLARE_FINAL_TYPE (GstRtmpClientSrc, gst_rtmp_client_src, GST,
    RTMP_CLIENT_SRC, GstElement)

struct _GstRtmpClientSrc
{
  GstElement parent;

  MillRelayPull *pull; /* of the element's life; guards itself */
  MillRelaySettings settings; /* OBJECT_LOCK */
};

G_DEFINE_FINAL_TYPE (GstRtmpClientSrc, gst_rtmp_client_src, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DECLARE (rtmpclientsrc);
GST_ELEMENT_REGISTER_DEFINE (rtmpclientsrc, "rtmpclientsrc", GST_RANK_NONE,
    GST_TYPE_RTMP_CLIENT_SRC);

/* ---- states ---- */

static gboolean
open_pull (GstRtmpClientSrc *self)
{
  g_autoptr (GError) error = NULL;
  g_auto (MillRelaySettings) settings;

  GST_OBJECT_LOCK (self);
  mill_relay_settings_copy (&self->settings, &settings);
  GST_OBJECT_UNLOCK (self);
  if (mill_relay_pull_open (self->pull, &settings, &error))
    return TRUE;
  GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("%s", error->message), (NULL));
  return FALSE;
}

static GstStateChangeReturn
gst_rtmp_client_src_change_state (GstElement *element, GstStateChange change)
{
  GstRtmpClientSrc *self = GST_RTMP_CLIENT_SRC (element);

  if (change == GST_STATE_CHANGE_NULL_TO_READY &&
      !mill_relay_settings_check (&self->settings, element))
    return GST_STATE_CHANGE_FAILURE;
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED && !open_pull (self))
    return GST_STATE_CHANGE_FAILURE;
  if (change == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    mill_relay_pull_set_playing (self->pull, FALSE);
  if (change == GST_STATE_CHANGE_PAUSED_TO_READY)
    mill_relay_pull_close (self->pull);

  GstStateChangeReturn ret =
      GST_ELEMENT_CLASS (gst_rtmp_client_src_parent_class)
          ->change_state (element, change);
  gboolean is_down = change == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (change == GST_STATE_CHANGE_READY_TO_PAUSED &&
          ret == GST_STATE_CHANGE_FAILURE);
  if (is_down) {
    mill_relay_pull_close (self->pull);
    mill_relay_pull_reset (self->pull);
  }
  if (ret == GST_STATE_CHANGE_FAILURE)
    return ret;

  if (change == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    mill_relay_pull_set_playing (self->pull, TRUE);
  if (change == GST_STATE_CHANGE_READY_TO_PAUSED ||
      change == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    return GST_STATE_CHANGE_NO_PREROLL;
  return ret;
}

/* EOS is what gst-launch-1.0 -e and applications send to end a recording. */
static gboolean
gst_rtmp_client_src_send_event (GstElement *element, GstEvent *event)
{
  if (GST_EVENT_TYPE (event) != GST_EVENT_EOS)
    return GST_ELEMENT_CLASS (gst_rtmp_client_src_parent_class)
        ->send_event (element, event);
  gst_event_unref (event);
  return mill_relay_pull_request_end (GST_RTMP_CLIENT_SRC (element)->pull);
}

/* ---- properties ---- */

static void
gst_rtmp_client_src_set_property (GObject *object, guint id,
    const GValue *value, GParamSpec *pspec)
{
  GstRtmpClientSrc *self = GST_RTMP_CLIENT_SRC (object);

  GST_OBJECT_LOCK (self);
  gboolean is_known = mill_relay_settings_set (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!is_known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_rtmp_client_src_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstRtmpClientSrc *self = GST_RTMP_CLIENT_SRC (object);

  if (id == PROP_STATS) {
    g_value_take_boxed (value, mill_relay_pull_make_stats (self->pull));
    return;
  }
  GST_OBJECT_LOCK (self);
  gboolean is_known = mill_relay_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!is_known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

/* ---- class ---- */

static void
gst_rtmp_client_src_finalize (GObject *object)
{
  GstRtmpClientSrc *self = GST_RTMP_CLIENT_SRC (object);

  mill_relay_pull_free (self->pull);
  mill_relay_settings_clear (&self->settings);
  G_OBJECT_CLASS (gst_rtmp_client_src_parent_class)->finalize (object);
}

static void
gst_rtmp_client_src_class_init (GstRtmpClientSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_rtmp_client_src_set_property;
  object_class->get_property = gst_rtmp_client_src_get_property;
  object_class->finalize = gst_rtmp_client_src_finalize;
  element_class->change_state = gst_rtmp_client_src_change_state;
  element_class->send_event = gst_rtmp_client_src_send_event;
  mill_relay_settings_install (object_class, MILL_RELAY_ROLE_SOURCE);
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "state, target, attempts, connections, bytes, rtt (ns), last-error, "
          "and of the media what rtmpserversrc has",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  gst_element_class_add_pad_template (element_class,
      mill_rtmp_track_make_template (MILL_FLV_KIND_VIDEO));
  gst_element_class_add_pad_template (element_class,
      mill_rtmp_track_make_template (MILL_FLV_KIND_AUDIO));
  gst_element_class_set_static_metadata (element_class, "RTMP client source",
      "Source/Network", "Pulls a stream from an RTMP server",
      "The millrace authors");
}

static void
gst_rtmp_client_src_init (GstRtmpClientSrc *self)
{
  self->pull = mill_relay_pull_new (GST_ELEMENT (self));
  mill_relay_settings_init (&self->settings, MILL_RELAY_ROLE_SOURCE);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE);
}
