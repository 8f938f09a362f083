/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* One connection of the origin, and the poller under it, in times that pass as
 * the test says. Were they wrong, players that wait for a part would be cut off
 * as slow when it comes, and answers would lose their end. */

#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "daemon/origin/http-connection.h"
#include "daemon/origin/origin-files.h"

#define WRITE_TIMEOUT_MS 10000
#define WRITE_TIMEOUT_US (WRITE_TIMEOUT_MS * (gint64) 1000)
#define DEADLINE_US (20 * G_USEC_PER_SEC)
#define CHUNK 1000

typedef struct
{
  gchar *media_dir;
  MillOriginFiles *files;
  MillHttpShared shared;
  guint64 sent;
  guint64 slow_ended;
  MillHttpConnection *connection;
  MillHttpExchange *exchange; /* (nullable): held, or in chunks */
  gboolean is_closed;
  gint client;
} Fixture;

/* What is not confirmed is what this one has not read: TCP confirms it, and
 * AF_UNIX counts the kernel's own bytes with it. */
static gint reader = -1;

int
ioctl (int fd, unsigned long request, ...)
{
  va_list arguments;
  void *argument;

  va_start (arguments, request);
  argument = va_arg (arguments, void *);
  va_end (arguments);
  return request == SIOCOUTQ ? syscall (SYS_ioctl, reader, FIONREAD, argument)
                             : syscall (SYS_ioctl, fd, request, argument);
}

static void
on_gone (MillHttpExchange *exchange, gpointer user_data)
{
  ((Fixture *) user_data)->exchange = NULL;
}

static const MillHttpExchangeFuncs funcs = { .gone = on_gone };

static void
on_request (MillHttpExchange *exchange, gpointer user_data)
{
  Fixture *self = user_data;

  mill_http_exchange_set_status (exchange, 200);
  mill_http_exchange_hold (exchange, &funcs, self);
  self->exchange = exchange;
}

static void
on_ended (MillHttpExchange *exchange, gpointer user_data)
{
}

static void
on_closed (MillHttpConnection *connection, gpointer user_data)
{
  ((Fixture *) user_data)->is_closed = TRUE;
}

static void
on_turn (gpointer user_data)
{
}

static void
write_file (Fixture *self)
{
  g_autofree gchar *directory =
      g_build_filename (self->media_dir, "demo", NULL);
  g_autofree gchar *path = g_build_filename (directory, "x.m4s", NULL);
  g_autofree gchar *text = g_strnfill (10 * CHUNK, 'x');

  g_assert_cmpint (g_mkdir (directory, 0755), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
set_up (Fixture *self, gconstpointer data)
{
  gint ends[2];

  self->media_dir = g_dir_make_tmp ("mill-connection-XXXXXX", NULL);
  write_file (self);
  self->files = mill_origin_files_new (self->media_dir);
  self->shared = (MillHttpShared){
    .poller = mill_origin_poller_new (on_turn, NULL),
    .head_timeout_ms = WRITE_TIMEOUT_MS,
    .write_timeout_ms = WRITE_TIMEOUT_MS,
    .sent = &self->sent,
    .slow_ended = &self->slow_ended,
    .request = on_request,
    .ended = on_ended,
    .closed = on_closed,
    .user_data = self,
  };
  mill_http_connection_init_shared (&self->shared);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends),
      ==, 0);
  self->client = reader = ends[0];
  self->connection = mill_http_connection_new (ends[1], &self->shared, NULL);
  g_assert_nonnull (self->connection);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_autofree gchar *directory =
      g_build_filename (self->media_dir, "demo", NULL);
  g_autofree gchar *path = g_build_filename (directory, "x.m4s", NULL);

  mill_http_connection_end (self->connection);
  g_assert_true (self->is_closed);
  mill_http_connection_free (self->connection);
  mill_origin_poller_free (self->shared.poller);
  mill_http_connection_clear_shared (&self->shared);
  mill_origin_files_free (self->files);
  close (self->client);
  g_remove (path);
  g_rmdir (directory);
  g_rmdir (self->media_dir);
  g_free (self->media_dir);
}

