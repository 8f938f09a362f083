/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-session-private.h"

G_BEGIN_DECLS

/*
 * The commands of a publisher and their answers: NetConnection and NetStream
 * commands (Adobe RTMP 1.0 section 7.2) and those that encoders send beside
 * them (releaseStream, FCPublish, FCUnpublish, _checkbw).
 */

/* One command message (type 20; type 17 without its first byte). Errors:
 * MILL_RTMP_ERROR_PROTOCOL, and those of MILL_RTMP_LIMIT_ERROR */
gboolean mill_rtmp_command_handle (MillRtmpSession *session, guint32 stream_id,
    const guint8 *data, gsize size, GError **error);

/* The answers to publish. */
void mill_rtmp_command_send_accepted (MillRtmpSession *session);
void mill_rtmp_command_send_refused (MillRtmpSession *session,
    const gchar *code, const gchar *description);

/* @tc_url, @description: (nullable) */
void mill_rtmp_command_send_reconnect (MillRtmpSession *session,
    const gchar *tc_url, const gchar *description);

G_END_DECLS
