/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "stream.h"

#define SECOND G_USEC_PER_SEC

typedef struct
{
  MillStream *stream;
  MillStreamClock clock;
} Fixture;

static MillStream *
new_stream (gboolean needs_publisher)
{
  MillStreamClock clock = { .wall_us = 1000 * SECOND, .monotonic_us = SECOND };
  MillStreamRow *row = g_new0 (MillStreamRow, 1);
  row->name = g_strdup ("demo");
  row->pipeline = g_strdup ("p");
  row->boot_id = g_strdup ("");
  MillStream *stream = mill_stream_new (row, &clock);
  stream->needs_publisher = needs_publisher;
  return stream;
}

static void
set_up (Fixture *fixture, gconstpointer needs_publisher)
{
  fixture->clock =
      (MillStreamClock){ .wall_us = 2000 * SECOND, .monotonic_us = 2 * SECOND };
  fixture->stream = new_stream (GPOINTER_TO_INT (needs_publisher));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  mill_stream_free (fixture->stream);
}

static void
begin (Fixture *fixture, guint64 generation)
{
  MillStreamRun run = { "shared-1", generation, 77, "boot" };
  mill_stream_begin (fixture->stream, &run, &fixture->clock);
}

static MillStreamStep
report (Fixture *fixture, guint64 generation, MillStreamState state,
    const gchar *error)
{
  g_autoptr (MillStreamReport) text =
      mill_stream_report_new ("demo", generation);
  text->state = state;
  if (error) {
    g_free (text->last_error);
    text->last_error = g_strdup (error);
  }
  fixture->clock.wall_us += SECOND;
  fixture->clock.monotonic_us += SECOND;
  return mill_stream_take_report (fixture->stream, text, &fixture->clock);
}

static void
test_life_with_a_publisher (Fixture *fixture, gconstpointer data)
{
  MillStream *stream = fixture->stream;
  g_assert_cmpint (stream->state, ==, MILL_STATUS_IDLE);
  begin (fixture, 5);
  g_assert_cmpint (stream->state, ==, MILL_STATUS_STARTING);
  g_assert_true (mill_stream_is_running (stream));
  report (fixture, 5, MILL_STREAM_LIVE, NULL);
  g_assert_cmpint (stream->state, ==, MILL_STATUS_LIVE);
  g_assert_cmpint (stream->since, ==, fixture->clock.wall_us);
  report (fixture, 5, MILL_STREAM_RECONNECTING, NULL);
  g_assert_cmpint (stream->state, ==, MILL_STATUS_RECONNECTING);
  report (fixture, 5, MILL_STREAM_LIVE, NULL);
  g_assert_cmpint (stream->state, ==, MILL_STATUS_LIVE);
  MillStreamStep step = report (fixture, 5, MILL_STREAM_ENDED, NULL);
  g_assert_cmpint (step.kind, ==, MILL_STEP_NOTHING);
  g_assert_cmpint (stream->state, ==, MILL_STATUS_IDLE);
  g_assert_cmpint (stream->row->phase, ==, MILL_PHASE_ENDED);
  g_assert_null (stream->row->owner);
  begin (fixture, 6);
  g_assert_cmpuint (stream->row->restarts, ==, 0); /* a new run, no restart */
}

/* A pull whose server refuses: it is not live, and says why. */
static void
test_why_it_is_not_live (Fixture *fixture, gconstpointer data)
{
  MillStream *stream = fixture->stream;
  begin (fixture, 5);
  report (fixture, 5, MILL_STREAM_STARTING, "in: no such stream");
  g_assert_cmpint (stream->state, ==, MILL_STATUS_STARTING);
  g_assert_cmpstr (stream->row->last_error, ==, "in: no such stream");
  report (fixture, 5, MILL_STREAM_LIVE, "");
  g_assert_cmpint (stream->state, ==, MILL_STATUS_LIVE);
  g_assert_null (stream->row->last_error); /* it is over */
  report (fixture, 5, MILL_STREAM_RECONNECTING, "in: connection refused");
  g_assert_cmpint (stream->state, ==, MILL_STATUS_RECONNECTING);
  g_assert_cmpstr (stream->row->last_error, ==, "in: connection refused");
  g_assert_cmpuint (stream->row->restarts, ==, 0);
  /* what is worse than that stays to be read when it is live again */
  mill_stream_lose (stream, "worker died", &fixture->clock);
  begin (fixture, 6);
  report (fixture, 6, MILL_STREAM_LIVE, "");
  g_assert_cmpint (stream->state, ==, MILL_STATUS_LIVE);
  g_assert_cmpstr (stream->row->last_error, ==, "worker died");
}

