/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/*
 * Who may publish, and who gets the publisher: shared listeners, authorize.
 */
#include "rtmpserversrc-door.h"

/* A second source on the port that the first one got. */
static Receiver *
receiver_beside (Receiver *first, const gchar *place)
{
  g_autofree gchar *location =
      g_strdup_printf ("rtmp://%s/%s", first->address, place);

  return receiver_new (location);
}

/* ---- shared listeners ---- */

/* Two pipelines on one port: each publisher ends up where it belongs. */
GST_START_TEST (most_specific_source_wins)
{
  g_autoptr (Receiver) any = receiver_new ("rtmp://127.0.0.1:0/*/*");
  receiver_start (any, 0);
  g_autoptr (Receiver) live = receiver_beside (any, "live/*");
  receiver_start (live, 0);
  g_autoptr (Receiver) cam = receiver_beside (any, "live/cam");
  receiver_start (cam, 0);
  fail_unless_equals_string (any->address, cam->address);

  g_autoptr (Publisher) to_cam = publisher_open (any->address, "live", "cam");
  receiver_expect_signal (cam, "start cam");
  g_autoptr (Publisher) to_live = publisher_open (any->address, "live", "dog");
  receiver_expect_signal (live, "start dog");
  g_autoptr (Publisher) to_any = publisher_open (any->address, "vod", "cam");
  receiver_expect_signal (any, "start cam");

  /* the port stays open for the others when one goes */
  gst_element_set_state (any->element, GST_STATE_NULL);
  send_first_frame (to_cam, 0);
  fail_unless_equals_int64 (receiver_take_dts (cam, RECEIVER_VIDEO), 0);
}
GST_END_TEST;

GST_START_TEST (equal_sources_share_publishers)
{
  g_autoptr (Receiver) one = receiver_new ("rtmp://127.0.0.1:0/live/*");
  receiver_start (one, 0);
  g_autoptr (Receiver) other = receiver_beside (one, "live/*");
  receiver_start (other, 0);
  g_autoptr (Publisher) a = publisher_open (one->address, "live", "a");
  g_autoptr (Publisher) b = publisher_open (one->address, "live", "b");
  g_autoptr (Publisher) c = publisher_new (one->address, "live", "c");

  expect_refusal (c, "NetStream.Publish.BadName", "publisher already");
}
GST_END_TEST;

GST_START_TEST (nobody_for_that_name)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_new (receiver->address, "live", "dog");

  expect_refusal (publisher, "NetStream.Publish.Denied", "no such");
}
GST_END_TEST;

/* Two encoders with one key: the second is told, the first goes on. */
GST_START_TEST (second_publisher_is_refused)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) holder =
      publisher_open (receiver->address, "live", "cam");
  g_autoptr (Publisher) late = publisher_new (receiver->address, "live", "cam");

  expect_refusal (late, "NetStream.Publish.BadName", "publisher already");
  send_first_frame (holder, 0);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 0);
}
GST_END_TEST;

/* A source on the pool must not be kept from its media by a neighbour that
 * stands in its sink, as long as they are on different threads; the engine
 * sees to a leaky queue otherwise. */
GST_START_TEST (stream_beside_a_leaky_queue_that_is_full)
{
  g_autoptr (Receiver) slow = receiver_new (LOCATION);
  g_autoptr (Receiver) fast = receiver_new (LOCATION);
  receiver_start (slow, 0);
  receiver_start (fast, 0);
  g_autoptr (Publisher) to_slow = publisher_open (slow->address, "live", "cam");
  g_autoptr (Publisher) to_fast = publisher_open (fast->address, "live", "cam");
  send_first_frame (to_slow, 0);
  receiver_take_dts (slow, RECEIVER_VIDEO);

  /* between the source and what blocks: what the engine puts there */
  GstElement *queue = gst_element_factory_make ("queue", NULL);
  fail_unless (queue != NULL);
  gst_object_ref_sink (queue);
  g_object_set (queue, "leaky", 2, "max-size-buffers", 3, NULL);
  g_autoptr (GstPad) source =
      gst_element_get_static_pad (slow->element, "video_0");
  g_autoptr (GstPad) queue_sink = gst_element_get_static_pad (queue, "sink");
  g_autoptr (GstPad) queue_src = gst_element_get_static_pad (queue, "src");
  gst_pad_unlink (source, slow->sinks[RECEIVER_VIDEO]);
  gst_pad_link (queue_src, slow->sinks[RECEIVER_VIDEO]);
  gst_pad_link (source, queue_sink);
  gst_element_set_state (queue, GST_STATE_PLAYING);
  receiver_block (slow);
  publisher_send_video (to_slow, 33, FALSE, 0);
  receiver_wait_blocked (slow);

  for (guint32 i = 2; i < 20; i++)
    publisher_send_video (to_slow, 33 * i, FALSE, 0);
  send_first_frame (to_fast, 0);
  for (guint32 i = 1; i < 20; i++)
    publisher_send_video (to_fast, 33 * i, FALSE, 0);
  for (guint32 i = 0; i < 20; i++)
    fail_unless_equals_int64 (receiver_take_dts (fast, RECEIVER_VIDEO), 33 * i);

  receiver_unblock (slow);
  gst_element_set_state (queue, GST_STATE_NULL);
  gst_element_set_state (slow->element, GST_STATE_NULL);
  gst_object_unref (queue);
}
GST_END_TEST;

/* ---- authorize ---- */

