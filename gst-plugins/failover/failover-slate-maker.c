/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Short pipelines that end with a slate in memory, and are gone then. */
#include <gst/app/gstappsink.h>

#include "failover-slate-file.h"
#include "failover-slate-maker.h"

#define VIDEO_NS (2 * GST_SECOND)
#define AUDIO_FRAMES 96
/* The first frames of an encoder that begins hold its priming. */
#define AUDIO_SKIPPED 4
#define AAC_FRAME_LENGTH 1024
#define LIMIT_NS (30 * GST_SECOND)
#define POLL_NS (50 * GST_MSECOND)

/* ---- running a pipeline ---- */

/* What the pipeline is for, in messages. */
typedef struct
{
  const gchar *location;
  const gchar *expected;
  const gint *cancelled; /* atomic */
} Task;

static gboolean
is_over (GstBus *bus, const Task *task, gboolean *ret_over, GError **error)
{
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus, POLL_NS,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  g_autoptr (GError) cause = NULL;

  *ret_over = message != NULL;
  if (!message || GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
    return TRUE;
  gst_message_parse_error (message, &cause, NULL);
  g_set_error (error, cause->domain, cause->code,
      "slate '%s': got an error of GStreamer (%s), expected %s", task->location,
      cause->message, task->expected);
  return FALSE;
}

/* Returns: whether @pipeline came to its end */
static gboolean
run (GstElement *pipeline, const Task *task, GError **error)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (pipeline);
  gint64 limit_us = g_get_monotonic_time () + LIMIT_NS / GST_USECOND;
  gboolean over = FALSE;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (!over) {
    if (!is_over (bus, task, &over, error))
      return FALSE;
    if (g_atomic_int_get (task->cancelled) ||
        g_get_monotonic_time () > limit_us) {
      g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_FAILED,
          "slate '%s': got no end of it in time, expected %s", task->location,
          task->expected);
      return FALSE;
    }
  }
  return TRUE;
}

static GstElement *
add_collector (GstElement *pipeline, const gchar *name, GstElement *sink)
{
  if (!sink)
    sink = gst_element_factory_make ("appsink", name);
  if (!sink)
    return NULL;
  /* What it holds is taken out after the end. */
  g_object_set (sink, "sync", FALSE, "async", FALSE, "wait-on-eos", FALSE,
      NULL);
  if (!GST_OBJECT_PARENT (sink))
    gst_bin_add (GST_BIN (pipeline), sink);
  return sink;
}

static gint64
to_running_time (const GstSegment *segment, GstClockTime time)
{
  guint64 running;
  gint sign = GST_CLOCK_TIME_IS_VALID (time)
      ? gst_segment_to_running_time_full (segment, GST_FORMAT_TIME, time,
            &running)
      : 0;

  if (sign == 0)
    return MILL_FAILOVER_NO_TIME;
  return sign > 0 ? (gint64) running : -(gint64) running;
}

static void
append_sample (MillFailoverSlateTrack *track, GstSample *sample, guint kind)
{
  GstBuffer *buffer = gst_sample_get_buffer (sample);
  const GstSegment *segment = gst_sample_get_segment (sample);
  gboolean is_video = kind == MILL_FAILOVER_SLATE_VIDEO;
  MillFailoverFrame frame = {
    .stamp = {
      .track = kind,
      .pts = to_running_time (segment, GST_BUFFER_PTS (buffer)),
      .dts = to_running_time (segment, GST_BUFFER_DTS (buffer)),
      .duration = GST_BUFFER_DURATION_IS_VALID (buffer)
          ? (gint64) GST_BUFFER_DURATION (buffer)
          : 0,
      .is_start = !is_video ||
          !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT),
      .is_video = is_video,
    },
    .buffer = gst_buffer_ref (buffer),
    .caps = gst_caps_ref (gst_sample_get_caps (sample)),
  };

  if (frame.stamp.pts == MILL_FAILOVER_NO_TIME)
    mill_failover_frame_clear (&frame);
  else
    g_array_append_val (track->frames, frame);
}

static void
collect (GstElement *sink, MillFailoverSlateTrack *track, guint kind)
{
  track->frames = g_array_new (FALSE, FALSE, sizeof (MillFailoverFrame));
  g_array_set_clear_func (track->frames,
      (GDestroyNotify) mill_failover_frame_clear);
  for (;;) {
    g_autoptr (GstSample) sample =
        gst_app_sink_try_pull_sample (GST_APP_SINK (sink), 0);
    if (!sample)
      break;
    append_sample (track, sample, kind);
  }
  if (track->frames->len == 0)
    g_clear_pointer (&track->frames, g_array_unref);
}

/* Time stamps from 0 on. Returns: where the last frame ends */
static gint64
rebase (MillFailoverSlateTrack *track, gint64 base)
{
  gint64 end = 0;

  for (guint i = 0; track->frames && i < track->frames->len; i++) {
    MillFailoverStamp *stamp =
        &g_array_index (track->frames, MillFailoverFrame, i).stamp;
    stamp->pts -= base;
    if (stamp->dts != MILL_FAILOVER_NO_TIME)
      stamp->dts -= base;
    end = MAX (end, stamp->pts + stamp->duration);
  }
  return end;
}

