/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-connections.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/origin/http-connection.h"

#define DEFAULT_TIMEOUT_MS 30000

/* A connection being answered needs its socket and perhaps a file. */
#define DESCRIPTORS_EACH 2
#define DESCRIPTORS_SPARE 64

/* In one turn of the main loop, so that those who are there have their turn. */
#define ACCEPTS_AT_ONCE 64
#define ACCEPT_PAUSE_MS 100

struct _MillOriginConnections
{
  MillOriginHandler handler;
  MillOriginLimits limits;
  MillOriginMetrics *metrics; /* not owned */
  MillOriginPoller *poller;
  MillHttpShared shared;
  GHashTable *open; /* set of MillHttpConnection */
  GPtrArray *ended; /* of MillHttpConnection, until the turn is over */
  GHashTable *addresses; /* text -> Address */

  GSocket *listener;
  GSource *accepting;
  guint pause_id;
  guint sweep_id;
};

typedef struct
{
  gchar *text;
  guint n; /* connections */
} Address;

/* ---- what connections tell ---- */

static void
on_request (MillHttpExchange *exchange, gpointer user_data)
{
  MillOriginConnections *self = user_data;

  self->handler.request (exchange, self->handler.user_data);
}

static void
on_ended (MillHttpExchange *exchange, gpointer user_data)
{
  MillOriginConnections *self = user_data;

  self->handler.ended (exchange, self->handler.user_data);
}

static void
leave_address (MillOriginConnections *self, Address *address)
{
  if (--address->n == 0)
    g_hash_table_remove (self->addresses, address->text);
}

static void
on_closed (MillHttpConnection *connection, gpointer user_data)
{
  MillOriginConnections *self = user_data;

  leave_address (self, mill_http_connection_get_owner_data (connection));
  g_hash_table_remove (self->open, connection);
  g_ptr_array_add (self->ended, connection);
}

static void
on_turn (gpointer user_data)
{
  g_ptr_array_set_size (((MillOriginConnections *) user_data)->ended, 0);
}

/* With a list of its own: whoever is ended leaves the table. */
static gboolean
on_sweep (gpointer user_data)
{
  MillOriginConnections *self = user_data;
  gint64 now = g_get_monotonic_time ();
  guint n;
  g_autofree gpointer *all = g_hash_table_get_keys_as_array (self->open, &n);

  for (guint i = 0; i < n; i++)
    mill_http_connection_check (all[i], now);
  return G_SOURCE_CONTINUE;
}

guint
mill_origin_connections_get_open (MillOriginConnections *self)
{
  return g_hash_table_size (self->open);
}

/* ---- new ones ---- */

static void
free_address (Address *address)
{
  g_free (address->text);
  g_free (address);
}

static Address *
get_address (MillOriginConnections *self, GInetAddress *from)
{
  g_autofree gchar *text = g_inet_address_to_string (from);
  Address *address = g_hash_table_lookup (self->addresses, text);

  if (address != NULL)
    return address;
  address = g_new0 (Address, 1);
  address->text = g_steal_pointer (&text);
  g_hash_table_insert (self->addresses, address->text, address);
  return address;
}

static gboolean
is_too_many (MillOriginConnections *self, GInetAddress *from, guint n)
{
  guint most = self->limits.max_per_address;

  if (g_hash_table_size (self->open) >= self->limits.max_connections)
    return TRUE;
  /* Loopback is nginx, with all the world behind it. */
  if (most == 0)
    most = g_inet_address_get_is_loopback (from)
        ? G_MAXUINT
        : MAX (self->limits.max_connections / 4, 1);
  return n >= most;
}

/* Takes @fd. */
static void
add_connection (MillOriginConnections *self, gint fd, GSocketAddress *remote)
{
  GInetAddress *from =
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote));
  Address *address = get_address (self, from);
  MillHttpConnection *connection = NULL;

  if (is_too_many (self, from, address->n++))
    close (fd);
  else
    connection = mill_http_connection_new (fd, &self->shared, address);
  if (connection != NULL) {
    g_hash_table_add (self->open, connection);
  } else {
    self->metrics->refused++;
    leave_address (self, address);
  }
}

static void resume (gpointer user_data); /* real recursion: after a pause */

/* No descriptors or memory: it would be told of the same ones for ever. */
static void
pause_accepting (MillOriginConnections *self)
{
  g_warning ("a connection could not be accepted: %s", g_strerror (errno));
  g_source_destroy (self->accepting);
  g_clear_pointer (&self->accepting, g_source_unref);
  self->pause_id = g_timeout_add_once (ACCEPT_PAUSE_MS, resume, self);
}

