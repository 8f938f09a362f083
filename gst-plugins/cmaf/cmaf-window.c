/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-publisher-private.h"

#include "playlist/hls-media.h"

/* A rendition may be missed for this many target durations before
 * manifests leave it out. */
#define GONE_TARGETS 3
/* A live playlist keeps at least this many (RFC 8216bis 6.2.2). */
#define KEEP_TARGETS 3
/* What live.index has: longer than a player of low latency may be behind, or
 * asks for parts. */
#define RECENT_NS (60 * (GstClockTimeDiff) GST_SECOND)
#define RECENT_TARGETS 12

GstClockTimeDiff
mill_cmaf_window_get_duration (const MillCmafPublisher *self)
{
  return mill_cmaf_periods_get_duration (self->periods);
}

guint
mill_cmaf_window_find_recent (const MillCmafPublisher *self)
{
  GstClockTimeDiff least = MAX (RECENT_NS,
      RECENT_TARGETS * (GstClockTimeDiff) self->state->target_duration_s *
          (GstClockTimeDiff) GST_SECOND);
  GstClockTimeDiff sum = 0;
  guint k = self->state->cuts->len;
  while (k > 0 && sum < least) {
    const MillCmafCut *cut = mill_cmaf_publisher_cut (self, --k);
    sum += cut->end - cut->start;
  }
  return k;
}

/* RFC 8216bis 6.2.2: a segment that was removed stays for its own duration and
 * that of the longest playlist that held it. */
static MillCmafTrash *
take_first (MillCmafPublisher *self, gint64 due)
{
  MillCmafState *state = self->state;
  MillCmafCut first = *mill_cmaf_publisher_cut (self, 0);
  guint64 next_generation = state->cuts->len > 1
      ? mill_cmaf_publisher_cut (self, 1)->generation
      : first.generation;
  mill_cmaf_listings_remove_first (self);
  mill_cmaf_periods_remove_first (self->periods, state);
  MillCmafTrash *trash = g_new (MillCmafTrash, 1);
  *trash = (MillCmafTrash){
    .generation = first.generation,
    .number = first.number,
    .ends_generation = next_generation != first.generation,
    .due_us = due,
  };
  for (guint i = 0; i < state->renditions->len; i++) {
    MillSlidingList *segments =
        mill_cmaf_publisher_rendition (self, i)->segments;
    trash->bytes += g_array_index (segments, MillCmafSegment, 0).bytes;
    mill_sliding_list_remove_first (segments, 1);
  }
  if (first.flags & MILL_CMAF_CUT_DISCONTINUITY)
    state->discontinuity_sequence++;
  mill_sliding_list_remove_first (state->cuts, 1);
  return trash;
}

void
mill_cmaf_window_drop_first (MillCmafPublisher *self)
{
  /* It waits for the playlists that do not list it, no longer, and is no part
   * of the queue by time. */
  mill_cmaf_trash_add_dropped (self, take_first (self, 0));
}

static void
expire_index (MillCmafPublisher *self)
{
  if (self->index == NULL || self->state->cuts->len == 0)
    return;
  const MillCmafCut *first =
      mill_cmaf_publisher_cut (self, mill_cmaf_window_find_recent (self));
  mill_live_index_expire (self->index, first->generation, first->number);
}

static void
slide_window (MillCmafPublisher *self)
{
  if (self->options.mode != MILL_CMAF_LIVE)
    return;
  GstClockTimeDiff least = (GstClockTimeDiff) MAX (self->options.dvr_window,
      KEEP_TARGETS * self->state->target_duration_s * GST_SECOND);
  GstClockTimeDiff window = mill_cmaf_window_get_duration (self);
  while (self->state->cuts->len > self->options.window_segments) {
    const MillCmafCut *first = mill_cmaf_publisher_cut (self, 0);
    /* Segments may be shorter than was wished (breaks), and more of them. */
    gboolean is_over = self->state->cuts->len > MILL_CMAF_SEGMENTS_MAX;
    if (window - (first->end - first->start) < least && !is_over)
      break;
    GstClockTimeDiff duration = first->end - first->start;
    mill_cmaf_trash_add (self,
        take_first (self,
            mill_cmaf_publisher_now_us (self) +
                (window + duration) / GST_USECOND));
    window -= duration;
  }
  mill_cmaf_room_make (self);
  if (self->state->markers != NULL && self->state->cuts->len > 0)
    mill_cmaf_marker_retire (self->state->markers,
        mill_cmaf_publisher_cut (self, 0)->wall_us);
  mill_cmaf_sheets_retire (self,
      mill_cmaf_publisher_now_us (self) + window / GST_USECOND);
}

