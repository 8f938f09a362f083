/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/*
 * Sessions taken by another element, publishers that come back or fall silent,
 * and what is said of them.
 */
#include "rtmpserversrc-door.h"

/* ---- sessions: how the worker uses it ---- */

/* A door in READY, outside of any pipeline, and the element of a graph. */
static Receiver *
adopt (Door *door, GstClockTime now)
{
  g_autoptr (GObject) session = NULL;
  GstPromise *promise = door_take (door, &session);
  Receiver *graph = receiver_new (NULL);

  g_object_set (graph->element, "session", session, NULL);
  receiver_start (graph, now);
  fail_unless (graph->address == NULL);
  answer (promise, TRUE, "stream", "demo");
  return graph;
}

static Door *
open_door (void)
{
  Door *door = door_new ("rtmp://127.0.0.1:0/*/*");

  gst_element_set_state (door->receiver->element, GST_STATE_READY);
  g_object_get (door->receiver->element, "listening", &door->receiver->address,
      NULL);
  return door;
}

GST_START_TEST (session_is_adopted)
{
  g_autoptr (Door) door = open_door ();

  for (guint i = 0; i < 3; i++) {
    g_autoptr (Publisher) publisher =
        publisher_new (door->receiver->address, "live", "cam");
    g_autoptr (Receiver) graph = adopt (door, 7 * GST_SECOND);
    fail_unless (publisher_wait (publisher));
    receiver_expect_signal (graph, "start demo");
    send_first_frame (publisher, 500);
    fail_unless_equals_int64 (receiver_take_dts (graph, RECEIVER_VIDEO), 7000);
    g_autofree gchar *state = receiver_get_state (door->receiver);
    fail_unless_equals_string (state, "stopped");
  }
}
GST_END_TEST;

/* Many graphs of one door, at the same time. */
GST_START_TEST (sessions_side_by_side)
{
  g_autoptr (Door) door = open_door ();
  Publisher *publishers[8];
  Receiver *graphs[8];

  for (guint i = 0; i < G_N_ELEMENTS (graphs); i++) {
    g_autofree gchar *name = g_strdup_printf ("cam%u", i);
    publishers[i] = publisher_new (door->receiver->address, "live", name);
    graphs[i] = adopt (door, 0);
    fail_unless (publisher_wait (publishers[i]));
    send_first_frame (publishers[i], 0);
  }
  for (guint32 ts = 33; ts < 330; ts += 33)
    for (guint i = 0; i < G_N_ELEMENTS (graphs); i++)
      publisher_send_video (publishers[i], ts, FALSE, 0);
  for (guint i = 0; i < G_N_ELEMENTS (graphs); i++) {
    for (guint32 ts = 0; ts < 330; ts += 33)
      fail_unless_equals_int64 (receiver_take_dts (graphs[i], RECEIVER_VIDEO),
          ts);
    publisher_free (publishers[i]);
    receiver_free (graphs[i]);
  }
}
GST_END_TEST;

/* The accept comes before the graph is PLAYING: no media is lost, none is read
 * before. */
GST_START_TEST (accepted_before_playing)
{
  g_autoptr (Door) door = open_door ();
  g_autoptr (GObject) session = NULL;
  g_autoptr (Publisher) publisher =
      publisher_new (door->receiver->address, "live", "cam");
  GstPromise *promise = door_take (door, &session);
  g_autoptr (Receiver) graph = receiver_new (NULL);
  g_object_set (graph->element, "session", session, NULL);
  /* setting it again is no second publisher */
  g_object_set (graph->element, "session", session, NULL);
  answer (promise, TRUE, "stream", "demo");
  gst_element_set_state (graph->element, GST_STATE_PAUSED);
  receiver_wait_state (graph, "waiting");
  fail_if (publisher->ready);

  receiver_start (graph, 0);
  fail_unless (publisher_wait (publisher));
  send_first_frame (publisher, 0);
  fail_unless_equals_int64 (receiver_take_dts (graph, RECEIVER_VIDEO), 0);
}
GST_END_TEST;

/* A graph that was made for nothing: nobody may hang on it. */
GST_START_TEST (adopted_and_refused)
{
  g_autoptr (Door) door = open_door ();
  g_autoptr (GObject) session = NULL;
  g_autoptr (Publisher) publisher =
      publisher_new (door->receiver->address, "live", "cam");
  GstPromise *promise = door_take (door, &session);
  g_autoptr (Receiver) graph = receiver_new (NULL);
  g_object_set (graph->element, "session", session, "reconnect-timeout-ms", 0,
      NULL);
  receiver_start (graph, 0);
  answer (promise, FALSE, "reason", "no");
  expect_refusal (publisher, "NetStream.Publish.Denied", "no");
  gst_message_unref (receiver_take_message (graph, GST_MESSAGE_ERROR));
}
GST_END_TEST;

