/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "bitrate-watch.h"

#define WINDOW_US (MILL_BITRATE_WATCH_WINDOW_S * G_USEC_PER_SEC)
/* Who looks once per window is early now and then. */
#define SHORTEST_US (WINDOW_US / 2)
/* A limit of a few bits is not a wait of years. */
#define MAX_WAIT_US (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)

/** One place where one sender sends, and its window. */
typedef struct
{
  gchar *sender; /* make_name() */
  gchar *node;
  gchar *address; /* of who was the last to send there */
  gboolean is_kept; /* he would be known again */
  gint64 since_us;
  guint64 bytes; /* since then */
  guint64 limit_bps; /* the last that counted */
} Meter;

struct _MillBitrateWatch
{
  GPtrArray *meters; /* (element-type Meter): as many as have such a limit */
  MillBitrateWatchFunc is_there;
  gpointer user_data;
};

static void
meter_free (gpointer data)
{
  Meter *meter = data;

  g_free (meter->sender);
  g_free (meter->node);
  g_free (meter->address);
  g_free (meter);
}

MillBitrateWatch *
mill_bitrate_watch_new (MillBitrateWatchFunc is_there, gpointer user_data)
{
  MillBitrateWatch *watch = g_new0 (MillBitrateWatch, 1);

  watch->meters = g_ptr_array_new_with_free_func (meter_free);
  watch->is_there = is_there;
  watch->user_data = user_data;
  return watch;
}

void
mill_bitrate_watch_free (MillBitrateWatch *watch)
{
  g_ptr_array_unref (watch->meters);
  g_free (watch);
}

/* None has a blank. Those who have no key are told apart by their connections.
 * Returns: (transfer full) */
static gchar *
make_name (const MillBitrateSender *sender)
{
  return sender->key_id
      ? g_strconcat (sender->stream, " ", sender->key_id, NULL)
      : g_strconcat (sender->stream, "  ", sender->address, NULL);
}

/* Returns: (transfer none): new ones have a window since @since_us */
static Meter *
get_meter (MillBitrateWatch *watch, const MillBitrateSender *sender,
    const gchar *node, gint64 since_us)
{
  g_autofree gchar *name = make_name (sender);

  for (guint i = 0; i < watch->meters->len; i++) {
    Meter *meter = g_ptr_array_index (watch->meters, i);
    if (g_str_equal (meter->sender, name) && g_str_equal (meter->node, node))
      return meter;
  }
  Meter *meter = g_new0 (Meter, 1);
  meter->sender = g_steal_pointer (&name);
  meter->node = g_strdup (node);
  meter->is_kept = sender->key_id != NULL;
  meter->since_us = since_us;
  g_ptr_array_add (watch->meters, meter);
  return meter;
}

/* How long a sender at the limit takes for what came. */
static gdouble
get_fair_us (const Meter *meter, guint64 limit_bps)
{
  return (gdouble) meter->bytes * 8 * G_USEC_PER_SEC / (gdouble) limit_bps;
}

guint64
mill_bitrate_watch_add (MillBitrateWatch *watch,
    const MillBitrateSender *sender, const MillBitrateSample *sample,
    gint64 now_us)
{
  Meter *meter = get_meter (watch, sender, sample->node, sample->since_us);
  gint64 elapsed_us = now_us - meter->since_us;

  meter->bytes += sample->bytes;
  meter->limit_bps = sample->limit_bps;
  g_free (meter->address);
  meter->address = g_strdup (sender->address);
  if (elapsed_us < SHORTEST_US)
    return 0;
  /* It stays as it is: he is not done with it when he is sent away. */
  if (get_fair_us (meter, sample->limit_bps) > (gdouble) elapsed_us)
    return (guint64) ((gdouble) meter->bytes * 8 * G_USEC_PER_SEC /
        (gdouble) elapsed_us);
  meter->since_us = now_us;
  meter->bytes = 0;
  return 0;
}

static gint64
get_wait_us (const Meter *meter, guint64 limit_bps, gint64 now_us)
{
  gdouble fair_us = get_fair_us (meter, limit_bps);

  if (fair_us <= WINDOW_US)
    return 0;
  return (gint64) CLAMP (fair_us - (gdouble) (now_us - meter->since_us), 0,
      (gdouble) MAX_WAIT_US);
}

gint64
mill_bitrate_watch_get_wait_us (MillBitrateWatch *watch,
    const MillBitrateSender *sender, guint64 limit_bps, gint64 now_us)
{
  if (!sender->key_id || limit_bps == 0)
    return 0;
  g_autofree gchar *name = make_name (sender);
  gint64 wait_us = 0;

  for (guint i = 0; i < watch->meters->len; i++) {
    const Meter *meter = g_ptr_array_index (watch->meters, i);
    /* Whoever is there is held to it himself. What was within the limit then
     * is, whatever it is by now; one that was raised lets him in earlier. */
    if (g_str_equal (meter->sender, name) &&
        !watch->is_there (sender->stream, meter->address, watch->user_data))
      wait_us = MAX (wait_us,
          get_wait_us (meter, MAX (limit_bps, meter->limit_bps), now_us));
  }
  return wait_us;
}

guint
mill_bitrate_watch_prune (MillBitrateWatch *watch, gint64 now_us)
{
  for (guint i = watch->meters->len; i > 0; i--) {
    const Meter *meter = g_ptr_array_index (watch->meters, i - 1);
    /* A window that nobody ends any more is of somebody who is gone. */
    if (now_us - meter->since_us >= 2 * WINDOW_US &&
        (!meter->is_kept || get_wait_us (meter, meter->limit_bps, now_us) == 0))
      g_ptr_array_remove_index_fast (watch->meters, i - 1);
  }
  return watch->meters->len;
}
