/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * rtmpclientsink: publishes encoded media to an RTMP server, and goes on trying
 * when that refuses, stalls or is away, at no cost for what is before it.
 *
 *   gst-launch-1.0 -e videotestsrc is-live=true ! x264enc tune=zerolatency
 *       ! rtmpclientsink location=rtmp://127.0.0.1:1935/live/demo
 *
 * States: PLAYING without a server; never prerolls. A frame connects it.
 *
 * Here are pads, properties and states; relay-target.c has the server.
 *
 * Threads: chain and events on the streaming threads of upstream, where they
 * never wait; all else on the I/O thread (relay-io.h).
 *
 * Source: docs in this folder's README.md; protocol in lib/rtmp/.
 */
#include <gst/gst.h>

#include "../common/gstupstream.h"
#include "relay-target.h"

GST_DEBUG_CATEGORY_EXTERN (mill_relay_debug);
#define GST_CAT_DEFAULT mill_relay_debug

/* An RTMP message has 24 bits for its length; headers take a few. */
#define MAX_FRAME (0xffffff - 64)

enum
{
  PROP_STATS = MILL_RELAY_N_PROPS,
};

/* What is known of a pad. */
typedef struct
{
  GstPad *pad; /* OBJECT_LOCK; nullable; owned by the element */
  gboolean is_eos; /* OBJECT_LOCK */
  /* the pad's streaming thread */
  GstSegment segment;
  MillRelayFormat *format; /* nullable */
} Track;

#define GST_TYPE_RTMP_CLIENT_SINK (gst_rtmp_client_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstRtmpClientSink, gst_rtmp_client_sink, GST,
    RTMP_CLIENT_SINK, GstElement)

struct _GstRtmpClientSink
{
  GstElement parent;

  MillRelayTarget *target; /* of the element's life; guards itself */
  Track tracks[MILL_RELAY_N_TRACKS];

  /* OBJECT_LOCK */
  MillRelaySettings settings;
  gboolean is_drained; /* after EOS on all pads */
  gboolean is_eos_posted;

  /* Outside of OBJECT_LOCK: that what is known of the end is what the target is
   * told of it, where pads end and begin on several threads. */
  GMutex end_lock;
};

G_DEFINE_FINAL_TYPE (GstRtmpClientSink, gst_rtmp_client_sink, GST_TYPE_ELEMENT)
GST_ELEMENT_REGISTER_DECLARE (rtmpclientsink);
GST_ELEMENT_REGISTER_DEFINE (rtmpclientsink, "rtmpclientsink", GST_RANK_NONE,
    GST_TYPE_RTMP_CLIENT_SINK);

static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE ("video_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (MILL_RELAY_VIDEO_CAPS));
static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (MILL_RELAY_AUDIO_CAPS));

static MillRelayTrack
get_track_id (GstPad *pad)
{
  return GPOINTER_TO_UINT (gst_pad_get_element_private (pad));
}

static Track *
get_track (GstRtmpClientSink *self, GstPad *pad)
{
  return &self->tracks[get_track_id (pad)];
}

/* ---- the end ---- */

/* EOS of a sink counts in PLAYING only; before, it waits for that. */
static void
post_eos_once (GstRtmpClientSink *self)
{
  GST_OBJECT_LOCK (self);
  gboolean now = self->is_drained && !self->is_eos_posted &&
      GST_STATE (self) == GST_STATE_PLAYING;
  self->is_eos_posted |= now;
  GST_OBJECT_UNLOCK (self);
  if (now)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_eos (GST_OBJECT (self)));
}

static gboolean
has_ended_locked (GstRtmpClientSink *self)
{
  gboolean has_pad = FALSE;
  gboolean all = TRUE;

  for (guint i = 0; i < MILL_RELAY_N_TRACKS; i++) {
    const Track *track = &self->tracks[i];
    has_pad |= track->pad != NULL;
    all &= !track->pad || track->is_eos;
  }
  return has_pad && all;
}

static gboolean
has_ended (GstRtmpClientSink *self)
{
  GST_OBJECT_LOCK (self);
  gboolean ended = has_ended_locked (self);
  GST_OBJECT_UNLOCK (self);
  return ended;
}

