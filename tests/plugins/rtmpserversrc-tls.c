/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/*
 * RTMPS: publishers by TLS, and what is not TLS on its port.
 */
#include "rtmpserversrc-tls-test.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- publishing ---- */

static void
on_authorize (GstElement *element, GstStructure *request, GstPromise *reply,
    gpointer user_data)
{
  gint *saw_tls = user_data;
  gboolean tls = FALSE;

  gst_structure_get_boolean (request, "tls", &tls);
  g_atomic_int_set (saw_tls, tls);
  gst_promise_reply (reply,
      gst_structure_new ("reply", "accept", G_TYPE_BOOLEAN, TRUE, NULL));
}

/* OBS and ffmpeg take what their library has: both versions must do. */
GST_START_TEST (publishes_by_both_versions)
{
  static const gint versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_autofree gchar *fingerprint = tls_files_make (files, NULL);
  g_autoptr (Receiver) receiver = receiver_new_tls (LOCATION, files);
  gint saw_tls = -1;

  g_object_set (receiver->element, "reconnect-timeout-ms", 20000, NULL);
  g_signal_connect (receiver->element, "authorize", G_CALLBACK (on_authorize),
      &saw_tls);
  receiver_start (receiver, 0);
  for (guint i = 0; i < G_N_ELEMENTS (versions); i++) {
    g_autoptr (Publisher) publisher = open_video (receiver, "cam", versions[i]);
    fail_unless_equals_int (g_atomic_int_get (&saw_tls), TRUE);
    fail_unless_equals_string (publisher->fingerprint, fingerprint);
    fail_unless_equals_int (SSL_version (publisher->ssl), versions[i]);
    publisher_send_video (publisher, 0, TRUE, 0);
    receiver_take_dts (receiver, RECEIVER_VIDEO);
    publisher_unpublish (publisher);
    publisher_wait_end (publisher);
    /* not cut off, so that it can tell an end from an attack */
    fail_unless (SSL_get_shutdown (publisher->ssl) & SSL_RECEIVED_SHUTDOWN);
    receiver_wait_signal (receiver, "end");
  }
}
GST_END_TEST;

GST_START_TEST (old_version_is_refused)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_free (tls_files_make (files, NULL));
  g_autoptr (Receiver) receiver = receiver_new_tls (LOCATION, files);

  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_new_tls (receiver->address, "live", "cam", TLS1_1_VERSION);
  fail_unless (publisher->closed);
}
GST_END_TEST;

/* In hexadecimal: a keyframe of @size bytes after the five of its tag's head. Made
 * without a call per byte, which takes longer than a publisher may be silent where
 * every allocation is looked at. */
static gchar *
make_large_frame (gsize size)
{
  static const gchar digits[] = "0123456789abcdef";
  g_autofree gchar *head = g_strdup_printf ("1701000000%08x65", (guint) size);
  gsize n_head = strlen (head);
  gchar *hex = g_malloc (n_head + 2 * size);

  memcpy (hex, head, n_head);
  for (gsize i = 1; i < size; i++) {
    guint byte = (guint) (i * 7 % 251);
    hex[n_head + 2 * (i - 1)] = digits[byte >> 4];
    hex[n_head + 2 * (i - 1) + 1] = digits[byte & 15];
  }
  hex[n_head + 2 * (size - 1)] = '\0';
  return hex;
}

/* A keyframe of many records, more than one turn of the loop takes: no byte may
 * wait in the TLS for one that does not come. */
GST_START_TEST (large_frames_arrive_whole)
{
  const gsize size = 700 * 1000;
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_free (tls_files_make (files, NULL));
  g_autoptr (Receiver) receiver = receiver_new_tls (LOCATION, files);

  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      open_video (receiver, "cam", TLS1_3_VERSION);
  expect_media (receiver, publisher, 0);
  g_autofree gchar *hex = make_large_frame (size);
  publisher_send (publisher, MILL_RTMP_MESSAGE_VIDEO, 40, hex);

  g_autoptr (GstBuffer) buffer =
      receiver_take_buffer (receiver, RECEIVER_VIDEO);
  fail_unless_equals_uint64 (gst_buffer_get_size (buffer), size + 4);
  guint8 last;
  gst_buffer_extract (buffer, size + 3, &last, 1);
  fail_unless_equals_int (last, (size - 1) * 7 % 251);
}
GST_END_TEST;

