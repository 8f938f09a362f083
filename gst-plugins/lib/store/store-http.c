/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * A store behind an HTTP server. The thread that writes only hands things
 * over: store-http-queue decides what goes when, store-http-session sends it,
 * on the thread that uploads. What a successor needs is kept locally.
 *
 * Threads: any; see the fields.
 */

#include "store/store-http.h"

#include <gmodule.h>
#include <string.h>

#include "store/store-directory.h"
#include "store/store-http-journal.h"
#include "store/store-http-session.h"

typedef struct
{
  MillStore store;
  MillStore *local;
  MillStoreHttpJournal *journal; /* from the lease on */
  MillStoreHttpQueue *queue;

  MillStoreHttpBatch *batch; /* (nullable): of the thread that writes */

  /* the thread that uploads */
  MillStoreHttpSession *session;
  GSource *timer;
} MillStoreHttp;

/* ---- the thread that uploads ---- */

static void pump (MillStoreHttp *self);

static gboolean
on_pump (gpointer user_data)
{
  pump (user_data);
  return G_SOURCE_REMOVE;
}

/* @self has something new. */
static void
wake (MillStoreHttp *self)
{
  g_main_context_invoke_full (mill_store_http_session_get_context (),
      G_PRIORITY_DEFAULT, on_pump, mill_store_ref (&self->store),
      (GDestroyNotify) mill_store_unref);
}

static void
on_answered (MillStoreHttpTransfer *transfer, MillStoreHttpOutcome outcome,
    const GError *error, gint64 wait_us, gpointer user_data)
{
  MillStoreHttp *self = user_data;

  if (outcome == MILL_STORE_HTTP_DONE && transfer->content == NULL)
    mill_store_http_journal_remove (self->journal, transfer->name);
  mill_store_http_queue_done (self->queue, transfer, outcome, error, wait_us);
  pump (self);
  mill_store_unref (&self->store);
}

static void
clear_timer (MillStoreHttp *self)
{
  if (self->timer == NULL)
    return;
  g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

static gboolean
on_timer (gpointer user_data)
{
  MillStoreHttp *self = user_data;

  clear_timer (self);
  pump (self);
  return G_SOURCE_REMOVE;
}

static void
set_timer (MillStoreHttp *self, gint64 wake_us)
{
  clear_timer (self);
  if (wake_us < 0)
    return;
  self->timer =
      g_timeout_source_new ((guint) (MAX (wake_us - g_get_monotonic_time (),
                                         0) /
              1000 +
          1));
  /* Not held: it goes with the store, on this thread. */
  g_source_set_callback (self->timer, on_timer, self, NULL);
  g_source_attach (self->timer, mill_store_http_session_get_context ());
}

/* Sends all that can be sent. */
static void
pump (MillStoreHttp *self)
{
  MillStoreHttpTransfer *transfer;
  gint64 wake_us;

  while ((transfer = mill_store_http_queue_take (self->queue,
              g_get_monotonic_time (), &wake_us)) != NULL) {
    mill_store_ref (&self->store);
    mill_store_http_session_send (self->session, transfer, on_answered, self);
  }
  set_timer (self, wake_us);
}

/* ---- objects ---- */

static gboolean
is_local (const gchar *name)
{
  return name[0] == '.';
}

static void
hand_over (MillStoreHttp *self, const gchar *name, GBytes *content,
    gboolean is_droppable)
{
  if (self->batch == NULL)
    self->batch = mill_store_http_queue_begin (self->queue);
  if (content != NULL)
    mill_store_http_journal_add (self->journal, name);
  mill_store_http_queue_add (self->queue, self->batch, name, content,
      is_droppable);
  wake (self);
}

/* An array has up to twice the room that it needs: not in a queue, please. */
static GBytes *
trim (GByteArray *array)
{
  gsize size;
  guint8 *data = g_byte_array_steal (array, &size);

  g_byte_array_unref (array);
  return g_bytes_new_take (g_realloc (data, size), size);
}

/* A body is sent, and signed, as a whole. */
static GBytes *
join (GPtrArray *pieces)
{
  GByteArray *whole = NULL;

  if (pieces->len == 1)
    return g_bytes_ref (pieces->pdata[0]);
  whole = g_byte_array_new ();
  for (guint i = 0; i < pieces->len; i++) {
    gsize size;
    const guint8 *data = g_bytes_get_data (pieces->pdata[i], &size);

    g_byte_array_append (whole, data, (guint) size);
  }
  return trim (whole);
}

static gboolean
http_put (MillStore *store, const gchar *name, GPtrArray *pieces,
    GError **error)
{
  MillStoreHttp *self = (MillStoreHttp *) store;
  g_autoptr (GBytes) content = NULL;

  if (is_local (name))
    return mill_store_put_pieces (self->local, name, pieces, error);
  content = join (pieces);
  hand_over (self, name, content, FALSE);
  return TRUE;
}

static gboolean
http_remove (MillStore *store, const gchar *name, GError **error)
{
  MillStoreHttp *self = (MillStoreHttp *) store;

  if (is_local (name))
    return mill_store_remove (self->local, name, error);
  hand_over (self, name, NULL, FALSE);
  return TRUE;
}

static gboolean
refuse (MillStore *store, const gchar *what, const gchar *name, GError **error)
{
  g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_FAILED,
      "%s '%s/%s': got a store behind HTTP, expected a directory", what,
      store->location, name);
  return FALSE;
}

