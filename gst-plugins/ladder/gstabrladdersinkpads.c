/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * The sink pads: one for video, one for audio. The first caps say what is made
 * inside; others may follow as long as that takes them.
 *
 * Threads: a pad's events come in its streaming thread; pads are requested and
 * released by the application's.
 */

#include "gstabrladder-private.h"

#include "ladder-audio.h"

#include <gst/video/video.h>

#define GST_CAT_DEFAULT gst_abr_ladder_debug

static GstStaticPadTemplate video_template = GST_STATIC_PAD_TEMPLATE ("video",
    GST_PAD_SINK, GST_PAD_REQUEST,
    GST_STATIC_CAPS ("video/x-raw; video/x-h264"));
static GstStaticPadTemplate audio_template = GST_STATIC_PAD_TEMPLATE ("audio",
    GST_PAD_SINK, GST_PAD_REQUEST,
    GST_STATIC_CAPS (
        "audio/x-raw; audio/mpeg, mpegversion = (int) { 2, 4 }; "
        "audio/mpeg, mpegversion = (int) 1, layer = (int) [ 1, 3 ]"));

static GstAbrLadderKind
get_kind (GstPad *pad)
{
  return GST_PAD_PAD_TEMPLATE (pad) != NULL &&
          g_str_equal (
              GST_PAD_TEMPLATE_NAME_TEMPLATE (GST_PAD_PAD_TEMPLATE (pad)),
              "video")
      ? GST_ABR_LADDER_VIDEO
      : GST_ABR_LADDER_AUDIO;
}

/* Whether the chain that was made for @old takes @caps. */
static gboolean
is_same_media (const GstCaps *old, const GstCaps *caps)
{
  return g_str_equal (gst_structure_get_name (gst_caps_get_structure (old, 0)),
             gst_structure_get_name (gst_caps_get_structure (caps, 0))) &&
      mill_ladder_audio_is_aac (old) == mill_ladder_audio_is_aac (caps);
}

static gboolean
accept_caps (GstAbrLadder *self, GstPad *pad, GstCaps *caps)
{
  GstAbrLadderKind kind = get_kind (pad);
  GstAbrLadderInput *input = &self->inputs[kind];
  g_autoptr (GError) error = NULL;
  if (input->failed)
    return FALSE;
  if (input->caps == NULL) {
    gst_caps_replace (&input->caps, caps);
    input->failed =
        !gst_abr_ladder_chains_build (self, kind, pad, caps, &error);
  } else if (!is_same_media (input->caps, caps)) {
    g_set_error (&error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_INVALID,
        "caps of pad '%s': got %s in mid-stream, expected %s to go on",
        GST_PAD_NAME (pad),
        gst_structure_get_name (gst_caps_get_structure (caps, 0)),
        gst_structure_get_name (gst_caps_get_structure (input->caps, 0)));
  }
  input->failed |= error != NULL;
  if (input->failed)
    gst_abr_ladder_post_error (self, error);
  return !input->failed;
}

static gboolean
on_sink_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstAbrLadder *self = GST_ABR_LADDER (parent);
  GstCaps *caps;
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      if (!accept_caps (self, pad, caps)) {
        gst_event_unref (event);
        return FALSE;
      }
      break;
    case GST_EVENT_EOS:
      gst_abr_ladder_src_pads_settle (self, get_kind (pad));
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
      if (gst_video_event_is_force_key_unit (event) &&
          gst_abr_ladder_keyframes_want_raw (self)) {
        gst_event_unref (event);
        return TRUE;
      }
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

static GstPad *
request_new_pad (GstElement *element, GstPadTemplate *template,
    const gchar *name, const GstCaps *caps)
{
  GstAbrLadder *self = GST_ABR_LADDER (element);
  const gchar *pad_name = GST_PAD_TEMPLATE_NAME_TEMPLATE (template);
  GstAbrLadderKind kind = g_str_equal (pad_name, "video")
      ? GST_ABR_LADDER_VIDEO
      : GST_ABR_LADDER_AUDIO;
  GstPad *pad = gst_ghost_pad_new_no_target_from_template (pad_name, template);
  gst_pad_set_event_function (pad, on_sink_event);
  GST_OBJECT_LOCK (self);
  gboolean is_taken = self->inputs[kind].pad != NULL;
  if (!is_taken)
    self->inputs[kind].pad = pad;
  GST_OBJECT_UNLOCK (self);
  if (is_taken) {
    GST_WARNING_OBJECT (self, "pad '%s' was requested twice", pad_name);
    gst_object_unref (gst_object_ref_sink (pad));
    return NULL;
  }
  gst_pad_set_active (pad, TRUE);
  gst_element_add_pad (element, pad);
  return pad;
}

static void
release_pad (GstElement *element, GstPad *pad)
{
  GstAbrLadder *self = GST_ABR_LADDER (element);
  GstAbrLadderKind kind = get_kind (pad);
  GST_OBJECT_LOCK (self);
  self->inputs[kind].pad = NULL;
  GST_OBJECT_UNLOCK (self);
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (element, pad);
}

void
gst_abr_ladder_sink_pads_reset (GstAbrLadder *self)
{
  for (guint i = 0; i < GST_ABR_LADDER_N_INPUTS; i++) {
    GstAbrLadderInput *input = &self->inputs[i];
    if (input->pad != NULL)
      gst_ghost_pad_set_target (GST_GHOST_PAD (input->pad), NULL);
    if (input->pad != NULL && input->probe_id != 0)
      gst_pad_remove_probe (input->pad, input->probe_id);
    input->probe_id = 0;
    gst_caps_replace (&input->caps, NULL);
    input->settled = FALSE;
    input->failed = FALSE;
  }
}

void
gst_abr_ladder_sink_pads_install (GstElementClass *klass)
{
  klass->request_new_pad = request_new_pad;
  klass->release_pad = release_pad;
  gst_element_class_add_static_pad_template (klass, &video_template);
  gst_element_class_add_static_pad_template (klass, &audio_template);
}
