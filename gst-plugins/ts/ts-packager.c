/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "ts-packager.h"

#include <string.h>

#include "store/store-directory.h"
#include "ts-tables.h"

#define TIMESCALE 90000
/* Two videos' stamps of one picture. */
#define SAME_PICTURE_NS (5 * (GstClockTimeDiff) GST_MSECOND)
/* A segment is listed without a lane that is this many behind. */
#define BEHIND_MAX 2
/* What is kept of a lane whose segment does not end. */
#define OPEN_MAX_BYTES (256u << 20)
/* Of segments that wait for one of another lane. */
#define WAITING_MAX_BYTES (64u << 20)

typedef struct
{
  gsize offset;
  GstClockTimeDiff time;
} Start;

typedef struct
{
  guint64 number;
  GBytes *bytes;
  GstClockTimeDiff begin;
  GstClockTimeDiff end;
} Closed;

struct _MillTsLane
{
  gchar *pad;
  MillCmafKind kind;
  MillCmafFormat format; /* of all that is in it */
  gboolean described;
  gint rendition; /* -1 before its first segment */
  MillTsTables tables;
  GByteArray *bytes; /* of the open segment, and of audio what comes after */
  GArray *starts; /* Start: frames in it; of audio */
  guint64 number; /* of the open segment */
  GstClockTimeDiff begin; /* of the open segment */
  GstClockTimeDiff end; /* of what has come */
  GQueue closed; /* Closed */
  guint64 reached; /* number of the last one that was closed, plus one */
  gboolean ended;
};

struct _MillTsPackager
{
  MillCmafPublisherOptions options;
  MillCmafReportFunc report;
  GObject *owner; /* not held */

  GMutex lock; /* everything below */
  MillCmafPublisher *publisher;
  MillCmafTimeline *timeline;
  GPtrArray *lanes; /* MillTsLane */
  gboolean has_wall;
  guint64 next_publish;
  gboolean ended;
  gboolean failed;
  GError *trouble; /* of the last write; to be reported */
  gboolean degraded;

  /* Taken under the other one or alone: who writes to a disk that stands still
   * has that. */
  GMutex stats_lock;
  MillTsStats stats;
};

/* ---- lanes ---- */

static void
free_closed (gpointer data)
{
  Closed *closed = data;
  g_bytes_unref (closed->bytes);
  g_free (closed);
}

static void
free_lane (gpointer data)
{
  MillTsLane *lane = data;
  g_queue_clear_full (&lane->closed, free_closed);
  mill_ts_tables_clear (&lane->tables);
  mill_cmaf_state_clear_format (&lane->format);
  g_byte_array_unref (lane->bytes);
  g_array_unref (lane->starts);
  g_free (lane->pad);
  g_free (lane);
}

static MillTsLane *
lane_at (const MillTsPackager *self, guint i)
{
  return g_ptr_array_index (self->lanes, i);
}

static gboolean
has_video (const MillTsPackager *self)
{
  for (guint i = 0; i < self->lanes->len; i++)
    if (lane_at (self, i)->kind == MILL_CMAF_VIDEO)
      return TRUE;
  return FALSE;
}

/* Whose keyframes @lane is cut at. */
static const MillTsLane *
find_timing_lane (const MillTsPackager *self, const MillTsLane *lane)
{
  for (guint i = 0; i < self->lanes->len && lane->kind == MILL_CMAF_AUDIO; i++)
    if (lane_at (self, i)->kind == MILL_CMAF_VIDEO)
      return lane_at (self, i);
  return lane;
}

static const Closed *
find_closed (const MillTsLane *lane, guint64 number)
{
  for (GList *item = lane->closed.head; item != NULL; item = item->next)
    if (((const Closed *) item->data)->number == number)
      return item->data;
  return NULL;
}

