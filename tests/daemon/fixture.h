/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/supervisor/process-launcher.h"
#include "daemon/supervisor/worker-proxy.h"

/* Directories of its own, a launcher, and waiting with a deadline. */
typedef struct
{
  gchar *root;
  gchar *runtime_dir;
  gchar *state_dir;
  gchar *media_dir;
  MillProcessLauncher *launcher;
  GHashTable *launched; /* id -> gint wait status, NULL while it runs */
} Fixture;

/* @root: (nullable): NULL makes a temporary one.
 * @orphan_timeout_s: 0 takes 300 */
Fixture *fixture_new (const gchar *root, guint orphan_timeout_s);
/* Ends the workers that still run, in good order, and removes the directories. */
void fixture_free (Fixture *fixture);

/* Runs the main loop until @condition holds; ends the test after 20 s with
 * @what as its message. */
typedef gboolean (*FixtureCondition) (gpointer data);
void fixture_wait (const gchar *what, FixtureCondition condition,
    gpointer data);

/* For async calls: pass fixture_on_result with a GAsyncResult *, then take. */
void fixture_on_result (GObject *source, GAsyncResult *result,
    gpointer user_data);
GAsyncResult *fixture_take (GAsyncResult **result);

gboolean fixture_start_stream (MillWorkerProxy *proxy, const gchar *name,
    const gchar *yaml, GError **error);
MillStreamReport *fixture_get_stream (MillWorkerProxy *proxy, const gchar *name,
    GError **error);
gboolean fixture_stop_stream (MillWorkerProxy *proxy, const gchar *name,
    MillWorkerStop mode, GError **error);

/* What a worker told. */
typedef struct
{
  MillWorkerProxy *proxy;
  GHashTable *states; /* name -> the newest MillStreamReport */
  gboolean lost;
  guint64 silence_usec;
  GArray *requests; /* guint64 */
  MillPublisher *publisher; /* nullable: the newest */
} FixtureWatch;

/* Launches (or finds) and connects. The handlers are connected in the moment in
 * which the connection is there. */
FixtureWatch *fixture_worker (Fixture *fixture, const gchar *id);
FixtureWatch *fixture_connect (Fixture *fixture, const gchar *id,
    GError **error);
void fixture_watch_free (FixtureWatch *watch);
const MillStreamReport *fixture_watch_wait (FixtureWatch *watch,
    const gchar *name, MillStreamState state);
void fixture_watch_wait_lost (FixtureWatch *watch);

/* The process is gone: nobody holds the socket's lock. */
void fixture_wait_gone (Fixture *fixture, const gchar *id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FixtureWatch, fixture_watch_free)
