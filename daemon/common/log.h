/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Log lines of a process, on standard error, one write() per line:
 *   text  2026-01-31T12:00:00.123Z INFO worker: text stream=demo
 *   json  {"time":...,"level":"info","domain":"worker","message":...,"stream":"demo"}
 *
 * Write with g_info(), g_message() (shown as info), g_warning(), g_critical()
 * or, about a stream, MILL_LOG_STREAM(). Fields of g_log_structured() named
 * MILL_X appear as x.
 * The worker routes GStreamer's log here too.
 *
 * A secret never reaches it: the values of key=, token=, jwt=, sig= and
 * password= in anything that looks like a URL or a query, and stream keys and
 * tokens wherever they stand, are replaced by "***".
 *
 * Threads: any.
 */
typedef enum
{
  MILL_LOG_ERROR,
  MILL_LOG_WARNING,
  MILL_LOG_INFO,
  MILL_LOG_DEBUG,
} MillLogLevel;

typedef enum
{
  MILL_LOG_TEXT,
  MILL_LOG_JSON,
} MillLogFormat;

/* Returns FALSE for an unknown word. Words: error, warning, info, debug; text,
 * json. */
gboolean mill_log_level_from_string (const gchar *text,
    MillLogLevel *ret_level);
gboolean mill_log_format_from_string (const gchar *text,
    MillLogFormat *ret_format);

/* Takes over GLib's log. Call once, first in main(). @domain: name of the process, static. */
void mill_log_init (const gchar *domain, MillLogLevel level,
    MillLogFormat format);

/* Later, on a reload. */
void mill_log_set_level (MillLogLevel level);

/* @text with the secrets in it replaced. Returns: (transfer full) */
gchar *mill_log_redact (const gchar *text);

/* One line about a stream; @level: G_LOG_LEVEL_*. */
#define MILL_LOG_STREAM(level, stream, ...)                                    \
  g_log_structured (G_LOG_DOMAIN, (level), "MILL_STREAM", (stream), "MESSAGE", \
      __VA_ARGS__)

G_END_DECLS
