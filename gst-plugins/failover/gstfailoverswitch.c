/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * SECTION:element-failoverswitch
 *
 * Shows the best of several inputs of one stream: another one when it is lost,
 * stalls or has too few pictures, and a slate when none is left. Encoded media,
 * changed at keyframes; time stamps go on over every change.
 *
 *     gst-launch-1.0 failoverswitch name=s ! cmafsink name=c location=out \
 *         rtmpserversrc location=rtmp://:1935/live/a ! s.sink_video_0 \
 *         rtmpserversrc location=rtmp://:1935/live/b ! s.sink_video_1 \
 *         s.sink_video_1::priority=1
 *
 * Pads of one property `priority` are one input, 0 is the first choice.
 *
 * States: sources and sinks may come and go at any time; nothing prerolls.
 *
 * Threads: those of the inputs push what is shown; when none does, the one
 * ticker of the process (failover-ticker.h). gstfailoverswitch-private.h tells
 * what is in which file, and the locks.
 */
#include "../common/gstpadnumbers.h"
#include "gstfailoverswitch-private.h"

GST_DEBUG_CATEGORY (gst_failover_switch_debug);
#define GST_CAT_DEFAULT gst_failover_switch_debug

#define DEFAULT_STALL_TIMEOUT_MS 700
#define DEFAULT_MIN_FRAMERATE_PERCENT 50
#define DEFAULT_FRAMERATE_WINDOW_MS 900
#define DEFAULT_RECOVERY_MS 5000
#define DEFAULT_SLATE_TIMEOUT_MS 300000

enum
{
  PROP_0,
  PROP_STALL_TIMEOUT_MS,
  PROP_MIN_FRAMERATE_PERCENT,
  PROP_FRAMERATE_WINDOW_MS,
  PROP_RECOVERY_MS,
  PROP_SLATE,
  PROP_SLATE_TIMEOUT_MS,
  PROP_SLATE_AT_START,
  PROP_ACTIVE,
  PROP_STATS,
  N_PROPERTIES,
};

enum
{
  SIGNAL_SWITCH,
  N_SIGNALS,
};

static GParamSpec *properties[N_PROPERTIES];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE_WITH_CODE (GstFailoverSwitch, gst_failover_switch,
    GST_TYPE_ELEMENT,
    G_IMPLEMENT_INTERFACE (GST_TYPE_CHILD_PROXY,
        gst_failover_switch_pad_init_child_proxy))
GST_ELEMENT_REGISTER_DECLARE (failoverswitch)
GST_ELEMENT_REGISTER_DEFINE (failoverswitch, "failoverswitch", GST_RANK_NONE,
    GST_TYPE_FAILOVER_SWITCH)

static GstStaticPadTemplate video_sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink_video_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (MILL_FAILOVER_VIDEO_CAPS));
static GstStaticPadTemplate audio_sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink_audio_%u", GST_PAD_SINK, GST_PAD_REQUEST,
        GST_STATIC_CAPS (MILL_FAILOVER_AUDIO_CAPS));
static GstStaticPadTemplate video_src_template =
    GST_STATIC_PAD_TEMPLATE ("video_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
        GST_STATIC_CAPS (MILL_FAILOVER_VIDEO_CAPS));
static GstStaticPadTemplate audio_src_template =
    GST_STATIC_PAD_TEMPLATE ("audio_%u", GST_PAD_SRC, GST_PAD_SOMETIMES,
        GST_STATIC_CAPS (MILL_FAILOVER_AUDIO_CAPS));

/* ---- pads ---- */

static gchar *
name_pad (GstFailoverSwitch *self, gboolean is_audio, const gchar *wanted)
{
  GST_OBJECT_LOCK (self);
  gchar *name = gst_pad_numbers_name (&self->next_number[is_audio],
      is_audio ? "sink_audio_" : "sink_video_", wanted);
  GST_OBJECT_UNLOCK (self);
  return name;
}

static GstPad *
gst_failover_switch_request_new_pad (GstElement *element,
    GstPadTemplate *template, const gchar *name, const GstCaps *caps)
{
  GstFailoverSwitch *self = GST_FAILOVER_SWITCH (element);
  gboolean is_audio =
      g_str_has_prefix (GST_PAD_TEMPLATE_NAME_TEMPLATE (template),
          "sink_audio");
  g_autofree gchar *given = name_pad (self, is_audio, name);
  GstPad *pad = g_object_new (GST_TYPE_FAILOVER_SWITCH_PAD, "name", given,
      "direction", GST_PAD_SINK, "template", template, NULL);
  gst_failover_switch_flow_setup_sink (pad);
  g_mutex_lock (&self->lock);
  gboolean is_open = self->is_open;
  g_mutex_unlock (&self->lock);
  /* In NULL the change of state will do that. In READY the demuxer that links
   * it may send at once: nothing says which of the two is in PAUSED first. */
  if (is_open)
    gst_pad_set_active (pad, TRUE);
  if (!gst_element_add_pad (element, pad))
    return NULL;
  gst_child_proxy_child_added (GST_CHILD_PROXY (self), G_OBJECT (pad),
      GST_PAD_NAME (pad));
  return pad;
}