static gboolean
is_gap (const MillCmafPublisher *self, guint i, guint k)
{
  return (g_array_index (mill_cmaf_publisher_rendition (self, i)->segments,
              MillCmafSegment, k)
                 .flags &
             MILL_CMAF_SEGMENT_GAP) != 0;
}

/* Whether a player of a video that lacks this segment has another one. */
static gboolean
has_video (const MillCmafPublisher *self, const MillCmafSegment *segments)
{
  for (guint i = 0; i < self->state->renditions->len; i++)
    if (mill_cmaf_publisher_rendition (self, i)->format.kind ==
            MILL_CMAF_VIDEO &&
        !(segments[i].flags & MILL_CMAF_SEGMENT_GAP))
      return TRUE;
  return FALSE;
}

/* A rendition that begins, or comes back, needs a Period of its own: its
 * numbers would not be consecutive in the old one, and players look for new
 * ones in new Periods only. A video that stops does too: a player waits for the
 * next segment of what it plays, but at the end of a Period it chooses anew. */
static gboolean
needs_period (const MillCmafPublisher *self, const MillCmafCut *cut,
    const MillCmafSegment *segments)
{
  /* What players of HLS are told as a discontinuity, those of DASH are, too:
   * a hole in the SegmentTimeline would not tell them to set up anew. */
  if (self->state->cuts->len == 0 ||
      (cut->flags & (MILL_CMAF_CUT_PERIOD | MILL_CMAF_CUT_DISCONTINUITY)))
    return TRUE;
  gboolean is_live = self->options.mode != MILL_CMAF_VOD;
  gboolean others = has_video (self, segments);
  for (guint i = 0; i < self->state->renditions->len; i++) {
    gboolean was = !is_gap (self, i, self->state->cuts->len - 1);
    gboolean is = !(segments[i].flags & MILL_CMAF_SEGMENT_GAP);
    gboolean had_media =
        mill_hls_bitrate_peak_bps (&mill_cmaf_publisher_output (self, i)
                                        ->bitrate) > 0;
    gboolean is_video = mill_cmaf_publisher_rendition (self, i)->format.kind ==
        MILL_CMAF_VIDEO;
    if (!was && is && (had_media || is_live))
      return TRUE;
    if (was && !is && is_video && others && is_live)
      return TRUE;
  }
  return FALSE;
}

/* Where the Period that @cut begins does, behind @last. Of another time base, or
 * after an absence: where the wall clock says, but Periods never overlap. */
static GstClockTimeDiff
find_period_start (const MillCmafState *state, const MillCmafCut *last,
    const MillCmafCut *cut)
{
  GstClockTimeDiff end = last->period_start - last->period_media +
      last->media_start + (last->end - last->start);
  if (!(cut->flags & MILL_CMAF_CUT_DISCONTINUITY))
    return end;
  return MAX (end, (cut->wall_us - state->availability_start_us) * 1000);
}

static void
place_in_period (MillCmafPublisher *self, MillCmafCut *cut,
    const MillCmafSegment *segments)
{
  MillCmafState *state = self->state;
  guint n = state->cuts->len;
  if (!needs_period (self, cut, segments)) {
    const MillCmafCut *last = mill_cmaf_publisher_cut (self, n - 1);
    cut->period = last->period;
    cut->period_start = last->period_start;
    cut->period_media = last->period_media;
    return;
  }
  cut->period = cut->number;
  cut->period_media = cut->media_start;
  /* A file's first picture may come a few frames after its zero, which its
   * audio is in sync with. */
  if (n == 0 && self->options.mode == MILL_CMAF_VOD &&
      cut->media_start < (GstClockTimeDiff) (500 * GST_MSECOND))
    cut->period_media = 0;
  if (n == 0) {
    state->availability_start_us = cut->wall_us;
    cut->period_start = 0;
    return;
  }
  cut->period_start =
      find_period_start (state, mill_cmaf_publisher_cut (self, n - 1), cut);
}

