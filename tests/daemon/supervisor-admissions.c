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

static gint64 now_us;

gint64
g_get_monotonic_time (void)
{
  return now_us;
}

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
    if (timer.func (timer.data))
      g_array_append_val (timers, timer);
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

  now_us = 1000 * G_USEC_PER_SEC;
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

/* ---- bit rate: 8 Mb/s are allowed, a megabyte per second ---- */

#define LIMIT_BPS 8000000
#define KILOBYTE 1000

static MillPublishVerdict *
grant_limited (const gchar *key_id)
{
  MillPublishVerdict *verdict = mill_publish_verdict_new_granted ("demo");

  verdict->key_id = g_strdup (key_id);
  verdict->key_generation = 1;
  verdict->limits.bitrate_bps = LIMIT_BPS;
  return verdict;
}

static void
let_in_limited (Fixture *fixture, const gchar *address)
{
  g_autoptr (MillPublishVerdict) verdict = grant_limited ("k");
  MillAdmission admission = { verdict, address, FALSE };

  mill_admissions_add (fixture->admissions, fixture->stream, &admission);
  mill_admissions_confirm (fixture->admissions, "demo", address);
}

static gint64
get_wait_s (Fixture *fixture, const gchar *key_id)
{
  g_autoptr (MillPublishVerdict) verdict = grant_limited (key_id);

  return mill_admissions_get_wait_s (fixture->admissions, verdict);
}

typedef struct
{
  const gchar *node;
  const gchar *address;
  const gchar *state;
  guint64 kilobytes; /* of the connection */
} Sent;

static void
report (Fixture *fixture, const Sent *sent, guint n_sent)
{
  MillStreamReport stream = { .name = (gchar *) "demo",
    .generation = fixture->stream->row->generation };
  g_autoptr (GPtrArray) inputs = mill_input_report_new_list ();

  stream.inputs = inputs;
  for (guint i = 0; i < n_sent; i++) {
    MillInputReport *input = mill_input_report_add (inputs);
    input->node = g_strdup (sent[i].node);
    input->state = g_strdup (sent[i].state);
    input->publisher = g_new0 (MillPublisher, 1);
    input->publisher->address = g_strdup (sent[i].address);
    input->publisher->bytes = sent[i].kilobytes * KILOBYTE;
  }
  mill_admissions_take_report (fixture->admissions, &stream);
}

static void
report_one (Fixture *fixture, const gchar *address, const gchar *state,
    guint64 kilobytes)
{
  Sent sent = { "in", address, state, kilobytes };
  report (fixture, &sent, 1);
}

static void
advance (guint ms)
{
  now_us += (gint64) ms * 1000;
}

/* Connects, sends for @ms at @kilobytes_per_s and goes, with its stream. */
static void
publish_for (Fixture *fixture, const gchar *address, guint ms,
    guint kilobytes_per_s)
{
  let_in_limited (fixture, address);
  report_one (fixture, address, MILL_INPUT_LIVE, 0);
  advance (ms);
  report_one (fixture, address, MILL_INPUT_AWAY, ms * kilobytes_per_s / 1000);
  mill_admissions_forget (fixture->admissions, "demo");
}

/* One connection for as long as it takes, as ever. */
static void
test_bitrate (Fixture *fixture, gconstpointer data)
{
  let_in_limited (fixture, "192.0.2.1:5000");
  advance (10000);
  report_one (fixture, "192.0.2.1:5000", MILL_INPUT_LIVE, 10000);
  g_assert_cmpstr (fixture->ended->str, ==, "");
  advance (10000);
  report_one (fixture, "192.0.2.1:5000", MILL_INPUT_LIVE, 21000);
  g_assert_cmpstr (fixture->ended->str, ==, "demo bitrate\n");
  /* it is told once, also while the stream is still ending */
  advance (100);
  report_one (fixture, "192.0.2.1:5000", MILL_INPUT_LIVE, 21100);
  report_one (fixture, "192.0.2.1:5000", MILL_INPUT_AWAY, 21200);
  g_assert_cmpint (mill_admissions_get_ended (fixture->admissions,
                       MILL_ADMISSION_BITRATE),
      ==, 1);
}

/* Who comes back every four seconds is measured over all of his connections,
 * each of which is too short to be measured alone. */
static void
test_bitrate_over_reconnects (Fixture *fixture, gconstpointer data)
{
  publish_for (fixture, "192.0.2.1:5000", 4000, 1500);
  advance (100);
  g_assert_cmpint (get_wait_s (fixture, "k"), ==, 0);
  publish_for (fixture, "192.0.2.1:5001", 4000, 1500);
  advance (100);
  /* 12 MB in 8.2 s: two windows' worth are not done after one */
  g_assert_cmpint (get_wait_s (fixture, "k"), ==, 4);
  g_assert_cmpint (get_wait_s (fixture, "other"), ==, 0);
  advance (3700);
  g_assert_cmpint (get_wait_s (fixture, "k"), ==, 1);
  advance (100);
  g_assert_cmpint (get_wait_s (fixture, "k"), ==, 0);
}