static void
set_eos (GstRtmpClientSink *self, GstPad *pad, gboolean is_eos)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->end_lock);

  GST_OBJECT_LOCK (self);
  get_track (self, pad)->is_eos = is_eos;
  if (!is_eos)
    self->is_drained = self->is_eos_posted = FALSE;
  GST_OBJECT_UNLOCK (self);
  mill_relay_target_set_expected (self->target, get_track_id (pad), !is_eos);
  if (has_ended (self))
    mill_relay_target_end (self->target);
  else
    mill_relay_target_resume (self->target);
}

/* ---- the target's news, on the I/O thread ---- */

static void
on_changed (GstStructure *news, gpointer user_data)
{
  GST_INFO_OBJECT (user_data, "%" GST_PTR_FORMAT, news);
  gst_element_post_message (user_data,
      gst_message_new_element (user_data, news));
}

static void
on_drained (gpointer user_data)
{
  GstRtmpClientSink *self = user_data;

  /* Another stream may have begun meanwhile. */
  GST_OBJECT_LOCK (self);
  self->is_drained = has_ended_locked (self);
  GST_OBJECT_UNLOCK (self);
  post_eos_once (self);
}

static const MillRelayTargetEvents target_events = { on_changed, on_drained };

/* ---- streaming ---- */

static gint64
get_running_time (const GstSegment *segment, GstClockTime time)
{
  guint64 running = 0;
  gint sign = gst_segment_to_running_time_full (segment, GST_FORMAT_TIME, time,
      &running);

  return sign < 0 ? -(gint64) running : (gint64) running;
}

/* Returns: (nullable): NULL for what has no place in time */
static MillRelayItem *
make_item (const Track *track, MillRelayTrack id, GstBuffer *buffer)
{
  GstClockTime pts = GST_BUFFER_PTS (buffer);
  GstClockTime dts = GST_BUFFER_DTS_IS_VALID (buffer) ? GST_BUFFER_DTS (buffer)
                                                      : pts;

  if (!GST_CLOCK_TIME_IS_VALID (dts) ||
      gst_buffer_get_size (buffer) > MAX_FRAME)
    return NULL;
  MillRelayItem *item = g_new (MillRelayItem, 1);
  *item = (MillRelayItem){
    .track = id,
    .format = mill_relay_format_ref (track->format),
    .buffer = gst_buffer_ref (buffer),
    .dts_ns = get_running_time (&track->segment, dts),
    .pts_ns = get_running_time (&track->segment,
        GST_CLOCK_TIME_IS_VALID (pts) ? pts : dts),
    .is_keyframe = !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT),
  };
  return item;
}

static GstFlowReturn
gst_rtmp_client_sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstRtmpClientSink *self = GST_RTMP_CLIENT_SINK (parent);
  Track *track = get_track (self, pad);
  g_autoptr (GstBuffer) owned = buffer;

  if (!track->format || track->segment.format != GST_FORMAT_TIME) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("A buffer of pad %s came before its caps or segment.",
            GST_PAD_NAME (pad)),
        (NULL));
    return GST_FLOW_NOT_NEGOTIATED;
  }
  MillRelayItem *item = make_item (track, get_track_id (pad), buffer);
  if (item)
    mill_relay_target_push (self->target, item);
  else
    GST_WARNING_OBJECT (pad,
        "%" GST_PTR_FORMAT " has no time stamp or is too large, dropping",
        buffer);
  return GST_FLOW_OK;
}

static gboolean
set_caps (GstRtmpClientSink *self, GstPad *pad, GstEvent *event)
{
  Track *track = get_track (self, pad);
  g_autoptr (GError) error = NULL;
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  g_clear_pointer (&track->format, mill_relay_format_unref);
  track->format = mill_relay_format_new (caps, &error);
  if (!track->format) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("What comes to pad %s cannot be sent: %s.", GST_PAD_NAME (pad),
            error->message),
        ("%" GST_PTR_FORMAT, caps));
    return FALSE;
  }
  return TRUE;
}

static gboolean
set_segment (GstRtmpClientSink *self, GstPad *pad, GstEvent *event)
{
  const GstSegment *segment;

  gst_event_parse_segment (event, &segment);
  gst_segment_copy_into (segment, &get_track (self, pad)->segment);
  if (segment->format == GST_FORMAT_TIME)
    return TRUE;
  GST_ELEMENT_ERROR (self, STREAM, FORMAT,
      ("The segment of pad %s is in %s, expected time.", GST_PAD_NAME (pad),
          gst_format_get_name (segment->format)),
      (NULL));
  return FALSE;
}

