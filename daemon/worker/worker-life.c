/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/worker/worker-life.h"

#include "daemon/worker/worker-private.h"
#include "daemon/worker/worker-stream.h"

/* Nothing is lost with a worker that never had a stream: the millraced that
 * launched it could not start, or the next one launches another. It stays as long
 * as it holds publishers for that (rtmp-door.c), and then some. */
#define UNUSED_TIMEOUT_S 7
/* One that nobody has come to yet may be one of hundreds that start at once. */
#define UNMET_TIMEOUT_S 60

guint
mill_worker_life_count_running (MillWorker *worker)
{
  GHashTableIter iter;
  gpointer stream;
  guint count = 0;

  g_hash_table_iter_init (&iter, worker->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    count += mill_worker_stream_is_running (stream) ? 1 : 0;
  return count;
}

/* A part that others of its stream still feed goes on without a supervisor; one
 * that nobody feeds waits for what no millraced will start again for it. */
static gboolean
is_needed (MillWorker *worker)
{
  GHashTableIter iter;
  gpointer stream;

  g_hash_table_iter_init (&iter, worker->streams);
  while (g_hash_table_iter_next (&iter, NULL, &stream))
    if (mill_worker_stream_is_running (stream) &&
        (worker->kind != MILL_WORKER_ISOLATED ||
            !mill_worker_stream_is_abandoned (stream)))
      return TRUE;
  return FALSE;
}

void
mill_worker_life_finish (MillWorker *worker)
{
  g_signal_emit_by_name (worker, "finished");
}

static guint
get_timeout_s (const MillWorker *worker)
{
  if (worker->had_stream)
    return worker->orphan_timeout_s;
  return MIN (worker->orphan_timeout_s,
      worker->had_supervisor ? UNUSED_TIMEOUT_S : UNMET_TIMEOUT_S);
}

static gboolean
on_orphaned (gpointer user_data)
{
  MillWorker *worker = user_data;

  if (is_needed (worker))
    return G_SOURCE_CONTINUE;
  worker->orphan_timer_id = 0;
  g_message ("no supervisor, and nothing to do for it, for %u s: ending",
      get_timeout_s (worker));
  mill_worker_life_finish (worker);
  return G_SOURCE_REMOVE;
}

void
mill_worker_life_update (MillWorker *worker)
{
  const guint running = mill_worker_life_count_running (worker);
  const gboolean idle = running == 0 || worker->kind == MILL_WORKER_ISOLATED;
  const gboolean orphan = idle && worker->server &&
      !mill_peer_server_is_connected (worker->server);

  if (orphan && !worker->orphan_timer_id) {
    worker->orphan_timer_id =
        g_timeout_add_seconds (get_timeout_s (worker), on_orphaned, worker);
  } else if (!orphan && worker->orphan_timer_id) {
    g_source_remove (worker->orphan_timer_id);
    worker->orphan_timer_id = 0;
  }
  /* An isolated one is there for its only stream, and so long as that may still
   * be asked why it failed. */
  if ((worker->draining && running == 0) ||
      (worker->kind == MILL_WORKER_ISOLATED && worker->had_stream &&
          g_hash_table_size (worker->streams) == 0))
    mill_worker_life_finish (worker);
}

static gboolean
on_life_changed (gpointer user_data)
{
  mill_worker_life_update (user_data);
  return G_SOURCE_REMOVE;
}

void
mill_worker_life_update_later (MillWorker *worker)
{
  g_idle_add_full (G_PRIORITY_DEFAULT, on_life_changed, g_object_ref (worker),
      g_object_unref);
}
