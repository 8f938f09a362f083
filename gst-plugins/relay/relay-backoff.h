/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** How long to wait before the next attempt: twice as long each time, between
 * two bounds, with a quarter left to chance so that many clients of a server
 * that failed do not come back at once. */
typedef struct
{
  guint min_ms;
  guint max_ms;
  guint failures; /* since the last success */
} MillRelayBackoff;

/* Counts a failure. Returns: ms, min_ms to max_ms */
guint mill_relay_backoff_next (MillRelayBackoff *self);
void mill_relay_backoff_reset (MillRelayBackoff *self);

G_END_DECLS
