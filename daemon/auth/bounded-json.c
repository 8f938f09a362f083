/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "bounded-json.h"

#define MAX_DEPTH 16

static gboolean
is_shallow (const gchar *text, gsize size)
{
  guint depth = 0;
  gboolean quoted = FALSE;
  for (gsize i = 0; i < size; i++) {
    if (quoted && text[i] == '\\')
      i++;
    else if (text[i] == '"')
      quoted = !quoted;
    else if (!quoted && (text[i] == '{' || text[i] == '[')) {
      if (++depth > MAX_DEPTH)
        return FALSE;
    } else if (!quoted && (text[i] == '}' || text[i] == ']') && depth > 0)
      depth--;
  }
  return TRUE;
}

static gboolean
fail (GError **error, const gchar *what)
{
  g_set_error (error, JSON_PARSER_ERROR, JSON_PARSER_ERROR_INVALID_DATA,
      "%s, expected an object of JSON", what);
  return FALSE;
}

static gboolean
check (const gchar *text, gsize size, GError **error)
{
  if (!g_utf8_validate (text, (gssize) size, NULL))
    return fail (error, "got bytes that are no UTF-8");
  if (!is_shallow (text, size))
    return fail (error, "got JSON that is nested deeply");
  return TRUE;
}

JsonNode *
mill_bounded_json_parse_object (const gchar *text, gsize size, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  if (!check (text, size, error) ||
      !json_parser_load_from_data (parser, text, (gssize) size, error))
    return NULL;
  JsonNode *root = json_parser_get_root (parser);
  if (!root || !JSON_NODE_HOLDS_OBJECT (root)) {
    fail (error, "got something else");
    return NULL;
  }
  return json_parser_steal_root (parser);
}

const gchar *
mill_bounded_json_get_text (JsonObject *object, const gchar *name)
{
  JsonNode *node = json_object_get_member (object, name);
  return node && JSON_NODE_HOLDS_VALUE (node) &&
          json_node_get_value_type (node) == G_TYPE_STRING
      ? json_node_get_string (node)
      : NULL;
}

gboolean
mill_bounded_json_get_number (JsonObject *object, const gchar *name,
    gint64 minimum, gint64 maximum, gint64 *ret_number)
{
  JsonNode *node = json_object_get_member (object, name);
  GType type = node && JSON_NODE_HOLDS_VALUE (node)
      ? json_node_get_value_type (node)
      : G_TYPE_INVALID;
  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return FALSE;
  gdouble number = json_node_get_double (node);
  /* NaN compares as neither. */
  if (!(number >= (gdouble) minimum && number <= (gdouble) maximum))
    return FALSE;
  *ret_number = type == G_TYPE_INT64 ? json_node_get_int (node)
                                     : (gint64) number;
  return TRUE;
}
