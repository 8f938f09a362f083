/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "publish.h"

#include <string.h>

/* Bytes of a stranger's text that a message repeats. */
#define MAX_QUOTED 64

static const struct
{
  const gchar *name;
  const gchar *code;
} results[MILL_PUBLISH_N_RESULTS] = {
  [MILL_PUBLISH_ACCEPTED] = { "accepted", "NetStream.Publish.Start" },
  [MILL_PUBLISH_RESUMED] = { "resumed", "NetStream.Publish.Start" },
  [MILL_PUBLISH_JOINED] = { "joined", "NetStream.Publish.Start" },
  [MILL_PUBLISH_REPLACED] = { "replaced", "NetStream.Publish.Start" },
  [MILL_PUBLISH_UNKNOWN_APP] = { "unknown_app", "NetStream.Publish.Denied" },
  [MILL_PUBLISH_DENIED] = { "denied", "NetStream.Publish.Denied" },
  [MILL_PUBLISH_BUSY] = { "busy", "NetStream.Publish.BadName" },
  [MILL_PUBLISH_STOPPED] = { "stopped", "NetStream.Publish.Denied" },
  [MILL_PUBLISH_LIMIT] = { "limit", "NetStream.Publish.Denied" },
  [MILL_PUBLISH_INVALID] = { "invalid", "NetStream.Publish.Denied" },
  [MILL_PUBLISH_UNAVAILABLE] = { "unavailable", "NetStream.Publish.Denied" },
};

const gchar *
mill_publish_result_to_string (MillPublishResult result)
{
  return results[result].name;
}

const gchar *
mill_publish_result_to_code (MillPublishResult result)
{
  return results[result].code;
}

void
mill_publish_decision_free (MillPublishDecision *decision)
{
  if (!decision)
    return;
  g_free (decision->text);
  g_free (decision->detail);
  g_free (decision->stream);
  g_clear_pointer (&decision->spec, mill_run_spec_free);
  g_free (decision);
}

const gchar *
mill_publish_decision_get_reason (const MillPublishDecision *decision)
{
  return decision->denial != MILL_DENIAL_NONE
      ? mill_publish_verdict_denial_to_string (decision->denial)
      : mill_publish_result_to_string (decision->result);
}

static void refuse (MillPublishDecision *decision, MillPublishResult result,
    const gchar *format, ...) G_GNUC_PRINTF (3, 4);

static void
refuse (MillPublishDecision *decision, MillPublishResult result,
    const gchar *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  decision->result = result;
  decision->text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
}

/* ---- the steps, in the order in which they may tell a stranger something:
 *      nothing about a stream before its publisher is known to be good ---- */

gchar *
mill_publish_hide_key (const gchar *app)
{
  const gchar *slash = strrchr (app, '/');
  const gchar *last = slash ? slash + 1 : app;

  return g_str_has_prefix (last, MILL_PUBLISH_AUTH_KEY_PREFIX)
      ? g_strdup_printf ("%.*s***", (gint) (last - app), app)
      : g_strdup (app);
}

/* A stranger chose the name: any bytes, of any length, which go back to him
 * and into a log. Cut before it is escaped, so that no escape is. */
static gchar *
quote_app (const gchar *app)
{
  g_autofree gchar *shown = mill_publish_hide_key (app);
  g_autofree gchar *head = g_strndup (shown, MAX_QUOTED);
  g_autofree gchar *escaped = g_strescape (head, NULL);

  return g_strdup_printf ("'%s'%s", escaped,
      strlen (shown) > MAX_QUOTED ? "..." : "");
}

static gboolean
check_verdict (MillPublishDecision *decision, const MillPublishContext *context,
    const MillPublisher *publisher, const MillPublishVerdict *verdict)
{
  decision->app = mill_config_find_app (context->config, publisher->app);
  decision->denial = verdict->denial;
  decision->detail = g_strdup (verdict->detail);
  /* Who has tried too often is not told which applications there are. */
  if (!decision->app && verdict->denial != MILL_DENIAL_RATE) {
    g_autofree gchar *app = quote_app (publisher->app);
    decision->denial = MILL_DENIAL_NONE;
    refuse (decision, MILL_PUBLISH_UNKNOWN_APP,
        "there is no application %s, expected one of the configuration's apps "
        "(rtmp://HOST/APP/NAME)",
        app);
    return FALSE;
  }
  decision->stream = g_strdup (verdict->stream);
  if (verdict->denial != MILL_DENIAL_NONE)
    refuse (decision,
        verdict->denial == MILL_DENIAL_UNAVAILABLE ? MILL_PUBLISH_UNAVAILABLE
                                                   : MILL_PUBLISH_DENIED,
        "%s", verdict->text);
  return verdict->denial == MILL_DENIAL_NONE;
}

