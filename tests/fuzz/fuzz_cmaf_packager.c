/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Renditions that come, stop, jump, repeat themselves, change and end in any
 * order: what is listed stays a valid stream. All renditions have the same
 * segments, none overlaps the next, and those of videos begin at the same
 * integer. */

#include "cmaf-packager.h"

#include <glib/gstdio.h>

#include "store/store-directory.h"

#define N_VIDEOS 3
#define N_LANES (N_VIDEOS + 1)
#define NOON_US G_GINT64_CONSTANT (1764072000000000)
#define GOP 5
#define FRAME_NS (40 * (GstClockTimeDiff) GST_MSECOND)
#define OPERATIONS_MAX 192

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

typedef struct
{
  MillCmafLane *lane;
  gint64 frame;
  gboolean discont;
} Source;

typedef struct
{
  MillCmafPackager *packager;
  Source sources[N_LANES];
} Rig;

static const guint8 avcc[] = { 0x01, 0x64, 0x00, 0x1e, 0xff, 0xe1, 0x00, 0x1d,
  0x67, 0x64, 0x00, 0x1e, 0xac, 0xd9, 0x40, 0xb4, 0x24, 0xd8, 0x23, 0x50, 0x50,
  0x60, 0x54, 0x00, 0x00, 0x03, 0x00, 0x04, 0x00, 0x00, 0x03, 0x00, 0xc8, 0x7c,
  0x50, 0xa6, 0x58, 0x01, 0x00, 0x04, 0x68, 0xfe, 0x8f, 0xcb, 0xfd, 0xf8, 0xf8,
  0x00 };
static const guint8 asc[] = { 0x11, 0x90 };

static void
on_report (MillCmafReportKind kind, const GError *error, GObject *owner)
{
  /* Nothing here may make the packager give up. */
  g_assert_cmpint (kind, !=, MILL_CMAF_FAILED);
}

static void
set_format (Rig *self, guint i, guint version)
{
  gboolean is_video = i < N_VIDEOS;
  g_autofree guint8 *data = g_memdup2 (avcc, sizeof avcc);
  data[sizeof avcc - 6] ^= (guint8) (version & 1);
  g_autoptr (GBytes) codec_data = is_video
      ? g_bytes_new (data, sizeof avcc)
      : g_bytes_new_static (asc, sizeof asc);
  gsize size;
  const guint8 *record = g_bytes_get_data (codec_data, &size);
  MillCodecInfo codec;
  gboolean parsed =
      mill_codec_parse_config (is_video ? MILL_CODEC_AVC : MILL_CODEC_AAC,
          record, size, &codec, NULL);
  g_assert (parsed);
  MillCmafLaneFormat format = {
    .codec = codec,
    .format = {
      .kind = is_video ? MILL_CMAF_VIDEO : MILL_CMAF_AUDIO,
      .timescale = is_video ? 90000 : 48000,
      .codec = (gchar *) (is_video ? "avc1.64001E" : "mp4a.40.2"),
      .group = (gchar *) "audio",
      .height = 100 + i,
    },
    .codec_data = codec_data,
    .frame_length = is_video ? 0 : 1024,
  };
  mill_cmaf_packager_set_format (self->packager, self->sources[i].lane,
      &format);
}

/* @odd: a keyframe where others have none, or the other way round */
static void
push (Rig *self, guint i, gboolean odd)
{
  Source *source = &self->sources[i];
  gboolean is_video = i < N_VIDEOS;
  GstClockTimeDiff time = is_video
      ? source->frame * FRAME_NS
      : source->frame * 1024 * (GstClockTimeDiff) GST_SECOND / 48000;
  MillCmafInput input = {
    .pts = time,
    .dts = time,
    .duration = GST_CLOCK_TIME_NONE,
    .size = 8,
    .sync = !is_video || (source->frame % GOP == 0) != odd,
    .discont = source->discont,
    /* Late, early, and as if all of a second came at once. */
    .arrival = (source->frame & 64 ? time : source->frame / 25 * GST_SECOND) -
        (odd ? 700 : 0) * (GstClockTimeDiff) GST_MSECOND,
  };
  source->discont = FALSE;
  source->frame++;
  mill_cmaf_packager_push (self->packager, source->lane, &input,
      gst_buffer_new_allocate (NULL, 8, NULL));
}

