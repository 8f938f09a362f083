/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "link-state.h"

void
mill_link_state_tell (MillLinkState *state, GstElement *element,
    const gchar *reason)
{
  const gboolean is_live = reason == NULL;

  if (state->is_live == is_live && g_strcmp0 (state->reason, reason) == 0)
    return;
  state->is_live = is_live;
  g_free (state->reason);
  state->reason = g_strdup (reason);
  GstStructure *news = gst_structure_new ("link-state", "state", G_TYPE_STRING,
      is_live ? "live" : "waiting", "reason", G_TYPE_STRING,
      is_live ? "" : reason, NULL);
  gst_element_post_message (element,
      gst_message_new_element (GST_OBJECT (element), news));
}

void
mill_link_state_clear (MillLinkState *state)
{
  state->is_live = FALSE;
  g_clear_pointer (&state->reason, g_free);
}
