/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * When a segment is listed: in all renditions together, when all of those have
 * it that still can, or when the first that had it has waited long enough.
 */

#include "cmaf-packager-private.h"
#include "cmaf-sheets.h"

static GstClockTime
get_patience (const MillCmafPackager *self)
{
  if (self->options.max_skew > 0)
    return self->options.max_skew;
  if (self->options.part_duration > 0)
    return 2 * self->options.part_duration;
  return MILL_CMAF_DEFAULT_SKEW;
}

gboolean
mill_cmaf_publication_is_silent (const MillCmafPackager *self,
    const MillCmafLane *lane)
{
  GstClockTime limit = MAX (get_patience (self), MILL_CMAF_DEFAULT_SKEW);
  return self->clock - lane->heard > limit + lane->lag;
}

/* What a rendition is behind by all the time (its encoder's latency and that of
 * the way here) is not its being late. */
static GstClockTime
get_skew (const MillCmafPackager *self)
{
  GstClockTime lag = 0;
  if (self->options.max_skew > 0)
    return self->options.max_skew;
  for (guint i = 0; i < self->lanes->len; i++) {
    const MillCmafLane *lane = mill_cmaf_packager_get_lane (self, i);
    if (!lane->eos && !mill_cmaf_publication_is_silent (self, lane))
      lag = MAX (lag, lane->lag);
  }
  return get_patience (self) + lag;
}

static gboolean
is_expected_of_file (const MillCmafLane *lane, guint64 number)
{
  gboolean has_some = lane->track != NULL &&
      mill_cmaf_track_get_length (lane->track) > 0;
  /* The pads of a file may be fed one after the other. */
  if (lane->segment == MILL_CMAF_NONE)
    return !lane->eos || has_some;
  return lane->segment <= number && (!lane->eos || has_some);
}

/* Nobody can play before there is a multivariant playlist, and that waits for
 * all that was planned. */
static gboolean
is_startup (const MillCmafPackager *self)
{
  return !self->manifests && !mill_cmaf_cutting_is_startup_over (self) &&
      !mill_cmaf_publisher_is_continued (self->publisher);
}

/* Whether the segment of @cut may still come from @lane. */
static gboolean
is_expected (const MillCmafPackager *self, const MillCmafLane *lane,
    const MillCmafCut *cut)
{
  if (lane->kind == MILL_CMAF_TEXT)
    return FALSE;
  if (mill_cmaf_packager_is_vod (self))
    return is_expected_of_file (lane, cut->number);
  if (!GST_CLOCK_STIME_IS_VALID (lane->last_pts))
    return !lane->eos && is_startup (self);
  if (lane->segment != MILL_CMAF_NONE && lane->segment > cut->number)
    return FALSE;
  if (lane->eos && mill_cmaf_track_get_length (lane->track) == 0)
    return FALSE;
  if (mill_cmaf_publication_is_silent (self, lane))
    return FALSE;
  /* One that begins, or comes back, and has not reached it yet. */
  return lane->segment != MILL_CMAF_NONE || lane->last_pts <= cut->start;
}

typedef enum
{
  NOT_YET,
  READY,
} Readiness;

static Readiness
check_segment_locked (MillCmafPackager *self, const MillCmafCut *cut)
{
  gboolean waiting = FALSE;
  guint64 since = G_MAXUINT64;
  for (guint i = 0; i < self->lanes->len; i++) {
    const MillCmafLane *lane = mill_cmaf_packager_get_lane (self, i);
    const MillCmafWritten *written = mill_cmaf_lane_find (lane, cut->number);
    if (written != NULL && written->pending > 0)
      return NOT_YET;
    if (written != NULL && written->closed)
      since = MIN (since, written->closed_at);
    else if (is_expected (self, lane, cut))
      waiting = TRUE;
  }
  if (since == G_MAXUINT64)
    return NOT_YET;
  if (!waiting)
    return READY;
  if (mill_cmaf_packager_is_vod (self) || is_startup (self))
    return NOT_YET;
  return self->clock - since > get_skew (self) ? READY : NOT_YET;
}

