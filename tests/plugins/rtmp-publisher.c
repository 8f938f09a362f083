/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-publisher.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <errno.h>
#include <glib-unix.h>
#include <openssl/err.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rtmp/amf0.h"

#define DEADLINE_US (20 * G_USEC_PER_SEC)

static void
on_ready (MillRtmpClient *client, gpointer user_data)
{
  Publisher *self = user_data;

  self->ready = TRUE;
}

static void
on_refused (MillRtmpClient *client, const gchar *code, const gchar *description,
    gpointer user_data)
{
  Publisher *self = user_data;

  g_free (self->code);
  g_free (self->description);
  self->code = g_strdup (code);
  self->description = g_strdup (description);
}

static void
on_reconnect (MillRtmpClient *client, const gchar *tc_url,
    const gchar *description, gpointer user_data)
{
  Publisher *self = user_data;

  g_free (self->reconnect_url);
  self->reconnect_url = g_strdup (tc_url);
}

static const MillRtmpClientEvents client_events = {
  .ready = on_ready,
  .refused = on_refused,
  .reconnect = on_reconnect,
};

gint
publisher_connect_raw (const gchar *address)
{
  g_auto (GStrv) parts = g_strsplit (address, ":", 2);
  struct sockaddr_in peer = { .sin_family = AF_INET };
  gint fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  gint one = 1;

  g_assert_cmpint (inet_pton (AF_INET, parts[0], &peer.sin_addr), ==, 1);
  peer.sin_port = htons (g_ascii_strtoull (parts[1], NULL, 10));
  g_assert_cmpint (connect (fd, (struct sockaddr *) &peer, sizeof peer), ==, 0);
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

/* ---- TLS, with the look of recv() and send() ---- */

static gssize
finish_tls (Publisher *self, gint code)
{
  gint kind = SSL_get_error (self->ssl, code);

  if (code > 0 || kind == SSL_ERROR_ZERO_RETURN)
    return MAX (code, 0);
  gboolean waits = kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE;
  ERR_clear_error ();
  errno = waits ? EAGAIN : EPROTO;
  return -1;
}

static gssize
write_bytes (Publisher *self, const guint8 *data, gsize size)
{
  if (!self->ssl)
    return send (self->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  return finish_tls (self, SSL_write (self->ssl, data, (gint) size));
}

static gssize
read_bytes (Publisher *self, guint8 *data, gsize size)
{
  if (!self->ssl)
    return recv (self->fd, data, size, MSG_DONTWAIT);
  return finish_tls (self, SSL_read (self->ssl, data, (gint) size));
}

static void
send_some (Publisher *self)
{
  gsize size;
  const guint8 *data = mill_rtmp_client_peek_output (self->client, &size);
  gssize n = write_bytes (self, data, size);

  if (n >= 0)
    mill_rtmp_client_drop_output (self->client, n);
  else if (errno != EAGAIN)
    self->closed = TRUE;
}

static void
receive_some (Publisher *self)
{
  guint8 data[4096];
  gssize n = read_bytes (self, data, sizeof data);

  if (n > 0)
    mill_rtmp_client_feed (self->client, data, n, NULL);
  else if (n == 0 || errno != EAGAIN)
    self->closed = TRUE;
}

/* One round: sends and receives what can be. @wait: for anything to happen */
static void
turn (Publisher *self, gboolean wait)
{
  gsize size;
  mill_rtmp_client_peek_output (self->client, &size);
  struct pollfd item = { self->fd, POLLIN | (size > 0 ? POLLOUT : 0), 0 };

  if (self->closed || poll (&item, 1, wait ? 100 : 0) <= 0)
    return;
  if (item.revents & POLLOUT)
    send_some (self);
  if (item.revents & (POLLIN | POLLHUP | POLLERR))
    receive_some (self); /* less than one record of TLS is in its answers */
}

static void
flush (Publisher *self)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  gsize size = 1;

  while (!self->closed && size > 0 && g_get_monotonic_time () < deadline) {
    turn (self, TRUE);
    mill_rtmp_client_peek_output (self->client, &size);
  }
}

/* Up to its end, or until it is closed. */
static void
run_handshake (Publisher *self, gint version)
{
  SSL_CTX *context = SSL_CTX_new (TLS_client_method ());
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  gssize n = -1;

  signal (SIGPIPE, SIG_IGN); /* OpenSSL writes to what the server has closed */
  SSL_CTX_set_security_level (context, 0);
  SSL_CTX_set_min_proto_version (context, version);
  SSL_CTX_set_max_proto_version (context, version);
  SSL_CTX_set_mode (context,
      SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  g_assert_true (g_unix_set_fd_nonblocking (self->fd, TRUE, NULL));
  self->ssl = SSL_new (context);
  SSL_CTX_free (context);
  SSL_set_fd (self->ssl, self->fd);
  while (n <= 0 && !self->closed && g_get_monotonic_time () < deadline) {
    struct pollfd item = { self->fd, POLLIN, 0 };
    n = finish_tls (self, SSL_connect (self->ssl));
    self->closed = n == 0 || (n < 0 && errno != EAGAIN);
    if (n < 0 && !self->closed)
      poll (&item, 1, 100);
  }
  X509 *certificate = self->closed ? NULL
                                   : SSL_get1_peer_certificate (self->ssl);
  if (!certificate)
    return;
  guchar digest[EVP_MAX_MD_SIZE];
  guint size;
  GString *hex = g_string_new (NULL);
  X509_digest (certificate, EVP_sha256 (), digest, &size);
  for (guint i = 0; i < size; i++)
    g_string_append_printf (hex, "%02x", digest[i]);
  self->fingerprint = g_string_free (hex, FALSE);
  X509_free (certificate);
}

static void
make_client (Publisher *self, const gchar *address, const gchar *app,
    const gchar *name, gboolean is_classic)
{
  g_autofree gchar *url = g_strdup_printf ("rtmp://%s/%s", address, app);
  MillRtmpClientOptions options = { .app = app,
    .name = name,
    .tc_url = url,
    .is_classic = is_classic };

  self->client = mill_rtmp_client_new (&options, &client_events, self);
}

/* @version: 0: without TLS */
static Publisher *
open_publisher (const gchar *address, const gchar *app, const gchar *name,
    gint version, gboolean is_classic)
{
  Publisher *self = g_new0 (Publisher, 1);

  self->fd = publisher_connect_raw (address);
  if (version)
    run_handshake (self, version);
  make_client (self, address, app, name, is_classic);
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;
  /* It asks to publish as soon as it has a message stream. */
  while (mill_rtmp_client_get_stream_id (self->client) == 0 && !self->code &&
      !self->closed && g_get_monotonic_time () < deadline)
    turn (self, TRUE);
  flush (self);
  return self;
}

Publisher *
publisher_new (const gchar *address, const gchar *app, const gchar *name)
{
  return open_publisher (address, app, name, 0, FALSE);
}

Publisher *
publisher_new_tls (const gchar *address, const gchar *app, const gchar *name,
    gint version)
{
  return open_publisher (address, app, name, version, FALSE);
}

Publisher *
publisher_new_silent_tls (const gchar *address)
{
  Publisher *self = g_new0 (Publisher, 1);
  gsize size;

  self->fd = publisher_connect_raw (address);
  run_handshake (self, TLS1_3_VERSION);
  make_client (self, address, "live", "cam", FALSE);
  mill_rtmp_client_peek_output (self->client, &size);
  mill_rtmp_client_drop_output (self->client, size);
  return self;
}

gboolean
publisher_wait (Publisher *self)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  while (!self->ready && !self->code && !self->closed &&
      g_get_monotonic_time () < deadline)
    turn (self, TRUE);
  return self->ready;
}

void
publisher_wait_end (Publisher *self)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  while (!self->code && !self->closed && g_get_monotonic_time () < deadline)
    turn (self, TRUE);
  g_assert_true (self->code || self->closed);
}

