/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "commands.h"
#include "diagnostics.h"
#include "engine.h"
#include "output.h"
#include "preset/ladder-preset-variant.h"

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

static JsonObject *
to_json (const gchar *name, const MillLadderPreset *preset)
{
  g_autoptr (GVariant) variant =
      g_variant_ref_sink (mill_ladder_preset_variant_new (name, preset));
  g_autoptr (JsonNode) node = json_gvariant_serialize (variant);
  return json_node_dup_object (node);
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