/* What an older run's worker still says must not touch the run of now. */
static void
test_older_generation_is_ignored (Fixture *fixture, gconstpointer data)
{
  begin (fixture, 5);
  begin (fixture, 6);
  report (fixture, 5, MILL_STREAM_FAILED, "old");
  g_assert_cmpint (fixture->stream->state, ==, MILL_STATUS_STARTING);
  g_assert_null (fixture->stream->row->last_error);
  report (fixture, 6, MILL_STREAM_LIVE, NULL);
  g_assert_cmpint (fixture->stream->state, ==, MILL_STATUS_LIVE);
  g_assert_cmpuint (fixture->stream->row->restarts, ==, 1);
}

static void
test_worker_dies_under_a_publisher (Fixture *fixture, gconstpointer data)
{
  MillStream *stream = fixture->stream;
  begin (fixture, 5);
  report (fixture, 5, MILL_STREAM_LIVE, NULL);
  MillStreamStep step =
      mill_stream_lose (stream, "worker died", &fixture->clock);
  g_assert_cmpint (step.kind, ==, MILL_STEP_WAIT);
  g_assert_cmpuint (step.delay_ms, ==, 30000);
  g_assert_cmpint (stream->state, ==, MILL_STATUS_RECONNECTING);
  g_assert_cmpstr (stream->row->last_error, ==, "worker died");
  /* the run goes on: its next generation keeps the timeline */
  g_assert_cmpint (stream->row->phase, ==, MILL_PHASE_RUNNING);
  g_assert_null (stream->row->owner);
  /* its successor does not know the stream: what happened stays to be read */
  guint n_told = stream->log.length;
  step =
      mill_stream_lose (stream, "gone when millraced started", &fixture->clock);
  g_assert_cmpint (step.kind, ==, MILL_STEP_WAIT);
  g_assert_cmpstr (stream->row->last_error, ==, "worker died");
  g_assert_cmpuint (stream->log.length, ==, n_told);
  mill_stream_give_up (stream, &fixture->clock);
  g_assert_cmpint (stream->state, ==, MILL_STATUS_IDLE);
  g_assert_cmpint (stream->row->phase, ==, MILL_PHASE_ENDED);
}

static void
test_worker_dies_under_a_file (Fixture *fixture, gconstpointer data)
{
  begin (fixture, 5);
  MillStreamStep step =
      mill_stream_lose (fixture->stream, "worker died", &fixture->clock);
  g_assert_cmpint (step.kind, ==, MILL_STEP_RESTART);
  g_assert_cmpint (fixture->stream->state, ==, MILL_STATUS_RECONNECTING);
}

static void
test_crash_loop_ends_failed (Fixture *fixture, gconstpointer data)
{
  MillStream *stream = fixture->stream;
  guint restarts = 0;
  for (guint generation = 1;; generation++) {
    begin (fixture, generation);
    MillStreamStep step =
        report (fixture, generation, MILL_STREAM_FAILED, "no such file");
    if (step.kind != MILL_STEP_RESTART)
      break;
    g_assert_cmpint (stream->state, ==, MILL_STATUS_RECONNECTING);
    restarts++;
  }
  g_assert_cmpuint (restarts, ==, 9); /* limit 10 starts */
  g_assert_cmpint (stream->state, ==, MILL_STATUS_FAILED);
  g_assert_cmpstr (stream->row->last_error, ==, "no such file");
  g_assert_cmpuint (stream->log.length, >, 10);
  mill_stream_set_desired (stream, MILL_DESIRED_RUNNING, &fixture->clock);
  g_assert_cmpint (stream->state, ==, MILL_STATUS_IDLE);
  begin (fixture, 99);
  MillStreamStep step = report (fixture, 99, MILL_STREAM_FAILED, "again");
  g_assert_cmpint (step.kind, ==, MILL_STEP_RESTART); /* counted anew */
}

