/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "codec/ac3.h"

#include "codec/codec-bits-private.h"

#define SYNCWORD 0x0b77
/* From this bsid on a syncframe is one of E-AC-3, Annex E.1.3.1.6. */
#define ENHANCED_BSID 11
#define SAMPLES_OF_BLOCK 256
#define MAX_INDEPENDENT 8
/* An access unit has at most eight programmes of nine substreams, six times. */
#define MAX_FRAMES (8 * 9 * 6)

/** What the head of a syncframe says. */
typedef struct
{
  gboolean enhanced;
  guint type; /* strmtyp: 1 is a dependent substream */
  guint substream;
  guint size; /* bytes */
  guint fscod;
  guint rate;
  guint blocks;
  guint acmod;
  guint lfe;
  guint bsid;
  guint bsmod;
  guint rate_code; /* of AC-3: frmsizecod >> 1 */
  guint channel_map; /* chanmap; 0: none */
} Frame;

/** An independent substream with those that depend on it. */
typedef struct
{
  Frame frame;
  guint n_dependent;
  guint locations; /* chan_loc, Annex F.6.2.9 */
} Programme;

static const guint rates[] = { 48000, 44100, 32000, 0 };

/* By acmod, table E.1.4's bits: L, C, R, Ls, Rs ... Cs ... LFE. */
static guint16
get_channel_mask (guint acmod, guint lfe)
{
  static const guint16 masks[] = { 0xa000, 0x4000, 0xa000, 0xe000, 0xa100,
    0xe100, 0xb800, 0xf800 };
  return masks[acmod] | (lfe ? 1 : 0);
}

/* ---- syncframes ---- */

/* syncinfo() and bsi() of AC-3, §4.3. */
static void
read_plain (BitsReader *reader, Frame *frame)
{
  /* Table 4.13: 16-bit words at 48 and 32 kHz are kbit/s times these; at
   * 44.1 kHz odd codes have one word more. */
  static const guint16 kbits[] = { 32, 40, 48, 56, 64, 80, 96, 112, 128, 160,
    192, 224, 256, 320, 384, 448, 512, 576, 640 };
  bits_skip (reader, 16); /* crc1 */
  frame->fscod = bits_get (reader, 2);
  guint code = bits_get (reader, 6);
  frame->bsid = bits_get (reader, 5);
  frame->bsmod = bits_get (reader, 3);
  frame->acmod = bits_get (reader, 3);
  if ((frame->acmod & 1) != 0 && frame->acmod != 1)
    bits_skip (reader, 2);
  if ((frame->acmod & 4) != 0)
    bits_skip (reader, 2);
  if (frame->acmod == 2)
    bits_skip (reader, 2);
  frame->lfe = bits_get (reader, 1);
  frame->rate = rates[frame->fscod];
  frame->rate_code = code >> 1;
  frame->blocks = 6;
  if (frame->rate == 0 || frame->rate_code >= G_N_ELEMENTS (kbits))
    return;
  guint words = kbits[frame->rate_code] * 96000 / frame->rate;
  if (frame->fscod == 1)
    words += code & 1;
  frame->size = 2 * words;
}

/* syncinfo() and the head of bsi() of E-AC-3, Annex E.1.2. */
static void
read_enhanced (BitsReader *reader, Frame *frame)
{
  static const guint8 blocks[] = { 1, 2, 3, 6 };
  frame->type = bits_get (reader, 2);
  frame->substream = bits_get (reader, 3);
  frame->size = 2 * (bits_get (reader, 11) + 1);
  frame->fscod = bits_get (reader, 2);
  guint code = bits_get (reader, 2);
  /* fscod 3: half of the rate, and the two bits are fscod2. */
  frame->rate = frame->fscod == 3 ? rates[code] / 2 : rates[frame->fscod];
  frame->blocks = frame->fscod == 3 ? 6 : blocks[code];
  frame->acmod = bits_get (reader, 3);
  frame->lfe = bits_get (reader, 1);
  frame->bsid = bits_get (reader, 5);
  for (guint i = 0; i < (frame->acmod == 0 ? 2 : 1); i++) {
    bits_skip (reader, 5); /* dialnorm */
    if (bits_get (reader, 1))
      bits_skip (reader, 8); /* compr */
  }
  if (frame->type == 1 && bits_get (reader, 1))
    frame->channel_map = bits_get (reader, 16);
}

static gboolean
read_frame (const guint8 *data, gsize size, Frame *frame)
{
  BitsReader reader;
  *frame = (Frame){ 0 };
  bits_init (&reader, data, size);
  if (size < 6 || bits_get (&reader, 16) != SYNCWORD)
    return FALSE;
  /* bsid is at the same place in both. */
  frame->enhanced = data[5] >> 3 >= ENHANCED_BSID;
  if (frame->enhanced)
    read_enhanced (&reader, frame);
  else
    read_plain (&reader, frame);
  return !reader.truncated && frame->rate > 0 && frame->size >= 6 &&
      frame->bsid <= 16;
}

