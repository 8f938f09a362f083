/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "help.h"

#include <string.h>

#include "description.h"
#include "options.h"
#include "verbs.h"

#define KINDS "streams stream-keys pipelines workers nodes"

/* ---- --help ---- */

static void
append_options (GString *text, const GOptionEntry *entries)
{
  for (const GOptionEntry *e = entries; e != NULL && e->long_name; e++) {
    g_autofree gchar *option = mill_options_describe (e);
    g_string_append_printf (text, "  %-30s %s\n", option, e->description);
  }
}

gchar *
mill_help_overview (void)
{
  GString *text = g_string_new ("usage: millrace [OPTION...] VERB "
                                "[ARGUMENT...]\n\n");
  for (const MillVerb *verb = mill_verbs; verb->name != NULL; verb++)
    g_string_append_printf (text, "  %-14s %s\n", verb->name, verb->summary);
  g_string_append (text, "\noptions of every verb\n");
  append_options (text, mill_options_global);
  g_string_append (text, "\n`millrace help VERB` tells more about a verb.\n");
  return g_string_free (text, FALSE);
}

/* reStructuredText literals as plain text. */
static void
append_plain (GString *text, const gchar *rst)
{
  g_auto (GStrv) parts = g_strsplit (rst, "``", -1);
  g_autofree gchar *plain = g_strjoinv ("", parts);
  g_string_append (text, plain);
}

static void
append_shipped (GString *text)
{
  g_auto (GStrv) names = mill_description_list_shipped ();
  g_string_append (text, "\nshipped descriptions\n");
  for (gchar **name = names; *name != NULL; name++) {
    g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
    g_autoptr (MillDescription) description =
        mill_description_new_from_file (*name, diagnostics);
    const gchar *summary =
        description != NULL ? mill_description_get_summary (description) : NULL;
    g_string_append_printf (text, "  %-18s %s\n", *name,
        summary != NULL ? summary : "");
  }
}

gchar *
mill_help_verb (const MillVerb *verb)
{
  GString *text = g_string_new (NULL);
  g_string_append_printf (text, "usage: millrace %s [OPTION...] %s\n\n%s\n",
      verb->name, verb->arguments, verb->summary);
  if (verb->details != NULL) {
    g_string_append_c (text, '\n');
    append_plain (text, verb->details);
    g_string_append_c (text, '\n');
  }
  if (verb->options != NULL) {
    g_string_append (text, "\noptions\n");
    append_options (text, verb->options);
  }
  g_string_append (text, "\noptions of every verb\n");
  append_options (text, mill_options_global);
  if (verb->first == MILL_ARGUMENT_DESCRIPTION)
    append_shipped (text);
  return g_string_free (text, FALSE);
}

/* ---- manual ---- */

static void
append_heading (GString *text, const gchar *title, gchar line)
{
  g_autofree gchar *rule = g_strnfill (strlen (title), line);
  g_string_append_printf (text, "%s\n%s\n\n", title, rule);
}

static void
append_manual_options (GString *text, const GOptionEntry *entries)
{
  for (const GOptionEntry *e = entries; e != NULL && e->long_name; e++) {
    g_autofree gchar *option = mill_options_describe (e);
    g_string_append_printf (text, "``%s``\n    %s\n\n", option, e->description);
  }
}

gchar *
mill_help_manual (void)
{
  GString *text = g_string_new (NULL);
  append_heading (text, "VERBS", '=');
  for (const MillVerb *verb = mill_verbs; verb->name != NULL; verb++) {
    g_autofree gchar *title =
        g_strdup_printf ("%s %s", verb->name, verb->arguments);
    append_heading (text, title, '-');
    g_string_append_printf (text, "%c%s.\n\n",
        g_ascii_toupper (verb->summary[0]), verb->summary + 1);
    if (verb->details != NULL)
      g_string_append_printf (text, "%s\n\n", verb->details);
    append_manual_options (text, verb->options);
  }
  append_heading (text, "OPTIONS OF EVERY VERB", '=');
  append_manual_options (text, mill_options_global);
  return g_string_free (text, FALSE);
}

/* ---- bash completion ---- */

static void
append_option_words (GString *text, const GOptionEntry *entries)
{
  for (const GOptionEntry *e = entries; e != NULL && e->long_name; e++)
    g_string_append_printf (text, " --%s", e->long_name);
}

static const gchar *
completion_of (const MillVerb *verb)
{
  switch (verb->first) {
    case MILL_ARGUMENT_DESCRIPTION:
      return "files";
    case MILL_ARGUMENT_KIND:
      return KINDS;
    case MILL_ARGUMENT_ACTION:
      return verb->actions;
    case MILL_ARGUMENT_VERB:
      return "$verbs";
    default:
      return "";
  }
}

gchar *
mill_help_completion (void)
{
  GString *text = g_string_new ("# bash completion for millrace, made from its "
                                "table of verbs\n\n_millrace() {\n"
                                "  local cur=${COMP_WORDS[COMP_CWORD]} verb='' "
                                "options='' words='' i\n  local verbs=\"");
  for (const MillVerb *verb = mill_verbs; verb->name != NULL; verb++)
    g_string_append_printf (text, "%s%s", verb == mill_verbs ? "" : " ",
        verb->name);
  g_string_append (text, "\"\n  local global=\"");
  append_option_words (text, mill_options_global);
  g_string_append (text,
      "\"\n  for ((i = 1; i < COMP_CWORD; i++)); do\n"
      "    case ${COMP_WORDS[i]} in\n"
      "      --server | --key | --output | -o) ((i++)) ;;\n"
      "      -*) ;;\n"
      "      *) verb=${COMP_WORDS[i]}; break ;;\n"
      "    esac\n  done\n  case $verb in\n    '') words=$verbs ;;\n");
  for (const MillVerb *verb = mill_verbs; verb->name != NULL; verb++) {
    g_string_append_printf (text, "    %s) words=\"%s\" options=\"", verb->name,
        completion_of (verb));
    append_option_words (text, verb->options);
    g_string_append (text, "\" ;;\n");
  }
  g_string_append (text,
      "  esac\n"
      "  if [[ $cur == -* ]]; then words=\"$options $global\"; fi\n"
      "  if [[ $words == files ]]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
      "  else\n"
      "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
      "  fi\n}\n\ncomplete -o filenames -F _millrace millrace\n");
  return g_string_free (text, FALSE);
}
