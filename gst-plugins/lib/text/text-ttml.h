/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "text/text-webvtt.h"

G_BEGIN_DECLS

/*
 * TTML: the words of a document, when they are shown, and bold, italic and
 * underline; and documents of IMSC 1.1's text profile. Input is untrusted: what
 * is read is the part of XML that GMarkup knows, so that no entity and no file
 * that a document names is ever followed. No state; any thread.
 *
 * Source: TTML2 (W3C), of which documents of TTML1, IMSC and EBU-TT-D are.
 */

#define MILL_TEXT_TTML_ERROR (mill_text_ttml_error_quark ())
GQuark mill_text_ttml_error_quark (void);

/**
 * MillTextTtmlError:
 * @MILL_TEXT_TTML_ERROR_INVALID: no XML in UTF-8 or UTF-16
 * @MILL_TEXT_TTML_ERROR_TOO_BIG: more than is read of one document
 */
typedef enum
{
  MILL_TEXT_TTML_ERROR_INVALID,
  MILL_TEXT_TTML_ERROR_TOO_BIG,
} MillTextTtmlError;

/** Bytes of one document that are read. */
#define MILL_TEXT_TTML_MAX (8 * 1024 * 1024)

/** Adds the cues of a document to @cues; what was read before an error stays.
 * Errors: MILL_TEXT_TTML_ERROR */
gboolean mill_text_ttml_parse (const gchar *data, gsize size, GPtrArray *cues,
    GError **error);

/** @language: (nullable): BCP 47. Returns: (transfer full): a document with the
 * cues of @segment, times on the media's timeline */
GBytes *mill_text_ttml_print (const MillTextSegment *segment,
    const gchar *language);

G_END_DECLS