/* Accepted, but by a door that has no place and nobody else took it. */
GST_START_TEST (accepted_and_not_adopted)
{
  g_autoptr (Door) door = open_door ();
  g_autoptr (Publisher) publisher =
      publisher_new (door->receiver->address, "live", "cam");

  answer (door_take (door, NULL), TRUE, "stream", "demo");
  expect_refusal (publisher, "NetStream.Publish.BadName", "nobody");
}
GST_END_TEST;

/* An element that is thrown away with a session it never started. */
GST_START_TEST (adopted_and_thrown_away)
{
  g_autoptr (Door) door = open_door ();
  g_autoptr (GObject) session = NULL;
  g_autoptr (Publisher) publisher =
      publisher_new (door->receiver->address, "live", "cam");
  GstPromise *promise = door_take (door, &session);
  Receiver *graph = receiver_new (NULL);
  g_object_set (graph->element, "session", session, NULL);
  receiver_free (graph);
  expect_refusal (publisher, "NetStream.Publish.Denied", "stopped");
  answer (promise, TRUE, "stream", "demo");
}
GST_END_TEST;

/* ---- coming back ---- */

/* The encoder's network blinks: the same stream goes on, in order, with the
 * break marked and no caps repeated. */
GST_START_TEST (reconnect_continues)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  Publisher *publisher = publisher_open (receiver->address, "live", "cam");
  send_first_frame (publisher, 0);
  publisher_send_video (publisher, 400, FALSE, 0);
  receiver_take_dts (receiver, RECEIVER_VIDEO);
  receiver_take_dts (receiver, RECEIVER_VIDEO);
  publisher_free (publisher);
  receiver_wait_signal (receiver, "end ");
  receiver_wait_state (receiver, "reconnecting");

  gst_test_clock_set_time (receiver->clock, 2 * GST_SECOND);
  g_autoptr (Publisher) back =
      publisher_open (receiver->address, "live", "cam");
  send_first_frame (back, 90000);
  g_autoptr (GstBuffer) frame = receiver_take_buffer (receiver, RECEIVER_VIDEO);
  fail_unless_equals_int64 (GST_BUFFER_DTS (frame) / GST_MSECOND, 2000);
  fail_unless (GST_BUFFER_FLAG_IS_SET (frame, GST_BUFFER_FLAG_DISCONT));
  fail_unless_equals_uint64 (receiver_get_stat (receiver, "reconnects"), 1);
  /* Whoever has another publisher to show was told, before. */
  fail_unless (g_atomic_int_get (&receiver->losses) > 0);
  fail_unless_equals_uint64 (receiver_get_stat (receiver, "jumps"), 0);
}
GST_END_TEST;

/* The same, as the worker does it. */
GST_START_TEST (reconnect_by_session)
{
  g_autoptr (Door) door = open_door ();
  Publisher *publisher = publisher_new (door->receiver->address, "live", "cam");
  g_autoptr (Receiver) graph = adopt (door, GST_SECOND);
  fail_unless (publisher_wait (publisher));
  send_first_frame (publisher, 0);
  /* ahead of the clock, as ffmpeg 6.1 sends its first half second: what comes
   * back is another take, after a hole that a packager can see */
  publisher_send_video (publisher, 2500, FALSE, 0);
  receiver_take_dts (graph, RECEIVER_VIDEO);
  fail_unless_equals_int64 (receiver_take_dts (graph, RECEIVER_VIDEO), 3500);
  publisher_unpublish (publisher);
  publisher_free (publisher);
  receiver_wait_state (graph, "reconnecting");

  g_autoptr (GObject) session = NULL;
  g_autoptr (Publisher) back =
      publisher_new (door->receiver->address, "live", "cam");
  GstPromise *promise = door_take (door, &session);
  g_object_set (graph->element, "session", session, NULL);
  answer (promise, TRUE, "stream", "demo");
  fail_unless (publisher_wait (back));
  publisher_send_video_config (back, 0, AVCC_320x180);
  publisher_send_video (back, 5, TRUE, 0);
  g_autoptr (GstEvent) caps =
      receiver_take_event (graph, RECEIVER_VIDEO, GST_EVENT_CAPS);
  fail_unless_equals_int64 (receiver_take_dts (graph, RECEIVER_VIDEO), 4000);
  receiver_wait_state (graph, "live");

  /* a third one, while the second is there */
  g_autoptr (GObject) third_session = NULL;
  g_autoptr (Publisher) third =
      publisher_new (door->receiver->address, "live", "cam");
  promise = door_take (door, &third_session);
  g_object_set (graph->element, "session", third_session, NULL);
  expect_refusal (third, "NetStream.Publish.BadName", "publisher already");
  gst_promise_unref (promise);
}
GST_END_TEST;

/* The publisher stays away: the recording must end. */
GST_START_TEST (hold_ends)
{
  const guint holds_ms[] = { 50, 0 };

  for (guint i = 0; i < G_N_ELEMENTS (holds_ms); i++) {
    g_autoptr (Receiver) receiver = receiver_new (LOCATION);
    g_object_set (receiver->element, "reconnect-timeout-ms", holds_ms[i], NULL);
    receiver_start (receiver, 0);
    Publisher *publisher = publisher_open (receiver->address, "live", "cam");
    send_first_frame (publisher, 0);
    receiver_take_dts (receiver, RECEIVER_VIDEO);
    publisher_free (publisher);
    gst_event_unref (receiver_take_event (receiver, RECEIVER_VIDEO,
        GST_EVENT_EOS));
    receiver_wait_state (receiver, "ended");
    fail_if (receiver_has_message (receiver, GST_MESSAGE_ERROR));
  }
}
GST_END_TEST;

