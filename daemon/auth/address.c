/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "address.h"

#include <string.h>

#define MAX_TEXT 128
#define V4_BYTES 4
#define V6_BYTES 16
#define V6_SUBNET_BYTES 8

/* Returns: (transfer full): without the port and the brackets */
static gchar *
cut_port (const gchar *text)
{
  const gchar *bracket = strchr (text, ']');
  const gchar *colon = strchr (text, ':');

  if (*text == '[' && bracket)
    return g_strndup (text + 1, (gsize) (bracket - text - 1));
  /* More than one colon without brackets: IPv6 without a port. */
  if (colon && !strchr (colon + 1, ':'))
    return g_strndup (text, (gsize) (colon - text));
  return g_strdup (text);
}

static GInetAddress *
unmap (GInetAddress *address)
{
  static const guint8 prefix[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
  const guint8 *bytes = g_inet_address_to_bytes (address);

  if (g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV6 ||
      memcmp (bytes, prefix, sizeof prefix) != 0)
    return address;
  GInetAddress *plain = g_inet_address_new_from_bytes (bytes + sizeof prefix,
      G_SOCKET_FAMILY_IPV4);
  g_object_unref (address);
  return plain;
}

GInetAddress *
mill_address_parse (const gchar *text)
{
  if (strlen (text) > MAX_TEXT)
    return NULL;
  g_autofree gchar *host = cut_port (text);
  GInetAddress *address = g_inet_address_new_from_string (host);
  return address ? unmap (address) : NULL;
}

/* GInetAddressMask takes a prefix of any length for a programmer's mistake, and
 * says so on standard error. */
static gboolean
has_possible_prefix (const gchar *text)
{
  const gchar *slash = strchr (text, '/');
  guint64 length;
  return !slash ||
      g_ascii_string_to_unsigned (slash + 1, 10, 0,
          strchr (text, ':') ? 8 * V6_BYTES : 8 * V4_BYTES, &length, NULL);
}

gboolean
mill_address_check_range (const gchar *text, GError **error)
{
  g_autoptr (GInetAddressMask) mask = has_possible_prefix (text)
      ? g_inet_address_mask_new_from_string (text, NULL)
      : NULL;
  if (mask)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
      "address range '%s': expected a network like 192.0.2.0/24 or "
      "2001:db8::/32 whose bits after the prefix are 0, or one address",
      text);
  return FALSE;
}

gboolean
mill_address_is_in (GInetAddress *address, const gchar *const *ranges)
{
  for (guint i = 0; ranges && ranges[i]; i++) {
    g_autoptr (GInetAddressMask) mask =
        g_inet_address_mask_new_from_string (ranges[i], NULL);
    if (mask && g_inet_address_mask_matches (mask, address))
      return TRUE;
  }
  return FALSE;
}

gchar *
mill_address_to_sender (GInetAddress *address)
{
  guint8 subnet[V6_BYTES] = { 0 };

  if (g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4)
    return g_inet_address_to_string (address);
  memcpy (subnet, g_inet_address_to_bytes (address), V6_SUBNET_BYTES);
  g_autoptr (GInetAddress) network =
      g_inet_address_new_from_bytes (subnet, G_SOCKET_FAMILY_IPV6);
  g_autofree gchar *text = g_inet_address_to_string (network);
  return g_strconcat (text, "/64", NULL);
}
