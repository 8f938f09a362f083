/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bmff/bmff-init.h"

G_BEGIN_DECLS

/* Writes the one sample entry of @track's stsd. */
void mill_bmff_entry_write (MillBmffWriter *writer, const MillBmffTrack *track);

/* Returns: the brand that promises more of @track than CMAF's structure does;
 * 0 for none */
guint32 mill_bmff_entry_get_brand (const MillBmffTrack *track);

/* The size on the screen of one side, 16.16. */
guint32 mill_bmff_entry_get_display_width (const MillCodecInfo *info);

G_END_DECLS
