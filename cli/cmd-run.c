/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "end-signals.h"
#include "engine.h"
#include "load.h"
#include "progress.h"

#define PROGRESS_INTERVAL_MS 500
/* Longer than a worker needs to be back. */
#define LINK_TIMEOUT_MS 5000
/* For what is still in encoders and queues, and for files to be finished. */
#define DEFAULT_END_TIMEOUT_S 30
/* An end in good order that takes longer is told of. */
#define NOTICE_MS 1000

static gchar **arg_set;
static gdouble arg_duration;
static gint arg_end_timeout = DEFAULT_END_TIMEOUT_S;
static gboolean arg_progress;
static gboolean arg_quiet;

const GOptionEntry mill_cmd_run_options[] = {
  { "set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arg_set,
      "value of a parameter; may be repeated", "NAME=VALUE" },
  { "duration", 0, 0, G_OPTION_ARG_DOUBLE, &arg_duration,
      "end in good order after so many seconds", "SECONDS" },
  { "end-timeout", 0, 0, G_OPTION_ARG_INT, &arg_end_timeout,
      "stop where an end in good order writes nothing for so many seconds (30)",
      "SECONDS" },
  { "progress", 0, 0, G_OPTION_ARG_NONE, &arg_progress,
      "show the progress line also where standard error is no terminal", NULL },
  { "quiet", 0, 0, G_OPTION_ARG_NONE, &arg_quiet,
      "show neither progress nor summary", NULL },
  { NULL },
};

typedef struct
{
  MillCli *cli;
  GMainLoop *loop;
  MillGraph *graph;
  MillProgress *progress; /* (nullable) */
  gboolean has_line; /* a progress line stands on the terminal */
  guint notice; /* source: what to say when the end takes its time */
  MillExit exit;
} Run;

/* ---- exit code by cause ---- */

static MillExit
exit_of_resource_error (gint code)
{
  switch (code) {
    case GST_RESOURCE_ERROR_NOT_FOUND:
    case GST_RESOURCE_ERROR_OPEN_READ:
      return MILL_EXIT_NO_INPUT;
    case GST_RESOURCE_ERROR_NOT_AUTHORIZED:
      return MILL_EXIT_NOT_ALLOWED;
    default:
      return MILL_EXIT_UNAVAILABLE;
  }
}

static MillExit
exit_of_stream_error (gint code)
{
  switch (code) {
    case GST_STREAM_ERROR_TYPE_NOT_FOUND:
    case GST_STREAM_ERROR_WRONG_TYPE:
    case GST_STREAM_ERROR_DECODE:
    case GST_STREAM_ERROR_DEMUX:
    case GST_STREAM_ERROR_FORMAT:
      return MILL_EXIT_DATA;
    case GST_STREAM_ERROR_CODEC_NOT_FOUND:
      return MILL_EXIT_UNAVAILABLE;
    default:
      return MILL_EXIT_INTERNAL;
  }
}

static MillExit
exit_of_error (const GError *error)
{
  if (error->domain == GST_RESOURCE_ERROR)
    return exit_of_resource_error (error->code);
  if (error->domain == GST_STREAM_ERROR)
    return exit_of_stream_error (error->code);
  if (g_error_matches (error, GST_CORE_ERROR, GST_CORE_ERROR_MISSING_PLUGIN))
    return MILL_EXIT_UNAVAILABLE;
  return MILL_EXIT_INTERNAL;
}

/* ---- while it runs ---- */

static void
clear_line (Run *run)
{
  if (run->has_line)
    fputs (isatty (STDERR_FILENO) ? "\r\033[K" : "\n", stderr);
  run->has_line = FALSE;
}

static gboolean
on_progress (gpointer user_data)
{
  Run *run = user_data;
  g_autofree gchar *line = mill_progress_to_line (run->progress);
  if (isatty (STDERR_FILENO))
    fprintf (stderr, "\r\033[K%s", line);
  else
    fprintf (stderr, "%s\n", line);
  fflush (stderr);
  run->has_line = isatty (STDERR_FILENO);
  return G_SOURCE_CONTINUE;
}

static void
finish (Run *run, MillExit exit)
{
  run->exit = exit;
  g_main_loop_quit (run->loop);
}

static void
on_ended (MillGraph *graph, gpointer user_data)
{
  finish (user_data, MILL_EXIT_OK);
}

static void
on_failed (MillGraph *graph, const GError *error, const gchar *node,
    gpointer user_data)
{
  Run *run = user_data;
  clear_line (run);
  MillExit code = exit_of_error (error);
  if (node != NULL)
    mill_cli_fail (run->cli, code, "node '%s': %s", node, error->message);
  else
    mill_cli_fail (run->cli, code, "%s", error->message);
  finish (run, code);
}

static void
on_warning (MillGraph *graph, const gchar *node, const gchar *text,
    gpointer user_data)
{
  /* A server that it sends to may have said it. */
  g_autofree gchar *shown = mill_cli_make_printable (text, "\n");

  clear_line (user_data);
  if (node != NULL)
    fprintf (stderr, "millrace run: warning: node '%s': %s\n", node, shown);
  else
    fprintf (stderr, "millrace run: warning: %s\n", shown);
}

