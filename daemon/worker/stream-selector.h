/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "graph.h"

G_BEGIN_DECLS

/** A node that shows one of several inputs (failoverswitch), seen from one of
 * them. Threads: main loop. */
typedef struct
{
  GstElement *element; /* strong; nullable: there is none behind the input */
  guint priority; /* of the input */
  gboolean has_others; /* inputs that no publisher has to come for */
} MillStreamSelector;

/* @node: an input's */
void mill_stream_selector_find (MillStreamSelector *selector, MillGraph *graph,
    const gchar *node);
void mill_stream_selector_clear (MillStreamSelector *selector);

/* Whether the input is what viewers see. */
gboolean mill_stream_selector_shows (const MillStreamSelector *selector);

G_END_DECLS
