/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "diagnostics.h"
#include "output.h"
#include "top-view.h"

#define DEFAULT_INTERVAL_S 1.0
#define MIN_INTERVAL_S 0.1
#define MAX_INTERVAL_S 3600.0
/* Where the terminal does not say. */
#define DEFAULT_LINES 24
#define DEFAULT_COLUMNS 80

static gchar *arg_sort;
static gdouble arg_interval = DEFAULT_INTERVAL_S;
static gint arg_count;
static gboolean arg_once;
static gboolean arg_json;

const GOptionEntry mill_cmd_top_options[] = {
  { "sort", 0, 0, G_OPTION_ARG_STRING, &arg_sort,
      "order of the rows: state (the default: what needs a look comes first), "
      "name, bitrate, fps, cpu or warnings",
      "ORDER" },
  { "interval", 0, 0, G_OPTION_ARG_DOUBLE, &arg_interval,
      "time between two looks (default 1)", "SECONDS" },
  { "count", 'n', 0, G_OPTION_ARG_INT, &arg_count, "end after so many looks",
      "N" },
  { "once", 0, 0, G_OPTION_ARG_NONE, &arg_once, "look once; the same as -n 1",
      NULL },
  { "json", 0, 0, G_OPTION_ARG_NONE, &arg_json, "the same as -o json", NULL },
  { NULL },
};

/* ---- one look ---- */

/* Returns: (nullable): NULL was told, with the exit code in @ret_exit */
static MillTopView *
look (MillClient *client, const gchar *order, MillExit *ret_exit)
{
  g_autoptr (JsonArray) streams = NULL;
  g_autoptr (JsonArray) workers = NULL;

  *ret_exit = mill_client_list (client, "streams", &streams);
  if (*ret_exit == MILL_EXIT_OK)
    *ret_exit = mill_client_list (client, "workers", &workers);
  return *ret_exit == MILL_EXIT_OK ? mill_top_view_new (streams, workers, order,
                                         g_get_real_time () / G_USEC_PER_SEC)
                                   : NULL;
}

static gboolean
has_screen (void)
{
  return isatty (STDOUT_FILENO) && !arg_once &&
      g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
}

/* In place of what was there: each line is cleared to its end and all below
 * the last, so that nothing flickers (ECMA-48 8.3.21, 8.3.39, 8.3.41). */
static void
draw (const MillTopView *view, gboolean is_first)
{
  struct winsize size = { 0 };

  if (ioctl (STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 2 ||
      size.ws_col == 0)
    size = (struct winsize){ DEFAULT_LINES, DEFAULT_COLUMNS, 0, 0 };
  /* The cursor needs a line too. */
  g_autofree gchar *text =
      mill_top_view_to_text (view, size.ws_row - 1u, size.ws_col);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autofree gchar *body = g_strjoinv ("\033[K\n", lines);
  g_autofree gchar *screen =
      g_strconcat (is_first ? "\033[2J" : "", "\033[H", body, "\033[J", NULL);
  mill_cli_print (screen);
}

static void
print_plain (const MillTopView *view, gboolean is_first)
{
  g_autofree gchar *text = mill_top_view_to_text (view, 0, 0);

  if (!is_first)
    mill_cli_print ("\n");
  mill_cli_print (text);
}

static void
print_view (const MillCli *cli, const MillTopView *view, gboolean is_first)
{
  if (cli->output == MILL_OUTPUT_TABLE) {
    if (has_screen ())
      draw (view, is_first);
    else
      print_plain (view, is_first);
    return;
  }
  g_autoptr (JsonNode) node = mill_top_view_to_json (view);
  if (cli->output == MILL_OUTPUT_YAML) {
    mill_cli_print ("---\n");
    mill_output_object (cli, node);
    return;
  }
  g_autofree gchar *json = json_to_string (node, FALSE);
  g_autofree gchar *line = g_strconcat (json, "\n", NULL);
  mill_cli_print (line);
}

/* ---- again and again ---- */

static void
wait_until (gint64 time_us)
{
  gint64 now_us = g_get_monotonic_time ();

  if (time_us > now_us)
    g_usleep ((gulong) (time_us - now_us));
}

/* A server that was there once may come back: it is restarted, say. */
static MillExit
run (MillCli *cli, MillClient *client, const gchar *order)
{
  gint64 interval_us = (gint64) (arg_interval * G_USEC_PER_SEC);
  gint n_looks = 0;
  MillExit code = MILL_EXIT_OK;

  for (;;) {
    gint64 began_us = g_get_monotonic_time ();
    g_autoptr (MillTopView) view = look (client, order, &code);
    if (view != NULL)
      print_view (cli, view, n_looks++ == 0);
    else if (n_looks == 0 || code == MILL_EXIT_NOT_ALLOWED)
      return code;
    if (arg_count > 0 && n_looks >= arg_count)
      return MILL_EXIT_OK;
    wait_until (began_us + interval_us);
  }
}

/* Returns: (nullable): NULL was told */
static const gchar *
find_order (const MillCli *cli)
{
  const gchar *const *orders = mill_top_view_orders;

  for (guint i = 0; orders[i] != NULL; i++)
    if (arg_sort == NULL || g_str_equal (arg_sort, orders[i]))
      return orders[i];
  const gchar *nearest = mill_diagnostics_nearest (arg_sort, orders);
  g_autofree gchar *all = g_strjoinv (", ", (gchar **) orders);
  mill_cli_fail (cli, MILL_EXIT_USAGE,
      "option '--sort': got '%s', expected one of %s%s%s%s", arg_sort, all,
      nearest != NULL ? "; did you mean '" : "", nearest != NULL ? nearest : "",
      nearest != NULL ? "'?" : "");
  return NULL;
}

MillExit
mill_cmd_top (MillCli *cli, gchar **arguments)
{
  MillExit code = MILL_EXIT_OK;
  const gchar *order = find_order (cli);

  if (order == NULL)
    return MILL_EXIT_USAGE;
  if (!(arg_interval >= MIN_INTERVAL_S && arg_interval <= MAX_INTERVAL_S))
    return mill_cli_fail (cli, MILL_EXIT_USAGE,
        "option '--interval': got %g, expected %g to %g seconds", arg_interval,
        MIN_INTERVAL_S, MAX_INTERVAL_S);
  if (arg_once)
    arg_count = 1;
  if (arg_json)
    cli->output = MILL_OUTPUT_JSON;
  g_autoptr (MillClient) client = mill_client_new (cli, &code);
  return client != NULL ? run (cli, client, order) : code;
}
