/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafsinksettings.h"

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
  PROP_CUE_TAGS,
  PROP_BREAK_PERIODS,
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
}

void
gst_cmaf_sink_settings_clear (GstCmafSinkSettings *self)
{
  g_clear_pointer (&self->location, g_free);
}

gchar *
gst_cmaf_sink_settings_get_path (const GstCmafSinkSettings *self,
    GError **error)
{
  const gchar *location = self->location;
  if (location == NULL || *location == '\0') {
    g_set_error_literal (error, GST_RESOURCE_ERROR,
        GST_RESOURCE_ERROR_NOT_FOUND,
        "location: got none, expected a directory or a file:// URL");
    return NULL;
  }
  g_autofree gchar *scheme = g_uri_parse_scheme (location);
  if (scheme == NULL)
    return g_strdup (location);
  gchar *path = g_str_equal (scheme, "file")
      ? g_filename_from_uri (location, NULL, NULL)
      : NULL;
  if (path == NULL)
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        "location '%s': got scheme '%s', expected a directory or a file:// URL",
        location, scheme);
  return path;
}

void
gst_cmaf_sink_settings_fill (const GstCmafSinkSettings *settings,
    MillCmafPackagerOptions *ret_options)
{
  *ret_options = (MillCmafPackagerOptions){
    .publisher = {
      .mode = settings->mode,
      .segment_duration = settings->segment_duration_ms * GST_MSECOND,
      .window_segments = settings->window_segments,
      .dvr_window = settings->dvr_window_ms * GST_MSECOND,
      .hls = settings->hls,
      .dash = settings->dash,
      .i_frames = settings->i_frame_playlists,
      .cue_tags = settings->cue_tags,
      .may_wait = settings->mode == MILL_CMAF_VOD,
    },
    .part_duration = settings->part_duration_ms * GST_MSECOND,
    .max_skew = settings->max_skew_ms * GST_MSECOND,
    .startup_timeout = settings->startup_timeout_ms * GST_MSECOND,
    .break_periods = settings->break_periods,
  };
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
    case PROP_CUE_TAGS:
      settings->cue_tags = g_value_get_boolean (value);
      break;
    case PROP_BREAK_PERIODS:
      settings->break_periods = g_value_get_boolean (value);
      break;
    default:
      return FALSE;
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
    case PROP_CUE_TAGS:
      g_value_set_boolean (value, settings->cue_tags);
      break;
    case PROP_BREAK_PERIODS:
      g_value_set_boolean (value, settings->break_periods);
      break;
    default:
      return FALSE;
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

void
gst_cmaf_sink_settings_install (GObjectClass *klass)
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
  g_object_class_install_property (klass, PROP_CUE_TAGS,
      g_param_spec_boolean ("cue-tags", "cue-tags",
          "Mark breaks by EXT-X-CUE-OUT and EXT-X-CUE-IN too, for old readers",
          FALSE, flags));
  g_object_class_install_property (klass, PROP_BREAK_PERIODS,
      g_param_spec_boolean ("break-periods", "break-periods",
          "Begin a Period of the MPD where a break begins or ends", FALSE,
          flags));
}
