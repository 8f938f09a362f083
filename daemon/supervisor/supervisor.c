/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <glib/gstdio.h>

#include "event-feed.h"
#include "node.h"

/* A stream writes its last segment and ENDLIST within this. */
#define DRAIN_STREAMS_MS 10000
/* Its process then has nothing left to do. */
#define DRAIN_PROCESSES_MS 5000
#define SEEN_SECONDS 30
/* What who follows along may miss and still catch up with: ten changes of each
 * of 400 streams. */
#define EVENTS_KEPT 4096
/* Of events with long texts there are fewer: 1 KiB each is rare. */
#define EVENT_BYTES_KEPT (4 * 1024 * 1024)

struct _MillSupervisor
{
  GObject parent;
  MillConfig *config;
  gint lock_fd;
  MillAdminKey *admin_key;
  MillStore *store;
  MillNodeRow *node;
  MillCatalog *catalog;
  MillStreamRegistry *registry;
  MillRunner *runner;
  MillFleet *fleet;
  MillEventLog *events;
  guint seen_timer;
  gboolean stopping;
};

G_DEFINE_FINAL_TYPE (MillSupervisor, mill_supervisor, G_TYPE_OBJECT)
G_DEFINE_QUARK (mill_supervisor_error, mill_supervisor_error)

enum
{
  SIGNAL_READY,
  SIGNAL_FAILED,
  SIGNAL_STOPPED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

/* ---- making ---- */

static gboolean
make_directory (const gchar *what, const gchar *path, gint mode, GError **error)
{
  if (g_mkdir_with_parents (path, mode) == 0 &&
      access (path, R_OK | W_OK | X_OK) == 0)
    return TRUE;
  g_set_error (error, MILL_SUPERVISOR_ERROR, MILL_SUPERVISOR_ERROR_DIRECTORY,
      "%s '%s': %s, expected a directory this user may write", what, path,
      g_strerror (errno));
  return FALSE;
}

/* Two daemons on one runtime_dir would take each other's workers away. The
 * lock goes with the process, however it ends. */
static gint
take_lock (const gchar *runtime_dir, GError **error)
{
  g_autofree gchar *path =
      g_build_filename (runtime_dir, "millraced.lock", NULL);
  gint fd = g_open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0)
    return fd;
  gint saved = errno;
  g_set_error (error, MILL_SUPERVISOR_ERROR,
      saved == EWOULDBLOCK ? MILL_SUPERVISOR_ERROR_RUNNING
                           : MILL_SUPERVISOR_ERROR_DIRECTORY,
      "runtime_dir '%s': %s", runtime_dir,
      saved == EWOULDBLOCK
          ? "another millraced uses it: end that, or give this "
            "one another runtime_dir"
          : g_strerror (saved));
  if (fd >= 0)
    close (fd);
  return -1;
}

static gboolean
prepare (MillSupervisor *supervisor, GError **error)
{
  const MillConfig *config = supervisor->config;
  return make_directory ("state_dir", config->state_dir, 0700, error) &&
      make_directory ("runtime_dir", config->runtime_dir, 0700, error) &&
      make_directory ("media_dir", config->media_dir, 0755, error) &&
      (supervisor->lock_fd = take_lock (config->runtime_dir, error)) >= 0 &&
      (supervisor->admin_key =
              mill_admin_key_load (config->state_dir, error)) &&
      (supervisor->store =
              mill_store_open (config->store, config->state_dir, error)) &&
      mill_store_nodes_put (supervisor->store, supervisor->node, error) &&
      (supervisor->registry = mill_stream_registry_new (supervisor->store,
           supervisor->node->id, error));
}

static void
on_stream_changed (const MillStream *stream, MillStreamStatus before,
    gpointer user_data)
{
  mill_event_feed_stream_changed (user_data, stream, before);
}

/* ---- the fleet's events ---- */

static void
on_worker_up (MillFleet *fleet, MillWorkerProxy *worker, gpointer user_data)
{
  mill_runner_attach (MILL_SUPERVISOR (user_data)->runner, worker);
}

static void
on_worker_down (MillFleet *fleet, const gchar *reason, gpointer user_data)
{
  mill_runner_detach (MILL_SUPERVISOR (user_data)->runner, reason);
}

/* A mistake in a pipeline or its parameters refuses publishers, not the start:
 * the description may come later, by PUT. It is told before one is refused. */
