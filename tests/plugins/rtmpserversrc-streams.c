/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/*
 * What encoders do to a stream besides sending frames in order: what a viewer
 * would see or hear if it went wrong is said with each test.
 */
#include "rtmpserversrc-test.h"

#include "bytes/bytes.h"

/* ---- aggregate messages: RTMP 1.0 section 7.1.6 ---- */

static void
append_tag (GByteArray *out, guint type, guint32 time_ms, const gchar *hex)
{
  guint size = (guint) strlen (hex) / 2;
  guint8 header[11] = { (guint8) type };
  guint8 trailer[4];

  mill_bytes_write_u24 (header + 1, size);
  mill_bytes_write_u24 (header + 4, time_ms & 0xffffff);
  header[7] = (guint8) (time_ms >> 24);
  mill_bytes_write_u32 (trailer, size + 11);
  g_byte_array_append (out, header, sizeof header);
  for (; hex[0] && hex[1]; hex += 2) {
    guint8 byte = g_ascii_xdigit_value (hex[0]) * 16 +
        g_ascii_xdigit_value (hex[1]);
    g_byte_array_append (out, &byte, 1);
  }
  g_byte_array_append (out, trailer, sizeof trailer);
}

/* Sound and pictures that come packed, with stamps of another origin than that
 * of the message: unpacked wrongly they are silence, or lie hours apart. An
 * extended message may be among them. */
GST_START_TEST (aggregate)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  g_autoptr (GByteArray) packed = g_byte_array_new ();
  publisher_send_video (publisher, 1000, TRUE, 0);
  append_tag (packed, 9, 0xfffffff0, "2701000000000000034188ff");
  append_tag (packed, 8, 0xfffffff5, "af01211004");
  append_tag (packed, 8, 0x0000000a, "af01211005");
  append_tag (packed, 9, 0x00000018, "a161766331000000aabb");
  publisher_send_bytes (publisher, MILL_RTMP_MESSAGE_AGGREGATE, 1040, packed);

  g_autoptr (GstBuffer) key = wait_buffer (receiver, RECEIVER_VIDEO);
  gint64 start = GST_BUFFER_DTS (key) / GST_MSECOND;
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO) -
          start,
      40);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_AUDIO) -
          start,
      45);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_AUDIO) -
          start,
      66);
  g_autoptr (GstBuffer) last = wait_buffer (receiver, RECEIVER_VIDEO);
  fail_unless_equals_int64 (GST_BUFFER_DTS (last) / GST_MSECOND - start, 80);
  fail_unless (gst_buffer_get_size (last) == 2 &&
      gst_buffer_memcmp (last, 0, "\xaa\xbb", 2) == 0);
}
GST_END_TEST;

/* ---- time ---- */

/* A step back within the bound: frames are held at the time that was reached,
 * so that no player sees time run backwards; each is counted. */
GST_START_TEST (steps_back)
{
  static const guint32 wire[] = { 1000, 1040, 1020, 1030, 1080 };
  static const gint64 expected[] = { 0, 40, 40, 40, 80 };
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  for (guint i = 0; i < G_N_ELEMENTS (wire); i++)
    publisher_send_video (publisher, wire[i], i == 0, 0);

  for (guint i = 0; i < G_N_ELEMENTS (wire); i++) {
    g_autoptr (GstBuffer) frame = wait_buffer (receiver, RECEIVER_VIDEO);
    fail_unless_equals_int64 (GST_BUFFER_DTS (frame) / GST_MSECOND,
        expected[i]);
    fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (frame,
                                GST_BUFFER_FLAG_DISCONT),
        i == 0);
  }
  fail_unless_equals_uint64 (receiver_get_stat (receiver, "repairs"), 2);
  fail_unless_equals_uint64 (receiver_get_stat (receiver, "jumps"), 0);
}
GST_END_TEST;

/* Stamps of more than 24 bits need the extended field, in every chunk of a
 * message: read wrongly, four bytes of it are in the middle of a picture. */
