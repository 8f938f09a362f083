/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "relay-format.h"

#include <string.h>

#include <gst/pbutils/pbutils.h>

#include "codec/flac.h"
#include "codec/vp9.h"
#include "rtmp/amf0.h"
#include "rtmp/flv-ex-writer.h"
#include "rtmp/flv-tag.h"
#include "bytes/bytes.h"

/* FLV E.4.2.1: SoundRate, SoundSize and SoundType of AAC are always these. */
#define AAC_FIRST_BYTE (MILL_FLV_AUDIO_AAC << 4 | 0x0f)

/* Version and flags of the box dfLa, whose payload lib/codec makes. */
#define FLAC_FULL_BOX 4

/* The same of the box vpcC, and the record in it: VP8 and VP9 have no more. */
static const guint8 vpcc_full_box[] = { 1, 0, 0, 0 };
#define VPCC_SIZE 8

/* An Opus header and a FLAC one with STREAMINFO alone fit; avcC and hvcC too. */
#define MAX_CONFIG (1024 * 1024)

typedef enum
{
  CONFIG_NONE, /* frames say all */
  CONFIG_DATA, /* codec_data */
  CONFIG_VPX, /* the record of vpcC, from codec_data or caps */
  CONFIG_OPUS, /* the header of RFC 7845 §5.1, from caps */
  CONFIG_FLAC, /* "fLaC" and STREAMINFO, from the stream header */
} ConfigKind;

typedef struct
{
  const gchar *media_type;
  gint mpegversion; /* 0: not looked at */
  guint32 fourcc;
  ConfigKind config;
} Codec;

static const Codec codecs[] = {
  { "video/x-h264", 0, MILL_FLV_FOURCC_AVC, CONFIG_DATA },
  { "video/x-h265", 0, MILL_FLV_FOURCC_HEVC, CONFIG_DATA },
  { "video/x-av1", 0, MILL_FLV_FOURCC_AV1, CONFIG_DATA },
  { "video/x-vp9", 0, MILL_FLV_FOURCC_VP9, CONFIG_VPX },
  { "video/x-vp8", 0, MILL_FLV_FOURCC_VP8, CONFIG_VPX },
  { "audio/mpeg", 4, MILL_FLV_FOURCC_AAC, CONFIG_DATA },
  { "audio/mpeg", 1, MILL_FLV_FOURCC_MP3, CONFIG_NONE },
  { "audio/x-opus", 0, MILL_FLV_FOURCC_OPUS, CONFIG_OPUS },
  { "audio/x-flac", 0, MILL_FLV_FOURCC_FLAC, CONFIG_FLAC },
  { "audio/x-ac3", 0, MILL_FLV_FOURCC_AC3, CONFIG_NONE },
  { "audio/x-eac3", 0, MILL_FLV_FOURCC_EAC3, CONFIG_NONE },
};

struct _MillRelayFormat
{
  gint references; /* atomic */
  MillFlvKind kind;
  guint32 fourcc;
  GBytes *config; /* nullable */
  GstStructure *caps;
};

/* ---- from caps ---- */

static const Codec *
find_codec (const GstStructure *caps)
{
  gint version = 0;

  gst_structure_get_int (caps, "mpegversion", &version);
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    if (gst_structure_has_name (caps, codecs[i].media_type) &&
        (codecs[i].mpegversion == 0 || codecs[i].mpegversion == version))
      return &codecs[i];
  return NULL;
}

/* Returns: (transfer full) (nullable) */
static GBytes *
copy_bytes (GstBuffer *buffer)
{
  gsize size = gst_buffer_get_size (buffer);

  if (size == 0 || size > MAX_CONFIG)
    return NULL;
  guint8 *data = g_malloc (size);
  gst_buffer_extract (buffer, 0, data, size);
  return g_bytes_new_take (data, size);
}

/* The first @max_parts buffers of the stream's head as one.
 * Returns: (transfer full) (nullable) */
static GBytes *
read_stream_header (const GstStructure *caps, guint max_parts)
{
  const GValue *headers = gst_structure_get_value (caps, "streamheader");
  g_autoptr (GstBuffer) all = gst_buffer_new ();

  if (!headers || !GST_VALUE_HOLDS_ARRAY (headers))
    return NULL;
  guint n = MIN (gst_value_array_get_size (headers), max_parts);
  for (guint i = 0; i < n; i++) {
    const GValue *part = gst_value_array_get_value (headers, i);
    if (GST_VALUE_HOLDS_BUFFER (part))
      gst_buffer_copy_into (all, gst_value_get_buffer (part),
          GST_BUFFER_COPY_MEMORY, 0, -1);
  }
  return copy_bytes (all);
}

