/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-packager-private.h"
#include "cmaf-sheets.h"

/* How long the first segment of a live stream may become: it decides the
 * target duration. Longer GOPs are cut. */
#define FIRST_LIMIT_NS (12 * GST_SECOND)
#define CLOSE_TIMEOUT_US (5 * G_USEC_PER_SEC)
/* A server may be away for long, and who closes has others to look after. */
#define CLOSE_REMOTE_TIMEOUT_US (1 * G_USEC_PER_SEC)

typedef struct
{
  MillCmafReportKind kind;
  GError *error;
} Report;

/* ---- the lock, and what is said after it ---- */

static void
free_report (gpointer data)
{
  Report *report = data;
  g_clear_error (&report->error);
  g_free (report);
}

void
mill_cmaf_packager_say_locked (MillCmafPackager *self, MillCmafReportKind kind,
    const GError *error)
{
  Report *report = g_new (Report, 1);
  report->kind = kind;
  report->error = error ? g_error_copy (error) : NULL;
  g_queue_push_tail (&self->reports, report);
}

static void
unlock (MillCmafPackager *self)
{
  GQueue reports = self->reports;
  g_queue_init (&self->reports);
  mill_cmaf_stats_note_locked (self);
  /* Until it has closed this, the owner lives; then it may go at any time. */
  g_autoptr (GObject) owner =
      reports.length > 0 && !self->closed ? g_object_ref (self->owner) : NULL;
  g_mutex_unlock (&self->lock);
  for (;;) {
    Report *report = g_queue_pop_head (&reports);
    if (report == NULL)
      return;
    if (owner != NULL)
      self->report (report->kind, report->error, owner);
    free_report (report);
  }
}

void
mill_cmaf_packager_fail_locked (MillCmafPackager *self, const GError *error)
{
  if (self->failed)
    return;
  self->failed = TRUE;
  mill_cmaf_packager_say_locked (self, MILL_CMAF_FAILED, error);
}

gboolean
mill_cmaf_packager_name_rendition_locked (MillCmafPackager *self,
    MillCmafLane *lane)
{
  if (lane->rendition >= 0)
    return TRUE;
  g_autofree gchar *fallback = mill_cmaf_lane_propose_name (lane);
  lane->rendition = mill_cmaf_publisher_add_rendition (self->publisher,
      lane->pad, lane->name, fallback, &lane->format);
  if (lane->rendition >= 0)
    return TRUE;
  g_autoptr (GError) error =
      mill_cmaf_publisher_refuse_rendition (self->publisher);
  mill_cmaf_packager_fail_locked (self, error);
  return FALSE;
}

/* Everything that can be done now. */
void
mill_cmaf_packager_proceed_locked (MillCmafPackager *self)
{
  for (guint i = 0; i < self->lanes->len; i++)
    mill_cmaf_assembly_drain_locked (self,
        mill_cmaf_packager_get_lane (self, i));
  mill_cmaf_publication_run_locked (self);
  mill_cmaf_publication_end_locked (self);
}

/* ---- what the publisher says ---- */

static void
on_written (MillCmafWrote what, guint rendition, guint64 number,
    const GError *error, gpointer user_data)
{
  MillCmafPackager *self = user_data;
  /* The version that took its place will be told of. */
  if (g_error_matches (error, MILL_STORE_ERROR, MILL_STORE_ERROR_SUPERSEDED))
    return;
  /* Inline, this is inside of a call that has the lock. */
  gboolean inside = mill_cmaf_publisher_is_inline (self->publisher);
  if (!inside)
    g_mutex_lock (&self->lock);
  /* It may go well yet: nothing is lost so far. */
  if (what == MILL_CMAF_WROTE_TROUBLE) {
    mill_cmaf_packager_say_locked (self, MILL_CMAF_WARNED, error);
    unlock (self);
    return;
  }
  mill_cmaf_outcome_note_locked (self, what, rendition, number, error);
  if (!inside) {
    if (!self->closed &&
        (what == MILL_CMAF_WROTE_CHUNK || what == MILL_CMAF_WROTE_SHEET)) {
      mill_cmaf_publication_run_locked (self);
      mill_cmaf_publication_end_locked (self);
    }
    mill_cmaf_pushback_move_locked (self);
    unlock (self);
  }
}

/* ---- API ---- */

