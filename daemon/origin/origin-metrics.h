/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What an origin counts, and how /metrics says it. Main thread. */

typedef enum
{
  MILL_ORIGIN_REQUEST_OTHER, /* pages, metrics, what is not there */
  MILL_ORIGIN_REQUEST_PLAYLIST,
  MILL_ORIGIN_REQUEST_MPD,
  MILL_ORIGIN_REQUEST_INIT,
  MILL_ORIGIN_REQUEST_SEGMENT,
  MILL_ORIGIN_REQUEST_PART,
  MILL_ORIGIN_N_REQUESTS
} MillOriginRequestKind;

#define MILL_ORIGIN_N_CLASSES 5 /* of status: 1xx to 5xx */
#define MILL_ORIGIN_N_DELAYS 10 /* of the histogram, without +Inf */

typedef struct
{
  guint64 requests[MILL_ORIGIN_N_REQUESTS][MILL_ORIGIN_N_CLASSES];
  guint64 bytes; /* of bodies sent */
  guint in_flight; /* being answered, the waiting ones too */
  guint waiting; /* for a part or a playlist that is to come */
  guint64 waited; /* that began to wait, ever */
  guint64 wake_ups; /* turns in which something new let waiting ones go */
  guint64 refused; /* connections, because there are too many */
  guint64 slow_ended; /* connections, because nobody took the answer */

  /* From the write of a part to when its first waiting request is answered. */
  guint64 delays[MILL_ORIGIN_N_DELAYS + 1];
  gint64 delay_sum_us;
} MillOriginMetrics;

/** What is not counted here, as /metrics is asked. */
typedef struct
{
  guint connections;
  gsize gzip_bytes;
  guint open_files;
  guint mapped_files;
  guint64 mapped_bytes;
} MillOriginGauges;

/** @delay_us: from a part's wall clock to its answer; below 0 counts as 0 */
void mill_origin_metrics_add_delay (MillOriginMetrics *metrics,
    gint64 delay_us);

guint64 mill_origin_metrics_count_requests (const MillOriginMetrics *metrics);

/** Returns: (transfer full): Prometheus text, this process's CPU and memory
 * included */
gchar *mill_origin_metrics_print (const MillOriginMetrics *metrics,
    const MillOriginGauges *gauges);

G_END_DECLS
