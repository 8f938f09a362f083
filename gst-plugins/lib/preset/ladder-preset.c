/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "ladder-preset.h"

#include <string.h>

G_DEFINE_QUARK (mill_ladder_error, mill_ladder_preset_error)

#define SUFFIX ".ini"
#define RUNG_PREFIX "rung "

static const gchar *const profiles[] = { "constrained-baseline", "baseline",
  "main", "high", NULL };

/* ---- finding the file ---- */

static gint
compare_strings (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const gchar *const *) a, *(const gchar *const *) b);
}

GStrv
mill_ladder_preset_list (const gchar *const *dirs)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; dirs[i] != NULL; i++) {
    g_autoptr (GDir) dir = g_dir_open (dirs[i], 0, NULL);
    const gchar *entry;
    while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL) {
      if (!g_str_has_suffix (entry, SUFFIX))
        continue;
      gchar *name = g_strndup (entry, strlen (entry) - strlen (SUFFIX));
      if (g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
        g_free (name);
      else
        g_ptr_array_add (names, name);
    }
  }
  g_ptr_array_sort (names, compare_strings);
  g_ptr_array_add (names, NULL);
  return (GStrv) g_ptr_array_steal (names, NULL);
}

static gchar *
find_file (const gchar *name, const gchar *const *dirs, GError **error)
{
  gboolean is_path = strchr (name, G_DIR_SEPARATOR) != NULL ||
      g_str_has_suffix (name, SUFFIX);
  if (is_path) {
    if (g_file_test (name, G_FILE_TEST_IS_REGULAR))
      return g_strdup (name);
    g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_NOT_FOUND,
        "preset file '%s': got no such file, expected a file that exists",
        name);
    return NULL;
  }
  for (guint i = 0; dirs[i] != NULL; i++) {
    g_autofree gchar *base = g_strconcat (name, SUFFIX, NULL);
    g_autofree gchar *path = g_build_filename (dirs[i], base, NULL);
    if (g_file_test (path, G_FILE_TEST_IS_REGULAR))
      return g_steal_pointer (&path);
  }
  g_auto (GStrv) list = mill_ladder_preset_list (dirs);
  g_autofree gchar *names = g_strjoinv (", ", list);
  g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_NOT_FOUND,
      "preset '%s': got no such preset, expected one of %s, or a file", name,
      names);
  return NULL;
}

/* ---- reading it ---- */

/* Every mistake is told with its place. */
static gboolean fail_at (GError **error, const MillLadderPreset *preset,
    const gchar *group, const gchar *key, const gchar *format, ...)
    G_GNUC_PRINTF (5, 6);

static gboolean
fail_at (GError **error, const MillLadderPreset *preset, const gchar *group,
    const gchar *key, const gchar *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree gchar *reason = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_INVALID,
      "preset file '%s', [%s]%s%s: %s", preset->path, group,
      key != NULL ? " " : "", key != NULL ? key : "", reason);
  return FALSE;
}

/* Keys that the format does not know are mistakes, not extensions. */
static gboolean
check_keys (const MillLadderPreset *preset, const gchar *group,
    const gchar *const *known, GError **error)
{
  g_auto (GStrv) keys = g_key_file_get_keys (preset->file, group, NULL, NULL);
  for (guint i = 0; keys != NULL && keys[i] != NULL; i++) {
    if (g_strv_contains (known, keys[i]))
      continue;
    g_autofree gchar *names = g_strjoinv (", ", (gchar **) known);
    return fail_at (error, preset, group, keys[i],
        "got an unknown key, expected one of %s", names);
  }
  return TRUE;
}

static gboolean
read_uint (const MillLadderPreset *preset, const gchar *group, const gchar *key,
    guint *ret_value, GError **error)
{
  g_autofree gchar *text =
      g_key_file_get_string (preset->file, group, key, NULL);
  guint64 value;
  if (text == NULL)
    return fail_at (error, preset, group, key,
        "got nothing, expected a number");
  g_strchomp (text);
  if (!g_ascii_string_to_unsigned (text, 10, 1, G_MAXINT, &value, NULL))
    return fail_at (error, preset, group, key,
        "got '%s', expected a number from 1 to %d", text, G_MAXINT);
  *ret_value = (guint) value;
  return TRUE;
}

