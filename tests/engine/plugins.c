/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Which plugins are loaded for one description: if one were missing, a run would
 * say that an element is unknown, or find out less of a file than it could. */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "engine-plugins.h"
#include "engine.h"

/* Where ours are looked for; their content is not. */
static gchar *own_dir;

static MillDescription *
describe (const gchar *source, const gchar *sink)
{
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autofree gchar *text = g_strdup_printf ("millrace: 1\n"
                                            "name: one\n"
                                            "params:\n"
                                            "  which: { type: string, "
                                            "default: filesrc }\n"
                                            "nodes:\n"
                                            "  in: { element: \"%s\" }\n"
                                            "  demux: { element: qtdemux, "
                                            "from: [in] }\n"
                                            "  out: { element: %s, "
                                            "from: [demux] }\n",
      source, sink);
  MillDescription *description =
      mill_description_new_from_data (text, strlen (text), "x", diagnostics);

  g_assert_nonnull (description);
  return description;
}

static GPtrArray *
find (const gchar *source, const gchar *sink)
{
  g_autoptr (MillDescription) description = describe (source, sink);

  return mill_engine_plugins_find (description, own_dir);
}

static gboolean
has_file (GPtrArray *files, const gchar *name)
{
  for (guint i = 0; i < files->len; i++) {
    g_autofree gchar *base = g_path_get_basename (files->pdata[i]);

    if (g_str_equal (base, name))
      return TRUE;
  }
  return FALSE;
}

static void
test_known (void)
{
  g_autoptr (GPtrArray) files = find ("blockfilesrc", "cmafsink");

  g_assert_nonnull (files);
  g_assert_cmpuint (files->len, ==, 5);
  g_assert_true (has_file (files, "libgstmillfile.so"));
  g_assert_true (has_file (files, "libgstmillcmaf.so"));
  g_assert_true (has_file (files, "libgstisomp4.so"));
  /* what a file is; what the engine adds to graphs, and filesrc */
  g_assert_true (has_file (files, "libgsttypefindfunctions.so"));
  g_assert_true (has_file (files, "libgstcoreelements.so"));
}

static void
test_once (void)
{
  g_autoptr (GPtrArray) files = find ("filesrc", "cmafsink");

  g_assert_nonnull (files);
  g_assert_cmpuint (files->len, ==, 4);
}

/* What a plan may cut into processes has what stands at both ends. */
static void
test_cut (void)
{
  g_autoptr (GPtrArray) isolated = find ("filesrc", "cmafsink, isolate: true");
  g_autoptr (GPtrArray) published = find ("filesrc", "cmafsink, publish: true");

  g_assert_nonnull (isolated);
  g_assert_true (has_file (isolated, "libgstmilllink.so"));
  g_assert_nonnull (published);
  g_assert_true (has_file (published, "libgstmilllink.so"));
}

/* Only the registry knows those; a value of a parameter is not looked at. */
static void
test_unknown (void)
{
  g_assert_null (find ("filesrc", "recordsink"));
  g_assert_null (find ("filesrc", "fakesinc"));
  g_assert_null (find ("${which}", "cmafsink"));
}

/* Not built, or not installed: the registry has the word, and the plan. */
static void
test_missing (void)
{
  g_autoptr (MillDescription) description = describe ("filesrc", "cmafsink");

  g_assert_null (mill_engine_plugins_find (description, "/nonexistent"));
}

static void
test_wishes (void)
{
  static const gchar *const wishes[] = { "GST_PLUGIN_PATH",
    "GST_PLUGIN_PATH_1_0", "GST_PLUGIN_SYSTEM_PATH_1_0",
    "GST_PLUGIN_FEATURE_RANK", "GST_REGISTRY", "GST_TRACERS" };

  for (guint i = 0; i < G_N_ELEMENTS (wishes); i++) {
    g_setenv (wishes[i], "x", TRUE);
    g_assert_null (find ("blockfilesrc", "cmafsink"));
    g_unsetenv (wishes[i]);
  }
}

/* Element and plugin, in turn. */
static const struct
{
  const gchar *element;
  const gchar *plugin;
} homes[] = {
#include "engine-lone.h"
};

