/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/** One look at a server, for `millrace top`: what its streams and its processes
 * do, put together from the lists of the API. Knows no server and no terminal. */
typedef struct _MillTopView MillTopView;

/* The orders that rows may have. NULL ends them; the first is the default. */
extern const gchar *const mill_top_view_orders[];

/* @streams, @workers: the items of the API's lists
 * @order: one of mill_top_view_orders
 * @now_s: Unix time */
MillTopView *mill_top_view_new (JsonArray *streams, JsonArray *workers,
    const gchar *order, gint64 now_s);
void mill_top_view_free (MillTopView *view);

/* time, streams, processes. Returns: (transfer full) */
JsonNode *mill_top_view_to_json (const MillTopView *view);

/* A line that sums up, and a table.
 * @n_lines: how many there may be, in all; 0: any number
 * @n_columns: what is further right is cut off; 0: nothing is
 * Returns: (transfer full) */
gchar *mill_top_view_to_text (const MillTopView *view, guint n_lines,
    guint n_columns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillTopView, mill_top_view_free)

G_END_DECLS
