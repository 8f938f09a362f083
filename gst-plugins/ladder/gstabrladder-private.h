/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "gstabrladdersettings.h"
#include "ladder-keyframes.h"
#include "ladder-plan.h"

G_BEGIN_DECLS

/*
 * The element's inside, shared by the files that it is made of: gstabrladder
 * (class, states, errors), -sinkpads (what comes in), -chains (what is made of
 * it), -srcpads (what goes out) and -keyframes (of raw sources, and on demand).
 * Nothing else includes it: -settings and ladder-* do not know the element.
 *
 * Threads: each field and function says its own.
 */

#define GST_TYPE_ABR_LADDER (gst_abr_ladder_get_type ())
G_DECLARE_FINAL_TYPE (GstAbrLadder, gst_abr_ladder, GST, ABR_LADDER, GstBin)

GST_DEBUG_CATEGORY_EXTERN (gst_abr_ladder_debug);

typedef enum
{
  GST_ABR_LADDER_VIDEO,
  GST_ABR_LADDER_AUDIO,
  GST_ABR_LADDER_N_INPUTS,
} GstAbrLadderKind;

/** One sink: what is requested of it, and what was made for it. */
typedef struct
{
  GstPad *pad; /* object lock; owned by the element; NULL: not requested */
  GstCaps *caps; /* streaming thread: what its chain was made for */
  gboolean settled; /* object lock: its source pads are there, or never come */
  gulong probe_id; /* streaming thread: what is not passed on; 0: nothing */
  gboolean failed; /* streaming thread: told once, though caps come again */
} GstAbrLadderInput;

struct _GstAbrLadder
{
  GstBin parent;

  /* object lock */
  GstAbrLadderSettings settings;
  GstAbrLadderInput inputs[GST_ABR_LADDER_N_INPUTS];
  gboolean no_more_pads;

  MillLadderPlan plan; /* from NULL->READY to READY->NULL, constant between */

  /* from READY->PAUSED to PAUSED->READY */
  MillLadderKeyframes *keyframes;

  gint is_raw; /* atomic: keyframes are the ladder's own */
  gint keyframe_wanted; /* atomic: the next raw frame is to be one */
  guint64 keyframe_wanted_at; /* object lock: the first at this running time */
  GstClockTime keyframe_due; /* streaming thread of raw video; running time */
};

/** The one place where a GError becomes a message; any thread. */
void gst_abr_ladder_post_error (GstAbrLadder *self, const GError *error);

/* ---- gstabrladderkeyframes.c ---- */

/** Before any data, and when no thread is inside any more. */
void gst_abr_ladder_keyframes_start (GstAbrLadder *self);
void gst_abr_ladder_keyframes_stop (GstAbrLadder *self);

/** The source is raw: the ladder decides. Its streaming thread. */
void gst_abr_ladder_keyframes_set_raw (GstAbrLadder *self);

/** Decides on every frame that comes to @pad from a raw source. */
void gst_abr_ladder_keyframes_watch (GstAbrLadder *self, GstPad *pad);

/** Upstream wants one; any thread.
 * Returns: FALSE when the source is encoded: then it has made one itself */
gboolean gst_abr_ladder_keyframes_want_raw (GstAbrLadder *self);

/** Downstream wants one; any thread. @event: (transfer full)
 * Returns: whether one will come */
gboolean gst_abr_ladder_keyframes_request (GstAbrLadder *self, GstEvent *event);

/* ---- gstabrladdersrcpads.c ---- */

/** Templates, for class_init. */
void gst_abr_ladder_src_pads_install (GstElementClass *klass);

/** Adds the source pad of that kind and number, a ghost of @target; the
 * streaming thread that made the chain, as is that of settle. */
void gst_abr_ladder_src_pads_expose (GstAbrLadder *self, GstAbrLadderKind kind,
    guint index, GstPad *target);

/** The source pads of that sink are there, or never come. */
void gst_abr_ladder_src_pads_settle (GstAbrLadder *self, GstAbrLadderKind kind);

/** All of them; no thread is inside any more. */
void gst_abr_ladder_src_pads_remove (GstAbrLadder *self);

/* ---- gstabrladderchains.c ---- */

/** Makes what takes @caps, and joins it to the sink @pad; the pad's streaming
 * thread. What the decoder has to tell first is made when it does.
 * Errors: MILL_LADDER_ERROR */
gboolean gst_abr_ladder_chains_build (GstAbrLadder *self, GstAbrLadderKind kind,
    GstPad *pad, const GstCaps *caps, GError **error);

/** All of them; no thread is inside any more. */
void gst_abr_ladder_chains_remove (GstAbrLadder *self);

/* ---- gstabrladdersinkpads.c ---- */

/** Templates, request and release, for class_init. */
void gst_abr_ladder_sink_pads_install (GstElementClass *klass);

/** As before any caps; no thread is inside any more. */
void gst_abr_ladder_sink_pads_reset (GstAbrLadder *self);

G_END_DECLS
