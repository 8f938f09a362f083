/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Requests of a stranger, one after the other: none is longer than its bytes,
 * none has a line within a value, and what was cut off at any place is never
 * taken for more than what was there. */

#include <string.h>

#include "daemon/origin/http-request.h"

gint LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check_text (const gchar *text)
{
  g_assert_true (text == NULL || strpbrk (text, "\r\n") == NULL);
}

static void
check_request (const MillHttpRequest *request)
{
  g_assert_cmpuint (request->minor, <=, 1);
  g_assert_nonnull (request->path);
  g_assert_null (strpbrk (request->path, " ?#\r\n\t"));
  check_text (request->query);
  for (guint i = 0; i < MILL_HTTP_N_FIELDS; i++)
    check_text (request->fields[i]);
}

/* Returns: bytes used, or 0 at the end. */
static gsize
take (const guint8 *data, gsize size)
{
  /* Of its own, so that reading on is found. */
  g_autofree gchar *copy = size > 0 ? g_memdup2 (data, size) : g_strdup ("");
  g_auto (MillHttpRequest) request = { 0 };
  gsize end;

  switch (mill_http_request_parse (copy, size, &request, &end)) {
    case MILL_HTTP_HEAD_PARTIAL:
      g_assert_cmpuint (size, <, MILL_HTTP_MAX_HEAD);
      return 0;
    case MILL_HTTP_HEAD_WRONG:
      g_assert_cmpuint (request.status, >=, 400);
      g_assert_cmpuint (request.status, <=, 505);
      return 0;
    case MILL_HTTP_HEAD_WHOLE:
      break;
  }
  g_assert_cmpuint (request.status, ==, 0);
  g_assert_cmpuint (end, <=, MIN (size, MILL_HTTP_MAX_HEAD));
  g_assert_cmpmem (data + end - 4, 4, "\r\n\r\n", 4);
  check_request (&request);
  mill_http_request_keep (&request);
  memset (copy, '\r', size);
  check_request (&request);
  return end;
}

gint
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  gsize at = 0;
  gsize used;

  while ((used = take (data + at, size - at)) > 0) {
    /* Less than a whole head is not one. */
    g_autofree gchar *cut = g_memdup2 (data + at, used);
    g_auto (MillHttpRequest) request = { 0 };
    gsize end;

    g_assert_cmpint (mill_http_request_parse (cut, used - 1, &request, &end),
        ==, MILL_HTTP_HEAD_PARTIAL);
    at += used;
  }
  return 0;
}
