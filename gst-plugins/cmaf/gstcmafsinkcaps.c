/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafsinkcaps.h"

#include <gst/pbutils/pbutils.h>
#include <gst/video/video.h>

#include "codec/ac3.h"
#include "codec/av1.h"
#include "codec/flac.h"
#include "codec/hevc.h"
#include "codec/mp3.h"
#include "codec/opus.h"
#include "codec/vp9.h"

#define VIDEO_TIMESCALE 90000 /* divides 24, 25, 30, 50, 60, 30000/1001 */
#define FOURCC MILL_BMFF_FOURCC

/** While a record is looked for. */
typedef struct
{
  MillCodec codec;
  const GstStructure *caps;
  GstBuffer *buffer; /* (nullable) */
  MillCodecInfo info; /* filled in by VP9, whose record does not hold all */
} Search;

/* ---- which codec ---- */

/* A field that may be missing: FLV and Matroska have whole frames only, and do
 * not say so. */
static gboolean
is_or_lacks (const GstStructure *caps, const gchar *field, const gchar *value)
{
  const gchar *got = gst_structure_get_string (caps, field);
  return got == NULL || g_str_equal (got, value);
}

static gboolean
find_video (const GstStructure *caps, MillCodec *ret_codec)
{
  const gchar *format = gst_structure_get_string (caps, "stream-format");
  gboolean is_au = is_or_lacks (caps, "alignment", "au");
  if (gst_structure_has_name (caps, "video/x-h264")) {
    *ret_codec = MILL_CODEC_AVC;
    return is_au && g_strcmp0 (format, "avc") == 0;
  }
  if (gst_structure_has_name (caps, "video/x-h265")) {
    *ret_codec = MILL_CODEC_HEVC;
    return is_au &&
        (g_strcmp0 (format, "hvc1") == 0 || g_strcmp0 (format, "hev1") == 0);
  }
  if (gst_structure_has_name (caps, "video/x-av1")) {
    *ret_codec = MILL_CODEC_AV1;
    return is_or_lacks (caps, "stream-format", "obu-stream") &&
        is_or_lacks (caps, "alignment", "tu");
  }
  *ret_codec = MILL_CODEC_VP9;
  return gst_structure_has_name (caps, "video/x-vp9") &&
      is_or_lacks (caps, "alignment", "super-frame");
}

static gboolean
find_mpeg_audio (const GstStructure *caps, MillCodec *ret_codec)
{
  gint version = 0;
  gint layer = 3;
  gst_structure_get_int (caps, "mpegversion", &version);
  gst_structure_get_int (caps, "layer", &layer);
  *ret_codec = version == 1 ? MILL_CODEC_MP3 : MILL_CODEC_AAC;
  if (version == 1)
    return layer == 3;
  return (version == 4 || version == 2) &&
      is_or_lacks (caps, "stream-format", "raw");
}

static gboolean
find_audio (const GstStructure *caps, MillCodec *ret_codec)
{
  static const struct
  {
    const gchar *name;
    MillCodec codec;
  } names[] = { { "audio/x-opus", MILL_CODEC_OPUS },
    { "audio/x-flac", MILL_CODEC_FLAC }, { "audio/x-ac3", MILL_CODEC_AC3 },
    { "audio/x-eac3", MILL_CODEC_EAC3 } };
  gboolean framed;
  if (gst_structure_has_name (caps, "audio/mpeg"))
    return find_mpeg_audio (caps, ret_codec);
  if (gst_structure_get_boolean (caps, "framed", &framed) && !framed)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    *ret_codec = names[i].codec;
    if (gst_structure_has_name (caps, names[i].name))
      return TRUE;
  }
  return FALSE;
}

static gboolean
find_codec (MillCmafKind kind, const GstStructure *caps, MillCodec *ret_codec)
{
  return kind == MILL_CMAF_VIDEO ? find_video (caps, ret_codec)
                                 : find_audio (caps, ret_codec);
}