static void
gst_failover_switch_release_pad (GstElement *element, GstPad *pad)
{
  GstFailoverSwitch *self = GST_FAILOVER_SWITCH (element);

  gst_pad_set_active (pad, FALSE);
  gst_child_proxy_child_removed (GST_CHILD_PROXY (self), G_OBJECT (pad),
      GST_PAD_NAME (pad));
  g_mutex_lock (&self->lock);
  gst_failover_switch_decide_detach_locked (self,
      GST_FAILOVER_SWITCH_PAD (pad));
  g_mutex_unlock (&self->lock);
  gst_element_remove_pad (element, pad);
}

/* ---- state changes ---- */

static void
open_switch (GstFailoverSwitch *self)
{
  self->output = mill_failover_output_new (GST_ELEMENT (self),
      gst_failover_switch_flow_setup_src);
  mill_failover_timeline_init (&self->timeline);
  g_mutex_lock (&self->lock);
  self->is_open = TRUE;
  g_mutex_unlock (&self->lock);
  self->ticker =
      mill_failover_ticker_add (gst_failover_switch_slate_tick, self);
}

static void
forget_inputs_locked (GstFailoverSwitch *self)
{
  for (guint i = 0; i < self->inputs->len; i++) {
    MillFailoverInput *input = self->inputs->pdata[i];
    for (guint j = 0; j < input->pads->len; j++)
      ((GstFailoverSwitchPad *) input->pads->pdata[j])->input = NULL;
  }
  g_ptr_array_set_size (self->inputs, 0);
  self->is_open = FALSE;
  self->active = MILL_FAILOVER_NOTHING;
  self->wanted = MILL_FAILOVER_NOTHING;
  self->dead_since_us = 0;
  self->end_wanted = FALSE;
  self->ended = FALSE;
  self->n_switches = 0;
  self->last_gap = 0;
  self->lead = 0;
}

/* The pads push no more by now, but one that was requested meanwhile. */
static void
close_switch (GstFailoverSwitch *self)
{
  mill_failover_ticker_remove (g_steal_pointer (&self->ticker));
  g_mutex_lock (&self->push_lock);
  g_mutex_lock (&self->lock);
  forget_inputs_locked (self);
  gst_failover_switch_slate_reset (self);
  g_mutex_unlock (&self->lock);
  mill_failover_output_reset (self->output);
  g_clear_pointer (&self->output, mill_failover_output_free);
  g_mutex_unlock (&self->push_lock);
}

static GstStateChangeReturn
gst_failover_switch_change_state (GstElement *element, GstStateChange change)
{
  GstFailoverSwitch *self = GST_FAILOVER_SWITCH (element);

  if (!self->output &&
      (change == GST_STATE_CHANGE_NULL_TO_READY ||
          change == GST_STATE_CHANGE_READY_TO_PAUSED)) {
    gst_failover_switch_slate_check (self);
    open_switch (self);
  }
  if (change == GST_STATE_CHANGE_PLAYING_TO_PAUSED)
    g_atomic_int_set (&self->playing, FALSE);
  GstStateChangeReturn ret =
      GST_ELEMENT_CLASS (gst_failover_switch_parent_class)
          ->change_state (element, change);
  if (self->output &&
      (change == GST_STATE_CHANGE_PAUSED_TO_READY ||
          change == GST_STATE_CHANGE_READY_TO_NULL))
    close_switch (self);
  if (change == GST_STATE_CHANGE_PAUSED_TO_PLAYING)
    g_atomic_int_set (&self->playing, TRUE);
  return ret;
}

/* What gst-launch-1.0 -e and applications send to end a recording: the sources
 * get it too, and nothing takes their place when they end. */
