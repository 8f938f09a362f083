/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include <gio/gio.h>
#include <string.h>

#include "commands.h"
#include "load.h"

static gchar **arg_set;
static gboolean arg_dot;
static gchar *arg_svg;
static gboolean arg_launch;

const GOptionEntry mill_cmd_explain_options[] = {
  { "set", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &arg_set,
      "value of a parameter; may be repeated", "NAME=VALUE" },
  { "dot", 0, 0, G_OPTION_ARG_NONE, &arg_dot, "print the graph for Graphviz",
      NULL },
  { "svg", 0, 0, G_OPTION_ARG_FILENAME, &arg_svg,
      "draw the graph to FILE, with Graphviz' dot", "FILE" },
  { "gst-launch", 0, 0, G_OPTION_ARG_NONE, &arg_launch,
      "print the equivalent gst-launch-1.0 line", NULL },
  { NULL },
};

static MillExit
draw (MillCli *cli, const gchar *dot)
{
  g_autofree gchar *program = g_find_program_in_path ("dot");
  if (program == NULL)
    return mill_cli_fail (cli, MILL_EXIT_UNAVAILABLE,
        "option '--svg': Graphviz' program 'dot' is not installed, expected "
        "it; --dot prints the graph without it");
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) child =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE, &error, program, "-Tsvg",
          "-o", arg_svg, NULL);
  if (child == NULL ||
      !g_subprocess_communicate_utf8 (child, dot, NULL, NULL, NULL, &error) ||
      !g_subprocess_wait_check (child, NULL, &error))
    return mill_cli_fail (cli, MILL_EXIT_UNAVAILABLE, "drawing '%s': dot: %s",
        arg_svg, error->message);
  return MILL_EXIT_OK;
}

MillExit
mill_cmd_explain (MillCli *cli, gchar **arguments)
{
  if (arg_dot + arg_launch + (arg_svg != NULL) > 1)
    return mill_cli_fail (cli, MILL_EXIT_USAGE,
        "got several of --dot, --svg and --gst-launch, expected one");
  const MillPlanOptions options = {
    .epoch = GST_CLOCK_TIME_NONE,
    .allow_missing = TRUE,
  };
  g_autoptr (MillPlan) plan = NULL;
  MillExit code = mill_load_engine (cli);
  if (code == MILL_EXIT_OK)
    code = mill_load_plan (cli, arguments[0], arg_set, &options, &plan);
  if (code != MILL_EXIT_OK)
    return code;

  g_autofree gchar *text = arg_launch ? mill_plan_to_launch (plan)
      : arg_dot || arg_svg != NULL    ? mill_plan_to_dot (plan)
                                      : mill_plan_to_text (plan);
  if (arg_svg != NULL)
    return draw (cli, text);
  mill_cli_print (text);
  if (!g_str_has_suffix (text, "\n"))
    mill_cli_print ("\n");
  if (!arg_dot && !arg_launch && mill_plan_get_n_processes (plan) > 1)
    mill_cli_print ("`millrace run` ignores isolate: there it is one "
                    "process.\n");
  return MILL_EXIT_OK;
}
