/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* rtmpclientsink by itself and with a good server. A user would notice: a
 * target that hears of no end or of the wrong tracks, a key in a log. Servers
 * that do what they like are in rtmpclientsink-servers.c. */
#include "rtmpclientsink-test.h"

#define SECRET "sk_very_secret_1234"

/* ---- contract ---- */

/* Scripts and descriptions rely on names, defaults, pads. */
GST_START_TEST (contract)
{
  g_autoptr (GstElement) element =
      gst_object_ref_sink (gst_element_factory_make ("rtmpclientsink", NULL));
  static const struct
  {
    const gchar *name;
    guint value;
  } numbers[] = { { "connect-timeout-ms", 10000 }, { "stall-timeout-ms", 8000 },
    { "reconnect-backoff-min-ms", 500 }, { "reconnect-backoff-max-ms", 30000 },
    { "max-attempts", 0 }, { "max-queue-ms", 5000 },
    { "max-queue-bytes", 16 * 1024 * 1024 } };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
    guint value = 1;
    g_object_get (element, numbers[i].name, &value, NULL);
    g_assert_cmpuint (value, ==, numbers[i].value);
  }
  gboolean validates = FALSE;
  g_object_get (element, "tls-validation", &validates, NULL);
  g_assert_true (validates);
  g_assert_true (GST_OBJECT_FLAG_IS_SET (element, GST_ELEMENT_FLAG_SINK));
  g_autoptr (GstPad) video =
      gst_element_request_pad_simple (element, "video_%u");
  g_autoptr (GstPad) audio =
      gst_element_request_pad_simple (element, "audio_%u");
  g_assert_cmpstr (GST_PAD_NAME (video), ==, "video_0");
  g_assert_cmpstr (GST_PAD_NAME (audio), ==, "audio_0");
  g_assert_null (gst_element_request_pad_simple (element, "video_%u"));
  gst_element_release_request_pad (element, video);
  g_autoptr (GstPad) again =
      gst_element_request_pad_simple (element, "video_%u");
  g_assert_nonnull (again);
}
GST_END_TEST;

/* What one sees of a relay must not be its key. */
GST_START_TEST (secrets)
{
  g_autoptr (Target) target = target_new (TARGET_REFUSE, NULL, NULL);
  target_set_text (target, "NetStream.Publish.Denied");
  g_autofree gchar *location =
      g_strdup_printf ("rtmp://%s/live", target_get_address (target));
  g_autofree gchar *full = g_strdup_printf ("%s/%s", location, SECRET);
  const gchar *const variants[][2] = {
    { location, "stream-key=" SECRET },
    { full, "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (variants); i++) {
    g_autoptr (Relay) relay = relay_new (variants[i][0], variants[i][1]);
    relay_push (relay, 0, 100);
    g_autofree gchar *reason = relay_wait_state (relay, "refused");
    g_autofree gchar *asked = target_dup_publish (target);
    g_assert_cmpstr (asked, ==, "live/" SECRET);
    g_assert_cmpstr (reason, ==, "NetStream.Publish.Denied ('***' may not)");
    g_autoptr (GstStructure) stats = get_stats (relay);
    g_autofree gchar *text = gst_structure_to_string (stats);
    g_assert_null (strstr (text, SECRET));
    g_autofree gchar *shown = NULL;
    g_object_get (relay->element, "location", &shown, NULL);
    g_assert_null (strstr (shown, SECRET));
    g_autofree gchar *where = dup_stat (relay, "target");
    g_assert_cmpstr (where, ==, location);
  }
}
GST_END_TEST;

/* A mistake in the address is told at once, and without the address. */
GST_START_TEST (bad_locations)
{
  const gchar *const bad[] = { "http://h/live/x", "rtmp://", "rtmp://h",
    "rtmp://h/" SECRET, "rtmp://user@h/live/x", "rtmp://h:0/live/x", "live" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GstElement) element =
        gst_object_ref_sink (gst_element_factory_make ("rtmpclientsink", NULL));
    g_autoptr (GstBus) bus = gst_bus_new ();
    g_object_set (element, "location", bad[i], NULL);
    gst_element_set_bus (element, bus);
    g_assert_cmpint (gst_element_set_state (element, GST_STATE_PLAYING), ==,
        GST_STATE_CHANGE_FAILURE);
    g_autoptr (GstMessage) message =
        gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
    g_assert_nonnull (message);
    g_autoptr (GError) error = NULL;
    gst_message_parse_error (message, &error, NULL);
    g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
    g_assert_null (strstr (error->message, SECRET));
    gst_element_set_state (element, GST_STATE_NULL);
    gst_element_set_bus (element, NULL);
  }
}
GST_END_TEST;

