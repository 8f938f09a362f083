/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "json-schema.h"

#include <string.h>

#include "address.h"
#include "diagnostics.h"

#define REF_PREFIX "#/components/schemas/"

typedef struct
{
  JsonObject *document;
  JsonArray *errors;
  GString *pointer; /* of the value being checked */
} Checker;

static void check (Checker *checker, JsonObject *schema, JsonNode *value);

static void report (Checker *checker, const gchar *format, ...)
    G_GNUC_PRINTF (2, 3);

static void
report (Checker *checker, const gchar *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree gchar *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  /* What is cited of the value may have been cut within a letter. */
  g_autofree gchar *detail = g_utf8_make_valid (text, -1);
  JsonObject *error = json_object_new ();
  json_object_set_string_member (error, "pointer", checker->pointer->str);
  json_object_set_string_member (error, "detail", detail);
  json_array_add_object_element (checker->errors, error);
}

/* RFC 6901 §3: "~" and "/" in a name are escaped. */
static gsize
push (Checker *checker, const gchar *name)
{
  gsize length = checker->pointer->len;
  g_string_append_c (checker->pointer, '/');
  for (; *name; name++) {
    if (*name == '~')
      g_string_append (checker->pointer, "~0");
    else if (*name == '/')
      g_string_append (checker->pointer, "~1");
    else
      g_string_append_c (checker->pointer, *name);
  }
  return length;
}

static void
pop (Checker *checker, gsize length)
{
  g_string_truncate (checker->pointer, length);
}

/* ---- types ---- */

static const gchar *
get_type (JsonNode *value)
{
  if (JSON_NODE_HOLDS_OBJECT (value))
    return "object";
  if (JSON_NODE_HOLDS_ARRAY (value))
    return "array";
  if (JSON_NODE_HOLDS_NULL (value))
    return "null";
  switch (json_node_get_value_type (value)) {
    case G_TYPE_STRING:
      return "string";
    case G_TYPE_BOOLEAN:
      return "boolean";
    case G_TYPE_INT64:
      return "integer";
    default:
      return "number";
  }
}

static gboolean
is_of_type (const gchar *actual, const gchar *wanted)
{
  return g_str_equal (actual, wanted) ||
      (g_str_equal (wanted, "number") && g_str_equal (actual, "integer"));
}

static gboolean
check_type (Checker *checker, JsonNode *type, JsonNode *value)
{
  const gchar *actual = get_type (value);
  g_autoptr (GString) wanted = g_string_new (NULL);
  if (JSON_NODE_HOLDS_VALUE (type)) {
    g_string_append (wanted, json_node_get_string (type));
    if (is_of_type (actual, wanted->str))
      return TRUE;
  } else {
    JsonArray *types = json_node_get_array (type);
    for (guint i = 0; i < json_array_get_length (types); i++) {
      const gchar *name = json_array_get_string_element (types, i);
      if (is_of_type (actual, name))
        return TRUE;
      g_string_append_printf (wanted, "%s%s", i > 0 ? " or " : "", name);
    }
  }
  report (checker, "got %s, expected %s", actual, wanted->str);
  return FALSE;
}

static void
check_enum (Checker *checker, JsonArray *values, JsonNode *value)
{
  g_autoptr (GString) wanted = g_string_new (NULL);
  for (guint i = 0; i < json_array_get_length (values); i++) {
    JsonNode *candidate = json_array_get_element (values, i);
    if (json_node_equal (candidate, value))
      return;
    g_autofree gchar *text = json_to_string (candidate, FALSE);
    g_string_append_printf (wanted, "%s%s", i > 0 ? ", " : "", text);
  }
  g_autofree gchar *got = json_to_string (value, FALSE);
  report (checker, "got %.60s, expected one of %s", got, wanted->str);
}

/* ---- strings and numbers ---- */

static gboolean
is_date_time (const gchar *text)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (text, NULL);
  return time && g_date_time_to_unix (time) > 0;
}

