/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-arrival.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* More than between the two readings, and than a clock that is slewed gains
 * (500 ppm, adjtimex(2)). */
#define STEP_US 2000
#define SLEW 1000
/* For how long what is read may have come before a step: somewhat more than the
 * longest interval (MAX_READ_INTERVAL_MS). */
#define UNSURE_US (3 * G_USEC_PER_SEC / 2)

static gboolean
has_stepped (const MillRtmpArrivalClock *clock, gint64 offset_us,
    gint64 monotonic_us)
{
  gint64 since_us = monotonic_us - clock->compared_us;

  return clock->compared_us > 0 &&
      ABS (offset_us - clock->offset_us) > STEP_US + since_us / SLEW;
}

gint64
mill_rtmp_arrival_convert (MillRtmpArrivalClock *clock, gint64 stamp_us,
    gint64 real_us, gint64 monotonic_us)
{
  gint64 offset_us = real_us - monotonic_us;

  if (has_stepped (clock, offset_us, monotonic_us))
    clock->stepped_us = monotonic_us;
  clock->offset_us = offset_us;
  clock->compared_us = monotonic_us;
  if (clock->stepped_us > 0 && monotonic_us - clock->stepped_us < UNSURE_US)
    return 0;
  return monotonic_us - MAX (real_us - stamp_us, 0);
}

/* When the last of the bytes that were read came, in monotonic time: the kernel
 * stamps packets with the time of day. 0: it did not tell. */
static gint64
get_arrival_us (struct msghdr *message)
{
  struct cmsghdr *found = CMSG_FIRSTHDR (message);
  struct timespec stamp;
  static __thread MillRtmpArrivalClock clock;

  while (found &&
      !(found->cmsg_level == SOL_SOCKET && found->cmsg_type == SCM_TIMESTAMPNS))
    found = CMSG_NXTHDR (message, found);
  if (!found)
    return 0;
  memcpy (&stamp, CMSG_DATA (found), sizeof stamp);
  return mill_rtmp_arrival_convert (&clock,
      (gint64) stamp.tv_sec * G_USEC_PER_SEC + stamp.tv_nsec / 1000,
      g_get_real_time (), g_get_monotonic_time ());
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
