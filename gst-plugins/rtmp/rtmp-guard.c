/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-guard.h"

#include <netinet/in.h>
#include <string.h>

#include "rtmp/rtmp-session.h"

/* Addresses whose handshakes are remembered. With more, those that are not are
 * let pass: nobody is shut out by others. */
#define MAX_BUCKETS 16384
#define SWEPT_BUCKETS 1024 /* from so many on */
#define SWEEP_US G_USEC_PER_SEC /* and so often at most */

/* What an address may do yet; one that was left alone for a while may do
 * everything, and is forgotten. */
typedef struct
{
  gdouble handshakes;
  gint64 filled_us;
} Bucket;

struct _MillRtmpGuard
{
  gatomicrefcount refs;

  GMutex lock;
  /* lock */
  GHashTable *pending; /* (element-type guint64 guint): places by address */
  guint n_pending;
  GHashTable *buckets; /* (element-type guint64 Bucket): by address */
  gint64 swept_us; /* when the full ones were looked for */
  guint64 n_connections;
  guint64 counts[MILL_RTMP_GUARD_N_CAUSES];
};

static const gchar *
get_cause_name (guint cause)
{
  static const gchar *const names[] = {
    "pending",
    "pending-per-address",
    "tls-handshakes",
    "handshake-timeout",
    "idle-timeout",
    "protocol",
  };
  G_STATIC_ASSERT (MILL_RTMP_N_LIMITS + G_N_ELEMENTS (names) ==
      MILL_RTMP_GUARD_N_CAUSES);

  return cause < MILL_RTMP_N_LIMITS ? mill_rtmp_limits_get_name (cause)
                                    : names[cause - MILL_RTMP_N_LIMITS];
}

/* ---- life ---- */

MillRtmpGuard *
mill_rtmp_guard_new (void)
{
  MillRtmpGuard *self = g_new0 (MillRtmpGuard, 1);

  g_atomic_ref_count_init (&self->refs);
  g_mutex_init (&self->lock);
  self->pending =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  self->buckets =
      g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  return self;
}

MillRtmpGuard *
mill_rtmp_guard_ref (MillRtmpGuard *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
mill_rtmp_guard_unref (MillRtmpGuard *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_mutex_clear (&self->lock);
  g_hash_table_unref (self->pending);
  g_hash_table_unref (self->buckets);
  g_free (self);
}

/* ---- places ---- */

static guint64
make_key_v6 (const struct in6_addr *address)
{
  guint64 network;
  guint32 v4;

  if (IN6_IS_ADDR_V4MAPPED (address)) {
    memcpy (&v4, address->s6_addr + 12, sizeof v4);
    return v4;
  }
  memcpy (&network, address->s6_addr, sizeof network);
  return network;
}

guint64
mill_rtmp_guard_make_key (const struct sockaddr *address)
{
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;

  switch (address->sa_family) {
    case AF_INET:
      memcpy (&v4, address, sizeof v4);
      return v4.sin_addr.s_addr;
    case AF_INET6:
      memcpy (&v6, address, sizeof v6);
      return make_key_v6 (&v6.sin6_addr);
    default:
      return 0;
  }
}

/* ---- handshakes, by time ---- */

static void
fill (Bucket *bucket, guint per_second, gint64 now_us)
{
  gdouble seconds = (gdouble) (now_us - bucket->filled_us) / G_USEC_PER_SEC;
  gdouble most = (gdouble) per_second * MILL_RTMP_GUARD_BURST_S;

  bucket->handshakes = MIN (bucket->handshakes + seconds * per_second, most);
  bucket->filled_us = now_us;
}

static void
sweep_locked (MillRtmpGuard *self, guint per_second, gint64 now_us)
{
  GHashTableIter iter;
  gpointer value;

  if (g_hash_table_size (self->buckets) < SWEPT_BUCKETS ||
      now_us - self->swept_us < SWEEP_US)
    return;
  self->swept_us = now_us;
  g_hash_table_iter_init (&iter, self->buckets);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Bucket *bucket = value;
    fill (bucket, per_second, now_us);
    if (bucket->handshakes >= (gdouble) per_second * MILL_RTMP_GUARD_BURST_S)
      g_hash_table_iter_remove (&iter);
  }
}

