/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafsinksettings.h"

#include "gstcmafsinkclashes.h"

#define DEFAULT_MODE MILL_CMAF_LIVE
#define DEFAULT_SEGMENT_DURATION_MS 2000
#define DEFAULT_WINDOW_SEGMENTS 10
#define DEFAULT_STARTUP_TIMEOUT_MS 3000

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
  PROP_I_FRAME_PLAYLISTS,
  PROP_SINGLE_FILE,
  PROP_TRICK_MODE_SETS,
  PROP_CUE_TAGS,
  PROP_AUDIO_VARIANT,
  PROP_BREAK_PERIODS,
  PROP_PROGRAM_DATE_TIME,
  PROP_EPOCH_US,
  PROP_START_OFFSET_MS,
  PROP_START_PRECISE,
  PROP_SESSION_DATA,
  PROP_PATHWAYS,
  PROP_STEERING_URI,
};

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

#define GST_TYPE_CMAF_SINK_TIME_SOURCE (gst_cmaf_sink_time_source_get_type ())
static GType
gst_cmaf_sink_time_source_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_CMAF_SINK_WALL_CLOCK, "When the first samples came", "wall-clock" },
    { GST_CMAF_SINK_REFERENCE_TIMESTAMP,
        "What the source's clock said (meta on buffers, NTP or Unix time)",
        "reference-timestamp" },
    { GST_CMAF_SINK_MEDIA, "An epoch and the running time", "media" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstCmafSinkTimeSource", values));
  return type;
}

void
gst_cmaf_sink_settings_init (GstCmafSinkSettings *self)
{
  *self = (GstCmafSinkSettings){
    .mode = DEFAULT_MODE,
    .segment_duration_ms = DEFAULT_SEGMENT_DURATION_MS,
    .window_segments = DEFAULT_WINDOW_SEGMENTS,
    .startup_timeout_ms = DEFAULT_STARTUP_TIMEOUT_MS,
    .hls = TRUE,
    .dash = TRUE,
    .i_frame_playlists = TRUE,
  };
  gst_cmaf_sink_presentation_init (&self->presentation);
  gst_cmaf_sink_storage_init (&self->storage);
}

void
gst_cmaf_sink_settings_clear (GstCmafSinkSettings *self)
{
  g_clear_pointer (&self->location, g_free);
  gst_cmaf_sink_presentation_clear (&self->presentation);
  gst_cmaf_sink_storage_clear (&self->storage);
}

gboolean
gst_cmaf_sink_settings_fill (const GstCmafSinkSettings *settings,
    MillCmafPackagerOptions *ret_options, GError **error)
{
  g_autoptr (MillCmafPresentation) presentation =
      gst_cmaf_sink_presentation_build (&settings->presentation, error);
  if (presentation == NULL || !gst_cmaf_sink_clashes_check (settings, error))
    return FALSE;
  *ret_options = (MillCmafPackagerOptions){
    .publisher = {
      .mode = settings->mode,
      .segment_duration = settings->segment_duration_ms * GST_MSECOND,
      .window_segments = settings->window_segments,
      .dvr_window = settings->dvr_window_ms * GST_MSECOND,
      .hls = settings->hls,
      .dash = settings->dash,
      .i_frames = settings->i_frame_playlists,
      .trick_sets = settings->trick_mode_sets,
      .single_file = settings->single_file,
      .cue_tags = settings->cue_tags,
      .audio_variant = settings->audio_variant,
      /* A file has no wall clock, unless it is told. */
      .dated = settings->mode != MILL_CMAF_VOD ||
          settings->program_date_time != GST_CMAF_SINK_WALL_CLOCK,
      .presentation = g_steal_pointer (&presentation),
      .may_wait = settings->mode == MILL_CMAF_VOD,
      .max_bytes = settings->storage.max_bytes,
      .queue_bytes = (gsize) settings->storage.queue_bytes,
    },
    .part_duration = settings->part_duration_ms * GST_MSECOND,
    .max_skew = settings->max_skew_ms * GST_MSECOND,
    .startup_timeout = settings->startup_timeout_ms * GST_MSECOND,
    .break_periods = settings->break_periods,
  };
  return TRUE;
}

gboolean
gst_cmaf_sink_settings_check (const GstCmafSinkSettings *settings,
    GError **error)
{
  MillCmafPackagerOptions options = { 0 };
  gboolean is_valid = gst_cmaf_sink_settings_fill (settings, &options, error) &&
      mill_cmaf_publisher_check (&options.publisher, error);
  gst_cmaf_sink_settings_clear_options (&options);
  return is_valid;
}

