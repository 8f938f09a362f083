/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-output.h"

#include <gst/base/gstflowcombiner.h>
#include <gst/pbutils/pbutils.h>

#include "rtmp-caps.h"
#include "rtmp-timeline.h"
#include "rtmp/flv-tag.h"

GST_DEBUG_CATEGORY_STATIC (rtmp_output_debug);
#define GST_CAT_DEFAULT rtmp_output_debug

/* One kind is waited for this long, in the publisher's time, after the first
 * frame of the other. */
#define MAX_WAIT_MS 1000
#define STATS_PERIOD_US G_USEC_PER_SEC
/* Each change of the encoding costs every packager a segment and new playlists:
 * so many at once, and one more per second. */
#define MAX_CHANGES 8

/* Written by the lane, read from anywhere. */
#define COUNTER_SET(field, value) \
  __atomic_store_n (&(field), (value), __ATOMIC_RELAXED)
#define COUNTER_GET(field) __atomic_load_n (&(field), __ATOMIC_RELAXED)

typedef enum
{
  TRACK_VIDEO,
  TRACK_AUDIO,
  N_TRACKS,
} TrackKind;

typedef struct
{
  TrackKind kind;
  GstPad *pad; /* nullable; owned by the element */
  GstCaps *caps;
  GBytes *config;
  GstClockTime frame_duration;
  gboolean refused; /* this publisher's codec cannot be used */
  gboolean warned; /* it was told so; once per publisher */
  guint64 frames; /* counter */
} Track;

struct _MillRtmpOutput
{
  GstElement *element;
  GstFlowCombiner *combiner;
  guint group_id;
  gchar *stream;
  GstStructure *metadata;
  MillRtmpTimeline timeline;
  Track tracks[N_TRACKS];
  gboolean no_more_pads;
  guint changes; /* of encodings, less one per second */
  gint64 changes_since_us;

  /* this publisher's first message with a frame, of whatever codec */
  gboolean has_first;
  guint32 first_ms;
  /* without a clock: when running time began */
  gint64 clockless_start_us;

  /* counters, and what they are made from */
  gint64 period_start_us;
  guint64 period_bytes;
  guint64 period_frames;
  GstClockTime last_keyframe;
  guint bitrate_bps; /* counter */
  guint millifps; /* counter */
  guint64 keyframe_interval_ns; /* counter */
  guint jumps; /* counter */
  guint repairs; /* counter */
};

static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE ("video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
        GST_STATIC_CAPS ("video/x-h264, stream-format=avc, alignment=au"));
static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
        GST_STATIC_CAPS ("audio/mpeg, mpegversion=4, stream-format=raw, "
                         "framed=true"));

G_DEFINE_QUARK (mill_rtmp_output_error, mill_rtmp_output_error)

static const gchar *
get_kind_name (TrackKind kind)
{
  return kind == TRACK_VIDEO ? "video" : "audio";
}

/* ---- pads ---- */

static gboolean
query_pad (GstPad *pad, GstObject *parent, GstQuery *query)
{
  if (GST_QUERY_TYPE (query) != GST_QUERY_LATENCY)
    return gst_pad_query_default (pad, parent, query);
  /* A frame is pushed when it arrives; running time begins at an arrival. */
  gst_query_set_latency (query, TRUE, 0, GST_CLOCK_TIME_NONE);
  return TRUE;
}

static void
push_start (MillRtmpOutput *self, Track *track)
{
  g_autofree gchar *stream_id = g_strdup_printf ("%s/%s/%s",
      GST_OBJECT_NAME (self->element), self->stream, GST_PAD_NAME (track->pad));
  GstEvent *event = gst_event_new_stream_start (stream_id);
  GstSegment segment;

  gst_event_set_group_id (event, self->group_id);
  gst_pad_push_event (track->pad, event);
  gst_pad_push_event (track->pad, gst_event_new_caps (track->caps));
  /* Time stamps are running times: the origin is the pipeline's, over all
   * publishers. */
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (track->pad, gst_event_new_segment (&segment));
}

