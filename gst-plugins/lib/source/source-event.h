/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * What a source tells beside its media. That the publisher it had is gone, and it
 * waits for it: out of band, so it overtakes what is queued. That a break is
 * signalled. Who does not know them lets them pass.
 */

/** @reason: for people. Returns: (transfer full) */
GstEvent *mill_source_event_new_lost (const gchar *reason);

gboolean mill_source_event_is_lost (GstEvent *event);

/** A splice information section of SCTE 35 has come, in order with the media: it
 * is about what follows. Returns: (transfer full) */
GstEvent *mill_source_event_new_splice (GBytes *section);

/** Returns: (transfer full)(nullable): NULL when @event is another one */
GBytes *mill_source_event_get_splice (GstEvent *event);

G_END_DECLS
