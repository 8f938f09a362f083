/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * SECTION:element-cmafsink
 *
 * Packages one stream, all its renditions, as CMAF segments with HLS playlists
 * and an MPD in a directory.
 *
 *     gst-launch-1.0 filesrc location=movie.mp4 ! qtdemux name=d \
 *         d.video_0 ! cmafsink name=c location=out mode=vod \
 *         d.audio_0 ! c.
 *
 * States: never asynchronous, needs no preroll and no clock. The directory is
 * taken in READY->PAUSED and given up in PAUSED->READY; without EOS before,
 * the next start continues its playlists.
 *
 * Threads: pads may be fed from one thread or several; none waits for another.
 * cmaf-packager.c has the one lock.
 */

#include "gstcmafsinkpad.h"

#include "codec/aac.h"
#include "codec/avc.h"

#include <string.h>

GST_DEBUG_CATEGORY_STATIC (cmafsink_debug);
#define GST_CAT_DEFAULT cmafsink_debug

#define GST_TYPE_CMAF_SINK (gst_cmaf_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstCmafSink, gst_cmaf_sink, GST, CMAF_SINK, GstElement)

#define DEFAULT_MODE MILL_CMAF_LIVE
#define DEFAULT_SEGMENT_DURATION_MS 2000
#define DEFAULT_WINDOW_SEGMENTS 10
#define DEFAULT_STARTUP_TIMEOUT_MS 3000
#define VIDEO_TIMESCALE 90000 /* divides 24, 25, 30, 50, 60, 30000/1001 */

enum
{
  PROP_LOCATION = 1,
  PROP_MODE,
  PROP_SEGMENT_DURATION_MS,
  PROP_PART_DURATION_MS,
  PROP_WINDOW_SEGMENTS,
  PROP_DVR_WINDOW_MS,
  PROP_MAX_SKEW_MS,
  PROP_STARTUP_TIMEOUT_MS,
  PROP_HLS,
  PROP_DASH,
  PROP_STATS,
};

typedef struct
{
  gchar *location;
  MillCmafMode mode;
  guint segment_duration_ms;
  guint part_duration_ms;
  guint window_segments;
  guint dvr_window_ms;
  guint max_skew_ms;
  guint startup_timeout_ms;
  gboolean hls;
  gboolean dash;
} Settings;

struct _GstCmafSink
{
  GstElement parent;

  /* object lock */
  Settings settings;
  guint next_pad[2]; /* by MillCmafKind */
  MillCmafPackager *packager; /* from READY->PAUSED to PAUSED->READY */
  gboolean ended; /* everything is written */
  gboolean eos_posted;
  guint32 eos_seqnum;

  gint has_wall; /* atomic */
};

GST_ELEMENT_REGISTER_DECLARE (cmafsink)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (cmafsink, "cmafsink", GST_RANK_NONE,
    GST_TYPE_CMAF_SINK,
    GST_DEBUG_CATEGORY_INIT (cmafsink_debug, "cmafsink", 0, "CMAF packager"))

/* Pads are children, so that "cmafsink.video_0::name" can be set. The default
 * look-up would ask for the property "name", which is the rendition's here. */
static GObject *
get_child_by_name (GstChildProxy *proxy, const gchar *name)
{
  return (GObject *) gst_element_get_static_pad (GST_ELEMENT (proxy), name);
}

static GObject *
get_child_by_index (GstChildProxy *proxy, guint index)
{
  GST_OBJECT_LOCK (proxy);
  GObject *pad = g_list_nth_data (GST_ELEMENT (proxy)->sinkpads, index);
  if (pad != NULL)
    g_object_ref (pad);
  GST_OBJECT_UNLOCK (proxy);
  return pad;
}

static guint
get_children_count (GstChildProxy *proxy)
{
  GST_OBJECT_LOCK (proxy);
  guint count = GST_ELEMENT (proxy)->numsinkpads;
  GST_OBJECT_UNLOCK (proxy);
  return count;
}

static void
init_child_proxy (gpointer g_iface, gpointer data)
{
  GstChildProxyInterface *iface = g_iface;
  iface->get_child_by_name = get_child_by_name;
  iface->get_child_by_index = get_child_by_index;
  iface->get_children_count = get_children_count;
}

G_DEFINE_TYPE_WITH_CODE (GstCmafSink, gst_cmaf_sink, GST_TYPE_ELEMENT,
    G_IMPLEMENT_INTERFACE (GST_TYPE_CHILD_PROXY, init_child_proxy))

static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE ("video_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS ("video/x-h264, stream-format = (string) avc, "
                         "alignment = (string) au"));
static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS ("audio/mpeg, mpegversion = (int) 4, "
                         "stream-format = (string) raw"));

