/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-output-private.h"

#include "source/source-event.h"

GST_DEBUG_CATEGORY (mill_rtmp_output_debug);
#define GST_CAT_DEFAULT mill_rtmp_output_debug

/* One kind is waited for this long, in the publisher's time, after the first
 * frame of the other. */
#define MAX_WAIT_MS 1000

/* Written by the lane, read from anywhere. */
#define COUNTER_SET(field, value) \
  __atomic_store_n (&(field), (value), __ATOMIC_RELAXED)
#define COUNTER_GET(field) __atomic_load_n (&(field), __ATOMIC_RELAXED)

G_DEFINE_QUARK (mill_rtmp_output_error, mill_rtmp_output_error)

/* ---- tracks ---- */

static MillRtmpTrack *
add_track (MillRtmpOutput *self, MillFlvKind kind, guint id)
{
  MillRtmpTrack *track = mill_rtmp_track_new (kind, id, self->n_tracks);

  mill_rtmp_track_set_latency (track, self->interval_ms);
  self->tracks[self->n_tracks] = track;
  __atomic_store_n (&self->n_tracks, self->n_tracks + 1, __ATOMIC_RELEASE);
  return track;
}

/* Returns: (nullable): NULL when there are too many. */
MillRtmpTrack *
mill_rtmp_output_find_track (MillRtmpOutput *self, MillFlvKind kind, guint id)
{
  for (guint i = 0; i < self->n_tracks; i++)
    if (self->tracks[i]->id == id && self->tracks[i]->kind == kind)
      return self->tracks[i];
  if (self->n_tracks < MILL_RTMP_OUTPUT_MAX_TRACKS)
    return add_track (self, kind, id);
  if (!self->is_full_warned)
    GST_ELEMENT_WARNING (self->element, STREAM, FORMAT,
        ("The %s track %u of stream '%s' cannot be used: got more than %u "
         "tracks.",
            mill_rtmp_track_get_kind_name (kind), id, self->stream,
            MILL_RTMP_OUTPUT_MAX_TRACKS),
        (NULL));
  self->is_full_warned = TRUE;
  return NULL;
}

static gboolean
announces (MillRtmpOutput *self, MillFlvKind kind)
{
  return gst_structure_has_field (self->metadata,
      kind == MILL_FLV_KIND_VIDEO ? "videocodecid" : "audiocodecid");
}

/* Whether the publisher has said that it will not send @kind: onMetaData that
 * names a codec for one kind and none for the other. */
static gboolean
is_announced_missing (MillRtmpOutput *self, MillFlvKind kind)
{
  if (!self->metadata)
    return FALSE;
  return !announces (self, kind) &&
      announces (self,
          kind == MILL_FLV_KIND_VIDEO ? MILL_FLV_KIND_AUDIO
                                      : MILL_FLV_KIND_VIDEO);
}

/* Whether what comes of that kind is known: any track will do. */
static gboolean
is_known (MillRtmpOutput *self, MillFlvKind kind)
{
  for (guint i = 0; i < self->n_tracks; i++) {
    const MillRtmpTrack *track = self->tracks[i];
    if (track->kind == kind && (track->has_config || track->is_refused))
      return TRUE;
  }
  return FALSE;
}

static gboolean
is_expected (MillRtmpOutput *self, MillFlvKind kind, gboolean waited)
{
  return !waited && !is_known (self, kind) &&
      !is_announced_missing (self, kind);
}