/* ---- a picture ---- */

static GstElement *
parse (const gchar *text, const gchar *location, GError **error)
{
  g_autoptr (GError) cause = NULL;
  GstElement *pipeline =
      gst_parse_launch_full (text, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &cause);

  if (!pipeline)
    g_set_error (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
        "slate '%s': %s", location, cause->message);
  return pipeline;
}

/* x264enc knows these; another profile is one that only cameras make. */
static const gchar *
choose_profile (const gchar *profile)
{
  static const gchar *const known[] = { "constrained-baseline", "baseline",
    "main", "high", NULL };

  return profile && g_strv_contains (known, profile) ? profile : "high";
}

static gboolean
encode_picture (const MillFailoverSlateFormat *format,
    MillFailoverSlateFileKind kind, const gint *cancelled,
    MillFailoverSlateTrack *track, GError **error)
{
  const gboolean is_png = kind == MILL_FAILOVER_SLATE_FILE_PNG;
  const Task task = { format->location,
    is_png ? "a PNG picture" : "a JPEG picture", cancelled };
  guint n_frames = (guint) gst_util_uint64_scale_ceil (VIDEO_NS, format->fps_n,
      format->fps_d * GST_SECOND);
  /* The colours are pinned: untagged, a small picture would be taken for
   * BT.601 and shown in other ones than a large. */
  g_autofree gchar *text = g_strdup_printf (
      "filesrc name=file ! %s ! videoconvert ! videoscale add-borders=true "
      "method=lanczos ! video/x-raw,format=I420,width=%u,height=%u,"
      "pixel-aspect-ratio=1/1,colorimetry=bt709 ! imagefreeze num-buffers=%u ! "
      "video/x-raw,framerate=%u/%u ! x264enc tune=stillimage bframes=0 "
      "key-int-max=%u pass=quant quantizer=20 speed-preset=fast threads=1 "
      "option-string=scenecut=0 ! "
      "video/x-h264,stream-format=avc,alignment=au,profile=%s ! "
      "appsink name=out",
      is_png ? "pngdec" : "jpegdec", format->width, format->height, n_frames,
      format->fps_n, format->fps_d, n_frames, choose_profile (format->profile));
  g_autoptr (GstElement) pipeline = parse (text, format->location, error);
  if (!pipeline)
    return FALSE;
  g_autoptr (GstElement) file =
      gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_autoptr (GstElement) out = gst_bin_get_by_name (GST_BIN (pipeline), "out");

  g_object_set (file, "location", format->location, NULL);
  add_collector (pipeline, NULL, out);
  gboolean made = run (pipeline, &task, error);
  if (made)
    collect (out, track, MILL_FAILOVER_SLATE_VIDEO);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (made && !track->frames) {
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_ENCODE,
        "slate '%s': got nothing that can be decoded, expected %s",
        task.location, task.expected);
    return FALSE;
  }
  if (!made)
    return FALSE;
  rebase (track, g_array_index (track->frames, MillFailoverFrame, 0).stamp.pts);
  track->period = (gint64) gst_util_uint64_scale (track->frames->len,
      format->fps_d * GST_SECOND, format->fps_n);
  return TRUE;
}

static const gchar *
find_aac_encoder (void)
{
  static const gchar *const names[] = { "avenc_aac", "fdkaacenc", "voaacenc" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GstElementFactory) factory = gst_element_factory_find (names[i]);
    if (factory)
      return names[i];
  }
  return names[0];
}

/* Frames of silence, counted: a frame lasts 1024 samples, which milliseconds
 * do not divide. */
static gboolean
encode_silence (const MillFailoverSlateFormat *format, const gint *cancelled,
    MillFailoverSlateTrack *track, GError **error)
{
  const Task task = { format->location, "silence in AAC", cancelled };
  g_autofree gchar *text = g_strdup_printf (
      "audiotestsrc wave=silence samplesperbuffer=%u num-buffers=%u ! "
      "audio/x-raw,rate=%u,channels=%u ! audioconvert ! %s ! "
      "audio/mpeg,mpegversion=4,stream-format=raw ! appsink name=out",
      AAC_FRAME_LENGTH, AUDIO_FRAMES + AUDIO_SKIPPED, format->rate,
      format->channels, find_aac_encoder ());
  g_autoptr (GstElement) pipeline = parse (text, format->location, error);
  if (!pipeline)
    return FALSE;
  g_autoptr (GstElement) out = gst_bin_get_by_name (GST_BIN (pipeline), "out");

  add_collector (pipeline, NULL, out);
  gboolean made = run (pipeline, &task, error);
  if (made)
    collect (out, track, MILL_FAILOVER_SLATE_AUDIO);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (!made)
    return FALSE;
  if (!track->frames || track->frames->len <= AUDIO_SKIPPED) {
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_ENCODE,
        "slate '%s': got no silence from the AAC encoder", format->location);
    return FALSE;
  }
  g_array_remove_range (track->frames, 0, AUDIO_SKIPPED);
  for (guint i = 0; i < track->frames->len; i++) {
    MillFailoverStamp *stamp =
        &g_array_index (track->frames, MillFailoverFrame, i).stamp;
    gint64 end = (gint64) gst_util_uint64_scale (i + 1,
        AAC_FRAME_LENGTH * GST_SECOND, format->rate);
    stamp->pts = (gint64) gst_util_uint64_scale (i,
        AAC_FRAME_LENGTH * GST_SECOND, format->rate);
    stamp->dts = MILL_FAILOVER_NO_TIME;
    stamp->duration = end - stamp->pts;
    track->period = end;
  }
  return TRUE;
}

