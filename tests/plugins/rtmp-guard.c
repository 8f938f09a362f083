/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/*
 * Who may come in at a listener, by a clock of the test's. What a user would
 * notice if one of these failed: one stranger's TLS handshakes keep the
 * processor from everybody's frames, or a studio is locked out after a break.
 */
#include "rtmp-guard.h"

#include <gst/check/gstcheck.h>

#define RATE 20
#define BURST (RATE * MILL_RTMP_GUARD_BURST_S)
#define BEGIN_US (G_GINT64_CONSTANT (1000) * G_USEC_PER_SEC)

static const MillRtmpGuardLimits limits = { 100000, 100000, RATE };

/* Comes and goes. */
static gboolean
visit (MillRtmpGuard *guard, guint64 key, gint64 now_us)
{
  gboolean enters = mill_rtmp_guard_enter (guard, key, &limits, now_us);

  if (enters)
    mill_rtmp_guard_leave (guard, key);
  return enters;
}

static guint
visit_often (MillRtmpGuard *guard, guint64 key, guint n, gint64 now_us)
{
  guint n_in = 0;

  for (guint i = 0; i < n; i++)
    n_in += visit (guard, key, now_us) ? 1 : 0;
  return n_in;
}

static guint64
get_count (MillRtmpGuard *guard, const gchar *name)
{
  g_autoptr (GstStructure) stats = mill_rtmp_guard_describe (guard);
  guint64 count = G_MAXUINT64;

  gst_structure_get_uint64 (stats, name, &count);
  return count;
}

/* Ten seconds' worth at once, then what time brings; being refused costs
 * nothing, so that waiting helps. */
GST_START_TEST (handshakes_of_an_address)
{
  g_autoptr (MillRtmpGuard) guard = mill_rtmp_guard_new ();
  gint64 now_us = BEGIN_US;

  fail_unless_equals_int (visit_often (guard, 1, 1000, now_us), BURST);
  fail_unless_equals_uint64 (get_count (guard, "closed-tls-handshakes"),
      1000 - BURST);
  fail_unless_equals_uint64 (get_count (guard, "connections"), 1000);
  fail_unless (visit (guard, 2, now_us));
  for (guint s = 0; s < 5; s++) {
    now_us += G_USEC_PER_SEC;
    fail_unless_equals_int (visit_often (guard, 1, 100, now_us), RATE);
  }
  now_us += 3600 * (gint64) G_USEC_PER_SEC;
  fail_unless_equals_int (visit_often (guard, 1, 1000, now_us), BURST);
}
GST_END_TEST;

/* Plain RTMP has none. */
GST_START_TEST (no_handshakes)
{
  g_autoptr (MillRtmpGuard) guard = mill_rtmp_guard_new ();
  const MillRtmpGuardLimits plain = { 100000, 100000, 0 };

  for (guint i = 0; i < 1000; i++) {
    fail_unless (mill_rtmp_guard_enter (guard, 1, &plain, BEGIN_US));
    mill_rtmp_guard_leave (guard, 1);
  }
  fail_unless_equals_uint64 (get_count (guard, "closed-tls-handshakes"), 0);
}
GST_END_TEST;

/* A flood of addresses makes nobody forgotten who has used up what he had, and
 * shuts nobody out. */
GST_START_TEST (many_addresses)
{
  g_autoptr (MillRtmpGuard) guard = mill_rtmp_guard_new ();
  gint64 now_us = BEGIN_US;

  visit_often (guard, 1, BURST, now_us);
  for (guint64 key = 2; key < 20000; key++)
    fail_unless (visit (guard, key, now_us));
  fail_if (visit (guard, 1, now_us));
  /* later they are forgotten, and there is room for another */
  now_us += 60 * (gint64) G_USEC_PER_SEC;
  fail_unless_equals_int (visit_often (guard, 30000, 1000, now_us), BURST);
}
GST_END_TEST;

static Suite *
rtmp_guard_suite (void)
{
  Suite *suite = suite_create ("rtmp-guard");
  TCase *handshakes = tcase_create ("handshakes");

  tcase_add_test (handshakes, handshakes_of_an_address);
  tcase_add_test (handshakes, no_handshakes);
  tcase_add_test (handshakes, many_addresses);
  suite_add_tcase (suite, handshakes);
  return suite;
}

GST_CHECK_MAIN (rtmp_guard);
