/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-publisher.h"

G_BEGIN_DECLS

/* Thumbnails and poster in the directory of a MillCmafPublisher. Threads: as its
 * calls. */

/** Writes a sheet of thumbnails, which manifests list from the next time on.
 * @sheet: its generation and size are filled in
 * Returns: FALSE when it was left out: earlier than the last, or no room in the
 * queue */
gboolean mill_cmaf_sheets_write (MillCmafPublisher *self,
    const MillCmafSheet *sheet, GBytes *content);

/** The sheet of @start_ms is there, or could not be written. */
void mill_cmaf_sheets_settle (MillCmafPublisher *self, guint64 start_ms,
    gboolean is_there);

/** Returns: whether a server has still to confirm a sheet */
gboolean mill_cmaf_sheets_is_pending (const MillCmafPublisher *self);

/** Replaces the poster. */
void mill_cmaf_sheets_write_poster (MillCmafPublisher *self, GBytes *content);

G_END_DECLS
