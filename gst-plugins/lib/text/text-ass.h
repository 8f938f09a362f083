/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * mill_text_ass_clean:
 * @data: an event of Advanced SubStation Alpha as Matroska has it (ReadOrder,
 *   Layer, Style, Name, MarginL, MarginR, MarginV, Effect, Text)
 *
 * Bold, italic, underline and line breaks stay; positions, colours, karaoke and
 * drawings do not. Input is untrusted. No state; any thread.
 *
 * Returns: (transfer full)(nullable): cue text, NULL when there are no words
 * Source: Matroska's codec mappings, S_TEXT/ASS; the tags are libass' own list
 */
gchar *mill_text_ass_clean (const gchar *data, gsize size);

G_END_DECLS
