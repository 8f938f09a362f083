/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "flv-color-info.h"

#include <math.h>
#include <string.h>

#include "amf0.h"

#define MAX_AMF_DEPTH 4

#define UNSPECIFIED 2 /* H.273: of all three code points */

/* The most that SMPTE ST 2084 can say, and ST 2086's bounds of coordinates. */
#define MAX_LUMINANCE 10000
#define MAX_X 0.74
#define MAX_Y 0.84

/* @ret_number is untouched when there is no such number in range. */
static gboolean
read_number (const MillAmf0Value *object, const gchar *name, gdouble most,
    gdouble *ret_number)
{
  MillAmf0Value value;
  if (!mill_amf0_lookup (object, name, &value) ||
      value.type != MILL_AMF0_NUMBER || !(value.number >= 0) ||
      value.number > most)
    return FALSE;
  *ret_number = value.number;
  return TRUE;
}

static guint
read_code_point (const MillAmf0Value *object, const gchar *name)
{
  gdouble number = UNSPECIFIED;
  read_number (object, name, 255, &number);
  return (guint) number;
}

static void
read_config (const MillAmf0Value *config, MillFlvColorInfo *info)
{
  gdouble depth = 0;
  read_number (config, "bitDepth", 16, &depth);
  info->has_config = TRUE;
  info->bit_depth = (guint) depth;
  info->primaries = read_code_point (config, "colorPrimaries");
  info->transfer = read_code_point (config, "transferCharacteristics");
  info->matrix = read_code_point (config, "matrixCoefficients");
}

static void
read_mastering (const MillAmf0Value *object, MillFlvColorInfo *info)
{
  info->has_mastering = read_number (object, "redX", MAX_X, &info->red.x) &&
      read_number (object, "redY", MAX_Y, &info->red.y) &&
      read_number (object, "greenX", MAX_X, &info->green.x) &&
      read_number (object, "greenY", MAX_Y, &info->green.y) &&
      read_number (object, "blueX", MAX_X, &info->blue.x) &&
      read_number (object, "blueY", MAX_Y, &info->blue.y) &&
      read_number (object, "whitePointX", MAX_X, &info->white.x) &&
      read_number (object, "whitePointY", MAX_Y, &info->white.y) &&
      read_number (object, "maxLuminance", MAX_LUMINANCE,
          &info->max_luminance) &&
      read_number (object, "minLuminance", MAX_LUMINANCE, &info->min_luminance);
}

static gboolean
find_object (const MillAmf0Value *container, const gchar *name,
    MillAmf0Value *ret_object)
{
  return mill_amf0_lookup (container, name, ret_object) &&
      (ret_object->type == MILL_AMF0_OBJECT ||
          ret_object->type == MILL_AMF0_ECMA_ARRAY);
}

static void
read_color_info (const MillAmf0Value *object, MillFlvColorInfo *info)
{
  MillAmf0Value member;
  if (find_object (object, "colorConfig", &member))
    read_config (&member, info);
  if (find_object (object, "hdrCll", &member))
    info->has_light_level =
        read_number (&member, "maxCLL", MAX_LUMINANCE, &info->max_cll) &&
        read_number (&member, "maxFall", MAX_LUMINANCE, &info->max_fall);
  if (find_object (object, "hdrMdcv", &member))
    read_mastering (&member, info);
}

static gboolean
is_named (const MillAmf0Value *value, const gchar *name)
{
  return value->type == MILL_AMF0_STRING &&
      value->string_size == strlen (name) &&
      memcmp (value->string, name, value->string_size) == 0;
}

