/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstabrladdersettings.h"

#define DEFAULT_PRESET "standard"
#define DEFAULT_ENCODER "auto"
#define DEFAULT_KEYFRAME_INTERVAL_MS 2000

enum
{
  PROP_PRESET = 1,
  PROP_RUNGS,
  PROP_ENCODER,
  PROP_TOP,
  PROP_KEYFRAME_INTERVAL_MS,
};

#define GST_TYPE_ABR_LADDER_TOP (gst_abr_ladder_top_get_type ())
static GType
gst_abr_ladder_top_get_type (void)
{
  static const GEnumValue values[] = {
    { GST_ABR_LADDER_TOP_ENCODE, "Encode a rung of the source's own size too",
        "encode" },
    { GST_ABR_LADDER_TOP_SKIP,
        "Only rungs below the source, which goes another way", "skip" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstAbrLadderTop", values));
  return type;
}

void
gst_abr_ladder_settings_init (GstAbrLadderSettings *self)
{
  *self = (GstAbrLadderSettings){
    .preset = g_strdup (DEFAULT_PRESET),
    .rungs = G_VALUE_INIT,
    .encoder = g_strdup (DEFAULT_ENCODER),
    .top = GST_ABR_LADDER_TOP_ENCODE,
    .keyframe_interval_ms = DEFAULT_KEYFRAME_INTERVAL_MS,
  };
  g_value_init (&self->rungs, GST_TYPE_ARRAY);
}

void
gst_abr_ladder_settings_copy (const GstAbrLadderSettings *self,
    GstAbrLadderSettings *ret_copy)
{
  *ret_copy = *self;
  ret_copy->preset = g_strdup (self->preset);
  ret_copy->rungs = (GValue) G_VALUE_INIT;
  g_value_init (&ret_copy->rungs, GST_TYPE_ARRAY);
  g_value_copy (&self->rungs, &ret_copy->rungs);
  ret_copy->encoder = g_strdup (self->encoder);
}

void
gst_abr_ladder_settings_clear (GstAbrLadderSettings *self)
{
  g_clear_pointer (&self->preset, g_free);
  g_value_unset (&self->rungs);
  g_clear_pointer (&self->encoder, g_free);
}

gboolean
gst_abr_ladder_settings_set (GstAbrLadderSettings *self, guint id,
    const GValue *value)
{
  switch (id) {
    case PROP_PRESET:
      g_free (self->preset);
      self->preset = g_value_dup_string (value);
      if (self->preset == NULL)
        self->preset = g_strdup (DEFAULT_PRESET);
      break;
    case PROP_RUNGS:
      g_value_copy (value, &self->rungs);
      break;
    case PROP_ENCODER:
      g_free (self->encoder);
      self->encoder = g_value_dup_string (value);
      if (self->encoder == NULL)
        self->encoder = g_strdup (DEFAULT_ENCODER);
      break;
    case PROP_TOP:
      self->top = (GstAbrLadderTop) g_value_get_enum (value);
      break;
    case PROP_KEYFRAME_INTERVAL_MS:
      self->keyframe_interval_ms = g_value_get_uint (value);
      break;
    default:
      return FALSE;
  }
  return TRUE;
}

gboolean
gst_abr_ladder_settings_get (const GstAbrLadderSettings *self, guint id,
    GValue *value)
{
  switch (id) {
    case PROP_PRESET:
      g_value_set_string (value, self->preset);
      break;
    case PROP_RUNGS:
      g_value_copy (&self->rungs, value);
      break;
    case PROP_ENCODER:
      g_value_set_string (value, self->encoder);
      break;
    case PROP_TOP:
      g_value_set_enum (value, (gint) self->top);
      break;
    case PROP_KEYFRAME_INTERVAL_MS:
      g_value_set_uint (value, self->keyframe_interval_ms);
      break;
    default:
      return FALSE;
  }
  return TRUE;
}

void
gst_abr_ladder_settings_install (GObjectClass *klass)
{
  const GParamFlags flags =
      (GParamFlags) (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_property (klass, PROP_PRESET,
      g_param_spec_string ("preset", "Preset",
          "Name of a shipped preset, or a preset file", DEFAULT_PRESET, flags));
  g_object_class_install_property (klass, PROP_RUNGS,
      gst_param_spec_array ("rungs", "Rungs",
          "Rungs in place of the preset's: structures with height, "
          "bitrate-bps (bit/s) and max-frame-rate",
          g_param_spec_boxed ("rung", "Rung", "One rung", GST_TYPE_STRUCTURE,
              G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS),
          flags));
  g_object_class_install_property (klass, PROP_ENCODER,
      g_param_spec_string ("encoder", "Encoder",
          "Video encoder: auto or x264enc", DEFAULT_ENCODER, flags));
  g_object_class_install_property (klass, PROP_TOP,
      g_param_spec_enum ("top", "Top rung",
          "Whether a rung of the source's own size is encoded",
          GST_TYPE_ABR_LADDER_TOP, GST_ABR_LADDER_TOP_ENCODE, flags));
  g_object_class_install_property (klass, PROP_KEYFRAME_INTERVAL_MS,
      g_param_spec_uint ("keyframe-interval-ms", "Keyframe interval",
          "Distance of keyframes in ms when the source is raw", 100, 60000,
          DEFAULT_KEYFRAME_INTERVAL_MS,
          (GParamFlags) (flags | GST_PARAM_MUTABLE_PLAYING)));
  gst_type_mark_as_plugin_api (GST_TYPE_ABR_LADDER_TOP, 0);
}
