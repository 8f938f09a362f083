/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-connections.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT_MS 30000

/* A connection being answered needs its socket and a file. */
#define DESCRIPTORS_EACH 2
#define DESCRIPTORS_SPARE 64

struct _MillOriginConnections
{
  SoupServer *server;
  MillOriginLimits limits;
  GHashTable *clients; /* set of Client */
  guint sweep_id;
  gboolean soup_forgets; /* see replace_idle and is_forgotten */
};

/* One connection; belongs to its GSocket. */
typedef struct
{
  MillOriginConnections *owner; /* NULL once that is gone */
  GSocket *socket;
  gint64 deadline; /* monotonic; G_MAXINT64: none */
  GSource *idle; /* between an answer and the next request, else NULL */
} Client;

static void
clear_idle (Client *client)
{
  if (client->idle == NULL)
    return;
  g_source_destroy (client->idle);
  g_clear_pointer (&client->idle, g_source_unref);
}

static void
free_client (Client *client)
{
  clear_idle (client);
  if (client->owner != NULL)
    g_hash_table_remove (client->owner->clients, client);
  g_free (client);
}

static Client *
get_client (MillOriginConnections *self, GSocket *socket)
{
  Client *client = g_object_get_data (G_OBJECT (socket), "mill-client");

  if (client != NULL)
    return client;
  client = g_new0 (Client, 1);
  client->owner = self;
  client->socket = socket;
  g_hash_table_add (self->clients, client);
  g_object_set_data_full (G_OBJECT (socket), "mill-client", client,
      (GDestroyNotify) free_client);
  return client;
}

static void
arm (Client *client, guint timeout_ms)
{
  client->deadline = g_get_monotonic_time () + timeout_ms * (gint64) 1000;
}

/* libsoup before 3.4 (3.2 is Debian 12's) forgets a connection that ends between
 * two requests: neither its descriptor nor its memory ever comes back. One that
 * ends within a request it does clean up. So there an idle connection ends with
 * the beginning of a request that is none: in the descriptor's place comes one
 * that has this line to read, and then the end. */
static void
replace_idle (Client *client)
{
  static const gchar line[] = "\r\nend\r\n\r\n";
  gint pair[2];

  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
          pair) < 0)
    return; /* no descriptors: the next sweep tries again */
  if (write (pair[1], line, sizeof (line) - 1) == sizeof (line) - 1)
    dup3 (pair[0], g_socket_get_fd (client->socket), O_CLOEXEC);
  close (pair[0]);
  close (pair[1]);
  client->deadline = G_MAXINT64;
  clear_idle (client);
}

static void
end_connection (Client *client)
{
  if (client->idle != NULL) {
    replace_idle (client);
    return;
  }
  /* libsoup sees the end of the stream and cleans up. */
  client->deadline = G_MAXINT64;
  g_socket_shutdown (client->socket, TRUE, TRUE, NULL);
}

/* Something came on an idle connection, before libsoup reads it (it listens
 * with a lower priority). */
static gboolean
on_idle_ready (GSocket *socket, GIOCondition condition, gpointer user_data)
{
  Client *client = user_data;
  gchar byte;
  gssize got =
      recv (g_socket_get_fd (socket), &byte, 1, MSG_PEEK | MSG_DONTWAIT);

  if (got <= 0)
    replace_idle (client);
  else
    clear_idle (client);
  return G_SOURCE_REMOVE;
}

static void
watch_idle (Client *client)
{
  clear_idle (client);
  client->idle = g_socket_create_source (client->socket, G_IO_IN, NULL);
  g_source_set_priority (client->idle, G_PRIORITY_HIGH);
  g_source_set_callback (client->idle,
      G_SOURCE_FUNC ((GSocketSourceFunc) on_idle_ready), client, NULL);
  g_source_attach (client->idle, g_main_context_get_thread_default ());
}

/* libsoup before 3.4 also keeps the reference that accept() gave it: a closed
 * socket with one reference is one that nobody has. A later libsoup may well
 * own the last one. */
static gboolean
is_forgotten (const Client *client)
{
  return client->owner->soup_forgets && client->idle == NULL &&
      g_socket_is_closed (client->socket) &&
      G_OBJECT (client->socket)->ref_count == 1;
}

