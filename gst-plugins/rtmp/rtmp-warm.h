/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * The memory that a message of one publisher is looked up in on its way. When
 * its next message comes, those of all others have driven it out of the
 * processor's caches, and piece after piece would be waited for, since each
 * leads to the next. Known beforehand they are fetched side by side, most of
 * them while the kernel copies the message.
 *
 * These are addresses only, for the processor's prefetch, which neither reads
 * nor faults: what was freed meanwhile is fetched in vain.
 */

#define MILL_RTMP_WARM_PLACES 36
#define MILL_RTMP_WARM_LINE_BYTES 64

/**
 * MillRtmpWarm:
 * @element: the last that was added
 * @room: where the next payload goes
 * @places: addresses of cache lines, and how many more follow each, in the bits
 *   that are zero in such an address: the list itself has to be fetched too
 *
 * All zero is a valid start. In one thread only.
 */
typedef struct
{
  guint n;
  gconstpointer element;
  guintptr room;
  guintptr places[MILL_RTMP_WARM_PLACES];
} MillRtmpWarm;

void mill_rtmp_warm_clear (MillRtmpWarm *warm);

/* Where the next payload goes (nullable). */
void mill_rtmp_warm_set_room (MillRtmpWarm *warm, gconstpointer memory,
    gsize size);

/* @size bytes of @memory (nullable). What does not fit is left out. */
void mill_rtmp_warm_add (MillRtmpWarm *warm, gconstpointer memory, gsize size);

void mill_rtmp_warm_add_lock (MillRtmpWarm *warm, const GRecMutex *lock);

/* What a push on @pad (nullable) goes through: it, its peer, and the element of
 * that. */
void mill_rtmp_warm_add_pad (MillRtmpWarm *warm, GstPad *pad);

static inline void
mill_rtmp_warm_fetch_place (guintptr place)
{
  guint n_more = place & (MILL_RTMP_WARM_LINE_BYTES - 1);
  const gchar *line = (const gchar *) (place - n_more);

  for (guint i = 0; i <= n_more; i++)
    __builtin_prefetch (line + i * MILL_RTMP_WARM_LINE_BYTES, 1, 2);
}

static inline void
mill_rtmp_warm_fetch (const MillRtmpWarm *warm)
{
  for (guint i = 0; i < warm->n; i++)
    mill_rtmp_warm_fetch_place (warm->places[i]);
  mill_rtmp_warm_fetch_place (warm->room);
}

G_END_DECLS
