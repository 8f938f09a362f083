/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "failover-output.h"

/* How long one kind of media is alone before the other is not expected. */
#define SETTLE_US G_USEC_PER_SEC

/* Running time 0 in time stamps: what is decoded before it is shown may have to
 * be decoded before that. */
#define SEGMENT_START (60 * GST_SECOND)

typedef struct
{
  GstPad *pad; /* nullable; owned by the element */
  GstCaps *caps; /* nullable: as told */
} Track;

struct _MillFailoverOutput
{
  GstElement *element;
  void (*setup) (GstPad *pad);
  Track tracks[MILL_FAILOVER_MAX_TRACKS];
  guint group_id;
  gint64 first_us; /* of the first pad */
  gboolean no_more_pads;
};

static GQuark
get_track_quark (void)
{
  return g_quark_from_static_string ("mill-failover-track");
}

MillFailoverOutput *
mill_failover_output_new (GstElement *element, void (*setup) (GstPad *pad))
{
  MillFailoverOutput *self = g_new0 (MillFailoverOutput, 1);

  self->element = element;
  self->setup = setup;
  self->group_id = gst_util_group_id_next ();
  return self;
}

void
mill_failover_output_free (MillFailoverOutput *self)
{
  for (guint i = 0; i < MILL_FAILOVER_MAX_TRACKS; i++)
    gst_clear_caps (&self->tracks[i].caps);
  g_free (self);
}

/* ---- pads ---- */

static void
push_start (MillFailoverOutput *self, Track *track, GstCaps *caps)
{
  g_autofree gchar *id = g_strdup_printf ("%s/%s",
      GST_OBJECT_NAME (self->element), GST_PAD_NAME (track->pad));
  GstEvent *start = gst_event_new_stream_start (id);
  GstSegment segment;

  gst_event_set_group_id (start, self->group_id);
  gst_pad_push_event (track->pad, start);
  gst_pad_push_event (track->pad, gst_event_new_caps (caps));
  /* Time stamps are running times, over all inputs. */
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = SEGMENT_START;
  gst_pad_push_event (track->pad, gst_event_new_segment (&segment));
}

static void
add_pad (MillFailoverOutput *self, guint index, GstCaps *caps, GstEvent *tags)
{
  Track *track = &self->tracks[index];
  gboolean is_audio = index >= MILL_FAILOVER_AUDIO;
  g_autofree gchar *name = g_strdup_printf ("%s_%u",
      is_audio ? "audio" : "video", index % MILL_FAILOVER_AUDIO);
  GstPadTemplate *template = gst_element_get_pad_template (self->element,
      is_audio ? "audio_%u" : "video_%u");

  track->pad = gst_pad_new_from_template (template, name);
  g_object_set_qdata (G_OBJECT (track->pad), get_track_quark (),
      GUINT_TO_POINTER (index + 1));
  gst_pad_use_fixed_caps (track->pad);
  self->setup (track->pad);
  gst_pad_set_active (track->pad, TRUE);
  push_start (self, track, caps);
  if (tags)
    gst_pad_push_event (track->pad, gst_event_ref (tags));
  if (self->first_us == 0)
    self->first_us = g_get_monotonic_time ();
  gst_element_add_pad (self->element, track->pad);
}

guint
mill_failover_output_find_track (GstPad *pad)
{
  guint mark = GPOINTER_TO_UINT (g_object_get_qdata (G_OBJECT (pad),
      get_track_quark ()));

  return mark > 0 ? mark - 1 : MILL_FAILOVER_MAX_TRACKS;
}

void
mill_failover_output_prepare (MillFailoverOutput *self, guint index,
    GstCaps *caps, GstEvent *tags)
{
  Track *track = &self->tracks[index];

  if (track->caps && gst_caps_is_equal (track->caps, caps))
    return;
  gst_caps_replace (&track->caps, caps);
  if (!track->pad) {
    add_pad (self, index, caps, tags);
    return;
  }
  gst_pad_push_event (track->pad, gst_event_new_caps (caps));
  if (tags)
    gst_pad_push_event (track->pad, gst_event_ref (tags));
}

void
mill_failover_output_settle (MillFailoverOutput *self, gint64 now_us)
{
  gboolean has_both = self->tracks[0].pad &&
      self->tracks[MILL_FAILOVER_AUDIO].pad;

  if (self->no_more_pads || self->first_us == 0 ||
      (!has_both && now_us - self->first_us < SETTLE_US))
    return;
  self->no_more_pads = TRUE;
  gst_element_no_more_pads (self->element);
}

gboolean
mill_failover_output_is_settled (const MillFailoverOutput *self)
{
  return self->no_more_pads;
}

GstCaps *
mill_failover_output_get_caps (const MillFailoverOutput *self, guint track)
{
  return self->tracks[track].caps;
}

void
mill_failover_output_reset (MillFailoverOutput *self)
{
  for (guint i = 0; i < MILL_FAILOVER_MAX_TRACKS; i++) {
    Track *track = &self->tracks[i];
    gst_clear_caps (&track->caps);
    if (!track->pad)
      continue;
    gst_pad_set_active (track->pad, FALSE);
    gst_element_remove_pad (self->element, track->pad);
    track->pad = NULL;
  }
  self->first_us = 0;
  self->no_more_pads = FALSE;
}

/* ---- media ---- */

static GstClockTime
to_time_stamp (gint64 running_time)
{
  if (running_time == MILL_FAILOVER_NO_TIME)
    return GST_CLOCK_TIME_NONE;
  return (GstClockTime) MAX (running_time + (gint64) SEGMENT_START, 0);
}

GstFlowReturn
mill_failover_output_push (MillFailoverOutput *self,
    const MillFailoverFrame *frame)
{
  const MillFailoverStamp *stamp = &frame->stamp;
  GstBuffer *buffer = gst_buffer_copy (frame->buffer);

  mill_failover_output_prepare (self, stamp->track, frame->caps, NULL);
  GST_BUFFER_PTS (buffer) = to_time_stamp (stamp->pts);
  GST_BUFFER_DTS (buffer) = to_time_stamp (stamp->dts);
  if (stamp->is_discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  return gst_pad_push (self->tracks[stamp->track].pad, buffer);
}

gboolean
mill_failover_output_push_event (MillFailoverOutput *self, guint track,
    GstEvent *event)
{
  if (self->tracks[track].pad)
    return gst_pad_push_event (self->tracks[track].pad, event);
  gst_event_unref (event);
  return TRUE;
}

gboolean
mill_failover_output_end (MillFailoverOutput *self)
{
  gboolean has_pads = FALSE;

  for (guint i = 0; i < MILL_FAILOVER_MAX_TRACKS; i++) {
    if (!self->tracks[i].pad)
      continue;
    has_pads = TRUE;
    gst_pad_push_event (self->tracks[i].pad, gst_event_new_eos ());
  }
  return has_pads;
}