static gboolean
is_address_range (const gchar *text)
{
  return mill_address_check_range (text, NULL);
}

static const struct
{
  const gchar *name;
  gboolean (*check) (const gchar *text);
  const gchar *expected;
} formats[] = {
  { "date-time", is_date_time,
      "a date and time with its zone as in RFC 3339: 2030-01-31T18:00:00Z" },
  { "address-range", is_address_range,
      "a network like 192.0.2.0/24 or 2001:db8::/32 whose bits after the "
      "prefix are 0, or one address" },
};

static void
check_format (Checker *checker, const gchar *format, const gchar *text)
{
  for (guint i = 0; i < G_N_ELEMENTS (formats); i++)
    if (g_str_equal (format, formats[i].name) && !formats[i].check (text))
      report (checker, "got '%.60s', expected %s", text, formats[i].expected);
}

static void
check_string (Checker *checker, JsonObject *schema, const gchar *text)
{
  gint64 length = g_utf8_strlen (text, -1);
  gint64 minimum =
      json_object_get_int_member_with_default (schema, "minLength", 0);
  gint64 maximum =
      json_object_get_int_member_with_default (schema, "maxLength", G_MAXINT64);
  const gchar *pattern =
      json_object_get_string_member_with_default (schema, "pattern", NULL);
  if (length < minimum)
    report (checker,
        "got %" G_GINT64_FORMAT " characters, expected at least "
        "%" G_GINT64_FORMAT,
        length, minimum);
  else if (length > maximum)
    report (checker,
        "got %" G_GINT64_FORMAT " characters, expected at most "
        "%" G_GINT64_FORMAT,
        length, maximum);
  else if (pattern && !g_regex_match_simple (pattern, text, 0, 0))
    report (checker, "got '%.60s', expected %s", text, pattern);
  else
    check_format (checker,
        json_object_get_string_member_with_default (schema, "format", ""),
        text);
}

static void
check_number (Checker *checker, JsonObject *schema, JsonNode *value)
{
  gdouble number = json_node_get_double (value);
  if (json_object_has_member (schema, "minimum") &&
      number < json_object_get_double_member (schema, "minimum"))
    report (checker, "got %.15g, expected at least %.15g", number,
        json_object_get_double_member (schema, "minimum"));
  if (json_object_has_member (schema, "maximum") &&
      number > json_object_get_double_member (schema, "maximum"))
    report (checker, "got %.15g, expected at most %.15g", number,
        json_object_get_double_member (schema, "maximum"));
}

/* ---- objects and arrays ---- */

static JsonObject *
find_property (JsonObject *schema, const gchar *name)
{
  if (!json_object_has_member (schema, "properties"))
    return NULL;
  JsonObject *properties = json_object_get_object_member (schema, "properties");
  return json_object_has_member (properties, name)
      ? json_object_get_object_member (properties, name)
      : NULL;
}

static void
report_unknown (Checker *checker, JsonObject *schema, const gchar *name)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  if (json_object_has_member (schema, "properties")) {
    g_autoptr (GList) members =
        json_object_get_members (json_object_get_object_member (schema,
            "properties"));
    for (GList *l = members; l; l = l->next)
      g_strv_builder_add (builder, l->data);
  }
  g_auto (GStrv) known = g_strv_builder_end (builder);
  g_autofree gchar *list = g_strjoinv (", ", known);
  const gchar *nearest =
      mill_diagnostics_nearest (name, (const gchar *const *) known);
  report (checker, "unknown field, expected one of %s%s%s%s", list,
      nearest ? ", did you mean '" : "", nearest ? nearest : "",
      nearest ? "'?" : "");
}

static void
check_member (Checker *checker, JsonObject *schema, const gchar *name,
    JsonNode *value)
{
  JsonObject *property = find_property (schema, name);
  JsonNode *additional = json_object_has_member (schema, "additionalProperties")
      ? json_object_get_member (schema, "additionalProperties")
      : NULL;
  gsize length = push (checker, name);
  if (property)
    check (checker, property, value);
  else if (additional && JSON_NODE_HOLDS_OBJECT (additional))
    check (checker, json_node_get_object (additional), value);
  else if (additional && !json_node_get_boolean (additional))
    report_unknown (checker, schema, name);
  pop (checker, length);
}