static gboolean
on_incoming (GSocket *listener, GIOCondition condition, gpointer user_data)
{
  MillOriginConnections *self = user_data;

  for (guint i = 0; i < ACCEPTS_AT_ONCE; i++) {
    struct sockaddr_storage native;
    socklen_t size = sizeof (native);
    gint fd = accept4 (g_socket_get_fd (listener), (struct sockaddr *) &native,
        &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    g_autoptr (GSocketAddress) remote = NULL;

    if (fd < 0 &&
        (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
            errno == ENOBUFS)) {
      pause_accepting (self);
      return G_SOURCE_REMOVE;
    }
    if (fd < 0 && errno == EAGAIN)
      break;
    if (fd < 0)
      continue; /* accept(2): of a connection that is gone already */
    remote = g_socket_address_new_from_native (&native, size);
    add_connection (self, fd, remote);
  }
  return G_SOURCE_CONTINUE;
}

static void
resume (gpointer user_data)
{
  MillOriginConnections *self = user_data;

  self->pause_id = 0;
  self->accepting = g_socket_create_source (self->listener, G_IO_IN, NULL);
  g_source_set_callback (self->accepting,
      G_SOURCE_FUNC ((GSocketSourceFunc) on_incoming), self, NULL);
  g_source_attach (self->accepting, g_main_context_get_thread_default ());
}

void
mill_origin_connections_listen (MillOriginConnections *self, GSocket *listener)
{
  g_socket_set_blocking (listener, FALSE);
  self->listener = g_object_ref (listener);
  resume (self);
}

/* ---- life ---- */

static guint
get_max_connections (void)
{
  struct rlimit limit;

  if (getrlimit (RLIMIT_NOFILE, &limit) < 0)
    return 256;
  return CLAMP (limit.rlim_cur, 2 * DESCRIPTORS_SPARE, 1 << 20) /
      DESCRIPTORS_EACH -
      DESCRIPTORS_SPARE / DESCRIPTORS_EACH;
}

static void
set_limits (MillOriginConnections *self, const MillOriginLimits *limits)
{
  if (limits != NULL)
    self->limits = *limits;
  if (self->limits.head_timeout_ms == 0)
    self->limits.head_timeout_ms = DEFAULT_TIMEOUT_MS;
  if (self->limits.write_timeout_ms == 0)
    self->limits.write_timeout_ms = DEFAULT_TIMEOUT_MS;
  if (self->limits.max_connections == 0)
    self->limits.max_connections = get_max_connections ();
}

static void
init_shared (MillOriginConnections *self)
{
  self->shared = (MillHttpShared){
    .poller = self->poller,
    .head_timeout_ms = self->limits.head_timeout_ms,
    .write_timeout_ms = self->limits.write_timeout_ms,
    .sent = &self->metrics->bytes,
    .slow_ended = &self->metrics->slow_ended,
    .request = on_request,
    .ended = on_ended,
    .closed = on_closed,
    .user_data = self,
  };
  mill_http_connection_init_shared (&self->shared);
}

MillOriginConnections *
mill_origin_connections_new (const MillOriginHandler *handler,
    const MillOriginLimits *limits, MillOriginMetrics *metrics)
{
  MillOriginConnections *self = g_new0 (MillOriginConnections, 1);

  self->handler = *handler;
  self->metrics = metrics;
  set_limits (self, limits);
  self->poller = mill_origin_poller_new (on_turn, self);
  if (self->poller == NULL)
    g_error ("no epoll descriptor: %s", g_strerror (errno));
  init_shared (self);
  self->open = g_hash_table_new (NULL, NULL);
  self->ended = g_ptr_array_new_with_free_func ((GDestroyNotify)
          mill_http_connection_free);
  self->addresses = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
      (GDestroyNotify) free_address);
  /* One timer for all: a source each would be looked at in every turn. */
  self->sweep_id = g_timeout_add (MIN (1000,
                                      MIN (self->limits.head_timeout_ms,
                                          self->limits.write_timeout_ms)),
      on_sweep, self);
  return self;
}

void
mill_origin_connections_free (MillOriginConnections *self)
{
  guint n;
  g_autofree gpointer *all = g_hash_table_get_keys_as_array (self->open, &n);

  g_source_remove (self->sweep_id);
  g_clear_handle_id (&self->pause_id, g_source_remove);
  if (self->accepting != NULL)
    g_source_destroy (self->accepting);
  g_clear_pointer (&self->accepting, g_source_unref);
  for (guint i = 0; i < n; i++)
    mill_http_connection_end (all[i]);
  g_ptr_array_unref (self->ended);
  mill_origin_poller_free (self->poller);
  mill_http_connection_clear_shared (&self->shared);
  g_hash_table_unref (self->open);
  g_hash_table_unref (self->addresses);
  if (self->listener != NULL)
    g_socket_close (self->listener, NULL);
  g_clear_object (&self->listener);
  g_free (self);
}