/* Pipelines wait for the sound of a stream until they hear that none comes: one
 * that was over before would stay for ever. */
GST_START_TEST (end_before_the_second_track)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  g_object_set (receiver->element, "reconnect-timeout-ms", 0, NULL);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  send_first_frame (publisher, 0);
  publisher_unpublish (publisher);

  receiver_expect_signal (receiver, "start cam");
  receiver_expect_signal (receiver, "pad video_0");
  receiver_expect_signal (receiver, "end the publisher ended its stream");
  receiver_expect_signal (receiver, "no-more-pads");
}
GST_END_TEST;

/* A cable that is pulled sends no FIN. */
GST_START_TEST (idle_publisher)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  g_object_set (receiver->element, "idle-timeout-ms", 100, NULL);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  send_first_frame (publisher, 0);

  receiver_wait_signal (receiver, "end the publisher sent no media");
  receiver_wait_state (receiver, "reconnecting");
}
GST_END_TEST;

/* What the daemon's watchdog looks at. */
GST_START_TEST (threads_are_described)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  receiver_block (receiver);
  send_first_frame (publisher, 0);
  receiver_wait_blocked (receiver);
  g_autoptr (GstStructure) description = NULL;
  g_object_get (receiver->element, "threads", &description, NULL);
  const GValue *array = gst_structure_get_value (description, "threads");
  fail_unless (gst_value_array_get_size (array) >= 1);
  const GstStructure *thread =
      gst_value_get_structure (gst_value_array_get_value (array, 0));
  guint64 turn_usec = 0;
  guint n_connections = 0;
  gst_structure_get_uint64 (thread, "turn-usec", &turn_usec);
  gst_structure_get_uint (thread, "connections", &n_connections);
  fail_unless (turn_usec > 0);
  fail_unless_equals_int (n_connections, 1);
}
GST_END_TEST;

/* ---- health ---- */

static void
expect_health (Receiver *receiver, const gchar *id, gboolean raised)
{
  g_autoptr (GstMessage) message =
      receiver_take_message (receiver, GST_MESSAGE_ELEMENT);
  const GstStructure *structure = gst_message_get_structure (message);
  gboolean is_raised = FALSE;

  fail_unless (gst_structure_has_name (structure, "rtmp-health"));
  fail_unless_equals_string (gst_structure_get_string (structure, "id"), id);
  fail_unless (gst_structure_get_boolean (structure, "raised", &is_raised));
  fail_unless_equals_int (is_raised, raised);
  const gchar *text = gst_structure_get_string (structure, "message");
  fail_unless_equals_int (*text != '\0', raised);
}

/* An encoder that hangs is told of while it is connected, and no longer. */
GST_START_TEST (health_is_posted)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  Publisher *publisher = publisher_open (receiver->address, "live", "cam");
  send_first_frame (publisher, 0);

  expect_health (receiver, "stalled", TRUE);
  g_autoptr (GstStructure) stats = NULL;
  gint64 rtt = -1;
  g_object_get (receiver->element, "stats", &stats, NULL);
  fail_unless (gst_structure_get_int64 (stats, "rtt", &rtt) && rtt >= 0);
  const GValue *warnings = gst_structure_get_value (stats, "warnings");
  fail_unless_equals_int (gst_value_array_get_size (warnings), 1);
  publisher_free (publisher);
  expect_health (receiver, "stalled", FALSE);
}
GST_END_TEST;

static Suite *
rtmpserversrc_sessions_suite (void)
{
  Suite *suite = suite_create ("rtmpserversrc-sessions");
  TCase *session_case = tcase_create ("session");
  TCase *return_case = tcase_create ("return");
  TCase *health = tcase_create ("health");

  suite_add_tcase (suite, session_case);
  tcase_add_test (session_case, session_is_adopted);
  tcase_add_test (session_case, sessions_side_by_side);
  tcase_add_test (session_case, accepted_before_playing);
  tcase_add_test (session_case, adopted_and_refused);
  tcase_add_test (session_case, accepted_and_not_adopted);
  tcase_add_test (session_case, adopted_and_thrown_away);
  suite_add_tcase (suite, return_case);
  tcase_add_test (return_case, reconnect_continues);
  tcase_add_test (return_case, reconnect_by_session);
  tcase_add_test (return_case, hold_ends);
  tcase_add_test (return_case, end_before_the_second_track);
  tcase_add_test (return_case, idle_publisher);
  tcase_add_test (return_case, threads_are_described);
  suite_add_tcase (suite, health);
  tcase_add_test (health, health_is_posted);
  return suite;
}

GST_CHECK_MAIN (rtmpserversrc_sessions);
