/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "bounded-json.h"

#include <string.h>

#define MAX_DEPTH 16

/* json-glib also reads comments and text in single quotes, within which a look
 * ahead would be wrong, and of several values the last, where 1.8 leaks those
 * before it: who has no key yet could fill the memory. None of it is JSON (RFC
 * 8259, section 2). What is within the braces is the parser's.
 * Returns: (nullable): what it is instead of one object */
static const gchar *
find_fault (const gchar *text, gsize size)
{
  guint depth = 0;
  gboolean begun = FALSE;
  gboolean quoted = FALSE;
  for (gsize i = 0; i < size; i++) {
    gchar c = text[i];
    if (quoted && c == '\\')
      i++;
    else if (quoted)
      quoted = c != '"';
    else if (strchr (" \t\r\n", c))
      continue;
    else if (begun && depth == 0)
      return "got more than one value";
    else if (!begun && c != '{')
      return "got something else";
    else if (c == '{' || c == '[') {
      begun = TRUE;
      if (++depth > MAX_DEPTH)
        return "got JSON nested more than " G_STRINGIFY (MAX_DEPTH) " deep";
    } else if (c == '}' || c == ']')
      depth--;
    else if (c == '"')
      quoted = TRUE;
    else if (!g_ascii_isalnum (c) && !strchr (":,+-.", c))
      return "got something that is no JSON";
  }
  if (!begun)
    return "got nothing";
  return depth > 0 ? "got JSON without an end" : NULL;
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
  /* That has no NUL either. */
  if (!g_utf8_validate (text, (gssize) size, NULL))
    return fail (error, "got bytes that are no UTF-8");
  const gchar *fault = find_fault (text, size);
  return fault ? fail (error, fault) : TRUE;
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
