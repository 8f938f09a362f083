/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmafsink-test.h"

/*
 * Several videos, as they come from a pass-through and a ladder in another
 * process: each with a lag of its own behind the source, which may stop and
 * come back. And a reader of media playlists.
 */

#define MAX_RUNGS 5

/** One video. @begin: first frame it has; @last: frames it has pushed */
typedef struct
{
  const gchar *name;
  GstHarness *harness;
  guint lag; /* frames behind the source */
  guint next; /* frame */
  guint every; /* 2: half of the source's rate */
  gboolean away;
  gboolean discont;
  gsize size; /* of its frames */
} Rung;

typedef struct
{
  Fixture f;
  Rung rungs[MAX_RUNGS];
  guint n;
  guint gop;
  const guint *keyframes; /* (nullable): in place of @gop; 0 ends it */
  guint now; /* frames of the source */
} Ladder;

static inline void
ladder_add (Ladder *self, const gchar *name, guint lag)
{
  Rung *rung = &self->rungs[self->n];
  g_autofree gchar *pad = g_strdup_printf ("video_%u", self->n);
  rung->name = name;
  rung->lag = lag;
  rung->every = 1;
  rung->size = 2000 - 400 * self->n++;
  rung->harness = fixture_add (&self->f, pad, NULL);
  g_autofree gchar *property = g_strdup_printf ("%s::name", pad);
  gst_child_proxy_set (GST_CHILD_PROXY (self->f.sink), property, name, NULL);
  gst_harness_set_src_caps (rung->harness, video_caps ());
}

/* Pads are there before data, as in a planned graph; caps of rungs too. */
static inline void
ladder_init (Ladder *self, guint n, guint lag)
{
  static const gchar *const names[] = { "top", "mid", "low", "min", "tiny" };
  self->gop = self->gop ? self->gop : 50;
  for (guint i = 0; i < n; i++)
    ladder_add (self, names[i], i == 0 ? 0 : lag);
}

static inline void
ladder_clear (Ladder *self)
{
  gst_element_set_state (self->f.sink, GST_STATE_NULL);
  for (guint i = 0; i < self->n; i++)
    g_clear_pointer (&self->rungs[i].harness, gst_harness_teardown);
  if (self->f.dir != NULL)
    fixture_clear (&self->f);
  else
    fixture_stop (&self->f);
}

static inline gboolean
ladder_is_keyframe (const Ladder *self, guint frame)
{
  if (self->keyframes == NULL)
    return frame % self->gop == 0;
  for (guint i = 0; self->keyframes[i] != 0; i++)
    if (self->keyframes[i] == frame)
      return TRUE;
  return frame == 0;
}

