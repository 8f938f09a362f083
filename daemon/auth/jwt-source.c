/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#define G_LOG_DOMAIN "auth"

#include "jwt-source.h"

#include "http-fetch.h"
#include "secret.h"

/* A publisher waits for it, and is refused after 4.8 s. */
#define TIMEOUT_MS 3000
#define MAX_BYTES (256 * 1024)
/* Whoever runs the keys' server may say how long they are good, within these:
 * a key that was taken out is out after a day at most, and no answer makes us
 * ask with every publisher. */
#define MIN_AGE_S 60
#define MAX_AGE_S (24 * 3600)
#define DEFAULT_AGE_S (15 * 60)

typedef struct
{
  MillJwtSourceFunc func;
  gpointer user_data;
} Waiter;

struct _MillJwtSource
{
  MillJwtPlace place;
  gboolean is_url;
  SoupSession *session; /* nullable: a file, or it could not be made */
  MillJwtKeys *keys; /* nullable */
  gint64 asked_at; /* monotonic µs; 0: never */
  gint64 fresh_until;
  gboolean is_loading;
  GQueue waiters; /* (element-type Waiter) */
  GCancellable *life;
};

static void
take_keys (MillJwtSource *source, MillJwtKeys *keys, GError *error)
{
  gint64 now = g_get_monotonic_time ();
  if (keys) {
    g_clear_pointer (&source->keys, mill_jwt_keys_unref);
    source->keys = keys;
    g_info ("jwt: keys of '%s': %u",
        source->place.jwks ? source->place.jwks : source->place.secret_file,
        mill_jwt_keys_count (keys));
    return;
  }
  /* What was good last, for the time being. */
  source->fresh_until = now + (gint64) source->place.retry_ms * 1000;
  g_warning ("keys of '%s': %s%s",
      source->place.jwks ? source->place.jwks : source->place.secret_file,
      error->message, source->keys ? "; the ones before stay" : "");
  g_error_free (error);
}

static void
answer_all (MillJwtSource *source)
{
  /* Who is answered may ask again: that is for the next round. */
  GQueue waiters = source->waiters;
  Waiter *waiter;
  g_queue_init (&source->waiters);
  while ((waiter = g_queue_pop_head (&waiters))) {
    waiter->func (source->keys, waiter->user_data);
    g_free (waiter);
  }
}

/* ---- files ---- */

static MillJwtKeys *
read_secret (const gchar *path, GError **error)
{
  g_autoptr (GBytes) secret = mill_secret_read_file (path, error);
  gsize size;
  if (!secret)
    return NULL;
  const guint8 *bytes = g_bytes_get_data (secret, &size);
  return mill_jwt_keys_new_from_secret (bytes, size, error);
}

static MillJwtKeys *
read_file (const MillJwtPlace *place, GError **error)
{
  g_autofree gchar *text = NULL;
  gsize size;
  if (place->secret_file)
    return read_secret (place->secret_file, error);
  if (!g_file_get_contents (place->jwks, &text, &size, error))
    return NULL;
  return mill_jwt_keys_new_from_set (text, MIN (size, MAX_BYTES),
      place->algorithms, error);
}

/* ---- URLs ---- */

static gint64
bound_age (gint64 max_age_s)
{
  return max_age_s < 0 ? DEFAULT_AGE_S
                       : CLAMP (max_age_s, MIN_AGE_S, MAX_AGE_S);
}

static MillJwtKeys *
read_answer (MillJwtSource *source, const MillHttpAnswer *answer,
    GError **error)
{
  gsize size;
  const gchar *text = g_bytes_get_data (answer->body, &size);
  if (answer->status != SOUP_STATUS_OK) {
    g_set_error (error, MILL_JWT_ERROR, MILL_JWT_ERROR_KEYS,
        "got status %u, expected 200 (redirections are not followed)",
        answer->status);
    return NULL;
  }
  return mill_jwt_keys_new_from_set (text ? text : "", size,
      source->place.algorithms, error);
}

typedef struct
{
  MillJwtSource *source;
  GCancellable *life;
} Load;

