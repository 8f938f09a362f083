/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct _MillRequest MillRequest;

typedef enum
{
  MILL_ACCESS_OPEN, /* no key needed */
  MILL_ACCESS_ADMIN,
} MillAccess;

/** One operation of the API. docs/openapi/ describes the same; a test holds
 * the two together. */
typedef struct
{
  const gchar *method; /* HEAD goes to GET */
  const gchar *path; /* "/api/v1/streams/{name}" */
  MillAccess access;
  void (*handler) (MillRequest *request);
  const gchar *body; /* nullable: its schema in openapi.json */
  const gchar *const *query; /* nullable: names it knows */
} MillRoute;

/** The routes of all resources, and which of them a request means. */
typedef struct _MillRouter MillRouter;

typedef struct
{
  const MillRoute *route; /* nullable: no such path, or not this method */
  gchar *allow; /* nullable: methods of a path that is there */
  GHashTable *params; /* "name" -> text, for {name} */
} MillMatch;

MillRouter *mill_router_new (void);
void mill_router_free (MillRouter *router);

/* @routes: ended by one without a path; static */
void mill_router_add (MillRouter *router, const MillRoute *routes);

void mill_router_match (MillRouter *router, const gchar *method,
    const gchar *path, MillMatch *ret_match);
void mill_router_match_clear (MillMatch *match);

/* Returns: (transfer none) (element-type MillRoute) */
GPtrArray *mill_router_get_routes (MillRouter *router);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRouter, mill_router_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MillMatch, mill_router_match_clear)

G_END_DECLS
