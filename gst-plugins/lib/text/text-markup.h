/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/** Cue text of what GStreamer calls text/x-raw. Input is untrusted. No state; any
 * thread. Returns: (transfer full)(nullable): NULL when there are no words */

/** @data: plain text */
gchar *mill_text_markup_from_plain (const gchar *data, gsize size);

/** @data: Pango's markup, as subparse makes it of SRT and others. What is no
 * valid markup is taken for the plain text that it nearly is. */
gchar *mill_text_markup_from_pango (const gchar *data, gsize size);

G_END_DECLS
