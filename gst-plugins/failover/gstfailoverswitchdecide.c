/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Which input is shown, and the change from one to another. */
#include "gstfailoverswitch-private.h"

#define GST_CAT_DEFAULT gst_failover_switch_debug

/* Where pictures refer to later ones, those that were to come between are
 * missing: a few frames. */
#define UNSEEN_GAP_NS (100 * (gint64) GST_MSECOND)

/* How far the stream may be behind real time before an input is no longer shown
 * from its past on: then its next keyframe is waited for, which takes some of
 * that back. */
#define MAX_LEAD_NS (10 * (gint64) GST_SECOND)

/* ---- inputs ---- */

void
gst_failover_switch_decide_free_input (MillFailoverInput *input)
{
  mill_failover_gop_clear (&input->gop);
  g_ptr_array_unref (input->pads);
  g_free (input);
}

static MillFailoverInput *
find_input (GstFailoverSwitch *self, guint priority)
{
  for (guint i = 0; i < self->inputs->len; i++) {
    MillFailoverInput *input = self->inputs->pdata[i];
    if (input->priority == priority)
      return input;
  }
  return NULL;
}

/* The pads of an input count by kind, as its source's do. */
static guint
choose_track (const MillFailoverInput *input, GstFailoverSwitchPad *pad)
{
  gboolean is_audio = g_str_has_prefix (
      GST_PAD_TEMPLATE_NAME_TEMPLATE (GST_PAD_PAD_TEMPLATE (pad)),
      "sink_audio");
  guint track = is_audio ? MILL_FAILOVER_AUDIO : 0;

  for (guint i = 0; i < input->pads->len; i++) {
    const GstFailoverSwitchPad *other = input->pads->pdata[i];
    if ((other->track >= MILL_FAILOVER_AUDIO) == is_audio)
      track = MAX (track, other->track + 1);
  }
  return track;
}

MillFailoverInput *
gst_failover_switch_decide_attach_locked (GstFailoverSwitch *self,
    GstFailoverSwitchPad *pad)
{
  guint priority = (guint) g_atomic_int_get (&pad->priority);

  if (pad->input || !self->is_open)
    return pad->input;
  MillFailoverInput *input = find_input (self, priority);
  if (!input) {
    if (self->inputs->len == MILL_FAILOVER_MAX_INPUTS)
      return NULL;
    input = g_new0 (MillFailoverInput, 1);
    input->index = self->inputs->len;
    input->priority = priority;
    input->pads = g_ptr_array_new ();
    mill_failover_health_init (&input->health);
    mill_failover_gop_init (&input->gop);
    g_ptr_array_add (self->inputs, input);
  }
  guint track = choose_track (input, pad);
  if (track % MILL_FAILOVER_AUDIO == 0 && track != 0 &&
      track != MILL_FAILOVER_AUDIO)
    return NULL;
  pad->track = track;
  pad->input = input;
  input->ended = FALSE;
  g_ptr_array_add (input->pads, pad);
  return input;
}

void
gst_failover_switch_decide_detach_locked (GstFailoverSwitch *self,
    GstFailoverSwitchPad *pad)
{
  MillFailoverInput *input = pad->input;

  if (!input)
    return;
  g_ptr_array_remove (input->pads, pad);
  pad->input = NULL;
  mill_failover_health_end_track (&input->health, pad->track);
  if (input->pads->len > 0)
    return;
  mill_failover_health_lose (&input->health);
  mill_failover_gop_reset (&input->gop);
  input->ended = TRUE;
}

/* ---- deciding ---- */

gint
gst_failover_switch_decide_get_priority_locked (GstFailoverSwitch *self,
    gint index)
{
  if (index < 0)
    return index;
  const MillFailoverInput *input = self->inputs->pdata[index];
  return (gint) input->priority;
}

void
gst_failover_switch_decide_get_limits_locked (GstFailoverSwitch *self,
    MillFailoverLimits *ret_limits)
{
  *ret_limits = (MillFailoverLimits){
    .stall_timeout_us = self->settings.stall_timeout_ms *
        G_TIME_SPAN_MILLISECOND,
    .window_us = self->settings.framerate_window_ms * G_TIME_SPAN_MILLISECOND,
    .min_framerate_percent = self->settings.min_framerate_percent,
  };
}

