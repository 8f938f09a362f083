/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "record-session.h"

G_BEGIN_DECLS

/*
 * The properties of a recordsink that can be set, as a structure. The element
 * keeps it under its object lock.
 */

/** What the file is to be. */
typedef enum
{
  GST_RECORD_SINK_AUTO,
  GST_RECORD_SINK_MP4,
  GST_RECORD_SINK_WEBM,
  GST_RECORD_SINK_MATROSKA,
} GstRecordSinkFormat;

/** Values as of the properties of the same names. @location: (nullable) */
typedef struct
{
  gchar *location;
  GstRecordSinkFormat format;
  gboolean faststart;
  MillRecordOnError on_error;
  guint rotate_duration_ms;
  guint64 rotate_bytes;
} GstRecordSinkSettings;

/** Ids from here on are free for other properties of the element. */
#define GST_RECORD_SINK_SETTINGS_END 16

/** With the values of properties that nobody has set. */
void gst_record_sink_settings_init (GstRecordSinkSettings *self);
void gst_record_sink_settings_clear (GstRecordSinkSettings *self);

/** The properties, with the ids that set and get know. */
void gst_record_sink_settings_install (GObjectClass *klass);

/** Returns: FALSE when @id is none of these */
gboolean gst_record_sink_settings_set (GstRecordSinkSettings *self, guint id,
    const GValue *value);
gboolean gst_record_sink_settings_get (const GstRecordSinkSettings *self,
    guint id, GValue *value);

/** Returns: (transfer full)(nullable): what is wrong with them; NULL: nothing */
gchar *gst_record_sink_settings_check (const GstRecordSinkSettings *self);

/** Returns: what is written, as the format or else the location says */
MillRecordContainer
gst_record_sink_settings_choose_container (const GstRecordSinkSettings *self);

/** Returns: whether nothing is to be recorded: an empty location */
gboolean gst_record_sink_settings_is_off (const GstRecordSinkSettings *self);

/** Returns: what a session is to do; its location is @self's */
MillRecordSettings gst_record_sink_settings_plan (const GstRecordSinkSettings
        *self);

G_END_DECLS