guint
mill_ac3_get_frame_length (const guint8 *unit, gsize size)
{
  Frame frame;
  guint blocks = 0;
  while (size > 0 && read_frame (unit, size, &frame)) {
    if (frame.type != 1 && frame.substream == 0)
      blocks += frame.blocks;
    if (frame.size >= size)
      break;
    unit += frame.size;
    size -= frame.size;
  }
  return SAMPLES_OF_BLOCK * blocks;
}

/* ---- records, Annex F ---- */

/* A sticky counterpart of the reader for at most 8 * 4 + 2 bytes. */
typedef struct
{
  guint8 data[64];
  guint n_bits;
} Record;

static void
put_bits (Record *record, guint value, guint n)
{
  for (guint i = n; i > 0; i--, record->n_bits++)
    if ((value >> (i - 1) & 1) != 0)
      record->data[record->n_bits / 8] |= 0x80 >> record->n_bits % 8;
}

static GBytes *
build_plain (const Frame *frame)
{
  Record record = { 0 };
  put_bits (&record, frame->fscod, 2);
  put_bits (&record, frame->bsid, 5);
  put_bits (&record, frame->bsmod, 3);
  put_bits (&record, frame->acmod, 3);
  put_bits (&record, frame->lfe, 1);
  put_bits (&record, frame->rate_code, 5);
  put_bits (&record, 0, 5);
  return g_bytes_new (record.data, record.n_bits / 8);
}

/* From chanmap (table E.1.4, bit 0 is the most significant) to chan_loc (table
 * F.6.1): Lc/Rc, Lrs/Rrs, Cs, Ts, Lsd/Rsd, Lw/Rw, Lvh/Rvh, Cvh, LFE2. */
static guint
to_locations (guint channel_map)
{
  static const guint8 bits[] = { 5, 6, 7, 8, 9, 10, 11, 12, 14 };
  guint locations = 0;
  for (guint i = 0; i < G_N_ELEMENTS (bits); i++)
    if ((channel_map >> (15 - bits[i]) & 1) != 0)
      locations |= 1u << i;
  return locations;
}

static void
put_programme (Record *record, const Programme *programme)
{
  const Frame *frame = &programme->frame;
  put_bits (record, frame->fscod, 2);
  put_bits (record, frame->bsid, 5);
  put_bits (record, 0, 1);
  put_bits (record, 0, 1); /* asvc: main service */
  put_bits (record, frame->bsmod, 3);
  put_bits (record, frame->acmod, 3);
  put_bits (record, frame->lfe, 1);
  put_bits (record, 0, 3);
  put_bits (record, programme->n_dependent, 4);
  if (programme->n_dependent > 0)
    put_bits (record, programme->locations, 9);
  else
    put_bits (record, 0, 1);
}

/* Adds a substream, where it is the first of its number in the unit. */
static void
add_substream (const Frame *frame, Programme *programmes, guint *n)
{
  Programme *last = *n > 0 ? &programmes[*n - 1] : NULL;
  if (frame->type == 1) {
    if (last != NULL && frame->substream == last->n_dependent) {
      last->n_dependent++;
      last->locations |= to_locations (frame->channel_map);
    }
  } else if (*n < MAX_INDEPENDENT && frame->substream == *n) {
    programmes[(*n)++].frame = *frame;
  }
}

static GBytes *
build_enhanced (const guint8 *unit, gsize size, GError **error)
{
  Programme programmes[MAX_INDEPENDENT] = { 0 };
  Frame frame;
  guint n = 0;
  guint samples = mill_ac3_get_frame_length (unit, size);
  gsize at = 0;
  for (guint i = 0;
       i < MAX_FRAMES && at < size && read_frame (unit + at, size - at, &frame);
       i++) {
    add_substream (&frame, programmes, &n);
    at += frame.size;
  }
  if (n == 0 || samples == 0) {
    bits_refuse (error, MILL_CODEC_ERROR_INVALID,
        "E-AC-3: got a dependent substream first, expected an independent one");
    return NULL;
  }
  /* kbit/s of the largest sum that 13 bits hold */
  guint64 rate = (guint64) at * 8 * programmes[0].frame.rate / samples / 1000;
  Record record = { 0 };
  put_bits (&record, (guint) MIN (rate, 0x1fff), 13);
  put_bits (&record, n - 1, 3);
  for (guint i = 0; i < n; i++)
    put_programme (&record, &programmes[i]);
  return g_bytes_new (record.data, (record.n_bits + 7) / 8);
}