#define GST_TYPE_CMAF_SINK_MODE (gst_cmaf_sink_mode_get_type ())
static GType
gst_cmaf_sink_mode_get_type (void)
{
  static const GEnumValue values[] = {
    { MILL_CMAF_LIVE, "Live: a window of segments", "live" },
    { MILL_CMAF_EVENT, "Live, and nothing is ever removed", "event" },
    { MILL_CMAF_VOD, "Playlists at the end, as fast as the source", "vod" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstCmafSinkMode", values));
  return type;
}

/* ---- errors and the end ---- */

static GstResourceError
to_resource_error (const GError *error)
{
  if (error->domain != MILL_STORE_ERROR)
    return GST_RESOURCE_ERROR_FAILED;
  switch (error->code) {
    case MILL_STORE_ERROR_FULL:
      return GST_RESOURCE_ERROR_NO_SPACE_LEFT;
    case MILL_STORE_ERROR_HELD:
    case MILL_STORE_ERROR_LOST:
    case MILL_STORE_ERROR_BUSY:
      return GST_RESOURCE_ERROR_BUSY;
    case MILL_STORE_ERROR_DENIED:
      return GST_RESOURCE_ERROR_NOT_AUTHORIZED;
    default:
      return GST_RESOURCE_ERROR_WRITE;
  }
}

/* The one place where an error of the packager becomes a message. */
static void
post_error (GstCmafSink *self, MillCmafReportKind kind, const GError *error)
{
  gboolean is_warning = kind == MILL_CMAF_WARNED;
  gst_element_message_full (GST_ELEMENT (self),
      is_warning ? GST_MESSAGE_WARNING : GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      to_resource_error (error), g_strdup (error->message),
      g_strdup_printf ("%s, code %d", g_quark_to_string (error->domain),
          error->code),
      __FILE__, GST_FUNCTION, __LINE__);
}

/* EOS of a sink counts in PLAYING only; before, it waits for that. */
static void
post_eos_once (GstCmafSink *self)
{
  GST_OBJECT_LOCK (self);
  gboolean due = self->ended && !self->eos_posted &&
      GST_STATE (self) == GST_STATE_PLAYING;
  guint32 seqnum = self->eos_seqnum;
  self->eos_posted |= due;
  GST_OBJECT_UNLOCK (self);
  if (!due)
    return;
  GstMessage *message = gst_message_new_eos (GST_OBJECT (self));
  if (seqnum != GST_SEQNUM_INVALID)
    gst_message_set_seqnum (message, seqnum);
  gst_element_post_message (GST_ELEMENT (self), message);
}

static void
on_report (MillCmafReportKind kind, const GError *error, GObject *owner)
{
  GstCmafSink *self = GST_CMAF_SINK (owner);
  if (kind != MILL_CMAF_ENDED) {
    post_error (self, kind, error);
    return;
  }
  GST_INFO_OBJECT (self, "the stream has ended and is written");
  GST_OBJECT_LOCK (self);
  self->ended = TRUE;
  GST_OBJECT_UNLOCK (self);
  post_eos_once (self);
}

/* ---- caps ---- */

static gboolean
refuse_caps (GstCmafSink *self, GstPad *pad, const GstCaps *caps,
    const gchar *why)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  GST_ELEMENT_ERROR (self, STREAM, FORMAT,
      ("codec of pad '%s': got %s, expected %s", GST_PAD_NAME (pad),
          gst_structure_get_name (structure),
          gst_cmaf_sink_pad_get_kind (GST_CMAF_SINK_PAD (pad)) ==
                  MILL_CMAF_VIDEO
              ? "H.264 (video/x-h264, stream-format=avc, alignment=au)"
              : "AAC (audio/mpeg, mpegversion=4, stream-format=raw)"),
      ("%s: %" GST_PTR_FORMAT, why, caps));
  return FALSE;
}

static gboolean
describe_video (const GstStructure *caps, MillCmafLaneFormat *format,
    guint *ret_nal_length_size, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (format->codec_data, &size);
  MillAvcInfo avc;
  if (!mill_avc_parse_config (data, size, &avc, error))
    return FALSE;
  MillCmafFormat *out = &format->format;
  out->kind = MILL_CMAF_VIDEO;
  out->timescale = VIDEO_TIMESCALE;
  out->width = avc.width;
  out->height = avc.height;
  out->par_n = avc.par_n;
  out->par_d = avc.par_d;
  gint fps_n;
  gint fps_d;
  if (gst_structure_get_fraction (caps, "framerate", &fps_n, &fps_d) &&
      fps_n > 0 && fps_d > 0) {
    out->fps_n = (guint) fps_n;
    out->fps_d = (guint) fps_d;
  } else {
    out->fps_n = avc.fps_n;
    out->fps_d = avc.fps_d;
  }
  out->codec = mill_avc_get_codec_string (&avc);
  *ret_nal_length_size = avc.nal_length_size;
  return TRUE;
}

static gboolean
describe_audio (MillCmafLaneFormat *format, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (format->codec_data, &size);
  MillAacInfo aac;
  if (!mill_aac_parse_config (data, size, &aac, error))
    return FALSE;
  MillCmafFormat *out = &format->format;
  out->kind = MILL_CMAF_AUDIO;
  out->timescale = aac.sample_rate;
  out->sample_rate = aac.output_sample_rate;
  out->channels = aac.ps ? 2 : aac.channels;
  out->codec = mill_aac_get_codec_string (&aac);
  format->frame_length = aac.frame_length;
  return TRUE;
}

static GBytes *
get_codec_data (const GstStructure *caps)
{
  const GValue *value = gst_structure_get_value (caps, "codec_data");
  GstBuffer *buffer = value ? gst_value_get_buffer (value) : NULL;
  if (buffer == NULL || gst_buffer_get_size (buffer) == 0)
    return NULL;
  gsize size = gst_buffer_get_size (buffer);
  guint8 *data = g_malloc (size);
  gst_buffer_extract (buffer, 0, data, size);
  return g_bytes_new_take (data, size);
}

/* Alignment may be missing: FLV has no other than whole access units. */
static gboolean
is_supported (MillCmafKind kind, const GstStructure *caps)
{
  const gchar *stream_format = gst_structure_get_string (caps, "stream-format");
  if (kind == MILL_CMAF_VIDEO) {
    const gchar *alignment = gst_structure_get_string (caps, "alignment");
    return gst_structure_has_name (caps, "video/x-h264") &&
        g_strcmp0 (stream_format, "avc") == 0 &&
        (alignment == NULL || g_str_equal (alignment, "au"));
  }
  gint version = 0;
  gst_structure_get_int (caps, "mpegversion", &version);
  return gst_structure_has_name (caps, "audio/mpeg") &&
      (version == 4 || version == 2) &&
      (stream_format == NULL || g_str_equal (stream_format, "raw"));
}

static gboolean
accept_settings (GstCmafSink *self, GstPad *pad,
    const GstCmafSinkPadSettings *settings)
{
  if (settings->name == NULL || mill_cmaf_state_is_name (settings->name))
    return TRUE;
  GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS,
      ("name of pad '%s': got '%s', expected 1 to %d of [A-Za-z0-9_-]",
          GST_PAD_NAME (pad), settings->name, MILL_CMAF_NAME_MAX),
      (NULL));
  return FALSE;
}

