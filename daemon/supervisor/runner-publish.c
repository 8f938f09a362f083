/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "runner-publish.h"

#include "daemon/ipc/ipc.h"
#include "event-feed.h"
#include "runner-private.h"

/** A request that is being authenticated. */
typedef struct
{
  MillRunner *runner;
  MillWorkerProxy *worker; /* that asked */
  guint64 id;
  MillPublisher *publisher;
} Request;

static void
request_free (gpointer data)
{
  Request *request = data;
  g_object_unref (request->worker);
  mill_publisher_free (request->publisher);
  g_free (request);
}

/* ---- accepted ---- */

/* The publisher gave up before the worker heard our answer, as all do while
 * millraced does not run. Nothing failed: it may come back to its timeline. */
static void
take_absence (MillRunner *runner, MillStream *stream)
{
  MillStreamClock clock = mill_stream_clock ();
  MillStreamStep step = mill_stream_lose (stream,
      "the publisher left before it was answered", &clock);
  mill_runner_settle (runner, stream, &step);
}

/** An answer on its way to the worker. */
typedef struct
{
  MillRunnerCall *call;
  gchar *address; /* of the publisher */
} Answer;

static void
answer_free (Answer *answer)
{
  mill_runner_call_free (answer->call);
  g_free (answer->address);
  g_free (answer);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Answer, answer_free)

static gboolean
finish_answer (Answer *answer, GObject *source, GAsyncResult *result,
    GError **error)
{
  MillRunnerCall *call = answer->call;
  gboolean accepted =
      mill_worker_proxy_accept_publish_finish (MILL_WORKER_PROXY (source),
          result, error);
  if (!mill_runner_call_find_stream (call))
    return accepted;
  if (accepted)
    mill_admissions_confirm (call->runner->admissions, call->name,
        answer->address);
  else
    mill_admissions_withdraw (call->runner->admissions, call->name,
        answer->address);
  return accepted;
}

static void
on_publish_accepted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Answer) answer = user_data;
  g_autoptr (GError) error = NULL;
  MillRunnerCall *call = answer->call;
  gboolean accepted = finish_answer (answer, source, result, &error);
  MillStream *stream = mill_runner_call_find_stream (call);
  if (accepted || !stream || stream->state != MILL_STATUS_STARTING)
    return;
  if (g_error_matches (error, MILL_IPC_ERROR, MILL_IPC_ERROR_NOT_FOUND))
    take_absence (call->runner, stream);
  else
    mill_runner_take_failure (call->runner, stream, error);
}

/* A run that is there already is none the worse for it. */
static void
on_joined (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Answer) answer = user_data;
  g_autoptr (GError) error = NULL;

  if (!finish_answer (answer, source, result, &error))
    g_message ("publisher of stream '%s' not taken: %s", answer->call->name,
        error->message);
}

static MillStream *
take_stream (MillRunner *runner, const MillPublishDecision *decision)
{
  MillStream *stream =
      mill_stream_registry_find (runner->context.registry, decision->stream);
  if (!stream)
    stream = mill_stream_registry_add (runner->context.registry,
        decision->stream, decision->app->name, decision->app->pipeline);
  if (!stream->row->declared && decision->spec) {
    g_free (stream->row->app);
    stream->row->app = g_strdup (decision->app->name);
    g_free (stream->row->pipeline);
    stream->row->pipeline = g_strdup (decision->app->pipeline);
    /* Kept: another millraced may have to plan a part of this run again. */
    mill_stream_registry_set_params (stream, decision->app->params);
  }
  return stream;
}

