/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/*
 * The element by itself: contract, downstream, states. Its media are in
 * rtmpserversrc-media.c, bad ones in -input.c, publishers and their admission
 * in -publish.c.
 */
#include "rtmpserversrc-test.h"

#include <gio/gio.h>

/* ---- contract ---- */

/* Scripts and the daemon rely on the names and defaults of interfaces.md. */
GST_START_TEST (contract)
{
  g_autoptr (Receiver) receiver = receiver_new (NULL);
  g_autofree gchar *location = NULL;
  g_autofree gchar *listening = NULL;
  guint handshake_ms = 0;
  guint idle_ms = 0;
  guint reconnect_ms = 0;

  g_object_get (receiver->element, "location", &location, "listening",
      &listening, "handshake-timeout-ms", &handshake_ms, "idle-timeout-ms",
      &idle_ms, "reconnect-timeout-ms", &reconnect_ms, NULL);
  fail_unless (location == NULL && listening == NULL);
  fail_unless_equals_int (handshake_ms, 10000);
  fail_unless_equals_int (idle_ms, 30000);
  fail_unless_equals_int (reconnect_ms, 30000);
  fail_unless (GST_OBJECT_FLAG_IS_SET (receiver->element,
      GST_ELEMENT_FLAG_SOURCE));

  GstElementClass *klass = GST_ELEMENT_GET_CLASS (receiver->element);
  const gchar *const names[] = { "video_%u", "audio_%u" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GstPadTemplate *pad_template =
        gst_element_class_get_pad_template (klass, names[i]);
    fail_unless (pad_template != NULL);
    fail_unless_equals_int (GST_PAD_TEMPLATE_PRESENCE (pad_template),
        GST_PAD_SOMETIMES);
    fail_unless_equals_int (GST_PAD_TEMPLATE_DIRECTION (pad_template),
        GST_PAD_SRC);
  }
  const gchar *const signals[] = { "authorize", "publish-start",
    "publish-end" };
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    fail_unless (g_signal_lookup (signals[i],
                     G_OBJECT_TYPE (receiver->element)) != 0);
}
GST_END_TEST;

/* A live source that said ASYNC or SUCCESS would hang a pipeline's preroll. */
GST_START_TEST (states_and_listening)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  GstElement *element = receiver->element;
  g_autofree gchar *ready = NULL;
  g_autofree gchar *null = NULL;

  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  g_object_get (element, "listening", &ready, NULL);
  fail_unless (g_str_has_prefix (ready, "127.0.0.1:"));
  fail_if (g_str_has_suffix (ready, ":0"));
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_NO_PREROLL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PLAYING),
      GST_STATE_CHANGE_SUCCESS);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_NO_PREROLL);
  gst_element_set_state (element, GST_STATE_NULL);
  g_object_get (element, "listening", &null, NULL);
  fail_unless (null == NULL);
}
GST_END_TEST;

static void
expect_error (const gchar *location, GQuark domain, gint code,
    const gchar *text)
{
  g_autoptr (Receiver) receiver = receiver_new (location);

  fail_unless_equals_int (gst_element_set_state (receiver->element,
                              GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  g_autoptr (GstMessage) message =
      receiver_take_message (receiver, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, domain, code), "%s", error->message);
  fail_unless (strstr (error->message, text) != NULL, "%s", error->message);
}

GST_START_TEST (bad_locations)
{
  const gchar *const bad[] = { "http://127.0.0.1:0/live/a", "rtmp://",
    "rtmp:", "rtmp://127.0.0.1:70000/live/a", "rtmp://127.0.0.1:x/live/a",
    "rtmp://[::1/live/a", "rtmp://127.0.0.1:/live/a",
    "rtmp://127.0.0.1:0/live/a?key=b" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    expect_error (bad[i], GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        bad[i]);
  expect_error ("rtmps://127.0.0.1:0/live/a", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_SETTINGS, "rtmps");
  expect_error (NULL, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
      "location");
  expect_error ("rtmp://192.0.2.1:0/live/a", GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_OPEN_READ, "192.0.2.1");
}
GST_END_TEST;

/* The user must learn which port and what to do about it. */
GST_START_TEST (occupied_port)
{
  g_autoptr (GSocketListener) other = g_socket_listener_new ();
  guint16 port = g_socket_listener_add_any_inet_port (other, NULL, NULL);
  g_autofree gchar *location =
      g_strdup_printf ("rtmp://127.0.0.1:%u/live/a", port);

  expect_error (location, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_BUSY,
      location);
}
GST_END_TEST;

/* ---- downstream ---- */

GST_START_TEST (flow_error)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 0, TRUE, 0);
  receiver_take_dts (receiver, RECEIVER_VIDEO);
  g_atomic_int_set (&receiver->flow, GST_FLOW_ERROR);
  publisher_send_video (publisher, 33, FALSE, 0);

  g_autoptr (GstMessage) message =
      receiver_take_message (receiver, GST_MESSAGE_ERROR);
  publisher_wait_end (publisher);
  fail_unless_equals_string (publisher->code, "NetStream.Publish.Denied");
  gst_event_unref (receiver_take_event (receiver, RECEIVER_VIDEO,
      GST_EVENT_EOS));
  receiver_wait_signal (receiver, "end ");
  receiver_wait_state (receiver, "ended");
}
GST_END_TEST;