static void
jump (Source *source, gint64 by)
{
  source->frame = MAX (source->frame + by, 0);
  source->discont = TRUE;
}

/* Breaks that begin and end in any order, now, later or before. */
static void
cue (Rig *self, guint i, guint8 argument)
{
  static const guint8 data[] = "ID3\4\0\0\0\0\0";
  g_autoptr (GBytes) tag = g_bytes_new_static (data, sizeof data);
  MillCmafCue cue = {
    .kind = (MillCmafCueKind) (argument % (MILL_CMAF_CUE_METADATA + 1)),
    .event_id = i & 1,
    .time = GST_CLOCK_TIME_NONE,
    .wall_us = -1,
    .duration = argument & 1 ? 400 * GST_MSECOND : GST_CLOCK_TIME_NONE,
    .auto_return = (argument & 2) != 0,
  };
  if (argument & 4)
    cue.time =
        (GstClockTime) (MAX (self->sources[i].frame + argument / 8 - 8, 0) *
            FRAME_NS);
  if (cue.kind == MILL_CMAF_CUE_METADATA)
    cue.message = tag;
  mill_cmaf_packager_cue (self->packager, &cue, NULL);
}

static void
operate (Rig *self, guint8 operation, guint8 argument)
{
  guint i = (operation >> 3) % N_LANES;
  Source *source = &self->sources[i];
  switch (operation & 7) {
    case 0: /* everything goes on */
      for (guint k = 0; k < N_LANES * (argument % 32); k++)
        push (self, k % N_LANES, FALSE);
      break;
    case 1: /* one goes on */
    case 2:
      for (guint k = 0; k < argument % 64; k++)
        push (self, i, FALSE);
      break;
    case 3:
      if (argument & 0x80)
        cue (self, i, argument & 0x7f);
      else
        push (self, i, argument & 1);
      break;
    case 4:
      jump (source, argument);
      break;
    case 5:
      jump (source, -(gint64) argument);
      break;
    case 6:
      set_format (self, i, argument);
      break;
    default:
      if (argument > 240)
        mill_cmaf_packager_end_lane (self->packager, source->lane);
      else /* all start anew at the same frame: the source was away */
        for (guint k = 0; k < N_VIDEOS; k++) {
          self->sources[k].frame = self->sources[0].frame + argument;
          self->sources[k].discont = TRUE;
        }
  }
}

/* ---- what has to be true ---- */

static void
check_cut (const MillCmafState *state, guint k)
{
  const MillCmafCut *cut = &g_array_index (state->cuts, MillCmafCut, k);
  gint64 time = -1;
  for (guint i = 0; i < state->renditions->len; i++) {
    const MillCmafRendition *rendition =
        g_ptr_array_index (state->renditions, i);
    g_assert_cmpuint (rendition->segments->len, ==, state->cuts->len);
    const MillCmafSegment *segment =
        &g_array_index (rendition->segments, MillCmafSegment, k);
    if (segment->flags & MILL_CMAF_SEGMENT_GAP)
      continue;
    g_assert_cmpuint (segment->duration, >, 0);
    g_assert_cmpuint (segment->bytes, >, 0);
    if (rendition->format.kind != MILL_CMAF_VIDEO ||
        (cut->flags & MILL_CMAF_CUT_DEPENDENT))
      continue;
    if (time >= 0)
      g_assert_cmpint (segment->time, ==, time);
    time = segment->time;
  }
}

static void
check_rendition (const MillCmafRendition *rendition)
{
  gint64 end = 0;
  for (guint k = 0; k < rendition->segments->len; k++) {
    const MillCmafSegment *segment =
        &g_array_index (rendition->segments, MillCmafSegment, k);
    if (segment->flags & MILL_CMAF_SEGMENT_GAP)
      continue;
    g_assert_cmpint (segment->time, >=, end);
    end = segment->time + (gint64) segment->duration;
  }
}

