/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** The time an event happened at; handed in, so that tests can make it up. */
typedef struct
{
  gint64 wall_us; /* Unix */
  gint64 monotonic_us;
  gdouble jitter; /* [0, 1) */
} MillStreamClock;

G_END_DECLS
