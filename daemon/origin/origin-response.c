/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/origin-response.h"

#include "daemon/origin/origin-connections.h"
#include "daemon/origin/origin-range.h"

/* A player that is early asks again in a second; so may a cache. */
#define ERROR_CACHE_CONTROL "public, max-age=1"

#define ALLOWED_METHODS "GET, HEAD, OPTIONS"

/* ---- headers ---- */

static void
set_header (SoupServerMessage *message, const gchar *name, const gchar *value)
{
  soup_message_headers_replace (
      soup_server_message_get_response_headers (message), name, value);
}

/* What no one has set before: nothing is looked for that it would replace. */
static void
add_header (SoupServerMessage *message, const gchar *name, const gchar *value)
{
  soup_message_headers_append (
      soup_server_message_get_response_headers (message), name, value);
}

static const gchar *
get_header (SoupServerMessage *message, const gchar *name)
{
  return soup_message_headers_get_list (
      soup_server_message_get_request_headers (message), name);
}

static gboolean
is_head (SoupServerMessage *message)
{
  return g_str_equal (soup_server_message_get_method (message), "HEAD");
}

static void
set_length (SoupServerMessage *message, guint64 length)
{
  soup_message_headers_set_content_length (
      soup_server_message_get_response_headers (message), length);
}

void
mill_origin_response_set_common (SoupServerMessage *message)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (message);

  /* Media is for any page to play; there are no cookies to protect. Date is
   * what DASH players set their clock by (UTCTiming http-head). Nothing is
   * there yet that would have to be replaced. */
  soup_message_headers_append (headers, "Access-Control-Allow-Origin", "*");
  soup_message_headers_append (headers, "Access-Control-Expose-Headers",
      "Accept-Ranges, Age, Content-Encoding, Content-Length, Content-Range, "
      "Date, ETag");
  soup_message_headers_append (headers, "Cross-Origin-Resource-Policy",
      "cross-origin");
  soup_message_headers_append (headers, "Timing-Allow-Origin", "*");
  soup_message_headers_append (headers, "X-Content-Type-Options", "nosniff");
}

void
mill_origin_response_set_options (SoupServerMessage *message)
{
  set_header (message, "Allow", ALLOWED_METHODS);
  set_header (message, "Access-Control-Allow-Methods", ALLOWED_METHODS);
  set_header (message, "Access-Control-Allow-Headers",
      "Accept, Cache-Control, If-Match, If-Modified-Since, If-None-Match, "
      "If-Range, Pragma, Range, CMCD-Object, CMCD-Request, CMCD-Session, "
      "CMCD-Status");
  set_header (message, "Access-Control-Max-Age", "86400");
  /* Not 204: libsoup closes the connection after one. */
  soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
  set_length (message, 0);
}

void
mill_origin_response_set_error (SoupServerMessage *message, guint status)
{
  g_autofree gchar *text = g_strdup_printf (
      "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u}\n",
      soup_status_get_phrase (status), status);

  if (status == SOUP_STATUS_METHOD_NOT_ALLOWED)
    set_header (message, "Allow", ALLOWED_METHODS);
  set_header (message, "Cache-Control", ERROR_CACHE_CONTROL);
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, "application/problem+json",
      SOUP_MEMORY_COPY, text, strlen (text));
}

static void
set_meta (SoupServerMessage *message, const MillOriginMeta *meta,
    const gchar *etag)
{
  add_header (message, "ETag", etag);
  add_header (message, "Cache-Control", meta->cache_control);
  if (meta->varies)
    add_header (message, "Vary", "Accept-Encoding");
}

/* ---- conditions and ranges ---- */

typedef struct
{
  guint64 offset;
  guint64 length;
} Part;

static MillOriginRange
choose_part (SoupServerMessage *message, const gchar *etag, guint64 total,
    Part *ret_part)
{
  const gchar *if_range = get_header (message, "If-Range");

  *ret_part = (Part){ 0, total };
  /* RFC 9110 14.2: a range is for GET; 13.1.5: and void when the client has
   * another version. A date never is strong enough here. */
  if (is_head (message) || (if_range != NULL && !g_str_equal (if_range, etag)))
    return MILL_ORIGIN_RANGE_WHOLE;
  return mill_origin_range_parse (get_header (message, "Range"), total,
      &ret_part->offset, &ret_part->length);
}

