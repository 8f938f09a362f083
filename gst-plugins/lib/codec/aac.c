/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "codec/aac.h"

#include <gst/base/gstbitreader.h>

/* Audio object types, ISO/IEC 14496-3 Table 1.17. */
enum
{
  AOT_MAIN = 1,
  AOT_LC = 2,
  AOT_SSR = 3,
  AOT_LTP = 4,
  AOT_SBR = 5,
  AOT_ER_LD = 23,
  AOT_PS = 29,
  AOT_ESCAPE = 31,
};

G_DEFINE_QUARK (mill_aac_error, mill_aac_error)

/* ---- sticky reader: a read past the end gives 0 and is checked once ---- */

typedef struct
{
  GstBitReader bits;
  gboolean truncated;
} ConfigReader;

static guint32
read_bits (ConfigReader *reader, guint n)
{
  guint32 value = 0;
  if (!gst_bit_reader_get_bits_uint32 (&reader->bits, &value, n))
    reader->truncated = TRUE;
  return value;
}

static void
skip_bits (ConfigReader *reader, guint n)
{
  if (!gst_bit_reader_skip (&reader->bits, n))
    reader->truncated = TRUE;
}

static gboolean
check_truncated (const ConfigReader *reader, GError **error)
{
  if (!reader->truncated)
    return TRUE;
  g_set_error (error, MILL_AAC_ERROR, MILL_AAC_ERROR_TRUNCATED,
      "AudioSpecificConfig: got %u bits, expected more",
      gst_bit_reader_get_size (&reader->bits));
  return FALSE;
}

/* ---- parts, ISO/IEC 14496-3 §1.6.2.1 ---- */

static guint8
read_object_type (ConfigReader *reader)
{
  guint type = read_bits (reader, 5);
  return type == AOT_ESCAPE ? 32 + read_bits (reader, 6) : type;
}

/* Table 1.18; 0 for a reserved index. */
static guint
read_sample_rate (ConfigReader *reader)
{
  static const guint rates[] = { 96000, 88200, 64000, 48000, 44100, 32000,
    24000, 22050, 16000, 12000, 11025, 8000, 7350 };
  guint index = read_bits (reader, 4);
  if (index == 15)
    return read_bits (reader, 24);
  return index < G_N_ELEMENTS (rates) ? rates[index] : 0;
}

/* Table 1.19; 0 for a reserved value. */
static guint
channels_of_configuration (guint configuration)
{
  static const guint8 channels[] = { 0, 1, 2, 3, 4, 5, 6, 8, 0, 0, 0, 7, 8, 24,
    8, 0 };
  return channels[configuration];
}

/* Front, side and back elements: one channel, or two for a pair. */
static guint
count_channels (ConfigReader *reader, guint n_elements)
{
  guint channels = 0;
  for (guint i = 0; i < n_elements; i++) {
    channels += 1 + read_bits (reader, 1);
    skip_bits (reader, 4);
  }
  return channels;
}

/* program_config_element(), §4.4.1.1. Returns: channels. */
static guint
read_program_config (ConfigReader *reader)
{
  skip_bits (reader, 4 + 2 + 4); /* tag, profile, sampling frequency */
  guint n_main = read_bits (reader, 4);
  n_main += read_bits (reader, 4);
  n_main += read_bits (reader, 4);
  guint n_lfe = read_bits (reader, 2);
  guint n_data = read_bits (reader, 3);
  guint n_coupling = read_bits (reader, 4);
  static const guint mixdown_bits[] = { 4, 4, 3 };
  for (guint i = 0; i < G_N_ELEMENTS (mixdown_bits); i++) {
    if (read_bits (reader, 1))
      skip_bits (reader, mixdown_bits[i]);
  }
  guint channels = count_channels (reader, n_main) + n_lfe;
  skip_bits (reader, 4 * n_lfe + 4 * n_data + 5 * n_coupling);
  if (!gst_bit_reader_skip_to_byte (&reader->bits))
    reader->truncated = TRUE;
  skip_bits (reader, 8 * read_bits (reader, 8)); /* comment */
  return channels;
}

