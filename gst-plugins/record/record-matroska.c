/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Matroska and WebM: a segment of unknown size that grows by clusters. At the end
 * it gets its size, its duration, and the index (Cues), which a SeekHead in
 * front leads to. Source: RFC 9559 (sections are its), RFC 8794. */

#include "record-writer-private.h"

#include <string.h>

#include "record-ebml.h"

/* 5.1: IDs of elements. */
enum
{
  ID_EBML = 0x1a45dfa3,
  ID_EBML_VERSION = 0x4286,
  ID_EBML_READ_VERSION = 0x42f7,
  ID_EBML_MAX_ID_LENGTH = 0x42f2,
  ID_EBML_MAX_SIZE_LENGTH = 0x42f3,
  ID_DOC_TYPE = 0x4282,
  ID_DOC_TYPE_VERSION = 0x4287,
  ID_DOC_TYPE_READ_VERSION = 0x4285,
  ID_SEGMENT = 0x18538067,
  ID_SEEK_HEAD = 0x114d9b74,
  ID_SEEK = 0x4dbb,
  ID_SEEK_ID = 0x53ab,
  ID_SEEK_POSITION = 0x53ac,
  ID_INFO = 0x1549a966,
  ID_TIMESTAMP_SCALE = 0x2ad7b1,
  ID_DURATION = 0x4489,
  ID_DATE_UTC = 0x4461,
  ID_MUXING_APP = 0x4d80,
  ID_WRITING_APP = 0x5741,
  ID_TRACKS = 0x1654ae6b,
  ID_TRACK_ENTRY = 0xae,
  ID_TRACK_NUMBER = 0xd7,
  ID_TRACK_UID = 0x73c5,
  ID_TRACK_TYPE = 0x83,
  ID_FLAG_LACING = 0x9c,
  ID_LANGUAGE = 0x22b59c,
  ID_CODEC_ID = 0x86,
  ID_CODEC_PRIVATE = 0x63a2,
  ID_DEFAULT_DURATION = 0x23e383,
  ID_CODEC_DELAY = 0x56aa,
  ID_SEEK_PRE_ROLL = 0x56bb,
  ID_VIDEO = 0xe0,
  ID_PIXEL_WIDTH = 0xb0,
  ID_PIXEL_HEIGHT = 0xba,
  ID_DISPLAY_WIDTH = 0x54b0,
  ID_DISPLAY_HEIGHT = 0x54ba,
  ID_COLOUR = 0x55b0,
  ID_MATRIX_COEFFICIENTS = 0x55b1,
  ID_RANGE = 0x55b9,
  ID_TRANSFER = 0x55ba,
  ID_PRIMARIES = 0x55bb,
  ID_MAX_CLL = 0x55bc,
  ID_MAX_FALL = 0x55bd,
  ID_MASTERING = 0x55d0,
  ID_PRIMARY_R_X = 0x55d1, /* then R y, G x, G y, B x, B y, white x, white y */
  ID_LUMINANCE_MAX = 0x55d9,
  ID_LUMINANCE_MIN = 0x55da,
  ID_PROJECTION = 0x7670,
  ID_PROJECTION_TYPE = 0x7671,
  ID_PROJECTION_POSE_ROLL = 0x7675,
  ID_AUDIO = 0xe1,
  ID_SAMPLING_FREQUENCY = 0xb5,
  ID_OUTPUT_SAMPLING_FREQUENCY = 0x78b5,
  ID_CHANNELS = 0x9f,
  ID_BIT_DEPTH = 0x6264,
  ID_CLUSTER = 0x1f43b675,
  ID_TIMESTAMP = 0xe7,
  ID_SIMPLE_BLOCK = 0xa3,
  ID_CUES = 0x1c53bb6b,
  ID_CUE_POINT = 0xbb,
  ID_CUE_TIME = 0xb3,
  ID_CUE_TRACK_POSITIONS = 0xb7,
  ID_CUE_TRACK = 0xf7,
  ID_CUE_CLUSTER_POSITION = 0xf1,
};

/* Milliseconds, as WebM has them. */
#define TIMESTAMP_SCALE 1000000
/* Room for a SeekHead of three. */
#define SEEK_HEAD_SIZE 96
/* Duration: its ID, one byte of size, eight bytes. */
#define DURATION_SIZE 11
/* DateUTC counts from 2001. */
#define EPOCH_2001 G_GINT64_CONSTANT (978307200)
#define KEYFRAME 0x80
/* A block has its time relative to the cluster's, in 16 bits. */
#define CLUSTER_MAX_MS 30000
#define OPUS_PRE_ROLL_NS (80 * GST_MSECOND)

