/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Makes an Enhanced FLV file of others, which hold one track each and whatever
 * GStreamer can take apart: what an encoder of today would publish.
 *
 *     flv-enhance [--form one|many|codecs] [--nano] OUT.flv TRACK...
 *
 * A TRACK is a file, `FILE@LANGUAGE` for sound with a language. Tracks are
 * numbered in the order of their kind. The first of each kind is sent as a
 * message of its own, as encoders do, the others in the form of multitrack that
 * is asked for; with `many` and `codecs` all of one time are one message.
 *
 * Exit code: 0, 64 for wrong use, 66 for an unusable file.
 */
#include <string.h>

#include <gst/app/gstappsink.h>
#include <gst/gst.h>
#include <gst/pbutils/pbutils.h>

#include "codec/av1.h"
#include "codec/vp9.h"
#include "rtmp/amf0.h"
#include "rtmp/flv-ex-writer.h"
#include "bytes/bytes.h"

#define EXIT_USE 64
#define EXIT_NO_INPUT 66

#define SOUND_TAG 8
#define VIDEO_TAG 9
#define DATA_TAG 18

#define CAPS                                                             \
  "video/x-h264,stream-format=avc,alignment=au;"                         \
  "video/x-h265,stream-format=hvc1,alignment=au;"                        \
  "video/x-av1,stream-format=obu-stream,alignment=tu;"                   \
  "video/x-vp9,alignment=super-frame;video/x-vp8;"                       \
  "audio/mpeg,mpegversion=4,stream-format=raw;audio/mpeg,mpegversion=1;" \
  "audio/x-opus;audio/x-flac,framed=true;audio/x-ac3,alignment=frame;"   \
  "audio/x-eac3,alignment=frame"

typedef struct
{
  MillFlvKind kind;
  guint id;
  guint32 fourcc;
  const gchar *language; /* nullable */
  GstCaps *caps;
  GBytes *config; /* nullable: the frames have it */
  GPtrArray *frames; /* element-type GstBuffer; stamps are running times */
} Track;

/** Of one track, in the order of the file. */
typedef struct
{
  Track *track;
  gboolean is_config;
  gboolean is_key;
  guint64 dts_ns;
  gint32 composition_ms;
  GBytes *body;
} Item;

static void
track_free (Track *track)
{
  gst_clear_caps (&track->caps);
  g_clear_pointer (&track->config, g_bytes_unref);
  g_clear_pointer (&track->frames, g_ptr_array_unref);
  g_free (track);
}

static void
item_free (Item *item)
{
  g_bytes_unref (item->body);
  g_free (item);
}

/* ---- reading ---- */

static GBytes *
copy_buffer (GstBuffer *buffer)
{
  gsize size = gst_buffer_get_size (buffer);
  guint8 *data = g_malloc (size);

  gst_buffer_extract (buffer, 0, data, size);
  return g_bytes_new_take (data, size);
}

static const struct
{
  const gchar *type;
  guint32 fourcc;
} types[] = {
  { "video/x-h264", MILL_FLV_FOURCC_AVC },
  { "video/x-h265", MILL_FLV_FOURCC_HEVC },
  { "video/x-av1", MILL_FLV_FOURCC_AV1 },
  { "video/x-vp9", MILL_FLV_FOURCC_VP9 },
  { "video/x-vp8", MILL_FLV_FOURCC_VP8 },
  { "audio/x-opus", MILL_FLV_FOURCC_OPUS },
  { "audio/x-flac", MILL_FLV_FOURCC_FLAC },
  { "audio/x-ac3", MILL_FLV_FOURCC_AC3 },
  { "audio/x-eac3", MILL_FLV_FOURCC_EAC3 },
};

static guint32
find_fourcc (const GstStructure *caps)
{
  gint version = 0;

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    if (gst_structure_has_name (caps, types[i].type))
      return types[i].fourcc;
  gst_structure_get_int (caps, "mpegversion", &version);
  return version == 1 ? MILL_FLV_FOURCC_MP3 : MILL_FLV_FOURCC_AAC;
}