static gboolean
accept_publisher (Request *request, MillPublishDecision *decision,
    GError **error)
{
  MillRunner *runner = request->runner;
  MillStream *stream = take_stream (runner, decision);
  if (decision->spec &&
      !mill_runner_begin (runner, stream, decision->spec, error))
    return FALSE;
  MillWorkerStart start = mill_runner_describe_start (stream);
  if (!decision->spec)
    start.graph = NULL; /* it runs, and goes on */
  start.takeover = decision->app->takeover;
  Answer *answer = g_new0 (Answer, 1);
  answer->call = mill_runner_call_new (runner, stream);
  answer->address = g_strdup (request->publisher->address);
  mill_worker_proxy_accept_publish_async (runner->worker, request->id, &start,
      decision->spec ? on_publish_accepted : on_joined, answer);
  if (decision->spec)
    mill_part_runner_start (runner->parts, stream, MILL_PART_RUNNER_START);
  return TRUE;
}

/* ---- refused ---- */

static void
refuse_publisher (Request *request, const MillPublishDecision *decision)
{
  MillRunner *runner = request->runner;
  const gchar *reason = mill_publish_decision_get_reason (decision);

  runner->publishes[decision->result]++;
  runner->denials[decision->denial]++;
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MILL_REASON", reason,
      "MILL_ADDRESS", request->publisher->address, "MESSAGE",
      "publisher %s refused (%s): %s%s%s%s", request->publisher->address,
      reason, decision->text, decision->detail ? " (" : "",
      decision->detail ? decision->detail : "", decision->detail ? ")" : "");
  mill_event_feed_refused (runner->events, request->publisher, decision);
  mill_worker_proxy_refuse_publish (request->worker, request->id,
      mill_publish_result_to_code (decision->result), decision->text);
}

/* ---- requests ---- */

static void
make_unavailable (MillPublishDecision *decision, const gchar *text)
{
  decision->result = MILL_PUBLISH_UNAVAILABLE;
  decision->text = g_strdup (text);
}

static void
remember (Request *request, const MillPublishDecision *decision,
    const MillPublishVerdict *verdict)
{
  MillAdmission admission = { verdict, request->publisher->address,
    decision->app->ends_on_expiry };
  MillStream *stream =
      mill_stream_registry_find (request->runner->context.registry,
          decision->stream);
  if (stream && mill_stream_is_running (stream))
    mill_admissions_add (request->runner->admissions, stream, &admission);
}

/* Who was sent away for it, or went in time to begin anew.
 * @granted: (transfer full)
 * Returns: (transfer full) */
static MillPublishVerdict *
hold_to_bitrate (MillRunner *runner, MillPublishVerdict *granted)
{
  gint64 wait_s = granted->denial == MILL_DENIAL_NONE
      ? mill_admissions_get_wait_s (runner->admissions, granted)
      : 0;
  if (wait_s == 0)
    return granted;
  g_autoptr (MillPublishVerdict) before = granted;
  g_autofree gchar *text =
      g_strdup_printf ("more was sent than is allowed (%" G_GUINT64_FORMAT
                       " bit/s), wait %" G_GINT64_FORMAT " s",
          before->limits.bitrate_bps, wait_s);
  return mill_publish_verdict_new_denied (MILL_DENIAL_BITRATE, text,
      before->key_id);
}

static void
on_authenticated (MillPublishVerdict *granted, gpointer user_data)
{
  Request *request = user_data;
  MillRunner *runner = request->runner;
  MillStreamClock clock = mill_stream_clock ();
  g_autoptr (MillPublishVerdict) verdict = hold_to_bitrate (runner, granted);
  g_autoptr (GError) error = NULL;

  /* Its connection is gone, and its publishers ask the next one again. */
  if (runner->worker != request->worker)
    return;
  g_autoptr (MillPublishDecision) decision =
      mill_publish_decide (&runner->context, request->publisher, verdict,
          &clock);
  if (runner->draining && !decision->text)
    make_unavailable (decision, "the server is shutting down");
  if (!decision->text && !accept_publisher (request, decision, &error)) {
    g_warning ("publisher refused: %s", error->message);
    make_unavailable (decision, "the daemon cannot keep streams just now");
  }
  if (decision->text) {
    refuse_publisher (request, decision);
    return;
  }
  runner->publishes[decision->result]++;
  remember (request, decision, verdict);
  MILL_LOG_STREAM (G_LOG_LEVEL_MESSAGE, decision->stream,
      "publisher %s accepted%s%s", request->publisher->address,
      verdict->key_id ? " by " : "", verdict->key_id ? verdict->key_id : "");
}

