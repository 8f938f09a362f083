/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-lane.h"

#include "bmff/bmff-init.h"

#include <string.h>

MillCmafLane *
mill_cmaf_lane_new (const gchar *pad, MillCmafKind kind)
{
  MillCmafLane *self = g_new0 (MillCmafLane, 1);
  self->pad = g_strdup (pad);
  self->kind = kind;
  self->rendition = -1;
  self->segment = MILL_CMAF_NONE;
  self->init_generation = MILL_CMAF_NONE;
  self->written = g_array_new (FALSE, TRUE, sizeof (MillCmafWritten));
  self->last_pts = GST_CLOCK_STIME_NONE;
  self->allowance = MILL_CMAF_AHEAD_BYTES;
  if (kind == MILL_CMAF_TEXT)
    self->text = mill_cmaf_text_new ();
  return self;
}

void
mill_cmaf_lane_free (MillCmafLane *self)
{
  if (self == NULL)
    return;
  mill_cmaf_track_free (self->track);
  mill_cmaf_text_free (self->text);
  mill_cmaf_state_clear_format (&self->format);
  g_clear_pointer (&self->codec_data, g_bytes_unref);
  g_array_unref (self->written);
  g_free (self->name);
  g_free (self->pad);
  g_free (self);
}

void
mill_cmaf_lane_set_format (MillCmafLane *self, const MillCmafLaneFormat *format)
{
  gboolean fresh = self->track == NULL ||
      mill_cmaf_track_get_timescale (self->track) != format->format.timescale ||
      self->frame_length != format->frame_length;
  mill_cmaf_state_copy_format (&self->format, &format->format);
  g_clear_pointer (&self->codec_data, g_bytes_unref);
  self->codec_data = g_bytes_ref (format->codec_data);
  self->codec = format->codec;
  self->hdr = format->hdr;
  g_free (self->name);
  self->name = g_strdup (format->name);
  self->frame_length = format->frame_length;
  if (format->bitrate_bps > 0)
    self->bitrate_bps = format->bitrate_bps;
  if (fresh && self->kind != MILL_CMAF_TEXT) {
    mill_cmaf_track_free (self->track);
    self->track = mill_cmaf_track_new (self->kind, format->format.timescale,
        format->frame_length);
  }
}

gboolean
mill_cmaf_lane_differs (const MillCmafLane *self,
    const MillCmafLaneFormat *format)
{
  return self->codec_data == NULL ||
      !g_bytes_equal (self->codec_data, format->codec_data) ||
      self->format.timescale != format->format.timescale ||
      self->format.orientation != format->format.orientation ||
      memcmp (&self->hdr, &format->hdr, sizeof self->hdr) != 0 ||
      !mill_codec_equals (&self->codec, &format->codec);
}

GstClockTimeDiff
mill_cmaf_lane_to_ns (const MillCmafLane *self, gint64 ticks)
{
  return mill_cmaf_timeline_to_ns (ticks, self->format.timescale);
}

gint64
mill_cmaf_lane_to_ticks (const MillCmafLane *self, GstClockTimeDiff time)
{
  return mill_cmaf_timeline_to_ticks (time, self->format.timescale);
}

/* ---- measuring ---- */

static void
measure_frame_rate (MillCmafFormat *format, const MillCmafTaken *taken)
{
  static const guint common[][2] = { { 24000, 1001 }, { 24, 1 }, { 25, 1 },
    { 30000, 1001 }, { 30, 1 }, { 48, 1 }, { 50, 1 }, { 60000, 1001 },
    { 60, 1 }, { 15, 1 }, { 10, 1 }, { 20, 1 }, { 120, 1 } };
  if (taken->duration == 0 || taken->samples->len < 2)
    return;
  gdouble fps = (gdouble) taken->samples->len * format->timescale /
      taken->duration;
  gdouble best = 0.0006; /* half of what 24 and 23.976 differ by */
  format->fps_n = (guint) (fps * 1000 + 0.5);
  format->fps_d = 1000;
  for (guint i = 0; i < G_N_ELEMENTS (common); i++) {
    gdouble error = ABS (fps * common[i][1] / common[i][0] - 1);
    if (error < best) {
      best = error;
      format->fps_n = common[i][0];
      format->fps_d = common[i][1];
    }
  }
}

/* What caps or parameter sets claim of a stream of variable frame rate may be
 * the rate of its clock; more than twice what comes is not believed. */
static gboolean
is_frame_rate_credible (const MillCmafFormat *format,
    const MillCmafTaken *taken)
{
  if (format->fps_n == 0 || format->fps_d == 0)
    return FALSE;
  if (taken->duration == 0)
    return TRUE;
  gdouble claimed = (gdouble) format->fps_n / format->fps_d;
  gdouble measured = (gdouble) taken->samples->len * format->timescale /
      taken->duration;
  return claimed <= 300 && claimed < 2.2 * measured && claimed > 0.4 * measured;
}