/* Without the head itself caps have all of it but how much of the beginning a
 * decoder is to skip. */
static GBytes *
make_opus_header (const GstCaps *caps)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  g_autoptr (GBytes) head = read_stream_header (structure, 1);
  g_autoptr (GstBuffer) header = NULL;
  guint32 rate;
  guint8 channels, family, streams, coupled;
  guint8 mapping[256];

  if (head)
    return g_steal_pointer (&head);
  /* It takes the field for granted. */
  if (!gst_structure_has_field_typed (structure, "channel-mapping-family",
          G_TYPE_INT) ||
      !gst_codec_utils_opus_parse_caps ((GstCaps *) caps, &rate, &channels,
          &family, &streams, &coupled, mapping))
    return NULL;
  header = gst_codec_utils_opus_create_header (rate, channels, family, streams,
      coupled, mapping, 0, 0);
  return header ? copy_bytes (header) : NULL;
}

/* Parsers give the head that is in Ogg, demuxers the marker and the blocks. */
static GBytes *
make_flac_header (const GstStructure *caps, GError **error)
{
  g_autoptr (GBytes) head = read_stream_header (caps, G_MAXUINT);
  gsize size = 0;
  const guint8 *data = head ? g_bytes_get_data (head, &size) : NULL;
  g_autoptr (GBytes) record = head ? mill_flac_build_config (data, size, error)
                                   : NULL;
  GByteArray *header = g_byte_array_new ();

  if (record) {
    data = g_bytes_get_data (record, &size);
    g_byte_array_append (header, (const guint8 *) "fLaC", 4);
    g_byte_array_append (header, data + FLAC_FULL_BOX, size - FLAC_FULL_BOX);
    return g_byte_array_free_to_bytes (header);
  }
  g_byte_array_unref (header);
  return NULL;
}

static guint
get_chroma_format (const GstStructure *caps)
{
  const gchar *text = gst_structure_get_string (caps, "chroma-format");

  if (g_strcmp0 (text, "4:4:4") == 0)
    return 3;
  return g_strcmp0 (text, "4:2:2") == 0 ? 2 : 1;
}

/* Parsers put no record into caps, but what it is made of. */
static GBytes *
build_vpx_box (const GstStructure *caps)
{
  const gchar *profile = gst_structure_get_string (caps, "profile");
  MillCodecInfo info = { .bit_depth = 8,
    .profile = profile ? (guint8) g_ascii_strtoull (profile, NULL, 10) : 0,
    .chroma_format = (guint8) get_chroma_format (caps) };
  guint depth = 0;
  gint width = 0;
  gint height = 0;

  gst_structure_get_int (caps, "width", &width);
  gst_structure_get_int (caps, "height", &height);
  if (gst_structure_get_uint (caps, "bit-depth-luma", &depth) && depth > 0)
    info.bit_depth = (guint8) depth;
  info.width = (guint) MAX (width, 0);
  info.height = (guint) MAX (height, 0);
  return mill_vp9_build_config (&info);
}

/* codec_data is the payload of the box, or the record alone. */
static GBytes *
complete_vpx_box (GBytes *data)
{
  GByteArray *box = g_byte_array_new ();
  gsize size;
  const guint8 *bytes = g_bytes_get_data (data, &size);

  if (size == VPCC_SIZE)
    g_byte_array_append (box, vpcc_full_box, sizeof vpcc_full_box);
  g_byte_array_append (box, bytes, (guint) size);
  return g_byte_array_free_to_bytes (box);
}

/* Enhanced RTMP v2, SequenceStart of vp08 and vp09: a VPCodecConfigurationRecord,
 * which is what follows version and flags in the box. What a server would decode
 * by is looked at here: it says nothing when it cannot. */
static GBytes *
make_vpx_record (const GstStructure *caps, GError **error)
{
  const GValue *data = gst_structure_get_value (caps, "codec_data");
  g_autoptr (GBytes) given = data && GST_VALUE_HOLDS_BUFFER (data)
      ? copy_bytes (gst_value_get_buffer (data))
      : build_vpx_box (caps);
  MillCodecInfo info;

  if (!given)
    return NULL;
  g_autoptr (GBytes) box = complete_vpx_box (given);
  if (!mill_vp9_parse_config (g_bytes_get_data (box, NULL),
          g_bytes_get_size (box), &info, error))
    return NULL;
  return g_bytes_new_from_bytes (box, sizeof vpcc_full_box, VPCC_SIZE);
}

