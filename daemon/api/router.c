/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "router.h"

#include <string.h>

struct _MillRouter
{
  GPtrArray *routes;
};

MillRouter *
mill_router_new (void)
{
  MillRouter *router = g_new0 (MillRouter, 1);
  router->routes = g_ptr_array_new ();
  return router;
}

void
mill_router_free (MillRouter *router)
{
  if (!router)
    return;
  g_ptr_array_unref (router->routes);
  g_free (router);
}

void
mill_router_add (MillRouter *router, const MillRoute *routes)
{
  for (; routes->path; routes++)
    g_ptr_array_add (router->routes, (gpointer) routes);
}

GPtrArray *
mill_router_get_routes (MillRouter *router)
{
  return router->routes;
}

/* Some thirty routes of at most five segments: comparing them all takes a few
 * microseconds, and there is no order among them to get wrong. A literal
 * segment never looks like a parameter: "…/{name}" and "…/openapi.json" differ
 * in their number of segments or stand below different parents. */
static gboolean
match_path (const gchar *pattern, const gchar *path, GHashTable *params)
{
  g_auto (GStrv) wanted = g_strsplit (pattern, "/", -1);
  g_auto (GStrv) given = g_strsplit (path, "/", -1);
  if (g_strv_length (wanted) != g_strv_length (given))
    return FALSE;
  for (guint i = 0; wanted[i]; i++) {
    gsize length = strlen (wanted[i]);
    if (wanted[i][0] == '{')
      g_hash_table_replace (params, g_strndup (wanted[i] + 1, length - 2),
          g_strdup (given[i]));
    else if (!g_str_equal (wanted[i], given[i]))
      return FALSE;
  }
  return TRUE;
}

static void
add_method (GString *allow, const gchar *method)
{
  if (allow->len > 0)
    g_string_append (allow, ", ");
  g_string_append (allow, method);
  if (g_str_equal (method, "GET"))
    g_string_append (allow, ", HEAD");
}

void
mill_router_match (MillRouter *router, const gchar *method, const gchar *path,
    MillMatch *ret_match)
{
  g_autoptr (GString) allow = g_string_new (NULL);
  const gchar *wanted = g_str_equal (method, "HEAD") ? "GET" : method;
  *ret_match = (MillMatch){ 0 };

  for (guint i = 0; i < router->routes->len; i++) {
    const MillRoute *route = g_ptr_array_index (router->routes, i);
    g_autoptr (GHashTable) params =
        g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
    if (!match_path (route->path, path, params))
      continue;
    if (g_str_equal (route->method, wanted)) {
      ret_match->route = route;
      ret_match->params = g_steal_pointer (&params);
      return;
    }
    add_method (allow, route->method);
  }
  if (allow->len > 0)
    ret_match->allow = g_string_free (g_steal_pointer (&allow), FALSE);
}

void
mill_router_match_clear (MillMatch *match)
{
  g_clear_pointer (&match->allow, g_free);
  g_clear_pointer (&match->params, g_hash_table_unref);
}
