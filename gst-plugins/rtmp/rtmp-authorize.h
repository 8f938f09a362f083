/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-connection.h"

G_BEGIN_DECLS

/* What becomes of an accepted publisher. On the thread that answered.
 * @stream: (nullable): the name that the answer gave it */
typedef void (*MillRtmpAuthorizeFunc) (GObject *source,
    MillRtmpConnection *connection, const gchar *stream);

/* Asks the application by a signal (GstStructure request, GstPromise reply) of
 * @source: a refusal goes to the publisher, so does silence for 5 s, an
 * acceptance to @accept. In the listener's lane, from `asked`. */
void mill_rtmp_authorize_ask (GObject *source, guint signal_id,
    MillRtmpConnection *connection, MillRtmpAuthorizeFunc accept);

G_END_DECLS
