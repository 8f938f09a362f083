/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The colours of a video track as its publisher tells them: HDR.
 * Source: Enhanced RTMP v2, "Metadata Frame" (v1: "Defining HDR and Future
 * Video Metadata").
 */
typedef struct
{
  gdouble x;
  gdouble y;
} MillFlvChromaticity;

/**
 * MillFlvColorInfo: all zero is "nothing known", which is also what resets it
 * @has_config: the three code points of ISO/IEC 23091-2 (ITU-T H.273); each is
 *   2, unspecified, when it is not told
 * @has_light_level: @max_cll, @max_fall in cd/m²
 * @has_mastering: CIE 1931 and cd/m²
 */
typedef struct
{
  gboolean has_config;
  guint bit_depth; /* 0: not told */
  guint primaries;
  guint transfer;
  guint matrix;

  gboolean has_light_level;
  gdouble max_cll;
  gdouble max_fall;

  gboolean has_mastering;
  MillFlvChromaticity red;
  MillFlvChromaticity green;
  MillFlvChromaticity blue;
  MillFlvChromaticity white;
  gdouble max_luminance;
  gdouble min_luminance;
} MillFlvColorInfo;

/* @data: the body of a metadata packet
 * Returns FALSE without an error when there is no colorInfo in it. What is out
 * of range counts as not told.
 * Errors: as of mill_amf0_read() */
gboolean mill_flv_color_info_parse (const guint8 *data, gsize size,
    MillFlvColorInfo *ret_info, GError **error);

/* Appends the body of a metadata packet. */
void mill_flv_color_info_write (GByteArray *out, const MillFlvColorInfo *info);

gboolean mill_flv_color_info_equal (const MillFlvColorInfo *a,
    const MillFlvColorInfo *b);

G_END_DECLS