static void
push_tags (MillRtmpOutput *self, Track *track)
{
  g_autoptr (GstTagList) tags = gst_tag_list_new_empty ();
  gdouble kbps = 0;
  const gchar *encoder = NULL;

  gst_pb_utils_add_codec_description_to_tag_list (tags,
      track->kind == TRACK_VIDEO ? GST_TAG_VIDEO_CODEC : GST_TAG_AUDIO_CODEC,
      track->caps);
  if (self->metadata) {
    gst_structure_get_double (self->metadata,
        track->kind == TRACK_VIDEO ? "videodatarate" : "audiodatarate", &kbps);
    encoder = gst_structure_get_string (self->metadata, "encoder");
  }
  if (kbps > 0 && kbps < 1e6)
    gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE, GST_TAG_NOMINAL_BITRATE,
        (guint) (kbps * 1000), NULL);
  if (encoder && *encoder)
    gst_tag_list_add (tags, GST_TAG_MERGE_REPLACE, GST_TAG_ENCODER, encoder,
        NULL);
  if (!gst_tag_list_is_empty (tags))
    gst_pad_push_event (track->pad,
        gst_event_new_tag (g_steal_pointer (&tags)));
}

static void
add_pad (MillRtmpOutput *self, Track *track)
{
  g_autofree gchar *name =
      g_strdup_printf ("%s_0", get_kind_name (track->kind));

  track->pad = gst_pad_new_from_static_template (track->kind == TRACK_VIDEO
          ? &video_template
          : &audio_template,
      name);
  gst_pad_set_query_function (track->pad, query_pad);
  gst_pad_use_fixed_caps (track->pad);
  gst_pad_set_active (track->pad, TRUE);
  push_start (self, track);
  push_tags (self, track);
  gst_flow_combiner_add_pad (self->combiner, track->pad);
  gst_element_add_pad (self->element, track->pad);
}

static gboolean
announces (MillRtmpOutput *self, TrackKind kind)
{
  return gst_structure_has_field (self->metadata,
      kind == TRACK_VIDEO ? "videocodecid" : "audiocodecid");
}

/* Whether the publisher has said that it will not send @kind: onMetaData that
 * names a codec for one kind and none for the other. */
static gboolean
is_announced_missing (MillRtmpOutput *self, TrackKind kind)
{
  if (!self->metadata)
    return FALSE;
  return !announces (self, kind) &&
      announces (self, kind == TRACK_VIDEO ? TRACK_AUDIO : TRACK_VIDEO);
}

static gboolean
is_expected (MillRtmpOutput *self, Track *track, gboolean waited)
{
  return !track->config && !track->refused && !waited &&
      !is_announced_missing (self, track->kind);
}

static void
say_no_more_pads (MillRtmpOutput *self)
{
  if (self->no_more_pads)
    return;
  self->no_more_pads = TRUE;
  gst_element_no_more_pads (self->element);
}

/* Says no-more-pads when it is due, and gives up a publisher of which nothing
 * can be used. A track that comes later still gets its pad. */
static gboolean
settle_tracks (MillRtmpOutput *self, guint32 timestamp_ms, GError **error)
{
  Track *video = &self->tracks[TRACK_VIDEO];
  Track *audio = &self->tracks[TRACK_AUDIO];
  gboolean waited = self->has_first &&
      (gint32) (timestamp_ms - self->first_ms) >= MAX_WAIT_MS;

  if (is_expected (self, video, waited) || is_expected (self, audio, waited))
    return TRUE;
  gboolean video_runs = video->config && !video->refused;
  gboolean audio_runs = audio->config && !audio->refused;
  if (!video_runs && !audio_runs) {
    g_set_error_literal (error, MILL_RTMP_OUTPUT_ERROR,
        MILL_RTMP_OUTPUT_ERROR_CODEC,
        "no track can be used, expected H.264 video or AAC audio");
    return FALSE;
  }
  say_no_more_pads (self);
  return TRUE;
}