/* Returns: whether a name was asked for, and is that of another file. */
static gboolean
is_other_name (MillGraph *graph, const gchar *node, const gchar *path)
{
  g_autofree gchar *asked = NULL;
  GstElement *element = mill_graph_get_node (graph, node);
  if (element == NULL)
    return FALSE;
  g_object_get (element, "location", &asked, NULL);
  return asked != NULL && strchr (asked, '{') == NULL &&
      !g_str_equal (asked, path) && g_file_test (asked, G_FILE_TEST_EXISTS);
}

static void
on_message (MillGraph *graph, const gchar *node, const GstStructure *message,
    gpointer user_data)
{
  Run *run = user_data;
  const gchar *path = gst_structure_get_string (message, "location");
  if (node == NULL || path == NULL ||
      !gst_structure_has_name (message, "recording-done"))
    return;
  if (run->progress != NULL)
    mill_progress_set_written (run->progress, node, path);
  if (arg_quiet || !is_other_name (graph, node, path))
    return;
  clear_line (run);
  fprintf (stderr,
      "millrace run: node '%s': its name was taken, so the file is '%s'\n",
      node, path);
}

static gboolean
on_slow_end (gpointer user_data)
{
  Run *run = user_data;
  clear_line (run);
  fputs ("millrace run: ending: what was read is still written; a second "
         "signal stops at once\n",
      stderr);
  run->notice = 0;
  return G_SOURCE_REMOVE;
}

/* Lets every sink finish its files. */
static void
end_in_order (gpointer user_data)
{
  Run *run = user_data;
  if (!arg_quiet && run->notice == 0)
    run->notice = g_timeout_add (NOTICE_MS, on_slow_end, run);
  mill_graph_end (run->graph);
}

static gboolean
on_duration (gpointer user_data)
{
  mill_end_signals_begin ();
  end_in_order (user_data);
  return G_SOURCE_REMOVE;
}

/* ---- the verb ---- */

static void
run_loop (Run *run)
{
  guint progress = 0;
  guint duration = 0;
  mill_end_signals_install (run->cli, (guint) arg_end_timeout, end_in_order,
      run);
  if (arg_duration > 0)
    duration = g_timeout_add ((guint) (arg_duration * 1000), on_duration, run);
  if (!arg_quiet && (arg_progress || isatty (STDERR_FILENO)))
    progress = g_timeout_add (PROGRESS_INTERVAL_MS, on_progress, run);
  g_main_loop_run (run->loop);
  mill_end_signals_release ();
  if (progress != 0)
    g_source_remove (progress);
  if (run->notice != 0)
    g_source_remove (run->notice);
  /* It removes itself when it fires. */
  if (duration != 0 &&
      g_main_context_find_source_by_id (NULL, duration) != NULL)
    g_source_remove (duration);
}

static MillExit
run_graph (Run *run)
{
  g_autoptr (GError) error = NULL;
  g_signal_connect (run->graph, "ended", G_CALLBACK (on_ended), run);
  g_signal_connect (run->graph, "failed", G_CALLBACK (on_failed), run);
  g_signal_connect (run->graph, "warning", G_CALLBACK (on_warning), run);
  g_signal_connect (run->graph, "message", G_CALLBACK (on_message), run);
  if (!arg_quiet)
    run->progress = mill_progress_new (mill_graph_get_pipeline (run->graph));
  if (!mill_graph_start (run->graph, &error))
    return mill_cli_fail (run->cli, exit_of_error (error), "%s",
        error->message);
  run_loop (run);
  mill_graph_stop (run->graph);
  mill_end_signals_finish ();
  clear_line (run);
  if (run->progress != NULL && run->exit == MILL_EXIT_OK) {
    g_autofree gchar *summary = mill_progress_to_summary (run->progress);
    fprintf (stderr, "millrace run: ended: %s\n", summary);
  }
  return run->exit;
}

MillExit
mill_cmd_run (MillCli *cli, gchar **arguments)
{
  if (arg_duration < 0 || arg_duration > G_MAXINT / 1000)
    return mill_cli_fail (cli, MILL_EXIT_USAGE,
        "option '--duration': got %g, expected seconds, at most %d",
        arg_duration, G_MAXINT / 1000);
  if (arg_end_timeout < 1)
    return mill_cli_fail (cli, MILL_EXIT_USAGE,
        "option '--end-timeout': got %d, expected seconds, at least 1",
        arg_end_timeout);
  if (arg_progress && arg_quiet)
    return mill_cli_fail (cli, MILL_EXIT_USAGE,
        "got --progress and --quiet, expected one of them");
  const MillPlanOptions options = {
    .epoch = GST_CLOCK_TIME_NONE,
    .one_process = TRUE,
    .link_timeout_ms = LINK_TIMEOUT_MS,
  };
  g_autoptr (MillPlan) plan = NULL;
  MillExit code = mill_load_engine_for (cli, arguments[0]);
  if (code == MILL_EXIT_OK)
    code = mill_load_plan (cli, arguments[0], arg_set, &options, &plan);
  if (code != MILL_EXIT_OK)
    return code;

  g_autoptr (GError) error = NULL;
  g_autoptr (MillBusQueue) queue = mill_bus_queue_new (NULL);
  g_autoptr (MillGraph) graph = mill_graph_new (plan, queue, &error);
  if (graph == NULL)
    return mill_cli_fail (cli, MILL_EXIT_INTERNAL, "%s", error->message);
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Run run = { .cli = cli, .loop = loop, .graph = graph };
  code = run_graph (&run);
  mill_progress_free (run.progress);
  return code;
}