/* "30" or "30000/1001". */
static gboolean
read_rate (const MillLadderPreset *preset, const gchar *group, const gchar *key,
    MillLadderRung *rung, GError **error)
{
  g_autofree gchar *text =
      g_key_file_get_string (preset->file, group, key, NULL);
  if (text == NULL)
    return TRUE;
  g_strchomp (text);
  g_auto (GStrv) parts = g_strsplit (text, "/", 2);
  guint64 n;
  guint64 d = 1;
  if (parts[0] == NULL ||
      !g_ascii_string_to_unsigned (parts[0], 10, 1, G_MAXINT, &n, NULL) ||
      (parts[1] != NULL &&
          !g_ascii_string_to_unsigned (parts[1], 10, 1, G_MAXINT, &d, NULL)))
    return fail_at (error, preset, group, key,
        "got '%s', expected frames per second, as in 30 or 30000/1001", text);
  rung->max_fps_n = (gint) n;
  rung->max_fps_d = (gint) d;
  return TRUE;
}

gboolean
mill_ladder_preset_add_rung (GArray *rungs, const MillLadderRung *rung,
    GError **error)
{
  guint height = rung->height;
  if (height < MILL_LADDER_HEIGHT_MIN || height > MILL_LADDER_HEIGHT_MAX ||
      height % 2 != 0) {
    g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_INVALID,
        "height: got %u, expected an even number from %d to %d", height,
        MILL_LADDER_HEIGHT_MIN, MILL_LADDER_HEIGHT_MAX);
    return FALSE;
  }
  if (rung->bitrate_bps < MILL_LADDER_BITRATE_MIN ||
      rung->bitrate_bps > MILL_LADDER_BITRATE_MAX) {
    g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_INVALID,
        "bitrate-bps: got %u, expected a number from %d to %d",
        rung->bitrate_bps, MILL_LADDER_BITRATE_MIN, MILL_LADDER_BITRATE_MAX);
    return FALSE;
  }
  guint at = 0;
  while (at < rungs->len &&
      g_array_index (rungs, MillLadderRung, at).height < height)
    at++;
  if (at < rungs->len &&
      g_array_index (rungs, MillLadderRung, at).height == height) {
    g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_INVALID,
        "height: got a second rung of %u, expected one of each height", height);
    return FALSE;
  }
  if (rungs->len == MILL_LADDER_RUNGS_MAX) {
    g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_INVALID,
        "rungs: got more than %d, expected at most %d", MILL_LADDER_RUNGS_MAX,
        MILL_LADDER_RUNGS_MAX);
    return FALSE;
  }
  g_array_insert_vals (rungs, at, rung, 1);
  return TRUE;
}

static gboolean
read_rung (MillLadderPreset *preset, const gchar *group, GError **error)
{
  static const gchar *const keys[] = { "height", "bitrate-bps",
    "max-frame-rate", NULL };
  MillLadderRung rung = { .max_fps_d = 1 };
  if (!check_keys (preset, group, keys, error) ||
      !read_uint (preset, group, "height", &rung.height, error) ||
      !read_uint (preset, group, "bitrate-bps", &rung.bitrate_bps, error) ||
      !read_rate (preset, group, "max-frame-rate", &rung, error))
    return FALSE;
  g_autoptr (GError) reason = NULL;
  if (!mill_ladder_preset_add_rung (preset->rungs, &rung, &reason))
    return fail_at (error, preset, group, NULL, "%s", reason->message);
  return TRUE;
}

static gboolean
read_ladder (MillLadderPreset *preset, GError **error)
{
  static const gchar *const keys[] = { "format", "summary", "profile", NULL };
  guint format;
  if (!check_keys (preset, "ladder", keys, error) ||
      !read_uint (preset, "ladder", "format", &format, error))
    return FALSE;
  if (format != 1)
    return fail_at (error, preset, "ladder", "format", "got %u, expected 1",
        format);
  preset->summary =
      g_key_file_get_string (preset->file, "ladder", "summary", NULL);
  gchar *profile =
      g_key_file_get_string (preset->file, "ladder", "profile", NULL);
  if (profile == NULL)
    return TRUE;
  g_free (preset->profile);
  preset->profile = g_strchomp (profile);
  if (!g_strv_contains (profiles, profile)) {
    g_autofree gchar *names = g_strjoinv (", ", (gchar **) profiles);
    return fail_at (error, preset, "ladder", "profile",
        "got '%s', expected one of %s", profile, names);
  }
  return TRUE;
}

