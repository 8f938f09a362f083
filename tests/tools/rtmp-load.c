/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Publishes one FLV file N times at once in real time, from one thread that
 * spends next to nothing per publisher, so that it can share a machine with
 * the server that is measured. What was sent is printed as one line of JSON.
 *
 *     rtmp-load --url rtmp://127.0.0.1:1935/live/load%d --publishers 100
 *               --seconds 20 [--stagger-ms 20] [--chunk-size 4096] FILE.flv
 *
 * Exit code: 0 when all published to the end, 1 when one was refused or cut
 * off, 64 for wrong use, 66 for an unusable file.
 */
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <gst/gst.h>

#include "rtmp/rtmp-client.h"
#include "wire-image.h"

#define EXIT_USE 64
#define EXIT_NO_INPUT 66

/* Publishers are served on this grid, so that one wake-up serves many. */
#define TICK_US 5000

/* What a publisher has to connect and be accepted. */
#define START_TIMEOUT_US (10 * G_USEC_PER_SEC)

#define NEVER G_MAXINT64

typedef enum
{
  STATE_WAITING, /* for its turn to start */
  STATE_CONNECTING, /* TCP, handshake, commands */
  STATE_PUBLISHING,
  STATE_CLOSING, /* the good-bye is being sent */
  STATE_DONE,
  STATE_REFUSED,
  STATE_DISCONNECTED,
} State;

typedef struct Load Load;

typedef struct
{
  Load *load;
  guint index;
  State state;
  int fd;
  MillRtmpClient *client;
  guint32 events; /* what epoll waits for */

  gint64 next_us; /* when to look at it again */
  gint64 start_us; /* of its show */
  guint message; /* the next one to be sent whole */
  guint64 round; /* how often the loop was begun anew */
  gsize position; /* in the image */

  guint64 n_frames;
  guint64 n_bytes;
} Publisher;

struct Load
{
  gchar *app;
  gchar *name; /* with %d */
  gchar *tc_url;
  struct addrinfo *address;
  guint chunk_size;
  gint64 duration_us;
  gint64 stagger_us;

  MillWireImage *image;
  Publisher *publishers;
  guint n_publishers;
  guint n_left;
  int epoll;
  int timer;

  guint64 n_messages;
  gint64 lag_sum_us;
  gint64 lag_max_us;
};

/* ---- one publisher ---- */

static void
finish (Publisher *publisher, State state, const gchar *why)
{
  if (publisher->state >= STATE_DONE)
    return;
  if (why != NULL)
    g_printerr ("publisher %u: %s\n", publisher->index, why);
  publisher->state = state;
  publisher->next_us = NEVER;
  if (publisher->fd >= 0)
    close (publisher->fd);
  publisher->fd = -1;
  publisher->load->n_left--;
}

static void
watch (Publisher *publisher, guint32 events)
{
  if (publisher->events == events)
    return;
  struct epoll_event event = { .events = events, .data.ptr = publisher };
  epoll_ctl (publisher->load->epoll,
      publisher->events == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, publisher->fd,
      &event);
  publisher->events = events;
}

/* Bytes the kernel took; -1 when the connection is gone. */
static gssize
send_some (Publisher *publisher, const guint8 *data, gsize size)
{
  gssize sent = send (publisher->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN && errno != ENOTCONN) {
    finish (publisher, STATE_DISCONNECTED, g_strerror (errno));
    return -1;
  }
  sent = MAX (sent, 0);
  watch (publisher, EPOLLIN | ((gsize) sent < size ? EPOLLOUT : 0));
  return sent;
}

/* The client's own messages: all but the show. TRUE when all is sent. */
static gboolean
send_commands (Publisher *publisher)
{
  gsize size;
  const guint8 *data = mill_rtmp_client_peek_output (publisher->client, &size);
  if (size == 0)
    return TRUE;
  gssize sent = send_some (publisher, data, size);
  if (sent < 0)
    return FALSE;
  mill_rtmp_client_drop_output (publisher->client, (gsize) sent);
  return (gsize) sent == size;
}