static void
check_required (Checker *checker, JsonObject *schema, JsonObject *object)
{
  if (!json_object_has_member (schema, "required"))
    return;
  JsonArray *required = json_object_get_array_member (schema, "required");
  for (guint i = 0; i < json_array_get_length (required); i++) {
    const gchar *name = json_array_get_string_element (required, i);
    if (json_object_has_member (object, name))
      continue;
    gsize length = push (checker, name);
    report (checker, "is missing");
    pop (checker, length);
  }
}

static void
check_object (Checker *checker, JsonObject *schema, JsonObject *object)
{
  JsonObjectIter iter;
  const gchar *name;
  JsonNode *value;
  gint64 maximum = json_object_get_int_member_with_default (schema,
      "maxProperties", G_MAXINT64);
  if (json_object_get_size (object) > maximum)
    report (checker, "got %u fields, expected at most %" G_GINT64_FORMAT,
        json_object_get_size (object), maximum);
  check_required (checker, schema, object);
  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &name, &value))
    check_member (checker, schema, name, value);
}

static void
check_array (Checker *checker, JsonObject *schema, JsonArray *array)
{
  gint64 maximum =
      json_object_get_int_member_with_default (schema, "maxItems", G_MAXINT64);
  if (json_array_get_length (array) > maximum)
    report (checker, "got %u items, expected at most %" G_GINT64_FORMAT,
        json_array_get_length (array), maximum);
  if (!json_object_has_member (schema, "items"))
    return;
  JsonObject *items = json_object_get_object_member (schema, "items");
  for (guint i = 0; i < json_array_get_length (array); i++) {
    g_autofree gchar *name = g_strdup_printf ("%u", i);
    gsize length = push (checker, name);
    check (checker, items, json_array_get_element (array, i));
    pop (checker, length);
  }
}

JsonObject *
mill_json_schema_find (JsonObject *document, const gchar *name)
{
  JsonObject *components =
      json_object_get_object_member (document, "components");
  JsonObject *schemas = json_object_get_object_member (components, "schemas");
  return json_object_has_member (schemas, name)
      ? json_object_get_object_member (schemas, name)
      : NULL;
}

static JsonObject *
resolve (Checker *checker, JsonObject *schema)
{
  const gchar *ref =
      json_object_get_string_member_with_default (schema, "$ref", NULL);
  if (!ref || !g_str_has_prefix (ref, REF_PREFIX))
    return schema;
  return mill_json_schema_find (checker->document, ref + strlen (REF_PREFIX));
}

/* Recursive as its input is; the reader of bodies bounds their depth. */
static void
check (Checker *checker, JsonObject *schema, JsonNode *value)
{
  schema = resolve (checker, schema);
  if (json_object_has_member (schema, "type") &&
      !check_type (checker, json_object_get_member (schema, "type"), value))
    return;
  if (json_object_has_member (schema, "enum"))
    check_enum (checker, json_object_get_array_member (schema, "enum"), value);

  const gchar *actual = get_type (value);
  if (g_str_equal (actual, "object"))
    check_object (checker, schema, json_node_get_object (value));
  else if (g_str_equal (actual, "array"))
    check_array (checker, schema, json_node_get_array (value));
  else if (g_str_equal (actual, "string"))
    check_string (checker, schema, json_node_get_string (value));
  else if (is_of_type (actual, "number"))
    check_number (checker, schema, value);
}

void
mill_json_schema_check (JsonObject *document, JsonObject *schema,
    JsonNode *value, JsonArray *errors)
{
  g_autoptr (GString) pointer = g_string_new (NULL);
  Checker checker = { document, errors, pointer };
  check (&checker, schema, value);
}
