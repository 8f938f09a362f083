/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * MPEG-1 and MPEG-2 audio layer III. There is no configuration record: the
 * header of the first frame takes its place.
 *
 * Source: ISO/IEC 11172-3 §2.4.1.3, 13818-3 §2.4.1; MP4RA's object types 0x6B
 * and 0x69.
 */

/* As mill_codec_parse_config(): the four bytes of a frame header, or more. */
gboolean mill_mp3_parse_config (const guint8 *data, gsize size,
    MillCodecInfo *ret_info, GError **error);

/* @frame: one frame of layer III
 * Returns: (transfer full) (nullable)
 * Errors: MILL_CODEC_ERROR */
GBytes *mill_mp3_build_config (const guint8 *frame, gsize size, GError **error);

/* objectTypeIndication of an esds, 14496-1 §7.2.6.6.2. */
guint8 mill_mp3_get_object_type (const MillCodecInfo *info);

G_END_DECLS