static void
on_fetched (GObject *session, GAsyncResult *result, gpointer user_data)
{
  Load *load = user_data;
  GError *error = NULL;
  g_autoptr (MillHttpAnswer) answer = mill_http_fetch_finish (result, &error);
  g_autoptr (GCancellable) life = load->life;
  MillJwtSource *source = load->source;

  g_free (load);
  if (g_cancellable_is_cancelled (life)) {
    g_clear_error (&error);
    return;
  }
  MillJwtKeys *keys = answer ? read_answer (source, answer, &error) : NULL;
  if (keys)
    source->fresh_until = g_get_monotonic_time () +
        bound_age (answer->max_age_s) * G_USEC_PER_SEC;
  source->is_loading = FALSE;
  take_keys (source, keys, error);
  answer_all (source);
}

static void
fetch (MillJwtSource *source)
{
  static const MillHttpBounds bounds = { TIMEOUT_MS, MAX_BYTES };
  g_autoptr (SoupMessage) message =
      soup_message_new (SOUP_METHOD_GET, source->place.jwks);
  Load *load = g_new0 (Load, 1);
  load->source = source;
  load->life = g_object_ref (source->life);
  source->is_loading = TRUE;
  mill_http_fetch_async (source->session, message, &bounds, on_fetched, load);
}

/* ---- loading ---- */

static void
load (MillJwtSource *source)
{
  GError *error = NULL;
  source->asked_at = g_get_monotonic_time ();
  if (!source->is_url) {
    MillJwtKeys *keys = read_file (&source->place, &error);
    source->fresh_until = G_MAXINT64;
    take_keys (source, keys, error);
    return;
  }
  if (!source->session)
    source->session =
        mill_http_fetch_new_session (source->place.ca_file, &error);
  if (source->session)
    fetch (source);
  else
    take_keys (source, NULL, error);
}

static gboolean
wants_load (const MillJwtSource *source, MillJwtNeed need, gint64 now)
{
  if (source->is_loading)
    return FALSE;
  if (need == MILL_JWT_SOURCE_NEWER)
    return now - source->asked_at >= (gint64) source->place.retry_ms * 1000;
  return now >= source->fresh_until;
}

void
mill_jwt_source_get (MillJwtSource *source, MillJwtNeed need,
    MillJwtSourceFunc func, gpointer user_data)
{
  gboolean is_over = g_cancellable_is_cancelled (source->life);
  if (!is_over && wants_load (source, need, g_get_monotonic_time ()))
    load (source);
  /* Being asked for already: what comes may be what is needed. */
  if (!source->is_loading) {
    func (source->keys, user_data);
    return;
  }
  Waiter *waiter = g_new0 (Waiter, 1);
  waiter->func = func;
  waiter->user_data = user_data;
  g_queue_push_tail (&source->waiters, waiter);
}

void
mill_jwt_source_reload (MillJwtSource *source)
{
  if (!source->is_url)
    load (source);
}

/* ---- life ---- */

MillJwtSource *
mill_jwt_source_new (const MillJwtPlace *place)
{
  MillJwtSource *source = g_new0 (MillJwtSource, 1);
  source->place = (MillJwtPlace){ .jwks = g_strdup (place->jwks),
    .secret_file = g_strdup (place->secret_file),
    .algorithms = place->algorithms,
    .ca_file = g_strdup (place->ca_file),
    .retry_ms = place->retry_ms };
  source->is_url = place->jwks && !g_path_is_absolute (place->jwks);
  source->life = g_cancellable_new ();
  load (source);
  return source;
}

void
mill_jwt_source_free (MillJwtSource *source)
{
  if (!source)
    return;
  g_cancellable_cancel (source->life);
  g_clear_pointer (&source->keys, mill_jwt_keys_unref);
  source->is_loading = FALSE;
  source->fresh_until = G_MAXINT64;
  answer_all (source);
  if (source->session)
    soup_session_abort (source->session);
  g_clear_object (&source->session);
  g_object_unref (source->life);
  g_free (source->place.jwks);
  g_free (source->place.secret_file);
  g_free (source->place.ca_file);
  g_free (source);
}
