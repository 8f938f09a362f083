/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * FLAC: the configuration record (dfLa), and how long a frame lasts.
 *
 * Source: Encapsulation of FLAC in ISO Base Media File Format; RFC 9639 §8.2
 * (STREAMINFO), §9.1 (frame header).
 */

/* As mill_codec_parse_config(); the record begins with the version and flags
 * of its box. */
gboolean mill_flac_parse_config (const guint8 *data, gsize size,
    MillCodecInfo *ret_info, GError **error);

/* Makes the payload of a dfLa box from the head of a stream: metadata blocks,
 * after "fLaC" and, in Ogg, what precedes that. Only STREAMINFO is kept.
 * Returns: (transfer full) (nullable)
 * Errors: MILL_CODEC_ERROR */
GBytes *mill_flac_build_config (const guint8 *head, gsize size, GError **error);

/* Returns: samples of a frame; 0 for what is none */
guint mill_flac_get_frame_length (const guint8 *frame, gsize size);

G_END_DECLS