/* The first @size bytes of the lane are the whole of its open segment. */
static void
close_segment_locked (MillTsLane *lane, gsize size, GstClockTimeDiff end)
{
  if (lane->number != MILL_CMAF_NONE && size > 0) {
    Closed *closed = g_new (Closed, 1);
    *closed = (Closed){
      .number = lane->number,
      .bytes = mill_ts_tables_finish_segment (&lane->tables, lane->bytes->data,
          size),
      .begin = lane->begin,
      .end = end,
    };
    g_queue_push_tail (&lane->closed, closed);
    lane->reached = lane->number + 1;
  }
  g_byte_array_remove_range (lane->bytes, 0, (guint) size);
}

/* ---- publication ---- */

/* @error: (transfer full): ends it all, when it is told of */
static void
fail_locked (MillTsPackager *self, GError *error)
{
  g_clear_error (&self->trouble);
  self->trouble = error;
  self->failed = TRUE;
}

/* Of a file nothing is left out, so that segments wait for those of the lane that
 * is last: but not for one that does not come, until the memory is full. */
static void
check_waiting_locked (MillTsPackager *self)
{
  gsize bytes = 0;
  const MillTsLane *missing = NULL;
  for (guint i = 0; i < self->lanes->len; i++) {
    const MillTsLane *lane = lane_at (self, i);
    for (const GList *at = lane->closed.head; at != NULL; at = at->next)
      bytes += g_bytes_get_size (((const Closed *) at->data)->bytes);
    if (missing == NULL && find_closed (lane, self->next_publish) == NULL)
      missing = lane;
  }
  if (bytes <= WAITING_MAX_BYTES || missing == NULL)
    return;
  fail_locked (self,
      g_error_new (MILL_STORE_ERROR, MILL_STORE_ERROR_BUSY,
          "segment %" G_GUINT64_FORMAT
          " of '%s': got none while %" G_GSIZE_FORMAT
          " MiB of others wait for it, expected media or the end of '%s'",
          self->next_publish, missing->pad, bytes >> 20, missing->pad));
}

/* Returns: whether there is one */
static gboolean
find_rendition_locked (MillTsPackager *self, MillTsLane *lane)
{
  if (lane->rendition >= 0)
    return TRUE;
  g_autofree gchar *name = lane->kind == MILL_CMAF_VIDEO
      ? g_strdup_printf ("v%u", lane->format.height)
      : g_strdup ("audio");
  lane->rendition = mill_cmaf_publisher_add_rendition (self->publisher,
      lane->pad, NULL, name, &lane->format);
  if (lane->rendition < 0)
    fail_locked (self, mill_cmaf_publisher_refuse_rendition (self->publisher));
  return lane->rendition >= 0;
}

/* Returns: whether it is on the disk */
static gboolean
write_segment_locked (MillTsPackager *self, MillTsLane *lane,
    const MillCmafCut *cut, const Closed *closed)
{
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  if (!find_rendition_locked (self, lane))
    return FALSE;
  MillCmafChunkWrite write = {
    .rendition = (guint) lane->rendition,
    .cut = cut,
    .header = closed->bytes,
    .memories = none,
    .begins = TRUE,
    .ends = TRUE,
    .sync = TRUE,
    .time = closed->begin,
    .duration = (GstClockTime) (closed->end - closed->begin),
    .wall_us = cut->wall_us,
  };
  g_autoptr (GError) error = NULL;
  g_clear_error (&self->trouble);
  if (!mill_cmaf_publisher_write_chunk (self->publisher, &write, &error)) {
    self->trouble = g_steal_pointer (&error);
    return FALSE;
  }
  return self->trouble == NULL;
}

static void
fill_gaps (const MillTsPackager *self, const MillCmafCut *cut, GArray *row)
{
  const MillCmafState *state = mill_cmaf_publisher_get_state (self->publisher);
  g_array_set_size (row, 0);
  for (guint i = 0; i < state->renditions->len; i++) {
    MillCmafSegment gap = {
      .time = mill_cmaf_timeline_to_ticks (cut->media_start, TIMESCALE),
      .duration = (guint64) mill_cmaf_timeline_to_ticks (cut->end - cut->start,
          TIMESCALE),
      .flags = MILL_CMAF_SEGMENT_GAP,
    };
    g_array_append_val (row, gap);
  }
}

