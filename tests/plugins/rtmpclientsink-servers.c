/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* rtmpclientsink against servers that do what they like. A user would notice:
 * a stream that stands still because a target does, a sibling that loses
 * pictures, a target that is never tried again or never given up. */
#include "rtmpclientsink-test.h"

/* ---- bad servers, between good ones ---- */

typedef struct
{
  const gchar *name;
  TargetMode mode;
  const gchar *text; /* nullable */
  const gchar *state; /* what the relay says */
  const gchar *reason; /* a part of it */
} Fault;

static const Fault faults[] = {
  { "bad name", TARGET_REFUSE, "NetStream.Publish.BadName", "refused",
      "NetStream.Publish.BadName" },
  { "unauthorized", TARGET_REFUSE, "NetStream.Publish.Unauthorized", "refused",
      "NetStream.Publish.Unauthorized" },
  { "silent", TARGET_SILENT, NULL, "waiting", "no answer" },
  { "deaf", TARGET_DEAF, NULL, "waiting", "no byte was taken" },
  { "closes", TARGET_CLOSE, NULL, "waiting", "" },
  { "no RTMP", TARGET_GARBAGE, NULL, "waiting", "makes no sense" },
};

/* Sends in groups of pictures, and waits for both good servers after each: what
 * they lose is lost for good. */
static void
feed_siblings (Relay **relays, Target *former, Target *last, guint *n_sent)
{
  for (guint i = 0; i < GOP; i++, (*n_sent)++)
    for (guint k = 0; k < 3; k++)
      relay_push (relays[k], *n_sent, 8000);
  target_wait_frames (former, *n_sent, *n_sent);
  target_wait_frames (last, *n_sent, *n_sent);
}

/* A server that misbehaves is found and tried again; who sends, and who is
 * beside it, does not notice. */
GST_START_TEST (faults_and_siblings)
{
  const Fault *fault = &faults[__i__];
  g_autoptr (Target) former = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Target) bad = target_new (fault->mode, NULL, NULL);
  g_autoptr (Target) last = target_new (TARGET_GOOD, NULL, NULL);
  target_set_text (bad, fault->text);
  g_autoptr (Relay) relay_first = relay_to (former, "");
  g_autoptr (Relay) relay_bad =
      relay_to (bad, "connect-timeout-ms=400 stall-timeout-ms=400");
  g_autoptr (Relay) relay_last = relay_to (last, "");
  Relay *relays[] = { relay_first, relay_bad, relay_last };
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  guint n_sent = 0;

  /* Three times over, so that it is seen to be tried again and again. */
  while (target_count_connections (bad) < 3) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    feed_siblings (relays, former, last, &n_sent);
  }
  g_autofree gchar *reason = relay_wait_state (relay_bad, fault->state);
  g_assert_nonnull (strstr (reason, fault->reason));
  assert_whole (former, n_sent);
  assert_whole (last, n_sent);
  g_assert_cmpuint (get_stat (relay_first, "dropped-frames"), ==, 0);
  g_assert_cmpuint (get_stat (relay_last, "dropped-frames"), ==, 0);
  g_assert_cmpuint (get_stat (relay_first, "connections"), ==, 1);
  g_assert_cmpuint (get_stat (relay_last, "connections"), ==, 1);
  /* It comes to its senses: the relay finds it. */
  target_set_mode (bad, TARGET_GOOD);
  guint before = target_count_frames (bad, TRUE);
  while (target_count_frames (bad, TRUE) < before + 3 * GOP) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    feed_siblings (relays, former, last, &n_sent);
  }
  assert_clean_starts (bad);
  for (guint i = 0; i < 3; i++)
    assert_no_error (relays[i]);
}
GST_END_TEST;

/* A stream of which the next frame is there as soon as its server has the one
 * before: the relay's queue is never empty, nor is its connection ever full. */
typedef struct
{
  Relay *relay;
  Target *target;
  guint n;
  gint goes; /* atomic */
  gint stands; /* atomic: no more comes */
} Endless;

static void
push_endless (gpointer data)
{
  static guint8 bytes[100];
  Endless *self = data;
  guint n = self->n++;

  if (!g_atomic_int_get (&self->goes)) {
    g_atomic_int_set (&self->stands, TRUE);
    return;
  }
  target_wait_frames (self->target, n, 0);
  GstBuffer *buffer = gst_buffer_new_wrapped_full (GST_MEMORY_FLAG_READONLY,
      bytes, sizeof bytes, 0, sizeof bytes, self, push_endless);
  GST_BUFFER_DTS (buffer) = (5000 + n) * GST_MSECOND;
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer);
  if (n % GOP != 0)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  gst_pad_push (self->relay->sources[0], buffer);
}