void
mill_runner_publish_take (MillWorkerProxy *worker, guint64 id,
    const MillPublisher *publisher, gpointer user_data)
{
  MillRunner *runner = user_data;
  Request *request = g_new0 (Request, 1);
  request->runner = runner;
  request->worker = g_object_ref (worker);
  request->id = id;
  request->publisher = mill_publisher_copy (publisher);
  mill_publish_gate_ask (runner->gate, publisher, on_authenticated, request,
      request_free);
}

/* ---- the end of what was accepted ---- */

gboolean
mill_runner_publish_end (MillStream *stream, const gchar *address,
    MillAdmissionEnd end, const gchar *reason, gpointer user_data)
{
  MillRunner *runner = user_data;
  MillStreamClock clock = mill_stream_clock ();
  g_autofree gchar *what = address
      ? g_strdup_printf ("publisher %s sent away", address)
      : g_strdup ("ended");

  if (!runner->worker)
    return FALSE;
  MILL_LOG_STREAM (G_LOG_LEVEL_MESSAGE, stream->row->name, "%s (%s): %s", what,
      mill_admissions_end_to_string (end), reason);
  mill_stream_log (stream, "warning", &clock, "%s: %s", what, reason);
  if (address)
    mill_worker_proxy_drop_publisher (runner->worker, stream->row->name,
        address, reason);
  else if (stream->row->owner)
    mill_worker_proxy_stop_stream_async (runner->worker, stream->row->name,
        MILL_WORKER_STOP_EOS, NULL, NULL);
  return TRUE;
}

void
mill_runner_publish_recheck_key (MillRunner *runner, const gchar *key_id,
    const gchar *app_name)
{
  const MillApp *app = mill_config_find_app (runner->context.config, app_name);
  mill_admissions_recheck_key (runner->admissions, key_id,
      app && app->ends_on_expiry);
}

/* ---- counters ---- */

guint64
mill_runner_publish_get_requests (MillRunner *runner, MillPublishResult result)
{
  return runner->publishes[result];
}

/* Denials by authentication, then what the decision itself refuses for. */
guint64
mill_runner_publish_get_refused (MillRunner *runner, const gchar *reason)
{
  for (guint i = MILL_DENIAL_NONE + 1; i < MILL_N_DENIALS; i++)
    if (g_str_equal (mill_publish_verdict_denial_to_string (i), reason))
      return i == MILL_DENIAL_UNAVAILABLE
          ? runner->publishes[MILL_PUBLISH_UNAVAILABLE]
          : runner->denials[i];
  for (guint i = 0; i < MILL_PUBLISH_N_RESULTS; i++)
    if (g_str_equal (mill_publish_result_to_string (i), reason))
      return runner->publishes[i];
  return 0;
}

const gchar *const *
mill_runner_publish_list_reasons (void)
{
  static const gchar *names[MILL_N_DENIALS + MILL_PUBLISH_N_RESULTS];
  guint n = 0;

  for (guint i = MILL_DENIAL_NONE + 1; i < MILL_N_DENIALS; i++)
    names[n++] = mill_publish_verdict_denial_to_string (i);
  for (guint i = 0; i < MILL_PUBLISH_N_RESULTS; i++)
    if (i != MILL_PUBLISH_ACCEPTED && i != MILL_PUBLISH_RESUMED &&
        i != MILL_PUBLISH_JOINED && i != MILL_PUBLISH_REPLACED &&
        i != MILL_PUBLISH_DENIED && i != MILL_PUBLISH_UNAVAILABLE)
      names[n++] = mill_publish_result_to_string (i);
  names[n] = NULL;
  return names;
}

guint64
mill_runner_publish_get_ended (MillRunner *runner, MillAdmissionEnd end)
{
  return mill_admissions_get_ended (runner->admissions, end);
}
