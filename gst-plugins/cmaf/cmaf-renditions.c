/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Which renditions there are: their names, over restarts too, what each is counted
 * by, and what their times are told in. */

#include "cmaf-publisher-private.h"

/* ---- what is kept of each besides its segments ---- */

static void
clear_output (gpointer data)
{
  MillCmafOutput *output = data;
  g_clear_pointer (&output->object, mill_store_object_unref);
  mill_cmaf_listings_clear (output);
}

GArray *
mill_cmaf_renditions_new_outputs (void)
{
  GArray *outputs = g_array_new (FALSE, TRUE, sizeof (MillCmafOutput));
  g_array_set_clear_func (outputs, clear_output);
  return outputs;
}

void
mill_cmaf_renditions_add_output (MillCmafPublisher *self)
{
  MillCmafOutput output = { 0 };
  mill_hls_bitrate_init (&output.bitrate, self->options.segment_duration);
  mill_hls_bitrate_init (&output.i_frames_bitrate,
      self->options.segment_duration);
  g_array_append_val (self->outputs, output);
}

static void
count_bytes (MillHlsBitrate *bitrate, guint64 bytes, GstClockTime duration)
{
  if (bytes > 0)
    mill_hls_bitrate_add (bitrate, bytes, duration);
  else
    mill_hls_bitrate_break (bitrate);
}

void
mill_cmaf_renditions_count_segment (MillCmafPublisher *self, guint i, guint k)
{
  const MillCmafRendition *rendition = mill_cmaf_publisher_rendition (self, i);
  MillCmafOutput *output = mill_cmaf_publisher_output (self, i);
  const MillCmafSegment *segment =
      &g_array_index (rendition->segments, MillCmafSegment, k);
  gboolean gap = (segment->flags & MILL_CMAF_SEGMENT_GAP) != 0;
  GstClockTime duration =
      (GstClockTime) mill_cmaf_timeline_to_ns ((gint64) segment->duration,
          rendition->format.timescale);
  count_bytes (&output->bitrate, gap ? 0 : segment->bytes, duration);
  if (self->options.i_frames)
    count_bytes (&output->i_frames_bitrate, gap ? 0 : segment->i_frame_bytes,
        duration);
}

/* ---- names ---- */

static gchar *
free_name (const MillCmafPublisher *self, const gchar *name)
{
  if (mill_cmaf_state_find_rendition (self->state, name) == NULL)
    return g_strdup (name);
  for (guint i = 2;; i++) {
    g_autofree gchar *numbered = g_strdup_printf ("%s-%u", name, i);
    if (mill_cmaf_state_find_rendition (self->state, numbered) == NULL)
      return g_steal_pointer (&numbered);
  }
}

static gint
find_predecessor (const MillCmafPublisher *self, const gchar *pad,
    const gchar *wanted, MillCmafKind kind)
{
  if (!self->continued)
    return -1;
  for (guint i = 0; i < self->state->renditions->len; i++) {
    const MillCmafRendition *rendition =
        mill_cmaf_publisher_rendition (self, i);
    if (rendition->format.kind == kind && g_str_equal (rendition->pad, pad) &&
        (wanted == NULL || g_str_equal (rendition->name, wanted)))
      return (gint) i;
  }
  return -1;
}

gint
mill_cmaf_renditions_add (MillCmafPublisher *self, const gchar *pad,
    const gchar *wanted, const gchar *fallback, const MillCmafFormat *format)
{
  gint predecessor = find_predecessor (self, pad, wanted, format->kind);
  if (predecessor >= 0) {
    mill_cmaf_renditions_set_format (self, (guint) predecessor, format);
    return predecessor;
  }
  if (self->state->renditions->len >= MILL_CMAF_RENDITIONS_MAX)
    return -1;
  g_autofree gchar *name = free_name (self, wanted ? wanted : fallback);
  mill_cmaf_state_add_rendition (self->state, pad, name, format);
  mill_cmaf_renditions_add_output (self);
  mill_cmaf_listings_begin (self, self->state->renditions->len - 1);
  self->state_stale = TRUE;
  return (gint) self->state->renditions->len - 1;
}

static gint64
convert (gint64 ticks, guint from, guint to)
{
  return mill_cmaf_timeline_to_ticks (mill_cmaf_timeline_to_ns (ticks, from),
      to);
}

/* Segments of before are told in ticks of the new time scale. */
static void
rescale (MillCmafRendition *rendition, guint from, guint to)
{
  for (guint k = 0; k < rendition->segments->len; k++) {
    MillCmafSegment *segment =
        &g_array_index (rendition->segments, MillCmafSegment, k);
    segment->time = convert (segment->time, from, to);
    segment->duration =
        (guint64) convert ((gint64) segment->duration, from, to);
  }
}

void
mill_cmaf_renditions_set_format (MillCmafPublisher *self, guint i,
    const MillCmafFormat *format)
{
  MillCmafRendition *rendition = mill_cmaf_publisher_rendition (self, i);
  guint from = rendition->format.timescale;
  mill_cmaf_state_copy_format (&rendition->format, format);
  self->state_stale = TRUE;
  if (from == format->timescale)
    return;
  rescale (rendition, from, format->timescale);
  mill_cmaf_periods_reset (self->periods, self->state);
}
