/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "failover-output.h"
#include "failover-policy.h"
#include "failover-slate.h"
#include "failover-ticker.h"
#include "gstfailoverswitchpad.h"

G_BEGIN_DECLS

/*
 * -flow: what comes in, on the inputs' threads. -decide: what is shown, and the
 * change from one to another. -slate: what is shown when nobody sends, on the
 * ticker's thread, which waits for no push. -stats: what it tells.
 *
 * A push happens under push_lock, so that what is shown keeps its order over a
 * change; an input that is not shown only takes `lock`, which is held over
 * nothing but copies. push_lock comes before `lock`.
 */

GST_DEBUG_CATEGORY_EXTERN (gst_failover_switch_debug);

#define GST_TYPE_FAILOVER_SWITCH (gst_failover_switch_get_type ())
G_DECLARE_FINAL_TYPE (GstFailoverSwitch, gst_failover_switch, GST,
    FAILOVER_SWITCH, GstElement)

#define MILL_FAILOVER_MAX_INPUTS 8

typedef struct _MillFailoverInput MillFailoverInput;

/* lock */
struct _MillFailoverInput
{
  guint index;
  guint priority;
  MillFailoverHealth health;
  MillFailoverGop gop;
  GPtrArray *pads; /* (element-type GstFailoverSwitchPad), not owned */
  gboolean ended; /* EOS on all of them */
};

typedef struct
{
  guint stall_timeout_ms;
  guint min_framerate_percent;
  guint framerate_window_ms;
  guint recovery_ms;
  guint slate_timeout_ms;
  gboolean slate_at_start;
  gchar *slate; /* nullable */
} MillFailoverSettings;

struct _GstFailoverSwitch
{
  GstElement parent;

  MillFailoverTicker *ticker; /* state changes */
  guint n_ticks; /* ticker's thread */
  guint next_number[2]; /* OBJECT_LOCK: of video and audio pads */
  gint playing; /* atomic */

  /* push_lock */
  GMutex push_lock;
  MillFailoverOutput *output;
  MillFailoverTimeline timeline;
  MillFailoverSlate *shown; /* (nullable): the slate that is on */
  MillFailoverLoop loop;
  gint64 shown_since_us;
  gint64 pushed_us; /* the last frame of an input */
  gboolean is_break; /* what is shown does not go on from what was */

  /* lock */
  GMutex lock;
  MillFailoverSettings settings;
  gboolean is_open; /* from READY on; not between a stop and a new start */
  GPtrArray *inputs; /* (element-type MillFailoverInput) */
  gint active; /* index, MILL_FAILOVER_SLATE or _NOTHING */
  gint wanted; /* index, or MILL_FAILOVER_NOTHING */
  gint64 wanted_since_us;
  gint64 dead_since_us;
  gboolean end_wanted;
  gboolean ended;
  MillFailoverSlate *slate; /* (nullable): to be shown */
  MillFailoverSlate *next_slate; /* (nullable): being prepared */
  gchar *slate_key; /* of next_slate, or of slate, or of what failed */
  gchar *slate_error; /* (nullable): why there is none; it was told */
  gint64 slate_retry_us; /* when it is tried again; 0: it has not failed */
  gint64 slate_wait_us; /* how long the next wait for that will be */

  /* lock; for the statistics */
  guint n_switches;
  MillFailoverReason last_reason;
  gint64 last_gap;
  gint64 lead;
  guint64 slate_frames;
};

/* ---- gstfailoverswitchdecide.c ---- */

/** Returns: (transfer none) (nullable): the input of @pad, made with its first
 * one; NULL: there are too many, or the switch is closed */
MillFailoverInput *gst_failover_switch_decide_attach_locked (GstFailoverSwitch
                                                                 *self,
    GstFailoverSwitchPad *pad);
void gst_failover_switch_decide_detach_locked (GstFailoverSwitch *self,
    GstFailoverSwitchPad *pad);

void gst_failover_switch_decide_get_limits_locked (GstFailoverSwitch *self,
    MillFailoverLimits *ret_limits);

/** Judges all inputs, and what is to be done now. */
MillFailoverDecision gst_failover_switch_decide_run_locked (GstFailoverSwitch
                                                                *self,
    gint64 now_us);

/** Shows the input of @pad from its start on, if that is still the thing to do.
 * On the pad's thread; takes both locks.
 * Returns: FLUSHING where the switch was closed meanwhile */
GstFlowReturn gst_failover_switch_decide_take (GstFailoverSwitch *self,
    GstFailoverSwitchPad *pad, gboolean at_start);

/** Ends the stream, if that is still the thing to do. Under push_lock.
 * Returns: FALSE: there was nothing to end */
gboolean gst_failover_switch_decide_end_pushing (GstFailoverSwitch *self);

/** Posts that error. Without locks. */
void gst_failover_switch_decide_tell_empty (GstFailoverSwitch *self);

/** What was shown has changed; message and log. Without locks. */
void gst_failover_switch_decide_tell (GstFailoverSwitch *self, gint from,
    gint to, MillFailoverReason reason, gint64 gap);

/** As the property `active` says it. */
gint gst_failover_switch_decide_get_priority_locked (GstFailoverSwitch *self,
    gint index);

/** push_lock: @frames, which begin at @first, are what is shown from now on.
 * Returns: how much of the timeline is empty before, ns */
gint64 gst_failover_switch_decide_join (GstFailoverSwitch *self,
    const MillFailoverStamp *first, const GArray *frames);

/** push_lock. */
GstFlowReturn gst_failover_switch_decide_push (GstFailoverSwitch *self,
    const MillFailoverFrame *frame);

void gst_failover_switch_decide_free_input (MillFailoverInput *input);

/* ---- gstfailoverswitchslate.c ---- */

/** Time has gone by: prepares the slate, begins it, goes on with it, ends it
 * all. Ticker's thread. */
void gst_failover_switch_slate_tick (gint64 now_us, gpointer element);
void gst_failover_switch_slate_reset (GstFailoverSwitch *self);

/** Posts a warning when the slate's file cannot be one: before anybody sends. */
void gst_failover_switch_slate_check (GstFailoverSwitch *self);

/** There is another slate to be shown. */
void gst_failover_switch_slate_forget_locked (GstFailoverSwitch *self);

/* ---- gstfailoverswitchflow.c ---- */

void gst_failover_switch_flow_setup_sink (GstPad *pad);
void gst_failover_switch_flow_setup_src (GstPad *pad);

/* ---- gstfailoverswitchstats.c ---- */

/** Returns: (transfer full) */
GstStructure *gst_failover_switch_stats_new (GstFailoverSwitch *self);

G_END_DECLS
