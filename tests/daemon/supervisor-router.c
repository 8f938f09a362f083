/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "json-schema.h"
#include "problem.h"
#include "router.h"

static void
handle (MillRequest *request)
{
}

static const MillRoute routes[] = {
  { "GET", "/things", MILL_ACCESS_ADMIN, handle },
  { "POST", "/things", MILL_ACCESS_ADMIN, handle },
  { "GET", "/things/{name}", MILL_ACCESS_OPEN, handle },
  { "POST", "/things/{name}/start", MILL_ACCESS_ADMIN, handle },
  { "GET", "/a.json", MILL_ACCESS_OPEN, handle },
  { 0 },
};

static void
test_matching (void)
{
  static const struct
  {
    const gchar *method;
    const gchar *path;
    gint route; /* -1: none */
    const gchar *name;
    const gchar *allow;
  } cases[] = {
    { "GET", "/things", 0, NULL, NULL },
    { "HEAD", "/things", 0, NULL, NULL },
    { "POST", "/things", 1, NULL, NULL },
    { "PUT", "/things", -1, NULL, "GET, HEAD, POST" },
    { "GET", "/things/x", 2, "x", NULL },
    { "DELETE", "/things/x", -1, NULL, "GET, HEAD" },
    { "POST", "/things/x/start", 3, "x", NULL },
    { "GET", "/things/x/start", -1, NULL, "POST" },
    { "GET", "/things/x/stop", -1, NULL, NULL },
    { "GET", "/things/", 2, "", NULL },
    { "GET", "/a.json", 4, NULL, NULL },
    { "GET", "/aXjson", -1, NULL, NULL },
    { "GET", "/", -1, NULL, NULL },
    { "GET", "", -1, NULL, NULL },
    { "GET", "//things", -1, NULL, NULL },
    { "get", "/things", -1, NULL, "GET, HEAD, POST" },
  };
  g_autoptr (MillRouter) router = mill_router_new ();
  mill_router_add (router, routes);
  g_assert_cmpuint (mill_router_get_routes (router)->len, ==, 5);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_auto (MillMatch) match = { 0 };
    g_test_message ("%s %s", cases[i].method, cases[i].path);
    mill_router_match (router, cases[i].method, cases[i].path, &match);
    g_assert_true (match.route ==
        (cases[i].route < 0 ? NULL : &routes[cases[i].route]));
    g_assert_cmpstr (match.allow, ==, cases[i].allow);
    if (cases[i].name)
      g_assert_cmpstr (g_hash_table_lookup (match.params, "name"), ==,
          cases[i].name);
  }
}

/* ---- the schema check: what it lets through reaches the handlers ---- */

#define DOCUMENT                                                             \
  "{\"components\":{\"schemas\":{"                                           \
  "\"Name\":{\"type\":\"string\",\"pattern\":\"^[a-z]+$\",\"maxLength\":3}," \
  "\"Thing\":{\"type\":\"object\",\"required\":[\"name\"],"                  \
  "\"additionalProperties\":false,\"properties\":{"                          \
  "\"name\":{\"$ref\":\"#/components/schemas/Name\"},"                       \
  "\"size\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":9},"             \
  "\"rate\":{\"type\":\"number\"},\"on\":{\"type\":\"boolean\"},"            \
  "\"when\":{\"type\":[\"string\",\"null\"],\"minLength\":2},"               \
  "\"mode\":{\"type\":\"string\",\"enum\":[\"a\",\"b\"]},"                   \
  "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"           \
  "\"map\":{\"type\":\"object\",\"maxProperties\":1,"                        \
  "\"additionalProperties\":{\"type\":\"string\"}}}}}}}"