static gboolean
handle_caps (GstCmafSink *self, GstPad *pad, const GstCaps *caps)
{
  GstCmafSinkPad *own = GST_CMAF_SINK_PAD (pad);
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  MillCmafKind kind = gst_cmaf_sink_pad_get_kind (own);
  if (!is_supported (kind, structure))
    return refuse_caps (self, pad, caps, "not supported");
  MillCmafLaneFormat format = { 0 };
  g_autoptr (GBytes) codec_data = get_codec_data (structure);
  if (codec_data == NULL)
    return refuse_caps (self, pad, caps, "codec_data is missing");
  format.codec_data = codec_data;
  guint nal_length_size = 0;
  g_autoptr (GError) error = NULL;
  gboolean described = kind == MILL_CMAF_VIDEO
      ? describe_video (structure, &format, &nal_length_size, &error)
      : describe_audio (&format, &error);
  if (!described)
    return refuse_caps (self, pad, caps, error->message);
  g_auto (GstCmafSinkPadSettings) settings = { 0 };
  gst_cmaf_sink_pad_get_settings (own, &settings);
  gboolean accepted = accept_settings (self, pad, &settings);
  if (accepted) {
    format.name = settings.name;
    format.format.language = g_strdup (settings.language);
    format.format.group = g_strdup (settings.group);
    format.format.is_default = settings.is_default;
    gst_cmaf_sink_pad_set_nal_length_size (own, nal_length_size);
    mill_cmaf_packager_set_format (self->packager,
        gst_cmaf_sink_pad_get_lane (own), &format);
  }
  mill_cmaf_state_clear_format (&format.format);
  return accepted;
}

/* ---- data ---- */

static gboolean
is_idr (GstCmafSinkPad *pad, GstBuffer *buffer)
{
  guint nal_length_size = gst_cmaf_sink_pad_get_nal_length_size (pad);
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT) ||
      nal_length_size == 0)
    return FALSE;
  GstMapInfo map;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    return FALSE;
  gboolean idr = mill_avc_has_idr (map.data, map.size, nal_length_size);
  gst_buffer_unmap (buffer, &map);
  return idr;
}