/* num-buffers of a sink, say: the end, and no error. */
GST_START_TEST (flow_eos)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  g_atomic_int_set (&receiver->flow, GST_FLOW_EOS);
  publisher_send_video (publisher, 0, TRUE, 0);
  publisher_send_audio (publisher, 0);

  publisher_wait_end (publisher);
  receiver_wait_state (receiver, "ended");
  fail_if (receiver_has_message (receiver, GST_MESSAGE_ERROR));
}
GST_END_TEST;

/* Sound that nobody wants does not stop the picture. */
GST_START_TEST (one_pad_not_linked)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  receiver_wait_signal (receiver, "pad audio_0");
  g_autoptr (GstPad) pad =
      gst_element_get_static_pad (receiver->element, "audio_0");
  gst_pad_unlink (pad, receiver->sinks[RECEIVER_AUDIO]);
  publisher_send_audio (publisher, 0);
  publisher_send_video (publisher, 20, TRUE, 0);
  publisher_send_audio (publisher, 21);
  publisher_send_video (publisher, 53, FALSE, 0);

  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 20);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 53);
  fail_if (receiver_has_message (receiver, GST_MESSAGE_ERROR));
}
GST_END_TEST;

/* The same when the sound was there alone for a while. */
GST_START_TEST (first_pad_not_linked)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  publisher_send_audio_config (publisher, 0, ASC_48000_STEREO);
  receiver_wait_signal (receiver, "pad audio_0");
  publisher_send_audio (publisher, 0);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_AUDIO), 0);
  g_autoptr (GstPad) pad =
      gst_element_get_static_pad (receiver->element, "audio_0");
  gst_pad_unlink (pad, receiver->sinks[RECEIVER_AUDIO]);
  publisher_send_audio (publisher, 21);
  publisher_send_video_config (publisher, 22, AVCC_640x360);
  publisher_send_video (publisher, 22, TRUE, 0);
  publisher_send_audio (publisher, 42);
  publisher_send_video (publisher, 55, FALSE, 0);

  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 22);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 55);
  fail_if (receiver_has_message (receiver, GST_MESSAGE_ERROR));
}
GST_END_TEST;

GST_START_TEST (no_pad_linked)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  receiver_wait_signal (receiver, "pad audio_0");
  const gchar *const names[] = { "video_0", "audio_0" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GstPad) pad =
        gst_element_get_static_pad (receiver->element, names[i]);
    gst_pad_unlink (pad, receiver->sinks[i]);
  }
  publisher_send_audio (publisher, 0);
  publisher_send_video (publisher, 0, TRUE, 0);

  gst_message_unref (receiver_take_message (receiver, GST_MESSAGE_ERROR));
  publisher_wait_end (publisher);
}
GST_END_TEST;

/* A sink is told what latency to make up for; none is a live source's. */
GST_START_TEST (latency)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  receiver_wait_signal (receiver, "pad audio_0");
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  gboolean live = FALSE;
  GstClockTime min = 1;
  GstClockTime max = 0;

  fail_unless (gst_pad_peer_query (receiver->sinks[RECEIVER_VIDEO], query));
  gst_query_parse_latency (query, &live, &min, &max);
  fail_unless (live && min == 0 && max == GST_CLOCK_TIME_NONE);
}
GST_END_TEST;

/* ---- states ---- */

/* What gst-launch-1.0 -e does at ^C: without EOS the file has no index. */
GST_START_TEST (eos_is_sent)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 0, TRUE, 0);
  receiver_take_dts (receiver, RECEIVER_VIDEO);

  fail_unless (gst_element_send_event (receiver->element,
      gst_event_new_eos ()));
  gst_event_unref (receiver_take_event (receiver, RECEIVER_VIDEO,
      GST_EVENT_EOS));
  for (guint i = 0; i < 4; i++)
    gst_event_unref (receiver_take_any_event (receiver, RECEIVER_AUDIO));
  gst_event_unref (receiver_take_event (receiver, RECEIVER_AUDIO,
      GST_EVENT_EOS));
  publisher_wait_end (publisher);
  receiver_wait_signal (receiver, "end ");

  g_autoptr (Publisher) late = publisher_new (receiver->address, "live", "cam");
  fail_if (publisher_wait (late));
  fail_unless_equals_string (late->code, "NetStream.Publish.BadName");
}
GST_END_TEST;

