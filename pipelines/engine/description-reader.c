/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* The grammar of a description: which keys there are and what may stand
 * behind each. docs/descriptions.md is the same for people, the JSON Schema in
 * pipelines/schema/ for editors; tests/engine/test-schema.py keeps them one. */
#include "description-private.h"

#include <string.h>

#include "param-values.h"
#include "yaml-node.h"

#define FORMAT_VERSION "1"
#define MAX_NODES 256
#define MAX_BACKOFF_MS 3600000
#define MAX_LIMIT 1000000

#define NAME_RULE \
  "a letter, then letters, digits, '_' or '-' (64 characters at most)"

typedef struct
{
  MillDescription *description;
  MillDiagnostics *diagnostics;
} Reader;

static const gchar *const top_keys[] = { "millrace", "name", "summary",
  "params", "nodes", "restart", NULL };
static const gchar *const param_keys[] = { "type", "default", "required",
  "secret", "summary", NULL };
static const gchar *const node_keys[] = { "element", "from", "isolate", "props",
  "publish", NULL };
static const gchar *const source_keys[] = { "node", "pad", "as", "props",
  NULL };
static const gchar *const restart_keys[] = { "policy", "backoff-ms", "limit",
  NULL };

/* In the order of the enumerations. */
static const gchar *const param_types[] = { "string", "integer", "number",
  "boolean", NULL };
static const gchar *const restart_policies[] = { "never", "on-failure",
  "always", NULL };
static const gchar *const booleans[] = { "false", "true", NULL };

static void
param_free (MillParam *param)
{
  g_free (param->name);
  g_free (param->default_value);
  g_free (param->summary);
  g_free (param);
}

static void
setting_free (MillSetting *setting)
{
  g_free (setting->name);
  g_free (setting->text);
  g_free (setting);
}

static void
source_free (MillSource *source)
{
  g_free (source->stream);
  g_free (source->node);
  g_free (source->pad);
  g_free (source->as);
  g_ptr_array_unref (source->props);
  g_free (source);
}

static void
node_free (MillNode *node)
{
  g_free (node->name);
  g_free (node->element);
  g_free (node->isolate_text);
  g_ptr_array_unref (node->from);
  g_ptr_array_unref (node->props);
  g_free (node);
}

static void G_GNUC_PRINTF (3, 4)
    report (Reader *reader, const MillPlace *place, const gchar *format, ...)
{
  g_autofree gchar *text = NULL;
  va_list arguments;

  va_start (arguments, format);
  text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  mill_diagnostics_add (reader->diagnostics, MILL_SEVERITY_ERROR, place, "%s",
      text);
}

/* "a, b or c" */
static gchar *
list_words (const gchar *const *words)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; words[i]; i++) {
    if (i > 0)
      g_string_append (text, words[i + 1] ? ", " : " or ");
    g_string_append (text, words[i]);
  }
  return g_string_free (text, FALSE);
}

static void
report_word (Reader *reader, const MillPlace *place, const gchar *what,
    const gchar *got, const gchar *const *words)
{
  g_autofree gchar *expected = list_words (words);
  const gchar *nearest = mill_diagnostics_nearest (got, words);

  report (reader, place, "%s '%.60s', expected %s%s%s%s", what, got, expected,
      nearest ? ", did you mean '" : "", nearest ? nearest : "",
      nearest ? "'?" : "");
}

/* Returns: whether @node is a mapping; unknown keys in it are reported. */
static gboolean
check_mapping (Reader *reader, const MillYamlNode *node, const gchar *what,
    const gchar *const *keys)
{
  if (node->kind != MILL_YAML_MAPPING) {
    g_autofree gchar *got = mill_yaml_node_describe (node);

    report (reader, &node->place, "%s is %s, expected a mapping", what, got);
    return FALSE;
  }
  for (guint i = 0; keys && i < node->keys->len; i++) {
    const MillYamlNode *key = g_ptr_array_index (node->keys, i);
    g_autofree gchar *unknown = g_strdup_printf ("%s has an unknown key", what);

    if (!g_strv_contains (keys, key->text))
      report_word (reader, &key->place, unknown, key->text, keys);
  }
  return TRUE;
}

/* Returns: (nullable): the value's text when it is a scalar with content. */
static const gchar *
scalar_text (Reader *reader, const MillYamlNode *node, const gchar *what)
{
  g_autofree gchar *got = NULL;

  if (node->kind == MILL_YAML_SCALAR && !node->null)
    return node->text;
  got = mill_yaml_node_describe (node);
  report (reader, &node->place, "%s is %s, expected a value", what, got);
  return NULL;
}

static gchar *
read_text (Reader *reader, const MillYamlNode *mapping, const gchar *key,
    const gchar *what)
{
  const MillYamlNode *node = mill_yaml_node_get (mapping, key, NULL);

  return node ? g_strdup (scalar_text (reader, node, what)) : NULL;
}