/* ---- configuration ---- */

static void
refuse_track (Track *track, MillRtmpOutput *self, const gchar *what,
    const gchar *details)
{
  track->refused = TRUE;
  if (track->warned)
    return;
  track->warned = TRUE;
  GST_ELEMENT_WARNING (self->element, STREAM, CODEC_NOT_FOUND,
      ("The %s of stream '%s' cannot be used: got %s, expected %s.",
          get_kind_name (track->kind), self->stream, what,
          track->kind == TRACK_VIDEO ? "H.264" : "AAC"),
      ("%s", details));
}

static void
set_caps (MillRtmpOutput *self, Track *track, GstCaps *caps)
{
  gboolean is_new = !track->caps || !gst_caps_is_equal (track->caps, caps);

  if (!is_new)
    return;
  gst_caps_replace (&track->caps, caps);
  GST_INFO_OBJECT (self->element, "%s is %" GST_PTR_FORMAT,
      get_kind_name (track->kind), caps);
  if (!track->pad) {
    add_pad (self, track);
  } else {
    gst_pad_push_event (track->pad, gst_event_new_caps (caps));
    push_tags (self, track);
  }
}

static gboolean
may_change (MillRtmpOutput *self, gint64 now_us)
{
  gint64 seconds = (now_us - self->changes_since_us) / G_USEC_PER_SEC;

  if (seconds > 0) {
    self->changes -= (guint) MIN (seconds, self->changes);
    self->changes_since_us = now_us;
  }
  if (self->changes >= MAX_CHANGES)
    return FALSE;
  self->changes++;
  return TRUE;
}

static void
handle_config (MillRtmpOutput *self, Track *track, const guint8 *data,
    gsize size, gint64 arrival_us)
{
  g_autoptr (GBytes) config = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstCaps) caps = NULL;
  GstClockTime duration = GST_CLOCK_TIME_NONE;

  /* Encoders repeat it with every keyframe. */
  if (track->config && !track->refused && g_bytes_equal (track->config, config))
    return;
  if (track->kind == TRACK_VIDEO)
    caps = mill_rtmp_caps_from_avc (config, self->metadata, &duration, &error);
  else
    caps = mill_rtmp_caps_from_aac (config, &duration, &error);
  if (!caps) {
    refuse_track (track, self, "a damaged codec configuration", error->message);
    return;
  }
  if (track->caps && !gst_caps_is_equal (track->caps, caps) &&
      !may_change (self, arrival_us)) {
    refuse_track (track, self, "a new encoding too often",
        "Frames are dropped until the encoding may change again.");
    return;
  }
  g_clear_pointer (&track->config, g_bytes_unref);
  track->config = g_steal_pointer (&config);
  track->frame_duration = duration;
  track->refused = FALSE;
  set_caps (self, track, caps);
}

/* ---- frames ---- */

static GstClockTime
get_running_time (MillRtmpOutput *self, gint64 arrival_us)
{
  g_autoptr (GstClock) clock = gst_element_get_clock (self->element);

  if (clock) {
    GstClockTime now = gst_clock_get_time (clock);
    GstClockTime base = gst_element_get_base_time (self->element);
    return GST_CLOCK_TIME_IS_VALID (base) && now > base ? now - base : 0;
  }
  if (self->clockless_start_us == 0)
    self->clockless_start_us = arrival_us;
  return (arrival_us - self->clockless_start_us) * GST_USECOND;
}

static void
update_rates (MillRtmpOutput *self, gint64 now_us)
{
  gint64 elapsed_us = now_us - self->period_start_us;

  if (elapsed_us < STATS_PERIOD_US)
    return;
  if (self->period_start_us > 0) {
    COUNTER_SET (self->bitrate_bps,
        (guint) (self->period_bytes * 8 * G_USEC_PER_SEC / elapsed_us));
    COUNTER_SET (self->millifps,
        (guint) (self->period_frames * 1000 * G_USEC_PER_SEC / elapsed_us));
  }
  self->period_start_us = now_us;
  self->period_bytes = 0;
  self->period_frames = 0;
}

