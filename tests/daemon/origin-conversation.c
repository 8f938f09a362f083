/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* How a connection to the origin goes on (RFC 9112 9), over real sockets. Were
 * it wrong, players behind a proxy would get each other's answers, or lose the
 * one that ends a connection. */

#include <string.h>

#include <glib/gstdio.h>

#include "daemon/origin/origin-server.h"

#define DEADLINE_US (20 * G_USEC_PER_SEC)

typedef struct
{
  gchar *media_dir;
  MillOriginServer *server;
  gchar *address;
  GSocketConnection *client;
  GString *text; /* what has come */
  gboolean ended;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  MillOriginServerOptions options = { 0 };

  fixture->media_dir = g_dir_make_tmp ("mill-conversation-XXXXXX", &error);
  g_assert_no_error (error);
  options.media_dir = fixture->media_dir;
  fixture->server = mill_origin_server_new (&options);
  fixture->address =
      mill_origin_server_listen (fixture->server, "127.0.0.1:0", &error);
  g_assert_no_error (error);
  fixture->client = g_socket_client_connect_to_host (client, fixture->address,
      0, NULL, &error);
  g_assert_no_error (error);
  g_socket_set_blocking (g_socket_connection_get_socket (fixture->client),
      FALSE);
  fixture->text = g_string_new (NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->client);
  mill_origin_server_free (fixture->server);
  g_rmdir (fixture->media_dir);
  g_free (fixture->media_dir);
  g_free (fixture->address);
  g_string_free (fixture->text, TRUE);
}

/* ---- the client, in the server's thread: it never blocks ---- */

static void
send_bytes (Fixture *fixture, const gchar *data, gsize length)
{
  g_assert_cmpint (g_socket_send (g_socket_connection_get_socket (fixture
                                                                      ->client),
                       data, length, NULL, NULL),
      ==, (gssize) length);
}

static void
say (Fixture *fixture, const gchar *text)
{
  send_bytes (fixture, text, strlen (text));
}