void
mill_cmaf_window_move_periods (MillCmafPublisher *self, guint k)
{
  for (; k < self->state->cuts->len; k++) {
    const MillCmafCut *last = mill_cmaf_publisher_cut (self, k - 1);
    MillCmafCut *cut = mill_cmaf_publisher_cut (self, k);
    cut->period_start = cut->period == cut->number
        ? find_period_start (self->state, last, cut)
        : last->period_start;
  }
}

static void
add_segment (MillCmafPublisher *self, guint i, const MillCmafCut *cut,
    const MillCmafSegment *segment)
{
  MillCmafRendition *rendition = mill_cmaf_publisher_rendition (self, i);
  MillCmafOutput *output = mill_cmaf_publisher_output (self, i);
  gboolean was_gone = rendition->gone;
  mill_sliding_list_append (rendition->segments, segment);
  mill_cmaf_renditions_count_segment (self, i, rendition->segments->len - 1);
  if (segment->flags & MILL_CMAF_SEGMENT_GAP) {
    output->missed += cut->end - cut->start;
    if (self->options.mode != MILL_CMAF_VOD &&
        output->missed >= (GstClockTimeDiff) (GONE_TARGETS *
                              self->state->target_duration_s * GST_SECOND))
      rendition->gone = TRUE;
  } else {
    output->missed = 0;
    rendition->gone = FALSE;
  }
  self->state_stale |= rendition->gone != was_gone;
}

static guint
longest_s (const MillCmafPublisher *self, const MillCmafSegment *segments)
{
  guint longest = 0;
  for (guint i = 0; i < self->state->renditions->len; i++)
    longest = MAX (longest,
        mill_hls_media_round_duration ((GstClockTime)
                mill_cmaf_timeline_to_ns ((gint64) segments[i].duration,
                    mill_cmaf_publisher_rendition (self, i)
                        ->format.timescale)));
  return longest;
}

void
mill_cmaf_window_add (MillCmafPublisher *self, const MillCmafCut *cut,
    const MillCmafSegment *segments)
{
  MillCmafState *state = self->state;
  guint nominal =
      mill_hls_media_round_duration (self->options.segment_duration);
  /* RFC 8216bis 6.2.1: it never changes once it is published. */
  if (state->target_duration_s == 0 || self->options.mode == MILL_CMAF_VOD)
    state->target_duration_s = MAX (MAX (nominal, state->target_duration_s),
        longest_s (self, segments));
  MillCmafCut added = *cut;
  place_in_period (self, &added, segments);
  mill_sliding_list_append (state->cuts, &added);
  for (guint i = 0; i < state->renditions->len; i++)
    add_segment (self, i, &added, &segments[i]);
  state->next_number = added.number + 1;
  mill_cmaf_listings_add_last (self);
  mill_cmaf_periods_add_last (self->periods, state);
  slide_window (self);
  expire_index (self);
  if (self->options.mode != MILL_CMAF_VOD)
    mill_cmaf_saving_note_row (self);
}

/* DASH-IF has the first Period of a static MPD begin at 0, and a viewer keep
 * the position when a stream ends: so it is the start that moves, and the
 * media time that it stands for with it. Where the media's clock is behind
 * that of the MPD (it began anew) it would be negative, and both stay. */
void
mill_cmaf_window_begin_at_zero (MillCmafPublisher *self)
{
  const MillSlidingList *cuts = self->state->cuts;
  if (cuts->len == 0)
    return;
  const MillCmafCut first = *mill_cmaf_publisher_cut (self, 0);
  if (first.period_media < first.period_start)
    return;
  for (guint i = 0; i < cuts->len; i++) {
    MillCmafCut *cut = &g_array_index (cuts, MillCmafCut, i);
    if (cut->period != first.period)
      return;
    cut->period_media -= first.period_start;
    cut->period_start = 0;
  }
}