gchar *
gst_cmaf_sink_caps_explain (MillCmafKind kind, const GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  if (gst_structure_has_name (structure, "video/x-vp8"))
    return g_strdup ("H.264, HEVC, AV1 or VP9 (CMAF has no place for VP8)");
  if (kind == MILL_CMAF_TEXT)
    return g_strdup ("plain text or Pango's markup (text/x-raw), WebVTT "
                     "(application/x-subtitle-vtt), TTML "
                     "(application/ttml+xml) or ASS (application/x-ass)");
  if (kind == MILL_CMAF_VIDEO)
    return g_strdup ("H.264 (video/x-h264, stream-format=avc, alignment=au), "
                     "HEVC (video/x-h265, stream-format=hvc1 or hev1, "
                     "alignment=au), AV1 (video/x-av1, "
                     "stream-format=obu-stream, alignment=tu) or VP9 "
                     "(video/x-vp9, alignment=super-frame)");
  return g_strdup ("AAC (audio/mpeg, mpegversion=4, stream-format=raw), MP3, "
                   "Opus, FLAC, AC-3 or E-AC-3, in whole frames");
}

/* ---- the record ---- */

static GBytes *
copy_buffer (GstBuffer *buffer)
{
  gsize size = buffer != NULL ? gst_buffer_get_size (buffer) : 0;
  if (size == 0)
    return NULL;
  guint8 *data = g_malloc (size);
  gst_buffer_extract (buffer, 0, data, size);
  return g_bytes_new_take (data, size);
}

static GBytes *
get_codec_data (const GstStructure *caps)
{
  const GValue *value = gst_structure_get_value (caps, "codec_data");
  return value != NULL ? copy_buffer (gst_value_get_buffer (value)) : NULL;
}

/* The first buffer of the stream's head; of FLAC all, as demuxers cut it into
 * pieces in different ways. */
static GBytes *
get_stream_header (const GstStructure *caps, gboolean whole)
{
  const GValue *list = gst_structure_get_value (caps, "streamheader");
  if (list == NULL || !GST_VALUE_HOLDS_ARRAY (list))
    return NULL;
  guint n = gst_value_array_get_size (list);
  GByteArray *all = g_byte_array_new ();
  for (guint i = 0; i < (whole ? n : MIN (n, 1)); i++) {
    const GValue *value = gst_value_array_get_value (list, i);
    g_autoptr (GBytes) part = GST_VALUE_HOLDS_BUFFER (value)
        ? copy_buffer (gst_value_get_buffer (value))
        : NULL;
    if (part != NULL)
      g_byte_array_append (all, g_bytes_get_data (part, NULL),
          g_bytes_get_size (part));
  }
  return g_byte_array_free_to_bytes (all);
}

/* Caps of Opus without a head, as an MP4 demuxer gives, hold the rest of it. */
static GBytes *
make_opus_head (const GstStructure *caps)
{
  g_autoptr (GstCaps) whole =
      gst_caps_new_full (gst_structure_copy (caps), NULL);
  guint32 rate;
  guint8 channels;
  guint8 family;
  guint8 streams;
  guint8 coupled;
  guint8 mapping[256];
  /* It takes the field for granted. */
  if (!gst_structure_has_field_typed (caps, "channel-mapping-family",
          G_TYPE_INT) ||
      !gst_codec_utils_opus_parse_caps (whole, &rate, &channels, &family,
          &streams, &coupled, mapping))
    return NULL;
  g_autoptr (GstBuffer) head = gst_codec_utils_opus_create_header (rate,
      channels, family, streams, coupled, mapping, 0, 0);
  return head != NULL ? copy_buffer (head) : NULL;
}

static GBytes *
find_opus (const Search *search, GError **error)
{
  g_autoptr (GBytes) head = get_stream_header (search->caps, FALSE);
  if (head == NULL)
    head = get_codec_data (search->caps);
  if (head == NULL)
    head = make_opus_head (search->caps);
  gsize size;
  const guint8 *data = head ? g_bytes_get_data (head, &size) : NULL;
  return mill_opus_build_config (data, data ? size : 0, error);
}

static GBytes *
find_flac (const Search *search, GError **error)
{
  g_autoptr (GBytes) head = get_stream_header (search->caps, TRUE);
  if (head == NULL)
    head = get_codec_data (search->caps);
  gsize size;
  const guint8 *data = head ? g_bytes_get_data (head, &size) : NULL;
  return mill_flac_build_config (data, data ? size : 0, error);
}

