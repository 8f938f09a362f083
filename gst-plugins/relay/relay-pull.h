/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "relay-settings.h"

G_BEGIN_DECLS

/*
 * One stream that is pulled from a server: connects, plays, starts again, and
 * has the element push what comes. Has a thread of its own, on which pads are
 * pushed, so that what is below may wait.
 *
 * Threads: functions are called by state changes and properties.
 */
typedef struct _MillRelayPull MillRelayPull;

/* @element: (transfer none): gets pads, messages; outlives it */
MillRelayPull *mill_relay_pull_new (GstElement *element);
void mill_relay_pull_free (MillRelayPull *self);

/* READY->PAUSED. Errors: G_IO_ERROR_INVALID_ARGUMENT, G_THREAD_ERROR */
gboolean mill_relay_pull_open (MillRelayPull *self,
    const MillRelaySettings *settings, GError **error);
/* PAUSED<->PLAYING: does not wait. The first time it connects. */
void mill_relay_pull_set_playing (MillRelayPull *self, gboolean is_playing);
/* PAUSED->READY, before the pads are deactivated: waits for the push in flight,
 * which what is below has let go of (sinks go to READY first). */
void mill_relay_pull_close (MillRelayPull *self);
/* PAUSED->READY, after the pads were deactivated. */
void mill_relay_pull_reset (MillRelayPull *self);

/* EOS, soon. FALSE when it is not open. */
gboolean mill_relay_pull_request_end (MillRelayPull *self);

/* Returns: (transfer full) */
GstStructure *mill_relay_pull_make_stats (MillRelayPull *self);

G_END_DECLS
