/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "request.h"

G_BEGIN_DECLS

/* The routes of each resource, one api-*.c each. */
extern const MillRoute mill_api_cues_routes[];
extern const MillRoute mill_api_events_routes[];
extern const MillRoute mill_api_health_routes[];
extern const MillRoute mill_api_metrics_routes[];
extern const MillRoute mill_api_nodes_routes[];
extern const MillRoute mill_api_openapi_routes[];
extern const MillRoute mill_api_pipelines_routes[];
extern const MillRoute mill_api_presets_routes[];
extern const MillRoute mill_api_stream_keys_routes[];
extern const MillRoute mill_api_streams_routes[];
extern const MillRoute mill_api_stream_views_routes[];
extern const MillRoute mill_api_workers_routes[];

/* Query names of a list. */
extern const gchar *const mill_api_page_query[];

/* Adds @name as RFC 3339 in UTC; 0 is null. */
void mill_api_json_set_time (JsonObject *object, const gchar *name,
    gint64 unix_us);
/* Adds @text, or null. */
void mill_api_json_set_text (JsonObject *object, const gchar *name,
    const gchar *text);
/* The pages of a list that is in memory, sorted by name.
 * Returns: whether an entry of this name belongs to @page: call it for each,
 *   in order, with @count at 0 first; @ret_next: the last name of a full page
 *   that is not the last one. */
typedef struct
{
  MillStorePage page;
  guint count;
  const gchar *last; /* of the page */
  gboolean more;
} MillPager;
gboolean mill_api_pager_take (MillPager *pager, const gchar *name);
/* Returns: (nullable): the cursor for "next" */
const gchar *mill_api_pager_next (const MillPager *pager);

/* openapi.json. Returns: (transfer none) */
JsonObject *mill_api_openapi_get (void);
const gchar *mill_api_openapi_get_text (void);

/* The stream's fields that millraced knows by itself; @report (nullable) adds
 * what its worker says. Returns: (transfer full) */
JsonObject *mill_api_streams_to_json (MillCatalog *catalog,
    const MillStream *stream, const MillStreamReport *report);

G_END_DECLS
