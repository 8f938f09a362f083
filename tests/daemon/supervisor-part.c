/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * When a part in a process of its own is started again, and what its stream is
 * called meanwhile. */

#include "stream.h"

#define SECOND G_USEC_PER_SEC

static const MillRestart policy = { .policy = MILL_RESTART_ON_FAILURE,
  .backoff_min_ms = 500,
  .backoff_max_ms = 8000,
  .limit = 6 };

static MillStreamClock
at (gint64 second)
{
  return (MillStreamClock){ .wall_us = (1000 + second) * SECOND,
    .monotonic_us = (1 + second) * SECOND,
    .jitter = 0.5 };
}

static void
test_first_restart_at_once (void)
{
  g_autoptr (MillPart) part = mill_part_new ("demo", 1, &policy);
  MillStreamClock clock = at (0);
  g_assert_cmpstr (part->id, ==, "demo.1");
  mill_part_begin (part, &clock);
  g_assert_cmpint (part->state, ==, MILL_PART_STARTING);
  g_assert_false (mill_part_is_missed (part));
  mill_part_take_state (part, MILL_STREAM_LIVE, &clock);
  g_assert_cmpint (part->state, ==, MILL_PART_RUNNING);
  clock = at (5);
  g_assert_cmpint (mill_part_lose (part, "killed", &clock), ==, 0);
  g_assert_cmpint (part->state, ==, MILL_PART_DOWN);
  g_assert_cmpint (part->since, ==, clock.wall_us);
  g_assert_cmpstr (part->last_error, ==, "killed");
  g_assert_true (mill_part_is_missed (part));
  mill_part_begin (part, &clock);
  g_assert_cmpuint (mill_part_get_restarts (part), ==, 1);
  g_assert_true (mill_part_is_missed (part)); /* until it runs again */
  mill_part_take_state (part, MILL_STREAM_LIVE, &clock);
  g_assert_false (mill_part_is_missed (part));
}

static void
test_back_off_then_failed (void)
{
  g_autoptr (MillPart) part = mill_part_new ("demo", 1, &policy);
  MillStreamClock clock = at (0);
  gint before = -1;
  guint starts = 0;
  for (;;) {
    mill_part_begin (part, &clock);
    starts++;
    gint delay_ms = mill_part_lose (part, "no", &clock);
    if (delay_ms == MILL_RESTART_POLICY_NO_RESTART)
      break;
    g_assert_cmpint (delay_ms, >, before);
    before = delay_ms;
  }
  g_assert_cmpuint (starts, ==, policy.limit);
  g_assert_cmpint (before, >=, 3000);
  g_assert_cmpint (part->state, ==, MILL_PART_FAILED);
}

/* One that dies once an hour has no back-off to sit out. */
static void
test_healthy_time_counts_anew (void)
{
  g_autoptr (MillPart) part = mill_part_new ("demo", 1, &policy);
  for (guint hour = 0; hour < 20; hour++) {
    MillStreamClock clock = at (hour * 3600);
    mill_part_begin (part, &clock);
    mill_part_take_state (part, MILL_STREAM_LIVE, &clock);
    clock = at (hour * 3600 + 3000);
    g_assert_cmpint (mill_part_lose (part, "hiccup", &clock), ==, 0);
  }
  g_assert_cmpuint (mill_part_get_restarts (part), ==, 19);
}

static void
test_policy_never (void)
{
  MillRestart never = policy;
  never.policy = MILL_RESTART_NEVER;
  g_autoptr (MillPart) part = mill_part_new ("demo", 1, &never);
  MillStreamClock clock = at (0);
  mill_part_begin (part, &clock);
  g_assert_cmpint (mill_part_lose (part, "no", &clock), ==,
      MILL_RESTART_POLICY_NO_RESTART);
  g_assert_cmpint (part->state, ==, MILL_PART_FAILED);
}

/* ---- its stream ---- */

typedef struct
{
  MillStream *stream;
  MillStreamClock clock;
} Fixture;

static void
report (Fixture *fixture, MillStreamState state)
{
  g_autoptr (MillStreamReport) text = mill_stream_report_new ("demo", 5);
  text->state = state;
  mill_stream_take_report (fixture->stream, text, &fixture->clock);
}

static void
take (Fixture *fixture, guint process, MillStreamState state)
{
  MillPart *part = mill_stream_find_part (fixture->stream, process);
  mill_part_take_state (part, state, &fixture->clock);
  mill_stream_take_part (fixture->stream, part, NULL, &fixture->clock);
}

static void
lose (Fixture *fixture, guint process)
{
  MillPart *part = mill_stream_find_part (fixture->stream, process);
  mill_part_lose (part, "killed", &fixture->clock);
  mill_stream_take_part (fixture->stream, part, "killed", &fixture->clock);
}

