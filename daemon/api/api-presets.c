/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Ladder presets, which are files of this installation: nothing is stored. */
#include "engine.h"
#include "preset/ladder-preset.h"
#include "resources.h"

static gchar *
get_dir (void)
{
  return g_build_filename (mill_engine_get_presets_dir (), "ladders", NULL);
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
