/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * VP9: the configuration record (vpcC) and the head of key frames.
 *
 * Source: VP Codec ISO Media File Format Binding 1.0; VP9 Bitstream & Decoding
 * Process Specification §6.2 (uncompressed header), Annex A (levels).
 */

/* As mill_codec_parse_config(); the record begins with the version and flags
 * of its box. */
gboolean mill_vp9_parse_config (const guint8 *data, gsize size,
    MillCodecInfo *ret_info, GError **error);

/* What the first frame of a superframe says, if it is a key frame: all but
 * level, frame rate and name. @ret_info: (out caller-allocates)
 * Errors: MILL_CODEC_ERROR */
gboolean mill_vp9_parse_key_frame (const guint8 *frame, gsize size,
    MillCodecInfo *ret_info, GError **error);

/* Makes the payload of a vpcC box of @info. A level of 0 is set to the least
 * that its size and frame rate need; the name is set.
 * Returns: (transfer full) */
GBytes *mill_vp9_build_config (MillCodecInfo *info);

gboolean mill_vp9_is_key_frame (const guint8 *frame, gsize size);

G_END_DECLS
