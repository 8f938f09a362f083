/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "codec/codec.h"

G_BEGIN_DECLS

/*
 * Closed captions inside of video: which there are. Looks at SEI messages alone
 * (user data registered by ITU-T T.35, ATSC1_data of ANSI/SCTE 128-1), which
 * come before the picture. Input is untrusted. One thread at a time.
 *
 * Source: ANSI/SCTE 128-1 §8, CTA-608-E, CTA-708-E
 */

/* DTVCC packets are this long at most (CTA-708-E 5). */
#define MILL_CEA_PACKET_MAX 128

/**
 * MillCea:
 * @carried: there is cc_data, if only padding
 * @channels: CTA-608: bit 0 is CC1, bit 3 is CC4
 * @services: CTA-708: bit n is service n, 1 to 63
 * @packet: of CTA-708, as far as it has come; @packet_size: bytes of it
 */
typedef struct
{
  gboolean carried;
  guint8 channels;
  guint64 services;
  guint8 packet[MILL_CEA_PACKET_MAX];
  guint packet_size;
} MillCea;

/** @data: an access unit of H.264 or HEVC with NAL units behind their lengths.
 * Returns: whether something was found that was not known before */
gboolean mill_cea_scan (MillCea *self, MillCodec codec, guint nal_length_size,
    const guint8 *data, gsize size);

/** @data: cc_data: three bytes for each construct. Returns: as above */
gboolean mill_cea_scan_constructs (MillCea *self, const guint8 *data,
    gsize size);

G_END_DECLS
