/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-connections.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT_MS 30000

/* A connection being answered needs its socket and perhaps a file. */
#define DESCRIPTORS_EACH 2
#define DESCRIPTORS_SPARE 64

/* Below it a reader is slow. A player that gets less than 8 kbit/s has left
 * even audio behind. */
#define LEAST_BYTES_PER_MS 1

/* In one turn of the main loop, so that those who are there have their turn. */
#define ACCEPTS_AT_ONCE 64
#define ACCEPT_PAUSE_MS 100

#define CLIENT_KEY "mill-client"

struct _MillOriginConnections
{
  SoupServer *server;
  MillOriginLimits limits;
  MillOriginMetrics *metrics; /* not owned */
  MillOriginPoller *poller;
  MillOriginIoShared shared;
  GHashTable *clients; /* set of Client */
  GHashTable *addresses; /* text -> number of connections */

  GSocket *listener;
  GSocketAddress *local;
  GSource *accepting;
  guint pause_id;
  guint sweep_id;
};

/* One connection; ends with its MillOriginIo, which libsoup owns. */
typedef struct
{
  MillOriginConnections *owner; /* NULL once that is gone */
  MillOriginIo *io;
  GSocketAddress *remote; /* its data CLIENT_KEY is this */
  gchar *address;
  gint64 deadline; /* monotonic */
  guint64 from; /* bytes of all answers, when the deadline was set */
  gboolean is_idle; /* between an answer and the next request */
  gboolean is_answered; /* a whole head has come */
} Client;

/* ---- one connection ---- */

static void
count_address (MillOriginConnections *self, const gchar *address, gint change)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (self->addresses, address));

  if (n + change == 0)
    g_hash_table_remove (self->addresses, address);
  else
    g_hash_table_insert (self->addresses, g_strdup (address),
        GUINT_TO_POINTER (n + change));
}

static void
on_io_gone (gpointer user_data, GObject *io)
{
  Client *client = user_data;

  if (client->owner != NULL) {
    count_address (client->owner, client->address, -1);
    g_hash_table_remove (client->owner->clients, client);
  }
  g_object_set_data (G_OBJECT (client->remote), CLIENT_KEY, NULL);
  g_object_unref (client->remote);
  g_free (client->address);
  g_free (client);
}

static Client *
get_client (SoupServerMessage *message)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (message);

  return remote != NULL ? g_object_get_data (G_OBJECT (remote), CLIENT_KEY)
                        : NULL;
}

MillOriginIo *
mill_origin_connections_get_io (SoupServerMessage *message)
{
  Client *client = get_client (message);

  return client != NULL ? client->io : NULL;
}

static gboolean
is_open (const Client *client)
{
  return mill_origin_io_get_watch (client->io)->fd >= 0;
}

static void
arm (Client *client, guint timeout_ms)
{
  client->deadline = g_get_monotonic_time () + timeout_ms * (gint64) 1000;
}

static void
arm_answer (Client *client, guint64 from)
{
  client->from = from;
  arm (client, client->owner->limits.write_timeout_ms);
}

static void
end_connection (Client *client)
{
  client->deadline = G_MAXINT64;
  mill_origin_io_end (client->io, client->is_idle);
}

/* ---- those that keep us waiting ---- */

static void
on_deadline (Client *client)
{
  MillOriginConnections *self = client->owner;
  guint64 taken;

  if (!client->is_answered) {
    end_connection (client);
    return;
  }
  taken = mill_origin_io_get_taken (client->io);
  /* Else it waits for us: for a part that is to come. */
  if (mill_origin_io_is_behind (client->io) &&
      taken < client->from +
              self->limits.write_timeout_ms * (guint64) LEAST_BYTES_PER_MS) {
    self->metrics->slow_ended++;
    end_connection (client);
    return;
  }
  arm_answer (client, taken);
}

static gboolean
on_sweep (gpointer user_data)
{
  MillOriginConnections *self = user_data;
  gint64 now = g_get_monotonic_time ();
  GHashTableIter iter;
  gpointer client;

  g_hash_table_iter_init (&iter, self->clients);
  while (g_hash_table_iter_next (&iter, &client, NULL)) {
    if (((Client *) client)->deadline <= now)
      on_deadline (client);
  }
  return G_SOURCE_CONTINUE;
}

/* A connection is there, or the first byte of its next request. */
static void
on_request_started (SoupServer *server, SoupServerMessage *message,
    MillOriginConnections *self)
{
  Client *client = get_client (message);

  if (client == NULL)
    return;
  client->is_idle = FALSE;
  mill_origin_io_set_idle (client->io, FALSE);
  arm (client, self->limits.head_timeout_ms);
}

void
mill_origin_connections_begin_answer (SoupServerMessage *message)
{
  Client *client = get_client (message);

  if (client == NULL || client->owner == NULL)
    return;
  client->is_answered = TRUE;
  /* What is left of the answer before is not counted against it. */
  arm_answer (client, mill_origin_io_get_written (client->io));
}

/* The answer is sent; if the connection goes on, libsoup waits for its next
 * request from here on. */
static void
on_request_finished (SoupServer *server, SoupServerMessage *message,
    MillOriginConnections *self)
{
  Client *client = get_client (message);

  if (client == NULL || !is_open (client))
    return;
  client->is_answered = FALSE;
  client->is_idle = TRUE;
  mill_origin_io_set_idle (client->io, TRUE);
  arm (client, self->limits.head_timeout_ms);
}

/* ---- new ones ---- */

