/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Events: their ids over a gap, and readers over real sockets: who reads, who
 * comes back, who does not read. A fault here is an operator who misses that a
 * stream went down, or a millraced that one reader fills up. */

#include <glib/gstdio.h>
#include <gmodule.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "api.h"

#define DEADLINE_US (20 * G_USEC_PER_SEC)
#define FULL_BYTES (60 * 1000)

/* ---- time: heartbeats come when run_heartbeats() says so, and who is sent away
 *      has as long for the last words as this test needs to come to them, also
 *      from libsoup, which closes a WebSocket. Everything else that waits for
 *      seconds is left alone ---- */

#define HEARTBEAT_S 15
#define LAST_WORDS_S 5
#define NEVER_S (G_MAXINT / 1000)

typedef struct
{
  guint id;
  GSourceFunc func;
  gpointer data;
} Heartbeat;

static GArray *heartbeats; /* (element-type Heartbeat) */

guint
g_timeout_add_seconds (guint interval, GSourceFunc function, gpointer data)
{
  const gboolean is_ours = interval == HEARTBEAT_S || interval == LAST_WORDS_S;
  Heartbeat heartbeat = { 0, function, data };

  heartbeat.id = g_timeout_add_seconds_full (G_PRIORITY_DEFAULT,
      is_ours ? NEVER_S : interval, function, data, NULL);
  if (interval == HEARTBEAT_S)
    g_array_append_val (heartbeats, heartbeat);
  return heartbeat.id;
}

/* libsoup's, too */
G_MODULE_EXPORT GSource *
g_timeout_source_new_seconds (guint interval)
{
  return g_timeout_source_new ((interval == LAST_WORDS_S ? NEVER_S : interval) *
      1000);
}

static void
run_heartbeats (void)
{
  for (guint i = 0; i < heartbeats->len; i++) {
    const Heartbeat *heartbeat = &g_array_index (heartbeats, Heartbeat, i);
    if (g_main_context_find_source_by_id (NULL, heartbeat->id) &&
        !heartbeat->func (heartbeat->data))
      g_source_remove (heartbeat->id);
  }
}

/* ---- the log ---- */

static void
add (MillEventLog *log, const gchar *type)
{
  mill_event_log_add (log, type, g_variant_new_parsed ("@a{sv} {}"));
}

static void
test_ids (void)
{
  g_autoptr (MillEventLog) log = mill_event_log_new (4, G_MAXSIZE);
  guint64 next = 99;

  for (guint i = 1; i <= 6; i++)
    add (log, "a.b");
  g_assert_cmpuint (mill_event_log_get_end (log), ==, 7);
  /* 3 to 6 are there: who has seen 2 misses nothing, who has seen 1 does */
  g_assert_null (mill_event_log_get (log, 2));
  g_assert_cmpuint (mill_event_log_get (log, 3)->number, ==, 3);
  g_assert_null (mill_event_log_get (log, 7));
  for (guint64 seen = 0; seen <= 8; seen++) {
    g_autofree gchar *id = mill_event_log_make_id (log, seen);
    gboolean is_there = mill_event_log_find_next (log, id, &next);
    g_assert_true (is_there == (seen >= 2 && seen <= 6));
    g_assert_true (!is_there || next == seen + 1);
  }
}

/* @n: letters of its text; 0: an event as it is mostly */
static void
add_long (MillEventLog *log, gsize n)
{
  g_autofree gchar *text = g_strnfill (n, 'x');

  mill_event_log_add (log, "a.b", g_variant_new_parsed ("{'t': <%s>}", text));
}

/* Texts of workers and elements are as long as they are: many long ones must not
 * fill millraced's memory. */