/* An optional target that nobody has named costs nothing and harms nothing. */
GST_START_TEST (empty_location)
{
  g_autoptr (Relay) relay = relay_new ("", "");

  for (guint i = 0; i < 2000; i++)
    relay_push (relay, i, 100);
  g_assert_cmpuint (get_stat (relay, "attempts"), ==, 0);
  g_assert_cmpuint (get_stat (relay, "queue-bytes"), ==, 0);
  g_assert_cmpuint (get_stat (relay, "dropped-frames"), ==, 0);
  for (guint i = 0; i < 2; i++)
    gst_pad_push_event (relay->sources[i], gst_event_new_eos ());
  g_autoptr (GstMessage) eos =
      gst_bus_timed_pop_filtered (relay->bus, 20 * GST_SECOND, GST_MESSAGE_EOS);
  g_assert_nonnull (eos);
}
GST_END_TEST;

/* Else each start of a live pipeline brings a warning into the log. */
GST_START_TEST (latency)
{
  g_autoptr (Relay) relay = relay_new ("", "");

  g_assert_true (gst_element_send_event (relay->element,
      gst_event_new_latency (40 * GST_MSECOND)));
}
GST_END_TEST;

/* ---- a good server ---- */

GST_START_TEST (publishes)
{
  g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "");
  const guint n = 60;

  for (guint i = 0; i < n; i++)
    relay_push (relay, i, 3000);
  target_wait_frames (target, n, n);
  assert_whole (target, n);
  g_autofree gchar *asked = target_dup_publish (target);
  g_assert_cmpstr (asked, ==, "live/demo");
  g_autoptr (GstStructure) metadata = target_dup_metadata (target);
  gdouble width = 0, codec = 0, rate = 0;
  g_assert_true (gst_structure_get_double (metadata, "width", &width));
  g_assert_true (gst_structure_get_double (metadata, "audiocodecid", &codec));
  g_assert_true (gst_structure_get_double (metadata, "framerate", &rate));
  g_assert_cmpfloat (width, ==, 640);
  g_assert_cmpfloat (codec, ==, 10);
  g_assert_cmpfloat (rate, ==, 30);
  g_assert_cmpuint (get_stat (relay, "frames"), ==, 2 * n);
  g_assert_cmpuint (get_stat (relay, "dropped-frames"), ==, 0);
  wait_stat (relay, "bytes", n * 3000);
  assert_no_error (relay);
}
GST_END_TEST;

/* The end of a stream reaches the server as an end, and then the bus. */
GST_START_TEST (eos)
{
  g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "");

  for (guint i = 0; i < 20; i++)
    relay_push (relay, i, 1000);
  for (guint i = 0; i < 2; i++)
    g_assert_true (gst_pad_push_event (relay->sources[i],
        gst_event_new_eos ()));
  g_autoptr (GstMessage) eos =
      gst_bus_timed_pop_filtered (relay->bus, 20 * GST_SECOND, GST_MESSAGE_EOS);
  g_assert_nonnull (eos);
  target_wait_frames (target, 20, 20);
  target_wait_unpublishes (target, 1);
}
GST_END_TEST;