static const MillWireMessage *
get_message (const Publisher *publisher)
{
  return &g_array_index (publisher->load->image->messages, MillWireMessage,
      publisher->message);
}

static gint64
get_due_us (const Publisher *publisher)
{
  guint64 time_ms = get_message (publisher)->time_ms +
      publisher->round * publisher->load->image->loop_ms;
  return publisher->start_us + (gint64) time_ms * 1000;
}

/* Counts the messages that lie before @position, and their lag. */
static void
count_sent (Publisher *publisher, gint64 now_us)
{
  Load *load = publisher->load;
  MillWireImage *image = load->image;
  while (get_message (publisher)->end <= publisher->position) {
    gint64 lag_us = now_us - get_due_us (publisher);
    load->lag_sum_us += lag_us;
    load->lag_max_us = MAX (load->lag_max_us, lag_us);
    load->n_messages++;
    publisher->n_frames += get_message (publisher)->is_frame ? 1 : 0;
    publisher->message++;
    if (publisher->message < image->messages->len)
      continue;
    publisher->message = image->loop_start;
    publisher->round++;
    publisher->position = image->loop_start == 0
        ? 0
        : g_array_index (image->messages, MillWireMessage,
              image->loop_start - 1)
              .end;
    break;
  }
}

/* Where the bytes end that are due by @now_us, as far as the image's end. */
static gsize
find_due_end (const Publisher *publisher, gint64 now_us)
{
  const GArray *messages = publisher->load->image->messages;
  gint64 first_us = get_due_us (publisher);
  guint32 first_ms = get_message (publisher)->time_ms;
  gsize end = publisher->position;
  for (guint i = publisher->message; i < messages->len; i++) {
    const MillWireMessage *message =
        &g_array_index (messages, MillWireMessage, i);
    gint64 due_us = first_us +
        ((gint64) message->time_ms - (gint64) first_ms) * 1000;
    if (due_us > now_us)
      break;
    end = message->end;
  }
  return end;
}

static void
say_goodbye (Publisher *publisher)
{
  publisher->state = STATE_CLOSING;
  mill_rtmp_client_unpublish (publisher->client);
  if (send_commands (publisher))
    finish (publisher, STATE_DONE, NULL);
}

/* Sends what is due; a full socket is taken up again when it has room. */
static void
send_show (Publisher *publisher, gint64 now_us)
{
  Load *load = publisher->load;
  for (;;) {
    gboolean between = publisher->message == 0 ||
        g_array_index (load->image->messages, MillWireMessage,
            publisher->message - 1)
                .end == publisher->position;
    if (between &&
        get_due_us (publisher) - publisher->start_us >= load->duration_us) {
      if (now_us >= publisher->start_us + load->duration_us)
        say_goodbye (publisher);
      else
        publisher->next_us = publisher->start_us + load->duration_us;
      return;
    }
    gint64 last_us = publisher->start_us + load->duration_us - 1;
    gsize end = find_due_end (publisher, MIN (now_us, last_us));
    if (end == publisher->position) {
      publisher->next_us = get_due_us (publisher);
      return;
    }
    gsize size = end - publisher->position;
    gssize sent = send_some (publisher,
        load->image->bytes->data + publisher->position, size);
    if (sent < 0)
      return;
    publisher->position += (gsize) sent;
    publisher->n_bytes += (guint64) sent;
    count_sent (publisher, now_us);
    if ((gsize) sent < size) {
      publisher->next_us = NEVER; /* EPOLLOUT comes first */
      return;
    }
  }
}

static void
on_ready (MillRtmpClient *client, gpointer user_data)
{
  Publisher *publisher = user_data;
  if (mill_rtmp_client_get_stream_id (client) != 1) {
    finish (publisher, STATE_REFUSED,
        "the server gave another message stream than 1");
    return;
  }
  publisher->state = STATE_PUBLISHING;
  publisher->start_us = g_get_monotonic_time ();
  publisher->next_us = publisher->start_us;
}

