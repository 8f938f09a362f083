/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/*
 * RTMPS: certificates that are renewed, broken or shared.
 */
#include "rtmpserversrc-tls-test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static gchar *
get_tls_text (Receiver *receiver, const gchar *field)
{
  g_autoptr (GstStructure) tls = NULL;

  g_object_get (receiver->element, "tls", &tls, NULL);
  fail_unless (tls != NULL);
  return g_strdup (gst_structure_get_string (tls, field));
}

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

static void
wait_tls_error (Receiver *receiver, const gchar *expected)
{
  gint64 deadline_us = g_get_monotonic_time () + DEADLINE_US;

  for (;;) {
    g_autofree gchar *error = get_tls_text (receiver, "error");
    if (g_str_equal (error, expected))
      return;
    fail_unless (g_get_monotonic_time () < deadline_us, "%s", error);
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

/* One of several certificates is on a disk that does not answer: the others are
 * renewed as ever, and whoever looks at this one is told. */
GST_START_TEST (a_file_that_hangs_stops_no_other)
{
  g_autoptr (TlsFiles) hung = tls_files_new ();
  g_autoptr (TlsFiles) files = tls_files_new ();
  g_autofree gchar *first = tls_files_make (hung, NULL);
  g_autofree gchar *second = tls_files_make (files, NULL);
  g_autofree gchar *fifo = g_build_filename (hung->directory, "fifo", NULL);
  g_autofree gchar *text = NULL;
  gsize size;
  g_autoptr (Receiver) waits =
      receiver_new_tls ("rtmps://127.0.0.1:0/live/cam", hung);
  g_autoptr (Receiver) other =
      receiver_new_tls ("rtmps://127.0.0.1:0/live/cam", files);

  receiver_start (waits, 0);
  receiver_start (other, 0);
  fail_unless (g_file_get_contents (hung->certificate, &text, &size, NULL));
  fail_unless (mkfifo (fifo, 0600) == 0);
  fail_unless (rename (fifo, hung->certificate) == 0);
  gint fd = wait_reader (hung->certificate);

  g_autofree gchar *renewed = tls_files_make (files, NULL);
  wait_fingerprint (other, renewed);
  wait_tls_error (waits, "its files do not answer");
  g_autofree gchar *again = tls_files_make (files, NULL);
  wait_fingerprint (other, again);
  g_autofree gchar *shown = get_tls_text (waits, "fingerprint");
  fail_unless_equals_string (shown, first);

  /* it answers */
  fail_unless_equals_int64 (write (fd, text, size), (gint64) size);
  fail_unless (g_file_set_contents (hung->certificate, text, (gssize) size,
      NULL));
  close (fd);
  wait_tls_error (waits, "");
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

static Suite *
rtmpserversrc_certificates_suite (void)
{
  Suite *suite = suite_create ("rtmpserversrc-certificates");
  TCase *certificates = tcase_create ("certificates");

  tcase_add_test (certificates, changed_files_are_followed);
  tcase_add_test (certificates, reading_files_holds_nobody_up);
  tcase_add_test (certificates, a_file_that_hangs_stops_no_other);
  tcase_add_test (certificates, broken_files_leave_what_works);
  tcase_add_test (certificates, broken_files_are_reported);
  tcase_add_test (certificates, unusable_settings);
  tcase_add_test (certificates, shared_address);
  suite_add_tcase (suite, certificates);
  return suite;
}

GST_CHECK_MAIN (rtmpserversrc_certificates);
