/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp/rtmp-arena.h"

G_BEGIN_DECLS

/* Messages as GstMemory that lies with its payload, in the block of its
 * connection: nothing is allocated for one, and who reads the payload has the
 * object in the cache. Threads: any. */
extern const MillRtmpMemoryKind mill_rtmp_memory_kind;

/* What @buffer has, when it is one memory of this kind: it needs no mapping.
 * Returns: (nullable) */
const guint8 *mill_rtmp_memory_peek (GstBuffer *buffer, gsize *ret_size);

G_END_DECLS
