/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "codec/vp9.h"

#include "codec/codec-bits-private.h"

/* Version and flags, and the fields up to codecInitializationDataSize. */
#define RECORD_SIZE 12
#define UNSPECIFIED 2

static void
print_name (MillCodecInfo *info, guint subsampling)
{
  const MillCodecColour *colour = &info->colour;
  gboolean known = colour->known;
  g_snprintf (info->name, sizeof info->name,
      "vp09.%02u.%02u.%02u.%02u.%02u.%02u.%02u.%02u", info->profile,
      info->level, info->bit_depth, subsampling,
      known ? colour->primaries : UNSPECIFIED,
      known ? colour->transfer : UNSPECIFIED,
      known ? colour->matrix : UNSPECIFIED, colour->full_range ? 1 : 0);
}

static MillCodecInfo
make_info (void)
{
  return (MillCodecInfo){
    .codec = MILL_CODEC_VP9,
    .sample_entry = bits_fourcc ('v', 'p', '0', '9'),
    .par_n = 1,
    .par_d = 1,
    .fps_d = 1,
  };
}

/* ---- vpcC ---- */

gboolean
mill_vp9_parse_config (const guint8 *data, gsize size, MillCodecInfo *ret_info,
    GError **error)
{
  MillCodecInfo info = make_info ();
  BitsReader reader;
  bits_init (&reader, data, size);
  guint version = bits_get (&reader, 8);
  bits_skip (&reader, 24);
  info.profile = bits_get (&reader, 8);
  info.level = bits_get (&reader, 8);
  info.bit_depth = bits_get (&reader, 4);
  guint subsampling = bits_get (&reader, 3);
  info.colour.full_range = bits_get (&reader, 1);
  info.colour.primaries = bits_get (&reader, 8);
  info.colour.transfer = bits_get (&reader, 8);
  info.colour.matrix = bits_get (&reader, 8);
  guint initialization = bits_get (&reader, 16);
  if (!bits_check (&reader, "vpcC", error))
    return FALSE;
  if (version != 1)
    return bits_refuse (error, MILL_CODEC_ERROR_UNSUPPORTED,
        "vpcC: got another version, expected 1");
  if (info.profile > 3 || info.bit_depth < 8 || info.bit_depth > 12 ||
      (info.bit_depth & 1) != 0 || subsampling > 3)
    return bits_refuse (error, MILL_CODEC_ERROR_INVALID,
        "vpcC: got an unknown profile, bit depth or subsampling, expected "
        "profile 0 to 3 of 8, 10 or 12 bits");
  if (initialization != 0)
    return bits_refuse (error, MILL_CODEC_ERROR_INVALID,
        "vpcC: got initialization data, expected none of VP8 and VP9");
  /* 4:2:0 with vertical or with collocated chroma, 4:2:2, 4:4:4. */
  info.chroma_format = MAX (subsampling, 1);
  info.colour.known = info.colour.primaries != UNSPECIFIED ||
      info.colour.transfer != UNSPECIFIED || info.colour.matrix != UNSPECIFIED;
  print_name (&info, subsampling);
  *ret_info = info;
  return TRUE;
}

/* Annex A: the least level for a picture and what is decoded in a second. */
static guint8
find_level (const MillCodecInfo *info)
{
  static const struct
  {
    guint8 level;
    guint64 rate;
    guint64 picture;
  } levels[] = { { 10, 829440, 36864 }, { 11, 2764800, 73728 },
    { 20, 4608000, 122880 }, { 21, 9216000, 245760 }, { 30, 20736000, 552960 },
    { 31, 36864000, 983040 }, { 40, 83558400, 2228224 },
    { 41, 160432128, 2228224 }, { 50, 311951360, 8912896 },
    { 51, 588251136, 8912896 }, { 52, 1176502272, 8912896 },
    { 60, 1176502272, 35651584 }, { 61, 2353004544, 35651584 },
    { 62, 4706009088, 35651584 } };
  guint64 picture = (guint64) info->width * info->height;
  gboolean has_rate = info->fps_n > 0 && info->fps_d > 0;
  guint64 rate = picture * (has_rate ? info->fps_n : 30) /
      (has_rate ? info->fps_d : 1);
  for (guint i = 0; i < G_N_ELEMENTS (levels); i++)
    if (rate <= levels[i].rate && picture <= levels[i].picture)
      return levels[i].level;
  return 62;
}

