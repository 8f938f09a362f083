/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * mill_record_faststart:
 * @from: an MP4 whose moov is behind all of its media; what is behind moov stays
 *   there
 * @to: empty; gets the same with moov behind ftyp and chunk offsets that fit
 *
 * The media is copied as it is. Errors: G_FILE_ERROR
 */
gboolean mill_record_faststart (gint from, gint to, GError **error);

G_END_DECLS