void
gst_cmaf_sink_settings_clear_options (MillCmafPackagerOptions *options)
{
  g_clear_pointer (&options->publisher.presentation,
      mill_cmaf_presentation_unref);
}

static gboolean
set_presentation (GstCmafSinkPresentation *presentation, guint id,
    const GValue *value)
{
  switch (id) {
    case PROP_START_OFFSET_MS:
      presentation->start_offset_ms = g_value_get_int (value);
      break;
    case PROP_START_PRECISE:
      presentation->start_precise = g_value_get_boolean (value);
      break;
    case PROP_SESSION_DATA:
      g_value_copy (value, &presentation->session_data);
      break;
    case PROP_PATHWAYS:
      g_value_copy (value, &presentation->pathways);
      break;
    case PROP_STEERING_URI:
      g_free (presentation->steering_uri);
      presentation->steering_uri = g_value_dup_string (value);
      break;
    default:
      return FALSE;
  }
  return TRUE;
}

static gboolean
get_presentation (const GstCmafSinkPresentation *presentation, guint id,
    GValue *value)
{
  switch (id) {
    case PROP_START_OFFSET_MS:
      g_value_set_int (value, presentation->start_offset_ms);
      break;
    case PROP_START_PRECISE:
      g_value_set_boolean (value, presentation->start_precise);
      break;
    case PROP_SESSION_DATA:
      g_value_copy (&presentation->session_data, value);
      break;
    case PROP_PATHWAYS:
      g_value_copy (&presentation->pathways, value);
      break;
    case PROP_STEERING_URI:
      g_value_set_string (value, presentation->steering_uri);
      break;
    default:
      return FALSE;
  }
  return TRUE;
}

gboolean
gst_cmaf_sink_settings_set (GstCmafSinkSettings *settings, guint id,
    const GValue *value)
{
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
    case PROP_I_FRAME_PLAYLISTS:
      settings->i_frame_playlists = g_value_get_boolean (value);
      break;
    case PROP_SINGLE_FILE:
      settings->single_file = g_value_get_boolean (value);
      break;
    case PROP_TRICK_MODE_SETS:
      settings->trick_mode_sets = g_value_get_boolean (value);
      break;
    case PROP_CUE_TAGS:
      settings->cue_tags = g_value_get_boolean (value);
      break;
    case PROP_AUDIO_VARIANT:
      settings->audio_variant = g_value_get_boolean (value);
      break;
    case PROP_BREAK_PERIODS:
      settings->break_periods = g_value_get_boolean (value);
      break;
    case PROP_PROGRAM_DATE_TIME:
      settings->program_date_time =
          (GstCmafSinkTimeSource) g_value_get_enum (value);
      break;
    case PROP_EPOCH_US:
      settings->epoch_us = g_value_get_int64 (value);
      break;
    default:
      return gst_cmaf_sink_storage_set (&settings->storage, id, value) ||
          set_presentation (&settings->presentation, id, value);
  }
  return TRUE;
}

gboolean
gst_cmaf_sink_settings_get (const GstCmafSinkSettings *settings, guint id,
    GValue *value)
{
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
    case PROP_I_FRAME_PLAYLISTS:
      g_value_set_boolean (value, settings->i_frame_playlists);
      break;
    case PROP_SINGLE_FILE:
      g_value_set_boolean (value, settings->single_file);
      break;
    case PROP_TRICK_MODE_SETS:
      g_value_set_boolean (value, settings->trick_mode_sets);
      break;
    case PROP_CUE_TAGS:
      g_value_set_boolean (value, settings->cue_tags);
      break;
    case PROP_AUDIO_VARIANT:
      g_value_set_boolean (value, settings->audio_variant);
      break;
    case PROP_BREAK_PERIODS:
      g_value_set_boolean (value, settings->break_periods);
      break;
    case PROP_PROGRAM_DATE_TIME:
      g_value_set_enum (value, (gint) settings->program_date_time);
      break;
    case PROP_EPOCH_US:
      g_value_set_int64 (value, settings->epoch_us);
      break;
    default:
      return gst_cmaf_sink_storage_get (&settings->storage, id, value) ||
          get_presentation (&settings->presentation, id, value);
  }
  return TRUE;
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
install_array (GObjectClass *klass, guint id, const gchar *name,
    const gchar *blurb)
{
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  g_object_class_install_property (klass, id,
      gst_param_spec_array (name, name, blurb,
          g_param_spec_boxed ("item", "item", "One of them", GST_TYPE_STRUCTURE,
              flags),
          flags | GST_PARAM_MUTABLE_READY));
}

