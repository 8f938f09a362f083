/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Heads of requests, as RFC 9112 has them. Were this wrong, a proxy in front and
 * this server would see different requests in the same bytes, and one viewer
 * could put an answer of his choice into another's cache. Clauses are of RFC
 * 9112. */

#include <string.h>

#include "daemon/origin/http-request.h"

static MillHttpHead
parse (const gchar *text, gsize length, MillHttpRequest *request, gsize *end)
{
  static gchar data[4 * MILL_HTTP_MAX_HEAD];

  g_assert_cmpuint (length, <=, sizeof (data));
  memcpy (data, text, length);
  return mill_http_request_parse (data, length, request, end);
}

/* ---- what is wrong, and what it is answered with ---- */

#define HOST "Host: a\r\n"

static const struct
{
  const gchar *clause;
  guint status; /* 0: it is taken */
  const gchar *text;
} heads[] = {
  /* 2.2: lines end with CR LF; one CR alone is none. */
  { "2.2", 0, "GET / HTTP/1.1\r\n" HOST "\r\n" },
  { "2.2", 0, "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n" },
  { "2.2", 400, "GET / HTTP/1.1\n" HOST "\r\n" },
  { "2.2", 400, "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n" },
  { "2.2", 400, "GET / HTTP/1.1\r\nHost: a\r\nX: b\rc\r\n\r\n" },
  { "2.2", 400, "\nGET / HTTP/1.1\r\n" HOST "\r\n" },
  /* 2.2: no white space between the first line and the fields. */
  { "2.2", 400, "GET / HTTP/1.1\r\n " HOST "\r\n" },
  /* 2.3 */
  { "2.3", 0, "GET / HTTP/1.0\r\n\r\n" },
  { "2.3", 0, "GET / HTTP/1.7\r\n" HOST "\r\n" },
  { "2.3", 505, "GET / HTTP/2.0\r\n" HOST "\r\n" },
  { "2.3", 505, "PRI * HTTP/2.0\r\n\r\n" },
  { "2.3", 400, "GET / http/1.1\r\n" HOST "\r\n" },
  { "2.3", 400, "GET / HTTP/1.10\r\n" HOST "\r\n" },
  { "2.3", 400, "GET / HTTP/11\r\n" HOST "\r\n" },
  { "2.3", 400, "GET /\r\n" HOST "\r\n" },
  /* 3: single spaces. */
  { "3", 400, "GET  / HTTP/1.1\r\n" HOST "\r\n" },
  { "3", 400, "GET / HTTP/1.1 \r\n" HOST "\r\n" },
  { "3", 400, " GET / HTTP/1.1\r\n" HOST "\r\n" },
  { "3", 400, "GET /a b HTTP/1.1\r\n" HOST "\r\n" },
  { "3", 400, "GET\t/ HTTP/1.1\r\n" HOST "\r\n" },
  /* 3.1 */
  { "3.1", 0, "BREW / HTTP/1.1\r\n" HOST "\r\n" },
  { "3.1", 400, "G(T / HTTP/1.1\r\n" HOST "\r\n" },
  /* 3.2: who is asked; targets. */
  { "3.2", 400, "GET / HTTP/1.1\r\n\r\n" },
  { "3.2", 400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n" },
  { "3.2", 400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n" },
  { "3.2", 400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n" },
  { "3.2", 0, "GET / HTTP/1.1\r\nHost:\r\n\r\n" },
  { "3.2", 0, "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n" },
  { "3.2", 400, "GET /a#b HTTP/1.1\r\n" HOST "\r\n" },
  { "3.2", 400, "GET /\xc3\xa4 HTTP/1.1\r\n" HOST "\r\n" },
  { "3.2.2", 0, "GET http://a:1/x HTTP/1.1\r\n" HOST "\r\n" },
  { "3.2.2", 400, "GET http:///x HTTP/1.1\r\n" HOST "\r\n" },
  { "3.2.2", 400, "GET ftp://a/x HTTP/1.1\r\n" HOST "\r\n" },
  { "3.2.3", 0, "CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n" },
  { "3.2.3", 400, "GET a:443 HTTP/1.1\r\n" HOST "\r\n" },
  { "3.2.4", 0, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n" },
  { "3.2.4", 400, "GET * HTTP/1.1\r\n" HOST "\r\n" },
  /* 5: names and values. */
  { "5.1", 400, "GET / HTTP/1.1\r\nHost : a\r\n\r\n" },
  { "5.1", 400, "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n" },
  { "5.1", 400, "GET / HTTP/1.1\r\n" HOST "b\r\n\r\n" },
  { "5.1", 400, "GET / HTTP/1.1\r\n" HOST "X\x01: b\r\n\r\n" },
  { "5.1", 0, "GET / HTTP/1.1\r\n" HOST "X:\t b\tc \t\r\n\r\n" },
  { "5.1", 400, "GET / HTTP/1.1\r\n" HOST "X: b\x01\r\n\r\n" },
  { "5.1", 400, "GET / HTTP/1.1\r\n" HOST "X: b\x7f\r\n\r\n" },
  { "5.2", 400, "GET / HTTP/1.1\r\n" HOST "X: b\r\n c\r\n\r\n" },
  { "5.2", 400, "GET / HTTP/1.1\r\n" HOST "X: b\r\n\t: c\r\n\r\n" },
  /* 6: what request smuggling is made of. */
  { "6.3", 0, "GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n" },
  { "6.3", 400, "GET / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n" },
  { "6.3", 400, "GET / HTTP/1.1\r\n" HOST "Content-Length: -5\r\n\r\n" },
  { "6.3", 400, "GET / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\n" },
  { "6.3", 400, "GET / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n" },
  { "6.3", 400, "GET / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n" },
  { "6.3", 400,
      "GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n"
      "content-length: 6\r\n\r\n" },
  { "6.3", 400,
      "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n"
      "Transfer-Encoding: chunked\r\n\r\n" },
  { "6.1", 0, "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n" },
  { "6.1", 400, "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" },
  { "6.1", 501,
      "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n" },
  { "6.1", 501,
      "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n" },
  { "6.1", 400,
      "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n"
      "Transfer-Encoding: chunked\r\n\r\n" },
  { "6.1", 400,
      "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n" },
};

static void
test_rules (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (heads); i++) {
    const gsize length = strlen (heads[i].text);
    g_auto (MillHttpRequest) request = { 0 };
    gsize end;
    MillHttpHead got = parse (heads[i].text, length, &request, &end);

    if (request.status != heads[i].status)
      g_error ("%s: '%s': got %u, expected %u", heads[i].clause, heads[i].text,
          request.status, heads[i].status);
    g_assert_cmpint (got, ==,
        heads[i].status == 0 ? MILL_HTTP_HEAD_WHOLE : MILL_HTTP_HEAD_WRONG);
    g_assert_true (heads[i].status != 0 || end == length);
  }
}

/* A NUL within a line would end the text for us, and not for others. */
static void
test_nul (void)
{
  static const gchar *const places[] = { "GE@T / HTTP/1.1\r\n" HOST "\r\n",
    "GET /@ HTTP/1.1\r\n" HOST "\r\n", "GET / HTTP/1.1@\r\n" HOST "\r\n",
    "GET / HTTP/1.1\r\nHo@st: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a@\r\n\r\n",
    "GET / HTTP/1.1\r\n" HOST "@\r\n\r\n" };

  for (guint i = 0; i < G_N_ELEMENTS (places); i++) {
    g_autofree gchar *text = g_strdup (places[i]);
    const gsize length = strlen (text);
    g_auto (MillHttpRequest) request = { 0 };
    gsize end;

    *strchr (text, '@') = '\0';
    g_assert_cmpint (parse (text, length, &request, &end), ==,
        MILL_HTTP_HEAD_WRONG);
    g_assert_cmpuint (request.status, ==, 400);
  }
}

/* ---- what is taken out of a head ---- */

#define LONG                                                                \
  "HEAD /stream/demo/v/playlist.m3u8?_HLS_msn=7&_HLS_part=2 HTTP/1.1\r\n"   \
  "Host: example.org:8080\r\nUser-Agent: (a) \"b\"\r\n"                     \
  "accept-encoding: gzip,\tdeflate \r\nIF-NONE-MATCH: \"a\"\r\nX: \xe4\r\n" \
  "If-None-Match:\"b\"\r\nRange: bytes=1-2\r\nIf-Range: \"c\"\r\n"          \
  "X-Original-URI: /x\r\n\r\n"

static void
assert_fields (const MillHttpRequest *request)
{
  g_assert_cmpstr (request->fields[MILL_HTTP_ACCEPT_ENCODING], ==,
      "gzip,\tdeflate");
  /* RFC 9110 5.3 */
  g_assert_cmpstr (request->fields[MILL_HTTP_IF_NONE_MATCH], ==,
      "\"a\", \"b\"");
  g_assert_cmpstr (request->fields[MILL_HTTP_RANGE], ==, "bytes=1-2");
  g_assert_cmpstr (request->fields[MILL_HTTP_IF_RANGE], ==, "\"c\"");
  g_assert_cmpstr (request->fields[MILL_HTTP_ORIGINAL_URI], ==, "/x");
}

static void
test_content (void)
{
  static gchar data[] = LONG "GET";
  g_auto (MillHttpRequest) request = { 0 };
  gsize end;

  g_assert_cmpint (mill_http_request_parse (data, strlen (data), &request,
                       &end),
      ==, MILL_HTTP_HEAD_WHOLE);
  g_assert_cmpuint (end, ==, strlen (LONG));
  g_assert_cmpint (request.method, ==, MILL_HTTP_HEAD);
  g_assert_cmpstr (request.path, ==, "/stream/demo/v/playlist.m3u8");
  g_assert_cmpstr (request.query, ==, "_HLS_msn=7&_HLS_part=2");
  g_assert_cmpuint (request.minor, ==, 1);
  g_assert_true (request.keeps);
  g_assert_false (request.has_body);
  assert_fields (&request);
  /* What waits does not need the data. */
  mill_http_request_keep (&request);
  memset (data, 'x', sizeof (data) - 1);
  assert_fields (&request);
}

/* 9.3 */
static void
test_keeps (void)
{
  static const struct
  {
    const gchar *version;
    const gchar *lines;
    gboolean keeps;
  } vectors[] = {
    { "1.1", "", TRUE },
    { "1.1", "Connection: close\r\n", FALSE },
    { "1.1", "Connection: x, Close\r\n", FALSE },
    { "1.1", "Connection: keep-alive\r\nConnection: close\r\n", FALSE },
    { "1.1", "Connection: closed\r\n", TRUE },
    { "1.0", "", FALSE },
    { "1.0", "Connection: Keep-Alive\r\n", TRUE },
    { "1.0", "Connection: keep-alive, close\r\n", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autofree gchar *text = g_strdup_printf ("GET / HTTP/%s\r\n" HOST "%s\r\n",
        vectors[i].version, vectors[i].lines);
    g_auto (MillHttpRequest) request = { 0 };
    gsize end;

    g_assert_cmpint (parse (text, strlen (text), &request, &end), ==,
        MILL_HTTP_HEAD_WHOLE);
    g_assert_cmpint (request.keeps, ==, vectors[i].keeps);
  }
}

/* ---- where it ends ---- */

static void
test_truncated (void)
{
  for (gsize n = 0; n < strlen (LONG); n++) {
    g_auto (MillHttpRequest) request = { 0 };
    gsize end;

    g_assert_cmpint (parse (LONG, n, &request, &end), ==,
        MILL_HTTP_HEAD_PARTIAL);
  }
}

static guint
get_status_of (const GString *text)
{
  g_auto (MillHttpRequest) request = { 0 };
  gsize end;

  if (parse (text->str, text->len, &request, &end) == MILL_HTTP_HEAD_PARTIAL)
    return G_MAXUINT;
  return request.status;
}

static void
test_bounds (void)
{
  g_autoptr (GString) text = g_string_new ("GET / HTTP/1.1\r\n" HOST "X: ");
  g_autoptr (GString) lines = g_string_new ("GET / HTTP/1.1\r\n" HOST);
  g_autoptr (GString) line = g_string_new ("GET /");

  /* The longest head, and one byte more; that nobody has to wait for its end. */
  while (text->len < MILL_HTTP_MAX_HEAD - 4)
    g_string_append_c (text, 'x');
  g_assert_cmpuint (get_status_of (text), ==, G_MAXUINT);
  g_string_append (text, "\r\n\r\n");
  g_assert_cmpuint (get_status_of (text), ==, 0);
  g_string_insert_c (text, text->len - 4, 'x');
  g_assert_cmpuint (get_status_of (text), ==, 431);
  g_string_truncate (text, MILL_HTTP_MAX_HEAD);
  g_assert_cmpuint (get_status_of (text), ==, 431);
  /* As many lines as there may be, and one more. */
  for (guint i = 1; i < MILL_HTTP_MAX_LINES; i++)
    g_string_append (lines, "X: y\r\n");
  g_string_append (lines, "\r\n");
  g_assert_cmpuint (get_status_of (lines), ==, 0);
  g_string_insert (lines, lines->len - 2, "X: y\r\n");
  g_assert_cmpuint (get_status_of (lines), ==, 431);
  /* 3: 8000 bytes of a first line at least. */
  while (line->len < 8000)
    g_string_append_c (line, 'x');
  g_string_append (line, " HTTP/1.1\r\n" HOST "\r\n");
  g_assert_cmpuint (get_status_of (line), ==, 0);
  for (guint i = 0; i < 200; i++)
    g_string_insert_c (line, 5, 'x');
  g_assert_cmpuint (get_status_of (line), ==, 414);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/origin/request/rules", test_rules);
  g_test_add_func ("/origin/request/nul", test_nul);
  g_test_add_func ("/origin/request/content", test_content);
  g_test_add_func ("/origin/request/keeps", test_keeps);
  g_test_add_func ("/origin/request/truncated", test_truncated);
  g_test_add_func ("/origin/request/bounds", test_bounds);
  return g_test_run ();
}
