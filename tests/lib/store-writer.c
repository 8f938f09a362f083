/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The store's writers. Were they wrong, a stalled disk would hold up streams
 * that have nothing to do with it, or live.index would name bytes that are not
 * there. */

#include "store-test.h"
#include "store/store-writer.h"

typedef struct
{
  GMutex lock; /* guards all */
  GCond changed;
  gboolean hold; /* jobs that hold_job() made wait while it is set */
  guint n_holding;
  guint n_done;
  guint n_destroyed;
  GError *error; /* of the last one */
  GThread *thread; /* it was done on */
} Watch;

static void
on_done (const GError *error, gpointer user_data)
{
  Watch *watch = user_data;

  g_mutex_lock (&watch->lock);
  watch->n_done++;
  watch->thread = g_thread_self ();
  g_clear_error (&watch->error);
  if (error != NULL)
    watch->error = g_error_copy (error);
  g_cond_broadcast (&watch->changed);
  g_mutex_unlock (&watch->lock);
}

static void
on_destroy (gpointer user_data)
{
  Watch *watch = user_data;

  g_mutex_lock (&watch->lock);
  watch->n_destroyed++;
  g_mutex_unlock (&watch->lock);
}

/* Stands in for a disk that does not answer. */
static void
on_hold (const GError *error, gpointer user_data)
{
  Watch *watch = user_data;

  g_mutex_lock (&watch->lock);
  watch->n_holding++;
  g_cond_broadcast (&watch->changed);
  while (watch->hold)
    g_cond_wait (&watch->changed, &watch->lock);
  g_mutex_unlock (&watch->lock);
}

static void
hold_thread (MillStoreWriter *writer, Watch *watch)
{
  MillStoreJob *job = mill_store_job_new ();

  watch->hold = TRUE;
  mill_store_job_on_done (job, on_hold, watch, NULL);
  g_assert_true (mill_store_writer_submit (writer, job, NULL));
  g_mutex_lock (&watch->lock);
  while (watch->n_holding == 0)
    g_cond_wait (&watch->changed, &watch->lock);
  g_mutex_unlock (&watch->lock);
}

static void
let_go (Watch *watch)
{
  g_mutex_lock (&watch->lock);
  watch->hold = FALSE;
  g_cond_broadcast (&watch->changed);
  g_mutex_unlock (&watch->lock);
}

static MillStoreJob *
make_job (Watch *watch, MillStoreObject *object, const gchar *text)
{
  MillStoreJob *job = mill_store_job_new ();

  if (object != NULL)
    mill_store_job_append (job, object, make_chunk (text));
  mill_store_job_on_done (job, on_done, watch, on_destroy);
  return job;
}

static void
clear_watch (Watch *watch)
{
  g_clear_error (&watch->error);
  g_mutex_clear (&watch->lock);
  g_cond_clear (&watch->changed);
}

static void
test_writer_order (Fixture *fixture, gconstpointer data)
{
  MillStoreWriterOptions options = { .mode = GPOINTER_TO_INT (data),
    .max_jobs = 1000 };
  g_autoptr (MillStoreWriter) writer =
      mill_store_writer_new (fixture->store, &options);
  g_autoptr (MillStoreObject) object =
      mill_store_object_new (fixture->store, "v360/3-0.m4s", MILL_STORE_NEW);
  g_autoptr (GString) expected = g_string_new (NULL);
  Watch watch = { 0 };

  for (guint i = 0; i < 300; i++) {
    g_autofree gchar *text = g_strdup_printf ("%u\n", i);

    g_string_append (expected, text);
    g_assert_true (mill_store_writer_submit (writer,
        make_job (&watch, object, text), NULL));
  }
  g_assert_true (mill_store_writer_flush (writer, DEADLINE_US));
  g_assert_cmpuint (mill_store_writer_get_queued (writer), ==, 0);
  g_assert_cmpuint (watch.n_done, ==, 300);
  g_assert_cmpuint (watch.n_destroyed, ==, 300);
  g_assert_no_error (watch.error);
  g_assert_true (mill_store_writer_is_inline (writer) ==
      (watch.thread == g_thread_self ()));
  assert_content (fixture->store, "v360/3-0.m4s", expected->str);
  clear_watch (&watch);
}