/* Returns: (nullable): with an error where it is there and wrong */
static GBytes *
read_config (const GstCaps *caps, ConfigKind kind, GError **error)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const GValue *data = gst_structure_get_value (structure, "codec_data");

  switch (kind) {
    case CONFIG_DATA:
      return data && GST_VALUE_HOLDS_BUFFER (data)
          ? copy_bytes (gst_value_get_buffer (data))
          : NULL;
    case CONFIG_VPX:
      return make_vpx_record (structure, error);
    case CONFIG_OPUS:
      return make_opus_header (caps);
    case CONFIG_FLAC:
      return make_flac_header (structure, error);
    default:
      return NULL;
  }
}

/* @cause: (nullable): what is wrong with its configuration */
static void
refuse (GError **error, const GstStructure *caps, const Codec *codec,
    const GError *cause)
{
  const gchar *name = gst_structure_get_name (caps);

  if (cause)
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
        "caps '%s': %s", name, cause->message);
  else
    g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT,
        "caps '%s': got %s, expected %s", name,
        codec ? "no configuration of the codec" : "another codec",
        codec ? "codec_data or a stream header (a parser adds it)"
              : "one that RTMP has a name for");
}

MillRelayFormat *
mill_relay_format_new (const GstCaps *caps, GError **error)
{
  const GstStructure *structure = gst_caps_get_structure (caps, 0);
  const Codec *codec = find_codec (structure);
  g_autoptr (GError) cause = NULL;
  g_autoptr (GBytes) config = codec ? read_config (caps, codec->config, &cause)
                                    : NULL;

  if (!codec || (codec->config != CONFIG_NONE && !config)) {
    refuse (error, structure, codec, cause);
    return NULL;
  }
  MillRelayFormat *self = g_new0 (MillRelayFormat, 1);
  self->references = 1;
  self->kind = g_str_has_prefix (codec->media_type, "video/")
      ? MILL_FLV_KIND_VIDEO
      : MILL_FLV_KIND_AUDIO;
  self->fourcc = codec->fourcc;
  self->config = g_steal_pointer (&config);
  self->caps = gst_structure_copy (structure);
  return self;
}

MillRelayFormat *
mill_relay_format_ref (MillRelayFormat *self)
{
  g_atomic_int_inc (&self->references);
  return self;
}

void
mill_relay_format_unref (MillRelayFormat *self)
{
  if (!g_atomic_int_dec_and_test (&self->references))
    return;
  g_clear_pointer (&self->config, g_bytes_unref);
  gst_structure_free (self->caps);
  g_free (self);
}

gboolean
mill_relay_format_is_video (const MillRelayFormat *self)
{
  return self->kind == MILL_FLV_KIND_VIDEO;
}

const gchar *
mill_relay_format_get_name (const MillRelayFormat *self)
{
  return mill_flv_fourcc_find (self->kind, self->fourcc)->name;
}

static gboolean
is_classic (const MillRelayFormat *self)
{
  return self->fourcc == MILL_FLV_FOURCC_AVC ||
      self->fourcc == MILL_FLV_FOURCC_AAC;
}

gboolean
mill_relay_format_is_taken (const MillRelayFormat *self,
    const MillRtmpCapabilities *capabilities)
{
  /* Many servers take more than the nothing that they tell of. */
  return is_classic (self) || !capabilities->is_enhanced ||
      capabilities->codecs == 0 ||
      mill_rtmp_capabilities_has_codec (capabilities, self->kind, self->fourcc);
}

/* ---- messages ---- */

static void
write_classic_header (const MillRelayFormat *self, GByteArray *out,
    MillFlvPacketType packet_type, const MillRelayFrame *frame)
{
  guint8 header[5] = { AAC_FIRST_BYTE, packet_type };

  if (self->kind == MILL_FLV_KIND_AUDIO) {
    g_byte_array_append (out, header, 2);
    return;
  }
  /* FLV E.4.3.1 */
  guint type = frame->is_keyframe ? MILL_FLV_FRAME_KEY : MILL_FLV_FRAME_INTER;
  header[0] = type << 4 | MILL_FLV_VIDEO_AVC;
  mill_bytes_write_u24 (header + 2, (guint32) frame->composition_ms & 0xffffff);
  g_byte_array_append (out, header, sizeof header);
}