guint
mill_origin_connections_get_open (MillOriginConnections *self)
{
  GHashTableIter iter;
  gpointer client;
  guint n = 0;

  g_hash_table_iter_init (&iter, self->clients);
  while (g_hash_table_iter_next (&iter, &client, NULL))
    n += is_open (client);
  return n;
}

static gboolean
is_too_many (MillOriginConnections *self, GInetAddress *from,
    const gchar *address)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (self->addresses, address));
  guint most = self->limits.max_per_address;

  if (g_hash_table_size (self->clients) >= self->limits.max_connections)
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
add_client (MillOriginConnections *self, gint fd, GSocketAddress *remote)
{
  GInetAddress *from =
      g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS (remote));
  g_autofree gchar *address = g_inet_address_to_string (from);
  g_autoptr (MillOriginIo) io = NULL;
  Client *client;

  if (is_too_many (self, from, address)) {
    self->metrics->refused++;
    close (fd);
    return;
  }
  io = mill_origin_io_new (fd, &self->shared);
  if (!mill_origin_poller_add (self->poller, mill_origin_io_get_watch (io))) {
    self->metrics->refused++;
    return;
  }
  client = g_new0 (Client, 1);
  client->owner = self;
  client->io = io;
  client->remote = g_object_ref (remote);
  g_object_set_data (G_OBJECT (remote), CLIENT_KEY, client);
  count_address (self, address, 1);
  client->address = g_steal_pointer (&address);
  g_hash_table_add (self->clients, client);
  g_object_weak_ref (G_OBJECT (io), on_io_gone, client);
  arm (client, self->limits.head_timeout_ms);
  soup_server_accept_iostream (self->server, G_IO_STREAM (io), self->local,
      remote, NULL);
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
    add_client (self, fd, remote);
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

/* libsoup keeps a connection for its next request only as long as it listens
 * somewhere itself: here, on a datagram socket that is connected with itself, so
 * that nobody else reaches it. */
static gboolean
listen_nowhere (MillOriginConnections *self, GError **error)
{
  g_autoptr (GSocket) nowhere = g_socket_new (G_SOCKET_FAMILY_IPV4,
      G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, error);
  g_autoptr (GSocketAddress) any =
      g_inet_socket_address_new_from_string ("127.0.0.1", 0);
  g_autoptr (GSocketAddress) itself = NULL;

  if (nowhere == NULL || !g_socket_bind (nowhere, any, FALSE, error))
    return FALSE;
  itself = g_socket_get_local_address (nowhere, error);
  return itself != NULL && g_socket_connect (nowhere, itself, NULL, error) &&
      soup_server_listen_socket (self->server, nowhere, 0, error);
}

gboolean
mill_origin_connections_listen (MillOriginConnections *self, GSocket *listener,
    GError **error)
{
  if (!listen_nowhere (self, error))
    return FALSE;
  self->local = g_socket_get_local_address (listener, error);
  if (self->local == NULL)
    return FALSE;
  g_socket_set_blocking (listener, FALSE);
  self->listener = g_object_ref (listener);
  resume (self);
  return TRUE;
}

/* ---- life ---- */

static void
on_turn (gpointer user_data)
{
  MillOriginConnections *self = user_data;
  GList *next;

  for (GList *link = self->shared.held.head; link != NULL; link = next) {
    next = link->next;
    mill_origin_io_flush (link->data);
  }
}

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

MillOriginConnections *
mill_origin_connections_new (SoupServer *server, const MillOriginLimits *limits,
    MillOriginMetrics *metrics)
{
  MillOriginConnections *self = g_new0 (MillOriginConnections, 1);

  self->server = g_object_ref (server);
  self->metrics = metrics;
  if (limits != NULL)
    self->limits = *limits;
  if (self->limits.head_timeout_ms == 0)
    self->limits.head_timeout_ms = DEFAULT_TIMEOUT_MS;
  if (self->limits.write_timeout_ms == 0)
    self->limits.write_timeout_ms = DEFAULT_TIMEOUT_MS;
  if (self->limits.max_connections == 0)
    self->limits.max_connections = get_max_connections ();
  g_queue_init (&self->shared.held);
  self->shared.sent = &metrics->bytes;
  self->poller = mill_origin_poller_new (on_turn, self);
  if (self->poller == NULL)
    g_error ("no epoll descriptor: %s", g_strerror (errno));
  self->clients = g_hash_table_new (NULL, NULL);
  self->addresses =
      g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_signal_connect (server, "request-started", G_CALLBACK (on_request_started),
      self);
  g_signal_connect (server, "request-finished",
      G_CALLBACK (on_request_finished), self);
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
  GHashTableIter iter;
  gpointer client;

  g_source_remove (self->sweep_id);
  g_clear_handle_id (&self->pause_id, g_source_remove);
  if (self->accepting != NULL)
    g_source_destroy (self->accepting);
  g_clear_pointer (&self->accepting, g_source_unref);
  g_signal_handlers_disconnect_by_data (self->server, self);
  /* Ends every connection, and with it most of the clients. */
  soup_server_disconnect (self->server);
  g_hash_table_iter_init (&iter, self->clients);
  while (g_hash_table_iter_next (&iter, &client, NULL)) {
    ((Client *) client)->owner = NULL;
    g_io_stream_close (G_IO_STREAM (((Client *) client)->io), NULL, NULL);
  }
  mill_origin_poller_free (self->poller);
  g_hash_table_unref (self->clients);
  g_hash_table_unref (self->addresses);
  if (self->listener != NULL)
    g_socket_close (self->listener, NULL);
  g_clear_object (&self->listener);
  g_clear_object (&self->local);
  g_object_unref (self->server);
  g_free (self);
}
