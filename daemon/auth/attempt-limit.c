/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "attempt-limit.h"

#include "address.h"

#define UNKNOWN_SENDER "unknown"

typedef struct
{
  gchar *sender;
  gdouble tokens;
  gint64 filled_at; /* monotonic µs */
  GList *link; /* in recent */
} Bucket;

struct _MillAttemptLimit
{
  MillAttemptRules rules;
  GHashTable *buckets; /* (element-type utf8 Bucket) */
  GQueue recent; /* (element-type Bucket) the least recent first */
};

static void
bucket_free (gpointer data)
{
  Bucket *bucket = data;
  g_free (bucket->sender);
  g_free (bucket);
}

MillAttemptLimit *
mill_attempt_limit_new (void)
{
  MillAttemptLimit *limit = g_new0 (MillAttemptLimit, 1);
  limit->buckets =
      g_hash_table_new_full (g_str_hash, g_str_equal, NULL, bucket_free);
  return limit;
}

void
mill_attempt_limit_free (MillAttemptLimit *limit)
{
  if (!limit)
    return;
  g_queue_clear (&limit->recent);
  g_hash_table_unref (limit->buckets);
  g_strfreev (limit->rules.exempt);
  g_free (limit);
}

static void
drop_least_recent (MillAttemptLimit *limit)
{
  Bucket *bucket = g_queue_pop_head (&limit->recent);
  g_hash_table_remove (limit->buckets, bucket->sender);
}

void
mill_attempt_limit_set_rules (MillAttemptLimit *limit,
    const MillAttemptRules *rules)
{
  g_strfreev (limit->rules.exempt);
  limit->rules = *rules;
  limit->rules.exempt = g_strdupv (rules->exempt);
  while (limit->recent.length > MAX (rules->senders, 1))
    drop_least_recent (limit);
}

static gboolean
is_exempt (MillAttemptLimit *limit, GInetAddress *address)
{
  return limit->rules.burst == 0 ||
      (address &&
          mill_address_is_in (address,
              (const gchar *const *) limit->rules.exempt));
}

static gchar *
name_sender (GInetAddress *address)
{
  return address ? mill_address_to_sender (address) : g_strdup (UNKNOWN_SENDER);
}

static Bucket *
add_bucket (MillAttemptLimit *limit, gchar *sender, gint64 now)
{
  if (limit->recent.length >= MAX (limit->rules.senders, 1))
    drop_least_recent (limit);
  Bucket *bucket = g_new0 (Bucket, 1);
  bucket->sender = sender;
  bucket->tokens = limit->rules.burst;
  bucket->filled_at = now;
  g_queue_push_tail (&limit->recent, bucket);
  bucket->link = g_queue_peek_tail_link (&limit->recent);
  g_hash_table_insert (limit->buckets, sender, bucket);
  return bucket;
}

static Bucket *
find_bucket (MillAttemptLimit *limit, GInetAddress *address, gint64 now)
{
  g_autofree gchar *sender = name_sender (address);
  Bucket *bucket = g_hash_table_lookup (limit->buckets, sender);

  if (!bucket)
    return add_bucket (limit, g_steal_pointer (&sender), now);
  g_queue_unlink (&limit->recent, bucket->link);
  g_queue_push_tail_link (&limit->recent, bucket->link);
  gdouble minutes = (gdouble) (now - bucket->filled_at) /
      (60.0 * G_USEC_PER_SEC);
  bucket->tokens = MIN (bucket->tokens + minutes * limit->rules.per_minute,
      limit->rules.burst);
  bucket->filled_at = now;
  return bucket;
}

gboolean
mill_attempt_limit_take (MillAttemptLimit *limit, GInetAddress *address,
    gint64 now)
{
  if (is_exempt (limit, address))
    return TRUE;
  Bucket *bucket = find_bucket (limit, address, now);
  if (bucket->tokens < 1)
    return FALSE;
  bucket->tokens -= 1;
  return TRUE;
}

void
mill_attempt_limit_fail (MillAttemptLimit *limit, GInetAddress *address)
{
  if (is_exempt (limit, address))
    return;
  g_autofree gchar *sender = name_sender (address);
  Bucket *bucket = g_hash_table_lookup (limit->buckets, sender);
  if (bucket && limit->rules.failure_cost > 1)
    bucket->tokens -= limit->rules.failure_cost - 1;
}