static void
fill_row_locked (MillCmafPackager *self, const MillCmafCut *cut)
{
  const MillCmafState *state = mill_cmaf_publisher_get_state (self->publisher);
  g_array_set_size (self->row, 0);
  for (guint i = 0; i < state->renditions->len; i++) {
    const MillCmafRendition *rendition =
        g_ptr_array_index (state->renditions, i);
    guint timescale = rendition->format.timescale;
    MillCmafSegment gap = {
      .time = mill_cmaf_timeline_to_ticks (cut->media_start, timescale),
      .duration = (guint64) mill_cmaf_timeline_to_ticks (cut->end - cut->start,
          timescale),
      .flags = MILL_CMAF_SEGMENT_GAP,
    };
    g_array_append_val (self->row, gap);
  }
  self->gaps += self->row->len;
  for (guint i = 0; i < self->lanes->len; i++) {
    MillCmafLane *lane = mill_cmaf_packager_get_lane (self, i);
    const MillCmafWritten *written = mill_cmaf_lane_find (lane, cut->number);
    if (lane->rendition < 0 || written == NULL || !written->closed ||
        written->failed || written->duration == 0)
      continue;
    MillCmafSegment *segment =
        &g_array_index (self->row, MillCmafSegment, lane->rendition);
    *segment = (MillCmafSegment){
      .time = written->time,
      .duration = written->duration,
      .bytes = written->bytes,
      .i_frame_offset = written->i_frame_offset,
      .i_frame_bytes = written->i_frame_bytes,
      .offset = written->offset,
    };
    lane->n_published++;
    self->gaps--;
  }
}

/* Whoever comes first needs a second segment to play while the third is made:
 * with one he would always have just what he is about to need, and stall at
 * each late poll of the playlist. */
static gboolean
is_enough_to_play (MillCmafPackager *self)
{
  const MillSlidingList *cuts =
      mill_cmaf_publisher_get_state (self->publisher)->cuts;
  if (cuts->len == 0)
    return FALSE;
  const MillCmafCut *first = &g_array_index (cuts, MillCmafCut, 0);
  const MillCmafCut *last = &g_array_index (cuts, MillCmafCut, cuts->len - 1);
  /* A cut may be 5 % early. */
  return last->end - first->start >=
      (GstClockTimeDiff) self->options.publisher.segment_duration * 19 / 10;
}

/* Multivariant playlist and MPD wait for every planned rendition, but not for
 * ever; when the time is over, still for the first segment of those that have
 * begun, of which a player would not hear later. */
static gboolean
are_manifests_due_locked (MillCmafPackager *self)
{
  if (self->manifests || self->finishing ||
      mill_cmaf_publisher_is_continued (self->publisher))
    return self->manifests = TRUE;
  gboolean over = mill_cmaf_cutting_is_startup_over (self);
  gboolean late = self->clock > self->options.startup_timeout +
          2 * self->options.publisher.segment_duration + get_skew (self);
  gboolean complete = TRUE;
  for (guint i = 0; i < self->lanes->len; i++) {
    const MillCmafLane *lane = mill_cmaf_packager_get_lane (self, i);
    gboolean begun = lane->kind == MILL_CMAF_TEXT
        ? lane->codec_data != NULL
        : GST_CLOCK_STIME_IS_VALID (lane->last_pts);
    if (lane->n_published == 0 && !lane->eos && !(over && !begun))
      complete = FALSE;
  }
  self->manifests = is_enough_to_play (self) && (complete || late);
  return self->manifests;
}

