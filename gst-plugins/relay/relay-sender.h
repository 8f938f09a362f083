/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "relay-connection.h"
#include "relay-queue.h"

G_BEGIN_DECLS

/*
 * From frames to messages: time stamps on one line over all connections, and on
 * each connection what must be known before its first frame.
 *
 * Threads: the I/O thread.
 */
typedef struct
{
  gboolean has_origin;
  gint64 origin_ns; /* running time of time stamp 0 */
  gint64 last_ms[MILL_RELAY_N_TRACKS];
  /* nullable: on this connection, by a sequence header and by metadata */
  MillRelayFormat *told[MILL_RELAY_N_TRACKS];
  MillRelayFormat *described[MILL_RELAY_N_TRACKS];
  GByteArray *message;
} MillRelaySender;

void mill_relay_sender_init (MillRelaySender *self);
void mill_relay_sender_clear (MillRelaySender *self);

/* Nothing has been sent, ever: the next frame has time stamp 0. */
void mill_relay_sender_reset (MillRelaySender *self);
/* A new connection knows nothing. */
void mill_relay_sender_restart (MillRelaySender *self);

/* Whether the server knows what it is, and so takes it. */
gboolean mill_relay_sender_has_told (const MillRelaySender *self,
    const MillRelayItem *item);

/* @other: (nullable): the format of the other track, as far as it is known */
void mill_relay_sender_send (MillRelaySender *self,
    MillRelayConnection *connection, const MillRelayItem *item,
    MillRelayFormat *other);

G_END_DECLS
