/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * millrace-worker: hosts graphs; the only process that touches media.
 */
#include <glib-unix.h>
#include <stdlib.h>
#include <sysexits.h>

#include "daemon/common/daemonize.h"
#include "daemon/common/log.h"
#include "daemon/common/post-mortem.h"
#include "daemon/common/ready.h"
#include "daemon/ipc/ipc.h"
#include "daemon/worker/log-gstreamer.h"
#include "daemon/worker/worker.h"
#include "engine.h"

#define DEFAULT_ORPHAN_TIMEOUT_S 300

typedef struct
{
  gchar *socket_path;
  gchar *id;
  gchar *kind;
  gchar *state_dir;
  gchar *media_dir;
  gchar *log_level;
  gchar *log_format;
  gint orphan_timeout_s;
  gboolean foreground;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->socket_path);
  g_free (options->id);
  g_free (options->kind);
  g_free (options->state_dir);
  g_free (options->media_dir);
  g_free (options->log_level);
  g_free (options->log_format);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse_options (Options *options, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "socket", 0, 0, G_OPTION_ARG_FILENAME, &options->socket_path,
        "Where the supervisor connects", "PATH" },
    { "id", 0, 0, G_OPTION_ARG_STRING, &options->id, "Name of this worker",
        "ID" },
    { "kind", 0, 0, G_OPTION_ARG_STRING, &options->kind,
        "shared (default), or isolated: ends with its only stream", "KIND" },
    { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->state_dir,
        "Logs and post-mortems go to DIR/logs", "DIR" },
    { "media-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->media_dir,
        "Streams are written to DIR/NAME", "DIR" },
    { "log-level", 0, 0, G_OPTION_ARG_STRING, &options->log_level,
        "error, warning, info (default) or debug", "LEVEL" },
    { "log-format", 0, 0, G_OPTION_ARG_STRING, &options->log_format,
        "text (default) or json", "FORMAT" },
    { "orphan-timeout", 0, 0, G_OPTION_ARG_INT, &options->orphan_timeout_s,
        "End after that long without supervisor and streams (300)", "S" },
    { "foreground", 0, 0, G_OPTION_ARG_NONE, &options->foreground,
        "Keep standard error and the session", NULL },
    { NULL }
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context,
      "Hosts the graphs of millrace. Started by millraced.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  if (!options->socket_path || !options->id || !options->state_dir ||
      !options->media_dir || *argc > 1 || options->orphan_timeout_s < 0) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "expected --socket, --id, --state-dir and --media-dir, and nothing "
        "but options");
    return FALSE;
  }
  return TRUE;
}

static gboolean
start_log (const Options *options, GError **error)
{
  MillLogLevel level = MILL_LOG_INFO;
  MillLogFormat format = MILL_LOG_TEXT;

  if (options->log_level &&
      !mill_log_level_from_string (options->log_level, &level)) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "log level '%s': expected error, warning, info or debug",
        options->log_level);
    return FALSE;
  }
  if (options->log_format &&
      !mill_log_format_from_string (options->log_format, &format)) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "log format '%s': expected text or json", options->log_format);
    return FALSE;
  }
  mill_log_init ("worker", level, format);
  return TRUE;
}

/* Order matters: descriptors and session first, then the log, then whatever
 * makes threads. */
static gboolean
set_up_process (const Options *options, int *argc, char ***argv, GError **error)
{
  g_autofree gchar *crash_path =
      mill_daemonize_get_log_path (options->state_dir, options->id, ".crash");

  if (!options->foreground &&
      !mill_daemonize_detach (options->state_dir, options->id, error))
    return FALSE;
  if (!start_log (options, error) ||
      !mill_post_mortem_open (crash_path, error) ||
      !mill_engine_init (argc, argv, error))
    return FALSE;
  mill_log_gstreamer_route ();
  return TRUE;
}

static gboolean
on_terminate (gpointer user_data)
{
  mill_ready_notify_stopping ();
  mill_worker_shutdown (user_data);
  return G_SOURCE_CONTINUE;
}

static gboolean
parse_kind (const Options *options, MillWorkerKind *ret_kind, GError **error)
{
  *ret_kind = MILL_WORKER_SHARED;
  if (!options->kind ||
      mill_process_report_kind_from_string (options->kind, ret_kind))
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
      "kind '%s': expected shared or isolated", options->kind);
  return FALSE;
}

static gboolean
run (const Options *options, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  MillWorkerOptions worker_options = {
    .id = options->id,
    .socket_path = options->socket_path,
    .media_dir = options->media_dir,
    .orphan_timeout_s = (guint) options->orphan_timeout_s,
  };
  g_autoptr (MillWorker) worker = NULL;

  if (!parse_kind (options, &worker_options.kind, error))
    return FALSE;
  worker = mill_worker_new (&worker_options, error);
  if (!worker)
    return FALSE;
  g_signal_connect_swapped (worker, "finished", G_CALLBACK (g_main_loop_quit),
      loop);
  const guint term_id = g_unix_signal_add (SIGTERM, on_terminate, worker);
  const guint int_id = g_unix_signal_add (SIGINT, on_terminate, worker);
  g_message ("worker '%s' of millrace " MILL_VERSION " serves %s", options->id,
      options->socket_path);
  mill_ready_notify ();
  g_main_loop_run (loop);
  g_source_remove (term_id);
  g_source_remove (int_id);
  mill_worker_close (worker);
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_auto (Options) options = { .orphan_timeout_s = DEFAULT_ORPHAN_TIMEOUT_S };
  g_autoptr (GError) error = NULL;

  if (!parse_options (&options, &argc, &argv, &error)) {
    g_warning ("millrace-worker: %s", error->message);
    return EX_USAGE;
  }
  if (!set_up_process (&options, &argc, &argv, &error) ||
      !run (&options, &error)) {
    g_warning ("%s", error->message);
    return error->domain == G_OPTION_ERROR ? EX_USAGE : EX_UNAVAILABLE;
  }
  g_message ("worker '%s' ended", options.id);
  mill_post_mortem_close ();
  return EXIT_SUCCESS;
}
