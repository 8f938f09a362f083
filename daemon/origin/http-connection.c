/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/http-connection.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/origin/http-private.h"

/* A head that goes on, and what came behind it. */
#define BLOCK_BYTES (2 * MILL_HTTP_MAX_HEAD)

/* Of one client, in one turn. */
#define REQUESTS_AT_ONCE 16

/* What the kernel keeps of an answer beyond what is under way: without a bound
 * it is net.ipv4.tcp_wmem, 4 MB for each reader that is slow. */
#define NOT_SENT_LOWAT (128 * 1024)

/* Below it a reader is slow. A player that gets less than 8 kbit/s has left
 * even audio behind. */
#define LEAST_BYTES_PER_MS 1

/* RFC 9112 9.6: closing at once, with something unread, resets the connection,
 * and the client may lose the answer. */
#define LINGER_MS 2000
#define LINGER_BYTES (1024 * 1024)

/* ---- time ---- */

static void
arm (MillHttpConnection *self, guint timeout_ms)
{
  self->deadline = g_get_monotonic_time () + timeout_ms * (gint64) 1000;
}

static void
arm_answer (MillHttpConnection *self, guint64 from)
{
  self->from = from;
  arm (self, self->shared->write_timeout_ms);
}

static guint
count_unconfirmed (MillHttpConnection *self)
{
  gint n = 0;

  return ioctl (self->watch.fd, SIOCOUTQ, &n) == 0 ? n : 0;
}

static void
check_answer (MillHttpConnection *self, gint64 now)
{
  const guint64 unconfirmed = count_unconfirmed (self);
  const guint64 taken = self->written - MIN (self->written, unconfirmed);
  const guint64 least = self->shared->write_timeout_ms *
      (guint64) LEAST_BYTES_PER_MS;
  const gboolean is_behind = unconfirmed > 0 ||
      self->output.n_text + self->output.length > 0;

  const gint64 due = self->begun +
      self->shared->write_timeout_ms * (gint64) 1000;

  /* It has all that was there before the chunk that goes out now, however little
   * that was: until then it waited for us. */
  if (is_behind && taken >= self->begun_from && due > now) {
    self->from = MAX (self->from, self->begun_from);
    self->deadline = due;
    return;
  }
  /* Else it waits for us: for a part that is to come. */
  if (is_behind && taken < self->from + least) {
    (*self->shared->slow_ended)++;
    mill_http_connection_end (self);
    return;
  }
  arm_answer (self, taken);
}

void
mill_http_connection_check (MillHttpConnection *self, gint64 now)
{
  if (self->state == MILL_HTTP_CLOSED || self->deadline > now)
    return;
  if (self->state == MILL_HTTP_READING || self->state == MILL_HTTP_LINGERING)
    mill_http_connection_end (self);
  else
    check_answer (self, now);
}

/* ---- the end of an exchange, of a connection ---- */

static gboolean
is_in_exchange (const MillHttpConnection *self)
{
  return self->state >= MILL_HTTP_HANDLING && self->state <= MILL_HTTP_CHUNKING;
}

static void
clear_exchange (MillHttpConnection *self)
{
  MillHttpExchange *exchange = &self->exchange;
  MillHttpShared *shared = self->shared;

  mill_http_request_clear (&exchange->request);
  if (exchange->lines != NULL && shared->spare == NULL) {
    shared->spare = g_steal_pointer (&exchange->lines);
    g_string_truncate (shared->spare, 0);
  }
  if (exchange->lines != NULL)
    g_string_free (exchange->lines, TRUE);
  g_clear_pointer (&exchange->bytes, g_bytes_unref);
  g_clear_pointer (&exchange->file, mill_origin_files_release);
  *exchange = (MillHttpExchange){ .connection = self };
}

void
mill_http_connection_end (MillHttpConnection *self)
{
  const gboolean was_in_exchange = is_in_exchange (self);
  const MillHttpExchangeFuncs *funcs = self->exchange.funcs;
  const gint fd = self->watch.fd;

  if (self->state == MILL_HTTP_CLOSED)
    return;
  self->state = MILL_HTTP_CLOSED;
  mill_origin_poller_remove (self->shared->poller, &self->watch);
  close (fd);
  mill_http_output_clear (&self->output);
  g_clear_pointer (&self->unread, g_free);
  if (was_in_exchange && funcs != NULL)
    funcs->gone (&self->exchange, self->exchange.user_data);
  if (was_in_exchange)
    self->shared->ended (&self->exchange, self->shared->user_data);
  clear_exchange (self);
  self->shared->closed (self, self->shared->user_data);
}

