/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * element-dump PLUGIN...
 *
 * Prints what the elements of these plugin files say of themselves, as JSON:
 * the source of docs/elements. Only what an element adds to its base classes
 * is told, so that the answer does not depend on GStreamer's version.
 */
#include <gst/gst.h>
#include <json-glib/json-glib.h>

/* ---- values ---- */

static void
add_string (JsonBuilder *json, const gchar *name, const gchar *value)
{
  json_builder_set_member_name (json, name);
  if (value)
    json_builder_add_string_value (json, value);
  else
    json_builder_add_null_value (json);
}

static void
add_int (JsonBuilder *json, const gchar *name, gint64 value)
{
  json_builder_set_member_name (json, name);
  json_builder_add_int_value (json, value);
}

static void
add_enum (JsonBuilder *json, GParamSpec *spec)
{
  GParamSpecEnum *of = G_PARAM_SPEC_ENUM (spec);
  GEnumValue *chosen = g_enum_get_value (of->enum_class, of->default_value);

  add_string (json, "type", "enum");
  add_string (json, "default", chosen ? chosen->value_nick : NULL);
  json_builder_set_member_name (json, "values");
  json_builder_begin_array (json);
  for (guint i = 0; i < of->enum_class->n_values; i++) {
    json_builder_begin_object (json);
    add_string (json, "nick", of->enum_class->values[i].value_nick);
    add_string (json, "what", of->enum_class->values[i].value_name);
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
}

static void
add_number (JsonBuilder *json, GParamSpec *spec)
{
  if (G_IS_PARAM_SPEC_UINT (spec)) {
    GParamSpecUInt *of = G_PARAM_SPEC_UINT (spec);
    add_int (json, "min", of->minimum);
    add_int (json, "max", of->maximum);
    add_int (json, "default", of->default_value);
  } else if (G_IS_PARAM_SPEC_INT (spec)) {
    GParamSpecInt *of = G_PARAM_SPEC_INT (spec);
    add_int (json, "min", of->minimum);
    add_int (json, "max", of->maximum);
    add_int (json, "default", of->default_value);
  } else {
    /* The rest as text: JSON has no 64-bit unsigned numbers. */
    g_auto (GValue) value = G_VALUE_INIT;
    g_value_init (&value, spec->value_type);
    g_param_value_set_default (spec, &value);
    g_autofree gchar *text = gst_value_serialize (&value);
    add_string (json, "default", text);
  }
}

static void
add_type_and_range (JsonBuilder *json, GParamSpec *spec)
{
  if (G_IS_PARAM_SPEC_ENUM (spec)) {
    add_enum (json, spec);
    return;
  }
  add_string (json, "type", g_type_name (spec->value_type));
  if (G_IS_PARAM_SPEC_STRING (spec)) {
    add_string (json, "default", G_PARAM_SPEC_STRING (spec)->default_value);
  } else if (G_IS_PARAM_SPEC_BOOLEAN (spec)) {
    json_builder_set_member_name (json, "default");
    json_builder_add_boolean_value (json,
        G_PARAM_SPEC_BOOLEAN (spec)->default_value);
  } else if (!G_IS_PARAM_SPEC_BOXED (spec) && !G_IS_PARAM_SPEC_OBJECT (spec)) {
    add_number (json, spec);
  }
}

static void
add_flags (JsonBuilder *json, GParamFlags flags)
{
  static const struct
  {
    guint flag;
    const gchar *name;
  } names[] = {
    { G_PARAM_READABLE, "readable" },
    { G_PARAM_WRITABLE, "writable" },
    { G_PARAM_CONSTRUCT, "construct" },
    { G_PARAM_CONSTRUCT_ONLY, "construct-only" },
    { G_PARAM_DEPRECATED, "deprecated" },
    { GST_PARAM_CONTROLLABLE, "controllable" },
    { GST_PARAM_MUTABLE_READY, "mutable-ready" },
    { GST_PARAM_MUTABLE_PAUSED, "mutable-paused" },
    { GST_PARAM_MUTABLE_PLAYING, "mutable-playing" },
  };

  json_builder_set_member_name (json, "flags");
  json_builder_begin_array (json);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    if (flags & names[i].flag)
      json_builder_add_string_value (json, names[i].name);
  }
  json_builder_end_array (json);
}

/* ---- what a type adds ---- */

static void
add_properties (JsonBuilder *json, GType type)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (type);
  guint n_specs = 0;
  g_autofree GParamSpec **specs =
      g_object_class_list_properties (G_OBJECT_CLASS (klass), &n_specs);

  json_builder_set_member_name (json, "properties");
  json_builder_begin_array (json);
  for (guint i = 0; i < n_specs; i++) {
    if (specs[i]->owner_type != type)
      continue;
    json_builder_begin_object (json);
    add_string (json, "name", specs[i]->name);
    add_type_and_range (json, specs[i]);
    add_flags (json, specs[i]->flags);
    add_string (json, "blurb", g_param_spec_get_blurb (specs[i]));
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
}

