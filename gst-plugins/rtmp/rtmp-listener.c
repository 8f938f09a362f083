/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-listener.h"

#include <errno.h>
#include <gio/gio.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rtmp-pool.h"
#include "rtmp-timer.h"
#include "rtmp-watch.h"

GST_DEBUG_CATEGORY_EXTERN (gst_rtmp_server_src_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_src_debug

#define BACKLOG 512
#define ACCEPTS_PER_TURN 32
/* With no descriptor left the queue stays readable: look again later. */
#define ACCEPT_PAUSE_US (100 * 1000)
/* A flood is one line of the log in so much time. */
#define WARNING_PAUSE_US (10 * G_USEC_PER_SEC)

typedef struct
{
  GObject *source; /* not owned: removed before it goes */
  const MillRtmpListenerSource *callbacks;
  MillRtmpLocation *location;
  MillRtmpListenerBounds bounds;
} Entry;

static const MillRtmpListenerBounds default_bounds = {
  .handshake_timeout_ms = MILL_RTMP_LISTENER_HANDSHAKE_TIMEOUT_MS,
  .pending = { MILL_RTMP_LISTENER_MAX_PENDING,
      MILL_RTMP_LISTENER_MAX_PENDING_PER_ADDRESS,
      MILL_RTMP_LISTENER_MAX_TLS_HANDSHAKES },
};

typedef union
{
  struct sockaddr any;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  struct sockaddr_storage storage;
} Address;

struct _MillRtmpListener
{
  /* constant */
  MillRtmpPool *pool;
  MillRtmpLane *lane;
  MillRtmpGuard *guard;
  gint fd;
  Address bound;
  gchar *address;
  MillRtmpCertificate *certificate; /* nullable: without TLS */

  GPtrArray *entries; /* registry_lock; element-type Entry */

  /* lane */
  MillRtmpWatch *watch;
  MillRtmpTimer *timer;
  gint64 warned_us; /* when a refusal was last logged */
  GHashTable *connections; /* element-type MillRtmpConnection */
};

/* Taken by those who add and remove, over sockets that open and close. */
static GMutex change_lock;
/* Taken for look-ups as well; inside a lane's lock, never outside of one. */
static GMutex registry_lock;
static GList *listeners; /* both locks to write, one to read */

static void
free_entry (Entry *entry)
{
  mill_rtmp_location_free (entry->location);
  g_free (entry);
}

/* Returns: (transfer full): host:port */
static gchar *
format_address (const Address *address)
{
  gchar host[NI_MAXHOST];
  gchar port[NI_MAXSERV];

  if (getnameinfo (&address->any, sizeof *address, host, sizeof host, port,
          sizeof port, NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return g_strdup ("unknown");
  return strchr (host, ':') ? g_strdup_printf ("[%s]:%s", host, port)
                            : g_strdup_printf ("%s:%s", host, port);
}

/* ---- publishers, in the lane ---- */

/* Returns: (transfer full) (nullable): the best source for the publisher */
static GObject *
find_source (MillRtmpListener *self, MillRtmpConnection *connection,
    const MillRtmpListenerSource **ret_callbacks)
{
  guint best = 0;
  GObject *source = NULL;

  g_mutex_lock (&registry_lock);
  for (guint i = 0; i < self->entries->len; i++) {
    Entry *entry = g_ptr_array_index (self->entries, i);
    guint score = 2 *
        mill_rtmp_location_match (entry->location,
            mill_rtmp_connection_get_app (connection),
            mill_rtmp_connection_get_name (connection));
    if (score > 0 && entry->callbacks->is_free (entry->source))
      score++;
    if (score > best) {
      best = score;
      source = entry->source;
      *ret_callbacks = entry->callbacks;
    }
  }
  if (source)
    g_object_ref (source);
  g_mutex_unlock (&registry_lock);
  return source;
}

static void
on_asked (MillRtmpConnection *connection, gpointer user_data)
{
  MillRtmpListener *self = user_data;
  const MillRtmpListenerSource *callbacks = NULL;
  g_autoptr (GObject) source = find_source (self, connection, &callbacks);

  if (source)
    callbacks->asked (source, connection);
  else
    mill_rtmp_connection_refuse (connection, "NetStream.Publish.Denied",
        "no such application or stream name here");
}

static void
on_left (MillRtmpConnection *connection, gpointer user_data)
{
  MillRtmpListener *self = user_data;

  g_hash_table_remove (self->connections, connection);
}

static const MillRtmpConnectionHost connection_host = { on_asked, on_left };

/* A quarter of the descriptors that the process may have: publishers need the
 * rest, for what they write as well. */
static guint
get_most_descriptors (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > G_MAXINT)
    return G_MAXINT;
  return MAX (1, (guint) limit.rlim_cur / 4);
}

static MillRtmpListenerBounds
get_bounds (MillRtmpListener *self)
{
  MillRtmpListenerBounds most = { 0 };

  g_mutex_lock (&registry_lock);
  /* The socket is open a moment before its first source is entered. */
  if (self->entries->len == 0)
    most = default_bounds;
  for (guint i = 0; i < self->entries->len; i++) {
    Entry *entry = g_ptr_array_index (self->entries, i);
    const MillRtmpListenerBounds *bounds = &entry->bounds;
    most.handshake_timeout_ms =
        MAX (most.handshake_timeout_ms, bounds->handshake_timeout_ms);
    most.pending.max_pending =
        MAX (most.pending.max_pending, bounds->pending.max_pending);
    most.pending.max_pending_per_address =
        MAX (most.pending.max_pending_per_address,
            bounds->pending.max_pending_per_address);
    most.pending.max_handshakes_per_address =
        MAX (most.pending.max_handshakes_per_address,
            bounds->pending.max_handshakes_per_address);
  }
  g_mutex_unlock (&registry_lock);
  most.pending.max_pending =
      MIN (most.pending.max_pending, get_most_descriptors ());
  if (!self->certificate)
    most.pending.max_handshakes_per_address = 0;
  return most;
}

/* By a reset: a state of closing sockets that a flood leaves behind would be
 * the next thing to run out of. */
static void
refuse_at_once (MillRtmpListener *self, gint fd, const Address *peer)
{
  struct linger none = { .l_onoff = 1, .l_linger = 0 };
  gint64 now_us = mill_rtmp_lane_get_time (self->lane);

  setsockopt (fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  close (fd);
  if (self->warned_us > 0 && now_us - self->warned_us < WARNING_PAUSE_US)
    return;
  self->warned_us = now_us;
  g_autofree gchar *address = format_address (peer);
  GST_WARNING ("%s: too many connections that do not publish, or handshakes of "
               "TLS from one address, refusing those that come, as %s",
      self->address, address);
}

static void
take_publisher (MillRtmpListener *self, gint fd, const Address *peer)
{
  MillRtmpListenerBounds bounds = get_bounds (self);
  guint64 key = mill_rtmp_guard_make_key (&peer->any);
  gint one = 1;

  if (!mill_rtmp_guard_enter (self->guard, key, &bounds.pending,
          mill_rtmp_lane_get_time (self->lane))) {
    refuse_at_once (self, fd, peer);
    return;
  }
  g_autofree gchar *address = format_address (peer);
  /* Answers are small and wanted at once. */
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  MillRtmpConnection *connection = mill_rtmp_connection_new (fd, address,
      self->lane, &connection_host, self);
  mill_rtmp_connection_set_guard (connection, self->guard, key);
  g_hash_table_add (self->connections, connection);
  if (self->certificate) {
    g_autoptr (MillTlsIdentity) identity =
        mill_rtmp_certificate_take (self->certificate);
    mill_rtmp_connection_use_tls (connection, identity);
  }
  mill_rtmp_connection_open (connection, bounds.handshake_timeout_ms);
}

static void
on_readable (guint32 events, gpointer user_data)
{
  MillRtmpListener *self = user_data;

  for (guint i = 0; i < ACCEPTS_PER_TURN; i++) {
    Address peer = { 0 };
    socklen_t size = sizeof peer;
    gint fd =
        accept4 (self->fd, &peer.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd >= 0) {
      take_publisher (self, fd, &peer);
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
        errno == ENOMEM) {
      GST_WARNING ("%s: cannot accept a publisher: %s, trying again",
          self->address, g_strerror (errno));
      mill_rtmp_watch_set_events (self->watch, 0);
      mill_rtmp_timer_arm (self->timer,
          g_get_monotonic_time () + ACCEPT_PAUSE_US);
      return;
    } else if (errno == EAGAIN) {
      return;
    } /* else: that one broke before it was accepted, see accept(2) */
  }
}

static void
on_accept_again (gpointer user_data)
{
  MillRtmpListener *self = user_data;

  mill_rtmp_watch_set_events (self->watch, EPOLLIN);
}

/* ---- sockets ---- */

static gboolean
equal_address (const Address *a, const Address *b)
{
  if (a->any.sa_family != b->any.sa_family)
    return FALSE;
  if (a->any.sa_family == AF_INET6)
    return a->v6.sin6_port == b->v6.sin6_port &&
        memcmp (&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof a->v6.sin6_addr) ==
        0;
  return a->v4.sin_port == b->v4.sin_port &&
      a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

static MillRtmpListener *
find_listener (const struct addrinfo *info)
{
  Address wanted = { 0 };

  memcpy (&wanted, info->ai_addr, info->ai_addrlen);
  for (GList *item = listeners; item; item = item->next) {
    MillRtmpListener *listener = item->data;
    if (equal_address (&listener->bound, &wanted))
      return listener;
  }
  return NULL;
}

static gint
open_socket (const struct addrinfo *info)
{
  gint one = 1;
  gint zero = 0;
  gint fd =
      socket (info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

  if (fd < 0)
    return -1;
  setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (info->ai_family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
  if (bind (fd, info->ai_addr, info->ai_addrlen) == 0 &&
      listen (fd, BACKLOG) == 0)
    return fd;

  gint saved = errno;
  close (fd);
  errno = saved;
  return -1;
}

/* @fd: (transfer full); @certificate: (transfer full) (nullable) */
static MillRtmpListener *
new_listener (gint fd, MillRtmpCertificate *certificate, GError **error)
{
  MillRtmpPool *pool = mill_rtmp_pool_acquire (error);
  if (!pool) {
    g_clear_pointer (&certificate, mill_rtmp_certificate_free);
    close (fd);
    return NULL;
  }
  MillRtmpListener *self = g_new0 (MillRtmpListener, 1);
  socklen_t size = sizeof self->bound;
  MillRtmpWatchSpec spec = {
    .kind = MILL_RTMP_WATCH_LISTENER,
    .fd = fd,
    .events = EPOLLIN,
    .ready = on_readable,
    .user_data = self,
  };

  self->fd = fd;
  self->certificate = certificate;
  getsockname (fd, &self->bound.any, &size);
  self->address = format_address (&self->bound);
  self->entries = g_ptr_array_new_with_free_func ((GDestroyNotify) free_entry);
  self->connections = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->pool = pool;
  self->guard = mill_rtmp_guard_new ();
  self->lane = mill_rtmp_pool_add_listener_lane (self->pool);
  mill_rtmp_lane_lock (self->lane);
  self->watch = mill_rtmp_watch_new (self->lane, &spec);
  self->timer = mill_rtmp_timer_new (self->lane, on_accept_again, self);
  mill_rtmp_lane_unlock (self->lane);
  GST_INFO ("listening on %s%s", self->address, certificate ? " with TLS" : "");
  return self;
}

static void
free_listener (MillRtmpListener *self)
{
  mill_rtmp_lane_lock (self->lane);
  g_autoptr (GList) connections = g_hash_table_get_keys (self->connections);
  for (GList *item = connections; item; item = item->next)
    mill_rtmp_connection_close (item->data, "the listener was closed");
  mill_rtmp_timer_free (self->timer);
  mill_rtmp_lane_close (self->lane);
  mill_rtmp_lane_unlock (self->lane);

  close (self->fd);
  mill_rtmp_lane_unref (self->lane);
  mill_rtmp_pool_release (self->pool);
  g_hash_table_unref (self->connections);
  g_ptr_array_unref (self->entries);
  g_clear_pointer (&self->certificate, mill_rtmp_certificate_free);
  mill_rtmp_guard_unref (self->guard);
  g_free (self->address);
  g_free (self);
}

/* FALSE with the error set: it is open, but not for this. */
static gboolean
check_shared (MillRtmpListener *self, const MillRtmpLocation *location,
    const MillRtmpListenerOptions *options, GError **error)
{
  gboolean is_secure = self->certificate != NULL;

  if (is_secure != location->is_secure) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "%s is open for %s:// already, expected another port for %s://",
        self->address, is_secure ? "rtmps" : "rtmp",
        location->is_secure ? "rtmps" : "rtmp");
    return FALSE;
  }
  if (is_secure && options->tls_certificate &&
      !mill_rtmp_certificate_is_of (self->certificate, options->tls_certificate,
          options->tls_key)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "tls-certificate '%s': %s is open with another one, expected the same "
        "for all sources of an address",
        options->tls_certificate, self->address);
    return FALSE;
  }
  return TRUE;
}

/* Returns: (transfer full) (nullable): NULL also for plain RTMP */
static MillRtmpCertificate *
load_certificate (const MillRtmpLocation *location,
    const MillRtmpListenerOptions *options, GError **error)
{
  if (!location->is_secure)
    return NULL;
  if (!options->tls_certificate) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
        "location rtmps://: got no certificate, expected a PEM file in the "
        "property tls-certificate");
    return NULL;
  }
  return mill_rtmp_certificate_new (options->tls_certificate, options->tls_key,
      error);
}

/* A new one, on what was bound for it. @fd: (transfer full) */
static MillRtmpListener *
begin_listener (gint fd, const MillRtmpLocation *location,
    const MillRtmpListenerOptions *options, GError **error)
{
  MillRtmpCertificate *certificate =
      load_certificate (location, options, error);
  if (location->is_secure && !certificate) {
    close (fd);
    return NULL;
  }
  MillRtmpListener *listener = new_listener (fd, certificate, error);
  if (!listener)
    return NULL;
  g_mutex_lock (&registry_lock);
  listeners = g_list_prepend (listeners, listener);
  g_mutex_unlock (&registry_lock);
  return listener;
}

/* The listener for the location, which may be open already. Under change_lock. */
static MillRtmpListener *
open_listener (const MillRtmpLocation *location,
    const MillRtmpListenerOptions *options, GError **error)
{
  struct addrinfo hints = {
    .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
    .ai_family = AF_UNSPEC,
    .ai_socktype = SOCK_STREAM,
  };
  struct addrinfo *found = NULL;
  g_autofree gchar *port = g_strdup_printf ("%u", location->port);
  /* "::" takes IPv4 as well, unless the machine has no IPv6. */
  const gchar *host = location->host ? location->host : "::";
  gint code = getaddrinfo (host, port, &hints, &found);
  gint fd = -1;
  gint saved_errno = 0;

  if (code != 0) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
        "host '%s': %s, expected an address of this machine", host,
        gai_strerror (code));
    return NULL;
  }
  MillRtmpListener *listener = NULL;
  for (struct addrinfo *info = found; info && fd < 0 && !listener;
       info = info->ai_next) {
    listener = location->port != 0 ? find_listener (info) : NULL;
    fd = listener ? -1 : open_socket (info);
    saved_errno = errno;
  }
  freeaddrinfo (found);
  if (listener)
    return check_shared (listener, location, options, error) ? listener : NULL;
  if (fd < 0) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
        "cannot listen on %s port %u: %s", host, location->port,
        g_strerror (saved_errno));
    return NULL;
  }
  return begin_listener (fd, location, options, error);
}