Publisher *
publisher_open (const gchar *address, const gchar *app, const gchar *name)
{
  Publisher *self = publisher_new (address, app, name);

  if (!publisher_wait (self))
    g_error ("refused: %s %s", self->code, self->description);
  return self;
}

Publisher *
publisher_open_classic (const gchar *address, const gchar *app,
    const gchar *name)
{
  Publisher *self = open_publisher (address, app, name, 0, TRUE);

  if (!publisher_wait (self))
    g_error ("refused: %s %s", self->code, self->description);
  return self;
}

void
publisher_wait_reconnect (Publisher *self)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_US;

  while (!self->reconnect_url && !self->closed &&
      g_get_monotonic_time () < deadline)
    turn (self, TRUE);
  g_assert_nonnull (self->reconnect_url);
}

static void
append_hex (GByteArray *bytes, const gchar *hex)
{
  for (; hex[0] && hex[1]; hex += 2) {
    guint8 byte = g_ascii_xdigit_value (hex[0]) * 16 +
        g_ascii_xdigit_value (hex[1]);
    g_byte_array_append (bytes, &byte, 1);
  }
}

void
publisher_send_bytes (Publisher *self, MillRtmpMessageType type, guint32 ts,
    const GByteArray *bytes)
{
  mill_rtmp_client_send (self->client, type, ts, bytes->data, bytes->len);
  flush (self);
}

