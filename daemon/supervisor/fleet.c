/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "fleet.h"

#include <string.h>

#include "daemon/ipc/ipc.h"
#include "event-feed.h"
#include "listener-set.h"

#define SHARED_WORKER_ID "shared-1"
#define ORIGIN_ID "origin"

/* A process that dies again and again is started at this pace. */
#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 10000
/* One that lived as long as this was healthy. */
#define HEALTHY_US (30 * G_USEC_PER_SEC)

/* Longer than the poll of the proxies, so that each sample is a new one. */
#define SAMPLE_SECONDS 5

/** A process that is always to run, and listens. */
typedef struct
{
  MillFleet *fleet; /* not owned */
  MillProcess *process;
  MillListenerSet *listeners;
  gboolean disabled; /* an origin that is to listen nowhere */
  gboolean up;
  gint64 up_since; /* monotonic */
  guint retry_ms;
  guint timer;
} Server;

struct _MillFleet
{
  GObject parent;
  MillProcessLauncher *launcher;
  MillEventLog *events;
  GCancellable *life;
  Server shared;
  Server origin;
  GHashTable *isolated; /* id -> MillProcess */
  GPtrArray *orphans; /* ids of isolated workers found at the start */
  GPtrArray *strangers; /* (element-type MillWorkerProxy): drain */
  gboolean adopts; /* the shared worker ran before us */
  gboolean was_up;
  gboolean leaving;
  guint drain_timer;
  guint sample_timer;
  guint restarts;
};

G_DEFINE_FINAL_TYPE (MillFleet, mill_fleet, G_TYPE_OBJECT)

