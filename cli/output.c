/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "output.h"

#include <string.h>

/* ---- YAML: block style; JSON strings are YAML strings too ---- */

/* Letters that no reader of YAML takes for anything but a string. */
static gboolean
is_plain (const gchar *text)
{
  static const gchar *const words[] = { "true", "false", "null", "yes", "no",
    "on", "off", "y", "n", NULL };
  g_autofree gchar *lower = g_ascii_strdown (text, -1);
  if (!g_ascii_isalpha (text[0]) || g_strv_contains (words, lower))
    return FALSE;
  return strspn (text,
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
             "0123456789_-./") == strlen (text);
}

/* JSON-GLib prints 0.05 as 0.050000000000000003. */
static gchar *
format_json (JsonNode *node)
{
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];
  if (JSON_NODE_HOLDS_VALUE (node) &&
      json_node_get_value_type (node) == G_TYPE_DOUBLE)
    return g_strdup (g_ascii_formatd (number, sizeof number, "%.15g",
        json_node_get_double (node)));
  return json_to_string (node, FALSE);
}

static void
append_json (GString *text, JsonNode *node)
{
  g_autofree gchar *json = format_json (node);
  g_string_append (text, json);
}

static void
append_string (GString *text, const gchar *string)
{
  if (is_plain (string)) {
    g_string_append (text, string);
    return;
  }
  g_autoptr (JsonNode) node =
      json_node_init_string (json_node_alloc (), string);
  append_json (text, node);
}

/* Lines of a text, as a literal block ("|"): what people want to read. */
static gboolean
is_literal (const gchar *text)
{
  if (strchr (text, '\n') == NULL || !g_ascii_isgraph (text[0]))
    return FALSE;
  for (const gchar *p = text; *p != '\0'; p = g_utf8_next_char (p)) {
    if (*p != '\n' && !g_unichar_isprint (g_utf8_get_char (p)))
      return FALSE;
  }
  /* Several empty lines at the end would need another indicator. */
  return !g_str_has_suffix (text, "\n\n");
}

static gboolean
is_block (JsonNode *node)
{
  return (JSON_NODE_HOLDS_OBJECT (node) &&
             json_object_get_size (json_node_get_object (node)) > 0) ||
      (JSON_NODE_HOLDS_ARRAY (node) &&
          json_array_get_length (json_node_get_array (node)) > 0);
}

static void
indent (GString *text, guint depth)
{
  for (guint i = 0; i < depth; i++)
    g_string_append (text, "  ");
}

static void
append_literal (GString *text, const gchar *string, guint depth)
{
  gboolean ends = g_str_has_suffix (string, "\n");
  g_auto (GStrv) lines = g_strsplit (string, "\n", -1);
  g_string_append (text, ends ? "|\n" : "|-\n");
  for (guint i = 0; lines[i] != NULL; i++) {
    if (ends && lines[i + 1] == NULL)
      break;
    if (*lines[i] != '\0')
      indent (text, depth);
    g_string_append_printf (text, "%s\n", lines[i]);
  }
}

static gboolean
holds_string (JsonNode *node)
{
  return JSON_NODE_HOLDS_VALUE (node) &&
      json_node_get_value_type (node) == G_TYPE_STRING;
}

static void append_block (GString *text, JsonNode *node, guint depth,
    gboolean indent_first);

/* After "key:" or "-". */
static void
append_value (GString *text, JsonNode *node, guint depth, gboolean in_list)
{
  if (is_block (node)) {
    g_string_append_c (text, in_list ? ' ' : '\n');
    append_block (text, node, depth, /* indent_first= */ !in_list);
    return;
  }
  g_string_append_c (text, ' ');
  if (holds_string (node) && is_literal (json_node_get_string (node))) {
    append_literal (text, json_node_get_string (node), depth);
    return;
  }
  if (holds_string (node))
    append_string (text, json_node_get_string (node));
  else
    append_json (text, node);
  g_string_append_c (text, '\n');
}

static void
append_block (GString *text, JsonNode *node, guint depth, gboolean indent_first)
{
  if (JSON_NODE_HOLDS_OBJECT (node)) {
    JsonObject *object = json_node_get_object (node);
    g_autoptr (GList) names = json_object_get_members (object);
    for (GList *l = names; l != NULL; l = l->next) {
      if (l != names || indent_first)
        indent (text, depth);
      append_string (text, l->data);
      g_string_append_c (text, ':');
      append_value (text, json_object_get_member (object, l->data), depth + 1,
          FALSE);
    }
    return;
  }
  JsonArray *array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++) {
    if (i > 0 || indent_first)
      indent (text, depth);
    g_string_append_c (text, '-');
    append_value (text, json_array_get_element (array, i), depth + 1, TRUE);
  }
}