/* From the head of a frame, where there is one; NULL without error: not yet. */
static GBytes *
find_in_frame (const Search *search, GError **error)
{
  MillCodec codec = search->codec;
  GstMapInfo map;
  if (search->buffer == NULL || gst_buffer_get_size (search->buffer) == 0 ||
      !gst_buffer_map (search->buffer, &map, GST_MAP_READ))
    return NULL;
  GBytes *record = codec == MILL_CODEC_MP3
      ? mill_mp3_build_config (map.data, map.size, error)
      : mill_ac3_build_config (map.data, map.size, &codec, error);
  gst_buffer_unmap (search->buffer, &map);
  if (record != NULL && codec != search->codec) {
    g_set_error (error, MILL_CODEC_ERROR, MILL_CODEC_ERROR_INVALID,
        "first frame: got %s, expected %s", mill_codec_get_title (codec),
        mill_codec_get_title (search->codec));
    g_clear_pointer (&record, g_bytes_unref);
  }
  return record;
}

static GBytes *
find_av1 (const Search *search, GError **error)
{
  g_autoptr (GBytes) data = get_codec_data (search->caps);
  MillCodecInfo info;
  /* GStreamer 1.22's MP4 demuxer leaves its head out: then the stream tells. */
  if (data != NULL &&
      mill_av1_parse_config (g_bytes_get_data (data, NULL),
          g_bytes_get_size (data), &info, NULL) &&
      info.width > 0)
    return g_steal_pointer (&data);
  GstMapInfo map;
  if (search->buffer == NULL ||
      !gst_buffer_map (search->buffer, &map, GST_MAP_READ))
    return NULL;
  GBytes *record = mill_av1_is_sync (map.data, map.size)
      ? mill_av1_build_config (map.data, map.size, error)
      : NULL;
  gst_buffer_unmap (search->buffer, &map);
  return record;
}

/* Code points of ISO/IEC 23091-2; FALSE when nothing is known. */
static gboolean
get_colorimetry (const GstStructure *caps, MillCodecColour *ret_colour)
{
  const gchar *text = gst_structure_get_string (caps, "colorimetry");
  GstVideoColorimetry colour;
  if (text == NULL || !gst_video_colorimetry_from_string (&colour, text))
    return FALSE;
  *ret_colour = (MillCodecColour){
    .known = TRUE,
    .primaries = (guint8) gst_video_color_primaries_to_iso (colour.primaries),
    .transfer = (guint8) gst_video_transfer_function_to_iso (colour.transfer),
    .matrix = (guint8) gst_video_color_matrix_to_iso (colour.matrix),
    .full_range = colour.range == GST_VIDEO_COLOR_RANGE_0_255,
  };
  return colour.transfer != GST_VIDEO_TRANSFER_UNKNOWN &&
      colour.primaries != GST_VIDEO_COLOR_PRIMARIES_UNKNOWN;
}

static void
get_frame_rate (const GstStructure *caps, MillCodecInfo *info)
{
  gint n;
  gint d;
  if (!gst_structure_get_fraction (caps, "framerate", &n, &d) || n <= 0 ||
      d <= 0)
    return;
  info->fps_n = (guint) n;
  info->fps_d = (guint) d;
}

/* The key frame has the size, the record of a container the level. */
static GBytes *
find_vp9 (Search *search, GError **error)
{
  GstMapInfo map;
  MillCodecInfo *info = &search->info;
  if (search->buffer == NULL ||
      !gst_buffer_map (search->buffer, &map, GST_MAP_READ))
    return NULL;
  gboolean is_key = mill_vp9_is_key_frame (map.data, map.size);
  gboolean ok = is_key &&
      mill_vp9_parse_key_frame (map.data, map.size, info, error);
  gst_buffer_unmap (search->buffer, &map);
  if (!ok)
    return NULL;
  g_autoptr (GBytes) data = get_codec_data (search->caps);
  MillCodecInfo told;
  if (data != NULL &&
      mill_vp9_parse_config (g_bytes_get_data (data, NULL),
          g_bytes_get_size (data), &told, NULL)) {
    info->level = told.level;
    if (told.colour.known)
      info->colour = told.colour;
  }
  /* The bitstream has no word for PQ and HLG. */
  MillCodecColour colour;
  if (get_colorimetry (search->caps, &colour))
    info->colour = colour;
  get_frame_rate (search->caps, info);
  return mill_vp9_build_config (info);
}

