/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What comes in: on the streaming threads of the inputs. */
#include "gstfailoverswitch-private.h"
#include "source/source-event.h"

#define GST_CAT_DEFAULT gst_failover_switch_debug

static gint64
to_running_time (const GstSegment *segment, GstClockTime time)
{
  guint64 running;
  gint sign = GST_CLOCK_TIME_IS_VALID (time)
      ? gst_segment_to_running_time_full (segment, GST_FORMAT_TIME, time,
            &running)
      : 0;

  if (sign == 0)
    return MILL_FAILOVER_NO_TIME;
  return sign > 0 ? (gint64) running : -(gint64) running;
}

/* FALSE: it has no time, and no place. */
static gboolean
describe (GstFailoverSwitchPad *pad, GstBuffer *buffer,
    MillFailoverFrame *ret_frame)
{
  gint64 pts = to_running_time (&pad->segment, GST_BUFFER_PTS (buffer));
  gint64 dts = to_running_time (&pad->segment, GST_BUFFER_DTS (buffer));
  gboolean is_video = pad->track < MILL_FAILOVER_AUDIO;

  if (pts == MILL_FAILOVER_NO_TIME)
    pts = dts;
  if (pts == MILL_FAILOVER_NO_TIME)
    return FALSE;
  *ret_frame = (MillFailoverFrame){
    .stamp = {
      .track = pad->track,
      .pts = pts,
      .dts = dts,
      .duration = GST_BUFFER_DURATION_IS_VALID (buffer)
          ? (gint64) GST_BUFFER_DURATION (buffer)
          : 0,
      .is_start = !is_video ||
          !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT),
      .is_video = is_video,
    },
    .buffer = buffer,
    .caps = pad->caps,
  };
  return TRUE;
}

/* An input with video is shown from a picture on, of its first track. */
static gboolean
is_anchor (const MillFailoverInput *input, const MillFailoverStamp *stamp)
{
  if (!stamp->is_start || stamp->track % MILL_FAILOVER_AUDIO != 0)
    return FALSE;
  if (stamp->is_video)
    return TRUE;
  for (guint i = 0; i < input->pads->len; i++) {
    const GstFailoverSwitchPad *pad = input->pads->pdata[i];
    if (pad->track < MILL_FAILOVER_AUDIO && !pad->ended)
      return FALSE;
  }
  return TRUE;
}

typedef enum
{
  VERDICT_KEEP, /* for later, it is not shown */
  VERDICT_SHOW,
  VERDICT_TAKE, /* its input takes over */
} Verdict;

static Verdict
weigh_locked (GstFailoverSwitch *self, MillFailoverInput *input,
    const MillFailoverFrame *frame, gboolean at_start)
{
  gint64 now_us = g_get_monotonic_time ();
  MillFailoverLimits limits;
  const MillFailoverArrival arrival = {
    .track = frame->stamp.track,
    .counts = frame->stamp.track == 0,
    .is_start = at_start,
    .media_ns = frame->stamp.dts != MILL_FAILOVER_NO_TIME ? frame->stamp.dts
                                                          : frame->stamp.pts,
  };

  input->ended = FALSE;
  gst_failover_switch_decide_get_limits_locked (self, &limits);
  mill_failover_health_hear (&input->health, &arrival, &limits, now_us);
  /* After a loss, nothing until a start. */
  if (!input->health.is_lost)
    mill_failover_gop_push (&input->gop, frame, at_start);
  MillFailoverDecision decision =
      gst_failover_switch_decide_run_locked (self, now_us);
  if (decision.target == (gint) input->index &&
      decision.target != self->active &&
      (decision.action == MILL_FAILOVER_AT_ONCE || at_start))
    return VERDICT_TAKE;
  return self->active == (gint) input->index && !input->health.is_lost
      ? VERDICT_SHOW
      : VERDICT_KEEP;
}

static GstFlowReturn
show (GstFailoverSwitch *self, GstFailoverSwitchPad *pad,
    const MillFailoverFrame *frame)
{
  GstFlowReturn flow = GST_FLOW_OK;

  g_mutex_lock (&self->push_lock);
  g_mutex_lock (&self->lock);
  gboolean is_active = pad->input && self->active == (gint) pad->input->index &&
      !self->ended;
  g_mutex_unlock (&self->lock);
  if (is_active) {
    flow = gst_failover_switch_decide_push (self, frame);
    self->pushed_us = g_get_monotonic_time ();
    mill_failover_output_settle (self->output, self->pushed_us);
  }
  g_mutex_unlock (&self->push_lock);
  return flow;
}

