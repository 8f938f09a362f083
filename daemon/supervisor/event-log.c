/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "event-log.h"

#include <string.h>

struct _MillEventLog
{
  GObject parent;
  guint capacity;
  gsize max_bytes;
  MillEvent *events; /* ring, by number */
  gsize bytes; /* of those that are kept */
  guint64 first; /* number of the oldest that is kept; end: none is */
  guint64 end; /* number of the next one */
  gchar *run; /* names this run of millraced */
};

enum
{
  SIGNAL_ADDED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (MillEventLog, mill_event_log, G_TYPE_OBJECT)

/* What an event takes, but for what any takes. */
static gsize
get_size (const MillEvent *event)
{
  return strlen (event->type) + g_variant_get_size (event->data);
}

static void
clear_event (MillEvent *event)
{
  g_clear_pointer (&event->type, g_free);
  g_clear_pointer (&event->data, g_variant_unref);
}

static void
forget_first (MillEventLog *log)
{
  MillEvent *event = &log->events[log->first++ % log->capacity];

  log->bytes -= get_size (event);
  clear_event (event);
}

MillEventLog *
mill_event_log_new (guint capacity, gsize max_bytes)
{
  MillEventLog *log = g_object_new (MILL_TYPE_EVENT_LOG, NULL);
  log->capacity = capacity;
  log->max_bytes = max_bytes;
  log->events = g_new0 (MillEvent, capacity);
  return log;
}

void
mill_event_log_add (MillEventLog *log, const gchar *type, GVariant *data)
{
  MillEvent new = { .number = log->end,
    .time_us = g_get_real_time (),
    .type = g_strdup (type),
    .data = g_variant_ref_sink (data) };
  gsize size = get_size (&new);
  MillEvent *event = &log->events[log->end % log->capacity];

  /* The new one is kept, however large: whoever follows along is to get it. */
  while (log->first < log->end &&
      (log->end - log->first >= log->capacity ||
          log->bytes + size > log->max_bytes))
    forget_first (log);
  *event = new;
  log->bytes += size;
  log->end++;
  g_signal_emit (log, signals[SIGNAL_ADDED], 0, event);
}

gchar *
mill_event_log_make_id (MillEventLog *log, guint64 number)
{
  return g_strdup_printf ("%s-%" G_GUINT64_FORMAT, log->run, number);
}

gboolean
mill_event_log_find_next (MillEventLog *log, const gchar *id,
    guint64 *ret_number)
{
  const gchar *dash = strrchr (id, '-');
  guint64 number;
  if (!dash || strlen (log->run) != (gsize) (dash - id) ||
      strncmp (id, log->run, (gsize) (dash - id)) != 0 ||
      !g_ascii_string_to_unsigned (dash + 1, 10, 0, G_MAXINT64, &number, NULL))
    return FALSE;
  if (number >= log->end || number + 1 < log->first)
    return FALSE;
  *ret_number = number + 1;
  return TRUE;
}

guint64
mill_event_log_get_end (MillEventLog *log)
{
  return log->end;
}

const MillEvent *
mill_event_log_get (MillEventLog *log, guint64 number)
{
  return number >= log->first && number < log->end
      ? &log->events[number % log->capacity]
      : NULL;
}

static void
mill_event_log_finalize (GObject *object)
{
  MillEventLog *log = MILL_EVENT_LOG (object);
  for (guint i = 0; i < log->capacity; i++)
    clear_event (&log->events[i]);
  g_free (log->events);
  g_free (log->run);
  G_OBJECT_CLASS (mill_event_log_parent_class)->finalize (object);
}

static void
mill_event_log_class_init (MillEventLogClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = mill_event_log_finalize;
  signals[SIGNAL_ADDED] = g_signal_new ("added", G_TYPE_FROM_CLASS (klass),
      G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
}

static void
mill_event_log_init (MillEventLog *log)
{
  log->first = log->end = 1;
  log->run = g_strdup_printf ("%" G_GINT64_MODIFIER "x", g_get_real_time ());
}
