/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "part-runner.h"

#include <string.h>

#include "daemon/common/log.h"
#include "daemon/ipc/ipc.h"

/* An isolated worker that runs has nothing to do on its main loop but to
 * answer: one that is silent for longer is frozen. While it builds its graph,
 * loading plugins, it has the patience that every process has. */
#define PATIENCE_MS 1500

struct _MillPartRunner
{
  MillFleet *fleet; /* not owned */
  MillStreamRegistry *registry; /* not owned */
  MillPartRunnerChanged changed;
  gpointer user_data;
  GHashTable *members; /* id -> Member */
  gboolean draining;
};

/** One part of one run of a stream, and its worker. */
typedef struct
{
  MillPartRunner *runner;
  gchar *stream;
  guint64 generation;
  guint index; /* of the process in the plan */
  gchar *id;
  gboolean adopts; /* it is to be found running */
  MillProcess *process; /* nullable */
  MillWorkerProxy *worker; /* nullable */
  GCancellable *life; /* cancelled when the member is freed */
  guint timer;
} Member;

static void
let_go_of_worker (Member *member)
{
  if (member->worker)
    g_signal_handlers_disconnect_by_data (member->worker, member);
  g_clear_object (&member->worker);
}

static void
let_go_of_process (Member *member)
{
  let_go_of_worker (member);
  if (member->process)
    g_signal_handlers_disconnect_by_data (member->process, member);
  g_clear_object (&member->process);
}

static void
member_free (Member *member)
{
  g_cancellable_cancel (member->life);
  g_clear_object (&member->life);
  g_clear_handle_id (&member->timer, g_source_remove);
  let_go_of_process (member);
  g_free (member->stream);
  g_free (member->id);
  g_free (member);
}

/* A stream may have gone on to another run, which has members of its own.
 * Returns: (transfer none) (nullable) */
static MillPart *
find_part (const Member *member, MillStream **ret_stream)
{
  MillStream *stream =
      mill_stream_registry_find (member->runner->registry, member->stream);
  *ret_stream = stream;
  return stream && stream->row->generation == member->generation
      ? mill_stream_find_part (stream, member->index)
      : NULL;
}

static void
tell (Member *member, MillStream *stream, const MillPart *part,
    const gchar *reason)
{
  MillPartRunner *runner = member->runner;
  MillStreamClock clock = mill_stream_clock ();
  mill_stream_take_part (stream, part, reason, &clock);
  runner->changed (stream, runner->user_data); /* may free the member */
}

/* ---- it dies ---- */

static void launch (Member *member);

static gboolean
on_restart_due (gpointer user_data)
{
  Member *member = user_data;
  MillStreamClock clock = mill_stream_clock ();
  MillStream *stream;
  MillPart *part = find_part (member, &stream);
  member->timer = 0;
  if (!part)
    return G_SOURCE_REMOVE;
  mill_part_begin (part, &clock);
  mill_fleet_count_restart (member->runner->fleet);
  launch (member);
  tell (member, stream, part, NULL);
  return G_SOURCE_REMOVE;
}

/* Of a post-mortem what comes before the addresses, of a log its last line: all
 * of it is in the log of millraced. */
static gchar *
summarise (const gchar *words)
{
  const gchar *backtrace = strstr (words, "\nbacktrace:");
  const gchar *line = strrchr (words, '\n');
  gchar *summary = backtrace ? g_strndup (words, (gsize) (backtrace - words))
                             : g_strdup (line ? line + 1 : words);
  return g_strdelimit (summary, "\n", ',');
}