void
publisher_send (Publisher *self, MillRtmpMessageType type, guint32 ts,
    const gchar *hex)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  append_hex (bytes, hex);
  publisher_send_bytes (self, type, ts, bytes);
}

void
publisher_send_video_config (Publisher *self, guint32 ts, const gchar *avcc_hex)
{
  g_autofree gchar *hex = g_strconcat ("1700000000", avcc_hex, NULL);

  publisher_send (self, MILL_RTMP_MESSAGE_VIDEO, ts, hex);
}

void
publisher_send_audio_config (Publisher *self, guint32 ts, const gchar *asc_hex)
{
  g_autofree gchar *hex = g_strconcat ("af00", asc_hex, NULL);

  publisher_send (self, MILL_RTMP_MESSAGE_AUDIO, ts, hex);
}

void
publisher_send_video (Publisher *self, guint32 ts, gboolean key,
    gint32 composition_ms)
{
  /* One NAL unit of three bytes: an IDR slice or another one. */
  g_autofree gchar *hex = g_strdup_printf ("%s01%06x00000003%s8840",
      key ? "17" : "27", (guint32) composition_ms & 0xffffff,
      key ? "65" : "41");

  publisher_send (self, MILL_RTMP_MESSAGE_VIDEO, ts, hex);
}

void
publisher_send_audio (Publisher *self, guint32 ts)
{
  publisher_send (self, MILL_RTMP_MESSAGE_AUDIO, ts, "af01211004");
}

void
publisher_send_metadata (Publisher *self, const gchar *name, ...)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  va_list list;

  mill_amf0_write_string (bytes, "@setDataFrame");
  mill_amf0_write_string (bytes, "onMetaData");
  mill_amf0_write_ecma_array_begin (bytes, 1);
  va_start (list, name);
  for (; name; name = va_arg (list, const gchar *)) {
    mill_amf0_write_name (bytes, name);
    mill_amf0_write_number (bytes, va_arg (list, gdouble));
  }
  va_end (list);
  mill_amf0_write_object_end (bytes);
  publisher_send_bytes (self, MILL_RTMP_MESSAGE_DATA, 0, bytes);
}

void
publisher_unpublish (Publisher *self)
{
  mill_rtmp_client_unpublish (self->client);
  flush (self);
}

void
publisher_free (Publisher *self)
{
  close (self->fd);
  SSL_free (self->ssl);
  g_free (self->fingerprint);
  mill_rtmp_client_free (self->client);
  g_free (self->code);
  g_free (self->description);
  g_free (self->reconnect_url);
  g_free (self);
}
