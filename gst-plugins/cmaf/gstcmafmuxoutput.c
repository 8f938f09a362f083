/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafmuxoutput.h"

#include "cmaf-timeline.h"

void
gst_cmaf_mux_output_reset (GstCmafMuxOutput *self)
{
  self->segment_due = TRUE;
  self->segment_seqnum = GST_SEQNUM_INVALID;
  g_list_free_full (g_steal_pointer (&self->held_events),
      (GDestroyNotify) gst_event_unref);
}

gboolean
gst_cmaf_mux_output_has_begun (const GstCmafMuxOutput *self)
{
  return gst_pad_has_current_caps (self->pad);
}

gboolean
gst_cmaf_mux_output_forward (GstCmafMuxOutput *self, GstEvent *event)
{
  if (gst_cmaf_mux_output_has_begun (self))
    return gst_pad_push_event (self->pad, event);
  self->held_events = g_list_prepend (self->held_events, event);
  return TRUE;
}

/* ---- chunks ---- */

static void
push_caps (GstCmafMuxOutput *self, GstBuffer *header)
{
  GstCaps *caps = gst_caps_new_simple ("video/quicktime", "variant",
      G_TYPE_STRING, "cmaf", NULL);
  GValue list = G_VALUE_INIT;
  GValue value = G_VALUE_INIT;
  g_value_init (&list, GST_TYPE_ARRAY);
  g_value_init (&value, GST_TYPE_BUFFER);
  gst_value_set_buffer (&value, header);
  gst_value_array_append_and_take_value (&list, &value);
  gst_caps_set_value (caps, "streamheader", &list);
  g_value_unset (&list);
  gst_pad_push_event (self->pad, gst_event_new_caps (caps));
  gst_caps_unref (caps);
}

static void
push_segment (GstCmafMuxOutput *self)
{
  if (!self->segment_due)
    return;
  GstSegment segment;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  GstEvent *event = gst_event_new_segment (&segment);
  if (self->segment_seqnum != GST_SEQNUM_INVALID)
    gst_event_set_seqnum (event, self->segment_seqnum);
  gst_pad_push_event (self->pad, event);
  self->segment_due = FALSE;
}

void
gst_cmaf_mux_output_release (GstCmafMuxOutput *self)
{
  GList *events = g_list_reverse (g_steal_pointer (&self->held_events));
  for (GList *item = events; item != NULL; item = item->next)
    gst_pad_push_event (self->pad, item->data);
  g_list_free (events);
}

static GstBuffer *
wrap_header (const MillCmafPiece *piece, GBytes *bytes)
{
  GstBuffer *buffer = gst_buffer_new_wrapped_bytes (bytes);
  GST_BUFFER_DTS (buffer) = piece->dts;
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_HEADER);
  return buffer;
}

static GstClockTime
to_ns (const MillCmafPiece *piece, gint64 ticks)
{
  return (GstClockTime) mill_cmaf_timeline_to_ns (ticks, piece->timescale);
}

/* Appends the samples of @piece; @header gets the earliest presentation time
 * of them, and how long all last. */
static void
add_samples (const MillCmafPiece *piece, GstBuffer *header, GstBufferList *list)
{
  const GArray *samples = piece->taken.samples;
  gint64 at = 0;
  gint64 earliest = G_MAXINT64;
  for (guint i = 0; i < samples->len; i++) {
    const MillBmffSample *sample = &g_array_index (samples, MillBmffSample, i);
    GstBuffer *buffer = gst_buffer_new ();
    gst_buffer_append_memory (buffer,
        gst_memory_ref (g_ptr_array_index (piece->taken.memories, i)));
    gint64 shown = at + sample->composition_offset - piece->shift;
    gint64 shown_at = (gint64) piece->dts +
        mill_cmaf_timeline_to_ns (shown, piece->timescale);
    GST_BUFFER_PTS (buffer) = (GstClockTime) MAX (shown_at, 0);
    GST_BUFFER_DTS (buffer) = piece->dts + to_ns (piece, at);
    at += sample->duration;
    GST_BUFFER_DURATION (buffer) = piece->dts + to_ns (piece, at) -
        GST_BUFFER_DTS (buffer);
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    if (i + 1 == samples->len)
      GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_MARKER);
    earliest = MIN (earliest, MAX (shown_at, 0));
    gst_buffer_list_add (list, buffer);
  }
  GST_BUFFER_PTS (header) = (GstClockTime) earliest;
  GST_BUFFER_DURATION (header) = to_ns (piece, at);
}

GstFlowReturn
gst_cmaf_mux_output_push (GstCmafMuxOutput *self, const MillCmafPiece *piece)
{
  GstBufferList *list =
      gst_buffer_list_new_sized (2 + piece->taken.samples->len);
  if (piece->init != NULL) {
    GstBuffer *init = wrap_header (piece, piece->init);
    GST_BUFFER_FLAG_SET (init, GST_BUFFER_FLAG_DISCONT);
    GST_BUFFER_PTS (init) = piece->dts;
    push_caps (self, init);
    gst_buffer_list_add (list, init);
  }
  push_segment (self);
  gst_cmaf_mux_output_release (self);
  GstBuffer *header = wrap_header (piece, piece->header);
  if (!(piece->flags & MILL_CMAF_PIECE_SYNC))
    GST_BUFFER_FLAG_SET (header, GST_BUFFER_FLAG_DELTA_UNIT);
  if (piece->flags & MILL_CMAF_PIECE_DISCONT)
    GST_BUFFER_FLAG_SET (header, GST_BUFFER_FLAG_DISCONT);
  gst_buffer_list_add (list, header);
  add_samples (piece, header, list);
  return gst_pad_push_list (self->pad, list);
}