typedef struct
{
  guint64 time; /* ms */
  guint track;
  guint64 position;
} Cue;

typedef struct
{
  MillRecordWriter parent;
  guint64 segment_at; /* where positions count from */
  guint64 info_at;
  guint64 duration_at;
  guint64 tracks_at;
  guint64 end; /* ms: of the last frame */
  guint lead; /* the track that is sought in */
  GArray *cues;
} Matroska;

/** A frame on its way into a cluster. */
typedef struct
{
  guint track;
  guint sample;
  gint64 order; /* ns, decoding */
  gint64 time; /* ms, presentation */
  gboolean is_key;
} Frame;

static Matroska *
get_matroska (MillRecordWriter *writer)
{
  return (Matroska *) writer;
}

/* ---- codecs: RFC 9559's and the codec mappings beside it ---- */

static const gchar *
get_codec_id (const MillRecordFormat *format)
{
  static const gchar *const ids[] = {
    [MILL_CODEC_AVC] = "V_MPEG4/ISO/AVC",
    [MILL_CODEC_HEVC] = "V_MPEGH/ISO/HEVC",
    [MILL_CODEC_AV1] = "V_AV1",
    [MILL_CODEC_VP9] = "V_VP9",
    [MILL_CODEC_AAC] = "A_AAC",
    [MILL_CODEC_OPUS] = "A_OPUS",
    [MILL_CODEC_FLAC] = "A_FLAC",
    [MILL_CODEC_AC3] = "A_AC3",
    [MILL_CODEC_EAC3] = "A_EAC3",
    [MILL_CODEC_MP3] = "A_MPEG/L3",
  };
  return format->is_vp8 ? "V_VP8" : ids[format->codec.codec];
}

/* RFC 7845, 5.1: numbers are little-endian there and big-endian in dOps. */
static void
put_opus_head (MillBmffWriter *w, const guint8 *dops, gsize size)
{
  const guint8 head[] = { 'O', 'p', 'u', 's', 'H', 'e', 'a', 'd', 1, dops[1],
    dops[3], dops[2], dops[7], dops[6], dops[5], dops[4], dops[9], dops[8],
    dops[10] };
  g_autoptr (GByteArray) all = g_byte_array_new ();
  g_byte_array_append (all, head, sizeof head);
  g_byte_array_append (all, dops + 11, (guint) size - 11);
  mill_record_ebml_put_data (w, ID_CODEC_PRIVATE, all->data, all->len);
}

static void
put_codec_private (MillBmffWriter *w, const MillRecordFormat *format)
{
  gsize size;
  const guint8 *data = format->codec_data != NULL
      ? g_bytes_get_data (format->codec_data, &size)
      : NULL;
  if (data == NULL)
    return;
  switch (format->codec.codec) {
    case MILL_CODEC_AVC:
    case MILL_CODEC_HEVC:
    case MILL_CODEC_AV1:
    case MILL_CODEC_AAC:
      mill_record_ebml_put_data (w, ID_CODEC_PRIVATE, data, size);
      break;
    case MILL_CODEC_OPUS:
      put_opus_head (w, data, size);
      break;
    case MILL_CODEC_FLAC: {
      /* dfLa has version and flags where a file has its mark. */
      g_autofree guint8 *head = g_memdup2 (data, size);
      memcpy (head, "fLaC", 4);
      mill_record_ebml_put_data (w, ID_CODEC_PRIVATE, head, size);
      break;
    }
    default:
      break;
  }
}

/* Of Opus: what a decoder makes before the beginning; block times have it. */
static guint64
get_delay (const MillRecordFormat *format)
{
  if (format->is_vp8 || format->codec.codec != MILL_CODEC_OPUS)
    return 0;
  return gst_util_uint64_scale (format->codec.pre_skip, GST_SECOND, 48000);
}

/* ---- tracks ---- */