static void
warn_of_app (MillSupervisor *supervisor, const MillApp *app)
{
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  g_autofree gchar *text = mill_publish_check_app (supervisor->config,
      supervisor->catalog, app, NULL, warnings);

  if (text)
    g_warning ("app '%s' %s", app->name, text);
  for (guint i = 0; i < warnings->len; i++)
    g_warning ("app '%s': %s", app->name,
        (const gchar *) g_ptr_array_index (warnings, i));
}

static void
warn_of_apps (MillSupervisor *supervisor)
{
  for (guint i = 0; i < supervisor->config->apps->len; i++)
    warn_of_app (supervisor, g_ptr_array_index (supervisor->config->apps, i));
}

static void
on_fleet_up (MillFleet *fleet, gpointer user_data)
{
  MillSupervisor *supervisor = MILL_SUPERVISOR (user_data);
  g_signal_emit (supervisor, signals[SIGNAL_READY], 0);
  warn_of_apps (supervisor);
}

static void
on_fleet_failed (MillFleet *fleet, const GError *error, gpointer user_data)
{
  g_signal_emit (user_data, signals[SIGNAL_FAILED], 0, error);
}

static void
on_fleet_empty (MillFleet *fleet, gpointer user_data)
{
  g_signal_emit (user_data, signals[SIGNAL_STOPPED], 0);
}

/* ---- running ---- */

static gboolean
on_seen_due (gpointer user_data)
{
  MillSupervisor *supervisor = user_data;
  g_autoptr (GError) error = NULL;
  supervisor->node->seen_at = g_get_real_time () / G_USEC_PER_SEC;
  if (!mill_store_nodes_put (supervisor->store, supervisor->node, &error))
    g_warning ("%s", error->message);
  return G_SOURCE_CONTINUE;
}

void
mill_supervisor_start (MillSupervisor *supervisor)
{
  supervisor->seen_timer =
      g_timeout_add_seconds (SEEN_SECONDS, on_seen_due, supervisor);
  mill_fleet_start (supervisor->fleet);
}

static void
on_streams_drained (gpointer user_data)
{
  mill_fleet_drain (MILL_SUPERVISOR (user_data)->fleet, DRAIN_PROCESSES_MS);
}

void
mill_supervisor_stop (MillSupervisor *supervisor, MillSupervisorStop how)
{
  if (supervisor->stopping)
    return; /* ^C reaches the whole process group: asked for twice is once */
  if (how == MILL_SUPERVISOR_LEAVE) {
    mill_fleet_leave (supervisor->fleet);
    g_signal_emit (supervisor, signals[SIGNAL_STOPPED], 0);
    return;
  }
  supervisor->stopping = TRUE;
  mill_runner_drain (supervisor->runner, DRAIN_STREAMS_MS, on_streams_drained,
      supervisor);
}

void
mill_supervisor_reload (MillSupervisor *supervisor, MillConfig *config)
{
  g_auto (GStrv) later = mill_config_needs_restart (supervisor->config, config);
  if (later[0]) {
    g_autofree gchar *names = g_strjoinv (", ", later);
    g_warning ("reloaded, but %s take effect at the next start only", names);
  }
  /* Where media is and who listens stay what they are until then. */
  g_autoptr (MillConfig) merged =
      mill_config_merge (supervisor->config, config);
  mill_log_set_level (merged->log_level);
  mill_runner_set_config (supervisor->runner, merged);
  mill_fleet_reload_tls (supervisor->fleet, merged);
  mill_fleet_reload_bounds (supervisor->fleet, merged);
  g_autoptr (MillConfig) before = g_steal_pointer (&supervisor->config);
  supervisor->config = g_steal_pointer (&merged);
  g_message ("configuration reloaded");
  warn_of_apps (supervisor);
}

gboolean
mill_supervisor_check_ready (MillSupervisor *supervisor, GError **error)
{
  if (supervisor->stopping || !mill_fleet_is_up (supervisor->fleet)) {
    g_set_error_literal (error, MILL_RUNNER_ERROR, MILL_RUNNER_ERROR_NO_WORKER,
        supervisor->stopping ? "the daemon is shutting down"
                             : "worker or origin does not serve just now");
    return FALSE;
  }
  return mill_store_ping (supervisor->store, error);
}

/* ---- reading ---- */

const MillConfig *
mill_supervisor_get_config (MillSupervisor *supervisor)
{
  return supervisor->config;
}

