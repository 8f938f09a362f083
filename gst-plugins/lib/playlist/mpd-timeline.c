/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/mpd-timeline.h"

#include "playlist/mpd-private.h"
#include "playlist/sliding-list.h"
#include "playlist/text-pieces.h"

/* Elements around S: MPD, Period, AdaptationSet, Representation,
 * SegmentTemplate, SegmentTimeline. */
#define DEPTH 6

/**
 * Run: segments of equal duration without a hole, one S element
 * @follows: begins where the run before it ends, so that its time is not told
 * @length: of its text; 0: it has none yet
 */
typedef struct
{
  guint64 number;
  guint64 time;
  guint64 duration;
  guint64 count;
  gboolean follows;
  guint32 length;
} Run;

/* Text is kept of the runs between the first, which loses segments, and the
 * last, which gets them. */
struct _MillMpdTimeline
{
  guint64 earliest; /* where the next segment may begin */
  guint64 hole; /* number before which one is missing; 0: none is */
  MillSlidingList *runs; /* Run, complete */
  MillTextPieces *text; /* of @runs but the first */
  Run open; /* count 0: there is none */
  Run last; /* a segment that the next one may shorten; count 0: none */
};

MillMpdTimeline *
mill_mpd_timeline_new (guint64 earliest)
{
  MillMpdTimeline *self = g_new0 (MillMpdTimeline, 1);

  self->earliest = earliest;
  self->runs = mill_sliding_list_new (sizeof (Run));
  self->text = mill_text_pieces_new ();
  return self;
}

void
mill_mpd_timeline_free (MillMpdTimeline *self)
{
  mill_sliding_list_free (self->runs);
  mill_text_pieces_free (self->text);
  g_free (self);
}

static Run *
first_run (const MillMpdTimeline *self)
{
  return &g_array_index (self->runs, Run, 0);
}

static guint64
get_end (const Run *run)
{
  return run->time + run->count * run->duration;
}

static gboolean
continues (const Run *run, const Run *next)
{
  return run->duration == next->duration && get_end (run) == next->time &&
      run->number + run->count == next->number;
}

/* One S (23009-1 5.3.9.6). */
static void
write_run (MillMpdXml *xml, const Run *run, gboolean with_time)
{
  mill_mpd_xml_start_element (xml, "S");
  if (with_time)
    mill_mpd_xml_put_number (xml, "t", run->time);
  mill_mpd_xml_put_number (xml, "d", run->duration);
  if (run->count > 1)
    mill_mpd_xml_put_number (xml, "r", run->count - 1);
  mill_mpd_xml_end_element (xml);
}

/* The open run is complete. */
static void
close_run (MillMpdTimeline *self)
{
  MillMpdXml xml = { .depth = DEPTH };

  if (self->open.count == 0)
    return;
  if (self->runs->len > 0) {
    xml.text = mill_text_pieces_begin (self->text);
    write_run (&xml, &self->open, !self->open.follows);
    self->open.length = (guint32) mill_text_pieces_end (self->text);
  }
  mill_sliding_list_append (self->runs, &self->open);
}

/* The last segment will not be shortened any more. */
static void
settle_last (MillMpdTimeline *self)
{
  if (self->last.count == 0)
    return;
  if (self->open.count > 0 && continues (&self->open, &self->last)) {
    self->open.count++;
    return;
  }
  self->last.follows = self->open.count > 0 &&
      get_end (&self->open) == self->last.time;
  close_run (self);
  self->open = self->last;
}

void
mill_mpd_timeline_append (MillMpdTimeline *self, guint64 number, gint64 time,
    guint64 duration)
{
  gint64 start = MAX (time, (gint64) self->earliest);
  gint64 end = time + (gint64) duration;
  Run *last = &self->last;

  if (end <= start)
    return;
  if (last->count > 0) {
    last->duration = MIN (last->duration, (guint64) start - last->time);
    if (number != last->number + 1)
      self->hole = number;
  }
  settle_last (self);
  self->last = (Run){
    .number = number,
    .time = (guint64) start,
    .duration = (guint64) (end - start),
    .count = 1,
  };
  self->earliest = (guint64) start + 1;
}

/* Takes what is before @number out of @run. Returns: whether nothing is left */
static gboolean
shorten (Run *run, guint64 number)
{
  guint64 n = number > run->number ? MIN (number - run->number, run->count) : 0;

  run->number += n;
  run->time += n * run->duration;
  run->count -= n;
  return run->count == 0;
}

void
mill_mpd_timeline_retire (MillMpdTimeline *self, guint64 number)
{
  while (self->runs->len > 0 && shorten (first_run (self), number)) {
    mill_sliding_list_remove_first (self->runs, 1);
    if (self->runs->len > 0)
      mill_text_pieces_remove_first (self->text, first_run (self)->length);
  }
  if (self->runs->len == 0 && shorten (&self->open, number))
    shorten (&self->last, number);
}

gsize
mill_mpd_timeline_get_length (const MillMpdTimeline *self)
{
  if (self->last.count == 0)
    return 0;
  return (gsize) (self->last.number - mill_mpd_timeline_get_first (self)) + 1;
}

guint64
mill_mpd_timeline_get_first (const MillMpdTimeline *self)
{
  if (self->runs->len > 0)
    return first_run (self)->number;
  return self->open.count > 0 ? self->open.number : self->last.number;
}

gboolean
mill_mpd_timeline_is_consecutive (const MillMpdTimeline *self)
{
  return self->hole == 0 || self->last.count == 0 ||
      mill_mpd_timeline_get_first (self) >= self->hole;
}

/* What gets segments: the open run and the last one, maybe as one. */
static void
write_end (const MillMpdTimeline *self, MillMpdXml *xml)
{
  const Run *last = &self->last;
  Run run = self->open;
  gboolean is_first = self->runs->len == 0;
  gboolean joins = run.count > 0 && last->count > 0 && continues (&run, last);

  if (joins)
    run.count++;
  if (run.count > 0)
    write_run (xml, &run, is_first || !run.follows);
  if (last->count > 0 && !joins)
    write_run (xml, last, run.count == 0 || get_end (&run) != last->time);
}

void
mill_mpd_timeline_write (const MillMpdTimeline *self, MillMpdXml *xml)
{
  g_assert (xml->depth == DEPTH);
  if (self->runs->len > 0) {
    write_run (xml, first_run (self), TRUE);
    mill_text_pieces_copy (self->text, xml->text);
  }
  write_end (self, xml);
}
