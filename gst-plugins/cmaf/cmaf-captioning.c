/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Segments of text. They have the cuts of the other renditions, each one has a
 * segment, be it empty, and it is made when those of the others are there.
 */

#include "bmff/bmff-chunk.h"
#include "bmff/bmff-text.h"
#include "cmaf-packager-private.h"
#include "text/text-ttml.h"

/* The payload of the samples of @segment, which are added to @samples. */
static GstMemory *
make_payload (const MillCmafLane *lane, const MillTextSegment *segment,
    guint32 duration, GArray *samples)
{
  gsize size;
  if (lane->codec.codec == MILL_CODEC_WVTT) {
    g_auto (MillBmffWriter) writer = { 0 };
    mill_bmff_text_put_webvtt (&writer, segment, lane->format.timescale,
        samples);
    guint8 *data = mill_bmff_writer_steal (&writer, &size);
    return gst_memory_new_wrapped (0, data, size, 0, size, data, g_free);
  }
  g_autoptr (GBytes) document =
      mill_text_ttml_print (segment, lane->format.language);
  size = g_bytes_get_size (document);
  MillBmffSample sample = {
    .size = (guint32) size,
    .duration = duration,
    .flags = MILL_BMFF_SAMPLE_SYNC,
  };
  g_array_append_val (samples, sample);
  gpointer data = g_memdup2 (g_bytes_get_data (document, NULL), size);
  return gst_memory_new_wrapped (0, data, size, 0, size, data, g_free);
}

static GBytes *
make_header_locked (MillCmafPackager *self, MillCmafLane *lane,
    const GArray *samples, guint64 decode_time)
{
  MillBmffChunk chunk = {
    .track_id = 1,
    .sequence_number = ++lane->sequence,
    .decode_time = decode_time,
    .samples = (const MillBmffSample *) samples->data,
    .n_samples = samples->len,
    /* video.js 8.24 (mux.js 7.1, webvtt-parser.js) takes durations and sizes
     * from trun alone, and leaves out captions of none. */
    .flags = MILL_BMFF_CHUNK_SEGMENT_START | MILL_BMFF_CHUNK_EXPLICIT,
  };
  g_autoptr (GError) error = NULL;
  if (!mill_bmff_chunk_write (&self->header, &chunk, &error)) {
    mill_cmaf_packager_fail_locked (self, error);
    return NULL;
  }
  return mill_bmff_writer_steal_bytes (&self->header);
}

static void
submit_locked (MillCmafPackager *self, MillCmafLane *lane,
    MillCmafWritten *written, MillCmafChunkWrite *write)
{
  g_autoptr (GError) error = NULL;
  written->pending++;
  lane->init_generation = write->cut->generation;
  if (mill_cmaf_publisher_write_chunk (self->publisher, write, &error)) {
    written->offset = write->offset;
    self->bytes += written->bytes;
    return;
  }
  written->pending--;
  written->failed = TRUE;
  lane->init_generation = MILL_CMAF_NONE;
  mill_cmaf_outcome_degrade_locked (self, error);
}

/* The segment of @cut in both its forms: WebVTT by itself, of which HLS is made,
 * and in fMP4. */
static void
write_segment_locked (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafCut *cut, MillCmafWritten *written,
    const MillTextSegment *segment)
{
  gint64 first = mill_cmaf_lane_to_ticks (lane, segment->start);
  gint64 last = mill_cmaf_lane_to_ticks (lane, segment->end);
  g_autoptr (GArray) samples =
      g_array_new (FALSE, FALSE, sizeof (MillBmffSample));
  g_autoptr (GPtrArray) memories =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_memory_unref);
  g_autoptr (GBytes) webvtt = mill_text_webvtt_print (segment);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) init = NULL;
  if (lane->init_generation != cut->generation) {
    init = mill_cmaf_lane_write_init (lane, &error);
    if (init == NULL)
      mill_cmaf_packager_fail_locked (self, error);
  }
  g_ptr_array_add (memories,
      make_payload (lane, segment, (guint32) (last - first), samples));
  g_autoptr (GBytes) header =
      make_header_locked (self, lane, samples, (guint64) first);
  if (self->failed)
    return;
  gsize size = g_bytes_get_size (header) +
      gst_memory_get_sizes (g_ptr_array_index (memories, 0), NULL, NULL);
  written->time = first;
  written->duration = (guint64) (last - first);
  written->bytes = MAX (size, g_bytes_get_size (webvtt));
  MillCmafChunkWrite write = {
    .rendition = (guint) lane->rendition,
    .cut = cut,
    .init = init,
    .header = header,
    .memories = memories,
    .webvtt = webvtt,
    .begins = TRUE,
    .ends = TRUE,
    .sync = TRUE,
    .time = cut->start,
    .duration = (GstClockTime) (cut->end - cut->start),
    .wall_us = cut->wall_us,
  };
  submit_locked (self, lane, written, &write);
}

static void
caption_locked (MillCmafPackager *self, MillCmafLane *lane,
    const MillCmafCut *cut)
{
  GstClockTimeDiff base = mill_cmaf_timeline_get_base (self->timeline);
  g_autoptr (GPtrArray) cues = mill_cmaf_text_collect (lane->text, cut, base);
  MillTextSegment segment = { cues, cut->media_start,
    cut->media_start + (cut->end - cut->start) };
  if (!mill_cmaf_packager_name_rendition_locked (self, lane))
    return;
  MillCmafWritten *written = mill_cmaf_lane_open (lane, cut->number);
  written->closed = TRUE;
  written->closed_at = self->clock;
  if (mill_cmaf_lane_to_ticks (lane, segment.end) <=
      mill_cmaf_lane_to_ticks (lane, segment.start)) {
    written->failed = TRUE;
    return;
  }
  write_segment_locked (self, lane, cut, written, &segment);
}

void
mill_cmaf_captioning_run_locked (MillCmafPackager *self, const MillCmafCut *cut)
{
  for (guint i = 0; i < self->lanes->len; i++) {
    MillCmafLane *lane = mill_cmaf_packager_get_lane (self, i);
    if (lane->kind == MILL_CMAF_TEXT && lane->codec_data != NULL &&
        !self->failed && mill_cmaf_lane_find (lane, cut->number) == NULL)
      caption_locked (self, lane, cut);
  }
}

void
mill_cmaf_captioning_retire_locked (MillCmafPackager *self,
    const MillCmafCut *cut)
{
  for (guint i = 0; i < self->lanes->len; i++) {
    MillCmafLane *lane = mill_cmaf_packager_get_lane (self, i);
    if (lane->text != NULL)
      mill_cmaf_text_retire (lane->text, cut->end);
  }
}