/* One that sends as fast as its server takes it: others have their turn. */
GST_START_TEST (endless_sibling)
{
  g_autoptr (Target) fast = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Target) other = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Relay) relay_fast = relay_to (fast, "");
  Endless endless = { relay_fast, fast, .goes = TRUE };
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  gst_pad_push_event (relay_fast->sources[1], gst_event_new_eos ());
  push_endless (&endless);
  target_wait_frames (fast, 100, 0);
  {
    g_autoptr (Relay) relay_other = relay_to (other, "");
    for (guint i = 0; i < GOP; i++)
      relay_push (relay_other, i, 1000);
    target_wait_frames (other, GOP, GOP);
  }
  g_atomic_int_set (&endless.goes, FALSE);
  while (!g_atomic_int_get (&endless.stands)) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_thread_yield ();
  }
  g_assert_cmpuint (get_stat (relay_fast, "dropped-frames"), ==, 0);
  g_assert_cmpuint (get_stat (relay_fast, "connections"), ==, 1);
}
GST_END_TEST;

/* A server that says nothing after it accepted, no acknowledgement either, is a
 * good one: only bytes count. */
GST_START_TEST (unacknowledging)
{
  g_autoptr (Target) target = target_new (TARGET_UNACKNOWLEDGING, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "stall-timeout-ms=300");
  guint n = 0;

  /* more than a window of 2.5 MB */
  for (guint group = 0; group < 12; group++) {
    for (guint i = 0; i < GOP; i++, n++)
      relay_push (relay, n, 30000);
    target_wait_frames (target, n, n);
  }
  assert_whole (target, n);
  g_assert_cmpuint (get_stat (relay, "connections"), ==, 1);
}
GST_END_TEST;

/* A stall in the middle is found by bytes, and the stream goes on. */
GST_START_TEST (stall_and_recovery)
{
  g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "stall-timeout-ms=300");
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  guint n = 0;

  for (; n < 2 * GOP; n++)
    relay_push (relay, n, 8000);
  target_wait_frames (target, n, n);
  target_set_deaf (target, TRUE);
  for (; n < 20 * GOP; n++)
    relay_push (relay, n, 8000);
  g_autofree gchar *reason = relay_wait_state (relay, "waiting");
  g_assert_cmpstr (reason, ==, "no byte was taken for 300 ms");
  target_set_deaf (target, FALSE);
  while (get_stat (relay, "connections") < 2) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    for (guint i = 0; i < GOP; i++, n++)
      relay_push (relay, n, 8000);
    g_autofree gchar *live = relay_wait_state (relay, "live");
  }
  guint seen = target_count_frames (target, TRUE);
  for (guint i = 0; i < GOP; i++, n++)
    relay_push (relay, n, 8000);
  target_wait_frames (target, seen + 1, 0);
  assert_clean_starts (target);
  g_assert_cmpuint (get_stat (relay, "dropped-frames"), >, 0);
}
GST_END_TEST;

/* A server that is merely too slow gets whole groups of pictures, as many as it
 * has time for, on one connection. */
GST_START_TEST (slow)
{
  g_autoptr (Target) target = target_new (TARGET_SLOW, NULL, NULL);
  g_autoptr (Relay) relay =
      relay_to (target, "max-queue-ms=1000 stall-timeout-ms=2000");
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  guint n = 0;

  while (target_count_frames (target, TRUE) < 6 * GOP) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    for (guint i = 0; i < GOP; i++, n++)
      relay_push (relay, n, 8000);
    target_wait_frames (target, target_count_frames (target, TRUE) + 1, 0);
  }
  g_assert_cmpuint (target_count_connections (target), ==, 1);
  g_assert_cmpuint (get_stat (relay, "dropped-frames"), >, 0);
  g_autoptr (GArray) messages = target_copy_messages (target);
  gint last = -1;
  for (guint i = 0; i < messages->len; i++) {
    const TargetMessage *message = &g_array_index (messages, TargetMessage, i);
    if (!message->is_video || message->is_config)
      continue;
    gint number = message->timestamp_ms / FRAME_MS;
    g_assert_true (message->is_keyframe || number == last + 1);
    last = number;
  }
}
GST_END_TEST;