/* What a key check needs, and the name that it gives to a stream. */
GST_START_TEST (authorize_accepts_later)
{
  g_autoptr (Door) door = door_new ("rtmp://127.0.0.1:0/live/*");
  receiver_start (door->receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_new (door->receiver->address, "live", "secret?key=abc&x=1");
  GstStructure *request =
      g_async_queue_timeout_pop (door->requests, 20 * G_USEC_PER_SEC);

  fail_unless (request != NULL);
  fail_unless_equals_string (gst_structure_get_string (request, "app"), "live");
  fail_unless_equals_string (gst_structure_get_string (request, "name"),
      "secret");
  fail_unless_equals_string (gst_structure_get_string (request, "query"),
      "key=abc&x=1");
  fail_unless (g_str_has_prefix (gst_structure_get_string (request, "address"),
      "127.0.0.1:"));
  fail_unless (gst_structure_has_field_typed (request, "tls", G_TYPE_BOOLEAN));
  fail_unless (gst_structure_has_field_typed (request, "session",
      G_TYPE_OBJECT));
  gst_structure_free (request);
  fail_if (publisher->ready);

  answer (g_async_queue_pop (door->promises), TRUE, "stream", "demo");
  fail_unless (publisher_wait (publisher));
  receiver_expect_signal (door->receiver, "start demo");
}
GST_END_TEST;

GST_START_TEST (authorize_refuses)
{
  g_autoptr (Door) door = door_new (LOCATION);
  receiver_start (door->receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_new (door->receiver->address, "live", "cam");

  answer (door_take (door, NULL), FALSE, "reason", "unknown stream key");
  expect_refusal (publisher, "NetStream.Publish.Denied", "unknown stream key");

  /* and the place is still free */
  g_autoptr (Publisher) next =
      publisher_new (door->receiver->address, "live", "cam");
  answer (door_take (door, NULL), TRUE, "stream", "");
  fail_unless (publisher_wait (next));
  receiver_expect_signal (door->receiver, "start cam");
}
GST_END_TEST;

/* Who asked somebody else, and has to give up, need not make one up. */
GST_START_TEST (authorize_expires)
{
  g_autoptr (Door) door = door_new (LOCATION);
  receiver_start (door->receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_new (door->receiver->address, "live", "cam");
  g_autoptr (GstPromise) promise = door_take (door, NULL);

  gst_promise_expire (promise);
  /* Where the question were left open, it would be that of the time-out. */
  expect_refusal (publisher, "NetStream.Publish.Denied",
      "nobody could answer the request");
}
GST_END_TEST;

/* A supervisor that hangs does not keep publishers hanging. */
GST_START_TEST (authorize_times_out)
{
  g_autoptr (Door) door = door_new (LOCATION);
  receiver_start (door->receiver, 0);
  gint64 start = g_get_monotonic_time ();
  g_autoptr (Publisher) publisher =
      publisher_new (door->receiver->address, "live", "cam");
  GstPromise *promise = door_take (door, NULL);

  expect_refusal (publisher, "NetStream.Publish.Denied", "in time");
  gint64 took_us = g_get_monotonic_time () - start;
  fail_unless (took_us >= 5 * G_USEC_PER_SEC, "refused after %" G_GINT64_FORMAT,
      took_us);
  /* too late is no crash */
  answer (promise, TRUE, "stream", "cam");
}
GST_END_TEST;

/* The publisher leaves before it is answered. */
GST_START_TEST (publisher_leaves_while_asking)
{
  g_autoptr (Door) door = door_new (LOCATION);
  receiver_start (door->receiver, 0);
  Publisher *publisher = publisher_new (door->receiver->address, "live", "cam");
  GstPromise *promise = door_take (door, NULL);
  publisher_free (publisher);
  fail_unless_equals_int (gst_promise_wait (promise),
      GST_PROMISE_RESULT_INTERRUPTED);
  answer (promise, TRUE, "stream", "cam");

  g_autoptr (Publisher) next =
      publisher_new (door->receiver->address, "live", "cam");
  answer (door_take (door, NULL), TRUE, "stream", "cam");
  fail_unless (publisher_wait (next));
}
GST_END_TEST;

/* The listener goes while a question is open. */
GST_START_TEST (door_closes_while_asking)
{
  g_autoptr (Door) door = door_new (LOCATION);
  receiver_start (door->receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_new (door->receiver->address, "live", "cam");
  GstPromise *promise = door_take (door, NULL);

  gst_element_set_state (door->receiver->element, GST_STATE_NULL);
  publisher_wait_end (publisher);
  answer (promise, TRUE, "stream", "cam");
}
GST_END_TEST;

static Suite *
rtmpserversrc_publish_suite (void)
{
  Suite *suite = suite_create ("rtmpserversrc-publish");
  TCase *listener_case = tcase_create ("listener");
  TCase *authorize_case = tcase_create ("authorize");

  suite_add_tcase (suite, listener_case);
  tcase_add_test (listener_case, most_specific_source_wins);
  tcase_add_test (listener_case, equal_sources_share_publishers);
  tcase_add_test (listener_case, nobody_for_that_name);
  tcase_add_test (listener_case, second_publisher_is_refused);
  tcase_add_test (listener_case, stream_beside_a_leaky_queue_that_is_full);
  suite_add_tcase (suite, authorize_case);
  tcase_add_test (authorize_case, authorize_accepts_later);
  tcase_add_test (authorize_case, authorize_refuses);
  tcase_add_test (authorize_case, authorize_expires);
  tcase_add_test (authorize_case, authorize_times_out);
  tcase_add_test (authorize_case, publisher_leaves_while_asking);
  tcase_add_test (authorize_case, door_closes_while_asking);
  return suite;
}

GST_CHECK_MAIN (rtmpserversrc_publish);
