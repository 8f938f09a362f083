/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "secret.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <gio/gio.h>

#define SECRET_BYTES 20
#define ID_BYTES 10
#define SHA256_BYTES 32
#define MAX_FILE_BYTES 4096

static void
fill_random (guint8 *bytes, gsize size)
{
  gsize filled = 0;
  while (filled < size) {
    gssize got = getrandom (bytes + filled, size - filled, 0);
    if (got > 0)
      filled += (gsize) got;
    else if (errno != EINTR)
      g_error ("getrandom(2): %s", g_strerror (errno));
  }
}

/* RFC 4648 §6 base32 in lower case; sizes here are multiples of 5 bytes, so
 * there is no padding. */
static gchar *
encode (const gchar *prefix, const guint8 *bytes, gsize size)
{
  static const gchar alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
  GString *text = g_string_new (prefix);
  guint accumulator = 0;
  guint bits = 0;
  for (gsize i = 0; i < size; i++) {
    accumulator = accumulator << 8 | bytes[i];
    for (bits += 8; bits >= 5; bits -= 5)
      g_string_append_c (text, alphabet[accumulator >> (bits - 5) & 31]);
    accumulator &= (1u << bits) - 1;
  }
  return g_string_free (text, FALSE);
}

gchar *
mill_secret_generate (const gchar *prefix)
{
  guint8 bytes[SECRET_BYTES];
  fill_random (bytes, sizeof bytes);
  gchar *secret = encode (prefix, bytes, sizeof bytes);
  explicit_bzero (bytes, sizeof bytes);
  return secret;
}

gchar *
mill_secret_generate_id (const gchar *prefix)
{
  guint8 bytes[ID_BYTES];
  fill_random (bytes, sizeof bytes);
  return encode (prefix, bytes, sizeof bytes);
}

GBytes *
mill_secret_hash (const gchar *secret)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[SHA256_BYTES];
  gsize size = sizeof digest;
  g_checksum_update (checksum, (const guchar *) secret, -1);
  g_checksum_get_digest (checksum, digest, &size);
  return g_bytes_new (digest, size);
}

GBytes *
mill_secret_read_file (const gchar *path, GError **error)
{
  gchar *text;
  gsize size;
  if (!g_file_get_contents (path, &text, &size, error))
    return NULL;
  gsize length = size;
  while (length > 0 && (text[length - 1] == '\n' || text[length - 1] == '\r'))
    length--;
  if (length == 0 || length > MAX_FILE_BYTES) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
        "secret '%s': got %zu bytes, expected 1 to %d", path, length,
        MAX_FILE_BYTES);
    explicit_bzero (text, size);
    g_free (text);
    return NULL;
  }
  return g_bytes_new_take (text, length);
}

gboolean
mill_secret_equal (GBytes *a, GBytes *b)
{
  gsize size_a;
  gsize size_b;
  const guint8 *data_a = g_bytes_get_data (a, &size_a);
  const guint8 *data_b = g_bytes_get_data (b, &size_b);
  volatile guint8 difference = 0;
  if (size_a != size_b)
    return FALSE;
  for (gsize i = 0; i < size_a; i++)
    difference |= data_a[i] ^ data_b[i];
  return difference == 0;
}
