/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* ContentType handshake, RFC 8446 §5.1: what every ClientHello begins with. */
#define RECORD_HANDSHAKE 22
/* C0 of a plain RTMP handshake: the version. */
#define RTMP_VERSION 3

struct _MillRtmpTls
{
  gint fd;
  SSL *ssl;
  gint socket_errno; /* of the last call that failed */
  gboolean at_end; /* the peer has shut the socket */
  gboolean is_probed; /* the first byte was looked at */
  gboolean read_wants_write;
  gboolean write_wants_read;
  gboolean has_unread;
  gboolean is_shutting; /* close_notify waits for the socket */
  gboolean is_shut;
  gchar *error; /* set: broken for good */
};

/* ---- the socket, as OpenSSL sees it ----
 * OpenSSL's own BIO writes by write(2), which raises SIGPIPE. */

static int
on_bio_write (BIO *bio, const char *data, int size)
{
  MillRtmpTls *self = BIO_get_data (bio);
  gssize n_sent = send (self->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

  BIO_clear_retry_flags (bio);
  if (n_sent < 0) {
    self->socket_errno = errno;
    if (errno == EAGAIN || errno == EINTR)
      BIO_set_retry_write (bio);
  }
  return (int) n_sent;
}

static int
on_bio_read (BIO *bio, char *data, int size)
{
  MillRtmpTls *self = BIO_get_data (bio);
  gssize n_read = recv (self->fd, data, size, MSG_DONTWAIT);

  BIO_clear_retry_flags (bio);
  self->at_end = n_read == 0;
  if (n_read < 0) {
    self->socket_errno = errno;
    if (errno == EAGAIN || errno == EINTR)
      BIO_set_retry_read (bio);
  }
  return (int) n_read;
}

static long
on_bio_ctrl (BIO *bio, int command, long number, void *pointer)
{
  MillRtmpTls *self = BIO_get_data (bio);

  if (command == BIO_CTRL_EOF)
    return self->at_end;
  return command == BIO_CTRL_FLUSH;
}

static int
on_bio_create (BIO *bio)
{
  BIO_set_init (bio, 1);
  return 1;
}

static gpointer
make_method (gpointer user_data)
{
  BIO_METHOD *method =
      BIO_meth_new (BIO_get_new_index () | BIO_TYPE_SOURCE_SINK, "rtmp socket");

  BIO_meth_set_write (method, on_bio_write);
  BIO_meth_set_read (method, on_bio_read);
  BIO_meth_set_ctrl (method, on_bio_ctrl);
  BIO_meth_set_create (method, on_bio_create);
  return method;
}

/* ---- life ---- */

MillRtmpTls *
mill_rtmp_tls_new (MillTlsIdentity *identity, gint fd)
{
  static GOnce method = G_ONCE_INIT; /* for the life of the process */
  MillRtmpTls *self = g_new0 (MillRtmpTls, 1);
  BIO *bio = BIO_new (g_once (&method, make_method, NULL));

  self->fd = fd;
  self->ssl = SSL_new (mill_tls_identity_get_context (identity));
  BIO_set_data (bio, self);
  SSL_set_bio (self->ssl, bio, bio); /* takes it */
  SSL_set_accept_state (self->ssl);
  return self;
}

void
mill_rtmp_tls_free (MillRtmpTls *self)
{
  SSL_free (self->ssl);
  g_free (self->error);
  g_free (self);
}

/* ---- what went wrong ---- */

static gssize
fail (MillRtmpTls *self, const gchar *error)
{
  if (!self->error)
    self->error = g_strdup (error);
  errno = EPROTO;
  return -1;
}

/* After a call of OpenSSL that returned @code <= 0. Returns as recv() does. */
static gssize
finish_call (MillRtmpTls *self, gint code, gboolean *ret_wants_other)
{
  gint kind = SSL_get_error (self->ssl, code);
  gulong last = ERR_peek_error ();
  const gchar *reason = last ? ERR_reason_error_string (last) : NULL;

  ERR_clear_error ();
  *ret_wants_other = FALSE;
  switch (kind) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      *ret_wants_other = kind == SSL_ERROR_WANT_WRITE;
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_SYSCALL:
      if (self->at_end || self->socket_errno == 0)
        return 0;
      self->error = g_strdup (g_strerror (self->socket_errno));
      errno = self->socket_errno;
      return -1;
    default:
      return fail (self, reason ? reason : "the TLS of the peer is damaged");
  }
}

/* Somebody without TLS gets no further than the first byte. Returns FALSE with
 * nothing there yet, or with the error set. */
