/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "failover-frame.h"

G_BEGIN_DECLS

/*
 * What an input has sent since its last start, so that it can be shown from
 * there at once. Bounded; frames are referenced, not copied. One thread at a
 * time.
 */

/* A longer GOP than this is not kept: what is shown from its start would be too
 * far behind. */
#define MILL_FAILOVER_GOP_MAX_NS (12 * G_GINT64_CONSTANT (1000000000))
#define MILL_FAILOVER_GOP_MAX_BYTES (24u << 20)

typedef struct
{
  GArray *frames; /* MillFailoverFrame */
  gsize bytes;
  gboolean has_start;
  guint overflows;
} MillFailoverGop;

void mill_failover_gop_init (MillFailoverGop *self);
void mill_failover_gop_clear (MillFailoverGop *self);

/** @is_anchor: the input is shown from here on: what is older goes, but for
 * what belongs beside it and came a little before. */
void mill_failover_gop_push (MillFailoverGop *self,
    const MillFailoverFrame *frame, gboolean is_anchor);

/** Forgets all. */
void mill_failover_gop_reset (MillFailoverGop *self);

/** Returns: (transfer full) (element-type MillFailoverFrame): what is there,
 * which stays there; clear it by g_array_unref() */
GArray *mill_failover_gop_dup_frames (const MillFailoverGop *self);

/** Returns: (nullable): the frame that it is shown from; valid until the next
 * call */
const MillFailoverFrame *mill_failover_gop_find_start (const GArray *frames);

G_END_DECLS