/* The reason is what the user of an encoder has. */
GST_START_TEST (refusal_is_read)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_free (tls_files_make (files, NULL));
  g_autoptr (Receiver) receiver = receiver_new_tls (LOCATION, files);

  receiver_start (receiver, 0);
  g_autoptr (Publisher) holder = open_video (receiver, "cam", TLS1_3_VERSION);
  g_autoptr (Publisher) late =
      publisher_new_tls (receiver->address, "live", "cam", TLS1_3_VERSION);
  fail_if (publisher_wait (late));
  fail_unless_equals_string (late->code, "NetStream.Publish.BadName");
  expect_media (receiver, holder, 0);
}
GST_END_TEST;

/* Returns: turns of the pool's one thread. @ret_connections: that it has */
static guint64
count_turns (Receiver *receiver, guint *ret_connections)
{
  g_autoptr (GstStructure) description = NULL;
  guint64 turns = 0;

  g_object_get (receiver->element, "threads", &description, NULL);
  const GValue *threads = gst_structure_get_value (description, "threads");
  const GstStructure *thread =
      gst_value_get_structure (gst_value_array_get_value (threads, 0));
  gst_structure_get_uint64 (thread, "turns", &turns);
  gst_structure_get_uint (thread, "connections", ret_connections);
  return turns;
}

/* Its last word and the end of its TLS come together, its socket stays open: for
 * the two seconds that it is given, the others have the processor. */
GST_START_TEST (end_without_close)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_free (tls_files_make (files, NULL));
  g_autoptr (Receiver) receiver = receiver_new_tls (LOCATION, files);
  gint64 deadline_us = g_get_monotonic_time () + DEADLINE_US;
  guint n_connections = 0;
  gint one = 1;
  gint zero = 0;

  g_object_set (receiver->element, "reconnect-timeout-ms", 20000, NULL);
  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      open_video (receiver, "cam", TLS1_3_VERSION);
  expect_media (receiver, publisher, 0);
  guint64 before = count_turns (receiver, &n_connections);
  fail_unless_equals_int (n_connections, 1);
  setsockopt (publisher->fd, IPPROTO_TCP, TCP_CORK, &one, sizeof one);
  publisher_unpublish (publisher);
  SSL_shutdown (publisher->ssl);
  setsockopt (publisher->fd, IPPROTO_TCP, TCP_CORK, &zero, sizeof zero);
  receiver_wait_signal (receiver, "end");
  while (n_connections > 0) {
    fail_unless (g_get_monotonic_time () < deadline_us);
    g_usleep (10 * G_TIME_SPAN_MILLISECOND);
    count_turns (receiver, &n_connections);
  }
  fail_unless (count_turns (receiver, &n_connections) - before < 1000);
}
GST_END_TEST;

/* ---- what is not TLS ---- */

/* Until the other side closes. */
static void
expect_close (gint fd)
{
  struct timeval deadline = { .tv_sec = 20 };
  guint8 data[512];
  gssize n;

  setsockopt (fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
  do
    n = recv (fd, data, sizeof data, 0);
  while (n > 0);
  fail_unless (n == 0 || errno == ECONNRESET, "%s", g_strerror (errno));
  close (fd);
}

/* Sends and waits for the end. */
static void
expect_rejection (Receiver *receiver, const guint8 *data, gsize size)
{
  gint fd = publisher_connect_raw (receiver->address);

  fail_unless_equals_int64 (send (fd, data, size, MSG_NOSIGNAL), (gint64) size);
  expect_close (fd);
}

/* Sent to the wrong port: closed at once, and the port serves on. */
GST_START_TEST (other_protocols_are_closed)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_free (tls_files_make (files, NULL));
  g_autoptr (Receiver) receiver = receiver_new_tls (LOCATION, files);
  static const guint8 garbage[64] = { 22, 3, 1, 255, 255, 9, 9, 9 };
  guint8 rtmp[1537] = { 3 };

  receiver_start (receiver, 0);
  expect_rejection (receiver, rtmp, sizeof rtmp);
  expect_rejection (receiver, (const guint8 *) "GET / HTTP/1.1\r\n\r\n", 18);
  expect_rejection (receiver, (const guint8 *) "\0\0\0\0", 4);
  expect_rejection (receiver, garbage, sizeof garbage);
  g_autoptr (Publisher) plain =
      publisher_new (receiver->address, "live", "cam");
  fail_unless (plain->closed);
  g_autoptr (Publisher) publisher =
      open_video (receiver, "cam", TLS1_3_VERSION);
  expect_media (receiver, publisher, 0);
}
GST_END_TEST;

