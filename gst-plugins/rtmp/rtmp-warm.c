/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-warm.h"

/* Of a pad's private part: its size is GStreamer's own affair. */
#define PAD_PRIVATE_BYTES 128
/* Of the mutex behind a GRecMutex. */
#define MUTEX_BYTES 40

void
mill_rtmp_warm_clear (MillRtmpWarm *warm)
{
  warm->n = 0;
  warm->element = NULL;
}

static guintptr
make_place (gconstpointer memory, gsize size)
{
  guintptr begin = (guintptr) memory / MILL_RTMP_WARM_LINE_BYTES;
  guintptr last = ((guintptr) memory + size - 1) / MILL_RTMP_WARM_LINE_BYTES;

  return begin * MILL_RTMP_WARM_LINE_BYTES +
      MIN (last - begin, MILL_RTMP_WARM_LINE_BYTES - 1);
}

void
mill_rtmp_warm_set_room (MillRtmpWarm *warm, gconstpointer memory, gsize size)
{
  warm->room = memory ? make_place (memory, size) : 0;
}

void
mill_rtmp_warm_add (MillRtmpWarm *warm, gconstpointer memory, gsize size)
{
  if (memory && size > 0 && warm->n < MILL_RTMP_WARM_PLACES)
    warm->places[warm->n++] = make_place (memory, size);
}

void
mill_rtmp_warm_add_lock (MillRtmpWarm *warm, const GRecMutex *lock)
{
  mill_rtmp_warm_add (warm, lock->p, MUTEX_BYTES);
}

static void
add_instance (MillRtmpWarm *warm, gpointer instance)
{
  GTypeQuery query;

  g_type_query (G_TYPE_FROM_INSTANCE (instance), &query);
  mill_rtmp_warm_add (warm, instance, query.instance_size);
}

void
mill_rtmp_warm_add_pad (MillRtmpWarm *warm, GstPad *pad)
{
  g_autoptr (GstPad) peer = pad ? gst_pad_get_peer (pad) : NULL;
  g_autoptr (GstElement) element = peer ? gst_pad_get_parent_element (peer)
                                        : NULL;

  if (!element)
    return;
  add_instance (warm, pad);
  mill_rtmp_warm_add (warm, pad->priv, PAD_PRIVATE_BYTES);
  add_instance (warm, peer);
  mill_rtmp_warm_add (warm, peer->priv, PAD_PRIVATE_BYTES);
  mill_rtmp_warm_add_lock (warm, GST_PAD_GET_STREAM_LOCK (peer));
  if (warm->element != element)
    add_instance (warm, element);
  warm->element = element;
}