static void
add_signals (JsonBuilder *json, GType type)
{
  guint n_ids = 0;
  g_autofree guint *ids = g_signal_list_ids (type, &n_ids);

  json_builder_set_member_name (json, "signals");
  json_builder_begin_array (json);
  for (guint i = 0; i < n_ids; i++) {
    GSignalQuery query;
    g_signal_query (ids[i], &query);
    json_builder_begin_object (json);
    add_string (json, "name", query.signal_name);
    json_builder_set_member_name (json, "action");
    json_builder_add_boolean_value (json,
        (query.signal_flags & G_SIGNAL_ACTION) != 0);
    json_builder_set_member_name (json, "arguments");
    json_builder_begin_array (json);
    for (guint j = 0; j < query.n_params; j++) {
      json_builder_add_string_value (json,
          g_type_name (query.param_types[j] & ~G_SIGNAL_TYPE_STATIC_SCOPE));
    }
    json_builder_end_array (json);
    add_string (json, "returns", g_type_name (query.return_type));
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
}

static gboolean
add_caps_field (GQuark field, const GValue *value, gpointer user_data)
{
  JsonBuilder *json = user_data;
  g_autofree gchar *text = gst_value_serialize (value);

  add_string (json, g_quark_to_string (field), text);
  return TRUE;
}

/* Field by field: the text of whole caps has changed between versions. */
static void
add_caps (JsonBuilder *json, GstCaps *caps)
{
  json_builder_set_member_name (json, "caps");
  json_builder_begin_array (json);
  for (guint i = 0; i < gst_caps_get_size (caps); i++) {
    GstStructure *structure = gst_caps_get_structure (caps, i);
    json_builder_begin_object (json);
    add_string (json, "media", gst_structure_get_name (structure));
    json_builder_set_member_name (json, "fields");
    json_builder_begin_object (json);
    gst_structure_foreach (structure, add_caps_field, json);
    json_builder_end_object (json);
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
}

static void
add_pads (JsonBuilder *json, GstElementClass *klass)
{
  static const gchar *const directions[] = { "unknown", "src", "sink" };
  static const gchar *const presences[] = { "always", "sometimes", "request" };

  json_builder_set_member_name (json, "pads");
  json_builder_begin_array (json);
  for (GList *item = gst_element_class_get_pad_template_list (klass); item;
       item = item->next) {
    GstPadTemplate *template = item->data;
    g_autoptr (GstCaps) caps = gst_pad_template_get_caps (template);
    GType type = G_TYPE_NONE;

    g_object_get (template, "gtype", &type, NULL);
    json_builder_begin_object (json);
    add_string (json, "name", template->name_template);
    add_string (json, "direction", directions[template->direction]);
    add_string (json, "presence", presences[template->presence]);
    add_caps (json, caps);
    if (type != G_TYPE_NONE && type != GST_TYPE_PAD)
      add_properties (json, type);
    json_builder_end_object (json);
  }
  json_builder_end_array (json);
}

/* ---- elements of a plugin ---- */

static gboolean
add_element (JsonBuilder *json, GstElementFactory *factory)
{
  /* The type and its class exist from the first instance on. */
  g_autoptr (GstElement) element = gst_element_factory_create (factory, NULL);
  if (!element) {
    g_printerr ("element-dump: error: element '%s' cannot be made\n",
        GST_OBJECT_NAME (factory));
    return FALSE;
  }
  gst_object_ref_sink (element);

  json_builder_begin_object (json);
  add_string (json, "name", GST_OBJECT_NAME (factory));
  add_string (json, "long-name",
      gst_element_factory_get_metadata (factory,
          GST_ELEMENT_METADATA_LONGNAME));
  add_string (json, "class",
      gst_element_factory_get_metadata (factory, GST_ELEMENT_METADATA_KLASS));
  add_string (json, "description",
      gst_element_factory_get_metadata (factory,
          GST_ELEMENT_METADATA_DESCRIPTION));
  add_int (json, "rank",
      gst_plugin_feature_get_rank (GST_PLUGIN_FEATURE (factory)));
  add_pads (json, GST_ELEMENT_GET_CLASS (element));
  add_properties (json, G_OBJECT_TYPE (element));
  add_signals (json, G_OBJECT_TYPE (element));
  json_builder_end_object (json);
  return TRUE;
}

static gboolean
add_plugin (JsonBuilder *json, const gchar *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstPlugin) plugin = gst_plugin_load_file (path, &error);
  if (!plugin) {
    g_printerr ("element-dump: error: plugin '%s': %s\n", path, error->message);
    return FALSE;
  }

  gboolean good = TRUE;
  GList *features =
      gst_registry_get_feature_list_by_plugin (gst_registry_get (),
          gst_plugin_get_name (plugin));
  for (GList *item = features; item; item = item->next) {
    if (GST_IS_ELEMENT_FACTORY (item->data))
      good = add_element (json, item->data) && good;
  }
  gst_plugin_feature_list_free (features);
  return good;
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  if (argc < 2) {
    g_printerr ("usage: element-dump PLUGIN...\n");
    return 64;
  }

  g_autoptr (JsonBuilder) json = json_builder_new ();
  gboolean good = TRUE;
  json_builder_begin_array (json);
  for (gint i = 1; i < argc; i++)
    good = add_plugin (json, argv[i]) && good;
  json_builder_end_array (json);

  g_autoptr (JsonNode) root = json_builder_get_root (json);
  g_autofree gchar *text = json_to_string (root, TRUE);
  g_print ("%s\n", text);
  return good ? 0 : 1;
}
