/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "commands.h"
#include "diagnostics.h"
#include "engine.h"
#include "output.h"
#include "preset/ladder-preset.h"

static gchar *
get_dir (void)
{
  return g_build_filename (mill_engine_get_presets_dir (), "ladders", NULL);
}

static MillLadderPreset *
load (const gchar *name, GError **error)
{
  g_autofree gchar *dir = get_dir ();
  const gchar *const dirs[] = { dir, NULL };
  return mill_ladder_preset_load (name, dirs, error);
}

static JsonArray *
rungs_to_json (const MillLadderPreset *preset)
{
  JsonArray *array = json_array_new ();
  for (guint i = 0; i < preset->rungs->len; i++) {
    const MillLadderRung *rung =
        &g_array_index (preset->rungs, MillLadderRung, i);
    JsonObject *object = json_object_new ();
    json_object_set_int_member (object, "height", rung->height);
    json_object_set_int_member (object, "bitrate_bps", rung->bitrate_bps);
    if (rung->max_fps_n > 0)
      json_object_set_double_member (object, "max_frame_rate",
          (gdouble) rung->max_fps_n / rung->max_fps_d);
    else
      json_object_set_null_member (object, "max_frame_rate");
    json_array_add_object_element (array, object);
  }
  return array;
}

static JsonObject *
encoder_to_json (const MillLadderPreset *preset)
{
  JsonObject *object = json_object_new ();
  g_auto (GStrv) keys =
      g_key_file_get_keys (preset->file, "x264enc", NULL, NULL);
  for (guint i = 0; keys != NULL && keys[i] != NULL; i++) {
    g_autofree gchar *value =
        g_key_file_get_string (preset->file, "x264enc", keys[i], NULL);
    json_object_set_string_member (object, keys[i], value ? value : "");
  }
  return object;
}

static JsonObject *
to_json (const gchar *name, const MillLadderPreset *preset)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "name", name);
  json_object_set_string_member (object, "summary",
      preset->summary != NULL ? preset->summary : "");
  json_object_set_string_member (object, "profile", preset->profile);
  json_object_set_int_member (object, "audio_bitrate_bps",
      preset->audio_bitrate_bps);
  json_object_set_array_member (object, "rungs", rungs_to_json (preset));
  json_object_set_object_member (object, "x264enc", encoder_to_json (preset));
  return object;
}

/* "240p 400k, 360p 800k" */
static gchar *
describe_rungs (const MillLadderPreset *preset)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < preset->rungs->len; i++) {
    const MillLadderRung *rung =
        &g_array_index (preset->rungs, MillLadderRung, i);
    g_string_append_printf (text, "%s%up %uk", i > 0 ? ", " : "", rung->height,
        rung->bitrate_bps / 1000);
  }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static MillExit
list_presets (MillCli *cli)
{
  static const MillColumn columns[] = { { "NAME", "name" },
    { "RUNGS", "ladder" }, { "SUMMARY", "summary" }, { NULL } };
  g_autofree gchar *dir = get_dir ();
  const gchar *const dirs[] = { dir, NULL };
  g_auto (GStrv) names = mill_ladder_preset_list (dirs);
  g_autoptr (JsonArray) items = json_array_new ();
  for (guint i = 0; names[i] != NULL; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (MillLadderPreset) preset = load (names[i], &error);
    if (preset == NULL)
      return mill_cli_fail (cli, MILL_EXIT_DATA, "%s", error->message);
    JsonObject *item = to_json (names[i], preset);
    g_autofree gchar *ladder = describe_rungs (preset);
    json_object_set_string_member (item, "ladder", ladder);
    json_array_add_object_element (items, item);
  }
  mill_output_list (cli, items, columns);
  return MILL_EXIT_OK;
}

static MillExit
fail_unknown (MillCli *cli, const gchar *name, const GError *error)
{
  g_autofree gchar *dir = get_dir ();
  const gchar *const dirs[] = { dir, NULL };
  g_auto (GStrv) names = mill_ladder_preset_list (dirs);
  const gchar *nearest =
      mill_diagnostics_nearest (name, (const gchar *const *) names);
  if (nearest == NULL)
    return mill_cli_fail (cli, MILL_EXIT_NO_INPUT, "%s", error->message);
  return mill_cli_fail (cli, MILL_EXIT_NO_INPUT, "%s, did you mean '%s'?",
      error->message, nearest);
}

MillExit
mill_cmd_presets (MillCli *cli, gchar **arguments)
{
  if (arguments[0] == NULL)
    return list_presets (cli);
  g_autoptr (GError) error = NULL;
  g_autoptr (MillLadderPreset) preset = load (arguments[0], &error);
  if (preset == NULL)
    return g_error_matches (error, MILL_LADDER_ERROR,
               MILL_LADDER_ERROR_NOT_FOUND)
        ? fail_unknown (cli, arguments[0], error)
        : mill_cli_fail (cli, MILL_EXIT_DATA, "%s", error->message);
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (node, to_json (arguments[0], preset));
  mill_output_object (cli, node);
  return MILL_EXIT_OK;
}
