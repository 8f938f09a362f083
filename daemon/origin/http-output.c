/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "daemon/origin/http-private.h"

/* Per call, so that one client with a fast line leaves room for others. */
#define MAX_AT_ONCE (1024 * 1024)

/* Below it, copying is cheaper than a system call for the head and one for the
 * file, whose pages sendfile() hands over one by one. */
#define MIN_SENDFILE (64 * 1024)

void
mill_http_output_clear (MillHttpOutput *output)
{
  g_clear_pointer (&output->owned, g_free);
  g_clear_pointer (&output->bytes, g_bytes_unref);
  g_clear_pointer (&output->file, mill_origin_files_release);
  *output = (MillHttpOutput){ 0 };
}

static gboolean
is_empty (const MillHttpOutput *output)
{
  return output->n_text + output->length + output->n_end == 0;
}

/* Returns: (nullable): the body, where the kernel can copy it from. Nobody reads
 * there but the kernel: when the file was cut, it says EFAULT. */
static gconstpointer
get_address (const MillHttpOutput *output)
{
  gconstpointer base = NULL;

  if (output->bytes != NULL)
    base = g_bytes_get_data (output->bytes, NULL);
  else if (output->file != NULL && output->length < MIN_SENDFILE &&
      output->file->base != NULL)
    base = output->file->base;
  return base != NULL ? (const gchar *) base + output->offset : NULL;
}

/* @n: bytes that are gone, of text, body and end. */
static void
consume (MillHttpConnection *self, gsize n)
{
  MillHttpOutput *output = &self->output;
  gsize of_text = MIN (n, output->n_text);
  gsize of_body = MIN (n - of_text, output->length);
  gsize of_end = n - of_text - of_body;

  self->written += n;
  *self->shared->sent += of_body;
  output->text += of_text;
  output->n_text -= of_text;
  output->offset += of_body;
  output->length -= of_body;
  output->end += of_end;
  output->n_end -= of_end;
}

/* Without a flag against SIGPIPE: GSocket, which listens, has it ignored. */
static gssize
send_file (MillHttpConnection *self)
{
  const MillHttpOutput *output = &self->output;
  off_t offset = output->offset;
  gssize n;

  do
    n = sendfile (self->watch.fd, output->file->fd, &offset,
        MIN (output->length, MAX_AT_ONCE));
  while (n < 0 && errno == EINTR);
  if (n == 0) {
    errno = EIO; /* the file was cut: the promised length will not come */
    return -1;
  }
  return n;
}

static gssize
send_memory (MillHttpConnection *self)
{
  const MillHttpOutput *output = &self->output;
  gconstpointer body = get_address (output);
  const gboolean is_all = body != NULL || output->length == 0;
  struct iovec vector[3];
  struct msghdr message = { .msg_iov = vector };
  gssize n;

  if (output->n_text > 0)
    vector[message.msg_iovlen++] =
        (struct iovec){ (gpointer) output->text, output->n_text };
  if (body != NULL && output->length > 0)
    vector[message.msg_iovlen++] =
        (struct iovec){ (gpointer) body, output->length };
  if (is_all && output->n_end > 0)
    vector[message.msg_iovlen++] =
        (struct iovec){ (gpointer) output->end, output->n_end };
  do
    n = sendmsg (self->watch.fd, &message,
        MSG_NOSIGNAL | (is_all ? 0 : MSG_MORE));
  while (n < 0 && errno == EINTR);
  return n;
}

/* Text that was given for one call is copied, if it could not be sent. */
static void
keep_text (MillHttpOutput *output)
{
  if (output->n_text == 0) {
    g_clear_pointer (&output->owned, g_free);
    output->text = NULL;
  } else if (output->owned == NULL) {
    output->owned = g_memdup2 (output->text, output->n_text);
    output->text = output->owned;
  }
}

MillHttpOutputResult
mill_http_output_flush (MillHttpConnection *self)
{
  MillHttpOutput *output = &self->output;
  const guint64 limit = self->written + MAX_AT_ONCE;

  while (!is_empty (output)) {
    gssize n;

    if ((self->watch.ready & EPOLLOUT) == 0 || self->written >= limit)
      break;
    n = output->n_text == 0 && output->length > 0 &&
            get_address (output) == NULL
        ? send_file (self)
        : send_memory (self);
    if (n < 0 && errno != EAGAIN)
      return MILL_HTTP_OUTPUT_FAILED;
    if (n < 0)
      self->watch.ready &= ~EPOLLOUT;
    else
      consume (self, n);
  }
  keep_text (output);
  if (is_empty (output)) {
    mill_http_output_clear (output);
    return MILL_HTTP_OUTPUT_DONE;
  }
  if ((self->watch.ready & EPOLLOUT) != 0)
    mill_origin_poller_again (self->shared->poller, &self->watch);
  return MILL_HTTP_OUTPUT_WAITS;
}
