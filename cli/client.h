/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <json-glib/json-glib.h>

#include "cli.h"

G_BEGIN_DECLS

/** A connection to the REST API of a server. What fails is told on standard
 * error, with the server's own words where it has any. */
typedef struct _MillClient MillClient;

/* Returns: (transfer full) (nullable): NULL after an error, with the exit code
 *   in @ret_exit */
MillClient *mill_client_new (const MillCli *cli, MillExit *ret_exit);
void mill_client_free (MillClient *client);

/* One request and its answer.
 * @path: below /api/v1, its parts escaped
 * @body: (nullable): an object to send
 * @ret_answer: (out) (optional) (nullable) (transfer full): NULL for an empty
 *   answer */
MillExit mill_client_send (MillClient *client, const gchar *method,
    const gchar *path, JsonNode *body, JsonNode **ret_answer);

/* All items of a list, page by page.
 * @ret_items: (out) (transfer full): set with MILL_EXIT_OK only */
MillExit mill_client_list (MillClient *client, const gchar *path,
    JsonArray **ret_items);

/* Returns FALSE when it has enough. */
typedef gboolean (*MillClientLineFunc) (const gchar *line, gpointer user_data);

/* An answer without an end, line by line, until it ends all the same or @on_line
 * has enough. Who is silent for 30 s counts as gone.
 * @ret_connected: (out): whether it began
 * Returns: MILL_EXIT_OK too when it ended; what fails before is told, as by
 *   mill_client_send() */
MillExit mill_client_follow (MillClient *client, const gchar *path,
    MillClientLineFunc on_line, gpointer user_data, gboolean *ret_connected);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillClient, mill_client_free)

G_END_DECLS
