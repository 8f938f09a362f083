/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The headers inside an FLV audio or video tag body, which is also the payload
 * of an RTMP audio or video message. Of a message in the extended form this has
 * the first track; flv-ex.h has all of it.
 * Source: Adobe Flash Video File Format Specification 10.1, annexes E.4.2 and
 * E.4.3.
 */

/* CodecID, E.4.3.1; only AVC has a further header. */
typedef enum
{
  MILL_FLV_VIDEO_H263 = 2,
  MILL_FLV_VIDEO_SCREEN = 3,
  MILL_FLV_VIDEO_VP6 = 4,
  MILL_FLV_VIDEO_VP6_ALPHA = 5,
  MILL_FLV_VIDEO_SCREEN2 = 6,
  MILL_FLV_VIDEO_AVC = 7,
} MillFlvVideoCodec;

/* FrameType, E.4.3.1 */
typedef enum
{
  MILL_FLV_FRAME_KEY = 1,
  MILL_FLV_FRAME_INTER = 2,
  MILL_FLV_FRAME_DISPOSABLE = 3,
  MILL_FLV_FRAME_GENERATED = 4,
  MILL_FLV_FRAME_COMMAND = 5, /* no picture: one byte for the player */
} MillFlvFrameType;

/* SoundFormat, E.4.2.1; 9 is reserved there and the extended header's flag. */
typedef enum
{
  MILL_FLV_AUDIO_PCM = 0,
  MILL_FLV_AUDIO_ADPCM = 1,
  MILL_FLV_AUDIO_MP3 = 2,
  MILL_FLV_AUDIO_PCM_LE = 3,
  MILL_FLV_AUDIO_EXTENDED = 9,
  MILL_FLV_AUDIO_AAC = 10,
  MILL_FLV_AUDIO_SPEEX = 11,
  MILL_FLV_AUDIO_MP3_8K = 14,
} MillFlvAudioFormat;

/* AVCPacketType and AACPacketType agree as far as both go. */
typedef enum
{
  MILL_FLV_PACKET_CONFIG = 0, /* avcC or AudioSpecificConfig follows */
  MILL_FLV_PACKET_FRAME = 1,
  MILL_FLV_PACKET_END = 2, /* AVC end of sequence, no body */
} MillFlvPacketType;

/**
 * MillFlvVideoTag:
 * @extended: the isExHeader flag: the codec is named by @fourcc and
 *   @packet_type is a MillFlvExPacketType
 * @codec: 4-bit CodecID, 0 when @extended; may be a value outside the enum
 * @fourcc: as four bytes, first one in the top byte; 0 if not given
 * @frame_type: may be a value outside the enum
 * @packet_type: of AVC; MILL_FLV_PACKET_FRAME for codecs without one
 * @composition_time_ms: PTS minus DTS, signed 24 bits; 0 but for frames of AVC
 *   and HEVC
 * @header_size: bytes before the codec's own data; <= the size parsed
 */
typedef struct
{
  gboolean extended;
  MillFlvVideoCodec codec;
  guint32 fourcc;
  MillFlvFrameType frame_type;
  guint packet_type;
  gint32 composition_time_ms;
  gsize header_size;
} MillFlvVideoTag;

/**
 * MillFlvAudioTag:
 * @format: 4-bit SoundFormat; may be a value outside the enum
 * @fourcc: as for video, when @format is MILL_FLV_AUDIO_EXTENDED
 * @packet_type: of AAC; MILL_FLV_PACKET_FRAME for formats without one; a
 *   MillFlvExPacketType when @format is MILL_FLV_AUDIO_EXTENDED
 * @header_size: bytes before the codec's own data; <= the size parsed
 */
typedef struct
{
  MillFlvAudioFormat format;
  guint32 fourcc;
  guint packet_type;
  gsize header_size;
} MillFlvAudioTag;

/* Errors: MILL_RTMP_ERROR_PROTOCOL when @data ends inside the header. */
gboolean mill_flv_tag_parse_video (const guint8 *data, gsize size,
    MillFlvVideoTag *ret_tag, GError **error);
gboolean mill_flv_tag_parse_audio (const guint8 *data, gsize size,
    MillFlvAudioTag *ret_tag, GError **error);

/* What a message to the user calls the codec: "H.264", "hvc1", "MP3".
 * Returns: (transfer full) */
gchar *mill_flv_tag_video_codec_name (const MillFlvVideoTag *tag);
gchar *mill_flv_tag_audio_codec_name (const MillFlvAudioTag *tag);

G_END_DECLS
