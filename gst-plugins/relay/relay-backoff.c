/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "relay-backoff.h"

#define JITTER 0.25

guint
mill_relay_backoff_next (MillRelayBackoff *self)
{
  guint max_ms = MAX (self->max_ms, self->min_ms);
  gdouble pause_ms = self->min_ms;

  for (guint i = 0; i < self->failures && pause_ms < max_ms; i++)
    pause_ms *= 2;
  self->failures++;
  pause_ms = MIN (pause_ms, max_ms / (1 + JITTER));
  pause_ms *= 1 + JITTER * g_random_double ();
  return CLAMP ((guint) pause_ms, self->min_ms, max_ms);
}

void
mill_relay_backoff_reset (MillRelayBackoff *self)
{
  self->failures = 0;
}