static void
install_presentation (GObjectClass *klass, GParamFlags flags)
{
  g_object_class_install_property (klass, PROP_START_OFFSET_MS,
      g_param_spec_int ("start-offset-ms", "start-offset-ms",
          "Where players of HLS begin, in ms, negative: from the end; the least "
          "integer: where they like",
          G_MININT, G_MAXINT, GST_CMAF_SINK_PRESENTATION_NO_START, flags));
  g_object_class_install_property (klass, PROP_START_PRECISE,
      g_param_spec_boolean ("start-precise", "start-precise",
          "Nothing is shown before start-offset-ms", FALSE, flags));
  install_array (klass, PROP_SESSION_DATA, "session-data",
      "Data for applications: structures with id, value or uri (raw: not JSON), "
      "language");
  install_array (klass, PROP_PATHWAYS, "pathways",
      "Where the stream can be had: structures with id and uri (of its "
      "directory; none: here), the first to begin with");
  g_object_class_install_property (klass, PROP_STEERING_URI,
      g_param_spec_string ("steering-uri", "steering-uri",
          "Who tells players which of the pathways to take; none: a file with "
          "their order is written",
          NULL, flags));
}

void
gst_cmaf_sink_settings_install (GObjectClass *klass)
{
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_READY;
  g_object_class_install_property (klass, PROP_LOCATION,
      g_param_spec_string ("location", "location",
          "Directory of the stream, its file:// URL, or the http://, https:// or "
          "s3:// URL that it is sent to",
          NULL, flags));
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
      "Wait for the last rendition, in ms of media; 0: by part and lag", 0, 0);
  install_uint (klass, PROP_STARTUP_TIMEOUT_MS, "startup-timeout-ms",
      "Wait of the first manifests for every pad, in ms of media; 0: none", 0,
      DEFAULT_STARTUP_TIMEOUT_MS);
  g_object_class_install_property (klass, PROP_HLS,
      g_param_spec_boolean ("hls", "hls", "Write HLS playlists", TRUE, flags));
  g_object_class_install_property (klass, PROP_DASH,
      g_param_spec_boolean ("dash", "dash", "Write an MPD for DASH", TRUE,
          flags));
  g_object_class_install_property (klass, PROP_I_FRAME_PLAYLISTS,
      g_param_spec_boolean ("i-frame-playlists", "i-frame-playlists",
          "List the first picture of each segment for fast forward and rewind",
          TRUE, flags));
  g_object_class_install_property (klass, PROP_SINGLE_FILE,
      g_param_spec_boolean ("single-file", "single-file",
          "One file for each rendition, listed by byte ranges (mode vod only)",
          FALSE, flags));
  g_object_class_install_property (klass, PROP_TRICK_MODE_SETS,
      g_param_spec_boolean ("trick-mode-sets", "trick-mode-sets",
          "List first pictures in the MPD too, when it changes no more; players "
          "that do not look take them for another video",
          FALSE, flags));
  g_object_class_install_property (klass, PROP_AUDIO_VARIANT,
      g_param_spec_boolean ("audio-variant", "audio-variant",
          "List the default audio as an HLS variant without video, too, for "
          "bad networks and players in the background",
          FALSE, flags));
  g_object_class_install_property (klass, PROP_CUE_TAGS,
      g_param_spec_boolean ("cue-tags", "cue-tags",
          "Mark breaks by EXT-X-CUE-OUT and EXT-X-CUE-IN too, for old readers",
          FALSE, flags));
  g_object_class_install_property (klass, PROP_BREAK_PERIODS,
      g_param_spec_boolean ("break-periods", "break-periods",
          "Begin a Period of the MPD where a break begins or ends", FALSE,
          flags));
  g_object_class_install_property (klass, PROP_PROGRAM_DATE_TIME,
      g_param_spec_enum ("program-date-time", "program-date-time",
          "What the wall clock of playlists is taken from",
          GST_TYPE_CMAF_SINK_TIME_SOURCE, GST_CMAF_SINK_WALL_CLOCK, flags));
  g_object_class_install_property (klass, PROP_EPOCH_US,
      g_param_spec_int64 ("epoch-us", "epoch-us",
          "Wall clock at running time 0 when it is taken from the media, in µs "
          "since 1970",
          0, G_GINT64_CONSTANT (1) << 53, 0, flags));
  install_presentation (klass, flags);
  gst_cmaf_sink_storage_install (klass);
}
