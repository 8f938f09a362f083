/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* When an input is called ill, on a clock of the test's own. A viewer would
 * notice: a picture that stands for more than a second while another input is
 * there, a stream that leaves an input for a hiccup of its line. */
#include <gst/gst.h>

#include "failover-policy.h"

#define MS G_TIME_SPAN_MILLISECOND
#define NS_MS GST_MSECOND

static const MillFailoverLimits limits = { 700 * MS, 900 * MS, 50 };

/* Pictures each @step_ms from @from_ms on, before @to_ms; a start each second. */
static void
feed (MillFailoverHealth *health, gint64 from_ms, gint64 to_ms, gint64 step_ms)
{
  for (gint64 at = from_ms; at < to_ms; at += step_ms) {
    const MillFailoverArrival arrival = {
      .counts = TRUE,
      .is_start = at % 1000 < step_ms,
      .media_ns = at * (gint64) NS_MS,
    };
    mill_failover_health_hear (health, &arrival, &limits, at * MS);
    mill_failover_health_update (health, &limits, at * MS);
  }
}

static MillFailoverHealthState
judge (MillFailoverHealth *health, gint64 now_ms)
{
  return mill_failover_health_update (health, &limits, now_ms * MS);
}

static void
test_stall (void)
{
  MillFailoverHealth health;

  mill_failover_health_init (&health);
  g_assert_cmpint (judge (&health, 1), ==, MILL_FAILOVER_WAITING);
  feed (&health, 1000, 1001, 40);
  g_assert_cmpint (judge (&health, 1010), ==, MILL_FAILOVER_HEALTHY);
  g_assert_cmpint (judge (&health, 1699), ==, MILL_FAILOVER_HEALTHY);
  g_assert_cmpint (judge (&health, 1700), ==, MILL_FAILOVER_STALLED);
  g_assert_cmpint (health.healthy_since_us, ==, 0);
  /* Sound alone does not heal it. */
  const MillFailoverArrival sound = { .track = 8 };
  mill_failover_health_hear (&health, &sound, &limits, 1800 * MS);
  g_assert_cmpint (judge (&health, 1810), ==, MILL_FAILOVER_STALLED);
  feed (&health, 1840, 1880, 40);
  g_assert_cmpint (judge (&health, 1880), ==, MILL_FAILOVER_HEALTHY);
  g_assert_cmpint (health.healthy_since_us, ==, 1840 * MS);
  /* Silent sound counts as well, once it was heard; its end does not. */
  feed (&health, 1880, 2600, 40);
  g_assert_cmpint (judge (&health, 2600), ==, MILL_FAILOVER_STALLED);
  mill_failover_health_end_track (&health, 8);
  g_assert_cmpint (judge (&health, 2601), ==, MILL_FAILOVER_HEALTHY);
}

static void
test_loss (void)
{
  MillFailoverHealth health;
  const MillFailoverArrival late = { .counts = TRUE };

  mill_failover_health_init (&health);
  feed (&health, 1000, 1200, 40);
  mill_failover_health_lose (&health);
  g_assert_cmpint (judge (&health, 1201), ==, MILL_FAILOVER_LOST);
  /* What was under way does not bring it back, a keyframe does. */
  mill_failover_health_hear (&health, &late, &limits, 1210 * MS);
  g_assert_cmpint (judge (&health, 1211), ==, MILL_FAILOVER_LOST);
  feed (&health, 2000, 2001, 40);
  g_assert_cmpint (judge (&health, 2002), ==, MILL_FAILOVER_HEALTHY);
}

/* 25 pictures a second become 5: seen within a second. 15 are still enough. */
static void
test_framerate (void)
{
  MillFailoverHealth health;
  gint64 seen_ms = 0;

  mill_failover_health_init (&health);
  mill_failover_health_declare (&health, 25000);
  feed (&health, 1000, 4000, 40);
  g_assert_cmpint (judge (&health, 4000), ==, MILL_FAILOVER_HEALTHY);
  g_assert_cmpuint (health.millifps, >=, 24000);
  g_assert_cmpuint (health.millifps, <=, 26000);
  feed (&health, 4000, 8000, 66);
  g_assert_cmpint (judge (&health, 8000), ==, MILL_FAILOVER_HEALTHY);
  for (gint64 at = 8000; at < 10000 && seen_ms == 0; at += 200) {
    feed (&health, at, at + 1, 200);
    if (judge (&health, at) == MILL_FAILOVER_SLOW)
      seen_ms = at;
  }
  g_assert_cmpint (seen_ms, >, 8000);
  g_assert_cmpint (seen_ms, <=, 9000);
  feed (&health, 10000, 12000, 40);
  g_assert_cmpint (judge (&health, 12000), ==, MILL_FAILOVER_HEALTHY);
}