static gboolean
read_audio (MillLadderPreset *preset, GError **error)
{
  static const gchar *const keys[] = { "bitrate-bps", NULL };
  if (!check_keys (preset, "audio", keys, error) ||
      !read_uint (preset, "audio", "bitrate-bps", &preset->audio_bitrate_bps,
          error))
    return FALSE;
  if (preset->audio_bitrate_bps < 8000 || preset->audio_bitrate_bps > 512000)
    return fail_at (error, preset, "audio", "bitrate-bps",
        "got %u, expected a number from 8000 to 512000",
        preset->audio_bitrate_bps);
  return TRUE;
}

static gboolean
read_groups (MillLadderPreset *preset, GError **error)
{
  g_auto (GStrv) groups = g_key_file_get_groups (preset->file, NULL);
  if (!g_strv_contains ((const gchar *const *) groups, "ladder"))
    return fail_at (error, preset, "ladder", NULL,
        "got no such group, expected it with format=1");
  for (guint i = 0; groups[i] != NULL; i++) {
    const gchar *group = groups[i];
    gboolean read;
    if (g_str_equal (group, "ladder"))
      read = read_ladder (preset, error);
    else if (g_str_equal (group, "audio"))
      read = read_audio (preset, error);
    else if (g_str_has_prefix (group, RUNG_PREFIX))
      read = read_rung (preset, group, error);
    else if (g_str_equal (group, "x264enc"))
      read = TRUE; /* an encoder's properties: ladder-encoder.c */
    else
      read = fail_at (error, preset, group, NULL,
          "got an unknown group, expected ladder, audio, x264enc or "
          "rung NAME");
    if (!read)
      return FALSE;
  }
  if (preset->rungs->len == 0)
    return fail_at (error, preset, "rung NAME", NULL,
        "got no such group, expected one for each rung");
  return TRUE;
}

MillLadderPreset *
mill_ladder_preset_new_from_data (const gchar *path, const gchar *data,
    gsize size, GError **error)
{
  g_autoptr (MillLadderPreset) preset = g_new0 (MillLadderPreset, 1);
  preset->path = g_strdup (path);
  preset->file = g_key_file_new ();
  preset->profile = g_strdup ("high");
  preset->rungs = g_array_new (FALSE, FALSE, sizeof (MillLadderRung));
  preset->audio_bitrate_bps = 128000;
  g_autoptr (GError) reason = NULL;
  if (!g_key_file_load_from_data (preset->file, data, size, G_KEY_FILE_NONE,
          &reason)) {
    g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_INVALID,
        "preset file '%s': got '%s', expected a key file", path,
        reason->message);
    return NULL;
  }
  if (!read_groups (preset, error))
    return NULL;
  return g_steal_pointer (&preset);
}

MillLadderPreset *
mill_ladder_preset_load (const gchar *name, const gchar *const *dirs,
    GError **error)
{
  g_autofree gchar *path = find_file (name, dirs, error);
  if (path == NULL)
    return NULL;
  g_autofree gchar *data = NULL;
  gsize size;
  g_autoptr (GError) reason = NULL;
  if (!g_file_get_contents (path, &data, &size, &reason)) {
    g_set_error (error, MILL_LADDER_ERROR, MILL_LADDER_ERROR_NOT_FOUND,
        "preset file '%s': got '%s', expected a file that can be read", path,
        reason->message);
    return NULL;
  }
  return mill_ladder_preset_new_from_data (path, data, size, error);
}

void
mill_ladder_preset_free (MillLadderPreset *preset)
{
  g_free (preset->path);
  g_clear_pointer (&preset->file, g_key_file_unref);
  g_free (preset->summary);
  g_free (preset->profile);
  g_clear_pointer (&preset->rungs, g_array_unref);
  g_free (preset);
}
