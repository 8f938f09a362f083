/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * SECTION:element-abrladder
 *
 * Makes an adaptive ladder of one source: decodes once, scales in a cascade,
 * encodes every rung with keyframes exactly where the source has them, and
 * audio once.
 *
 *     gst-launch-1.0 filesrc location=movie.mp4 ! qtdemux name=d \
 *         d.video_0 ! abrladder name=l preset=test \
 *         l.video_0 ! cmafsink name=c location=out mode=vod \
 *         l.video_1 ! c.  d.audio_0 ! l.  l.audio_0 ! c.
 *
 * States: the preset is read in NULL->READY. What is inside is made when caps
 * come, by the thread that brings them, and goes in PAUSED->READY.
 *
 * Threads: the sources' streaming threads, and one per rung: ladder-video.h.
 * Sources may come from one thread or two; the object lock guards what both use.
 * gstabrladder-private.h tells what is in which file.
 */

#include "gstabrladder-private.h"

GST_DEBUG_CATEGORY (gst_abr_ladder_debug);
#define GST_CAT_DEFAULT gst_abr_ladder_debug

GST_ELEMENT_REGISTER_DECLARE (abrladder)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (abrladder, "abrladder", GST_RANK_NONE,
    GST_TYPE_ABR_LADDER,
    GST_DEBUG_CATEGORY_INIT (gst_abr_ladder_debug, "abrladder", 0,
        "adaptive ladder"))

G_DEFINE_FINAL_TYPE (GstAbrLadder, gst_abr_ladder, GST_TYPE_BIN)

/* ---- errors ---- */

void
gst_abr_ladder_post_error (GstAbrLadder *self, const GError *error)
{
  g_autofree gchar *debug = g_strdup_printf ("%s, code %d",
      g_quark_to_string (error->domain), error->code);
  switch (error->code) {
    case MILL_LADDER_ERROR_NOT_FOUND:
      GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND, ("%s", error->message),
          ("%s", debug));
      break;
    case MILL_LADDER_ERROR_INVALID:
      GST_ELEMENT_ERROR (self, LIBRARY, SETTINGS, ("%s", error->message),
          ("%s", debug));
      break;
    case MILL_LADDER_ERROR_MISSING:
      GST_ELEMENT_ERROR (self, CORE, MISSING_PLUGIN, ("%s", error->message),
          ("%s", debug));
      break;
    default:
      GST_ELEMENT_ERROR (self, CORE, FAILED, ("%s", error->message),
          ("%s", debug));
      break;
  }
}

/* ---- states ---- */

static gboolean
prepare (GstAbrLadder *self, GError **error)
{
  g_auto (GstAbrLadderSettings) settings;
  GST_OBJECT_LOCK (self);
  gst_abr_ladder_settings_copy (&self->settings, &settings);
  GST_OBJECT_UNLOCK (self);
  self->plan.skip_top = settings.top == GST_ABR_LADDER_TOP_SKIP;
  return mill_ladder_plan_load (&self->plan, settings.preset, &settings.rungs,
      settings.encoder, error);
}

/* No thread is in here any more: all pads are inactive. */
static void
stop (GstAbrLadder *self)
{
  gst_abr_ladder_sink_pads_reset (self);
  gst_abr_ladder_src_pads_remove (self);
  gst_abr_ladder_chains_remove (self);
  gst_abr_ladder_keyframes_stop (self);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  GstAbrLadder *self = GST_ABR_LADDER (element);
  g_autoptr (GError) error = NULL;
  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !prepare (self, &error)) {
    gst_abr_ladder_post_error (self, error);
    mill_ladder_plan_clear (&self->plan);
    return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    gst_abr_ladder_keyframes_start (self);
  GstStateChangeReturn result = GST_ELEMENT_CLASS (gst_abr_ladder_parent_class)
                                    ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    stop (self);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    mill_ladder_plan_clear (&self->plan);
  return result;
}

/* ---- properties ---- */

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  GstAbrLadder *self = GST_ABR_LADDER (object);
  GST_OBJECT_LOCK (self);
  gboolean known = gst_abr_ladder_settings_set (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  GstAbrLadder *self = GST_ABR_LADDER (object);
  GST_OBJECT_LOCK (self);
  gboolean known = gst_abr_ladder_settings_get (&self->settings, id, value);
  GST_OBJECT_UNLOCK (self);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
finalize (GObject *object)
{
  GstAbrLadder *self = GST_ABR_LADDER (object);
  mill_ladder_plan_clear (&self->plan);
  gst_abr_ladder_settings_clear (&self->settings);
  G_OBJECT_CLASS (gst_abr_ladder_parent_class)->finalize (object);
}

static void
gst_abr_ladder_class_init (GstAbrLadderClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  gst_abr_ladder_settings_install (object_class);
  element_class->change_state = change_state;
  gst_abr_ladder_sink_pads_install (element_class);
  gst_abr_ladder_src_pads_install (element_class);
  gst_element_class_set_static_metadata (element_class, "Adaptive ladder",
      "Codec/Encoder/Video/Audio",
      "Decodes once and encodes renditions with the source's keyframes",
      "The millrace authors");
}

static void
gst_abr_ladder_init (GstAbrLadder *self)
{
  gst_abr_ladder_settings_init (&self->settings);
}
