/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* millraced: options, signals, exit codes; docs/man/millraced.8.rst keeps
 * the user's side of them. */

#define G_LOG_DOMAIN "supervisor"

#include <gio/gio.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "api.h"
#include "config-secrets.h"
#include "daemon/common/ready.h"
#include "daemon/ipc/ipc.h"
#include "engine.h"
#include "port-holder.h"
#include "publish.h"
#include "supervisor.h"

typedef struct
{
  GMainLoop *loop;
  const gchar *config_path; /* nullable */
  MillConfig *config; /* not owned: what it was started with */
  MillSupervisor *supervisor;
  MillApi *api;
  gchar *api_address; /* nullable */
  gint exit_code;
} Daemon;

/* ---- configuration ---- */

/* Returns: (transfer full) (nullable): NULL was reported */
static MillConfig *
load_config (const gchar *path)
{
  if (!path)
    return mill_config_new ();
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  MillConfig *config = mill_config_new_from_file (path, diagnostics);
  g_autofree gchar *text = mill_diagnostics_to_string (diagnostics);
  fputs (text, stderr);
  return config;
}

/* ---- --check ---- */

/* Others may be kept in the store, which is the running daemon's. */
static gboolean
is_at_hand (const gchar *pipeline, const gchar *const *shipped)
{
  return g_file_test (pipeline, G_FILE_TEST_IS_REGULAR) ||
      g_strv_contains (shipped, pipeline);
}

static void
warn_of_pipeline (MillDiagnostics *diagnostics, const MillPlace *place,
    const MillApp *app, const gchar *const *shipped)
{
  const gchar *nearest = mill_diagnostics_nearest (app->pipeline, shipped);

  mill_diagnostics_add (diagnostics, MILL_SEVERITY_WARNING, place,
      "app '%s': pipeline '%s' did not come with millrace, expected one that is "
      "kept by PUT /api/v1/pipelines/%s%s%s%s",
      app->name, app->pipeline, app->pipeline,
      nearest ? ", did you mean '" : "", nearest ? nearest : "",
      nearest ? "'?" : "");
}

static void
check_app (const MillConfig *config, const MillApp *app,
    MillDiagnostics *diagnostics)
{
  g_auto (GStrv) shipped = mill_description_list_shipped ();
  g_autoptr (MillCatalog) catalog = mill_catalog_new (NULL);
  g_autoptr (GPtrArray) warnings = g_ptr_array_new_with_free_func (g_free);
  const MillPlace *place = NULL;
  MillPlace at = { config->file, app->pipeline_place.line,
    app->pipeline_place.column };

  if (!is_at_hand (app->pipeline, (const gchar *const *) shipped)) {
    warn_of_pipeline (diagnostics, &at, app, (const gchar *const *) shipped);
    return;
  }
  g_autofree gchar *text =
      mill_publish_check_app (config, catalog, app, &place, warnings);
  for (guint i = 0; i < warnings->len; i++)
    mill_diagnostics_add (diagnostics, MILL_SEVERITY_WARNING, &at,
        "app '%s': %s", app->name,
        (const gchar *) g_ptr_array_index (warnings, i));
  if (!text)
    return;
  at.line = place->line;
  at.column = place->column;
  mill_diagnostics_add (diagnostics, MILL_SEVERITY_ERROR, &at, "app '%s' %s",
      app->name, text);
}

/* All mistakes in one go, also what publishers would be refused for before there
 * are any. */
static gint
check (const gchar *path)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (MillConfig) config =
      path ? mill_config_new_to_check (path, diagnostics) : mill_config_new ();

  for (guint i = 0; config && i < config->apps->len; i++) {
    const MillApp *app = g_ptr_array_index (config->apps, i);
    if (app->pipeline && app->pipeline_place.line > 0)
      check_app (config, app, diagnostics);
  }
  g_autofree gchar *all = mill_diagnostics_to_string (diagnostics);
  fputs (all, stderr);
  if (mill_diagnostics_get_n_errors (diagnostics) == 0)
    return EX_OK;
  return config ? EX_DATAERR : EX_NOINPUT;
}