/* Returns: the index of the value in @words, or @fallback. */
static guint
read_word (Reader *reader, const MillYamlNode *mapping, const gchar *key,
    const gchar *const *words, guint fallback)
{
  const MillYamlNode *node = mill_yaml_node_get (mapping, key, NULL);
  const gchar *text = node ? scalar_text (reader, node, key) : NULL;

  if (!text)
    return fallback;
  /* A quoted "true" is a text, but a quoted "never" is the same word. */
  if (!(node->quoted && words == booleans))
    for (guint i = 0; words[i]; i++)
      if (g_str_equal (words[i], text))
        return i;
  report_word (reader, &node->place, key, text, words);
  return fallback;
}

static gboolean
check_name (Reader *reader, const MillPlace *place, const gchar *what,
    const gchar *text)
{
  if (mill_description_source_is_name (text))
    return TRUE;
  report (reader, place, "%s '%.80s', expected " NAME_RULE, what, text);
  return FALSE;
}

static gboolean
read_unsigned (Reader *reader, const MillYamlNode *node, const gchar *what,
    guint max, guint *ret_value)
{
  const gchar *text = scalar_text (reader, node, what);
  guint64 value;

  if (!text)
    return FALSE;
  if (!node->quoted &&
      g_ascii_string_to_unsigned (text, 10, 0, max, &value, NULL)) {
    *ret_value = value;
    return TRUE;
  }
  report (reader, &node->place, "%s '%.60s', expected an integer from 0 to %u",
      what, text, max);
  return FALSE;
}

/* ---- params ---- */

static void
read_default (Reader *reader, const MillYamlNode *node, MillParam *param,
    gboolean type_known)
{
  const gchar *text = scalar_text (reader, node, "default");
  const gchar *expected;

  if (!text)
    return;
  expected = mill_param_values_check (param->type, text);
  if (type_known && !expected && node->quoted &&
      param->type != MILL_PARAM_STRING)
    expected = "it without quotes";
  if (type_known && expected) {
    report (reader, &node->place,
        "default '%.60s' of parameter '%s' (%s), expected %s", text,
        param->name, param_types[param->type], expected);
    return;
  }
  param->default_value = g_strdup (text);
}

static void
read_param (Reader *reader, const MillYamlNode *key, const MillYamlNode *node)
{
  g_autofree gchar *what = g_strdup_printf ("parameter '%.60s'", key->text);
  const MillYamlNode *type;
  const MillYamlNode *fallback;
  MillParam *param;

  if (!check_name (reader, &key->place, "parameter name", key->text) ||
      !check_mapping (reader, node, what, param_keys))
    return;
  param = g_new0 (MillParam, 1);
  param->name = g_strdup (key->text);
  param->place = key->place;
  type = mill_yaml_node_get (node, "type", NULL);
  if (!type)
    report (reader, &key->place,
        "%s has no type, expected string, integer, "
        "number or boolean",
        what);
  param->type =
      read_word (reader, node, "type", param_types, MILL_PARAM_STRING);
  param->required = read_word (reader, node, "required", booleans, FALSE);
  param->secret = read_word (reader, node, "secret", booleans, FALSE);
  param->summary = read_text (reader, node, "summary", "summary");
  fallback = mill_yaml_node_get (node, "default", NULL);
  if (fallback)
    read_default (reader, fallback, param,
        type && type->kind == MILL_YAML_SCALAR &&
            g_strv_contains (param_types, type->text));
  if (!fallback && !param->required)
    report (reader, &key->place,
        "%s has no default, expected one, or required: true", what);
  if (param->secret && param->default_value && *param->default_value)
    report (reader, &fallback->place,
        "%s is secret, expected an empty default, or required: true", what);
  if (fallback && param->required)
    report (reader, &fallback->place, "%s is required, expected no default",
        what);
  g_ptr_array_add (reader->description->params, param);
}

/* ---- nodes ---- */

static void
read_settings (Reader *reader, const MillYamlNode *owner, GPtrArray *settings)
{
  const MillYamlNode *node = mill_yaml_node_get (owner, "props", NULL);

  if (!node || !check_mapping (reader, node, "props", NULL))
    return;
  for (guint i = 0; i < node->keys->len; i++) {
    const MillYamlNode *key = g_ptr_array_index (node->keys, i);
    const MillYamlNode *value = g_ptr_array_index (node->values, i);
    MillSetting *setting;

    if (value->kind != MILL_YAML_SCALAR || value->null) {
      g_autofree gchar *got = mill_yaml_node_describe (value);

      report (reader, &value->place,
          "property '%.60s' is %s, expected a value%s", key->text, got,
          value->kind == MILL_YAML_SCALAR
              ? " (a text with a comma, or an empty one, stands in quotes)"
              : "");
      continue;
    }
    setting = g_new0 (MillSetting, 1);
    setting->name = g_strdup (key->text);
    setting->text = g_strdup (value->text);
    setting->quoted = value->quoted;
    setting->place = key->place;
    setting->value_place = value->place;
    g_ptr_array_add (settings, setting);
  }
}