/* Returns: (nullable): NULL without error: it is in a frame to come */
static GBytes *
find_record (Search *search, GError **error)
{
  switch (search->codec) {
    case MILL_CODEC_AV1:
      return find_av1 (search, error);
    case MILL_CODEC_VP9:
      return find_vp9 (search, error);
    case MILL_CODEC_OPUS:
      return find_opus (search, error);
    case MILL_CODEC_FLAC:
      return find_flac (search, error);
    case MILL_CODEC_AC3:
    case MILL_CODEC_EAC3:
    case MILL_CODEC_MP3:
      return find_in_frame (search, error);
    default:
      break;
  }
  GBytes *data = get_codec_data (search->caps);
  if (data == NULL)
    g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
        "codec_data is missing");
  return data;
}

/* ---- what caps know besides ---- */

static void
add_shape (const GstStructure *caps, MillCodecInfo *info)
{
  gint width = 0;
  gint height = 0;
  gint par_n;
  gint par_d;
  if (info->width == 0 && gst_structure_get_int (caps, "width", &width) &&
      gst_structure_get_int (caps, "height", &height) && width > 0 &&
      height > 0) {
    info->width = (guint) width;
    info->height = (guint) height;
  }
  /* A demuxer that knows nothing says 1:1. */
  if (gst_structure_get_fraction (caps, "pixel-aspect-ratio", &par_n, &par_d) &&
      par_n > 0 && par_d > 0 && par_n != par_d) {
    info->par_n = (guint) par_n;
    info->par_d = (guint) par_d;
  }
  MillCodecColour colour;
  if (!info->colour.known && get_colorimetry (caps, &colour))
    info->colour = colour;
  get_frame_rate (caps, info);
}

static void
get_hdr (const GstCaps *caps, MillCodecHdr *hdr)
{
  GstVideoMasteringDisplayInfo mastering;
  GstVideoContentLightLevel light;
  if (gst_video_mastering_display_info_from_caps (&mastering, caps)) {
    /* Red, green, blue there; green, blue, red in the box. */
    for (guint i = 0; i < 3; i++) {
      hdr->primaries[i][0] = mastering.display_primaries[(i + 1) % 3].x;
      hdr->primaries[i][1] = mastering.display_primaries[(i + 1) % 3].y;
    }
    hdr->white[0] = mastering.white_point.x;
    hdr->white[1] = mastering.white_point.y;
    hdr->max_luminance = mastering.max_display_mastering_luminance;
    hdr->min_luminance = mastering.min_display_mastering_luminance;
    hdr->has_mastering = TRUE;
  }
  if (gst_video_content_light_level_from_caps (&light, caps)) {
    hdr->max_cll = light.max_content_light_level;
    hdr->max_fall = light.max_frame_average_light_level;
    hdr->has_light = TRUE;
  }
}

GstCmafSinkCapsAccess
gst_cmaf_sink_caps_get_access (const MillCodecInfo *codec, const guint8 *data,
    gsize size)
{
  static const GstCmafSinkCapsAccess of_hevc[] = {
    [MILL_HEVC_ACCESS_NONE] = GST_CMAF_SINK_CAPS_NO_ACCESS,
    [MILL_HEVC_ACCESS_OPEN] = GST_CMAF_SINK_CAPS_OPEN_ACCESS,
    [MILL_HEVC_ACCESS_CLOSED] = GST_CMAF_SINK_CAPS_CLEAN_ACCESS,
  };
  gboolean clean = FALSE;
  switch (codec->codec) {
    case MILL_CODEC_AVC:
      clean = mill_avc_has_idr (data, size, codec->nal_length_size);
      break;
    case MILL_CODEC_HEVC:
      return of_hevc[mill_hevc_get_access (data, size, codec->nal_length_size)];
    case MILL_CODEC_AV1:
      clean = mill_av1_is_sync (data, size);
      break;
    case MILL_CODEC_VP9:
      clean = mill_vp9_is_key_frame (data, size);
      break;
    default:
      clean = TRUE;
  }
  return clean ? GST_CMAF_SINK_CAPS_CLEAN_ACCESS : GST_CMAF_SINK_CAPS_NO_ACCESS;
}

/* Encoders put it into the stream, few containers repeat it. */
static gboolean
is_hdr_in_stream (const MillCmafLaneFormat *format)
{
  const MillCodecInfo *info = &format->codec;
  return !format->hdr.has_mastering &&
      (info->codec == MILL_CODEC_HEVC || info->codec == MILL_CODEC_AV1) &&
      mill_codec_get_range (&info->colour) == MILL_CODEC_PQ;
}