/* ---- a film ---- */

static void
on_film_pad (GstElement *demuxer, GstPad *pad, gpointer user_data)
{
  GstElement *pipeline = user_data;
  g_autoptr (GstCaps) caps = gst_pad_query_caps (pad, NULL);
  const GstStructure *structure =
      gst_caps_is_empty (caps) ? NULL : gst_caps_get_structure (caps, 0);
  gint version = 0;
  const gchar *name = "drop";

  if (structure && gst_structure_has_name (structure, "video/x-h264"))
    name = "video";
  else if (structure && gst_structure_has_name (structure, "audio/mpeg") &&
      gst_structure_get_int (structure, "mpegversion", &version) &&
      version == 4)
    name = "audio";
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), name);
  if (!sink)
    sink = gst_object_ref (add_collector (pipeline, name, NULL));
  g_autoptr (GstPad) sink_pad = gst_element_get_static_pad (sink, "sink");
  gst_element_sync_state_with_parent (sink);
  /* Of several tracks of a kind the first. */
  if (!gst_pad_is_linked (sink_pad))
    gst_pad_link (pad, sink_pad);
  gst_object_unref (sink);
}

static gboolean
take_film (GstElement *pipeline, const gchar *location,
    MillFailoverSlateTrack *tracks, GError **error)
{
  static const gchar *const names[] = { "video", "audio" };
  gint64 end = 0;
  gint64 base = G_MAXINT64;

  for (guint i = 0; i < MILL_FAILOVER_SLATE_N_TRACKS; i++) {
    g_autoptr (GstElement) sink =
        gst_bin_get_by_name (GST_BIN (pipeline), names[i]);
    if (sink)
      collect (sink, &tracks[i], i);
    if (tracks[i].frames)
      base = MIN (base,
          g_array_index (tracks[i].frames, MillFailoverFrame, 0).stamp.pts);
  }
  if (!tracks[MILL_FAILOVER_SLATE_VIDEO].frames) {
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
        "slate '%s': got no H.264 video in it, expected an MP4 film of H.264",
        location);
    return FALSE;
  }
  for (guint i = 0; i < MILL_FAILOVER_SLATE_N_TRACKS; i++)
    end = MAX (end, rebase (&tracks[i], base));
  /* Both begin their rounds together, or sound and picture would part. */
  for (guint i = 0; i < MILL_FAILOVER_SLATE_N_TRACKS; i++)
    tracks[i].period = end;
  return TRUE;
}

static gboolean
read_film (const MillFailoverSlateFormat *format, const gint *cancelled,
    MillFailoverSlateTrack *tracks, GError **error)
{
  const Task task = { format->location, "an MP4 film of H.264", cancelled };
  g_autoptr (GstElement) pipeline =
      parse ("filesrc name=file ! qtdemux name=demuxer", format->location,
          error);
  if (!pipeline)
    return FALSE;
  g_autoptr (GstElement) file =
      gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_autoptr (GstElement) demuxer =
      gst_bin_get_by_name (GST_BIN (pipeline), "demuxer");

  g_object_set (file, "location", format->location, NULL);
  g_signal_connect (demuxer, "pad-added", G_CALLBACK (on_film_pad), pipeline);
  gboolean made = run (pipeline, &task, error) &&
      take_film (pipeline, format->location, tracks, error);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  return made;
}

gboolean
mill_failover_slate_maker_run (const MillFailoverSlateFormat *format,
    const gint *cancelled, MillFailoverSlateTrack *tracks, GError **error)
{
  MillFailoverSlateFileKind kind;

  if (!mill_failover_slate_file_check (format->location, &kind, error))
    return FALSE;
  if (kind == MILL_FAILOVER_SLATE_FILE_MP4)
    return read_film (format, cancelled, tracks, error);
  if (format->width > 0 &&
      !encode_picture (format, kind, cancelled,
          &tracks[MILL_FAILOVER_SLATE_VIDEO], error))
    return FALSE;
  return format->channels == 0 ||
      encode_silence (format, cancelled, &tracks[MILL_FAILOVER_SLATE_AUDIO],
          error);
}
