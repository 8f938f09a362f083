/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * A preset file: the rungs of a ladder and how they are encoded. It is a key
 * file (GKeyFile); presets/ladders/README.md describes it. Knows no element.
 *
 * Threads: no state; a preset is constant once it is read.
 */

#define MILL_LADDER_ERROR (mill_ladder_preset_error_quark ())
GQuark mill_ladder_preset_error_quark (void);

/**
 * MillLadderError:
 * @MILL_LADDER_ERROR_NOT_FOUND: no preset or file of that name
 * @MILL_LADDER_ERROR_INVALID: a value, in a preset or a property, that cannot
 *   be used
 * @MILL_LADDER_ERROR_MISSING: an element that is needed is not installed
 * @MILL_LADDER_ERROR_FAILED: elements that cannot be linked or started
 */
typedef enum
{
  MILL_LADDER_ERROR_NOT_FOUND,
  MILL_LADDER_ERROR_INVALID,
  MILL_LADDER_ERROR_MISSING,
  MILL_LADDER_ERROR_FAILED,
} MillLadderError;

#define MILL_LADDER_HEIGHT_MIN 16
#define MILL_LADDER_HEIGHT_MAX 8640
#define MILL_LADDER_BITRATE_MIN 10000
#define MILL_LADDER_BITRATE_MAX 500000000
#define MILL_LADDER_RUNGS_MAX 16

/** One rung: a picture that fits into 16:9 of this height. */
typedef struct
{
  guint height; /* even */
  guint bitrate_bps;
  gint max_fps_n; /* frames are dropped evenly down to this; 0: never */
  gint max_fps_d;
} MillLadderRung;

typedef struct
{
  gchar *path;
  GKeyFile *file; /* the groups named after encoders are read from it */
  gchar *summary; /* nullable */
  gchar *profile; /* of H.264, as in caps */
  GArray *rungs; /* of MillLadderRung, lowest first */
  guint audio_bitrate_bps;
} MillLadderPreset;

/* @name: a preset's name, or a path (whatever has a '/' or ends in ".ini").
 * @dirs: (array zero-terminated=1): where presets are, first found first.
 * Returns: (transfer full) (nullable)
 * Errors: every code but MISSING; the text names file, group and key. */
MillLadderPreset *mill_ladder_preset_load (const gchar *name,
    const gchar *const *dirs, GError **error);

/* The same of the text of a file; @path is only for messages. */
MillLadderPreset *mill_ladder_preset_new_from_data (const gchar *path,
    const gchar *data, gsize size, GError **error);

/* Returns: (transfer full) (array zero-terminated=1): the names of the presets
 * in @dirs, sorted, each once. */
GStrv mill_ladder_preset_list (const gchar *const *dirs);

/* Puts @rung where it belongs. Errors: INVALID for a value out of range, a
 * second rung of that height, one too many; @error's text is the bare reason. */
gboolean mill_ladder_preset_add_rung (GArray *rungs, const MillLadderRung *rung,
    GError **error);

void mill_ladder_preset_free (MillLadderPreset *preset);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillLadderPreset, mill_ladder_preset_free)

G_END_DECLS