static void
test_bytes (void)
{
  g_autoptr (MillEventLog) log = mill_event_log_new (100, 10000);
  guint64 next = 99;

  for (guint i = 1; i <= 5; i++)
    add_long (log, 3000);
  /* three of 3000 are within it: 3 to 5 */
  g_assert_null (mill_event_log_get (log, 2));
  g_assert_nonnull (mill_event_log_get (log, 3));
  g_autofree gchar *missed = mill_event_log_make_id (log, 1);
  g_assert_false (mill_event_log_find_next (log, missed, &next));
  g_autofree gchar *seen = mill_event_log_make_id (log, 2);
  g_assert_true (mill_event_log_find_next (log, seen, &next));
  g_assert_cmpuint (next, ==, 3);
  /* one that is larger than all there is room for is told and kept, alone */
  add_long (log, 20000);
  g_assert_null (mill_event_log_get (log, 5));
  g_assert_nonnull (mill_event_log_get (log, 6));
  for (guint i = 0; i < 100; i++)
    add_long (log, 10);
  g_assert_null (mill_event_log_get (log, 6));
  g_assert_nonnull (mill_event_log_get (log, 7));
}

static void
test_other_ids (void)
{
  g_autoptr (MillEventLog) log = mill_event_log_new (4, G_MAXSIZE);
  g_autoptr (MillEventLog) other = mill_event_log_new (4, G_MAXSIZE);
  guint64 next = 99;

  add (log, "a.b");
  g_autofree gchar *id = mill_event_log_make_id (log, 1);
  g_autofree gchar *run = g_strndup (id, strlen (id) - 2);
  g_autofree gchar *negative = g_strconcat (run, "--1", NULL);
  g_autofree gchar *longer = g_strconcat (run, "x-1", NULL);
  g_autofree gchar *large = g_strconcat (run, "-99999999999999999999", NULL);
  const gchar *const ids[] = { "", "-", "1", "-1", "x-1", run, negative, longer,
    large };
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    g_assert_false (mill_event_log_find_next (log, ids[i], &next));
  g_assert_cmpuint (next, ==, 99);
  g_assert_true (mill_event_log_find_next (log, id, &next));
}

/* ---- a server ---- */

typedef struct
{
  gchar *directory;
  MillConfig *config;
  MillSupervisor *supervisor;
  MillApi *api;
  gchar *address;
  gchar *key;
} Server;

static Server *
server_new (void)
{
  Server *server = g_new0 (Server, 1);
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autoptr (GError) error = NULL;

  server->directory = g_dir_make_tmp ("mill-ev-XXXXXX", NULL);
  g_autofree gchar *text = g_strdup_printf ("{ state_dir: %s/s, runtime_dir: "
                                            "%s/r, media_dir: %s/m }",
      server->directory, server->directory, server->directory);
  server->config =
      mill_config_new_from_data (text, strlen (text), "c.yaml", diagnostics);
  g_assert_nonnull (server->config);
  server->supervisor = mill_supervisor_new (server->config, &error);
  g_assert_no_error (error);
  server->api = mill_api_new (server->supervisor);
  server->address = mill_api_listen (server->api, "127.0.0.1:0", &error);
  g_assert_no_error (error);
  g_autofree gchar *key_file =
      g_build_filename (server->directory, "s", "admin.key", NULL);
  g_assert_true (g_file_get_contents (key_file, &server->key, NULL, NULL));
  g_strchomp (server->key);
  return server;
}

static void
server_free (Server *server)
{
  mill_api_free (server->api);
  g_object_unref (server->supervisor);
  mill_config_unref (server->config);
  const gchar *const arguments[] = { "rm", "-rf", server->directory, NULL };
  g_spawn_sync (NULL, (gchar **) arguments, NULL, G_SPAWN_SEARCH_PATH, NULL,
      NULL, NULL, NULL, NULL, NULL);
  g_free (server->directory);
  g_free (server->address);
  g_free (server->key);
  g_free (server);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Server, server_free)

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

static MillEventLog *
get_log (Server *server)
{
  return mill_supervisor_get_events (server->supervisor);
}

/** A reader on a socket, with what it has read. */
typedef struct
{
  GSocketConnection *connection;
  GSocket *socket;
  GString *text;
  gboolean closed;
} Reader;