static void
put_mastering (MillBmffWriter *w, const MillCodecHdr *hdr)
{
  /* Red, green, blue here; green, blue, red there. */
  static const guint order[] = { 2, 0, 1 };
  gsize mastering = mill_record_ebml_begin (w, ID_MASTERING);
  for (guint i = 0; i < 6; i++)
    mill_record_ebml_put_float (w, ID_PRIMARY_R_X + i,
        hdr->primaries[order[i / 2]][i % 2] * 0.00002);
  for (guint i = 0; i < 2; i++)
    mill_record_ebml_put_float (w, ID_PRIMARY_R_X + 6 + i,
        hdr->white[i] * 0.00002);
  mill_record_ebml_put_float (w, ID_LUMINANCE_MAX, hdr->max_luminance * 0.0001);
  mill_record_ebml_put_float (w, ID_LUMINANCE_MIN, hdr->min_luminance * 0.0001);
  mill_record_ebml_end (w, mastering);
}

/* 5.1.4.1.28.16 */
static void
put_colour (MillBmffWriter *w, const MillRecordFormat *format)
{
  const MillCodecColour *colour = &format->codec.colour;
  const MillCodecHdr *hdr = &format->hdr;
  if (!colour->known && !hdr->has_mastering && !hdr->has_light)
    return;
  gsize element = mill_record_ebml_begin (w, ID_COLOUR);
  if (colour->known) {
    mill_record_ebml_put_uint (w, ID_MATRIX_COEFFICIENTS, colour->matrix);
    mill_record_ebml_put_uint (w, ID_RANGE, colour->full_range ? 2 : 1);
    mill_record_ebml_put_uint (w, ID_TRANSFER, colour->transfer);
    mill_record_ebml_put_uint (w, ID_PRIMARIES, colour->primaries);
  }
  if (hdr->has_light) {
    mill_record_ebml_put_uint (w, ID_MAX_CLL, hdr->max_cll);
    mill_record_ebml_put_uint (w, ID_MAX_FALL, hdr->max_fall);
  }
  if (hdr->has_mastering)
    put_mastering (w, hdr);
  mill_record_ebml_end (w, element);
}

/* 5.1.4.1.28.45: degrees to the left. A mirror has no place. */
static void
put_projection (MillBmffWriter *w, MillBmffOrientation orientation)
{
  static const gint16 rolls[] = {
    [MILL_BMFF_ROTATE_90] = -90,
    [MILL_BMFF_ROTATE_180] = 180,
    [MILL_BMFF_ROTATE_270] = 90,
  };
  if (orientation == MILL_BMFF_UPRIGHT || orientation >= G_N_ELEMENTS (rolls))
    return;
  gsize projection = mill_record_ebml_begin (w, ID_PROJECTION);
  mill_record_ebml_put_uint (w, ID_PROJECTION_TYPE, 0);
  mill_record_ebml_put_float (w, ID_PROJECTION_POSE_ROLL, rolls[orientation]);
  mill_record_ebml_end (w, projection);
}

/* 5.1.4.1.28.12: the size at which pixels are square: the one that is exact,
 * or the nearest. */
static void
put_display (MillBmffWriter *w, const MillCodecInfo *info)
{
  guint64 width = info->width;
  guint64 height = info->height;
  if (info->par_n == info->par_d || info->par_n == 0 || info->par_d == 0)
    return;
  if (width * info->par_n % info->par_d != 0 &&
      height * info->par_d % info->par_n == 0)
    height = height * info->par_d / info->par_n;
  else
    width = gst_util_uint64_scale_round (width, info->par_n, info->par_d);
  mill_record_ebml_put_uint (w, ID_DISPLAY_WIDTH, width);
  mill_record_ebml_put_uint (w, ID_DISPLAY_HEIGHT, height);
}

static void
put_video (MillBmffWriter *w, const MillRecordFormat *format)
{
  const MillCodecInfo *info = &format->codec;
  gsize video = mill_record_ebml_begin (w, ID_VIDEO);
  mill_record_ebml_put_uint (w, ID_PIXEL_WIDTH, info->width);
  mill_record_ebml_put_uint (w, ID_PIXEL_HEIGHT, info->height);
  put_display (w, info);
  put_colour (w, format);
  put_projection (w, format->orientation);
  mill_record_ebml_end (w, video);
}

static void
put_audio (MillBmffWriter *w, const MillRecordFormat *format)
{
  const MillCodecInfo *info = &format->codec;
  gsize audio = mill_record_ebml_begin (w, ID_AUDIO);
  mill_record_ebml_put_float (w, ID_SAMPLING_FREQUENCY, info->sample_rate);
  if (info->output_sample_rate != info->sample_rate)
    mill_record_ebml_put_float (w, ID_OUTPUT_SAMPLING_FREQUENCY,
        info->output_sample_rate);
  mill_record_ebml_put_uint (w, ID_CHANNELS, info->channels);
  if (info->bits_per_sample > 0)
    mill_record_ebml_put_uint (w, ID_BIT_DEPTH, info->bits_per_sample);
  mill_record_ebml_end (w, audio);
}

