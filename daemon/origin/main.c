/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* millrace-origin: serves stream directories over HTTP.
 *
 * Under millraced it is told by --socket where to be asked, and outlives who
 * started it. By hand it needs --listen and runs in the foreground. */

#include <stdlib.h>
#include <sys/resource.h>
#include <sysexits.h>

#include <gio/gio.h>
#include <glib-unix.h>

#include "daemon/common/daemonize.h"
#include "daemon/common/log.h"
#include "daemon/common/post-mortem.h"
#include "daemon/common/ready.h"
#include "daemon/ipc/ipc.h"
#include "daemon/origin/origin-server.h"
#include "daemon/origin/origin-service.h"

#define DRAIN_TIMEOUT_MS 10000

typedef struct
{
  gchar *media_dir;
  gchar *listen;
  gchar *socket;
  gchar *id;
  gchar *state_dir;
  gchar *log_level;
  gchar *log_format;
  gboolean version;
} Options;

typedef struct
{
  GMainLoop *loop;
  MillOriginServer *server;
  MillOriginService *service; /* NULL by hand */
} Process;

static void
clear_options (Options *options)
{
  g_free (options->media_dir);
  g_free (options->listen);
  g_free (options->socket);
  g_free (options->id);
  g_free (options->state_dir);
  g_free (options->log_level);
  g_free (options->log_format);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, clear_options)

static void
clear_process (Process *process)
{
  g_clear_pointer (&process->service, mill_origin_service_free);
  g_clear_pointer (&process->server, mill_origin_server_free);
  g_clear_pointer (&process->loop, g_main_loop_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Process, clear_process)

static gboolean
parse_options (Options *options, gint *argc, gchar ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "media-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->media_dir,
        "Directory of stream directories", "DIR" },
    { "listen", 0, 0, G_OPTION_ARG_STRING, &options->listen,
        "Serve HTTP on this address; port 0 takes a free one", "HOST:PORT" },
    { "socket", 0, 0, G_OPTION_ARG_FILENAME, &options->socket,
        "Be asked by millraced on this socket", "PATH" },
    { "id", 0, 0, G_OPTION_ARG_STRING, &options->id,
        "With --socket: name of this process and its log (origin)", "ID" },
    { "state-dir", 0, 0, G_OPTION_ARG_FILENAME, &options->state_dir,
        "With --socket: where logs go", "DIR" },
    { "log-level", 0, 0, G_OPTION_ARG_STRING, &options->log_level,
        "error, warning, info (default) or debug", "LEVEL" },
    { "log-format", 0, 0, G_OPTION_ARG_STRING, &options->log_format,
        "text (default) or json", "FORMAT" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->version,
        "Print the version and end", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context =
      g_option_context_new ("- serve stream directories over HTTP");

  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse (context, argc, argv, error);
}

static gboolean
check_options (const Options *options, gint argc, GError **error)
{
  const gchar *mistake = NULL;

  if (argc > 1)
    mistake = "got an argument, expected options only";
  else if (options->media_dir == NULL)
    mistake = "--media-dir: got none, expected a directory";
  else if (options->listen == NULL && options->socket == NULL)
    mistake = "--listen: got none, expected HOST:PORT";
  if (mistake != NULL)
    g_set_error_literal (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        mistake);
  return mistake == NULL;
}

static gboolean
start_log (const Options *options, GError **error)
{
  MillLogLevel level = MILL_LOG_INFO;
  MillLogFormat format = MILL_LOG_TEXT;

  if (options->log_level != NULL &&
      !mill_log_level_from_string (options->log_level, &level)) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--log-level: got '%s', expected error, warning, info or debug",
        options->log_level);
    return FALSE;
  }
  if (options->log_format != NULL &&
      !mill_log_format_from_string (options->log_format, &format)) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
        "--log-format: got '%s', expected text or json", options->log_format);
    return FALSE;
  }
  mill_log_init ("millrace-origin", level, format);
  return TRUE;
}

/* ---- the process ---- */

static void
on_drained (gpointer user_data)
{
  g_main_loop_quit (((Process *) user_data)->loop);
}

static gboolean
on_signal (gpointer user_data)
{
  Process *process = user_data;

  mill_ready_notify_stopping ();
  if (process->service != NULL)
    mill_origin_service_drain (process->service);
  else
    mill_origin_server_drain (process->server, DRAIN_TIMEOUT_MS, on_drained,
        process);
  return G_SOURCE_CONTINUE;
}

/* Each viewer takes two descriptors; the usual soft limit is for programs that
 * use select(). */
static void
raise_descriptors (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) == 0 &&
      limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
  }
}

static const gchar *
get_id (const Options *options)
{
  return options->id != NULL ? options->id : "origin";
}

/* Before there is any thread: main() has not touched GIO yet. */
static gboolean
detach (const Options *options, GError **error)
{
  g_autofree gchar *path = NULL;

  if (options->socket == NULL)
    return TRUE;
  if (!mill_daemonize_detach (options->state_dir, get_id (options), error))
    return FALSE;
  if (options->state_dir == NULL)
    return TRUE;
  path = mill_daemonize_get_log_path (options->state_dir, get_id (options),
      ".crash");
  return mill_post_mortem_open (path, error);
}

static gboolean
start (Process *process, const Options *options, GError **error)
{
  MillOriginServerOptions server = { .media_dir = options->media_dir };
  g_autofree gchar *bound = NULL;

  process->loop = g_main_loop_new (NULL, FALSE);
  process->server = mill_origin_server_new (&server);
  if (options->socket != NULL) {
    const MillOriginServiceOptions service = {
      .socket_path = options->socket,
      .id = get_id (options),
    };

    process->service = mill_origin_service_new (process->server, &service,
        on_drained, process, error);
    if (process->service == NULL)
      return FALSE;
  }
  if (options->listen != NULL) {
    bound = mill_origin_server_listen (process->server, options->listen, error);
    if (bound == NULL)
      return FALSE;
    /* The contract's line, for whoever runs it by hand with port 0. */
    g_print ("listening origin %s\n", bound); /* nocheck: print */
  }
  return TRUE;
}

static gint
run (const Options *options)
{
  g_auto (Process) process = { 0 };
  g_autoptr (GError) error = NULL;

  raise_descriptors ();
  if (!detach (options, &error) || !start (&process, options, &error)) {
    g_warning ("%s", error->message);
    return g_error_matches (error, MILL_IPC_ERROR, MILL_IPC_ERROR_INVALID)
        ? EX_USAGE
        : EX_UNAVAILABLE;
  }
  g_unix_signal_add (SIGTERM, on_signal, &process);
  g_unix_signal_add (SIGINT, on_signal, &process);
  mill_ready_notify ();
  mill_ready_start_watchdog ();
  g_main_loop_run (process.loop);
  mill_post_mortem_close ();
  return EXIT_SUCCESS;
}

int
main (int argc, char **argv)
{
  g_auto (Options) options = { 0 };
  g_autoptr (GError) error = NULL;

  if (!parse_options (&options, &argc, &argv, &error) ||
      (!options.version && !check_options (&options, argc, &error)) ||
      !start_log (&options, &error)) {
    g_printerr ("millrace-origin: error: %s\n", /* nocheck: print */
        error->message);
    return EX_USAGE;
  }
  if (options.version) {
    g_print ("millrace-origin " MILL_VERSION "\n"); /* nocheck: print */
    return EXIT_SUCCESS;
  }
  return run (&options);
}
