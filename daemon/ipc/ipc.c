/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/ipc/ipc.h"

static const GDBusErrorEntry ENTRIES[] = {
  { MILL_IPC_ERROR_FAILED, "org.millrace.Error.Failed" },
  { MILL_IPC_ERROR_INVALID, "org.millrace.Error.Invalid" },
  { MILL_IPC_ERROR_ADDRESS_IN_USE, "org.millrace.Error.AddressInUse" },
  { MILL_IPC_ERROR_EXISTS, "org.millrace.Error.Exists" },
  { MILL_IPC_ERROR_NOT_FOUND, "org.millrace.Error.NotFound" },
  { MILL_IPC_ERROR_DESCRIPTION, "org.millrace.Error.Description" },
  { MILL_IPC_ERROR_DRAINING, "org.millrace.Error.Draining" },
  { MILL_IPC_ERROR_PROTOCOL, "org.millrace.Error.Protocol" },
  { MILL_IPC_ERROR_EXITED, "org.millrace.Error.Exited" },
  { MILL_IPC_ERROR_TIMEOUT, "org.millrace.Error.Timeout" },
  { MILL_IPC_ERROR_CONFLICT, "org.millrace.Error.Conflict" },
};

GQuark
mill_ipc_error_quark (void)
{
  static gsize quark = 0;

  g_dbus_error_register_error_domain ("mill-ipc-error-quark", &quark, ENTRIES,
      G_N_ELEMENTS (ENTRIES));
  return (GQuark) quark;
}

gchar *
mill_ipc_get_address (const gchar *path)
{
  g_autofree gchar *escaped = g_dbus_address_escape_value (path);

  return g_strconcat ("unix:path=", escaped, NULL);
}

static gboolean
on_allow_mechanism (GDBusAuthObserver *observer, const gchar *mechanism,
    gpointer user_data)
{
  return g_str_equal (mechanism, "EXTERNAL");
}

static gboolean
on_authorize_peer (GDBusAuthObserver *observer, GIOStream *stream,
    GCredentials *credentials, gpointer user_data)
{
  if (!credentials)
    return FALSE;
  g_autoptr (GCredentials) own = g_credentials_new ();
  return g_credentials_is_same_user (credentials, own, NULL);
}

GDBusAuthObserver *
mill_ipc_auth_observer_new (void)
{
  GDBusAuthObserver *observer = g_dbus_auth_observer_new ();

  g_signal_connect (observer, "allow-mechanism",
      G_CALLBACK (on_allow_mechanism), NULL);
  g_signal_connect (observer, "authorize-authenticated-peer",
      G_CALLBACK (on_authorize_peer), NULL);
  return observer;
}

gchar *
mill_ipc_error_get_message (const GError *error)
{
  g_autoptr (GError) copy = g_error_copy (error);

  g_dbus_error_strip_remote_error (copy);
  return g_strdup (copy->message);
}

gchar *
mill_ipc_lookup_string (GVariant *dict, const gchar *key)
{
  gchar *text = NULL;

  if (!g_variant_lookup (dict, key, "s", &text))
    text = g_strdup ("");
  return text;
}
