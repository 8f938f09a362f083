/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "viewers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gio/gio.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_HEAD 4096
#define MAX_EVENTS 256

/* What is read at once: an answer, head and body. Two system calls for each
 * request, one of them to ask, so that the viewers leave the machine to what is
 * measured. */
#define BLOCK_BYTES (256 * 1024)

/* Of a playlist: the hint and the reports behind it. */
#define MAX_TAIL 1024

/* A source address has some 28,000 ports for one destination. */
#define PER_ADDRESS 20000

typedef enum
{
  ASKS_JOIN, /* the playlist as it is */
  ASKS_PLAYLIST, /* with the next part */
  ASKS_PART,
  ASKS_NOTHING,
} Asks;

typedef struct _Viewer Viewer;

typedef struct
{
  Viewer *viewer;
  gint fd;
  Asks asks;
  guint64 number; /* the part that it waits for */
  guint part;
  GString *head; /* nullable: of an answer whose head is not whole yet */
  gsize left; /* of the body */
  gboolean in_body;
} Connection;

struct _Viewer
{
  Connection playlist;
  Connection parts; /* fd -1: over the same connection */
  GString *text; /* end of a playlist's body: the hint is there */
  gchar *hint; /* name of the next part */
  guint64 number; /* its number and index */
  guint part;
};

typedef struct
{
  const ViewersOptions *options;
  PartClock *clock;
  ViewersResult *result;
  gboolean measures;
  gint epoll;
  Viewer *viewers;
  gchar *block; /* what is read */
} Run;

/* ---- asking ---- */

static void
fail (Run *run, Connection *connection, const gchar *what)
{
  run->result->errors++;
  if (run->result->first_error == NULL)
    run->result->first_error = g_strdup (what);
  if (connection->fd >= 0)
    close (connection->fd);
  connection->fd = -1;
  connection->asks = ASKS_NOTHING;
}

/* A request is some 100 bytes: there is always room for it. */
static void
ask (Run *run, Connection *connection, Asks asks, const gchar *name)
{
  const Viewer *viewer = connection->viewer;
  gchar request[512];
  gint length;

  connection->asks = asks;
  connection->number = viewer->number;
  connection->part = viewer->part;
  connection->in_body = FALSE;
  length = g_snprintf (request, sizeof (request),
      "GET %s/%s HTTP/1.1\r\nHost: %s\r\n\r\n", run->options->path, name,
      run->options->host);
  if (send (connection->fd, request, length, MSG_NOSIGNAL) != length)
    fail (run, connection, "a request could not be sent");
}

static void
ask_playlist (Run *run, Viewer *viewer)
{
  gchar name[128];

  g_snprintf (name, sizeof (name),
      "playlist.m3u8?_HLS_msn=%" G_GUINT64_FORMAT "&_HLS_part=%u",
      viewer->number, viewer->part);
  g_string_truncate (viewer->text, 0);
  ask (run, &viewer->playlist, ASKS_PLAYLIST, name);
}

/* ---- answers ---- */

/* {generation}-{number}.{part}.m4s */
static gboolean
read_hint (Viewer *viewer)
{
  const gchar *tag =
      g_strrstr (viewer->text->str, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"");
  unsigned long long generation;
  unsigned long long number;
  guint part;

  if (tag == NULL)
    return FALSE;
  tag = strchr (tag, '"') + 1;
  if (sscanf (tag, "%llu-%llu.%u.m4s", &generation, &number, &part) != 3)
    return FALSE;
  g_free (viewer->hint);
  viewer->hint = g_strndup (tag, strcspn (tag, "\""));
  viewer->number = number;
  viewer->part = part;
  return TRUE;
}

static void
note_delay (Run *run, const Connection *connection, GArray *delays)
{
  gint64 written =
      part_clock_look_up (run->clock, connection->number, connection->part);
  gint64 delay = g_get_real_time () - written;

  if (!run->measures)
    return;
  if (written == 0)
    run->result->unknown++;
  else
    g_array_append_val (delays, delay);
}

