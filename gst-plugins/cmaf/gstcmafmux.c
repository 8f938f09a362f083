/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * SECTION:element-cmafmux
 *
 * One encoded track in, its CMAF header and chunks out.
 *
 *     gst-launch-1.0 filesrc location=movie.mp4 ! qtdemux ! h264parse ! \
 *         cmafmux ! filesink location=video.cmfv
 *
 * Out comes one buffer list per chunk: the CMAF header when it is new (flags
 * HEADER and DISCONT; it is the caps' streamheader, too), the chunk's boxes
 * (HEADER, and DELTA_UNIT unless a decoder can begin there), then the payload
 * of each sample (DELTA_UNIT), the last one with MARKER. Stamps are running
 * time, in a segment that begins at zero.
 *
 * Threads: everything in the streaming thread of the sink pad; nothing waits
 * but what is downstream.
 */

#include "cmaf-chunker.h"
#include "gstcmafmedia.h"
#include "gstcmafmuxoutput.h"
#include "gstcmafsinkcaps.h"

GST_DEBUG_CATEGORY_STATIC (cmafmux_debug);
#define GST_CAT_DEFAULT cmafmux_debug

#define DEFAULT_SEGMENT_DURATION_MS 2000
#define DEFAULT_CHUNK_DURATION_MS 0

enum
{
  PROP_SEGMENT_DURATION_MS = 1,
  PROP_CHUNK_DURATION_MS,
};

#define GST_TYPE_CMAF_MUX (gst_cmaf_mux_get_type ())
G_DECLARE_FINAL_TYPE (GstCmafMux, gst_cmaf_mux, GST, CMAF_MUX, GstElement)

struct _GstCmafMux
{
  GstElement parent;
  GstPad *sink_pad;

  /* object lock */
  guint segment_duration_ms;
  guint chunk_duration_ms;
  GstClockTime frame_duration; /* for the latency; 0 unknown */

  /* streaming thread, and state changes while that is stopped */
  MillCmafChunker *chunker;
  GstCmafMedia media;
  gchar *language; /* (nullable) */
  GstCmafMuxOutput output;
};

GST_ELEMENT_REGISTER_DECLARE (cmafmux)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (cmafmux, "cmafmux", GST_RANK_NONE,
    GST_TYPE_CMAF_MUX,
    GST_DEBUG_CATEGORY_INIT (cmafmux_debug, "cmafmux", 0, "CMAF muxer"))

G_DEFINE_TYPE (GstCmafMux, gst_cmaf_mux, GST_TYPE_ELEMENT)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_CMAF_SINK_CAPS_VIDEO "; " GST_CMAF_SINK_CAPS_AUDIO));
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("video/quicktime, variant = (string) cmaf"));

/* The one place where an error becomes a message. */
static void
post_error (GstCmafMux *self, const GError *error)
{
  GST_ELEMENT_ERROR (self, STREAM, MUX, ("%s", error->message),
      ("%s, code %d", g_quark_to_string (error->domain), error->code));
}

/* ---- what goes out ---- */

static GstFlowReturn
push_pieces (GstCmafMux *self)
{
  GstFlowReturn ret = GST_FLOW_OK;
  while (ret == GST_FLOW_OK) {
    g_autoptr (MillCmafPiece) piece = mill_cmaf_chunker_pop (self->chunker);
    if (piece == NULL)
      break;
    GST_LOG_OBJECT (self, "chunk at %" GST_TIME_FORMAT ", %u samples",
        GST_TIME_ARGS (piece->dts), piece->taken.samples->len);
    ret = gst_cmaf_mux_output_push (&self->output, piece);
  }
  return ret;
}

/* ---- what comes in ---- */

static gboolean
refuse_caps (GstCmafMux *self, const GstCaps *caps, const gchar *why)
{
  g_autofree gchar *expected =
      gst_cmaf_sink_caps_explain (self->media.kind, caps);
  GST_ELEMENT_ERROR (self, STREAM, FORMAT,
      ("codec: got %s, expected %s",
          gst_structure_get_name (gst_caps_get_structure (caps, 0)), expected),
      ("%s: %" GST_PTR_FORMAT, why, caps));
  return FALSE;
}

