/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-io.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* A head has some 600 bytes. */
#define MAX_HELD 4096

/* Per call, so that one client with a fast line leaves room for others. */
#define MAX_SENDFILE (1024 * 1024)

/* What the kernel keeps of an answer beyond what is under way: without a bound
 * it is net.ipv4.tcp_wmem, 4 MB for each reader that is slow. */
#define NOT_SENT_LOWAT (128 * 1024)

/* libsoup before 3.4 (3.2 is Debian 12's) forgets a connection that ends between
 * two requests: neither it nor its memory ever comes back. One that ends within
 * a request it does clean up. So an idle connection ends with the beginning of a
 * request that is none, and then the end. */
static const gchar no_request[] = "\r\nend\r\n\r\n";

typedef struct
{
  gconstpointer base;
  gsize length;
  gint fd;
  gpointer owner;
  GDestroyNotify free_owner;
} Region;

struct _MillOriginIo
{
  GIOStream parent;
  MillOriginWatch watch;
  GInputStream *input;
  GOutputStream *output;
  Region file;
  guint64 written; /* accepted by the kernel */

  MillOriginIoShared *shared;
  GList held_link; /* in shared->held while n_held > 0 */
  gsize n_held;
  gchar *held; /* nullable */

  gboolean is_idle;
  gboolean is_ended; /* the rest of no_request comes, then the end */
  gsize n_told; /* of no_request */
};

G_DEFINE_FINAL_TYPE (MillOriginIo, mill_origin_io, G_TYPE_IO_STREAM)

/* ---- errors ---- */

static gssize
fail (gint code, GError **error)
{
  if (code == EAGAIN)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK, "not yet");
  else
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "socket: %s",
        g_strerror (code));
  return -1;
}

/* ---- reading ---- */

static gssize
tell_end (MillOriginIo *self, gchar *buffer, gsize count)
{
  gsize n = MIN (count, sizeof (no_request) - 1 - self->n_told);

  memcpy (buffer, no_request + self->n_told, n);
  self->n_told += n;
  return n;
}

static gssize
read_socket (MillOriginIo *self, gchar *buffer, gsize count, GError **error)
{
  gssize n;

  if (self->is_ended)
    return tell_end (self, buffer, count);
  if ((self->watch.ready & (EPOLLIN | EPOLLRDHUP)) == 0)
    return fail (EAGAIN, error);
  mill_origin_io_flush (self);
  do
    n = recv (self->watch.fd, buffer, count, 0);
  while (n < 0 && errno == EINTR);
  if (n <= 0 && self->is_idle && !(n < 0 && errno == EAGAIN)) {
    mill_origin_io_end (self, TRUE);
    return tell_end (self, buffer, count);
  }
  /* epoll(7): less than asked for is all that there is. */
  if (n < (gssize) count)
    self->watch.ready &= ~EPOLLIN;
  if (n > 0)
    self->is_idle = FALSE;
  return n < 0 ? fail (errno, error) : n;
}

#define MILL_TYPE_ORIGIN_INPUT (mill_origin_input_get_type ())
G_DECLARE_FINAL_TYPE (MillOriginInput, mill_origin_input, MILL, ORIGIN_INPUT,
    GInputStream)

struct _MillOriginInput
{
  GInputStream parent;
  MillOriginIo *io; /* not owned: owns this */
};

static gssize
mill_origin_input_read (GInputStream *stream, void *buffer, gsize count,
    GCancellable *cancellable, GError **error)
{
  MillOriginIo *io = MILL_ORIGIN_INPUT (stream)->io;

  return io != NULL ? read_socket (io, buffer, count, error)
                    : fail (EBADF, error);
}

static gssize
mill_origin_input_read_nonblocking (GPollableInputStream *stream, void *buffer,
    gsize count, GError **error)
{
  return mill_origin_input_read (G_INPUT_STREAM (stream), buffer, count, NULL,
      error);
}

static gboolean
mill_origin_input_is_readable (GPollableInputStream *stream)
{
  MillOriginIo *io = MILL_ORIGIN_INPUT (stream)->io;

  return io == NULL || io->is_ended ||
      (io->watch.ready & (EPOLLIN | EPOLLRDHUP)) != 0;
}