const MillAdminKey *
mill_supervisor_get_admin_key (MillSupervisor *supervisor)
{
  return supervisor->admin_key;
}

const MillNodeRow *
mill_supervisor_get_node (MillSupervisor *supervisor)
{
  return supervisor->node;
}

MillStore *
mill_supervisor_get_store (MillSupervisor *supervisor)
{
  return supervisor->store;
}

MillCatalog *
mill_supervisor_get_catalog (MillSupervisor *supervisor)
{
  return supervisor->catalog;
}

MillStreamRegistry *
mill_supervisor_get_registry (MillSupervisor *supervisor)
{
  return supervisor->registry;
}

MillRunner *
mill_supervisor_get_runner (MillSupervisor *supervisor)
{
  return supervisor->runner;
}

MillFleet *
mill_supervisor_get_fleet (MillSupervisor *supervisor)
{
  return supervisor->fleet;
}

MillEventLog *
mill_supervisor_get_events (MillSupervisor *supervisor)
{
  return supervisor->events;
}

/* ---- class ---- */

MillSupervisor *
mill_supervisor_new (MillConfig *config, GError **error)
{
  g_autoptr (MillSupervisor) supervisor =
      g_object_new (MILL_TYPE_SUPERVISOR, NULL);
  supervisor->config = mill_config_ref (config);
  if (!prepare (supervisor, error))
    return NULL;

  supervisor->catalog = mill_catalog_new (supervisor->store);
  MillPublishContext context = { .config = config,
    .store = supervisor->store,
    .registry = supervisor->registry,
    .catalog = supervisor->catalog };
  MillStreamWatch watch = { on_stream_changed, supervisor->events };
  mill_stream_registry_set_watch (supervisor->registry, &watch);
  supervisor->fleet = mill_fleet_new (config, supervisor->events);
  supervisor->runner =
      mill_runner_new (&context, supervisor->fleet, supervisor->events);
  g_object_connect (supervisor->fleet, "signal::worker-up",
      G_CALLBACK (on_worker_up), supervisor, "signal::worker-down",
      G_CALLBACK (on_worker_down), supervisor, "signal::up",
      G_CALLBACK (on_fleet_up), supervisor, "signal::failed",
      G_CALLBACK (on_fleet_failed), supervisor, "signal::empty",
      G_CALLBACK (on_fleet_empty), supervisor, NULL);
  return g_steal_pointer (&supervisor);
}

static void
mill_supervisor_finalize (GObject *object)
{
  MillSupervisor *supervisor = MILL_SUPERVISOR (object);
  g_clear_handle_id (&supervisor->seen_timer, g_source_remove);
  if (supervisor->fleet) {
    g_signal_handlers_disconnect_by_data (supervisor->fleet, supervisor);
    mill_fleet_leave (supervisor->fleet);
  }
  g_clear_pointer (&supervisor->runner, mill_runner_free);
  g_clear_object (&supervisor->fleet);
  g_clear_pointer (&supervisor->registry, mill_stream_registry_free);
  g_clear_object (&supervisor->events);
  g_clear_pointer (&supervisor->catalog, mill_catalog_free);
  g_clear_pointer (&supervisor->store, mill_store_close);
  g_clear_pointer (&supervisor->node, mill_store_nodes_free_row);
  g_clear_pointer (&supervisor->admin_key, mill_admin_key_free);
  g_clear_pointer (&supervisor->config, mill_config_unref);
  if (supervisor->lock_fd >= 0)
    close (supervisor->lock_fd);
  G_OBJECT_CLASS (mill_supervisor_parent_class)->finalize (object);
}

static void
mill_supervisor_class_init (MillSupervisorClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);
  G_OBJECT_CLASS (klass)->finalize = mill_supervisor_finalize;
  signals[SIGNAL_READY] = g_signal_new ("ready", type, G_SIGNAL_RUN_LAST, 0,
      NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[SIGNAL_FAILED] = g_signal_new ("failed", type, G_SIGNAL_RUN_LAST, 0,
      NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_ERROR);
  signals[SIGNAL_STOPPED] = g_signal_new ("stopped", type, G_SIGNAL_RUN_LAST, 0,
      NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
mill_supervisor_init (MillSupervisor *supervisor)
{
  supervisor->lock_fd = -1;
  supervisor->node = mill_node_describe ();
  supervisor->events = mill_event_log_new (EVENTS_KEPT, EVENT_BYTES_KEPT);
}
