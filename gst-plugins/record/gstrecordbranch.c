/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstrecordbranch.h"

#include "../common/gstparsers.h"

#define BRANCH "millrace-record-branch"

/** Of one ghost pad, freed with it. */
typedef struct
{
  GstBin *bin; /* not held */
  GstRecordIntake *intake; /* in bin */
  GstElement *parser; /* (nullable) in bin */
  const GstRecordBranchCalls *calls;
  gchar *media; /* (nullable): name of the caps that it was built for */
  gboolean refused;
} Branch;

/** How a codec gets into the form that files have. */
typedef struct
{
  const gchar *caps;
  const gchar *fit; /* (nullable): needs no parser */
  const gchar *parser; /* (nullable): there is none */
} Way;

static const Way ways[] = {
  { "video/x-h264", "video/x-h264, stream-format=avc, alignment=au",
      "h264parse ! capsfilter "
      "caps=\"video/x-h264, stream-format=avc, alignment=au\"" },
  { "video/x-h265",
      "video/x-h265, stream-format=(string){ hvc1, hev1 }, alignment=au",
      "h265parse ! capsfilter "
      "caps=\"video/x-h265, stream-format=hvc1, alignment=au\"" },
  { "video/x-av1", "video/x-av1, stream-format=obu-stream, alignment=tu",
      "av1parse ! capsfilter "
      "caps=\"video/x-av1, stream-format=obu-stream, alignment=tu\"" },
  { "video/x-vp9", "video/x-vp9, alignment=super-frame",
      "vp9parse ! capsfilter "
      "caps=\"video/x-vp9, alignment=super-frame\"" },
  { "video/x-vp8", "video/x-vp8", NULL },
  { "audio/mpeg, mpegversion=(int){ 2, 4 }",
      "audio/mpeg, mpegversion=(int){ 2, 4 }, stream-format=raw",
      "aacparse ! capsfilter "
      "caps=\"audio/mpeg, mpegversion=4, stream-format=raw, framed=true\"" },
  { "audio/mpeg, mpegversion=(int)1",
      "audio/mpeg, mpegversion=(int)1, parsed=true", "mpegaudioparse" },
  { "audio/x-ac3", "audio/x-ac3, framed=true, alignment=frame", "ac3parse" },
  { "audio/x-eac3", "audio/x-eac3, framed=true, alignment=frame", "ac3parse" },
  { "audio/x-opus", "audio/x-opus, channel-mapping-family=(int)[ 0, 255 ]",
      "opusparse" },
  { "audio/x-flac", "audio/x-flac, framed=true", "flacparse" },
};

static Branch *
get_branch (GstPad *pad)
{
  return g_object_get_data (G_OBJECT (pad), BRANCH);
}

static void
free_branch (gpointer data)
{
  Branch *self = data;
  gst_clear_object (&self->parser);
  gst_clear_object (&self->intake);
  g_free (self->media);
  g_free (self);
}

/* ---- building ---- */

static const Way *
find_way (const Branch *self, const GstCaps *caps)
{
  gboolean is_video = gst_record_intake_get_kind (self->intake) ==
      MILL_CMAF_VIDEO;
  for (guint i = 0; i < G_N_ELEMENTS (ways); i++)
    if (gst_parsers_takes (ways[i].caps, is_video, caps))
      return &ways[i];
  return NULL;
}

static gboolean
is_fit (const Way *way, const GstCaps *caps)
{
  g_autoptr (GstCaps) fit = gst_caps_from_string (way->fit);
  return way->parser == NULL || gst_caps_is_subset (caps, fit);
}

static void
post (Branch *self, GQuark domain, gint code, gchar *text)
{
  gst_element_message_full (GST_ELEMENT (self->bin),
      self->calls->goes_on (self->bin) ? GST_MESSAGE_WARNING
                                       : GST_MESSAGE_ERROR,
      domain, code, text, NULL, __FILE__, GST_FUNCTION, __LINE__);
}

/* A bin that is disposed of has removed all before it releases its pads. */
static void
remove_element (Branch *self, GstElement *element)
{
  gst_element_set_state (element, GST_STATE_NULL);
  if (GST_OBJECT_PARENT (element) == GST_OBJECT (self->bin))
    gst_bin_remove (self->bin, element);
}

static void
remove_parser (Branch *self)
{
  if (self->parser != NULL)
    remove_element (self, self->parser);
  gst_clear_object (&self->parser);
}