/* A stream whose every start fails is turned away for its longest back-off
 * after each attempt: an encoder that retries every second gets a clear
 * answer, and the pipeline is not built and torn down for it. */
static gboolean
is_held_back (const MillStream *stream, const MillStreamClock *clock)
{
  return mill_restart_policy_is_exhausted (&stream->restarts,
             &stream->policy) &&
      stream->state == MILL_STATUS_FAILED &&
      clock->monotonic_us - stream->restarts.ended_at <
      (gint64) stream->policy.backoff_max_ms * 1000;
}

/* A place that somebody has lost may be taken by whoever has the right to. */
static void
check_places (MillPublishDecision *decision, const MillStream *stream)
{
  MillTakeover takeover = decision->app->takeover;

  if (stream->state == MILL_STATUS_RECONNECTING || stream->n_away > 0)
    decision->result = MILL_PUBLISH_RESUMED;
  else if (stream->n_free > 0 && takeover != MILL_TAKEOVER_REFUSE)
    decision->result = MILL_PUBLISH_JOINED;
  else if (takeover == MILL_TAKEOVER_REPLACE)
    decision->result = MILL_PUBLISH_REPLACED;
  else
    refuse (decision, MILL_PUBLISH_BUSY, "stream '%s' has %s already",
        stream->row->name,
        takeover == MILL_TAKEOVER_BACKUP ? "all the publishers it has room for"
                                         : "a publisher");
}

static gboolean
check_stream (MillPublishDecision *decision, const MillPublishContext *context,
    const MillStream *stream, const MillStreamClock *clock)
{
  const MillStreamRow *row = stream->row;
  if (row->desired == MILL_DESIRED_STOPPED)
    refuse (decision, MILL_PUBLISH_STOPPED, "stream '%s' is stopped",
        row->name);
  else if (row->app && (mill_stream_is_running (stream) || row->declared) &&
      g_strcmp0 (row->app, decision->app->name) != 0)
    refuse (decision, MILL_PUBLISH_BUSY,
        "stream '%s' belongs to another application", row->name);
  else if (mill_stream_is_running (stream) && row->owner)
    check_places (decision, stream);
  else if (is_held_back (stream, clock))
    refuse (decision, MILL_PUBLISH_STOPPED,
        "stream '%s' failed %u times in a row, last: %s", row->name,
        stream->restarts.starts, row->last_error ? row->last_error : "unknown");
  return decision->text == NULL;
}

static void
add_warnings (GPtrArray *warnings, const gchar *pipeline,
    MillDiagnostics *diagnostics)
{
  GPtrArray *all = mill_diagnostics_get_all (diagnostics);
  for (guint i = 0; i < all->len; i++) {
    const MillDiagnostic *diagnostic = g_ptr_array_index (all, i);
    if (diagnostic->severity == MILL_SEVERITY_WARNING)
      g_ptr_array_add (warnings,
          g_strdup_printf ("pipeline '%s': %s", pipeline, diagnostic->message));
  }
}

/* @warnings: (nullable) (element-type utf8)
 * Returns: (transfer full) (nullable): NULL when no publisher can be taken with
 * @request, and *@text (transfer full) says why. */
static MillRunSpec *
plan_request (MillCatalog *catalog, const MillRunRequest *request, gchar **text,
    GPtrArray *warnings)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (MillRunSpec) spec =
      mill_run_spec_new (catalog, request, diagnostics);
  if (warnings)
    add_warnings (warnings, request->pipeline, diagnostics);
  if (!spec) {
    g_autofree gchar *all = mill_diagnostics_to_string (diagnostics);
    *text = g_strdup_printf ("pipeline '%s' cannot run: %s", request->pipeline,
        g_strchomp (all));
    return NULL;
  }
  if (spec->n_places == 0) {
    *text = g_strdup_printf (
        "pipeline '%s' takes no publisher, expected a node of element "
        "rtmpserversrc without a location",
        request->pipeline);
    return NULL;
  }
  return g_steal_pointer (&spec);
}

