/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define MILL_PROBLEM (mill_problem_quark ())
GQuark mill_problem_quark (void);

/**
 * MillProblem: errors that the HTTP side itself finds; all others are the
 * GErrors of their modules. problem.c has the one table of their statuses.
 */
typedef enum
{
  MILL_PROBLEM_INVALID, /* 400: what was sent breaks its schema */
  MILL_PROBLEM_UNAUTHORIZED, /* 401 */
  MILL_PROBLEM_NOT_FOUND, /* 404 */
  MILL_PROBLEM_METHOD, /* 405 */
  MILL_PROBLEM_CONFLICT, /* 409 */
  MILL_PROBLEM_LENGTH_REQUIRED, /* 411 */
  MILL_PROBLEM_TOO_LARGE, /* 413 */
  MILL_PROBLEM_MEDIA_TYPE, /* 415 */
  MILL_PROBLEM_DESCRIPTION, /* 422: YAML with mistakes */
  MILL_PROBLEM_NOT_IMPLEMENTED, /* 501: a program is not installed */
  MILL_PROBLEM_UNAVAILABLE, /* 503 */
} MillProblem;

guint mill_problem_get_status (const GError *error);

/* RFC 9457 §3. @errors: (transfer full) (nullable): for "errors".
 * Returns: (transfer full) */
JsonNode *mill_problem_to_json (const GError *error, JsonArray *errors);

/* One more for "errors". @pointer: (nullable): RFC 6901, into the body */
void mill_problem_add_error (JsonArray *errors, const gchar *pointer,
    const gchar *format, ...) G_GNUC_PRINTF (3, 4);

/* "body: 3 mistakes, the first: /name: is missing", for "detail".
 * @errors: all of "errors"
 * Returns: (transfer full) */
gchar *mill_problem_summarize (const gchar *what, JsonArray *errors);

G_END_DECLS