static gboolean
gst_rtmp_client_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstRtmpClientSink *self = GST_RTMP_CLIENT_SINK (parent);
  gboolean ok = TRUE;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
    case GST_EVENT_FLUSH_STOP:
      set_eos (self, pad, FALSE);
      break;
    case GST_EVENT_CAPS:
      ok = set_caps (self, pad, event);
      break;
    case GST_EVENT_SEGMENT:
      ok = set_segment (self, pad, event);
      break;
    case GST_EVENT_EOS:
      set_eos (self, pad, TRUE);
      break;
    default:
      break;
  }
  gst_event_unref (event);
  return ok;
}

/* What goes upstream goes up all pads, where GstElement would look for a source
 * pad. A latency is set even where nobody above wants it: nothing waits here. */
static gboolean
gst_rtmp_client_sink_send_event (GstElement *element, GstEvent *event)
{
  if (GST_EVENT_IS_DOWNSTREAM (event))
    return GST_ELEMENT_CLASS (gst_rtmp_client_sink_parent_class)
        ->send_event (element, event);
  return gst_upstream_send (element, event);
}

/* ---- pads ---- */

static GstPad *
gst_rtmp_client_sink_request_new_pad (GstElement *element,
    GstPadTemplate *template, const gchar *wanted, const GstCaps *caps)
{
  GstRtmpClientSink *self = GST_RTMP_CLIENT_SINK (element);
  gboolean is_video =
      g_str_has_prefix (GST_PAD_TEMPLATE_NAME_TEMPLATE (template), "video");
  MillRelayTrack id = is_video ? MILL_RELAY_VIDEO : MILL_RELAY_AUDIO;
  Track *track = &self->tracks[id];
  GstPad *pad = gst_pad_new_from_template (template,
      wanted         ? wanted
          : is_video ? "video_0"
                     : "audio_0");

  GST_OBJECT_LOCK (self);
  gboolean is_free = !track->pad;
  if (is_free) {
    track->pad = pad;
    track->is_eos = FALSE;
  }
  GST_OBJECT_UNLOCK (self);
  if (!is_free) {
    GST_WARNING_OBJECT (self, "RTMP has one %s track, refusing another pad",
        is_video ? "video" : "audio");
    gst_object_unref (gst_object_ref_sink (pad));
    return NULL;
  }
  gst_segment_init (&track->segment, GST_FORMAT_UNDEFINED);
  gst_pad_set_element_private (pad, GUINT_TO_POINTER (id));
  gst_pad_set_chain_function (pad, gst_rtmp_client_sink_chain);
  gst_pad_set_event_function (pad, gst_rtmp_client_sink_event);
  mill_relay_target_set_expected (self->target, id, TRUE);
  gst_element_add_pad (element, pad);
  return pad;
}

static void
gst_rtmp_client_sink_release_pad (GstElement *element, GstPad *pad)
{
  GstRtmpClientSink *self = GST_RTMP_CLIENT_SINK (element);
  Track *track = get_track (self, pad);
  MillRelayTrack id = get_track_id (pad);

  gst_pad_set_active (pad, FALSE);
  g_mutex_lock (&self->end_lock);
  mill_relay_target_set_expected (self->target, id, FALSE);
  g_clear_pointer (&track->format, mill_relay_format_unref);
  GST_OBJECT_LOCK (self);
  track->pad = NULL;
  GST_OBJECT_UNLOCK (self);
  if (has_ended (self))
    mill_relay_target_end (self->target);
  g_mutex_unlock (&self->end_lock);
  gst_element_remove_pad (element, pad);
}

/* ---- states ---- */

/* READY->PAUSED */
static gboolean
open_target (GstRtmpClientSink *self)
{
  g_autoptr (GError) error = NULL;
  g_auto (MillRelaySettings) settings;

  GST_OBJECT_LOCK (self);
  mill_relay_settings_copy (&self->settings, &settings);
  self->is_drained = self->is_eos_posted = FALSE;
  GST_OBJECT_UNLOCK (self);
  if (!mill_relay_target_start (self->target, &settings, &error)) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("%s", error->message),
        (NULL));
    return FALSE;
  }
  for (guint i = 0; i < MILL_RELAY_N_TRACKS; i++)
    mill_relay_target_set_expected (self->target, i,
        self->tracks[i].pad != NULL);
  return TRUE;
}

