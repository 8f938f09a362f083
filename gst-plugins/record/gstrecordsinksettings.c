/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstrecordsinksettings.h"

#include <string.h>

#define DEFAULT_FASTSTART TRUE
#define DEFAULT_ON_ERROR MILL_RECORD_STOP
/* Of an MP4's index, which is in memory until the end, where it takes as much
 * again. A day of 30 pictures and 47 frames of sound a second is 46 MB. */
#define MAX_INDEX_BYTES (64u << 20)
/* With its dot: longer ones are part of a name. */
#define MAX_SUFFIX 6

enum
{
  PROP_LOCATION = 1,
  PROP_FORMAT,
  PROP_FASTSTART,
  PROP_ON_ERROR,
  PROP_ROTATE_DURATION_MS,
  PROP_ROTATE_BYTES,
};

#define GST_TYPE_RECORD_SINK_FORMAT (gst_record_sink_format_get_type ())
static GType
gst_record_sink_format_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_RECORD_SINK_AUTO, "By the suffix of location, MP4 without one",
        "auto" },
    { GST_RECORD_SINK_MP4, "MP4", "mp4" },
    { GST_RECORD_SINK_WEBM, "WebM", "webm" },
    { GST_RECORD_SINK_MATROSKA, "Matroska", "matroska" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstRecordSinkFormat", values));
  return type;
}