static MillFlvExPacketType
choose_frame_type (const MillRelayFormat *self, gint32 composition_ms)
{
  /* Three bytes less for a composition time of 0. */
  return self->fourcc == MILL_FLV_FOURCC_HEVC && composition_ms == 0
      ? MILL_FLV_EX_VIDEO_CODED_FRAMES_X
      : MILL_FLV_EX_CODED_FRAMES;
}

static void
write_message (const MillRelayFormat *self, GByteArray *out, gboolean is_config,
    const MillRelayFrame *frame)
{
  if (is_classic (self)) {
    write_classic_header (self, out,
        is_config ? MILL_FLV_PACKET_CONFIG : MILL_FLV_PACKET_FRAME, frame);
    g_byte_array_append (out, frame->data, (guint) frame->size);
    return;
  }
  MillFlvExHeader header = {
    .kind = self->kind,
    .frame_type = frame->is_keyframe ? MILL_FLV_FRAME_KEY
                                     : MILL_FLV_FRAME_INTER,
    .packet_type = is_config ? MILL_FLV_EX_SEQUENCE_START
                             : choose_frame_type (self, frame->composition_ms),
    .multitrack = MILL_FLV_EX_NO_MULTITRACK,
  };
  MillFlvExBody body = {
    .fourcc = self->fourcc,
    .composition_time_ms = frame->composition_ms,
    .data = frame->data,
    .size = frame->size,
  };
  mill_flv_ex_writer_write (out, &header, &body, 1);
}

gboolean
mill_relay_format_write_sequence (const MillRelayFormat *self, GByteArray *out)
{
  MillRelayFrame frame = { .is_keyframe = TRUE };

  if (!self->config)
    return FALSE;
  frame.data = g_bytes_get_data (self->config, &frame.size);
  write_message (self, out, TRUE, &frame);
  return TRUE;
}

void
mill_relay_format_write_frame (const MillRelayFormat *self, GByteArray *out,
    const MillRelayFrame *frame)
{
  write_message (self, out, FALSE, frame);
}

/* ---- onMetaData ---- */

static void
write_number (GByteArray *out, const gchar *name, gdouble number)
{
  mill_amf0_write_name (out, name);
  mill_amf0_write_number (out, number);
}

static void
write_int (const MillRelayFormat *self, GByteArray *out, const gchar *field,
    const gchar *name)
{
  gint number;

  if (gst_structure_get_int (self->caps, field, &number) && number > 0)
    write_number (out, name, number);
}

static void
write_video_members (const MillRelayFormat *self, GByteArray *out)
{
  gint n;
  gint d;

  write_int (self, out, "width", "width");
  write_int (self, out, "height", "height");
  if (gst_structure_get_fraction (self->caps, "framerate", &n, &d) && n > 0 &&
      d > 0)
    write_number (out, "framerate", (gdouble) n / d);
  write_number (out, "videocodecid",
      is_classic (self) ? MILL_FLV_VIDEO_AVC : self->fourcc);
}

static void
write_audio_members (const MillRelayFormat *self, GByteArray *out)
{
  gint channels;

  write_int (self, out, "rate", "audiosamplerate");
  if (gst_structure_get_int (self->caps, "channels", &channels)) {
    write_number (out, "audiochannels", channels);
    mill_amf0_write_name (out, "stereo");
    mill_amf0_write_boolean (out, channels == 2);
  }
  write_number (out, "audiocodecid",
      is_classic (self) ? MILL_FLV_AUDIO_AAC : self->fourcc);
}

/* The number of members is only a hint (AMF 0 §2.10). */
void
mill_relay_format_write_metadata (const MillRelayFormat *video,
    const MillRelayFormat *audio, GByteArray *out)
{
  mill_amf0_write_string (out, "@setDataFrame");
  mill_amf0_write_string (out, "onMetaData");
  mill_amf0_write_ecma_array_begin (out, 0);
  if (video)
    write_video_members (video, out);
  if (audio)
    write_audio_members (audio, out);
  mill_amf0_write_name (out, "encoder");
  mill_amf0_write_string (out, "millrace " MILL_VERSION);
  mill_amf0_write_object_end (out);
}