static MillRtmpListener *
open_with_fallback (const MillRtmpLocation *location,
    const MillRtmpListenerOptions *options, GError **error)
{
  MillRtmpLocation ipv4 = *location;
  g_autoptr (GError) first_error = NULL;
  MillRtmpListener *listener = open_listener (location, options, &first_error);

  if (listener)
    return listener;
  /* What is wrong with the settings is wrong with IPv4 as well. */
  if (location->host == NULL && first_error->domain == G_IO_ERROR &&
      first_error->code != G_IO_ERROR_ADDRESS_IN_USE &&
      first_error->code != G_IO_ERROR_INVALID_ARGUMENT) {
    ipv4.host = (gchar *) "0.0.0.0";
    return open_listener (&ipv4, options, error);
  }
  g_propagate_error (error, g_steal_pointer (&first_error));
  return NULL;
}

MillRtmpListener *
mill_rtmp_listener_add (const MillRtmpLocation *location,
    const MillRtmpListenerSource *callbacks, GObject *source,
    const MillRtmpListenerOptions *options, GError **error)
{
  g_mutex_lock (&change_lock);
  MillRtmpListener *listener = open_with_fallback (location, options, error);
  if (listener) {
    Entry *entry = g_new0 (Entry, 1);
    entry->source = source;
    entry->callbacks = callbacks;
    entry->location = g_new0 (MillRtmpLocation, 1);
    entry->location->app = g_strdup (location->app);
    entry->location->name = g_strdup (location->name);
    entry->bounds = options->bounds;
    g_mutex_lock (&registry_lock);
    g_ptr_array_add (listener->entries, entry);
    g_mutex_unlock (&registry_lock);
  }
  g_mutex_unlock (&change_lock);
  return listener;
}

