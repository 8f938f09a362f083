/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** How often a sender may try. */
typedef struct
{
  guint burst; /* attempts at once; 0: as often as it likes */
  guint per_minute; /* attempts that come back */
  guint failure_cost; /* attempts that one with a wrong secret counts for */
  guint senders; /* that are remembered; the least recent goes first */
  gchar **exempt; /* nullable: networks that are not counted */
} MillAttemptRules;

/** MillAttemptLimit: a bucket of attempts for each sender (an IPv4 address, or
 * an IPv6 /64), which a failure may overdraw: guessing gets slower the more
 * was guessed. Its memory is bounded. Main loop only. */
typedef struct _MillAttemptLimit MillAttemptLimit;

MillAttemptLimit *mill_attempt_limit_new (void);
void mill_attempt_limit_free (MillAttemptLimit *limit);

/* @rules: copied. Who had used up attempts has them used up still. */
void mill_attempt_limit_set_rules (MillAttemptLimit *limit,
    const MillAttemptRules *rules);

/* Takes an attempt of @address (nullable: one sender) at @now, monotonic µs.
 * Returns: whether there was one; a sender that has none is not charged, so
 *   that waiting helps */
gboolean mill_attempt_limit_take (MillAttemptLimit *limit,
    GInetAddress *address, gint64 now);

/* The attempt just taken was made with a wrong secret. */
void mill_attempt_limit_fail (MillAttemptLimit *limit, GInetAddress *address);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillAttemptLimit, mill_attempt_limit_free)

G_END_DECLS
