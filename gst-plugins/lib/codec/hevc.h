/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * H.265: the decoder configuration record (hvcC), what its SPS says, and where
 * a decoder can begin.
 *
 * Source: ISO/IEC 14496-15 §8.3.3.1 and Annex E.3 (CODECS), ITU-T H.265 §7.3.
 */

/* As mill_codec_parse_config(). Parameter sets are optional in a record for
 * hev1: it knows no picture size then. */
gboolean mill_hevc_parse_config (const guint8 *data, gsize size,
    MillCodecInfo *ret_info, GError **error);

/**
 * MillHevcAccess: whether decoding can begin at an access unit
 * @MILL_HEVC_ACCESS_OPEN: CRA: pictures may follow in decoding order that are
 *   shown before it and need what came before (RASL)
 * @MILL_HEVC_ACCESS_CLOSED: IDR or BLA
 */
typedef enum
{
  MILL_HEVC_ACCESS_NONE,
  MILL_HEVC_ACCESS_OPEN,
  MILL_HEVC_ACCESS_CLOSED,
} MillHevcAccess;

/* Reads one header byte per NAL unit and stops at the first slice: all slices
 * of a picture have one type (H.265 §7.4.2.2). A damaged unit has none.
 * @nal_length_size: from MillCodecInfo */
MillHevcAccess mill_hevc_get_access (const guint8 *data, gsize size,
    guint nal_length_size);

/* Mastering display and light level of the SEI messages of an access unit
 * (H.265 §D.2.28, §D.2.35), where @hdr has none yet. */
void mill_hevc_find_hdr (const guint8 *data, gsize size, guint nal_length_size,
    MillCodecHdr *hdr);

G_END_DECLS