static GBytes *
http_get (MillStore *store, const gchar *name, gsize max_bytes, GError **error)
{
  if (is_local (name))
    return mill_store_get (((MillStoreHttp *) store)->local, name, max_bytes,
        error);
  refuse (store, "getting", name, error);
  return NULL;
}

static gboolean
http_stat (MillStore *store, const gchar *name, guint64 *ret_size,
    GError **error)
{
  if (is_local (name))
    return mill_store_stat (((MillStoreHttp *) store)->local, name, ret_size,
        error);
  return refuse (store, "looking up", name, error);
}

static GPtrArray *
http_list (MillStore *store, const gchar *directory, GError **error)
{
  return mill_store_http_journal_list (((MillStoreHttp *) store)->journal,
      directory);
}

/* ---- objects that are appended to: in memory until they are closed ---- */

static gpointer
http_open (MillStore *store, const gchar *name, MillStoreMode mode,
    guint64 *ret_size, GError **error)
{
  if (mode != MILL_STORE_NEW || is_local (name)) {
    refuse (store, "appending to", name, error);
    return NULL;
  }
  *ret_size = 0;
  return g_byte_array_new ();
}

static gboolean
http_append (MillStore *store, gpointer handle, const gchar *name,
    guint64 offset, struct iovec *vectors, guint n_vectors, GError **error)
{
  for (guint i = 0; i < n_vectors; i++)
    g_byte_array_append (handle, vectors[i].iov_base, vectors[i].iov_len);
  return TRUE;
}

static gboolean
http_close (MillStore *store, gpointer handle, const gchar *name,
    GError **error)
{
  g_autoptr (GBytes) content = trim (handle);

  hand_over ((MillStoreHttp *) store, name, content, TRUE);
  return TRUE;
}

static void
http_discard (MillStore *store, gpointer handle)
{
  g_byte_array_unref (handle);
}

/* ---- ownership: that of the local directory ---- */

static gpointer
http_take (MillStore *store, const gchar *name, MillStoreTake how,
    GBytes **ret_content, GError **error)
{
  MillStoreHttp *self = (MillStoreHttp *) store;
  MillStore *local = self->local;
  gpointer handle = local->klass->take (local, name, how, ret_content, error);

  /* Not before it is ours: it is written anew when it is opened. */
  if (handle == NULL || self->journal != NULL)
    return handle;
  self->journal = mill_store_http_journal_open (local, error);
  if (self->journal != NULL)
    return handle;
  local->klass->release (local, handle);
  g_clear_pointer (ret_content, g_bytes_unref);
  return NULL;
}

static gboolean
http_write_taken (MillStore *store, gpointer handle, const gchar *name,
    GBytes *content, GError **error)
{
  MillStore *local = ((MillStoreHttp *) store)->local;

  return local->klass->write_taken (local, handle, name, content, error);
}

static gboolean
http_append_taken (MillStore *store, gpointer handle, const gchar *name,
    GBytes *content, GError **error)
{
  MillStore *local = ((MillStoreHttp *) store)->local;

  return local->klass->append_taken (local, handle, name, content, error);
}

