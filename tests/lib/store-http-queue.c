/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What a server that takes nothing makes users see: when it is told, and that
 * what is told is text that JSON and D-Bus carry. */
#include "store/store-http-queue.h"

#include <string.h>

/* Between attempts, when none goes well; half as much more or less. */
static const gint64 pauses_us[] = { 250000, 500000, 1000000, 2000000 };

typedef struct
{
  MillStoreHttpQueue *queue;
  guint n_settled;
  guint n_troubled;
  gchar *told;
} Fixture;

static void
on_settled (const GError *error, gpointer user_data)
{
  ((Fixture *) user_data)->n_settled++;
}

static void
on_troubled (const GError *error, gpointer user_data)
{
  Fixture *self = user_data;

  self->n_troubled++;
  g_free (self->told);
  self->told = g_strdup (error->message);
}

static void
fixture_init (Fixture *self)
{
  MillStoreHttpLimits limits = {
    .connections = 4,
    .give_up_us = 120 * G_TIME_SPAN_SECOND,
    .location = "http://127.0.0.1/x",
  };
  g_autoptr (GBytes) content = g_bytes_new_static ("media", 5);
  MillStoreHttpBatch *batch;

  *self = (Fixture){ .queue = mill_store_http_queue_new (&limits) };
  batch = mill_store_http_queue_begin (self->queue);
  mill_store_http_queue_add (self->queue, batch, "v/1-0.m4s", content, TRUE);
  mill_store_http_queue_settle (self->queue, batch, on_settled, on_troubled,
      self);
}

static void
fixture_clear (Fixture *self)
{
  mill_store_http_queue_free (self->queue);
  g_assert_cmpuint (self->n_settled, ==, 1);
  g_free (self->told);
}

/* The next attempt of the only object; nobody waits until it is due. */
static MillStoreHttpTransfer *
take (Fixture *self, gint64 *ret_due_us)
{
  gint64 wake_us;
  gint64 now_us = g_get_monotonic_time ();
  MillStoreHttpTransfer *transfer =
      mill_store_http_queue_take (self->queue, now_us, &wake_us);

  *ret_due_us = now_us;
  if (transfer == NULL) {
    *ret_due_us = wake_us;
    transfer = mill_store_http_queue_take (self->queue, wake_us, &wake_us);
  }
  g_assert_nonnull (transfer);
  return transfer;
}

static void
fail (Fixture *self, MillStoreHttpTransfer *transfer, const gchar *text)
{
  g_autoptr (GError) error =
      g_error_new_literal (MILL_STORE_ERROR, MILL_STORE_ERROR_FAILED, text);

  mill_store_http_queue_done (self->queue, transfer, MILL_STORE_HTTP_TROUBLE,
      error, 0);
}

/* Users are told at the fifth attempt that does not go well, once: after four
 * pauses, which are 5.6 s at most. */
static void
test_told (void)
{
  Fixture f;
  gint64 due_us;

  fixture_init (&f);
  fail (&f, take (&f, &due_us), "got 503");
  for (guint i = 0; i < G_N_ELEMENTS (pauses_us); i++) {
    gint64 now_us = g_get_monotonic_time ();
    g_assert_cmpuint (f.n_troubled, ==, 0);
    MillStoreHttpTransfer *transfer = take (&f, &due_us);
    g_assert_cmpint (due_us - now_us, <=, pauses_us[i] * 3 / 2);
    fail (&f, transfer, "got 503");
  }
  g_assert_cmpuint (f.n_troubled, ==, 1);
  g_assert_cmpstr (f.told, ==, "got 503; it is tried again for up to 120 s");
  fail (&f, take (&f, &due_us), "got 503");
  g_assert_cmpuint (f.n_troubled, ==, 1);
  fixture_clear (&f);
}

static void
check_trouble (const gchar *text, const gchar *told)
{
  Fixture f;
  MillStoreStats stats;
  gint64 due_us;

  fixture_init (&f);
  fail (&f, take (&f, &due_us), text);
  mill_store_http_queue_get_stats (f.queue, &stats);
  g_assert_cmpstr (stats.trouble, ==, told);
  fixture_clear (&f);
}

/* Wherever the room ends, whole characters are in it. */
static void
test_trouble_is_text (void)
{
  for (gsize n = MILL_STORE_TROUBLE_BYTES - 8; n < MILL_STORE_TROUBLE_BYTES;
       n++) {
    g_autofree gchar *head = g_strnfill (n, 'x');
    g_autofree gchar *text = g_strconcat (head, "\xe2\x82\xac", NULL);
    check_trouble (text, n + 3 < MILL_STORE_TROUBLE_BYTES ? text : head);
  }
  check_trouble ("got 503 \xfc"
                 "berlastet",
      "got 503 \xef\xbf\xbd"
      "berlastet");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/store-http-queue/told", test_told);
  g_test_add_func ("/store-http-queue/trouble-is-text", test_trouble_is_text);
  return g_test_run ();
}
