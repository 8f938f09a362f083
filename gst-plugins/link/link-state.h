/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/** Whether a consumer has its producer, as whoever runs the graph was told last:
 * one that waits looks like a source that is silent. One thread at a time. */
typedef struct
{
  gboolean is_live;
  gchar *reason; /* nullable: why it is not */
} MillLinkState;

/* Posts the element message "link-state" of @element when that is news.
 * @reason: (nullable): why nothing comes; NULL: media does */
void mill_link_state_tell (MillLinkState *state, GstElement *element,
    const gchar *reason);

/* Nothing was told. */
void mill_link_state_clear (MillLinkState *state);

G_END_DECLS
