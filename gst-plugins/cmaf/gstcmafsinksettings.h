/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-packager.h"
#include "gstcmafsinkpresentation.h"
#include "gstcmafsinkstorage.h"

G_BEGIN_DECLS

/*
 * The properties that can be set, as a structure. The element keeps it under
 * its object lock.
 */

/** What PROGRAM-DATE-TIME is taken from. */
typedef enum
{
  GST_CMAF_SINK_WALL_CLOCK,
  GST_CMAF_SINK_REFERENCE_TIMESTAMP,
  GST_CMAF_SINK_MEDIA,
} GstCmafSinkTimeSource;

typedef struct
{
  gchar *location;
  MillCmafMode mode;
  guint segment_duration_ms;
  guint part_duration_ms;
  guint window_segments;
  guint dvr_window_ms;
  guint max_skew_ms;
  guint startup_timeout_ms;
  gboolean hls;
  gboolean dash;
  gboolean i_frame_playlists;
  gboolean single_file;
  gboolean trick_mode_sets;
  gboolean cue_tags;
  gboolean audio_variant;
  gboolean break_periods;
  GstCmafSinkTimeSource program_date_time;
  gint64 epoch_us;
  GstCmafSinkPresentation presentation;
  GstCmafSinkStorage storage;
} GstCmafSinkSettings;

/** Ids from here on are free for other properties of the element, but for those
 * of gstcmafsinkstorage.h. */
#define GST_CMAF_SINK_SETTINGS_END 32

/** With the values of properties that nobody has set. */
void gst_cmaf_sink_settings_init (GstCmafSinkSettings *self);
void gst_cmaf_sink_settings_clear (GstCmafSinkSettings *self);

/** The properties, with the ids that set and get know. */
void gst_cmaf_sink_settings_install (GObjectClass *klass);

/** Returns: FALSE when @id is none of these */
gboolean gst_cmaf_sink_settings_set (GstCmafSinkSettings *self, guint id,
    const GValue *value);
gboolean gst_cmaf_sink_settings_get (const GstCmafSinkSettings *self, guint id,
    GValue *value);

/** What the packager is to do; gst_cmaf_sink_settings_clear_options() when it
 * was told.
 * Returns: FALSE with @error when values contradict another */
gboolean gst_cmaf_sink_settings_fill (const GstCmafSinkSettings *self,
    MillCmafPackagerOptions *ret_options, GError **error);

/** Whether that would succeed, and the directory be taken with it: what can be
 * told before there is one. */
gboolean gst_cmaf_sink_settings_check (const GstCmafSinkSettings *self,
    GError **error);
void gst_cmaf_sink_settings_clear_options (MillCmafPackagerOptions *options);

G_END_DECLS