static GstFlowReturn
chain (GstPad *sink, GstObject *parent, GstBuffer *buffer)
{
  GstFailoverSwitch *self = GST_FAILOVER_SWITCH (parent);
  GstFailoverSwitchPad *pad = GST_FAILOVER_SWITCH_PAD (sink);
  g_autoptr (GstBuffer) owned = buffer;
  MillFailoverFrame frame;
  Verdict verdict = VERDICT_KEEP;
  GstFlowReturn flow = GST_FLOW_OK;
  gboolean at_start = FALSE;

  if (!pad->caps)
    return GST_FLOW_NOT_NEGOTIATED;
  g_mutex_lock (&self->lock);
  MillFailoverInput *input =
      gst_failover_switch_decide_attach_locked (self, pad);
  gboolean ended = self->ended;
  gboolean closed = !self->is_open;
  if (input && !ended && describe (pad, buffer, &frame)) {
    at_start = is_anchor (input, &frame.stamp);
    verdict = weigh_locked (self, input, &frame, at_start);
  }
  g_mutex_unlock (&self->lock);
  /* A pad that was requested while the switch closed is active all the same. */
  if (closed)
    return GST_FLOW_FLUSHING;
  if (ended)
    return GST_FLOW_EOS;
  if (verdict == VERDICT_TAKE)
    flow = gst_failover_switch_decide_take (self, pad, at_start);
  else if (verdict == VERDICT_SHOW)
    flow = show (self, pad, &frame);
  return flow;
}

/* ---- events ---- */

static guint
get_millifps (const GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  gint n;
  gint d;

  if (!gst_structure_get_fraction (structure, "framerate", &n, &d) || n <= 0 ||
      d <= 0)
    return 0;
  return (guint) gst_util_uint64_scale_int (1000, n, d);
}

static void
take_caps (GstFailoverSwitch *self, GstFailoverSwitchPad *pad, GstEvent *event)
{
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  gst_caps_replace (&pad->caps, caps);
  g_mutex_lock (&self->lock);
  MillFailoverInput *input =
      gst_failover_switch_decide_attach_locked (self, pad);
  if (input && pad->track == 0)
    mill_failover_health_declare (&input->health, get_millifps (caps));
  gboolean is_one_too_many = !input && self->is_open;
  g_mutex_unlock (&self->lock);
  if (is_one_too_many)
    GST_ELEMENT_WARNING (self, STREAM, FORMAT,
        ("Pad '%s' is one too many: got more than %d inputs, or %d tracks of "
         "one.",
            GST_PAD_NAME (pad), MILL_FAILOVER_MAX_INPUTS, MILL_FAILOVER_AUDIO),
        (NULL));
}

/* What it sent before it went is not where it begins when it is back. */
static void
lose_locked (MillFailoverInput *input)
{
  mill_failover_health_lose (&input->health);
  mill_failover_gop_reset (&input->gop);
}

/* What is the end of a whole input when its last track has one. */
static void
take_eos (GstFailoverSwitch *self, GstFailoverSwitchPad *pad)
{
  g_mutex_lock (&self->lock);
  MillFailoverInput *input =
      gst_failover_switch_decide_attach_locked (self, pad);
  gboolean ends = FALSE;
  pad->ended = TRUE;
  if (input) {
    mill_failover_health_end_track (&input->health, pad->track);
    input->ended = TRUE;
    for (guint i = 0; i < input->pads->len; i++)
      input->ended &= ((GstFailoverSwitchPad *) input->pads->pdata[i])->ended;
    /* Without its picture it is not what it was, if another one has that. */
    if (input->ended || pad->track == 0)
      lose_locked (input);
    ends = gst_failover_switch_decide_run_locked (self, g_get_monotonic_time ())
               .action == MILL_FAILOVER_END;
  }
  g_mutex_unlock (&self->lock);
  if (!ends)
    return;
  g_mutex_lock (&self->push_lock);
  gboolean has_pads = gst_failover_switch_decide_end_pushing (self);
  g_mutex_unlock (&self->push_lock);
  if (!has_pads)
    gst_failover_switch_decide_tell_empty (self);
}

