/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "fleet.h"

#include <string.h>

#include "daemon/ipc/ipc.h"
#include "event-feed.h"
#include "origin-group.h"
#include "server.h"

#define SHARED_WORKER_ID "shared-1"

/* Longer than the poll of the proxies, so that each sample is a new one. */
#define SAMPLE_SECONDS 5

struct _MillFleet
{
  GObject parent;
  MillProcessLauncher *launcher;
  MillEventLog *events;
  GCancellable *life;
  MillServer *shared;
  MillOriginGroup *origins;
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
  return mill_server_is_up (fleet->shared) &&
      mill_origin_group_is_up (fleet->origins);
}

static MillListenerSet *
get_listeners (MillFleet *fleet)
{
  return mill_server_get_listeners (fleet->shared);
}

gboolean
mill_fleet_adopts (MillFleet *fleet)
{
  return fleet->adopts;
}

const gchar *
mill_fleet_get_rtmp_address (MillFleet *fleet)
{
  return mill_listener_set_get_bound (get_listeners (fleet), "rtmp");
}

const gchar *
mill_fleet_get_rtmps_address (MillFleet *fleet)
{
  return mill_listener_set_get_bound (get_listeners (fleet), "rtmps");
}

const gchar *
mill_fleet_get_origin_address (MillFleet *fleet)
{
  return mill_origin_group_get_address (fleet->origins);
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
  g_ptr_array_add (list, mill_server_get_process (fleet->shared));
  mill_origin_group_list (fleet->origins, list);
  g_hash_table_iter_init (&iter, fleet->isolated);
  while (g_hash_table_iter_next (&iter, NULL, &process))
    g_ptr_array_add (list, process);
  g_ptr_array_sort (list, compare_ids);
  return list;
}

/* ---- shared worker and origins ---- */

/* A process of another version serves its streams to their end and keeps its
 * socket until then: its successor needs another name. */
static void
rename_shared (MillProcess *process)
{
  g_autofree gchar *id = g_strdup_printf ("shared-%" G_GINT64_FORMAT,
      g_get_real_time () / G_USEC_PER_SEC);
  mill_process_set_id (process, id);
  mill_process_launch (process);
}

/* Before the first "up" an error is the user's to hear (an occupied port);
 * after it viewers depend on us, so we go on trying. */
static gboolean
on_failed (MillServer *server, const GError *error, gpointer user_data)
{
  MillFleet *fleet = user_data;
  MillProcess *process = mill_server_get_process (server);
  const gchar *id = mill_process_get_id (process);
  g_autofree gchar *text = mill_ipc_error_get_message (error);
  if (g_error_matches (error, MILL_IPC_ERROR, MILL_IPC_ERROR_PROTOCOL) &&
      mill_process_get_kind (process) == MILL_PROCESS_SHARED) {
    rename_shared (process);
    return FALSE;
  }
  if (fleet->was_up) {
    g_warning ("%s: %s", id, text);
    return TRUE;
  }
  g_autoptr (GError) named =
      g_error_new (error->domain, error->code, "%s: %s", id, text);
  g_signal_emit (fleet, signals[SIGNAL_FAILED], 0, named);
  return FALSE;
}

static void
check_empty (MillFleet *fleet)
{
  if (!fleet->leaving || fleet->drain_timer == 0 ||
      !mill_server_is_gone (fleet->shared) ||
      !mill_origin_group_is_gone (fleet->origins) ||
      g_hash_table_size (fleet->isolated) > 0)
    return;
  g_clear_handle_id (&fleet->drain_timer, g_source_remove);
  g_signal_emit (fleet, signals[SIGNAL_EMPTY], 0);
}

static void
check_up (MillFleet *fleet)
{
  if (fleet->was_up || !mill_fleet_is_up (fleet))
    return;
  fleet->was_up = TRUE;
  g_signal_emit (fleet, signals[SIGNAL_UP], 0);
}

static void
on_changed (MillServer *server, MillServerChange change, const gchar *reason,
    gpointer user_data)
{
  MillFleet *fleet = user_data;
  MillProcess *process = mill_server_get_process (server);
  MillWorkerProxy *worker = mill_process_get_worker (process);
  switch (change) {
    case MILL_SERVER_CONNECTED:
      mill_event_feed_process_started (fleet->events, process);
      if (worker)
        g_signal_emit (fleet, signals[SIGNAL_WORKER_UP], 0, worker);
      break;
    case MILL_SERVER_UP:
      check_up (fleet);
      break;
    case MILL_SERVER_LOST:
      mill_event_feed_process_crashed (fleet->events, process, reason);
      if (mill_process_get_kind (process) == MILL_PROCESS_SHARED)
        g_signal_emit (fleet, signals[SIGNAL_WORKER_DOWN], 0, reason);
      break;
    case MILL_SERVER_RETRIED:
      fleet->restarts++;
      break;
    case MILL_SERVER_ENDED:
      check_empty (fleet);
      break;
  }
}

static const MillServerFuncs server_funcs = { .changed = on_changed,
  .failed = on_failed };

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
  mill_server_launch (fleet->shared);
  mill_origin_group_start (fleet->origins);
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
  mill_server_stop_retries (fleet->shared);
  mill_origin_group_stop_retries (fleet->origins);
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

static gboolean
set_bounds (MillFleet *fleet, const MillConfig *config)
{
  const MillWorkerBounds bounds = { config->max_pending,
    config->max_pending_per_address, config->max_tls_handshakes_per_address };
  return mill_listener_set_set_bounds (get_listeners (fleet), &bounds);
}

static void
add_shared (MillFleet *fleet, const MillConfig *config)
{
  fleet->shared = mill_server_new (MILL_PROCESS_SHARED, SHARED_WORKER_ID,
      fleet->launcher, &server_funcs, fleet);
  MillListenerSet *listeners = get_listeners (fleet);
  mill_listener_set_add (listeners, "rtmp", config->listen_rtmp);
  mill_listener_set_add (listeners, "rtmps", config->listen_rtmps);
  mill_listener_set_set_tls (listeners, config->tls_certificate,
      config->tls_key);
  set_bounds (fleet, config);
}

static void
add_origins (MillFleet *fleet, const MillConfig *config)
{
  const MillOriginGroupOptions options = { .n = config->workers_origins,
    .address = config->listen_origin };
  fleet->origins =
      mill_origin_group_new (fleet->launcher, &options, &server_funcs, fleet);
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
  add_shared (fleet, config);
  add_origins (fleet, config);
  return fleet;
}

void
mill_fleet_reload_tls (MillFleet *fleet, const MillConfig *config)
{
  /* A listener that runs until the next start needs one until then. */
  if (!config->tls_certificate)
    return;
  mill_listener_set_set_tls (get_listeners (fleet), config->tls_certificate,
      config->tls_key);
  mill_listener_set_reload_tls (get_listeners (fleet),
      mill_server_get_process (fleet->shared));
}

void
mill_fleet_reload_bounds (MillFleet *fleet, const MillConfig *config)
{
  if (set_bounds (fleet, config))
    mill_listener_set_reload_bounds (get_listeners (fleet),
        mill_server_get_process (fleet->shared));
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
  mill_server_free (fleet->shared);
  mill_origin_group_free (fleet->origins);
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