static void
test_schema (void)
{
  static const struct
  {
    const gchar *value;
    const gchar *pointers; /* of the mistakes */
  } cases[] = {
    { "{\"name\":\"abc\"}", "" },
    { "{\"name\":\"a\",\"size\":9,\"rate\":1,\"on\":true,\"when\":null,"
      "\"mode\":\"b\",\"tags\":[\"x\"],\"map\":{\"k\":\"v\"}}",
        "" },
    { "{}", "/name" },
    { "[]", "." },
    { "null", "." },
    { "5", "." },
    { "{\"name\":\"abcd\"}", "/name" },
    { "{\"name\":\"A\"}", "/name" },
    { "{\"name\":7}", "/name" },
    { "{\"name\":null}", "/name" },
    { "{\"name\":\"a\",\"size\":0}", "/size" },
    { "{\"name\":\"a\",\"size\":10}", "/size" },
    { "{\"name\":\"a\",\"size\":1.5}", "/size" },
    { "{\"name\":\"a\",\"size\":\"1\"}", "/size" },
    { "{\"name\":\"a\",\"rate\":\"1\"}", "/rate" },
    { "{\"name\":\"a\",\"on\":1}", "/on" },
    { "{\"name\":\"a\",\"when\":\"x\"}", "/when" },
    { "{\"name\":\"a\",\"mode\":\"c\"}", "/mode" },
    { "{\"name\":\"a\",\"tags\":[\"x\",5,null]}", "/tags/1 /tags/2" },
    { "{\"name\":\"a\",\"map\":{\"k\":5}}", "/map/k" },
    { "{\"name\":\"a\",\"map\":{\"k\":\"1\",\"l\":\"2\"}}", "/map" },
    { "{\"name\":\"a\",\"x~y/z\":1}", "/x~0y~1z" },
    { "{\"size\":0,\"what\":1}", "/name /size /what" },
  };
  g_autoptr (JsonNode) document = json_from_string (DOCUMENT, NULL);
  JsonObject *root = json_node_get_object (document);
  JsonObject *schema = mill_json_schema_find (root, "Thing");
  g_assert_nonnull (schema);
  g_assert_null (mill_json_schema_find (root, "Nothing"));

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (JsonNode) value = json_from_string (cases[i].value, NULL);
    g_autoptr (JsonArray) errors = json_array_new ();
    g_autoptr (GString) pointers = g_string_new (NULL);
    g_test_message ("%s", cases[i].value);
    mill_json_schema_check (root, schema, value, errors);
    for (guint k = 0; k < json_array_get_length (errors); k++) {
      const gchar *pointer =
          json_object_get_string_member (json_array_get_object_element (errors,
                                             k),
              "pointer");
      g_string_append_printf (pointers, "%s%s", k > 0 ? " " : "",
          *pointer ? pointer : ".");
    }
    g_assert_cmpstr (pointers->str, ==, cases[i].pointers);
  }
}

/* Whoever asks a worker from before an upgrade for what it cannot do reads what
 * helps, not that the daemon has failed. */
static void
test_old_worker (void)
{
  g_autoptr (GError) error = g_dbus_error_new_for_dbus_error (
      "org.freedesktop.DBus.Error.UnknownMethod",
      "No such method “SwitchInput”");
  g_autoptr (JsonNode) node = mill_problem_to_json (error, NULL);
  JsonObject *problem = json_node_get_object (node);

  g_assert_cmpuint (mill_problem_get_status (error), ==, 501);
  g_assert_cmpint (json_object_get_int_member (problem, "status"), ==, 501);
  g_assert_cmpstr (json_object_get_string_member (problem, "type"), ==,
      "urn:millrace:problem:old-worker");
  g_assert_nonnull (strstr (json_object_get_string_member (problem, "detail"),
      "restart"));
}

/* All others say themselves what it is. */
static void
test_problem (void)
{
  g_autoptr (GError) conflict =
      g_error_new_literal (MILL_PROBLEM, MILL_PROBLEM_CONFLICT, "it runs");
  g_autoptr (GError) unknown =
      g_error_new_literal (G_DBUS_ERROR, G_DBUS_ERROR_NO_MEMORY, "it is full");
  g_autoptr (JsonNode) node = mill_problem_to_json (conflict, NULL);

  g_assert_cmpuint (mill_problem_get_status (conflict), ==, 409);
  g_assert_cmpstr (json_object_get_string_member (json_node_get_object (node),
                       "detail"),
      ==, "it runs");
  g_assert_cmpuint (mill_problem_get_status (unknown), ==, 500);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/router/matching", test_matching);
  g_test_add_func ("/router/schema", test_schema);
  g_test_add_func ("/problem/old-worker", test_old_worker);
  g_test_add_func ("/problem/others", test_problem);
  return g_test_run ();
}
