/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * The properties, as a structure.
 *
 * Threads: the element keeps it under its object lock; what has to be read and
 * used without it is copied.
 */

typedef enum
{
  GST_ABR_LADDER_TOP_ENCODE,
  GST_ABR_LADDER_TOP_SKIP,
} GstAbrLadderTop;

typedef struct
{
  gchar *preset; /* never NULL */
  GValue rungs; /* GstValueArray of GstStructure */
  gchar *encoder; /* never NULL */
  GstAbrLadderTop top;
  guint keyframe_interval_ms;
} GstAbrLadderSettings;

void gst_abr_ladder_settings_init (GstAbrLadderSettings *self);
void gst_abr_ladder_settings_copy (const GstAbrLadderSettings *self,
    GstAbrLadderSettings *ret_copy);
void gst_abr_ladder_settings_clear (GstAbrLadderSettings *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GstAbrLadderSettings,
    gst_abr_ladder_settings_clear)

void gst_abr_ladder_settings_install (GObjectClass *klass);

/** Returns: FALSE when @id is none of these */
gboolean gst_abr_ladder_settings_set (GstAbrLadderSettings *self, guint id,
    const GValue *value);
gboolean gst_abr_ladder_settings_get (const GstAbrLadderSettings *self,
    guint id, GValue *value);

G_END_DECLS
