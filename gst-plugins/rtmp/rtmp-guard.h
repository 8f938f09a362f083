/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>
#include <sys/socket.h>

#include "rtmp/rtmp-limits.h"

G_BEGIN_DECLS

/*
 * Who may come in at a listener, and why connections were closed.
 *
 * A connection that does not publish yet holds a place, from when it is
 * accepted by the kernel to when its source has it or its socket is closed; places are
 * bounded per address and in all. When there is none the newest is refused, so
 * that a flood takes nothing from those who are already in. Whoever publishes
 * holds no place. What costs the server more than the stranger, the handshake of
 * TLS, is bounded by time as well.
 *
 * Threads: any. The guard outlives its listener as long as a connection needs
 * it.
 */
typedef struct _MillRtmpGuard MillRtmpGuard;

/**
 * MillRtmpGuardCause: why connections were closed that a bound or a time-out
 * closed, in addition to those of MillRtmpLimit, which come first.
 * @MILL_RTMP_GUARD_PENDING: too many without a publisher, in all
 * @MILL_RTMP_GUARD_PENDING_PER_ADDRESS: likewise of one address
 * @MILL_RTMP_GUARD_TLS_HANDSHAKES: more of them than an address may make
 * @MILL_RTMP_GUARD_HANDSHAKE_TIMEOUT: no publish request in time
 * @MILL_RTMP_GUARD_IDLE_TIMEOUT: a publisher without media
 * @MILL_RTMP_GUARD_PROTOCOL: what came is no RTMP
 */
typedef enum
{
  MILL_RTMP_GUARD_PENDING = MILL_RTMP_N_LIMITS,
  MILL_RTMP_GUARD_PENDING_PER_ADDRESS,
  MILL_RTMP_GUARD_TLS_HANDSHAKES,
  MILL_RTMP_GUARD_HANDSHAKE_TIMEOUT,
  MILL_RTMP_GUARD_IDLE_TIMEOUT,
  MILL_RTMP_GUARD_PROTOCOL,
  MILL_RTMP_GUARD_N_CAUSES,
} MillRtmpGuardCause;

/**
 * MillRtmpGuardLimits: bounds on connections that do not publish.
 * @max_handshakes_per_address: TLS handshakes per second, of which those of
 *   MILL_RTMP_GUARD_BURST_S may come at once; 0: there are none to bound
 */
typedef struct
{
  guint max_pending;
  guint max_pending_per_address;
  guint max_handshakes_per_address;
} MillRtmpGuardLimits;

#define MILL_RTMP_GUARD_BURST_S 10

MillRtmpGuard *mill_rtmp_guard_new (void);
MillRtmpGuard *mill_rtmp_guard_ref (MillRtmpGuard *self);
void mill_rtmp_guard_unref (MillRtmpGuard *self);

/* What counts as one address: an IPv4 address, or the 64 bits of an IPv6 one
 * that a subscriber has for himself. */
guint64 mill_rtmp_guard_make_key (const struct sockaddr *address);

/* A place for a connection from @key at @now_us (monotonic); FALSE when it is to
 * be refused, which is counted, and costs its address nothing. */
gboolean mill_rtmp_guard_enter (MillRtmpGuard *self, guint64 key,
    const MillRtmpGuardLimits *limits, gint64 now_us);
void mill_rtmp_guard_leave (MillRtmpGuard *self, guint64 key);

/* @cause: MillRtmpLimit or MillRtmpGuardCause */
void mill_rtmp_guard_count (MillRtmpGuard *self, guint cause);
/* Errors of a session. */
void mill_rtmp_guard_count_error (MillRtmpGuard *self, const GError *error);

/* connections (guint64: accepted so far), pending (guint), and one guint64 per
 * cause, by name.
 * Returns: (transfer full) */
GstStructure *mill_rtmp_guard_describe (MillRtmpGuard *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRtmpGuard, mill_rtmp_guard_unref)

G_END_DECLS