GST_START_TEST (extended_time_stamps)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  g_autoptr (GByteArray) frame = g_byte_array_new ();
  g_byte_array_set_size (frame, 5 + 20000); /* of several chunks */
  for (guint i = 0; i < frame->len; i++)
    frame->data[i] = (guint8) (i * 7);
  memcpy (frame->data, "\x17\x01\x00\x00\x00", 5);
  publisher_send_bytes (publisher, MILL_RTMP_MESSAGE_VIDEO, 0x01000000, frame);
  publisher_send_bytes (publisher, MILL_RTMP_MESSAGE_VIDEO, 0x01000028, frame);

  g_autoptr (GstBuffer) one = wait_buffer (receiver, RECEIVER_VIDEO);
  g_autoptr (GstBuffer) two = wait_buffer (receiver, RECEIVER_VIDEO);
  fail_unless_equals_uint64 (GST_BUFFER_DTS (two) - GST_BUFFER_DTS (one),
      40 * GST_MSECOND);
  fail_unless_equals_int (gst_buffer_get_size (two), 20000);
  fail_unless (gst_buffer_memcmp (two, 0, frame->data + 5, 20000) == 0);
}
GST_END_TEST;

/* ---- what is there, and what is not ---- */

/* Nobody waits for sound for more than a second when none is announced. */
GST_START_TEST (video_only)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open_classic (receiver->address, "live", "cam");
  publisher_send_video_config (publisher, 0, AVCC_640x360);
  for (guint32 ts = 0; ts <= 1000; ts += 200)
    publisher_send_video (publisher, ts, ts == 0, 0);

  receiver_expect_signal (receiver, "start cam");
  receiver_expect_signal (receiver, "pad video_0");
  receiver_expect_signal (receiver, "no-more-pads");
  for (gint64 ts = 0; ts <= 1000; ts += 200)
    fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), ts);
}
GST_END_TEST;

/* Twenty seconds without a keyframe: nothing is held back, and the statistics
 * tell why viewers wait. */
GST_START_TEST (long_gop)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  for (guint32 ts = 0; ts <= 20000; ts += 1000)
    publisher_send_video (publisher, ts, ts % 20000 == 0, 0);

  for (gint64 ts = 0; ts <= 20000; ts += 1000) {
    g_autoptr (GstBuffer) frame = wait_buffer (receiver, RECEIVER_VIDEO);
    fail_unless_equals_int64 (GST_BUFFER_DTS (frame) / GST_MSECOND, ts);
    fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (frame,
                                GST_BUFFER_FLAG_DELTA_UNIT),
        ts % 20000 != 0);
  }
  fail_unless_equals_uint64 (receiver_get_stat (receiver, "keyframe-interval"),
      20 * GST_SECOND);
}
GST_END_TEST;

/* Messages with nothing in them, as some send to keep a connection alive or to
 * say silence, and the end of a sequence: no frame, no end, no error. */
GST_START_TEST (nothing_in_it)
{
  static const gchar *const empty[] = { "",
    "27010000"
    "00",
    "1702000000", "5700" };
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 0, TRUE, 0);
  for (guint i = 0; i < G_N_ELEMENTS (empty); i++)
    publisher_send (publisher, MILL_RTMP_MESSAGE_VIDEO, 20, empty[i]);
  publisher_send (publisher, MILL_RTMP_MESSAGE_AUDIO, 20, "");
  publisher_send (publisher, MILL_RTMP_MESSAGE_AUDIO, 20, "af01");
  publisher_send_video (publisher, 40, FALSE, 0);
  publisher_send_audio (publisher, 40);

  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 0);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 40);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_AUDIO), 40);
  fail_if (receiver_has_message (receiver,
      GST_MESSAGE_WARNING | GST_MESSAGE_ERROR));
}
GST_END_TEST;

/* A frame rate that is told in the middle of the stream; a publisher that tells
 * a new one with every frame does not cost a segment for each. */
GST_START_TEST (metadata_to_and_fro)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  guint n_caps = 0;
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  /* VP9: its configuration has no frame rate */
  publisher_send (publisher, MILL_RTMP_MESSAGE_VIDEO, 0,
      "9076703039000b820202020000");
  for (guint i = 0; i < 100; i++) {
    publisher_send_metadata (publisher, "framerate", 10.0 + i, NULL);
    publisher_send (publisher, MILL_RTMP_MESSAGE_VIDEO, i, "9176703039aa");
  }
  for (guint n_frames = 0; n_frames < 100;) {
    GstMiniObject *item = receiver_take_item (receiver, RECEIVER_VIDEO);
    n_frames += GST_IS_BUFFER (item);
    n_caps += GST_IS_EVENT (item) && GST_EVENT_TYPE (item) == GST_EVENT_CAPS;
    gst_mini_object_unref (item);
  }
  fail_unless (n_caps > 4 && n_caps < 40, "%u", n_caps);
}
GST_END_TEST;

/* Streams of one process do not each cost a thread, and none of the first ones
 * shares its thread while another core has nothing to do. */
