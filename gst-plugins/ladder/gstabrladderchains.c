/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * The chains inside the bin: which is made for which caps, and what tells that
 * its source pads are there.
 *
 *   raw video -> rungs         encoded video -> decoder -> (its caps) rungs
 *   audio -> AAC, or to nobody
 *
 * Threads: whichever brings the caps makes what takes them, before the first
 * data: the streaming thread of the sink, or the decoder's behind it. What was
 * made goes in PAUSED->READY, when none of them is inside any more.
 */

#include "gstabrladder-private.h"

#include "ladder-audio.h"
#include "ladder-video.h"

#define GST_CAT_DEFAULT gst_abr_ladder_debug

/* What goes to no rung ends here, and its source is not told to stop. */
static GstPadProbeReturn
on_discarded (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  return GST_PAD_PROBE_DROP;
}

static gulong
discard (GstPad *pad)
{
  return gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST, on_discarded,
      NULL, NULL);
}

/* Rungs that follow a source to another size set new caps, one after the other,
 * each in its own thread. A source that looked meanwhile for what all of them take
 * would find nothing; and there is nothing for it to change. */
static GstPadProbeReturn
on_upstream (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  return GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) ==
          GST_EVENT_RECONFIGURE
      ? GST_PAD_PROBE_DROP
      : GST_PAD_PROBE_OK;
}

static gulong
keep_source (GstPad *pad)
{
  return gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM, on_upstream,
      NULL, NULL);
}

/* ---- video ---- */

/* @ret_entry: NULL when no rung is below the source. */
static gboolean
add_rungs (GstAbrLadder *self, const GstCaps *caps, GstPad **ret_entry,
    GError **error)
{
  g_autoptr (GPtrArray) outputs =
      g_ptr_array_new_with_free_func (gst_object_unref);
  if (!mill_ladder_video_add_rungs (GST_BIN (self), &self->plan,
          self->keyframes, caps, outputs, ret_entry, error))
    return FALSE;
  gst_bin_sync_children_states (GST_BIN (self));
  for (guint i = 0; i < outputs->len; i++)
    gst_abr_ladder_src_pads_expose (self, GST_ABR_LADDER_VIDEO, i,
        g_ptr_array_index (outputs, i));
  GST_INFO_OBJECT (self, "%u rungs for %" GST_PTR_FORMAT, outputs->len, caps);
  return TRUE;
}

static gboolean
build_raw (GstAbrLadder *self, const GstCaps *caps, GstPad **ret_entry,
    GError **error)
{
  gst_abr_ladder_keyframes_set_raw (self);
  if (!add_rungs (self, caps, ret_entry, error))
    return FALSE;
  if (*ret_entry != NULL)
    gst_abr_ladder_keyframes_watch (self, *ret_entry);
  gst_abr_ladder_src_pads_settle (self, GST_ABR_LADDER_VIDEO);
  return TRUE;
}

/* The decoder knows the size. */
static GstPadProbeReturn
on_decoded (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstAbrLadder *self = user_data;
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS || gst_pad_is_linked (pad))
    return GST_PAD_PROBE_OK;
  GstCaps *caps;
  gst_event_parse_caps (event, &caps);
  g_autoptr (GstPad) entry = NULL;
  g_autoptr (GError) error = NULL;
  if (!add_rungs (self, caps, &entry, &error)) {
    gst_abr_ladder_post_error (self, error);
    return GST_PAD_PROBE_REMOVE; /* not linked: the flow ends here */
  }
  if (entry == NULL || gst_pad_link (pad, entry) != GST_PAD_LINK_OK)
    discard (pad);
  gst_abr_ladder_src_pads_settle (self, GST_ABR_LADDER_VIDEO);
  return GST_PAD_PROBE_REMOVE;
}

static gboolean
build_video (GstAbrLadder *self, const GstCaps *caps, GstPad **ret_entry,
    GError **error)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  if (gst_structure_has_name (structure, "video/x-raw"))
    return build_raw (self, caps, ret_entry, error);
  g_autoptr (GstPad) decoded = NULL;
  *ret_entry = mill_ladder_video_add_decoder (GST_BIN (self), self->keyframes,
      &decoded, error);
  if (*ret_entry == NULL)
    return FALSE;
  gst_pad_add_probe (decoded, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_decoded,
      self, NULL);
  return TRUE;
}

/* ---- audio ---- */

/* With top=skip the source goes to the packager by itself, and its AAC with
 * it. */
static gboolean
build_audio (GstAbrLadder *self, const GstCaps *caps, GstPad **ret_entry,
    GError **error)
{
  if (!self->plan.skip_top || !mill_ladder_audio_is_aac (caps)) {
    g_autoptr (GstPad) src = NULL;
    *ret_entry = mill_ladder_audio_add (GST_BIN (self), caps,
        self->plan.preset->audio_bitrate_bps, &src, error);
    if (*ret_entry == NULL)
      return FALSE;
    gst_bin_sync_children_states (GST_BIN (self));
    gst_abr_ladder_src_pads_expose (self, GST_ABR_LADDER_AUDIO, 0, src);
  }
  gst_abr_ladder_src_pads_settle (self, GST_ABR_LADDER_AUDIO);
  return TRUE;
}

/* ---- both ---- */

gboolean
gst_abr_ladder_chains_build (GstAbrLadder *self, GstAbrLadderKind kind,
    GstPad *pad, const GstCaps *caps, GError **error)
{
  g_autoptr (GstPad) entry = NULL;
  gboolean is_built = kind == GST_ABR_LADDER_VIDEO
      ? build_video (self, caps, &entry, error)
      : build_audio (self, caps, &entry, error);
  if (!is_built)
    return FALSE;
  if (entry == NULL) {
    self->inputs[kind].probe_id = discard (pad);
    return TRUE;
  }
  /* That is told to the source, which may choose better caps, now or never. */
  gst_ghost_pad_set_target (GST_GHOST_PAD (pad), entry);
  if (kind == GST_ABR_LADDER_VIDEO)
    self->inputs[kind].probe_id = keep_source (pad);
  return TRUE;
}

void
gst_abr_ladder_chains_remove (GstAbrLadder *self)
{
  GST_OBJECT_LOCK (self);
  GList *children = g_list_copy_deep (GST_BIN (self)->children,
      (GCopyFunc) gst_object_ref, NULL);
  GST_OBJECT_UNLOCK (self);
  for (GList *l = children; l != NULL; l = l->next) {
    gst_bin_remove (GST_BIN (self), l->data);
    gst_element_set_state (l->data, GST_STATE_NULL);
  }
  g_list_free_full (children, gst_object_unref);
}
