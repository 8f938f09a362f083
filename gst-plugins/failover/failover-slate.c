/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The slates of a process by what they are like, and the one thread that makes
 * them one after another: a hundred streams that start at once encode one. */
#include "failover-slate.h"

#include "failover-slate-maker.h"

struct _MillFailoverSlate
{
  gint refs; /* registry_lock */
  gchar *key;
  gint cancelled; /* atomic */
  gint state; /* atomic; what follows is constant when it is not PREPARING */
  gchar *error;
  MillFailoverSlateTrack tracks[MILL_FAILOVER_SLATE_N_TRACKS];

  /* of the format */
  MillFailoverSlateFormat format;
  gchar *location;
  gchar *profile;
};

static GMutex registry_lock;
static GHashTable *registry; /* key -> MillFailoverSlate, not owned */
static GThreadPool *makers; /* registry_lock; of the process's life */

static void
free_slate (MillFailoverSlate *slate)
{
  for (guint i = 0; i < MILL_FAILOVER_SLATE_N_TRACKS; i++)
    g_clear_pointer (&slate->tracks[i].frames, g_array_unref);
  g_free (slate->error);
  g_free (slate->location);
  g_free (slate->profile);
  g_free (slate->key);
  g_free (slate);
}

MillFailoverSlate *
mill_failover_slate_ref (MillFailoverSlate *slate)
{
  g_mutex_lock (&registry_lock);
  slate->refs++;
  g_mutex_unlock (&registry_lock);
  return slate;
}

void
mill_failover_slate_unref (MillFailoverSlate *slate)
{
  g_mutex_lock (&registry_lock);
  gboolean is_last = --slate->refs == 0;
  /* Only the maker still has it: nobody waits for it any more. */
  if (slate->refs == 1 &&
      g_atomic_int_get (&slate->state) == MILL_FAILOVER_SLATE_PREPARING)
    g_atomic_int_set (&slate->cancelled, TRUE);
  if ((is_last || g_atomic_int_get (&slate->cancelled)) &&
      g_hash_table_lookup (registry, slate->key) == slate)
    g_hash_table_remove (registry, slate->key);
  g_mutex_unlock (&registry_lock);
  if (is_last)
    free_slate (slate);
}

static void
make (gpointer data, gpointer user_data)
{
  MillFailoverSlate *slate = data;
  g_autoptr (GError) error = NULL;
  gboolean made = mill_failover_slate_maker_run (&slate->format,
      &slate->cancelled, slate->tracks, &error);

  if (!made)
    slate->error = g_strdup (error->message);
  g_mutex_lock (&registry_lock);
  /* Whoever asks next tries anew, however long somebody else keeps this. */
  if (!made && g_hash_table_lookup (registry, slate->key) == slate)
    g_hash_table_remove (registry, slate->key);
  g_atomic_int_set (&slate->state,
      made ? MILL_FAILOVER_SLATE_READY : MILL_FAILOVER_SLATE_FAILED);
  g_mutex_unlock (&registry_lock);
  mill_failover_slate_unref (slate);
}

static MillFailoverSlate *
new_slate (const MillFailoverSlateFormat *format, const gchar *key)
{
  MillFailoverSlate *slate = g_new0 (MillFailoverSlate, 1);

  slate->key = g_strdup (key);
  slate->location = g_strdup (format->location);
  slate->profile = g_strdup (format->profile);
  slate->format = *format;
  slate->format.location = slate->location;
  slate->format.profile = slate->profile;
  return slate;
}

MillFailoverSlate *
mill_failover_slate_get (const MillFailoverSlateFormat *format)
{
  g_autofree gchar *key = g_strdup_printf ("%s\n%ux%u %u/%u %s %u %u",
      format->location, format->width, format->height, format->fps_n,
      format->fps_d, format->profile ? format->profile : "", format->rate,
      format->channels);

  g_mutex_lock (&registry_lock);
  if (!registry) {
    registry = g_hash_table_new (g_str_hash, g_str_equal);
    makers = g_thread_pool_new (make, NULL, 1, FALSE, NULL);
  }
  MillFailoverSlate *slate = g_hash_table_lookup (registry, key);
  gboolean is_new = !slate;
  if (is_new) {
    slate = new_slate (format, key);
    g_hash_table_insert (registry, slate->key, slate);
    slate->refs++; /* the maker's */
  }
  slate->refs++;
  g_mutex_unlock (&registry_lock);
  if (is_new)
    g_thread_pool_push (makers, slate, NULL);
  return slate;
}

MillFailoverSlateState
mill_failover_slate_get_state (MillFailoverSlate *slate)
{
  return g_atomic_int_get (&slate->state);
}

const gchar *
mill_failover_slate_get_error (MillFailoverSlate *slate)
{
  return slate->error;
}

const MillFailoverSlateTrack *
mill_failover_slate_get_tracks (MillFailoverSlate *slate)
{
  return slate->tracks;
}