/* @words: (nullable): the last ones of its process */
static void
lose (Member *member, const gchar *reason, const gchar *words)
{
  MillStreamClock clock = mill_stream_clock ();
  MillStream *stream;
  MillPart *part = find_part (member, &stream);
  let_go_of_worker (member);
  member->adopts = FALSE;
  if (!part)
    return;
  g_autofree gchar *summary = words ? summarise (words) : NULL;
  g_autofree gchar *text = g_strconcat (reason,
      summary ? "; its last words: " : NULL, summary, NULL);
  gint delay_ms = mill_part_lose (part, text, &clock);
  if (delay_ms == MILL_RESTART_POLICY_NO_RESTART || member->runner->draining)
    MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, member->stream,
        "part %s: %s; not started again", member->id, reason);
  else {
    MILL_LOG_STREAM (G_LOG_LEVEL_WARNING, member->stream,
        "part %s: %s; started again in %d ms", member->id, reason, delay_ms);
    g_clear_handle_id (&member->timer, g_source_remove);
    member->timer = g_timeout_add ((guint) delay_ms, on_restart_due, member);
  }
  tell (member, stream, part, reason);
}

static void
on_lost (MillProcess *process, const gchar *reason, const gchar *words,
    gpointer user_data)
{
  lose (user_data, reason, words);
}

static void
on_failed (MillProcess *process, const GError *error, gpointer user_data)
{
  g_autofree gchar *text = mill_ipc_error_get_message (error);
  lose (user_data, text, NULL);
}

/* ---- it runs ---- */

static void
take_report (Member *member, const MillStreamReport *report)
{
  MillStreamClock clock = mill_stream_clock ();
  MillStream *stream;
  MillPart *part = find_part (member, &stream);
  if (!part)
    return;
  switch (report->state) {
    case MILL_STREAM_FAILED:
    case MILL_STREAM_GONE:
      mill_process_end (member->process);
      lose (member,
          *report->last_error ? report->last_error : "its worker stopped it",
          NULL);
      return;
    case MILL_STREAM_ENDED:
      mill_process_end (member->process);
      break;
    case MILL_STREAM_STARTING:
    case MILL_STREAM_LIVE:
    case MILL_STREAM_RECONNECTING:
    case MILL_STREAM_STOPPING:
      break;
  }
  mill_part_take_state (part, report->state, &clock);
  tell (member, stream, part, NULL);
}

static void
on_stream_changed (MillWorkerProxy *worker, const MillStreamReport *report,
    gpointer user_data)
{
  Member *member = user_data;
  if (report->generation == member->generation &&
      g_str_equal (report->name, member->stream))
    take_report (member, report);
}

typedef struct
{
  Member *member; /* valid while life is not cancelled */
  GCancellable *life;
} Call;

static void
on_started (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Call *call = user_data;
  g_autoptr (GCancellable) life = call->life;
  g_autoptr (GError) error = NULL;
  Member *member = call->member;
  gboolean started =
      mill_worker_proxy_start_stream_finish (MILL_WORKER_PROXY (source), result,
          &error);
  if (g_cancellable_is_cancelled (life) ||
      member->worker != MILL_WORKER_PROXY (source))
    return;
  if (started) {
    mill_process_set_patience (member->process, PATIENCE_MS);
    return;
  }
  g_autofree gchar *text = mill_ipc_error_get_message (error);
  mill_process_end (member->process);
  lose (member, text, NULL);
}

static void
start_part (Member *member)
{
  MillStream *stream;
  MillPart *part = find_part (member, &stream);
  if (!part)
    return;
  Call *call = g_new0 (Call, 1);
  call->member = member;
  call->life = g_object_ref (member->life);
  stream->graph->process = member->index;
  MillWorkerStart start = { .stream = member->stream,
    .generation = member->generation,
    .graph = stream->graph };
  mill_worker_proxy_start_stream_async (member->worker, &start, on_started,
      call);
  if (!member->adopts)
    return;
  MillStreamClock clock = mill_stream_clock ();
  member->adopts = FALSE;
  mill_part_begin (part, &clock);
  tell (member, stream, part, "its worker was gone when millraced started");
}

/* Of another run, or one that has failed: it makes room for a fresh one. */
static gboolean
is_stale (const Member *member, const MillProcessReport *process)
{
  const MillStreamReport *report =
      process->streams->len > 0 ? process->streams->pdata[0] : NULL;
  return process->draining ||
      (report &&
          (report->generation != member->generation ||
              report->state == MILL_STREAM_FAILED ||
              !g_str_equal (report->name, member->stream)));
}