static void
fill_segment (const MillCmafCut *cut, const Closed *closed,
    MillCmafSegment *segment)
{
  GstClockTimeDiff offset = closed->begin - cut->start;
  *segment = (MillCmafSegment){
    .time = mill_cmaf_timeline_to_ticks (MAX (cut->media_start + offset, 0),
        TIMESCALE),
    .duration =
        (guint64) mill_cmaf_timeline_to_ticks (closed->end - closed->begin,
            TIMESCALE),
    .bytes = g_bytes_get_size (closed->bytes),
  };
}

/* Whether segment @number may still come from @lane. */
static gboolean
is_expected (const MillTsPackager *self, const MillTsLane *lane, guint64 number)
{
  if (lane->ended || lane->reached > number)
    return FALSE;
  for (guint i = 0; i < self->lanes->len; i++)
    if (self->options.mode != MILL_CMAF_VOD &&
        lane_at (self, i)->reached > number + BEHIND_MAX)
      return FALSE;
  return TRUE;
}

static gboolean
is_ready_locked (const MillTsPackager *self, guint64 number)
{
  gboolean found = FALSE;
  for (guint i = 0; i < self->lanes->len; i++) {
    const MillTsLane *lane = lane_at (self, i);
    if (find_closed (lane, number) != NULL)
      found = TRUE;
    else if (is_expected (self, lane, number))
      return FALSE;
  }
  return found;
}

/* Listed: @filled segments of @bytes, and @gaps. */
static void
note_segments_locked (MillTsPackager *self, guint filled, guint gaps,
    gsize bytes)
{
  const MillCmafState *state = mill_cmaf_publisher_get_state (self->publisher);
  g_mutex_lock (&self->stats_lock);
  self->stats.generation = state->generation;
  self->stats.target_duration_s = state->target_duration_s;
  self->stats.segments += filled;
  self->stats.gaps += gaps;
  self->stats.bytes += bytes;
  g_mutex_unlock (&self->stats_lock);
}

static void
publish_one_locked (MillTsPackager *self, const MillCmafCut *cut)
{
  g_autofree gboolean *written = g_new0 (gboolean, self->lanes->len);
  for (guint i = 0; i < self->lanes->len; i++) {
    MillTsLane *lane = lane_at (self, i);
    const Closed *closed = find_closed (lane, cut->number);
    written[i] = closed != NULL && lane->described &&
        write_segment_locked (self, lane, cut, closed);
  }
  g_autoptr (GArray) row = g_array_new (FALSE, TRUE, sizeof (MillCmafSegment));
  fill_gaps (self, cut, row);
  guint filled = 0;
  gsize bytes = 0;
  for (guint i = 0; i < self->lanes->len; i++) {
    const MillTsLane *lane = lane_at (self, i);
    if (!written[i])
      continue;
    const Closed *closed = find_closed (lane, cut->number);
    fill_segment (cut, closed,
        &g_array_index (row, MillCmafSegment, (guint) lane->rendition));
    bytes += g_bytes_get_size (closed->bytes);
    filled++;
  }
  if (filled > 0)
    self->degraded = FALSE;
  mill_cmaf_publisher_add (self->publisher, cut,
      (const MillCmafSegment *) row->data);
  note_segments_locked (self, filled, row->len - filled, bytes);
  mill_cmaf_publisher_write_manifests (self->publisher,
      self->options.mode != MILL_CMAF_VOD);
}

