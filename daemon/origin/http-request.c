/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Clauses are of RFC 9112 unless another is named. */

#include "daemon/origin/http-request.h"

#include <string.h>

/* 3: at least 8000 bytes of request line. */
#define MAX_LINE 8192

#define STATUS_BAD 400
#define STATUS_URI_TOO_LONG 414
#define STATUS_HEAD_TOO_LARGE 431
#define STATUS_NOT_IMPLEMENTED 501
#define STATUS_VERSION 505

/* What the head says of how the connection and a body go on. */
typedef struct
{
  MillHttpRequest *request;
  guint n_hosts;
  guint n_lengths;
  guint n_codings;
  gboolean has_length; /* and it is not 0 */
  gboolean closes;
  gboolean stays;
} Framing;

static gboolean
fail (MillHttpRequest *request, guint status)
{
  if (request->status == 0)
    request->status = status;
  return FALSE;
}

/* ---- characters (RFC 9110 5.6.2, 5.5) ---- */

static gboolean
is_token_char (guchar c)
{
  return g_ascii_isalnum (c) ||
      (c != '\0' && strchr ("!#$%&'*+-.^_`|~", c) != NULL);
}

static gboolean
is_token (const gchar *text)
{
  const gchar *at = text;

  while (is_token_char (*at))
    at++;
  return at > text && *at == '\0';
}

static gboolean
is_blank (gchar c)
{
  return c == ' ' || c == '\t';
}

/* Printable or blank or not ASCII: no CR, LF or NUL within a line. */
static gboolean
is_text (const gchar *text, gsize length)
{
  for (gsize i = 0; i < length; i++) {
    const guchar c = text[i];

    if ((c < ' ' && c != '\t') || c == 0x7f)
      return FALSE;
  }
  return TRUE;
}

/* 3.2: no blank, nothing that is not ASCII, no fragment. */
static gboolean
is_target (const gchar *text)
{
  for (const gchar *at = text; *at != '\0'; at++) {
    const guchar c = *at;

    if (c <= ' ' || c >= 0x7f || c == '#')
      return FALSE;
  }
  return TRUE;
}

/* ---- the request line ---- */

static MillHttpMethod
get_method (const gchar *name)
{
  if (g_str_equal (name, "GET"))
    return MILL_HTTP_GET;
  if (g_str_equal (name, "HEAD"))
    return MILL_HTTP_HEAD;
  return g_str_equal (name, "OPTIONS") ? MILL_HTTP_OPTIONS : MILL_HTTP_OTHER;
}

/* 2.3: a later minor version is one that this one can be answered to. */
static gboolean
take_version (MillHttpRequest *request, const gchar *text)
{
  if (!g_str_has_prefix (text, "HTTP/") || !g_ascii_isdigit (text[5]) ||
      text[6] != '.' || !g_ascii_isdigit (text[7]) || text[8] != '\0')
    return fail (request, STATUS_BAD);
  if (text[5] != '1')
    return fail (request, STATUS_VERSION);
  request->minor = text[7] == '0' ? 0 : 1;
  return TRUE;
}

/* 3.2.2: absolute-form is taken although it is for proxies; its host counts for
 * nothing here, where there is one for all. */
static gchar *
skip_authority (gchar *target)
{
  static const gchar *const schemes[] = { "http://", "https://" };

  for (guint i = 0; i < G_N_ELEMENTS (schemes); i++) {
    gsize length = strlen (schemes[i]);

    if (g_ascii_strncasecmp (target, schemes[i], length) == 0 &&
        target[length] != '/' && target[length] != '\0')
      return target + length + strcspn (target + length, "/?");
  }
  return NULL;
}

static gboolean
take_target (MillHttpRequest *request, gchar *target)
{
  gchar *path = target;
  gchar *query;

  if (!is_target (target))
    return fail (request, STATUS_BAD);
  if (target[0] != '/')
    path = skip_authority (target);
  if (path == NULL) {
    /* 3.2.3, 3.2.4: "*" is for OPTIONS, a host alone for CONNECT, and what is
     * done with that is to refuse the method. */
    if (request->method != MILL_HTTP_OTHER &&
        !(request->method == MILL_HTTP_OPTIONS && g_str_equal (target, "*")))
      return fail (request, STATUS_BAD);
    path = target;
  }
  query = strchr (path, '?');
  if (query != NULL)
    *query++ = '\0';
  request->query = query;
  request->path = *path != '\0' ? path : "/";
  return TRUE;
}

