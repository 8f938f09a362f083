/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The way to a connected stream: the name's look-up, TCP, TLS. */
#include "relay-connection-private.h"

GST_DEBUG_CATEGORY_EXTERN (mill_relay_debug);
#define GST_CAT_DEFAULT mill_relay_debug

static void
on_connected (GObject *source, GAsyncResult *result, gpointer user_data)
{
  MillRelayConnection *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect_finish (G_SOCKET_CLIENT (source), result, &error);

  if (self->state == MILL_RELAY_CONNECTION_OPENING && !connection) {
    mill_relay_connection_private_fail (self, "cannot connect", error);
  } else if (self->state == MILL_RELAY_CONNECTION_OPENING) {
    mill_relay_connection_private_take_stream (self, connection);
  }
  mill_relay_connection_private_unref (self);
}

static gboolean
accept_any (GTlsConnection *tls, GTlsCertificate *certificate,
    GTlsCertificateFlags errors, gpointer user_data)
{
  return TRUE;
}

/* The settings that GSocketClient has no property for. */
static void
on_socket_event (GSocketClient *client, GSocketClientEvent event,
    GSocketConnectable *connectable, GIOStream *stream, gpointer user_data)
{
  MillRelayConnection *self = user_data;

  if (event != G_SOCKET_CLIENT_TLS_HANDSHAKING)
    return;
  GTlsDatabase *database =
      g_object_get_data (G_OBJECT (client), "mill-tls-database");
  if (database)
    g_tls_connection_set_database (G_TLS_CONNECTION (stream), database);
  if (!self->options.tls_validation)
    g_signal_connect (stream, "accept-certificate", G_CALLBACK (accept_any),
        NULL);
}

/* Returns: FALSE when the CA file cannot be used; the connection is over */
static gboolean
prepare_tls (MillRelayConnection *self, GSocketClient *client)
{
  g_autoptr (GError) error = NULL;

  g_socket_client_set_tls (client, TRUE);
  if (self->tls_ca_file) {
    GTlsDatabase *database =
        g_tls_file_database_new (self->tls_ca_file, &error);
    if (!database) {
      mill_relay_connection_private_fail (self, "cannot use tls-ca-file",
          error);
      return FALSE;
    }
    g_object_set_data_full (G_OBJECT (client), "mill-tls-database", database,
        g_object_unref);
  }
  g_signal_connect (client, "event", G_CALLBACK (on_socket_event), self);
  return TRUE;
}

void
mill_relay_connection_open_begin (MillRelayConnection *self)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) place =
      g_network_address_new (self->address->host, self->address->port);

  /* A proxy for RTMP is nothing that there is; asking for one may wait. */
  g_socket_client_set_enable_proxy (client, FALSE);
  if (self->address->is_secure && !prepare_tls (self, client))
    return;
  GST_DEBUG ("connecting to %s", self->address->shown);
  g_socket_client_connect_async (client, place, self->cancellable, on_connected,
      mill_relay_connection_private_ref (self));
}
