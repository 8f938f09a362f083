/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "load.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a publisher has to connect and be accepted, and the server to close
 * after a good-bye. */
#define ANSWER_TIMEOUT_US (10 * G_USEC_PER_SEC)

/* One that comes back may be refused until its loss was noticed. */
#define RETRY_US (250 * 1000)

/* ---- ends ---- */

static void
disconnect (MillLoadPublisher *publisher)
{
  if (publisher->fd >= 0)
    close (publisher->fd);
  publisher->fd = -1;
  publisher->events = 0;
}

void
mill_load_publisher_finish (MillLoadPublisher *publisher, MillLoadState state,
    const gchar *why)
{
  if (publisher->state >= MILL_LOAD_DONE)
    return;
  if (why != NULL)
    g_printerr ("publisher %u: %s\n", publisher->index, why);
  publisher->state = state;
  publisher->next_us = MILL_LOAD_NEVER;
  disconnect (publisher);
  publisher->load->n_left--;
}

void
mill_load_publisher_pause (MillLoadPublisher *publisher, gint64 next_us)
{
  disconnect (publisher);
  publisher->state = MILL_LOAD_WAITING;
  publisher->next_us = next_us;
}

/* Its next cycle, if there is one. */
static void
end_cycle (MillLoadPublisher *publisher)
{
  MillLoad *load = publisher->load;
  load->n_ended++;
  if (load->n_begun < load->n_cycles)
    mill_load_publisher_pause (publisher, g_get_monotonic_time ());
  else
    mill_load_publisher_finish (publisher, MILL_LOAD_DONE, NULL);
}

/* The server would not have it, or did not keep it. */
static void
on_lost (MillLoadPublisher *publisher, MillLoadState state, const gchar *why)
{
  gint64 now_us = g_get_monotonic_time ();
  gboolean returns = publisher->state == MILL_LOAD_CONNECTING &&
      publisher->n_reconnects > 0 && now_us < publisher->next_us;
  if (publisher->fault != MILL_LOAD_HONEST)
    mill_load_fault_on_closed (publisher);
  else if (publisher->state == MILL_LOAD_LEAVING)
    end_cycle (publisher);
  else if (returns)
    mill_load_publisher_pause (publisher, now_us + RETRY_US);
  else
    mill_load_publisher_finish (publisher, state, why);
}

/* ---- bytes ---- */

gssize
mill_load_publisher_send (MillLoadPublisher *publisher, const guint8 *data,
    gsize size)
{
  gssize sent = send (publisher->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN && errno != ENOTCONN) {
    on_lost (publisher, MILL_LOAD_DISCONNECTED, g_strerror (errno));
    return -1;
  }
  sent = MAX (sent, 0);
  mill_load_loop_watch (publisher,
      EPOLLIN | ((gsize) sent < size ? EPOLLOUT : 0));
  return sent;
}

/* The client's own messages: all but the show. TRUE when all is sent. */
static gboolean
send_commands (MillLoadPublisher *publisher)
{
  gsize size;
  const guint8 *data = mill_rtmp_client_peek_output (publisher->client, &size);
  if (size == 0)
    return TRUE;
  gssize sent = mill_load_publisher_send (publisher, data, size);
  if (sent < 0)
    return FALSE;
  mill_rtmp_client_drop_output (publisher->client, (gsize) sent);
  return (gsize) sent == size;
}

void
mill_load_publisher_receive (MillLoadPublisher *publisher)
{
  guint8 data[16384];
  gssize size = recv (publisher->fd, data, sizeof data, MSG_DONTWAIT);
  if (size < 0 && errno == EAGAIN)
    return;
  if (size <= 0) {
    on_lost (publisher, MILL_LOAD_DISCONNECTED,
        size < 0 ? g_strerror (errno) : "the server closed the connection");
    return;
  }
  g_autoptr (GError) error = NULL;
  gboolean speaks = publisher->state != MILL_LOAD_MISBEHAVING;
  if (speaks &&
      !mill_rtmp_client_feed (publisher->client, data, (gsize) size, &error) &&
      publisher->fd >= 0)
    on_lost (publisher, MILL_LOAD_DISCONNECTED, error->message);
}

/* ---- the show ---- */

static const MillWireMessage *
get_message (const MillLoadPublisher *publisher, guint index)
{
  return &g_array_index (publisher->load->image->messages, MillWireMessage,
      index);
}

static gint64
get_due_us (const MillLoadPublisher *publisher)
{
  guint64 time_ms = get_message (publisher, publisher->message)->time_ms +
      publisher->round * publisher->load->image->loop_ms;
  return publisher->start_us + (gint64) time_ms * 1000;
}

gboolean
mill_load_publisher_is_between (const MillLoadPublisher *publisher)
{
  return publisher->message == 0 ||
      get_message (publisher, publisher->message - 1)->end ==
      publisher->position;
}