static gboolean
take_request_line (MillHttpRequest *request, gchar *line)
{
  gchar *target = strchr (line, ' ');
  gchar *version = target != NULL ? strchr (target + 1, ' ') : NULL;

  if (version == NULL)
    return fail (request, STATUS_BAD);
  *target++ = '\0';
  *version++ = '\0';
  if (!is_token (line))
    return fail (request, STATUS_BAD);
  request->method = get_method (line);
  return take_version (request, version) && take_target (request, target);
}

/* ---- header fields ---- */

static const gchar *const names[MILL_HTTP_N_FIELDS] = {
  [MILL_HTTP_ACCEPT_ENCODING] = "Accept-Encoding",
  [MILL_HTTP_IF_NONE_MATCH] = "If-None-Match",
  [MILL_HTTP_IF_RANGE] = "If-Range",
  [MILL_HTTP_RANGE] = "Range",
  [MILL_HTTP_ORIGINAL_URI] = "X-Original-URI",
};

static void
own (MillHttpRequest *request, MillHttpField field, const gchar *value)
{
  if (request->strings == NULL)
    request->strings = g_string_chunk_new (256);
  request->fields[field] = g_string_chunk_insert (request->strings, value);
}

/* RFC 9110 5.3: joined, in their order. */
static void
take_field (MillHttpRequest *request, MillHttpField field, const gchar *value)
{
  g_autofree gchar *both = NULL;

  if (request->fields[field] == NULL) {
    request->fields[field] = value;
    return;
  }
  both = g_strconcat (request->fields[field], ", ", value, NULL);
  own (request, field, both);
}

/* RFC 9110 7.6.1: a list of tokens. */
static void
take_connection (Framing *framing, const gchar *value)
{
  while (*value != '\0') {
    gsize length;

    value += strspn (value, ", \t");
    length = strcspn (value, ", \t");
    if (length == 5 && g_ascii_strncasecmp (value, "close", 5) == 0)
      framing->closes = TRUE;
    else if (length == 10 && g_ascii_strncasecmp (value, "keep-alive", 10) == 0)
      framing->stays = TRUE;
    value += length;
  }
}

/* 6.3: digits alone; a list of the same number may be taken, and is not. */
static gboolean
take_length (Framing *framing, const gchar *value)
{
  gsize digits = strspn (value, "0123456789");

  if (framing->n_lengths++ > 0 || digits == 0 || value[digits] != '\0')
    return fail (framing->request, STATUS_BAD);
  framing->has_length = strspn (value, "0") != digits;
  return TRUE;
}

/* 3.2: host and port, which are not looked at. */
static gboolean
take_host (Framing *framing, const gchar *value)
{
  framing->n_hosts++;
  return value[strcspn (value, " \t/?#@,\\<>\"")] == '\0' ||
      fail (framing->request, STATUS_BAD);
}

static gboolean
take_named (Framing *framing, const gchar *name, const gchar *value)
{
  if (g_ascii_strcasecmp (name, "Host") == 0)
    return take_host (framing, value);
  if (g_ascii_strcasecmp (name, "Content-Length") == 0)
    return take_length (framing, value);
  if (g_ascii_strcasecmp (name, "Connection") == 0) {
    take_connection (framing, value);
    return TRUE;
  }
  if (g_ascii_strcasecmp (name, "Transfer-Encoding") == 0) {
    framing->n_codings++;
    /* 6.1: one that is not known here cannot be skipped. */
    return g_ascii_strcasecmp (value, "chunked") == 0 ||
        fail (framing->request, STATUS_NOT_IMPLEMENTED);
  }
  for (guint i = 0; i < MILL_HTTP_N_FIELDS; i++) {
    if (g_ascii_strcasecmp (name, names[i]) == 0)
      take_field (framing->request, i, value);
  }
  return TRUE;
}

