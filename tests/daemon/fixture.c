/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "fixture.h"

#include <ftw.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <stdio.h>

#include "daemon/common/peer-server.h"

#define DEADLINE_S 20

static void
on_exited (MillProcessLauncher *launcher, const gchar *id, guint pid,
    gint status, Fixture *fixture)
{
  g_hash_table_replace (fixture->launched, g_strdup (id),
      g_memdup2 (&status, sizeof status));
}

static gint
remove_entry (const gchar *path, const struct stat *status, gint type,
    struct FTW *walk)
{
  return g_remove (path);
}

Fixture *
fixture_new (const gchar *root, guint orphan_timeout_s)
{
  Fixture *fixture = g_new0 (Fixture, 1);

  /* Short: a socket's path has at most 107 bytes. */
  fixture->root = root ? g_strdup (root)
                       : g_dir_make_tmp ("millrace-XXXXXX", NULL);
  fixture->runtime_dir = g_build_filename (fixture->root, "run", NULL);
  fixture->state_dir = g_build_filename (fixture->root, "state", NULL);
  fixture->media_dir = g_build_filename (fixture->root, "media", NULL);
  const MillProcessLauncherOptions options = {
    .runtime_dir = fixture->runtime_dir,
    .state_dir = fixture->state_dir,
    .media_dir = fixture->media_dir,
    .orphan_timeout_s = orphan_timeout_s,
    .deadline_ms = DEADLINE_S * 1000,
  };
  fixture->launcher = mill_process_launcher_new (&options);
  fixture->launched =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_signal_connect (fixture->launcher, "exited", G_CALLBACK (on_exited),
      fixture);
  return fixture;
}

static gboolean
is_gone (gpointer data)
{
  return !mill_peer_server_is_served (data, NULL);
}

void
fixture_wait_gone (Fixture *fixture, const gchar *id)
{
  g_autofree gchar *path =
      mill_process_launcher_get_worker_socket (fixture->launcher, id);

  fixture_wait ("the worker's end", is_gone, path);
}

typedef struct
{
  Fixture *fixture;
  const gchar *id;
} Child;

static gboolean
has_ended (gpointer data)
{
  const Child *child = data;

  return g_hash_table_lookup (child->fixture->launched, child->id) != NULL;
}

/* In good order, and with status 0: what a sanitizer finds at the end of a
 * worker fails the test. */
static void
end_worker (Fixture *fixture, const gchar *id)
{
  g_autofree gchar *path =
      mill_process_launcher_get_worker_socket (fixture->launcher, id);
  Child child = { fixture, id };
  guint pid = 0;

  if (!mill_peer_server_is_served (path, &pid) || pid <= 1)
    return;
  kill ((pid_t) pid, SIGTERM);
  fixture_wait_gone (fixture, id);
  if (!g_hash_table_contains (fixture->launched, id))
    return; /* adopted: not our child */
  fixture_wait ("the worker's exit status", has_ended, &child);
  g_assert_cmpint (*(gint *) g_hash_table_lookup (fixture->launched, id), ==,
      0);
}