static void
note_frame_duration (GstCmafMux *self, const MillCmafLaneFormat *format)
{
  GstClockTime duration = 0;
  if (format->frame_length > 0)
    duration = gst_util_uint64_scale (format->frame_length, GST_SECOND,
        format->format.timescale);
  else if (format->format.fps_n > 0)
    duration = gst_util_uint64_scale (GST_SECOND, format->format.fps_d,
        format->format.fps_n);
  GST_OBJECT_LOCK (self);
  gboolean changed = self->frame_duration != duration;
  self->frame_duration = duration;
  GST_OBJECT_UNLOCK (self);
  if (changed)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_latency (GST_OBJECT (self)));
}

static gboolean
use_format (GstCmafMux *self, MillCmafLaneFormat *format)
{
  g_autoptr (GError) error = NULL;
  format->format.orientation = self->media.orientation;
  format->format.language = g_strdup (self->language);
  gst_cmaf_media_set_codec (&self->media, &format->codec);
  note_frame_duration (self, format);
  if (mill_cmaf_chunker_set_format (self->chunker, format, &error))
    return TRUE;
  post_error (self, error);
  return FALSE;
}

/* @buffer: (nullable): a frame that may tell what caps lack */
static gboolean
negotiate (GstCmafMux *self, const GstCaps *caps, GstBuffer *buffer)
{
  MillCmafLaneFormat format;
  g_autoptr (GError) error = NULL;
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  self->media.kind =
      g_str_has_prefix (gst_structure_get_name (structure), "audio/")
      ? MILL_CMAF_AUDIO
      : MILL_CMAF_VIDEO;
  switch (gst_cmaf_sink_caps_describe (self->media.kind, caps, buffer, &format,
      &error)) {
    case GST_CMAF_SINK_CAPS_REFUSED:
      return refuse_caps (self, caps, error->message);
    case GST_CMAF_SINK_CAPS_INCOMPLETE:
      gst_cmaf_media_expect_codec (&self->media, format.codec.codec);
      return TRUE;
    default:
      break;
  }
  gboolean used = use_format (self, &format);
  gst_cmaf_sink_caps_clear_format (&format);
  return used;
}

static gboolean
negotiate_current (GstCmafMux *self, GstBuffer *buffer)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (self->sink_pad);
  return caps != NULL && negotiate (self, caps, buffer);
}

static GstFlowReturn
take_buffer (GstCmafMux *self, GstBuffer *buffer)
{
  g_autoptr (GError) error = NULL;
  MillCmafInput input;
  buffer = gst_cmaf_media_strip_buffer (&self->media, buffer);
  if (!gst_cmaf_media_describe_buffer (&self->media, buffer, &input)) {
    GST_WARNING_OBJECT (self, "a buffer without time or data, ignoring");
    gst_buffer_unref (buffer);
    return GST_FLOW_OK;
  }
  if (mill_cmaf_chunker_push (self->chunker, &input, buffer, &error))
    return push_pieces (self);
  post_error (self, error);
  return GST_FLOW_ERROR;
}

static GstFlowReturn
gst_cmaf_mux_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstCmafMux *self = GST_CMAF_MUX (parent);
  if (self->media.incomplete && !negotiate_current (self, buffer)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_NOT_NEGOTIATED;
  }
  if (!self->media.usable) {
    gst_buffer_unref (buffer);
    return GST_FLOW_OK;
  }
  return take_buffer (self, buffer);
}

/* ---- events ---- */

/* Caps, when media of before was whole, are told with the CMAF header. */
static gboolean
handle_caps (GstCmafMux *self, GstEvent *event)
{
  GstCaps *caps;
  gst_event_parse_caps (event, &caps);
  return negotiate (self, caps, NULL) && push_pieces (self) >= GST_FLOW_OK;
}

static gboolean
handle_segment (GstCmafMux *self, GstEvent *event)
{
  const GstSegment *segment;
  gst_event_parse_segment (event, &segment);
  if (segment->format != GST_FORMAT_TIME) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("segment: got format %s, expected time",
            gst_format_get_name (segment->format)),
        (NULL));
    return FALSE;
  }
  gst_cmaf_media_set_segment (&self->media, segment);
  self->output.segment_seqnum = gst_event_get_seqnum (event);
  return TRUE;
}

