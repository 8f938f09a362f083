/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Clients that take their time, and files that change under them. Were this
 * wrong, some hundred phones in a tunnel would take all the memory, a stream
 * that ends would cut its last viewers off, or a file that somebody cut would
 * end the process. */

#include <string.h>
#include <time.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "daemon/origin/origin-server.h"
#include "origin-memory.h"

#define DEADLINE_US (30 * G_USEC_PER_SEC)

#define BIG (24 * 1024 * 1024)
#define SEGMENT "/stream/demo/v/1-1.m4s"

/* ---- time, where a test has it in its hands: clients are looked at when it calls
 *      sweep_func() ---- */

#define WRITE_TIMEOUT_MS 500
#define TURN_MS 10

static gint64 held_us; /* 0: the time is what it is */
static GSourceFunc sweep_func;
static gpointer sweep_data;

gint64
g_get_monotonic_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_MONOTONIC, &now);
  return held_us != 0 ? held_us
                      : now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

guint
g_timeout_add (guint interval, GSourceFunc function, gpointer data)
{
  const gboolean sweeps = interval == WRITE_TIMEOUT_MS;

  if (sweeps) {
    sweep_func = function;
    sweep_data = data;
  }
  return g_timeout_add_full (G_PRIORITY_DEFAULT, sweeps ? G_MAXINT : interval,
      function, data, NULL);
}

/* ---- the server ---- */

typedef struct
{
  gchar *root;
  gchar *segment; /* the file */
  MillOriginServer *server;
  gchar *address;
} Fixture;

static void
write_file (const gchar *root, const gchar *name, gconstpointer data,
    gsize size)
{
  g_autofree gchar *path = g_build_filename (root, "demo", "v", name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, data, size, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, const MillOriginLimits *limits)
{
  g_autofree guint32 *words = g_malloc (BIG);
  g_autofree gchar *directory = NULL;
  g_autoptr (GError) error = NULL;
  MillOriginServerOptions options = { 0 };

  fixture->root = g_dir_make_tmp ("mill-slow-XXXXXX", &error);
  g_assert_no_error (error);
  directory = g_build_filename (fixture->root, "demo", "v", NULL);
  g_assert_cmpint (g_mkdir_with_parents (directory, 0755), ==, 0);
  for (guint32 i = 0; i < BIG / 4; i++)
    words[i] = i * 2654435761u;
  write_file (fixture->root, "1-1.m4s", words, BIG);
  write_file (fixture->root, "playlist.m3u8", "#EXTM3U\n#EXTINF:2,\n1-1.m4s\n",
      28);
  fixture->segment = g_build_filename (directory, "1-1.m4s", NULL);
  options.media_dir = fixture->root;
  if (limits != NULL)
    options.limits = *limits;
  fixture->server = mill_origin_server_new (&options);
  fixture->address =
      mill_origin_server_listen (fixture->server, "127.0.0.1:0", &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture)
{
  g_autofree gchar *rendition = g_path_get_dirname (fixture->segment);
  g_autofree gchar *stream = g_path_get_dirname (rendition);
  g_autofree gchar *playlist =
      g_build_filename (rendition, "playlist.m3u8", NULL);

  mill_origin_server_free (fixture->server);
  g_remove (fixture->segment);
  g_remove (playlist);
  g_rmdir (rendition);
  g_rmdir (stream);
  g_rmdir (fixture->root);
  g_free (fixture->root);
  g_free (fixture->segment);
  g_free (fixture->address);
}

/* ---- clients, in this thread: they never block ---- */

static GSocketConnection *
connect_to (Fixture *fixture)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;
  GSocketConnection *connection = g_socket_client_connect_to_host (client,
      fixture->address, 0, NULL, &error);

  g_assert_no_error (error);
  g_socket_set_blocking (g_socket_connection_get_socket (connection), FALSE);
  return connection;
}

static GSocketConnection *
ask (Fixture *fixture, const gchar *path)
{
  GSocketConnection *client = connect_to (fixture);
  g_autofree gchar *request =
      g_strdup_printf ("GET %s HTTP/1.1\r\nHost: t\r\n\r\n", path);

  g_assert_cmpint (g_socket_send (g_socket_connection_get_socket (client),
                       request, strlen (request), NULL, NULL),
      ==, (gssize) strlen (request));
  return client;
}

/* Returns bytes, 0 at the end, -1 when there is nothing now. */
static gssize
take (GSocketConnection *client, gpointer block, gsize most)
{
  g_autoptr (GError) error = NULL;
  gssize got = g_socket_receive (g_socket_connection_get_socket (client), block,
      most, NULL, &error);

  if (got >= 0)
    return got;
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK) ? -1 : 0;
}