static void
publish_locked (MillTsPackager *self)
{
  const MillCmafCut *cut;
  while ((cut = mill_cmaf_timeline_find (self->timeline, self->next_publish)) !=
          NULL &&
      GST_CLOCK_STIME_IS_VALID (cut->end) &&
      is_ready_locked (self, cut->number) && !self->failed) {
    GError *full = mill_cmaf_publisher_refuse_segment (self->publisher);
    if (full != NULL) {
      fail_locked (self, full);
      return;
    }
    publish_one_locked (self, cut);
    self->next_publish++;
    for (guint i = 0; i < self->lanes->len; i++) {
      GQueue *closed = &lane_at (self, i)->closed;
      while (closed->head != NULL &&
          ((const Closed *) closed->head->data)->number < self->next_publish)
        free_closed (g_queue_pop_head (closed));
    }
    /* One that is kept tells where the open segment begins. */
    mill_cmaf_timeline_retire (self->timeline, self->next_publish);
  }
  check_waiting_locked (self);
}

/* ---- audio alone ---- */

static void
begin_audio_locked (MillTsLane *lane, const MillCmafCut *cut, guint i)
{
  const Start *start = &g_array_index (lane->starts, Start, i);
  gsize offset = start->offset;
  lane->begin = start->time;
  lane->number = cut->number;
  g_array_remove_range (lane->starts, 0, i);
  for (guint k = 0; k < lane->starts->len; k++)
    g_array_index (lane->starts, Start, k).offset -= offset;
}

/* Cuts what has come of @lane where a cut is known and a frame after it. */
static void
cut_audio_locked (MillTsPackager *self, MillTsLane *lane)
{
  for (;;) {
    const MillCmafCut *next = lane->number == MILL_CMAF_NONE
        ? mill_cmaf_timeline_find (self->timeline,
              MAX (self->next_publish, lane->reached))
        : mill_cmaf_timeline_find (self->timeline, lane->number + 1);
    guint i = 0;
    while (next != NULL && i < lane->starts->len &&
        g_array_index (lane->starts, Start, i).time < next->start)
      i++;
    if (next == NULL)
      return;
    if (i == lane->starts->len) {
      if (lane->ended) {
        close_segment_locked (lane, lane->bytes->len, lane->end);
        g_array_set_size (lane->starts, 0);
        lane->number = MILL_CMAF_NONE;
      }
      return;
    }
    const Start *start = &g_array_index (lane->starts, Start, i);
    close_segment_locked (lane, start->offset, start->time);
    begin_audio_locked (lane, next, i);
  }
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
  self->lanes = g_ptr_array_new_with_free_func (free_lane);
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
  self->next_publish = state->next_number;
  note_segments_locked (self, 0, 0, 0);
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
  MillTsLane *lane = g_new0 (MillTsLane, 1);
  lane->pad = g_strdup (pad);
  lane->kind = kind;
  lane->rendition = -1;
  lane->number = MILL_CMAF_NONE;
  lane->bytes = g_byte_array_new ();
  lane->starts = g_array_new (FALSE, FALSE, sizeof (Start));
  g_queue_init (&lane->closed);
  mill_ts_tables_init (&lane->tables);
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->lanes, lane);
  g_mutex_unlock (&self->lock);
  return lane;
}

