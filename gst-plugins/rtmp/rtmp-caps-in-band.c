/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Codecs without a configuration of their own: each frame says what it is. Of
 * its header, what tells one encoding from another is put into a few bytes,
 * which then stand for a configuration.
 */
#include "rtmp-caps-private.h"

/* ---- MP3: ISO/IEC 11172-3 §2.4.1.3, 13818-3 for the lower rates ---- */

enum
{
  MP3_VERSION, /* 3: MPEG-1, 2: MPEG-2, 0: MPEG-2.5 */
  MP3_RATE,
  MP3_IS_MONO,
};

static gboolean
read_mp3 (const guint8 *data, gsize size, guint8 *config)
{
  if (size < 4 || data[0] != 0xff || (data[1] & 0xe0) != 0xe0)
    return FALSE;
  guint version = (data[1] >> 3) & 3;
  guint layer = (data[1] >> 1) & 3; /* 1 is layer 3 */
  guint rate = (data[2] >> 2) & 3;
  if (version == 1 || layer != 1 || rate == 3)
    return FALSE;
  config[MP3_VERSION] = (guint8) version;
  config[MP3_RATE] = (guint8) rate;
  config[MP3_IS_MONO] = (data[3] >> 6) == 3;
  return TRUE;
}

static GstCaps *
make_mp3 (const guint8 *config, GstClockTime *ret_frame_duration)
{
  static const gint rates[] = { 44100, 48000, 32000 };
  gboolean is_first = config[MP3_VERSION] == 3;
  gint rate = rates[config[MP3_RATE]] >> (is_first ? 0
                                                 : config[MP3_VERSION] == 2
                                                 ? 1
                                                 : 2);

  *ret_frame_duration =
      gst_util_uint64_scale_int (GST_SECOND, is_first ? 1152 : 576, rate);
  return gst_caps_new_simple ("audio/mpeg", "mpegversion", G_TYPE_INT, 1,
      "mpegaudioversion", G_TYPE_INT,
      is_first                       ? 1
          : config[MP3_VERSION] == 2 ? 2
                                     : 3,
      "layer", G_TYPE_INT, 3, "rate", G_TYPE_INT, rate, "channels", G_TYPE_INT,
      config[MP3_IS_MONO] ? 1 : 2, "parsed", G_TYPE_BOOLEAN, TRUE, NULL);
}

/* ---- AC-3 and E-AC-3: ETSI TS 102 366 §4.3, annex E.1.2 ---- */

enum
{
  AC3_RATE, /* index into the three rates; + 3 for each halving */
  AC3_BLOCKS, /* of 256 samples */
  AC3_CHANNELS,
};

static const guint8 ac3_channels[] = { 2, 1, 2, 3, 3, 4, 4, 5 };

static gboolean
read_ac3 (const guint8 *data, gsize size, guint8 *config)
{
  if (size < 7 || data[0] != 0x0b || data[1] != 0x77)
    return FALSE;
  guint rate = data[4] >> 6;
  guint bsid = data[5] >> 3;
  guint acmod = data[6] >> 5;
  /* 9 and 10 are the same at half and a quarter of the rate (annex of A/52) */
  if (rate == 3 || bsid > 10)
    return FALSE;
  /* acmod decides which of three fields of 2 bits lie before lfeon */
  guint skipped = 0;
  if ((acmod & 1) && acmod != 1)
    skipped += 2;
  if (acmod & 4)
    skipped += 2;
  if (acmod == 2)
    skipped += 2;
  gboolean has_lfe = (data[6] >> (4 - skipped)) & 1;
  config[AC3_RATE] = (guint8) (rate + 3 * (bsid > 8 ? bsid - 8 : 0));
  config[AC3_BLOCKS] = 6;
  config[AC3_CHANNELS] = (guint8) (ac3_channels[acmod] + has_lfe);
  return TRUE;
}

/* strmtyp 2, substreamid 3, frmsiz 11, fscod 2, fscod2 or numblkscod 2, acmod
 * 3, lfeon 1, bsid 5. Of several substreams the first, independent one counts.
 */
static gboolean
read_eac3 (const guint8 *data, gsize size, guint8 *config)
{
  static const guint8 blocks[] = { 1, 2, 3, 6 };
  if (size < 6 || data[0] != 0x0b || data[1] != 0x77)
    return FALSE;
  guint rate = data[4] >> 6;
  guint second = (data[4] >> 4) & 3;
  guint acmod = (data[4] >> 1) & 7;
  guint bsid = data[5] >> 3;
  if (bsid < 11 || bsid > 16 || (rate == 3 && second == 3))
    return FALSE;
  config[AC3_RATE] = (guint8) (rate == 3 ? second + 3 : rate);
  config[AC3_BLOCKS] = rate == 3 ? 6 : blocks[second];
  config[AC3_CHANNELS] = (guint8) (ac3_channels[acmod] + (data[4] & 1));
  return TRUE;
}

static GstCaps *
make_ac3 (const gchar *type, const guint8 *config,
    GstClockTime *ret_frame_duration)
{
  static const gint rates[] = { 48000, 44100, 32000 };
  gint rate = rates[config[AC3_RATE] % 3] >> (config[AC3_RATE] / 3);

  *ret_frame_duration =
      gst_util_uint64_scale_int (GST_SECOND, config[AC3_BLOCKS] * 256, rate);
  return gst_caps_new_simple (type, "framed", G_TYPE_BOOLEAN, TRUE, "alignment",
      G_TYPE_STRING, "frame", "rate", G_TYPE_INT, rate, "channels", G_TYPE_INT,
      (gint) config[AC3_CHANNELS], NULL);
}

/* ---- all of them ---- */

gboolean
mill_rtmp_caps_in_band_covers (guint32 fourcc)
{
  return fourcc == MILL_FLV_FOURCC_MP3 || fourcc == MILL_FLV_FOURCC_AC3 ||
      fourcc == MILL_FLV_FOURCC_EAC3;
}

gboolean
mill_rtmp_caps_in_band_read (guint32 fourcc, const guint8 *data, gsize size,
    guint8 ret_config[MILL_RTMP_CAPS_IN_BAND_SIZE])
{
  guint8 config[MILL_RTMP_CAPS_IN_BAND_SIZE] = { 0 };
  gboolean ok = FALSE;

  if (fourcc == MILL_FLV_FOURCC_MP3)
    ok = read_mp3 (data, size, config);
  else if (fourcc == MILL_FLV_FOURCC_AC3)
    ok = read_ac3 (data, size, config);
  else if (fourcc == MILL_FLV_FOURCC_EAC3)
    ok = read_eac3 (data, size, config);
  if (ok)
    memcpy (ret_config, config, sizeof config);
  return ok;
}

GstCaps *
mill_rtmp_caps_in_band_make (const MillRtmpCapsSource *source,
    GstClockTime *ret_frame_duration, GError **error)
{
  const guint8 *config = g_bytes_get_data (source->config, NULL);

  if (source->fourcc == MILL_FLV_FOURCC_MP3)
    return make_mp3 (config, ret_frame_duration);
  return make_ac3 (source->fourcc == MILL_FLV_FOURCC_AC3 ? "audio/x-ac3"
                                                         : "audio/x-eac3",
      config, ret_frame_duration);
}
