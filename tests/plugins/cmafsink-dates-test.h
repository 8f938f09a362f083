/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmafsink-test.h"

/* A publisher whose first pictures waited until it connected, and the dates that
 * its segments get. Time is that of a test clock: media comes when a test
 * says. */

#define MS ((gint64) 1000) /* in µs */
#define GOP 50
/* Running time at which a publisher connects; where sources lay their first
 * sample. */
#define START_NS (61 * GST_SECOND)

/* Playlists cut dates to milliseconds. */
#define CUT_US (1 * MS)

/**
 * Take: what a publisher sends, one after the other
 * @waiting: how many pictures it had when it connected
 * @start: running time of picture 0
 * @begin_us, @end_us: wall clock before and after the first sample was pushed
 */
typedef struct
{
  guint waiting;
  GstClockTime start;
  gint64 begin_us;
  gint64 end_us;
} Take;

static inline void
push_frame (GstHarness *harness, guint i, GstClockTime time,
    GstClockTime arrival, gboolean discont)
{
  GstBuffer *buffer = make_frame (i % GOP == 0, 100);
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = time;
  GST_BUFFER_DURATION (buffer) = FRAME_NS;
  if (discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  wait_for (harness, arrival);
  g_assert_cmpint (gst_harness_push (harness, buffer), ==, GST_FLOW_OK);
}

/* Pictures @from to @to: those that waited come when it connects, others when
 * they are taken. */
static inline void
publish (Fixture *f, Take *take, guint from, guint to)
{
  for (guint i = from; i < to; i++) {
    GstClockTime time = take->start + i * FRAME_NS;
    GstClockTime arrival = i < take->waiting ? take->start
                                             : time - take->waiting * FRAME_NS;
    if (i == 0)
      take->begin_us = g_get_real_time ();
    push_frame (f->video, i, time, arrival, i == 0);
    if (i == 0)
      take->end_us = g_get_real_time ();
  }
}

static inline void
begin (Fixture *f, guint part_ms)
{
  fixture_init (f, make_dir (), "part-duration-ms", part_ms, NULL);
  f->video = fixture_add (f, "video_0", video_caps ());
}

/* ---- what is told ---- */

/* Of segment @k of the video. */
static inline gint64
video_date (Fixture *f, guint k)
{
  return segment_date (f, "v576/playlist.m3u8", k);
}

/* @date_us: of what came @after_us after the first sample of @take by the test
 * clock */
static inline void
assert_dated (gint64 date_us, const Take *take, gint64 after_us)
{
  g_assert_cmpint (date_us, >=, take->begin_us + after_us - CUT_US);
  g_assert_cmpint (date_us, <=, take->end_us + after_us + CUT_US);
}