/* In hint mode both have to be here before the next two are asked for. */
static void
go_on (Run *run, Viewer *viewer)
{
  if (viewer->parts.asks != ASKS_NOTHING)
    return;
  if (!read_hint (viewer)) {
    fail (run, &viewer->playlist, "a playlist has no preload hint");
    return;
  }
  if (run->options->mode == VIEWERS_HINT)
    ask (run, &viewer->parts, ASKS_PART, viewer->hint);
  ask_playlist (run, viewer);
}

static void
on_answer (Run *run, Connection *connection)
{
  Viewer *viewer = connection->viewer;
  const Asks asked = connection->asks;

  connection->asks = ASKS_NOTHING;
  connection->in_body = FALSE;
  if (asked == ASKS_PART) {
    note_delay (run, connection, run->result->delays_us);
    run->result->parts += run->measures;
    if (viewer->playlist.asks == ASKS_NOTHING)
      go_on (run, viewer);
    return;
  }
  run->result->playlists += run->measures;
  if (asked == ASKS_PLAYLIST)
    note_delay (run, connection, run->result->waits_us);
  if (asked == ASKS_PLAYLIST && run->options->mode == VIEWERS_RELOAD)
    ask (run, &viewer->playlist, ASKS_PART, viewer->hint);
  else
    go_on (run, viewer);
}

/* @head: with an end, and without what is behind it. Returns FALSE when it is no
 * answer that goes on. */
static gboolean
read_head (Run *run, Connection *connection, const gchar *head)
{
  const gchar *length = strcasestr (head, "\r\nContent-Length: ");
  g_autofree gchar *line = NULL;

  if (!g_str_has_prefix (head, "HTTP/1.1 200 ") || length == NULL) {
    line = g_strndup (head, strcspn (head, "\r"));
    fail (run, connection, line);
    return FALSE;
  }
  connection->left = g_ascii_strtoull (length + 18, NULL, 10);
  connection->in_body = TRUE;
  return TRUE;
}

/* Of a playlist its last bytes are kept, of a part none. */
static void
take_body (Run *run, Connection *connection, const gchar *data, gsize n)
{
  GString *text = connection->viewer->text;

  connection->left -= n;
  run->result->bytes += run->measures ? n : 0;
  if (connection->asks == ASKS_PART)
    return;
  if (n >= MAX_TAIL) {
    data += n - MAX_TAIL;
    n = MAX_TAIL;
  }
  if (text->len + n > MAX_TAIL)
    g_string_erase (text, 0, text->len + n - MAX_TAIL);
  g_string_append_len (text, data, n);
}

/* @data: ends with NUL. Returns bytes of the head's end, of what is new; 0 when
 * it is not whole, or when the connection has failed. */
static gsize
take_head (Run *run, Connection *connection, gchar *data, gsize n)
{
  const gsize before = connection->head != NULL ? connection->head->len : 0;
  gchar *text = data;
  gchar *end;
  gsize used = 0;

  if (connection->head != NULL)
    text = g_string_append_len (connection->head, data, n)->str;
  end = strstr (text, "\r\n\r\n");
  if (end != NULL) {
    used = end + 4 - text - before;
    end[2] = '\0';
    if (!read_head (run, connection, text))
      used = 0;
  } else if (before + n >= MAX_HEAD) {
    fail (run, connection, "a head without end");
  } else if (connection->head == NULL) {
    connection->head = g_string_new_len (data, n);
  }
  if (end != NULL && connection->head != NULL) {
    g_string_free (connection->head, TRUE);
    connection->head = NULL;
  }
  return used;
}

/* Nothing comes that was not asked for, and the next is asked for when all is
 * here. */
static void
read_more (Run *run, Connection *connection)
{
  gchar *data = run->block;
  gssize n = recv (connection->fd, data, BLOCK_BYTES, MSG_DONTWAIT);

  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n <= 0) {
    fail (run, connection, "a connection ended");
    return;
  }
  data[n] = '\0';
  if (!connection->in_body) {
    gsize head = take_head (run, connection, data, n);

    if (head == 0)
      return;
    data += head;
    n -= head;
  }
  if ((gsize) n > connection->left) {
    fail (run, connection, "more than was asked for");
    return;
  }
  take_body (run, connection, data, n);
  if (connection->left == 0)
    on_answer (run, connection);
}

