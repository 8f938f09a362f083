/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "link-message.h"

G_BEGIN_DECLS

/*
 * A GstBuffer on the link: times, flags, offsets, closed captions, time code
 * and reference timestamps. Payload of MILL_LINK_INLINE_LIMIT bytes and more is
 * in a sealed memfd, which the receiver maps.
 */

/**
 * mill_link_buffer_write_head:
 *
 * Returns: (transfer full) (nullable): the message without its payload, which
 *   follows the head when mill_link_buffer_is_inline() says so
 * Errors: MILL_LINK_ERROR_LIMIT
 */
GBytes *mill_link_buffer_write_head (GstBuffer *buffer, guint16 pad,
    GError **error);

gboolean mill_link_buffer_is_inline (GstBuffer *buffer);

/* A sealed memfd with the payload.
 * Returns: -1 on failure. Errors: MILL_LINK_ERROR_SYSTEM, code of errno in
 * *ret_errno */
gint mill_link_buffer_make_memfd (const guint8 *data, gsize size,
    GError **error);

/* Returns: (transfer full) (nullable): its payload is a copy of the inline
 * bytes, or a read-only mapping of the message's descriptor
 * Errors: MILL_LINK_ERROR_PROTOCOL, _LIMIT, _SYSTEM */
GstBuffer *mill_link_buffer_read (const MillLinkMessage *message,
    GError **error);

G_END_DECLS
