/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-capabilities.h"

#include <string.h>

/* FourCcInfoMask: nothing is decoded or encoded here. */
#define CAN_FORWARD 0x04

#define OUR_CAPS_EX                                       \
  (MILL_RTMP_CAPS_RECONNECT | MILL_RTMP_CAPS_MULTITRACK | \
      MILL_RTMP_CAPS_MOD_EX | MILL_RTMP_CAPS_TIMESTAMP_NANO_OFFSET)

/* The bit of one FourCC, all bits for "*", 0 for what is not known. v2's own
 * examples have "Hvc1": upper and lower case are one. */
static guint32
get_codec_bits (const gchar *text, gsize size)
{
  guint n_codecs;
  const MillFlvFourcc *codecs = mill_flv_fourcc_list (&n_codecs);
  if (size == 1 && text[0] == '*')
    return (1u << n_codecs) - 1;
  for (guint i = 0; size == 4 && i < n_codecs; i++) {
    if (g_ascii_strncasecmp (codecs[i].text, text, size) == 0)
      return 1u << i;
  }
  return 0;
}

/* @is_map: the names are the codecs, else the values are. */
static void
read_codecs (const MillAmf0Value *list, gboolean is_map,
    MillRtmpCapabilities *capabilities)
{
  if (list->type != MILL_AMF0_OBJECT && list->type != MILL_AMF0_ECMA_ARRAY &&
      list->type != MILL_AMF0_STRICT_ARRAY)
    return;
  capabilities->is_enhanced = TRUE;
  MillAmf0Iter iter;
  mill_amf0_iter_init (&iter, list);
  const gchar *name;
  gsize name_size;
  MillAmf0Value value;
  while (mill_amf0_iter_next (&iter, &name, &name_size, &value)) {
    if (is_map)
      capabilities->codecs |= get_codec_bits (name, name_size);
    else if (value.type == MILL_AMF0_STRING)
      capabilities->codecs |= get_codec_bits (value.string, value.string_size);
  }
}

void
mill_rtmp_capabilities_read (const MillAmf0Value *object,
    MillRtmpCapabilities *ret_capabilities)
{
  MillRtmpCapabilities capabilities = { 0 };
  MillAmf0Value value;
  if (mill_amf0_lookup (object, "fourCcList", &value))
    read_codecs (&value, /* is_map: */ FALSE, &capabilities);
  if (mill_amf0_lookup (object, "videoFourCcInfoMap", &value))
    read_codecs (&value, /* is_map: */ TRUE, &capabilities);
  if (mill_amf0_lookup (object, "audioFourCcInfoMap", &value))
    read_codecs (&value, /* is_map: */ TRUE, &capabilities);
  if (mill_amf0_lookup (object, "capsEx", &value) &&
      value.type == MILL_AMF0_NUMBER && value.number >= 0 &&
      value.number <= G_MAXUINT32) {
    capabilities.is_enhanced = TRUE;
    capabilities.caps_ex = (guint32) value.number;
  }
  *ret_capabilities = capabilities;
}

static void
write_map (GByteArray *body, const gchar *name, MillFlvKind kind)
{
  guint n_codecs;
  const MillFlvFourcc *codecs = mill_flv_fourcc_list (&n_codecs);
  mill_amf0_write_name (body, name);
  mill_amf0_write_object_begin (body);
  for (guint i = 0; i < n_codecs; i++) {
    if (codecs[i].kind != kind)
      continue;
    mill_amf0_write_name (body, codecs[i].text);
    mill_amf0_write_number (body, CAN_FORWARD);
  }
  mill_amf0_write_object_end (body);
}

void
mill_rtmp_capabilities_write (GByteArray *body)
{
  guint n_codecs;
  const MillFlvFourcc *codecs = mill_flv_fourcc_list (&n_codecs);
  mill_amf0_write_name (body, "fourCcList");
  mill_amf0_write_strict_array_begin (body, n_codecs);
  for (guint i = 0; i < n_codecs; i++)
    mill_amf0_write_string (body, codecs[i].text);
  write_map (body, "videoFourCcInfoMap", MILL_FLV_KIND_VIDEO);
  write_map (body, "audioFourCcInfoMap", MILL_FLV_KIND_AUDIO);
  mill_amf0_write_name (body, "capsEx");
  mill_amf0_write_number (body, OUR_CAPS_EX);
}

gboolean
mill_rtmp_capabilities_has_codec (const MillRtmpCapabilities *capabilities,
    MillFlvKind kind, guint32 fourcc)
{
  guint n_codecs;
  const MillFlvFourcc *codecs = mill_flv_fourcc_list (&n_codecs);
  const MillFlvFourcc *codec = mill_flv_fourcc_find (kind, fourcc);
  return codec != NULL && (capabilities->codecs & 1u << (codec - codecs)) != 0;
}