/* The window that one connection has begun ends in the next. */
static void
test_bitrate_ends_the_next_connection (Fixture *fixture, gconstpointer data)
{
  publish_for (fixture, "192.0.2.1:5000", 4000, 2000);
  advance (100);
  let_in_limited (fixture, "192.0.2.1:5001");
  advance (4000);
  report_one (fixture, "192.0.2.1:5001", MILL_INPUT_LIVE, 8000);
  g_assert_cmpstr (fixture->ended->str, ==, "demo bitrate\n");
  g_assert_cmpint (get_wait_s (fixture, "k"), ==, 8);
}

/* An encoder with a bad line that keeps to what it may. */
static void
test_bitrate_within_the_limit (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 50; i++) {
    g_autofree gchar *address = g_strdup_printf ("192.0.2.1:%u", 5000 + i);
    g_assert_cmpint (get_wait_s (fixture, "k"), ==, 0);
    publish_for (fixture, address, 900, 1000);
    advance (100);
  }
  g_assert_cmpstr (fixture->ended->str, ==, "");
}

/* Primary and backup have a key in common, and each may send that much. */
static void
test_bitrate_of_two_places (Fixture *fixture, gconstpointer data)
{
  let_in_limited (fixture, "192.0.2.1:5000");
  let_in_limited (fixture, "192.0.2.2:5000");
  for (guint s = 10; s <= 40; s += 10) {
    Sent sent[] = { { "a", "192.0.2.1:5000", MILL_INPUT_LIVE, s * 900 },
      { "b", "192.0.2.2:5000", MILL_INPUT_LIVE,
          s <= 30 ? s * 900 : 27000 + 10100 } };
    advance (10000);
    report (fixture, sent, G_N_ELEMENTS (sent));
    g_assert_cmpstr (fixture->ended->str, ==, s <= 30 ? "" : "demo bitrate\n");
  }
}

/* What a millraced before this has counted is not known. */
static void
test_bitrate_after_a_restart (Fixture *fixture, gconstpointer data)
{
  let_in_limited (fixture, "192.0.2.1:5000");
  restart (fixture);
  report_one (fixture, "192.0.2.1:5000", MILL_INPUT_LIVE, 900000);
  advance (10000);
  report_one (fixture, "192.0.2.1:5000", MILL_INPUT_LIVE, 909000);
  g_assert_cmpstr (fixture->ended->str, ==, "");
  advance (10000);
  report_one (fixture, "192.0.2.1:5000", MILL_INPUT_LIVE, 920000);
  g_assert_cmpstr (fixture->ended->str, ==, "demo bitrate\n");
}

/* Nothing is kept of those who are gone and owe nothing. */
static void
test_bitrate_is_forgotten (Fixture *fixture, gconstpointer data)
{
  publish_for (fixture, "192.0.2.1:5000", 4000, 8000);
  g_assert_cmpuint (run_timers (), ==, 1);
  g_assert_cmpint (get_wait_s (fixture, "k"), ==, 28);
  advance (28000);
  g_assert_cmpuint (run_timers (), ==, 1);
  g_assert_cmpuint (run_timers (), ==, 0);
}

/* ---- bit rate, of those who show a token or are let in by a webhook ---- */

static MillPublishVerdict *
grant_keyless (guint64 limit_bps)
{
  MillPublishVerdict *verdict = grant_limited (NULL);

  verdict->limits.bitrate_bps = limit_bps;
  return verdict;
}

static void
let_in_keyless (Fixture *fixture, const gchar *address, guint64 limit_bps)
{
  g_autoptr (MillPublishVerdict) verdict = grant_keyless (limit_bps);
  MillAdmission admission = { verdict, address, FALSE };

  mill_admissions_add (fixture->admissions, fixture->stream, &admission);
  mill_admissions_confirm (fixture->admissions, "demo", address);
}

static gint64
get_keyless_wait_s (Fixture *fixture, guint64 limit_bps)
{
  g_autoptr (MillPublishVerdict) verdict = grant_keyless (limit_bps);

  return mill_admissions_get_wait_s (fixture->admissions, verdict);
}

