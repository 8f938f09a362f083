/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "config-reader.h"

void
mill_config_reader_report (MillConfigReader *reader, const MillPlace *place,
    const gchar *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree gchar *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  mill_diagnostics_add (reader->diagnostics, MILL_SEVERITY_ERROR, place, "%s",
      message);
}

MillConfigEntry
mill_config_reader_get_entry (const MillYamlNode *mapping, guint i)
{
  const MillYamlNode *key = g_ptr_array_index (mapping->keys, i);
  return (MillConfigEntry){ .name = key->text ? key->text : "",
    .place = &key->place,
    .value = g_ptr_array_index (mapping->values, i) };
}

gboolean
mill_config_reader_expect_mapping (MillConfigReader *reader,
    const MillYamlNode *node, const gchar *what)
{
  if (node->kind == MILL_YAML_MAPPING)
    return TRUE;
  if (node->kind == MILL_YAML_SCALAR && node->null)
    return FALSE;
  g_autofree gchar *got = mill_yaml_node_describe (node);
  mill_config_reader_report (reader, &node->place,
      "'%s': got %s, expected a mapping", what, got);
  return FALSE;
}

const gchar *
mill_config_reader_expect_text (MillConfigReader *reader,
    const MillConfigEntry *entry)
{
  if (entry->value->kind == MILL_YAML_SCALAR && !entry->value->null)
    return entry->value->text;
  g_autofree gchar *got = entry->value->kind == MILL_YAML_SCALAR
      ? g_strdup ("nothing")
      : mill_yaml_node_describe (entry->value);
  mill_config_reader_report (reader, &entry->value->place,
      "'%s': got %s, expected a scalar", entry->name, got);
  return NULL;
}

gboolean
mill_config_reader_expect_list (MillConfigReader *reader,
    const MillConfigEntry *entry, gchar ***ret_values)
{
  g_autoptr (GStrvBuilder) values = g_strv_builder_new ();
  const MillYamlNode *list = entry->value;
  gboolean valid = list->kind == MILL_YAML_SEQUENCE;

  for (guint i = 0; valid && i < list->values->len; i++) {
    const MillYamlNode *value = g_ptr_array_index (list->values, i);
    valid = value->kind == MILL_YAML_SCALAR && !value->null;
    if (valid)
      g_strv_builder_add (values, value->text);
  }
  if (valid)
    *ret_values = g_strv_builder_end (values);
  else
    mill_config_reader_report (reader, &list->place,
        "'%s': expected a list of texts", entry->name);
  return valid;
}

void
mill_config_reader_report_unknown (MillConfigReader *reader,
    const MillConfigEntry *entry, const gchar *where, const gchar *const *known)
{
  const gchar *nearest = mill_diagnostics_nearest (entry->name, known);
  if (nearest) {
    mill_config_reader_report (reader, entry->place,
        "unknown key '%s'%s, did you mean '%s'?", entry->name, where, nearest);
    return;
  }
  g_autofree gchar *all = g_strjoinv (", ", (gchar **) known);
  mill_config_reader_report (reader, entry->place,
      "unknown key '%s'%s, expected one of %s", entry->name, where, all);
}

gint
mill_config_reader_find_choice (MillConfigReader *reader,
    const MillConfigEntry *entry, const gchar *text,
    const gchar *const *choices)
{
  for (gint i = 0; choices[i]; i++)
    if (g_str_equal (choices[i], text))
      return i;
  g_autofree gchar *all = g_strjoinv (", ", (gchar **) choices);
  const gchar *nearest = mill_diagnostics_nearest (text, choices);
  mill_config_reader_report (reader, &entry->value->place,
      "'%s': got '%s', expected one of %s%s%s%s", entry->name, text, all,
      nearest ? "; did you mean '" : "", nearest ? nearest : "",
      nearest ? "'?" : "");
  return -1;
}
