/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "flv-tag.h"

#include "rtmp-session.h"
#include "rtmp-bytes.h"

/* VideoPacketType and AudioPacketType of Enhanced RTMP that matter here */
enum
{
  EX_PACKET_CODED_FRAMES = 1,
  EX_PACKET_LAST_WITH_FOURCC = 5,
};

static gboolean
need (gsize size, gsize needed, const gchar *what, GError **error)
{
  if (size >= needed)
    return TRUE;
  g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_PROTOCOL,
      "FLV tag '%s': got %" G_GSIZE_FORMAT
      " bytes, expected a header of %" G_GSIZE_FORMAT,
      what, size, needed);
  return FALSE;
}

/* SI24: two's complement in 24 bits */
static gint32
read_signed_24 (const guint8 *data)
{
  guint32 bits = mill_rtmp_read_u24 (data);
  return (gint32) (bits ^ 0x800000) - 0x800000;
}

/* Enhanced RTMP: only coded frames of H.264 and HEVC carry a composition time;
 * multitrack and ModEx packets put the FourCC elsewhere and stay unnamed. */
static gboolean
parse_extended_video (const guint8 *data, gsize size, MillFlvVideoTag *tag,
    GError **error)
{
  tag->extended = TRUE;
  tag->frame_type = (data[0] >> 4) & 0x07;
  tag->packet_type = data[0] & 0x0f;
  tag->header_size = 1;
  if (tag->packet_type > EX_PACKET_LAST_WITH_FOURCC)
    return TRUE;
  if (!need (size, 5, "extended video", error))
    return FALSE;
  tag->fourcc = mill_rtmp_read_u32 (data + 1);
  tag->header_size = 5;
  gboolean has_composition_time = tag->fourcc == 0x68766331 /* hvc1 */ ||
      tag->fourcc == 0x61766331 /* avc1 */;
  if (tag->packet_type != EX_PACKET_CODED_FRAMES || !has_composition_time)
    return TRUE;
  if (!need (size, 8, "extended video", error))
    return FALSE;
  tag->composition_time_ms = read_signed_24 (data + 5);
  tag->header_size = 8;
  return TRUE;
}

gboolean
mill_flv_tag_parse_video (const guint8 *data, gsize size,
    MillFlvVideoTag *ret_tag, GError **error)
{
  if (!need (size, 1, "video", error))
    return FALSE;
  MillFlvVideoTag tag = { 0 };
  if (data[0] & 0x80) {
    if (!parse_extended_video (data, size, &tag, error))
      return FALSE;
    *ret_tag = tag;
    return TRUE;
  }
  tag.frame_type = data[0] >> 4;
  tag.codec = data[0] & 0x0f;
  tag.packet_type = MILL_FLV_PACKET_FRAME;
  tag.header_size = 1;
  /* E.4.3.2: a command frame has one byte of its own instead of AVC's header */
  if (tag.codec == MILL_FLV_VIDEO_AVC &&
      tag.frame_type != MILL_FLV_FRAME_COMMAND) {
    if (!need (size, 5, "AVC video", error))
      return FALSE;
    tag.packet_type = data[1];
    /* E.4.3.1: meaningless, and to be 0, unless the packet is a frame */
    if (tag.packet_type == MILL_FLV_PACKET_FRAME)
      tag.composition_time_ms = read_signed_24 (data + 2);
    tag.header_size = 5;
  }
  *ret_tag = tag;
  return TRUE;
}

gboolean
mill_flv_tag_parse_audio (const guint8 *data, gsize size,
    MillFlvAudioTag *ret_tag, GError **error)
{
  if (!need (size, 1, "audio", error))
    return FALSE;
  MillFlvAudioTag tag = {
    .format = data[0] >> 4,
    .packet_type = MILL_FLV_PACKET_FRAME,
    .header_size = 1,
  };
  if (tag.format == MILL_FLV_AUDIO_AAC) {
    if (!need (size, 2, "AAC audio", error))
      return FALSE;
    tag.packet_type = data[1];
    tag.header_size = 2;
  } else if (tag.format == MILL_FLV_AUDIO_EXTENDED) {
    tag.packet_type = data[0] & 0x0f;
    if (tag.packet_type < EX_PACKET_LAST_WITH_FOURCC) {
      if (!need (size, 5, "extended audio", error))
        return FALSE;
      tag.fourcc = mill_rtmp_read_u32 (data + 1);
      tag.header_size = 5;
    }
  }
  *ret_tag = tag;
  return TRUE;
}

/* FourCC bytes are the peer's: only printable ones reach a message. */
static gchar *
name_fourcc (guint32 fourcc)
{
  if (fourcc == 0)
    return g_strdup ("an Enhanced RTMP codec");
  gchar name[5] = { 0 };
  for (guint i = 0; i < 4; i++) {
    gchar c = (gchar) (fourcc >> (24 - 8 * i));
    name[i] = g_ascii_isprint (c) ? c : '?';
  }
  return g_strdup (name);
}

gchar *
mill_flv_tag_video_codec_name (const MillFlvVideoTag *tag)
{
  if (tag->extended)
    return name_fourcc (tag->fourcc);
  static const gchar *const names[16] = {
    [MILL_FLV_VIDEO_H263] = "Sorenson H.263",
    [MILL_FLV_VIDEO_SCREEN] = "Screen Video",
    [MILL_FLV_VIDEO_VP6] = "VP6",
    [MILL_FLV_VIDEO_VP6_ALPHA] = "VP6 with alpha",
    [MILL_FLV_VIDEO_SCREEN2] = "Screen Video 2",
    [MILL_FLV_VIDEO_AVC] = "H.264",
    /* never in the specification, used by some before Enhanced RTMP */
    [12] = "HEVC (CodecID 12)",
  };
  const gchar *name = names[tag->codec & 0x0f];
  if (name != NULL)
    return g_strdup (name);
  return g_strdup_printf ("FLV video codec %u", (guint) tag->codec);
}

gchar *
mill_flv_tag_audio_codec_name (const MillFlvAudioTag *tag)
{
  if (tag->format == MILL_FLV_AUDIO_EXTENDED)
    return name_fourcc (tag->fourcc);
  static const gchar *const names[16] = {
    [MILL_FLV_AUDIO_PCM] = "PCM",
    [MILL_FLV_AUDIO_ADPCM] = "ADPCM",
    [MILL_FLV_AUDIO_MP3] = "MP3",
    [MILL_FLV_AUDIO_PCM_LE] = "PCM",
    [4] = "Nellymoser 16 kHz",
    [5] = "Nellymoser 8 kHz",
    [6] = "Nellymoser",
    [7] = "G.711 A-law",
    [8] = "G.711 mu-law",
    [MILL_FLV_AUDIO_AAC] = "AAC",
    [MILL_FLV_AUDIO_SPEEX] = "Speex",
    [14] = "MP3 8 kHz",
  };
  const gchar *name = names[tag->format & 0x0f];
  if (name != NULL)
    return g_strdup (name);
  return g_strdup_printf ("FLV audio format %u", (guint) tag->format);
}
