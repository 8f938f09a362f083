/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <json-glib/json-glib.h>
#include <libsoup/soup.h>

#include "problem.h"
#include "router.h"
#include "store.h"
#include "supervisor.h"

G_BEGIN_DECLS

/** MillRequest: one HTTP request as its handler sees it: authorised, its path
 * matched, its query and body checked against openapi.json.
 *
 * Every handler ends in exactly one mill_request_reply*() or _fail*(), now or
 * later: the message is paused in between, and the request holds it. */

/* @match: its contents are taken
 * Returns: (transfer full) */
MillRequest *mill_request_new (SoupServerMessage *message, MillMatch *match,
    MillSupervisor *supervisor);
MillRequest *mill_request_ref (MillRequest *request);
void mill_request_unref (MillRequest *request);

MillSupervisor *mill_request_get_supervisor (MillRequest *request);

/* The text for {name} in the path. Returns: (transfer none) */
const gchar *mill_request_get_param (MillRequest *request, const gchar *name);

/* Returns: (transfer none) (nullable) */
const gchar *mill_request_get_query (MillRequest *request, const gchar *name);

/* "limit" and "cursor" of the query. */
MillStorePage mill_request_get_page (MillRequest *request);

/* The checked body; NULL unless the route names a schema.
 * Returns: (transfer none) (nullable) */
JsonObject *mill_request_get_body (MillRequest *request);

/* Reads and checks the query and the body against @route.
 * FALSE when the request has been answered with what is wrong. */
gboolean mill_request_read (MillRequest *request, JsonObject *openapi);

/* @node, @array: (transfer full) */
void mill_request_reply (MillRequest *request, guint status, JsonNode *node);
void mill_request_reply_object (MillRequest *request, guint status,
    JsonObject *object);
/* A list; @next: (nullable): cursor of the page after it */
void mill_request_reply_list (MillRequest *request, JsonArray *items,
    const gchar *next);
void mill_request_reply_text (MillRequest *request, const gchar *content_type,
    const gchar *text);
/* 200 without a body: libsoup closes the connection after a 204. */
void mill_request_reply_empty (MillRequest *request);

/* 200 without an end: what is appended to the message's body is sent, when it is
 * unpaused. */
void mill_request_begin_stream (MillRequest *request,
    const gchar *content_type);
/* Lets libsoup go on with it: a WebSocket. */
void mill_request_leave (MillRequest *request);
/* For the two above. Returns: (transfer none) */
SoupServerMessage *mill_request_get_message (MillRequest *request);

void mill_request_fail (MillRequest *request, const GError *error);
/* Every mistake that was found, in a @what: "body", "query".
 * @errors: (transfer none) */
void mill_request_fail_errors (MillRequest *request, MillProblem problem,
    const gchar *what, JsonArray *errors);
/* The one member of the body that does not fit what there is. @pointer: RFC
 * 6901 */
void mill_request_fail_member (MillRequest *request, MillProblem problem,
    const gchar *pointer, const gchar *format, ...) G_GNUC_PRINTF (4, 5);
/* The same of a parameter of the query. */
void mill_request_fail_query (MillRequest *request, const gchar *name,
    const gchar *format, ...) G_GNUC_PRINTF (3, 4);
/* A description with mistakes: each in errors[] with its line and column, or
 * with the parameter in the body that is wrong. */
void mill_request_fail_diagnostics (MillRequest *request, const gchar *what,
    MillDiagnostics *diagnostics);
void mill_request_fail_problem (MillRequest *request, MillProblem problem,
    const gchar *format, ...) G_GNUC_PRINTF (3, 4);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRequest, mill_request_unref)

G_END_DECLS