static GSource *
mill_origin_input_create_source (GPollableInputStream *stream,
    GCancellable *cancellable)
{
  MillOriginIo *io = MILL_ORIGIN_INPUT (stream)->io;

  return mill_origin_poller_create_source (&io->watch, G_OBJECT (io),
      G_OBJECT (stream), EPOLLIN | EPOLLRDHUP, cancellable);
}

static void
mill_origin_input_pollable_init (GPollableInputStreamInterface *iface)
{
  iface->is_readable = mill_origin_input_is_readable;
  iface->create_source = mill_origin_input_create_source;
  iface->read_nonblocking = mill_origin_input_read_nonblocking;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (MillOriginInput, mill_origin_input,
    G_TYPE_INPUT_STREAM,
    G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_INPUT_STREAM,
        mill_origin_input_pollable_init))

static void
mill_origin_input_class_init (MillOriginInputClass *klass)
{
  G_INPUT_STREAM_CLASS (klass)->read_fn = mill_origin_input_read;
}

static void
mill_origin_input_init (MillOriginInput *self)
{
}

/* ---- writing ---- */

/* @data: may be within what is held. Heads have some 700 bytes, which malloc has
 * at hand; a connection that waits has none. */
static void
set_held (MillOriginIo *self, const gchar *data, gsize n)
{
  gchar *held = n > 0 ? g_memdup2 (data, n) : NULL;

  g_free (self->held);
  self->held = held;
  if (self->n_held == 0 && n > 0)
    g_queue_push_tail_link (&self->shared->held, &self->held_link);
  else if (self->n_held > 0 && n == 0)
    g_queue_unlink (&self->shared->held, &self->held_link);
  self->n_held = n;
}

/* What is kept back and then @data. Returns bytes of both, or -1 with errno. */
static gssize
send_both (MillOriginIo *self, gconstpointer data, gsize count, gint flags)
{
  struct iovec vector[] = { { self->held, self->n_held },
    { (gpointer) data, count } };
  const struct msghdr message = {
    .msg_iov = self->n_held > 0 ? vector : vector + 1,
    .msg_iovlen = (self->n_held > 0) + (count > 0),
  };
  gssize n;

  do
    n = sendmsg (self->watch.fd, &message, MSG_NOSIGNAL | flags);
  while (n < 0 && errno == EINTR);
  if (n < (gssize) (self->n_held + count))
    self->watch.ready &= ~EPOLLOUT;
  if (n > 0)
    self->written += n;
  return n;
}

/* Returns bytes of @data, which may be none, or -1 with errno. */
static gssize
send_behind_held (MillOriginIo *self, gconstpointer data, gsize count,
    gint flags)
{
  gssize n = send_both (self, data, count, flags);
  gsize of_held;

  if (n < 0)
    return -1;
  of_held = MIN (self->n_held, (gsize) n);
  if (self->n_held > 0)
    set_held (self, self->held + of_held, self->n_held - of_held);
  *self->shared->sent += n - of_held;
  return n - of_held;
}

static gboolean
is_in_file (MillOriginIo *self, gconstpointer data, gsize count)
{
  gsize offset = (gsize) data - (gsize) self->file.base;

  return self->file.base != NULL && data >= self->file.base &&
      offset <= self->file.length && count <= self->file.length - offset;
}

static gssize
send_file (MillOriginIo *self, gconstpointer data, gsize count)
{
  off_t offset = (const gchar *) data - (const gchar *) self->file.base;
  gsize wanted = MIN (count, MAX_SENDFILE);
  gssize n;

  if (self->n_held > 0) {
    if (send_behind_held (self, NULL, 0, MSG_MORE) < 0)
      return -1;
    if (self->n_held > 0) {
      errno = EAGAIN;
      return -1;
    }
  }
  do
    n = sendfile (self->watch.fd, self->file.fd, &offset, wanted);
  while (n < 0 && errno == EINTR);
  /* Fewer bytes may also be the end of a file that was cut. */
  if (n < 0)
    self->watch.ready &= ~EPOLLOUT;
  if (n > 0) {
    self->written += n;
    *self->shared->sent += n;
  }
  if (n == 0) {
    errno = EIO; /* the file was cut: the promised length will not come */
    return -1;
  }
  return n;
}

