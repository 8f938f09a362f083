/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * gst_upstream_send:
 * @element: a sink with several pads
 * @event: (transfer full): one that goes upstream, as send_event() gets it
 *
 * Sends it up all pads, where GstElement would look for a source pad, or take any
 * one. Not under the object lock.
 *
 * Returns: whether anybody took it; a latency is taken by whom it does not concern,
 * as GstBaseSink does: where nothing waits there is nothing to set
 */
gboolean gst_upstream_send (GstElement *element, GstEvent *event);

G_END_DECLS
