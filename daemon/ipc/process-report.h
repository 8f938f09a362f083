/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "stream-report.h"

G_BEGIN_DECLS

/**
 * MillWorkerKind:
 * @MILL_WORKER_SHARED: runs the streams, or their parts that are not isolated
 * @MILL_WORKER_ISOLATED: runs one isolated part of one stream and ends with it
 */
typedef enum
{
  MILL_WORKER_SHARED,
  MILL_WORKER_ISOLATED,
} MillWorkerKind;

/** What Describe of a worker or the origin says. */
typedef struct
{
  guint protocol;
  gchar *version; /* of millrace, "0.1.0" */
  gchar *id; /* "origin" for the origin */
  MillWorkerKind kind; /* of a worker */
  guint pid;
  gint64 since; /* Unix seconds */
  gboolean draining;
  GHashTable *listeners; /* (element-type utf8 utf8): kind -> host:port */
  GPtrArray *streams; /* (element-type MillStreamReport); origin: empty */
  gchar *media_dir;
} MillProcessReport;

/** One thread that must never stand still. */
typedef struct
{
  gchar *name;
  guint64 turn_usec; /* age of the turn it is in; 0: waits for work */
  guint connections;
} MillThreadReport;

/** Who came to one listener of a worker, since it was opened. */
typedef struct
{
  gchar *kind; /* "rtmp", "rtmps" */
  guint64 connections; /* that came */
  guint pending; /* that are open and do not publish */
  GVariant *closed; /* nullable a{st}: how many each bound has closed */
} MillListenerReport;

/** What GetStats says. */
typedef struct
{
  guint64 cpu_usec; /* user and system, since the start */
  guint64 memory_bytes; /* resident */
  GPtrArray *threads; /* (element-type MillThreadReport); origin: empty */
  GPtrArray *listeners; /* (element-type MillListenerReport); origin: empty */
  guint64 requests; /* origin only */
  guint64 bytes; /* origin only */
  gchar *metrics; /* origin only: Prometheus text; else "" or NULL */
  gint64 tls_not_after; /* Unix seconds; 0: it shows no certificate */
  gboolean tls_is_stale; /* its files are others, and cannot be used */
} MillProcessStats;

MillProcessReport *mill_process_report_new (void);
void mill_process_report_free (MillProcessReport *report);
/* "shared", "isolated". */
const gchar *mill_process_report_kind_to_string (MillWorkerKind kind);
/* Returns: FALSE for an unknown word, @ret_kind untouched. */
gboolean mill_process_report_kind_from_string (const gchar *text,
    MillWorkerKind *ret_kind);

/* Returns: (transfer full); to_variant: floating */
MillProcessReport *mill_process_report_new_from_variant (GVariant *variant);
GVariant *mill_process_report_to_variant (const MillProcessReport *report);

MillProcessStats *mill_process_report_stats_new (void);
void mill_process_report_stats_free (MillProcessStats *stats);
MillThreadReport *mill_process_report_stats_add_thread (MillProcessStats
        *stats);
MillListenerReport *mill_process_report_stats_add_listener (MillProcessStats
        *stats);
/* The rule of the watchdog: a turn of more than 2 s. */
gboolean mill_process_report_thread_is_stalled (const MillThreadReport *thread);
/* Returns: (transfer full); to_variant: floating */
MillProcessStats *mill_process_report_stats_new_from_variant (GVariant
        *variant);
GVariant *mill_process_report_stats_to_variant (const MillProcessStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillProcessReport, mill_process_report_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillProcessStats, mill_process_report_stats_free)

G_END_DECLS
