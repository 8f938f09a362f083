/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "bmff/bmff-event.h"

#include <string.h>

#define FIXED_SIZE (12 + 4 + 8 + 4 + 4)

gsize
mill_bmff_event_get_size (const MillBmffEvent *event)
{
  return FIXED_SIZE + strlen (event->scheme) + 1 + strlen (event->value) + 1 +
      g_bytes_get_size (event->message);
}

void
mill_bmff_event_write (MillBmffWriter *w, const MillBmffEvent *event)
{
  gsize size;
  gconstpointer message = g_bytes_get_data (event->message, &size);
  gsize box = mill_bmff_writer_begin_full (w,
      MILL_BMFF_FOURCC ('e', 'm', 's', 'g'), 1, 0);
  mill_bmff_writer_put_u32 (w, event->timescale);
  mill_bmff_writer_put_u64 (w, event->time);
  mill_bmff_writer_put_u32 (w, event->duration);
  mill_bmff_writer_put_u32 (w, event->id);
  mill_bmff_writer_put_data (w, event->scheme, strlen (event->scheme) + 1);
  mill_bmff_writer_put_data (w, event->value, strlen (event->value) + 1);
  mill_bmff_writer_put_data (w, message, size);
  mill_bmff_writer_end (w, box);
}