GST_START_TEST (threads_of_many)
{
  guint n_cores = g_get_num_processors ();
  guint n_sources = 2 * n_cores + 1;
  g_autoptr (GPtrArray) receivers =
      g_ptr_array_new_with_free_func ((GDestroyNotify) receiver_free);
  g_autoptr (GPtrArray) publishers =
      g_ptr_array_new_with_free_func ((GDestroyNotify) publisher_free);
  guint n_connections = 0;

  for (guint i = 0; i < n_sources; i++) {
    Receiver *receiver = receiver_new (LOCATION);
    g_ptr_array_add (receivers, receiver);
    receiver_start (receiver, 0);
    g_ptr_array_add (publishers, open_av (receiver));
    receiver_wait_state (receiver, "live");
  }
  g_autoptr (GstStructure) description = NULL;
  Receiver *receiver = g_ptr_array_index (receivers, 0);
  g_object_get (receiver->element, "threads", &description, NULL);
  const GValue *threads = gst_structure_get_value (description, "threads");
  fail_unless_equals_int (gst_value_array_get_size (threads), n_cores);
  for (guint i = 0; i < n_cores; i++) {
    const GstStructure *thread =
        gst_value_get_structure (gst_value_array_get_value (threads, i));
    guint n = 0;
    gst_structure_get_uint (thread, "connections", &n);
    fail_unless (n > 0, "nothing for thread %u", i);
    n_connections += n;
  }
  fail_unless_equals_int (n_connections, n_sources);
}
GST_END_TEST;

/* ---- reading at intervals ---- */

static GstClockTime
ask_latency (Receiver *receiver)
{
  g_autoptr (GstQuery) query = gst_query_new_latency ();
  GstClockTime min = GST_CLOCK_TIME_NONE;

  fail_unless (gst_pad_peer_query (receiver->sinks[RECEIVER_VIDEO], query));
  gst_query_parse_latency (query, NULL, &min, NULL);
  return min;
}

/* Who is read at intervals loses nothing of what it sends: neither much at once,
 * nor what it has sent just before it leaves. A sink is told how late frames
 * are. */
GST_START_TEST (read_interval)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  g_autoptr (GByteArray) large = g_byte_array_new ();
  g_byte_array_set_size (large, 300 * 1024);
  memset (large->data, 0x5a, large->len);
  memcpy (large->data, "\x17\x01\x00\x00\x00", 5);
  g_object_set (receiver->element, "read-interval-ms", 50, NULL);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_bytes (publisher, MILL_RTMP_MESSAGE_VIDEO, 0, large);
  for (guint i = 1; i <= 100; i++)
    publisher_send_video (publisher, i * 40, FALSE, 0);

  g_autoptr (GstBuffer) key = wait_buffer (receiver, RECEIVER_VIDEO);
  fail_unless_equals_int (gst_buffer_get_size (key), large->len - 5);
  fail_unless_equals_uint64 (ask_latency (receiver), 50 * GST_MSECOND);
  for (guint i = 1; i <= 100; i++)
    fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO) -
            (gint64) (GST_BUFFER_DTS (key) / GST_MSECOND),
        i * 40);
  publisher_send_bytes (publisher, MILL_RTMP_MESSAGE_VIDEO, 5000, large);
  publisher_send_video (publisher, 5040, FALSE, 0);
  g_clear_pointer (&publisher, publisher_free);
  g_autoptr (GstBuffer) large_again = wait_buffer (receiver, RECEIVER_VIDEO);
  g_autoptr (GstBuffer) last = wait_buffer (receiver, RECEIVER_VIDEO);
  fail_unless_equals_int (gst_buffer_get_size (large_again), large->len - 5);
  fail_unless_equals_uint64 (GST_BUFFER_DTS (last) - GST_BUFFER_DTS (key),
      5040 * GST_MSECOND);
  receiver_wait_signal (receiver, "end ");
}
GST_END_TEST;

/* What was read together stays in order on each pad: frames of before a new
 * encoding would be decoded by its parameters. The stream ends behind all of
 * them. */