/* Returns: (nullable): what is loaded for @element alone */
static GPtrArray *
find_alone (const gchar *element)
{
  g_autofree gchar *plugins =
      g_build_filename (g_getenv ("MILL_BUILD_ROOT"), "gst-plugins", NULL);
  g_autoptr (MillDiagnostics) diagnostics = mill_diagnostics_new ();
  g_autofree gchar *text = g_strdup_printf ("millrace: 1\n"
                                            "name: one\n"
                                            "nodes:\n"
                                            "  one: { element: %s }\n",
      element);
  g_autoptr (MillDescription) description =
      mill_description_new_from_data (text, strlen (text), "x", diagnostics);

  g_assert_nonnull (description);
  return mill_engine_plugins_find (description, plugins);
}

/* Each of them is where it is said to be, and can be made with nothing else than
 * what is loaded for it. */
static void
test_homes (void)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (homes); i++) {
    g_autoptr (GPtrArray) files = find_alone (homes[i].element);

    if (!files) {
      g_assert_false (g_str_has_prefix (homes[i].plugin, "mill"));
      g_test_message ("%s is not installed", homes[i].plugin);
      continue;
    }
    for (guint k = 0; k < files->len; k++)
      if (!g_ptr_array_find_with_equal_func (all, files->pdata[k], g_str_equal,
              NULL))
        g_ptr_array_add (all, g_strdup (files->pdata[k]));
  }
  g_assert_true (mill_engine_plugins_init (all, &error));
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (homes); i++) {
    g_autoptr (GstElement) element = NULL;
    GstElementFactory *factory;

    if (!gst_registry_check_feature_version (gst_registry_get (),
            homes[i].element, 0, 0, 0))
      continue;
    element = gst_element_factory_make (homes[i].element, NULL);
    g_assert_nonnull (element);
    gst_object_ref_sink (element);
    factory = gst_element_get_factory (element);
    g_assert_cmpstr (
        gst_plugin_feature_get_plugin_name (GST_PLUGIN_FEATURE (factory)), ==,
        homes[i].plugin);
  }
  g_assert_nonnull (gst_element_factory_find ("cmafsink"));
  g_assert_nonnull (gst_element_factory_find ("filesrc"));
}

static void
forget_wishes (void)
{
  g_auto (GStrv) names = g_listenv ();

  for (gchar **name = names; *name; name++)
    if (g_str_has_prefix (*name, "GST_"))
      g_unsetenv (*name);
}

static gchar *
make_own_dir (void)
{
  static const gchar *const files[] = { "libgstmillfile.so",
    "libgstmillcmaf.so", "libgstmilllink.so" };
  gchar *dir = g_dir_make_tmp ("mill-plugins-XXXXXX", NULL);

  g_assert_nonnull (dir);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree gchar *path = g_build_filename (dir, files[i], NULL);

    g_assert_true (g_file_set_contents (path, "", 0, NULL));
  }
  return dir;
}

static void
remove_own_dir (void)
{
  g_autoptr (GDir) dir = g_dir_open (own_dir, 0, NULL);
  const gchar *name;

  while (dir && (name = g_dir_read_name (dir))) {
    g_autofree gchar *path = g_build_filename (own_dir, name, NULL);

    g_unlink (path);
  }
  g_rmdir (own_dir);
  g_free (own_dir);
}

int
main (int argc, char **argv)
{
  gint result;

  g_test_init (&argc, &argv, NULL);
  forget_wishes ();
  own_dir = make_own_dir ();
  g_test_add_func ("/engine/plugins/known", test_known);
  g_test_add_func ("/engine/plugins/once", test_once);
  g_test_add_func ("/engine/plugins/cut", test_cut);
  g_test_add_func ("/engine/plugins/unknown", test_unknown);
  g_test_add_func ("/engine/plugins/missing", test_missing);
  g_test_add_func ("/engine/plugins/wishes", test_wishes);
  g_test_add_func ("/engine/plugins/homes", test_homes);
  result = g_test_run ();
  remove_own_dir ();
  return result;
}
