/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-connection.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rtmp-timer.h"
#include "rtmp-watch.h"

GST_DEBUG_CATEGORY_EXTERN (gst_rtmp_server_src_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_src_debug

/* How long a publisher that was sent away may take to read why. Closing at
 * once while its media is still coming in would reset the connection, and the
 * status would be lost with it. */
#define LINGER_US (2 * G_USEC_PER_SEC)

typedef enum
{
  STATE_HANDSHAKE, /* up to the publish request */
  STATE_ASKING, /* up to the answer; nothing is read */
  STATE_MOVING, /* between two lanes */
  STATE_LIVE,
  STATE_LINGERING, /* sends the last status, discards what comes */
  STATE_CLOSED,
} State;

struct _MillRtmpConnection
{
  GObject parent;

  /* constant, or set before `asked` */
  gchar *address;
  gchar *app;
  gchar *name;
  gchar *query;

  /* atomic */
  gint claimed;
  gint flowing;
  gint expired; /* the promise: it must not be interrupted any more */
  guint64 bytes;

  /* guarded by lock */
  GMutex lock;
  MillRtmpLane *lane; /* where it lives */
  MillRtmpLane *target; /* where its owner wants it; nullable */
  const MillRtmpConnectionOwner *owner;
  gpointer owner_data;
  guint idle_timeout_ms;
  gboolean accepted;
  gchar *stream; /* set once */
  gboolean closed;

  /* in the lane */
  State state;
  gint fd;
  MillRtmpSession *session;
  MillRtmpWatch *watch;
  MillRtmpTimer *timer;
  const MillRtmpConnectionHost *host; /* NULL after `left` */
  gpointer host_data;
  const MillRtmpConnectionOwner *live; /* the owner, while STATE_LIVE */
  GstPromise *promise;
  GByteArray *pending; /* read, but not consumed before the answer */
  gint64 last_activity_us;
  gboolean feeding;
  gchar *close_reason; /* set: close when the session returns */
  gboolean close_lingers;
};

G_DEFINE_FINAL_TYPE (MillRtmpConnection, mill_rtmp_connection, G_TYPE_OBJECT)

/* ---- calls into the lane where the connection lives ---- */

typedef struct
{
  MillRtmpConnection *self;
  MillRtmpLane *lane;
  void (*func) (MillRtmpConnection *self, const gchar *code,
      const gchar *reason);
  gchar *code;
  gchar *reason;
} Call;

static void
free_call (gpointer user_data)
{
  Call *call = user_data;

  g_object_unref (call->self);
  mill_rtmp_lane_unref (call->lane);
  g_free (call->code);
  g_free (call->reason);
  g_free (call);
}

static MillRtmpLane *
ref_lane (MillRtmpConnection *self)
{
  g_mutex_lock (&self->lock);
  MillRtmpLane *lane = mill_rtmp_lane_ref (self->lane);
  g_mutex_unlock (&self->lock);
  return lane;
}

static void run_call (gpointer
        user_data); /* real recursion: it may have moved */

static void
invoke (MillRtmpConnection *self,
    void (*func) (MillRtmpConnection *, const gchar *, const gchar *),
    const gchar *code, const gchar *reason)
{
  Call *call = g_new (Call, 1);

  *call = (Call){ g_object_ref (self), ref_lane (self), func, g_strdup (code),
    g_strdup (reason) };
  mill_rtmp_lane_invoke (call->lane, run_call, call, free_call);
}

static void
run_call (gpointer user_data)
{
  Call *call = user_data;
  g_autoptr (MillRtmpLane) lane = ref_lane (call->self);

  if (lane == call->lane)
    call->func (call->self, call->code, call->reason);
  else
    invoke (call->self, call->func, call->code, call->reason);
}

/* ---- telling the owner ---- */

typedef struct
{
  const MillRtmpConnectionOwner *owner;
  gpointer owner_data;
  gchar *reason;
} Ending;

static void
free_ending (gpointer user_data)
{
  Ending *ending = user_data;

  g_free (ending->reason);
  g_free (ending);
}

static void
run_ending (gpointer user_data)
{
  Ending *ending = user_data;

  ending->owner->ended (ending->reason, ending->owner_data);
}

/* Once, in the owner's lane, and from a fresh turn of it: the owner may take
 * its next connection there. */
static void
notify_ended (MillRtmpConnection *self, const gchar *reason)
{
  g_mutex_lock (&self->lock);
  const MillRtmpConnectionOwner *owner = g_steal_pointer (&self->owner);
  if (owner) {
    Ending *ending = g_new (Ending, 1);
    *ending = (Ending){ owner, self->owner_data, g_strdup (reason) };
    mill_rtmp_lane_invoke (self->target, run_ending, ending, free_ending);
  }
  g_mutex_unlock (&self->lock);
}

/* ---- closing ---- */

static void
leave_host (MillRtmpConnection *self)
{
  const MillRtmpConnectionHost *host = g_steal_pointer (&self->host);

  if (host)
    host->left (self, self->host_data);
}

static void
end_wait (MillRtmpConnection *self)
{
  g_autoptr (GstPromise) promise = g_steal_pointer (&self->promise);

  if (promise && !g_atomic_int_get (&self->expired))
    gst_promise_interrupt (promise);
}

static void
close_now (MillRtmpConnection *self, const gchar *reason)
{
  if (self->state == STATE_CLOSED)
    return;
  self->state = STATE_CLOSED;
  self->live = NULL;
  g_mutex_lock (&self->lock);
  self->closed = TRUE;
  g_mutex_unlock (&self->lock);

  g_clear_pointer (&self->timer, mill_rtmp_timer_free);
  g_clear_pointer (&self->watch, mill_rtmp_watch_free);
  close (self->fd);
  self->fd = -1;
  end_wait (self);
  notify_ended (self, reason);
  leave_host (self);
}

static void
update_events (MillRtmpConnection *self)
{
  gsize n_output = 0;
  guint32 events = 0;

  if (!self->watch)
    return;
  mill_rtmp_session_peek_output (self->session, &n_output);
  if (n_output > 0)
    events |= EPOLLOUT;
  if (self->state == STATE_ASKING)
    events |= EPOLLRDHUP;
  else if (self->state != STATE_LIVE || g_atomic_int_get (&self->flowing))
    events |= EPOLLIN;
  mill_rtmp_watch_set_events (self->watch, events);
}

/* Returns FALSE when the connection broke. */
static gboolean
flush_output (MillRtmpConnection *self)
{
  gsize size;
  const guint8 *data = mill_rtmp_session_peek_output (self->session, &size);

  while (size > 0) {
    gssize n_sent = send (self->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n_sent < 0 && errno == EINTR)
      continue;
    if (n_sent < 0)
      return errno == EAGAIN;
    mill_rtmp_session_drop_output (self->session, n_sent);
    data = mill_rtmp_session_peek_output (self->session, &size);
  }
  if (self->state == STATE_LINGERING)
    shutdown (self->fd, SHUT_WR);
  return TRUE;
}

static void
begin_linger (MillRtmpConnection *self, const gchar *reason)
{
  self->state = STATE_LINGERING;
  self->live = NULL;
  g_mutex_lock (&self->lock);
  self->closed = TRUE;
  g_mutex_unlock (&self->lock);

  mill_rtmp_timer_arm (self->timer, g_get_monotonic_time () + LINGER_US);
  end_wait (self);
  notify_ended (self, reason);
  leave_host (self);
  if (flush_output (self))
    update_events (self);
  else
    close_now (self, reason);
}

/* Now, or when the session has returned. */
static void
request_close (MillRtmpConnection *self, gboolean lingers, const gchar *reason)
{
  if (self->feeding) {
    if (!self->close_reason) {
      self->close_reason = g_strdup (reason);
      self->close_lingers = lingers;
    }
    self->live = NULL;
  } else if (lingers) {
    begin_linger (self, reason);
  } else {
    close_now (self, reason);
  }
}

static void
do_refuse (MillRtmpConnection *self, const gchar *code, const gchar *reason)
{
  if (self->state != STATE_ASKING)
    return;
  GST_INFO ("publisher %s of %s/%s is refused: %s", self->address, self->app,
      self->name, reason);
  mill_rtmp_session_refuse (self->session, code, reason);
  begin_linger (self, reason);
}

static void
do_drop (MillRtmpConnection *self, const gchar *code, const gchar *reason)
{
  if (self->state == STATE_ASKING && code) {
    do_refuse (self, code, reason);
  } else if (self->state == STATE_LIVE && code) {
    mill_rtmp_session_refuse (self->session, code, reason);
    request_close (self, TRUE, reason);
  } else if (self->state != STATE_LINGERING) {
    request_close (self, FALSE, reason);
  }
}

/* ---- session events ---- */

static void
on_publish (MillRtmpSession *session, const MillRtmpPublish *publish,
    gpointer user_data)
{
  MillRtmpConnection *self = user_data;

  /* One publication per connection: a second one comes after unpublish, which
   * closes. */
  if (self->state != STATE_HANDSHAKE)
    return;
  self->app = g_strdup (publish->app);
  self->name = g_strdup (publish->name);
  self->query = g_strdup (publish->query);
  self->state = STATE_ASKING;
}

static void
on_media (MillRtmpSession *session, MillRtmpMediaType type,
    guint32 timestamp_ms, GstBuffer *payload, gpointer user_data)
{
  MillRtmpConnection *self = user_data;

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
on_unpublish (MillRtmpSession *session, gpointer user_data)
{
  MillRtmpConnection *self = user_data;

  request_close (self, TRUE, "the publisher ended its stream");
}

static const MillRtmpSessionEvents session_events = {
  .publish = on_publish,
  .media = on_media,
  .metadata = on_metadata,
  .unpublish = on_unpublish,
};

/* ---- input ---- */

static void
finish_feed (MillRtmpConnection *self, GError *error)
{
  g_autofree gchar *reason = g_steal_pointer (&self->close_reason);

  if (reason) {
    request_close (self, self->close_lingers, reason);
  } else if (error) {
    GST_CAT_LEVEL_LOG (GST_CAT_DEFAULT,
        self->state == STATE_LIVE ? GST_LEVEL_WARNING : GST_LEVEL_INFO, NULL,
        "%s: %s, closing the connection", self->address, error->message);
    flush_output (self);
    close_now (self, error->message);
  } else if (!flush_output (self)) {
    close_now (self, "the connection broke");
  } else {
    update_events (self);
  }
}

static void
consume (MillRtmpConnection *self, const guint8 *data, gsize size)
{
  g_autoptr (GError) error = NULL;
  gsize n_consumed = 0;
  gboolean was_asking = self->state == STATE_ASKING;

  self->feeding = TRUE;
  mill_rtmp_session_feed (self->session, data, size, &n_consumed, &error);
  self->feeding = FALSE;
  gboolean asks = !was_asking && self->state == STATE_ASKING;
  if (asks && n_consumed < size) {
    self->pending = g_byte_array_new ();
    g_byte_array_append (self->pending, data + n_consumed, size - n_consumed);
  }
  finish_feed (self, error);
  if (asks && self->state == STATE_ASKING && self->host)
    self->host->asked (self, self->host_data);
}

static void
read_once (MillRtmpConnection *self)
{
  gsize size;
  guint8 *scratch = mill_rtmp_lane_get_scratch (self->lane, &size);
  gssize n_read = recv (self->fd, scratch, size, MSG_DONTWAIT);

  if (n_read < 0 && (errno == EAGAIN || errno == EINTR))
    return;
  if (n_read <= 0) {
    g_autofree gchar *reason =
        g_strdup_printf ("the publisher closed the connection%s%s",
            n_read < 0 ? ": " : "", n_read < 0 ? g_strerror (errno) : "");
    close_now (self, reason);
    return;
  }
  if (self->state == STATE_LINGERING)
    return;
  __atomic_store_n (&self->bytes, self->bytes + n_read, __ATOMIC_RELAXED);
  self->last_activity_us = mill_rtmp_lane_get_time (self->lane);
  consume (self, scratch, n_read);
}

static void
on_ready (guint32 events, gpointer user_data)
{
  /* The watch's reference goes with the watch, which may be in here. */
  g_autoptr (MillRtmpConnection) self = g_object_ref (user_data);

  if ((events & EPOLLOUT) && !flush_output (self)) {
    close_now (self, "the connection broke");
    return;
  }
  if (events & EPOLLOUT)
    update_events (self);

  if (!(events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)))
    return;
  gboolean reads = self->state == STATE_HANDSHAKE ||
      self->state == STATE_LINGERING ||
      (self->state == STATE_LIVE && g_atomic_int_get (&self->flowing));
  if (reads)
    read_once (self);
  else if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
    close_now (self, "the publisher closed the connection");
}

static void
on_timeout (gpointer user_data)
{
  g_autoptr (MillRtmpConnection) self = g_object_ref (user_data);
  gint64 now_us = g_get_monotonic_time ();
  gint64 idle_us = (gint64) self->idle_timeout_ms * 1000;

  switch (self->state) {
    case STATE_HANDSHAKE:
      GST_INFO ("%s: no publish request in time, closing the connection",
          self->address);
      close_now (self, "no publish request in time");
      break;
    case STATE_ASKING:
      do_refuse (self, "NetStream.Publish.Denied",
          "nobody answered the request in time");
      break;
    case STATE_LIVE:
      /* Armed once per period, not per read. */
      if (!g_atomic_int_get (&self->flowing))
        self->last_activity_us = now_us;
      if (now_us - self->last_activity_us < idle_us)
        mill_rtmp_timer_arm (self->timer, self->last_activity_us + idle_us);
      else
        close_now (self, "the publisher sent nothing for too long");
      break;
    case STATE_LINGERING:
      close_now (self, "closed");
      break;
    case STATE_MOVING:
    case STATE_CLOSED:
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

static void
watch_socket (MillRtmpConnection *self, MillRtmpLane *lane)
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

/* ---- moving to the owner's lane ---- */

static void
settle (MillRtmpConnection *self, const gchar *code, const gchar *reason)
{
  g_autoptr (GByteArray) pending = g_steal_pointer (&self->pending);

  if (self->state != STATE_MOVING)
    return;
  g_mutex_lock (&self->lock);
  const MillRtmpConnectionOwner *owner = self->owner;
  g_mutex_unlock (&self->lock);
  if (!owner) {
    close_now (self, "dropped");
    return;
  }

  self->state = STATE_LIVE;
  self->live = owner;
  watch_socket (self, self->lane);
  self->last_activity_us = g_get_monotonic_time ();
  if (self->idle_timeout_ms > 0)
    mill_rtmp_timer_arm (self->timer,
        self->last_activity_us + (gint64) self->idle_timeout_ms * 1000);
  mill_rtmp_session_accept (self->session);
  owner->started (self->owner_data);
  if (self->state == STATE_LIVE)
    consume (self, pending ? pending->data : NULL, pending ? pending->len : 0);
}

static void
move_if_ready (MillRtmpConnection *self, const gchar *code, const gchar *reason)
{
  if (self->state != STATE_ASKING)
    return;
  g_mutex_lock (&self->lock);
  gboolean is_accepted = self->accepted;
  gboolean is_ready = is_accepted && self->owner;
  g_mutex_unlock (&self->lock);
  if (!is_ready) {
    /* It was answered: from here on its owner decides how long to wait. */
    if (is_accepted)
      mill_rtmp_timer_arm (self->timer, 0);
    return;
  }

  g_clear_pointer (&self->promise, gst_promise_unref);
  g_clear_pointer (&self->timer, mill_rtmp_timer_free);
  self->state = STATE_MOVING;
  g_mutex_lock (&self->lock);
  g_autoptr (MillRtmpLane) old = self->lane;
  self->lane = mill_rtmp_lane_ref (self->target);
  g_mutex_unlock (&self->lock);
  leave_host (self);
  g_clear_pointer (&self->watch, mill_rtmp_watch_free);
  invoke (self, settle, NULL, NULL);
}

static void
apply_flowing (MillRtmpConnection *self, const gchar *code, const gchar *reason)
{
  if (self->state == STATE_LIVE)
    update_events (self);
}

/* ---- for the listener ---- */

MillRtmpConnection *
mill_rtmp_connection_new (gint fd, const gchar *address, MillRtmpLane *lane,
    const MillRtmpConnectionHost *host, gpointer host_data)
{
  MillRtmpConnection *self = g_object_new (MILL_TYPE_RTMP_CONNECTION, NULL);

  self->fd = fd;
  self->address = g_strdup (address);
  self->lane = mill_rtmp_lane_ref (lane);
  self->host = host;
  self->host_data = host_data;
  self->session = mill_rtmp_session_new (NULL, &session_events, self);
  return self;
}

void
mill_rtmp_connection_open (MillRtmpConnection *self, guint timeout_ms)
{
  watch_socket (self, self->lane);
  mill_rtmp_timer_arm (self->timer,
      g_get_monotonic_time () + (gint64) timeout_ms * 1000);
  update_events (self);
}

void
mill_rtmp_connection_wait_for_answer (MillRtmpConnection *self,
    GstPromise *promise, guint timeout_ms)
{
  /* Was it answered from another thread, before this? Then the answer waits in
   * the lane's queue and its promise has nothing left to interrupt. */
  self->promise = gst_promise_ref (promise);
  mill_rtmp_timer_arm (self->timer,
      g_get_monotonic_time () + (gint64) timeout_ms * 1000);
}

void
mill_rtmp_connection_close (MillRtmpConnection *self, const gchar *reason)
{
  close_now (self, reason);
}

/* ---- for everybody ---- */

const gchar *
mill_rtmp_connection_get_app (MillRtmpConnection *self)
{
  return self->app;
}

const gchar *
mill_rtmp_connection_get_name (MillRtmpConnection *self)
{
  return self->name;
}

const gchar *
mill_rtmp_connection_get_query (MillRtmpConnection *self)
{
  return self->query;
}

const gchar *
mill_rtmp_connection_get_stream (MillRtmpConnection *self)
{
  return self->stream;
}

const gchar *
mill_rtmp_connection_get_address (MillRtmpConnection *self)
{
  return self->address;
}

guint64
mill_rtmp_connection_get_bytes (MillRtmpConnection *self)
{
  return __atomic_load_n (&self->bytes, __ATOMIC_RELAXED);
}

void
mill_rtmp_connection_accept (MillRtmpConnection *self, const gchar *stream)
{
  g_mutex_lock (&self->lock);
  if (!self->accepted)
    self->stream = g_strdup (stream && *stream ? stream : self->name);
  self->accepted = TRUE;
  g_mutex_unlock (&self->lock);
  invoke (self, move_if_ready, NULL, NULL);
}

void
mill_rtmp_connection_refuse (MillRtmpConnection *self, const gchar *code,
    const gchar *reason)
{
  invoke (self, do_refuse, code, reason);
}

void
mill_rtmp_connection_expire (MillRtmpConnection *self)
{
  g_atomic_int_set (&self->expired, TRUE);
  mill_rtmp_connection_refuse (self, "NetStream.Publish.Denied",
      "nobody could answer the request");
}

gboolean
mill_rtmp_connection_claim (MillRtmpConnection *self)
{
  g_mutex_lock (&self->lock);
  gboolean closed = self->closed;
  g_mutex_unlock (&self->lock);
  return !closed && g_atomic_int_compare_and_exchange (&self->claimed, 0, 1);
}

gboolean
mill_rtmp_connection_is_claimed (MillRtmpConnection *self)
{
  return g_atomic_int_get (&self->claimed);
}

void
mill_rtmp_connection_start (MillRtmpConnection *self, MillRtmpLane *lane,
    const MillRtmpConnectionOwner *owner, gpointer owner_data,
    guint idle_timeout_ms)
{
  g_mutex_lock (&self->lock);
  g_assert (!self->target);
  self->target = mill_rtmp_lane_ref (lane);
  self->owner = owner;
  self->owner_data = owner_data;
  self->idle_timeout_ms = idle_timeout_ms;
  gboolean closed = self->closed;
  g_mutex_unlock (&self->lock);
  if (closed)
    notify_ended (self, "the publisher went away before it was accepted");
  else
    invoke (self, move_if_ready, NULL, NULL);
}

void
mill_rtmp_connection_set_flowing (MillRtmpConnection *self, gboolean flowing)
{
  g_atomic_int_set (&self->flowing, flowing);
  invoke (self, apply_flowing, NULL, NULL);
}

void
mill_rtmp_connection_drop (MillRtmpConnection *self, MillRtmpLane *lane,
    const gchar *code, const gchar *reason)
{
  g_mutex_lock (&self->lock);
  self->owner = NULL;
  gboolean is_here = lane && lane == self->lane;
  g_mutex_unlock (&self->lock);
  if (is_here)
    do_drop (self, code, reason);
  else
    invoke (self, do_drop, code, reason);
}

static void
mill_rtmp_connection_finalize (GObject *object)
{
  MillRtmpConnection *self = MILL_RTMP_CONNECTION (object);

  /* The watch owns a reference, so there is none any more; the timer is left
   * when the lane was closed. */
  g_clear_pointer (&self->timer, mill_rtmp_timer_free);
  if (self->fd >= 0)
    close (self->fd);
  end_wait (self);
  g_clear_pointer (&self->session, mill_rtmp_session_free);
  g_clear_pointer (&self->pending, g_byte_array_unref);
  g_clear_pointer (&self->lane, mill_rtmp_lane_unref);
  g_clear_pointer (&self->target, mill_rtmp_lane_unref);
  g_mutex_clear (&self->lock);
  g_free (self->close_reason);
  g_free (self->address);
  g_free (self->app);
  g_free (self->name);
  g_free (self->query);
  g_free (self->stream);
  G_OBJECT_CLASS (mill_rtmp_connection_parent_class)->finalize (object);
}

static void
mill_rtmp_connection_class_init (MillRtmpConnectionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = mill_rtmp_connection_finalize;
}

static void
mill_rtmp_connection_init (MillRtmpConnection *self)
{
  g_mutex_init (&self->lock);
  self->fd = -1;
  self->flowing = TRUE;
}