static void
begin (Fixture *fixture, guint process)
{
  MillPart *part = mill_stream_find_part (fixture->stream, process);
  mill_part_begin (part, &fixture->clock);
  mill_stream_take_part (fixture->stream, part, NULL, &fixture->clock);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  MillStreamRow *row = g_new0 (MillStreamRow, 1);
  MillStreamRun run = { "shared-1", 5, 77, "boot" };
  fixture->clock = at (0);
  row->name = g_strdup ("demo");
  row->pipeline = g_strdup ("p");
  row->boot_id = g_strdup ("");
  fixture->stream = mill_stream_new (row, &fixture->clock);
  fixture->stream->needs_publisher = TRUE;
  mill_stream_begin (fixture->stream, &run, &fixture->clock);
  mill_stream_set_parts (fixture->stream, 3, NULL);
  begin (fixture, 1);
  begin (fixture, 2);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  mill_stream_free (fixture->stream);
}

static void
come_up (Fixture *fixture)
{
  report (fixture, MILL_STREAM_LIVE);
  take (fixture, 1, MILL_STREAM_LIVE);
  take (fixture, 2, MILL_STREAM_LIVE);
  g_assert_cmpint (fixture->stream->state, ==, MILL_STATUS_LIVE);
}

static void
test_live_when_all_are (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpuint (fixture->stream->parts->len, ==, 2);
  take (fixture, 1, MILL_STREAM_LIVE);
  g_assert_cmpint (fixture->stream->state, ==, MILL_STATUS_STARTING);
  report (fixture, MILL_STREAM_LIVE);
  g_assert_cmpint (fixture->stream->state, ==, MILL_STATUS_STARTING);
  take (fixture, 2, MILL_STREAM_LIVE);
  g_assert_cmpint (fixture->stream->state, ==, MILL_STATUS_LIVE);
}

static void
test_degraded_and_back (Fixture *fixture, gconstpointer data)
{
  come_up (fixture);
  lose (fixture, 2);
  g_assert_cmpint (fixture->stream->state, ==, MILL_STATUS_DEGRADED);
  g_assert_cmpstr (fixture->stream->row->last_error, ==, "process 2: killed");
  begin (fixture, 2);
  g_assert_cmpint (fixture->stream->state, ==, MILL_STATUS_DEGRADED);
  take (fixture, 2, MILL_STREAM_LIVE);
  g_assert_cmpint (fixture->stream->state, ==, MILL_STATUS_LIVE);
  /* the run went on all the time */
  g_assert_cmpuint (fixture->stream->row->restarts, ==, 0);
  g_assert_cmpuint (fixture->stream->row->generation, ==, 5);
}

/* What the publisher does is more than what a part does. */
static void
test_reconnecting_hides_it (Fixture *fixture, gconstpointer data)
{
  come_up (fixture);
  report (fixture, MILL_STREAM_RECONNECTING);
  lose (fixture, 1);
  g_assert_cmpint (fixture->stream->state, ==, MILL_STATUS_RECONNECTING);
  report (fixture, MILL_STREAM_LIVE);
  g_assert_cmpint (fixture->stream->state, ==, MILL_STATUS_DEGRADED);
}

static void
test_shared_part_fails (Fixture *fixture, gconstpointer data)
{
  come_up (fixture);
  lose (fixture, 1);
  report (fixture, MILL_STREAM_FAILED);
  g_assert_cmpint (fixture->stream->state, ==, MILL_STATUS_FAILED);
  take (fixture, 1, MILL_STREAM_LIVE); /* what is still heard of it */
  g_assert_cmpint (fixture->stream->state, ==, MILL_STATUS_FAILED);
}

static void
test_finished_is_not_missed (Fixture *fixture, gconstpointer data)
{
  come_up (fixture);
  take (fixture, 1, MILL_STREAM_ENDED);
  g_assert_cmpint (fixture->stream->state, ==, MILL_STATUS_LIVE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/part/first-restart", test_first_restart_at_once);
  g_test_add_func ("/part/back-off", test_back_off_then_failed);
  g_test_add_func ("/part/healthy", test_healthy_time_counts_anew);
  g_test_add_func ("/part/never", test_policy_never);
#define ADD(path, func) \
  g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/part/stream/live", test_live_when_all_are);
  ADD ("/part/stream/degraded", test_degraded_and_back);
  ADD ("/part/stream/reconnecting", test_reconnecting_hides_it);
  ADD ("/part/stream/failed", test_shared_part_fails);
  ADD ("/part/stream/ended", test_finished_is_not_missed);
  return g_test_run ();
}