static void
on_connected (MillProcess *process, gpointer user_data)
{
  Member *member = user_data;
  const MillProcessReport *report = mill_process_get_report (process);
  if (is_stale (member, report)) {
    mill_process_end (process);
    mill_process_launch (process);
    return;
  }
  let_go_of_worker (member);
  member->worker = g_object_ref (mill_process_get_worker (process));
  g_signal_connect (member->worker, "stream-changed",
      G_CALLBACK (on_stream_changed), member);
  if (report->streams->len == 0) {
    start_part (member);
    return;
  }
  member->adopts = FALSE;
  mill_process_set_patience (process, PATIENCE_MS);
  MILL_LOG_STREAM (G_LOG_LEVEL_MESSAGE, member->stream, "part %s runs on",
      member->id);
  take_report (member, report->streams->pdata[0]);
}

static void
launch (Member *member)
{
  MillProcess *process =
      mill_fleet_take_isolated (member->runner->fleet, member->id);
  if (process != member->process) {
    let_go_of_process (member);
    member->process = g_object_ref (process);
    g_object_connect (process, "signal::connected", G_CALLBACK (on_connected),
        member, "signal::lost", G_CALLBACK (on_lost), member, "signal::failed",
        G_CALLBACK (on_failed), member, NULL);
  }
  mill_process_launch (process);
}

/* ---- the parts of a stream ---- */

static void
add_member (MillPartRunner *runner, const MillStream *stream, MillPart *part,
    MillPartRunnerHow how)
{
  MillStreamClock clock = mill_stream_clock ();
  Member *member = g_new0 (Member, 1);
  member->runner = runner;
  member->stream = g_strdup (stream->row->name);
  member->generation = stream->row->generation;
  member->index = part->process;
  member->id = g_strdup (part->id);
  member->adopts = how == MILL_PART_RUNNER_ADOPT;
  member->life = g_cancellable_new ();
  g_hash_table_insert (runner->members, member->id, member);
  if (member->adopts)
    mill_part_adopt (part, &clock);
  else
    mill_part_begin (part, &clock);
  launch (member);
}

void
mill_part_runner_start (MillPartRunner *runner, MillStream *stream,
    MillPartRunnerHow how)
{
  mill_part_runner_end (runner, stream->row->name);
  for (guint i = 0; i < stream->parts->len; i++)
    add_member (runner, stream, g_ptr_array_index (stream->parts, i), how);
}

static gboolean
end_if_of_stream (gpointer id, gpointer value, gpointer stream)
{
  Member *member = value;
  if (!g_str_equal (member->stream, stream))
    return FALSE;
  MillProcess *process =
      mill_fleet_take_isolated (member->runner->fleet, member->id);
  mill_process_end (process);
  return TRUE;
}

void
mill_part_runner_end (MillPartRunner *runner, const gchar *stream)
{
  g_hash_table_foreach_remove (runner->members, end_if_of_stream,
      (gpointer) stream);
}

void
mill_part_runner_drain (MillPartRunner *runner)
{
  GHashTableIter iter;
  gpointer value;
  runner->draining = TRUE;
  g_hash_table_iter_init (&iter, runner->members);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_clear_handle_id (&((Member *) value)->timer, g_source_remove);
}

/* ---- life ---- */

MillPartRunner *
mill_part_runner_new (MillFleet *fleet, MillStreamRegistry *registry,
    MillPartRunnerChanged changed, gpointer user_data)
{
  MillPartRunner *runner = g_new0 (MillPartRunner, 1);
  runner->fleet = fleet;
  runner->registry = registry;
  runner->changed = changed;
  runner->user_data = user_data;
  runner->members = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
      (GDestroyNotify) member_free);
  return runner;
}

void
mill_part_runner_free (MillPartRunner *runner)
{
  if (!runner)
    return;
  g_hash_table_unref (runner->members);
  g_free (runner);
}
