/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* The plugins of a graph whose elements make no others. GStreamer keeps what all
 * plugins of a machine have (676 elements of FFmpeg's alone) in its registry, and
 * to read that takes a third of the time in which a minute of film is packaged;
 * to make it, where there is none yet, five times of it. */
#include "engine-plugins.h"

#include <gst/gst.h>
#include <string.h>

typedef struct
{
  const gchar *element;
  const gchar *plugin;
} Home;

/* They make no other elements, so that whatever they are given needs no plugin
 * beyond their own. */
static const Home homes[] = {
#include "engine-lone.h"
};

/* What plans put where they are cut. */
#define LINK_PLUGIN "milllink"

/* What the engine itself puts into graphs, and finds out what a file is with. */
static const gchar *const always[] = { "coreelements", "typefindfunctions",
  NULL };

/* Other plugins, other ranks, tracers: for all that there is the registry. */
static gboolean
has_wishes (void)
{
  static const gchar *const prefixes[] = { "GST_PLUGIN_", "GST_REGISTRY",
    "GST_TRACERS" };
  g_auto (GStrv) names = g_listenv ();
  g_autofree gchar *home = g_build_filename (g_get_user_data_dir (),
      "gstreamer-1.0", "plugins", NULL);

  for (gchar **name = names; *name; name++)
    for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++)
      if (g_str_has_prefix (*name, prefixes[i]))
        return TRUE;
  return g_file_test (home, G_FILE_TEST_EXISTS);
}

static const gchar *
find_home (const gchar *element)
{
  for (guint i = 0; i < G_N_ELEMENTS (homes); i++)
    if (g_str_equal (homes[i].element, element))
      return homes[i].plugin;
  return NULL;
}

/* Returns: (transfer full) (nullable): in a build tree each of ours lies in a
 * directory of its own */
static gchar *
find_file (const gchar *plugin, const gchar *own_dir)
{
  const gchar *family =
      g_str_has_prefix (plugin, "mill") ? plugin + strlen ("mill") : plugin;
  g_autofree gchar *name = g_strdup_printf ("libgst%s.so", plugin);
  gchar *const files[] = {
    g_build_filename (own_dir, name, NULL),
    g_build_filename (own_dir, family, name, NULL),
    g_build_filename (MILL_GST_PLUGINS_DIR, name, NULL),
  };
  gchar *found = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    if (!found && g_file_test (files[i], G_FILE_TEST_IS_REGULAR))
      found = files[i];
    else
      g_free (files[i]);
  }
  return found;
}

static gboolean
add_file (GPtrArray *files, const gchar *plugin, const gchar *own_dir)
{
  g_autofree gchar *file = plugin ? find_file (plugin, own_dir) : NULL;

  if (!file)
    return FALSE;
  if (!g_ptr_array_find_with_equal_func (files, file, g_str_equal, NULL))
    g_ptr_array_add (files, g_steal_pointer (&file));
  return TRUE;
}

/* Whether a plan may end in a link to another process here. */
static gboolean
may_be_cut (const MillNode *node)
{
  if (node->isolate || node->isolate_text || node->publish)
    return TRUE;
  for (guint i = 0; i < node->from->len; i++) {
    const MillSource *source = g_ptr_array_index (node->from, i);

    /* What a parameter makes of it is not looked at. */
    if (source->stream || (source->node && strstr (source->node, "${")))
      return TRUE;
  }
  return FALSE;
}

GPtrArray *
mill_engine_plugins_find (const MillDescription *description,
    const gchar *own_dir)
{
  g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (g_free);
  GPtrArray *nodes = mill_description_get_nodes (description);

  if (has_wishes ())
    return NULL;
  for (const gchar *const *plugin = always; *plugin; plugin++)
    if (!add_file (files, *plugin, own_dir))
      return NULL;
  for (guint i = 0; i < nodes->len; i++) {
    const MillNode *node = g_ptr_array_index (nodes, i);

    if (!add_file (files, find_home (node->element), own_dir) ||
        (may_be_cut (node) && !add_file (files, LINK_PLUGIN, own_dir)))
      return NULL;
  }
  return g_steal_pointer (&files);
}

gboolean
mill_engine_plugins_init (GPtrArray *files, GError **error)
{
  gboolean started;

  /* There is no call for this; gst_init() alone looks at it. */
  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  started = gst_init_check (NULL, NULL, error);
  g_unsetenv ("GST_REGISTRY_DISABLE");
  for (guint i = 0; started && i < files->len; i++) {
    g_autoptr (GstPlugin) plugin =
        gst_plugin_load_file (g_ptr_array_index (files, i), error);

    started = plugin != NULL;
  }
  return started;
}
