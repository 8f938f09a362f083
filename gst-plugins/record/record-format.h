/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bmff/bmff-init.h"
#include "cmaf-track.h"

G_BEGIN_DECLS

/*
 * What a track of a recording is, and which containers hold which codecs. Any
 * thread.
 */

typedef enum
{
  MILL_RECORD_MP4,
  MILL_RECORD_WEBM,
  MILL_RECORD_MATROSKA,
} MillRecordContainer;

/**
 * MillRecordFormat:
 * @is_vp8: which codec/ does not know; of @codec only the picture is set
 * @codec_data: (nullable): see mill_codec_parse_config(); NULL of VP8
 * @language: ISO 639-2/T; empty: unknown
 * @timescale: ticks per second
 * @frame_length: ticks of a frame of audio; the longest
 */
typedef struct
{
  MillCmafKind kind;
  gboolean is_vp8;
  MillCodecInfo codec;
  GBytes *codec_data;
  MillCodecHdr hdr;
  MillBmffOrientation orientation;
  gchar language[4];
  guint timescale;
  guint frame_length;
} MillRecordFormat;

/** @to: holds nothing yet */
void mill_record_format_copy (MillRecordFormat *to,
    const MillRecordFormat *from);
/** Frees what @format has, not itself. */
void mill_record_format_clear (MillRecordFormat *format);

/** Whether a file that was begun with @a can go on with @b. */
gboolean mill_record_format_equals (const MillRecordFormat *a,
    const MillRecordFormat *b);

/** "MP4" */
const gchar *mill_record_format_get_title (MillRecordContainer container);

/** Returns: (transfer full)(nullable): NULL when @container holds what @caps
 * are; otherwise "got CODEC, which ..., expected ..." */
gchar *mill_record_format_refuse (MillRecordContainer container,
    const GstCaps *caps);

G_END_DECLS
