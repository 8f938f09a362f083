/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * The socket of a connection: bytes between it and the RTMP session, and its
 * time-outs. How it ends is in rtmp-ending.c.
 *
 * Threads: all of it in the lane where the connection lives, but for the
 * beginning (_init) and the end (_clear).
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rtmp-arrival.h"
#include "rtmp-connection-private.h"
#include "rtmp-memory.h"

GST_DEBUG_CATEGORY_EXTERN (gst_rtmp_server_src_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_src_debug

/* Of a socket that is read at intervals: what the kernel wakes us for before the
 * next one. It is half of the receive window of a new connection (64 KiB, as of
 * tcp_rmem in tcp(7)), so its peer never waits for an interval to pass. */
#define MUCH_BYTES (32 * 1024)

#define GREETING_WARNING_PERIOD_US (10 * G_USEC_PER_SEC)

/* ---- sending ---- */

static void read_again (gpointer
        user_data); /* real recursion: it waits again */

/* Waits for the socket in the place of the TLS over it. */
static void
watch_tls (MillRtmpConnection *self, guint32 events)
{
  /* After the last word bytes come from the socket itself. */
  gboolean reads = (events & EPOLLIN) &&
      self->state != MILL_RTMP_CONNECTION_LINGERING;

  if (mill_rtmp_tls_is_shutting (self->tls))
    events |= EPOLLOUT;
  mill_rtmp_watch_set_events (self->watch,
      mill_rtmp_tls_to_socket (self->tls, events));
  if (reads && mill_rtmp_tls_has_unread (self->tls) && !self->reads_again) {
    /* Before anything that would move the connection to another lane: calls
     * keep their order. */
    self->reads_again = TRUE;
    mill_rtmp_lane_invoke (self->lane, read_again, g_object_ref (self),
        g_object_unref);
  }
}

void
mill_rtmp_socket_update (MillRtmpConnection *self)
{
  gsize n_output = 0;
  guint32 events = 0;

  if (!self->watch)
    return;
  mill_rtmp_session_peek_output (self->session, &n_output);
  if (n_output > 0)
    events |= EPOLLOUT;
  if (self->state == MILL_RTMP_CONNECTION_ASKING)
    events |= EPOLLRDHUP;
  else if (self->state != MILL_RTMP_CONNECTION_LIVE ||
      g_atomic_int_get (&self->flowing))
    events |= EPOLLIN;
  if (self->tls)
    watch_tls (self, events);
  else
    mill_rtmp_watch_set_events (self->watch, events);
}

gboolean
mill_rtmp_socket_flush (MillRtmpConnection *self)
{
  gsize size;
  const guint8 *data = mill_rtmp_session_peek_output (self->session, &size);

  while (size > 0) {
    gssize n_sent = self->tls
        ? mill_rtmp_tls_send (self->tls, data, size)
        : send (self->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n_sent < 0 && errno == EINTR)
      continue;
    if (n_sent < 0)
      return errno == EAGAIN;
    mill_rtmp_session_drop_output (self->session, n_sent);
    data = mill_rtmp_session_peek_output (self->session, &size);
  }
  if (self->state == MILL_RTMP_CONNECTION_LINGERING &&
      !(self->tls && !mill_rtmp_tls_shut (self->tls)))
    shutdown (self->fd, SHUT_WR);
  return TRUE;
}

void
mill_rtmp_socket_request_reconnect (MillRtmpConnection *self,
    const gchar *tc_url, const gchar *description)
{
  if (self->state == MILL_RTMP_CONNECTION_LIVE &&
      mill_rtmp_session_request_reconnect (self->session, tc_url,
          description) &&
      mill_rtmp_socket_flush (self))
    mill_rtmp_socket_update (self);
}

/* ---- session events ---- */

static void
on_publish (MillRtmpSession *session, const MillRtmpPublish *publish,
    gpointer user_data)
{
  MillRtmpConnection *self = user_data;

  /* One publication per connection: a second one comes after unpublish, which
   * closes. */
  if (self->state != MILL_RTMP_CONNECTION_HANDSHAKE)
    return;
  self->app = g_strdup (publish->app);
  self->name = g_strdup (publish->name);
  self->query = g_strdup (publish->query);
  self->can_reconnect =
      (publish->capabilities.caps_ex & MILL_RTMP_CAPS_RECONNECT) != 0;
  self->state = MILL_RTMP_CONNECTION_ASKING;
}

static void
on_media (MillRtmpSession *session, MillRtmpMediaType type,
    guint32 timestamp_ms, GstBuffer *payload, gpointer user_data)
{
  MillRtmpConnection *self = user_data;

  /* Whole messages count: a peer that trickles bytes is silent. */
  self->last_media_us = mill_rtmp_lane_get_time (self->lane);
  if (self->live)
    self->live->media (type, timestamp_ms, payload, self->owner_data);
  else
    gst_buffer_unref (payload);
}

static void
on_metadata (MillRtmpSession *session, const GstStructure *metadata,
    gpointer user_data)
{
  MillRtmpConnection *self = user_data;

  if (self->live)
    self->live->metadata (metadata, self->owner_data);
}

static void
on_cue (MillRtmpSession *session, GBytes *section, gpointer user_data)
{
  MillRtmpConnection *self = user_data;

  if (self->live)
    self->live->cue (section, self->owner_data);
}

static void
on_unpublish (MillRtmpSession *session, gpointer user_data)
{
  MillRtmpConnection *self = user_data;

  mill_rtmp_ending_request (self, TRUE, "the publisher ended its stream");
}

static const MillRtmpSessionEvents session_events = {
  .publish = on_publish,
  .media = on_media,
  .metadata = on_metadata,
  .cue = on_cue,
  .unpublish = on_unpublish,
};

/* ---- reading ---- */

/* Whoever sends a publisher to the wrong port reads it in the log; whoever
 * scans the port cannot fill it. @warned_us: atomic, when it was told last */
static GstDebugLevel
choose_greeting_level (gint64 *warned_us)
{
  gint64 now_us = g_get_monotonic_time ();
  gint64 last_us = __atomic_load_n (warned_us, __ATOMIC_RELAXED);

  if (last_us > 0 && now_us - last_us < GREETING_WARNING_PERIOD_US)
    return GST_LEVEL_INFO;
  __atomic_store_n (warned_us, now_us, __ATOMIC_RELAXED);
  return GST_LEVEL_WARNING;
}

static GstDebugLevel
choose_level (const MillRtmpConnection *self, const GError *error)
{
  static gint64 warned_us;

  if (self->state == MILL_RTMP_CONNECTION_LIVE)
    return GST_LEVEL_WARNING;
  return g_error_matches (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_HANDSHAKE)
      ? choose_greeting_level (&warned_us)
      : GST_LEVEL_INFO;
}

static void
finish_feed (MillRtmpConnection *self, GError *error)
{
  g_autofree gchar *reason = g_steal_pointer (&self->close_reason);

  if (reason) {
    mill_rtmp_ending_request (self, self->close_lingers, reason);
  } else if (error) {
    GstDebugLevel level = choose_level (self, error);
    GST_CAT_LEVEL_LOG (GST_CAT_DEFAULT, level, NULL,
        "%s: %s, closing the connection", self->address, error->message);
    mill_rtmp_guard_count_error (self->guard, error);
    mill_rtmp_socket_flush (self);
    mill_rtmp_ending_close (self, error->message);
  } else if (!mill_rtmp_socket_flush (self)) {
    mill_rtmp_ending_close (self, "the connection broke");
  } else {
    mill_rtmp_socket_update (self);
  }
}

void
mill_rtmp_socket_feed (MillRtmpConnection *self, const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  gsize n_consumed = 0;
  gboolean was_asking = self->state == MILL_RTMP_CONNECTION_ASKING;

  self->feeding = TRUE;
  mill_rtmp_session_feed (self->session, data, size, &n_consumed, &error);
  self->feeding = FALSE;
  gboolean asks = !was_asking && self->state == MILL_RTMP_CONNECTION_ASKING;
  if (asks && n_consumed < size) {
    self->pending = g_byte_array_new ();
    g_byte_array_append (self->pending, data + n_consumed, size - n_consumed);
  }
  finish_feed (self, error);
  if (asks && self->state == MILL_RTMP_CONNECTION_ASKING && self->host)
    self->host->asked (self, self->host_data);
}

/* As recv(). @ret_arrival_us: 0 when it is not known better than now */
static gssize
receive (MillRtmpConnection *self, guint8 *data, gsize size,
    gint64 *ret_arrival_us)
{
  *ret_arrival_us = 0;
  if (self->is_stamped)
    return mill_rtmp_arrival_receive (self->fd, data, size, ret_arrival_us);
  /* What comes after the last word is thrown away, also undeciphered. */
  if (!self->tls || self->state == MILL_RTMP_CONNECTION_LINGERING)
    return recv (self->fd, data, size, MSG_DONTWAIT);
  return mill_rtmp_tls_receive (self->tls, data, size);
}

/* @n_read, @code: what receive() returned, and errno */
static void
close_after_read (MillRtmpConnection *self, gssize n_read, gint code)
{
  const gchar *text =
      n_read < 0 && self->tls ? mill_rtmp_tls_get_error (self->tls) : NULL;
  g_autofree gchar *reason = NULL;

  if (code == EPROTO && n_read < 0 && text) {
    static gint64 warned_us;
    /* not in the macro, which asks repeatedly */
    GstDebugLevel level = choose_greeting_level (&warned_us);
    GST_CAT_LEVEL_LOG (GST_CAT_DEFAULT, level, NULL,
        "%s: TLS: %s, closing the connection", self->address, text);
    mill_rtmp_guard_count (self->guard, MILL_RTMP_GUARD_PROTOCOL);
    reason = g_strdup_printf ("TLS: %s", text);
  } else {
    reason = g_strdup_printf ("the publisher closed the connection%s%s",
        n_read < 0 ? ": " : "", n_read < 0 ? g_strerror (code) : "");
  }
  mill_rtmp_ending_close (self, reason);
}

static void
read_once (MillRtmpConnection *self)
{
  gsize size;
  gint64 arrival_us;
  guint8 *scratch = mill_rtmp_lane_get_scratch (self->lane, &size);
  gssize n_read = receive (self, scratch, size, &arrival_us);

  if (n_read < 0 && (errno == EAGAIN || errno == EINTR)) {
    if (self->tls)
      mill_rtmp_socket_update (self);
    return;
  }
  if (n_read <= 0) {
    close_after_read (self, n_read, errno);
    return;
  }
  if (self->state == MILL_RTMP_CONNECTION_LINGERING)
    return;
  __atomic_store_n (&self->bytes, self->bytes + n_read, __ATOMIC_RELAXED);
  mill_rtmp_socket_feed (self, scratch, n_read);
  if (arrival_us > 0 && self->live &&
      mill_rtmp_session_is_between_messages (self->session))
    self->live->arrived (arrival_us, self->owner_data);
  mill_rtmp_socket_warm_update (self);
}

static gboolean
may_read (MillRtmpConnection *self)
{
  return self->state == MILL_RTMP_CONNECTION_HANDSHAKE ||
      self->state == MILL_RTMP_CONNECTION_LINGERING ||
      (self->state == MILL_RTMP_CONNECTION_LIVE &&
          g_atomic_int_get (&self->flowing));
}

/* What the TLS keeps no readiness of the socket tells of. */
static void
read_again (gpointer user_data)
{
  MillRtmpConnection *self = user_data;

  self->reads_again = FALSE;
  if (self->tls && may_read (self))
    read_once (self);
}

static void
on_ready (guint32 events, gpointer user_data)
{
  /* The watch's reference goes with the watch, which may be in here. */
  g_autoptr (MillRtmpConnection) self = g_object_ref (user_data);

  if (self->tls)
    events = mill_rtmp_tls_from_socket (self->tls, events);
  if ((events & EPOLLOUT) && !mill_rtmp_socket_flush (self)) {
    mill_rtmp_ending_close (self, "the connection broke");
    return;
  }
  if (events & EPOLLOUT)
    mill_rtmp_socket_update (self);

  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)))
    return;
  if (may_read (self))
    read_once (self);
  else if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
    mill_rtmp_ending_close (self, "the publisher closed the connection");
}

