/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/*
 * RTMPS: publishers by TLS, what is not TLS on its port, and certificates that
 * are renewed, broken or shared.
 */
#include "rtmp-publisher.h"
#include "rtmp-receiver.h"
#include "tls-files.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCATION "rtmps://127.0.0.1:0/live/*"
#define DEADLINE_US (20 * G_USEC_PER_SEC)

static Receiver *
receiver_new_tls (const gchar *location, TlsFiles *files)
{
  Receiver *receiver = receiver_new (location);

  g_object_set (receiver->element, "tls-certificate", files->certificate,
      "tls-key", files->key, NULL);
  return receiver;
}

static gchar *
get_tls_text (Receiver *receiver, const gchar *field)
{
  g_autoptr (GstStructure) tls = NULL;

  g_object_get (receiver->element, "tls", &tls, NULL);
  fail_unless (tls != NULL);
  return g_strdup (gst_structure_get_string (tls, field));
}

static void
expect_media (Receiver *receiver, Publisher *publisher, guint32 ts)
{
  publisher_send_video (publisher, ts, TRUE, 0);
  fail_unless_equals_int64 (receiver_take_dts (receiver, RECEIVER_VIDEO), ts);
}

static Publisher *
open_video (Receiver *receiver, const gchar *name, gint version)
{
  Publisher *publisher =
      publisher_new_tls (receiver->address, "live", name, version);

  fail_unless (publisher_wait (publisher), "%s: %s", publisher->code,
      publisher->description);
  publisher_send_video_config (publisher, 0, AVCC_640x360);
  return publisher;
}

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

/* ---- certificates ---- */

/* What is in use is all there is to look at. */
static void
wait_fingerprint (Receiver *receiver, const gchar *fingerprint)
{
  gint64 deadline_us = g_get_monotonic_time () + DEADLINE_US;

  for (;;) {
    g_autofree gchar *shown = get_tls_text (receiver, "fingerprint");
    if (g_str_equal (shown, fingerprint))
      return;
    fail_unless (g_get_monotonic_time () < deadline_us);
    g_usleep (10 * G_TIME_SPAN_MILLISECOND);
  }
}

/* Publishers on the old one stay, those that come see the new one: also the first
 * of them, for whom nobody has come before. */
GST_START_TEST (changed_files_are_followed)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_autofree gchar *old = tls_files_make (files, NULL);
  g_autoptr (Receiver) receiver =
      receiver_new_tls ("rtmps://127.0.0.1:0/live/cam", files);

  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      open_video (receiver, "cam", TLS1_3_VERSION);
  fail_unless_equals_string (publisher->fingerprint, old);
  expect_media (receiver, publisher, 0);

  g_autofree gchar *renewed = tls_files_make (files, NULL);
  wait_fingerprint (receiver, renewed);
  g_autoptr (Publisher) late =
      publisher_new_tls (receiver->address, "live", "dog", TLS1_3_VERSION);
  fail_unless_equals_string (late->fingerprint, renewed);
  expect_media (receiver, publisher, 40);
}
GST_END_TEST;

/* Until somebody is about to read from @fifo. Returns: its other end */
static gint
wait_reader (const gchar *fifo)
{
  gint64 deadline_us = g_get_monotonic_time () + DEADLINE_US;
  gint fd;

  while ((fd = open (fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC)) < 0) {
    fail_unless (errno == ENXIO, "%s", g_strerror (errno));
    fail_unless (g_get_monotonic_time () < deadline_us, "nobody reads");
    g_usleep (10 * G_TIME_SPAN_MILLISECOND);
  }
  return fd;
}

/* A disk that does not answer: whoever reads the certificate waits for it, and
 * neither the publishers do that are there nor those that come. */
GST_START_TEST (reading_files_holds_nobody_up)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_autoptr (TlsFiles) renewed = tls_files_new ();
  g_autofree gchar *old = tls_files_make (files, NULL);
  g_autofree gchar *fingerprint = tls_files_make (renewed, NULL);
  g_autofree gchar *fifo = g_build_filename (files->directory, "fifo", NULL);
  g_autofree gchar *text = NULL;
  gsize size;
  g_autoptr (Receiver) receiver =
      receiver_new_tls ("rtmps://127.0.0.1:0/live/cam", files);

  receiver_start (receiver, 0);
  g_autoptr (Publisher) publisher =
      open_video (receiver, "cam", TLS1_3_VERSION);
  expect_media (receiver, publisher, 0);
  fail_unless (g_file_get_contents (renewed->certificate, &text, &size, NULL));
  fail_unless (mkfifo (fifo, 0600) == 0);
  fail_unless (rename (fifo, files->certificate) == 0);
  fail_unless (rename (renewed->key, files->key) == 0);
  gint fd = wait_reader (files->certificate);

  for (guint32 ts = 40; ts <= 200; ts += 40) {
    g_autoptr (Publisher) late =
        publisher_new_tls (receiver->address, "live", "dog", TLS1_3_VERSION);
    fail_unless_equals_string (late->fingerprint, old);
    expect_media (receiver, publisher, ts);
  }
  /* from now on a file again: what is read of it is read to the end */
  fail_unless (rename (renewed->certificate, files->certificate) == 0);
  fail_unless_equals_int64 (write (fd, text, size), (gint64) size);
  close (fd);
  wait_fingerprint (receiver, fingerprint);
  expect_media (receiver, publisher, 240);
}
GST_END_TEST;