static void
test_stop_and_start (Fixture *fixture, gconstpointer data)
{
  MillStream *stream = fixture->stream;
  begin (fixture, 5);
  report (fixture, 5, MILL_STREAM_LIVE, NULL);
  mill_stream_set_desired (stream, MILL_DESIRED_STOPPED, &fixture->clock);
  g_assert_cmpint (stream->state, ==, MILL_STATUS_LIVE); /* until it ended */
  report (fixture, 5, MILL_STREAM_STOPPING, NULL);
  g_assert_cmpint (stream->state, ==, MILL_STATUS_LIVE);
  MillStreamStep step = report (fixture, 5, MILL_STREAM_ENDED, NULL);
  g_assert_cmpint (step.kind, ==, MILL_STEP_NOTHING);
  g_assert_cmpint (stream->state, ==, MILL_STATUS_STOPPED);
  mill_stream_set_desired (stream, MILL_DESIRED_RUNNING, &fixture->clock);
  g_assert_cmpint (stream->state, ==, MILL_STATUS_IDLE);

  begin (fixture, 6);
  mill_stream_set_desired (stream, MILL_DESIRED_STOPPED, &fixture->clock);
  report (fixture, 6, MILL_STREAM_GONE, NULL);
  g_assert_cmpint (stream->state, ==, MILL_STATUS_STOPPED);
  g_assert_null (stream->row->last_error);
}

/* What somebody asked for has not failed, and leaves no error behind. */
static void
test_restart_is_no_failure (Fixture *fixture, gconstpointer data)
{
  MillStream *stream = fixture->stream;
  begin (fixture, 5);
  report (fixture, 5, MILL_STREAM_LIVE, NULL);
  stream->restarting = TRUE;
  MillStreamStep step = report (fixture, 5, MILL_STREAM_GONE, NULL);
  g_assert_cmpint (step.kind, ==, MILL_STEP_NOTHING);
  g_assert_cmpint (stream->state, ==, MILL_STATUS_IDLE);
  g_assert_null (stream->row->last_error);
  begin (fixture, 6);
  report (fixture, 6, MILL_STREAM_GONE, NULL); /* nobody asked for that */
  g_assert_cmpint (stream->state, ==, MILL_STATUS_FAILED);
}

static void
test_log_is_bounded (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 1000; i++)
    mill_stream_log (fixture->stream, "info", &fixture->clock, "line %u", i);
  g_assert_cmpuint (fixture->stream->log.length, ==, 200);
  const MillStreamLogEntry *last = g_queue_peek_tail (&fixture->stream->log);
  g_assert_cmpstr (last->message, ==, "line 999");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, publisher, func)                                      \
  g_test_add (path, Fixture, GINT_TO_POINTER (publisher), set_up, func, \
      tear_down)
  ADD ("/stream/publisher", TRUE, test_life_with_a_publisher);
  ADD ("/stream/restart", TRUE, test_restart_is_no_failure);
  ADD ("/stream/why-not-live", FALSE, test_why_it_is_not_live);
  ADD ("/stream/generation", TRUE, test_older_generation_is_ignored);
  ADD ("/stream/worker-dies", TRUE, test_worker_dies_under_a_publisher);
  ADD ("/stream/worker-dies-file", FALSE, test_worker_dies_under_a_file);
  ADD ("/stream/crash-loop", FALSE, test_crash_loop_ends_failed);
  ADD ("/stream/stop-start", TRUE, test_stop_and_start);
  ADD ("/stream/log", TRUE, test_log_is_bounded);
  return g_test_run ();
}
