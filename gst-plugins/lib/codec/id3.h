/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * ID3 version 2.4 tags as timed metadata: what players of HLS hand to their
 * applications. Source: id3.org, "ID3 tag version 2.4.0", main structure (3.1)
 * and native frames (4.2.6).
 */

/* Of any tag taken here: metadata, no pictures. */
#define MILL_ID3_SIZE_MAX 4096

/** Returns: whether @data is one ID3 tag of version 2, whole and with nothing
 * behind it */
gboolean mill_id3_is_tag (const guint8 *data, gsize size);

/** Returns: (transfer full): a tag with one frame, TXXX */
GBytes *mill_id3_new_text (const gchar *description, const gchar *value);

G_END_DECLS
