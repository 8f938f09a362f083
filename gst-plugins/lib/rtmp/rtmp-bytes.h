/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bytes/bytes.h"

G_BEGIN_DECLS

/* What numbers RTMP has beside those in network order. */

/* SI24: two's complement in 24 bits */
static inline gint32
mill_rtmp_read_s24 (const guint8 *data)
{
  return (gint32) (mill_bytes_read_u24 (data) ^ 0x800000) - 0x800000;
}

static inline guint32
mill_rtmp_read_u32_le (const guint8 *data)
{
  return GUINT32_SWAP_LE_BE (mill_bytes_read_u32 (data));
}

static inline void
mill_rtmp_write_u32_le (guint8 *data, guint32 number)
{
  mill_bytes_write_u32 (data, GUINT32_SWAP_LE_BE (number));
}

G_END_DECLS