static GstClockTimeDiff
to_running_time (const GstSegment *segment, GstClockTime time)
{
  guint64 running;
  if (!GST_CLOCK_TIME_IS_VALID (time))
    return GST_CLOCK_STIME_NONE;
  gint sign = gst_segment_to_running_time_full (segment, GST_FORMAT_TIME, time,
      &running);
  if (sign == 0)
    return GST_CLOCK_STIME_NONE;
  return sign > 0 ? (GstClockTimeDiff) running : -(GstClockTimeDiff) running;
}

/* The wall clock at running time 0, for PROGRAM-DATE-TIME: from the pipeline's
 * clock when there is one, else as if this buffer were from now. */
static void
set_wall (GstCmafSink *self, GstClockTimeDiff running_time)
{
  if (!g_atomic_int_compare_and_exchange (&self->has_wall, FALSE, TRUE))
    return;
  gint64 now_us = g_get_real_time ();
  g_autoptr (GstClock) clock = gst_element_get_clock (GST_ELEMENT (self));
  GstClockTime base = gst_element_get_base_time (GST_ELEMENT (self));
  if (clock != NULL && GST_STATE (self) == GST_STATE_PLAYING &&
      GST_CLOCK_TIME_IS_VALID (base))
    running_time = GST_CLOCK_DIFF (base, gst_clock_get_time (clock));
  mill_cmaf_packager_set_wall (self->packager,
      now_us - running_time / (GstClockTimeDiff) GST_USECOND);
}

static GstFlowReturn
gst_cmaf_sink_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstCmafSink *self = GST_CMAF_SINK (parent);
  GstCmafSinkPad *own = GST_CMAF_SINK_PAD (pad);
  const GstSegment *segment = gst_cmaf_sink_pad_peek_segment (own);
  MillCmafLane *lane = gst_cmaf_sink_pad_get_lane (own);
  GstClockTime pts = GST_BUFFER_PTS_IS_VALID (buffer) ? GST_BUFFER_PTS (buffer)
                                                      : GST_BUFFER_DTS (buffer);
  MillCmafInput input = {
    .pts = to_running_time (segment, pts),
    .dts = to_running_time (segment, GST_BUFFER_DTS (buffer)),
    .duration = GST_BUFFER_DURATION (buffer),
    .sync = TRUE,
    .discont = GST_BUFFER_IS_DISCONT (buffer),
  };
  if (!GST_CLOCK_STIME_IS_VALID (input.pts) ||
      gst_buffer_get_size (buffer) == 0) {
    GST_WARNING_OBJECT (pad, "a buffer without time or data, ignoring");
    gst_buffer_unref (buffer);
    return GST_FLOW_OK;
  }
  if (gst_cmaf_sink_pad_get_kind (own) == MILL_CMAF_VIDEO)
    input.sync = is_idr (own, buffer);
  if (G_UNLIKELY (!g_atomic_int_get (&self->has_wall)))
    set_wall (self, input.pts);
  return mill_cmaf_packager_push (self->packager, lane, &input, buffer);
}

/* ---- events and queries ---- */

static void
handle_tags (GstCmafSink *self, GstCmafSinkPad *pad, GstEvent *event)
{
  GstTagList *tags;
  guint bitrate = 0;
  g_autofree gchar *language = NULL;
  gst_event_parse_tag (event, &tags);
  if (gst_tag_list_get_string (tags, GST_TAG_LANGUAGE_CODE, &language))
    gst_cmaf_sink_pad_suggest_language (pad, language);
  if (gst_cmaf_sink_pad_get_kind (pad) != MILL_CMAF_AUDIO)
    return;
  if (gst_tag_list_get_uint (tags, GST_TAG_NOMINAL_BITRATE, &bitrate) ||
      gst_tag_list_get_uint (tags, GST_TAG_BITRATE, &bitrate))
    mill_cmaf_packager_set_bitrate (self->packager,
        gst_cmaf_sink_pad_get_lane (pad), bitrate);
}

static gboolean
handle_segment (GstCmafSink *self, GstCmafSinkPad *pad, GstEvent *event)
{
  const GstSegment *segment;
  gst_event_parse_segment (event, &segment);
  if (segment->format != GST_FORMAT_TIME) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("segment of pad '%s': got format %s, expected time",
            GST_PAD_NAME (pad), gst_format_get_name (segment->format)),
        (NULL));
    return FALSE;
  }
  gst_segment_copy_into (segment, gst_cmaf_sink_pad_peek_segment (pad));
  return TRUE;
}

