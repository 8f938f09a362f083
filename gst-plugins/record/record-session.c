/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "record-session.h"

/* A track that the others wait for gets this much of their time, where time is
 * what passes, and of memory. */
#define HOLD_NS ((GstClockTimeDiff) (10 * GST_SECOND))
#define HOLD_BYTES (64u << 20)
/* Media time from a file that could not be written to the next. */
#define RETRY_NS ((GstClockTimeDiff) (10 * GST_SECOND))
/* A hole that is longer has a new file behind it. In an MP4's index (ISO/IEC
 * 14496-12, 8.6.1.2) a frame lasts 32 bits of ticks at the most: some hours, not
 * as many of sound as of pictures. */
#define HOLE_NS ((GstClockTimeDiff) (3600 * GST_SECOND))
#define NOT_THERE (-1)

typedef struct
{
  MillCmafInput input;
  GstBuffer *buffer;
} Frame;

struct _MillRecordTrack
{
  MillCmafKind kind;
  MillRecordFormat format;
  gboolean has_format;
  gboolean ended;
  gboolean passed; /* is in the open file; that before has all of it */
  gint slot; /* in the open file */
  gint last_slot; /* in the file before */
  gboolean left_out; /* frames of it are in no file for want of a place */
  GQueue frames; /* Frame */
};

struct _MillRecordSession
{
  MillRecordSettings settings;
  GPtrArray *tracks;
  MillRecordTake *take; /* (nullable): open */
  MillRecordTake *last; /* (nullable): the one before, while tracks are in it */
  GstClockTimeDiff position; /* of the leading track */
  GstClockTimeDiff pictures; /* the same, of video */
  GstClockTimeDiff retry; /* no file before this */
  gboolean skipped; /* what came before the next file is not in any */
  gboolean stopped; /* by an error, or off */
  gboolean is_off; /* it has no location */
  gsize held; /* bytes in frames */
  GstClockTimeDiff hold; /* how long the first file waits for a track */
  GQueue takes; /* MillRecordTake */
  GQueue errors; /* GError */
};

static void
free_frame (Frame *frame)
{
  gst_buffer_unref (frame->buffer);
  g_free (frame);
}

static void
free_track (MillRecordTrack *track)
{
  g_queue_clear_full (&track->frames, (GDestroyNotify) free_frame);
  mill_record_format_clear (&track->format);
  g_free (track);
}

MillRecordSession *
mill_record_session_new (const MillRecordSettings *settings)
{
  MillRecordSession *self = g_new0 (MillRecordSession, 1);
  self->settings = *settings;
  self->settings.location = g_strdup (settings->location);
  self->tracks = g_ptr_array_new_with_free_func ((GDestroyNotify) free_track);
  self->retry = G_MININT64;
  self->position = G_MININT64;
  self->pictures = G_MININT64;
  self->hold = HOLD_NS;
  self->stopped = *self->settings.location == '\0';
  self->is_off = self->stopped;
  return self;
}

void
mill_record_session_free (MillRecordSession *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->tracks);
  mill_record_take_free (self->take);
  mill_record_take_free (self->last);
  g_queue_clear_full (&self->takes, (GDestroyNotify) mill_record_take_free);
  g_queue_clear_full (&self->errors, (GDestroyNotify) g_error_free);
  g_free (self->settings.location);
  g_free (self);
}

static MillRecordTrack *
track_at (const MillRecordSession *self, guint i)
{
  return g_ptr_array_index (self->tracks, i);
}

static Frame *
head_of (MillRecordTrack *track)
{
  return g_queue_peek_head (&track->frames);
}

static Frame *
pop (MillRecordSession *self, MillRecordTrack *track)
{
  Frame *frame = g_queue_pop_head (&track->frames);
  self->held -= frame->input.size;
  return frame;
}

static void
drop (MillRecordSession *self, MillRecordTrack *track)
{
  free_frame (pop (self, track));
}

/* Nothing comes of it, not even what came. */
static gboolean
is_gone (MillRecordTrack *track)
{
  return track->ended && head_of (track) == NULL;
}

/* Returns: (nullable): the track whose keyframes begin files */
static MillRecordTrack *
find_lead (const MillRecordSession *self)
{
  MillRecordTrack *sound = NULL;
  for (guint i = 0; i < self->tracks->len; i++) {
    MillRecordTrack *track = track_at (self, i);
    if (is_gone (track))
      continue;
    if (track->kind == MILL_CMAF_VIDEO)
      return track;
    if (sound == NULL)
      sound = track;
  }
  return sound;
}

