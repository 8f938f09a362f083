/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "ladder-encoder.h"

#include <gst/video/video.h>

#include <string.h>

#define X264 "x264enc"
/* scenecut=0 and an endless GOP: no keyframe but those that are forced. */
#define X264_OPTIONS "scenecut=0"

typedef struct
{
  MillLadderKeyframes *keyframes;
  GstClockTime previous; /* running time; guard: the encoder's stream lock */
} State;

static G_DEFINE_QUARK (mill_ladder_encoder_state, get_state)

static void
state_free (gpointer data)
{
  State *state = data;
  mill_ladder_keyframes_unref (state->keyframes);
  g_free (state);
}

/* ---- the subclass ---- */

static GstFlowReturn
handle_frame (GstVideoEncoder *encoder, GstVideoCodecFrame *frame)
{
  State *state = g_object_get_qdata (G_OBJECT (encoder), get_state_quark ());
  /* The input's segment and timestamps: an encoder may shift its own (x264enc
   * adds 1000 hours to both). */
  GstClockTime time = gst_segment_to_running_time (&encoder->input_segment,
      GST_FORMAT_TIME, GST_BUFFER_PTS (frame->input_buffer));
  if (mill_ladder_keyframes_is_due (state->keyframes, state->previous, time))
    GST_VIDEO_CODEC_FRAME_SET_FORCE_KEYFRAME (frame);
  else
    GST_VIDEO_CODEC_FRAME_UNSET_FORCE_KEYFRAME (frame);
  state->previous = time;
  GstVideoEncoderClass *parent =
      g_type_class_peek_parent (G_OBJECT_GET_CLASS (encoder));
  return parent->handle_frame (encoder, frame);
}

static void
class_init (gpointer klass, gpointer data)
{
  GST_VIDEO_ENCODER_CLASS (klass)->handle_frame = handle_frame;
}

static GType
register_subclass (const gchar *name, GType parent)
{
  GTypeQuery query;
  g_type_query (parent, &query);
  GTypeInfo info = {
    .class_size = (guint16) query.class_size,
    .class_init = class_init,
    .instance_size = (guint16) query.instance_size,
  };
  return g_type_register_static (parent, name, &info, 0);
}

/* Returns: G_TYPE_INVALID when the encoder is not installed. */
static GType
get_subclass (const gchar *factory_name)
{
  static GMutex lock;
  g_autoptr (GstElementFactory) found = gst_element_factory_find (factory_name);
  g_autoptr (GstPluginFeature) loaded =
      found ? gst_plugin_feature_load (GST_PLUGIN_FEATURE (found)) : NULL;
  if (loaded == NULL)
    return G_TYPE_INVALID;
  GType parent =
      gst_element_factory_get_element_type (GST_ELEMENT_FACTORY (loaded));
  if (!g_type_is_a (parent, GST_TYPE_VIDEO_ENCODER))
    return G_TYPE_INVALID;
  g_autofree gchar *name =
      g_strconcat ("MillLadder", g_type_name (parent), NULL);
  /* Two ladders may start at once. */
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&lock);
  GType type = g_type_from_name (name);
  return type != 0 ? type : register_subclass (name, parent);
}

const gchar *
mill_ladder_encoder_find (const gchar *name, GError **error)
{
  if (!g_str_equal (name, "auto") && !g_str_equal (name, X264)) {
    g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_INVALID,
        "encoder: got '%s', expected auto or " X264, name);
    return NULL;
  }
  if (get_subclass (X264) == G_TYPE_INVALID) {
    g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_MISSING,
        "encoder '" X264 "': got no such element, expected it to be installed "
        "(GStreamer's \"ugly\" plugins)");
    return NULL;
  }
  return X264;
}

/* ---- settings ---- */

/* Keys that the ladder decides; a preset may not. */
static const gchar *const reserved[] = { "name", "parent", "bitrate", "threads",
  "key-int-max", "intra-refresh", "byte-stream", "qos", NULL };

static gchar *
apply_setting (GstElement *encoder, const gchar *key, const gchar *text)
{
  GParamSpec *pspec =
      g_object_class_find_property (G_OBJECT_GET_CLASS (encoder), key);
  if (g_strv_contains (reserved, key))
    return g_strdup ("got a key that the ladder sets by itself");
  if (pspec == NULL || (pspec->flags & G_PARAM_WRITABLE) == 0)
    return g_strdup_printf ("got no property of %s", X264);
  g_auto (GValue) value = G_VALUE_INIT;
  g_value_init (&value, pspec->value_type);
  if (!gst_value_deserialize (&value, text) ||
      g_param_value_validate (pspec, &value))
    return g_strdup_printf (
        "got '%s', expected a value of type %s in its range", text,
        g_type_name (pspec->value_type));
  if (g_str_equal (key, "option-string")) {
    const gchar *options = g_value_get_string (&value);
    if (strstr (options, "keyint") != NULL ||
        strstr (options, "scenecut") != NULL)
      return g_strdup_printf ("got '%s', expected nothing about keyframes, "
                              "which are the source's",
          text);
    g_autofree gchar *all = g_strconcat (X264_OPTIONS ":", options, NULL);
    g_object_set (encoder, key, all, NULL);
  } else {
    g_object_set_property (G_OBJECT (encoder), key, &value);
  }
  return NULL;
}

static gboolean
apply_preset (GstElement *encoder, const MillLadderPreset *preset,
    GError **error)
{
  g_auto (GStrv) keys = g_key_file_get_keys (preset->file, X264, NULL, NULL);
  for (guint i = 0; keys != NULL && keys[i] != NULL; i++) {
    g_autofree gchar *text =
        g_key_file_get_string (preset->file, X264, keys[i], NULL);
    g_autofree gchar *mistake =
        apply_setting (encoder, keys[i], text != NULL ? g_strchomp (text) : "");
    if (mistake == NULL)
      continue;
    g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_INVALID,
        "preset file '%s', [" X264 "] %s: %s", preset->path, keys[i], mistake);
    return FALSE;
  }
  return TRUE;
}

GstElement *
mill_ladder_encoder_new (const gchar *factory, const MillLadderPreset *preset,
    MillLadderKeyframes *keyframes, GError **error)
{
  GType type = get_subclass (factory);
  if (type == G_TYPE_INVALID) {
    g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_MISSING,
        "encoder '%s': got no such element, expected it to be installed",
        factory);
    return NULL;
  }
  GstElement *encoder = g_object_new (type, NULL);
  State *state = g_new0 (State, 1);
  state->keyframes = mill_ladder_keyframes_ref (keyframes);
  state->previous = GST_CLOCK_TIME_NONE;
  g_object_set_qdata_full (G_OBJECT (encoder), get_state_quark (), state,
      state_free);
  g_object_set (encoder, "key-int-max", G_MAXINT, "option-string", X264_OPTIONS,
      "qos", FALSE, NULL);
  if (preset != NULL && !apply_preset (encoder, preset, error)) {
    gst_object_unref (gst_object_ref_sink (encoder));
    return NULL;
  }
  return encoder;
}

void
mill_ladder_encoder_set_bitrate (GstElement *encoder, guint bitrate_bps,
    guint threads)
{
  /* x264enc counts in kbit/s. */
  g_object_set (encoder, "bitrate", MAX ((bitrate_bps + 500) / 1000, 1),
      "threads", threads, NULL);
}