static gboolean
gst_cmaf_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCmafSink *self = GST_CMAF_SINK (parent);
  GstCmafSinkPad *own = GST_CMAF_SINK_PAD (pad);
  gboolean handled = TRUE;
  GstCaps *caps;
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      handled = handle_caps (self, pad, caps);
      break;
    case GST_EVENT_SEGMENT:
      handled = handle_segment (self, own, event);
      break;
    case GST_EVENT_TAG:
      handle_tags (self, own, event);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_segment_init (gst_cmaf_sink_pad_peek_segment (own), GST_FORMAT_TIME);
      break;
    case GST_EVENT_EOS:
      GST_OBJECT_LOCK (self);
      self->eos_seqnum = gst_event_get_seqnum (event);
      GST_OBJECT_UNLOCK (self);
      mill_cmaf_packager_end_lane (self->packager,
          gst_cmaf_sink_pad_get_lane (own));
      break;
    default:
      break;
  }
  gst_event_unref (event);
  return handled;
}

static gboolean
gst_cmaf_sink_pad_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  /* Any caps get as far as the event, where the refusal says what is wrong. */
  if (GST_QUERY_TYPE (query) == GST_QUERY_ACCEPT_CAPS) {
    gst_query_set_accept_caps_result (query, TRUE);
    return TRUE;
  }
  return gst_pad_query_default (pad, parent, query);
}

static gboolean
query_latency (GstCmafSink *self, GstQuery *query)
{
  gboolean live = FALSE;
  GstClockTime least = 0;
  GstClockTime most = GST_CLOCK_TIME_NONE;
  g_autoptr (GPtrArray) pads =
      g_ptr_array_new_with_free_func (gst_object_unref);
  GST_OBJECT_LOCK (self);
  for (GList *item = GST_ELEMENT (self)->sinkpads; item; item = item->next)
    g_ptr_array_add (pads, gst_object_ref (item->data));
  GST_OBJECT_UNLOCK (self);
  for (guint i = 0; i < pads->len; i++) {
    g_autoptr (GstQuery) peer = gst_query_new_latency ();
    gboolean peer_live;
    GstClockTime peer_least;
    GstClockTime peer_most;
    if (!gst_pad_peer_query (g_ptr_array_index (pads, i), peer))
      continue;
    gst_query_parse_latency (peer, &peer_live, &peer_least, &peer_most);
    live |= peer_live;
    if (!peer_live)
      continue;
    least = MAX (least, peer_least);
    if (GST_CLOCK_TIME_IS_VALID (peer_most))
      most = MIN (most, peer_most);
  }
  gst_query_set_latency (query, live, least, most);
  return TRUE;
}

static MillCmafPackager *
ref_packager (GstCmafSink *self)
{
  GST_OBJECT_LOCK (self);
  MillCmafPackager *packager =
      self->packager ? mill_cmaf_packager_ref (self->packager) : NULL;
  GST_OBJECT_UNLOCK (self);
  return packager;
}

static gboolean
query_position (GstCmafSink *self, GstQuery *query)
{
  GstFormat format;
  gst_query_parse_position (query, &format, NULL);
  g_autoptr (MillCmafPackager) packager = ref_packager (self);
  if (format != GST_FORMAT_TIME || packager == NULL)
    return FALSE;
  GstClockTimeDiff position = mill_cmaf_packager_get_position (packager);
  if (!GST_CLOCK_STIME_IS_VALID (position))
    return FALSE;
  gst_query_set_position (query, format, MAX (position, 0));
  return TRUE;
}

static gboolean
gst_cmaf_sink_query (GstElement *element, GstQuery *query)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  switch (GST_QUERY_TYPE (query)) {
    case GST_QUERY_LATENCY:
      return query_latency (self, query);
    case GST_QUERY_POSITION:
      return query_position (self, query);
    default:
      return GST_ELEMENT_CLASS (gst_cmaf_sink_parent_class)
          ->query (element, query);
  }
}

/* ---- pads ---- */

static gchar *
name_pad (GstCmafSink *self, MillCmafKind kind, const gchar *wanted)
{
  const gchar *prefix = kind == MILL_CMAF_VIDEO ? "video_" : "audio_";
  guint number;
  GST_OBJECT_LOCK (self);
  if (wanted != NULL && g_str_has_prefix (wanted, prefix) &&
      g_ascii_string_to_unsigned (wanted + strlen (prefix), 10, 0,
          G_MAXUINT - 1, NULL, NULL))
    number = (guint) g_ascii_strtoull (wanted + strlen (prefix), NULL, 10);
  else
    number = self->next_pad[kind];
  self->next_pad[kind] = MAX (self->next_pad[kind], number + 1);
  GST_OBJECT_UNLOCK (self);
  return g_strdup_printf ("%s%u", prefix, number);
}

