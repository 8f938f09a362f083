/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/*
 * Bad input: codecs that nobody takes, damaged media, strangers on the port,
 * and a process that has no descriptor left for any of them.
 */
#include "rtmpserversrc-test.h"

#include <poll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* ---- media ---- */

static gchar *
take_warning (Receiver *receiver)
{
  g_autoptr (GstMessage) message =
      receiver_take_message (receiver, GST_MESSAGE_WARNING);
  g_autoptr (GError) error = NULL;

  gst_message_parse_warning (message, &error, NULL);
  return g_strdup (error->message);
}

/* HEVC in the form of long ago, with nothing usable beside it: the encoder shows
 * why it was cut off, and the element waits for a better one. */
GST_START_TEST (unknown_codec_alone)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  publisher_send_metadata (publisher, "videocodecid", 12.0, NULL);
  publisher_send (publisher, MILL_RTMP_MESSAGE_VIDEO, 0, "1c00000000010203");

  g_autofree gchar *warning = take_warning (receiver);
  fail_unless (strstr (warning, "HEVC") != NULL, "%s", warning);
  publisher_wait_end (publisher);
  fail_unless_equals_string (publisher->code, "NetStream.Publish.Denied");
  fail_unless (strstr (publisher->description, "use Enhanced RTMP") != NULL);
  receiver_wait_signal (receiver, "end ");
  receiver_wait_state (receiver, "waiting");
  fail_if (receiver_has_message (receiver, GST_MESSAGE_ERROR));

  g_autoptr (Publisher) better = open_av (receiver);
  receiver_wait_signal (receiver, "pad video_0");
}
GST_END_TEST;

/* Speex beside H.264: the picture goes on, with one warning. */
GST_START_TEST (unknown_codec_beside_a_known_one)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");
  publisher_send (publisher, MILL_RTMP_MESSAGE_AUDIO, 0, "b2ffffb900");
  publisher_send (publisher, MILL_RTMP_MESSAGE_AUDIO, 20, "b2ffffb900");
  publisher_send_video_config (publisher, 0, AVCC_640x360);
  publisher_send_video (publisher, 0, TRUE, 0);

  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 0);
  receiver_wait_signal (receiver, "no-more-pads");
  g_autofree gchar *warning = take_warning (receiver);
  fail_unless (strstr (warning, "Speex") != NULL, "%s", warning);
  fail_if (receiver_has_message (receiver, GST_MESSAGE_WARNING));
}
GST_END_TEST;

/* A publisher that goes to and fro between a good and a broken configuration
 * does not fill the log: one warning, and media whenever it is good. */
GST_START_TEST (configuration_to_and_fro)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  receiver_wait_signal (receiver, "pad audio_0");
  for (guint i = 0; i < 20; i++) {
    publisher_send (publisher, MILL_RTMP_MESSAGE_VIDEO, 40 * i,
        "170000000001640028");
    publisher_send_video_config (publisher, 40 * i, AVCC_640x360);
    publisher_send_video (publisher, 40 * i, TRUE, 0);
  }

  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 0);
  while (receiver_take_dts (receiver, RECEIVER_VIDEO) < 40 * 19)
    ;
  g_autofree gchar *warning = take_warning (receiver);
  fail_if (receiver_has_message (receiver, GST_MESSAGE_WARNING));
}
GST_END_TEST;

/* Nor does one that changes its encoding with every frame cost the packager a
 * segment for each. */
GST_START_TEST (encoding_to_and_fro)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  receiver_wait_signal (receiver, "pad audio_0");
  for (guint i = 1; i <= 100; i++) {
    publisher_send_video_config (publisher, i,
        i % 2 ? AVCC_320x180 : AVCC_640x360);
    publisher_send_video (publisher, i, TRUE, 0);
  }
  publisher_send_audio (publisher, 200);
  /* the first frame came at 1 */
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_AUDIO), 199);

  guint64 frames = receiver_get_stat (receiver, "video-frames");
  fail_unless (frames >= 8 && frames < 60, "%" G_GUINT64_FORMAT, frames);
  g_autofree gchar *warning = take_warning (receiver);
  fail_unless (strstr (warning, "too often") != NULL, "%s", warning);
  fail_if (receiver_has_message (receiver,
      GST_MESSAGE_WARNING | GST_MESSAGE_ERROR));
}
GST_END_TEST;

/* Media messages cut short, empty, or with a broken configuration. */
GST_START_TEST (damaged_media)
{
  const gchar *const damaged[] = { "17", "1700", "17010000", "57", "27" };
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_open (receiver->address, "live", "cam");

  for (guint i = 0; i < G_N_ELEMENTS (damaged); i++) {
    publisher_send (publisher, MILL_RTMP_MESSAGE_VIDEO, 0, damaged[i]);
    publisher_send (publisher, MILL_RTMP_MESSAGE_AUDIO, 0, "af");
  }
  publisher_send_video (publisher, 0, TRUE, 0); /* before its configuration */
  publisher_send_video_config (publisher, 0, "0164");
  publisher_send_video_config (publisher, 0, AVCC_640x360);
  publisher_send_video (publisher, 7, TRUE, 0);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 0);
  g_autofree gchar *warning = take_warning (receiver);
  fail_unless (strstr (warning, "configuration") != NULL, "%s", warning);
}
GST_END_TEST;

/* ---- strangers ---- */

