/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-pool-private.h"

#include <errno.h>
#include <gio/gio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

GST_DEBUG_CATEGORY_EXTERN (gst_rtmp_server_src_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_src_debug

#define EVENTS_PER_TURN 64

/* How much of its time a thread has work for is known after a while only. Until
 * then a source counts for what one of some Mb/s comes to. */
#define LOAD_PERIOD_US G_USEC_PER_SEC
#define SOURCE_PERMILLE 1
/* A thread with less to do than this takes one more source. */
#define BUSY_PERMILLE 500

struct _MillRtmpPool
{
  guint users; /* pool_lock */
  GPtrArray *threads; /* pool_lock; element-type MillRtmpThread */
};

static GMutex pool_lock;
static MillRtmpPool *the_pool; /* pool_lock */

/* ---- threads ---- */

void
mill_rtmp_pool_wake_thread (MillRtmpThread *thread)
{
  guint64 one = 1;

  if (thread->thread == g_thread_self ())
    return;
  /* It can fail only when the counter is full, which wakes just as well. */
  if (write (thread->wake_fd, &one, sizeof one) < 0)
    return;
}

MillRtmpThread *
mill_rtmp_pool_ref_thread (MillRtmpThread *thread)
{
  g_atomic_ref_count_inc (&thread->refs);
  return thread;
}

void
mill_rtmp_pool_unref_thread (MillRtmpThread *thread)
{
  if (!g_atomic_ref_count_dec (&thread->refs))
    return;
  g_sequence_free (thread->timers);
  mill_rtmp_round_free_all (thread);
  g_mutex_clear (&thread->lock);
  if (thread->epoll_fd >= 0)
    close (thread->epoll_fd);
  if (thread->wake_fd >= 0)
    close (thread->wake_fd);
  g_free (thread->scratch);
  g_free (thread);
}

void
mill_rtmp_pool_begin_turn (MillRtmpThread *thread)
{
  thread->now_us = g_get_monotonic_time ();
  __atomic_store_n (&thread->turn_since_us, thread->now_us, __ATOMIC_RELAXED);
}

static gint
get_wait_ms (MillRtmpThread *thread, gint64 now_us)
{
  gint64 due_us = mill_rtmp_round_get_due_us (thread);

  g_mutex_lock (&thread->lock);
  if (thread->tasks.length > 0) {
    due_us = 0;
  } else if (!g_sequence_is_empty (thread->timers)) {
    MillRtmpTimer *first =
        g_sequence_get (g_sequence_get_begin_iter (thread->timers));
    due_us = MIN (due_us, first->deadline_us);
  }
  g_mutex_unlock (&thread->lock);
  if (due_us == G_MAXINT64)
    return -1;
  return CLAMP ((due_us - now_us + 999) / 1000, 0, G_MAXINT / 2);
}

/* Sleeps until there is something to do. */
static gint
wait_for_events (MillRtmpThread *thread, struct epoll_event *events)
{
  gint64 now_us = g_get_monotonic_time ();
  gint64 period_us = now_us - thread->period_start_us;

  thread->busy_us += now_us - thread->woken_us;
  if (period_us >= LOAD_PERIOD_US) {
    g_atomic_int_set (&thread->load_permille,
        (gint) (thread->busy_us * 1000 / period_us));
    thread->period_start_us = now_us;
    thread->busy_us = 0;
  }
  __atomic_store_n (&thread->turn_since_us, 0, __ATOMIC_RELAXED);
  gint n_events = epoll_wait (thread->epoll_fd, events, EVENTS_PER_TURN,
      get_wait_ms (thread, now_us));
  mill_rtmp_pool_begin_turn (thread);
  thread->woken_us = thread->now_us;
  return n_events;
}

static void
run_tasks (MillRtmpThread *thread)
{
  GQueue batch;

  /* What a task queues runs in the next round, after the sockets. */
  g_mutex_lock (&thread->lock);
  batch = thread->tasks;
  g_queue_init (&thread->tasks);
  g_mutex_unlock (&thread->lock);

  for (MillRtmpTask *task = g_queue_pop_head (&batch); task;
       task = g_queue_pop_head (&batch)) {
    mill_rtmp_pool_begin_turn (thread);
    mill_rtmp_lane_run_task (task);
  }
}

static void
run_timers (MillRtmpThread *thread)
{
  while (mill_rtmp_timer_run_due (thread))
    mill_rtmp_pool_begin_turn (thread);
}

static void
free_dead_watches (MillRtmpThread *thread)
{
  g_mutex_lock (&thread->lock);
  g_autoptr (GSList) dead = g_steal_pointer (&thread->dead);
  g_mutex_unlock (&thread->lock);

  for (GSList *item = dead; item; item = item->next)
    mill_rtmp_round_remove (thread, item->data);
  g_slist_foreach (dead, (GFunc) (void (*) (void)) mill_rtmp_watch_destroy,
      NULL);
}

static gpointer
run_thread (gpointer user_data)
{
  MillRtmpThread *thread = user_data;
  struct epoll_event events[EVENTS_PER_TURN];

  thread->woken_us = thread->period_start_us = g_get_monotonic_time ();
  while (!g_atomic_int_get (&thread->quit)) {
    gint n_events = wait_for_events (thread, events);

    for (gint i = 0; i < n_events; i++) {
      guint64 count;
      if (i > 0)
        mill_rtmp_pool_begin_turn (thread);
      if (i + 1 < n_events)
        mill_rtmp_watch_prepare (events[i + 1].data.ptr);
      if (events[i].data.ptr)
        mill_rtmp_watch_dispatch (events[i].data.ptr, events[i].events);
      else if (read (thread->wake_fd, &count, sizeof count) < 0)
        continue; /* somebody else's wake-up was read with the one before */
    }
    mill_rtmp_round_run_due (thread);
    run_tasks (thread);
    run_timers (thread);
    free_dead_watches (thread);
    __atomic_store_n (&thread->turns, thread->turns + 1, __ATOMIC_RELAXED);
  }

  g_mutex_lock (&thread->lock);
  thread->finished = TRUE;
  g_mutex_unlock (&thread->lock);
  run_tasks (thread); /* their lanes are closed: frees what they hold */
  free_dead_watches (thread);
  mill_rtmp_pool_unref_thread (thread);
  return NULL;
}

static gboolean
open_descriptors (MillRtmpThread *thread)
{
  struct epoll_event event = { .events = EPOLLIN };

  thread->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
  thread->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  return thread->epoll_fd >= 0 && thread->wake_fd >= 0 &&
      epoll_ctl (thread->epoll_fd, EPOLL_CTL_ADD, thread->wake_fd, &event) == 0;
}

/* Publishers can use up the process's descriptors: no reason to end it. */
static MillRtmpThread *
start_thread (guint index, GError **error)
{
  MillRtmpThread *thread = g_new0 (MillRtmpThread, 1);
  g_autofree gchar *name = g_strdup_printf ("mill-rtmp-%u", index);

  g_atomic_ref_count_init (&thread->refs);
  thread->index = index;
  thread->scratch = g_malloc (MILL_RTMP_SCRATCH_BYTES);
  thread->timers = g_sequence_new (NULL);
  g_mutex_init (&thread->lock);
  g_queue_init (&thread->tasks);
  if (!open_descriptors (thread)) {
    gint saved = errno;
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved),
        "thread '%s': cannot open its descriptors: %s", name,
        g_strerror (saved));
    mill_rtmp_pool_unref_thread (thread);
    return NULL;
  }
  mill_rtmp_pool_ref_thread (thread); /* for run_thread() */
  thread->thread = g_thread_try_new (name, run_thread, thread, error);
  if (thread->thread)
    return thread;
  mill_rtmp_pool_unref_thread (thread);
  mill_rtmp_pool_unref_thread (thread);
  return NULL;
}