static void
put_track (MillBmffWriter *w, const MillRecordFormat *format, guint number)
{
  gboolean is_video = format->kind == MILL_CMAF_VIDEO;
  guint64 delay = get_delay (format);
  gsize track = mill_record_ebml_begin (w, ID_TRACK_ENTRY);
  mill_record_ebml_put_uint (w, ID_TRACK_NUMBER, number);
  mill_record_ebml_put_uint (w, ID_TRACK_UID, number);
  mill_record_ebml_put_uint (w, ID_TRACK_TYPE, is_video ? 1 : 2);
  mill_record_ebml_put_uint (w, ID_FLAG_LACING, 0);
  mill_record_ebml_put_text (w, ID_LANGUAGE,
      *format->language != '\0' ? format->language : "und");
  mill_record_ebml_put_text (w, ID_CODEC_ID, get_codec_id (format));
  put_codec_private (w, format);
  if (delay > 0) {
    mill_record_ebml_put_uint (w, ID_CODEC_DELAY, delay);
    mill_record_ebml_put_uint (w, ID_SEEK_PRE_ROLL, OPUS_PRE_ROLL_NS);
  }
  if (is_video && format->codec.fps_n > 0)
    mill_record_ebml_put_uint (w, ID_DEFAULT_DURATION,
        gst_util_uint64_scale_round (GST_SECOND, format->codec.fps_d,
            format->codec.fps_n));
  if (is_video)
    put_video (w, format);
  else
    put_audio (w, format);
  mill_record_ebml_end (w, track);
}

/* ---- head ---- */

static void
put_ebml (MillRecordWriter *writer)
{
  MillBmffWriter *w = &writer->scratch;
  gsize head = mill_record_ebml_begin (w, ID_EBML);
  mill_record_ebml_put_uint (w, ID_EBML_VERSION, 1);
  mill_record_ebml_put_uint (w, ID_EBML_READ_VERSION, 1);
  mill_record_ebml_put_uint (w, ID_EBML_MAX_ID_LENGTH, 4);
  mill_record_ebml_put_uint (w, ID_EBML_MAX_SIZE_LENGTH, 8);
  mill_record_ebml_put_text (w, ID_DOC_TYPE,
      writer->container == MILL_RECORD_WEBM ? "webm" : "matroska");
  mill_record_ebml_put_uint (w, ID_DOC_TYPE_VERSION, 4);
  mill_record_ebml_put_uint (w, ID_DOC_TYPE_READ_VERSION, 2);
  mill_record_ebml_end (w, head);
}

static void
put_info (Matroska *self)
{
  MillBmffWriter *w = &self->parent.scratch;
  gint64 began = (self->parent.began - EPOCH_2001 * G_TIME_SPAN_SECOND) * 1000;
  gsize info = mill_record_ebml_begin (w, ID_INFO);
  mill_record_ebml_put_uint (w, ID_TIMESTAMP_SCALE, TIMESTAMP_SCALE);
  mill_record_ebml_put_int64 (w, ID_DATE_UTC, began);
  mill_record_ebml_put_text (w, ID_MUXING_APP, "millrace");
  mill_record_ebml_put_text (w, ID_WRITING_APP, "millrace");
  self->duration_at = w->size;
  mill_record_ebml_put_void (w, DURATION_SIZE);
  mill_record_ebml_end (w, info);
}

/* The first video, whose track need not be the first one; else the first. */
static guint
find_lead (const MillRecordWriter *writer)
{
  for (guint i = 0; i < writer->n_formats; i++)
    if (writer->formats[i].kind == MILL_CMAF_VIDEO)
      return i;
  return 0;
}