static gboolean
is_head (const gchar *data, gsize count)
{
  return count > 9 && count <= MAX_HELD && memcmp (data, "HTTP/1.", 7) == 0;
}

static gssize
write_socket (MillOriginIo *self, const gchar *data, gsize count,
    GError **error)
{
  gssize n;

  if (self->is_ended)
    return fail (EPIPE, error);
  if (self->n_held == 0 && is_head (data, count)) {
    set_held (self, data, count);
    return count;
  }
  if ((self->watch.ready & EPOLLOUT) == 0)
    return fail (EAGAIN, error);
  n = is_in_file (self, data, count) ? send_file (self, data, count)
                                     : send_behind_held (self, data, count, 0);
  if (n == 0 && count > 0) {
    self->watch.ready &= ~EPOLLOUT;
    return fail (EAGAIN, error);
  }
  return n < 0 ? fail (errno, error) : n;
}

#define MILL_TYPE_ORIGIN_OUTPUT (mill_origin_output_get_type ())
G_DECLARE_FINAL_TYPE (MillOriginOutput, mill_origin_output, MILL, ORIGIN_OUTPUT,
    GOutputStream)

struct _MillOriginOutput
{
  GOutputStream parent;
  MillOriginIo *io; /* not owned: owns this */
};

static gssize
mill_origin_output_write (GOutputStream *stream, const void *buffer,
    gsize count, GCancellable *cancellable, GError **error)
{
  MillOriginIo *io = MILL_ORIGIN_OUTPUT (stream)->io;

  return io != NULL ? write_socket (io, buffer, count, error)
                    : fail (EBADF, error);
}

static gssize
mill_origin_output_write_nonblocking (GPollableOutputStream *stream,
    const void *buffer, gsize count, GError **error)
{
  return mill_origin_output_write (G_OUTPUT_STREAM (stream), buffer, count,
      NULL, error);
}

static gboolean
mill_origin_output_is_writable (GPollableOutputStream *stream)
{
  MillOriginIo *io = MILL_ORIGIN_OUTPUT (stream)->io;

  return io == NULL || (io->watch.ready & EPOLLOUT) != 0;
}

static GSource *
mill_origin_output_create_source (GPollableOutputStream *stream,
    GCancellable *cancellable)
{
  MillOriginIo *io = MILL_ORIGIN_OUTPUT (stream)->io;

  return mill_origin_poller_create_source (&io->watch, G_OBJECT (io),
      G_OBJECT (stream), EPOLLOUT, cancellable);
}

static void
mill_origin_output_pollable_init (GPollableOutputStreamInterface *iface)
{
  iface->is_writable = mill_origin_output_is_writable;
  iface->create_source = mill_origin_output_create_source;
  iface->write_nonblocking = mill_origin_output_write_nonblocking;
}

G_DEFINE_FINAL_TYPE_WITH_CODE (MillOriginOutput, mill_origin_output,
    G_TYPE_OUTPUT_STREAM,
    G_IMPLEMENT_INTERFACE (G_TYPE_POLLABLE_OUTPUT_STREAM,
        mill_origin_output_pollable_init))

static void
mill_origin_output_class_init (MillOriginOutputClass *klass)
{
  G_OUTPUT_STREAM_CLASS (klass)->write_fn = mill_origin_output_write;
}

static void
mill_origin_output_init (MillOriginOutput *self)
{
}

/* ---- the connection ---- */

MillOriginWatch *
mill_origin_io_get_watch (MillOriginIo *self)
{
  return &self->watch;
}

void
mill_origin_io_flush (MillOriginIo *self)
{
  if (self->n_held == 0 || (self->watch.ready & EPOLLOUT) == 0)
    return;
  if (send_behind_held (self, NULL, 0, 0) < 0 && errno != EAGAIN)
    set_held (self, NULL, 0); /* libsoup hears of it when it reads or writes */
}

static void
clear_file (MillOriginIo *self)
{
  if (self->file.free_owner != NULL)
    self->file.free_owner (self->file.owner);
  self->file = (Region){ .fd = -1 };
}

void
mill_origin_io_set_file (MillOriginIo *self, gconstpointer base, gsize length,
    gint fd, gpointer owner, GDestroyNotify free_owner)
{
  clear_file (self);
  self->file = (Region){ base, length, fd, owner, free_owner };
}