static gboolean
probe (MillRtmpTls *self)
{
  guint8 first;
  gssize n_read = recv (self->fd, &first, 1, MSG_DONTWAIT | MSG_PEEK);

  if (n_read < 0) /* the TLS reads the same, and says what it is */
    return TRUE;
  if (n_read == 1 && first == RTMP_VERSION)
    fail (self,
        "got RTMP without TLS, expected TLS: this address is for "
        "rtmps://, plain rtmp:// has another port");
  else if (n_read == 1 && g_ascii_isupper (first))
    fail (self, "got plain HTTP, expected TLS: this address is for rtmps://");
  else if (n_read == 1 && first != RECORD_HANDSHAKE)
    fail (self,
        "got something else, expected TLS: this address is for "
        "rtmps://");
  self->is_probed = TRUE;
  return self->error == NULL;
}

/* ---- data ---- */

gssize
mill_rtmp_tls_receive (MillRtmpTls *self, guint8 *data, gsize size)
{
  gsize total = 0;
  gssize result = 1;

  if (self->error || (!self->is_probed && !probe (self))) {
    errno = EPROTO;
    return -1;
  }
  ERR_clear_error ();
  self->socket_errno = 0;
  while (total < size) {
    gint n_read =
        SSL_read (self->ssl, data + total, (gint) MIN (size - total, G_MAXINT));
    if (n_read <= 0) {
      result = finish_call (self, n_read, &self->read_wants_write);
      break;
    }
    total += (gsize) n_read;
    self->read_wants_write = FALSE;
    /* What is still in the socket is the socket's to tell. */
    if (!SSL_has_pending (self->ssl))
      break;
  }
  gint saved_errno = errno;
  /* An end or error behind bytes is for the next call. */
  gboolean is_over = result <= 0 && !(result < 0 && saved_errno == EAGAIN);
  self->has_unread = total > 0 && (is_over || total == size);
  errno = saved_errno;
  return total > 0 ? (gssize) total : result;
}

gssize
mill_rtmp_tls_send (MillRtmpTls *self, const guint8 *data, gsize size)
{
  gboolean wants_write = FALSE;

  if (self->error)
    return fail (self, self->error);
  ERR_clear_error ();
  self->socket_errno = 0;
  gint n_sent = SSL_write (self->ssl, data, (gint) MIN (size, G_MAXINT));
  if (n_sent > 0) {
    self->write_wants_read = FALSE;
    return n_sent;
  }
  gssize result = finish_call (self, n_sent, &wants_write);
  self->write_wants_read = result < 0 && errno == EAGAIN && !wants_write;
  /* send() knows no end of the stream. */
  return result == 0 ? fail (self, "the peer closed the connection") : result;
}

gboolean
mill_rtmp_tls_shut (MillRtmpTls *self)
{
  gboolean wants_write = FALSE;

  /* Nobody reads through it any more: that waits for the socket's bytes. */
  self->read_wants_write = FALSE;
  if (self->error || self->is_shut || !SSL_is_init_finished (self->ssl))
    return TRUE;
  ERR_clear_error ();
  self->socket_errno = 0;
  gint code = SSL_shutdown (self->ssl);
  if (code < 0)
    finish_call (self, code, &wants_write);
  self->is_shutting = wants_write;
  self->is_shut = !wants_write;
  return self->is_shut;
}

gboolean
mill_rtmp_tls_is_shutting (MillRtmpTls *self)
{
  return self->is_shutting;
}

gboolean
mill_rtmp_tls_has_unread (MillRtmpTls *self)
{
  return self->has_unread;
}

/* ---- readiness ---- */

guint32
mill_rtmp_tls_to_socket (MillRtmpTls *self, guint32 events)
{
  guint32 wanted = events & ~(guint32) (EPOLLIN | EPOLLOUT);

  if (events & EPOLLIN)
    wanted |= self->read_wants_write ? EPOLLOUT : EPOLLIN;
  if (events & EPOLLOUT)
    wanted |= self->write_wants_read ? EPOLLIN : EPOLLOUT;
  return wanted;
}

guint32
mill_rtmp_tls_from_socket (MillRtmpTls *self, guint32 events)
{
  guint32 possible = events;

  if ((events & EPOLLOUT) && self->read_wants_write)
    possible |= EPOLLIN;
  if ((events & EPOLLIN) && self->write_wants_read)
    possible |= EPOLLOUT;
  return possible;
}

const gchar *
mill_rtmp_tls_get_error (MillRtmpTls *self)
{
  return self->error;
}