static gboolean
gst_failover_switch_send_event (GstElement *element, GstEvent *event)
{
  GstFailoverSwitch *self = GST_FAILOVER_SWITCH (element);

  if (GST_EVENT_TYPE (event) != GST_EVENT_EOS)
    return GST_ELEMENT_CLASS (gst_failover_switch_parent_class)
        ->send_event (element, event);
  gst_event_unref (event);
  g_mutex_lock (&self->lock);
  self->end_wanted = TRUE;
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* ---- the operator ---- */

/* Returns: (nullable) */
static MillFailoverInput *
find_healthy_locked (GstFailoverSwitch *self, guint priority)
{
  for (guint i = 0; i < self->inputs->len; i++) {
    MillFailoverInput *input = self->inputs->pdata[i];
    if (input->priority == priority)
      return input->health.state == MILL_FAILOVER_HEALTHY ? input : NULL;
  }
  return NULL;
}

static gboolean
gst_failover_switch_switch (GstFailoverSwitch *self, gint priority)
{
  g_mutex_lock (&self->lock);
  const MillFailoverInput *input =
      priority < 0 ? NULL : find_healthy_locked (self, (guint) priority);
  gboolean done = priority < 0 || input;
  if (done) {
    self->wanted = input ? (gint) input->index : MILL_FAILOVER_NOTHING;
    self->wanted_since_us = g_get_monotonic_time ();
  }
  g_mutex_unlock (&self->lock);
  return done;
}

/* ---- properties ---- */

static void
gst_failover_switch_set_property (GObject *object, guint id,
    const GValue *value, GParamSpec *pspec)
{
  GstFailoverSwitch *self = GST_FAILOVER_SWITCH (object);
  MillFailoverSettings *settings = &self->settings;

  g_mutex_lock (&self->lock);
  switch (id) {
    case PROP_STALL_TIMEOUT_MS:
      settings->stall_timeout_ms = g_value_get_uint (value);
      break;
    case PROP_MIN_FRAMERATE_PERCENT:
      settings->min_framerate_percent = g_value_get_uint (value);
      break;
    case PROP_FRAMERATE_WINDOW_MS:
      settings->framerate_window_ms = g_value_get_uint (value);
      break;
    case PROP_RECOVERY_MS:
      settings->recovery_ms = g_value_get_uint (value);
      break;
    case PROP_SLATE:
      g_free (settings->slate);
      settings->slate = g_value_dup_string (value);
      if (settings->slate && !*settings->slate)
        g_clear_pointer (&settings->slate, g_free);
      gst_failover_switch_slate_forget_locked (self);
      break;
    case PROP_SLATE_TIMEOUT_MS:
      settings->slate_timeout_ms = g_value_get_uint (value);
      break;
    case PROP_SLATE_AT_START:
      settings->slate_at_start = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  g_mutex_unlock (&self->lock);
}

static void
gst_failover_switch_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstFailoverSwitch *self = GST_FAILOVER_SWITCH (object);
  const MillFailoverSettings *settings = &self->settings;

  if (id == PROP_STATS) {
    g_value_take_boxed (value, gst_failover_switch_stats_new (self));
    return;
  }
  g_mutex_lock (&self->lock);
  switch (id) {
    case PROP_STALL_TIMEOUT_MS:
      g_value_set_uint (value, settings->stall_timeout_ms);
      break;
    case PROP_MIN_FRAMERATE_PERCENT:
      g_value_set_uint (value, settings->min_framerate_percent);
      break;
    case PROP_FRAMERATE_WINDOW_MS:
      g_value_set_uint (value, settings->framerate_window_ms);
      break;
    case PROP_RECOVERY_MS:
      g_value_set_uint (value, settings->recovery_ms);
      break;
    case PROP_SLATE:
      g_value_set_string (value, settings->slate);
      break;
    case PROP_SLATE_TIMEOUT_MS:
      g_value_set_uint (value, settings->slate_timeout_ms);
      break;
    case PROP_SLATE_AT_START:
      g_value_set_boolean (value, settings->slate_at_start);
      break;
    case PROP_ACTIVE:
      g_value_set_int (value,
          gst_failover_switch_decide_get_priority_locked (self, self->active));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
  }
  g_mutex_unlock (&self->lock);
}

/* ---- class ---- */

static void
gst_failover_switch_finalize (GObject *object)
{
  GstFailoverSwitch *self = GST_FAILOVER_SWITCH (object);

  g_ptr_array_unref (self->inputs);
  g_free (self->settings.slate);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->push_lock);
  G_OBJECT_CLASS (gst_failover_switch_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_PLAYING;
  const GParamFlags readable = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

  properties[PROP_STALL_TIMEOUT_MS] = g_param_spec_uint ("stall-timeout-ms",
      "Stall time-out",
      "Silence of a track after which its input counts as stalled, in ms", 1,
      G_MAXINT, DEFAULT_STALL_TIMEOUT_MS, flags);
  properties[PROP_MIN_FRAMERATE_PERCENT] = g_param_spec_uint (
      "min-framerate-percent", "Least frame rate",
      "Part of its frame rate below which an input counts as slow, in percent "
      "(0 = none does)",
      0, 100, DEFAULT_MIN_FRAMERATE_PERCENT, flags);
  properties[PROP_FRAMERATE_WINDOW_MS] =
      g_param_spec_uint ("framerate-window-ms", "Frame rate window",
          "Over how long pictures are counted, in ms", 100, 60000,
          DEFAULT_FRAMERATE_WINDOW_MS, flags);
  properties[PROP_RECOVERY_MS] = g_param_spec_uint ("recovery-ms", "Recovery",
      "How long a better input must be healthy before it is shown again, in ms "
      "(0 = its next keyframe will do)",
      0, G_MAXINT, DEFAULT_RECOVERY_MS, flags);
  properties[PROP_SLATE] = g_param_spec_string ("slate", "Slate",
      "PNG, JPEG or MP4 file (H.264, AAC) to be shown while no input sends",
      NULL, flags);
  properties[PROP_SLATE_TIMEOUT_MS] = g_param_spec_uint ("slate-timeout-ms",
      "Slate time-out",
      "How long no input may send before EOS, with a slate or without, in ms "
      "(0 = for ever)",
      0, G_MAXINT, DEFAULT_SLATE_TIMEOUT_MS, flags);
  properties[PROP_SLATE_AT_START] = g_param_spec_boolean ("slate-at-start",
      "Slate at start", "Whether the slate is shown before the first input",
      FALSE, flags);
  properties[PROP_ACTIVE] = g_param_spec_int ("active", "Active",
      "Priority of the input that is shown; -1 the slate, -2 nothing yet", -2,
      G_MAXINT, -2, readable);
  properties[PROP_STATS] = g_param_spec_boxed ("stats", "Statistics",
      "active, chosen (by an operator; -1: none), switches, last-reason, "
      "last-gap (ns), lead (ns), slate (none, preparing, ready, failed), "
      "slate-frames, inputs: array of priority, state (waiting, healthy, slow, "
      "stalled, lost), active, fps, kept-bytes, overflows",
      GST_TYPE_STRUCTURE, readable);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
}

static void
gst_failover_switch_class_init (GstFailoverSwitchClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_failover_switch_set_property;
  object_class->get_property = gst_failover_switch_get_property;
  object_class->finalize = gst_failover_switch_finalize;
  element_class->change_state = gst_failover_switch_change_state;
  element_class->send_event = gst_failover_switch_send_event;
  element_class->request_new_pad = gst_failover_switch_request_new_pad;
  element_class->release_pad = gst_failover_switch_release_pad;
  install_properties (object_class);

  /**
   * switch:
   * @priority: of the input to be shown; -1: as the element finds best
   *
   * Shows that input from its next keyframe on, and holds on to it as to the
   * first choice: when it fails the best of the others is shown until it has
   * been healthy for `recovery-ms`.
   * Returns: FALSE when there is no healthy input of that priority
   */
  signals[SIGNAL_SWITCH] = g_signal_new_class_handler ("switch",
      G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_CALLBACK (gst_failover_switch_switch), NULL, NULL, NULL, G_TYPE_BOOLEAN,
      1, G_TYPE_INT);

  gst_element_class_add_static_pad_template_with_gtype (element_class,
      &video_sink_template, GST_TYPE_FAILOVER_SWITCH_PAD);
  gst_element_class_add_static_pad_template_with_gtype (element_class,
      &audio_sink_template, GST_TYPE_FAILOVER_SWITCH_PAD);
  gst_element_class_add_static_pad_template (element_class,
      &video_src_template);
  gst_element_class_add_static_pad_template (element_class,
      &audio_src_template);
  gst_element_class_set_static_metadata (element_class, "Failover switch",
      "Generic", "Shows the best of several inputs of one stream, or a slate",
      "The millrace authors");
  gst_type_mark_as_plugin_api (GST_TYPE_FAILOVER_SWITCH_PAD, 0);
  GST_DEBUG_CATEGORY_INIT (gst_failover_switch_debug, "failoverswitch", 0,
      "failover switch");
}

static void
gst_failover_switch_init (GstFailoverSwitch *self)
{
  g_mutex_init (&self->push_lock);
  g_mutex_init (&self->lock);
  self->inputs = g_ptr_array_new_with_free_func ((GDestroyNotify)
          gst_failover_switch_decide_free_input);
  self->active = MILL_FAILOVER_NOTHING;
  self->wanted = MILL_FAILOVER_NOTHING;
  self->settings = (MillFailoverSettings){
    .stall_timeout_ms = DEFAULT_STALL_TIMEOUT_MS,
    .min_framerate_percent = DEFAULT_MIN_FRAMERATE_PERCENT,
    .framerate_window_ms = DEFAULT_FRAMERATE_WINDOW_MS,
    .recovery_ms = DEFAULT_RECOVERY_MS,
    .slate_timeout_ms = DEFAULT_SLATE_TIMEOUT_MS,
  };
  /* It has media of its own, the slate: EOS for all sources is for it too. */
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE);
}
