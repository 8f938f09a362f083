/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "options.h"

#define DEFAULT_SERVER "http://127.0.0.1:8081"

static gchar *arg_server;
static gchar *arg_key;
static gchar *arg_output;
static gboolean arg_help;
static gboolean arg_version;

const GOptionEntry mill_options_global[] = {
#ifdef MILL_WITH_REST
  { "server", 0, 0, G_OPTION_ARG_STRING, &arg_server,
      "the server's REST API (MILLRACE_SERVER; " DEFAULT_SERVER ")", "URL" },
  { "key", 0, 0, G_OPTION_ARG_STRING, &arg_key,
      "API key (MILLRACE_KEY; for a server of this machine the administrator's "
      "key is read from its file)",
      "KEY" },
#endif
  { "output", 'o', 0, G_OPTION_ARG_STRING, &arg_output, "how lists are printed",
      "table|json|yaml" },
  { "help", 'h', 0, G_OPTION_ARG_NONE, &arg_help, "show help and exit", NULL },
  { "version", 0, 0, G_OPTION_ARG_NONE, &arg_version,
      "show the version and exit", NULL },
  { NULL },
};

static gboolean
parse (const GOptionEntry *entries, gboolean strict, gint *argc, gchar ***argv,
    GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_strict_posix (context, strict);
  g_option_context_add_main_entries (context, mill_options_global, NULL);
  if (entries != NULL)
    g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse (context, argc, argv, error);
}

gboolean
mill_options_parse_front (gint *argc, gchar ***argv, GError **error)
{
  return parse (NULL, /* strict= */ TRUE, argc, argv, error);
}

gboolean
mill_options_parse_verb (const MillVerb *verb, gint *argc, gchar ***argv,
    GError **error)
{
  return parse (verb->options, /* strict= */ FALSE, argc, argv, error);
}

gboolean
mill_options_wants_help (void)
{
  return arg_help;
}

gboolean
mill_options_wants_version (void)
{
  return arg_version;
}

gboolean
mill_options_has_output (void)
{
  return arg_output != NULL;
}

/* The option, else the environment (nothing in it is the same as none). */
static gchar *
choose (const gchar *option, const gchar *variable, const gchar *otherwise)
{
  const gchar *value = g_getenv (variable);
  if (option != NULL)
    return g_strdup (option);
  return g_strdup (value != NULL && *value != '\0' ? value : otherwise);
}

gboolean
mill_options_fill (MillCli *cli, GError **error)
{
  static const gchar *const formats[] = { "table", "json", "yaml" };
  MillOutput output = MILL_OUTPUT_TABLE;
  while (arg_output != NULL && !g_str_equal (arg_output, formats[output])) {
    if (++output == G_N_ELEMENTS (formats)) {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
          "option '-o': got '%s', expected table, json or yaml", arg_output);
      return FALSE;
    }
  }
  cli->output = output;
  cli->server = choose (arg_server, "MILLRACE_SERVER", DEFAULT_SERVER);
  cli->key = choose (arg_key, "MILLRACE_KEY", NULL);
  return TRUE;
}

gchar *
mill_options_describe (const GOptionEntry *entry)
{
  GString *text = g_string_new (NULL);
  if (entry->short_name != 0)
    g_string_append_printf (text, "-%c, ", entry->short_name);
  g_string_append_printf (text, "--%s", entry->long_name);
  if (entry->arg_description != NULL)
    g_string_append_printf (text, " %s", entry->arg_description);
  return g_string_free (text, FALSE);
}