static gboolean
matroska_begin (MillRecordWriter *writer, GError **error)
{
  Matroska *self = get_matroska (writer);
  MillBmffWriter *w = &writer->scratch;
  self->lead = find_lead (writer);
  self->cues = g_array_new (FALSE, FALSE, sizeof (Cue));
  put_ebml (writer);
  mill_record_ebml_put_head (w, ID_SEGMENT, G_MAXUINT64);
  self->segment_at = w->size;
  mill_record_ebml_put_void (w, SEEK_HEAD_SIZE);
  self->info_at = w->size;
  put_info (self);
  self->tracks_at = w->size;
  gsize tracks = mill_record_ebml_begin (w, ID_TRACKS);
  for (guint i = 0; i < writer->n_formats; i++)
    put_track (w, &writer->formats[i], i + 1);
  mill_record_ebml_end (w, tracks);
  return mill_record_writer_append_scratch (writer, error);
}

/* ---- clusters ---- */

static gint
compare_frames (gconstpointer a, gconstpointer b)
{
  const Frame *first = a;
  const Frame *second = b;
  if (first->order != second->order)
    return first->order < second->order ? -1 : 1;
  if (first->track != second->track)
    return first->track < second->track ? -1 : 1;
  return first->sample < second->sample ? -1 : 1;
}

static void
collect (Matroska *self, guint track, const MillCmafTaken *piece,
    GArray *frames)
{
  const MillRecordFormat *format = &self->parent.formats[track];
  guint64 delay = get_delay (format);
  gint64 dts = piece->dts;
  for (guint i = 0; i < piece->samples->len; i++) {
    const MillBmffSample *sample =
        &g_array_index (piece->samples, MillBmffSample, i);
    gint64 shown = mill_cmaf_timeline_to_ns (dts + sample->composition_offset,
        format->timescale);
    Frame frame = {
      .track = track,
      .sample = i,
      .order = mill_cmaf_timeline_to_ns (dts, format->timescale),
      .time = (MAX (shown, 0) + (gint64) delay + (gint64) GST_MSECOND / 2) /
          (gint64) GST_MSECOND,
      .is_key = (sample->flags & MILL_BMFF_SAMPLE_NON_SYNC_BIT) == 0,
    };
    g_array_append_val (frames, frame);
    dts += sample->duration;
    gint64 end = shown +
        mill_cmaf_timeline_to_ns (sample->duration, format->timescale);
    self->end = MAX (self->end, (guint64) MAX (end, 0) / GST_MSECOND);
  }
}

/* 5.1.3.5.1, 10.2: its head is the track, the time and the flags. */
static gboolean
put_block (Matroska *self, const Frame *frame, gint64 cluster,
    const MillCmafTaken *pieces, GError **error)
{
  MillBmffWriter *w = &self->parent.scratch;
  const MillCmafTaken *piece = &pieces[frame->track];
  const MillBmffSample *sample =
      &g_array_index (piece->samples, MillBmffSample, frame->sample);
  mill_record_ebml_put_head (w, ID_SIMPLE_BLOCK, 4 + (guint64) sample->size);
  mill_bmff_writer_put_u8 (w, (guint8) (0x80 | (frame->track + 1)));
  mill_bmff_writer_put_u16 (w, (guint16) (gint16) (frame->time - cluster));
  mill_bmff_writer_put_u8 (w, frame->is_key ? KEYFRAME : 0);
  return mill_record_writer_put_payload (&self->parent, piece, frame->sample,
      error);
}

/* A cue for each cluster that has a key frame of the first video in it; of sound
 * alone for each. */
static void
note_cue (Matroska *self, const Frame *frame, GArray *cues, guint64 position)
{
  if (!frame->is_key || frame->track != self->lead)
    return;
  Cue cue = { (guint64) frame->time, frame->track + 1, position };
  g_array_append_val (cues, cue);
}

/* Returns: how many frames, from @first on, are in the cluster; 0: an error */
static guint
put_cluster (Matroska *self, const GArray *frames, guint first,
    const MillCmafTaken *pieces, GError **error)
{
  MillBmffWriter *w = &self->parent.scratch;
  guint64 position = self->parent.size + w->size - self->segment_at;
  const Frame *begin = &g_array_index (frames, Frame, first);
  gboolean has_cue = FALSE;
  gsize cluster = mill_record_ebml_begin (w, ID_CLUSTER);
  mill_record_ebml_put_uint (w, ID_TIMESTAMP, (guint64) begin->time);
  guint i = first;
  for (; i < frames->len; i++) {
    const Frame *frame = &g_array_index (frames, Frame, i);
    if (ABS (frame->time - begin->time) > CLUSTER_MAX_MS)
      break;
    if (!put_block (self, frame, begin->time, pieces, error))
      return 0;
    guint before = self->cues->len;
    if (!has_cue)
      note_cue (self, frame, self->cues, position);
    has_cue |= self->cues->len > before;
  }
  mill_record_ebml_end (w, cluster);
  return i - first;
}

