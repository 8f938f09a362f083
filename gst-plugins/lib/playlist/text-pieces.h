/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * A text that grows at its end and shrinks at its front, in pieces that do not
 * change any more: whoever writes it refers to them and copies nothing, also on
 * another thread and however long it is. One thread at a time.
 */
typedef struct _MillTextPieces MillTextPieces;

/** Returns: (transfer full) */
MillTextPieces *mill_text_pieces_new (void);
void mill_text_pieces_free (MillTextPieces *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillTextPieces, mill_text_pieces_free)

/** Returns: (transfer none): where to append what comes next, until
 * mill_text_pieces_end() */
GString *mill_text_pieces_begin (MillTextPieces *self);
/** Returns: bytes since mill_text_pieces_begin() */
gsize mill_text_pieces_end (MillTextPieces *self);

/** Forgets the first @n bytes, at most all. */
void mill_text_pieces_remove_first (MillTextPieces *self, gsize n);

/** Adds all of it to @list (element-type GBytes). */
void mill_text_pieces_list (const MillTextPieces *self, GPtrArray *list);

/** Appends all of it to @out. */
void mill_text_pieces_copy (const MillTextPieces *self, GString *out);

G_END_DECLS