static void
linger (MillHttpConnection *self)
{
  self->state = MILL_HTTP_LINGERING;
  g_clear_pointer (&self->unread, g_free);
  self->n_unread = 0;
  shutdown (self->watch.fd, SHUT_WR);
  arm (self, LINGER_MS);
  mill_origin_poller_again (self->shared->poller, &self->watch);
}

static void
finish (MillHttpConnection *self)
{
  MillHttpExchange *exchange = &self->exchange;
  const gboolean is_last = exchange->is_last;
  const gboolean is_unread = exchange->request.has_body ||
      exchange->request.status != 0 || exchange->request.keeps ||
      self->n_unread > 0;

  self->state = MILL_HTTP_READING;
  self->shared->ended (exchange, self->shared->user_data);
  clear_exchange (self);
  if (!is_last)
    arm (self, self->shared->head_timeout_ms);
  else if (is_unread)
    linger (self);
  else
    mill_http_connection_end (self);
}

/* ---- answers ---- */

void
mill_http_connection_send_last (MillHttpConnection *self)
{
  /* It has waited for us until now. */
  if (self->state == MILL_HTTP_HELD)
    arm_answer (self, self->written);
  self->state = MILL_HTTP_SENDING;
  switch (mill_http_output_flush (self)) {
    case MILL_HTTP_OUTPUT_DONE:
      finish (self);
      break;
    case MILL_HTTP_OUTPUT_FAILED:
      mill_http_connection_end (self);
      break;
    case MILL_HTTP_OUTPUT_WAITS:
      break;
  }
}

void
mill_http_connection_begin_part (MillHttpConnection *self)
{
  self->begun = g_get_monotonic_time ();
  self->begun_from = self->written;
}

gboolean
mill_http_connection_send_part (MillHttpConnection *self)
{
  switch (mill_http_output_flush (self)) {
    case MILL_HTTP_OUTPUT_DONE:
      return TRUE;
    case MILL_HTTP_OUTPUT_FAILED:
      /* Not now: whoever called would be told that it is gone. */
      self->watch.ready |= EPOLLHUP;
      mill_origin_poller_again (self->shared->poller, &self->watch);
      break;
    case MILL_HTTP_OUTPUT_WAITS:
      break;
  }
  return FALSE;
}

void
mill_http_connection_resume (MillHttpConnection *self)
{
  if (self->state == MILL_HTTP_READING &&
      (self->n_unread > 0 || (self->watch.ready & (EPOLLIN | EPOLLRDHUP)) != 0))
    mill_origin_poller_again (self->shared->poller, &self->watch);
}

/* ---- requests ---- */

static void
handle (MillHttpConnection *self, const MillHttpRequest *request)
{
  MillHttpExchange *exchange = &self->exchange;

  exchange->request = *request;
  exchange->is_last = request->status != 0;
  self->state = MILL_HTTP_HANDLING;
  /* What is left of the answer before is not counted against it. */
  arm_answer (self, self->written);
  self->shared->request (exchange, self->shared->user_data);
  if (self->state == MILL_HTTP_HANDLING)
    mill_http_exchange_answer (exchange);
  else if (self->state == MILL_HTTP_HELD)
    mill_http_request_keep (&exchange->request);
}

static void
keep_unread (MillHttpConnection *self, const gchar *data, gsize n)
{
  gchar *unread = n > 0 ? g_memdup2 (data, n) : NULL;

  g_free (self->unread);
  self->unread = unread;
  self->n_unread = n;
}

/* Returns: FALSE when there is nothing, or the connection has ended. */
static gboolean
read_more (MillHttpConnection *self, gsize *n)
{
  const gsize room = BLOCK_BYTES - *n;
  gssize got;

  if ((self->watch.ready & (EPOLLIN | EPOLLRDHUP)) == 0)
    return FALSE;
  do
    got = recv (self->watch.fd, self->shared->block + *n, room, 0);
  while (got < 0 && errno == EINTR);
  /* epoll(7): less than asked for is all that there is. */
  if (got < (gssize) room)
    self->watch.ready &= ~EPOLLIN;
  if (got > 0) {
    *n += got;
    return TRUE;
  }
  if (got == 0 || errno != EAGAIN)
    mill_http_connection_end (self);
  return FALSE;
}