static void
view_inputs_locked (GstFailoverSwitch *self, MillFailoverView *views,
    gint64 now_us)
{
  MillFailoverLimits limits;

  gst_failover_switch_decide_get_limits_locked (self, &limits);
  for (guint i = 0; i < self->inputs->len; i++) {
    MillFailoverInput *input = self->inputs->pdata[i];
    MillFailoverHealthState before = input->health.state;
    MillFailoverHealthState state =
        mill_failover_health_update (&input->health, &limits, now_us);
    if (state != before)
      GST_INFO_OBJECT (self, "input %u is %s", input->priority,
          mill_failover_health_state_to_string (state));
    views[i] = (MillFailoverView){
      .priority = input->priority,
      .state = state,
      .healthy_since_us = input->health.healthy_since_us,
      .has_history = input->gop.has_start && self->lead < MAX_LEAD_NS,
      .ended = input->ended,
    };
  }
}

MillFailoverDecision
gst_failover_switch_decide_run_locked (GstFailoverSwitch *self, gint64 now_us)
{
  MillFailoverView views[MILL_FAILOVER_MAX_INPUTS];

  if (self->ended)
    return (MillFailoverDecision){ .target = MILL_FAILOVER_NOTHING };
  view_inputs_locked (self, views, now_us);
  const MillFailoverSituation situation = {
    .inputs = views,
    .n_inputs = self->inputs->len,
    .active = self->active,
    .wanted = self->wanted,
    .wanted_since_us = self->wanted_since_us,
    .dead_since_us = self->dead_since_us,
    .recovery_us = self->settings.recovery_ms * G_TIME_SPAN_MILLISECOND,
    .end_timeout_us = self->settings.slate_timeout_ms * G_TIME_SPAN_MILLISECOND,
    .slate_ready = self->slate != NULL,
    .slate_at_start = self->settings.slate_at_start,
    .end_wanted = self->end_wanted,
  };
  MillFailoverDecision decision =
      mill_failover_policy_decide (&situation, now_us);
  if (!decision.dead)
    self->dead_since_us = 0;
  else if (self->dead_since_us == 0)
    self->dead_since_us = now_us;
  return decision;
}

/* ---- carrying it out ---- */

/* A track that is shown already gets other caps. */
static gboolean
do_caps_differ (GstFailoverSwitch *self, const GArray *frames)
{
  for (guint i = 0; i < frames->len; i++) {
    const MillFailoverFrame *frame =
        &g_array_index (frames, MillFailoverFrame, i);
    GstCaps *caps =
        mill_failover_output_get_caps (self->output, frame->stamp.track);
    if (!caps || !gst_caps_is_equal (caps, frame->caps))
      return TRUE;
  }
  return FALSE;
}

/* Two encoders that are set alike are one stream to a decoder, which begins
 * again at the keyframe: nothing has to be told to anybody, unless a viewer
 * would see or hear the gap. */
gint64
gst_failover_switch_decide_join (GstFailoverSwitch *self,
    const MillFailoverStamp *first, const GArray *frames)
{
  gint64 gap = mill_failover_timeline_switch (&self->timeline, first);

  self->is_break = gap > UNSEEN_GAP_NS || do_caps_differ (self, frames);
  return gap;
}

GstFlowReturn
gst_failover_switch_decide_push (GstFailoverSwitch *self,
    const MillFailoverFrame *frame)
{
  MillFailoverFrame moved = *frame;

  if (!mill_failover_timeline_stamp (&self->timeline, &moved.stamp))
    return GST_FLOW_OK;
  moved.stamp.is_discont &= self->is_break;
  return mill_failover_output_push (self->output, &moved);
}

void
gst_failover_switch_decide_tell (GstFailoverSwitch *self, gint from, gint to,
    MillFailoverReason reason, gint64 gap)
{
  const gchar *text = mill_failover_policy_reason_to_string (reason);

  GST_INFO_OBJECT (self, "from %d to %d: %s, gap of %" GST_STIME_FORMAT, from,
      to, text, GST_STIME_ARGS (gap));
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("failover-switch", "from", G_TYPE_INT, from, "to",
              G_TYPE_INT, to, "reason", G_TYPE_STRING, text, "gap",
              G_TYPE_UINT64, (guint64) MAX (gap, 0), NULL)));
}

/* Caps and tags of the tracks that are there, before any of their frames. */
static void
prepare_tracks (GstFailoverSwitch *self, GPtrArray *pads, const GArray *frames)
{
  for (guint i = 0; i < frames->len; i++) {
    const MillFailoverFrame *frame =
        &g_array_index (frames, MillFailoverFrame, i);
    g_autoptr (GstEvent) tags = NULL;
    for (guint j = 0; j < pads->len; j++) {
      GstFailoverSwitchPad *pad = pads->pdata[j];
      if (pad->track == frame->stamp.track)
        tags = gst_pad_get_sticky_event (GST_PAD (pad), GST_EVENT_TAG, 0);
    }
    if (frame->stamp.is_start)
      mill_failover_output_prepare (self->output, frame->stamp.track,
          frame->caps, tags);
  }
}

