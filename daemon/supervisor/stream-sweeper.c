/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "supervisor"

#include "stream-sweeper.h"

#include "stream-directory.h"

#define SWEEP_SECONDS 10
/* What failed stays visible, and a directory whose packager died with its
 * worker stays playable, for this long. */
#define ORPHAN_SECONDS 3600

struct _MillStreamSweeper
{
  MillStreamRegistry *registry; /* not owned */
  gchar *media_dir;
  guint timer;
};

static gboolean
is_forgotten (const MillStreamSweeper *sweeper, const MillStream *stream)
{
  const gchar *media_dir = sweeper->media_dir;
  gint64 age_s = (g_get_real_time () - stream->since) / G_USEC_PER_SEC;
  gint64 kept_s = stream->state == MILL_STATUS_FAILED ? ORPHAN_SECONDS
                                                      : SWEEP_SECONDS;
  if (stream->row->declared || mill_stream_is_running (stream) ||
      stream->row->desired == MILL_DESIRED_STOPPED)
    return FALSE;
  if (stream->orphaned && age_s >= ORPHAN_SECONDS)
    mill_stream_directory_remove (media_dir, stream->row->name);
  return age_s >= kept_s &&
      !mill_stream_directory_exists (media_dir, stream->row->name);
}

static gboolean
on_sweep (gpointer user_data)
{
  MillStreamSweeper *sweeper = user_data;
  g_autoptr (GPtrArray) streams = mill_stream_registry_list (sweeper->registry);
  for (guint i = 0; i < streams->len; i++) {
    MillStream *stream = g_ptr_array_index (streams, i);
    g_autoptr (GError) error = NULL;
    if (is_forgotten (sweeper, stream) &&
        !mill_stream_registry_remove (sweeper->registry, stream, &error))
      g_warning ("stream not forgotten: %s", error->message);
  }
  return G_SOURCE_CONTINUE;
}

MillStreamSweeper *
mill_stream_sweeper_new (MillStreamRegistry *registry, const gchar *media_dir)
{
  MillStreamSweeper *sweeper = g_new0 (MillStreamSweeper, 1);
  sweeper->registry = registry;
  sweeper->media_dir = g_strdup (media_dir);
  sweeper->timer = g_timeout_add_seconds (SWEEP_SECONDS, on_sweep, sweeper);
  return sweeper;
}

void
mill_stream_sweeper_free (MillStreamSweeper *sweeper)
{
  if (!sweeper)
    return;
  g_clear_handle_id (&sweeper->timer, g_source_remove);
  g_free (sweeper->media_dir);
  g_free (sweeper);
}
