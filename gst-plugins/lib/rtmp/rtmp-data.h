/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-session-private.h"

G_BEGIN_DECLS

/*
 * What a publisher says of its media beside them (Adobe RTMP 1.0 section 7.1.2):
 * onMetaData and cue points become events of the session.
 */

/* One data message (type 18; type 15 without its first byte). What cannot be read,
 * or means nothing here, is passed over. */
void mill_rtmp_data_handle (MillRtmpSession *session, const guint8 *data,
    gsize size);

G_END_DECLS
