/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "gstrecordintake.h"

G_BEGIN_DECLS

/*
 * A pad of a recordsink and what is behind it: the parser that its caps need, if
 * any, and its intake.
 */

/** Any thread. */
typedef struct
{
  /* Returns: (transfer full)(nullable): why what @caps are is not recorded */
  gchar *(*refuse_caps) (gpointer owner, const GstCaps *caps);
  /* Whether what is upstream must not notice any trouble. */
  gboolean (*goes_on) (gpointer owner);
} GstRecordBranchCalls;

/** @intake: (transfer floating): put into @bin, which is the owner that @calls are
 * made with. Returns: (transfer floating): the ghost pad */
GstPad *gst_record_branch_new (GstBin *bin, GstPadTemplate *template,
    const gchar *name, GstRecordIntake *intake,
    const GstRecordBranchCalls *calls);

/** Removes what is behind @pad from the bin; the pad is not active. */
void gst_record_branch_remove (GstPad *pad);

/** Returns: (transfer none) */
GstRecordIntake *gst_record_branch_get_intake (GstPad *pad);

/** Returns: (transfer full): name of the pad that leads to @intake */
gchar *gst_record_branch_dup_pad_name (GstRecordIntake *intake);

G_END_DECLS
