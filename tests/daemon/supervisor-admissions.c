/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * When what a publisher was let in with is over. A viewer would notice a stream
 * that ends before its time; an operator, one that goes on after its key was
 * revoked. */

#include "admissions.h"
#include "secret.h"
#include "store-keys.h"

#define DAY_S (24 * 3600)

/* ---- time, which these tests have in their hands: the timers of the code under
 *      test fire when run_timers() is called, and tell what they wait for ---- */

typedef struct
{
  guint id;
  GSourceFunc func;
  gpointer data;
} Timer;

static GArray *timers; /* (element-type Timer) */

guint
g_timeout_add_seconds (guint interval, GSourceFunc function, gpointer data)
{
  static guint last_id;
  Timer timer = { ++last_id, function, data };

  g_array_append_val (timers, timer);
  return timer.id;
}

gboolean
g_source_remove (guint id)
{
  for (guint i = 0; i < timers->len; i++)
    if (g_array_index (timers, Timer, i).id == id) {
      g_array_remove_index (timers, i);
      return TRUE;
    }
  g_assert_not_reached ();
}

/* Those that are there now, each once. Returns: how many */
static guint
run_timers (void)
{
  guint n = timers->len;

  for (guint i = 0; i < n; i++) {
    Timer timer = g_array_index (timers, Timer, 0);
    g_array_remove_index (timers, 0);
    g_assert_false (timer.func (timer.data));
  }
  return n;
}

/* ---- fixture ---- */

typedef struct
{
  MillStore *store;
  MillStreamRegistry *registry;
  MillStream *stream;
  MillAdmissions *admissions;
  gboolean is_connected; /* somebody could end a stream */
  GString *ended;
} Fixture;

static gboolean
on_end (MillStream *stream, const gchar *address, MillAdmissionEnd end,
    const gchar *reason, gpointer user_data)
{
  Fixture *fixture = user_data;

  if (fixture->is_connected)
    g_string_append_printf (fixture->ended, "%s %s\n", stream->row->name,
        mill_admissions_end_to_string (end));
  return fixture->is_connected;
}

static void
start (Fixture *fixture)
{
  fixture->admissions =
      mill_admissions_new (fixture->store, fixture->registry, on_end, fixture);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  MillStreamClock clock = { .wall_us = 1000 * G_USEC_PER_SEC,
    .monotonic_us = G_USEC_PER_SEC };
  MillStreamRun run = { "shared-1", 3, 77, "boot" };
  g_autoptr (GBytes) hash = mill_secret_hash ("secret");
  MillKeyRow key = { .id = (gchar *) "k",
    .app = (gchar *) "live",
    .name = (gchar *) "demo",
    .enabled = TRUE,
    .generation = 1,
    .node_id = (gchar *) "n" };

  timers = g_array_new (FALSE, FALSE, sizeof (Timer));
  fixture->store = mill_store_open ("sqlite::memory:", "/", NULL);
  g_assert_true (mill_store_keys_insert (fixture->store, &key, hash, NULL));
  fixture->registry = mill_stream_registry_new (fixture->store, "n", NULL);
  fixture->stream =
      mill_stream_registry_add (fixture->registry, "demo", "live", "p");
  mill_stream_begin (fixture->stream, &run, &clock);
  fixture->is_connected = TRUE;
  fixture->ended = g_string_new (NULL);
  start (fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  mill_admissions_free (fixture->admissions);
  g_assert_cmpuint (timers->len, ==, 0);
  mill_stream_registry_free (fixture->registry);
  mill_store_close (fixture->store);
  g_string_free (fixture->ended, TRUE);
  g_array_unref (timers);
}

/* @key_id: (nullable) */
static void
let_in (Fixture *fixture, const gchar *key_id, gint64 expires_at)
{
  g_autoptr (MillPublishVerdict) verdict =
      mill_publish_verdict_new_granted ("demo");
  MillAdmission admission = { verdict, "192.0.2.1:5000", TRUE };

  verdict->key_id = g_strdup (key_id);
  verdict->key_generation = 1;
  verdict->expires_at = expires_at;
  mill_admissions_add (fixture->admissions, fixture->stream, &admission);
  mill_admissions_confirm (fixture->admissions, "demo", "192.0.2.1:5000");
}

/* As a new millraced finds it. */
static void
restart (Fixture *fixture)
{
  mill_admissions_free (fixture->admissions);
  g_assert_cmpuint (timers->len, ==, 0);
  start (fixture);
}

/* ---- tests ---- */

static void
test_expired (Fixture *fixture, gconstpointer data)
{
  let_in (fixture, NULL, g_get_real_time () / G_USEC_PER_SEC);
  g_assert_cmpuint (run_timers (), ==, 1);
  g_assert_cmpstr (fixture->ended->str, ==, "demo expired\n");
  g_assert_cmpuint (run_timers (), ==, 0);
}

/* However long it is, and however often is looked. */
static void
test_not_before_its_time (Fixture *fixture, gconstpointer data)
{
  let_in (fixture, NULL, g_get_real_time () / G_USEC_PER_SEC + 400 * DAY_S);
  for (guint i = 0; i < 100; i++)
    g_assert_cmpuint (run_timers (), ==, 1);
  restart (fixture);
  g_assert_cmpuint (run_timers (), ==, 1);
  g_assert_cmpstr (fixture->ended->str, ==, "");
}

static void
test_revoked (Fixture *fixture, gconstpointer data)
{
  let_in (fixture, "k", 0);
  g_assert_cmpuint (run_timers (), ==, 0);
  g_assert_true (mill_store_keys_delete (fixture->store, "k", NULL));
  fixture->is_connected = FALSE;
  mill_admissions_recheck_key (fixture->admissions, "k", FALSE);
  g_assert_cmpuint (run_timers (), ==, 1);
  g_assert_cmpstr (fixture->ended->str, ==, "");
  fixture->is_connected = TRUE;
  g_assert_cmpuint (run_timers (), ==, 1);
  g_assert_cmpstr (fixture->ended->str, ==, "demo revoked\n");
  g_assert_cmpuint (run_timers (), ==, 0);
}

/* The millraced that was asked to revoke it went before it could. */
static void
test_revoked_before_a_restart (Fixture *fixture, gconstpointer data)
{
  let_in (fixture, "k", 0);
  g_assert_true (mill_store_keys_delete (fixture->store, "k", NULL));
  fixture->is_connected = FALSE;
  restart (fixture);
  g_assert_cmpuint (run_timers (), ==, 1);
  fixture->is_connected = TRUE;
  g_assert_cmpuint (run_timers (), ==, 1);
  g_assert_cmpstr (fixture->ended->str, ==, "demo revoked\n");
}

static void
test_good_after_a_restart (Fixture *fixture, gconstpointer data)
{
  let_in (fixture, "k", 0);
  restart (fixture);
  g_assert_cmpuint (run_timers (), ==, 0);
  g_assert_cmpstr (fixture->ended->str, ==, "");
}

#define ADD(name, function) \
  g_test_add ("/admissions/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("expired", test_expired);
  ADD ("not-before-its-time", test_not_before_its_time);
  ADD ("revoked", test_revoked);
  ADD ("revoked-before-a-restart", test_revoked_before_a_restart);
  ADD ("good-after-a-restart", test_good_after_a_restart);
  return g_test_run ();
}