GBytes *
mill_vp9_build_config (MillCodecInfo *info)
{
  const MillCodecColour *colour = &info->colour;
  /* The bitstream does not say where chroma samples lie; collocated with luma
   * is what decoders assume. */
  guint8 subsampling = info->chroma_format;
  if (info->level == 0)
    info->level = find_level (info);
  print_name (info, subsampling);
  const guint8 record[RECORD_SIZE] = { 1, 0, 0, 0, info->profile, info->level,
    (guint8) (info->bit_depth << 4 | subsampling << 1 |
        (colour->full_range ? 1 : 0)),
    colour->known ? colour->primaries : UNSPECIFIED,
    colour->known ? colour->transfer : UNSPECIFIED,
    colour->known ? colour->matrix : UNSPECIFIED, 0, 0 };
  return g_bytes_new (record, sizeof record);
}

/* ---- uncompressed header, §6.2 ---- */

/* Returns: whether a key frame begins; the reader is after frame_type then */
static gboolean
read_frame_type (BitsReader *reader, guint8 *ret_profile)
{
  guint marker = bits_get (reader, 2);
  guint low = bits_get (reader, 1);
  guint profile = bits_get (reader, 1) << 1 | low;
  if (profile == 3)
    bits_skip (reader, 1);
  guint shows_existing = bits_get (reader, 1);
  guint is_inter = bits_get (reader, 1);
  *ret_profile = profile;
  return marker == 2 && !shows_existing && !is_inter && !reader->truncated;
}

gboolean
mill_vp9_is_key_frame (const guint8 *frame, gsize size)
{
  BitsReader reader;
  guint8 profile;
  bits_init (&reader, frame, size);
  return read_frame_type (&reader, &profile);
}

/* color_config(), §6.2.2; what a color_space means, §7.2.2. */
static void
read_colour (BitsReader *reader, MillCodecInfo *info)
{
  static const MillCodecColour spaces[] = {
    { .known = FALSE }, { TRUE, 6, 6, 6, FALSE }, /* BT.601 */
    { TRUE, 1, 1, 1, FALSE }, /* BT.709 */
    { TRUE, 6, 6, 6, FALSE }, /* SMPTE 170M */
    { TRUE, 7, 7, 7, FALSE }, /* SMPTE 240M */
    { TRUE, 9, UNSPECIFIED, 9, FALSE }, /* BT.2020; PQ and HLG are not told */
    { .known = FALSE }, { TRUE, 1, 13, 0, TRUE }, /* sRGB */
  };
  info->bit_depth = 8;
  if (info->profile >= 2)
    info->bit_depth = bits_get (reader, 1) ? 12 : 10;
  guint space = bits_get (reader, 3);
  info->colour = spaces[space];
  info->chroma_format = 1;
  if (space == 7) {
    info->chroma_format = 3;
    bits_skip (reader, info->profile & 1);
    return;
  }
  info->colour.full_range = bits_get (reader, 1);
  if ((info->profile & 1) == 0)
    return;
  guint x = bits_get (reader, 1);
  guint y = bits_get (reader, 1);
  bits_skip (reader, 1);
  info->chroma_format = x == 0 ? 3 : y == 0 ? 2 : 1;
}

gboolean
mill_vp9_parse_key_frame (const guint8 *frame, gsize size,
    MillCodecInfo *ret_info, GError **error)
{
  MillCodecInfo info = make_info ();
  BitsReader reader;
  bits_init (&reader, frame, size);
  if (!read_frame_type (&reader, &info.profile))
    return bits_refuse (error, MILL_CODEC_ERROR_INVALID,
        "VP9 frame: got no key frame, expected one");
  bits_skip (&reader, 2); /* show_frame, error_resilient_mode */
  guint sync = bits_get (&reader, 24);
  read_colour (&reader, &info);
  info.width = bits_get (&reader, 16) + 1;
  info.height = bits_get (&reader, 16) + 1;
  if (!bits_check (&reader, "VP9 key frame", error))
    return FALSE;
  if (sync != 0x498342)
    return bits_refuse (error, MILL_CODEC_ERROR_INVALID,
        "VP9 key frame: got another sync code, expected 0x498342");
  *ret_info = info;
  return TRUE;
}