/* A muxed lane is what its video is, and names the codec of its audio, too. */
void
mill_ts_packager_describe (MillTsPackager *self, MillTsLane *lane,
    const MillCmafFormat *format)
{
  g_mutex_lock (&self->lock);
  g_autofree gchar *video = NULL;
  g_autofree gchar *audio = NULL;
  if (lane->format.codec != NULL) {
    g_auto (GStrv) known = g_strsplit (lane->format.codec, ",", 2);
    gboolean had_video = lane->format.kind == MILL_CMAF_VIDEO;
    video = had_video ? g_strdup (known[0]) : NULL;
    audio = g_strdup (had_video ? known[1] : known[0]);
  }
  gchar **own = format->kind == MILL_CMAF_VIDEO ? &video : &audio;
  g_free (*own);
  *own = g_strdup (format->codec);
  if (lane->format.codec == NULL || format->kind == MILL_CMAF_VIDEO)
    mill_cmaf_state_copy_format (&lane->format, format);
  lane->format.timescale = TIMESCALE;
  g_free (lane->format.codec);
  lane->format.codec = video && audio ? g_strdup_printf ("%s,%s", video, audio)
      : video                         ? g_strdup (video)
                                      : g_strdup (audio);
  lane->described = lane->kind == MILL_CMAF_AUDIO || video != NULL;
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
    close_segment_locked (lane, lane->bytes->len,
        open != NULL && GST_CLOCK_STIME_IS_VALID (open->end) ? open->end
                                                             : cut->start);
    lane->number = number;
    lane->begin = cut->start;
    for (guint i = 0; i < self->lanes->len; i++)
      if (lane_at (self, i)->kind == MILL_CMAF_AUDIO)
        cut_audio_locked (self, lane_at (self, i));
    publish_locked (self);
  }
  g_mutex_unlock (&self->lock);
  tell (self);
}

static void
take_locked (MillTsPackager *self, MillTsLane *lane, const guint8 *packets,
    gsize size, GstClockTimeDiff time)
{
  gboolean begins = mill_ts_tables_watch (&lane->tables, packets, size);
  if (lane->kind == MILL_CMAF_AUDIO && begins) {
    Start start = { .offset = lane->bytes->len, .time = time };
    /* How long the last frame lasts nobody says: as long as the one before. */
    GstClockTimeDiff step = lane->starts->len > 0
        ? time - g_array_index (lane->starts, Start, lane->starts->len - 1).time
        : 0;
    lane->end = time + MAX (step, 0);
    g_array_append_val (lane->starts, start);
    offer_audio_locked (self, time);
  }
  /* Before the first picture that can be shown there is no segment. */
  if (lane->kind == MILL_CMAF_AUDIO || lane->number != MILL_CMAF_NONE)
    g_byte_array_append (lane->bytes, packets, (guint) size);
  if (lane->bytes->len > OPEN_MAX_BYTES) {
    g_clear_error (&self->trouble);
    g_set_error (&self->trouble, MILL_STORE_ERROR, MILL_STORE_ERROR_BUSY,
        "segment of '%s': got more than %u MiB, expected a keyframe of '%s'",
        lane->pad, OPEN_MAX_BYTES >> 20, find_timing_lane (self, lane)->pad);
    g_byte_array_set_size (lane->bytes, 0);
    g_array_set_size (lane->starts, 0);
    lane->number = MILL_CMAF_NONE;
  }
  if (lane->kind == MILL_CMAF_AUDIO && begins) {
    cut_audio_locked (self, lane);
    publish_locked (self);
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
    if (!lane_at (self, i)->ended)
      return FALSE;
  return TRUE;
}

static void
finish_locked (MillTsPackager *self)
{
  GstClockTimeDiff end = 0;
  for (guint i = 0; i < self->lanes->len; i++) {
    MillTsLane *lane = lane_at (self, i);
    close_segment_locked (lane, lane->bytes->len, MAX (lane->end, lane->begin));
    if (lane->kind == MILL_CMAF_VIDEO || !has_video (self))
      end = MAX (end, lane->end);
  }
  mill_cmaf_timeline_finish (self->timeline, end);
  publish_locked (self);
  mill_cmaf_publisher_end (self->publisher);
  self->ended = TRUE;
}

void
mill_ts_packager_end_lane (MillTsPackager *self, MillTsLane *lane)
{
  g_mutex_lock (&self->lock);
  lane->ended = TRUE;
  if (lane->kind == MILL_CMAF_AUDIO)
    cut_audio_locked (self, lane);
  else
    close_segment_locked (lane, lane->bytes->len, lane->end);
  if (have_all_ended (self) && !self->ended && !self->failed)
    finish_locked (self);
  else
    publish_locked (self);
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
