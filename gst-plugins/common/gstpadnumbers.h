/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/**
 * Names of request pads: "video_3" where it was asked for, else the first number
 * that no pad has had, so that a pad that comes again is known by its name.
 */

/**
 * gst_pad_numbers_name:
 * @next: (inout): the first number that no pad of @prefix has had; the caller's to
 *   guard, by its object lock
 * @prefix: of the template, as in "video_"
 * @wanted: (nullable): what was asked for; without a number after @prefix it is
 *   not heeded
 *
 * Returns: (transfer full): the name
 */
gchar *gst_pad_numbers_name (guint *next, const gchar *prefix,
    const gchar *wanted);

G_END_DECLS