enum
{
  SIGNAL_WORKER_UP,
  SIGNAL_WORKER_DOWN,
  SIGNAL_UP,
  SIGNAL_FAILED,
  SIGNAL_EMPTY,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

/* ---- reading ---- */

gboolean
mill_fleet_is_up (MillFleet *fleet)
{
  return fleet->shared.up && (fleet->origin.up || fleet->origin.disabled);
}

gboolean
mill_fleet_adopts (MillFleet *fleet)
{
  return fleet->adopts;
}

const gchar *
mill_fleet_get_rtmp_address (MillFleet *fleet)
{
  return mill_listener_set_get_bound (fleet->shared.listeners, "rtmp");
}

const gchar *
mill_fleet_get_rtmps_address (MillFleet *fleet)
{
  return mill_listener_set_get_bound (fleet->shared.listeners, "rtmps");
}

const gchar *
mill_fleet_get_origin_address (MillFleet *fleet)
{
  return mill_listener_set_get_bound (fleet->origin.listeners, "origin");
}

guint
mill_fleet_get_restarts (MillFleet *fleet)
{
  return fleet->restarts;
}

void
mill_fleet_count_restart (MillFleet *fleet)
{
  fleet->restarts++;
}

static gint
compare_ids (gconstpointer a, gconstpointer b)
{
  return strcmp (mill_process_get_id (*(MillProcess *const *) a),
      mill_process_get_id (*(MillProcess *const *) b));
}

GPtrArray *
mill_fleet_list (MillFleet *fleet)
{
  GPtrArray *list = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer process;
  g_ptr_array_add (list, fleet->shared.process);
  g_ptr_array_add (list, fleet->origin.process);
  g_hash_table_iter_init (&iter, fleet->isolated);
  while (g_hash_table_iter_next (&iter, NULL, &process))
    g_ptr_array_add (list, process);
  g_ptr_array_sort (list, compare_ids);
  return list;
}

/* ---- going down, and trying again ---- */

/* A process that is connected only lacks its listener: its address was taken
 * for a while, by another program or by what is left of its predecessor. */
static gboolean
on_retry_due (gpointer user_data)
{
  Server *server = user_data;
  server->timer = 0;
  if (mill_process_get_report (server->process)) {
    mill_listener_set_open (server->listeners, server->process);
    return G_SOURCE_REMOVE;
  }
  server->fleet->restarts++;
  mill_process_launch (server->process);
  return G_SOURCE_REMOVE;
}

static void
retry (Server *server)
{
  if (server->up_since > 0 &&
      g_get_monotonic_time () - server->up_since > HEALTHY_US)
    server->retry_ms = 0;
  server->retry_ms = CLAMP (server->retry_ms * 2, RETRY_MIN_MS, RETRY_MAX_MS);
  g_clear_handle_id (&server->timer, g_source_remove);
  server->timer = g_timeout_add (server->retry_ms, on_retry_due, server);
}

/* Before the first "up" an error is the user's to hear (an occupied port);
 * after it viewers depend on us, so we go on trying. */
static void
fail (Server *server, const GError *error)
{
  MillFleet *fleet = server->fleet;
  const gchar *id = mill_process_get_id (server->process);
  g_autofree gchar *text = mill_ipc_error_get_message (error);
  if (fleet->leaving)
    return;
  if (fleet->was_up) {
    g_warning ("%s: %s", id, text);
    retry (server);
    return;
  }
  g_autoptr (GError) named =
      g_error_new (error->domain, error->code, "%s: %s", id, text);
  g_signal_emit (fleet, signals[SIGNAL_FAILED], 0, named);
}

static void
on_failed (MillProcess *process, const GError *error, gpointer user_data)
{
  Server *server = user_data;
  if (g_error_matches (error, MILL_IPC_ERROR, MILL_IPC_ERROR_PROTOCOL) &&
      mill_process_get_kind (process) == MILL_PROCESS_SHARED) {
    /* A process of another version serves its streams to their end and keeps
     * its socket until then: its successor needs another name. */
    g_autofree gchar *id = g_strdup_printf ("shared-%" G_GINT64_FORMAT,
        g_get_real_time () / G_USEC_PER_SEC);
    mill_process_set_id (process, id);
    mill_process_launch (process);
  } else
    fail (server, error);
}

static gboolean
is_gone (MillProcess *process)
{
  return mill_process_get_report (process) == NULL;
}

static void
check_empty (MillFleet *fleet)
{
  if (!fleet->leaving || fleet->drain_timer == 0 ||
      !is_gone (fleet->shared.process) || !is_gone (fleet->origin.process) ||
      g_hash_table_size (fleet->isolated) > 0)
    return;
  g_clear_handle_id (&fleet->drain_timer, g_source_remove);
  g_signal_emit (fleet, signals[SIGNAL_EMPTY], 0);
}

static void
on_lost (MillProcess *process, const gchar *reason, const gchar *words,
    gpointer user_data)
{
  Server *server = user_data;
  server->up = FALSE;
  mill_listener_set_abandon (server->listeners);
  mill_event_feed_process_crashed (server->fleet->events, process, reason);
  if (mill_process_get_kind (process) == MILL_PROCESS_SHARED)
    g_signal_emit (server->fleet, signals[SIGNAL_WORKER_DOWN], 0, reason);
  retry (server);
}

static void
on_ended (MillProcess *process, gpointer user_data)
{
  Server *server = user_data;
  server->up = FALSE;
  mill_listener_set_abandon (server->listeners);
  check_empty (server->fleet);
}

/* ---- coming up: connected, listening ---- */

static void
become_up (Server *server)
{
  MillFleet *fleet = server->fleet;
  server->up = TRUE;
  server->up_since = g_get_monotonic_time ();
  if (fleet->was_up || !mill_fleet_is_up (fleet))
    return;
  fleet->was_up = TRUE;
  g_signal_emit (fleet, signals[SIGNAL_UP], 0);
}

static void
on_opened (const GError *error, gpointer user_data)
{
  Server *server = user_data;
  if (error)
    fail (server, error);
  else
    become_up (server);
}

static void
on_connected (MillProcess *process, gpointer user_data)
{
  Server *server = user_data;
  MillWorkerProxy *worker = mill_process_get_worker (process);
  mill_event_feed_process_started (server->fleet->events, process);
  if (worker)
    g_signal_emit (server->fleet, signals[SIGNAL_WORKER_UP], 0, worker);
  mill_listener_set_open (server->listeners, server->process);
}

/* ---- isolated workers ---- */

static void
on_isolated_connected (MillProcess *process, gpointer user_data)
{
  mill_event_feed_process_started (MILL_FLEET (user_data)->events, process);
}

static void
on_isolated_lost (MillProcess *process, const gchar *reason, const gchar *words,
    gpointer user_data)
{
  mill_event_feed_process_crashed (MILL_FLEET (user_data)->events, process,
      reason);
}

static void
on_isolated_ended (MillProcess *process, gpointer user_data)
{
  MillFleet *fleet = user_data;
  g_signal_handlers_disconnect_by_data (process, fleet);
  g_hash_table_remove (fleet->isolated, mill_process_get_id (process));
  check_empty (fleet);
}

MillProcess *
mill_fleet_take_isolated (MillFleet *fleet, const gchar *id)
{
  MillProcess *process = g_hash_table_lookup (fleet->isolated, id);
  if (process)
    return process;
  process = mill_process_new (MILL_PROCESS_ISOLATED, id, fleet->launcher);
  g_object_connect (process, "signal::connected",
      G_CALLBACK (on_isolated_connected), fleet, "signal::lost",
      G_CALLBACK (on_isolated_lost), fleet, "signal::ended",
      G_CALLBACK (on_isolated_ended), fleet, NULL);
  g_hash_table_insert (fleet->isolated, g_strdup (id), process);
  return process;
}

void
mill_fleet_end_strangers (MillFleet *fleet)
{
  for (guint i = 0; i < fleet->orphans->len; i++) {
    const gchar *id = g_ptr_array_index (fleet->orphans, i);
    if (g_hash_table_contains (fleet->isolated, id))
      continue;
    g_message ("worker %s runs a part that nobody wants: ended", id);
    MillProcess *process = mill_fleet_take_isolated (fleet, id);
    mill_process_launch (process); /* connects: it runs */
    mill_process_end (process);
  }
  g_ptr_array_set_size (fleet->orphans, 0);
}

/* ---- workers that are not ours by name ---- */

static void
ignore_drain (GObject *source, GAsyncResult *result, gpointer user_data)
{
  /* The proxy is kept in strangers until the fleet goes. */
}

static void
on_stranger_connected (GObject *source, GAsyncResult *result,
    gpointer user_data)
{
  g_autoptr (MillFleet) fleet = user_data;
  g_autoptr (GError) error = NULL;
  MillWorkerProxy *proxy = mill_worker_proxy_connect_finish (result, &error);
  if (!proxy)
    return; /* of another version: it was told by connecting */
  g_message ("worker %s is not of this configuration: drained",
      mill_worker_proxy_get_id (proxy));
  g_ptr_array_add (fleet->strangers, proxy);
  mill_worker_proxy_drain_async (proxy, ignore_drain, NULL);
}

/* Isolated workers, named STREAM.PROCESS, may belong to a stream: whoever
 * runs the streams takes them, or ends them as strangers. */
static void
find_workers (MillFleet *fleet)
{
  g_auto (GStrv) ids = mill_process_launcher_scan_workers (fleet->launcher);
  for (guint i = 0; ids && ids[i]; i++) {
    if (g_str_equal (ids[i], SHARED_WORKER_ID)) {
      fleet->adopts = TRUE;
      continue;
    }
    if (strchr (ids[i], '.')) {
      g_ptr_array_add (fleet->orphans, g_strdup (ids[i]));
      continue;
    }
    g_autofree gchar *socket =
        mill_process_launcher_get_worker_socket (fleet->launcher, ids[i]);
    mill_worker_proxy_connect_async (socket, fleet->life, on_stranger_connected,
        g_object_ref (fleet));
  }
}

void
mill_fleet_start (MillFleet *fleet)
{
  find_workers (fleet);
  mill_process_launch (fleet->shared.process);
  if (!fleet->origin.disabled)
    mill_process_launch (fleet->origin.process);
}

/* ---- the end ---- */

static gboolean
on_drain_timeout (gpointer user_data)
{
  MillFleet *fleet = user_data;
  fleet->drain_timer = 0;
  g_warning ("processes did not end in time: left alone");
  g_signal_emit (fleet, signals[SIGNAL_EMPTY], 0);
  return G_SOURCE_REMOVE;
}

static void
stop_retries (MillFleet *fleet)
{
  fleet->leaving = TRUE;
  g_clear_handle_id (&fleet->shared.timer, g_source_remove);
  g_clear_handle_id (&fleet->origin.timer, g_source_remove);
}

void
mill_fleet_drain (MillFleet *fleet, guint timeout_ms)
{
  g_autoptr (GPtrArray) processes = mill_fleet_list (fleet);
  stop_retries (fleet);
  fleet->drain_timer = g_timeout_add (timeout_ms, on_drain_timeout, fleet);
  for (guint i = 0; i < processes->len; i++)
    mill_process_end (g_ptr_array_index (processes, i));
}

void
mill_fleet_leave (MillFleet *fleet)
{
  g_autoptr (GPtrArray) processes = mill_fleet_list (fleet);
  stop_retries (fleet);
  g_cancellable_cancel (fleet->life);
  for (guint i = 0; i < processes->len; i++)
    mill_process_leave (g_ptr_array_index (processes, i));
  g_ptr_array_set_size (fleet->strangers, 0);
}

/* ---- load ---- */

static gboolean
on_sample_due (gpointer user_data)
{
  g_autoptr (GPtrArray) processes = mill_fleet_list (user_data);
  for (guint i = 0; i < processes->len; i++)
    mill_process_sample (g_ptr_array_index (processes, i));
  return G_SOURCE_CONTINUE;
}

/* ---- class ---- */

static void
add_server (MillFleet *fleet, Server *server, MillProcessKind kind)
{
  const gchar *id = kind == MILL_PROCESS_ORIGIN ? ORIGIN_ID : SHARED_WORKER_ID;
  server->fleet = fleet;
  server->process = mill_process_new (kind, id, fleet->launcher);
  server->listeners = mill_listener_set_new (on_opened, server);
  g_object_connect (server->process, "signal::connected",
      G_CALLBACK (on_connected), server, "signal::lost", G_CALLBACK (on_lost),
      server, "signal::failed", G_CALLBACK (on_failed), server, "signal::ended",
      G_CALLBACK (on_ended), server, NULL);
}

static void
remove_server (Server *server)
{
  if (server->process)
    g_signal_handlers_disconnect_by_data (server->process, server);
  g_clear_object (&server->process);
  g_clear_pointer (&server->listeners, mill_listener_set_free);
}

static gboolean
set_bounds (MillFleet *fleet, const MillConfig *config)
{
  return mill_listener_set_set_bounds (fleet->shared.listeners,
      config->max_pending, config->max_pending_per_address);
}

MillFleet *
mill_fleet_new (const MillConfig *config, MillEventLog *events)
{
  static const gchar *const levels[] = { "error", "warning", "info", "debug" };
  MillFleet *fleet = g_object_new (MILL_TYPE_FLEET, NULL);
  MillProcessLauncherOptions options = { .runtime_dir = config->runtime_dir,
    .state_dir = config->state_dir,
    .media_dir = config->media_dir,
    .log_level = levels[config->log_level],
    .log_format = config->log_format == MILL_LOG_JSON ? "json" : "text",
    .orphan_timeout_s = config->workers_orphan_timeout_s };
  fleet->events = g_object_ref (events);
  fleet->launcher = mill_process_launcher_new (&options);
  add_server (fleet, &fleet->shared, MILL_PROCESS_SHARED);
  mill_listener_set_add (fleet->shared.listeners, "rtmp", config->listen_rtmp);
  mill_listener_set_add (fleet->shared.listeners, "rtmps",
      config->listen_rtmps);
  mill_listener_set_set_tls (fleet->shared.listeners, config->tls_certificate,
      config->tls_key);
  set_bounds (fleet, config);
  add_server (fleet, &fleet->origin, MILL_PROCESS_ORIGIN);
  mill_listener_set_add (fleet->origin.listeners, "origin",
      config->listen_origin);
  fleet->origin.disabled = config->listen_origin == NULL;
  return fleet;
}

void
mill_fleet_reload_tls (MillFleet *fleet, const MillConfig *config)
{
  /* A listener that runs until the next start needs one until then. */
  if (!config->tls_certificate)
    return;
  mill_listener_set_set_tls (fleet->shared.listeners, config->tls_certificate,
      config->tls_key);
  mill_listener_set_reload_tls (fleet->shared.listeners, fleet->shared.process);
}

void
mill_fleet_reload_bounds (MillFleet *fleet, const MillConfig *config)
{
  if (set_bounds (fleet, config))
    mill_listener_set_reload_bounds (fleet->shared.listeners,
        fleet->shared.process);
}

static void
mill_fleet_finalize (GObject *object)
{
  MillFleet *fleet = MILL_FLEET (object);
  GHashTableIter iter;
  gpointer process;
  mill_fleet_leave (fleet);
  g_clear_handle_id (&fleet->drain_timer, g_source_remove);
  g_clear_handle_id (&fleet->sample_timer, g_source_remove);
  g_hash_table_iter_init (&iter, fleet->isolated);
  while (g_hash_table_iter_next (&iter, NULL, &process))
    g_signal_handlers_disconnect_by_data (process, fleet);
  g_hash_table_unref (fleet->isolated);
  remove_server (&fleet->shared);
  remove_server (&fleet->origin);
  g_ptr_array_unref (fleet->orphans);
  g_ptr_array_unref (fleet->strangers);
  g_clear_object (&fleet->life);
  g_clear_object (&fleet->launcher);
  g_clear_object (&fleet->events);
  G_OBJECT_CLASS (mill_fleet_parent_class)->finalize (object);
}

static void
mill_fleet_class_init (MillFleetClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = mill_fleet_finalize;
  signals[SIGNAL_WORKER_UP] = g_signal_new ("worker-up", type,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
      MILL_TYPE_WORKER_PROXY);
  signals[SIGNAL_WORKER_DOWN] = g_signal_new ("worker-down", type,
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[SIGNAL_UP] = g_signal_new ("up", type, G_SIGNAL_RUN_LAST, 0, NULL,
      NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_FAILED] = g_signal_new ("failed", type, G_SIGNAL_RUN_LAST, 0,
      NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
  signals[SIGNAL_EMPTY] = g_signal_new ("empty", type, G_SIGNAL_RUN_LAST, 0,
      NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
mill_fleet_init (MillFleet *fleet)
{
  fleet->life = g_cancellable_new ();
  fleet->sample_timer =
      g_timeout_add_seconds (SAMPLE_SECONDS, on_sample_due, fleet);
  fleet->strangers = g_ptr_array_new_with_free_func (g_object_unref);
  fleet->orphans = g_ptr_array_new_with_free_func (g_free);
  fleet->isolated =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
}