void
mill_cmaf_publication_limit_locked (MillCmafPackager *self)
{
  if (mill_cmaf_packager_is_vod (self) || self->limited)
    return;
  const MillCmafState *state = mill_cmaf_publisher_get_state (self->publisher);
  if (state->target_duration_s == 0)
    return;
  self->limited = TRUE;
  /* What rounds to the target duration (RFC 8216bis 4.4.3.1). */
  mill_cmaf_timeline_set_limit (self->timeline,
      state->target_duration_s * GST_SECOND + 499 * GST_MSECOND);
}

static void
write_manifests_locked (MillCmafPackager *self)
{
  gboolean due = are_manifests_due_locked (self);
  /* What the multivariant playlist still waits for moves no date. */
  if (mill_cmaf_dating_announce_locked (self, due || is_enough_to_play (self)))
    mill_cmaf_publisher_write_manifests (self->publisher, due);
  else
    mill_cmaf_publisher_write_state (self->publisher);
}

void
mill_cmaf_publication_run_locked (MillCmafPackager *self)
{
  gboolean published = FALSE;
  /* What is encoded from a file comes long after what is copied, by pads that
   * are not even there yet: nothing is listed before all have ended. */
  if (mill_cmaf_packager_is_vod (self) && !self->finishing)
    return;
  while (!self->failed && !self->ended) {
    const MillCmafCut *cut =
        mill_cmaf_timeline_find (self->timeline, self->next_publish);
    if (cut == NULL || !GST_CLOCK_STIME_IS_VALID (cut->end) ||
        check_segment_locked (self, cut) != READY)
      break;
    /* Text is written now, and may have to be waited for in its turn. */
    mill_cmaf_captioning_run_locked (self, cut);
    if (check_segment_locked (self, cut) != READY)
      break;
    g_autoptr (GError) full =
        mill_cmaf_publisher_refuse_segment (self->publisher);
    if (full != NULL) {
      mill_cmaf_packager_fail_locked (self, full);
      break;
    }
    mill_cmaf_dating_tell_locked (self, cut->number);
    fill_row_locked (self, cut);
    if (self->cues != NULL)
      mill_cmaf_events_retire_locked (self, cut);
    mill_cmaf_publisher_add (self->publisher, cut,
        (const MillCmafSegment *) self->row->data);
    self->segments++;
    self->next_publish++;
    published = TRUE;
    mill_cmaf_publication_limit_locked (self);
    mill_cmaf_captioning_retire_locked (self, cut);
    for (guint i = 0; i < self->lanes->len; i++)
      mill_cmaf_lane_retire (mill_cmaf_packager_get_lane (self, i),
          self->next_publish);
    mill_cmaf_timeline_retire (self->timeline, self->next_publish);
  }
  g_autoptr (GError) shrunk =
      published ? mill_cmaf_publisher_explain_room (self->publisher) : NULL;
  if (shrunk != NULL)
    mill_cmaf_packager_say_locked (self, MILL_CMAF_WARNED, shrunk);
  if (mill_cmaf_packager_is_vod (self) || self->finishing)
    return;
  if (published)
    write_manifests_locked (self);
  else if (self->markers_due && self->dates_told)
    mill_cmaf_publisher_write_markers (self->publisher, self->manifests);
  self->markers_due = FALSE;
}

void
mill_cmaf_publication_end_locked (MillCmafPackager *self)
{
  if (!self->finishing || self->ended || self->failed)
    return;
  if (self->next_publish != mill_cmaf_timeline_get_next (self->timeline))
    return;
  /* Pictures of a file may come after its media. */
  if (mill_cmaf_packager_is_vod (self) && g_hash_table_size (self->images) > 0)
    return;
  if (mill_cmaf_sheets_is_pending (self->publisher))
    return;
  self->ended = TRUE;
  mill_cmaf_dating_announce_locked (self, TRUE);
  if (mill_cmaf_publisher_get_state (self->publisher)->cuts->len > 0)
    mill_cmaf_publisher_end (self->publisher);
  else
    mill_cmaf_packager_say_locked (self, MILL_CMAF_ENDED, NULL);
}