static GstPad *
gst_cmaf_sink_request_new_pad (GstElement *element, GstPadTemplate *template,
    const gchar *wanted, const GstCaps *caps)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  GstPad *pad = g_object_new (GST_TYPE_CMAF_SINK_PAD, "direction", GST_PAD_SINK,
      "template", template, NULL);
  MillCmafKind kind = gst_cmaf_sink_pad_get_kind (GST_CMAF_SINK_PAD (pad));
  g_autofree gchar *name = name_pad (self, kind, wanted);
  gst_object_set_name (GST_OBJECT (pad), name);
  gst_pad_set_chain_function (pad, gst_cmaf_sink_chain);
  gst_pad_set_event_function (pad, gst_cmaf_sink_event);
  gst_pad_set_query_function (pad, gst_cmaf_sink_pad_query);
  g_autoptr (MillCmafPackager) packager = ref_packager (self);
  if (packager != NULL) {
    gst_cmaf_sink_pad_set_lane (GST_CMAF_SINK_PAD (pad),
        mill_cmaf_packager_add_lane (packager, name, kind));
    gst_pad_set_active (pad, TRUE);
  }
  if (!gst_element_add_pad (element, pad))
    return NULL;
  gst_child_proxy_child_added (GST_CHILD_PROXY (self), G_OBJECT (pad), name);
  return pad;
}

static void
gst_cmaf_sink_release_pad (GstElement *element, GstPad *pad)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  g_autofree gchar *name = gst_pad_get_name (pad);
  gst_pad_set_active (pad, FALSE);
  g_autoptr (MillCmafPackager) packager = ref_packager (self);
  if (packager != NULL)
    mill_cmaf_packager_end_lane (packager,
        gst_cmaf_sink_pad_get_lane (GST_CMAF_SINK_PAD (pad)));
  gst_child_proxy_child_removed (GST_CHILD_PROXY (self), G_OBJECT (pad), name);
  gst_element_remove_pad (element, pad);
}

/* ---- states ---- */

static gchar *
get_path (GstCmafSink *self, const gchar *location)
{
  if (location == NULL || *location == '\0') {
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("location: got none, expected a directory or a file:// URL"), (NULL));
    return NULL;
  }
  g_autofree gchar *scheme = g_uri_parse_scheme (location);
  if (scheme == NULL)
    return g_strdup (location);
  gchar *path = g_str_equal (scheme, "file")
      ? g_filename_from_uri (location, NULL, NULL)
      : NULL;
  if (path == NULL)
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS,
        ("location '%s': got scheme '%s', expected a directory or a file:// "
         "URL",
            location, scheme),
        (NULL));
  return path;
}

static void
copy_options (const Settings *settings, MillCmafPackagerOptions *options)
{
  *options = (MillCmafPackagerOptions){
    .publisher = {
      .mode = settings->mode,
      .segment_duration = settings->segment_duration_ms * GST_MSECOND,
      .window_segments = settings->window_segments,
      .dvr_window = settings->dvr_window_ms * GST_MSECOND,
      .hls = settings->hls,
      .dash = settings->dash,
      .may_wait = settings->mode == MILL_CMAF_VOD,
    },
    .part_duration = settings->part_duration_ms * GST_MSECOND,
    .max_skew = settings->max_skew_ms * GST_MSECOND,
    .startup_timeout = settings->startup_timeout_ms * GST_MSECOND,
  };
}

static gboolean
start (GstCmafSink *self)
{
  MillCmafPackagerOptions options;
  GST_OBJECT_LOCK (self);
  copy_options (&self->settings, &options);
  g_autofree gchar *location = g_strdup (self->settings.location);
  self->ended = FALSE;
  self->eos_posted = FALSE;
  GST_OBJECT_UNLOCK (self);
  g_atomic_int_set (&self->has_wall, FALSE);
  g_autofree gchar *path = get_path (self, location);
  if (path == NULL)
    return FALSE;
  g_autoptr (MillCmafPackager) packager =
      mill_cmaf_packager_new (&options, on_report, G_OBJECT (self));
  g_autoptr (GError) error = NULL;
  if (!mill_cmaf_packager_open (packager, path, &error)) {
    post_error (self, MILL_CMAF_FAILED, error);
    return FALSE;
  }
  GST_OBJECT_LOCK (self);
  for (GList *item = GST_ELEMENT (self)->sinkpads; item; item = item->next) {
    GstCmafSinkPad *pad = item->data;
    gst_cmaf_sink_pad_set_lane (pad,
        mill_cmaf_packager_add_lane (packager, GST_PAD_NAME (pad),
            gst_cmaf_sink_pad_get_kind (pad)));
  }
  self->packager = g_steal_pointer (&packager);
  GST_OBJECT_UNLOCK (self);
  return TRUE;
}

static void
stop (GstCmafSink *self)
{
  GST_OBJECT_LOCK (self);
  g_autoptr (MillCmafPackager) packager = g_steal_pointer (&self->packager);
  GST_OBJECT_UNLOCK (self);
  if (packager != NULL)
    mill_cmaf_packager_close (packager);
}

