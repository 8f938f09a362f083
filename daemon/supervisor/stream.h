/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/ipc/graph-spec.h"
#include "daemon/ipc/stream-report.h"
#include "part.h"
#include "store-streams.h"

G_BEGIN_DECLS

typedef enum
{
  MILL_STATUS_IDLE, /* waits for a publisher, or has come to its end */
  MILL_STATUS_STARTING,
  MILL_STATUS_LIVE,
  MILL_STATUS_RECONNECTING, /* its publisher or its worker went away */
  MILL_STATUS_DEGRADED, /* live, but a part in a process of its own is not */
  MILL_STATUS_FAILED,
  MILL_STATUS_STOPPED, /* somebody wants it so */
} MillStreamStatus;

/** What the owner of a stream has to do after an event. */
typedef enum
{
  MILL_STEP_NOTHING,
  MILL_STEP_RESTART, /* start it again after delay_ms */
  MILL_STEP_WAIT, /* its publisher has delay_ms to come back */
} MillStreamStepKind;

typedef struct
{
  MillStreamStepKind kind;
  guint delay_ms;
} MillStreamStep;

typedef struct
{
  gint64 time_us; /* Unix */
  const gchar *level; /* info, warning, error */
  gchar *message;
} MillStreamLogEntry;

typedef struct _MillStream MillStream;

/** Who is told of every change of a stream's state. */
typedef struct
{
  void (*changed) (const MillStream *stream, MillStreamStatus before,
      gpointer user_data);
  gpointer user_data;
} MillStreamWatch;

/** One stream: what is wanted (row->desired) against what is (state). A state
 * machine without I/O; MillRunner carries out what it says. */
struct _MillStream
{
  MillStreamRow *row;
  MillStreamStatus state;
  gint64 since; /* Unix µs, of the state */
  gboolean needs_publisher;
  MillRestart policy;
  MillRestartState restarts;
  MillPublisher *publisher; /* nullable: as the worker reports it */
  guint n_away; /* places that a publisher has left and may come back to */
  guint n_free; /* places without a publisher, those among them */
  gboolean media_flows; /* in the shared worker */
  gboolean error_passes; /* row->last_error: only why it is not live yet */
  gboolean restarting; /* its run is being stopped for another: no failure */
  MillGraphSpec *graph; /* nullable: of this run, when it has parts */
  GPtrArray
      *parts; /* (element-type MillPart) those in processes of their own */
  GQueue log; /* (element-type MillStreamLogEntry) oldest first, bounded */
  gboolean orphaned; /* its worker died: nobody else removes its directory */
  guint timer; /* GSource of the pending step; MillRunner's */
  const MillStreamWatch *watch; /* nullable; the registry's */
};

/* @row: (transfer full) */
MillStream *mill_stream_new (MillStreamRow *row, const MillStreamClock *clock);
void mill_stream_free (MillStream *stream);

const gchar *mill_stream_status_to_string (MillStreamStatus state);

/* Has a graph in a worker, or is about to. */
gboolean mill_stream_is_running (const MillStream *stream);

/** One run of a stream. */
typedef struct
{
  const gchar *owner; /* id of the worker */
  guint64 generation;
  guint64 epoch;
  const gchar *boot_id;
  const MillGraphSpec *graph; /* nullable: its description is kept */
} MillStreamRun;

/* A worker was given the stream. */
void mill_stream_begin (MillStream *stream, const MillStreamRun *run,
    const MillStreamClock *clock);

/* What the worker says about the run @report->generation; reports of an older
 * run change nothing. */
MillStreamStep mill_stream_take_report (MillStream *stream,
    const MillStreamReport *report, const MillStreamClock *clock);

/* The worker died, or does not know the stream: @reason, which is not told when
 * the end of this run's worker has been. */
MillStreamStep mill_stream_lose (MillStream *stream, const gchar *reason,
    const MillStreamClock *clock);

/* The publisher did not come back in time. */
void mill_stream_give_up (MillStream *stream, const MillStreamClock *clock);

/* The run has a part in each of @n_processes - 1 processes beside the shared
 * one, of which nothing is known yet; 1: it has none.
 * @graph: (transfer full) (nullable): what all of them are built from */
void mill_stream_set_parts (MillStream *stream, guint n_processes,
    MillGraphSpec *graph);

/* Returns: (transfer none) (nullable) */
MillPart *mill_stream_find_part (const MillStream *stream, guint process);

/* After an event of one of its parts: why it died (@reason), or NULL. */
void mill_stream_take_part (MillStream *stream, const MillPart *part,
    const gchar *reason, const MillStreamClock *clock);

/* What somebody asks for. */
void mill_stream_set_desired (MillStream *stream, MillDesired desired,
    const MillStreamClock *clock);

/* Adds a line to the stream's own log. */
void mill_stream_log (MillStream *stream, const gchar *level,
    const MillStreamClock *clock, const gchar *format, ...)
    G_GNUC_PRINTF (4, 5);

/* Now. */
MillStreamClock mill_stream_clock (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStream, mill_stream_free)

G_END_DECLS