static GBytes *
make_opus_head (GstCaps *caps)
{
  guint32 rate;
  guint8 channels;
  guint8 family;
  guint8 streams;
  guint8 coupled;
  guint8 mapping[256];

  gst_codec_utils_opus_parse_caps (caps, &rate, &channels, &family, &streams,
      &coupled, mapping);
  g_autoptr (GstBuffer) head = gst_codec_utils_opus_create_header (rate,
      channels, family, streams, coupled, mapping, 0, 0);
  return copy_buffer (head);
}

/* "fLaC" and STREAMINFO: in Ogg's form nine bytes precede them. */
static GBytes *
find_flac_head (const GstStructure *caps)
{
  const GValue *list = gst_structure_get_value (caps, "streamheader");
  g_autoptr (GBytes) whole =
      copy_buffer (gst_value_get_buffer (gst_value_array_get_value (list, 0)));

  return g_bytes_new_from_bytes (whole, 9, g_bytes_get_size (whole) - 9);
}

/* The record without version and flags of its box. */
static GBytes *
make_vp9_record (GstBuffer *key_frame)
{
  g_autoptr (GBytes) frame = copy_buffer (key_frame);
  gsize size;
  const guint8 *data = g_bytes_get_data (frame, &size);
  MillCodecInfo info = { 0 };

  if (!mill_vp9_parse_key_frame (data, size, &info, NULL))
    return NULL;
  g_autoptr (GBytes) record = mill_vp9_build_config (&info);
  return g_bytes_new_from_bytes (record, 4, g_bytes_get_size (record) - 4);
}

/* GStreamer 1.22's MP4 demuxer leaves the head of the record out. */
static GBytes *
make_av1_record (GstBuffer *key_unit)
{
  g_autoptr (GBytes) unit = copy_buffer (key_unit);
  gsize size;
  const guint8 *data = g_bytes_get_data (unit, &size);

  return mill_av1_build_config (data, size, NULL);
}

static GBytes *
find_config (Track *track)
{
  static const guint8 vp8[] = { 0, 0, 0x80, 2, 2, 2, 0, 0 };
  const GstStructure *caps = gst_caps_get_structure (track->caps, 0);
  const GValue *data = gst_structure_get_value (caps, "codec_data");

  switch (track->fourcc) {
    case MILL_FLV_FOURCC_OPUS:
      return make_opus_head (track->caps);
    case MILL_FLV_FOURCC_FLAC:
      return find_flac_head (caps);
    case MILL_FLV_FOURCC_AV1:
      return make_av1_record (g_ptr_array_index (track->frames, 0));
    case MILL_FLV_FOURCC_VP9:
      return make_vp9_record (g_ptr_array_index (track->frames, 0));
    case MILL_FLV_FOURCC_VP8:
      return g_bytes_new_static (vp8, sizeof vp8);
    default:
      return data ? copy_buffer (gst_value_get_buffer (data)) : NULL;
  }
}

/* Stamps become running times; what decodes before 0 is shifted by the caller.
 */
static void
take_sample (Track *track, GstSample *sample)
{
  GstBuffer *buffer = gst_buffer_copy (gst_sample_get_buffer (sample));
  GstSegment *segment = gst_sample_get_segment (sample);
  GstClockTime dts = GST_BUFFER_DTS (buffer);

  /* Headers of Ogg streams; a picture has the flag with parameters in it. */
  gboolean is_audio = g_str_has_prefix (
      gst_structure_get_name (gst_caps_get_structure (track->caps, 0)),
      "audio/");
  if (!GST_BUFFER_PTS_IS_VALID (buffer) ||
      (is_audio && GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_HEADER))) {
    gst_buffer_unref (buffer);
    return;
  }
  if (!GST_CLOCK_TIME_IS_VALID (dts))
    dts = GST_BUFFER_PTS (buffer);
  /* An hour is more than any reordering. */
  GST_BUFFER_PTS (buffer) += 3600 * GST_SECOND - segment->start;
  GST_BUFFER_DTS (buffer) = dts + 3600 * GST_SECOND - segment->start;
  g_ptr_array_add (track->frames, buffer);
}

