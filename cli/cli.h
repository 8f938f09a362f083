/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * MillExit: exit codes, those of sysexits(3) where it has one.
 * @MILL_EXIT_OK: done
 * @MILL_EXIT_USAGE: the command line is wrong
 * @MILL_EXIT_DATA: a description or media is wrong, or the server refuses
 *   what was sent
 * @MILL_EXIT_NO_INPUT: a file, or a thing asked for by name, does not exist, or
 *   may not be read by this user
 * @MILL_EXIT_UNAVAILABLE: a server or a device is not available, or a place cannot
 *   be written, for whatever reason
 * @MILL_EXIT_INTERNAL: something else failed
 * @MILL_EXIT_NOT_ALLOWED: a server wants a key, or another one; never the
 *   permissions of files (sysexits(3) has NOINPUT for them)
 * @MILL_EXIT_INTERRUPTED: stopped at once by a second signal, or because the
 *   end that was asked for did not come in time
 */
typedef enum
{
  MILL_EXIT_OK = 0,
  MILL_EXIT_USAGE = 64,
  MILL_EXIT_DATA = 65,
  MILL_EXIT_NO_INPUT = 66,
  MILL_EXIT_UNAVAILABLE = 69,
  MILL_EXIT_INTERNAL = 70,
  MILL_EXIT_NOT_ALLOWED = 77,
  MILL_EXIT_INTERRUPTED = 130,
} MillExit;

typedef enum
{
  MILL_OUTPUT_TABLE,
  MILL_OUTPUT_JSON,
  MILL_OUTPUT_YAML,
} MillOutput;

/** One call of millrace: the options that every verb knows. */
typedef struct
{
  const gchar *verb;
  gchar *server; /* URL of the REST API */
  gchar *key; /* nullable */
  MillOutput output;
} MillCli;

/** What a positional argument is, for bash completion. */
typedef enum
{
  MILL_ARGUMENT_NONE,
  MILL_ARGUMENT_DESCRIPTION, /* a file, or the name of a shipped description */
  MILL_ARGUMENT_KIND, /* of things that the server has */
  MILL_ARGUMENT_ACTION, /* one of MillVerb.actions */
  MILL_ARGUMENT_VERB,
} MillArgument;

/** A verb: dispatch, --help, the manual page and bash completion all go by
 * this one table. */
typedef struct
{
  const gchar *name;
  const gchar *arguments; /* "FILE|NAME", "KIND [NAME]" */
  const gchar *summary; /* one line, without a period */
  const gchar *details; /* paragraphs of the manual, reStructuredText */
  guint min_arguments;
  guint max_arguments;
  MillArgument first;
  const gchar *actions; /* (nullable) "create list" */
  const GOptionEntry *options; /* (nullable) */
  MillExit (*run) (MillCli *cli, gchar **arguments);
} MillVerb;

/* Control characters would let a text from elsewhere write over the terminal:
 * each is a question mark but those in @kept, which are ASCII.
 * Returns: (transfer full) */
gchar *mill_cli_make_printable (const gchar *text, const gchar *kept);

/* "millrace VERB: error: TEXT" on standard error, made printable line by line.
 * Returns: @code, so that a caller may return it. */
MillExit mill_cli_fail (const MillCli *cli, MillExit code, const gchar *format,
    ...) G_GNUC_PRINTF (3, 4);

/* Standard output, whatever it is: a file that is full is told. */
void mill_cli_print (const gchar *text);

G_END_DECLS