/* 5.1: nothing between name and colon; 5.2: no line that goes on with the one
 * before: such a line has no name. */
static gboolean
take_line (Framing *framing, gchar *line, gsize length)
{
  gchar *colon = strchr (line, ':');
  gchar *value;
  gchar *end = line + length;

  if (colon == NULL)
    return fail (framing->request, STATUS_BAD);
  *colon = '\0';
  if (!is_token (line))
    return fail (framing->request, STATUS_BAD);
  value = colon + 1;
  while (is_blank (*value))
    value++;
  while (end > value && is_blank (end[-1]))
    *--end = '\0';
  return take_named (framing, line, value);
}

static gboolean
check_framing (Framing *framing)
{
  MillHttpRequest *request = framing->request;

  /* 3.2 */
  if (framing->n_hosts > 1 || (request->minor > 0 && framing->n_hosts == 0))
    return fail (request, STATUS_BAD);
  /* 6.1, 6.3: what request smuggling is made of. */
  if (framing->n_codings > 1 ||
      (framing->n_codings > 0 &&
          (framing->n_lengths > 0 || request->minor == 0)))
    return fail (request, STATUS_BAD);
  request->has_body = framing->n_codings > 0 || framing->has_length;
  /* 9.3 */
  request->keeps = !framing->closes && (request->minor > 0 || framing->stays);
  return TRUE;
}

/* @head: lines that each end with CR LF, the last one empty. */
static gboolean
take_head (MillHttpRequest *request, gchar *head, gsize length)
{
  Framing framing = { .request = request };
  guint n = 0;

  for (gchar *line = head; line < head + length; n++) {
    gchar *end = memchr (line, '\n', head + length - line);
    gsize n_line = end - line;

    if (n_line == 0 || end[-1] != '\r' || !is_text (line, n_line - 1))
      return fail (request, STATUS_BAD);
    end[-1] = '\0';
    if (n_line == 1) /* the empty one */
      break;
    if (n == 0 && n_line > MAX_LINE)
      return fail (request, STATUS_URI_TOO_LONG);
    if (n > MILL_HTTP_MAX_LINES)
      return fail (request, STATUS_HEAD_TOO_LARGE);
    if (n == 0 ? !take_request_line (request, line)
               : !take_line (&framing, line, n_line - 1))
      return FALSE;
    line = end + 1;
  }
  return check_framing (&framing);
}

/* ---- requests ---- */

MillHttpHead
mill_http_request_parse (gchar *data, gsize length,
    MillHttpRequest *ret_request, gsize *ret_end)
{
  gsize begin = 0;
  const gchar *end;

  *ret_request = (MillHttpRequest){ .path = "/" };
  *ret_end = 0;
  /* 2.2: empty lines before it are left from something else. */
  while (length - begin >= 2 && memcmp (data + begin, "\r\n", 2) == 0)
    begin += 2;
  end = memmem (data + begin, length - begin, "\r\n\r\n", 4);
  if (end == NULL && length < MILL_HTTP_MAX_HEAD)
    return MILL_HTTP_HEAD_PARTIAL;
  if (end == NULL || (gsize) (end + 4 - data) > MILL_HTTP_MAX_HEAD) {
    ret_request->status = STATUS_HEAD_TOO_LARGE;
    return MILL_HTTP_HEAD_WRONG;
  }
  *ret_end = end + 4 - data;
  if (take_head (ret_request, data + begin, *ret_end - begin))
    return MILL_HTTP_HEAD_WHOLE;
  ret_request->keeps = FALSE;
  return MILL_HTTP_HEAD_WRONG;
}

void
mill_http_request_keep (MillHttpRequest *request)
{
  for (guint i = 0; i < MILL_HTTP_N_FIELDS; i++) {
    if (request->fields[i] != NULL)
      own (request, i, request->fields[i]);
  }
  request->path = "/";
  request->query = NULL;
}

void
mill_http_request_clear (MillHttpRequest *request)
{
  g_clear_pointer (&request->strings, g_string_chunk_free);
}
