/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "ts-packager-private.h"

#include "store/store-directory.h"

/* Two videos' stamps of one picture. */
#define SAME_PICTURE_NS (5 * (GstClockTimeDiff) GST_MSECOND)
/* What is kept of a lane whose segment does not end. */
#define OPEN_MAX_BYTES (256u << 20)

/* ---- lanes ---- */

static gboolean
has_video (const MillTsPackager *self)
{
  for (guint i = 0; i < self->lanes->len; i++)
    if (mill_ts_packager_get_lane (self, i)->kind == MILL_CMAF_VIDEO)
      return TRUE;
  return FALSE;
}

/* Whose keyframes @lane is cut at. */
static const MillTsLane *
find_timing_lane (const MillTsPackager *self, const MillTsLane *lane)
{
  for (guint i = 0; i < self->lanes->len && lane->kind == MILL_CMAF_AUDIO; i++)
    if (mill_ts_packager_get_lane (self, i)->kind == MILL_CMAF_VIDEO)
      return mill_ts_packager_get_lane (self, i);
  return lane;
}

static void
offer_audio_locked (MillTsPackager *self, GstClockTimeDiff time)
{
  if (has_video (self))
    return;
  if (mill_cmaf_timeline_offer (self->timeline, time, 0, TRUE, 0) ==
      MILL_CMAF_CUT_HERE)
    mill_cmaf_timeline_cut (self->timeline, time, time, MILL_CMAF_CUT_NONE);
}

/* ---- calls ---- */

static void
on_written (MillCmafWrote what, guint rendition, guint64 number,
    const GError *error, gpointer user_data)
{
  MillTsPackager *self = user_data;
  if (error == NULL || self->trouble != NULL)
    return;
  self->trouble = g_error_copy (error);
  mill_cmaf_publisher_note_failure (self->publisher);
}

/* Says a failure once per trouble; without the lock. Returns: whether it is
 * one that ends it all */
static gboolean
tell (MillTsPackager *self)
{
  g_mutex_lock (&self->lock);
  g_autoptr (GError) error = g_steal_pointer (&self->trouble);
  gboolean fatal = error != NULL &&
      (self->options.mode == MILL_CMAF_VOD ||
          g_error_matches (error, MILL_STORE_ERROR, MILL_STORE_ERROR_LOST));
  gboolean is_new = error != NULL && !self->failed && !self->degraded;
  self->failed |= fatal;
  self->degraded |= error != NULL;
  fatal = self->failed;
  g_mutex_unlock (&self->lock);
  if (is_new || (fatal && error != NULL))
    self->report (fatal ? MILL_CMAF_FAILED : MILL_CMAF_WARNED, error,
        self->owner);
  return fatal;
}

MillTsPackager *
mill_ts_packager_new (const MillCmafPublisherOptions *options,
    MillCmafReportFunc report, GObject *owner)
{
  MillTsPackager *self = g_new0 (MillTsPackager, 1);
  self->options = *options;
  self->options.container = MILL_CMAF_TS;
  self->options.hls = TRUE;
  self->options.dated = options->mode != MILL_CMAF_VOD;
  /* It is called on threads of its own: see gsthlstssink.c. */
  self->options.may_wait = TRUE;
  self->report = report;
  self->owner = owner;
  self->lanes =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_ts_lane_free);
  g_mutex_init (&self->lock);
  g_mutex_init (&self->stats_lock);
  return self;
}

void
mill_ts_packager_free (MillTsPackager *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->publisher, mill_cmaf_publisher_free);
  g_clear_pointer (&self->timeline, mill_cmaf_timeline_free);
  g_clear_pointer (&self->lanes, g_ptr_array_unref);
  g_clear_error (&self->trouble);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->stats_lock);
  g_free (self);
}

gboolean
mill_ts_packager_open (MillTsPackager *self, const gchar *path, GError **error)
{
  g_autoptr (MillStore) store = mill_store_directory_new (path, error);
  if (store == NULL)
    return FALSE;
  self->publisher =
      mill_cmaf_publisher_open (store, &self->options, on_written, self, error);
  if (self->publisher == NULL)
    return FALSE;
  const MillCmafState *state = mill_cmaf_publisher_get_state (self->publisher);
  mill_ts_publication_begin_locked (self);
  self->timeline = mill_cmaf_timeline_new (self->options.segment_duration,
      state->generation, state->next_number);
  if (mill_cmaf_publisher_is_continued (self->publisher))
    mill_cmaf_timeline_set_generation (self->timeline, state->generation);
  const gchar *warning = mill_cmaf_publisher_get_warning (self->publisher);
  if (warning != NULL) {
    g_autoptr (GError) unread = g_error_new (MILL_CMAF_STATE_ERROR,
        MILL_CMAF_STATE_ERROR_INVALID, "%s: beginning afresh", warning);
    self->report (MILL_CMAF_WARNED, unread, self->owner);
  }
  return TRUE;
}

void
mill_ts_packager_set_wall (MillTsPackager *self, gint64 wall_us)
{
  g_mutex_lock (&self->lock);
  if (!self->has_wall)
    mill_cmaf_timeline_set_wall (self->timeline, wall_us);
  self->has_wall = TRUE;
  g_mutex_unlock (&self->lock);
}

MillTsLane *
mill_ts_packager_add_lane (MillTsPackager *self, const gchar *pad,
    MillCmafKind kind)
{
  MillTsLane *lane = mill_ts_lane_new (pad, kind);
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->lanes, lane);
  g_mutex_unlock (&self->lock);
  return lane;
}