static gboolean
on_sweep (gpointer user_data)
{
  MillOriginConnections *self = user_data;
  g_autoptr (GPtrArray) forgotten =
      g_ptr_array_new_with_free_func (g_object_unref);
  gint64 now = g_get_monotonic_time ();
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, self->clients);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    Client *client = key;

    if (is_forgotten (client))
      g_ptr_array_add (forgotten, client->socket);
    else if (client->deadline <= now)
      end_connection (client);
  }
  return G_SOURCE_CONTINUE; /* freeing a socket frees its client */
}

static void
on_progress (SoupServerMessage *message, MillOriginConnections *self)
{
  GSocket *socket = soup_server_message_get_socket (message);

  if (socket != NULL)
    arm (get_client (self, socket), self->limits.write_timeout_ms);
}

static void
on_wrote_data (SoupServerMessage *message, guint size,
    MillOriginConnections *self)
{
  on_progress (message, self);
}

guint
mill_origin_connections_get_open (MillOriginConnections *self)
{
  GHashTableIter iter;
  gpointer client;
  guint n = 0;

  g_hash_table_iter_init (&iter, self->clients);
  while (g_hash_table_iter_next (&iter, &client, NULL))
    n += !g_socket_is_closed (((Client *) client)->socket);
  return n;
}

static gboolean
is_too_many (MillOriginConnections *self)
{
  /* Closed ones stay in the table until the next sweep: they are told apart
   * only when it matters. */
  return g_hash_table_size (self->clients) > self->limits.max_connections &&
      mill_origin_connections_get_open (self) > self->limits.max_connections;
}

/* The answer is sent; if the connection goes on, libsoup waits for its next
 * request from here on. */
static void
on_request_finished (SoupServer *server, SoupServerMessage *message,
    MillOriginConnections *self)
{
  GSocket *socket = soup_server_message_get_socket (message);
  Client *client;

  if (socket == NULL || g_socket_is_closed (socket))
    return;
  client = get_client (self, socket);
  arm (client, self->limits.head_timeout_ms);
  if (self->soup_forgets)
    watch_idle (client);
}

/* A connection is there, or the first byte of its next request. */
static void
on_request_started (SoupServer *server, SoupServerMessage *message,
    MillOriginConnections *self)
{
  GSocket *socket = soup_server_message_get_socket (message);
  Client *client;
  gboolean is_new;

  if (socket == NULL)
    return;
  is_new = g_object_get_data (G_OBJECT (socket), "mill-client") == NULL;
  client = get_client (self, socket);
  clear_idle (client);
  if (is_new && is_too_many (self)) {
    end_connection (client);
    return;
  }
  arm (client, self->limits.head_timeout_ms);
  /* The message goes before this object: see free. */
  g_signal_connect (message, "got-headers", G_CALLBACK (on_progress), self);
  g_signal_connect (message, "wrote-headers", G_CALLBACK (on_progress), self);
  g_signal_connect (message, "wrote-body-data", G_CALLBACK (on_wrote_data),
      self);
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
mill_origin_connections_new (SoupServer *server, const MillOriginLimits *limits)
{
  MillOriginConnections *self = g_new0 (MillOriginConnections, 1);

  self->server = g_object_ref (server);
  if (limits != NULL)
    self->limits = *limits;
  if (self->limits.head_timeout_ms == 0)
    self->limits.head_timeout_ms = DEFAULT_TIMEOUT_MS;
  if (self->limits.write_timeout_ms == 0)
    self->limits.write_timeout_ms = DEFAULT_TIMEOUT_MS;
  if (self->limits.max_connections == 0)
    self->limits.max_connections = get_max_connections ();
  self->clients = g_hash_table_new (NULL, NULL);
  self->soup_forgets = !soup_check_version (3, 4, 0);
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
  g_signal_handlers_disconnect_by_data (self->server, self);
  /* Ends every message, and with it the handlers that know this object. */
  soup_server_disconnect (self->server);
  on_sweep (self);
  g_hash_table_iter_init (&iter, self->clients);
  while (g_hash_table_iter_next (&iter, &client, NULL)) {
    ((Client *) client)->owner = NULL;
    clear_idle (client);
  }
  g_hash_table_unref (self->clients);
  g_object_unref (self->server);
  g_free (self);
}
