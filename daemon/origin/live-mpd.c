/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/live-mpd.h"

#include "playlist/mpd-low-latency.h"

/* Some 4 KB each; beyond it all are made anew. */
#define MAX_MADE 1024

/* Of a target duration, in percent: a segment that never comes is not yet told to
 * be there then. */
#define PATIENCE_PERCENT 75

typedef struct
{
  gchar *version; /* of the plain one */
  gboolean stands; /* so it stays, though the stream goes on */
  guint64 next_period;
  GBytes *text; /* NULL: the plain one is what there is */
  gchar *made_version; /* of @text */
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
  g_free (made->made_version);
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

/* The last number that a discontinuity, or another generation, is known to begin
 * with; 0: none. */
static guint64
find_next_period (MillLiveStream *stream)
{
  GPtrArray *renditions = mill_live_stream_get_renditions (stream);
  guint64 generation;
  guint64 found = 0;

  if (!mill_live_stream_get_next (stream, &generation, &found))
    found = 0;
  for (guint i = 0; i < renditions->len; i++) {
    const MillLiveRendition *rendition = g_ptr_array_index (renditions, i);

    for (guint k = 0; k < rendition->segments->len; k++) {
      const MillLiveSegment *segment =
          g_ptr_array_index (rendition->segments, k);

      if (segment->discontinuity)
        found = MAX (found, segment->number);
    }
  }
  return found;
}

/* Nothing was told for so long that every player that is as far behind as it is
 * to be has played all there is. */
static gboolean
is_quiet (MillLiveStream *stream)
{
  gint64 patience_us = (gint64) mill_mpd_low_latency_get_target_ms (
                           mill_live_stream_get_part_target (stream)) *
      1000;
  gint64 target_us = (gint64) mill_live_stream_get_target_duration (stream) *
      G_USEC_PER_SEC;

  if (target_us > 0)
    patience_us = MIN (patience_us, target_us * PATIENCE_PERCENT / 100);
  return g_get_real_time () - mill_live_stream_get_written (stream) >
      patience_us;
}

static gboolean
stands (MillLiveStream *stream)
{
  if (mill_live_stream_has_ended (stream))
    return TRUE;
  if (!is_quiet (stream))
    return FALSE;
  /* This process may be late, not the packager. */
  mill_live_stream_refresh (stream);
  return is_quiet (stream);
}

static Made *
make (MillLiveStream *stream, GBytes *plain, const MillMpdLowLatency *options)
{
  Made *made = g_new0 (Made, 1);
  MillMpdLowLatencyKind kind;
  g_autoptr (GError) error = NULL;

  made->stands = options->stands;
  made->next_period = options->next_period;
  made->text = mill_mpd_low_latency_make (plain, options, &kind, &error);
  if (made->text == NULL) {
    g_debug ("MPD of '%s' stays as it is: %s",
        mill_live_stream_get_name (stream), error->message);
    return made;
  }
  made->stands = kind == MILL_MPD_LOW_LATENCY_STANDS;
  return made;
}

GBytes *
mill_live_mpd_get (MillLiveMpds *self, MillLiveStream *stream, GBytes *plain,
    const gchar *version, const gchar **ret_version)
{
  const gchar *name = mill_live_stream_get_name (stream);
  Made *made = g_hash_table_lookup (self->made, name);
  MillMpdLowLatency options = {
    .part_target_ns = mill_live_stream_get_part_target (stream),
    .longest_part_ns = mill_live_stream_get_longest_part (stream),
    .clock = MILL_LIVE_MPD_CLOCK,
    .stands = stands (stream),
  };

  options.next_period = find_next_period (stream);
  if (made == NULL || !g_str_equal (made->version, version) ||
      (!made->stands &&
          (options.stands || made->next_period != options.next_period))) {
    if (g_hash_table_size (self->made) >= MAX_MADE)
      g_hash_table_remove_all (self->made);
    made = make (stream, plain, &options);
    made->version = g_strdup (version);
    made->made_version =
        g_strconcat (version, made->stands ? "-stands" : "-ll", NULL);
    g_hash_table_replace (self->made, g_strdup (name), made);
  }
  *ret_version = made->made_version;
  return made->text;
}
