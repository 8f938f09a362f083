/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-response.h"

#include <string.h>

#include "daemon/origin/origin-range.h"

/* A player that is early asks again in a second; so may a cache. */
#define ERROR_CACHE_CONTROL "public, max-age=1"

/* Of a path in the detail of a problem, which is cut; and of all of that. */
#define MAX_ASKED 256
#define MAX_PROBLEM 768

#define ALLOWED_METHODS "GET, HEAD, OPTIONS"

/* Media is for any page to play; there are no cookies to protect. Date is what
 * DASH players set their clock by (UTCTiming http-head). */
#define COMMON_LINES                                                      \
  "Access-Control-Allow-Origin: *\r\n"                                    \
  "Access-Control-Expose-Headers: Accept-Ranges, Age, Content-Encoding, " \
  "Content-Length, Content-Range, Date, ETag\r\n"                         \
  "Cross-Origin-Resource-Policy: cross-origin\r\n"                        \
  "Timing-Allow-Origin: *\r\n"                                            \
  "X-Content-Type-Options: nosniff\r\n"

#define OPTIONS_LINES                                               \
  "Allow: " ALLOWED_METHODS "\r\n"                                  \
  "Access-Control-Allow-Methods: " ALLOWED_METHODS "\r\n"           \
  "Access-Control-Allow-Headers: Accept, Cache-Control, If-Match, " \
  "If-Modified-Since, If-None-Match, If-Range, Pragma, Range, "     \
  "CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status\r\n"        \
  "Access-Control-Max-Age: 86400\r\n"

/* ---- headers ---- */

static const gchar *
get_field (MillHttpExchange *exchange, MillHttpField field)
{
  return mill_http_exchange_get_request (exchange)->fields[field];
}

void
mill_origin_response_begin (MillHttpExchange *exchange, guint status)
{
  mill_http_exchange_set_status (exchange, status);
  mill_http_exchange_add_lines (exchange, COMMON_LINES);
}

void
mill_origin_response_set_options (MillHttpExchange *exchange)
{
  mill_origin_response_begin (exchange, 200);
  mill_http_exchange_add_lines (exchange, OPTIONS_LINES);
}

static void
set_body (MillHttpExchange *exchange, const gchar *content_type,
    const gchar *text)
{
  gsize length = strlen (text);
  g_autoptr (GBytes) body = g_bytes_new (text, length);

  mill_http_exchange_add_field (exchange, "Content-Type", content_type);
  mill_http_exchange_set_bytes (exchange, body, 0, length);
}

void
mill_origin_response_set_text (MillHttpExchange *exchange,
    const gchar *content_type, const gchar *text)
{
  mill_origin_response_begin (exchange, 200);
  mill_http_exchange_add_field (exchange, "Cache-Control", "no-store");
  set_body (exchange, content_type, text);
}

/* RFC 3986 2.3, 3.3: what may stand in a path as it is, and means nothing to JSON
 * or HTML. '%' is of escapes already there. */
static gboolean
is_plain (gchar letter)
{
  return g_ascii_isalnum (letter) ||
      strchr ("-._~/%:@!$()*+,;=", letter) != NULL;
}

/* Returns: where @text ends now. @size: of all of it */
static gsize
append_escaped (gchar *text, gsize length, gsize size, const gchar *raw)
{
  for (; *raw != '\0' && length + 4 < size; raw++) {
    if (is_plain (*raw))
      text[length++] = *raw;
    else
      length += (gsize) g_snprintf (text + length, size - length, "%%%02X",
          (guint) (guchar) *raw);
  }
  text[length] = '\0';
  return length;
}

static void
print_asked (gchar *text, gsize size, const MillOriginProblem *problem)
{
  gsize length = 0;

  text[0] = '\0';
  if (problem->stream != NULL) {
    length = append_escaped (text, length, size, "/stream/");
    length = append_escaped (text, length, size, problem->stream);
    length = append_escaped (text, length, size, "/");
    append_escaped (text, length, size, problem->file);
  } else if (problem->path != NULL) {
    append_escaped (text, length, size, problem->path);
  }
}

/* Wrong requests are cheap to send: all is on the stack but the body itself. */
void
mill_origin_response_set_problem (MillHttpExchange *exchange,
    const MillOriginProblem *problem)
{
  gchar asked[MAX_ASKED];
  gchar text[MAX_PROBLEM];

  print_asked (asked, sizeof (asked), problem);
  g_snprintf (text, sizeof (text),
      "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,"
      "\"detail\":\"%s%s%.256s\"}\n",
      mill_http_exchange_get_phrase (problem->status), problem->status, asked,
      *asked != '\0' ? ": " : "", problem->detail);
  mill_origin_response_begin (exchange, problem->status);
  if (problem->status == 405)
    mill_http_exchange_add_lines (exchange, "Allow: " ALLOWED_METHODS "\r\n");
  if (problem->lines != NULL)
    mill_http_exchange_add_lines (exchange, problem->lines);
  mill_http_exchange_add_field (exchange, "Cache-Control",
      problem->cache_control != NULL ? problem->cache_control
                                     : ERROR_CACHE_CONTROL);
  set_body (exchange, "application/problem+json", text);
}