/* The disk does not answer: the queue fills, the newest job is refused at once,
 * the last ones of a stream still get in, and nothing is lost or re-ordered. */
static void
test_writer_bound (Fixture *fixture, gconstpointer data)
{
  MillStoreWriterOptions options = { .mode = MILL_STORE_WRITER_THREAD,
    .max_jobs = 3 };
  g_autoptr (MillStoreWriter) writer =
      mill_store_writer_new (fixture->store, &options);
  g_autoptr (MillStoreObject) object =
      mill_store_object_new (fixture->store, "x", MILL_STORE_NEW);
  g_autoptr (GError) error = NULL;
  MillStoreJob *last;
  Watch watch = { 0 };

  hold_thread (writer, &watch);
  g_assert_false (mill_store_writer_flush (writer, 1000));
  for (guint i = 0; i < 2; i++)
    mill_store_writer_submit (writer, make_job (&watch, object, "a"), NULL);
  g_assert_false (mill_store_writer_submit (writer,
      make_job (&watch, object, "refused"), &error));
  g_assert_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_BUSY);
  g_assert_cmpuint (watch.n_destroyed, ==, 1);
  last = make_job (&watch, object, "z");
  mill_store_job_set_essential (last);
  g_assert_true (mill_store_writer_submit (writer, last, NULL));
  g_assert_cmpuint (watch.n_done, ==, 0);

  let_go (&watch);
  g_assert_true (mill_store_writer_flush (writer, DEADLINE_US));
  g_assert_cmpuint (watch.n_done, ==, 3);
  assert_content (fixture->store, "x", "aaz");
  clear_watch (&watch);
}

static void
test_writer_bytes (Fixture *fixture, gconstpointer data)
{
  MillStoreWriterOptions options = { .mode = MILL_STORE_WRITER_THREAD,
    .max_bytes = 100 };
  g_autoptr (MillStoreWriter) writer =
      mill_store_writer_new (fixture->store, &options);
  g_autoptr (MillStoreObject) object =
      mill_store_object_new (fixture->store, "x", MILL_STORE_NEW);
  g_autofree gchar *big = g_strnfill (150, 'b');
  Watch watch = { 0 };

  hold_thread (writer, &watch);
  /* One that is beyond the bound alone must not wait for ever. */
  g_assert_true (mill_store_writer_submit (writer,
      make_job (&watch, object, big), NULL));
  g_assert_false (mill_store_writer_submit (writer,
      make_job (&watch, object, "c"), NULL));
  let_go (&watch);
  g_assert_true (mill_store_writer_flush (writer, DEADLINE_US));
  assert_content (fixture->store, "x", big);
  clear_watch (&watch);
}

/* A step that fails ends its job: no line of live.index without its bytes. */
static void
test_writer_failure (Fixture *fixture, gconstpointer data)
{
  MillStoreWriterOptions options = { .mode = GPOINTER_TO_INT (data) };
  g_autoptr (MillStoreWriter) writer =
      mill_store_writer_new (fixture->store, &options);
  g_autoptr (MillStoreObject) object =
      mill_store_object_new (fixture->store, "x", MILL_STORE_NEW);
  g_autoptr (GBytes) line = g_bytes_new_static ("x 0 1\n", 6);
  MillStoreJob *job;
  Watch watch = { 0 };

  put (fixture->store, "x", "in the way");
  job = make_job (&watch, object, "bytes");
  mill_store_job_put (job, "live.index", line);
  g_assert_true (mill_store_writer_submit (writer, job, NULL));
  g_assert_true (mill_store_writer_flush (writer, DEADLINE_US));
  g_assert_error (watch.error, MILL_STORE_ERROR, MILL_STORE_ERROR_EXISTS);
  g_assert_false (mill_store_stat (fixture->store, "live.index", NULL, NULL));
  clear_watch (&watch);
}