static gboolean
matroska_write (MillRecordWriter *writer, const MillCmafTaken *pieces,
    GError **error)
{
  Matroska *self = get_matroska (writer);
  guint n_cues = self->cues->len;
  g_autoptr (GArray) frames = g_array_new (FALSE, FALSE, sizeof (Frame));
  for (guint i = 0; i < writer->n_formats; i++)
    collect (self, i, &pieces[i], frames);
  g_array_sort (frames, compare_frames);
  guint n = 1;
  for (guint i = 0; i < frames->len && n > 0; i += n)
    n = put_cluster (self, frames, i, pieces, error);
  if (n > 0 && mill_record_writer_append_scratch (writer, error))
    return TRUE;
  g_array_set_size (self->cues, n_cues);
  return FALSE;
}

/* ---- index ---- */

static void
put_seek (MillBmffWriter *w, guint32 id, guint64 position)
{
  const guint8 bytes[] = { id >> 24, id >> 16 & 0xff, id >> 8 & 0xff,
    id & 0xff };
  gsize seek = mill_record_ebml_begin (w, ID_SEEK);
  mill_record_ebml_put_data (w, ID_SEEK_ID, bytes, sizeof bytes);
  mill_record_ebml_put_uint (w, ID_SEEK_POSITION, position);
  mill_record_ebml_end (w, seek);
}

static gboolean
patch_seek_head (Matroska *self, guint64 cues_at, GError **error)
{
  g_auto (MillBmffWriter) w = { 0 };
  gsize head = mill_record_ebml_begin (&w, ID_SEEK_HEAD);
  put_seek (&w, ID_INFO, self->info_at - self->segment_at);
  put_seek (&w, ID_TRACKS, self->tracks_at - self->segment_at);
  put_seek (&w, ID_CUES, cues_at - self->segment_at);
  mill_record_ebml_end (&w, head);
  mill_record_ebml_put_void (&w, SEEK_HEAD_SIZE - w.size);
  return mill_record_writer_patch (&self->parent, self->segment_at, w.data,
      w.size, error);
}

static gboolean
patch_sizes (Matroska *self, GError **error)
{
  g_auto (MillBmffWriter) w = { 0 };
  mill_record_ebml_put_float (&w, ID_DURATION, (gdouble) self->end);
  if (!mill_record_writer_patch (&self->parent, self->duration_at, w.data,
          w.size, error))
    return FALSE;
  mill_bmff_writer_reset (&w);
  mill_record_ebml_put_head (&w, ID_SEGMENT,
      self->parent.size - self->segment_at);
  return mill_record_writer_patch (&self->parent, self->segment_at - w.size,
      w.data, w.size, error);
}

static gboolean
matroska_finish (MillRecordWriter *writer, GError **error)
{
  Matroska *self = get_matroska (writer);
  MillBmffWriter *w = &writer->scratch;
  guint64 cues_at = writer->size;
  gsize cues = mill_record_ebml_begin (w, ID_CUES);
  for (guint i = 0; i < self->cues->len; i++) {
    const Cue *cue = &g_array_index (self->cues, Cue, i);
    gsize point = mill_record_ebml_begin (w, ID_CUE_POINT);
    mill_record_ebml_put_uint (w, ID_CUE_TIME, cue->time);
    gsize place = mill_record_ebml_begin (w, ID_CUE_TRACK_POSITIONS);
    mill_record_ebml_put_uint (w, ID_CUE_TRACK, cue->track);
    mill_record_ebml_put_uint (w, ID_CUE_CLUSTER_POSITION, cue->position);
    mill_record_ebml_end (w, place);
    mill_record_ebml_end (w, point);
  }
  mill_record_ebml_end (w, cues);
  return mill_record_writer_append_scratch (writer, error) &&
      patch_seek_head (self, cues_at, error) && patch_sizes (self, error);
}

static void
matroska_clear (MillRecordWriter *writer)
{
  g_clear_pointer (&get_matroska (writer)->cues, g_array_unref);
}

const MillRecordWriterClass mill_record_matroska_class = {
  .size = sizeof (Matroska),
  .begin = matroska_begin,
  .write = matroska_write,
  .finish = matroska_finish,
  .clear = matroska_clear,
};