/* Stopping says goodbye too, and twice is as good as once. */
GST_START_TEST (stop_and_start)
{
  g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "");

  for (guint round = 1; round <= 2; round++) {
    GstSegment segment;
    for (guint i = 0; i < GOP; i++)
      relay_push (relay, i, 1000);
    target_wait_frames (target, round * GOP, round * GOP);
    gst_element_set_state (relay->element, GST_STATE_READY);
    target_wait_unpublishes (target, round);
    gst_element_set_state (relay->element, GST_STATE_PLAYING);
    gst_segment_init (&segment, GST_FORMAT_TIME);
    for (guint i = 0; i < 2; i++) {
      g_autoptr (GstCaps) caps =
          gst_caps_from_string (i == 0 ? VIDEO_CAPS : AUDIO_CAPS);
      gst_pad_push_event (relay->sources[i], gst_event_new_stream_start ("x"));
      gst_pad_push_event (relay->sources[i], gst_event_new_caps (caps));
      gst_pad_push_event (relay->sources[i], gst_event_new_segment (&segment));
    }
  }
  g_assert_cmpuint (target_count_connections (target), ==, 2);
}
GST_END_TEST;

/* The server hears of what comes, not of what came before: it would wait for the
 * sound. */
GST_START_TEST (fewer_pads)
{
  g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "");
  g_autoptr (GstPad) sound = gst_pad_get_peer (relay->sources[1]);
  g_autoptr (GstCaps) caps = gst_caps_from_string (VIDEO_CAPS);
  GstSegment segment;

  for (guint i = 0; i < GOP; i++)
    relay_push (relay, i, 1000);
  target_wait_frames (target, GOP, GOP);
  gst_element_set_state (relay->element, GST_STATE_READY);
  target_wait_unpublishes (target, 1);
  gst_element_release_request_pad (relay->element, sound);
  gst_element_set_state (relay->element, GST_STATE_PLAYING);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_pad_push_event (relay->sources[0], gst_event_new_stream_start ("x"));
  gst_pad_push_event (relay->sources[0], gst_event_new_caps (caps));
  gst_pad_push_event (relay->sources[0], gst_event_new_segment (&segment));
  for (guint i = 0; i < GOP; i++)
    push (relay->sources[0], i * FRAME_MS, i == 0, 1000, i);
  target_wait_frames (target, 2 * GOP, GOP);
  g_autoptr (GstStructure) metadata = target_dup_metadata (target);
  g_assert_true (gst_structure_has_field (metadata, "videocodecid"));
  g_assert_false (gst_structure_has_field (metadata, "audiocodecid"));
}
GST_END_TEST;

/* New caps in the middle: what is sent after them is told of before. */
GST_START_TEST (new_caps)
{
  g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
  g_autoptr (Relay) relay = relay_to (target, "");
  g_autoptr (GstCaps) caps = gst_caps_from_string (
      "video/x-h264, stream-format=avc, alignment=au, width=320, height=180, "
      "codec_data=(buffer)" AVCC);

  for (guint i = 0; i < GOP; i++)
    relay_push (relay, i, 1000);
  g_assert_true (gst_pad_push_event (relay->sources[0],
      gst_event_new_caps (caps)));
  for (guint i = GOP; i < 2 * GOP; i++)
    relay_push (relay, i, 1000);
  target_wait_frames (target, 2 * GOP, 2 * GOP);
  assert_whole (target, 2 * GOP);
  g_autoptr (GstStructure) metadata = target_dup_metadata (target);
  gdouble width = 0;
  g_assert_true (gst_structure_get_double (metadata, "width", &width));
  g_assert_cmpfloat (width, ==, 320);
}
GST_END_TEST;

/* A picture alone does not wait for a sound for ever, nor for its pad. */
GST_START_TEST (one_track)
{
  for (guint only = 0; only < 2; only++) {
    g_autoptr (Target) target = target_new (TARGET_GOOD, NULL, NULL);
    g_autoptr (Relay) relay = relay_to (target, "");
    for (guint i = 0; i < 60; i++)
      push (relay->sources[only], i * FRAME_MS, only == 1 || i % GOP == 0, 500,
          i);
    target_wait_frames (target, only == 0 ? 60 : 0, only == 1 ? 60 : 0);
    g_assert_cmpuint (get_stat (relay, "dropped-frames"), ==, 0);
  }
}
GST_END_TEST;