/* Nobody is there: the pauses grow, and nothing is kept but the last seconds. */
GST_START_TEST (nobody_there)
{
  g_autofree gchar *location = NULL;
  {
    g_autoptr (Target) gone = target_new (TARGET_GOOD, NULL, NULL);
    location =
        g_strdup_printf ("rtmp://%s/live/demo", target_get_address (gone));
  }
  g_autoptr (Relay) relay = relay_new (location, "max-attempts=4");

  for (guint i = 0; i < 500; i++)
    relay_push (relay, i, 8000);
  g_assert_cmpuint (get_stat (relay, "queue-ms"), <=, 5000);
  g_autofree gchar *state = NULL;
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  for (guint i = 500; g_strcmp0 (state, "failed") != 0; i++) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    relay_push (relay, i, 100);
    g_free (state);
    state = dup_stat (relay, "state");
    g_thread_yield ();
  }
  g_assert_cmpuint (get_stat (relay, "attempts"), ==, 4);
  relay_push (relay, 0, 100);
  g_assert_cmpuint (get_stat (relay, "queue-bytes"), ==, 0);
  assert_no_error (relay);
}
GST_END_TEST;

/* A name that does not exist is looked up aside. */
GST_START_TEST (no_such_host)
{
  g_autoptr (Relay) relay = relay_new ("rtmp://nowhere.invalid/live/demo", "");

  relay_push (relay, 0, 100);
  g_autofree gchar *reason = relay_wait_state (relay, "waiting");
  g_assert_true (g_str_has_prefix (reason, "cannot connect: "));
}
GST_END_TEST;

/* ---- redirects ---- */

GST_START_TEST (redirected)
{
  g_autoptr (Target) place = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Target) door = target_new (TARGET_REDIRECT, NULL, NULL);
  g_autofree gchar *url =
      g_strdup_printf ("rtmp://%s/other/demo", target_get_address (place));
  target_set_text (door, url);
  g_autoptr (Relay) relay = relay_to (door, "");

  for (guint i = 0; i < GOP; i++)
    relay_push (relay, i, 1000);
  target_wait_frames (place, GOP, GOP);
  g_autofree gchar *asked = target_dup_publish (place);
  g_assert_cmpstr (asked, ==, "other/demo");
  g_assert_cmpuint (get_stat (relay, "attempts"), ==, 1);
}
GST_END_TEST;

GST_START_TEST (redirected_without_end)
{
  g_autoptr (Target) door = target_new (TARGET_REDIRECT, NULL, NULL);
  g_autofree gchar *url =
      g_strdup_printf ("rtmp://%s/live/demo", target_get_address (door));
  target_set_text (door, url);
  g_autoptr (Relay) relay = relay_to (door, "");

  relay_push (relay, 0, 100);
  g_autofree gchar *reason = relay_wait_state (relay, "refused");
  g_assert_nonnull (strstr (reason, "redirects without end"));
  g_assert_cmpuint (target_count_connections (door), >=, 6);
}
GST_END_TEST;

/* A server that goes down for a while says so: the stream is there again. */
GST_START_TEST (reconnect_request)
{
  g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "");
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  guint n = 0;

  for (; n < GOP; n++)
    relay_push (relay, n, 1000);
  target_wait_frames (target, GOP, GOP);
  target_request_reconnect (target);
  while (target_count_connections (target) < 2) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    relay_push (relay, n++, 1000);
    g_thread_yield ();
  }
  guint seen = target_count_frames (target, TRUE);
  for (guint i = 0; i < 2 * GOP; i++)
    relay_push (relay, n++, 1000);
  target_wait_frames (target, seen + GOP, 0);
  assert_clean_starts (target);
}
GST_END_TEST;

static Suite *
rtmpclientsink_servers_suite (void)
{
  Suite *suite = suite_create ("rtmpclientsink-servers");
  TCase *servers = tcase_create ("servers");

  suite_add_tcase (suite, servers);
  tcase_add_loop_test (servers, faults_and_siblings, 0, G_N_ELEMENTS (faults));
  tcase_add_test (servers, endless_sibling);
  tcase_add_test (servers, unacknowledging);
  tcase_add_test (servers, stall_and_recovery);
  tcase_add_test (servers, slow);
  tcase_add_test (servers, nobody_there);
  tcase_add_test (servers, no_such_host);
  tcase_add_test (servers, redirected);
  tcase_add_test (servers, redirected_without_end);
  tcase_add_test (servers, reconnect_request);
  return suite;
}

GST_CHECK_MAIN (rtmpclientsink_servers)