static void
handle_tags (GstCmafMux *self, GstEvent *event)
{
  GstTagList *tags;
  g_autofree gchar *language = NULL;
  gst_event_parse_tag (event, &tags);
  gboolean changed = gst_cmaf_media_set_tags (&self->media, tags);
  if (gst_tag_list_get_string (tags, GST_TAG_LANGUAGE_CODE, &language) &&
      g_strcmp0 (language, self->language) != 0) {
    g_free (self->language);
    self->language = g_steal_pointer (&language);
    changed = TRUE;
  }
  if (changed && self->media.usable && !self->media.incomplete)
    negotiate_current (self, NULL);
}

/* The next keyframe was asked for: it begins a segment, and the event comes
 * before it. */
static gboolean
handle_downstream (GstCmafMux *self, GstEvent *event)
{
  const GstStructure *structure = gst_event_get_structure (event);
  g_autoptr (GError) error = NULL;
  if (structure == NULL ||
      !gst_structure_has_name (structure, "GstForceKeyUnit"))
    return gst_cmaf_mux_output_forward (&self->output, event);
  if (!mill_cmaf_chunker_break (self->chunker, &error))
    post_error (self, error);
  push_pieces (self);
  return gst_cmaf_mux_output_forward (&self->output, event);
}

static gboolean
handle_end (GstCmafMux *self, GstEvent *event)
{
  g_autoptr (GError) error = NULL;
  if (!mill_cmaf_chunker_finish (self->chunker, &error))
    post_error (self, error);
  push_pieces (self);
  if (!gst_cmaf_mux_output_has_begun (&self->output))
    GST_ELEMENT_WARNING (self, STREAM, MUX,
        ("the stream has ended without media that could be packaged"), (NULL));
  gst_cmaf_mux_output_release (&self->output);
  return gst_pad_push_event (self->output.pad, event);
}

/* Everything of before is forgotten: what comes has a CMAF header again. */
static void
reset (GstCmafMux *self)
{
  GST_OBJECT_LOCK (self);
  GstClockTime segment_duration = self->segment_duration_ms * GST_MSECOND;
  GstClockTime chunk_duration = self->chunk_duration_ms * GST_MSECOND;
  GST_OBJECT_UNLOCK (self);
  g_clear_pointer (&self->chunker, mill_cmaf_chunker_free);
  self->chunker = mill_cmaf_chunker_new (segment_duration, chunk_duration);
  gst_cmaf_mux_output_reset (&self->output);
}

static gboolean
handle_flush_stop (GstCmafMux *self, GstEvent *event)
{
  reset (self);
  gst_cmaf_media_set_segment (&self->media, NULL);
  gboolean handled = gst_pad_push_event (self->output.pad, event);
  if (self->media.usable)
    negotiate_current (self, NULL);
  return handled;
}

static gboolean
gst_cmaf_mux_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCmafMux *self = GST_CMAF_MUX (parent);
  gboolean handled;
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      handled = handle_caps (self, event);
      break;
    case GST_EVENT_SEGMENT:
      handled = handle_segment (self, event);
      break;
    case GST_EVENT_TAG:
      handle_tags (self, event);
      return gst_cmaf_mux_output_forward (&self->output, event);
    case GST_EVENT_GAP:
      handled = TRUE; /* silence has no chunk */
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      return handle_downstream (self, event);
    case GST_EVENT_EOS:
      return handle_end (self, event);
    case GST_EVENT_FLUSH_STOP:
      return handle_flush_stop (self, event);
    default:
      return gst_pad_event_default (pad, parent, event);
  }
  gst_event_unref (event);
  return handled;
}

/* ---- queries ---- */

static gboolean
gst_cmaf_mux_sink_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  /* Any caps get as far as the event, where the refusal says what is wrong. */
  if (GST_QUERY_TYPE (query) == GST_QUERY_ACCEPT_CAPS) {
    gst_query_set_accept_caps_result (query, TRUE);
    return TRUE;
  }
  return gst_pad_query_default (pad, parent, query);
}

