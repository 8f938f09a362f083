/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * The states of an element that holds something (a directory, a file) from
 * READY->PAUSED to PAUSED->READY and is never asynchronous.
 */

/**
 * GstStatesCalls:
 * @start: takes it, before any pad is active. Returns: FALSE when it cannot, which
 *   it has posted
 * @stop: gives it up, after all pads are inactive; also where @start went well and
 *   the rest of the change did not
 *
 * Threads: whoever changes the state
 */
typedef struct
{
  gboolean (*start) (GstElement *element);
  void (*stop) (GstElement *element);
} GstStatesCalls;

/**
 * gst_states_change:
 * @parent: class that the change is chained up to
 *
 * Returns: what change_state() is to return
 */
GstStateChangeReturn gst_states_change (GstElement *element,
    GstStateChange transition, GstElementClass *parent,
    const GstStatesCalls *calls);

G_END_DECLS
