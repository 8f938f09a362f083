/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/common/self-stats.h"

/* What this process holds, in bytes. */
static inline guint64
get_memory (void)
{
  MillSelfStats stats;

  mill_self_stats_get (&stats);
  return stats.memory_bytes;
}