void
mill_origin_response_set_error (MillHttpExchange *exchange, guint status,
    const gchar *detail)
{
  const MillOriginProblem problem = { .status = status, .detail = detail };

  mill_origin_response_set_problem (exchange, &problem);
}

/* Begins an answer of that content. */
static void
set_meta (MillHttpExchange *exchange, guint status, const MillOriginMeta *meta,
    const gchar *etag)
{
  mill_origin_response_begin (exchange, status);
  mill_http_exchange_add_field (exchange, "ETag", etag);
  mill_http_exchange_add_field (exchange, "Cache-Control", meta->cache_control);
  if (meta->varies)
    mill_http_exchange_add_lines (exchange, "Vary: Accept-Encoding\r\n");
  if (meta->lines != NULL)
    mill_http_exchange_add_lines (exchange, meta->lines);
}

/* ---- conditions and ranges ---- */

typedef struct
{
  guint64 offset;
  guint64 length;
} Part;

static MillOriginRange
choose_part (MillHttpExchange *exchange, const gchar *etag, guint64 total,
    Part *ret_part)
{
  const gchar *if_range = get_field (exchange, MILL_HTTP_IF_RANGE);

  *ret_part = (Part){ 0, total };
  /* RFC 9110 14.2: a range is for GET; 13.1.5: and void when the client has
   * another version. A date never is strong enough here. */
  if (mill_http_exchange_get_request (exchange)->method != MILL_HTTP_GET ||
      (if_range != NULL && !g_str_equal (if_range, etag)))
    return MILL_ORIGIN_RANGE_WHOLE;
  return mill_origin_range_parse (get_field (exchange, MILL_HTTP_RANGE), total,
      &ret_part->offset, &ret_part->length);
}

static void
refuse_range (MillHttpExchange *exchange, guint64 total)
{
  g_autofree gchar *line =
      g_strdup_printf ("Content-Range: bytes */%" G_GUINT64_FORMAT "\r\n",
          total);

  mill_origin_response_set_problem (exchange,
      &(MillOriginProblem){
          .status = 416,
          .detail = "header Range: it begins behind the end, which "
                    "Content-Range tells",
          .lines = line,
      });
}

/* Answers all but the body. Returns whether there is one, of @ret_part. */
static gboolean
begin_content (MillHttpExchange *exchange, const MillOriginMeta *meta,
    guint64 total, Part *ret_part)
{
  g_autofree gchar *etag = g_strconcat ("\"", meta->version, "\"", NULL);
  MillOriginRange range = choose_part (exchange, etag, total, ret_part);
  gchar line[96];

  if (mill_origin_range_matches (get_field (exchange, MILL_HTTP_IF_NONE_MATCH),
          etag)) {
    set_meta (exchange, 304, meta, etag);
    return FALSE;
  }
  if (range == MILL_ORIGIN_RANGE_UNSATISFIABLE) {
    refuse_range (exchange, total);
    return FALSE;
  }
  set_meta (exchange, range == MILL_ORIGIN_RANGE_PART ? 206 : 200, meta, etag);
  mill_http_exchange_add_field (exchange, "Content-Type", meta->content_type);
  mill_http_exchange_add_lines (exchange, "Accept-Ranges: bytes\r\n");
  if (meta->content_encoding != NULL)
    mill_http_exchange_add_field (exchange, "Content-Encoding",
        meta->content_encoding);
  if (range == MILL_ORIGIN_RANGE_PART) {
    g_snprintf (line, sizeof (line),
        "bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT,
        ret_part->offset, ret_part->offset + ret_part->length - 1, total);
    mill_http_exchange_add_field (exchange, "Content-Range", line);
  }
  return TRUE;
}

void
mill_origin_response_set_bytes (MillHttpExchange *exchange,
    const MillOriginMeta *meta, GBytes *content)
{
  Part part;

  if (begin_content (exchange, meta, g_bytes_get_size (content), &part))
    mill_http_exchange_set_bytes (exchange, content, part.offset, part.length);
}

/* ---- files ---- */

void
mill_origin_response_set_slice (MillHttpExchange *exchange,
    const MillOriginMeta *meta, MillOriginFile *file, guint64 offset,
    guint64 length)
{
  Part part;

  if (!begin_content (exchange, meta, length, &part))
    return;
  /* For short parts; what cannot be mapped is sent without. */
  mill_origin_file_map (file);
  mill_http_exchange_set_file (exchange, file, offset + part.offset,
      part.length);
}

void
mill_origin_response_set_file (MillHttpExchange *exchange,
    const MillOriginMeta *meta, MillOriginFile *file)
{
  mill_origin_response_set_slice (exchange, meta, file, 0, file->size);
}