static void
test_writer_lease (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillStoreWriter) writer =
      mill_store_writer_new (fixture->store, NULL);
  g_autoptr (MillStoreLease) lease =
      mill_store_take (fixture->store, ".state", MILL_STORE_TAKE_FREE, NULL);
  g_autoptr (MillStoreLease) thief = NULL;
  g_autoptr (GBytes) state = g_bytes_new_static ("n 1", 3);
  Watch watch = { 0 };

  for (guint i = 0; i < 2; i++) {
    MillStoreJob *job = make_job (&watch, NULL, NULL);

    mill_store_job_require_lease (job, lease);
    mill_store_job_put (job, i == 0 ? "mine" : "not-mine", state);
    mill_store_job_write_lease (job, lease, state);
    g_assert_true (mill_store_writer_submit (writer, job, NULL));
    g_assert_true (mill_store_writer_flush (writer, DEADLINE_US));
    if (i == 0) {
      g_assert_no_error (watch.error);
      thief = mill_store_take (fixture->store, ".state", MILL_STORE_TAKE_OVER,
          NULL);
      g_assert_nonnull (thief);
    }
  }
  g_assert_error (watch.error, MILL_STORE_ERROR, MILL_STORE_ERROR_LOST);
  assert_content (fixture->store, ".state", "n 1");
  g_assert_true (mill_store_stat (fixture->store, "mine", NULL, NULL));
  g_assert_false (mill_store_stat (fixture->store, "not-mine", NULL, NULL));
  clear_watch (&watch);
}

/* Freed with jobs under way: they are carried out all the same. */
static void
test_writer_free (Fixture *fixture, gconstpointer data)
{
  MillStoreWriterOptions options = { .mode = MILL_STORE_WRITER_THREAD };
  MillStoreWriter *writer = mill_store_writer_new (fixture->store, &options);
  MillStoreObject *object =
      mill_store_object_new (fixture->store, "x", MILL_STORE_NEW);
  Watch watch = { 0 };

  hold_thread (writer, &watch);
  mill_store_writer_submit (writer, make_job (&watch, object, "late"), NULL);
  mill_store_object_unref (object);
  mill_store_writer_free (writer);
  let_go (&watch);
  g_mutex_lock (&watch.lock);
  while (watch.n_done == 0)
    g_cond_wait (&watch.changed, &watch.lock);
  g_mutex_unlock (&watch.lock);
  assert_content (fixture->store, "x", "late");
  /* The job is freed after its callback, on the writer thread: another job
   * behind it, through another writer of all threads, tells when. */
  for (guint i = 0; i < 8; i++) {
    g_autoptr (MillStoreWriter) next =
        mill_store_writer_new (fixture->store, &options);

    g_assert_true (mill_store_writer_flush (next, DEADLINE_US));
  }
  g_assert_cmpuint (watch.n_destroyed, ==, 1);
  clear_watch (&watch);
}

#define INLINE GINT_TO_POINTER (MILL_STORE_WRITER_INLINE)
#define THREAD GINT_TO_POINTER (MILL_STORE_WRITER_THREAD)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  ADD ("/store/writer/order/inline", INLINE, test_writer_order);
  ADD ("/store/writer/order/thread", THREAD, test_writer_order);
  ADD ("/store/writer/bound", NULL, test_writer_bound);
  ADD ("/store/writer/bytes", NULL, test_writer_bytes);
  ADD ("/store/writer/failure/inline", INLINE, test_writer_failure);
  ADD ("/store/writer/failure/thread", THREAD, test_writer_failure);
  ADD ("/store/writer/lease", NULL, test_writer_lease);
  ADD ("/store/writer/free", NULL, test_writer_free);
  return g_test_run ();
}
