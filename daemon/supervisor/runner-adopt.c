/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "runner-adopt.h"

#include "runner-private.h"

static const MillStreamReport *
find_report (const MillProcessReport *process, const gchar *name)
{
  for (guint i = 0; i < process->streams->len; i++) {
    const MillStreamReport *report = g_ptr_array_index (process->streams, i);
    if (g_str_equal (report->name, name))
      return report;
  }
  return NULL;
}

void
mill_runner_adopt_end_strangers (MillRunner *runner,
    const MillProcessReport *process)
{
  for (guint i = 0; i < process->streams->len; i++) {
    const MillStreamReport *report = g_ptr_array_index (process->streams, i);
    MillStream *stream =
        mill_stream_registry_find (runner->context.registry, report->name);
    if (stream && stream->row->generation == report->generation &&
        stream->row->desired == MILL_DESIRED_RUNNING)
      continue;
    MILL_LOG_STREAM (G_LOG_LEVEL_MESSAGE, report->name,
        "runs in the worker but is not wanted: ended");
    mill_worker_proxy_stop_stream_async (runner->worker, report->name,
        MILL_WORKER_STOP_EOS, NULL, NULL);
  }
}

/* The plan of an adopted stream says what it needs; when this millrace cannot
 * plan it any more, having a publisher does. */
static void
learn_plan (MillRunner *runner, MillStream *stream,
    const MillStreamReport *report)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (MillRunSpec) spec =
      mill_runner_plan_again (runner, stream, &error);
  stream->needs_publisher = spec ? spec->n_places > 0
                                 : (!report || report->publisher != NULL);
  if (!spec) {
    MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, stream->row->name,
        "runs on without its parts in other processes: %s", error->message);
    return;
  }
  stream->policy = spec->policy;
  spec->graph->epoch_ns = stream->row->epoch;
  mill_stream_set_parts (stream, spec->n_processes,
      g_steal_pointer (&spec->graph));
}

void
mill_runner_adopt_stream (MillRunner *runner, MillStream *stream,
    const MillProcessReport *process, const MillStreamClock *clock)
{
  const MillStreamReport *report = find_report (process, stream->row->name);
  MillStreamStep step = { MILL_STEP_NOTHING, 0 };

  if (mill_stream_is_running (stream)) {
    learn_plan (runner, stream, report);
    if (report && report->generation == stream->row->generation) {
      g_free (stream->row->owner);
      stream->row->owner = g_strdup (process->id);
      mill_part_runner_start (runner->parts, stream, MILL_PART_RUNNER_ADOPT);
      step = mill_stream_take_report (stream, report, clock);
      stream->since = report->since * G_USEC_PER_SEC;
    } else
      step = mill_stream_lose (stream,
          "its worker was gone when millraced started", clock);
    mill_runner_settle (runner, stream, &step);
  } else if (stream->row->declared && stream->row->phase != MILL_PHASE_ENDED &&
      stream->row->desired == MILL_DESIRED_RUNNING) {
    g_autoptr (GError) error = NULL;
    if (!mill_runner_launch (runner, stream, &error))
      MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, stream->row->name,
          "not started: %s", error->message);
  }
}
