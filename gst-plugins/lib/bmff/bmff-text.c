/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "bmff/bmff-text.h"

#include <string.h>

#define FOURCC MILL_BMFF_FOURCC

/* Of all samples of a segment. Each has all cues that are on: a few hundred that
 * overlap would be a gigabyte. What people can read is some KB. */
#define PAYLOAD_MAX (1 << 20)

/* A cue with its times in ticks, cut at the ends of the segment. */
typedef struct
{
  const MillTextCue *cue;
  gint64 start;
  gint64 end;
  gboolean is_split;
} Placed;

static gint64
to_ticks (GstClockTimeDiff time, guint timescale)
{
  return (gint64) gst_util_uint64_scale_round ((guint64) MAX (time, 0),
      timescale, GST_SECOND);
}

static void
put_string (MillBmffWriter *w, guint32 type, const gchar *text)
{
  if (text == NULL)
    return;
  gsize box = mill_bmff_writer_begin (w, type);
  mill_bmff_writer_put_data (w, text, strlen (text));
  mill_bmff_writer_end (w, box);
}

/* The same in every sample and segment that the cue is in, and of hardly any
 * other: it is made from what the cue is. */
static guint32
make_source_id (const MillTextCue *cue)
{
  guint64 start = (guint64) cue->start;
  return (g_str_hash (cue->text) ^ (guint32) start ^ (guint32) (start >> 32)) &
      G_MAXINT32;
}

static void
put_cue (MillBmffWriter *w, const Placed *placed)
{
  gsize box = mill_bmff_writer_begin (w, FOURCC ('v', 't', 't', 'c'));
  if (placed->is_split) {
    gsize source = mill_bmff_writer_begin (w, FOURCC ('v', 's', 'i', 'd'));
    mill_bmff_writer_put_u32 (w, make_source_id (placed->cue));
    mill_bmff_writer_end (w, source);
  }
  put_string (w, FOURCC ('i', 'd', 'e', 'n'), placed->cue->id);
  put_string (w, FOURCC ('s', 't', 't', 'g'), placed->cue->settings);
  put_string (w, FOURCC ('p', 'a', 'y', 'l'), placed->cue->text);
  mill_bmff_writer_end (w, box);
}

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 first = *(const gint64 *) a;
  gint64 second = *(const gint64 *) b;
  return first < second ? -1 : first > second;
}

/* Places the cues and collects where what is on the screen changes. */
static void
place_cues (const MillTextSegment *segment, guint timescale, GArray *cues,
    GArray *times)
{
  gint64 first = to_ticks (segment->start, timescale);
  gint64 last = to_ticks (segment->end, timescale);
  g_array_append_val (times, first);
  g_array_append_val (times, last);
  for (guint i = 0; i < segment->cues->len; i++) {
    const MillTextCue *cue = g_ptr_array_index (segment->cues, i);
    gint64 start = to_ticks (cue->start, timescale);
    gint64 end = GST_CLOCK_STIME_IS_VALID (cue->end)
        ? to_ticks (cue->end, timescale)
        : last;
    Placed placed = { cue, MAX (start, first), MIN (end, last) };
    placed.is_split = start < first || end > last ||
        !GST_CLOCK_STIME_IS_VALID (cue->end);
    if (placed.end <= placed.start)
      continue;
    g_array_append_val (cues, placed);
    g_array_append_val (times, placed.start);
    g_array_append_val (times, placed.end);
  }
  g_array_sort (times, compare_times);
}

/* A cue during which others come or go is in several samples. */
static void
mark_splits (GArray *cues, const GArray *times)
{
  for (guint i = 0; i < cues->len; i++) {
    Placed *placed = &g_array_index (cues, Placed, i);
    for (guint k = 0; k < times->len; k++) {
      gint64 time = g_array_index (times, gint64, k);
      placed->is_split |= time > placed->start && time < placed->end;
    }
  }
}

/* From one of @times to the other. @limit: size of @w from which on cues are left
 * out */
static void
put_sample (MillBmffWriter *w, const GArray *cues, const gint64 times[2],
    gsize limit, GArray *samples)
{
  gint64 start = times[0];
  gint64 end = times[1];
  gsize before = w->size;
  for (guint i = 0; i < cues->len && w->size < limit; i++) {
    const Placed *placed = &g_array_index (cues, Placed, i);
    if (placed->start <= start && placed->end >= end)
      put_cue (w, placed);
  }
  if (w->size == before)
    mill_bmff_writer_end (w,
        mill_bmff_writer_begin (w, FOURCC ('v', 't', 't', 'e')));
  MillBmffSample sample = {
    .size = (guint32) (w->size - before),
    .duration = (guint32) (end - start),
    .flags = MILL_BMFF_SAMPLE_SYNC,
  };
  g_array_append_val (samples, sample);
}

void
mill_bmff_text_put_webvtt (MillBmffWriter *writer,
    const MillTextSegment *segment, guint timescale, GArray *samples)
{
  g_autoptr (GArray) cues = g_array_new (FALSE, FALSE, sizeof (Placed));
  g_autoptr (GArray) times = g_array_new (FALSE, FALSE, sizeof (gint64));
  gsize limit = writer->size + PAYLOAD_MAX;
  place_cues (segment, timescale, cues, times);
  mark_splits (cues, times);
  for (guint i = 1; i < times->len; i++) {
    const gint64 *pair = &g_array_index (times, gint64, i - 1);
    if (pair[1] > pair[0])
      put_sample (writer, cues, pair, limit, samples);
  }
}
