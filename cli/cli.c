/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

gchar *
mill_cli_make_printable (const gchar *text, const gchar *kept)
{
  g_autofree gchar *valid = g_utf8_make_valid (text, -1);
  GString *printable = g_string_new (NULL);

  for (const gchar *p = valid; *p != '\0'; p = g_utf8_next_char (p)) {
    gunichar c = g_utf8_get_char (p);
    gboolean shown = g_unichar_isprint (c) || strchr (kept, (gint) *p) != NULL;
    g_string_append_unichar (printable, shown ? c : '?');
  }
  return g_string_free (printable, FALSE);
}

MillExit
mill_cli_fail (const MillCli *cli, MillExit code, const gchar *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree gchar *text = g_strdup_vprintf (format, args);
  va_end (args);
  /* Some of it a server, or a file, says. */
  g_autofree gchar *shown = mill_cli_make_printable (text, "\n");
  fprintf (stderr, "millrace%s%s: error: %s\n", cli->verb != NULL ? " " : "",
      cli->verb != NULL ? cli->verb : "", shown);
  return code;
}

void
mill_cli_print (const gchar *text)
{
  if (fputs (text, stdout) != EOF && fflush (stdout) != EOF)
    return;
  /* The reader went away on purpose: `millrace elements | head`. */
  if (errno == EPIPE)
    exit (MILL_EXIT_OK);
  fprintf (stderr, "millrace: error: standard output: %s\n", strerror (errno));
  exit (MILL_EXIT_INTERNAL);
}