static void
count_lag (MillLoad *load, gint64 lag_us)
{
  load->lag_sum_us += lag_us;
  load->lag_max_us = MAX (load->lag_max_us, lag_us);
  load->n_messages++;
}

/* Counts the messages that lie before @position, and their lag. */
static void
count_sent (MillLoadPublisher *publisher, gint64 now_us)
{
  MillLoad *load = publisher->load;
  MillWireImage *image = load->image;
  while (get_message (publisher, publisher->message)->end <=
      publisher->position) {
    const MillWireMessage *sent = get_message (publisher, publisher->message);
    if (load->n_cycles == 0)
      count_lag (load, now_us - get_due_us (publisher));
    publisher->n_frames += sent->is_frame ? 1 : 0;
    publisher->n_pictures += sent->is_picture ? 1 : 0;
    publisher->message++;
    if (publisher->message < image->messages->len)
      continue;
    publisher->message = image->loop_start;
    publisher->round++;
    publisher->position = image->loop_start == 0
        ? 0
        : get_message (publisher, image->loop_start - 1)->end;
    break;
  }
}

/* Where the bytes end that are due by @now_us, as far as the image's end. */
static gsize
find_due_end (const MillLoadPublisher *publisher, gint64 now_us)
{
  const GArray *messages = publisher->load->image->messages;
  gint64 first_us = get_due_us (publisher);
  guint32 first_ms = get_message (publisher, publisher->message)->time_ms;
  gsize end = publisher->position;
  for (guint i = publisher->message; i < messages->len; i++) {
    const MillWireMessage *message = get_message (publisher, i);
    gint64 due_us = first_us +
        ((gint64) message->time_ms - (gint64) first_ms) * 1000;
    if (due_us > now_us)
      break;
    end = message->end;
  }
  return end;
}

static void
say_goodbye (MillLoadPublisher *publisher)
{
  publisher->state = MILL_LOAD_CLOSING;
  mill_rtmp_client_unpublish (publisher->client);
}

/* The bytes up to @end. TRUE when all are sent; a full socket is taken up again
 * when it has room. */
static gboolean
send_image (MillLoadPublisher *publisher, gsize end, gint64 now_us)
{
  gsize size = end - publisher->position;
  gssize sent = mill_load_publisher_send (publisher,
      publisher->load->image->bytes->data + publisher->position, size);
  if (sent < 0)
    return FALSE;
  publisher->position += (gsize) sent;
  publisher->n_bytes += (guint64) sent;
  count_sent (publisher, now_us);
  if ((gsize) sent == size)
    return TRUE;
  publisher->next_us = MILL_LOAD_NEVER; /* EPOLLOUT comes first */
  return FALSE;
}

/* Real time: what is due. */
static void
send_show (MillLoadPublisher *publisher, gint64 now_us)
{
  for (;;) {
    if (mill_load_publisher_is_between (publisher) &&
        get_due_us (publisher) >= publisher->end_us) {
      if (now_us >= publisher->end_us)
        say_goodbye (publisher);
      else
        publisher->next_us = publisher->end_us;
      return;
    }
    gsize end = find_due_end (publisher, MIN (now_us, publisher->end_us - 1));
    if (end == publisher->position) {
      publisher->next_us = get_due_us (publisher);
      return;
    }
    if (!send_image (publisher, end, now_us))
      return;
  }
}

/* A cycle: the first frames, as fast as they are taken. */
static void
send_start (MillLoadPublisher *publisher, gint64 now_us)
{
  const MillLoad *load = publisher->load;
  guint last = 0;
  guint n_frames = 0;
  while (last + 1 < load->image->loop_start) {
    n_frames += get_message (publisher, last)->is_frame ? 1 : 0;
    if (n_frames >= load->n_cycle_frames)
      break;
    last++;
  }
  if (send_image (publisher, get_message (publisher, last)->end, now_us))
    say_goodbye (publisher);
}

/* ---- life ---- */

static void
on_ready (MillRtmpClient *client, gpointer user_data)
{
  MillLoadPublisher *publisher = user_data;
  MillLoad *load = publisher->load;
  gint64 now_us = g_get_monotonic_time ();
  if (mill_rtmp_client_get_stream_id (client) != 1) {
    mill_load_publisher_finish (publisher, MILL_LOAD_REFUSED,
        "the server gave another message stream than 1");
    return;
  }
  publisher->state = MILL_LOAD_PUBLISHING;
  publisher->start_us = now_us;
  publisher->next_us = now_us;
  if (publisher->end_us == 0)
    publisher->end_us = now_us + load->duration_us;
  load->n_accepted++;
  load->accept_sum_us += now_us - publisher->connect_us;
  load->accept_max_us =
      MAX (load->accept_max_us, now_us - publisher->connect_us);
}

static void
on_refused (MillRtmpClient *client, const gchar *code, const gchar *description,
    gpointer user_data)
{
  g_autofree gchar *why = g_strdup_printf ("%s: %s", code, description);
  on_lost (user_data, MILL_LOAD_REFUSED, why);
}

