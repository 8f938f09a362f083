/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "link-consumer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/link-buffer.h"

MillLinkFrame *
mill_link_consumer_frame_new (GBytes *head, GstBuffer *payload, guint16 pad)
{
  MillLinkFrame *frame = g_new0 (MillLinkFrame, 1);

  g_atomic_ref_count_init (&frame->refs);
  frame->head = head;
  frame->payload = payload;
  frame->type = ((const guint8 *) g_bytes_get_data (head, NULL))[4];
  frame->pad = pad;
  frame->is_key = payload &&
      !GST_BUFFER_FLAG_IS_SET (payload, GST_BUFFER_FLAG_DELTA_UNIT);
  frame->size = g_bytes_get_size (head) +
      (payload ? gst_buffer_get_size (payload) : 0);
  return frame;
}

MillLinkFrame *
mill_link_consumer_frame_ref (MillLinkFrame *frame)
{
  g_atomic_ref_count_inc (&frame->refs);
  return frame;
}

void
mill_link_consumer_frame_unref (MillLinkFrame *frame)
{
  if (!g_atomic_ref_count_dec (&frame->refs))
    return;
  g_bytes_unref (frame->head);
  gst_clear_buffer (&frame->payload);
  g_free (frame);
}

void
mill_link_consumer_clear (MillLinkOutput *output)
{
  g_clear_pointer (&output->frame, mill_link_consumer_frame_unref);
  output->is_discont = FALSE;
  output->sent = 0;
}

static MillLinkSendResult
get_failure (gint code)
{
  switch (code) {
    case EAGAIN:
      return MILL_LINK_FULL;
    case ENOBUFS:
    case ENOMEM:
    case ETOOMANYREFS: /* too many descriptors on their way (unix(7)) */
    case EMFILE:
    case ENFILE:
      return MILL_LINK_EXHAUSTED;
    default:
      return MILL_LINK_BROKEN;
  }
}

/* @fd goes with the message's first byte. */
static gssize
send_parts (gint socket, struct iovec *parts, guint n_parts, gint fd)
{
  union
  {
    struct cmsghdr align;
    gchar bytes[CMSG_SPACE (sizeof (gint))];
  } control = { 0 };
  struct msghdr header = { .msg_iov = parts, .msg_iovlen = n_parts };
  gssize sent;

  if (fd >= 0) {
    header.msg_control = control.bytes;
    header.msg_controllen = sizeof control.bytes;
    struct cmsghdr *c = CMSG_FIRSTHDR (&header);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN (sizeof fd);
    memcpy (CMSG_DATA (c), &fd, sizeof fd);
  }
  do {
    sent = sendmsg (socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

static MillLinkSendResult
send_mapped (MillLinkOutput *output, gint socket, const GstMapInfo *map)
{
  gsize head_size;
  const guint8 *data = g_bytes_get_data (output->frame->head, &head_size);
  g_autofree guint8 *head = g_memdup2 (data, head_size);
  gboolean by_fd = head[5] & MILL_LINK_FLAG_DESCRIPTOR;
  gsize inline_size = by_fd ? 0 : map->size;
  gint fd = -1;

  if (output->is_discont)
    head[5] |= MILL_LINK_FLAG_DISCONT;
  if (by_fd && output->sent == 0) {
    fd = mill_link_buffer_make_memfd (map->data, map->size, NULL);
    if (fd < 0)
      return MILL_LINK_EXHAUSTED;
  }
  gsize head_sent = MIN (output->sent, head_size);
  gsize body_sent = output->sent - head_sent;
  struct iovec parts[2] = {
    { head + head_sent, head_size - head_sent },
    { map->data + body_sent, inline_size - body_sent },
  };
  gssize sent = send_parts (socket, parts, G_N_ELEMENTS (parts), fd);
  MillLinkSendResult failure = sent < 0 ? get_failure (errno) : MILL_LINK_SENT;
  if (fd >= 0)
    close (fd);
  if (sent < 0)
    return failure;
  output->sent += sent;
  return output->sent < head_size + inline_size ? MILL_LINK_FULL
                                                : MILL_LINK_SENT;
}

MillLinkSendResult
mill_link_consumer_send (MillLinkOutput *output, gint fd)
{
  static guint8 nothing;
  GstMapInfo map = { .data = &nothing };
  GstBuffer *payload = output->frame->payload;

  if (payload && !gst_buffer_map (payload, &map, GST_MAP_READ))
    return MILL_LINK_BROKEN;
  MillLinkSendResult result = send_mapped (output, fd, &map);
  if (payload)
    gst_buffer_unmap (payload, &map);
  if (result == MILL_LINK_SENT)
    mill_link_consumer_clear (output);
  return result;
}