/* The short forms of an entry of `from`. */
static void
read_source_text (Reader *reader, MillSource *source, const MillYamlNode *node,
    const gchar *text)
{
  if (strstr (text, "${")) {
    source->node = g_strdup (text);
    return;
  }
  if (!mill_description_source_split (text, &source->stream, &source->node,
          &source->pad))
    report (reader, &node->place,
        "from '%.60s', expected NODE, NODE.PAD or stream:NAME/NODE", text);
}

static void
read_source_mapping (Reader *reader, MillSource *source,
    const MillYamlNode *mapping)
{
  const MillYamlNode *node = mill_yaml_node_get (mapping, "node", NULL);
  const gchar *text;

  if (!check_mapping (reader, mapping, "an entry of from", source_keys))
    return;
  read_settings (reader, mapping, source->props);
  source->as = read_text (reader, mapping, "as", "as");
  if (!node) {
    report (reader, &mapping->place,
        "an entry of from has no node, expected the name of one");
    return;
  }
  source->place = node->place;
  text = scalar_text (reader, node, "node");
  if (text)
    read_source_text (reader, source, node, text);
  if (!mill_yaml_node_get (mapping, "pad", NULL))
    return;
  if (source->pad)
    report (reader, &node->place,
        "from '%s' names a pad, expected it either here or as pad", text);
  g_free (source->pad);
  source->pad = read_text (reader, mapping, "pad", "pad");
}

static void
read_source (Reader *reader, MillNode *owner, const MillYamlNode *node)
{
  MillSource *source = g_new0 (MillSource, 1);
  const gchar *text;

  source->place = node->place;
  source->props =
      g_ptr_array_new_with_free_func ((GDestroyNotify) setting_free);
  if (node->kind == MILL_YAML_MAPPING)
    read_source_mapping (reader, source, node);
  else if ((text = scalar_text (reader, node, "an entry of from")))
    read_source_text (reader, source, node, text);
  if (source->node)
    g_ptr_array_add (owner->from, source);
  else
    source_free (source);
}

static void
read_from (Reader *reader, MillNode *owner, const MillYamlNode *node)
{
  if (node->kind != MILL_YAML_SEQUENCE) {
    g_autofree gchar *got = mill_yaml_node_describe (node);

    report (reader, &node->place,
        "from of node '%s' is %s, expected a list such as [a, b.video_0]",
        owner->name, got);
    return;
  }
  for (guint i = 0; i < node->values->len; i++)
    read_source (reader, owner, g_ptr_array_index (node->values, i));
}

static void
read_isolate (Reader *reader, MillNode *owner, const MillYamlNode *mapping)
{
  const MillYamlNode *node = mill_yaml_node_get (mapping, "isolate", NULL);

  if (!node)
    return;
  owner->isolate_place = node->place;
  if (node->kind == MILL_YAML_SCALAR && strstr (node->text, "${"))
    owner->isolate_text = g_strdup (node->text);
  else
    owner->isolate = read_word (reader, mapping, "isolate", booleans, FALSE);
}

static void
read_node (Reader *reader, const MillYamlNode *key, const MillYamlNode *mapping)
{
  g_autofree gchar *what = g_strdup_printf ("node '%.60s'", key->text);
  const MillYamlNode *from;
  const MillYamlNode *element;
  MillNode *node;

  if (!check_name (reader, &key->place, "node name", key->text) ||
      !check_mapping (reader, mapping, what, node_keys))
    return;
  node = g_new0 (MillNode, 1);
  node->name = g_strdup (key->text);
  node->place = node->element_place = key->place;
  node->from = g_ptr_array_new_with_free_func ((GDestroyNotify) source_free);
  node->props = g_ptr_array_new_with_free_func ((GDestroyNotify) setting_free);
  node->element = read_text (reader, mapping, "element", "element");
  element = mill_yaml_node_get (mapping, "element", NULL);
  if (element)
    node->element_place = element->place;
  else
    report (reader, &key->place,
        "%s has no element, expected the name of a GStreamer element", what);
  if ((from = mill_yaml_node_get (mapping, "from", NULL)))
    read_from (reader, node, from);
  read_isolate (reader, node, mapping);
  if (mill_yaml_node_get (mapping, "publish", NULL))
    node->publish = read_word (reader, mapping, "publish", booleans, FALSE);
  read_settings (reader, mapping, node->props);
  g_ptr_array_add (reader->description->nodes, node);
}

/* ---- the top ---- */