static void
take_loss (GstFailoverSwitch *self, GstFailoverSwitchPad *pad)
{
  g_mutex_lock (&self->lock);
  if (pad->input)
    lose_locked (pad->input);
  g_mutex_unlock (&self->lock);
}

/* Nothing is to come on this track for a while: that is no silence. */
static void
take_gap (GstFailoverSwitch *self, GstFailoverSwitchPad *pad)
{
  const MillFailoverArrival arrival = { .track = pad->track };
  MillFailoverLimits limits;

  g_mutex_lock (&self->lock);
  if (pad->input) {
    gst_failover_switch_decide_get_limits_locked (self, &limits);
    mill_failover_health_hear (&pad->input->health, &arrival, &limits,
        g_get_monotonic_time ());
  }
  g_mutex_unlock (&self->lock);
}

/* Of the input that is shown only. */
static gboolean
pass_on (GstFailoverSwitch *self, GstFailoverSwitchPad *pad, GstEvent *event)
{
  gboolean ok = TRUE;

  g_mutex_lock (&self->push_lock);
  g_mutex_lock (&self->lock);
  gboolean is_active = pad->input && self->active == (gint) pad->input->index &&
      !self->ended;
  g_mutex_unlock (&self->lock);
  if (is_active)
    ok = mill_failover_output_push_event (self->output, pad->track,
        gst_event_ref (event));
  g_mutex_unlock (&self->push_lock);
  return ok;
}

static gboolean
on_event (GstPad *sink, GstObject *parent, GstEvent *event)
{
  GstFailoverSwitch *self = GST_FAILOVER_SWITCH (parent);
  GstFailoverSwitchPad *pad = GST_FAILOVER_SWITCH_PAD (sink);
  gboolean ok = TRUE;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
      g_mutex_lock (&self->lock);
      pad->ended = FALSE;
      g_mutex_unlock (&self->lock);
      break;
    case GST_EVENT_CAPS:
      take_caps (self, pad, event);
      break;
    case GST_EVENT_SEGMENT:
      gst_event_copy_segment (event, &pad->segment);
      ok = pad->segment.format == GST_FORMAT_TIME;
      break;
    case GST_EVENT_EOS:
      take_eos (self, pad);
      break;
    case GST_EVENT_GAP:
      take_gap (self, pad);
      break;
    /* An input begins anew; what is shown of the others goes on. */
    case GST_EVENT_FLUSH_START:
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_segment_init (&pad->segment, GST_FORMAT_TIME);
      take_loss (self, pad);
      break;
    case GST_EVENT_CUSTOM_DOWNSTREAM_OOB:
      if (mill_source_event_is_lost (event))
        take_loss (self, pad);
      break;
    default:
      ok = pass_on (self, pad, event);
      break;
  }
  gst_event_unref (event);
  return ok;
}

/* A viewer's wish for a keyframe and the like goes to who is shown. */
static GstPad *
find_active_pad (GstFailoverSwitch *self, guint track)
{
  GstPad *found = NULL;

  g_mutex_lock (&self->lock);
  if (self->active >= 0) {
    const MillFailoverInput *input = self->inputs->pdata[self->active];
    for (guint i = 0; i < input->pads->len && !found; i++) {
      GstFailoverSwitchPad *pad = input->pads->pdata[i];
      if (pad->track == track)
        found = gst_object_ref (GST_PAD (pad));
    }
  }
  g_mutex_unlock (&self->lock);
  return found;
}

static gboolean
on_upstream_event (GstPad *src, GstObject *parent, GstEvent *event)
{
  g_autoptr (GstPad) pad = find_active_pad (GST_FAILOVER_SWITCH (parent),
      mill_failover_output_find_track (src));

  if (pad)
    return gst_pad_push_event (pad, event);
  gst_event_unref (event);
  return TRUE;
}

void
gst_failover_switch_flow_setup_sink (GstPad *pad)
{
  gst_pad_set_chain_function (pad, chain);
  gst_pad_set_event_function (pad, on_event);
}

void
gst_failover_switch_flow_setup_src (GstPad *pad)
{
  gst_pad_set_event_function (pad, on_upstream_event);
}