/* GASpecificConfig(), §4.4.1, for the object types that we let pass. */
static void
read_general_audio (ConfigReader *reader, guint channel_configuration,
    MillAacInfo *info)
{
  static const guint lengths[2][2] = { { 1024, 960 }, { 512, 480 } };
  guint short_frames = read_bits (reader, 1);
  info->frame_length = lengths[info->object_type == AOT_ER_LD][short_frames];
  if (read_bits (reader, 1))
    skip_bits (reader, 14); /* coreCoderDelay */
  guint extension = read_bits (reader, 1);
  info->channels = channel_configuration == 0
      ? read_program_config (reader)
      : channels_of_configuration (channel_configuration);
  if (extension && info->object_type == AOT_ER_LD)
    skip_bits (reader, 3); /* resilience flags */
  if (extension)
    skip_bits (reader, 1); /* extensionFlag3 */
}

/* The backward compatible signalling that may follow, §1.6.5.2. It is
 * optional, so that what does not look like it is padding. */
static void
read_sync_extension (ConfigReader *reader, MillAacInfo *info)
{
  GstBitReader *bits = &reader->bits;
  guint32 sync;
  if (gst_bit_reader_get_remaining (bits) < 16 ||
      !gst_bit_reader_peek_bits_uint32 (bits, &sync, 11) || sync != 0x2b7)
    return;
  skip_bits (reader, 11);
  if (read_object_type (reader) != AOT_SBR || !read_bits (reader, 1))
    return;
  info->sbr = MILL_AAC_SBR_BACKWARD;
  info->output_sample_rate = read_sample_rate (reader);
  if (gst_bit_reader_get_remaining (bits) >= 12 &&
      read_bits (reader, 11) == 0x548)
    info->ps = read_bits (reader, 1);
}

static gboolean
check_object_type (guint8 type, GError **error)
{
  if ((type >= AOT_MAIN && type <= AOT_LTP) || type == AOT_ER_LD)
    return TRUE;
  g_set_error (error, MILL_AAC_ERROR, MILL_AAC_ERROR_UNSUPPORTED,
      "AudioSpecificConfig: got audio object type %u, expected 1 to 4 or 23, "
      "plain or under 5 (SBR) or 29 (PS)",
      type);
  return FALSE;
}

static gboolean
check_values (const MillAacInfo *info, GError **error)
{
  if (info->sample_rate == 0 || info->output_sample_rate == 0) {
    g_set_error_literal (error, MILL_AAC_ERROR, MILL_AAC_ERROR_INVALID,
        "AudioSpecificConfig: got a reserved sampling frequency, expected "
        "index 0 to 12 or a number of Hz");
    return FALSE;
  }
  if (info->channels == 0) {
    g_set_error_literal (error, MILL_AAC_ERROR, MILL_AAC_ERROR_INVALID,
        "AudioSpecificConfig: got a channel configuration without channels, "
        "expected 1 to 7, 11 to 14, or a program config element");
    return FALSE;
  }
  return TRUE;
}

gboolean
mill_aac_parse_config (const guint8 *data, gsize size, MillAacInfo *ret_info,
    GError **error)
{
  ConfigReader reader = { 0 };
  MillAacInfo info = { 0 };
  /* No config of the types above is longer than its comment of 255 bytes and
   * some; the bound keeps the count of bits in 32 bits. */
  gst_bit_reader_init (&reader.bits, data, MIN (size, G_MAXUINT16));

  guint8 type = read_object_type (&reader);
  info.sample_rate = read_sample_rate (&reader);
  guint channel_configuration = read_bits (&reader, 4);
  info.channel_configuration = channel_configuration;
  info.output_sample_rate = info.sample_rate;
  if (type == AOT_SBR || type == AOT_PS) {
    info.sbr = MILL_AAC_SBR_HIERARCHICAL;
    info.ps = type == AOT_PS;
    info.output_sample_rate = read_sample_rate (&reader);
    type = read_object_type (&reader);
  }
  info.object_type = type;
  if (!check_truncated (&reader, error) || !check_object_type (type, error))
    return FALSE;
  read_general_audio (&reader, channel_configuration, &info);
  if (type == AOT_ER_LD)
    skip_bits (&reader, 2); /* epConfig */
  if (!check_truncated (&reader, error))
    return FALSE;
  if (info.sbr == MILL_AAC_SBR_NONE)
    read_sync_extension (&reader, &info);
  if (!check_truncated (&reader, error) || !check_values (&info, error))
    return FALSE;
  *ret_info = info;
  return TRUE;
}

gchar *
mill_aac_get_codec_string (const MillAacInfo *info)
{
  guint type = info->object_type;
  if (info->ps)
    type = AOT_PS;
  else if (info->sbr != MILL_AAC_SBR_NONE)
    type = AOT_SBR;
  return g_strdup_printf ("mp4a.40.%u", type);
}
