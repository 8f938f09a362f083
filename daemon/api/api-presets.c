/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Ladder presets, which are files of this installation: nothing is stored. */
#include "engine.h"
#include "preset/ladder-preset-variant.h"
#include "resources.h"

static gchar *
get_dir (void)
{
  return g_build_filename (mill_engine_get_presets_dir (), "ladders", NULL);
}

static JsonObject *
to_json (const gchar *name, const MillLadderPreset *preset)
{
  g_autoptr (GVariant) variant =
      g_variant_ref_sink (mill_ladder_preset_variant_new (name, preset));
  g_autoptr (JsonNode) node = json_gvariant_serialize (variant);
  return json_node_dup_object (node);
}

static void
list_presets (MillRequest *request)
{
  MillPager pager = { .page = mill_request_get_page (request) };
  g_autofree gchar *dir = get_dir ();
  const gchar *const dirs[] = { dir, NULL };
  g_auto (GStrv) names = mill_ladder_preset_list (dirs);
  g_autoptr (JsonArray) items = json_array_new ();
  for (guint i = 0; names[i] != NULL; i++) {
    g_autoptr (GError) error = NULL;
    if (!mill_api_pager_take (&pager, names[i]))
      continue;
    g_autoptr (MillLadderPreset) preset =
        mill_ladder_preset_load (names[i], dirs, &error);
    if (preset == NULL) {
      mill_request_fail (request, error);
      return;
    }
    json_array_add_object_element (items, to_json (names[i], preset));
  }
  mill_request_reply_list (request, g_steal_pointer (&items),
      mill_api_pager_next (&pager));
}

/* By name only: the API opens no file of a client's choice. */
static void
get_preset (MillRequest *request)
{
  const gchar *name = mill_request_get_param (request, "name");
  g_autofree gchar *dir = get_dir ();
  const gchar *const dirs[] = { dir, NULL };
  g_auto (GStrv) names = mill_ladder_preset_list (dirs);
  if (!g_strv_contains ((const gchar *const *) names, name)) {
    g_autofree gchar *known = g_strjoinv (", ", names);
    mill_request_fail_problem (request, MILL_PROBLEM_NOT_FOUND,
        "preset '%s': got no such preset, expected one of %s", name, known);
    return;
  }
  g_autoptr (GError) error = NULL;
  g_autoptr (MillLadderPreset) preset =
      mill_ladder_preset_load (name, dirs, &error);
  if (preset == NULL)
    mill_request_fail (request, error);
  else
    mill_request_reply_object (request, SOUP_STATUS_OK, to_json (name, preset));
}

const MillRoute mill_api_presets_routes[] = {
  { "GET", "/api/v1/presets", MILL_ACCESS_ADMIN, list_presets,
      .query = mill_api_page_query },
  { "GET", "/api/v1/presets/{name}", MILL_ACCESS_ADMIN, get_preset },
  { 0 },
};
