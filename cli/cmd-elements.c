/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include <gst/gst.h>

#include "commands.h"
#include "diagnostics.h"
#include "element-table.h"
#include "load.h"
#include "output.h"
#include "value-text.h"

/* ---- list ---- */

static const gchar *
metadata (GstElementFactory *factory, const gchar *key)
{
  const gchar *text = gst_element_factory_get_metadata (factory, key);
  return text != NULL ? text : "";
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (GST_OBJECT_NAME (a), GST_OBJECT_NAME (b));
}

static GList *
list_factories (void)
{
  return g_list_sort (gst_registry_get_feature_list (gst_registry_get (),
                          GST_TYPE_ELEMENT_FACTORY),
      compare_names);
}

static MillExit
list_elements (MillCli *cli)
{
  static const MillColumn columns[] = { { "NAME", "name" },
    { "PLUGIN", "plugin" }, { "KIND", "kind" }, { "DESCRIPTION", "summary" },
    { NULL } };
  g_autoptr (JsonArray) items = json_array_new ();
  GList *factories = list_factories ();
  for (GList *l = factories; l != NULL; l = l->next) {
    GstElementFactory *factory = l->data;
    JsonObject *item = json_object_new ();
    json_object_set_string_member (item, "name", GST_OBJECT_NAME (factory));
    json_object_set_string_member (item, "plugin",
        gst_plugin_feature_get_plugin_name (GST_PLUGIN_FEATURE (factory)));
    json_object_set_string_member (item, "kind",
        metadata (factory, GST_ELEMENT_METADATA_KLASS));
    json_object_set_string_member (item, "summary",
        metadata (factory, GST_ELEMENT_METADATA_LONGNAME));
    json_array_add_object_element (items, item);
  }
  gst_plugin_feature_list_free (factories);
  mill_output_list (cli, items, columns);
  return MILL_EXIT_OK;
}

/* ---- one ---- */

static const gchar *
change_word (const gchar *factory, GParamSpec *pspec)
{
  static const gchar *const words[] = {
    [MILL_CHANGE_HOT] = "hot",
    [MILL_CHANGE_KEYFRAME] = "keyframe",
    [MILL_CHANGE_RESTART] = "restart",
  };
  if ((pspec->flags & G_PARAM_WRITABLE) == 0)
    return "read-only";
  return words[mill_element_table_get_change (factory, pspec)];
}

/* Nothing, where GStreamer would take a NULL for a bug: strings, structures,
 * caps and objects that are not set. */
static gboolean
is_null (const GValue *value)
{
  return (G_VALUE_HOLDS_STRING (value) || G_VALUE_HOLDS_BOXED (value) ||
             G_VALUE_HOLDS_OBJECT (value) || G_VALUE_HOLDS_POINTER (value)) &&
      g_value_peek_pointer (value) == NULL;
}

static JsonObject *
describe_property (const gchar *factory, GParamSpec *pspec)
{
  JsonObject *property = json_object_new ();
  const GValue *standard = g_param_spec_get_default_value (pspec);
  g_autofree gchar *value =
      is_null (standard) ? NULL : mill_value_text_format (standard);
  const gchar *summary = g_param_spec_get_blurb (pspec);
  json_object_set_string_member (property, "name", pspec->name);
  json_object_set_string_member (property, "type",
      g_type_name (pspec->value_type));
  if (value != NULL)
    json_object_set_string_member (property, "default", value);
  else
    json_object_set_null_member (property, "default");
  json_object_set_string_member (property, "change",
      change_word (factory, pspec));
  json_object_set_string_member (property, "summary",
      summary != NULL ? summary : "");
  return property;
}

