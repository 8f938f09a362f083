/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/common/self-stats.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static guint64
to_usec (const struct timeval *time)
{
  return (guint64) time->tv_sec * G_USEC_PER_SEC + (guint64) time->tv_usec;
}

/* statm: total and resident size in pages (proc(5)). */
static guint64
read_resident_bytes (void)
{
  g_autofree gchar *text = NULL;
  unsigned long long total;
  unsigned long long resident;

  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL) ||
      sscanf (text, "%llu %llu", &total, &resident) != 2)
    return 0;
  return (guint64) resident * (guint64) sysconf (_SC_PAGESIZE);
}

void
mill_self_stats_get (MillSelfStats *ret_stats)
{
  struct rusage usage = { 0 };

  getrusage (RUSAGE_SELF, &usage);
  ret_stats->cpu_usec = to_usec (&usage.ru_utime) + to_usec (&usage.ru_stime);
  ret_stats->memory_bytes = read_resident_bytes ();
}