/* ---- events ---- */

static void
say_listening (const gchar *kind, const gchar *address)
{
  if (address)
    printf ("listening %s %s\n", kind, address); /* nocheck: print */
}

static void
on_ready (MillSupervisor *supervisor, gpointer user_data)
{
  Daemon *daemon = user_data;
  MillFleet *fleet = mill_supervisor_get_fleet (supervisor);
  say_listening ("rtmp", mill_fleet_get_rtmp_address (fleet));
  say_listening ("rtmps", mill_fleet_get_rtmps_address (fleet));
  say_listening ("origin", mill_fleet_get_origin_address (fleet));
  say_listening ("api", daemon->api_address);
  printf ("ready\n"); /* nocheck: print */
  fflush (stdout);
  mill_ready_notify ();
}

/* Which setting has the address that a message tells of. */
static const gchar *
find_key (const MillConfig *config, const gchar *text, const gchar **ret_key)
{
  const gchar *const keys[][2] = {
    { "listen.api", config->listen_api },
    { "listen.origin", config->listen_origin },
    { "listen.rtmp", config->listen_rtmp },
    { "listen.rtmps", config->listen_rtmps },
  };
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    g_autofree gchar *quoted = g_strdup_printf ("'%s'", keys[i][1]);
    if (keys[i][1] && strstr (text, quoted)) {
      *ret_key = keys[i][0];
      return keys[i][1];
    }
  }
  return NULL;
}