static void
ask (Fixture *self)
{
  static const gchar request[] = "GET /x HTTP/1.1\r\nHost: t\r\n\r\n";
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  g_assert_cmpint (write (self->client, request, strlen (request)), >, 0);
  while (self->exchange == NULL) {
    g_main_context_iteration (NULL, FALSE);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
}

static void
read_all (Fixture *self)
{
  gchar block[4096];

  while (read (self->client, block, sizeof (block)) > 0)
    ;
}

/* Returns: a time after every one that was noted so far, µs */
static gint64
pass_time (void)
{
  gint64 before = g_get_monotonic_time ();
  gint64 now;

  while ((now = g_get_monotonic_time ()) <= before)
    ;
  return now;
}

static void
send_chunk (Fixture *self)
{
  MillOriginFile *file = mill_origin_files_get (self->files, "demo", "x.m4s");

  g_assert_nonnull (file);
  g_assert_true (mill_http_exchange_send_chunk (self->exchange, file, 0,
      CHUNK));
  mill_origin_files_release (file);
}

/* ---- chunks ---- */

/* Whoever waited for the first part, or for a later one, has its whole time to
 * take it, however little there was before. */
static void
test_waits_for_us (Fixture *self, gconstpointer data)
{
  ask (self);
  for (guint i = 0; i < 3; i++) {
    gint64 begun = pass_time ();
    if (i == 0)
      g_assert_true (mill_http_exchange_begin_chunks (self->exchange));
    send_chunk (self);
    mill_http_connection_check (self->connection, begun + WRITE_TIMEOUT_US - 1);
    g_assert_false (self->is_closed);
    read_all (self);
  }
  g_assert_cmpuint (self->slow_ended, ==, 0);
}

/* And is ended if it does not. */
static void
test_takes_none (Fixture *self, gconstpointer data)
{
  ask (self);
  g_assert_true (mill_http_exchange_begin_chunks (self->exchange));
  send_chunk (self);
  gint64 sent = pass_time ();
  mill_http_connection_check (self->connection, sent + WRITE_TIMEOUT_US);
  g_assert_true (self->is_closed);
  g_assert_cmpuint (self->slow_ended, ==, 1);
}

/* Also where the next chunks come all the time. */
static void
test_takes_none_of_many (Fixture *self, gconstpointer data)
{
  gint64 first;

  ask (self);
  g_assert_true (mill_http_exchange_begin_chunks (self->exchange));
  send_chunk (self);
  first = pass_time ();
  send_chunk (self);
  mill_http_connection_check (self->connection, first + WRITE_TIMEOUT_US);
  g_assert_true (self->is_closed);
  g_assert_cmpuint (self->slow_ended, ==, 1);
}

/* ---- the poller ---- */

static guint n_calls;

static void
on_ready (MillOriginWatch *watch)
{
  n_calls++;
}

/* What was removed is not told of any more, also while another process has a
 * descriptor of the same socket. */
static void
test_removed (void)
{
  MillOriginPoller *poller = mill_origin_poller_new (on_turn, NULL);
  MillOriginWatch watch = { .func = on_ready };
  gint old[2];
  gint new[2];
  gint copy;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, old),
      ==, 0);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, new),
      ==, 0);
  watch.fd = old[1];
  g_assert_true (mill_origin_poller_add (poller, &watch));
  copy = dup (old[1]);
  mill_origin_poller_remove (poller, &watch);
  close (old[1]);
  /* The memory of a connection is another's soon. */
  watch = (MillOriginWatch){ .fd = new[1], .func = on_ready };
  g_assert_true (mill_origin_poller_add (poller, &watch));
  while (g_main_context_iteration (NULL, FALSE))
    ;
  n_calls = 0;
  g_assert_cmpint (write (old[0], "x", 1), ==, 1);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (n_calls, ==, 0);
  g_assert_cmpint (write (new[0], "x", 1), ==, 1);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (n_calls, ==, 1);
  mill_origin_poller_remove (poller, &watch);
  mill_origin_poller_free (poller);
  close (copy);
  close (old[0]);
  close (new[0]);
  close (new[1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                \
  g_test_add ("/origin/connection/" name, Fixture, NULL, set_up, func, \
      tear_down)
  ADD ("waits-for-us", test_waits_for_us);
  ADD ("takes-none", test_takes_none);
  ADD ("takes-none-of-many", test_takes_none_of_many);
  g_test_add_func ("/origin/poller/removed", test_removed);
  return g_test_run ();
}
