/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * AC-3 and E-AC-3: the configuration records (dac3, dec3) and the heads of
 * syncframes.
 *
 * Source: ETSI TS 102 366 §4.4 (AC-3), Annex E.1 (E-AC-3), Annex F (boxes).
 */

/* As mill_codec_parse_config(): the payload of a dac3 box. */
gboolean mill_ac3_parse_config (const guint8 *data, gsize size,
    MillCodecInfo *ret_info, GError **error);

/* The same of a dec3 box. */
gboolean mill_ac3_parse_enhanced_config (const guint8 *data, gsize size,
    MillCodecInfo *ret_info, GError **error);

/* Makes the payload of a dac3 box from a syncframe, or of a dec3 box from an
 * access unit: all syncframes of one time.
 * @ret_codec: which of the two codecs it is
 * Returns: (transfer full) (nullable)
 * Errors: MILL_CODEC_ERROR */
GBytes *mill_ac3_build_config (const guint8 *unit, gsize size,
    MillCodec *ret_codec, GError **error);

/* Returns: samples that an access unit of E-AC-3 lasts; 0 for what is none */
guint mill_ac3_get_frame_length (const guint8 *unit, gsize size);

G_END_DECLS