static gboolean
has_all_ended (const MillRecordSession *self)
{
  for (guint i = 0; i < self->tracks->len; i++)
    if (!track_at (self, i)->ended)
      return FALSE;
  return TRUE;
}

/* ---- errors ---- */

static void
close_last (MillRecordSession *self)
{
  if (self->last != NULL)
    g_queue_push_tail (&self->takes, g_steal_pointer (&self->last));
}

/* @error: (transfer full) */
static void
fail (MillRecordSession *self, GError *error)
{
  close_last (self);
  g_clear_pointer (&self->take, mill_record_take_free);
  if (self->settings.on_error == MILL_RECORD_STOP)
    self->stopped = TRUE;
  else
    g_prefix_error (&error,
        "the recording goes on in a new file after %d s, at a keyframe: ",
        (gint) (RETRY_NS / GST_SECOND));
  self->retry = self->position == G_MININT64 ? G_MININT64
                                             : self->position + RETRY_NS;
  self->skipped = TRUE;
  g_queue_push_tail (&self->errors, error);
}

/* The end of the file before could not be written: the open one is not to blame,
 * and goes on. @error: (transfer full) */
static void
lose_last (MillRecordSession *self, GError *error)
{
  g_clear_pointer (&self->last, mill_record_take_free);
  if (self->settings.on_error == MILL_RECORD_STOP)
    self->stopped = TRUE;
  else
    g_prefix_error (&error, "the recording goes on in the file after it: ");
  g_queue_push_tail (&self->errors, error);
}

/* ---- files ---- */

/* Gives each track that is there a place in the next file. */
static GArray *
choose_tracks (MillRecordSession *self)
{
  GArray *formats = g_array_new (FALSE, FALSE, sizeof (MillRecordFormat));
  for (guint i = 0; i < self->tracks->len; i++) {
    MillRecordTrack *track = track_at (self, i);
    track->last_slot = track->slot;
    track->passed = self->last == NULL;
    track->slot = NOT_THERE;
    track->left_out = FALSE;
    if (!track->has_format || is_gone (track))
      continue;
    track->slot = (gint) formats->len;
    g_array_append_val (formats, track->format);
  }
  return formats;
}

static gboolean
open_take (MillRecordSession *self, GstClockTimeDiff begin)
{
  GError *error = NULL;
  g_autoptr (GArray) formats = choose_tracks (self);
  MillRecordTakeOptions options = {
    .location = self->settings.location,
    .container = self->settings.container,
    .begin = begin,
    .tracks = (const MillRecordFormat *) formats->data,
    .n_tracks = formats->len,
  };
  self->take = mill_record_take_new (&options, &error);
  if (self->take != NULL) {
    self->skipped = FALSE;
    return TRUE;
  }
  self->position = MAX (self->position, begin);
  fail (self, error);
  return FALSE;
}

static GstClockTimeDiff
get_span (MillRecordTrack *track)
{
  const Frame *first = g_queue_peek_head (&track->frames);
  const Frame *newest = g_queue_peek_tail (&track->frames);
  return first != NULL ? newest->input.pts - first->input.pts : 0;
}

/* The first file waits until it is known what comes, but not for ever. */
static gboolean
is_settled (MillRecordSession *self, MillRecordTrack *lead)
{
  if (has_all_ended (self) || get_span (lead) > self->hold ||
      self->held > HOLD_BYTES)
    return TRUE;
  for (guint i = 0; i < self->tracks->len; i++)
    if (!track_at (self, i)->ended && head_of (track_at (self, i)) == NULL)
      return FALSE;
  return TRUE;
}

/* Drops what no file can begin with. */
static void
skip_to_start (MillRecordSession *self, MillRecordTrack *track,
    GstClockTimeDiff earliest)
{
  const Frame *frame;
  while ((frame = head_of (track)) != NULL &&
      (!frame->input.sync || frame->input.pts < earliest)) {
    self->skipped = TRUE;
    drop (self, track);
  }
}

/* Where the first file begins: with the first frame of any track, when all are
 * there from their beginning; otherwise with the leading one's. */
static GstClockTimeDiff
find_begin (MillRecordSession *self, MillRecordTrack *lead)
{
  GstClockTimeDiff begin = head_of (lead)->input.pts;
  for (guint i = 0; i < self->tracks->len; i++) {
    MillRecordTrack *track = track_at (self, i);
    if (track == lead)
      continue;
    if (self->skipped)
      skip_to_start (self, track, begin);
    else if (head_of (track) != NULL && head_of (track)->input.sync)
      begin = MIN (begin, head_of (track)->input.pts);
  }
  return begin;
}

