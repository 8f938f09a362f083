/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store/store-writer.h"

#include "store/store-private.h"

#define DEFAULT_MAX_JOBS 64
#define DEFAULT_MAX_BYTES (16 * 1024 * 1024)

/* Writing is waiting for the disk: more threads than this only make its queue
 * longer. */
#define MAX_THREADS 4

struct _MillStoreWriter
{
  gint n_refs; /* atomic: the owner, and each job under way */
  MillStore *store;
  MillStoreWriterOptions options;
  GAsyncQueue *queue; /* of its thread, NULL when inline; of Order */

  gint n_queued; /* atomic */
  gsize n_bytes; /* atomic */

  GMutex lock; /* n_open, of a remote store */
  GCond closed;
  guint n_open; /* jobs not freed yet */
};

/* What goes through a thread's queue. */
typedef struct
{
  MillStoreWriter *writer;
  MillStoreJob *job;
  GError *error;
} Order;

/* ---- the threads: made with the first writer that needs them, and there
 * until the process ends (an idle one costs its stack) ---- */

static void
close_order (MillStoreWriter *writer)
{
  g_mutex_lock (&writer->lock);
  writer->n_open--;
  g_cond_broadcast (&writer->closed);
  g_mutex_unlock (&writer->lock);
}

static void
complete_order (const GError *error, gpointer data)
{
  Order *order = data;
  MillStoreWriter *writer = order->writer;
  gboolean is_remote = mill_store_is_remote (writer->store);

  if (order->error != NULL)
    error = order->error;
  __atomic_fetch_sub (&writer->n_bytes, mill_store_job_get_size (order->job),
      __ATOMIC_RELAXED);
  /* Before the callback: who waits for it finds the queue shorter. */
  g_atomic_int_add (&writer->n_queued, -1);
  mill_store_job_finish (order->job, error);
  mill_store_job_free (order->job);
  g_clear_error (&order->error);
  g_free (order);
  if (is_remote)
    close_order (writer);
  mill_store_writer_free (writer);
}

static void
trouble_order (const GError *error, gpointer data)
{
  mill_store_job_trouble (((Order *) data)->job, error);
}

static void
finish_order (Order *order)
{
  MillStore *store = order->writer->store;

  mill_store_job_run (order->job, store, &order->error);
  if (mill_store_is_remote (store))
    store->klass->settle (store, complete_order, trouble_order, order);
  else
    complete_order (NULL, order);
}

static gpointer
run_thread (gpointer data)
{
  GAsyncQueue *queue = data;

  for (;;)
    finish_order (g_async_queue_pop (queue));
  return NULL;
}

static GPtrArray *
start_threads (void)
{
  GPtrArray *queues = g_ptr_array_new ();
  guint n = CLAMP (g_get_num_processors (), 1, MAX_THREADS);

  for (guint i = 0; i < n; i++) {
    GAsyncQueue *queue = g_async_queue_new ();
    g_autofree gchar *name = g_strdup_printf ("mill-write-%u", i);

    g_thread_unref (g_thread_new (name, run_thread, queue));
    g_ptr_array_add (queues, queue);
  }
  return queues;
}

static GAsyncQueue *
choose_queue (void)
{
  static GOnce once = G_ONCE_INIT;
  static gint next; /* atomic */
  GPtrArray *queues = g_once (&once, (GThreadFunc) start_threads, NULL);

  return g_ptr_array_index (queues,
      (guint) g_atomic_int_add (&next, 1) % queues->len);
}

/* ---- writers ---- */

MillStoreWriter *
mill_store_writer_new (MillStore *store, const MillStoreWriterOptions *options)
{
  MillStoreWriter *self = g_new0 (MillStoreWriter, 1);
  gboolean is_inline;

  self->n_refs = 1;
  g_mutex_init (&self->lock);
  g_cond_init (&self->closed);
  self->store = mill_store_ref (store);
  if (options != NULL)
    self->options = *options;
  if (self->options.max_jobs == 0)
    self->options.max_jobs = DEFAULT_MAX_JOBS;
  if (self->options.max_bytes == 0)
    self->options.max_bytes = DEFAULT_MAX_BYTES;
  is_inline = self->options.mode == MILL_STORE_WRITER_INLINE ||
      (self->options.mode == MILL_STORE_WRITER_AUTO &&
          mill_store_is_memory (store));
  if (!is_inline)
    self->queue = choose_queue ();
  return self;
}

void
mill_store_writer_free (MillStoreWriter *self)
{
  if (!g_atomic_int_dec_and_test (&self->n_refs))
    return;
  mill_store_unref (self->store);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->closed);
  g_free (self);
}

gboolean
mill_store_writer_is_inline (MillStoreWriter *self)
{
  return self->queue == NULL;
}