void
mill_rtmp_listener_set_bounds (MillRtmpListener *listener, GObject *source,
    const MillRtmpListenerBounds *bounds)
{
  g_mutex_lock (&registry_lock);
  for (guint i = 0; i < listener->entries->len; i++) {
    Entry *entry = g_ptr_array_index (listener->entries, i);
    if (entry->source == source)
      entry->bounds = *bounds;
  }
  g_mutex_unlock (&registry_lock);
}

void
mill_rtmp_listener_remove (MillRtmpListener *listener, GObject *source)
{
  g_mutex_lock (&change_lock);
  g_mutex_lock (&registry_lock);
  for (guint i = 0; i < listener->entries->len; i++) {
    Entry *entry = g_ptr_array_index (listener->entries, i);
    if (entry->source == source) {
      g_ptr_array_remove_index (listener->entries, i);
      break;
    }
  }
  gboolean is_last = listener->entries->len == 0;
  if (is_last)
    listeners = g_list_remove (listeners, listener);
  g_mutex_unlock (&registry_lock);
  if (is_last)
    free_listener (listener);
  g_mutex_unlock (&change_lock);
}

const gchar *
mill_rtmp_listener_get_address (MillRtmpListener *listener)
{
  return listener->address;
}

MillRtmpCertificate *
mill_rtmp_listener_get_certificate (MillRtmpListener *listener)
{
  return listener->certificate;
}

GstStructure *
mill_rtmp_listener_describe (MillRtmpListener *listener)
{
  return mill_rtmp_guard_describe (listener->guard);
}
