/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include <locale.h>
#include <signal.h>

#include "cli.h"
#include "help.h"
#include "options.h"
#include "verbs.h"

static void
clear_cli (MillCli *cli)
{
  g_free (cli->server);
  g_free (cli->key);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MillCli, clear_cli)

static MillExit
print_text (gchar *text)
{
  mill_cli_print (text);
  g_free (text);
  return MILL_EXIT_OK;
}

static MillExit
fail_unknown_verb (const MillCli *cli, const gchar *name)
{
  const gchar *nearest = mill_verbs_nearest (name);
  if (nearest != NULL)
    return mill_cli_fail (cli, MILL_EXIT_USAGE,
        "unknown verb '%s', did you mean '%s'?", name, nearest);
  return mill_cli_fail (cli, MILL_EXIT_USAGE,
      "unknown verb '%s', expected one of `millrace help`", name);
}

static MillExit
fail_usage (const MillCli *cli, const gchar *text)
{
  return mill_cli_fail (cli, MILL_EXIT_USAGE, "%s; see `millrace help%s%s`",
      text, cli->verb != NULL ? " " : "", cli->verb != NULL ? cli->verb : "");
}

/* What the build makes the manual page and the completion from. */
static gboolean
print_for_build (const gchar *name)
{
  if (g_str_equal (name, "__manual"))
    print_text (mill_help_manual ());
  else if (g_str_equal (name, "__completion"))
    print_text (mill_help_completion ());
  else
    return FALSE;
  return TRUE;
}

static MillExit
run_verb (MillCli *cli, const MillVerb *verb, gint argc, gchar **argv)
{
  g_autoptr (GError) error = NULL;
  if (!mill_options_parse_verb (verb, &argc, &argv, &error))
    return fail_usage (cli, error->message);
  if (mill_options_wants_help ())
    return print_text (mill_help_verb (verb));
  if (!mill_options_fill (cli, &error))
    return fail_usage (cli, error->message);
  /* "--" is left in place when options end there. */
  guint first = argc > 1 && g_str_equal (argv[1], "--") ? 2 : 1;
  guint n = argc - first;
  if (n < verb->min_arguments || n > verb->max_arguments) {
    g_autofree gchar *text =
        g_strdup_printf ("got %u arguments, expected %s", n, verb->arguments);
    return fail_usage (cli, text);
  }
  return verb->run (cli, argv + first);
}

int
main (int argc, char **argv)
{
  g_auto (MillCli) cli = { 0 };
  g_autoptr (GError) error = NULL;
  setlocale (LC_ALL, "");
  signal (SIGPIPE, SIG_IGN);
  if (!mill_options_parse_front (&argc, &argv, &error))
    return fail_usage (&cli, error->message);
  if (mill_options_wants_version ()) {
    mill_cli_print ("millrace " MILL_VERSION "\n");
    return MILL_EXIT_OK;
  }
  if (argc < 2) {
    if (mill_options_wants_help ())
      return print_text (mill_help_overview ());
    return fail_usage (&cli, "got no verb, expected one");
  }
  if (print_for_build (argv[1]))
    return MILL_EXIT_OK;
  const MillVerb *verb = mill_verbs_find (argv[1]);
  if (verb == NULL)
    return fail_unknown_verb (&cli, argv[1]);
  cli.verb = verb->name;
  return run_verb (&cli, verb, argc - 1, argv + 1);
}