static GstStateChangeReturn
gst_cmaf_sink_change_state (GstElement *element, GstStateChange transition)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self))
    return GST_STATE_CHANGE_FAILURE;
  GstStateChangeReturn ret = GST_ELEMENT_CLASS (gst_cmaf_sink_parent_class)
                                 ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
          ret == GST_STATE_CHANGE_FAILURE))
    stop (self);
  return ret;
}

/* GST_STATE is PLAYING only after change_state() has returned. A bin forgets
 * who has ended when it goes to PAUSED, and asks again. */
static void
gst_cmaf_sink_state_changed (GstElement *element, GstState old, GstState new,
    GstState pending)
{
  GstCmafSink *self = GST_CMAF_SINK (element);
  GST_OBJECT_LOCK (self);
  self->eos_posted &= new == GST_STATE_PLAYING;
  GST_OBJECT_UNLOCK (self);
  post_eos_once (self);
}

/* ---- properties ---- */

static void
add_rendition_stats (const MillCmafRenditionStats *rendition, GValue *array)
{
  GValue value = G_VALUE_INIT;
  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value,
      gst_structure_new ("rendition", "name", G_TYPE_STRING, rendition->name,
          "kind", G_TYPE_STRING,
          rendition->kind == MILL_CMAF_VIDEO ? "video" : "audio", "codec",
          G_TYPE_STRING, rendition->codec, "width", G_TYPE_UINT,
          rendition->width, "height", G_TYPE_UINT, rendition->height,
          "bitrate-bps", G_TYPE_UINT64, rendition->bitrate_bps, "state",
          G_TYPE_STRING, rendition->state, "segments", G_TYPE_UINT64,
          rendition->segments, NULL));
  gst_value_array_append_and_take_value (array, &value);
}

static GstStructure *
make_stats (GstCmafSink *self)
{
  GstStructure *structure = gst_structure_new_empty ("stats");
  g_autoptr (MillCmafPackager) packager = ref_packager (self);
  if (packager == NULL)
    return structure;
  MillCmafStats stats;
  mill_cmaf_packager_get_stats (packager, &stats);
  GValue array = G_VALUE_INIT;
  gst_value_array_init (&array, stats.renditions->len);
  for (guint i = 0; i < stats.renditions->len; i++)
    add_rendition_stats (g_ptr_array_index (stats.renditions, i), &array);
  gst_structure_set (structure, "generation", G_TYPE_UINT64, stats.generation,
      "segments", G_TYPE_UINT64, stats.segments, "bytes", G_TYPE_UINT64,
      stats.bytes, "gaps", G_TYPE_UINT64, stats.gaps, "target-duration",
      G_TYPE_UINT, stats.target_duration_s, "retention-ms", G_TYPE_UINT64,
      stats.retention / GST_MSECOND, NULL);
  gst_structure_take_value (structure, "renditions", &array);
  mill_cmaf_packager_clear_stats (&stats);
  return structure;
}

