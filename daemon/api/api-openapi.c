/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "mill-api-resources.h"
#include "resources.h"

#define RESOURCE "/org/millrace/openapi.json"

static GBytes *
load (void)
{
  g_autoptr (GError) error = NULL;
  GBytes *bytes = g_resource_lookup_data (mill_api_resources_get_resource (),
      RESOURCE, G_RESOURCE_LOOKUP_FLAGS_NONE, &error);
  if (!bytes)
    g_error ("%s", error->message); /* it is linked into this binary */
  return bytes;
}

const gchar *
mill_api_openapi_get_text (void)
{
  static GBytes *bytes;
  if (!bytes)
    bytes = load (); /* resources end with a zero byte */
  return g_bytes_get_data (bytes, NULL);
}

JsonObject *
mill_api_openapi_get (void)
{
  static JsonNode *root;
  g_autoptr (GError) error = NULL;
  if (!root)
    root = json_from_string (mill_api_openapi_get_text (), &error);
  if (!root)
    g_error (RESOURCE ": %s", error->message);
  return json_node_get_object (root);
}

static void
get_openapi (MillRequest *request)
{
  mill_request_reply_text (request, "application/json",
      mill_api_openapi_get_text ());
}

const MillRoute mill_api_openapi_routes[] = {
  { "GET", "/api/v1/openapi.json", MILL_ACCESS_OPEN, get_openapi },
  { 0 },
};