static void
wait_closed (gint fd)
{
  guint8 data[4096];
  gssize n;

  do {
    n = read (fd, data, sizeof data);
  } while (n > 0);
  close (fd);
}

/* A port scanner or a browser on the RTMP port disturbs nobody. */
GST_START_TEST (garbage)
{
  const gchar *const texts[] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" };
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher = open_av (receiver);
  publisher_send_video (publisher, 0, TRUE, 0);
  receiver_take_dts (receiver, RECEIVER_VIDEO);

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    gint fd = publisher_connect_raw (receiver->address);
    fail_unless (write (fd, texts[i], 10) == 10);
    wait_closed (fd);
  }
  publisher_send_video (publisher, 33, FALSE, 0);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), 33);
  fail_if (receiver_has_message (receiver,
      GST_MESSAGE_ERROR | GST_MESSAGE_WARNING));
}
GST_END_TEST;

/* Somebody who connects and says nothing does not stay. */
GST_START_TEST (silent_connection)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  g_object_set (receiver->element, "handshake-timeout-ms", 100, NULL);
  receiver_start (receiver, 0);
  wait_closed (publisher_connect_raw (receiver->address));
  fail_if (receiver_has_message (receiver,
      GST_MESSAGE_ERROR | GST_MESSAGE_WARNING));
}
GST_END_TEST;

/* ---- descriptors ---- */

/* Out of descriptors: the process neither spins nor forgets who waits. */
GST_START_TEST (no_descriptor_left)
{
  /* valgrind accepts, then closes what is over the limit: another test. */
  if (strstr (g_getenv ("LD_PRELOAD") ? g_getenv ("LD_PRELOAD") : "",
          "vgpreload"))
    return;
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  receiver_start (receiver, 0);
  struct rlimit limit;
  getrlimit (RLIMIT_NOFILE, &limit);
  gint next = dup (0);
  close (next);
  struct rlimit low = { next + 1, limit.rlim_max };
  setrlimit (RLIMIT_NOFILE, &low);
  gint fd = publisher_connect_raw (receiver->address);
  fail_unless_equals_int (fd, next);
  fail_unless (write (fd, "GET / HTTP/1.1", 14) == 14);

  clock_t start = clock ();
  struct pollfd item = { fd, POLLIN, 0 };
  fail_unless_equals_int (poll (&item, 1, 350), 0);
  fail_unless (clock () - start < CLOCKS_PER_SEC / 10);
  setrlimit (RLIMIT_NOFILE, &limit);
  wait_closed (fd);
}
GST_END_TEST;

/* Leaves @n descriptors to open. Returns: the limit that there was. */
static struct rlimit
limit_descriptors (gint n)
{
  struct rlimit limit;
  getrlimit (RLIMIT_NOFILE, &limit);
  gint next = dup (0);
  close (next);
  struct rlimit low = { next + n, limit.rlim_max };
  setrlimit (RLIMIT_NOFILE, &low);
  return limit;
}

/* A source that starts while publishers hold every descriptor takes its place
 * on a thread that runs, and its neighbours live on. */
GST_START_TEST (no_descriptor_for_a_thread)
{
  g_autoptr (Receiver) holder = receiver_new ("rtmp://127.0.0.1:0/live/a");
  receiver_start (holder, 0);
  g_autofree gchar *location =
      g_strdup_printf ("rtmp://%s/live/b", holder->address);
  g_autoptr (Receiver) late = receiver_new (location);
  struct rlimit limit = limit_descriptors (0);
  receiver_start (late, 0);
  setrlimit (RLIMIT_NOFILE, &limit);

  g_autoptr (Publisher) publisher =
      publisher_open (holder->address, "live", "b");
  publisher_send_video_config (publisher, 0, AVCC_640x360);
  publisher_send_video (publisher, 0, TRUE, 0);
  fail_unless_equals_int64 (receiver_take_dts (late, RECEIVER_VIDEO), 0);
}
GST_END_TEST;

/* The first of all has nothing to stand on, and says so. */
GST_START_TEST (no_descriptor_for_the_pool)
{
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);
  struct rlimit limit = limit_descriptors (1);
  GstStateChangeReturn ret =
      gst_element_set_state (receiver->element, GST_STATE_READY);
  setrlimit (RLIMIT_NOFILE, &limit);
  fail_unless_equals_int (ret, GST_STATE_CHANGE_FAILURE);
  gst_message_unref (receiver_take_message (receiver, GST_MESSAGE_ERROR));
  fail_if (receiver_has_message (receiver, GST_MESSAGE_ERROR));
  receiver_start (receiver, 0);
}
GST_END_TEST;

static Suite *
rtmpserversrc_input_suite (void)
{
  Suite *suite = suite_create ("rtmpserversrc-input");
  TCase *input_case = tcase_create ("input");

  suite_add_tcase (suite, input_case);
  tcase_add_test (input_case, unknown_codec_alone);
  tcase_add_test (input_case, unknown_codec_beside_a_known_one);
  tcase_add_test (input_case, configuration_to_and_fro);
  tcase_add_test (input_case, encoding_to_and_fro);
  tcase_add_test (input_case, damaged_media);
  tcase_add_test (input_case, garbage);
  tcase_add_test (input_case, silent_connection);
  tcase_add_test (input_case, no_descriptor_left);
  tcase_add_test (input_case, no_descriptor_for_the_pool);
  tcase_add_test (input_case, no_descriptor_for_a_thread);
  return suite;
}

GST_CHECK_MAIN (rtmpserversrc_input);
