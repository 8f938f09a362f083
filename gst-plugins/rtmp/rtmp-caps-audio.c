/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include <string.h>

#include <gst/pbutils/pbutils.h>

#include "codec/aac.h"
#include "codec/opus.h"
#include "rtmp-caps-private.h"
#include "bytes/bytes.h"

/* ---- multichannel configuration ---- */

enum
{
  CHANNEL_ORDER_UNSPECIFIED,
  CHANNEL_ORDER_NATIVE,
  CHANNEL_ORDER_CUSTOM,
};

/* Enhanced RTMP v2, ExAudioTagBody: order, count, then a map of so many bytes
 * (custom) or a mask of 32 bits (native). */
gboolean
mill_rtmp_caps_audio_read_channels (const guint8 *data, gsize size,
    MillRtmpChannels *ret_channels)
{
  if (size < 2 || data[1] == 0 || data[0] > CHANNEL_ORDER_CUSTOM)
    return FALSE;
  MillRtmpChannels channels = { .count = data[1] };
  if (data[0] == CHANNEL_ORDER_CUSTOM && size < 2u + channels.count)
    return FALSE;
  if (data[0] == CHANNEL_ORDER_NATIVE) {
    if (size < 6)
      return FALSE;
    channels.mask = mill_bytes_read_u32 (data + 2);
  }
  *ret_channels = channels;
  return TRUE;
}

/* ---- AAC ---- */

GstCaps *
mill_rtmp_caps_audio_from_aac (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (source->config, &size);
  MillAacInfo info;

  if (!mill_aac_parse_config (bytes, size, &info, error))
    return NULL;

  /* What comes out of a decoder, as aacparse has it: ISO/IEC 14496-3 §1.6.5.
   * Parametric stereo makes two channels of one. */
  GstCaps *caps = gst_caps_new_simple ("audio/mpeg", "mpegversion", G_TYPE_INT,
      4, "stream-format", G_TYPE_STRING, "raw", "framed", G_TYPE_BOOLEAN, TRUE,
      "rate", G_TYPE_INT, (gint) info.output_sample_rate, "channels",
      G_TYPE_INT, info.ps ? 2 : (gint) info.channels, NULL);
  mill_rtmp_caps_set_codec_data (caps, source->config);
  gst_codec_utils_aac_caps_set_level_and_profile (caps, bytes, size);
  *ret_frame_duration = gst_util_uint64_scale_int (GST_SECOND,
      info.frame_length, info.sample_rate);
  return caps;
}

/* ---- Opus ---- */

#define OPUS_RATE 48000 /* RFC 7845 §5.1: whatever the input was */
#define OPUS_MAX_CHANNELS 8

/* RFC 7845 §5.1.1.2: mapping family 1, in Vorbis' order of channels. */
static const struct
{
  guint8 n_streams;
  guint8 n_coupled;
  guint8 mapping[OPUS_MAX_CHANNELS];
} opus_layouts[OPUS_MAX_CHANNELS] = {
  { 1, 0, { 0 } },
  { 1, 1, { 0, 1 } },
  { 2, 1, { 0, 2, 1 } },
  { 2, 2, { 0, 1, 2, 3 } },
  { 3, 2, { 0, 4, 1, 2, 3 } },
  { 4, 2, { 0, 4, 1, 2, 3, 5 } },
  { 4, 3, { 0, 4, 1, 2, 3, 5, 6 } },
  { 5, 3, { 0, 6, 1, 2, 3, 4, 5, 7 } },
};

/* Without an identification header: by the number of channels alone. */
static GstBuffer *
make_opus_header (const MillRtmpChannels *channels)
{
  guint count = channels->count;

  if (count == 0 || count > OPUS_MAX_CHANNELS)
    count = 2;
  return gst_codec_utils_opus_create_header (OPUS_RATE, (guint8) count,
      count > 2 ? 1 : 0, opus_layouts[count - 1].n_streams,
      opus_layouts[count - 1].n_coupled, opus_layouts[count - 1].mapping, 0, 0);
}

/* "If the Opus sequence start payload is empty, use the ...MultichannelConfig
 * signal for channel mapping when present; otherwise, default to mono/stereo
 * mode." */
