/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The memory that the next message of a connection goes through. */

#include "rtmp-connection-private.h"

/* By then the tracks of a publisher are there; and what has changed since is
 * found after as many reads again, some ten seconds of a stream. */
#define READS_BEFORE_WARM 64
#define READS_PER_WARM 1024

/* All of a message of sound, and the beginning of a picture: the processor sees
 * by itself where the rest goes. */
#define ROOM_BYTES 1024

static void
add_warm (gconstpointer memory, gsize size, gpointer user_data)
{
  mill_rtmp_warm_add (user_data, memory, size);
}

static void
collect_warm (MillRtmpConnection *self, MillRtmpWarm *warm)
{
  mill_rtmp_warm_clear (warm);
  mill_rtmp_lane_warm (self->lane, warm);
  mill_rtmp_warm_add (warm, self, sizeof *self);
  mill_rtmp_session_visit (self->session, add_warm, warm);
  if (self->live && self->live->warm)
    self->live->warm (warm, self->owner_data);
}

/* The pieces change seldom; where the next payload goes does each time. */
void
mill_rtmp_socket_warm_update (MillRtmpConnection *self)
{
  if (self->state != MILL_RTMP_CONNECTION_LIVE || !self->watch)
    return;
  MillRtmpWarm *warm = mill_rtmp_watch_get_warm (self->watch);

  if (self->reads++ % READS_PER_WARM == READS_BEFORE_WARM)
    collect_warm (self, warm);
  mill_rtmp_warm_set_room (warm, mill_rtmp_session_peek_room (self->session),
      ROOM_BYTES);
}
