/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * Opus: the configuration record (dOps), and how long a packet lasts.
 *
 * Source: Encapsulation of Opus in ISO Base Media File Format 0.8.1; RFC 7845
 * §5.1 (OpusHead); RFC 6716 §3.1 (TOC).
 */

/* As mill_codec_parse_config(): the payload of a dOps box. */
gboolean mill_opus_parse_config (const guint8 *data, gsize size,
    MillCodecInfo *ret_info, GError **error);

/* Makes the payload of a dOps box from an identification header ("OpusHead").
 * Returns: (transfer full) (nullable)
 * Errors: MILL_CODEC_ERROR */
GBytes *mill_opus_build_config (const guint8 *head, gsize size, GError **error);

/* Returns: samples at 48 kHz of a packet; 0 for one that is none */
guint mill_opus_get_frame_length (const guint8 *packet, gsize size);

G_END_DECLS
