/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * PAT and PMT of one transport stream: kept as they go by, and put before each
 * segment. Pure logic; one thread at a time.
 *
 * Source: ISO/IEC 13818-1 §2.4.3 (packets), §2.4.4 (tables), RFC 8216bis 3.1.1
 */

#define MILL_TS_TABLES_PACKET 188

typedef struct
{
  GByteArray *pat; /* a packet; empty before it was seen */
  GByteArray *pmt; /* the packets of the newest one */
  guint pmt_pid; /* 0 before the PAT was seen */
  guint8 pat_counter; /* of the next packet that is written */
  guint8 pmt_counter;
} MillTsTables;

/** Nothing was seen yet. */
void mill_ts_tables_init (MillTsTables *self);
/** Frees what @self has, not itself. */
void mill_ts_tables_clear (MillTsTables *self);

/** @packets: @size bytes of whole packets, in order
 * Returns: whether a frame begins in the first packet that is of no table */
gboolean mill_ts_tables_watch (MillTsTables *self, const guint8 *packets,
    gsize size);

/** Returns: (transfer full): @packets with PAT and PMT before all else, as if
 * both tables had never been in another order (continuity_counter) */
GBytes *mill_ts_tables_finish_segment (MillTsTables *self,
    const guint8 *packets, gsize size);

G_END_DECLS