/* Armed once per period, not per frame. */
static void
on_idle_check (MillRtmpConnection *self, gint64 now_us)
{
  gint64 idle_us = (gint64) self->times.idle_timeout_ms * 1000;

  if (!g_atomic_int_get (&self->flowing))
    self->last_media_us = now_us;
  if (now_us - self->last_media_us < idle_us) {
    mill_rtmp_timer_arm (self->timer, self->last_media_us + idle_us);
    return;
  }
  mill_rtmp_guard_count (self->guard, MILL_RTMP_GUARD_IDLE_TIMEOUT);
  mill_rtmp_ending_close (self, "the publisher sent no media for too long");
}

static void
on_timeout (gpointer user_data)
{
  g_autoptr (MillRtmpConnection) self = g_object_ref (user_data);

  switch (self->state) {
    case MILL_RTMP_CONNECTION_HANDSHAKE:
      GST_INFO ("%s: no publish request in time, closing the connection",
          self->address);
      mill_rtmp_guard_count (self->guard, MILL_RTMP_GUARD_HANDSHAKE_TIMEOUT);
      mill_rtmp_ending_close (self, "no publish request in time");
      break;
    case MILL_RTMP_CONNECTION_ASKING:
      mill_rtmp_ending_refuse (self, "NetStream.Publish.Denied",
          "nobody answered the request in time");
      break;
    case MILL_RTMP_CONNECTION_LIVE:
      on_idle_check (self, g_get_monotonic_time ());
      break;
    case MILL_RTMP_CONNECTION_LINGERING:
      mill_rtmp_ending_close (self, "closed");
      break;
    case MILL_RTMP_CONNECTION_MOVING:
    case MILL_RTMP_CONNECTION_CLOSED:
    default:
      break;
  }
}

