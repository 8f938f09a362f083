/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Readers of events who do not read, or too slowly. A fault here is a millraced
 * that one reader fills up. */
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "still-heartbeats.h"
#include "supervisor-events-test.h"

#define FULL_BYTES (60 * 1000)

/* What the sockets of readers take, who connect from now on, is some ten
 * kilobytes: an accepted socket has what its listener has, socket(7). */
static void
shrink_sockets (void)
{
  g_autoptr (GDir) files = g_dir_open ("/proc/self/fd", 0, NULL);
  gint size = 4096;
  gint listens;
  guint n_listeners = 0;

  for (const gchar *name; (name = g_dir_read_name (files));) {
    gint fd = atoi (name);
    socklen_t length = sizeof listens;
    if (getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &length) == 0 &&
        listens &&
        setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) == 0)
      n_listeners++;
  }
  g_assert_cmpuint (n_listeners, >, 0);
}

/* Until it has @size bytes. What is sent over loopback is there when the kernel
 * comes to it, which need not be before the call that sent it returns. */
static void
read_up_to (Reader *reader, gsize size)
{
  gint64 deadline_us = g_get_monotonic_time () + DEADLINE_US;

  while (reader->text->len < size) {
    if (g_get_monotonic_time () > deadline_us || reader->closed)
      g_error ("expected %zu bytes, got %zu", size, reader->text->len);
    g_main_context_iteration (NULL, FALSE);
    read_some (reader);
  }
}

/* What a reader gets for it: 1008 in the close frame of a
 * WebSocket, after which nothing comes (RFC 6455 §5.5.1), or the last event. */
static void
expect_last_words (Reader *reader, gboolean is_websocket)
{
  static const gchar close_frame[] = "\x88\x37\x03\xf0too slow: connect again "
                                     "with the id of the last event";
  static const gchar event[] =
      "event: overrun\ndata: {\"type\":\"overrun\",\"message\":\"too slow: "
      "connect again with the id of the last event\"}\n\n";
  gsize size = sizeof close_frame - 1;

  if (is_websocket) {
    wait_for (reader, close_frame);
    g_assert_cmpuint (reader->text->len, >, size);
    g_assert_cmpmem (reader->text->str + reader->text->len - size, size,
        close_frame, size);
  } else {
    wait_for (reader, NULL);
    g_assert_true (has (reader, event));
    /* the end of a body that is whole, RFC 9112 §7.1 */
    g_assert_true (g_str_has_suffix (reader->text->str, "\r\n0\r\n\r\n"));
  }
}

static void
add_text (Server *server, const gchar *text)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "message", "s", text);
  mill_event_log_add (get_log (server), "much.more",
      g_variant_dict_end (&dict));
}

/* It costs half a megabyte, then its connection. */
static void
test_slow_reader (void)
{
  g_autofree gchar *full = g_strnfill (FULL_BYTES, 'x');
  const gchar *const headers[] = { "", UPGRADE };

  for (guint i = 0; i < 2; i++) {
    g_autoptr (Server) server = server_new ();
    g_autoptr (Reader) slow = open_reader (server, "", headers[i]);
    g_autoptr (Reader) other = open_reader (server, "", "");
    /* more than two sockets hold */
    for (gsize event = 1; event <= 400; event++) {
      add_text (server, full);
      read_up_to (other, event * FULL_BYTES);
    }
    expect_last_words (slow, i == 1);
    g_assert_cmpuint (slow->text->len, <, 400 * FULL_BYTES);
    add (get_log (server), "last.one");
    wait_for (other, "event: last.one");
  }
}

/* One that takes a little now and then, less than what comes: what waits for it
 * is what it may lag behind, however much goes by. */
static void
test_trickling_reader (void)
{
  g_autofree gchar *text = g_strnfill (2000, 'x');
  const gchar *const headers[] = { "", UPGRADE };

  for (guint i = 0; i < 2; i++) {
    g_autoptr (Server) server = server_new ();
    /* the log is full before, and as large after */
    for (guint event = 0; event < 5000; event++)
      add_text (server, text);
    shrink_sockets ();
    g_autoptr (Reader) slow = open_reader (server, "", headers[i]);
    gsize before = mallinfo2 ().uordblks;
    gsize most = 0;
    for (guint round = 0; round < 100; round++) {
      for (guint event = 0; event < 32; event++)
        add_text (server, text);
      while (g_main_context_iteration (NULL, FALSE))
        ;
      most = MAX (most, mallinfo2 ().uordblks);
      if (round % 2 == 0 && !slow->closed)
        read_some (slow);
    }
    g_assert_cmpuint (most, <, before + 1024 * 1024);
    expect_last_words (slow, i == 1);
  }
}

