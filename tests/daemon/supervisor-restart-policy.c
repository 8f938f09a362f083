/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "restart-policy.h"

#define SECOND G_USEC_PER_SEC

static const MillRestart policy = { .policy = MILL_RESTART_ON_FAILURE,
  .backoff_min_ms = 500,
  .backoff_max_ms = 30000,
  .limit = 10 };

static gint
fail_after (MillRestartState *state, const MillRestart *with, gint64 *now,
    gint64 lasted, gdouble jitter)
{
  mill_restart_policy_started (state, *now);
  *now += lasted;
  return mill_restart_policy_ended (state, with, MILL_RUN_FAILED, *now, jitter);
}

/* A pipeline that cannot start must not keep a core busy, and must end up
 * failed, for somebody to see. */
static void
test_doubles_to_the_limit (void)
{
  static const gint least[] = { 250, 500, 1000, 2000, 4000, 8000, 15000, 15000,
    15000 };
  MillRestartState state = { 0 };
  gint64 now = SECOND;
  for (guint i = 0; i < G_N_ELEMENTS (least); i++) {
    MillRestartState copy = state;
    gint64 copy_now = now;
    gint most = fail_after (&copy, &policy, &copy_now, SECOND, 0.999);
    g_assert_cmpint (fail_after (&state, &policy, &now, SECOND, 0), ==,
        least[i]);
    g_assert_cmpint (most, >, least[i]);
    g_assert_cmpint (most, <=, 2 * least[i]);
    g_assert_false (mill_restart_policy_is_exhausted (&state, &policy));
  }
  g_assert_cmpint (fail_after (&state, &policy, &now, SECOND, 0), ==,
      MILL_RESTART_POLICY_NO_RESTART);
  g_assert_true (mill_restart_policy_is_exhausted (&state, &policy));
  mill_restart_policy_reset (&state);
  g_assert_false (mill_restart_policy_is_exhausted (&state, &policy));
}

/* One crash a day is not ten crashes. */
static void
test_healthy_time_forgets (void)
{
  MillRestartState state = { 0 };
  gint64 now = SECOND;
  for (guint i = 0; i < 5; i++)
    fail_after (&state, &policy, &now, SECOND, 0);
  g_assert_cmpuint (state.starts, ==, 5);
  g_assert_cmpint (fail_after (&state, &policy, &now, 60 * SECOND, 0), ==, 250);
  g_assert_cmpint (fail_after (&state, &policy, &now, 60 * SECOND - 1, 0), ==,
      250);
  g_assert_cmpint (fail_after (&state, &policy, &now, 60 * SECOND - 1, 0), ==,
      500);
}

static void
test_policies (void)
{
  static const struct
  {
    MillRestartPolicy policy;
    MillRunEnd end;
    gboolean restarts;
  } cases[] = {
    { MILL_RESTART_NEVER, MILL_RUN_FAILED, FALSE },
    { MILL_RESTART_NEVER, MILL_RUN_FINISHED, FALSE },
    { MILL_RESTART_ON_FAILURE, MILL_RUN_FAILED, TRUE },
    { MILL_RESTART_ON_FAILURE, MILL_RUN_FINISHED, FALSE },
    { MILL_RESTART_ALWAYS, MILL_RUN_FAILED, TRUE },
    { MILL_RESTART_ALWAYS, MILL_RUN_FINISHED, TRUE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MillRestartState state = { 0 };
    MillRestart with = policy;
    with.policy = cases[i].policy;
    mill_restart_policy_started (&state, SECOND);
    gint delay =
        mill_restart_policy_ended (&state, &with, cases[i].end, 2 * SECOND, 0);
    g_assert_true ((delay != MILL_RESTART_POLICY_NO_RESTART) ==
        cases[i].restarts);
  }
}

/* A description may say 0: that is still no busy loop. */
static void
test_no_backoff (void)
{
  MillRestart with = policy;
  MillRestartState state = { 0 };
  gint64 now = SECOND;
  with.backoff_min_ms = with.backoff_max_ms = 0;
  with.limit = 3;
  g_assert_cmpint (fail_after (&state, &with, &now, 1, 0), >=, 0);
  g_assert_cmpint (fail_after (&state, &with, &now, 1, 0.9), >=, 0);
  g_assert_cmpint (fail_after (&state, &with, &now, 1, 0), ==,
      MILL_RESTART_POLICY_NO_RESTART);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/restart-policy/doubles", test_doubles_to_the_limit);
  g_test_add_func ("/restart-policy/healthy", test_healthy_time_forgets);
  g_test_add_func ("/restart-policy/policies", test_policies);
  g_test_add_func ("/restart-policy/no-backoff", test_no_backoff);
  return g_test_run ();
}