static gboolean
any_runs (MillRtmpOutput *self)
{
  for (guint i = 0; i < self->n_tracks; i++)
    if (mill_rtmp_track_runs (self->tracks[i]))
      return TRUE;
  return FALSE;
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
 * can be used. Configurations of all tracks come before the first frame, where
 * an encoder has several; a track that comes later still gets its pad. */
static gboolean
settle_tracks (MillRtmpOutput *self, const MillRtmpOutputMessage *message,
    GError **error)
{
  gboolean waited = self->has_first &&
      (gint32) (message->timestamp_ms - self->first_ms) >= MAX_WAIT_MS;

  if (is_expected (self, MILL_FLV_KIND_VIDEO, waited) ||
      is_expected (self, MILL_FLV_KIND_AUDIO, waited))
    return TRUE;
  if (!any_runs (self)) {
    g_set_error (error, MILL_RTMP_OUTPUT_ERROR, MILL_RTMP_OUTPUT_ERROR_CODEC,
        "no track can be used: got %s, expected %s or %s",
        self->refusal ? self->refusal : "no configuration",
        mill_rtmp_track_get_expected (MILL_FLV_KIND_VIDEO),
        mill_rtmp_track_get_expected (MILL_FLV_KIND_AUDIO));
    return FALSE;
  }
  if (message->has_media)
    say_no_more_pads (self);
  return TRUE;
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
count_frame (MillRtmpOutput *self, const MillRtmpOutputMessage *message,
    const MillRtmpOutputFrame *frame, GstBuffer *buffer)
{
  MillRtmpTrack *track = frame->track;
  const MillRtmpHealthFrame counted = {
    .kind = track->kind == MILL_FLV_KIND_VIDEO ? MILL_RTMP_HEALTH_VIDEO
                                               : MILL_RTMP_HEALTH_AUDIO,
    .is_main = track->slot <= MILL_RTMP_OUTPUT_AUDIO,
    .is_discont = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT),
    .is_key = !frame->is_delta,
    .composition_ms = frame->composition_ms,
    .size = frame->size,
    .dts_ns = (gint64) GST_BUFFER_DTS (buffer),
    .arrival_us = message->arrival_us,
  };

  COUNTER_SET (track->n_frames, track->n_frames + 1);
  mill_rtmp_health_count (self->health, &counted);
}

static void
stamp_frame (MillRtmpOutput *self, const MillRtmpOutputMessage *message,
    const MillRtmpOutputFrame *frame, GstBuffer *buffer)
{
  MillRtmpTrack *track = frame->track;
  gboolean is_discont;
  MillRtmpTimelineStamp stamp = {
    .track = track->slot,
    .wire_ms = message->timestamp_ms,
    .nano = message->nano,
    .arrival_us = message->arrival_us,
  };

  if (mill_rtmp_timeline_needs_anchor (&self->timeline, &stamp))
    stamp.arrival_running_time = get_running_time (self, stamp.arrival_us);
  GstClockTime dts =
      mill_rtmp_timeline_stamp (&self->timeline, &stamp, &is_discont);
  gint64 pts = (gint64) dts + frame->composition_ms * (gint64) GST_MSECOND;

  GST_BUFFER_DTS (buffer) = dts;
  GST_BUFFER_PTS (buffer) = MAX (pts, 0);
  GST_BUFFER_DURATION (buffer) = track->frame_duration;
  if (is_discont || track->is_discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  if (frame->is_delta)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  track->is_discont = FALSE;
  COUNTER_SET (self->jumps, self->timeline.jumps);
  COUNTER_SET (self->repairs, self->timeline.repairs);
}

static gboolean
check_flow (MillRtmpOutput *self, MillRtmpTrack *track, GstFlowReturn flow,
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

/* @buffer: (transfer full): just the frame, or the whole message */
static gboolean
push_frame (MillRtmpOutput *self, const MillRtmpOutputMessage *message,
    const MillRtmpOutputFrame *frame, GstBuffer *buffer, GError **error)
{
  stamp_frame (self, message, frame, buffer);
  count_frame (self, message, frame, buffer);
  return check_flow (self, frame->track,
      gst_pad_push (frame->track->pad, buffer), error);
}

/* As gst_buffer_resize(), which asks more than is in question of a message that
 * is one frame. */
static void
cut_out (GstBuffer *buffer, const MillRtmpOutputFrame *frame)
{
  GstMemory *memory = gst_buffer_n_memory (buffer) == 1
      ? gst_buffer_peek_memory (buffer, 0)
      : NULL;

  if (memory && gst_memory_is_writable (memory))
    gst_memory_resize (memory, frame->offset, frame->size);
  else
    gst_buffer_resize (buffer, frame->offset, frame->size);
}

/* The last frame gets the buffer that the message came in. */
static gboolean
push_frames (MillRtmpOutput *self, const MillRtmpOutputMessage *message,
    GstBuffer *payload, GError **error)
{
  g_autoptr (GstBuffer) owned = payload;

  for (guint i = 0; i < message->n_frames; i++) {
    const MillRtmpOutputFrame *frame = &message->frames[i];
    GstBuffer *buffer;

    if (i + 1 < message->n_frames) {
      buffer = gst_buffer_copy_region (owned, GST_BUFFER_COPY_MEMORY,
          frame->offset, frame->size);
    } else {
      buffer = g_steal_pointer (&owned);
      cut_out (buffer, frame);
    }
    if (!push_frame (self, message, frame, buffer, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
mill_rtmp_output_push (MillRtmpOutput *self, MillRtmpMediaType type,
    guint32 timestamp_ms, GstBuffer *payload, gint64 arrival_us, GError **error)
{
  g_autoptr (GstBuffer) buffer = payload;
  MillFlvKind kind = type == MILL_RTMP_MEDIA_VIDEO ? MILL_FLV_KIND_VIDEO
                                                   : MILL_FLV_KIND_AUDIO;
  MillRtmpOutputMessage message; /* its frames are not cleared: most have one */

  message.timestamp_ms = timestamp_ms;
  message.nano = 0;
  message.arrival_us = arrival_us;
  message.has_media = FALSE;
  message.n_frames = 0;
  mill_rtmp_output_message_read (self, kind, buffer, &message);
  /* The time stamp of a configuration says nothing. */
  if (message.has_media && !self->has_first) {
    self->has_first = TRUE;
    self->first_ms = timestamp_ms;
  }
  if (!settle_tracks (self, &message, error))
    return FALSE;
  if (message.n_frames == 0)
    return TRUE;
  return push_frames (self, &message, g_steal_pointer (&buffer), error);
}

/* ---- life ---- */

static void
init_debug (void)
{
  static gsize done;

  if (!g_once_init_enter (&done))
    return;
  GST_DEBUG_CATEGORY_INIT (mill_rtmp_output_debug, "rtmpoutput", 0,
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
  self->health = mill_rtmp_health_new ();
  mill_rtmp_timeline_init (&self->timeline);
  /* in the order of their slots */
  add_track (self, MILL_FLV_KIND_VIDEO, 0);
  add_track (self, MILL_FLV_KIND_AUDIO, 0);
  return self;
}

void
mill_rtmp_output_free (MillRtmpOutput *self)
{
  for (guint i = 0; i < self->n_tracks; i++)
    mill_rtmp_track_free (self->tracks[i]);
  mill_rtmp_health_free (self->health);
  gst_flow_combiner_free (self->combiner);
  gst_clear_structure (&self->metadata);
  g_free (self->stream);
  g_free (self->refusal);
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
  self->is_full_warned = FALSE;
  g_clear_pointer (&self->refusal, g_free);
  mill_rtmp_health_begin (self->health, g_get_monotonic_time ());
  for (guint i = 0; i < self->n_tracks; i++)
    mill_rtmp_track_begin (self->tracks[i]);
}

void
mill_rtmp_output_set_interval (MillRtmpOutput *self, guint interval_ms)
{
  gboolean has_changed = interval_ms != self->interval_ms;

  self->interval_ms = interval_ms;
  mill_rtmp_health_set_gathered (self->health, interval_ms > 0);
  for (guint i = 0; i < self->n_tracks; i++)
    mill_rtmp_track_set_latency (self->tracks[i], interval_ms);
  /* Nobody has asked where there are no pads yet. */
  if (has_changed && self->n_tracks > 0)
    gst_element_post_message (self->element,
        gst_message_new_latency (GST_OBJECT (self->element)));
}

void
mill_rtmp_output_tell_arrival (MillRtmpOutput *self, gint64 arrival_us)
{
  mill_rtmp_health_tell_arrival (self->health, arrival_us);
}

void
mill_rtmp_output_set_metadata (MillRtmpOutput *self,
    const GstStructure *metadata, gint64 arrival_us)
{
  gst_clear_structure (&self->metadata);
  self->metadata = gst_structure_copy (metadata);
  for (guint i = 0; i < self->n_tracks; i++)
    mill_rtmp_output_config_refresh (self, self->tracks[i], arrival_us);
}

guint
mill_rtmp_output_tick (MillRtmpOutput *self, gint64 rtt_us,
    gboolean low_latency, MillRtmpHealthChange *ret_changes)
{
  const MillRtmpHealthTick tick = {
    .now_us = g_get_monotonic_time (),
    .rtt_us = rtt_us,
    .jumps = self->jumps,
    .repairs = self->repairs,
    .low_latency = low_latency,
    .is_announced = { self->metadata && announces (self, MILL_FLV_KIND_VIDEO),
        self->metadata && announces (self, MILL_FLV_KIND_AUDIO) },
  };

  return mill_rtmp_health_tick (self->health, &tick, ret_changes);
}

MillRtmpHealth *
mill_rtmp_output_get_health (MillRtmpOutput *self)
{
  return self->health;
}

gboolean
mill_rtmp_output_has_pads (MillRtmpOutput *self)
{
  for (guint i = 0; i < self->n_tracks; i++)
    if (self->tracks[i]->pad)
      return TRUE;
  return FALSE;
}

void
mill_rtmp_output_lose (MillRtmpOutput *self, const gchar *reason)
{
  for (guint i = 0; i < self->n_tracks; i++)
    if (self->tracks[i]->pad)
      gst_pad_push_event (self->tracks[i]->pad,
          mill_source_event_new_lost (reason));
}

void
mill_rtmp_output_push_cue (MillRtmpOutput *self, GBytes *section)
{
  for (guint i = 0; i < self->n_tracks; i++)
    if (self->tracks[i]->pad) {
      gst_pad_push_event (self->tracks[i]->pad,
          mill_source_event_new_splice (section));
      return;
    }
}

gboolean
mill_rtmp_output_end (MillRtmpOutput *self)
{
  /* Whoever still waits for another pad would wait for ever. */
  if (mill_rtmp_output_has_pads (self))
    say_no_more_pads (self);
  for (guint i = 0; i < self->n_tracks; i++)
    if (self->tracks[i]->pad)
      gst_pad_push_event (self->tracks[i]->pad, gst_event_new_eos ());
  return mill_rtmp_output_has_pads (self);
}

void
mill_rtmp_output_remove_pads (MillRtmpOutput *self)
{
  for (guint i = 0; i < self->n_tracks; i++) {
    MillRtmpTrack *track = self->tracks[i];
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
  guint n_tracks = __atomic_load_n (&self->n_tracks, __ATOMIC_ACQUIRE);
  guint64 frames[2] = { 0, 0 }; /* by MillFlvKind */
  guint tracks[2] = { 0, 0 };

  for (guint i = 0; i < n_tracks; i++) {
    guint64 n_frames = COUNTER_GET (self->tracks[i]->n_frames);
    frames[self->tracks[i]->kind] += n_frames;
    tracks[self->tracks[i]->kind] += n_frames > 0;
  }
  gst_structure_set (structure, "video-frames", G_TYPE_UINT64,
      frames[MILL_FLV_KIND_VIDEO], "audio-frames", G_TYPE_UINT64,
      frames[MILL_FLV_KIND_AUDIO], "video-tracks", G_TYPE_UINT,
      tracks[MILL_FLV_KIND_VIDEO], "audio-tracks", G_TYPE_UINT,
      tracks[MILL_FLV_KIND_AUDIO], "jumps", G_TYPE_UINT,
      COUNTER_GET (self->jumps), "repairs", G_TYPE_UINT,
      COUNTER_GET (self->repairs), NULL);
  mill_rtmp_health_fill_stats (self->health, structure);
}

void
mill_rtmp_output_warm (MillRtmpOutput *self, MillRtmpWarm *warm)
{
  mill_rtmp_warm_add (warm, self, sizeof *self);
  mill_rtmp_health_warm (self->health, warm);
  for (guint i = 0; i < self->n_tracks; i++) {
    mill_rtmp_warm_add (warm, self->tracks[i], sizeof *self->tracks[i]);
    mill_rtmp_warm_add_pad (warm, self->tracks[i]->pad);
  }
}