/* A declared stream has a pipeline and parameters of its own. */
static void
plan_run (MillPublishDecision *decision, const MillPublishContext *context,
    const MillStream *stream)
{
  g_autofree gchar *text = NULL;
  g_autoptr (GHashTable) params = stream && stream->row->declared
      ? mill_stream_registry_get_params (stream)
      : g_hash_table_ref (decision->app->params);
  MillRunRequest request = {
    .pipeline = stream && stream->row->declared ? stream->row->pipeline
                                                : decision->app->pipeline,
    .stream = decision->stream,
    .media_dir = context->config->media_dir,
    .runtime_dir = context->config->runtime_dir,
    .params = params,
  };
  decision->spec = plan_request (context->catalog, &request, &text, NULL);
  if (decision->spec)
    return;
  /* Files and lines of this machine are nothing for a stranger. */
  refuse (decision, MILL_PUBLISH_INVALID,
      "the pipeline of this application cannot run, the server's log says why");
  g_free (decision->detail);
  decision->detail = g_steal_pointer (&text);
}

/* The second publisher has nowhere to go. */
static gchar *
check_backup (const MillApp *app, const MillRunSpec *spec)
{
  if (app->takeover != MILL_TAKEOVER_BACKUP || spec->n_places > 1)
    return NULL;
  return g_strdup_printf (
      "refuses every second publisher: takeover is backup, and pipeline '%s' "
      "has one place for a publisher, expected one with two, as live-failover "
      "has, or takeover replace",
      app->pipeline);
}

gchar *
mill_publish_check_app (const MillConfig *config, MillCatalog *catalog,
    const MillApp *app, const MillPlace **ret_place, GPtrArray *warnings)
{
  g_autofree gchar *text = NULL;
  MillRunRequest request = { .pipeline = app->pipeline,
    .stream = app->name,
    .media_dir = config->media_dir,
    .runtime_dir = config->runtime_dir,
    .params = app->params };
  g_autoptr (MillRunSpec) spec =
      plan_request (catalog, &request, &text, warnings);
  if (ret_place)
    *ret_place = spec ? &app->takeover_place : &app->pipeline_place;
  if (!spec)
    return g_strdup_printf ("refuses its publishers: %s", text);
  return check_backup (app, spec);
}

/* Each is a process, and mostly one that encodes: a machine has cores for so
 * many, and one too many makes all of them late. */
static void
check_isolated (MillPublishDecision *decision,
    const MillPublishContext *context)
{
  guint limit = context->config->workers_max_isolated;
  guint wanted = decision->spec ? decision->spec->n_processes - 1 : 0;
  guint n_parts = mill_stream_registry_count_parts (context->registry);
  if (limit == 0 || wanted == 0 || n_parts + wanted <= limit)
    return;
  g_clear_pointer (&decision->spec, mill_run_spec_free);
  refuse (decision, MILL_PUBLISH_LIMIT,
      "%u isolated workers run already, workers.limits.isolated allows no more",
      n_parts);
}

MillPublishDecision *
mill_publish_decide (const MillPublishContext *context,
    const MillPublisher *publisher, const MillPublishVerdict *verdict,
    const MillStreamClock *clock)
{
  MillPublishDecision *decision = g_new0 (MillPublishDecision, 1);
  guint limit = context->config->workers_max_streams;

  if (!check_verdict (decision, context, publisher, verdict))
    return decision;
  const MillStream *stream =
      mill_stream_registry_find (context->registry, decision->stream);
  if (stream && !check_stream (decision, context, stream, clock))
    return decision;
  if (decision->result != MILL_PUBLISH_ACCEPTED)
    return decision;
  if (limit > 0 && !(stream && mill_stream_is_running (stream)) &&
      mill_stream_registry_count_running (context->registry) >= limit)
    refuse (decision, MILL_PUBLISH_LIMIT,
        "%u streams run already, workers.limits.streams allows no more", limit);
  else
    plan_run (decision, context, stream);
  check_isolated (decision, context);
  return decision;
}