static MillRtmpClient *
make_client (MillLoadPublisher *publisher)
{
  static const MillRtmpClientEvents events = { on_ready, on_refused };
  const MillLoad *load = publisher->load;
  guint number = load->new_names ? publisher->cycle : publisher->index;
  const gchar *mark = strstr (load->name, "%d");
  g_autofree gchar *name = mark == NULL
      ? g_strdup (load->name)
      : g_strdup_printf ("%.*s%u%s", (gint) (mark - load->name), load->name,
            number, mark + 2);
  MillRtmpClientOptions options = {
    .app = load->app,
    .name = name,
    .tc_url = load->tc_url,
    .chunk_size = load->chunk_size,
  };
  return mill_rtmp_client_new (&options, &events, publisher);
}

void
mill_load_publisher_start (MillLoadPublisher *publisher, gint64 now_us)
{
  MillLoad *load = publisher->load;
  if (load->n_cycles > 0 && load->n_begun == load->n_cycles) {
    mill_load_publisher_finish (publisher, MILL_LOAD_DONE, NULL);
    return;
  }
  publisher->cycle = load->n_begun++;
  publisher->message = 0;
  publisher->round = 0;
  publisher->position = 0;
  g_clear_pointer (&publisher->client, mill_rtmp_client_free);
  publisher->client = make_client (publisher);
  publisher->connect_us = now_us;
  publisher->next_us = now_us + ANSWER_TIMEOUT_US;
  publisher->state = MILL_LOAD_CONNECTING;
  if (mill_load_fault_begins_at_once (publisher->fault))
    publisher->state = MILL_LOAD_MISBEHAVING;
  publisher->fd = socket (load->address->ai_family,
      SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt (publisher->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect (publisher->fd, load->address->ai_addr,
          load->address->ai_addrlen) != 0 &&
      errno != EINPROGRESS)
    on_lost (publisher, MILL_LOAD_DISCONNECTED, g_strerror (errno));
  else
    mill_load_loop_watch (publisher, EPOLLIN | EPOLLOUT);
}

/* The publisher goes without a word and comes back. */
static void
go_and_return (MillLoadPublisher *publisher, gint64 now_us)
{
  publisher->n_reconnects++;
  mill_load_publisher_pause (publisher, now_us);
}

static void
publish (MillLoadPublisher *publisher, gint64 now_us)
{
  const MillLoad *load = publisher->load;
  /* an acknowledgement must not fall into the middle of a message */
  if (mill_load_publisher_is_between (publisher)) {
    if (load->reconnect_us > 0 && publisher->fault == MILL_LOAD_HONEST &&
        now_us - publisher->start_us >= load->reconnect_us &&
        now_us < publisher->end_us) {
      go_and_return (publisher, now_us);
      return;
    }
    if (!send_commands (publisher) || publisher->state != MILL_LOAD_PUBLISHING)
      return;
  }
  if (load->n_cycles > 0)
    send_start (publisher, now_us);
  else
    send_show (publisher, now_us);
}

/* After a good-bye: whoever cycles waits for the server to have closed, so
 * that its name is free again. */
static void
leave (MillLoadPublisher *publisher, gint64 now_us)
{
  if (!send_commands (publisher) || publisher->state != MILL_LOAD_CLOSING)
    return;
  if (publisher->load->n_cycles == 0) {
    mill_load_publisher_finish (publisher, MILL_LOAD_DONE, NULL);
    return;
  }
  publisher->state = MILL_LOAD_LEAVING;
  publisher->next_us = now_us + ANSWER_TIMEOUT_US;
  shutdown (publisher->fd, SHUT_WR);
}

void
mill_load_publisher_advance (MillLoadPublisher *publisher, gint64 now_us)
{
  if (mill_load_fault_is_due (publisher, now_us))
    publisher->state = MILL_LOAD_MISBEHAVING;
  switch (publisher->state) {
    case MILL_LOAD_WAITING:
      mill_load_publisher_start (publisher, now_us);
      break;
    case MILL_LOAD_CONNECTING:
    case MILL_LOAD_LEAVING:
      if (now_us >= publisher->next_us)
        mill_load_publisher_finish (publisher, MILL_LOAD_DISCONNECTED,
            "no answer within 10 s");
      else
        send_commands (publisher);
      break;
    case MILL_LOAD_PUBLISHING:
      publish (publisher, now_us);
      if (publisher->state == MILL_LOAD_CLOSING)
        leave (publisher, now_us);
      break;
    case MILL_LOAD_MISBEHAVING:
      mill_load_fault_act (publisher, now_us);
      break;
    case MILL_LOAD_CLOSING:
      leave (publisher, now_us);
      break;
    case MILL_LOAD_DONE:
    case MILL_LOAD_REFUSED:
    case MILL_LOAD_DISCONNECTED:
      break;
  }
}