static gchar *
to_yaml (JsonNode *node)
{
  GString *text = g_string_new (NULL);
  if (is_block (node)) {
    append_block (text, node, 0, TRUE);
  } else {
    append_json (text, node);
    g_string_append_c (text, '\n');
  }
  return g_string_free (text, FALSE);
}

/* ---- table ---- */

static JsonNode *
find_member (JsonObject *object, const gchar *path)
{
  g_auto (GStrv) names = g_strsplit (path, ".", -1);
  JsonNode *node = NULL;
  for (guint i = 0; names[i] != NULL; i++) {
    node = object != NULL ? json_object_get_member (object, names[i]) : NULL;
    object = node != NULL && JSON_NODE_HOLDS_OBJECT (node)
        ? json_node_get_object (node)
        : NULL;
  }
  return node;
}

static gchar *
to_cell (JsonNode *node, const gchar *member)
{
  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return g_strdup ("-");
  if (JSON_NODE_HOLDS_ARRAY (node))
    return g_strdup_printf ("%u",
        json_array_get_length (json_node_get_array (node)));
  if (holds_string (node))
    return mill_cli_make_printable (json_node_get_string (node), "");
  if (g_str_has_suffix (member, "_bytes"))
    return g_format_size (json_node_get_int (node));
  if (json_node_get_value_type (node) == G_TYPE_DOUBLE)
    return g_strdup_printf ("%.3f", json_node_get_double (node));
  return format_json (node);
}

static void
append_row (GString *text, gchar **cells, const gsize *widths)
{
  for (guint i = 0; cells[i] != NULL; i++) {
    g_string_append (text, cells[i]);
    if (cells[i + 1] == NULL)
      break;
    for (gsize n = g_utf8_strlen (cells[i], -1); n < widths[i] + 2; n++)
      g_string_append_c (text, ' ');
  }
  g_string_append_c (text, '\n');
}

gchar *
mill_output_table (JsonArray *items, const MillColumn *columns)
{
  g_autoptr (GPtrArray) rows =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  guint n_columns = 0;
  while (columns[n_columns].title != NULL)
    n_columns++;
  g_autofree gsize *widths = g_new0 (gsize, n_columns);
  for (guint r = 0; r <= json_array_get_length (items); r++) {
    gchar **cells = g_new0 (gchar *, n_columns + 1);
    for (guint c = 0; c < n_columns; c++) {
      JsonNode *item = r > 0 ? json_array_get_element (items, r - 1) : NULL;
      if (item == NULL)
        cells[c] = g_strdup (columns[c].title);
      else
        cells[c] = to_cell (JSON_NODE_HOLDS_OBJECT (item)
                ? find_member (json_node_get_object (item), columns[c].member)
                : NULL,
            columns[c].member);
      widths[c] = MAX (widths[c], (gsize) g_utf8_strlen (cells[c], -1));
    }
    g_ptr_array_add (rows, cells);
  }
  GString *text = g_string_new (NULL);
  for (guint r = 0; r < rows->len; r++)
    append_row (text, g_ptr_array_index (rows, r), widths);
  return g_string_free (text, FALSE);
}

/* ---- public ---- */

static void
print_json (JsonNode *node)
{
  g_autofree gchar *json = json_to_string (node, /* pretty= */ TRUE);
  g_autofree gchar *line = g_strconcat (json, "\n", NULL);
  mill_cli_print (line);
}

void
mill_output_list (const MillCli *cli, JsonArray *items,
    const MillColumn *columns)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_ARRAY);
  json_node_set_array (node, items);
  g_autofree gchar *text = NULL;
  switch (cli->output) {
    case MILL_OUTPUT_JSON:
      print_json (node);
      return;
    case MILL_OUTPUT_YAML:
      text = to_yaml (node);
      break;
    default:
      text = mill_output_table (items, columns);
  }
  mill_cli_print (text);
}

void
mill_output_object (const MillCli *cli, JsonNode *node)
{
  if (cli->output == MILL_OUTPUT_JSON) {
    print_json (node);
    return;
  }
  g_autofree gchar *text = to_yaml (node);
  mill_cli_print (text);
}