MillCmafPackager *
mill_cmaf_packager_new (const MillCmafPackagerOptions *options,
    MillCmafReportFunc report, GObject *owner)
{
  MillCmafPackager *self = g_atomic_rc_box_new0 (MillCmafPackager);
  self->options = *options;
  self->report = report;
  self->owner = owner;
  g_mutex_init (&self->lock);
  g_mutex_init (&self->noted.lock);
  g_cond_init (&self->moved);
  self->lanes =
      g_ptr_array_new_with_free_func ((GDestroyNotify) mill_cmaf_lane_free);
  self->position = self->noted.position = GST_CLOCK_STIME_NONE;
  self->hold_until = G_MININT64;
  self->wall = mill_cmaf_wall_new ();
  self->asks_arrival = TRUE;
  self->images = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->row = g_array_new (FALSE, TRUE, sizeof (MillCmafSegment));
  mill_cmaf_track_init_taken (&self->taken);
  g_queue_init (&self->reports);
  return self;
}

static void
clear_packager (gpointer data)
{
  MillCmafPackager *self = data;
  mill_cmaf_intake_clear (self);
  g_clear_pointer (&self->cues, mill_cmaf_cues_free);
  g_clear_pointer (&self->publisher, mill_cmaf_publisher_free);
  g_clear_pointer (&self->timeline, mill_cmaf_timeline_free);
  mill_cmaf_wall_free (self->wall);
  g_ptr_array_unref (self->lanes);
  g_hash_table_unref (self->images);
  g_array_unref (self->row);
  mill_cmaf_track_clear_taken (&self->taken);
  mill_bmff_writer_clear (&self->header);
  g_queue_clear_full (&self->reports, free_report);
  mill_cmaf_packager_clear_stats (&self->noted.stats);
  g_cond_clear (&self->moved);
  g_mutex_clear (&self->noted.lock);
  g_mutex_clear (&self->lock);
}

MillCmafPackager *
mill_cmaf_packager_ref (MillCmafPackager *self)
{
  return g_atomic_rc_box_acquire (self);
}

void
mill_cmaf_packager_unref (MillCmafPackager *self)
{
  g_atomic_rc_box_release_full (self, clear_packager);
}

static gpointer
keep (gpointer self)
{
  return mill_cmaf_packager_ref (self);
}

static void
let_go (gpointer self)
{
  mill_cmaf_packager_unref (self);
}

static void
begin_timeline (MillCmafPackager *self)
{
  const MillCmafState *state = mill_cmaf_publisher_get_state (self->publisher);
  GstClockTime duration = self->options.publisher.segment_duration;
  self->first_number = self->next_publish = state->next_number;
  self->timeline =
      mill_cmaf_timeline_new (duration, state->generation, state->next_number);
  if (mill_cmaf_publisher_is_continued (self->publisher))
    mill_cmaf_timeline_set_generation (self->timeline, state->generation);
  if (!mill_cmaf_packager_is_vod (self))
    mill_cmaf_timeline_set_limit (self->timeline,
        MAX (FIRST_LIMIT_NS, 4 * duration));
  mill_cmaf_publication_limit_locked (self);
}

gboolean
mill_cmaf_packager_open_store (MillCmafPackager *self, MillStore *store,
    GError **error)
{
  self->options.publisher.part_duration = self->options.part_duration;
  self->publisher = mill_cmaf_publisher_open (store, &self->options.publisher,
      on_written, self, error);
  /* It has taken a reference of its own. */
  self->options.publisher.presentation = NULL;
  if (self->publisher == NULL)
    return FALSE;
  GstClockTime longest = mill_cmaf_publisher_get_part_target (self->publisher);
  /* Where whole segments are sent there are none. */
  self->options.part_duration = longest > MILL_CMAF_PART_ROUNDING_NS
      ? longest - MILL_CMAF_PART_ROUNDING_NS
      : 0;
  mill_cmaf_publisher_set_keeper (self->publisher, keep, let_go);
  begin_timeline (self);
  mill_cmaf_cues_resume_locked (self);
  mill_cmaf_stats_note_locked (self);
  const gchar *warning = mill_cmaf_publisher_get_warning (self->publisher);
  if (warning != NULL) {
    g_autoptr (GError) unread = g_error_new (MILL_CMAF_STATE_ERROR,
        MILL_CMAF_STATE_ERROR_INVALID, "%s: beginning afresh", warning);
    self->report (MILL_CMAF_WARNED, unread, self->owner);
  }
  return TRUE;
}

void
mill_cmaf_packager_close (MillCmafPackager *self)
{
  if (self->publisher == NULL)
    return;
  MillStoreStats unused;
  gboolean is_remote =
      mill_cmaf_publisher_get_store_stats (self->publisher, &unused);
  if (!mill_cmaf_publisher_flush (self->publisher,
          is_remote ? CLOSE_REMOTE_TIMEOUT_US : CLOSE_TIMEOUT_US) &&
      is_remote) {
    mill_cmaf_publisher_abandon (self->publisher);
    mill_cmaf_publisher_flush (self->publisher, CLOSE_TIMEOUT_US);
  }
  g_mutex_lock (&self->lock);
  self->closed = TRUE;
  unlock (self);
}