guint
mill_store_writer_get_queued (MillStoreWriter *self)
{
  return g_atomic_int_get (&self->n_queued);
}

gsize
mill_store_writer_get_queued_bytes (MillStoreWriter *self)
{
  return __atomic_load_n (&self->n_bytes, __ATOMIC_RELAXED);
}

static gboolean
has_room (MillStoreWriter *self, MillStoreJob *job)
{
  gsize n_bytes = __atomic_load_n (&self->n_bytes, __ATOMIC_RELAXED);

  if (self->queue == NULL || mill_store_job_is_essential (job))
    return TRUE;
  /* One job beyond max_bytes still goes into an empty queue. */
  return mill_store_writer_get_queued (self) < self->options.max_jobs &&
      (n_bytes == 0 ||
          n_bytes + mill_store_job_get_size (job) <= self->options.max_bytes);
}

gboolean
mill_store_writer_submit (MillStoreWriter *self, MillStoreJob *job,
    GError **error)
{
  Order *order;

  if (!has_room (self, job)) {
    g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_BUSY,
        "writing to '%s': the disk is %u jobs (%" G_GSIZE_FORMAT
        " bytes) behind, this one is dropped",
        mill_store_get_location (self->store),
        mill_store_writer_get_queued (self),
        __atomic_load_n (&self->n_bytes, __ATOMIC_RELAXED));
    mill_store_job_free (job);
    return FALSE;
  }
  order = g_new0 (Order, 1);
  order->writer = self;
  order->job = job;
  g_atomic_int_inc (&self->n_refs);
  g_atomic_int_inc (&self->n_queued);
  __atomic_fetch_add (&self->n_bytes, mill_store_job_get_size (job),
      __ATOMIC_RELAXED);
  if (mill_store_is_remote (self->store)) {
    g_mutex_lock (&self->lock);
    self->n_open++;
    g_mutex_unlock (&self->lock);
  }
  if (self->queue == NULL)
    finish_order (order);
  else
    g_async_queue_push (self->queue, order);
  return TRUE;
}

/* ---- flushing ---- */

typedef struct
{
  gint n_refs; /* atomic: who waits may go before the job is done */
  GMutex lock; /* guards is_done */
  GCond changed;
  gboolean is_done;
} Barrier;

static void
unref_barrier (gpointer data)
{
  Barrier *barrier = data;

  if (!g_atomic_int_dec_and_test (&barrier->n_refs))
    return;
  g_mutex_clear (&barrier->lock);
  g_cond_clear (&barrier->changed);
  g_free (barrier);
}

static void
on_barrier_reached (const GError *error, gpointer user_data)
{
  Barrier *barrier = user_data;

  g_mutex_lock (&barrier->lock);
  barrier->is_done = TRUE;
  g_cond_broadcast (&barrier->changed);
  g_mutex_unlock (&barrier->lock);
}

static gboolean
wait_barrier (Barrier *barrier, gint64 timeout_us)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&barrier->lock);
  gint64 deadline = g_get_monotonic_time () + timeout_us;

  while (!barrier->is_done) {
    if (timeout_us < 0)
      g_cond_wait (&barrier->changed, &barrier->lock);
    else if (!g_cond_wait_until (&barrier->changed, &barrier->lock, deadline))
      return barrier->is_done;
  }
  return TRUE;
}

/* Jobs of a remote store do not end in order. */
static gboolean
wait_closed (MillStoreWriter *self, gint64 timeout_us)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);
  gint64 deadline = g_get_monotonic_time () + timeout_us;

  while (self->n_open > 0) {
    if (timeout_us < 0)
      g_cond_wait (&self->closed, &self->lock);
    else if (!g_cond_wait_until (&self->closed, &self->lock, deadline))
      return self->n_open == 0;
  }
  return TRUE;
}

static gboolean
flush_in_order (MillStoreWriter *self, gint64 timeout_us)
{
  /* A job without steps: jobs keep their order, so those before are done. */
  MillStoreJob *job = mill_store_job_new ();
  Barrier *barrier = g_new0 (Barrier, 1);
  gboolean done;

  barrier->n_refs = 2;
  g_mutex_init (&barrier->lock);
  g_cond_init (&barrier->changed);
  mill_store_job_set_essential (job);
  mill_store_job_on_done (job, on_barrier_reached, barrier, unref_barrier);
  mill_store_writer_submit (self, job, NULL);
  done = wait_barrier (barrier, timeout_us);
  unref_barrier (barrier);
  return done;
}

gboolean
mill_store_writer_flush (MillStoreWriter *self, gint64 timeout_us)
{
  return mill_store_is_remote (self->store) ? wait_closed (self, timeout_us)
                                            : flush_in_order (self, timeout_us);
}