static Track *
read_track (const gchar *path)
{
  g_autofree gchar *text =
      g_strdup_printf ("filesrc name=file ! parsebin ! appsink name=sink "
                       "sync=false caps=\"" CAPS "\"");
  g_autoptr (GstElement) pipeline = gst_parse_launch (text, NULL);
  g_autoptr (GstElement) file =
      gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_autoptr (GstElement) sink =
      gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  Track *track = g_new0 (Track, 1);
  GstSample *sample;

  g_object_set (file, "location", path, NULL);
  track->frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while ((sample = gst_app_sink_pull_sample (GST_APP_SINK (sink)))) {
    gst_caps_replace (&track->caps, gst_sample_get_caps (sample));
    take_sample (track, sample);
    gst_sample_unref (sample);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  if (track->frames->len == 0) {
    track_free (track);
    return NULL;
  }
  const GstStructure *caps = gst_caps_get_structure (track->caps, 0);
  track->kind = g_str_has_prefix (gst_structure_get_name (caps), "video/")
      ? MILL_FLV_KIND_VIDEO
      : MILL_FLV_KIND_AUDIO;
  track->fourcc = find_fourcc (caps);
  track->config = find_config (track);
  return track;
}

/* ---- order ---- */

static guint64
find_start (GPtrArray *tracks)
{
  guint64 start = G_MAXUINT64;

  for (guint i = 0; i < tracks->len; i++) {
    Track *track = g_ptr_array_index (tracks, i);
    start = MIN (start, GST_BUFFER_DTS (g_ptr_array_index (track->frames, 0)));
  }
  return start;
}

static Item *
add_item (GPtrArray *items, Track *track, GBytes *body)
{
  Item *item = g_new0 (Item, 1);

  item->track = track;
  item->body = body;
  g_ptr_array_add (items, item);
  return item;
}

/* A time stamp is whole milliseconds, the composition time likewise: what is
 * shown is right to one of them. */
static void
add_frames (GPtrArray *items, Track *track, guint64 start)
{
  for (guint i = 0; i < track->frames->len; i++) {
    GstBuffer *buffer = g_ptr_array_index (track->frames, i);
    Item *item = add_item (items, track, copy_buffer (buffer));
    guint64 pts_ns = GST_BUFFER_PTS (buffer) - start;

    item->is_key = !GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    item->dts_ns = GST_BUFFER_DTS (buffer) - start;
    item->composition_ms = (gint32) ((gint64) (pts_ns / GST_MSECOND) -
        (gint64) (item->dts_ns / GST_MSECOND));
  }
}

static gint
compare_items (gconstpointer a, gconstpointer b)
{
  const Item *one = *(const Item *const *) a;
  const Item *two = *(const Item *const *) b;
  guint64 one_ms = one->dts_ns / GST_MSECOND;
  guint64 two_ms = two->dts_ns / GST_MSECOND;

  if (one_ms != two_ms)
    return one_ms < two_ms ? -1 : 1;
  if (one->track->kind != two->track->kind)
    return one->track->kind == MILL_FLV_KIND_VIDEO ? -1 : 1;
  if (one->track != two->track)
    return one->track->id < two->track->id ? -1 : 1;
  return one->dts_ns < two->dts_ns ? -1 : one->dts_ns > two->dts_ns;
}

/* ---- writing ---- */

static void
write_tag (GByteArray *out, guint type, guint32 time_ms, const GByteArray *body)
{
  guint8 header[11] = { (guint8) type };
  guint8 trailer[4];

  mill_bytes_write_u24 (header + 1, body->len);
  mill_bytes_write_u24 (header + 4, time_ms & 0xffffff);
  header[7] = (guint8) (time_ms >> 24);
  mill_bytes_write_u32 (trailer, sizeof header + body->len);
  g_byte_array_append (out, header, sizeof header);
  g_byte_array_append (out, body->data, body->len);
  g_byte_array_append (out, trailer, sizeof trailer);
}

static void
write_number (GByteArray *out, const gchar *name, gdouble number)
{
  mill_amf0_write_name (out, name);
  mill_amf0_write_number (out, number);
}

static void
write_picture (GByteArray *out, Track *track)
{
  const GstStructure *caps = gst_caps_get_structure (track->caps, 0);
  gint number = 0;
  gint n = 0;
  gint d = 1;

  if (gst_structure_get_int (caps, "width", &number))
    write_number (out, "width", number);
  if (gst_structure_get_int (caps, "height", &number))
    write_number (out, "height", number);
  if (gst_structure_get_fraction (caps, "framerate", &n, &d) && n > 0)
    write_number (out, "framerate", (gdouble) n / d);
}

static void
write_map (GByteArray *out, GPtrArray *tracks, MillFlvKind kind)
{
  mill_amf0_write_name (out,
      kind == MILL_FLV_KIND_VIDEO ? "videoTrackIdInfoMap"
                                  : "audioTrackIdInfoMap");
  mill_amf0_write_object_begin (out);
  for (guint i = 0; i < tracks->len; i++) {
    Track *track = g_ptr_array_index (tracks, i);
    g_autofree gchar *id = g_strdup_printf ("%u", track->id);

    if (track->kind != kind)
      continue;
    mill_amf0_write_name (out, id);
    mill_amf0_write_object_begin (out);
    if (kind == MILL_FLV_KIND_VIDEO)
      write_picture (out, track);
    if (track->language) {
      mill_amf0_write_name (out, "language");
      mill_amf0_write_string (out, track->language);
    }
    mill_amf0_write_object_end (out);
  }
  mill_amf0_write_object_end (out);
}

static void
write_metadata (GByteArray *out, GPtrArray *tracks)
{
  g_autoptr (GByteArray) body = g_byte_array_new ();

  mill_amf0_write_string (body, "onMetaData");
  mill_amf0_write_ecma_array_begin (body, 2);
  for (guint i = 0; i < tracks->len; i++) {
    Track *track = g_ptr_array_index (tracks, i);
    if (track->id > 0)
      continue;
    write_number (body,
        track->kind == MILL_FLV_KIND_VIDEO ? "videocodecid" : "audiocodecid",
        track->fourcc);
    if (track->kind == MILL_FLV_KIND_VIDEO)
      write_picture (body, track);
  }
  write_map (body, tracks, MILL_FLV_KIND_VIDEO);
  write_map (body, tracks, MILL_FLV_KIND_AUDIO);
  mill_amf0_write_object_end (body);
  write_tag (out, DATA_TAG, 0, body);
}

/* @items: of one message: one time and kind */
static void
write_message (GByteArray *out, Item **items, guint n, MillFlvExMultitrack form,
    gboolean with_nano)
{
  Item *lead = items[0];
  g_autofree MillFlvExBody *bodies = g_new0 (MillFlvExBody, n);
  g_autoptr (GByteArray) body = g_byte_array_new ();
  MillFlvExHeader header = {
    .kind = lead->track->kind,
    .frame_type = lead->is_key || lead->is_config ? 1 : 2,
    .packet_type = lead->is_config ? MILL_FLV_EX_SEQUENCE_START
                                   : MILL_FLV_EX_CODED_FRAMES,
    .multitrack = form,
    .nano_offset = with_nano ? lead->dts_ns % GST_MSECOND : 0,
  };

  for (guint i = 0; i < n; i++) {
    gsize size;
    const guint8 *data = g_bytes_get_data (items[i]->body, &size);
    bodies[i] = (MillFlvExBody){ items[i]->track->id, items[i]->track->fourcc,
      items[i]->composition_ms, data, size };
  }
  mill_flv_ex_writer_write (body, &header, bodies, n);
  write_tag (out,
      lead->track->kind == MILL_FLV_KIND_VIDEO ? VIDEO_TAG : SOUND_TAG,
      (guint32) (lead->dts_ns / GST_MSECOND), body);
}

/* Whether both may be in one message: keyframes only with keyframes. */
static gboolean
fits (const Item *a, const Item *b, MillFlvExMultitrack form)
{
  return a->track->kind == b->track->kind && a->track != b->track &&
      a->is_config == b->is_config && a->is_key == b->is_key &&
      a->dts_ns / GST_MSECOND == b->dts_ns / GST_MSECOND &&
      (form == MILL_FLV_EX_MANY_TRACKS_MANY_CODECS ||
          a->track->fourcc == b->track->fourcc);
}

static void
write_items (GByteArray *out, GPtrArray *items, MillFlvExMultitrack form,
    gboolean with_nano)
{
  gboolean together = form != MILL_FLV_EX_ONE_TRACK;

  for (guint i = 0; i < items->len;) {
    Item **group = (Item **) &g_ptr_array_index (items, i);
    guint n = 1;

    while (together && i + n < items->len &&
        fits (group[n - 1], group[n], form))
      n++;
    write_message (out, group, n,
        n == 1 && group[0]->track->id == 0 ? MILL_FLV_EX_NO_MULTITRACK : form,
        with_nano);
    i += n;
  }
}

static GByteArray *
make_file (GPtrArray *tracks, MillFlvExMultitrack form, gboolean with_nano)
{
  static const guint8 head[] = { 'F', 'L', 'V', 1, 5, 0, 0, 0, 9, 0, 0, 0, 0 };
  GByteArray *out = g_byte_array_new ();
  g_autoptr (GPtrArray) configs =
      g_ptr_array_new_with_free_func ((GDestroyNotify) item_free);
  g_autoptr (GPtrArray) frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) item_free);
  guint64 start = find_start (tracks);

  g_byte_array_append (out, head, sizeof head);
  write_metadata (out, tracks);
  for (guint i = 0; i < tracks->len; i++) {
    Track *track = g_ptr_array_index (tracks, i);
    if (track->config)
      add_item (configs, track, g_bytes_ref (track->config))->is_config = TRUE;
    add_frames (frames, track, start);
  }
  g_ptr_array_sort (configs, compare_items);
  g_ptr_array_sort (frames, compare_items);
  write_items (out, configs, form, FALSE);
  write_items (out, frames, form, with_nano);
  return out;
}

