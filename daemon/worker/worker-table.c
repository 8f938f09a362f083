/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/worker-table.h"

#include <string.h>

#include "daemon/common/post-mortem.h"
#include "daemon/ipc/ipc.h"
#include "daemon/worker/stream-outputs.h"
#include "daemon/worker/worker-life.h"
#include "daemon/worker/worker-private.h"

#define MAX_NAME_LENGTH 64

static void
hold_outputs (MillWorker *worker, MillWorkerStream *stream)
{
  g_autoptr (GPtrArray) outputs = mill_worker_stream_get_outputs (stream);

  for (guint i = 0; i < outputs->len; i++) {
    const MillStreamOutput *output = outputs->pdata[i];
    mill_retention_hold (worker->retention, output->directory,
        output->retention_ms);
  }
}

static void
schedule_outputs (MillWorker *worker, MillWorkerStream *stream)
{
  g_autoptr (GPtrArray) outputs = mill_worker_stream_get_outputs (stream);

  for (guint i = 0; i < outputs->len; i++) {
    const MillStreamOutput *output = outputs->pdata[i];
    mill_retention_schedule (worker->retention, output->directory,
        output->retention_ms);
  }
}

static void
on_stream_changed (MillWorkerStream *stream, MillWorker *worker)
{
  g_autoptr (MillStreamReport) report = mill_worker_stream_get_report (stream);
  const gchar *name = mill_worker_stream_get_name (stream);
  GVariantDict details;

  g_variant_dict_init (&details, NULL);
  g_variant_dict_insert (&details, "last_error", "s", report->last_error);
  g_variant_dict_insert (&details, "since", "x", report->since);
  g_variant_dict_insert (&details, "epoch", "t", report->epoch_ns);
  if (report->publisher)
    g_variant_dict_insert_value (&details, "publisher",
        mill_publisher_to_variant (report->publisher));
  g_variant_dict_insert_value (&details, "inputs",
      mill_input_report_list_to_variant (report->inputs));
  mill_ipc_worker1_emit_stream_changed (worker->skeleton, name,
      report->generation, mill_stream_report_state_to_string (report->state),
      g_variant_dict_end (&details));
  if (mill_worker_stream_is_running (stream))
    return;
  mill_post_mortem_remove_stream (name);
  schedule_outputs (worker, stream);
  /* A failed one stays, to say why. */
  if (report->state != MILL_STREAM_FAILED) {
    g_signal_handlers_disconnect_by_data (stream, worker);
    g_hash_table_remove (worker->streams, name);
  }
  mill_worker_life_update_later (worker);
}

static void
on_stream_event (MillWorkerStream *stream, const gchar *type, GVariant *details,
    MillWorker *worker)
{
  mill_ipc_worker1_emit_stream_event (worker->skeleton,
      mill_worker_stream_get_name (stream),
      mill_worker_stream_get_generation (stream), type, details);
}

/* Names become directories and URLs. */
static gboolean
is_name (const gchar *name)
{
  const gsize length = strlen (name);

  return length >= 1 && length <= MAX_NAME_LENGTH &&
      strspn (name,
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
          "_-") == length;
}

static gboolean
check_new_stream (MillWorker *worker, const gchar *name, GError **error)
{
  MillWorkerStream *old = g_hash_table_lookup (worker->streams, name);

  if (worker->draining) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_DRAINING,
        "stream '%s': worker '%s' takes nothing new", name, worker->id);
    return FALSE;
  }
  if (!is_name (name)) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID,
        "stream name '%s': expected 1 to %d of A-Z a-z 0-9 _ -", name,
        MAX_NAME_LENGTH);
    return FALSE;
  }
  if (old && mill_worker_stream_is_running (old)) {
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_EXISTS,
        "stream '%s': got one that is %s, expected none", name,
        mill_stream_report_state_to_string (
            mill_worker_stream_get_state (old)));
    return FALSE;
  }
  return TRUE;
}

gboolean
mill_worker_table_add (MillWorker *worker,
    const MillWorkerNewStream *new_stream, GError **error)
{
  g_autoptr (MillGraphSpec) spec = NULL;

  if (!check_new_stream (worker, new_stream->name, error))
    return FALSE;
  spec = mill_graph_spec_new_from_variant (new_stream->graph, error);
  if (!spec)
    return FALSE;
  const MillWorkerStreamOptions options = {
    .name = new_stream->name,
    .generation = new_stream->generation,
    .graph = spec,
    .links_dir = worker->links_dir,
    .media_dir = worker->media_dir,
    .publishes = new_stream->session != NULL,
    .queue = worker->queue,
  };
  g_autoptr (MillWorkerStream) stream =
      mill_worker_stream_new (&options, error);
  if (!stream ||
      !mill_worker_stream_start (stream, new_stream->session,
          new_stream->publisher, error))
    return FALSE;
  g_signal_connect (stream, "changed", G_CALLBACK (on_stream_changed), worker);
  g_signal_connect (stream, "event", G_CALLBACK (on_stream_event), worker);
  mill_post_mortem_add_stream (new_stream->name);
  hold_outputs (worker, stream);
  g_hash_table_replace (worker->streams, g_strdup (new_stream->name),
      g_object_ref (stream));
  worker->had_stream = TRUE;
  on_stream_changed (stream, worker);
  mill_worker_life_update_later (worker);
  return TRUE;
}

MillWorkerStream *
mill_worker_table_find (MillWorker *worker, const gchar *name, GError **error)
{
  MillWorkerStream *stream = g_hash_table_lookup (worker->streams, name);

  if (!stream)
    g_set_error (error, MILL_IPC_ERROR, MILL_IPC_ERROR_NOT_FOUND,
        "stream '%s': not in worker '%s'", name, worker->id);
  return stream;
}

gboolean
mill_worker_table_admit (MillWorker *worker,
    const MillWorkerNewStream *new_stream, GError **error)
{
  MillWorkerStream *old =
      g_hash_table_lookup (worker->streams, new_stream->name);

  /* A run that millraced has given up takes none for the next one. */
  if (old && mill_worker_stream_takes_publishers (old) &&
      mill_worker_stream_get_generation (old) == new_stream->generation)
    return mill_worker_stream_offer (old, new_stream->session,
        new_stream->publisher, new_stream->takeover, error);
  return mill_worker_table_add (worker, new_stream, error);
}

void
mill_worker_table_stop (MillWorker *worker, MillWorkerStream *stream,
    gboolean eos)
{
  if (!mill_worker_stream_is_running (stream)) {
    g_hash_table_remove (worker->streams, mill_worker_stream_get_name (stream));
    mill_worker_life_update_later (worker);
    return;
  }
  if (eos)
    mill_worker_stream_end (stream);
  else
    mill_worker_stream_stop (stream);
}