/* A chunk goes out when what follows it is there. */
static gboolean
gst_cmaf_mux_src_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  GstCmafMux *self = GST_CMAF_MUX (parent);
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  gboolean live;
  GstClockTime least;
  GstClockTime most;
  if (!gst_pad_peer_query (self->sink_pad, query))
    return FALSE;
  gst_query_parse_latency (query, &live, &least, &most);
  GST_OBJECT_LOCK (self);
  GstClockTime own = GST_MSECOND *
      (self->chunk_duration_ms > 0 ? self->chunk_duration_ms
                                   : self->segment_duration_ms);
  own += self->frame_duration;
  GST_OBJECT_UNLOCK (self);
  /* Nothing here drops what is late: no upper bound is added. */
  gst_query_set_latency (query, live, least + own,
      GST_CLOCK_TIME_IS_VALID (most) ? most + own : most);
  return TRUE;
}

/* ---- states ---- */

static void
stop (GstCmafMux *self)
{
  g_clear_pointer (&self->chunker, mill_cmaf_chunker_free);
  g_clear_pointer (&self->language, g_free);
  gst_cmaf_mux_output_reset (&self->output);
}

static GstStateChangeReturn
gst_cmaf_mux_change_state (GstElement *element, GstStateChange transition)
{
  GstCmafMux *self = GST_CMAF_MUX (element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    gst_cmaf_media_init (&self->media, MILL_CMAF_VIDEO);
    reset (self);
  }
  GstStateChangeReturn ret = GST_ELEMENT_CLASS (gst_cmaf_mux_parent_class)
                                 ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    stop (self);
  return ret;
}

/* ---- properties ---- */

static void
gst_cmaf_mux_set_property (GObject *object, guint id, const GValue *value,
    GParamSpec *pspec)
{
  GstCmafMux *self = GST_CMAF_MUX (object);
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_SEGMENT_DURATION_MS:
      self->segment_duration_ms = g_value_get_uint (value);
      break;
    case PROP_CHUNK_DURATION_MS:
      self->chunk_duration_ms = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_cmaf_mux_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstCmafMux *self = GST_CMAF_MUX (object);
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_SEGMENT_DURATION_MS:
      g_value_set_uint (value, self->segment_duration_ms);
      break;
    case PROP_CHUNK_DURATION_MS:
      g_value_set_uint (value, self->chunk_duration_ms);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_cmaf_mux_finalize (GObject *object)
{
  stop (GST_CMAF_MUX (object));
  G_OBJECT_CLASS (gst_cmaf_mux_parent_class)->finalize (object);
}

static void
gst_cmaf_mux_class_init (GstCmafMuxClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_READY;

  object_class->set_property = gst_cmaf_mux_set_property;
  object_class->get_property = gst_cmaf_mux_get_property;
  object_class->finalize = gst_cmaf_mux_finalize;
  g_object_class_install_property (object_class, PROP_SEGMENT_DURATION_MS,
      g_param_spec_uint ("segment-duration-ms", "segment-duration-ms",
          "A segment ends at the first keyframe after so many ms "
          "(5 % less counts)",
          100, G_MAXINT, DEFAULT_SEGMENT_DURATION_MS, flags));
  g_object_class_install_property (object_class, PROP_CHUNK_DURATION_MS,
      g_param_spec_uint ("chunk-duration-ms", "chunk-duration-ms",
          "Chunks of a segment, in ms; 0: one per segment", 0, G_MAXINT,
          DEFAULT_CHUNK_DURATION_MS, flags));

  element_class->change_state = gst_cmaf_mux_change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "CMAF muxer",
      "Codec/Muxer", "Turns an encoded track into CMAF chunks",
      "The millrace authors");
}

static void
gst_cmaf_mux_init (GstCmafMux *self)
{
  self->segment_duration_ms = DEFAULT_SEGMENT_DURATION_MS;
  self->chunk_duration_ms = DEFAULT_CHUNK_DURATION_MS;
  self->sink_pad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink_pad, gst_cmaf_mux_chain);
  gst_pad_set_event_function (self->sink_pad, gst_cmaf_mux_event);
  gst_pad_set_query_function (self->sink_pad, gst_cmaf_mux_sink_query);
  gst_element_add_pad (GST_ELEMENT (self), self->sink_pad);
  self->output.pad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_query_function (self->output.pad, gst_cmaf_mux_src_query);
  gst_element_add_pad (GST_ELEMENT (self), self->output.pad);
}