/* Freed by this object, or by the end of the lane. */
static void
on_watch_freed (gpointer user_data)
{
  MillRtmpConnection *self = user_data;

  self->watch = NULL;
  g_object_unref (self);
}

void
mill_rtmp_socket_watch (MillRtmpConnection *self, MillRtmpLane *lane)
{
  MillRtmpWatchSpec spec = {
    .kind = MILL_RTMP_WATCH_CONNECTION,
    .fd = self->fd,
    .events = 0,
    .ready = on_ready,
    .user_data = g_object_ref (self),
    .destroy = on_watch_freed,
  };

  self->watch = mill_rtmp_watch_new (lane, &spec);
  self->timer = mill_rtmp_timer_new (lane, on_timeout, self);
}

void
mill_rtmp_socket_set_interval (MillRtmpConnection *self, guint interval_ms)
{
  const gint much = MUCH_BYTES;

  if (interval_ms == 0)
    return;
  /* Who cannot be told is woken for every byte: that is no more than usual. */
  if (setsockopt (self->fd, SOL_SOCKET, SO_RCVLOWAT, &much, sizeof much) < 0)
    GST_DEBUG ("%s: cannot set SO_RCVLOWAT: %s", self->address,
        g_strerror (errno));
  self->is_stamped = mill_rtmp_arrival_enable (self->fd);
  mill_rtmp_watch_set_interval (self->watch, interval_ms);
}