/* Ended before anybody came: says so instead of hanging for ever. */
GST_START_TEST (eos_without_publisher)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);

  fail_if (gst_element_send_event (receiver->element, gst_event_new_eos ()));
  receiver_start (receiver, 0);
  fail_unless (gst_element_send_event (receiver->element,
      gst_event_new_eos ()));
  gst_message_unref (receiver_take_message (receiver, GST_MESSAGE_ERROR));
}
GST_END_TEST;

GST_START_TEST (cycles_twice)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);

  for (guint i = 0; i < 2; i++) {
    receiver_start (receiver, (i + 1) * GST_SECOND);
    g_autoptr (Publisher) publisher = open_av (receiver);
    publisher_send_video (publisher, 7000, TRUE, 0);
    fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO),
        1000 * (i + 1));
    gst_element_set_state (receiver->element, GST_STATE_NULL);
    publisher_wait_end (publisher);
    receiver_wait_signal (receiver, "end the stream was stopped");
    fail_unless_equals_int (g_list_length (GST_ELEMENT_PADS (receiver
                                                                 ->element)),
        0);
  }
}
GST_END_TEST;

static gpointer
unblock_later (gpointer user_data)
{
  Receiver *receiver = user_data;
  GstState state = GST_STATE_PLAYING;

  /* The state change is under way when the publisher is let go of. */
  while (state != GST_STATE_READY) {
    GST_OBJECT_LOCK (receiver->element);
    state = GST_STATE_NEXT (receiver->element);
    GST_OBJECT_UNLOCK (receiver->element);
    g_thread_yield ();
  }
  receiver_unblock (receiver);
  return NULL;
}

/* Stopped while a push stands in a sink: waits for it, pushes no more. */
GST_START_TEST (stop_in_the_middle_of_a_push)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  receiver_block (receiver);
  publisher_send_video (publisher, 0, TRUE, 0);
  publisher_send_video (publisher, 33, FALSE, 0);
  receiver_wait_blocked (receiver);

  /* must not wait: the push goes on only when the pipeline does */
  gst_element_set_state (receiver->element, GST_STATE_PAUSED);
  gst_element_set_state (receiver->element, GST_STATE_PLAYING);
  gst_element_set_state (receiver->element, GST_STATE_PAUSED);
  g_autoptr (GThread) thread =
      g_thread_new ("unblock", unblock_later, receiver);
  gst_element_set_state (receiver->element, GST_STATE_READY);
  fail_unless_equals_int (receiver->waiting, 0);
  g_thread_join (g_steal_pointer (&thread));
}
GST_END_TEST;

/* PAUSED takes no media, and what was sent meanwhile is not lost. */
GST_START_TEST (pause_stops_reading)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  g_autoptr (Receiver) sibling = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  receiver_start (sibling, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  g_autoptr (Publisher) other = open_av (sibling);
  publisher_send_video (publisher, 0, TRUE, 0);
  receiver_take_dts (receiver, RECEIVER_VIDEO);
  gst_element_set_state (receiver->element, GST_STATE_PAUSED);

  /* two rounds through the sibling's lanes: whatever was to be read was */
  publisher_send_video (publisher, 33, FALSE, 0);
  publisher_send_video (other, 0, TRUE, 0);
  fail_unless_equals_int64 (receiver_take_dts (sibling, RECEIVER_VIDEO), 0);
  publisher_send_video (other, 33, FALSE, 0);
  fail_unless_equals_int64 (receiver_take_dts (sibling, RECEIVER_VIDEO), 33);
  fail_unless_equals_int (g_async_queue_length (receiver
                                                    ->items[RECEIVER_VIDEO]),
      0);

  gst_element_set_state (receiver->element, GST_STATE_PLAYING);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 33);
}
GST_END_TEST;

static Suite *
rtmpserversrc_suite (void)
{
  Suite *suite = suite_create ("rtmpserversrc");
  TCase *contract_case = tcase_create ("contract");
  TCase *state_case = tcase_create ("state");

  suite_add_tcase (suite, contract_case);
  tcase_add_test (contract_case, contract);
  tcase_add_test (contract_case, states_and_listening);
  tcase_add_test (contract_case, bad_locations);
  tcase_add_test (contract_case, occupied_port);
  suite_add_tcase (suite, state_case);
  tcase_add_test (state_case, flow_error);
  tcase_add_test (state_case, flow_eos);
  tcase_add_test (state_case, one_pad_not_linked);
  tcase_add_test (state_case, first_pad_not_linked);
  tcase_add_test (state_case, no_pad_linked);
  tcase_add_test (state_case, latency);
  tcase_add_test (state_case, eos_is_sent);
  tcase_add_test (state_case, eos_without_publisher);
  tcase_add_test (state_case, cycles_twice);
  tcase_add_test (state_case, stop_in_the_middle_of_a_push);
  tcase_add_test (state_case, pause_stops_reading);
  return suite;
}

GST_CHECK_MAIN (rtmpserversrc);