/* Encoded frames are larger where the rung is, so that bit rates differ. */
static inline GstFlowReturn
ladder_push_frame (Ladder *self, Rung *rung, guint frame)
{
  gboolean idr = ladder_is_keyframe (self, frame);
  GstBuffer *buffer = make_frame (idr, rung->size);
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = frame * FRAME_NS;
  GST_BUFFER_DURATION (buffer) = rung->every * FRAME_NS;
  if (rung->discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  rung->discont = FALSE;
  return gst_harness_push (rung->harness, buffer);
}

/* Frame parity of a slower rung starts anew at each keyframe. */
static inline gboolean
ladder_is_kept (const Ladder *self, const Rung *rung, guint frame)
{
  guint back = 0;
  while (!ladder_is_keyframe (self, frame - back))
    back++;
  return back % rung->every == 0;
}

/* The source goes on to frame @to; each rung follows with its lag. */
static inline void
ladder_run (Ladder *self, guint to)
{
  for (; self->now < to; self->now++) {
    for (guint i = 0; i < self->n; i++) {
      Rung *rung = &self->rungs[i];
      for (; !rung->away && rung->next + rung->lag <= self->now; rung->next++)
        if (ladder_is_kept (self, rung, rung->next))
          g_assert_cmpint (ladder_push_frame (self, rung, rung->next), ==,
              GST_FLOW_OK);
    }
    if (self->f.audio != NULL) {
      GstHarness *video = g_steal_pointer (&self->f.video);
      push_both (&self->f, 0, self->now, self->now + 1, 50);
      self->f.video = video;
    }
  }
}

static inline void
ladder_stop_rungs (Ladder *self)
{
  for (guint i = 1; i < self->n; i++)
    self->rungs[i].away = TRUE;
}

/* As after a restart of their process: from @frame on (the last keyframe of
 * the source), flagged, in a new segment event. */
static inline void
ladder_return_rungs (Ladder *self, guint frame)
{
  for (guint i = 1; i < self->n; i++) {
    GstSegment segment;
    gst_segment_init (&segment, GST_FORMAT_TIME);
    gst_harness_push_event (self->rungs[i].harness,
        gst_event_new_segment (&segment));
    self->rungs[i].away = FALSE;
    self->rungs[i].discont = TRUE;
    self->rungs[i].next = frame;
  }
}

/* Encoders give what they have left before they end. */
static inline void
ladder_eos (Ladder *self)
{
  for (guint i = 0; i < self->n; i++)
    self->rungs[i].lag = 0;
  self->now--;
  GstHarness *audio = g_steal_pointer (&self->f.audio);
  ladder_run (self, self->now + 1);
  self->f.audio = audio;
  for (guint i = 0; i < self->n; i++)
    if (!self->rungs[i].away)
      g_assert_true (gst_harness_push_event (self->rungs[i].harness,
          gst_event_new_eos ()));
  if (self->f.audio != NULL)
    g_assert_true (gst_harness_push_event (self->f.audio,
        gst_event_new_eos ()));
}

/* ---- playlists ---- */

typedef struct
{
  gchar uri[64];
  gdouble duration;
  gboolean gap;
  gboolean discontinuity;
} Entry;

static inline GArray *
read_playlist (Fixture *f, const gchar *rendition)
{
  g_autofree gchar *name = g_build_filename (rendition, "playlist.m3u8", NULL);
  g_autofree gchar *text = read_text (f, name);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  GArray *entries = g_array_new (FALSE, TRUE, sizeof (Entry));
  Entry entry = { 0 };
  for (guint i = 0; lines[i] != NULL; i++) {
    if (g_str_has_prefix (lines[i], "#EXTINF:"))
      entry.duration = g_ascii_strtod (lines[i] + 8, NULL);
    entry.gap |= g_str_equal (lines[i], "#EXT-X-GAP");
    entry.discontinuity |= g_str_equal (lines[i], "#EXT-X-DISCONTINUITY");
    if (lines[i][0] == '#' || lines[i][0] == '\0')
      continue;
    g_strlcpy (entry.uri, lines[i], sizeof entry.uri);
    g_array_append_val (entries, entry);
    entry = (Entry){ 0 };
  }
  return entries;
}

static inline guint
count_gaps (Fixture *f, const gchar *rendition)
{
  g_autoptr (GArray) entries = read_playlist (f, rendition);
  guint n = 0;
  for (guint i = 0; i < entries->len; i++)
    n += g_array_index (entries, Entry, i).gap;
  return n;
}

static inline MillBmffSegment *
open_segment (Fixture *f, const gchar *rendition, const Entry *entry)
{
  g_autofree gchar *name = g_build_filename (rendition, entry->uri, NULL);
  return read_segment (f, name);
}

/* From the bytes: every segment that is listed as media of two videos begins
 * in both with an IDR, at the same integer decoding and presentation time; the
 * playlists have the same segments, discontinuities and durations.
 * Returns: how many segments both have */
static inline guint
assert_aligned (Fixture *f, const gchar *one, const gchar *other)
{
  g_autoptr (GArray) a = read_playlist (f, one);
  g_autoptr (GArray) b = read_playlist (f, other);
  guint both = 0;
  g_assert_cmpuint (a->len, ==, b->len);
  for (guint i = 0; i < a->len; i++) {
    const Entry *first = &g_array_index (a, Entry, i);
    const Entry *second = &g_array_index (b, Entry, i);
    g_assert_cmpstr (first->uri, ==, second->uri);
    g_assert_cmpint (first->discontinuity, ==, second->discontinuity);
    g_assert_cmpfloat (first->duration, ==, second->duration);
    if (first->gap || second->gap)
      continue;
    g_autoptr (MillBmffSegment) left = open_segment (f, one, first);
    g_autoptr (MillBmffSegment) right = open_segment (f, other, second);
    MillBmffSegmentSample x = sample_of (left, 0);
    MillBmffSegmentSample y = sample_of (right, 0);
    g_assert_cmpuint (x.decode_time, ==, y.decode_time);
    g_assert_cmpint (x.composition_offset, ==, y.composition_offset);
    g_assert_cmpuint (x.flags, ==, y.flags);
    both++;
  }
  return both;
}

static inline GPtrArray *
read_states (Fixture *f)
{
  GPtrArray *states = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GstStructure) stats = NULL;
  g_object_get (f->sink, "stats", &stats, NULL);
  const GValue *list = gst_structure_get_value (stats, "renditions");
  for (guint i = 0; i < gst_value_array_get_size (list); i++) {
    const GstStructure *rendition =
        gst_value_get_structure (gst_value_array_get_value (list, i));
    g_ptr_array_add (states,
        g_strdup_printf ("%s %s", gst_structure_get_string (rendition, "name"),
            gst_structure_get_string (rendition, "state")));
  }
  return states;
}

static inline gboolean
has_state (Fixture *f, const gchar *state)
{
  g_autoptr (GPtrArray) states = read_states (f);
  return g_ptr_array_find_with_equal_func (states, state, g_str_equal, NULL);
}