static void
stop_thread (MillRtmpThread *thread)
{
  g_atomic_int_set (&thread->quit, 1);
  mill_rtmp_pool_wake_thread (thread);
  /* A handler that runs on the pool may let go of the last source. */
  if (thread->thread == g_thread_self ())
    g_thread_unref (thread->thread);
  else
    g_thread_join (thread->thread);
  mill_rtmp_pool_unref_thread (thread);
}

/* ---- pool ---- */

MillRtmpPool *
mill_rtmp_pool_acquire (GError **error)
{
  g_mutex_lock (&pool_lock);
  MillRtmpThread *first = the_pool ? NULL : start_thread (0, error);
  if (first) {
    the_pool = g_new0 (MillRtmpPool, 1);
    the_pool->threads = g_ptr_array_new ();
    g_ptr_array_add (the_pool->threads, first);
  }
  MillRtmpPool *pool = the_pool;
  if (pool)
    pool->users++;
  g_mutex_unlock (&pool_lock);
  return pool;
}

void
mill_rtmp_pool_release (MillRtmpPool *pool)
{
  g_mutex_lock (&pool_lock);
  gboolean is_last = --pool->users == 0;
  if (is_last)
    the_pool = NULL;
  g_mutex_unlock (&pool_lock);
  if (!is_last)
    return;

  g_ptr_array_foreach (pool->threads, (GFunc) (void (*) (void)) stop_thread,
      NULL);
  g_ptr_array_unref (pool->threads);
  g_free (pool);
}