GstCaps *
mill_rtmp_caps_audio_from_opus (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (source->config, &size);
  g_autoptr (GstBuffer) header = NULL;
  g_autoptr (GBytes) record = NULL;

  if (size == 0) {
    header = make_opus_header (&source->channels);
  } else {
    /* GStreamer takes it for granted that a header is one. */
    record = mill_opus_build_config (bytes, size, error);
    if (!record)
      return NULL;
    header = gst_buffer_new_wrapped_bytes (source->config);
  }
  GstCaps *caps = gst_codec_utils_opus_create_caps_from_header (header, NULL);
  if (!caps)
    return mill_rtmp_caps_fail (error, "Opus configuration", source->config,
        "an identification header (RFC 7845 §5.1)");
  gst_caps_set_simple (caps, "framed", G_TYPE_BOOLEAN, TRUE, NULL);
  return caps;
}

/* ---- FLAC ---- */

#define FLAC_BLOCK_HEADER 4
#define FLAC_STREAMINFO 34

/* RFC 9639 §8.1, §8.2. The signature and the block's header are left out by
 * some; what follows STREAMINFO is of no use to a decoder. */
static const guint8 *
find_streaminfo (GBytes *config)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (config, &size);

  if (size >= 4 && memcmp (bytes, "fLaC", 4) == 0) {
    bytes += 4;
    size -= 4;
  }
  if (size >= FLAC_BLOCK_HEADER + FLAC_STREAMINFO && (bytes[0] & 0x7f) == 0 &&
      mill_bytes_read_u24 (bytes + 1) == FLAC_STREAMINFO)
    return bytes + FLAC_BLOCK_HEADER;
  return size == FLAC_STREAMINFO ? bytes : NULL;
}

/* The first packet of FLAC in Ogg (RFC 9639 §10.1), which is what flacparse
 * puts first into streamheader: no other header follows. */
static GstBuffer *
make_flac_stream_header (const guint8 *streaminfo)
{
  static const guint8 head[] = { 0x7f, 'F', 'L', 'A', 'C', 1, 0, 0, 0, 'f', 'L',
    'a', 'C', 0x80, 0, 0, FLAC_STREAMINFO };
  GstBuffer *buffer =
      gst_buffer_new_allocate (NULL, sizeof head + FLAC_STREAMINFO, NULL);

  gst_buffer_fill (buffer, 0, head, sizeof head);
  gst_buffer_fill (buffer, sizeof head, streaminfo, FLAC_STREAMINFO);
  return buffer;
}

static void
set_flac_headers (GstCaps *caps, const guint8 *streaminfo)
{
  static const guint8 head[] = { 'f', 'L', 'a', 'C', 0x80, 0, 0,
    FLAC_STREAMINFO };
  guint8 data[sizeof head + FLAC_STREAMINFO];
  GValue array = G_VALUE_INIT;
  GValue item = G_VALUE_INIT;

  memcpy (data, head, sizeof head);
  memcpy (data + sizeof head, streaminfo, FLAC_STREAMINFO);
  g_autoptr (GBytes) codec_data = g_bytes_new (data, sizeof data);
  mill_rtmp_caps_set_codec_data (caps, codec_data);

  g_value_init (&array, GST_TYPE_ARRAY);
  g_value_init (&item, GST_TYPE_BUFFER);
  gst_value_take_buffer (&item, make_flac_stream_header (streaminfo));
  gst_value_array_append_and_take_value (&array, &item);
  gst_caps_set_value (caps, "streamheader", &array);
  g_value_unset (&array);
}

/* RFC 9639 §8.2: sizes of blocks, 16 bits each; from byte 10 on the rate in 20
 * bits and the channels less one in 3. */
GstCaps *
mill_rtmp_caps_audio_from_flac (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error)
{
  const guint8 *info = find_streaminfo (source->config);
  guint32 bits = info ? mill_bytes_read_u32 (info + 10) : 0;
  guint rate = bits >> 12;

  if (rate == 0)
    return mill_rtmp_caps_fail (error, "FLAC configuration", source->config,
        "a STREAMINFO block with a sample rate");
  GstCaps *caps = gst_caps_new_simple ("audio/x-flac", "framed", G_TYPE_BOOLEAN,
      TRUE, "rate", G_TYPE_INT, (gint) rate, "channels", G_TYPE_INT,
      (gint) ((bits >> 9) & 7) + 1, NULL);
  set_flac_headers (caps, info);
  guint shortest = mill_bytes_read_u16 (info);
  if (shortest > 0 && shortest == mill_bytes_read_u16 (info + 2))
    *ret_frame_duration =
        gst_util_uint64_scale_int (GST_SECOND, (gint) shortest, (gint) rate);
  return caps;
}