GST_START_TEST (read_together)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  g_object_set (receiver->element, "read-interval-ms", 500,
      "reconnect-timeout-ms", 0, NULL);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 0, TRUE, 0);
  publisher_send_audio (publisher, 0);
  publisher_send_video (publisher, 40, FALSE, 0);
  publisher_send_video_config (publisher, 80, AVCC_320x180);
  publisher_send_video (publisher, 80, TRUE, 0);
  publisher_send_audio (publisher, 21);
  publisher_unpublish (publisher);

  g_autoptr (GstBuffer) key = wait_buffer (receiver, RECEIVER_VIDEO);
  gint64 start = GST_BUFFER_DTS (key) / GST_MSECOND;
  g_autoptr (GstBuffer) old = receiver_take_buffer (receiver, RECEIVER_VIDEO);
  fail_unless_equals_int64 (GST_BUFFER_DTS (old) / GST_MSECOND - start, 40);
  gst_event_unref (receiver_take_event (receiver, RECEIVER_VIDEO,
      GST_EVENT_CAPS));
  g_autoptr (GstBuffer) other = wait_buffer (receiver, RECEIVER_VIDEO);
  fail_unless_equals_int64 (GST_BUFFER_DTS (other) / GST_MSECOND - start, 80);
  fail_unless (GST_BUFFER_FLAG_IS_SET (other, GST_BUFFER_FLAG_DISCONT));
  gst_event_unref (receiver_take_event (receiver, RECEIVER_VIDEO,
      GST_EVENT_EOS));
  gst_buffer_unref (wait_buffer (receiver, RECEIVER_AUDIO));
  g_autoptr (GstBuffer) sound = receiver_take_buffer (receiver, RECEIVER_AUDIO);
  fail_unless_equals_int64 (GST_BUFFER_DTS (sound) / GST_MSECOND - start, 21);
  gst_event_unref (receiver_take_event (receiver, RECEIVER_AUDIO,
      GST_EVENT_EOS));
}
GST_END_TEST;

/* Nobody takes the frames that were read together: the publisher is sent away,
 * and the operator is told. */
GST_START_TEST (read_together_for_nobody)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  g_object_set (receiver->element, "read-interval-ms", 100, NULL);
  g_atomic_int_set (&receiver->flow, GST_FLOW_ERROR);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 0, TRUE, 0);
  publisher_send_audio (publisher, 0);
  publisher_send_video (publisher, 40, FALSE, 0);

  gst_message_unref (receiver_take_message (receiver, GST_MESSAGE_ERROR));
  publisher_wait_end (publisher);
}
GST_END_TEST;

/* Viewers of low latency do not wait for an interval. */
GST_START_TEST (read_interval_with_low_latency)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  g_object_set (receiver->element, "read-interval-ms", 1000, "low-latency",
      TRUE, NULL);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 0, TRUE, 0);

  gst_buffer_unref (wait_buffer (receiver, RECEIVER_VIDEO));
  fail_unless_equals_uint64 (ask_latency (receiver), 0);
}
GST_END_TEST;

/* Sinks keep as long as they were told to: a publisher that is read in another way
 * than the one before has them asked again. */
GST_START_TEST (read_interval_changes)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 0, TRUE, 0);
  gst_buffer_unref (wait_buffer (receiver, RECEIVER_VIDEO));
  fail_unless_equals_uint64 (ask_latency (receiver), 0);
  g_object_set (receiver->element, "read-interval-ms", 50, NULL);
  /* Not in mid-stream. */
  fail_unless_equals_uint64 (ask_latency (receiver), 0);
  fail_if (receiver_has_message (receiver, GST_MESSAGE_LATENCY));
  g_clear_pointer (&publisher, publisher_free);
  receiver_wait_signal (receiver, "end ");
  publisher = open_av (receiver);
  g_autoptr (GstMessage) message =
      receiver_take_message (receiver, GST_MESSAGE_LATENCY);
  fail_unless (GST_MESSAGE_SRC (message) == GST_OBJECT (receiver->element));
  fail_unless_equals_uint64 (ask_latency (receiver), 50 * GST_MSECOND);
}
GST_END_TEST;

static Suite *
rtmpserversrc_streams_suite (void)
{
  Suite *suite = suite_create ("rtmpserversrc-streams");
  TCase *streams = tcase_create ("streams");

  tcase_add_test (streams, aggregate);
  tcase_add_test (streams, steps_back);
  tcase_add_test (streams, extended_time_stamps);
  tcase_add_test (streams, video_only);
  tcase_add_test (streams, long_gop);
  tcase_add_test (streams, nothing_in_it);
  tcase_add_test (streams, metadata_to_and_fro);
  tcase_add_test (streams, threads_of_many);
  tcase_add_test (streams, read_interval);
  tcase_add_test (streams, read_interval_changes);
  tcase_add_test (streams, read_together);
  tcase_add_test (streams, read_together_for_nobody);
  tcase_add_test (streams, read_interval_with_low_latency);
  suite_add_tcase (suite, streams);
  return suite;
}

GST_CHECK_MAIN (rtmpserversrc_streams);
