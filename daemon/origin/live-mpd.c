/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/live-mpd.h"

#include "playlist/mpd-low-latency.h"

/* Some 4 KB each; beyond it all are made anew. */
#define MAX_MADE 1024

typedef struct
{
  gchar *version; /* of the plain one */
  GBytes *text; /* NULL: the plain one is what there is */
} Made;

struct _MillLiveMpds
{
  GHashTable *made; /* stream -> Made */
};

static void
free_made (gpointer data)
{
  Made *made = data;

  g_free (made->version);
  g_clear_pointer (&made->text, g_bytes_unref);
  g_free (made);
}

MillLiveMpds *
mill_live_mpd_new (void)
{
  MillLiveMpds *self = g_new0 (MillLiveMpds, 1);

  self->made =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_made);
  return self;
}

void
mill_live_mpd_free (MillLiveMpds *self)
{
  g_hash_table_unref (self->made);
  g_free (self);
}

GBytes *
mill_live_mpd_get (MillLiveMpds *self, MillLiveStream *stream, GBytes *plain,
    const gchar *version)
{
  const gchar *name = mill_live_stream_get_name (stream);
  Made *made = g_hash_table_lookup (self->made, name);
  MillMpdLowLatency options = {
    .part_target_ns = mill_live_stream_get_part_target (stream),
    .clock = MILL_LIVE_MPD_CLOCK,
  };
  g_autoptr (GError) error = NULL;

  if (made != NULL && g_str_equal (made->version, version))
    return made->text;
  if (g_hash_table_size (self->made) >= MAX_MADE)
    g_hash_table_remove_all (self->made);
  made = g_new0 (Made, 1);
  made->version = g_strdup (version);
  made->text = mill_mpd_low_latency_make (plain, &options, &error);
  if (made->text == NULL)
    g_debug ("MPD of '%s' stays as it is: %s", name, error->message);
  g_hash_table_replace (self->made, g_strdup (name), made);
  return made->text;
}