/* Returns: FALSE when @buffer is none that decoding can begin at */
static gboolean
find_hdr (MillCmafLaneFormat *format, GstBuffer *buffer)
{
  const MillCodecInfo *info = &format->codec;
  GstMapInfo map;
  if (buffer == NULL || !gst_buffer_map (buffer, &map, GST_MAP_READ))
    return FALSE;
  gboolean begins = gst_cmaf_sink_caps_get_access (info, map.data, map.size) !=
      GST_CMAF_SINK_CAPS_NO_ACCESS;
  if (begins && info->codec == MILL_CODEC_HEVC)
    mill_hevc_find_hdr (map.data, map.size, info->nal_length_size,
        &format->hdr);
  else if (begins)
    mill_av1_find_hdr (map.data, map.size, &format->hdr);
  gst_buffer_unmap (buffer, &map);
  return begins;
}

static void
fill_format (MillCmafLaneFormat *format, MillCmafKind kind)
{
  const MillCodecInfo *info = &format->codec;
  format->format = (MillCmafFormat){
    .kind = kind,
    .timescale = kind == MILL_CMAF_VIDEO ? VIDEO_TIMESCALE : info->sample_rate,
    .width = info->width,
    .height = info->height,
    .par_n = info->par_n,
    .par_d = info->par_d,
    .fps_n = info->fps_n,
    .fps_d = info->fps_d,
    .sample_rate = info->output_sample_rate,
    .channels = info->channels,
    .channel_configuration = info->channel_configuration,
    .dolby_channels = info->dolby_channels,
    .colour = info->colour,
    .codec = g_strdup (info->name),
  };
  format->frame_length = info->frame_length;
}

static gboolean
check_picture (const MillCodecInfo *info, GError **error)
{
  if (info->width > 0 && info->height > 0)
    return TRUE;
  g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
      "neither codec_data nor caps tell the size of the picture");
  return FALSE;
}

/* ---- exported ---- */

void
gst_cmaf_sink_caps_clear_format (MillCmafLaneFormat *format)
{
  mill_cmaf_state_clear_format (&format->format);
  g_clear_pointer (&format->codec_data, g_bytes_unref);
}

/* What caps and @record say together. */
static gboolean
describe (const GstCaps *caps, const Search *search, GBytes *record,
    MillCmafLaneFormat *format, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (record, &size);
  if (search->codec == MILL_CODEC_VP9)
    format->codec = search->info;
  else if (!mill_codec_parse_config (search->codec, data, size, &format->codec,
               error))
    return FALSE;
  if (!mill_codec_is_video (search->codec))
    return TRUE;
  add_shape (search->caps, &format->codec);
  get_hdr (caps, &format->hdr);
  if (g_strcmp0 (gst_structure_get_string (search->caps, "stream-format"),
          "hev1") == 0)
    mill_codec_set_sample_entry (&format->codec, FOURCC ('h', 'e', 'v', '1'));
  return check_picture (&format->codec, error);
}

GstCmafSinkCapsResult
gst_cmaf_sink_caps_describe (MillCmafKind kind, const GstCaps *caps,
    GstBuffer *buffer, MillCmafLaneFormat *ret_format, GError **error)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  Search search = { .caps = structure, .buffer = buffer };
  if (!find_codec (kind, structure, &search.codec)) {
    g_set_error_literal (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
        "not supported");
    return GST_CMAF_SINK_CAPS_REFUSED;
  }
  MillCmafLaneFormat format = { .codec.codec = search.codec };
  *ret_format = format;
  g_autoptr (GError) local = NULL;
  g_autoptr (GBytes) record = find_record (&search, &local);
  if (record == NULL && local == NULL)
    return GST_CMAF_SINK_CAPS_INCOMPLETE;
  if (record == NULL || !describe (caps, &search, record, &format, &local)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return GST_CMAF_SINK_CAPS_REFUSED;
  }
  if (is_hdr_in_stream (&format) && !find_hdr (&format, buffer))
    return GST_CMAF_SINK_CAPS_INCOMPLETE;
  format.codec_data = g_steal_pointer (&record);
  fill_format (&format, kind);
  *ret_format = format;
  return GST_CMAF_SINK_CAPS_DESCRIBED;
}
