/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "stalled-disk.h"

#include <glib-object.h>
#include <gst/gst.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define DEADLINE_US (30 * G_USEC_PER_SEC)

static struct
{
  GMutex lock; /* everything below */
  GCond changed;
  const gchar *suffix; /* (nullable) */
  gboolean stands_still;
} disk;

static gboolean
is_stalled_locked (gint fd)
{
  g_autofree gchar *link = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autofree gchar *path = g_file_read_link (link, NULL);

  return disk.suffix != NULL && path != NULL &&
      g_str_has_suffix (path, disk.suffix);
}

/* As libc has it: seen by all. */
__attribute__ ((visibility ("default"))) ssize_t
writev (gint fd, const struct iovec *vectors, gint n_vectors)
{
  g_mutex_lock (&disk.lock);
  while (disk.suffix != NULL && is_stalled_locked (fd)) {
    disk.stands_still = TRUE;
    g_cond_broadcast (&disk.changed);
    g_cond_wait (&disk.changed, &disk.lock);
  }
  g_mutex_unlock (&disk.lock);
  return syscall (SYS_writev, fd, vectors, n_vectors);
}

void
stalled_disk_stall (const gchar *suffix)
{
  g_mutex_lock (&disk.lock);
  disk.suffix = suffix;
  disk.stands_still = FALSE;
  g_mutex_unlock (&disk.lock);
}

void
stalled_disk_wait (void)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  g_mutex_lock (&disk.lock);
  while (!disk.stands_still)
    g_assert_true (g_cond_wait_until (&disk.changed, &disk.lock, deadline));
  g_mutex_unlock (&disk.lock);
}

void
stalled_disk_release (void)
{
  g_mutex_lock (&disk.lock);
  disk.suffix = NULL;
  g_cond_broadcast (&disk.changed);
  g_mutex_unlock (&disk.lock);
}

/** What is asked for, by another thread: it may never be answered. */
typedef struct
{
  GObject *object;
  const gchar *property;
  GAsyncQueue *answers;
} Question;

static gpointer
answer (gpointer data)
{
  Question *question = data;
  GstStructure *structure = NULL;

  g_object_get (question->object, question->property, &structure, NULL);
  g_async_queue_push (question->answers, structure);
  return NULL;
}

gpointer
stalled_disk_get (gpointer object, const gchar *property)
{
  g_autoptr (GAsyncQueue) answers = g_async_queue_new ();
  Question question = { object, property, answers };
  GThread *thread = g_thread_new ("looks", answer, &question);
  gpointer structure = g_async_queue_timeout_pop (answers, DEADLINE_US);

  if (structure == NULL)
    g_error ("'%s' is not told while the disk stands still", property);
  g_thread_join (thread);
  return structure;
}
