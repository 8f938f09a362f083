/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-state.h"

G_BEGIN_DECLS

/*
 * The inside of the state file, shared by cmaf-state.c (the model, the part
 * that is written as a whole) and cmaf-state-records.c (what follows it).
 * Nothing else includes it.
 */

/** A cut as it lies in the file, little-endian. */
typedef struct
{
  guint64 number;
  guint64 generation;
  gint64 start;
  gint64 end;
  gint64 media_start;
  gint64 wall_us;
  guint64 period;
  gint64 period_start;
  gint64 period_media;
  guint32 flags;
  guint32 padding;
} MillCmafSavedCut;
G_STATIC_ASSERT (sizeof (MillCmafSavedCut) == 80);

/* ---- cmaf-state-records.c ---- */

/** @saved: gets @cut as a file has it */
void mill_cmaf_state_records_pack_cut (MillCmafSavedCut *saved,
    const MillCmafCut *cut);

/* What is wrong with a value that was read; NULL: nothing. */
const gchar *mill_cmaf_state_records_check_numbers (const MillCmafState *self);
/** @cut: to follow those that @self has */
const gchar *mill_cmaf_state_records_check_cut (const MillCmafState *self,
    const MillCmafCut *cut);
const gchar *mill_cmaf_state_records_check_segment (const MillCmafSegment
        *segment);

/** Appends what the GVariant has no place for. */
void mill_cmaf_state_records_put_all (GByteArray *out,
    const MillCmafState *self);

/** Appends the record of the last segment. */
void mill_cmaf_state_records_put_last (GByteArray *out,
    const MillCmafState *self);

/** Applies the records in @data. Returns: (nullable): what is wrong */
const gchar *mill_cmaf_state_records_load (MillCmafState *self,
    const guint8 *data, gsize size);

/** The same of records that were written one by one: one that is cut off at the
 * end is not there yet. */
const gchar *mill_cmaf_state_records_load_appended (MillCmafState *self,
    const guint8 *data, gsize size);

G_END_DECLS