static void
count_frame (MillRtmpOutput *self, Track *track, GstBuffer *buffer)
{
  COUNTER_SET (track->frames, track->frames + 1);
  self->period_bytes += gst_buffer_get_size (buffer);
  if (track->kind != TRACK_VIDEO)
    return;
  self->period_frames++;
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT))
    return;
  if (GST_CLOCK_TIME_IS_VALID (self->last_keyframe))
    COUNTER_SET (self->keyframe_interval_ns,
        GST_BUFFER_DTS (buffer) - self->last_keyframe);
  self->last_keyframe = GST_BUFFER_DTS (buffer);
}

static void
stamp_frame (MillRtmpOutput *self, Track *track, GstBuffer *buffer,
    const MillRtmpTimelineStamp *wire, gint32 composition_ms)
{
  MillRtmpTimelineStamp stamp = *wire;
  gboolean is_discont;

  if (mill_rtmp_timeline_needs_anchor (&self->timeline, &stamp))
    stamp.arrival_running_time = get_running_time (self, stamp.arrival_us);
  GstClockTime dts =
      mill_rtmp_timeline_stamp (&self->timeline, &stamp, &is_discont);
  gint64 pts = (gint64) dts + composition_ms * (gint64) GST_MSECOND;

  GST_BUFFER_DTS (buffer) = dts;
  GST_BUFFER_PTS (buffer) = MAX (pts, 0);
  GST_BUFFER_DURATION (buffer) = track->frame_duration;
  if (is_discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  COUNTER_SET (self->jumps, self->timeline.jumps);
  COUNTER_SET (self->repairs, self->timeline.repairs);
}

static gboolean
check_flow (MillRtmpOutput *self, Track *track, GstFlowReturn flow,
    GError **error)
{
  /* Good news as well: the combiner remembers its last verdict. */
  flow = gst_flow_combiner_update_pad_flow (self->combiner, track->pad, flow);
  /* The other pad may still come, and be linked. Flushing says that what is
   * below stops or starts again; stopping ourselves comes by a state change. */
  if (flow == GST_FLOW_OK || flow == GST_FLOW_FLUSHING ||
      (flow == GST_FLOW_NOT_LINKED && !self->no_more_pads))
    return TRUE;

  MillRtmpOutputError code = MILL_RTMP_OUTPUT_ERROR_FLOW;
  if (flow == GST_FLOW_EOS)
    code = MILL_RTMP_OUTPUT_ERROR_EOS;
  else
    GST_ELEMENT_FLOW_ERROR (self->element, flow);
  g_set_error (error, MILL_RTMP_OUTPUT_ERROR, code,
      "the pipeline takes no more of stream '%s': %s", self->stream,
      gst_flow_get_name (flow));
  return FALSE;
}

/* What a tag of either kind comes down to. */
typedef struct
{
  gsize header_size;
  guint packet_type;
  gboolean is_delta;
  gboolean is_empty; /* nothing to push */
  gint32 composition_ms;
  gchar *other_codec; /* not one of ours: its name */
} Tag;

static gboolean
read_video_tag (const guint8 *data, gsize size, Tag *ret_tag)
{
  MillFlvVideoTag tag;

  if (!mill_flv_tag_parse_video (data, size, &tag, NULL))
    return FALSE;
  *ret_tag = (Tag){
    .header_size = tag.header_size,
    .packet_type = tag.packet_type,
    .is_delta = tag.frame_type != MILL_FLV_FRAME_KEY,
    .is_empty = tag.frame_type == MILL_FLV_FRAME_COMMAND,
    .composition_ms = tag.composition_time_ms,
  };
  if (tag.extended || tag.codec != MILL_FLV_VIDEO_AVC)
    ret_tag->other_codec = mill_flv_tag_video_codec_name (&tag);
  return TRUE;
}

static gboolean
read_audio_tag (const guint8 *data, gsize size, Tag *ret_tag)
{
  MillFlvAudioTag tag;

  if (!mill_flv_tag_parse_audio (data, size, &tag, NULL))
    return FALSE;
  *ret_tag = (Tag){
    .header_size = tag.header_size,
    .packet_type = tag.packet_type,
  };
  if (tag.format != MILL_FLV_AUDIO_AAC)
    ret_tag->other_codec = mill_flv_tag_audio_codec_name (&tag);
  return TRUE;
}

/* Returns FALSE when there is no frame in it; a configuration is dealt with. */
static gboolean
open_message (MillRtmpOutput *self, Track *track, GstBuffer *payload,
    gint64 arrival_us, Tag *ret_tag)
{
  GstMapInfo map;
  gboolean has_frame = FALSE;

  if (!gst_buffer_map (payload, &map, GST_MAP_READ))
    return FALSE;
  gboolean is_valid = track->kind == TRACK_VIDEO
      ? read_video_tag (map.data, map.size, ret_tag)
      : read_audio_tag (map.data, map.size, ret_tag);
  if (!is_valid) {
    GST_DEBUG_OBJECT (self->element,
        "%s message of %" G_GSIZE_FORMAT " bytes is too short, ignoring",
        get_kind_name (track->kind), map.size);
  } else if (ret_tag->other_codec) {
    refuse_track (track, self, ret_tag->other_codec,
        "This build passes H.264 and AAC through.");
    g_clear_pointer (&ret_tag->other_codec, g_free);
  } else if (ret_tag->packet_type == MILL_FLV_PACKET_CONFIG &&
      !ret_tag->is_empty) {
    handle_config (self, track, map.data + ret_tag->header_size,
        map.size - ret_tag->header_size, arrival_us);
  } else {
    has_frame = ret_tag->packet_type == MILL_FLV_PACKET_FRAME &&
        !ret_tag->is_empty && map.size > ret_tag->header_size;
  }
  gst_buffer_unmap (payload, &map);
  return has_frame;
}

gboolean
mill_rtmp_output_push (MillRtmpOutput *self, MillRtmpMediaType type,
    guint32 timestamp_ms, GstBuffer *payload, gint64 arrival_us, GError **error)
{
  g_autoptr (GstBuffer) buffer = payload;
  TrackKind kind = type == MILL_RTMP_MEDIA_VIDEO ? TRACK_VIDEO : TRACK_AUDIO;
  Track *track = &self->tracks[kind];
  Tag tag = { .packet_type = MILL_FLV_PACKET_CONFIG };

  gboolean has_frame = open_message (self, track, buffer, arrival_us, &tag);
  /* The time stamp of a configuration says nothing. */
  if (tag.packet_type != MILL_FLV_PACKET_CONFIG && !self->has_first) {
    self->has_first = TRUE;
    self->first_ms = timestamp_ms;
  }
  if (!settle_tracks (self, timestamp_ms, error))
    return FALSE;
  /* A frame without its configuration would be of no use to anybody. */
  if (!has_frame || !track->config || track->refused)
    return TRUE;

  MillRtmpTimelineStamp wire = {
    .track = kind,
    .wire_ms = timestamp_ms,
    .arrival_us = arrival_us,
  };
  gst_buffer_resize (buffer, tag.header_size, -1);
  stamp_frame (self, track, buffer, &wire, tag.composition_ms);
  if (tag.is_delta)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  count_frame (self, track, buffer);
  update_rates (self, arrival_us);
  return check_flow (self, track,
      gst_pad_push (track->pad, g_steal_pointer (&buffer)), error);
}

/* ---- life ---- */

static void
init_debug (void)
{
  static gsize done;

  if (!g_once_init_enter (&done))
    return;
  GST_DEBUG_CATEGORY_INIT (rtmp_output_debug, "rtmpoutput", 0,
      "RTMP messages to buffers");
  g_once_init_leave (&done, 1);
}

MillRtmpOutput *
mill_rtmp_output_new (GstElement *element)
{
  MillRtmpOutput *self = g_new0 (MillRtmpOutput, 1);

  init_debug ();
  self->element = element;
  self->combiner = gst_flow_combiner_new ();
  self->group_id = gst_util_group_id_next ();
  self->last_keyframe = GST_CLOCK_TIME_NONE;
  mill_rtmp_timeline_init (&self->timeline);
  for (guint i = 0; i < N_TRACKS; i++)
    self->tracks[i].kind = i;
  return self;
}

void
mill_rtmp_output_free (MillRtmpOutput *self)
{
  for (guint i = 0; i < N_TRACKS; i++) {
    gst_clear_caps (&self->tracks[i].caps);
    g_clear_pointer (&self->tracks[i].config, g_bytes_unref);
  }
  gst_flow_combiner_free (self->combiner);
  gst_clear_structure (&self->metadata);
  g_free (self->stream);
  g_free (self);
}

void
mill_rtmp_output_begin (MillRtmpOutput *self, const gchar *stream)
{
  if (!self->stream)
    self->stream = g_strdup (stream);
  gst_clear_structure (&self->metadata);
  mill_rtmp_timeline_begin (&self->timeline);
  self->has_first = FALSE;
  self->last_keyframe = GST_CLOCK_TIME_NONE;
  for (guint i = 0; i < N_TRACKS; i++) {
    self->tracks[i].refused = FALSE;
    self->tracks[i].warned = FALSE;
    /* Its configuration must come again before its frames mean anything. */
    g_clear_pointer (&self->tracks[i].config, g_bytes_unref);
  }
}

void
mill_rtmp_output_set_metadata (MillRtmpOutput *self,
    const GstStructure *metadata)
{
  gst_clear_structure (&self->metadata);
  self->metadata = gst_structure_copy (metadata);
}

gboolean
mill_rtmp_output_has_pads (MillRtmpOutput *self)
{
  return self->tracks[TRACK_VIDEO].pad || self->tracks[TRACK_AUDIO].pad;
}

gboolean
mill_rtmp_output_end (MillRtmpOutput *self)
{
  /* Whoever still waits for another pad would wait for ever. */
  if (mill_rtmp_output_has_pads (self))
    say_no_more_pads (self);
  for (guint i = 0; i < N_TRACKS; i++)
    if (self->tracks[i].pad)
      gst_pad_push_event (self->tracks[i].pad, gst_event_new_eos ());
  return mill_rtmp_output_has_pads (self);
}

void
mill_rtmp_output_remove_pads (MillRtmpOutput *self)
{
  for (guint i = 0; i < N_TRACKS; i++) {
    Track *track = &self->tracks[i];
    if (!track->pad)
      continue;
    gst_flow_combiner_remove_pad (self->combiner, track->pad);
    gst_pad_set_active (track->pad, FALSE);
    gst_element_remove_pad (self->element, track->pad);
    track->pad = NULL;
  }
}

void
mill_rtmp_output_fill_stats (MillRtmpOutput *self, GstStructure *structure)
{
  gst_structure_set (structure, "video-frames", G_TYPE_UINT64,
      COUNTER_GET (self->tracks[TRACK_VIDEO].frames), "audio-frames",
      G_TYPE_UINT64, COUNTER_GET (self->tracks[TRACK_AUDIO].frames), "fps",
      G_TYPE_DOUBLE, COUNTER_GET (self->millifps) / 1000.0, "bitrate",
      G_TYPE_UINT, COUNTER_GET (self->bitrate_bps), "keyframe-interval",
      G_TYPE_UINT64, COUNTER_GET (self->keyframe_interval_ns), "jumps",
      G_TYPE_UINT, COUNTER_GET (self->jumps), "repairs", G_TYPE_UINT,
      COUNTER_GET (self->repairs), NULL);
}