static gboolean
http_is_taken (MillStore *store, gpointer handle, const gchar *name)
{
  MillStore *local = ((MillStoreHttp *) store)->local;

  return local->klass->is_taken (local, handle, name);
}

static void
http_release (MillStore *store, gpointer handle)
{
  MillStore *local = ((MillStoreHttp *) store)->local;

  /* A successor's playlists must not be overtaken by ours. */
  mill_store_http_queue_abandon (((MillStoreHttp *) store)->queue);
  local->klass->release (local, handle);
}

/* ---- the store ---- */

static void
http_settle (MillStore *store, MillStoreSettled func, MillStoreSettled troubled,
    gpointer user_data)
{
  MillStoreHttp *self = (MillStoreHttp *) store;
  MillStoreHttpBatch *batch = g_steal_pointer (&self->batch);

  if (batch == NULL)
    func (NULL, user_data);
  else
    mill_store_http_queue_settle (self->queue, batch, func, troubled,
        user_data);
}

static void
http_abandon (MillStore *store)
{
  mill_store_http_queue_abandon (((MillStoreHttp *) store)->queue);
}

static void
http_get_stats (MillStore *store, MillStoreStats *ret_stats)
{
  mill_store_http_queue_get_stats (((MillStoreHttp *) store)->queue, ret_stats);
}

static gboolean
on_free (gpointer user_data)
{
  MillStoreHttp *self = user_data;

  clear_timer (self);
  g_clear_pointer (&self->session, mill_store_http_session_free);
  g_clear_pointer (&self->queue, mill_store_http_queue_free);
  g_clear_pointer (&self->journal, mill_store_http_journal_free);
  g_clear_pointer (&self->local, mill_store_unref);
  g_free (self->store.location);
  g_free (self);
  return G_SOURCE_REMOVE;
}

/* On the thread that uploads, its session must go where it was used; and never
 * inside a call of that. */
static void
http_finalize (MillStore *store)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_free, store, NULL);
  g_source_attach (source, mill_store_http_session_get_context ());
}

static const MillStoreClass http_class = {
  .finalize = http_finalize,
  .put = http_put,
  .get = http_get,
  .stat = http_stat,
  .remove = http_remove,
  .list = http_list,
  .open = http_open,
  .append = http_append,
  .close = http_close,
  .take = http_take,
  .write_taken = http_write_taken,
  .append_taken = http_append_taken,
  .is_taken = http_is_taken,
  .release = http_release,
  .settle = http_settle,
  .discard = http_discard,
  .abandon = http_abandon,
  .get_stats = http_get_stats,
};

/* For people: of whom it is; for uniqueness: a part of the URL's hash. */
static gchar *
choose_state_path (const gchar *url)
{
  g_autofree gchar *hash =
      g_compute_checksum_for_string (G_CHECKSUM_SHA256, url, -1);
  g_autofree gchar *name =
      g_strdup_printf ("%s-%.16s", strrchr (url, '/') + 1, hash);

  g_strcanon (name, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-", '_');
  return g_build_filename (g_get_user_state_dir (), "millrace", "uploads", name,
      NULL);
}

static MillStoreHttpQueue *
make_queue (const MillStoreHttpOptions *options)
{
  MillStoreHttpLimits limits = {
    .connections = options->connections,
    .max_bytes = options->max_bytes,
    .max_objects = options->max_objects,
    .give_up_us = (gint64) options->give_up_ms * 1000,
    .location = options->url,
  };

  return mill_store_http_queue_new (&limits);
}

G_MODULE_EXPORT MillStore *
mill_store_http_new (const MillStoreHttpOptions *options, GError **error)
{
  g_autofree gchar *state_path = options->state_path != NULL
      ? g_strdup (options->state_path)
      : choose_state_path (options->url);
  g_autoptr (MillStore) local = mill_store_directory_new (state_path, error);
  MillStoreHttpSession *session;
  MillStoreHttp *self;

  if (local == NULL) {
    g_prefix_error (error, "state-location: ");
    return NULL;
  }
  session = mill_store_http_session_new (options, error);
  if (session == NULL)
    return NULL;
  self = g_new0 (MillStoreHttp, 1);
  self->store.klass = &http_class;
  self->store.n_refs = 1;
  self->store.location = g_strdup (options->url);
  self->local = g_steal_pointer (&local);
  self->queue = make_queue (options);
  self->session = session;
  return &self->store;
}
