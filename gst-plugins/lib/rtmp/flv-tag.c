/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "flv-tag.h"

#include "flv-ex.h"
#include "rtmp-session.h"
#include "rtmp-bytes.h"

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

/* The header of the message and of its first track; a command has no track. */
static gboolean
open_extended (MillFlvKind kind, const guint8 *data, gsize size,
    MillFlvExReader *reader, MillFlvExTrack *ret_first, GError **error)
{
  if (!mill_flv_ex_open (reader, kind, data, size, error))
    return FALSE;
  *ret_first = (MillFlvExTrack){ .offset = reader->position };
  return reader->is_command || mill_flv_ex_next (reader, ret_first, error);
}

static gboolean
parse_extended_video (const guint8 *data, gsize size, MillFlvVideoTag *tag,
    GError **error)
{
  MillFlvExReader reader;
  MillFlvExTrack first;
  if (!open_extended (MILL_FLV_KIND_VIDEO, data, size, &reader, &first, error))
    return FALSE;
  tag->extended = TRUE;
  tag->fourcc = first.fourcc;
  tag->frame_type = reader.frame_type;
  tag->packet_type = reader.packet_type;
  tag->composition_time_ms = first.composition_time_ms;
  tag->header_size = first.offset;
  return TRUE;
}

static gboolean
parse_extended_audio (const guint8 *data, gsize size, MillFlvAudioTag *tag,
    GError **error)
{
  MillFlvExReader reader;
  MillFlvExTrack first;
  if (!open_extended (MILL_FLV_KIND_AUDIO, data, size, &reader, &first, error))
    return FALSE;
  tag->fourcc = first.fourcc;
  tag->packet_type = reader.packet_type;
  tag->header_size = first.offset;
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
      tag.composition_time_ms = mill_rtmp_read_s24 (data + 2);
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
    if (!parse_extended_audio (data, size, &tag, error))
      return FALSE;
  }
  *ret_tag = tag;
  return TRUE;
}

static gchar *
name_fourcc (guint32 fourcc)
{
  return fourcc == 0 ? g_strdup ("an Enhanced RTMP codec")
                     : mill_flv_fourcc_to_text (fourcc);
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
    [12] = "HEVC as CodecID 12 (use Enhanced RTMP)",
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
    [MILL_FLV_AUDIO_MP3_8K] = "MP3 8 kHz",
  };
  const gchar *name = names[tag->format & 0x0f];
  if (name != NULL)
    return g_strdup (name);
  return g_strdup_printf ("FLV audio format %u", (guint) tag->format);
}
