/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/** Something that happened, for whoever follows along. */
typedef struct
{
  guint64 number; /* counts from 1 */
  gint64 time_us; /* Unix */
  gchar *type; /* "stream.started": NOUN.VERB */
  GVariant *data; /* a{sv} */
} MillEvent;

/**
 * MillEventLog: what happened last, with ids by which somebody who was away may
 * go on where he was: as long as the log still has what came after it.
 *
 * Signals:
 *   "added" (const MillEvent *event)
 *
 * Threads: main loop.
 */
#define MILL_TYPE_EVENT_LOG (mill_event_log_get_type ())
G_DECLARE_FINAL_TYPE (MillEventLog, mill_event_log, MILL, EVENT_LOG, GObject)

/* @capacity: how many events it keeps
 * @max_bytes: of how much data, but the newest is always kept */
MillEventLog *mill_event_log_new (guint capacity, gsize max_bytes);

/* @data: an a{sv}; a floating one is taken */
void mill_event_log_add (MillEventLog *log, const gchar *type, GVariant *data);

/* Names the event in this run of millraced: another run has other ids.
 * Returns: (transfer full) */
gchar *mill_event_log_make_id (MillEventLog *log, guint64 number);

/* The event after @id.
 * Returns: FALSE when @id is of another run, or events after it are gone */
gboolean mill_event_log_find_next (MillEventLog *log, const gchar *id,
    guint64 *ret_number);

/* The number that the next event will have. */
guint64 mill_event_log_get_end (MillEventLog *log);

/* Returns: (transfer none) (nullable): NULL when it is gone, or not there yet */
const MillEvent *mill_event_log_get (MillEventLog *log, guint64 number);

G_END_DECLS
