/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The origin's connections. Were it wrong, one slow client would cost memory
 * without bound, or those that say nothing would keep everybody else out. */

#include "origin-memory.h"
#include "origin-test.h"

static gint
open_sockets (Fixture *fixture)
{
  MillOriginCounts counts;

  mill_origin_server_get_counts (fixture->server, &counts);
  return counts.open_connections;
}

static void
turn_until (Fixture *fixture, gint n_open)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  while (open_sockets (fixture) != n_open) {
    g_main_context_iteration (NULL, TRUE);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
}

/* Clients that ask for 24 MB and take nothing: they cost blocks, not files. */
static void
test_slow_clients (Fixture *fixture, gconstpointer data)
{
  static const gchar request[] =
      "GET /stream/demo/v360/3-15.m4s HTTP/1.1\r\nHost: test\r\n\r\n";
  g_autoptr (GPtrArray) clients =
      g_ptr_array_new_with_free_func (g_object_unref);
  MillOriginCounts counts = { 0 };
  guint64 before;
  guint64 after;

  write_big (fixture);
  before = get_memory ();
  for (guint i = 0; i < 20; i++) {
    GSocketConnection *client = connect_to (fixture->address);

    g_ptr_array_add (clients, client);
    g_assert_cmpint (g_socket_send (g_socket_connection_get_socket (client),
                         request, strlen (request), NULL, NULL),
        ==, (gssize) strlen (request));
    g_main_context_iteration (NULL, FALSE);
  }
  turn_until (fixture, 20);
  do {
    g_main_context_iteration (NULL, TRUE);
    mill_origin_server_get_counts (fixture->server, &counts);
  } while (counts.in_flight < 20);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  /* 20 times 24 MB would be 480 MB. */
  after = get_memory ();
  g_assert_cmpuint (after - MIN (before, after), <, 40 * 1024 * 1024);
  g_ptr_array_set_size (clients, 0);
  turn_until (fixture, 0);
}

static void
read_answer (GSocketConnection *client, const gchar *end)
{
  GSocket *socket = g_socket_connection_get_socket (client);
  g_autoptr (GString) text = g_string_new (NULL);
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  g_socket_set_blocking (socket, FALSE);
  while (!g_str_has_suffix (text->str, end)) {
    gchar block[1024];
    gssize got = g_socket_receive (socket, block, sizeof (block), NULL, NULL);

    if (got > 0)
      g_string_append_len (text, block, got);
    else
      g_main_context_iteration (NULL, FALSE);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
}

static void
send_text (GSocketConnection *client, const gchar *text)
{
  g_socket_send (g_socket_connection_get_socket (client), text, strlen (text),
      NULL, NULL);
}

#define HEALTH "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n"

/* A connection is used again, and leaves nothing behind when the client ends it
 * between two requests (libsoup 3.2 would keep it for ever). */
static void
test_keep_alive (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 200; i++) {
    g_autoptr (GSocketConnection) client = connect_to (fixture->address);

    for (guint k = 0; k < 3; k++) {
      send_text (client, HEALTH);
      read_answer (client, "\r\n\r\nok\n");
    }
  }
  turn_until (fixture, 0);
}

static void
assert_ended (GSocketConnection *client)
{
  GSocket *socket = g_socket_connection_get_socket (client);
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  g_autoptr (GError) error = NULL;
  gchar block[1024];
  gssize got;

  g_socket_set_blocking (socket, FALSE);
  do {
    g_clear_error (&error);
    g_main_context_iteration (NULL, FALSE);
    got = g_socket_receive (socket, block, sizeof (block), NULL, &error);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  } while (got > 0 ||
      g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK));
}

/* Whoever keeps the server waiting is let go: a client that says nothing, one
 * that begins a request and does not go on, one that stays after its answer,
 * and one that does not take its answer. */