/* ---- running ---- */

static gboolean
open_connection (Run *run, Connection *connection, guint index, GError **error)
{
  struct sockaddr_in to = { .sin_family = AF_INET,
    .sin_port = htons (run->options->port) };
  struct sockaddr_in from = { .sin_family = AF_INET };
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };
  const gint one = 1;

  inet_pton (AF_INET, run->options->host, &to.sin_addr);
  /* 127.0.1.x: other addresses of loopback, when one has not enough ports. */
  from.sin_addr.s_addr = htonl (INADDR_LOOPBACK + (index / PER_ADDRESS) * 256);
  connection->fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connection->fd >= 0 && index >= PER_ADDRESS)
    (void) bind (connection->fd, (struct sockaddr *) &from, sizeof (from));
  if (connection->fd < 0 ||
      connect (connection->fd, (struct sockaddr *) &to, sizeof (to)) < 0 ||
      epoll_ctl (run->epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
        "connection %u: %s", index, g_strerror (errno));
    return FALSE;
  }
  setsockopt (connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof (one));
  return TRUE;
}

static void
turn (Run *run, gint64 until)
{
  struct epoll_event events[MAX_EVENTS];

  while (g_get_monotonic_time () < until) {
    gint n = epoll_wait (run->epoll, events, MAX_EVENTS, 100);

    for (gint i = 0; i < n; i++) {
      Connection *connection = events[i].data.ptr;

      if (connection->fd >= 0)
        read_more (run, connection);
    }
  }
}

static gboolean
start (Run *run, GError **error)
{
  const ViewersOptions *options = run->options;

  for (guint i = 0; i < options->n; i++) {
    Viewer *viewer = &run->viewers[i];

    viewer->text = g_string_new (NULL);
    viewer->playlist = (Connection){ .viewer = viewer, .fd = -1 };
    viewer->parts = (Connection){ .viewer = viewer, .fd = -1 };
    viewer->parts.asks = ASKS_NOTHING;
    if (!open_connection (run, &viewer->playlist, 2 * i, error) ||
        (options->mode == VIEWERS_HINT &&
            !open_connection (run, &viewer->parts, 2 * i + 1, error)))
      return FALSE;
    ask (run, &viewer->playlist, ASKS_JOIN, "playlist.m3u8");
  }
  return TRUE;
}

static void
clear_head (Connection *connection)
{
  if (connection->head != NULL)
    g_string_free (connection->head, TRUE);
}

static void
stop (Run *run)
{
  for (guint i = 0; i < run->options->n; i++) {
    Viewer *viewer = &run->viewers[i];

    if (viewer->text == NULL)
      break;
    if (viewer->playlist.fd >= 0)
      close (viewer->playlist.fd);
    if (viewer->parts.fd >= 0)
      close (viewer->parts.fd);
    clear_head (&viewer->playlist);
    clear_head (&viewer->parts);
    g_string_free (viewer->text, TRUE);
    g_free (viewer->hint);
  }
}

gboolean
viewers_run (const ViewersOptions *options, PartClock *clock, guint settle_s,
    guint seconds, ViewersResult *result, GError **error)
{
  Run run = { .options = options, .clock = clock, .result = result };
  gboolean is_started;
  gint64 now;

  run.epoll = epoll_create1 (EPOLL_CLOEXEC);
  run.viewers = g_new0 (Viewer, options->n);
  run.block = g_malloc (BLOCK_BYTES + 1);
  is_started = start (&run, error);
  if (is_started) {
    now = g_get_monotonic_time ();
    turn (&run, now + settle_s * G_USEC_PER_SEC);
    run.measures = TRUE;
    turn (&run, now + (settle_s + seconds) * G_USEC_PER_SEC);
  }
  stop (&run);
  close (run.epoll);
  g_free (run.viewers);
  g_free (run.block);
  return is_started;
}