/* ---- the command ---- */

/* "FILE@LANGUAGE": cuts @text. */
static gboolean
add_track (GPtrArray *tracks, gchar *text)
{
  guint id = 0;
  gchar *mark = strrchr (text, '@');

  if (mark)
    *mark++ = '\0';
  Track *track = read_track (text);
  if (!track) {
    g_printerr ("flv-enhance: %s: got no track that can be sent\n", text);
    return FALSE;
  }
  for (guint i = 0; i < tracks->len; i++)
    id += ((Track *) g_ptr_array_index (tracks, i))->kind == track->kind;
  track->id = id;
  track->language = mark;
  g_ptr_array_add (tracks, track);
  return TRUE;
}

static gboolean
read_form (const gchar *text, MillFlvExMultitrack *ret_form)
{
  if (!text || g_str_equal (text, "one"))
    *ret_form = MILL_FLV_EX_ONE_TRACK;
  else if (g_str_equal (text, "many"))
    *ret_form = MILL_FLV_EX_MANY_TRACKS;
  else if (g_str_equal (text, "codecs"))
    *ret_form = MILL_FLV_EX_MANY_TRACKS_MANY_CODECS;
  else
    return FALSE;
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autofree gchar *form_text = NULL;
  gboolean with_nano = FALSE;
  MillFlvExMultitrack form;
  const GOptionEntry entries[] = {
    { "form", 0, 0, G_OPTION_ARG_STRING, &form_text, "Of several tracks",
        "one|many|codecs" },
    { "nano", 0, 0, G_OPTION_ARG_NONE, &with_nano,
        "With nanoseconds of time stamps", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("OUT TRACK...");
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc < 3 ||
      !read_form (form_text, &form)) {
    g_printerr ("usage: flv-enhance [--form one|many|codecs] [--nano] OUT "
                "TRACK...\n");
    return EXIT_USE;
  }
  gst_init (NULL, NULL);
  g_autoptr (GPtrArray) tracks =
      g_ptr_array_new_with_free_func ((GDestroyNotify) track_free);
  for (gint i = 2; i < argc; i++)
    if (!add_track (tracks, argv[i]))
      return EXIT_NO_INPUT;
  g_autoptr (GByteArray) file = make_file (tracks, form, with_nano);
  if (!g_file_set_contents (argv[1], (const gchar *) file->data, file->len,
          &error)) {
    g_printerr ("flv-enhance: %s\n", error->message);
    return EXIT_NO_INPUT;
  }
  return 0;
}