static void
test_waiting (Fixture *unused, gconstpointer data)
{
  const MillOriginLimits limits = { .head_timeout_ms = 200,
    .write_timeout_ms = 200 };
  static const gchar *const heads[] = { "", "GET /hea",
    "GET /healthz HTTP/1.1\r\nHost: te", HEALTH, HEALTH "GET /hea" };
  Fixture fixture = { 0 };
  g_autoptr (GSocketConnection) taker = NULL;

  set_up_limits (&fixture, &limits);
  for (guint i = 0; i < G_N_ELEMENTS (heads); i++) {
    g_autoptr (GSocketConnection) client = connect_to (fixture.address);

    send_text (client, heads[i]);
    assert_ended (client);
    turn_until (&fixture, 0);
  }
  write_big (&fixture);
  taker = connect_to (fixture.address);
  send_text (taker,
      "GET /stream/demo/v360/3-15.m4s HTTP/1.1\r\nHost: t\r\n\r\n");
  turn_until (&fixture, 1);
  turn_until (&fixture, 0);
  tear_down (&fixture, NULL);
}

static void
test_too_many (Fixture *unused, gconstpointer data)
{
  const MillOriginLimits limits = { .max_connections = 3 };
  g_autoptr (GPtrArray) clients =
      g_ptr_array_new_with_free_func (g_object_unref);
  Fixture fixture = { 0 };

  set_up_limits (&fixture, &limits);
  for (guint i = 0; i < 3; i++) {
    g_ptr_array_add (clients, connect_to (fixture.address));
    send_text (clients->pdata[i], HEALTH);
    read_answer (clients->pdata[i], "ok\n");
  }
  g_ptr_array_add (clients, connect_to (fixture.address));
  assert_ended (clients->pdata[3]);
  /* Those that are there are not disturbed. */
  send_text (clients->pdata[0], HEALTH);
  read_answer (clients->pdata[0], "ok\n");
  g_ptr_array_unref (g_steal_pointer (&clients));
  turn_until (&fixture, 0);
  tear_down (&fixture, NULL);
}

/* A head without end, and bodies that nobody asked for. */
static void
test_large_requests (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *filler = g_strnfill (200 * 1000, 'x');
  g_autofree gchar *head =
      g_strconcat ("GET /healthz HTTP/1.1\r\nHost: t\r\nX: ", filler, NULL);
  g_autoptr (GSocketConnection) client = connect_to (fixture->address);
  g_autofree gchar *post = g_strdup_printf (
      "POST /healthz HTTP/1.1\r\nHost: t\r\nContent-Length: 200000\r\n\r\n%s",
      filler);
  g_autoptr (GSocketConnection) poster = connect_to (fixture->address);

  send_text (client, head);
  assert_ended (client);
  send_text (poster, post);
  assert_ended (poster);
  turn_until (fixture, 0);
}

static void
on_drained (gpointer data)
{
  *(gboolean *) data = TRUE;
}

/* What is in flight is answered; a connection does not outlive its answer. */
static void
test_drain (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GSocketConnection) idle = connect_to (fixture->address);
  g_autoptr (Answer) late = NULL;
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  gboolean drained = FALSE;

  send_text (idle, HEALTH);
  read_answer (idle, "ok\n");
  mill_origin_server_drain (fixture->server, 60000, on_drained, &drained);
  while (!drained) {
    g_main_context_iteration (NULL, TRUE);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
  late = get (fixture, "/healthz");
  g_assert_cmpstr (header (late, "connection"), ==, "close");
}

#define ADD_BARE(path, func) g_test_add (path, Fixture, NULL, NULL, func, NULL)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/origin/slow-clients", test_slow_clients);
  ADD ("/origin/keep-alive", test_keep_alive);
  ADD_BARE ("/origin/waiting", test_waiting);
  ADD_BARE ("/origin/too-many", test_too_many);
  ADD ("/origin/large-requests", test_large_requests);
  ADD ("/origin/drain", test_drain);
  return g_test_run ();
}