GBytes *
mill_ac3_build_config (const guint8 *unit, gsize size, MillCodec *ret_codec,
    GError **error)
{
  Frame frame;
  if (!read_frame (unit, size, &frame)) {
    bits_refuse (error, MILL_CODEC_ERROR_INVALID,
        "AC-3: got no syncframe, expected one that begins with 0x0b77");
    return NULL;
  }
  *ret_codec = frame.enhanced ? MILL_CODEC_EAC3 : MILL_CODEC_AC3;
  return frame.enhanced ? build_enhanced (unit, size, error)
                        : build_plain (&frame);
}

static void
set_channels (MillCodecInfo *info, guint acmod, guint lfe, guint locations)
{
  static const guint8 channels[] = { 2, 1, 2, 3, 3, 4, 4, 5 };
  static const guint8 configurations[] = { 0, 1, 2, 3, 9, 4, 10, 5 };
  /* Back from chan_loc to the bits of the mask; those of them that are pairs. */
  static const guint16 bits[] = { 0x0400, 0x0200, 0x0100, 0x0080, 0x0040,
    0x0020, 0x0010, 0x0008, 0x0002 };
  static const gboolean is_pair[] = { TRUE, TRUE, FALSE, FALSE, TRUE, TRUE,
    TRUE, FALSE, FALSE };
  info->channels = channels[acmod] + lfe;
  info->dolby_channels = get_channel_mask (acmod, lfe);
  for (guint i = 0; i < G_N_ELEMENTS (bits); i++) {
    if ((locations >> i & 1) == 0)
      continue;
    info->dolby_channels |= bits[i];
    info->channels += is_pair[i] ? 2 : 1;
  }
  if (locations == 0 && lfe == 0)
    info->channel_configuration = configurations[acmod];
  else if (acmod == 7 && lfe && locations == 0)
    info->channel_configuration = 6;
  else if (acmod == 7 && lfe && locations == 2) /* rear surrounds: 7.1 */
    info->channel_configuration = 12;
}

gboolean
mill_ac3_parse_config (const guint8 *data, gsize size, MillCodecInfo *ret_info,
    GError **error)
{
  BitsReader reader;
  bits_init (&reader, data, size);
  guint rate = rates[bits_get (&reader, 2)];
  bits_skip (&reader, 5 + 3); /* bsid, bsmod */
  guint acmod = bits_get (&reader, 3);
  guint lfe = bits_get (&reader, 1);
  bits_skip (&reader, 5 + 5); /* bit_rate_code */
  if (!bits_check (&reader, "dac3", error))
    return FALSE;
  if (rate == 0)
    return bits_refuse (error, MILL_CODEC_ERROR_INVALID,
        "dac3: got the reserved fscod 3, expected 0 to 2");
  *ret_info = (MillCodecInfo){
    .codec = MILL_CODEC_AC3,
    .sample_entry = bits_fourcc ('a', 'c', '-', '3'),
    .name = "ac-3",
    .sample_rate = rate,
    .output_sample_rate = rate,
    .frame_length = 6 * SAMPLES_OF_BLOCK,
  };
  set_channels (ret_info, acmod, lfe, 0);
  return TRUE;
}

gboolean
mill_ac3_parse_enhanced_config (const guint8 *data, gsize size,
    MillCodecInfo *ret_info, GError **error)
{
  BitsReader reader;
  bits_init (&reader, data, size);
  bits_skip (&reader, 13 + 3); /* data_rate, num_ind_sub */
  guint fscod = bits_get (&reader, 2);
  bits_skip (&reader, 5 + 1 + 1 + 3); /* bsid, asvc, bsmod */
  guint acmod = bits_get (&reader, 3);
  guint lfe = bits_get (&reader, 1);
  bits_skip (&reader, 3);
  guint n_dependent = bits_get (&reader, 4);
  guint locations = bits_get (&reader, n_dependent > 0 ? 9 : 1);
  if (!bits_check (&reader, "dec3", error))
    return FALSE;
  /* Which half of a rate fscod 3 means is in the frames only. */
  guint rate = fscod == 3 ? 24000 : rates[fscod];
  *ret_info = (MillCodecInfo){
    .codec = MILL_CODEC_EAC3,
    .sample_entry = bits_fourcc ('e', 'c', '-', '3'),
    .name = "ec-3",
    .sample_rate = rate,
    .output_sample_rate = rate,
    .frame_length = 6 * SAMPLES_OF_BLOCK,
  };
  set_channels (ret_info, acmod, lfe, n_dependent > 0 ? locations : 0);
  return TRUE;
}
