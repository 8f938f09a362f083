/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

MillExit
mill_cli_fail (const MillCli *cli, MillExit code, const gchar *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree gchar *text = g_strdup_vprintf (format, args);
  va_end (args);
  fprintf (stderr, "millrace%s%s: error: %s\n", cli->verb != NULL ? " " : "",
      cli->verb != NULL ? cli->verb : "", text);
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