void
mill_cmaf_packager_set_wall (MillCmafPackager *self, MillCmafDating dating,
    gint64 wall_us, GstClockTimeDiff start)
{
  g_mutex_lock (&self->lock);
  mill_cmaf_dating_begin_locked (self, dating, wall_us, start);
  unlock (self);
}

gboolean
mill_cmaf_packager_asks_arrival (const MillCmafPackager *self)
{
  return g_atomic_int_get (&self->asks_arrival);
}

void
mill_cmaf_packager_note_reference (MillCmafPackager *self,
    GstClockTimeDiff time, gint64 wall_us)
{
  g_mutex_lock (&self->lock);
  mill_cmaf_dating_refer_locked (self,
      wall_us - time / (GstClockTimeDiff) GST_USECOND);
  unlock (self);
}

MillCmafLane *
mill_cmaf_packager_add_lane (MillCmafPackager *self, const gchar *pad,
    MillCmafKind kind)
{
  g_mutex_lock (&self->lock);
  mill_cmaf_intake_begin_locked (self);
  MillCmafLane *lane = mill_cmaf_lane_new (pad, kind);
  lane->flushing = self->flushing;
  g_ptr_array_add (self->lanes, lane);
  unlock (self);
  return lane;
}

void
mill_cmaf_packager_end_lane (MillCmafPackager *self, MillCmafLane *lane)
{
  g_mutex_lock (&self->lock);
  mill_cmaf_intake_begin_locked (self);
  mill_cmaf_ending_note_locked (self, lane);
  mill_cmaf_packager_proceed_locked (self);
  mill_cmaf_pushback_move_locked (self);
  unlock (self);
}

void
mill_cmaf_packager_set_flushing (MillCmafPackager *self, MillCmafLane *lane,
    gboolean flushing)
{
  g_mutex_lock (&self->lock);
  if (lane == NULL)
    self->flushing = flushing;
  for (guint i = 0; i < self->lanes->len; i++)
    if (lane == NULL || lane == mill_cmaf_packager_get_lane (self, i))
      mill_cmaf_packager_get_lane (self, i)->flushing = flushing ||
          self->flushing;
  mill_cmaf_pushback_move_locked (self);
  unlock (self);
}

void
mill_cmaf_packager_set_format (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafLaneFormat *format)
{
  g_mutex_lock (&self->lock);
  mill_cmaf_intake_begin_locked (self);
  mill_cmaf_recoding_set_format_locked (self, lane, format);
  unlock (self);
}

void
mill_cmaf_packager_set_captions (MillCmafPackager *self, const gchar *captions)
{
  g_mutex_lock (&self->lock);
  mill_cmaf_publisher_set_captions (self->publisher, captions);
  unlock (self);
}

void
mill_cmaf_packager_set_bitrate (MillCmafPackager *self, MillCmafLane *lane,
    guint bitrate_bps)
{
  g_mutex_lock (&self->lock);
  lane->bitrate_bps = bitrate_bps;
  unlock (self);
}

static GstFlowReturn
check_lane_locked (const MillCmafPackager *self, const MillCmafLane *lane)
{
  if (self->failed)
    return GST_FLOW_ERROR;
  if (lane->flushing)
    return GST_FLOW_FLUSHING;
  if (lane->eos)
    return GST_FLOW_EOS;
  return lane->track != NULL ? GST_FLOW_OK : GST_FLOW_NOT_NEGOTIATED;
}

void
mill_cmaf_packager_prepare (const MillCmafPackager *self,
    const MillCmafLane *lane)
{
  /* Looked at one after the other these would be waited for one by one. */
  __builtin_prefetch (&self->lock, 1);
  __builtin_prefetch (&self->held, 1);
  __builtin_prefetch (&lane->track);
  __builtin_prefetch (&lane->eos);
}

GstFlowReturn
mill_cmaf_packager_push (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafInput *input, GstBuffer *buffer)
{
  g_mutex_lock (&self->lock);
  mill_cmaf_pushback_wait_locked (self, lane);
  GstFlowReturn ret = check_lane_locked (self, lane);
  if (ret != GST_FLOW_OK) {
    gst_buffer_unref (buffer);
    unlock (self);
    return ret;
  }
  /* Nothing was done, so that there is nothing to be said either. */
  if (!mill_cmaf_intake_push_locked (self, lane, input, buffer)) {
    g_mutex_unlock (&self->lock);
    return GST_FLOW_OK;
  }
  mill_cmaf_pushback_move_locked (self);
  ret = self->failed ? GST_FLOW_ERROR : GST_FLOW_OK;
  unlock (self);
  return ret;
}

/* ---- text ---- */