static void
read_restart (Reader *reader, const MillYamlNode *mapping)
{
  MillRestart *restart = &reader->description->restart;
  const MillYamlNode *node;

  if (!check_mapping (reader, mapping, "restart", restart_keys))
    return;
  restart->policy =
      read_word (reader, mapping, "policy", restart_policies, restart->policy);
  node = mill_yaml_node_get (mapping, "limit", NULL);
  if (node)
    read_unsigned (reader, node, "limit", MAX_LIMIT, &restart->limit);
  node = mill_yaml_node_get (mapping, "backoff-ms", NULL);
  if (!node)
    return;
  if (node->kind != MILL_YAML_SEQUENCE || node->values->len != 2) {
    report (reader, &node->place,
        "backoff-ms, expected a list of two times in ms: [first, longest]");
    return;
  }
  if (read_unsigned (reader, g_ptr_array_index (node->values, 0), "backoff-ms",
          MAX_BACKOFF_MS, &restart->backoff_min_ms) &&
      read_unsigned (reader, g_ptr_array_index (node->values, 1), "backoff-ms",
          MAX_BACKOFF_MS, &restart->backoff_max_ms) &&
      restart->backoff_min_ms > restart->backoff_max_ms)
    report (reader, &node->place,
        "backoff-ms [%u, %u], expected the shorter time first",
        restart->backoff_min_ms, restart->backoff_max_ms);
}

static void
read_version (Reader *reader, const MillYamlNode *root)
{
  const MillYamlNode *node = mill_yaml_node_get (root, "millrace", NULL);
  const gchar *text;

  if (!node) {
    report (reader, &root->place,
        "no format version, expected millrace: " FORMAT_VERSION
        " as the first line");
    return;
  }
  text = scalar_text (reader, node, "millrace");
  if (text && (node->quoted || !g_str_equal (text, FORMAT_VERSION)))
    report (reader, &node->place,
        "format version '%.60s', expected " FORMAT_VERSION, text);
}

static void
read_head (Reader *reader, const MillYamlNode *root)
{
  MillDescription *description = reader->description;
  const MillYamlNode *node = mill_yaml_node_get (root, "name", NULL);

  read_version (reader, root);
  if (!node)
    report (reader, &root->place,
        "the description has no name, expected name: " NAME_RULE);
  description->name_place = node ? node->place : root->place;
  description->name = read_text (reader, root, "name", "name");
  if (description->name)
    check_name (reader, &node->place, "name", description->name);
  description->summary = read_text (reader, root, "summary", "summary");
}

typedef void (*ReadEntry) (Reader *reader, const MillYamlNode *key,
    const MillYamlNode *value);

static void
read_entries (Reader *reader, const MillYamlNode *root, const gchar *key,
    guint max, ReadEntry read_entry)
{
  const MillYamlNode *node = mill_yaml_node_get (root, key, NULL);

  if (!node || !check_mapping (reader, node, key, NULL))
    return;
  if (node->keys->len > max) {
    report (reader, &node->place, "%u %s, expected at most %u", node->keys->len,
        key, max);
    return;
  }
  for (guint i = 0; i < node->keys->len; i++) {
    const MillYamlNode *entry = g_ptr_array_index (node->keys, i);

    /* The second of two with the same name is reported, and not read. */
    if (mill_yaml_node_get (node, entry->text, NULL) ==
        g_ptr_array_index (node->values, i))
      read_entry (reader, entry, g_ptr_array_index (node->values, i));
  }
}

gboolean
mill_description_reader_read (MillDescription *description,
    MillDiagnostics *diagnostics)
{
  Reader reader = { description, diagnostics };
  g_autoptr (MillYamlNode) root = NULL;
  const MillYamlNode *node;

  description->params =
      g_ptr_array_new_with_free_func ((GDestroyNotify) param_free);
  description->nodes =
      g_ptr_array_new_with_free_func ((GDestroyNotify) node_free);
  description->restart =
      (MillRestart){ MILL_RESTART_ON_FAILURE, 500, 30000, 10 };
  root = mill_yaml_node_parse (description->text, strlen (description->text),
      description->file, diagnostics);
  if (!root)
    return FALSE;
  if (!check_mapping (&reader, root, "the description", top_keys))
    return TRUE;
  read_head (&reader, root);
  read_entries (&reader, root, "params", MAX_NODES, read_param);
  node = mill_yaml_node_get (root, "nodes", NULL);
  if (!node)
    report (&reader, &root->place,
        "the description has no nodes, expected a mapping of at least one");
  else if (node->kind == MILL_YAML_MAPPING && node->keys->len == 0)
    report (&reader, &node->place, "no nodes, expected at least one");
  read_entries (&reader, root, "nodes", MAX_NODES, read_node);
  node = mill_yaml_node_get (root, "restart", NULL);
  if (node)
    read_restart (&reader, node);
  return TRUE;
}
