/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafsink-private.h"
#include "gstcmafsinknegotiation.h"
#include "gstcmafsinkpad.h"
#include "gstcmafsinktextpad.h"

#define GST_CAT_DEFAULT gst_cmaf_sink_debug

/* ---- data ---- */

/* A pad that was requested while the element went down may be active although
 * nobody packages any more; one that was while it came up, not to be any yet. */
static gboolean
is_closed (const GstCmafSink *self, const MillCmafLane *lane)
{
  return G_UNLIKELY (self->packager == NULL || lane == NULL);
}

static GstFlowReturn
gst_cmaf_sink_flow_chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  /* Checked casts read what a sample has no other use for. */
  GstCmafSink *self = (GstCmafSink *) parent;
  GstCmafSinkPad *own = (GstCmafSinkPad *) pad;
  GstCmafMedia *media = gst_cmaf_sink_pad_get_media (own);
  MillCmafLane *lane = gst_cmaf_sink_pad_get_lane (own);
  MillCmafInput input;
  if (is_closed (self, lane)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_FLUSHING;
  }
  mill_cmaf_packager_prepare (self->packager, lane);
  if (G_UNLIKELY (media->incomplete)) {
    GstFlowReturn ret = gst_cmaf_sink_negotiation_complete ((GstElement *) self,
        self->packager, own, buffer);
    if (ret != GST_FLOW_OK || !media->usable) {
      gst_buffer_unref (buffer);
      return ret;
    }
  }
  buffer = gst_cmaf_media_strip_buffer (media, buffer);
  if (!gst_cmaf_media_describe_buffer (media, buffer, &input)) {
    GST_WARNING_OBJECT (pad, "a buffer without time or data, ignoring");
    gst_buffer_unref (buffer);
    return GST_FLOW_OK;
  }
  if (G_UNLIKELY (gst_cmaf_sink_dates_are_asked (&self->dates, self->packager,
          &input)))
    gst_cmaf_sink_dates_note (&self->dates, (GstElement *) self, self->packager,
        buffer, &input);
  if (media->kind == MILL_CMAF_VIDEO)
    gst_cmaf_sink_text_pad_look (own, self->packager, &input, buffer);
  return mill_cmaf_packager_push (self->packager, lane, &input, buffer);
}

static GstFlowReturn
chain_text (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  if (is_closed (GST_CMAF_SINK (parent),
          gst_cmaf_sink_pad_get_lane (GST_CMAF_SINK_PAD (pad)))) {
    gst_buffer_unref (buffer);
    return GST_FLOW_FLUSHING;
  }
  return gst_cmaf_sink_text_pad_chain (GST_ELEMENT (parent),
      GST_CMAF_SINK (parent)->packager, GST_CMAF_SINK_PAD (pad), buffer);
}

/* ---- events and queries ---- */

static gboolean
handle_segment (GstCmafSink *self, GstCmafSinkPad *pad, GstEvent *event)
{
  const GstSegment *segment;
  gst_event_parse_segment (event, &segment);
  GstCmafSinkText *text = gst_cmaf_sink_pad_get_text (pad);
  text->is_file = segment->format == GST_FORMAT_BYTES &&
      gst_cmaf_sink_pad_get_kind (pad) == MILL_CMAF_TEXT;
  if (text->is_file)
    return TRUE;
  if (segment->format != GST_FORMAT_TIME) {
    GST_ELEMENT_ERROR (self, STREAM, FORMAT,
        ("segment of pad '%s': got format %s, expected time",
            GST_PAD_NAME (pad), gst_format_get_name (segment->format)),
        (NULL));
    return FALSE;
  }
  gst_cmaf_media_set_segment (gst_cmaf_sink_pad_get_media (pad), segment);
  return TRUE;
}

static gboolean
handle_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstCmafSink *self = GST_CMAF_SINK (parent);
  GstCmafSinkPad *own = GST_CMAF_SINK_PAD (pad);
  gboolean handled = TRUE;
  GstCaps *caps;
  GstTagList *tags;
  /* Of its own: not all events come on the thread that stop() waits for. */
  g_autoptr (MillCmafPackager) packager =
      gst_cmaf_sink_ref_packager (GST_ELEMENT (self));
  if (packager == NULL || gst_cmaf_sink_pad_get_lane (own) == NULL) {
    gst_event_unref (event);
    return FALSE;
  }
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      gst_event_parse_caps (event, &caps);
      handled = gst_cmaf_sink_negotiation_set_caps (GST_ELEMENT (self),
          packager, own, caps);
      break;
    case GST_EVENT_SEGMENT:
      handled = handle_segment (self, own, event);
      break;
    case GST_EVENT_TAG:
      gst_event_parse_tag (event, &tags);
      gst_cmaf_sink_negotiation_set_tags (GST_ELEMENT (self), packager, own,
          tags);
      break;
    case GST_EVENT_FLUSH_START:
      mill_cmaf_packager_set_flushing (packager,
          gst_cmaf_sink_pad_get_lane (own), TRUE);
      break;
    case GST_EVENT_FLUSH_STOP:
      mill_cmaf_packager_set_flushing (packager,
          gst_cmaf_sink_pad_get_lane (own), FALSE);
      gst_cmaf_media_set_segment (gst_cmaf_sink_pad_get_media (own), NULL);
      gst_cmaf_sink_text_flush (gst_cmaf_sink_pad_get_text (own));
      break;
    case GST_EVENT_EOS:
      GST_OBJECT_LOCK (self);
      self->eos_seqnum = gst_event_get_seqnum (event);
      GST_OBJECT_UNLOCK (self);
      gst_cmaf_sink_text_pad_end (GST_ELEMENT (self), packager, own);
      mill_cmaf_packager_end_lane (packager, gst_cmaf_sink_pad_get_lane (own));
      gst_cmaf_sink_text_pad_end_absent (GST_ELEMENT (self), packager, pad);
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM:
    case GST_EVENT_CUSTOM_DOWNSTREAM_OOB:
      gst_cmaf_sink_cues_handle_event (&self->cues, GST_ELEMENT (self),
          packager, event);
      break;
    default:
      break;
  }
  gst_event_unref (event);
  return handled;
}

static gboolean
handle_query (GstPad *pad, GstObject *parent, GstQuery *query)
{
  /* Any caps get as far as the event, where the refusal says what is wrong. */
  if (GST_QUERY_TYPE (query) == GST_QUERY_ACCEPT_CAPS) {
    gst_query_set_accept_caps_result (query, TRUE);
    return TRUE;
  }
  return gst_pad_query_default (pad, parent, query);
}

void
gst_cmaf_sink_flow_watch (GstPad *pad, MillCmafKind kind)
{
  gst_pad_set_chain_function (pad,
      kind == MILL_CMAF_TEXT ? chain_text : gst_cmaf_sink_flow_chain);
  gst_pad_set_event_function (pad, handle_event);
  gst_pad_set_query_function (pad, handle_query);
}