static JsonArray *
describe_properties (GstElementFactory *factory)
{
  JsonArray *array = json_array_new ();
  g_autoptr (GstElement) element = gst_element_factory_create (factory, NULL);
  if (element == NULL)
    return array;
  gst_object_ref_sink (element);
  guint n;
  g_autofree GParamSpec **specs =
      g_object_class_list_properties (G_OBJECT_GET_CLASS (element), &n);
  for (guint i = 0; i < n; i++) {
    if (specs[i]->owner_type == GST_TYPE_OBJECT)
      continue; /* name and parent are the engine's */
    json_array_add_object_element (array,
        describe_property (GST_OBJECT_NAME (factory), specs[i]));
  }
  return array;
}

static JsonArray *
describe_pads (GstElementFactory *factory)
{
  static const gchar *const presences[] = { "always", "sometimes", "request" };
  JsonArray *array = json_array_new ();
  for (const GList *l = gst_element_factory_get_static_pad_templates (factory);
       l != NULL; l = l->next) {
    GstStaticPadTemplate *template = l->data;
    JsonObject *pad = json_object_new ();
    json_object_set_string_member (pad, "name", template->name_template);
    json_object_set_string_member (pad, "direction",
        template->direction == GST_PAD_SRC ? "src" : "sink");
    json_object_set_string_member (pad, "presence",
        presences[template->presence]);
    json_object_set_string_member (pad, "caps", template->static_caps.string);
    json_array_add_object_element (array, pad);
  }
  return array;
}

static MillExit
show_element (MillCli *cli, GstElementFactory *factory)
{
  const gchar *name = GST_OBJECT_NAME (factory);
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "name", name);
  json_object_set_string_member (object, "summary",
      metadata (factory, GST_ELEMENT_METADATA_LONGNAME));
  json_object_set_string_member (object, "description",
      metadata (factory, GST_ELEMENT_METADATA_DESCRIPTION));
  json_object_set_string_member (object, "plugin",
      gst_plugin_feature_get_plugin_name (GST_PLUGIN_FEATURE (factory)));
  json_object_set_boolean_member (object, "never_waits",
      mill_element_table_never_waits (name));
  json_object_set_double_member (object, "cores",
      mill_element_table_get_cores (name));
  json_object_set_array_member (object, "pads", describe_pads (factory));
  json_object_set_array_member (object, "properties",
      describe_properties (factory));
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (node, object);
  mill_output_object (cli, node);
  return MILL_EXIT_OK;
}

static MillExit
fail_unknown (MillCli *cli, const gchar *name)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  GList *factories = list_factories ();
  for (GList *l = factories; l != NULL; l = l->next)
    g_ptr_array_add (names, GST_OBJECT_NAME (l->data));
  g_ptr_array_add (names, NULL);
  const gchar *nearest =
      mill_diagnostics_nearest (name, (const gchar *const *) names->pdata);
  MillExit code = nearest != NULL
      ? mill_cli_fail (cli, MILL_EXIT_NO_INPUT,
            "no element '%s', did you mean '%s'?", name, nearest)
      : mill_cli_fail (cli, MILL_EXIT_NO_INPUT,
            "no element '%s', expected one of `millrace elements`", name);
  gst_plugin_feature_list_free (factories);
  return code;
}

MillExit
mill_cmd_elements (MillCli *cli, gchar **arguments)
{
  MillExit code = mill_load_engine (cli);
  if (code != MILL_EXIT_OK)
    return code;
  if (arguments[0] == NULL)
    return list_elements (cli);
  g_autoptr (GstElementFactory) factory =
      gst_element_factory_find (arguments[0]);
  if (factory == NULL)
    return fail_unknown (cli, arguments[0]);
  /* Defaults and the order of pads are known once its plugin is loaded. */
  g_autoptr (GstPluginFeature) loaded =
      gst_plugin_feature_load (GST_PLUGIN_FEATURE (factory));
  if (loaded == NULL)
    return mill_cli_fail (cli, MILL_EXIT_UNAVAILABLE,
        "element '%s': its plugin cannot be loaded, expected it to work here",
        arguments[0]);
  return show_element (cli, GST_ELEMENT_FACTORY (loaded));
}
