/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * One caption: what is on the screen from one moment to another. All readers
 * (text-webvtt.h, text-markup.h, text-ass.h, text-ttml.h) make these, all
 * writers take them.
 *
 * @text is WebVTT cue text, made by a MillTextBuilder and by nothing else:
 * valid UTF-8, every '&', '<' and '>' of the words escaped, tags balanced, no
 * blank line, so that it can stand in a file without being taken for more than
 * it is.
 */

/* Bounds of what is kept of one cue, in bytes. */
#define MILL_TEXT_CUE_TEXT_MAX 4096
#define MILL_TEXT_CUE_ID_MAX 128
#define MILL_TEXT_CUE_SETTINGS_MAX 256
/* Cues that are taken out of one document. */
#define MILL_TEXT_CUES_MAX 100000

/**
 * MillTextCue:
 * @start, @end: ns; @end is GST_CLOCK_STIME_NONE while nobody knows it
 * @id: (nullable)
 * @settings: (nullable): WebVTT cue settings, "line:0 align:start"
 * @text: see above, never empty
 */
typedef struct
{
  GstClockTimeDiff start;
  GstClockTimeDiff end;
  gchar *id;
  gchar *settings;
  gchar *text;
} MillTextCue;

/** @text: (transfer full). Returns: (transfer full) */
MillTextCue *mill_text_cue_new (GstClockTimeDiff start, GstClockTimeDiff end,
    gchar *text);
void mill_text_cue_free (MillTextCue *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillTextCue, mill_text_cue_free)

/** Takes over what of @id may stand in a line of its own. */
void mill_text_cue_set_id (MillTextCue *self, const gchar *id);

/** Takes over the settings of @text that are known and well-formed; regions
 * are not, nobody passes them on. */
void mill_text_cue_set_settings (MillTextCue *self, const gchar *text);

/** Returns: (transfer full): an array that owns its cues */
GPtrArray *mill_text_cue_list_new (void);

G_END_DECLS