/* Returns: FALSE when there is no whole head. */
static gboolean
take_request (MillHttpConnection *self)
{
  gchar *block = self->shared->block;
  gsize n = self->n_unread;
  MillHttpRequest request;
  gsize end;

  if (n > 0)
    memcpy (block, self->unread, n);
  if ((n == 0 || self->is_partial) && !read_more (self, &n))
    return FALSE;
  switch (mill_http_request_parse (block, n, &request, &end)) {
    case MILL_HTTP_HEAD_PARTIAL:
      if (!self->is_partial)
        arm (self, self->shared->head_timeout_ms);
      self->is_partial = TRUE;
      keep_unread (self, block, n);
      break;
    case MILL_HTTP_HEAD_WHOLE:
    case MILL_HTTP_HEAD_WRONG:
      self->is_partial = FALSE;
      keep_unread (self, block + end, n - end);
      handle (self, &request);
      break;
  }
  return TRUE;
}

static void
read_requests (MillHttpConnection *self)
{
  for (guint i = 0; self->state == MILL_HTTP_READING; i++) {
    if (i == REQUESTS_AT_ONCE) {
      mill_origin_poller_again (self->shared->poller, &self->watch);
      return;
    }
    if (!take_request (self))
      return;
  }
}

static void
discard (MillHttpConnection *self)
{
  gssize got;

  do
    got = recv (self->watch.fd, self->shared->block, BLOCK_BYTES, 0);
  while ((got > 0 && (self->discarded += got) < LINGER_BYTES) ||
      (got < 0 && errno == EINTR));
  self->watch.ready &= ~EPOLLIN;
  if (got >= 0 || errno != EAGAIN)
    mill_http_connection_end (self);
}

static void
go_on_chunking (MillHttpConnection *self)
{
  const MillHttpExchange *exchange = &self->exchange;

  if (self->output.n_text + self->output.length + self->output.n_end == 0)
    return;
  if (mill_http_connection_send_part (self))
    exchange->funcs->taken (&self->exchange, exchange->user_data);
}

static void
on_ready (MillOriginWatch *watch)
{
  MillHttpConnection *self = (MillHttpConnection *) watch;

  /* While it lingers that is no more than the client's own end: what it has sent
   * before is to be read, or closing resets the connection. */
  if ((watch->ready & EPOLLHUP) != 0 && self->state != MILL_HTTP_LINGERING) {
    mill_http_connection_end (self);
    return;
  }
  if (self->state == MILL_HTTP_SENDING)
    mill_http_connection_send_last (self);
  else if (self->state == MILL_HTTP_CHUNKING)
    go_on_chunking (self);
  if (self->state == MILL_HTTP_READING)
    read_requests (self);
  else if (self->state == MILL_HTTP_LINGERING)
    discard (self);
}

/* ---- life ---- */

MillHttpConnection *
mill_http_connection_new (gint fd, MillHttpShared *shared, gpointer owner_data)
{
  MillHttpConnection *self = g_new0 (MillHttpConnection, 1);
  const gint one = 1;
  const gint lowat = NOT_SENT_LOWAT;

  self->shared = shared;
  self->owner_data = owner_data;
  self->exchange.connection = self;
  self->watch = (MillOriginWatch){
    .fd = fd,
    /* Tried before it is known: the answer sets or clears it. */
    .ready = EPOLLOUT,
    .func = on_ready,
  };
  if (!mill_origin_poller_add (shared->poller, &self->watch)) {
    close (fd);
    g_free (self);
    return NULL;
  }
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof (one));
  setsockopt (fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof (lowat));
  arm (self, shared->head_timeout_ms);
  return self;
}

gpointer
mill_http_connection_get_owner_data (MillHttpConnection *self)
{
  return self->owner_data;
}

void
mill_http_connection_free (MillHttpConnection *self)
{
  g_free (self);
}

void
mill_http_connection_init_shared (MillHttpShared *shared)
{
  shared->block = g_malloc (BLOCK_BYTES);
  shared->head = g_string_sized_new (1024);
}

void
mill_http_connection_clear_shared (MillHttpShared *shared)
{
  g_clear_pointer (&shared->block, g_free);
  g_string_free (shared->head, TRUE);
  if (shared->spare != NULL)
    g_string_free (shared->spare, TRUE);
}
