/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "link-message.h"

G_BEGIN_DECLS

/* The events that cross a link. A stream's group is not among what crosses: a
 * group id is a number of one process only. */

/**
 * mill_link_event_write:
 * @event: STREAM_START, CAPS, SEGMENT (time), TAG, GAP, EOS, FLUSH_STOP (which
 *   stands for both ends of a flush) or an upstream force-key-unit
 *
 * Returns: (transfer full) (nullable): the message
 * Errors: MILL_LINK_ERROR_PROTOCOL when such an event does not cross,
 *   MILL_LINK_ERROR_LIMIT when it is too large
 */
GBytes *mill_link_event_write (GstEvent *event, guint16 pad, GError **error);

/**
 * mill_link_event_read:
 *
 * Caps must be fixed, tags known to this process; others are left out. Of a tag
 * with several values the first crosses.
 * Returns: (transfer full) (nullable)
 * Errors: MILL_LINK_ERROR_PROTOCOL, MILL_LINK_ERROR_LIMIT
 */
GstEvent *mill_link_event_read (const MillLinkMessage *message, GError **error);

/* Caps from a peer's text: bounded, not nested deeply, fixed.
 * Returns: (transfer full) (nullable) */
GstCaps *mill_link_event_parse_caps (const guint8 *text, gsize size,
    GError **error);

G_END_DECLS