/* Returns: what became of the worst of them */
static GstFlowReturn
push_all (GstFailoverSwitch *self, const GArray *frames)
{
  GstFlowReturn worst = GST_FLOW_OK;

  for (guint i = 0; i < frames->len; i++) {
    GstFlowReturn flow = gst_failover_switch_decide_push (self,
        &g_array_index (frames, MillFailoverFrame, i));
    /* Another pad may still be linked. */
    if (flow != GST_FLOW_OK && flow != GST_FLOW_NOT_LINKED)
      return flow;
    worst = MIN (worst, flow);
  }
  return worst;
}

static GPtrArray *
ref_pads (const MillFailoverInput *input)
{
  GPtrArray *pads = g_ptr_array_new_with_free_func (gst_object_unref);

  for (guint i = 0; i < input->pads->len; i++)
    g_ptr_array_add (pads, gst_object_ref (input->pads->pdata[i]));
  return pads;
}

/* Under both locks: @input is the one from now on. */
static void
commit_locked (GstFailoverSwitch *self, gint to, MillFailoverReason reason)
{
  self->active = to;
  self->dead_since_us = 0;
  self->n_switches++;
  self->last_reason = reason;
}

/* push_lock. */
static GstFlowReturn
begin_showing (GstFailoverSwitch *self, const MillFailoverFrame *start,
    GPtrArray *pads, const GArray *frames, gint64 *ret_gap)
{
  g_clear_pointer (&self->shown, mill_failover_slate_unref);
  *ret_gap = gst_failover_switch_decide_join (self, &start->stamp, frames);
  prepare_tracks (self, pads, frames);
  GstFlowReturn flow = push_all (self, frames);
  self->pushed_us = g_get_monotonic_time ();
  mill_failover_output_settle (self->output, self->pushed_us);
  g_mutex_lock (&self->lock);
  self->last_gap = *ret_gap;
  self->lead = self->timeline.offset;
  g_mutex_unlock (&self->lock);
  return flow;
}

GstFlowReturn
gst_failover_switch_decide_take (GstFailoverSwitch *self,
    GstFailoverSwitchPad *pad, gboolean at_start)
{
  g_autoptr (GArray) frames = NULL;
  g_autoptr (GPtrArray) pads = NULL;
  const MillFailoverFrame *start = NULL;
  MillFailoverDecision decision = { 0 };
  GstFlowReturn flow = GST_FLOW_FLUSHING;
  gint64 gap = 0;
  gint from = 0;
  gint to = 0;

  g_mutex_lock (&self->push_lock);
  g_mutex_lock (&self->lock);
  const MillFailoverInput *input = pad->input;
  if (input) {
    flow = GST_FLOW_OK;
    decision =
        gst_failover_switch_decide_run_locked (self, g_get_monotonic_time ());
    from = gst_failover_switch_decide_get_priority_locked (self, self->active);
    to = (gint) input->priority;
    frames = mill_failover_gop_dup_frames (&input->gop);
    start = mill_failover_gop_find_start (frames);
  }
  gboolean takes = start && decision.target == (gint) input->index &&
      (decision.action == MILL_FAILOVER_AT_ONCE ||
          (decision.action == MILL_FAILOVER_AT_START && at_start));
  if (takes) {
    pads = ref_pads (input);
    commit_locked (self, (gint) input->index, decision.reason);
  }
  g_mutex_unlock (&self->lock);
  if (takes)
    flow = begin_showing (self, start, pads, frames, &gap);
  g_mutex_unlock (&self->push_lock);
  if (takes)
    gst_failover_switch_decide_tell (self, from, to, decision.reason, gap);
  return flow;
}

gboolean
gst_failover_switch_decide_end_pushing (GstFailoverSwitch *self)
{
  gboolean has_pads = TRUE;

  g_mutex_lock (&self->lock);
  gboolean ends = self->is_open &&
      gst_failover_switch_decide_run_locked (self, g_get_monotonic_time ())
              .action == MILL_FAILOVER_END;
  self->ended |= ends;
  g_mutex_unlock (&self->lock);
  if (ends) {
    GST_INFO_OBJECT (self, "nothing is left to be shown, ending the stream");
    g_clear_pointer (&self->shown, mill_failover_slate_unref);
    has_pads = mill_failover_output_end (self->output);
  }
  return has_pads;
}

void
gst_failover_switch_decide_tell_empty (GstFailoverSwitch *self)
{
  GST_ELEMENT_ERROR (self, STREAM, FAILED,
      ("No input came before the end, there is nothing to finish."), (NULL));
}