/* The backup may send a tenth of what the primary may, and does. */
static void
test_bitrate_of_two_tokens (Fixture *fixture, gconstpointer data)
{
  let_in_keyless (fixture, "192.0.2.1:5000", 10 * LIMIT_BPS);
  report_one (fixture, "192.0.2.1:5000", MILL_INPUT_LIVE, 0);
  advance (4000);
  report_one (fixture, "192.0.2.1:5000", MILL_INPUT_LIVE, 40000);
  g_assert_cmpint (get_keyless_wait_s (fixture, LIMIT_BPS), ==, 0);
  let_in_keyless (fixture, "192.0.2.2:5000", LIMIT_BPS);
  for (guint s = 10; s <= 30; s += 10) {
    Sent sent[] = { { "a", "192.0.2.1:5000", MILL_INPUT_LIVE,
                        40000 + s * 10000 },
      { "b", "192.0.2.2:5000", MILL_INPUT_LIVE,
          s <= 20 ? s * 1000 : 20000 + 10100 } };
    advance (10000);
    report (fixture, sent, G_N_ELEMENTS (sent));
    g_assert_cmpstr (fixture->ended->str, ==, s <= 20 ? "" : "demo bitrate\n");
  }
}

/* Who has the place next is somebody else, with a limit of his own: he neither
 * waits for what the one before him sent, nor is ended for it. */
static void
test_bitrate_of_a_predecessor (Fixture *fixture, gconstpointer data)
{
  let_in_keyless (fixture, "192.0.2.1:5000", LIMIT_BPS);
  report_one (fixture, "192.0.2.1:5000", MILL_INPUT_LIVE, 0);
  advance (4000);
  report_one (fixture, "192.0.2.1:5000", MILL_INPUT_AWAY, 900000);
  mill_admissions_forget (fixture->admissions, "demo");
  g_assert_cmpint (get_keyless_wait_s (fixture, LIMIT_BPS), ==, 0);
  let_in_keyless (fixture, "192.0.2.2:5000", LIMIT_BPS);
  advance (10000);
  report_one (fixture, "192.0.2.2:5000", MILL_INPUT_LIVE, 10000);
  g_assert_cmpstr (fixture->ended->str, ==, "");
  /* and nothing is kept that nobody could be asked for */
  mill_admissions_forget (fixture->admissions, "demo");
  advance (20000);
  g_assert_cmpuint (run_timers (), ==, 1);
  g_assert_cmpuint (run_timers (), ==, 0);
}

/* The key's limit is a thing of the place: what the primary is just sending is
 * measured there, and does not keep the backup out. */
static void
test_bitrate_of_who_is_there (Fixture *fixture, gconstpointer data)
{
  let_in_limited (fixture, "192.0.2.1:5000");
  report_one (fixture, "192.0.2.1:5000", MILL_INPUT_LIVE, 0);
  advance (4000);
  report_one (fixture, "192.0.2.1:5000", MILL_INPUT_LIVE, 12000);
  g_assert_cmpint (get_wait_s (fixture, "k"), ==, 0);
  report_one (fixture, "192.0.2.1:5000", MILL_INPUT_AWAY, 12000);
  g_assert_cmpint (get_wait_s (fixture, "k"), ==, 8);
}

/* What is owed does not grow with a limit that is lowered; one that is raised
 * lets in earlier. */
static void
test_bitrate_of_another_limit (Fixture *fixture, gconstpointer data)
{
  g_autoptr (MillPublishVerdict) verdict = grant_limited ("k");

  publish_for (fixture, "192.0.2.1:5000", 4000, 8000);
  verdict->limits.bitrate_bps = LIMIT_BPS / 10;
  g_assert_cmpint (mill_admissions_get_wait_s (fixture->admissions, verdict),
      ==, 28);
  verdict->limits.bitrate_bps = LIMIT_BPS * 4;
  g_assert_cmpint (mill_admissions_get_wait_s (fixture->admissions, verdict),
      ==, 0);
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
  ADD ("bitrate", test_bitrate);
  ADD ("bitrate-over-reconnects", test_bitrate_over_reconnects);
  ADD ("bitrate-ends-the-next-connection",
      test_bitrate_ends_the_next_connection);
  ADD ("bitrate-within-the-limit", test_bitrate_within_the_limit);
  ADD ("bitrate-of-two-places", test_bitrate_of_two_places);
  ADD ("bitrate-after-a-restart", test_bitrate_after_a_restart);
  ADD ("bitrate-is-forgotten", test_bitrate_is_forgotten);
  ADD ("bitrate-of-two-tokens", test_bitrate_of_two_tokens);
  ADD ("bitrate-of-a-predecessor", test_bitrate_of_a_predecessor);
  ADD ("bitrate-of-who-is-there", test_bitrate_of_who_is_there);
  ADD ("bitrate-of-another-limit", test_bitrate_of_another_limit);
  return g_test_run ();
}
