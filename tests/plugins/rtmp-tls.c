/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* TLS over a socket that takes and gives little at a time: a fault here is a
 * publisher that stands still, or a thread that spins. */
#include "rtmp-tls.h"

#include <errno.h>
#include <glib-unix.h>
#include <openssl/err.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls-files.h"

/* More certificates than the socket takes at once. */
#define N_ISSUERS 60
#define SOCKET_BYTES 4608

/* Of all: they take long to make and to load. */
static MillTlsIdentity *identity;

typedef struct
{
  MillRtmpTls *server;
  SSL *client;
  gint fds[2]; /* server, client */
} Pair;

static Pair *
pair_new (void)
{
  Pair *pair = g_new0 (Pair, 1);
  const gint bytes = SOCKET_BYTES;
  SSL_CTX *context = SSL_CTX_new (TLS_client_method ());

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
                       pair->fds),
      ==, 0);
  setsockopt (pair->fds[0], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
  pair->server = mill_rtmp_tls_new (identity, pair->fds[0]);
  pair->client = SSL_new (context);
  SSL_CTX_free (context);
  SSL_set_fd (pair->client, pair->fds[1]);
  SSL_set_connect_state (pair->client);
  return pair;
}

static void
pair_free (Pair *pair)
{
  SSL_free (pair->client);
  mill_rtmp_tls_free (pair->server);
  close (pair->fds[0]);
  close (pair->fds[1]);
  g_free (pair);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pair, pair_free)

/* Both sides in turns, until the client is through.
 * Returns: how often the server waited for the socket to take more */
static guint
run_handshake (Pair *pair)
{
  guint8 data[64];
  guint n_writes = 0;

  for (guint turn = 0; !SSL_is_init_finished (pair->client); turn++) {
    g_assert_cmpuint (turn, <, 1000);
    SSL_do_handshake (pair->client);
    ERR_clear_error ();
    g_assert_cmpint (mill_rtmp_tls_receive (pair->server, data, sizeof data),
        ==, -1);
    g_assert_cmpint (errno, ==, EAGAIN);
    guint32 wanted = mill_rtmp_tls_to_socket (pair->server, EPOLLIN);
    if (wanted & EPOLLOUT) {
      n_writes++;
      /* what is readable already must not wake it over and over */
      g_assert_false (wanted & EPOLLIN);
      g_assert_true (mill_rtmp_tls_from_socket (pair->server, EPOLLOUT) &
          EPOLLIN);
    } else {
      g_assert_true (wanted & EPOLLIN);
      g_assert_false (mill_rtmp_tls_from_socket (pair->server, EPOLLOUT) &
          EPOLLIN);
    }
  }
  return n_writes;
}

static void
test_slow_handshake (void)
{
  g_autoptr (Pair) pair = pair_new ();
  guint8 data[16];

  g_assert_cmpuint (run_handshake (pair), >, 0);
  g_assert_cmpint (SSL_write (pair->client, "publish", 7), ==, 7);
  g_assert_cmpint (mill_rtmp_tls_receive (pair->server, data, sizeof data), ==,
      7);
  g_assert_true (memcmp (data, "publish", 7) == 0);
}

/* Bytes and the end that no readiness of the socket tells of. */
static void
test_unread (void)
{
  g_autoptr (Pair) pair = pair_new ();
  guint8 data[4];

  run_handshake (pair);
  g_assert_cmpint (SSL_write (pair->client, "0123456789", 10), ==, 10);
  SSL_shutdown (pair->client);
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpint (mill_rtmp_tls_receive (pair->server, data, 4), ==, 4);
    g_assert_true (mill_rtmp_tls_has_unread (pair->server));
  }
  g_assert_cmpint (mill_rtmp_tls_receive (pair->server, data, 4), ==, 2);
  g_assert_true (mill_rtmp_tls_has_unread (pair->server));
  g_assert_cmpint (mill_rtmp_tls_receive (pair->server, data, 4), ==, 0);
  g_assert_false (mill_rtmp_tls_has_unread (pair->server));
}

/* A reader that stands still costs a buffer, never a turn that waits; what was
 * taken arrives, in order, and then close_notify. */
