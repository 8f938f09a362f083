/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "relay-queue.h"
#include "relay-settings.h"

G_BEGIN_DECLS

/*
 * One server that a stream is published to: takes frames at once whatever the
 * server does, connects, sends, starts again, and tells how it goes.
 *
 * Threads: functions from any thread but the I/O thread; events on that.
 */
typedef struct _MillRelayTarget MillRelayTarget;

/* Called on the I/O thread: return at once. */
typedef struct
{
  /* @news: (transfer full): the element's message */
  void (*changed) (GstStructure *news, gpointer user_data);
  /* after end(): all is sent, or given up */
  void (*drained) (gpointer user_data);
} MillRelayTargetEvents;

MillRelayTarget *mill_relay_target_new (const MillRelayTargetEvents *events,
    gpointer user_data);
void mill_relay_target_free (MillRelayTarget *self);

/* With an empty location nothing is sent anywhere.
 * Errors: G_IO_ERROR_INVALID_ARGUMENT, G_THREAD_ERROR */
gboolean mill_relay_target_start (MillRelayTarget *self,
    const MillRelaySettings *settings, GError **error);
/* No event comes after it. Says goodbye to the server in the background. */
void mill_relay_target_stop (MillRelayTarget *self);

/* A track is there, or not, or no more. */
void mill_relay_target_set_expected (MillRelayTarget *self,
    MillRelayTrack track, gboolean is_expected);
/* @item: (transfer full). Never waits. */
void mill_relay_target_push (MillRelayTarget *self, MillRelayItem *item);
/* Of all tracks: sends what there is, a few seconds at most; then `drained`. */
void mill_relay_target_end (MillRelayTarget *self);
/* More comes after an end. */
void mill_relay_target_resume (MillRelayTarget *self);

/* Returns: (transfer full) */
GstStructure *mill_relay_target_make_stats (MillRelayTarget *self);

G_END_DECLS
