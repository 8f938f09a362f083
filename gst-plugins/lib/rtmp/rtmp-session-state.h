/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-session-private.h"

G_BEGIN_DECLS

/* What mill_rtmp_session_save() and _load() do. */
GVariant *mill_rtmp_session_state_save (const MillRtmpSession *session,
    GError **error);

/* @session is new. Errors: MILL_RTMP_ERROR_PROTOCOL for whatever cannot be the
 * state of a session, a string that is too long */
gboolean mill_rtmp_session_state_load (MillRtmpSession *session,
    GVariant *variant, GError **error);

G_END_DECLS
