/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** MillBitrateWatch: how much is sent by those who may send only so much. It is
 * measured where they send, over as many connections as they take for it, in
 * windows one after the other: whoever comes back with the same key goes on with
 * the window that he has left. Times are monotonic µs. Main loop only. */
typedef struct _MillBitrateWatch MillBitrateWatch;

/* Long enough for the bursts of an encoder's keyframes to be nothing. */
#define MILL_BITRATE_WATCH_WINDOW_S 10

/** Who sends: with a key the same whatever his address is by now, without one
 * only as long as he is connected. */
typedef struct
{
  const gchar *stream;
  const gchar *key_id; /* nullable: let in by no stream key */
  const gchar *address; /* nullable: not yet there */
} MillBitrateSender;

/* Returns: whether he is connected, and was not sent away */
typedef gboolean (*MillBitrateWatchFunc) (const gchar *stream,
    const gchar *address, gpointer user_data);

/**
 * MillBitrateSample: what came from him since he was last looked at.
 * @node: of the stream, where it came
 * @since_us: when he was last looked at
 */
typedef struct
{
  const gchar *node;
  guint64 bytes;
  gint64 since_us;
  guint64 limit_bps;
} MillBitrateSample;

MillBitrateWatch *mill_bitrate_watch_new (MillBitrateWatchFunc is_there,
    gpointer user_data);
void mill_bitrate_watch_free (MillBitrateWatch *watch);

/* Returns: the bit rate of a window, when that is over and more than the limit;
 *   otherwise 0 */
guint64 mill_bitrate_watch_add (MillBitrateWatch *watch,
    const MillBitrateSender *sender, const MillBitrateSample *sample,
    gint64 now_us);

/* How long he has to stay away for what he sent to be within the limit that he
 * had: 0 unless it was more than a whole window may bring. What comes from
 * somebody else with his key who is there, is not his; who has no key comes
 * without a past.
 * @limit_bps: that he would have now; 0: none */
gint64 mill_bitrate_watch_get_wait_us (MillBitrateWatch *watch,
    const MillBitrateSender *sender, guint64 limit_bps, gint64 now_us);

/* Forgets whom it would not hold anything against.
 * Returns: how many are left */
guint mill_bitrate_watch_prune (MillBitrateWatch *watch, gint64 now_us);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillBitrateWatch, mill_bitrate_watch_free)

G_END_DECLS
