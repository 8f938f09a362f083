/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * The bit rates that manifests tell. What was told once is a bound that holds,
 * and renditions keep their order: a player that numbers Representations by
 * @bandwidth loses its place when a new MPD has them in another (dash.js stops
 * fetching).
 */

#include "cmaf-publisher-private.h"

/* Two of one kind that were told as lower and higher, and are the other way
 * round by now. */
static gboolean
has_overtaken (const MillCmafPublisher *self, const MillCmafBitrate *bitrates,
    guint low, guint high)
{
  guint64 told_low = mill_cmaf_publisher_output (self, low)->told_bps;
  guint64 told_high = mill_cmaf_publisher_output (self, high)->told_bps;
  return mill_cmaf_publisher_rendition (self, low)->format.kind ==
      mill_cmaf_publisher_rendition (self, high)->format.kind &&
      told_low > 0 && told_low < told_high &&
      bitrates[low].peak_bps >= bitrates[high].peak_bps;
}

static gboolean
lift_one (const MillCmafPublisher *self, MillCmafBitrate *bitrates, guint n)
{
  for (guint low = 0; low < n; low++)
    for (guint high = 0; high < n; high++)
      if (has_overtaken (self, bitrates, low, high)) {
        bitrates[high].peak_bps = bitrates[low].peak_bps + 1;
        return TRUE;
      }
  return FALSE;
}

MillCmafBitrate *
mill_cmaf_bitrates_list (const MillCmafPublisher *self)
{
  guint n = self->state->renditions->len;
  MillCmafBitrate *bitrates = g_new0 (MillCmafBitrate, MAX (n, 1));
  for (guint i = 0; i < n; i++) {
    bitrates[i] = mill_cmaf_publisher_get_bitrate (self, i);
    if (bitrates[i].peak_bps > 0)
      bitrates[i].peak_bps = MAX (bitrates[i].peak_bps,
          mill_cmaf_publisher_output (self, i)->told_bps);
  }
  /* Each turn lifts one above a lower neighbour, so it ends. */
  while (lift_one (self, bitrates, n))
    ;
  return bitrates;
}

void
mill_cmaf_bitrates_note_told (MillCmafPublisher *self,
    const MillCmafBitrate *bitrates)
{
  for (guint i = 0; i < self->state->renditions->len; i++)
    if (bitrates[i].peak_bps > 0)
      mill_cmaf_publisher_output (self, i)->told_bps = bitrates[i].peak_bps;
}
