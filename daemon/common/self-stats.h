/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint64 cpu_usec; /* user and system, all threads */
  guint64 memory_bytes; /* resident */
} MillSelfStats;

/* Of this process, from getrusage() and /proc/self/statm. */
void mill_self_stats_get (MillSelfStats *ret_stats);

G_END_DECLS