void
mill_origin_io_set_idle (MillOriginIo *self, gboolean is_idle)
{
  self->is_idle = is_idle;
}

void
mill_origin_io_end (MillOriginIo *self, gboolean is_idle)
{
  if (self->watch.fd < 0)
    return;
  mill_origin_io_flush (self);
  if (is_idle)
    self->is_ended = TRUE;
  self->watch.ready |= EPOLLIN | EPOLLOUT | EPOLLRDHUP;
  shutdown (self->watch.fd, SHUT_RDWR);
}

static guint
count_unconfirmed (MillOriginIo *self)
{
  gint n = 0;

  if (self->watch.fd < 0 || ioctl (self->watch.fd, SIOCOUTQ, &n) < 0)
    return 0;
  return n;
}

guint64
mill_origin_io_get_written (MillOriginIo *self)
{
  return self->written;
}

guint64
mill_origin_io_get_taken (MillOriginIo *self)
{
  guint64 unconfirmed = count_unconfirmed (self);

  return self->written - MIN (self->written, unconfirmed);
}

gboolean
mill_origin_io_is_behind (MillOriginIo *self)
{
  return (self->watch.ready & EPOLLOUT) == 0 || self->n_held > 0 ||
      count_unconfirmed (self) > 0;
}

/* ---- class ---- */

static GInputStream *
mill_origin_io_get_input_stream (GIOStream *stream)
{
  return MILL_ORIGIN_IO (stream)->input;
}

static GOutputStream *
mill_origin_io_get_output_stream (GIOStream *stream)
{
  return MILL_ORIGIN_IO (stream)->output;
}

static void
close_socket (MillOriginIo *self)
{
  if (self->watch.fd < 0)
    return;
  mill_origin_io_flush (self);
  set_held (self, NULL, 0);
  clear_file (self);
  close (self->watch.fd);
  self->watch.fd = -1;
  self->watch.ready = EPOLLIN | EPOLLOUT | EPOLLRDHUP;
}

static gboolean
mill_origin_io_close (GIOStream *stream, GCancellable *cancellable,
    GError **error)
{
  close_socket (MILL_ORIGIN_IO (stream));
  return TRUE;
}

static void
mill_origin_io_dispose (GObject *object)
{
  MillOriginIo *self = MILL_ORIGIN_IO (object);

  close_socket (self);
  if (self->input != NULL)
    MILL_ORIGIN_INPUT (self->input)->io = NULL;
  if (self->output != NULL)
    MILL_ORIGIN_OUTPUT (self->output)->io = NULL;
  g_clear_object (&self->input);
  g_clear_object (&self->output);
  G_OBJECT_CLASS (mill_origin_io_parent_class)->dispose (object);
}

static void
mill_origin_io_class_init (MillOriginIoClass *klass)
{
  GIOStreamClass *stream_class = G_IO_STREAM_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = mill_origin_io_dispose;
  stream_class->get_input_stream = mill_origin_io_get_input_stream;
  stream_class->get_output_stream = mill_origin_io_get_output_stream;
  stream_class->close_fn = mill_origin_io_close;
}

static void
mill_origin_io_init (MillOriginIo *self)
{
  self->watch.fd = -1;
  self->file.fd = -1;
  self->held_link.data = self;
}

MillOriginIo *
mill_origin_io_new (gint fd, MillOriginIoShared *shared)
{
  MillOriginIo *self = g_object_new (MILL_TYPE_ORIGIN_IO, NULL);
  const gint one = 1;
  const gint lowat = NOT_SENT_LOWAT;

  self->watch.fd = fd;
  /* Tried before it is known: the answer sets or clears it. */
  self->watch.ready = EPOLLIN | EPOLLOUT;
  self->shared = shared;
  self->input = g_object_new (MILL_TYPE_ORIGIN_INPUT, NULL);
  self->output = g_object_new (MILL_TYPE_ORIGIN_OUTPUT, NULL);
  MILL_ORIGIN_INPUT (self->input)->io = self;
  MILL_ORIGIN_OUTPUT (self->output)->io = self;
  setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof (one));
  setsockopt (fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &lowat, sizeof (lowat));
  return self;
}
