/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * AV1 in temporal units of the low-overhead format: the configuration record
 * (av1C), the sequence header, and where a decoder can begin.
 *
 * Source: AV1 Codec ISO Media File Format Binding §2.3, §2.4, §5 (CODECS);
 * AV1 Bitstream & Decoding Process Specification §5.3, §5.5.
 */

/* As mill_codec_parse_config(). */
gboolean mill_av1_parse_config (const guint8 *data, gsize size,
    MillCodecInfo *ret_info, GError **error);

/* Makes the payload of an av1C box from a temporal unit with a sequence header.
 * Returns: (transfer full) (nullable): NULL with @error when it has none
 * Errors: MILL_CODEC_ERROR */
GBytes *mill_av1_build_config (const guint8 *unit, gsize size, GError **error);

/* Whether the temporal unit begins with a sequence header and a key frame that
 * is shown: what the binding's §2.5 calls a sync sample. */
gboolean mill_av1_is_sync (const guint8 *unit, gsize size);

/* Bytes of the temporal delimiter that the unit begins with, which has no place
 * in a sample (§2.4). */
gsize mill_av1_get_delimiter_size (const guint8 *unit, gsize size);

/* Mastering display and light level of the metadata of a temporal unit (§5.8.3,
 * §5.8.4), where @hdr has none yet. */
void mill_av1_find_hdr (const guint8 *unit, gsize size, MillCodecHdr *hdr);

G_END_DECLS