static void
append_thread_description (MillRtmpThread *thread, GValue *array)
{
  gint64 since = __atomic_load_n (&thread->turn_since_us, __ATOMIC_RELAXED);
  guint64 turn_usec = since ? (guint64) MAX (g_get_monotonic_time () - since, 0)
                            : 0;
  g_autofree gchar *name = g_strdup_printf ("mill-rtmp-%u", thread->index);
  GValue value = G_VALUE_INIT;

  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value,
      gst_structure_new ("thread", "name", G_TYPE_STRING, name, "turn-usec",
          G_TYPE_UINT64, turn_usec, "connections", G_TYPE_UINT,
          (guint) g_atomic_int_get (&thread->n_connections), "turns",
          G_TYPE_UINT64, __atomic_load_n (&thread->turns, __ATOMIC_RELAXED),
          NULL));
  gst_value_array_append_and_take_value (array, &value);
}

GstStructure *
mill_rtmp_pool_describe (void)
{
  GstStructure *structure = gst_structure_new_empty ("threads");
  GValue array = G_VALUE_INIT;

  g_value_init (&array, GST_TYPE_ARRAY);
  g_mutex_lock (&pool_lock);
  for (guint i = 0; the_pool && i < the_pool->threads->len; i++)
    append_thread_description (g_ptr_array_index (the_pool->threads, i),
        &array);
  g_mutex_unlock (&pool_lock);
  gst_structure_take_value (structure, "threads", &array);
  return structure;
}

/* ---- lanes ---- */

MillRtmpLane *
mill_rtmp_pool_add_listener_lane (MillRtmpPool *pool)
{
  g_mutex_lock (&pool_lock);
  MillRtmpLane *lane =
      mill_rtmp_lane_new (g_ptr_array_index (pool->threads, 0), FALSE);
  g_mutex_unlock (&pool_lock);
  return lane;
}

/* Under pool_lock. Returns: (nullable) */
static MillRtmpThread *
grow (MillRtmpPool *pool)
{
  g_autoptr (GError) error = NULL;
  MillRtmpThread *thread = start_thread (pool->threads->len, &error);

  if (thread)
    g_ptr_array_add (pool->threads, thread);
  else
    GST_WARNING ("%s, sources share the threads that run", error->message);
  return thread;
}

static guint
get_load (MillRtmpThread *thread)
{
  return MAX ((guint) g_atomic_int_get (&thread->load_permille),
      thread->n_sources * SOURCE_PERMILLE);
}

/* Many sources on one thread cost less than on two: it is woken for several of
 * them at once. But none shares one that has no need to, nor a busy one. */
static gboolean
is_better (MillRtmpThread *thread, MillRtmpThread *than)
{
  guint load = get_load (thread);
  guint other = get_load (than);

  if (thread->n_sources == 0 || than->n_sources == 0)
    return than->n_sources > 0;
  if (load < BUSY_PERMILLE && other < BUSY_PERMILLE)
    return thread->n_sources > than->n_sources;
  return load < other;
}

MillRtmpLane *
mill_rtmp_pool_add_source_lane (MillRtmpPool *pool)
{
  g_mutex_lock (&pool_lock);
  MillRtmpThread *best = g_ptr_array_index (pool->threads, 0);
  for (guint i = 1; i < pool->threads->len; i++) {
    MillRtmpThread *thread = g_ptr_array_index (pool->threads, i);
    if (is_better (thread, best))
      best = thread;
  }
  if (best->n_sources > 0 && pool->threads->len < g_get_num_processors ()) {
    MillRtmpThread *thread = grow (pool);
    if (thread)
      best = thread;
  }
  best->n_sources++;
  MillRtmpLane *lane = mill_rtmp_lane_new (best, TRUE);
  g_mutex_unlock (&pool_lock);
  return lane;
}

void
mill_rtmp_pool_remove_source (MillRtmpThread *thread)
{
  g_mutex_lock (&pool_lock);
  thread->n_sources--;
  g_mutex_unlock (&pool_lock);
}