static void
gst_cmaf_sink_set_property (GObject *object, guint id, const GValue *value,
    GParamSpec *pspec)
{
  GstCmafSink *self = GST_CMAF_SINK (object);
  Settings *settings = &self->settings;
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_LOCATION:
      g_free (settings->location);
      settings->location = g_value_dup_string (value);
      break;
    case PROP_MODE:
      settings->mode = (MillCmafMode) g_value_get_enum (value);
      break;
    case PROP_SEGMENT_DURATION_MS:
      settings->segment_duration_ms = g_value_get_uint (value);
      break;
    case PROP_PART_DURATION_MS:
      settings->part_duration_ms = g_value_get_uint (value);
      break;
    case PROP_WINDOW_SEGMENTS:
      settings->window_segments = g_value_get_uint (value);
      break;
    case PROP_DVR_WINDOW_MS:
      settings->dvr_window_ms = g_value_get_uint (value);
      break;
    case PROP_MAX_SKEW_MS:
      settings->max_skew_ms = g_value_get_uint (value);
      break;
    case PROP_STARTUP_TIMEOUT_MS:
      settings->startup_timeout_ms = g_value_get_uint (value);
      break;
    case PROP_HLS:
      settings->hls = g_value_get_boolean (value);
      break;
    case PROP_DASH:
      settings->dash = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_cmaf_sink_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstCmafSink *self = GST_CMAF_SINK (object);
  const Settings *settings = &self->settings;
  if (id == PROP_STATS) {
    g_value_take_boxed (value, make_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_LOCATION:
      g_value_set_string (value, settings->location);
      break;
    case PROP_MODE:
      g_value_set_enum (value, (gint) settings->mode);
      break;
    case PROP_SEGMENT_DURATION_MS:
      g_value_set_uint (value, settings->segment_duration_ms);
      break;
    case PROP_PART_DURATION_MS:
      g_value_set_uint (value, settings->part_duration_ms);
      break;
    case PROP_WINDOW_SEGMENTS:
      g_value_set_uint (value, settings->window_segments);
      break;
    case PROP_DVR_WINDOW_MS:
      g_value_set_uint (value, settings->dvr_window_ms);
      break;
    case PROP_MAX_SKEW_MS:
      g_value_set_uint (value, settings->max_skew_ms);
      break;
    case PROP_STARTUP_TIMEOUT_MS:
      g_value_set_uint (value, settings->startup_timeout_ms);
      break;
    case PROP_HLS:
      g_value_set_boolean (value, settings->hls);
      break;
    case PROP_DASH:
      g_value_set_boolean (value, settings->dash);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_cmaf_sink_finalize (GObject *object)
{
  g_free (GST_CMAF_SINK (object)->settings.location);
  G_OBJECT_CLASS (gst_cmaf_sink_parent_class)->finalize (object);
}

static void
install_uint (GObjectClass *klass, guint id, const gchar *name,
    const gchar *blurb, guint least, guint value)
{
  g_object_class_install_property (klass, id,
      g_param_spec_uint (name, name, blurb, least, G_MAXINT, value,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
              GST_PARAM_MUTABLE_READY));
}

static void
install_properties (GObjectClass *klass)
{
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_READY;
  g_object_class_install_property (klass, PROP_LOCATION,
      g_param_spec_string ("location", "location",
          "Directory of the stream, or its file:// URL", NULL, flags));
  g_object_class_install_property (klass, PROP_MODE,
      g_param_spec_enum ("mode", "mode", "What the playlists keep",
          GST_TYPE_CMAF_SINK_MODE, DEFAULT_MODE, flags));
  install_uint (klass, PROP_SEGMENT_DURATION_MS, "segment-duration-ms",
      "A segment ends at the first keyframe after so many ms (5 % less counts)",
      100, DEFAULT_SEGMENT_DURATION_MS);
  install_uint (klass, PROP_PART_DURATION_MS, "part-duration-ms",
      "Chunks of a segment, in ms; 0: one per segment", 0, 0);
  install_uint (klass, PROP_WINDOW_SEGMENTS, "window-segments",
      "Least number of segments that a live playlist keeps", 3,
      DEFAULT_WINDOW_SEGMENTS);
  install_uint (klass, PROP_DVR_WINDOW_MS, "dvr-window-ms",
      "Least duration that a live playlist keeps, in ms; 0: none", 0, 0);
  install_uint (klass, PROP_MAX_SKEW_MS, "max-skew-ms",
      "Wait for the last rendition, in ms of media; 0: two parts, or 1000", 0,
      0);
  install_uint (klass, PROP_STARTUP_TIMEOUT_MS, "startup-timeout-ms",
      "Wait of the first manifests for every pad, in ms of media; 0: none", 0,
      DEFAULT_STARTUP_TIMEOUT_MS);
  g_object_class_install_property (klass, PROP_HLS,
      g_param_spec_boolean ("hls", "hls", "Write HLS playlists", TRUE, flags));
  g_object_class_install_property (klass, PROP_DASH,
      g_param_spec_boolean ("dash", "dash", "Write an MPD for DASH", TRUE,
          flags));
  g_object_class_install_property (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "stats",
          "generation, segments, bytes, gaps, target-duration (s), "
          "retention-ms, renditions (array of structures)",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

static void
gst_cmaf_sink_class_init (GstCmafSinkClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_cmaf_sink_set_property;
  object_class->get_property = gst_cmaf_sink_get_property;
  object_class->finalize = gst_cmaf_sink_finalize;
  install_properties (object_class);

  element_class->request_new_pad = gst_cmaf_sink_request_new_pad;
  element_class->release_pad = gst_cmaf_sink_release_pad;
  element_class->change_state = gst_cmaf_sink_change_state;
  element_class->state_changed = gst_cmaf_sink_state_changed;
  element_class->query = gst_cmaf_sink_query;
  gst_element_class_add_static_pad_template_with_gtype (element_class,
      &video_template, GST_TYPE_CMAF_SINK_PAD);
  gst_element_class_add_static_pad_template_with_gtype (element_class,
      &audio_template, GST_TYPE_CMAF_SINK_PAD);
  gst_element_class_set_static_metadata (element_class, "CMAF packager",
      "Sink/Muxer", "Packages a stream as CMAF for HLS and DASH",
      "The millrace authors");
}

static void
gst_cmaf_sink_init (GstCmafSink *self)
{
  self->settings = (Settings){
    .mode = DEFAULT_MODE,
    .segment_duration_ms = DEFAULT_SEGMENT_DURATION_MS,
    .window_segments = DEFAULT_WINDOW_SEGMENTS,
    .startup_timeout_ms = DEFAULT_STARTUP_TIMEOUT_MS,
    .hls = TRUE,
    .dash = TRUE,
  };
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
}