void
mill_cmaf_lane_measure (MillCmafLane *self, const MillCmafTaken *taken)
{
  if (self->kind == MILL_CMAF_VIDEO &&
      !is_frame_rate_credible (&self->format, taken))
    measure_frame_rate (&self->format, taken);
  if (self->kind == MILL_CMAF_AUDIO && self->bitrate_bps == 0 &&
      taken->duration > 0)
    self->bitrate_bps = (guint) gst_util_uint64_scale_round (taken->size,
        8 * (guint64) self->format.timescale, taken->duration);
}

static gchar *
name_text (const MillCmafFormat *format)
{
  gboolean fits = format->language != NULL &&
      mill_cmaf_state_is_name (format->language);
  return g_strdup (fits ? format->language : "text");
}

gchar *
mill_cmaf_lane_propose_name (const MillCmafLane *self)
{
  static const guint usual[] = { 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128,
    160, 192, 224, 256, 320, 384, 448, 512, 640 };
  if (self->kind == MILL_CMAF_TEXT)
    return name_text (&self->format);
  if (self->kind == MILL_CMAF_VIDEO)
    return g_strdup_printf ("v%u", self->format.height);
  guint kbit = (self->bitrate_bps + 500) / 1000;
  guint nearest = usual[0];
  for (guint i = 1; i < G_N_ELEMENTS (usual); i++)
    if (ABS ((gint) usual[i] - (gint) kbit) <
        ABS ((gint) nearest - (gint) kbit))
      nearest = usual[i];
  return g_strdup_printf ("a%u", nearest);
}

GBytes *
mill_cmaf_lane_write_init (const MillCmafLane *self, GError **error)
{
  /* ISO 639-2/T has three letters; what else BCP 47 allows is for manifests. */
  const gchar *language = self->format.language;
  if (language != NULL && strlen (language) != 3)
    language = NULL;
  MillBmffTrack track = {
    .track_id = 1,
    .timescale = self->format.timescale,
    .language = language,
    .codec = &self->codec,
    .codec_data = self->codec_data,
    .hdr = &self->hdr,
    .orientation = self->format.orientation,
    .media_time = (guint32) self->edit,
  };
  if (self->kind == MILL_CMAF_AUDIO) {
    track.average_bitrate_bps = self->bitrate_bps;
    track.max_bitrate_bps = self->bitrate_bps;
  }
  g_auto (MillBmffWriter) writer = { 0 };
  if (!mill_bmff_init_write (&writer, &track, error))
    return NULL;
  return mill_bmff_writer_steal_bytes (&writer);
}

/* ---- segments ---- */

MillCmafWritten *
mill_cmaf_lane_find (const MillCmafLane *self, guint64 number)
{
  for (guint i = self->written->len; i > 0; i--) {
    MillCmafWritten *written =
        &g_array_index (self->written, MillCmafWritten, i - 1);
    if (written->number == number)
      return written;
  }
  return NULL;
}

MillCmafWritten *
mill_cmaf_lane_open (MillCmafLane *self, guint64 number)
{
  MillCmafWritten *written = mill_cmaf_lane_find (self, number);
  if (written != NULL)
    return written;
  MillCmafWritten begun = { .number = number };
  g_array_append_val (self->written, begun);
  return &g_array_index (self->written, MillCmafWritten,
      self->written->len - 1);
}

void
mill_cmaf_lane_retire (MillCmafLane *self, guint64 number)
{
  guint n = 0;
  while (n < self->written->len &&
      g_array_index (self->written, MillCmafWritten, n).number < number)
    n++;
  g_array_remove_range (self->written, 0, n);
}

gint
mill_cmaf_lane_find_start (const MillCmafLane *self, const MillCmafCut *cut)
{
  guint length = mill_cmaf_track_get_length (self->track);
  for (guint i = 0; i < length; i++)
    if (mill_cmaf_track_peek (self->track, i)->begins == cut->number)
      return (gint) i;
  return mill_cmaf_track_find_start (self->track,
      mill_cmaf_lane_to_ticks (self, cut->start));
}

gint
mill_cmaf_lane_find_aligned (const MillCmafLane *self, const MillCmafCut *cut)
{
  gint64 ticks = mill_cmaf_lane_to_ticks (self, cut->start);
  return cut->flags & MILL_CMAF_CUT_DEPENDENT
      ? mill_cmaf_track_find_after (self->track, ticks)
      : mill_cmaf_track_find_keyframe (self->track, ticks);
}

gboolean
mill_cmaf_lane_has_passed (const MillCmafLane *self, const MillCmafCut *cut)
{
  return mill_cmaf_track_has_passed (self->track,
      mill_cmaf_lane_to_ticks (self, cut->start));
}