/* What playlists say of a break has an order, and is not more than they list. */
static void
check_markers (const MillCmafState *state, MillCmafMode mode)
{
  const MillCmafMarkers *markers = state->markers;
  for (guint i = 0; markers != NULL && i < markers->list->len; i++) {
    const MillCmafMarker *marker = mill_cmaf_marker_at (markers, i);
    g_assert_nonnull (marker->message);
    g_assert_cmpuint (marker->serial, <, markers->next_serial);
    if (i > 0)
      g_assert_cmpuint (marker->serial, >,
          mill_cmaf_marker_at (markers, i - 1)->serial);
    if (marker->end_us >= 0)
      g_assert_cmpint (marker->end_us, >=, marker->start_us);
    if (mode == MILL_CMAF_LIVE && state->cuts->len > 0)
      g_assert_cmpint (mill_cmaf_marker_get_end (marker), >=,
          g_array_index (state->cuts, MillCmafCut, 0).wall_us);
  }
}

static void
check_state (const gchar *dir, MillCmafMode mode)
{
  g_autofree gchar *path = g_build_filename (dir, ".state", NULL);
  gchar *text;
  gsize size;
  g_autoptr (GError) error = NULL;
  /* Nothing was written, nothing is left. */
  if (!g_file_get_contents (path, &text, &size, NULL))
    return;
  g_autoptr (GBytes) content = g_bytes_new_take (text, size);
  g_autoptr (MillCmafState) state = mill_cmaf_state_load (content, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < state->renditions->len; i++)
    check_rendition (g_ptr_array_index (state->renditions, i));
  check_markers (state, mode);
  for (guint k = 0; mode != MILL_CMAF_VOD && k < state->cuts->len; k++)
    check_cut (state, k);
}

/* ---- the directory ---- */

static void
remove_tree (const gchar *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const gchar *name;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree gchar *child = g_build_filename (path, name, NULL);
    if (g_remove (child) != 0)
      remove_tree (child);
  }
  g_rmdir (path);
}

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static GObject *owner = NULL;
  if (size < 2)
    return 0;
  if (owner == NULL) {
    gst_init (NULL, NULL);
    owner = G_OBJECT (gst_object_ref_sink (gst_bus_new ()));
  }
  /* Memory, where a write is done when a call returns. */
  g_autofree gchar *dir = g_strdup ("/dev/shm/mill-fuzz-XXXXXX");
  g_assert_nonnull (g_mkdtemp (dir));
  MillCmafPackagerOptions options = {
    .publisher = {
      .mode = (MillCmafMode) (data[0] % 3),
      .segment_duration = 200 * GST_MSECOND,
      .window_segments = 8,
      .hls = TRUE,
      .dash = TRUE,
      .cue_tags = (data[0] & 0x80) != 0,
      .may_wait = TRUE,
    },
    .part_duration = data[0] & 0x10 ? 80 * GST_MSECOND : 0,
    .max_skew = data[0] & 0x20 ? 300 * GST_MSECOND : 0,
    .startup_timeout = data[0] & 0x40 ? 400 * GST_MSECOND : 0,
    .break_periods = (data[0] & 0x80) != 0,
  };
  Rig rig = { .packager = mill_cmaf_packager_new (&options, on_report, owner) };
  g_autoptr (GError) error = NULL;
  g_autoptr (MillStore) store = mill_store_directory_new (dir, &error);
  g_assert_no_error (error);
  mill_cmaf_packager_open_store (rig.packager, store, &error);
  g_assert_no_error (error);
  mill_cmaf_packager_set_wall (rig.packager,
      data[0] & 8 ? MILL_CMAF_DATED_BY_ARRIVAL : MILL_CMAF_DATED_AS_TOLD,
      NOON_US, 0);
  for (guint i = 0; i < N_LANES; i++) {
    rig.sources[i].lane = mill_cmaf_packager_add_lane (rig.packager, "pad",
        i < N_VIDEOS ? MILL_CMAF_VIDEO : MILL_CMAF_AUDIO);
    set_format (&rig, i, 0);
  }
  for (gsize i = 1; i + 1 < MIN (size, 2 * OPERATIONS_MAX); i += 2)
    operate (&rig, data[i], data[i + 1]);
  for (guint i = 0; i < N_LANES; i++)
    mill_cmaf_packager_end_lane (rig.packager, rig.sources[i].lane);
  mill_cmaf_packager_close (rig.packager);
  mill_cmaf_packager_unref (rig.packager);
  check_state (dir, options.publisher.mode);
  remove_tree (dir);
  return 0;
}
