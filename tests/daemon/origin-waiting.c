/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Players that wait for the next part. Were this wrong, thousands of them would
 * take the memory of the machine, or some would never hear that it is there. */

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "daemon/origin/origin-server.h"
#include "origin-memory.h"

#define DEADLINE_US (40 * G_USEC_PER_SEC)
#define PLAYERS 400 /* two descriptors each, both in this process */

/* What one that waits may take; libsoup's took 21 KB. */
#define MAX_BYTES_EACH 4096

typedef struct
{
  gchar *media_dir;
  gchar *stream;
  MillOriginServer *server;
  guint16 port;
} Fixture;

static void
append (Fixture *fixture, const gchar *name, const gchar *text)
{
  g_autofree gchar *path = g_build_filename (fixture->stream, name, NULL);
  FILE *file = g_fopen (path, "a");

  g_assert_nonnull (file);
  g_assert_cmpint (fputs (text, file), >=, 0);
  g_assert_cmpint (fclose (file), ==, 0);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *rendition = NULL;
  g_autofree gchar *address = NULL;
  MillOriginServerOptions options = { 0 };

  fixture->media_dir = g_dir_make_tmp ("mill-waiting-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->stream = g_build_filename (fixture->media_dir, "demo", NULL);
  rendition = g_build_filename (fixture->stream, "v", NULL);
  g_assert_cmpint (g_mkdir_with_parents (rendition, 0755), ==, 0);
  append (fixture, "v/1-0.m4s", "0123456789");
  append (fixture, "v/playlist.m3u8",
      "#EXTM3U\n#EXT-X-TARGETDURATION:30\n#EXT-X-MAP:URI=\"init-1.mp4\"\n"
      "#EXTINF:30,\n1-0.m4s\n");
  append (fixture, "live.index",
      "millrace-live 2\n#stream 500000000\n#rendition v 500000000\n"
      "v 1 0 0 0 10 0 500000000 IL 1\n#listed 1 0 30\n");
  options.media_dir = fixture->media_dir;
  fixture->server = mill_origin_server_new (&options);
  address = mill_origin_server_listen (fixture->server, "127.0.0.1:0", &error);
  g_assert_no_error (error);
  fixture->port = g_ascii_strtoull (strrchr (address, ':') + 1, NULL, 10);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  static const gchar *const names[] = { "v/1-0.m4s", "v/1-1.m4s",
    "v/playlist.m3u8", "live.index", "v" };

  mill_origin_server_free (fixture->server);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree gchar *path = g_build_filename (fixture->stream, names[i], NULL);

    g_remove (path);
  }
  g_rmdir (fixture->stream);
  g_rmdir (fixture->media_dir);
  g_free (fixture->stream);
  g_free (fixture->media_dir);
}

/* ---- players: a descriptor each, no memory ---- */

static gint
ask (Fixture *fixture, const gchar *file)
{
  const struct sockaddr_in to = { .sin_family = AF_INET,
    .sin_port = htons (fixture->port),
    .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_autofree gchar *text = g_strdup_printf (
      "GET /stream/demo/v/%s HTTP/1.1\r\nHost: test\r\n"
      "User-Agent: a player with a name of some length (and more)\r\n"
      "Accept-Encoding: gzip, deflate, br\r\n\r\n",
      file);

  g_assert_cmpint (connect (fd, (const struct sockaddr *) &to, sizeof (to)), ==,
      0);
  g_assert_cmpint (send (fd, text, strlen (text), MSG_NOSIGNAL), ==,
      (gssize) strlen (text));
  return fd;
}

static void
turn_until_waiting (Fixture *fixture, guint n)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  MillOriginCounts counts = { 0 };

  do {
    g_main_context_iteration (NULL, FALSE);
    mill_origin_server_get_counts (fixture->server, &counts);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  } while (counts.in_flight != n);
}

static void
turn_until_answered (gint fd, const gchar *end)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  g_autoptr (GString) text = g_string_new (NULL);
  gchar block[4096];

  while (strstr (text->str, end) == NULL) {
    gssize got = recv (fd, block, sizeof (block), MSG_DONTWAIT);

    g_main_context_iteration (NULL, FALSE);
    g_assert_true (got > 0 || (got < 0 && errno == EAGAIN));
    g_string_append_len (text, block, MAX (got, 0));
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
  g_assert_true (g_str_has_prefix (text->str, "HTTP/1.1 200 "));
}

static void
test_many (Fixture *fixture, gconstpointer data)
{
  gint players[PLAYERS];
  guint64 before;
  guint64 after;

  /* One, so that what is made once is there. */
  players[0] = ask (fixture, "1-1.0.m4s");
  turn_until_waiting (fixture, 1);
  before = get_memory ();
  for (guint i = 1; i < PLAYERS; i++) {
    players[i] = ask (fixture, "1-1.0.m4s");
    g_main_context_iteration (NULL, FALSE);
  }
  turn_until_waiting (fixture, PLAYERS);
  after = get_memory ();
  if (g_getenv ("MILL_SANITIZERS") == NULL)
    g_assert_cmpuint (after - MIN (before, after), <, PLAYERS * MAX_BYTES_EACH);
  append (fixture, "v/1-1.m4s", "abcdefghij");
  append (fixture, "live.index", "v 1 1 0 0 10 500000000 400000000 I 2\n");
  for (guint i = 0; i < PLAYERS; i++) {
    turn_until_answered (players[i], "\r\n\r\nabcdefghij");
    close (players[i]);
  }
  turn_until_waiting (fixture, 0);
}

/* One whose connection is reset while it waits is no longer waited for. */
static void
test_reset (Fixture *fixture, gconstpointer data)
{
  const struct linger at_once = { 1, 0 };
  gint player = ask (fixture, "1-1.0.m4s");

  turn_until_waiting (fixture, 1);
  g_assert_cmpint (setsockopt (player, SOL_SOCKET, SO_LINGER, &at_once,
                       sizeof (at_once)),
      ==, 0);
  close (player);
  turn_until_waiting (fixture, 0);
}

#define ADD(path, func) \
  g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/origin/waiting/many", test_many);
  ADD ("/origin/waiting/reset", test_reset);
  return g_test_run ();
}
