/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "description.h"

G_BEGIN_DECLS

struct _MillDescription
{
  gatomicrefcount ref_count;
  gchar *file; /* every place below points to it */
  gchar *text;
  gchar *name; /* nullable while it has mistakes */
  MillPlace name_place;
  gchar *summary; /* nullable */
  GPtrArray *params; /* (element-type MillParam) */
  GPtrArray *nodes; /* (element-type MillNode) */
  MillRestart restart;
};

/* Fills @description from its text. With mistakes in it, what could be read is
 * there all the same, so that the plan can find its own mistakes in one run;
 * a node without a known element has element NULL.
 * Returns: FALSE when the text is not YAML at all. */
gboolean mill_description_reader_read (MillDescription *description,
    MillDiagnostics *diagnostics);

/* Returns: (transfer full) (nullable): the text of a file or of a shipped
 * description, its path in @ret_path. */
gchar *mill_description_load (const gchar *name_or_path, gsize *ret_size,
    gchar **ret_path, MillDiagnostics *diagnostics);

/* A letter, then letters, digits, '_' and '-'; 64 at most. */
gboolean mill_description_source_is_name (const gchar *text);

/* The forms "NODE", "NODE.PAD" and "stream:NAME/NODE" of an entry of `from`,
 * after parameters have been filled in.
 * Returns: FALSE and sets nothing when @text has none of these forms. */
gboolean mill_description_source_split (const gchar *text, gchar **ret_stream,
    gchar **ret_node, gchar **ret_pad);

G_END_DECLS