/* Returns: FALSE, said, when a plugin is missing */
static gboolean
add_parser (Branch *self, GstPad *ghost, const Way *way)
{
  g_autoptr (GError) error = NULL;
  GstElement *parser =
      gst_parse_bin_from_description (way->parser, TRUE, &error);
  if (error != NULL) {
    post (self, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN,
        g_strdup_printf ("parser of pad '%s': got none (%s), expected '%s'",
            GST_PAD_NAME (ghost), error->message, way->parser));
    if (parser != NULL)
      gst_object_unref (gst_object_ref_sink (parser));
    return FALSE;
  }
  self->parser = gst_object_ref (parser);
  gst_bin_add (self->bin, parser);
  gst_element_link (parser, GST_ELEMENT (self->intake));
  gst_element_sync_state_with_parent (parser);
  return TRUE;
}

static gboolean
build (Branch *self, GstPad *ghost, const GstCaps *caps)
{
  const Way *way = find_way (self, caps);
  g_autofree gchar *refusal = self->calls->refuse_caps (self->bin, caps);
  if (refusal != NULL || way == NULL) {
    post (self, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
        g_strdup_printf ("codec of pad '%s': %s", GST_PAD_NAME (ghost),
            refusal));
    return FALSE;
  }
  gst_ghost_pad_set_target (GST_GHOST_PAD (ghost), NULL);
  remove_parser (self);
  if (!is_fit (way, caps) && !add_parser (self, ghost, way))
    return FALSE;
  GstElement *first = self->parser != NULL ? self->parser
                                           : GST_ELEMENT (self->intake);
  g_autoptr (GstPad) sink = gst_element_get_static_pad (first, "sink");
  return gst_ghost_pad_set_target (GST_GHOST_PAD (ghost), sink);
}

/* New caps of the same codec go through the parser that is there. */
static void
take_caps (Branch *self, GstPad *ghost, const GstCaps *caps)
{
  const gchar *media =
      gst_structure_get_name (gst_caps_get_structure (caps, 0));
  if (g_strcmp0 (media, self->media) == 0 && !self->refused)
    return;
  g_free (self->media);
  self->media = g_strdup (media);
  self->refused = !build (self, ghost, caps);
  if (!self->refused)
    return;
  /* The others do not wait for it. */
  g_autoptr (GstPad) sink =
      gst_element_get_static_pad (GST_ELEMENT (self->intake), "sink");
  gst_pad_send_event (sink, gst_event_new_eos ());
}

/* What is refused goes nowhere, so that upstream does not notice. */
static GstPadProbeReturn
on_arrived (GstPad *ghost, GstPadProbeInfo *info, gpointer user_data)
{
  Branch *self = user_data;
  if (info->type & GST_PAD_PROBE_TYPE_BUFFER)
    return self->refused ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  GstCaps *caps;
  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    gst_event_parse_caps (event, &caps);
    take_caps (self, ghost, caps);
    return self->refused ? GST_PAD_PROBE_DROP : GST_PAD_PROBE_OK;
  }
  return GST_PAD_PROBE_OK;
}

/* A recording that goes on after trouble is none of upstream's. */
static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  Branch *self = get_branch (pad);
  GstFlowReturn ret = gst_proxy_pad_chain_default (pad, parent, buffer);
  if (ret == GST_FLOW_OK || ret == GST_FLOW_FLUSHING ||
      !self->calls->goes_on (self->bin))
    return ret;
  return GST_FLOW_OK;
}

/* ---- exported ---- */

GstPad *
gst_record_branch_new (GstBin *bin, GstPadTemplate *template, const gchar *name,
    GstRecordIntake *intake, const GstRecordBranchCalls *calls)
{
  GstPad *pad = gst_ghost_pad_new_no_target_from_template (name, template);
  Branch *self = g_new0 (Branch, 1);
  self->bin = bin;
  self->intake = gst_object_ref (intake);
  self->calls = calls;
  g_object_set_data_full (G_OBJECT (pad), BRANCH, self, free_branch);
  g_object_set_data_full (G_OBJECT (intake), BRANCH, g_strdup (name), g_free);
  gst_bin_add (bin, GST_ELEMENT (intake));
  gst_element_sync_state_with_parent (GST_ELEMENT (intake));
  gst_pad_set_chain_function (pad, chain);
  gst_pad_add_probe (pad,
      GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      on_arrived, self, NULL);
  return pad;
}

void
gst_record_branch_remove (GstPad *pad)
{
  Branch *self = get_branch (pad);
  gst_ghost_pad_set_target (GST_GHOST_PAD (pad), NULL);
  remove_parser (self);
  remove_element (self, GST_ELEMENT (self->intake));
}

GstRecordIntake *
gst_record_branch_get_intake (GstPad *pad)
{
  return get_branch (pad)->intake;
}

gchar *
gst_record_branch_dup_pad_name (GstRecordIntake *intake)
{
  return g_strdup (g_object_get_data (G_OBJECT (intake), BRANCH));
}
