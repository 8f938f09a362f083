/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * What a source that waits for its publisher tells whoever can do something
 * else meanwhile: the one it had is gone. Out of band: it overtakes what is
 * queued, and who does not know it lets it pass.
 */

/** @reason: for people. Returns: (transfer full) */
GstEvent *mill_source_event_new_lost (const gchar *reason);

gboolean mill_source_event_is_lost (GstEvent *event);

G_END_DECLS