#define GST_TYPE_RECORD_SINK_ON_ERROR (gst_record_sink_on_error_get_type ())
static GType
gst_record_sink_on_error_get_type (void)
{
  static const GEnumValue values[] = {
    { MILL_RECORD_STOP, "An error, which ends the pipeline", "stop" },
    { MILL_RECORD_CONTINUE, "A warning, and a new file a while later",
        "continue" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstRecordSinkOnError", values));
  return type;
}

void
gst_record_sink_settings_init (GstRecordSinkSettings *self)
{
  *self = (GstRecordSinkSettings){
    .faststart = DEFAULT_FASTSTART,
    .on_error = DEFAULT_ON_ERROR,
  };
}

void
gst_record_sink_settings_clear (GstRecordSinkSettings *self)
{
  g_clear_pointer (&self->location, g_free);
}

/* ---- what the name says ---- */

static const struct
{
  const gchar *suffix;
  GstRecordSinkFormat format;
} suffixes[] = {
  { ".mp4", GST_RECORD_SINK_MP4 },
  { ".m4v", GST_RECORD_SINK_MP4 },
  { ".m4a", GST_RECORD_SINK_MP4 },
  { ".webm", GST_RECORD_SINK_WEBM },
  { ".mkv", GST_RECORD_SINK_MATROSKA },
  { ".mka", GST_RECORD_SINK_MATROSKA },
};

/* Returns: (nullable): from the last dot on, if that looks like the name of a
 * kind of file: "1" of "take.1" and what "{n}" or a date leave do not. */
static const gchar *
find_suffix (const gchar *location)
{
  const gchar *slash = strrchr (location, '/');
  const gchar *base = slash != NULL ? slash + 1 : location;
  const gchar *dot = strrchr (base, '.');
  gboolean has_letter = FALSE;
  if (dot == NULL || dot == base || strlen (dot) > MAX_SUFFIX)
    return NULL;
  for (const gchar *at = dot + 1; *at != '\0'; at++) {
    if (!g_ascii_isalnum (*at))
      return NULL;
    has_letter |= g_ascii_isalpha (*at);
  }
  return has_letter ? dot : NULL;
}

/* Returns: GST_RECORD_SINK_AUTO when no container has that suffix */
static GstRecordSinkFormat
find_format (const gchar *suffix)
{
  for (guint i = 0; i < G_N_ELEMENTS (suffixes); i++)
    if (g_ascii_strcasecmp (suffix, suffixes[i].suffix) == 0)
      return suffixes[i].format;
  return GST_RECORD_SINK_AUTO;
}

gchar *
gst_record_sink_settings_check (const GstRecordSinkSettings *self)
{
  const gchar *suffix = self->location != NULL ? find_suffix (self->location)
                                               : NULL;
  if (self->location != NULL &&
      (g_str_has_suffix (self->location, "/") ||
          g_file_test (self->location, G_FILE_TEST_IS_DIR)))
    return g_strdup_printf (
        "location: got the directory '%s', expected the name "
        "of a file in it",
        self->location);
  if (self->format != GST_RECORD_SINK_AUTO || suffix == NULL ||
      find_format (suffix) != GST_RECORD_SINK_AUTO)
    return NULL;
  return g_strdup_printf (
      "location: got '%s', which ends in '%s', expected "
      ".mp4, .m4v or .m4a (MP4), .webm (WebM), .mkv or .mka "
      "(Matroska), or a format with it",
      self->location, suffix);
}

MillRecordContainer
gst_record_sink_settings_choose_container (const GstRecordSinkSettings *self)
{
  const gchar *suffix = self->location != NULL ? find_suffix (self->location)
                                               : NULL;
  GstRecordSinkFormat format = self->format;
  if (format == GST_RECORD_SINK_AUTO && suffix != NULL)
    format = find_format (suffix);
  if (format == GST_RECORD_SINK_AUTO)
    format = GST_RECORD_SINK_MP4;
  return format == GST_RECORD_SINK_WEBM ? MILL_RECORD_WEBM
      : format == GST_RECORD_SINK_MP4   ? MILL_RECORD_MP4
                                        : MILL_RECORD_MATROSKA;
}

gboolean
gst_record_sink_settings_is_off (const GstRecordSinkSettings *self)
{
  return self->location != NULL && *self->location == '\0';
}

MillRecordSettings
gst_record_sink_settings_plan (const GstRecordSinkSettings *self)
{
  return (MillRecordSettings){
    .location = self->location,
    .container = gst_record_sink_settings_choose_container (self),
    .on_error = self->on_error,
    .rotate_duration = self->rotate_duration_ms * GST_MSECOND,
    .rotate_bytes = self->rotate_bytes,
    .max_index_bytes = MAX_INDEX_BYTES,
  };
}

gboolean
gst_record_sink_settings_set (GstRecordSinkSettings *self, guint id,
    const GValue *value)
{
  switch (id) {
    case PROP_LOCATION:
      g_free (self->location);
      self->location = g_value_dup_string (value);
      break;
    case PROP_FORMAT:
      self->format = (GstRecordSinkFormat) g_value_get_enum (value);
      break;
    case PROP_FASTSTART:
      self->faststart = g_value_get_boolean (value);
      break;
    case PROP_ON_ERROR:
      self->on_error = (MillRecordOnError) g_value_get_enum (value);
      break;
    case PROP_ROTATE_DURATION_MS:
      self->rotate_duration_ms = g_value_get_uint (value);
      break;
    case PROP_ROTATE_BYTES:
      self->rotate_bytes = g_value_get_uint64 (value);
      break;
    default:
      return FALSE;
  }
  return TRUE;
}

gboolean
gst_record_sink_settings_get (const GstRecordSinkSettings *self, guint id,
    GValue *value)
{
  switch (id) {
    case PROP_LOCATION:
      g_value_set_string (value, self->location);
      break;
    case PROP_FORMAT:
      g_value_set_enum (value, (gint) self->format);
      break;
    case PROP_FASTSTART:
      g_value_set_boolean (value, self->faststart);
      break;
    case PROP_ON_ERROR:
      g_value_set_enum (value, (gint) self->on_error);
      break;
    case PROP_ROTATE_DURATION_MS:
      g_value_set_uint (value, self->rotate_duration_ms);
      break;
    case PROP_ROTATE_BYTES:
      g_value_set_uint64 (value, self->rotate_bytes);
      break;
    default:
      return FALSE;
  }
  return TRUE;
}

void
gst_record_sink_settings_install (GObjectClass *klass)
{
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_READY;
  g_object_class_install_property (klass, PROP_LOCATION,
      g_param_spec_string ("location", "location",
          "The file; {date} and {time} (UTC) and {n}, the first free number, "
          "are filled in; empty records nothing",
          NULL, flags));
  g_object_class_install_property (klass, PROP_FORMAT,
      g_param_spec_enum ("format", "format", "What the file is",
          GST_TYPE_RECORD_SINK_FORMAT, GST_RECORD_SINK_AUTO, flags));
  g_object_class_install_property (klass, PROP_FASTSTART,
      g_param_spec_boolean ("faststart", "faststart",
          "The index of an MP4 is moved to the front at the end",
          DEFAULT_FASTSTART, flags));
  g_object_class_install_property (klass, PROP_ON_ERROR,
      g_param_spec_enum ("on-error", "on-error",
          "What a file that cannot be written is",
          GST_TYPE_RECORD_SINK_ON_ERROR, DEFAULT_ON_ERROR, flags));
  g_object_class_install_property (klass, PROP_ROTATE_DURATION_MS,
      g_param_spec_uint ("rotate-duration-ms", "rotate-duration-ms",
          "A new file begins at the first keyframe after so many ms; 0: never",
          0, G_MAXUINT, 0, flags));
  g_object_class_install_property (klass, PROP_ROTATE_BYTES,
      g_param_spec_uint64 ("rotate-bytes", "rotate-bytes",
          "A new file begins at the first keyframe after this many bytes; 0: "
          "never",
          0, G_MAXUINT64, 0, flags));
}