static void
on_refused (MillRtmpClient *client, const gchar *code, const gchar *description,
    gpointer user_data)
{
  g_autofree gchar *why = g_strdup_printf ("%s: %s", code, description);
  finish (user_data, STATE_REFUSED, why);
}

static void
start (Publisher *publisher, gint64 now_us)
{
  static const MillRtmpClientEvents events = { on_ready, on_refused };
  Load *load = publisher->load;
  const gchar *mark = strstr (load->name, "%d");
  g_autofree gchar *name = mark == NULL
      ? g_strdup (load->name)
      : g_strdup_printf ("%.*s%u%s", (gint) (mark - load->name), load->name,
            publisher->index, mark + 2);
  MillRtmpClientOptions options = {
    .app = load->app,
    .name = name,
    .tc_url = load->tc_url,
    .chunk_size = load->chunk_size,
  };
  publisher->client = mill_rtmp_client_new (&options, &events, publisher);
  publisher->state = STATE_CONNECTING;
  publisher->next_us = now_us + START_TIMEOUT_US;
  publisher->fd = socket (load->address->ai_family,
      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt (publisher->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect (publisher->fd, load->address->ai_addr,
          load->address->ai_addrlen) != 0 &&
      errno != EINPROGRESS)
    finish (publisher, STATE_DISCONNECTED, g_strerror (errno));
  else
    watch (publisher, EPOLLIN | EPOLLOUT);
}

static void
receive (Publisher *publisher)
{
  guint8 data[16384];
  gssize size = recv (publisher->fd, data, sizeof data, MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN)
    return;
  if (size <= 0) {
    finish (publisher, STATE_DISCONNECTED,
        size < 0 ? g_strerror (errno) : "the server closed the connection");
    return;
  }
  g_autoptr (GError) error = NULL;
  if (!mill_rtmp_client_feed (publisher->client, data, (gsize) size, &error))
    finish (publisher, STATE_DISCONNECTED, error->message);
}

/* Whatever the publisher may do now. */
static void
advance (Publisher *publisher, gint64 now_us)
{
  switch (publisher->state) {
    case STATE_WAITING:
      start (publisher, now_us);
      break;
    case STATE_CONNECTING:
      if (now_us >= publisher->next_us)
        finish (publisher, STATE_DISCONNECTED, "no answer within 10 s");
      else
        send_commands (publisher);
      break;
    case STATE_PUBLISHING:
      /* an acknowledgement must not fall into the middle of a message */
      if (publisher->message > 0 &&
          g_array_index (publisher->load->image->messages, MillWireMessage,
              publisher->message - 1)
                  .end != publisher->position) {
        send_show (publisher, now_us);
        break;
      }
      if (send_commands (publisher) && publisher->state == STATE_PUBLISHING)
        send_show (publisher, now_us);
      break;
    case STATE_CLOSING:
      if (send_commands (publisher))
        finish (publisher, STATE_DONE, NULL);
      break;
    case STATE_DONE:
    case STATE_REFUSED:
    case STATE_DISCONNECTED:
      break;
  }
}

/* ---- all of them ---- */

/* Wakes up at the earliest time anyone waits for, on the grid. */
static void
arm_timer (Load *load)
{
  gint64 next_us = NEVER;
  for (guint i = 0; i < load->n_publishers; i++)
    next_us = MIN (next_us, load->publishers[i].next_us);
  struct itimerspec when = { 0 };
  if (next_us != NEVER) {
    next_us = (next_us / TICK_US + 1) * TICK_US;
    when.it_value.tv_sec = next_us / G_USEC_PER_SEC;
    when.it_value.tv_nsec = next_us % G_USEC_PER_SEC * 1000;
  }
  timerfd_settime (load->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

static void
on_timer (Load *load)
{
  guint64 n_expired;
  if (read (load->timer, &n_expired, sizeof n_expired) < 0)
    return;
  gint64 now_us = g_get_monotonic_time ();
  for (guint i = 0; i < load->n_publishers; i++) {
    if (load->publishers[i].next_us <= now_us)
      advance (&load->publishers[i], now_us);
  }
}

static void
run (Load *load)
{
  struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
  epoll_ctl (load->epoll, EPOLL_CTL_ADD, load->timer, &event);
  gint64 now_us = g_get_monotonic_time ();
  for (guint i = 0; i < load->n_publishers; i++)
    load->publishers[i].next_us = now_us + i * load->stagger_us;
  while (load->n_left > 0) {
    arm_timer (load);
    struct epoll_event ready[64];
    int n_ready = epoll_wait (load->epoll, ready, G_N_ELEMENTS (ready), -1);
    for (int i = 0; i < n_ready; i++) {
      Publisher *publisher = ready[i].data.ptr;
      if (publisher == NULL) {
        on_timer (load);
        continue;
      }
      if (publisher->fd >= 0 && (ready[i].events & ~(guint32) EPOLLOUT) != 0)
        receive (publisher);
      if (publisher->fd >= 0)
        advance (publisher, g_get_monotonic_time ());
    }
  }
}

typedef struct
{
  guint64 sum, min, max;
} Spread;

static Spread
spread (const Load *load, gsize field)
{
  Spread result = { 0, G_MAXUINT64, 0 };
  for (guint i = 0; i < load->n_publishers; i++) {
    guint64 value = G_STRUCT_MEMBER (guint64, &load->publishers[i], field);
    result.sum += value;
    result.min = MIN (result.min, value);
    result.max = MAX (result.max, value);
  }
  return result;
}

static guint
count (const Load *load, State state)
{
  guint n = 0;
  for (guint i = 0; i < load->n_publishers; i++)
    n += load->publishers[i].state == state ? 1 : 0;
  return n;
}

static void
print_spread (const gchar *name, Spread value)
{
  g_print ("\"%s\": {\"sum\": %" G_GUINT64_FORMAT
           ", \"min\": %" G_GUINT64_FORMAT ", \"max\": %" G_GUINT64_FORMAT
           "}, ",
      name, value.sum, value.min, value.max);
}

static void
print_result (const Load *load)
{
  struct rusage usage;
  getrusage (RUSAGE_SELF, &usage);
  gdouble cpu_s = (gdouble) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
      (gdouble) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) /
          G_USEC_PER_SEC;
  gdouble mean_us = load->n_messages > 0
      ? (gdouble) load->lag_sum_us / (gdouble) load->n_messages
      : 0;
  g_print ("{\"publishers\": %u, \"seconds\": %.3f, ", load->n_publishers,
      (gdouble) load->duration_us / G_USEC_PER_SEC);
  print_spread ("frames", spread (load, G_STRUCT_OFFSET (Publisher, n_frames)));
  print_spread ("bytes", spread (load, G_STRUCT_OFFSET (Publisher, n_bytes)));
  g_print ("\"lag_ms\": {\"mean\": %.3f, \"max\": %.3f}, \"refused\": %u, "
           "\"disconnected\": %u, \"cpu_s\": %.3f}\n",
      mean_us / 1000, (gdouble) load->lag_max_us / 1000,
      count (load, STATE_REFUSED), count (load, STATE_DISCONNECTED), cpu_s);
}

/* ---- command line ---- */

/* rtmp://host[:port]/app/name; the application is all up to the last slash. */
static gboolean
parse_url (Load *load, const gchar *url)
{
  g_autoptr (GUri) uri =
      g_uri_parse (url, G_URI_FLAGS_ENCODED | G_URI_FLAGS_PARSE_RELAXED, NULL);
  if (uri == NULL || g_strcmp0 (g_uri_get_scheme (uri), "rtmp") != 0)
    return FALSE;
  const gchar *path = g_uri_get_path (uri);
  const gchar *slash = strrchr (path, '/');
  if (slash == NULL || slash == path)
    return FALSE;
  const gchar *query = g_uri_get_query (uri);
  gint port = g_uri_get_port (uri) > 0 ? g_uri_get_port (uri) : 1935;
  load->app = g_strndup (path + 1, (gsize) (slash - path - 1));
  load->name = query == NULL ? g_strdup (slash + 1)
                             : g_strconcat (slash + 1, "?", query, NULL);
  load->tc_url = g_strdup_printf ("rtmp://%s:%d/%s", g_uri_get_host (uri), port,
      load->app);
  g_autofree gchar *service = g_strdup_printf ("%d", port);
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
  return getaddrinfo (g_uri_get_host (uri), service, &hints, &load->address) ==
      0;
}

static void
allow_descriptors (void)
{
  struct rlimit limit;
  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
}

static void
prepare (Load *load)
{
  allow_descriptors ();
  load->epoll = epoll_create1 (EPOLL_CLOEXEC);
  load->timer = timerfd_create (CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
  load->publishers = g_new0 (Publisher, load->n_publishers);
  load->n_left = load->n_publishers;
  for (guint i = 0; i < load->n_publishers; i++) {
    load->publishers[i].load = load;
    load->publishers[i].index = i;
    load->publishers[i].fd = -1;
  }
}

static void
release (Load *load)
{
  for (guint i = 0; i < load->n_publishers; i++)
    mill_rtmp_client_free (load->publishers[i].client);
  g_free (load->publishers);
  mill_wire_image_free (load->image);
  g_free (load->app);
  g_free (load->name);
  g_free (load->tc_url);
  if (load->address != NULL)
    freeaddrinfo (load->address);
}

static int
use (const gchar *message)
{
  g_printerr ("rtmp-load: error: %s\n", message);
  return EXIT_USE;
}

int
main (int argc, char **argv)
{
  g_autofree gchar *url = NULL;
  gint n_publishers = 1;
  gdouble seconds = 20;
  gint stagger_ms = 20;
  gint chunk_size = 4096;
  const GOptionEntry entries[] = {
    { "url", 0, 0, G_OPTION_ARG_STRING, &url,
        "rtmp://HOST[:PORT]/APP/NAME with %d for the number", "URL" },
    { "publishers", 0, 0, G_OPTION_ARG_INT, &n_publishers, "how many", "N" },
    { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &seconds, "each of them", "S" },
    { "stagger-ms", 0, 0, G_OPTION_ARG_INT, &stagger_ms,
        "between two of their starts", "MS" },
    { "chunk-size", 0, 0, G_OPTION_ARG_INT, &chunk_size, "in bytes", "N" },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("FILE.flv");
  g_option_context_add_main_entries (context, entries, NULL);
  g_autoptr (GError) error = NULL;
  if (!g_option_context_parse (context, &argc, &argv, &error))
    return use (error->message);
  if (argc != 2 || url == NULL || n_publishers < 1 || seconds <= 0 ||
      stagger_ms < 0 || chunk_size < 128 || chunk_size > 0xffffff)
    return use ("expected --url, one file and sane numbers; see --help");
  /* messages of the server come in buffers, without any plugin */
  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  gst_init (NULL, NULL);

  Load load = {
    .n_publishers = (guint) n_publishers,
    .duration_us = (gint64) (seconds * G_USEC_PER_SEC),
    .stagger_us = (gint64) stagger_ms * 1000,
    .chunk_size = (guint) chunk_size,
  };
  if (!parse_url (&load, url))
    return use ("--url: expected rtmp://HOST[:PORT]/APP/NAME that resolves");
  g_autoptr (MillFlvFile) file = mill_flv_file_open (argv[1], &error);
  if (file != NULL)
    load.image = mill_wire_image_new (file, load.chunk_size, &error);
  if (load.image == NULL) {
    g_printerr ("rtmp-load: error: %s\n", error->message);
    return EXIT_NO_INPUT;
  }
  prepare (&load);
  run (&load);
  print_result (&load);
  gboolean all_done = count (&load, STATE_DONE) == load.n_publishers;
  release (&load);
  return all_done ? EXIT_SUCCESS : EXIT_FAILURE;
}
