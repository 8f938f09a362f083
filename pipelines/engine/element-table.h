/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "plan.h"

G_BEGIN_DECLS

/** What GStreamer's registry does not say about elements: the one place to
 * extend when an element turns out not to wait, or to cost much. */

/* Pushes from a thread that it shares with other streams. */
gboolean mill_element_table_is_pool_source (const gchar *factory);

/* Gives media at its own pace, whatever its properties. */
gboolean mill_element_table_is_live_source (const gchar *factory);

/* Neither its chain function nor its event handling waits for a clock, a
 * preroll, another pad, the network or a full queue, whatever its properties
 * but that of mill_element_table_get_waiting().
 * What it pushes to may. */
gboolean mill_element_table_never_waits (const gchar *factory);

/* The boolean property that, FALSE, lets an element that never waits do so.
 * Returns: (nullable) */
const gchar *mill_element_table_get_waiting (const gchar *factory);

/* Hands data over to a thread of its own. */
gboolean mill_element_table_is_queue (const gchar *factory);

/* The property that most mistakes are in of an element whose state READY reads
 * its settings and touches nothing else: no device, output or network.
 * Returns: (nullable) */
const gchar *mill_element_table_get_tried (const gchar *factory);

/* A property of such an element that READY does not look at: where things go is
 * often known at the start only. Returns: (nullable) */
const gchar *mill_element_table_get_unseen (const gchar *factory);

/* Part of millrace, whether or not this build has it. */
gboolean mill_element_table_is_ours (const gchar *factory);

/* Estimated cost in cores at 1080p30. */
gdouble mill_element_table_get_cores (const gchar *factory);

/* When a property may be changed on a running graph. */
MillChange mill_element_table_get_change (const gchar *factory,
    GParamSpec *pspec);

G_END_DECLS
