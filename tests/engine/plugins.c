/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* Which plugins are loaded for one description: if one were missing, a run would
 * say that an element is unknown, or find out less of a file than it could. */
#include <glib/gstdio.h>
#include <gst/gst.h>
#include <string.h>

#include "engine-plugins.h"
#include "engine.h"

/* Where both of ours are looked for; their content is not. */
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
    "libgstmillcmaf.so" };
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
  g_test_add_func ("/engine/plugins/unknown", test_unknown);
  g_test_add_func ("/engine/plugins/missing", test_missing);
  g_test_add_func ("/engine/plugins/wishes", test_wishes);
  result = g_test_run ();
  remove_own_dir ();
  return result;
}