static GstStateChangeReturn
gst_rtmp_client_sink_change_state (GstElement *element,
    GstStateChange transition)
{
  GstRtmpClientSink *self = GST_RTMP_CLIENT_SINK (element);

  if (transition == GST_STATE_CHANGE_NULL_TO_READY &&
      !mill_relay_settings_check (&self->settings, element))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !open_target (self))
    return GST_STATE_CHANGE_FAILURE;
  GstStateChangeReturn result =
      GST_ELEMENT_CLASS (gst_rtmp_client_sink_parent_class)
          ->change_state (element, transition);
  /* After the pads: nothing is pushed any more. */
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
          result == GST_STATE_CHANGE_FAILURE))
    mill_relay_target_stop (self->target);
  return result;
}

/* GST_STATE() is PLAYING only now. */
static void
gst_rtmp_client_sink_state_changed (GstElement *element, GstState old_state,
    GstState new_state, GstState pending)
{
  GstRtmpClientSink *self = GST_RTMP_CLIENT_SINK (element);

  /* A bin forgets who has ended when it goes to PAUSED, and asks again. */
  GST_OBJECT_LOCK (self);
  self->is_eos_posted &= new_state == GST_STATE_PLAYING;
  GST_OBJECT_UNLOCK (self);
  post_eos_once (self);
}

/* ---- properties ---- */

static void
gst_rtmp_client_sink_set_property (GObject *object, guint id,
    const GValue *value, GParamSpec *pspec)
{
  GstRtmpClientSink *self = GST_RTMP_CLIENT_SINK (object);

  GST_OBJECT_LOCK (self);
  gboolean is_known = mill_relay_settings_set (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!is_known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
gst_rtmp_client_sink_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstRtmpClientSink *self = GST_RTMP_CLIENT_SINK (object);

  if (id == PROP_STATS) {
    g_value_take_boxed (value, mill_relay_target_make_stats (self->target));
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
gst_rtmp_client_sink_finalize (GObject *object)
{
  GstRtmpClientSink *self = GST_RTMP_CLIENT_SINK (object);

  mill_relay_target_free (self->target);
  for (guint i = 0; i < MILL_RELAY_N_TRACKS; i++)
    g_clear_pointer (&self->tracks[i].format, mill_relay_format_unref);
  mill_relay_settings_clear (&self->settings);
  g_mutex_clear (&self->end_lock);
  G_OBJECT_CLASS (gst_rtmp_client_sink_parent_class)->finalize (object);
}

static void
gst_rtmp_client_sink_class_init (GstRtmpClientSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_rtmp_client_sink_set_property;
  object_class->get_property = gst_rtmp_client_sink_get_property;
  object_class->finalize = gst_rtmp_client_sink_finalize;
  mill_relay_settings_install (object_class, MILL_RELAY_ROLE_SINK);
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "state, target, attempts, connections, frames, dropped-frames, bytes, "
          "bytes-acked, rtt (ns), queue-ms, queue-bytes, last-error",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  element_class->request_new_pad = gst_rtmp_client_sink_request_new_pad;
  element_class->release_pad = gst_rtmp_client_sink_release_pad;
  element_class->change_state = gst_rtmp_client_sink_change_state;
  element_class->send_event = gst_rtmp_client_sink_send_event;
  element_class->state_changed = gst_rtmp_client_sink_state_changed;
  gst_element_class_add_static_pad_template (element_class, &video_template);
  gst_element_class_add_static_pad_template (element_class, &audio_template);
  gst_element_class_set_static_metadata (element_class, "RTMP client sink",
      "Sink/Network", "Publishes to an RTMP server", "The millrace authors");
}

static void
gst_rtmp_client_sink_init (GstRtmpClientSink *self)
{
  mill_relay_settings_init (&self->settings, MILL_RELAY_ROLE_SINK);
  g_mutex_init (&self->end_lock);
  self->target = mill_relay_target_new (&target_events, self);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
}
