/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "ts-lane.h"

/** A frame of sound in the bytes of a lane. */
typedef struct
{
  gsize offset;
  GstClockTimeDiff time;
} Start;

static void
free_closed (gpointer data)
{
  MillTsClosed *closed = data;
  g_bytes_unref (closed->bytes);
  g_free (closed);
}

MillTsLane *
mill_ts_lane_new (const gchar *pad, MillCmafKind kind)
{
  MillTsLane *self = g_new0 (MillTsLane, 1);
  self->pad = g_strdup (pad);
  self->kind = kind;
  self->rendition = -1;
  self->number = MILL_CMAF_NONE;
  self->bytes = g_byte_array_new ();
  self->starts = g_array_new (FALSE, FALSE, sizeof (Start));
  g_queue_init (&self->closed);
  mill_ts_tables_init (&self->tables);
  return self;
}

void
mill_ts_lane_free (MillTsLane *self)
{
  g_queue_clear_full (&self->closed, free_closed);
  mill_ts_tables_clear (&self->tables);
  mill_cmaf_state_clear_format (&self->format);
  g_byte_array_unref (self->bytes);
  g_array_unref (self->starts);
  g_free (self->pad);
  g_free (self);
}

/* A muxed lane is what its video is, and names the codec of its audio, too. */
void
mill_ts_lane_describe (MillTsLane *self, const MillCmafFormat *format)
{
  g_autofree gchar *video = NULL;
  g_autofree gchar *audio = NULL;
  if (self->format.codec != NULL) {
    g_auto (GStrv) known = g_strsplit (self->format.codec, ",", 2);
    gboolean had_video = self->format.kind == MILL_CMAF_VIDEO;
    video = had_video ? g_strdup (known[0]) : NULL;
    audio = g_strdup (had_video ? known[1] : known[0]);
  }
  gchar **own = format->kind == MILL_CMAF_VIDEO ? &video : &audio;
  g_free (*own);
  *own = g_strdup (format->codec);
  if (self->format.codec == NULL || format->kind == MILL_CMAF_VIDEO)
    mill_cmaf_state_copy_format (&self->format, format);
  self->format.timescale = MILL_TS_LANE_TIMESCALE;
  g_free (self->format.codec);
  self->format.codec = video && audio ? g_strdup_printf ("%s,%s", video, audio)
      : video                         ? g_strdup (video)
                                      : g_strdup (audio);
  self->described = self->kind == MILL_CMAF_AUDIO || video != NULL;
}

/* ---- the open segment ---- */

static void
note_start (MillTsLane *self, GstClockTimeDiff time)
{
  Start start = { .offset = self->bytes->len, .time = time };
  /* How long the last frame lasts nobody says: as long as the one before. */
  GstClockTimeDiff step = self->starts->len > 0
      ? time - g_array_index (self->starts, Start, self->starts->len - 1).time
      : 0;
  self->end = time + MAX (step, 0);
  g_array_append_val (self->starts, start);
}

gboolean
mill_ts_lane_take (MillTsLane *self, const guint8 *packets, gsize size,
    GstClockTimeDiff time)
{
  gboolean begins = mill_ts_tables_watch (&self->tables, packets, size) &&
      self->kind == MILL_CMAF_AUDIO;
  if (begins)
    note_start (self, time);
  /* Before the first picture that can be shown there is no segment. */
  if (self->kind == MILL_CMAF_AUDIO || self->number != MILL_CMAF_NONE)
    g_byte_array_append (self->bytes, packets, (guint) size);
  return begins;
}

void
mill_ts_lane_begin (MillTsLane *self, guint64 number, GstClockTimeDiff begin)
{
  self->number = number;
  self->begin = begin;
}

void
mill_ts_lane_close (MillTsLane *self, gsize size, GstClockTimeDiff end)
{
  if (self->number != MILL_CMAF_NONE && size > 0) {
    MillTsClosed *closed = g_new (MillTsClosed, 1);
    *closed = (MillTsClosed){
      .number = self->number,
      .bytes = mill_ts_tables_finish_segment (&self->tables, self->bytes->data,
          size),
      .begin = self->begin,
      .end = end,
    };
    g_queue_push_tail (&self->closed, closed);
    self->reached = self->number + 1;
  }
  g_byte_array_remove_range (self->bytes, 0, (guint) size);
}

void
mill_ts_lane_drop (MillTsLane *self)
{
  g_byte_array_set_size (self->bytes, 0);
  g_array_set_size (self->starts, 0);
  self->number = MILL_CMAF_NONE;
}

/* ---- sound ---- */

/* The segment of @cut begins with frame @i. */
static void
begin_at (MillTsLane *self, const MillCmafCut *cut, guint i)
{
  const Start *start = &g_array_index (self->starts, Start, i);
  gsize offset = start->offset;
  mill_ts_lane_begin (self, cut->number, start->time);
  g_array_remove_range (self->starts, 0, i);
  for (guint k = 0; k < self->starts->len; k++)
    g_array_index (self->starts, Start, k).offset -= offset;
}

void
mill_ts_lane_cut (MillTsLane *self, const MillCmafTimeline *timeline,
    guint64 least)
{
  for (;;) {
    const MillCmafCut *next = mill_cmaf_timeline_find (timeline,
        self->number == MILL_CMAF_NONE ? MAX (least, self->reached)
                                       : self->number + 1);
    guint i = 0;
    while (next != NULL && i < self->starts->len &&
        g_array_index (self->starts, Start, i).time < next->start)
      i++;
    if (next == NULL)
      return;
    if (i == self->starts->len) {
      if (self->ended) {
        mill_ts_lane_close (self, self->bytes->len, self->end);
        mill_ts_lane_drop (self);
      }
      return;
    }
    const Start *start = &g_array_index (self->starts, Start, i);
    mill_ts_lane_close (self, start->offset, start->time);
    begin_at (self, next, i);
  }
}

/* ---- what waits to be listed ---- */

const MillTsClosed *
mill_ts_lane_find (const MillTsLane *self, guint64 number)
{
  for (GList *item = self->closed.head; item != NULL; item = item->next)
    if (((const MillTsClosed *) item->data)->number == number)
      return item->data;
  return NULL;
}

gsize
mill_ts_lane_get_waiting (const MillTsLane *self)
{
  gsize bytes = 0;
  for (GList *item = self->closed.head; item != NULL; item = item->next)
    bytes += g_bytes_get_size (((const MillTsClosed *) item->data)->bytes);
  return bytes;
}

void
mill_ts_lane_retire (MillTsLane *self, guint64 number)
{
  while (self->closed.head != NULL &&
      ((const MillTsClosed *) self->closed.head->data)->number < number)
    free_closed (g_queue_pop_head (&self->closed));
}
