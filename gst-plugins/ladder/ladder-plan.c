/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "ladder-plan.h"

#include "ladder-encoder.h"

static gboolean
read_rungs (const GValue *rungs, GArray *ret_rungs, GError **error)
{
  for (guint i = 0; i < gst_value_array_get_size (rungs); i++) {
    const GstStructure *structure =
        gst_value_get_structure (gst_value_array_get_value (rungs, i));
    gint height = 0;
    gint bitrate_bps = 0;
    MillLadderRung rung = { .max_fps_d = 1 };
    gst_structure_get_int (structure, "height", &height);
    gst_structure_get_int (structure, "bitrate-bps", &bitrate_bps);
    gst_structure_get_fraction (structure, "max-frame-rate", &rung.max_fps_n,
        &rung.max_fps_d);
    rung.height = (guint) MAX (height, 0);
    rung.bitrate_bps = (guint) MAX (bitrate_bps, 0);
    if (!mill_ladder_preset_add_rung (ret_rungs, &rung, error)) {
      g_prefix_error (error, "rungs[%u] ", i);
      return FALSE;
    }
  }
  return TRUE;
}

/* In a build tree presets are two folders up from the plugin. */
static MillLadderPreset *
load_preset (const gchar *name, GError **error)
{
  g_autoptr (GstPlugin) plugin =
      gst_registry_find_plugin (gst_registry_get (), "millladder");
  const gchar *file = plugin != NULL ? gst_plugin_get_filename (plugin) : NULL;
  g_autofree gchar *folder = file != NULL ? g_path_get_dirname (file) : NULL;
  g_autofree gchar *built = folder != NULL
      ? g_build_filename (folder, "..", "..", "presets", "ladders", NULL)
      : NULL;
  const gchar *const dirs[] = { MILL_PRESETS_DIR, NULL };
  const gchar *const built_dirs[] = { built, MILL_PRESETS_DIR, NULL };
  gboolean is_built = built != NULL && g_file_test (built, G_FILE_TEST_IS_DIR);
  return mill_ladder_preset_load (name, is_built ? built_dirs : dirs, error);
}

gboolean
mill_ladder_plan_load (MillLadderPlan *self, const gchar *preset,
    const GValue *rungs, const gchar *encoder, GError **error)
{
  self->preset = load_preset (preset, error);
  if (self->preset == NULL)
    return FALSE;
  self->rungs = g_array_new (FALSE, FALSE, sizeof (MillLadderRung));
  if (!read_rungs (rungs, self->rungs, error))
    return FALSE;
  if (self->rungs->len == 0)
    g_array_append_vals (self->rungs, self->preset->rungs->data,
        self->preset->rungs->len);
  self->encoder = mill_ladder_encoder_find (encoder, error);
  if (self->encoder == NULL)
    return FALSE;
  /* Settings that the encoder refuses are told now, not with the first frame. */
  g_autoptr (MillLadderKeyframes) keyframes = mill_ladder_keyframes_new ();
  GstElement *trial =
      mill_ladder_encoder_new (self->encoder, self->preset, keyframes, error);
  if (trial == NULL)
    return FALSE;
  gst_object_unref (gst_object_ref_sink (trial));
  return TRUE;
}

void
mill_ladder_plan_clear (MillLadderPlan *self)
{
  g_clear_pointer (&self->rungs, g_array_unref);
  g_clear_pointer (&self->preset, mill_ladder_preset_free);
  self->encoder = NULL;
}