/* One that reads on is no slow reader, however far back it begins. */
static void
test_long_catching_up (void)
{
  g_autofree gchar *text = g_strnfill (10 * 1000, 'x');
  const gchar *const headers[] = { "", UPGRADE };

  for (guint i = 0; i < 2; i++) {
    g_autoptr (Server) server = server_new ();
    add (get_log (server), "seen.one");
    for (guint event = 0; event < 400; event++)
      add_text (server, text);
    add (get_log (server), "newest.one");
    g_autofree gchar *id = mill_event_log_make_id (get_log (server), 1);
    g_autofree gchar *query = g_strdup_printf ("?last_event_id=%s", id);
    g_autoptr (Reader) reader = open_reader (server, query, headers[i]);
    wait_for (reader, "newest.one");
    g_assert_cmpuint (reader->text->len, >, 400 * 10 * 1000);
    g_assert_false (has (reader, "seen.one"));
    add (get_log (server), "live.one");
    wait_for (reader, "live.one");
  }
}

/* The server's end of a reader's connection. */
static gint
find_server_end (Reader *reader)
{
  g_autoptr (GDir) files = g_dir_open ("/proc/self/fd", 0, NULL);
  struct sockaddr_in ours;
  struct sockaddr_in peer;
  socklen_t length = sizeof ours;

  g_assert_cmpint (getsockname (g_socket_get_fd (reader->socket),
                       (struct sockaddr *) &ours, &length),
      ==, 0);
  for (const gchar *name; (name = g_dir_read_name (files));) {
    length = sizeof peer;
    if (getpeername (atoi (name), (struct sockaddr *) &peer, &length) == 0 &&
        peer.sin_family == AF_INET && peer.sin_port == ours.sin_port)
      return atoi (name);
  }
  g_assert_not_reached ();
}

static guint
count_unconfirmed (gint server_end)
{
  gint n = 0;

  g_assert_cmpint (ioctl (server_end, SIOCOUTQ, &n), ==, 0);
  return (guint) n;
}

/* Bytes that the server's end has ever taken. */
static guint64
count_taken (gint server_end)
{
  struct tcp_info info = { 0 };
  socklen_t length = sizeof info;

  g_assert_cmpint (getsockopt (server_end, IPPROTO_TCP, TCP_INFO, &info,
                       &length),
      ==, 0);
  return info.tcpi_bytes_acked + count_unconfirmed (server_end);
}

/* Until nothing is left to do, and the reader has all that it was given. */
static void
run_until_confirmed (gint server_end, Reader *reader)
{
  gint64 deadline_us = g_get_monotonic_time () + DEADLINE_US;
  gboolean has_run;

  do {
    has_run = g_main_context_iteration (NULL, FALSE);
    read_some (reader);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline_us);
  } while (has_run || count_unconfirmed (server_end) > 0);
}

/* Heartbeats, until there were six in which the stalled one's socket took nothing:
 * as long as the kernel moves something it is not stalled yet. */
static void
run_silent_heartbeats (gint stalled_end, gint other_end, Reader *other)
{
  gint64 deadline_us = g_get_monotonic_time () + DEADLINE_US;
  guint64 taken = 0;

  for (guint n_silent = 0; n_silent < 6;) {
    run_until_confirmed (other_end, other);
    n_silent = count_taken (stalled_end) == taken ? n_silent + 1 : 0;
    taken = count_taken (stalled_end);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline_us);
    run_heartbeats ();
  }
  run_until_confirmed (other_end, other);
}

/* One that reads nothing any more keeps its place for a minute, not for ever; one
 * that reads keeps it while nothing happens. */
static void
test_stalled_reader (void)
{
  g_autofree gchar *text = g_strnfill (FULL_BYTES, 'x');
  const gchar *const headers[] = { "", UPGRADE };

  for (guint i = 0; i < 2; i++) {
    g_autoptr (Server) server = server_new ();
    shrink_sockets ();
    g_autoptr (Reader) stalled = open_reader (server, "", headers[i]);
    g_autoptr (Reader) other = open_reader (server, "", headers[i]);
    const gint stalled_end = find_server_end (stalled);
    const gint other_end = find_server_end (other);
    /* more than its socket takes, and less than it may lag behind */
    for (gsize event = 1; event <= 8; event++) {
      add_text (server, text);
      read_up_to (other, event * FULL_BYTES);
    }
    run_silent_heartbeats (stalled_end, other_end, other);
    expect_last_words (stalled, i == 1);
    g_assert_false (other->closed);
    add (get_log (server), "last.one");
    wait_for (other, "last.one");
  }
}

gint
main (gint argc, gchar **argv)
{
  g_test_init (&argc, &argv, NULL);
  silence_libsoup ();
  g_test_add_func ("/events/slow-reader", test_slow_reader);
  g_test_add_func ("/events/trickling-reader", test_trickling_reader);
  g_test_add_func ("/events/long-catching-up", test_long_catching_up);
  g_test_add_func ("/events/stalled-reader", test_stalled_reader);
  return g_test_run ();
}