/* Returns the bytes until the end of the connection, or @most. */
static gsize
take_all (GSocketConnection *client, gsize most)
{
  g_autofree guint8 *block = g_malloc (1 << 20);
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  gsize total = 0;

  while (total < most) {
    gssize got = take (client, block, 1 << 20);

    if (got == 0)
      break;
    if (got > 0)
      total += got;
    else
      g_main_context_iteration (NULL, FALSE);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
  return total;
}

static void
turn_until_in_flight (Fixture *fixture, guint n)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  MillOriginCounts counts = { 0 };

  do {
    g_main_context_iteration (NULL, TRUE);
    mill_origin_server_get_counts (fixture->server, &counts);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  } while (counts.in_flight != n);
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static guint64
read_metric (Fixture *fixture, const gchar *name)
{
  g_autofree gchar *text = mill_origin_server_print_metrics (fixture->server);
  g_autofree gchar *line = g_strdup_printf ("\nmillrace_origin_%s ", name);
  const gchar *found = strstr (text, line);

  g_assert_nonnull (found);
  return g_ascii_strtoull (found + strlen (line), NULL, 10);
}

/* ---- memory ---- */

#define N_SLOW 500

/* Each has asked for 24 MB and takes nothing: 12 GB. The connection and its
 * message, and the client of this test, are what they get: some 30 KB. */
static void
test_memory (void)
{
  Fixture fixture = { 0 };
  g_autoptr (GPtrArray) clients =
      g_ptr_array_new_with_free_func (g_object_unref);
  guint64 before;
  guint64 first;

  set_up (&fixture, NULL);
  before = get_memory ();
  for (guint i = 0; i < N_SLOW; i++) {
    g_ptr_array_add (clients, ask (&fixture, SEGMENT));
    g_main_context_iteration (NULL, FALSE);
  }
  turn_until_in_flight (&fixture, N_SLOW);
  first = get_memory ();
  g_test_message ("%u slow readers: %" G_GUINT64_FORMAT " KB each", N_SLOW,
      (first - MIN (before, first)) / N_SLOW / 1024);
  if (g_getenv ("MILL_SANITIZERS") == NULL)
    g_assert_cmpuint (first - MIN (before, first), <, N_SLOW * 48 * 1024);
  g_assert_cmpuint (read_metric (&fixture, "mapped_files"), ==, 1);

  /* And more, when each takes a little of it? */
  for (guint k = 0; k < 5; k++) {
    gchar block[1000];

    for (guint i = 0; i < N_SLOW; i++)
      take (clients->pdata[i], block, sizeof (block));
    while (g_main_context_iteration (NULL, FALSE))
      ;
  }
  if (g_getenv ("MILL_SANITIZERS") == NULL)
    g_assert_cmpuint (get_memory (), <, first + 2 * 1024 * 1024);
  g_ptr_array_set_size (clients, 0);
  turn_until_in_flight (&fixture, 0);
  tear_down (&fixture);
}

/* ---- time ---- */

/* What is there, or comes: it is no matter of the client's when the kernel brings
 * it. */
static gsize
take_next (GSocketConnection *client, gpointer block, gsize most)
{
  gint64 deadline = g_get_real_time () + DEADLINE_US;
  gssize got;

  while ((got = take (client, block, most)) < 0) {
    g_main_context_iteration (NULL, FALSE);
    g_assert_cmpint (g_get_real_time (), <, deadline);
  }
  return got;
}

/* One takes a few bytes in every turn, for ever; one nothing at all; one takes
 * slowly, but more than 1 KB/s. A turn is 10 ms, however long it takes. */
static void
test_ended (void)
{
  const MillOriginLimits limits = { .write_timeout_ms = WRITE_TIMEOUT_MS };
  Fixture fixture = { 0 };
  g_autoptr (GSocketConnection) trickle = NULL;
  g_autoptr (GSocketConnection) nothing = NULL;
  g_autoptr (GSocketConnection) steady = NULL;
  gsize got = 0;
  gchar block[16384];

  held_us = G_USEC_PER_SEC;
  set_up (&fixture, &limits);
  trickle = ask (&fixture, SEGMENT);
  nothing = ask (&fixture, SEGMENT);
  steady = ask (&fixture, SEGMENT);
  for (guint turn = 1; read_metric (&fixture, "slow_readers_ended_total") < 2;
       turn++) {
    g_assert_cmpuint (turn * TURN_MS, <, 4 * WRITE_TIMEOUT_MS);
    take (trickle, block, 1);
    gsize taken = take_next (steady, block, sizeof (block));
    g_assert_cmpuint (taken, >, 0);
    got += taken;
    held_us += TURN_MS * 1000;
    if (turn * TURN_MS % WRITE_TIMEOUT_MS == 0)
      sweep_func (sweep_data);
  }
  g_assert_cmpuint (got, >, 16384);
  /* That one goes on to its end. */
  held_us = 0;
  got += take_all (steady, BIG - got);
  g_assert_cmpuint (got, >=, BIG);
  g_assert_cmpuint (read_metric (&fixture, "slow_readers_ended_total"), ==, 2);
  tear_down (&fixture);
}

/* ---- ends ---- */

#define ENOUGH (160 * 1024) /* more than a client's window, less than is kept */

/* RFC 9112 9.6: a client that sends on what nobody reads, and then ends its side,
 * has all of the answer: no reset that takes what is still on its way. */
static void
test_sends_on (void)
{
  static const gchar request[] = "GET " SEGMENT " HTTP/1.1\r\nHost: t\r\n"
                                 "Range: bytes=0-163839\r\n"
                                 "Content-Length: 100\r\n\r\n";
  Fixture fixture = { 0 };
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  MillOriginCounts counts = { 0 };

  set_up (&fixture, NULL);
  g_autoptr (GSocketConnection) client = connect_to (&fixture);
  GSocket *socket = g_socket_connection_get_socket (client);
  g_assert_cmpint (g_socket_send (socket, request, strlen (request), NULL,
                       NULL),
      ==, (gssize) strlen (request));
  while (read_metric (&fixture,
             "requests_total{kind=\"segment\",class=\"2xx\"}") == 0) {
    g_main_context_iteration (NULL, FALSE);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
  /* All is said, the client has read none of it. */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  mill_origin_server_get_counts (fixture.server, &counts);
  g_assert_cmpuint (counts.in_flight, ==, 0);
  g_assert_cmpuint (counts.open_connections, ==, 1);
  g_assert_cmpint (g_socket_send (socket, "more", 4, NULL, NULL), ==, 4);
  g_assert_true (g_socket_shutdown (socket, FALSE, TRUE, NULL));
  do {
    g_main_context_iteration (NULL, FALSE);
    mill_origin_server_get_counts (fixture.server, &counts);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  } while (counts.open_connections > 0);
  g_assert_cmpuint (take_all (client, BIG), >, ENOUGH);
  tear_down (&fixture);
}

/* ---- addresses ---- */

static void
test_addresses (void)
{
  const MillOriginLimits limits = { .max_per_address = 3 };
  Fixture fixture = { 0 };
  g_autoptr (GPtrArray) clients =
      g_ptr_array_new_with_free_func (g_object_unref);
  g_autoptr (GSocketConnection) again = NULL;

  set_up (&fixture, &limits);
  for (guint i = 0; i < 3; i++)
    g_ptr_array_add (clients, ask (&fixture, SEGMENT));
  turn_until_in_flight (&fixture, 3);
  again = ask (&fixture, "/healthz");
  g_assert_cmpuint (take_all (again, 1), ==, 0);
  g_assert_cmpuint (read_metric (&fixture, "connections_refused_total"), ==, 1);
  g_clear_object (&again);
  /* A place that becomes free is one for the next. */
  g_ptr_array_set_size (clients, 0);
  turn_until_in_flight (&fixture, 0);
  again = ask (&fixture, "/healthz");
  g_assert_cmpuint (take_all (again, 1), >, 1);
  tear_down (&fixture);
}

/* ---- files that change ---- */

static void
test_removed (void)
{
  Fixture fixture = { 0 };
  g_autoptr (GSocketConnection) viewer = NULL;
  g_autoptr (GSocketConnection) late = NULL;
  gsize got;

  set_up (&fixture, NULL);
  viewer = ask (&fixture, SEGMENT);
  got = take_all (viewer, 1);
  g_assert_cmpint (g_remove (fixture.segment), ==, 0);
  got += take_all (viewer, BIG - got);
  g_assert_cmpuint (got, >=, BIG);
  /* Who comes later is told. */
  late = ask (&fixture, SEGMENT);
  g_assert_cmpuint (take_all (late, 12), >=, 12);
  g_assert_cmpuint (read_metric (&fixture,
                        "requests_total{kind=\"segment\",class=\"4xx\"}"),
      ==, 1);
  tear_down (&fixture);
}

/* A packager never does that. */
static void
test_cut (void)
{
  Fixture fixture = { 0 };
  g_autoptr (GSocketConnection) viewer = NULL;
  g_autoptr (GSocketConnection) next = NULL;
  gsize got;

  set_up (&fixture, NULL);
  viewer = ask (&fixture, SEGMENT);
  got = take_all (viewer, 1);
  g_assert_cmpint (truncate (fixture.segment, 5000), ==, 0);
  got += take_all (viewer, BIG);
  /* Ended, and no byte was made up. */
  g_assert_cmpuint (got, <, BIG);
  next = ask (&fixture, SEGMENT);
  g_assert_cmpuint (take_all (next, 5000), >=, 5000);
  tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/origin/slow/memory", test_memory);
  g_test_add_func ("/origin/slow/ended", test_ended);
  g_test_add_func ("/origin/slow/sends-on", test_sends_on);
  g_test_add_func ("/origin/slow/addresses", test_addresses);
  g_test_add_func ("/origin/slow/removed", test_removed);
  g_test_add_func ("/origin/slow/cut", test_cut);
  return g_test_run ();
}