/* Answers all but the body. Returns whether there is one, of @ret_part. */
static gboolean
begin (SoupServerMessage *message, const MillOriginMeta *meta, guint64 total,
    Part *ret_part)
{
  SoupMessageHeaders *headers =
      soup_server_message_get_response_headers (message);
  g_autofree gchar *etag = g_strdup_printf ("\"%s\"", meta->version);
  MillOriginRange range = choose_part (message, etag, total, ret_part);

  if (mill_origin_range_matches (get_header (message, "If-None-Match"), etag)) {
    set_meta (message, meta, etag);
    soup_server_message_set_status (message, SOUP_STATUS_NOT_MODIFIED, NULL);
    return FALSE;
  }
  if (range == MILL_ORIGIN_RANGE_UNSATISFIABLE) {
    g_autofree gchar *text =
        g_strdup_printf ("bytes */%" G_GUINT64_FORMAT, total);

    mill_origin_response_set_error (message,
        SOUP_STATUS_REQUESTED_RANGE_NOT_SATISFIABLE);
    set_header (message, "Content-Range", text);
    return FALSE;
  }
  set_meta (message, meta, etag);
  add_header (message, "Content-Type", meta->content_type);
  add_header (message, "Accept-Ranges", "bytes");
  if (meta->content_encoding != NULL)
    add_header (message, "Content-Encoding", meta->content_encoding);
  if (range == MILL_ORIGIN_RANGE_PART) {
    soup_server_message_set_status (message, SOUP_STATUS_PARTIAL_CONTENT, NULL);
    soup_message_headers_set_content_range (headers, ret_part->offset,
        ret_part->offset + ret_part->length - 1, total);
  } else {
    soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
  }
  set_length (message, ret_part->length);
  return !is_head (message);
}

void
mill_origin_response_set_bytes (SoupServerMessage *message,
    const MillOriginMeta *meta, GBytes *content)
{
  SoupMessageBody *body = soup_server_message_get_response_body (message);
  g_autoptr (GBytes) sent = NULL;
  Part part;

  /* Off, or libsoup would apply a range (several, too) a second time. */
  soup_message_body_set_accumulate (body, FALSE);
  if (!begin (message, meta, g_bytes_get_size (content), &part))
    return;
  sent = g_bytes_new_from_bytes (content, part.offset, part.length);
  soup_message_body_append_bytes (body, sent);
  soup_message_body_complete (body);
}

/* ---- files ---- */

void
mill_origin_response_set_slice (SoupServerMessage *message,
    const MillOriginMeta *meta, MillOriginFile *file, guint64 offset,
    guint64 length)
{
  SoupMessageBody *body = soup_server_message_get_response_body (message);
  MillOriginIo *io = mill_origin_connections_get_io (message);
  gconstpointer base = mill_origin_file_map (file);
  g_autoptr (GBytes) sent = NULL;
  Part part;

  soup_message_body_set_accumulate (body, FALSE);
  if (io == NULL || (base == NULL && length > 0)) {
    mill_origin_response_set_error (message, SOUP_STATUS_INTERNAL_SERVER_ERROR);
    return;
  }
  if (!begin (message, meta, length, &part))
    return;
  if (part.length > 0) {
    mill_origin_io_set_file (io, base, file->size, file->fd,
        mill_origin_files_hold (file),
        (GDestroyNotify) mill_origin_files_release);
    sent = g_bytes_new_static ((const gchar *) base + offset + part.offset,
        part.length);
    soup_message_body_append_bytes (body, sent);
  }
  soup_message_body_complete (body);
}

void
mill_origin_response_set_file (SoupServerMessage *message,
    const MillOriginMeta *meta, MillOriginFile *file)
{
  mill_origin_response_set_slice (message, meta, file, 0, file->size);
}
