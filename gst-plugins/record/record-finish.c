/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "record-finish.h"

struct _MillRecordFinish
{
  MillRecordFinished func;
  gpointer owner; /* not held */

  GMutex lock; /* the two below */
  GPtrArray *running; /* GThread */
  GPtrArray *ended; /* GThread, to be joined: they hold nothing any more */
};

typedef struct
{
  MillRecordFinish *finish; /* joins the thread before it goes */
  MillRecordTake *take;
  gboolean faststart;
} Job;

/* Not under the lock. */
static void
join (const GPtrArray *threads)
{
  for (guint i = 0; i < threads->len; i++)
    g_thread_join (g_ptr_array_index (threads, i));
}

/* Returns: (transfer full) (element-type GThread) */
static GPtrArray *
take_locked (GPtrArray **threads)
{
  GPtrArray *taken = g_steal_pointer (threads);
  *threads = g_ptr_array_new ();
  return taken;
}

/* A thread that has ended keeps its stack until somebody joins it, and a stream
 * that is recorded for weeks has many files: the next one joins it. */
static void
retire (MillRecordFinish *self)
{
  g_mutex_lock (&self->lock);
  g_autoptr (GPtrArray) others = take_locked (&self->ended);
  /* Not when there is somebody who waits for this thread. */
  if (g_ptr_array_remove_fast (self->running, g_thread_self ()))
    g_ptr_array_add (self->ended, g_thread_self ());
  g_mutex_unlock (&self->lock);
  join (others);
}

static gpointer
finish (gpointer data)
{
  g_autofree Job *job = data;
  MillRecordFinish *self = job->finish;
  g_autoptr (MillRecordTake) take = job->take;
  g_autoptr (GError) warning = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree gchar *path =
      mill_record_take_finish (take, job->faststart, &warning, &error);
  self->func (self->owner, take, path, warning, error);
  retire (self);
  return NULL;
}

MillRecordFinish *
mill_record_finish_new (MillRecordFinished func, gpointer owner)
{
  MillRecordFinish *self = g_new0 (MillRecordFinish, 1);
  self->func = func;
  self->owner = owner;
  g_mutex_init (&self->lock);
  self->running = g_ptr_array_new ();
  self->ended = g_ptr_array_new ();
  return self;
}

void
mill_record_finish_free (MillRecordFinish *self)
{
  g_mutex_clear (&self->lock);
  g_ptr_array_unref (self->running);
  g_ptr_array_unref (self->ended);
  g_free (self);
}

void
mill_record_finish_begin (MillRecordFinish *self, MillRecordTake *take,
    gboolean faststart)
{
  Job *job = g_new (Job, 1);
  *job = (Job){ self, take, faststart };
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->running, g_thread_new ("record-finish", finish, job));
  g_mutex_unlock (&self->lock);
}

void
mill_record_finish_wait (MillRecordFinish *self)
{
  g_mutex_lock (&self->lock);
  g_autoptr (GPtrArray) running = take_locked (&self->running);
  g_autoptr (GPtrArray) ended = take_locked (&self->ended);
  g_mutex_unlock (&self->lock);
  join (running);
  join (ended);
}
