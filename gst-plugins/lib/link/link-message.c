/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "link-message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link-bytes.h"

#define HELLO_MAGIC 0x4d524c4b /* "MRLK" */
#define RECEIVE_SIZE (64 * 1024)
/* More than one unclaimed descriptor is an error already; the kernel hands
 * over those of one message at a time. */
#define MAX_FDS 4

struct _MillLinkReader
{
  GByteArray *bytes;
  gsize start; /* of what is not consumed */
  gint fds[MAX_FDS];
  guint n_fds;
  gint message_fd; /* of the message that next() gave last */
};

GQuark
mill_link_message_error_quark (void)
{
  return g_quark_from_static_string ("mill_link_message_error_quark");
}

/* ---- writing ---- */

GBytes *
mill_link_message_new (MillLinkType type, guint16 pad, const guint8 *body,
    gsize size)
{
  GstByteWriter writer;

  gst_byte_writer_init_with_size (&writer, MILL_LINK_HEADER_SIZE + size, FALSE);
  gst_byte_writer_put_uint32_be (&writer, size);
  gst_byte_writer_put_uint8 (&writer, type);
  gst_byte_writer_put_uint8 (&writer, 0);
  gst_byte_writer_put_uint16_be (&writer, pad);
  if (size > 0)
    gst_byte_writer_put_data (&writer, body, size);
  return g_bytes_new_take (gst_byte_writer_reset_and_get_data (&writer),
      MILL_LINK_HEADER_SIZE + size);
}

GBytes *
mill_link_message_new_hello (gboolean is_leaky)
{
  guint8 body[7];

  mill_bytes_write_u32 (body, HELLO_MAGIC);
  body[4] = MILL_LINK_VERSION >> 8;
  body[5] = MILL_LINK_VERSION & 0xff;
  body[6] = is_leaky ? 1 : 0;
  return mill_link_message_new (MILL_LINK_HELLO, 0, body, sizeof body);
}

GBytes *
mill_link_message_new_pad (guint16 pad, const gchar *name)
{
  return mill_link_message_new (MILL_LINK_PAD, pad, (const guint8 *) name,
      strlen (name));
}

GBytes *
mill_link_message_new_latency (const MillLinkLatency *latency)
{
  guint8 body[17];

  body[0] = latency->is_live ? 1 : 0;
  mill_bytes_write_u64 (body + 1, latency->min_ns);
  mill_bytes_write_u64 (body + 9, latency->max_ns);
  return mill_link_message_new (MILL_LINK_LATENCY, 0, body, sizeof body);
}

/* ---- reading ---- */

MillLinkReader *
mill_link_message_reader_new (void)
{
  MillLinkReader *reader = g_new0 (MillLinkReader, 1);

  /* never without memory: arithmetic on its start is defined */
  reader->bytes = g_byte_array_sized_new (64);
  reader->message_fd = -1;
  return reader;
}

static void
close_message_fd (MillLinkReader *reader)
{
  if (reader->message_fd >= 0)
    close (reader->message_fd);
  reader->message_fd = -1;
}

void
mill_link_message_reader_free (MillLinkReader *reader)
{
  close_message_fd (reader);
  for (guint i = 0; i < reader->n_fds; i++)
    close (reader->fds[i]);
  g_byte_array_unref (reader->bytes);
  g_free (reader);
}

void
mill_link_message_reader_add (MillLinkReader *reader, const guint8 *data,
    gsize size)
{
  if (reader->start > 0) {
    g_byte_array_remove_range (reader->bytes, 0, reader->start);
    reader->start = 0;
  }
  g_byte_array_append (reader->bytes, data, size);
}

void
mill_link_message_reader_add_fd (MillLinkReader *reader, gint fd)
{
  /* One that does not fit any more cannot be asked for either: next() finds
   * those before it unclaimed. */
  if (reader->n_fds == MAX_FDS)
    close (fd);
  else
    reader->fds[reader->n_fds++] = fd;
}

static void
take_fds (MillLinkReader *reader, struct msghdr *header)
{
  for (struct cmsghdr *c = CMSG_FIRSTHDR (header); c;
       c = CMSG_NXTHDR (header, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
      continue;
    gsize n_fds = (c->cmsg_len - CMSG_LEN (0)) / sizeof (gint);
    for (gsize i = 0; i < n_fds; i++) {
      gint fd;
      memcpy (&fd, CMSG_DATA (c) + i * sizeof fd, sizeof fd);
      mill_link_message_reader_add_fd (reader, fd);
    }
  }
}

gboolean
mill_link_message_reader_receive (MillLinkReader *reader, gint socket,
    gboolean *ret_again, GError **error)
{
  g_autofree guint8 *data = g_malloc (RECEIVE_SIZE);
  struct iovec iov = { .iov_base = data, .iov_len = RECEIVE_SIZE };
  union
  {
    struct cmsghdr align;
    gchar bytes[CMSG_SPACE (MAX_FDS * sizeof (gint))];
  } control;
  struct msghdr header = {
    .msg_iov = &iov,
    .msg_iovlen = 1,
    .msg_control = control.bytes,
    .msg_controllen = sizeof control.bytes,
  };
  gssize size;

  do {
    size = recvmsg (socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  *ret_again = size > 0;
  if (size == 0 || (size < 0 && errno == ECONNRESET))
    return FALSE;
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    return TRUE;
  if (size < 0) {
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_SYSTEM,
        "cannot read from the link: %s", g_strerror (errno));
    return FALSE;
  }
  take_fds (reader, &header);
  mill_link_message_reader_add (reader, data, size);
  return TRUE;
}

static gboolean
check_head (const MillLinkMessage *message, GError **error)
{
  if (message->type < MILL_LINK_HELLO || message->type >= MILL_LINK_TYPES)
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
        "link message: got type %u, expected 1 to %u", message->type,
        MILL_LINK_TYPES - 1);
  else if (message->size > MILL_LINK_MAX_BODY)
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_LIMIT,
        "link message '%u': got %" G_GSIZE_FORMAT " bytes, expected at most %u",
        message->type, message->size, MILL_LINK_MAX_BODY);
  else if ((message->flags & MILL_LINK_FLAG_DESCRIPTOR) &&
      message->type != MILL_LINK_BUFFER)
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
        "link message '%u': got a descriptor, expected none", message->type);
  else
    return TRUE;
  return FALSE;
}

