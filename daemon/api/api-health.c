/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "resources.h"

static void
reply_ok (MillRequest *request)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "status", "ok");
  json_object_set_string_member (object, "version", MILL_VERSION);
  mill_request_reply_object (request, SOUP_STATUS_OK, object);
}

/* The process lives: restarting it would not help. */
static void
get_healthz (MillRequest *request)
{
  reply_ok (request);
}

/* It does its work: publishers and viewers may be sent here. */
static void
get_readyz (MillRequest *request)
{
  g_autoptr (GError) error = NULL;
  if (mill_supervisor_check_ready (mill_request_get_supervisor (request),
          &error))
    reply_ok (request);
  else
    mill_request_fail_problem (request, MILL_PROBLEM_UNAVAILABLE, "%s",
        error->message);
}

const MillRoute mill_api_health_routes[] = {
  { "GET", "/healthz", MILL_ACCESS_OPEN, get_healthz },
  { "GET", "/readyz", MILL_ACCESS_OPEN, get_readyz },
  { 0 },
};