/* And the other way round. */
GST_START_TEST (tls_on_a_plain_port_is_closed)
{
  g_autoptr (Receiver) receiver = receiver_new ("rtmp://127.0.0.1:0/live/*");

  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      publisher_new_tls (receiver->address, "live", "cam", TLS1_3_VERSION);
  fail_unless (publisher->closed);
}
GST_END_TEST;

/* Half-open connections of every kind go by the one time-out. */
GST_START_TEST (handshakes_have_a_time_out)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_free (tls_files_make (files, NULL));
  g_autoptr (Receiver) receiver = receiver_new_tls (LOCATION, files);
  /* the beginning of a ClientHello of 512 bytes */
  static const guint8 hello[] = { 22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3 };

  g_object_set (receiver->element, "handshake-timeout-ms", 200, NULL);
  receiver_start (receiver, 0);
  gint silent = publisher_connect_raw (receiver->address);
  gint half = publisher_connect_raw (receiver->address);
  fail_unless (send (half, hello, sizeof hello, MSG_NOSIGNAL) > 0);
  g_autoptr (Publisher) mute = publisher_new_silent_tls (receiver->address);
  expect_close (silent);
  expect_close (half);
  publisher_wait_end (mute);
}
GST_END_TEST;

/* Whoever only begins handshakes is bounded, by address; who publishes stays. */
GST_START_TEST (handshakes_are_bounded)
{
  const guint n = 40;
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_free (tls_files_make (files, NULL));
  g_autoptr (Receiver) receiver = receiver_new_tls (LOCATION, files);
  gint fds[40];
  guint64 n_came = 0;
  guint64 n_refused = 0;
  guint n_pending = 0;

  g_object_set (receiver->element, "max-tls-handshakes-per-address", 1, NULL);
  receiver_start (receiver, 0);
  gint64 began_us = g_get_monotonic_time ();
  g_autoptr (Publisher) publisher =
      open_video (receiver, "cam", TLS1_3_VERSION);
  for (guint i = 0; i < n; i++)
    fds[i] = publisher_connect_raw (receiver->address);
  while (n_came < n + 1) {
    g_autoptr (GstStructure) stats = NULL;
    g_object_get (receiver->element, "listener-stats", &stats, NULL);
    gst_structure_get_uint64 (stats, "connections", &n_came);
    gst_structure_get_uint64 (stats, "closed-tls-handshakes", &n_refused);
    gst_structure_get_uint (stats, "pending", &n_pending);
    fail_unless (g_get_monotonic_time () < began_us + DEADLINE_US);
    g_usleep (10 * G_TIME_SPAN_MILLISECOND);
  }
  /* ten at once, one more for each second that has begun */
  guint most = 11 +
      (guint) ((g_get_monotonic_time () - began_us) / G_USEC_PER_SEC);
  fail_unless_equals_uint64 (n_pending + n_refused, n);
  fail_unless (n_pending >= 9 && n_pending < most, "%u of %u", n_pending, most);
  expect_media (receiver, publisher, 0);
  for (guint i = 0; i < n; i++)
    close (fds[i]);
}
GST_END_TEST;

static Suite *
rtmpserversrc_tls_suite (void)
{
  Suite *suite = suite_create ("rtmpserversrc-tls");
  TCase *publishing = tcase_create ("publishing");
  TCase *strangers = tcase_create ("strangers");

  tcase_add_test (publishing, publishes_by_both_versions);
  tcase_add_test (publishing, old_version_is_refused);
  tcase_add_test (publishing, large_frames_arrive_whole);
  tcase_add_test (publishing, refusal_is_read);
  tcase_add_test (publishing, end_without_close);
  suite_add_tcase (suite, publishing);
  tcase_add_test (strangers, other_protocols_are_closed);
  tcase_add_test (strangers, tls_on_a_plain_port_is_closed);
  tcase_add_test (strangers, handshakes_have_a_time_out);
  tcase_add_test (strangers, handshakes_are_bounded);
  suite_add_tcase (suite, strangers);
  return suite;
}

GST_CHECK_MAIN (rtmpserversrc_tls);