/* ---- the end on two threads ---- */

#define N_ENDINGS 3000

typedef struct
{
  GstPad *source;
  GAsyncQueue *rounds; /* of gint *: how many have begun this one */
  GAsyncQueue *done;
} Ender;

static gpointer
end_rounds (gpointer user_data)
{
  Ender *ender = user_data;

  for (guint i = 0; i < N_ENDINGS; i++) {
    gint *n_begun = g_async_queue_pop (ender->rounds);
    g_atomic_int_inc (n_begun);
    while (g_atomic_int_get (n_begun) < 2)
      g_thread_yield ();
    gst_pad_push_event (ender->source, gst_event_new_eos ());
    g_async_queue_push (ender->done, ender);
  }
  return NULL;
}

static void
wait_posted_eos (Relay *relay)
{
  g_autoptr (GstMessage) message =
      gst_bus_timed_pop_filtered (relay->bus, 20 * GST_SECOND, GST_MESSAGE_EOS);

  g_assert_nonnull (message);
}

static void
run_ending (Relay *relay, Ender *enders)
{
  gint n_begun = 0;

  for (guint i = 0; i < 2; i++)
    g_assert_true (gst_pad_push_event (relay->sources[i],
        gst_event_new_stream_start ("again")));
  for (guint i = 0; i < 2; i++)
    g_async_queue_push (enders[i].rounds, &n_begun);
  for (guint i = 0; i < 2; i++)
    g_async_queue_pop (enders[i].done);
  wait_posted_eos (relay);
}

/* Picture and sound end at the same moment: the graph ends; and once more where it
 * is resumed, since a bin forgets in PAUSED who has ended. */
GST_START_TEST (ends_at_once)
{
  g_autoptr (Relay) relay = relay_new ("", "");
  Ender enders[2];
  GThread *threads[2];

  for (guint i = 0; i < 2; i++) {
    enders[i] = (Ender){ relay->sources[i], g_async_queue_new (),
      g_async_queue_new () };
    threads[i] = g_thread_new ("ender", end_rounds, &enders[i]);
  }
  for (guint i = 0; i < N_ENDINGS; i++)
    run_ending (relay, enders);
  gst_element_set_state (relay->element, GST_STATE_PAUSED);
  gst_element_set_state (relay->element, GST_STATE_PLAYING);
  wait_posted_eos (relay);
  for (guint i = 0; i < 2; i++) {
    g_thread_join (threads[i]);
    g_async_queue_unref (enders[i].rounds);
    g_async_queue_unref (enders[i].done);
  }
}
GST_END_TEST;

/* ---- misuse ---- */

GST_START_TEST (bad_caps)
{
  g_autoptr (Relay) relay = relay_new ("", "");
  g_autoptr (GstCaps) caps =
      gst_caps_from_string ("video/x-h264, stream-format=avc, alignment=au");

  gst_pad_push_event (relay->sources[0], gst_event_new_caps (caps));
  g_assert_cmpint (push (relay->sources[0], 0, TRUE, 100, 0), ==,
      GST_FLOW_NOT_NEGOTIATED);
  g_autoptr (GstMessage) message =
      gst_bus_pop_filtered (relay->bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
}
GST_END_TEST;

static Suite *
rtmpclientsink_suite (void)
{
  Suite *suite = suite_create ("rtmpclientsink");
  TCase *basics = tcase_create ("basics");

  suite_add_tcase (suite, basics);
  tcase_add_test (basics, contract);
  tcase_add_test (basics, secrets);
  tcase_add_test (basics, bad_locations);
  tcase_add_test (basics, empty_location);
  tcase_add_test (basics, latency);
  tcase_add_test (basics, publishes);
  tcase_add_test (basics, eos);
  tcase_add_test (basics, stop_and_start);
  tcase_add_test (basics, fewer_pads);
  tcase_add_test (basics, new_caps);
  tcase_add_test (basics, one_track);
  tcase_add_test (basics, ends_at_once);
  tcase_add_test (basics, bad_caps);
  return suite;
}

GST_CHECK_MAIN (rtmpclientsink)