gint64
mill_rtmp_socket_get_rtt_us (MillRtmpConnection *self)
{
  struct tcp_info info = { 0 };
  socklen_t size = sizeof info;

  if (self->fd < 0 ||
      getsockopt (self->fd, IPPROTO_TCP, TCP_INFO, &info, &size) < 0)
    return -1;
  return info.tcpi_rtt;
}

/* ---- life ---- */

void
mill_rtmp_socket_init (MillRtmpConnection *self, gint fd)
{
  self->fd = fd;
  self->session = mill_rtmp_session_new (NULL, &session_events, self);
  mill_rtmp_session_set_memory_kind (self->session, &mill_rtmp_memory_kind);
}

void
mill_rtmp_socket_clear (MillRtmpConnection *self)
{
  /* The watch owns a reference, so there is none any more; the timer is left
   * when the lane was closed. */
  g_clear_pointer (&self->timer, mill_rtmp_timer_free);
  g_clear_pointer (&self->tls, mill_rtmp_tls_free);
  if (self->fd >= 0)
    close (self->fd);
  mill_rtmp_ending_leave_place (self);
  mill_rtmp_ending_interrupt_wait (self);
  g_clear_pointer (&self->session, mill_rtmp_session_free);
  g_clear_pointer (&self->pending, g_byte_array_unref);
  g_clear_pointer (&self->close_reason, g_free);
}