void
mill_ts_packager_describe (MillTsPackager *self, MillTsLane *lane,
    const MillCmafFormat *format)
{
  g_mutex_lock (&self->lock);
  mill_ts_lane_describe (lane, format);
  if (lane->rendition >= 0)
    mill_cmaf_publisher_set_format (self->publisher, (guint) lane->rendition,
        &lane->format);
  g_mutex_unlock (&self->lock);
}

static guint64
offer_locked (MillTsPackager *self, const MillTsLane *lane,
    const MillTsPicture *picture)
{
  const MillCmafCut *at =
      mill_cmaf_timeline_at (self->timeline, picture->time + SAME_PICTURE_NS);
  /* Another video has cut there. */
  if (at != NULL && picture->is_keyframe &&
      ABS (at->start - picture->time) <= SAME_PICTURE_NS)
    return at->number;
  if (picture->jumps)
    mill_cmaf_timeline_break (self->timeline);
  if (mill_cmaf_timeline_offer (self->timeline, picture->time, 0,
          picture->is_keyframe,
          mill_cmaf_timeline_get_video_slack (self->timeline)) !=
      MILL_CMAF_CUT_HERE)
    return MILL_CMAF_NONE;
  GstClockTimeDiff end = picture->jumps ? MIN (lane->end, picture->time)
                                        : picture->time;
  return mill_cmaf_timeline_cut (self->timeline, picture->time, end,
      MILL_CMAF_CUT_NONE)
      ->number;
}

guint64
mill_ts_packager_offer (MillTsPackager *self, MillTsLane *lane,
    const MillTsPicture *picture)
{
  g_mutex_lock (&self->lock);
  guint64 number = offer_locked (self, lane, picture);
  lane->end = MAX (lane->end, picture->end);
  g_mutex_unlock (&self->lock);
  return number;
}

void
mill_ts_packager_begin (MillTsPackager *self, MillTsLane *lane, guint64 number)
{
  g_mutex_lock (&self->lock);
  const MillCmafCut *cut = mill_cmaf_timeline_find (self->timeline, number);
  const MillCmafCut *open =
      mill_cmaf_timeline_find (self->timeline, lane->number);
  if (cut != NULL) {
    mill_ts_lane_close (lane, lane->bytes->len,
        open != NULL && GST_CLOCK_STIME_IS_VALID (open->end) ? open->end
                                                             : cut->start);
    mill_ts_lane_begin (lane, number, cut->start);
    for (guint i = 0; i < self->lanes->len; i++)
      if (mill_ts_packager_get_lane (self, i)->kind == MILL_CMAF_AUDIO)
        mill_ts_lane_cut (mill_ts_packager_get_lane (self, i), self->timeline,
            self->next_publish);
    mill_ts_publication_run_locked (self);
  }
  g_mutex_unlock (&self->lock);
  tell (self);
}

static void
take_locked (MillTsPackager *self, MillTsLane *lane, const guint8 *packets,
    gsize size, GstClockTimeDiff time)
{
  gboolean begins = mill_ts_lane_take (lane, packets, size, time);
  if (begins)
    offer_audio_locked (self, time);
  if (lane->bytes->len > OPEN_MAX_BYTES) {
    g_clear_error (&self->trouble);
    g_set_error (&self->trouble, MILL_STORE_ERROR, MILL_STORE_ERROR_BUSY,
        "segment of '%s': got more than %u MiB, expected a keyframe of '%s'",
        lane->pad, OPEN_MAX_BYTES >> 20, find_timing_lane (self, lane)->pad);
    mill_ts_lane_drop (lane);
  }
  if (begins) {
    mill_ts_lane_cut (lane, self->timeline, self->next_publish);
    mill_ts_publication_run_locked (self);
  }
}

gboolean
mill_ts_packager_push (MillTsPackager *self, MillTsLane *lane,
    const guint8 *packets, gsize size, GstClockTimeDiff time)
{
  g_mutex_lock (&self->lock);
  if (!self->failed)
    take_locked (self, lane, packets, size, time);
  g_mutex_unlock (&self->lock);
  return !tell (self);
}

static gboolean
have_all_ended (const MillTsPackager *self)
{
  for (guint i = 0; i < self->lanes->len; i++)
    if (!mill_ts_packager_get_lane (self, i)->ended)
      return FALSE;
  return TRUE;
}

static void
finish_locked (MillTsPackager *self)
{
  GstClockTimeDiff end = 0;
  for (guint i = 0; i < self->lanes->len; i++) {
    MillTsLane *lane = mill_ts_packager_get_lane (self, i);
    mill_ts_lane_close (lane, lane->bytes->len, MAX (lane->end, lane->begin));
    if (lane->kind == MILL_CMAF_VIDEO || !has_video (self))
      end = MAX (end, lane->end);
  }
  mill_cmaf_timeline_finish (self->timeline, end);
  mill_ts_publication_run_locked (self);
  mill_cmaf_publisher_end (self->publisher);
  self->ended = TRUE;
}

void
mill_ts_packager_end_lane (MillTsPackager *self, MillTsLane *lane)
{
  g_mutex_lock (&self->lock);
  lane->ended = TRUE;
  if (lane->kind == MILL_CMAF_AUDIO)
    mill_ts_lane_cut (lane, self->timeline, self->next_publish);
  else
    mill_ts_lane_close (lane, lane->bytes->len, lane->end);
  if (have_all_ended (self) && !self->ended && !self->failed)
    finish_locked (self);
  else
    mill_ts_publication_run_locked (self);
  g_mutex_unlock (&self->lock);
  tell (self);
}

void
mill_ts_packager_get_stats (MillTsPackager *self, MillTsStats *ret_stats)
{
  g_mutex_lock (&self->stats_lock);
  *ret_stats = self->stats;
  g_mutex_unlock (&self->stats_lock);
}
