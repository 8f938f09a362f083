/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "record-session.h"

G_BEGIN_DECLS

/*
 * The end of one pad inside a recordsink: finds out what the frames are, and hands
 * them on with running times. It knows no file and waits for nothing.
 */
#define GST_TYPE_RECORD_INTAKE (gst_record_intake_get_type ())
G_DECLARE_FINAL_TYPE (GstRecordIntake, gst_record_intake, GST, RECORD_INTAKE,
    GstElement)

/** What an intake tells, from the streaming thread of its pad. */
typedef struct
{
  void (*set_format) (gpointer owner, GstRecordIntake *intake,
      const MillRecordFormat *format);
  /* The codec is one of those that are recorded, but not as it is: @error */
  void (*refuse) (gpointer owner, GstRecordIntake *intake, const GError *error);
  GstFlowReturn (*push) (gpointer owner, GstRecordIntake *intake,
      const MillCmafInput *input, GstBuffer *buffer);
  void (*flush) (gpointer owner, GstRecordIntake *intake);
  void (*end) (gpointer owner, GstRecordIntake *intake);
} GstRecordIntakeCalls;

/** @owner: outlives it. Returns: (transfer floating) */
GstElement *gst_record_intake_new (MillCmafKind kind,
    const GstRecordIntakeCalls *calls, gpointer owner);

/** What it was made with. */
MillCmafKind gst_record_intake_get_kind (const GstRecordIntake *self);

G_END_DECLS