static gboolean
open_first (MillRecordSession *self)
{
  MillRecordTrack *lead = find_lead (self);
  if (lead == NULL)
    return FALSE;
  skip_to_start (self, lead, self->retry);
  if (head_of (lead) == NULL || !is_settled (self, lead))
    return FALSE;
  return open_take (self, find_begin (self, lead));
}

/* A track that is not in the open file has something to say. */
static gboolean
has_outsider (const MillRecordSession *self)
{
  for (guint i = 0; i < self->tracks->len; i++) {
    MillRecordTrack *track = track_at (self, i);
    if (track->has_format && track->slot == NOT_THERE &&
        (track->left_out || head_of (track) != NULL))
      return TRUE;
  }
  return FALSE;
}

/* What sound goes on for when the pictures have ended is no file of its own. */
static gboolean
is_rest (const MillRecordSession *self, const MillRecordTrack *lead,
    const Frame *frame)
{
  return lead->kind == MILL_CMAF_AUDIO && self->pictures != G_MININT64 &&
      frame->input.pts - self->pictures < HOLD_NS;
}

static gboolean
is_cut (const MillRecordSession *self, const MillRecordTrack *lead,
    const Frame *frame)
{
  const MillRecordSettings *settings = &self->settings;
  GstClockTimeDiff begin = mill_record_take_get_begin (self->take);
  if (!frame->input.sync || frame->input.pts <= begin ||
      is_rest (self, lead, frame))
    return FALSE;
  if (self->position != G_MININT64 &&
      frame->input.pts - self->position > HOLE_NS)
    return TRUE;
  if (settings->rotate_duration > 0 &&
      frame->input.pts - begin >= (GstClockTimeDiff) settings->rotate_duration)
    return TRUE;
  if (settings->rotate_bytes > 0 &&
      mill_record_take_get_bytes (self->take) >= settings->rotate_bytes)
    return TRUE;
  if (settings->max_index_bytes > 0 &&
      mill_record_take_get_index_bytes (self->take) >=
          settings->max_index_bytes)
    return TRUE;
  return has_outsider (self);
}

static gboolean
cut (MillRecordSession *self, GstClockTimeDiff begin)
{
  close_last (self);
  self->last = g_steal_pointer (&self->take);
  return open_take (self, begin);
}

/* ---- frames ---- */

/* Whether @frame is the first of @track in the open file. */
static gboolean
passes (const MillRecordSession *self, const MillRecordTrack *track,
    const Frame *frame)
{
  return frame->input.pts >= mill_record_take_get_begin (self->take) &&
      (track->kind == MILL_CMAF_AUDIO || frame->input.sync);
}

/* Puts the oldest frame of @track where it belongs. */
static void
place (MillRecordSession *self, MillRecordTrack *track)
{
  g_autofree Frame *frame = pop (self, track);
  MillRecordTake *take = self->take;
  GError *error = NULL;
  track->passed |= passes (self, track, frame);
  track->left_out |= track->slot == NOT_THERE;
  gint slot = track->slot;
  if (!track->passed) {
    take = self->last;
    slot = track->last_slot;
  } else if (frame->input.pts < mill_record_take_get_begin (take) &&
      track->kind == MILL_CMAF_AUDIO) {
    slot = NOT_THERE;
  }
  if (take == NULL || slot == NOT_THERE) {
    gst_buffer_unref (frame->buffer);
    return;
  }
  if (!mill_record_take_push (take, (guint) slot, &frame->input, frame->buffer,
          &error)) {
    if (take == self->last)
      lose_last (self, error);
    else
      fail (self, error);
  }
}

static void
place_lead (MillRecordSession *self, MillRecordTrack *lead)
{
  const Frame *frame;
  while (self->take != NULL && (frame = head_of (lead)) != NULL) {
    if (is_cut (self, lead, frame) && !cut (self, frame->input.pts))
      return;
    self->position = MAX (self->position, frame->input.pts);
    if (lead->kind == MILL_CMAF_VIDEO)
      self->pictures = self->position;
    place (self, lead);
  }
}

/* What the leading track has passed cannot be in a file that is yet to begin. */
static void
place_others (MillRecordSession *self, const MillRecordTrack *lead)
{
  for (guint i = 0; i < self->tracks->len; i++) {
    MillRecordTrack *track = track_at (self, i);
    const Frame *frame;
    while (track != lead && self->take != NULL &&
        (frame = head_of (track)) != NULL &&
        (lead == NULL || frame->input.pts <= self->position ||
            get_span (track) > HOLD_NS || self->held > HOLD_BYTES))
      place (self, track);
  }
}

