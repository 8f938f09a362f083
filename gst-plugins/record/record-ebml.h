/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bmff/bmff-writer.h"

G_BEGIN_DECLS

/*
 * Elements of EBML (RFC 8794), as Matroska (RFC 9559) is made of.
 */

/** Each appends one element: @id, the size, the value (RFC 8794 section 7). An
 * integer takes the bytes that it needs, but for the one that says all eight. */
void mill_record_ebml_put_uint (MillBmffWriter *w, guint32 id, guint64 value);
void mill_record_ebml_put_int64 (MillBmffWriter *w, guint32 id, gint64 value);
void mill_record_ebml_put_float (MillBmffWriter *w, guint32 id, gdouble value);
void mill_record_ebml_put_text (MillBmffWriter *w, guint32 id,
    const gchar *text);
void mill_record_ebml_put_data (MillBmffWriter *w, guint32 id,
    const guint8 *data, gsize size);

/** An element of elements, at most 2^28 - 2 bytes.
 * Returns: what mill_record_ebml_end() needs */
gsize mill_record_ebml_begin (MillBmffWriter *w, guint32 id);
void mill_record_ebml_end (MillBmffWriter *w, gsize element);

/** An ID, and a size that has eight bytes; G_MAXUINT64: unknown. */
void mill_record_ebml_put_head (MillBmffWriter *w, guint32 id, guint64 size);

/** Fills @size bytes, 9 at least. */
void mill_record_ebml_put_void (MillBmffWriter *w, gsize size);

G_END_DECLS