/* "a series of [name, value] pairs" */
gboolean
mill_flv_color_info_parse (const guint8 *data, gsize size,
    MillFlvColorInfo *ret_info, GError **error)
{
  MillAmf0Reader reader;
  mill_amf0_reader_init (&reader, data, size, MAX_AMF_DEPTH);
  while (!mill_amf0_at_end (&reader)) {
    MillAmf0Value name;
    MillAmf0Value value = { .type = MILL_AMF0_NULL };
    if (!mill_amf0_read (&reader, &name, error) ||
        (!mill_amf0_at_end (&reader) &&
            !mill_amf0_read (&reader, &value, error)))
      return FALSE;
    if (!is_named (&name, "colorInfo"))
      continue;
    MillFlvColorInfo info = { 0 };
    if (value.type == MILL_AMF0_OBJECT || value.type == MILL_AMF0_ECMA_ARRAY)
      read_color_info (&value, &info);
    *ret_info = info;
    return TRUE;
  }
  return FALSE;
}

static void
write_number (GByteArray *out, const gchar *name, gdouble number)
{
  mill_amf0_write_name (out, name);
  mill_amf0_write_number (out, number);
}

static void
begin_object (GByteArray *out, const gchar *name)
{
  mill_amf0_write_name (out, name);
  mill_amf0_write_object_begin (out);
}

static void
write_mastering (GByteArray *out, const MillFlvColorInfo *info)
{
  begin_object (out, "hdrMdcv");
  write_number (out, "redX", info->red.x);
  write_number (out, "redY", info->red.y);
  write_number (out, "greenX", info->green.x);
  write_number (out, "greenY", info->green.y);
  write_number (out, "blueX", info->blue.x);
  write_number (out, "blueY", info->blue.y);
  write_number (out, "whitePointX", info->white.x);
  write_number (out, "whitePointY", info->white.y);
  write_number (out, "maxLuminance", info->max_luminance);
  write_number (out, "minLuminance", info->min_luminance);
  mill_amf0_write_object_end (out);
}

void
mill_flv_color_info_write (GByteArray *out, const MillFlvColorInfo *info)
{
  mill_amf0_write_string (out, "colorInfo");
  mill_amf0_write_object_begin (out);
  if (info->has_config) {
    begin_object (out, "colorConfig");
    if (info->bit_depth > 0)
      write_number (out, "bitDepth", info->bit_depth);
    write_number (out, "colorPrimaries", info->primaries);
    write_number (out, "transferCharacteristics", info->transfer);
    write_number (out, "matrixCoefficients", info->matrix);
    mill_amf0_write_object_end (out);
  }
  if (info->has_light_level) {
    begin_object (out, "hdrCll");
    write_number (out, "maxFall", info->max_fall);
    write_number (out, "maxCLL", info->max_cll);
    mill_amf0_write_object_end (out);
  }
  if (info->has_mastering)
    write_mastering (out, info);
  mill_amf0_write_object_end (out);
}

static gboolean
is_same (gdouble a, gdouble b)
{
  return fabs (a - b) < 1e-9;
}

static gboolean
is_same_point (MillFlvChromaticity a, MillFlvChromaticity b)
{
  return is_same (a.x, b.x) && is_same (a.y, b.y);
}

gboolean
mill_flv_color_info_equal (const MillFlvColorInfo *a, const MillFlvColorInfo *b)
{
  if (a->has_config != b->has_config ||
      a->has_light_level != b->has_light_level ||
      a->has_mastering != b->has_mastering)
    return FALSE;
  if (a->has_config &&
      (a->bit_depth != b->bit_depth || a->primaries != b->primaries ||
          a->transfer != b->transfer || a->matrix != b->matrix))
    return FALSE;
  if (a->has_light_level &&
      !(is_same (a->max_cll, b->max_cll) && is_same (a->max_fall, b->max_fall)))
    return FALSE;
  return !a->has_mastering ||
      (is_same_point (a->red, b->red) && is_same_point (a->green, b->green) &&
          is_same_point (a->blue, b->blue) &&
          is_same_point (a->white, b->white) &&
          is_same (a->max_luminance, b->max_luminance) &&
          is_same (a->min_luminance, b->min_luminance));
}