/* A descriptor comes with the first byte of its message, and the kernel does
 * not read on behind it: whatever is left over when all whole messages have
 * been taken belongs to the one message that has begun. */
static gboolean
check_left_over (const MillLinkReader *reader, gsize left, GError **error)
{
  guint expected = left > 0 ? 1 : 0;

  if (reader->n_fds <= expected)
    return TRUE;
  g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
      "link descriptors: got %u that no message announced, expected %u",
      reader->n_fds, expected);
  return FALSE;
}

static gboolean
claim_fd (MillLinkReader *reader, GError **error)
{
  if (reader->n_fds == 0) {
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
        "link message '%u': got no descriptor, expected one", MILL_LINK_BUFFER);
    return FALSE;
  }
  reader->message_fd = reader->fds[0];
  reader->n_fds--;
  memmove (reader->fds, reader->fds + 1, reader->n_fds * sizeof (gint));
  return TRUE;
}

gboolean
mill_link_message_reader_next (MillLinkReader *reader,
    MillLinkMessage *ret_message, gboolean *ret_has, GError **error)
{
  const guint8 *data = reader->bytes->data + reader->start;
  gsize left = reader->bytes->len - reader->start;

  *ret_has = FALSE;
  close_message_fd (reader);
  if (left < MILL_LINK_HEADER_SIZE)
    return check_left_over (reader, left, error);

  MillLinkMessage message = {
    .size = mill_bytes_read_u32 (data),
    .type = data[4],
    .flags = data[5],
    .pad = mill_bytes_read_u16 (data + 6),
    .body = data + MILL_LINK_HEADER_SIZE,
    .fd = -1,
  };
  if (!check_head (&message, error))
    return FALSE;
  if (left - MILL_LINK_HEADER_SIZE < message.size)
    return check_left_over (reader, left, error);
  if ((message.flags & MILL_LINK_FLAG_DESCRIPTOR) && !claim_fd (reader, error))
    return FALSE;
  message.fd = reader->message_fd;
  reader->start += MILL_LINK_HEADER_SIZE + message.size;
  *ret_message = message;
  *ret_has = TRUE;
  return TRUE;
}

gint
mill_link_message_reader_steal_fd (MillLinkReader *reader,
    MillLinkMessage *message)
{
  message->fd = -1;
  return g_steal_fd (&reader->message_fd);
}

static gboolean
check_size (const MillLinkMessage *message, gsize expected, GError **error)
{
  if (message->size == expected)
    return TRUE;
  g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
      "link message '%u': got %" G_GSIZE_FORMAT
      " bytes, expected %" G_GSIZE_FORMAT,
      message->type, message->size, expected);
  return FALSE;
}

gboolean
mill_link_message_parse_hello (const MillLinkMessage *message,
    gboolean *ret_is_leaky, GError **error)
{
  if (message->type != MILL_LINK_HELLO) {
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
        "first link message: got type %u, expected %u", message->type,
        MILL_LINK_HELLO);
    return FALSE;
  }
  if (!check_size (message, 7, error))
    return FALSE;
  guint32 magic = mill_bytes_read_u32 (message->body);
  guint version = mill_bytes_read_u16 (message->body + 4);
  if (magic != HELLO_MAGIC || version != MILL_LINK_VERSION) {
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
        "link hello: got magic 0x%08x version %u, expected 0x%08x version %u",
        magic, version, HELLO_MAGIC, MILL_LINK_VERSION);
    return FALSE;
  }
  *ret_is_leaky = message->body[6] != 0;
  return TRUE;
}

gboolean
mill_link_message_parse_pad (const MillLinkMessage *message, gchar **ret_name,
    GError **error)
{
  gboolean is_good = message->size > 0 && message->size <= MILL_LINK_MAX_NAME &&
      g_ascii_isalpha (message->body[0]);

  for (gsize i = 0; is_good && i < message->size; i++)
    is_good = g_ascii_isalnum (message->body[i]) || message->body[i] == '_' ||
        message->body[i] == '-';
  if (!is_good) {
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
        "link pad '%u': got a name of %" G_GSIZE_FORMAT
        " bytes, expected 1 to %u of [A-Za-z0-9_-] from a letter on",
        message->pad, message->size, MILL_LINK_MAX_NAME);
    return FALSE;
  }
  *ret_name = g_strndup ((const gchar *) message->body, message->size);
  return TRUE;
}

gboolean
mill_link_message_parse_latency (const MillLinkMessage *message,
    MillLinkLatency *ret_latency, GError **error)
{
  if (!check_size (message, 17, error))
    return FALSE;
  MillLinkLatency latency = {
    .is_live = message->body[0] != 0,
    .min_ns = mill_bytes_read_u64 (message->body + 1),
    .max_ns = mill_bytes_read_u64 (message->body + 9),
  };
  if (!GST_CLOCK_TIME_IS_VALID (latency.min_ns) ||
      latency.min_ns > latency.max_ns) {
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
        "link latency: got %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT
        " ns, expected a range",
        latency.min_ns, latency.max_ns);
    return FALSE;
  }
  *ret_latency = latency;
  return TRUE;
}