static void
test_slow_reader (void)
{
  g_autoptr (Pair) pair = pair_new ();
  g_autofree guint8 *sent = g_malloc0 (200000);
  g_autoptr (GByteArray) got = g_byte_array_new ();
  gsize n_sent = 0;
  gboolean is_shut = FALSE;
  gboolean at_end = FALSE;
  guint n_blocked = 0;

  run_handshake (pair);
  for (guint i = 0; i < 200000; i++)
    sent[i] = (guint8) (i * 7);
  while (!at_end) {
    guint8 data[3000];
    if (n_sent < 200000) {
      gssize n =
          mill_rtmp_tls_send (pair->server, sent + n_sent, 200000 - n_sent);
      g_assert_true (n > 0 || errno == EAGAIN);
      n_blocked += n < 0;
      n_sent += (gsize) MAX (n, 0);
    } else if (!is_shut) {
      is_shut = mill_rtmp_tls_shut (pair->server);
      g_assert_true (mill_rtmp_tls_is_shutting (pair->server) == !is_shut);
    }
    gint n_got = SSL_read (pair->client, data, sizeof data);
    if (n_got > 0)
      g_byte_array_append (got, data, (guint) n_got);
    at_end = SSL_get_error (pair->client, n_got) == SSL_ERROR_ZERO_RETURN;
    ERR_clear_error ();
  }
  g_assert_cmpuint (n_blocked, >, 0);
  g_assert_cmpmem (got->data, got->len, sent, 200000);
}

/* The other side goes: an end, no signal that ends the process. */
static void
test_gone (void)
{
  g_autoptr (Pair) pair = pair_new ();
  guint8 data[4];

  run_handshake (pair);
  close (pair->fds[1]);
  gssize n_read = mill_rtmp_tls_receive (pair->server, data, 4);
  g_assert_true (n_read == 0 || (n_read < 0 && errno == ECONNRESET));
  g_assert_cmpint (mill_rtmp_tls_send (pair->server, data, 4), ==, -1);
  g_assert_cmpint (errno, !=, EAGAIN);
  g_assert_true (mill_rtmp_tls_shut (pair->server));
  pair->fds[1] = socket (AF_UNIX, SOCK_STREAM, 0);
}

static void
test_plain (void)
{
  static const struct
  {
    const gchar *bytes;
    const gchar *text;
  } cases[] = {
    { "\003\001\002", "got RTMP without TLS" },
    { "GET / HTTP/1.1\r\n", "plain HTTP" },
    { "\177ELF", "got something else" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (Pair) pair = pair_new ();
    guint8 data[4];
    gssize size = (gssize) strlen (cases[i].bytes);
    g_assert_cmpint (write (pair->fds[1], cases[i].bytes, size), ==, size);
    for (guint call = 0; call < 2; call++) {
      g_assert_cmpint (mill_rtmp_tls_receive (pair->server, data, 4), ==, -1);
      g_assert_cmpint (errno, ==, EPROTO);
      g_assert_nonnull (strstr (mill_rtmp_tls_get_error (pair->server),
          cases[i].text));
    }
  }
}

static MillTlsIdentity *
load_identity (void)
{
  const TlsFilesOptions options = { .n_issuers = N_ISSUERS };
  g_autoptr (GError) error = NULL;
  TlsFiles *files = tls_files_new ();
  MillTlsIdentity *loaded;

  g_free (tls_files_make (files, &options));
  loaded = mill_tls_identity_load (files->certificate, files->key, &error);
  g_assert_no_error (error);
  tls_files_free (files);
  return loaded;
}

gint
main (gint argc, gchar **argv)
{
  gint result;

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtmp/tls/slow-handshake", test_slow_handshake);
  g_test_add_func ("/rtmp/tls/unread", test_unread);
  g_test_add_func ("/rtmp/tls/slow-reader", test_slow_reader);
  g_test_add_func ("/rtmp/tls/gone", test_gone);
  g_test_add_func ("/rtmp/tls/plain", test_plain);
  identity = load_identity ();
  result = g_test_run ();
  mill_tls_identity_unref (identity);
  return result;
}
