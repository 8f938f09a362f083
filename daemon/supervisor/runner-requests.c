/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "runner-requests.h"

#include "runner-private.h"
#include "stream-directory.h"

gboolean
mill_runner_requests_start (MillRunner *runner, MillStream *stream,
    GError **error)
{
  MillStreamClock clock = mill_stream_clock ();
  if (mill_stream_is_running (stream) && stream->row->owner &&
      stream->row->desired == MILL_DESIRED_RUNNING)
    return TRUE;
  g_clear_handle_id (&stream->timer, g_source_remove);
  mill_stream_set_desired (stream, MILL_DESIRED_RUNNING, &clock);
  gboolean launched = mill_stream_is_running (stream) ||
      mill_runner_launch (runner, stream, error);
  mill_runner_save (runner, stream);
  return launched;
}

gboolean
mill_runner_requests_stop (MillRunner *runner, MillStream *stream,
    GError **error)
{
  MillStreamClock clock = mill_stream_clock ();
  g_clear_handle_id (&stream->timer, g_source_remove);
  mill_stream_set_desired (stream, MILL_DESIRED_STOPPED, &clock);
  if (mill_stream_is_running (stream) && runner->worker)
    mill_worker_proxy_stop_stream_async (runner->worker, stream->row->name,
        MILL_WORKER_STOP_EOS, NULL, NULL);
  return mill_stream_registry_save (runner->context.registry, stream, error);
}

static void
on_stopped_for_restart (GObject *source, GAsyncResult *result,
    gpointer user_data)
{
  g_autoptr (MillRunnerCall) call = user_data;
  g_autoptr (GError) error = NULL;
  mill_worker_proxy_stop_stream_finish (MILL_WORKER_PROXY (source), result,
      NULL);
  MillStream *stream = mill_runner_call_find_stream (call);
  if (!stream)
    return;
  MillStreamClock clock = mill_stream_clock ();
  mill_part_runner_end (call->runner->parts, stream->row->name);
  stream->row->phase = MILL_PHASE_IDLE;
  g_clear_pointer (&stream->row->owner, g_free);
  mill_stream_set_desired (stream, MILL_DESIRED_RUNNING, &clock);
  if (!mill_runner_launch (call->runner, stream, &error))
    MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, stream->row->name,
        "not restarted: %s", error->message);
  mill_runner_save (call->runner, stream);
}

/* For a stream with a publisher: it is disconnected and comes back by itself,
 * as encoders do. */
gboolean
mill_runner_requests_restart (MillRunner *runner, MillStream *stream,
    GError **error)
{
  if (!mill_stream_is_running (stream) || !stream->row->owner ||
      !runner->worker)
    return mill_runner_requests_start (runner, stream, error);
  /* Checked first: a description that no longer plans must not cost the run
   * that works. */
  g_autoptr (MillRunSpec) spec = mill_runner_plan (runner, stream, error);
  if (!spec)
    return FALSE;
  stream->restarting = TRUE;
  mill_worker_proxy_stop_stream_async (runner->worker, stream->row->name,
      MILL_WORKER_STOP_NOW, on_stopped_for_restart,
      mill_runner_call_new (runner, stream));
  return TRUE;
}

typedef struct
{
  MillRunner *runner;
  GCancellable *life;
  gchar *name;
} Removal;

static void
on_stopped_for_delete (GObject *source, GAsyncResult *result,
    gpointer user_data)
{
  Removal *removal = user_data;
  mill_worker_proxy_stop_stream_finish (MILL_WORKER_PROXY (source), result,
      NULL);
  /* A publisher may have taken the name again in the meantime: the directory
   * is its then. */
  if (!g_cancellable_is_cancelled (removal->life) &&
      !mill_stream_registry_find (removal->runner->context.registry,
          removal->name))
    mill_stream_directory_remove (removal->runner->context.config->media_dir,
        removal->name);
  g_object_unref (removal->life);
  g_free (removal->name);
  g_free (removal);
}

gboolean
mill_runner_requests_delete (MillRunner *runner, MillStream *stream,
    GError **error)
{
  g_autofree gchar *name = g_strdup (stream->row->name);
  gboolean running = mill_stream_is_running (stream) && stream->row->owner;

  if (!mill_stream_registry_remove (runner->context.registry, stream, error))
    return FALSE;
  mill_part_runner_end (runner->parts, name);
  mill_admissions_forget (runner->admissions, name);
  if (!running || !runner->worker) {
    mill_stream_directory_remove (runner->context.config->media_dir, name);
    return TRUE;
  }
  Removal *removal = g_new0 (Removal, 1);
  removal->runner = runner;
  removal->life = g_object_ref (runner->life);
  removal->name = g_strdup (name);
  mill_worker_proxy_stop_stream_async (runner->worker, name,
      MILL_WORKER_STOP_NOW, on_stopped_for_delete, removal);
  return TRUE;
}
