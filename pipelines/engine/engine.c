/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Where this program's plugins and data are. Uninstalled, the running binary
 * lies in a build tree, whose root is known by a marker file that the build
 * writes; it holds the path of the source tree. Otherwise the places of the
 * installation are taken. Nothing depends on the working directory. */
#include "engine.h"

#include <string.h>
#include <unistd.h>

#include "engine-plugins.h"

#define MARKER "pipelines/engine/uninstalled"

/* tests/engine/x lies three levels below the root of the build. */
#define MAX_LEVELS 5

typedef struct
{
  gchar *plugins;
  gchar *pipelines;
  gchar *presets;
  gchar *libexec;
  gchar *modules;
} Places;

static Places *
places_in_build (const gchar *build, const gchar *source)
{
  Places *places = g_new0 (Places, 1);

  places->plugins = g_build_filename (build, "gst-plugins", NULL);
  places->pipelines = g_build_filename (source, "pipelines", NULL);
  places->presets = g_build_filename (source, "presets", NULL);
  places->libexec = g_build_filename (build, "daemon", NULL);
  places->modules = g_build_filename (build, "cli", NULL);
  return places;
}

static Places *
places_installed (void)
{
  Places *places = g_new0 (Places, 1);

  places->plugins = g_strdup (MILL_PLUGINS_DIR);
  places->pipelines = g_build_filename (MILL_DATA_DIR, "pipelines", NULL);
  places->presets = g_build_filename (MILL_DATA_DIR, "presets", NULL);
  places->libexec = g_strdup (MILL_LIBEXEC_DIR);
  places->modules = g_strdup (MILL_LIBEXEC_DIR);
  return places;
}

static gpointer
find_places (gpointer unused)
{
  g_autofree gchar *binary = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree gchar *dir = binary ? g_path_get_dirname (binary) : NULL;

  for (guint i = 0; dir && i < MAX_LEVELS; i++) {
    g_autofree gchar *marker = g_build_filename (dir, MARKER, NULL);
    g_autofree gchar *source = NULL;
    gchar *parent;

    if (g_file_get_contents (marker, &source, NULL, NULL))
      return places_in_build (dir, g_strstrip (source));
    parent = g_path_get_dirname (dir);
    g_free (dir);
    dir = parent;
  }
  return places_installed ();
}

static const Places *
get_places (void)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, find_places, NULL);
}

/* The registry remembers every plugin of one plugin path; shared between
 * trees, each start would scan all plugins again. */
static void
choose_registry (const gchar *plugins)
{
  g_autofree gchar *hash = NULL;
  g_autofree gchar *name = NULL;
  g_autofree gchar *path = NULL;

  if (g_getenv ("GST_REGISTRY_1_0") || g_getenv ("GST_REGISTRY"))
    return;
  hash = g_compute_checksum_for_string (G_CHECKSUM_SHA256, plugins, -1);
  name = g_strdup_printf ("registry-%.12s.bin", hash);
  path = g_build_filename (g_get_user_cache_dir (), "millrace", name, NULL);
  g_setenv ("GST_REGISTRY_1_0", path, TRUE);
}

static void
extend_plugin_path (const gchar *plugins)
{
  const gchar *old = g_getenv ("GST_PLUGIN_PATH_1_0");
  g_autofree gchar *path = NULL;

  if (!old)
    old = g_getenv ("GST_PLUGIN_PATH");
  if (!g_file_test (plugins, G_FILE_TEST_IS_DIR))
    return;
  if (old && *old) {
    g_auto (GStrv) dirs = g_strsplit (old, G_SEARCHPATH_SEPARATOR_S, -1);

    if (g_strv_contains ((const gchar *const *) dirs, plugins))
      return;
    path = g_strjoin (G_SEARCHPATH_SEPARATOR_S, plugins, old, NULL);
  }
  g_setenv ("GST_PLUGIN_PATH_1_0", path ? path : plugins, TRUE);
}

gboolean
mill_engine_init (int *argc, char ***argv, GError **error)
{
  const Places *places = get_places ();

  extend_plugin_path (places->plugins);
  choose_registry (places->plugins);
  return gst_init_check (argc, argv, error);
}

gboolean
mill_engine_init_for (const MillDescription *description, GError **error)
{
  g_autoptr (GPtrArray) files = description
      ? mill_engine_plugins_find (description, get_places ()->plugins)
      : NULL;

  return files ? mill_engine_plugins_init (files, error)
               : mill_engine_init (NULL, NULL, error);
}

const gchar *
mill_engine_get_pipelines_dir (void)
{
  return get_places ()->pipelines;
}

const gchar *
mill_engine_get_presets_dir (void)
{
  return get_places ()->presets;
}

const gchar *
mill_engine_get_libexec_dir (void)
{
  return get_places ()->libexec;
}

const gchar *
mill_engine_get_modules_dir (void)
{
  return get_places ()->modules;
}

static gpointer
find_links_dir (gpointer unused)
{
  const gchar *runtime = g_getenv ("MILLRACE_RUNTIME_DIR");

  if (runtime && *runtime)
    return g_build_filename (runtime, "links", NULL);
  if (geteuid () == 0 && !g_getenv ("XDG_RUNTIME_DIR"))
    return g_strdup ("/run/millrace/links");
  return g_build_filename (g_get_user_runtime_dir (), "millrace", "links",
      NULL);
}

const gchar *
mill_engine_get_links_dir (void)
{
  static GOnce once = G_ONCE_INIT;

  return g_once (&once, find_links_dir, NULL);
}