/* @headers: each ended by CRLF */
static Reader *
reader_new (Server *server, const gchar *query, const gchar *headers)
{
  Reader *reader = g_new0 (Reader, 1);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GError) error = NULL;

  reader->connection = g_socket_client_connect_to_host (client, server->address,
      0, NULL, &error);
  g_assert_no_error (error);
  reader->socket = g_socket_connection_get_socket (reader->connection);
  g_socket_set_blocking (reader->socket, FALSE);
  reader->text = g_string_new (NULL);
  g_autofree gchar *request =
      g_strdup_printf ("GET /api/v1/events%s HTTP/1.1\r\n"
                       "Host: x\r\nX-API-Key: %s\r\n"
                       "%s\r\n",
          query, server->key, headers);
  g_assert_cmpint (g_socket_send (reader->socket, request, strlen (request),
                       NULL, &error),
      ==, (gssize) strlen (request));
  return reader;
}

static void
reader_free (Reader *reader)
{
  g_object_unref (reader->connection);
  g_string_free (reader->text, TRUE);
  g_free (reader);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Reader, reader_free)

static void
read_some (Reader *reader)
{
  gchar data[65536];
  g_autoptr (GError) error = NULL;
  gssize n = g_socket_receive (reader->socket, data, sizeof data, NULL, &error);

  if (n > 0)
    g_string_append_len (reader->text, data, n);
  else if (n == 0 ||
      !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    reader->closed = TRUE;
}

/* Until @text has come, or with NULL until it is closed. */
static void
wait_for (Reader *reader, const gchar *text)
{
  gint64 deadline_us = g_get_monotonic_time () + DEADLINE_US;
  gsize searched = 0;

  for (;;) {
    read_some (reader);
    /* a WebSocket's frames have bytes of 0 */
    if (text ? memmem (reader->text->str + searched,
                   reader->text->len - searched, text, strlen (text)) != NULL
             : reader->closed)
      return;
    if (text && reader->text->len > strlen (text))
      searched = reader->text->len - strlen (text);
    if (g_get_monotonic_time () > deadline_us || (text && reader->closed))
      g_error ("expected %s, got %zu bytes: %.500s", text ? text : "the end",
          reader->text->len, reader->text->str);
    g_main_context_iteration (NULL, FALSE);
  }
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

static gboolean
has (Reader *reader, const gchar *text)
{
  return memmem (reader->text->str, reader->text->len, text, strlen (text)) !=
      NULL;
}

/* Lets the server take the request, up to the answer's head. */
static Reader *
open_reader (Server *server, const gchar *query, const gchar *headers)
{
  Reader *reader = reader_new (server, query, headers);

  wait_for (reader, "\r\n\r\n");
  return reader;
}

#define UPGRADE                                                                \
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" \
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

/* ---- readers ---- */

static void
test_follow (void)
{
  g_autoptr (Server) server = server_new ();

  add (get_log (server), "before.this");
  g_autoptr (Reader) reader = open_reader (server, "", "");
  wait_for (reader, "retry: 2000");
  g_assert_true (has (reader, "Content-Type: text/event-stream"));
  add (get_log (server), "stream.started");
  wait_for (reader, "event: stream.started\n");
  wait_for (reader, "\"type\":\"stream.started\"");
  g_assert_false (has (reader, "before.this"));
}

/* Nothing is missed by who was away, and nothing comes twice. */
static void
test_resume (void)
{
  g_autoptr (Server) server = server_new ();

  add (get_log (server), "seen.one");
  add (get_log (server), "missed.one");
  g_autofree gchar *id = mill_event_log_make_id (get_log (server), 1);
  g_autofree gchar *header = g_strdup_printf ("Last-Event-ID: %s\r\n", id);
  g_autofree gchar *query = g_strdup_printf ("?last_event_id=%s", id);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (Reader) reader =
        open_reader (server, i ? query : "", i ? "" : header);
    wait_for (reader, "event: missed.one");
    add (get_log (server), "live.one");
    wait_for (reader, "event: live.one");
    g_assert_false (has (reader, "seen.one"));
    g_assert_false (has (reader, "event: reset"));
  }
}

/* Of a millraced before this one: what was, must be read anew. */
static void
test_reset (void)
{
  g_autoptr (Server) server = server_new ();

  add (get_log (server), "old.one");
  g_autoptr (Reader) reader =
      open_reader (server, "", "Last-Event-ID: 5f0a-17\r\n");
  wait_for (reader, "event: reset");
  g_assert_false (has (reader, "old.one"));
  /* the id of the reset is one to go on from */
  g_autofree gchar *id = mill_event_log_make_id (get_log (server), 1);
  g_autofree gchar *line = g_strdup_printf ("id: %s\nevent: reset", id);
  wait_for (reader, line);
  add (get_log (server), "new.one");
  wait_for (reader, "event: new.one");
}

static void
test_websocket (void)
{
  g_autoptr (Server) server = server_new ();

  add (get_log (server), "seen.one");
  add (get_log (server), "missed.one");
  g_autofree gchar *id = mill_event_log_make_id (get_log (server), 1);
  g_autofree gchar *query = g_strdup_printf ("?last_event_id=%s", id);
  g_autoptr (Reader) reader = open_reader (server, query, UPGRADE);
  g_assert_true (g_str_has_prefix (reader->text->str, "HTTP/1.1 101"));
  wait_for (reader, "\"type\":\"missed.one\"");
  add (get_log (server), "live.one");
  wait_for (reader, "\"type\":\"live.one\"");
  g_assert_false (has (reader, "seen.one"));
}

/* A WebSocket needs the key as everything else does. */
static void
test_no_key (void)
{
  g_autoptr (Server) server = server_new ();
  const gchar *const headers[] = { "", UPGRADE };

  server->key[0] ^= 1;
  for (guint i = 0; i < 2; i++) {
    g_autoptr (Reader) reader = open_reader (server, "", headers[i]);
    g_assert_true (g_str_has_prefix (reader->text->str, "HTTP/1.1 401"));
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

static void
test_too_many (void)
{
  g_autoptr (Server) server = server_new ();
  g_autoptr (GPtrArray) readers =
      g_ptr_array_new_with_free_func ((GDestroyNotify) reader_free);

  for (guint i = 0; i < 64; i++)
    g_ptr_array_add (readers, open_reader (server, "", ""));
  g_autoptr (Reader) late = open_reader (server, "", "");
  g_assert_true (g_str_has_prefix (late->text->str, "HTTP/1.1 503"));
  /* one that goes makes room, when the next word to it is sent */
  g_ptr_array_set_size (readers, 63);
  gboolean is_in = FALSE;
  gint64 deadline_us = g_get_monotonic_time () + DEADLINE_US;
  while (!is_in) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline_us);
    add (get_log (server), "any.thing");
    g_autoptr (Reader) next = open_reader (server, "", "");
    is_in = g_str_has_prefix (next->text->str, "HTTP/1.1 200");
  }
}

static void
on_debug (const gchar *domain, GLogLevelFlags level, const gchar *message,
    gpointer user_data)
{
}

gint
main (gint argc, gchar **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* libsoup has two lines for each frame: most of what this test would do. */
  g_log_set_handler ("libsoup", G_LOG_LEVEL_DEBUG, on_debug, NULL);
  heartbeats = g_array_new (FALSE, FALSE, sizeof (Heartbeat));
  g_test_add_func ("/events/ids", test_ids);
  g_test_add_func ("/events/bytes", test_bytes);
  g_test_add_func ("/events/other-ids", test_other_ids);
  g_test_add_func ("/events/follow", test_follow);
  g_test_add_func ("/events/resume", test_resume);
  g_test_add_func ("/events/reset", test_reset);
  g_test_add_func ("/events/websocket", test_websocket);
  g_test_add_func ("/events/no-key", test_no_key);
  g_test_add_func ("/events/slow-reader", test_slow_reader);
  g_test_add_func ("/events/trickling-reader", test_trickling_reader);
  g_test_add_func ("/events/long-catching-up", test_long_catching_up);
  g_test_add_func ("/events/stalled-reader", test_stalled_reader);
  g_test_add_func ("/events/too-many", test_too_many);
  return g_test_run ();
}