/* The file before is whole when no track has anything for it. */
static void
close_if_passed (MillRecordSession *self)
{
  if (self->last == NULL || self->take == NULL)
    return;
  for (guint i = 0; i < self->tracks->len; i++) {
    MillRecordTrack *track = track_at (self, i);
    if (!track->passed && track->last_slot != NOT_THERE && !is_gone (track) &&
        self->position - mill_record_take_get_begin (self->take) < HOLD_NS)
      return;
  }
  close_last (self);
}

static void
close_all (MillRecordSession *self)
{
  close_last (self);
  if (self->take != NULL)
    g_queue_push_tail (&self->takes, g_steal_pointer (&self->take));
}

/* Of what waits for a file that does not begin, the oldest goes. */
static void
limit_held (MillRecordSession *self)
{
  for (guint i = 0; i < self->tracks->len; i++)
    while (get_span (track_at (self, i)) > self->hold ||
        (self->held > HOLD_BYTES && head_of (track_at (self, i)) != NULL)) {
      self->skipped = TRUE;
      drop (self, track_at (self, i));
    }
}

static void
forget_all (MillRecordSession *self)
{
  for (guint i = 0; i < self->tracks->len; i++)
    while (head_of (track_at (self, i)) != NULL)
      drop (self, track_at (self, i));
}

static void
advance (MillRecordSession *self)
{
  if (self->take == NULL && !self->stopped && !open_first (self))
    limit_held (self);
  for (MillRecordTrack *lead = find_lead (self); self->take != NULL;
       lead = find_lead (self)) {
    if (lead != NULL)
      place_lead (self, lead);
    place_others (self, find_lead (self));
    if (lead == find_lead (self))
      break;
  }
  close_if_passed (self);
  if (has_all_ended (self) || self->stopped) {
    forget_all (self);
    close_all (self);
  }
}

/* ---- exported ---- */

MillRecordTrack *
mill_record_session_add_track (MillRecordSession *self, MillCmafKind kind)
{
  MillRecordTrack *track = g_new0 (MillRecordTrack, 1);
  track->kind = kind;
  track->slot = NOT_THERE;
  track->last_slot = NOT_THERE;
  g_queue_init (&track->frames);
  g_ptr_array_add (self->tracks, track);
  return track;
}

void
mill_record_session_set_patient (MillRecordSession *self)
{
  self->hold = G_MAXINT64;
}

void
mill_record_session_set_format (MillRecordSession *self, MillRecordTrack *track,
    const MillRecordFormat *format)
{
  if (track->has_format && mill_record_format_equals (&track->format, format))
    return;
  /* What came before is of the format before. */
  while (head_of (track) != NULL && self->take != NULL && track->slot >= 0)
    place (self, track);
  while (head_of (track) != NULL)
    drop (self, track);
  track->slot = NOT_THERE;
  mill_record_format_clear (&track->format);
  mill_record_format_copy (&track->format, format);
  track->has_format = TRUE;
}

gboolean
mill_record_session_push (MillRecordSession *self, MillRecordTrack *track,
    const MillCmafInput *input, GstBuffer *buffer)
{
  if (self->stopped || track->ended || !track->has_format) {
    gst_buffer_unref (buffer);
    return !self->stopped || self->is_off;
  }
  Frame *frame = g_new (Frame, 1);
  *frame = (Frame){ *input, buffer };
  g_queue_push_tail (&track->frames, frame);
  self->held += input->size;
  advance (self);
  return !self->stopped;
}

void
mill_record_session_end_track (MillRecordSession *self, MillRecordTrack *track)
{
  track->ended = TRUE;
  advance (self);
}

void
mill_record_session_flush (MillRecordSession *self, MillRecordTrack *track)
{
  while (head_of (track) != NULL)
    drop (self, track);
  track->ended = FALSE;
  /* Running time begins again: in the open file it would be in the past, which
   * has no place there. */
  close_all (self);
  self->position = self->pictures = self->retry = G_MININT64;
  self->skipped = TRUE;
}

MillRecordTake *
mill_record_session_pop_take (MillRecordSession *self)
{
  return g_queue_pop_head (&self->takes);
}

GError *
mill_record_session_pop_error (MillRecordSession *self)
{
  return g_queue_pop_head (&self->errors);
}

gboolean
mill_record_session_is_over (const MillRecordSession *self)
{
  return self->tracks->len > 0 && has_all_ended (self) && self->take == NULL &&
      self->last == NULL;
}

const MillRecordTake *
mill_record_session_get_take (const MillRecordSession *self)
{
  return self->take;
}