void
fixture_free (Fixture *fixture)
{
  g_auto (GStrv) ids = mill_process_launcher_scan_workers (fixture->launcher);

  for (gchar **id = ids; *id; id++)
    end_worker (fixture, *id);
  /* A child that still runs holds the launcher. */
  g_signal_handlers_disconnect_by_data (fixture->launcher, fixture);
  g_clear_object (&fixture->launcher);
  nftw (fixture->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  g_hash_table_unref (fixture->launched);
  g_free (fixture->root);
  g_free (fixture->runtime_dir);
  g_free (fixture->state_dir);
  g_free (fixture->media_dir);
  g_free (fixture);
}

static gboolean
on_deadline (gpointer user_data)
{
  g_error ("waited %d s for %s", DEADLINE_S, (const gchar *) user_data);
  return G_SOURCE_REMOVE;
}

/* Only keeps the loop turning for conditions that no source announces, as the
 * end of a process that is not our child. */
static gboolean
on_look_again (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

void
fixture_wait (const gchar *what, FixtureCondition condition, gpointer data)
{
  const guint deadline =
      g_timeout_add_seconds (DEADLINE_S, on_deadline, (gpointer) what);
  const guint look = g_timeout_add (50, on_look_again, NULL);

  while (!condition (data))
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (deadline);
  g_source_remove (look);
}

void
fixture_on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  GAsyncResult **ret_result = user_data;

  *ret_result = g_object_ref (result);
}

static gboolean
has_result (gpointer data)
{
  return *(GAsyncResult **) data != NULL;
}

GAsyncResult *
fixture_take (GAsyncResult **result)
{
  fixture_wait ("the end of a call", has_result, result);
  return g_steal_pointer (result);
}

gboolean
fixture_start_stream (MillWorkerProxy *proxy, const gchar *name,
    const gchar *yaml, GError **error)
{
  g_autoptr (MillGraphSpec) spec = mill_graph_spec_new (yaml, "test.yaml");
  const MillWorkerStart start = { .stream = name,
    .generation = 1,
    .graph = spec };
  GAsyncResult *slot = NULL;

  mill_worker_proxy_start_stream_async (proxy, &start, fixture_on_result,
      &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  return mill_worker_proxy_start_stream_finish (proxy, result, error);
}

MillStreamReport *
fixture_get_stream (MillWorkerProxy *proxy, const gchar *name, GError **error)
{
  GAsyncResult *slot = NULL;

  mill_worker_proxy_get_stream_async (proxy, name, fixture_on_result, &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  return mill_worker_proxy_get_stream_finish (proxy, result, error);
}

gboolean
fixture_stop_stream (MillWorkerProxy *proxy, const gchar *name,
    MillWorkerStop mode, GError **error)
{
  GAsyncResult *slot = NULL;

  mill_worker_proxy_stop_stream_async (proxy, name, mode, fixture_on_result,
      &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  return mill_worker_proxy_stop_stream_finish (proxy, result, error);
}

/* ---- watches ---- */

static void
on_stream_changed (MillWorkerProxy *proxy, const MillStreamReport *report,
    FixtureWatch *watch)
{
  g_hash_table_replace (watch->states, g_strdup (report->name),
      mill_stream_report_copy (report));
}

static void
on_lost (MillPeerLink *link, FixtureWatch *watch)
{
  watch->lost = TRUE;
}

static void
on_unresponsive (MillPeerLink *link, guint64 silence_usec, FixtureWatch *watch)
{
  watch->silence_usec = silence_usec;
}

static void
on_publish_requested (MillWorkerProxy *proxy, guint64 request,
    const MillPublisher *publisher, FixtureWatch *watch)
{
  g_array_append_val (watch->requests, request);
  g_clear_pointer (&watch->publisher, mill_publisher_free);
  watch->publisher = mill_publisher_copy (publisher);
}

static FixtureWatch *
watch_new (MillWorkerProxy *proxy)
{
  FixtureWatch *watch = g_new0 (FixtureWatch, 1);
  MillPeerLink *link = mill_worker_proxy_get_link (proxy);

  watch->proxy = g_object_ref (proxy);
  watch->states = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      (GDestroyNotify) mill_stream_report_free);
  watch->requests = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_signal_connect (proxy, "stream-changed", G_CALLBACK (on_stream_changed),
      watch);
  g_signal_connect (link, "lost", G_CALLBACK (on_lost), watch);
  g_signal_connect (link, "unresponsive", G_CALLBACK (on_unresponsive), watch);
  g_signal_connect (proxy, "publish-requested",
      G_CALLBACK (on_publish_requested), watch);
  return watch;
}

void
fixture_watch_free (FixtureWatch *watch)
{
  g_signal_handlers_disconnect_by_data (watch->proxy, watch);
  g_signal_handlers_disconnect_by_data (
      mill_worker_proxy_get_link (watch->proxy), watch);
  g_object_unref (watch->proxy);
  g_hash_table_unref (watch->states);
  g_array_unref (watch->requests);
  g_clear_pointer (&watch->publisher, mill_publisher_free);
  g_free (watch);
}

typedef struct
{
  FixtureWatch *watch;
  const gchar *name;
  MillStreamState state;
} Wanted;

static gboolean
is_in_state (gpointer data)
{
  const Wanted *wanted = data;
  const MillStreamReport *report =
      g_hash_table_lookup (wanted->watch->states, wanted->name);

  return report && report->state == wanted->state;
}

const MillStreamReport *
fixture_watch_wait (FixtureWatch *watch, const gchar *name,
    MillStreamState state)
{
  Wanted wanted = { watch, name, state };

  fixture_wait (mill_stream_report_state_to_string (state), is_in_state,
      &wanted);
  return g_hash_table_lookup (watch->states, name);
}

static gboolean
is_lost (gpointer data)
{
  return ((FixtureWatch *) data)->lost;
}

void
fixture_watch_wait_lost (FixtureWatch *watch)
{
  fixture_wait ("the end of the connection", is_lost, watch);
}

/* ---- connecting ---- */

typedef struct
{
  FixtureWatch *watch;
  GError *error;
} Connected;

/* Handlers are connected here: what was held is told right after. */
static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Connected *connected = user_data;
  g_autoptr (MillWorkerProxy) proxy =
      mill_worker_proxy_connect_finish (result, &connected->error);

  if (proxy)
    connected->watch = watch_new (proxy);
}

static gboolean
is_connected (gpointer data)
{
  const Connected *connected = data;

  return connected->watch || connected->error;
}

FixtureWatch *
fixture_connect (Fixture *fixture, const gchar *id, GError **error)
{
  g_autofree gchar *path =
      mill_process_launcher_get_worker_socket (fixture->launcher, id);
  Connected connected = { NULL };

  mill_worker_proxy_connect_async (path, NULL, on_connected, &connected);
  fixture_wait ("the connection to a worker", is_connected, &connected);
  if (connected.error)
    g_propagate_error (error, connected.error);
  return connected.watch;
}

FixtureWatch *
fixture_worker (Fixture *fixture, const gchar *id)
{
  g_autoptr (GError) error = NULL;
  GAsyncResult *slot = NULL;

  mill_process_launcher_launch_worker_async (fixture->launcher, id, NULL,
      fixture_on_result, &slot);
  g_autoptr (GAsyncResult) result = fixture_take (&slot);
  g_autofree gchar *path =
      mill_process_launcher_launch_finish (fixture->launcher, result, &error);
  g_assert_no_error (error);
  /* With the status of a predecessor it has just been started anew. */
  if (!g_hash_table_contains (fixture->launched, id) ||
      g_hash_table_lookup (fixture->launched, id))
    g_hash_table_replace (fixture->launched, g_strdup (id), NULL);
  FixtureWatch *watch = fixture_connect (fixture, id, &error);
  g_assert_no_error (error);
  return watch;
}