static gboolean
take_handshake_locked (MillRtmpGuard *self, guint64 key, guint per_second,
    gint64 now_us)
{
  Bucket *bucket = g_hash_table_lookup (self->buckets, &key);

  if (!bucket) {
    sweep_locked (self, per_second, now_us);
    if (g_hash_table_size (self->buckets) >= MAX_BUCKETS)
      return TRUE;
    bucket = g_new0 (Bucket, 1);
    bucket->handshakes = (gdouble) per_second * MILL_RTMP_GUARD_BURST_S;
    bucket->filled_us = now_us;
    g_hash_table_insert (self->buckets, g_memdup2 (&key, sizeof key), bucket);
  }
  fill (bucket, per_second, now_us);
  if (bucket->handshakes < 1)
    return FALSE;
  bucket->handshakes -= 1;
  return TRUE;
}

gboolean
mill_rtmp_guard_enter (MillRtmpGuard *self, guint64 key,
    const MillRtmpGuardLimits *limits, gint64 now_us)
{
  gboolean enters = FALSE;

  g_mutex_lock (&self->lock);
  guint n_same = GPOINTER_TO_UINT (g_hash_table_lookup (self->pending, &key));
  self->n_connections++;
  if (self->n_pending >= limits->max_pending) {
    self->counts[MILL_RTMP_GUARD_PENDING]++;
  } else if (n_same >= limits->max_pending_per_address) {
    self->counts[MILL_RTMP_GUARD_PENDING_PER_ADDRESS]++;
  } else if (limits->max_handshakes_per_address > 0 &&
      !take_handshake_locked (self, key, limits->max_handshakes_per_address,
          now_us)) {
    self->counts[MILL_RTMP_GUARD_TLS_HANDSHAKES]++;
  } else {
    g_hash_table_insert (self->pending, g_memdup2 (&key, sizeof key),
        GUINT_TO_POINTER (n_same + 1));
    self->n_pending++;
    enters = TRUE;
  }
  g_mutex_unlock (&self->lock);
  return enters;
}

void
mill_rtmp_guard_leave (MillRtmpGuard *self, guint64 key)
{
  g_mutex_lock (&self->lock);
  guint n_same = GPOINTER_TO_UINT (g_hash_table_lookup (self->pending, &key));
  if (n_same > 1)
    g_hash_table_insert (self->pending, g_memdup2 (&key, sizeof key),
        GUINT_TO_POINTER (n_same - 1));
  else
    g_hash_table_remove (self->pending, &key);
  self->n_pending--;
  g_mutex_unlock (&self->lock);
}

/* ---- counting ---- */

void
mill_rtmp_guard_count (MillRtmpGuard *self, guint cause)
{
  g_return_if_fail (cause < MILL_RTMP_GUARD_N_CAUSES);
  g_mutex_lock (&self->lock);
  self->counts[cause]++;
  g_mutex_unlock (&self->lock);
}

void
mill_rtmp_guard_count_error (MillRtmpGuard *self, const GError *error)
{
  if (error->domain == MILL_RTMP_LIMIT_ERROR)
    mill_rtmp_guard_count (self, error->code);
  else if (error->domain == MILL_RTMP_ERROR)
    mill_rtmp_guard_count (self, MILL_RTMP_GUARD_PROTOCOL);
}

GstStructure *
mill_rtmp_guard_describe (MillRtmpGuard *self)
{
  GstStructure *stats = gst_structure_new_empty ("listener");

  g_mutex_lock (&self->lock);
  gst_structure_set (stats, "connections", G_TYPE_UINT64, self->n_connections,
      "pending", G_TYPE_UINT, self->n_pending, NULL);
  for (guint i = 0; i < MILL_RTMP_GUARD_N_CAUSES; i++) {
    g_autofree gchar *name = g_strconcat ("closed-", get_cause_name (i), NULL);
    gst_structure_set (stats, name, G_TYPE_UINT64, self->counts[i], NULL);
  }
  g_mutex_unlock (&self->lock);
  return stats;
}