GstFlowReturn
mill_cmaf_packager_push_cue (MillCmafPackager *self, MillCmafLane *lane,
    MillTextCue *cue)
{
  GstFlowReturn ret = GST_FLOW_OK;
  g_mutex_lock (&self->lock);
  if (self->failed)
    ret = GST_FLOW_ERROR;
  else if (lane->flushing)
    ret = GST_FLOW_FLUSHING;
  else if (lane->eos)
    ret = GST_FLOW_EOS;
  if (ret != GST_FLOW_OK)
    mill_text_cue_free (cue);
  else if (!mill_cmaf_text_push (lane->text, cue))
    GST_DEBUG ("a cue of '%s' is too late, ignoring", lane->pad);
  g_mutex_unlock (&self->lock);
  return ret;
}

void
mill_cmaf_packager_clear_cues (MillCmafPackager *self, MillCmafLane *lane,
    GstClockTimeDiff time)
{
  g_mutex_lock (&self->lock);
  mill_cmaf_text_clear (lane->text, time);
  g_mutex_unlock (&self->lock);
}

/* ---- breaks and timed metadata ---- */

gboolean
mill_cmaf_packager_cue (MillCmafPackager *self, const MillCmafCue *cue,
    GError **error)
{
  g_mutex_lock (&self->lock);
  mill_cmaf_intake_begin_locked (self);
  gboolean taken = mill_cmaf_cues_take_locked (self, cue, error);
  unlock (self);
  return taken;
}

gchar *
mill_cmaf_packager_get_wanted_keyframe (MillCmafPackager *self,
    GstClockTime *ret_time)
{
  g_mutex_lock (&self->lock);
  GstClockTimeDiff border = mill_cmaf_timeline_get_border (self->timeline);
  gchar *pad = self->timing != NULL && self->timing->kind == MILL_CMAF_VIDEO &&
          border != G_MAXINT64
      ? g_strdup (self->timing->pad)
      : NULL;
  unlock (self);
  *ret_time = border < 0 ? GST_CLOCK_TIME_NONE : (GstClockTime) border;
  return pad;
}

/* ---- pictures ---- */

void
mill_cmaf_packager_push_sheet (MillCmafPackager *self,
    const MillCmafSheetLayout *layout, GstClockTimeDiff time, guint tiles,
    GBytes *content)
{
  g_mutex_lock (&self->lock);
  GstClockTimeDiff media = time - mill_cmaf_timeline_get_base (self->timeline);
  MillCmafSheet sheet = {
    .start_ms = (guint64) media / GST_MSECOND,
    .tiles = tiles,
    .layout = *layout,
  };
  if (!self->ended && !self->failed)
    mill_cmaf_sheets_write (self->publisher, &sheet, content);
  unlock (self);
}

void
mill_cmaf_packager_push_poster (MillCmafPackager *self, GBytes *content)
{
  g_mutex_lock (&self->lock);
  if (!self->ended && !self->failed)
    mill_cmaf_sheets_write_poster (self->publisher, content);
  unlock (self);
}

void
mill_cmaf_packager_add_image (MillCmafPackager *self, const gchar *pad)
{
  g_mutex_lock (&self->lock);
  g_hash_table_add (self->images, g_strdup (pad));
  unlock (self);
}

void
mill_cmaf_packager_end_image (MillCmafPackager *self, const gchar *pad)
{
  g_mutex_lock (&self->lock);
  if (g_hash_table_remove (self->images, pad))
    mill_cmaf_publication_end_locked (self);
  unlock (self);
}

/* ---- statistics ---- */

/* Of a file it may be held over a write. Returns: FALSE: it is, and a copy must
 * do */
static gboolean
lock_to_look (MillCmafPackager *self)
{
  if (mill_cmaf_packager_is_vod (self))
    return g_mutex_trylock (&self->lock);
  g_mutex_lock (&self->lock);
  return TRUE;
}

void
mill_cmaf_packager_get_stats (MillCmafPackager *self, MillCmafStats *ret_stats)
{
  if (lock_to_look (self)) {
    mill_cmaf_stats_fill_locked (self, ret_stats);
    unlock (self);
  } else {
    mill_cmaf_stats_copy (self, ret_stats);
  }
  ret_stats->is_remote =
      mill_cmaf_publisher_get_store_stats (self->publisher, &ret_stats->store);
}

void
mill_cmaf_packager_clear_stats (MillCmafStats *stats)
{
  g_clear_pointer (&stats->renditions, g_ptr_array_unref);
}

GstClockTimeDiff
mill_cmaf_packager_get_position (MillCmafPackager *self)
{
  if (!lock_to_look (self))
    return mill_cmaf_stats_copy_position (self);
  mill_cmaf_intake_settle_locked (self);
  GstClockTimeDiff position = self->position;
  unlock (self);
  return position;
}
