/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* Sends GStreamer's log (warnings and errors, more with GST_DEBUG) through
 * GLib's, so that a process has one log. Call after gst_init(). */
void mill_log_gstreamer_route (void);

G_END_DECLS