static gboolean
reload (Receiver *receiver)
{
  gboolean is_used = FALSE;

  g_signal_emit_by_name (receiver->element, "reload-tls", &is_used);
  return is_used;
}

/* A renewal that went wrong must not take the port down. */
GST_START_TEST (broken_files_leave_what_works)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_autofree gchar *good = tls_files_make (files, NULL);
  g_autoptr (Receiver) receiver = receiver_new_tls (LOCATION, files);
  g_autoptr (GError) error = NULL;

  receiver_start (receiver, 0);
  g_free (tls_files_write (files, "cert.pem", "nothing of use\n"));
  fail_if (reload (receiver));
  g_autoptr (GstMessage) message =
      receiver_take_message (receiver, GST_MESSAGE_WARNING);
  gst_message_parse_warning (message, &error, NULL);
  fail_unless (strstr (error->message, files->certificate) != NULL);
  fail_unless (strstr (error->message, "BEGIN CERTIFICATE") != NULL);
  g_autoptr (Publisher) publisher =
      open_video (receiver, "cam", TLS1_3_VERSION);
  fail_unless_equals_string (publisher->fingerprint, good);

  g_autofree gchar *renewed = tls_files_make (files, NULL);
  fail_unless (reload (receiver));
  g_autoptr (Publisher) late =
      publisher_new_tls (receiver->address, "live", "cam", TLS1_3_VERSION);
  fail_unless_equals_string (late->fingerprint, renewed);
  expect_media (receiver, publisher, 0);
}
GST_END_TEST;

/* Also when nobody asked for the reload: `tls` says what is wrong. */
GST_START_TEST (broken_files_are_reported)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_autofree gchar *good = tls_files_make (files, NULL);
  g_autoptr (Receiver) receiver = receiver_new_tls (LOCATION, files);
  gint64 deadline_us = g_get_monotonic_time () + DEADLINE_US;
  g_autofree gchar *error = NULL;

  receiver_start (receiver, 0);
  error = get_tls_text (receiver, "error");
  fail_unless_equals_string (error, "");
  g_free (tls_files_write (files, "key.pem", "nothing of use\n"));
  while (*error == '\0') {
    fail_unless (g_get_monotonic_time () < deadline_us);
    g_usleep (10 * G_TIME_SPAN_MILLISECOND);
    g_free (error);
    error = get_tls_text (receiver, "error");
  }
  g_autoptr (Publisher) publisher =
      publisher_new_tls (receiver->address, "live", "cam", TLS1_3_VERSION);
  fail_unless_equals_string (publisher->fingerprint, good);
  fail_unless (strstr (error, files->key) != NULL, "%s", error);
}
GST_END_TEST;

static void
expect_error (Receiver *receiver, const gchar *text)
{
  g_autoptr (GError) error = NULL;

  fail_unless_equals_int (gst_element_set_state (receiver->element,
                              GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  g_autoptr (GstMessage) message =
      receiver_take_message (receiver, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_SETTINGS));
  fail_unless (strstr (error->message, text) != NULL, "%s", error->message);
  gst_element_set_state (receiver->element, GST_STATE_NULL);
}

GST_START_TEST (unusable_settings)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_autoptr (TlsFiles) others = tls_files_new ();
  g_free (tls_files_make (files, NULL));
  g_free (tls_files_make (others, NULL));
  g_autoptr (Receiver) receiver = receiver_new (LOCATION);

  expect_error (receiver, "tls-certificate");
  g_object_set (receiver->element, "tls-certificate", "/nowhere/cert.pem",
      NULL);
  expect_error (receiver, "/nowhere/cert.pem");
  g_object_set (receiver->element, "tls-certificate", files->certificate,
      "tls-key", others->key, NULL);
  expect_error (receiver, others->key);
  /* any address: the error is not that of its fallback to IPv4 */
  g_object_set (receiver->element, "location", "rtmps://*:0/live/*", NULL);
  expect_error (receiver, others->key);
  g_object_set (receiver->element, "tls-key", files->key, NULL);
  receiver_start (receiver, 0);
}
GST_END_TEST;

/* One address, one certificate: the second source is told when it has another. */
GST_START_TEST (shared_address)
{
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_autoptr (TlsFiles) others = tls_files_new ();
  g_free (tls_files_make (files, NULL));
  g_free (tls_files_make (others, NULL));
  g_autoptr (Receiver) first = receiver_new_tls (LOCATION, files);

  receiver_start (first, 0);
  g_autofree gchar *plain = g_strdup_printf ("rtmp://%s/*", first->address);
  g_autofree gchar *secure = g_strdup_printf ("rtmps://%s/b", first->address);
  g_autoptr (Receiver) unsafe = receiver_new (plain);
  expect_error (unsafe, "rtmps:// already");
  g_autoptr (Receiver) other = receiver_new_tls (secure, others);
  expect_error (other, others->certificate);
  g_autoptr (Receiver) same = receiver_new_tls (secure, files);
  receiver_start (same, 0);
  g_autoptr (Receiver) without = receiver_new (secure);
  receiver_start (without, 0);
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
  TCase *certificates = tcase_create ("certificates");

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
  tcase_add_test (certificates, changed_files_are_followed);
  tcase_add_test (certificates, reading_files_holds_nobody_up);
  tcase_add_test (certificates, broken_files_leave_what_works);
  tcase_add_test (certificates, broken_files_are_reported);
  tcase_add_test (certificates, unusable_settings);
  tcase_add_test (certificates, shared_address);
  suite_add_tcase (suite, certificates);
  return suite;
}

GST_CHECK_MAIN (rtmpserversrc_tls);
