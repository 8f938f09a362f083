/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "webhook-signature.h"

#include <gio/gio.h>
#include <string.h>

#define PREFIX "whsec_"
/* What Standard Webhooks asks for at least. */
#define MIN_KEY_BYTES 24
#define SHA256_BYTES 32

GBytes *
mill_webhook_signature_read_key (GBytes *secret, GError **error)
{
  gsize size;
  const gchar *text = g_bytes_get_data (secret, &size);
  g_autofree gchar *copy = g_strndup (text, size);
  g_autoptr (GBytes) key = g_bytes_ref (secret);

  if (g_str_has_prefix (copy, PREFIX)) {
    guchar *bytes = g_base64_decode (copy + strlen (PREFIX), &size);
    g_bytes_unref (key);
    key = g_bytes_new_take (bytes, size);
  }
  explicit_bzero (copy, strlen (copy));
  if (g_bytes_get_size (key) >= MIN_KEY_BYTES)
    return g_steal_pointer (&key);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
      "secret: got %zu bytes, expected at least %d", g_bytes_get_size (key),
      MIN_KEY_BYTES);
  return NULL;
}

gchar *
mill_webhook_signature_make (GBytes *key, const gchar *id, gint64 timestamp,
    const gchar *body)
{
  gsize key_size;
  guint8 digest[SHA256_BYTES];
  gsize size = sizeof digest;
  const guchar *key_bytes = g_bytes_get_data (key, &key_size);
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, key_bytes, key_size);
  g_autofree gchar *head =
      g_strdup_printf ("%s.%" G_GINT64_FORMAT ".", id, timestamp);

  g_hmac_update (hmac, (const guchar *) head, -1);
  g_hmac_update (hmac, (const guchar *) body, -1);
  g_hmac_get_digest (hmac, digest, &size);
  g_autofree gchar *text = g_base64_encode (digest, size);
  return g_strconcat ("v1,", text, NULL);
}