/* The last thing that whoever starts it reads: also what to do next. */
static void
tell_failure (const Daemon *daemon, const GError *error)
{
  const gchar *key = NULL;
  const gchar *address = NULL;
  if (g_error_matches (error, MILL_IPC_ERROR, MILL_IPC_ERROR_ADDRESS_IN_USE) ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
    address = find_key (daemon->config, error->message, &key);
  if (!address) {
    g_warning ("%s", error->message);
    return;
  }
  g_autofree gchar *holder = mill_port_holder_find (address);
  g_warning ("%s; %s has it: end that, or set another %s in %s", error->message,
      holder ? holder : "another program (see ss -ltnp)", key,
      daemon->config_path ? daemon->config_path
                          : "a configuration (--config FILE)");
}

static void
on_failed (MillSupervisor *supervisor, const GError *error, gpointer user_data)
{
  Daemon *daemon = user_data;
  /* A successor that cannot serve must not end what its predecessor started:
   * viewers need no supervisor, and the next attempt finds it running. */
  gboolean adopts = mill_fleet_adopts (mill_supervisor_get_fleet (supervisor));
  tell_failure (daemon, error);
  if (adopts)
    g_message ("leaving; streams that ran before run on");
  daemon->exit_code = EX_UNAVAILABLE;
  mill_supervisor_stop (supervisor,
      adopts ? MILL_SUPERVISOR_LEAVE : MILL_SUPERVISOR_DRAIN);
}

static void
on_stopped (MillSupervisor *supervisor, gpointer user_data)
{
  g_main_loop_quit (((Daemon *) user_data)->loop);
}

static gboolean
on_terminate (gpointer user_data)
{
  Daemon *daemon = user_data;
  g_message ("draining");
  mill_ready_notify_stopping ();
  mill_supervisor_stop (daemon->supervisor, MILL_SUPERVISOR_DRAIN);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_leave (gpointer user_data)
{
  Daemon *daemon = user_data;
  g_message ("leaving; streams run on");
  mill_supervisor_stop (daemon->supervisor, MILL_SUPERVISOR_LEAVE);
  return G_SOURCE_CONTINUE;
}

static gboolean
on_reload (gpointer user_data)
{
  Daemon *daemon = user_data;
  g_autoptr (MillConfig) config = load_config (daemon->config_path);
  if (config)
    mill_supervisor_reload (daemon->supervisor, config);
  else
    g_warning ("configuration has mistakes: the running one stays");
  return G_SOURCE_CONTINUE;
}

/* ---- running ---- */

static gboolean
set_up (Daemon *daemon, MillConfig *config, GError **error)
{
  daemon->supervisor = mill_supervisor_new (config, error);
  if (!daemon->supervisor)
    return FALSE;
  daemon->api = mill_api_new (daemon->supervisor);
  if (!config->listen_api)
    return TRUE;
  daemon->api_address =
      mill_api_listen (daemon->api, config->listen_api, error);
  return daemon->api_address != NULL;
}

static gint
run (Daemon *daemon, MillConfig *config)
{
  g_autoptr (GError) error = NULL;
  if (!set_up (daemon, config, &error)) {
    tell_failure (daemon, error);
    return g_error_matches (error, MILL_SUPERVISOR_ERROR,
               MILL_SUPERVISOR_ERROR_DIRECTORY)
        ? EX_CANTCREAT
        : EX_UNAVAILABLE;
  }
  signal (SIGPIPE, SIG_IGN);
  g_unix_signal_add (SIGTERM, on_terminate, daemon);
  g_unix_signal_add (SIGINT, on_terminate, daemon);
  g_unix_signal_add (SIGHUP, on_reload, daemon);
  g_unix_signal_add (SIGUSR1, on_leave, daemon);
  g_object_connect (daemon->supervisor, "signal::ready", G_CALLBACK (on_ready),
      daemon, "signal::failed", G_CALLBACK (on_failed), daemon,
      "signal::stopped", G_CALLBACK (on_stopped), daemon, NULL);
  mill_supervisor_start (daemon->supervisor);
  mill_ready_start_watchdog ();
  g_main_loop_run (daemon->loop);
  return daemon->exit_code;
}

int
main (int argc, char **argv)
{
  gboolean check_only = FALSE;
  gboolean print = FALSE;
  gboolean version = FALSE;
  g_autofree gchar *path = NULL;
  g_autoptr (GError) error = NULL;
  const GOptionEntry entries[] = {
    { "config", 'c', 0, G_OPTION_ARG_FILENAME, &path, "Configuration to read",
        "FILE" },
    { "check", 0, 0, G_OPTION_ARG_NONE, &check_only,
        "Check the configuration, start nothing", NULL },
    { "print-config", 0, 0, G_OPTION_ARG_NONE, &print,
        "Print every setting as it would apply, start nothing", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &version, "Print the version", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- the supervisor of millrace");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc > 1) {
    fprintf (stderr, "millraced: %s\n", /* nocheck: print */
        error ? error->message : "unexpected argument, see --help");
    return EX_USAGE;
  }
  if (version) {
    printf ("millraced %s\n", MILL_VERSION); /* nocheck: print */
    return EX_OK;
  }
  if (check_only) {
    if (!mill_engine_init (&argc, &argv, &error)) {
      g_warning ("%s", error->message);
      return EX_UNAVAILABLE;
    }
    gint code = check (path);
    if (!print || code != EX_OK)
      return code;
  }
  g_autoptr (MillConfig) config = load_config (path);
  if (!config)
    return g_file_test (path, G_FILE_TEST_IS_REGULAR) ? EX_DATAERR : EX_NOINPUT;
  if (print) {
    g_autofree gchar *text =
        mill_config_to_yaml (config, mill_config_secrets_has);
    printf ("%s", text); /* nocheck: print */
    return EX_OK;
  }
  mill_log_init ("millraced", config->log_level, config->log_format);
  if (!mill_engine_init (&argc, &argv, &error)) {
    g_warning ("%s", error->message);
    return EX_UNAVAILABLE;
  }
  Daemon daemon = { .loop = g_main_loop_new (NULL, FALSE),
    .config_path = path,
    .config = config };
  gint exit_code = run (&daemon, config);
  g_clear_pointer (&daemon.api, mill_api_free);
  g_clear_object (&daemon.supervisor);
  g_clear_pointer (&daemon.loop, g_main_loop_unref);
  g_free (daemon.api_address);
  return exit_code;
}
