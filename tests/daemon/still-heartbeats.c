/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "still-heartbeats.h"

#include <glib.h>
#include <gmodule.h>

#define HEARTBEAT_S 15
#define LAST_WORDS_S 5
#define NEVER_S (G_MAXINT / 1000)

typedef struct
{
  guint id;
  GSourceFunc func;
  gpointer data;
} Heartbeat;

static GArray *heartbeats; /* (element-type Heartbeat) */

guint
g_timeout_add_seconds (guint interval, GSourceFunc function, gpointer data)
{
  const gboolean is_ours = interval == HEARTBEAT_S || interval == LAST_WORDS_S;
  Heartbeat heartbeat = { 0, function, data };

  heartbeat.id = g_timeout_add_seconds_full (G_PRIORITY_DEFAULT,
      is_ours ? NEVER_S : interval, function, data, NULL);
  if (interval != HEARTBEAT_S)
    return heartbeat.id;
  if (heartbeats == NULL)
    heartbeats = g_array_new (FALSE, FALSE, sizeof (Heartbeat));
  g_array_append_val (heartbeats, heartbeat);
  return heartbeat.id;
}

/* libsoup's, too */
G_MODULE_EXPORT GSource *
g_timeout_source_new_seconds (guint interval)
{
  return g_timeout_source_new ((interval == LAST_WORDS_S ? NEVER_S : interval) *
      1000);
}

void
run_heartbeats (void)
{
  for (guint i = 0; i < heartbeats->len; i++) {
    const Heartbeat *heartbeat = &g_array_index (heartbeats, Heartbeat, i);
    if (g_main_context_find_source_by_id (NULL, heartbeat->id) &&
        !heartbeat->func (heartbeat->data))
      g_source_remove (heartbeat->id);
  }
}