static void
turn (Fixture *fixture)
{
  gchar block[4096];
  g_autoptr (GError) error = NULL;
  gssize got;

  g_main_context_iteration (NULL, FALSE);
  got = g_socket_receive (g_socket_connection_get_socket (fixture->client),
      block, sizeof (block), NULL, &error);
  if (got > 0)
    g_string_append_len (fixture->text, block, got);
  else if (got == 0)
    fixture->ended = TRUE;
  else
    g_assert_error (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

static guint
count (Fixture *fixture, const gchar *text)
{
  guint n = 0;

  for (const gchar *at = fixture->text->str; (at = strstr (at, text)) != NULL;
       at++)
    n++;
  return n;
}

static void
turn_until (Fixture *fixture, const gchar *text, guint n)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  while (count (fixture, text) < n) {
    turn (fixture);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
}

static void
turn_until_ended (Fixture *fixture)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  while (!fixture->ended) {
    turn (fixture);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
}

static guint
get_open (Fixture *fixture)
{
  MillOriginCounts counts;

  mill_origin_server_get_counts (fixture->server, &counts);
  return counts.open_connections;
}

static void
turn_until_closed (Fixture *fixture)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  while (get_open (fixture) > 0) {
    g_main_context_iteration (NULL, FALSE);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
}

#define HEALTH "GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n"
#define NOWHERE "GET /nowhere HTTP/1.1\r\nHost: test\r\n\r\n"

/* ---- one after the other ---- */

/* 9.3.2: in the order of the requests, more of them than one turn takes. */
static void
test_pipeline (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GString) requests = g_string_new (NULL);
  const gchar *at;

  for (guint i = 0; i < 100; i++)
    g_string_append (requests, i % 2 == 0 ? HEALTH : NOWHERE);
  send_bytes (fixture, requests->str, requests->len);
  turn_until (fixture, "HTTP/1.1 ", 100);
  at = fixture->text->str;
  for (guint i = 0; i < 100; i++) {
    g_assert_true (g_str_has_prefix (at,
        i % 2 == 0 ? "HTTP/1.1 200 " : "HTTP/1.1 404 "));
    at = strstr (at + 1, "HTTP/1.1 ");
  }
  g_assert_false (fixture->ended);
}

/* In pieces of one byte; and the beginning of one with the end of another. */
static void
test_pieces (Fixture *fixture, gconstpointer data)
{
  for (const gchar *at = HEALTH; *at != '\0'; at++) {
    send_bytes (fixture, at, 1);
    turn (fixture);
  }
  turn_until (fixture, "\r\n\r\nok\n", 1);
  say (fixture, HEALTH "GET /hea");
  turn_until (fixture, "\r\n\r\nok\n", 2);
  say (fixture, "lthz HTTP/1.1\r\nHost: test\r\n\r\n");
  turn_until (fixture, "\r\n\r\nok\n", 3);
}

/* 9.6: what comes after "close" is not answered. */
static void
test_close (Fixture *fixture, gconstpointer data)
{
  say (fixture,
      "GET /healthz HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n" HEALTH);
  turn_until_ended (fixture);
  g_assert_cmpuint (count (fixture, "HTTP/1.1 200 OK\r\n"), ==, 1);
  g_assert_cmpuint (count (fixture, "Connection: close\r\n"), ==, 1);
  g_clear_object (&fixture->client);
  turn_until_closed (fixture);
}

static void
test_old (Fixture *fixture, gconstpointer data)
{
  say (fixture, "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  turn_until (fixture, "\r\n\r\nok\n", 1);
  g_assert_cmpuint (count (fixture, "Connection: keep-alive\r\n"), ==, 1);
  say (fixture, "GET /healthz HTTP/1.0\r\n\r\n");
  turn_until_ended (fixture);
  g_assert_cmpuint (count (fixture, "\r\n\r\nok\n"), ==, 2);
}

/* A client that has said all it will say gets its answer. */
static void
test_half_closed (Fixture *fixture, gconstpointer data)
{
  say (fixture, HEALTH);
  g_socket_shutdown (g_socket_connection_get_socket (fixture->client), FALSE,
      TRUE, NULL);
  turn_until_ended (fixture);
  g_assert_cmpuint (count (fixture, "\r\n\r\nok\n"), ==, 1);
  turn_until_closed (fixture);
}

/* ---- what is not gone on with ---- */

/* A body that nobody reads is not the next request: 6.3, 11.2. */
static void
test_body (Fixture *fixture, gconstpointer data)
{
  static const gchar *const lines[] = { "Content-Length: 42",
    "Transfer-Encoding: chunked" };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++) {
    g_autofree gchar *text = g_strdup_printf (
        "GET /healthz HTTP/1.1\r\nHost: t\r\n%s\r\n\r\n" NOWHERE, lines[i]);

    say (fixture, text);
    turn_until_ended (fixture);
    g_assert_cmpuint (count (fixture, "HTTP/1.1 "), ==, 1);
    g_assert_cmpuint (count (fixture, "Connection: close\r\n"), ==, 1);
    tear_down (fixture, NULL);
    *fixture = (Fixture){ 0 };
    set_up (fixture, NULL);
  }
}

/* 2.2, 9.6: a wrong request is answered, and the answer arrives although more
 * comes behind it; nothing of that is taken for a request. */
static void
test_wrong (Fixture *fixture, gconstpointer data)
{
  g_autofree gchar *more = g_strnfill (50 * 1000, 'x');

  say (fixture, HEALTH "GET / HTTP/1.1\r\nHost : t\r\n\r\n" HEALTH);
  say (fixture, more);
  turn_until_ended (fixture);
  g_assert_cmpuint (count (fixture, "HTTP/1.1 200 "), ==, 1);
  g_assert_cmpuint (count (fixture, "HTTP/1.1 400 Bad Request\r\n"), ==, 1);
  g_assert_cmpuint (count (fixture, "HTTP/1.1 "), ==, 2);
  g_assert_cmpuint (count (fixture, "Access-Control-Allow-Origin: *\r\n"), ==,
      2);
  g_assert_true (g_str_has_suffix (fixture->text->str,
      "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
      "\"detail\":\"expected a request line and header lines as in RFC 9112, that "
      "no two servers can read in two ways\"}\n"));
  g_clear_object (&fixture->client);
  turn_until_closed (fixture);
}

/* Who stays after the last answer is let go soon, whatever it sends. */
static void
test_lingering (Fixture *fixture, gconstpointer data)
{
  say (fixture, "GET / HTTP/3.0\r\n\r\n");
  turn_until_ended (fixture);
  g_assert_cmpuint (count (fixture, "HTTP/1.1 505 "), ==, 1);
  turn_until_closed (fixture);
}

#define ADD(path, func) \
  g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/origin/conversation/pipeline", test_pipeline);
  ADD ("/origin/conversation/pieces", test_pieces);
  ADD ("/origin/conversation/close", test_close);
  ADD ("/origin/conversation/old", test_old);
  ADD ("/origin/conversation/half-closed", test_half_closed);
  ADD ("/origin/conversation/body", test_body);
  ADD ("/origin/conversation/wrong", test_wrong);
  ADD ("/origin/conversation/lingering", test_lingering);
  return g_test_run ();
}
