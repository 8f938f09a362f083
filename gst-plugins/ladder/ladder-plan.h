/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "preset/ladder-preset.h"

G_BEGIN_DECLS

/*
 * What a ladder is to make, before its source is known: the preset as it was
 * read, the rungs, and the encoder that was found.
 *
 * Threads: made by the one that goes NULL->READY; constant from then on.
 */

typedef struct
{
  MillLadderPreset *preset; /* (owned) */
  GArray *rungs; /* (owned): of MillLadderRung */
  const gchar *encoder; /* factory */
  gboolean skip_top;
} MillLadderPlan;

/* Fills in what is not the caller's to say: all but skip_top.
 * @self: is to be cleared afterwards, on failure too
 * @preset: name of one that is shipped, or of a file
 * @rungs: GstValueArray of GstStructure; empty: the preset's
 * @encoder: factory, or "auto"
 * Errors: MILL_LADDER_ERROR; whatever can be refused without a source is */
gboolean mill_ladder_plan_load (MillLadderPlan *self, const gchar *preset,
    const GValue *rungs, const gchar *encoder, GError **error);
void mill_ladder_plan_clear (MillLadderPlan *self);

G_END_DECLS