/* What a network holds up for half a second and then lets go is not slow, before
 * or after; the same without an end is stalled. */
static void
test_framerate_of_a_hiccup (void)
{
  MillFailoverHealth health;

  mill_failover_health_init (&health);
  mill_failover_health_declare (&health, 25000);
  feed (&health, 1000, 4000, 40);
  for (gint64 at = 4000; at < 4660; at += 10)
    g_assert_cmpint (judge (&health, at), ==, MILL_FAILOVER_HEALTHY);
  for (gint64 at = 4000; at < 4660; at += 40) {
    const MillFailoverArrival late = {
      .counts = TRUE,
      .media_ns = at * (gint64) NS_MS,
    };
    mill_failover_health_hear (&health, &late, &limits, 4650 * MS);
    g_assert_cmpint (judge (&health, 4650), ==, MILL_FAILOVER_HEALTHY);
  }
  feed (&health, 4680, 6000, 40);
  for (gint64 at = 5960; at < 5960 + 700; at += 10)
    g_assert_cmpint (judge (&health, at), ==, MILL_FAILOVER_HEALTHY);
  g_assert_cmpint (judge (&health, 5960 + 701), ==, MILL_FAILOVER_STALLED);
}

/* Caps of twice what is ever sent are a clock's, no frame rate. */
static void
test_framerate_of_a_clock (void)
{
  MillFailoverHealth health;

  mill_failover_health_init (&health);
  mill_failover_health_declare (&health, 100000);
  feed (&health, 1000, 5000, 40);
  g_assert_cmpint (judge (&health, 5000), ==, MILL_FAILOVER_HEALTHY);
}

/* An operator sets another window while all is well: it stays well, and what is
 * slow from then on is found in that window. */
static void
test_framerate_of_another_window (void)
{
  static const gint64 windows_ms[] = { 500, 5000 };

  for (guint i = 0; i < G_N_ELEMENTS (windows_ms); i++) {
    MillFailoverLimits other = limits;
    MillFailoverHealth health;
    gint64 begin_ms = 36000 * 1000; /* the machine runs for ten hours */
    gint64 slow_ms = begin_ms + 16000;
    gint64 seen_ms = 0;

    mill_failover_health_init (&health);
    mill_failover_health_declare (&health, 25000);
    feed (&health, begin_ms, begin_ms + 4000, 40);
    other.window_us = windows_ms[i] * MS;
    for (gint64 at = begin_ms + 4000; at < slow_ms + 8000;
         at += at < slow_ms ? 40 : 160) {
      const MillFailoverArrival arrival = {
        .counts = TRUE,
        .media_ns = at * (gint64) NS_MS,
      };
      mill_failover_health_hear (&health, &arrival, &other, at * MS);
      if (mill_failover_health_update (&health, &other, at * MS) ==
              MILL_FAILOVER_SLOW &&
          seen_ms == 0)
        seen_ms = at;
    }
    g_assert_cmpint (seen_ms, >, slow_ms);
    g_assert_cmpint (seen_ms, <=, slow_ms + windows_ms[i] + 400);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/failover/health/stall", test_stall);
  g_test_add_func ("/failover/health/loss", test_loss);
  g_test_add_func ("/failover/health/framerate", test_framerate);
  g_test_add_func ("/failover/health/framerate-of-a-hiccup",
      test_framerate_of_a_hiccup);
  g_test_add_func ("/failover/health/framerate-of-a-clock",
      test_framerate_of_a_clock);
  g_test_add_func ("/failover/health/framerate-of-a-window",
      test_framerate_of_another_window);
  return g_test_run ();
}
