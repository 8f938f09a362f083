/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * The source pads: ghosts of the chains' ends, that come with the caps of the
 * sinks and go in PAUSED->READY.
 *
 * Threads: pads are added in the streaming thread of their sink; events from
 * downstream come in any.
 */

#include "gstabrladder-private.h"

#include <gst/video/video.h>

static GstStaticPadTemplate video_template =
    GST_STATIC_PAD_TEMPLATE ("video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
        GST_STATIC_CAPS ("video/x-h264, stream-format = (string) avc, "
                         "alignment = (string) au"));
static GstStaticPadTemplate audio_template =
    GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
        GST_STATIC_CAPS ("audio/mpeg, mpegversion = (int) 4, "
                         "stream-format = (string) raw"));

static gboolean
on_src_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  if (gst_video_event_is_force_key_unit (event))
    return gst_abr_ladder_keyframes_request (GST_ABR_LADDER (parent), event);
  /* Frames are never dropped for being late: renditions would differ. */
  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS) {
    gst_event_unref (event);
    return TRUE;
  }
  return gst_pad_event_default (pad, parent, event);
}

void
gst_abr_ladder_src_pads_expose (GstAbrLadder *self, GstAbrLadderKind kind,
    guint index, GstPad *target)
{
  gboolean is_video = kind == GST_ABR_LADDER_VIDEO;
  g_autoptr (GstPadTemplate) template = gst_static_pad_template_get (is_video
          ? &video_template
          : &audio_template);
  g_autofree gchar *name =
      g_strdup_printf (is_video ? "video_%u" : "audio_%u", index);
  GstPad *pad = gst_ghost_pad_new_from_template (name, target, template);
  gst_pad_set_event_function (pad, on_src_event);
  gst_pad_set_active (pad, TRUE);
  gst_element_add_pad (GST_ELEMENT (self), pad);
}

/* no-more-pads comes once, when all sinks that were requested have theirs. */
void
gst_abr_ladder_src_pads_settle (GstAbrLadder *self, GstAbrLadderKind kind)
{
  GST_OBJECT_LOCK (self);
  self->inputs[kind].settled = TRUE;
  gboolean complete = !self->no_more_pads;
  for (guint i = 0; i < GST_ABR_LADDER_N_INPUTS; i++)
    complete &= self->inputs[i].pad == NULL || self->inputs[i].settled;
  self->no_more_pads |= complete;
  GST_OBJECT_UNLOCK (self);
  if (complete)
    gst_element_no_more_pads (GST_ELEMENT (self));
}

void
gst_abr_ladder_src_pads_remove (GstAbrLadder *self)
{
  GST_OBJECT_LOCK (self);
  self->no_more_pads = FALSE;
  GList *pads = g_list_copy_deep (GST_ELEMENT (self)->srcpads,
      (GCopyFunc) gst_object_ref, NULL);
  GST_OBJECT_UNLOCK (self);
  for (GList *l = pads; l != NULL; l = l->next) {
    gst_pad_set_active (l->data, FALSE);
    gst_element_remove_pad (GST_ELEMENT (self), l->data);
  }
  g_list_free_full (pads, gst_object_unref);
}

void
gst_abr_ladder_src_pads_install (GstElementClass *klass)
{
  gst_element_class_add_static_pad_template (klass, &video_template);
  gst_element_class_add_static_pad_template (klass, &audio_template);
}
