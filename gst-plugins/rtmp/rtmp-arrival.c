/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-arrival.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* When the last of the bytes that were read came, in monotonic time: the kernel
 * stamps packets with the time of day. 0: it did not tell. */
static gint64
get_arrival_us (struct msghdr *message)
{
  struct cmsghdr *found = CMSG_FIRSTHDR (message);
  struct timespec stamp;

  while (found &&
      !(found->cmsg_level == SOL_SOCKET && found->cmsg_type == SCM_TIMESTAMPNS))
    found = CMSG_NXTHDR (message, found);
  if (!found)
    return 0;
  memcpy (&stamp, CMSG_DATA (found), sizeof stamp);
  gint64 age_us = g_get_real_time () -
      ((gint64) stamp.tv_sec * G_USEC_PER_SEC + stamp.tv_nsec / 1000);
  return g_get_monotonic_time () - MAX (age_us, 0);
}

gboolean
mill_rtmp_arrival_enable (gint fd)
{
  const gint yes = 1;

  return setsockopt (fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) == 0;
}

gssize
mill_rtmp_arrival_receive (gint fd, guint8 *data, gsize size,
    gint64 *ret_arrival_us)
{
  union
  {
    struct cmsghdr header; /* for its alignment */
    gchar bytes[CMSG_SPACE (sizeof (struct timespec))];
  } control;
  struct iovec room = { data, size };
  struct msghdr message = { .msg_iov = &room,
    .msg_iovlen = 1,
    .msg_control = &control,
    .msg_controllen = sizeof control };
  gssize n_read = recvmsg (fd, &message, MSG_DONTWAIT);

  *ret_arrival_us = n_read > 0 ? get_arrival_us (&message) : 0;
  return n_read;
}
