/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/origin/http-exchange.h"

#include <string.h>
#include <time.h>

#include "daemon/origin/http-private.h"

#define LINES_BYTES 1024

static const struct
{
  guint status;
  const gchar *phrase;
} phrases[] = {
  { 200, "OK" },
  { 206, "Partial Content" },
  { 304, "Not Modified" },
  { 400, "Bad Request" },
  { 403, "Forbidden" },
  { 404, "Not Found" },
  { 405, "Method Not Allowed" },
  { 414, "URI Too Long" },
  { 416, "Range Not Satisfiable" },
  { 431, "Request Header Fields Too Large" },
  { 500, "Internal Server Error" },
  { 501, "Not Implemented" },
  { 503, "Service Unavailable" },
  { 505, "HTTP Version Not Supported" },
};

const gchar *
mill_http_exchange_get_phrase (guint status)
{
  for (guint i = 0; i < G_N_ELEMENTS (phrases); i++) {
    if (phrases[i].status == status)
      return phrases[i].phrase;
  }
  return "Unknown";
}

const MillHttpRequest *
mill_http_exchange_get_request (const MillHttpExchange *self)
{
  return &self->request;
}

void
mill_http_exchange_set_tag (MillHttpExchange *self, guint tag)
{
  self->tag = tag;
}

guint
mill_http_exchange_get_tag (const MillHttpExchange *self)
{
  return self->tag;
}

/* ---- the answer ---- */

static void
clear_body (MillHttpExchange *self)
{
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_clear_pointer (&self->file, mill_origin_files_release);
  self->offset = 0;
  self->length = 0;
}

void
mill_http_exchange_set_status (MillHttpExchange *self, guint status)
{
  self->status = status;
  if (self->lines != NULL)
    g_string_truncate (self->lines, 0);
  clear_body (self);
}

guint
mill_http_exchange_get_status (const MillHttpExchange *self)
{
  return self->status;
}

static GString *
get_lines (MillHttpExchange *self)
{
  if (self->lines == NULL)
    self->lines = g_steal_pointer (&self->connection->shared->spare);
  if (self->lines == NULL)
    self->lines = g_string_sized_new (LINES_BYTES);
  return self->lines;
}

void
mill_http_exchange_add_field (MillHttpExchange *self, const gchar *name,
    const gchar *value)
{
  GString *lines = get_lines (self);

  g_string_append (lines, name);
  g_string_append_len (lines, ": ", 2);
  g_string_append (lines, value);
  g_string_append_len (lines, "\r\n", 2);
}

void
mill_http_exchange_add_lines (MillHttpExchange *self, const gchar *lines)
{
  g_string_append (get_lines (self), lines);
}

void
mill_http_exchange_set_last (MillHttpExchange *self)
{
  self->is_last = TRUE;
}

void
mill_http_exchange_set_bytes (MillHttpExchange *self, GBytes *bytes,
    guint64 offset, guint64 length)
{
  clear_body (self);
  self->bytes = g_bytes_ref (bytes);
  self->offset = offset;
  self->length = length;
}

void
mill_http_exchange_set_file (MillHttpExchange *self, MillOriginFile *file,
    guint64 offset, guint64 length)
{
  clear_body (self);
  self->file = mill_origin_files_hold (file);
  self->offset = offset;
  self->length = length;
}

/* ---- the head ---- */

/* RFC 9110 5.6.7, in English whatever the locale; made once in a second. */
static const gchar *
get_date (MillHttpShared *shared)
{
  static const gchar days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
    "Sat" };
  static const gchar months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
    "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
  const time_t now = g_get_real_time () / G_USEC_PER_SEC;
  struct tm tm;

  if (now == shared->date_s)
    return shared->date;
  gmtime_r (&now, &tm);
  g_snprintf (shared->date, sizeof (shared->date),
      "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday], tm.tm_mday,
      months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
  shared->date_s = now;
  return shared->date;
}

static void
append_number (GString *text, guint64 number)
{
  gchar digits[24];

  g_string_append_len (text, digits,
      g_snprintf (digits, sizeof (digits), "%" G_GUINT64_FORMAT, number));
}

/* @is_chunked: to a client of HTTP/1.0 the end of the connection is the end of
 * the body (RFC 9112 6.1, 6.3). */
static GString *
print_head (MillHttpExchange *self, gboolean is_chunked)
{
  GString *head = self->connection->shared->head;

  g_string_assign (head, "HTTP/1.1 ");
  append_number (head, self->status);
  g_string_append_c (head, ' ');
  g_string_append (head, mill_http_exchange_get_phrase (self->status));
  g_string_append (head, "\r\nDate: ");
  g_string_append (head, get_date (self->connection->shared));
  if (is_chunked && self->request.minor > 0) {
    g_string_append (head, "\r\nTransfer-Encoding: chunked");
  } else if (!is_chunked && self->status != 304) {
    g_string_append (head, "\r\nContent-Length: ");
    append_number (head, self->length);
  }
  if (self->is_last)
    g_string_append (head, "\r\nConnection: close");
  else if (self->request.minor == 0)
    g_string_append (head, "\r\nConnection: keep-alive");
  g_string_append (head, "\r\n");
  if (self->lines != NULL)
    g_string_append_len (head, self->lines->str, self->lines->len);
  g_string_append (head, "\r\n");
  return head;
}

static gboolean
is_head (const MillHttpExchange *self)
{
  return self->request.method == MILL_HTTP_HEAD;
}

/* Whether it is, is known when the head is printed. */
static void
decide_last (MillHttpExchange *self)
{
  self->is_last |= !self->request.keeps || self->request.has_body;
}

static void
set_text (MillHttpConnection *connection, const GString *text)
{
  connection->output.text = text->str;
  connection->output.n_text = text->len;
}

void
mill_http_exchange_answer (MillHttpExchange *self)
{
  MillHttpConnection *connection = self->connection;

  decide_last (self);
  set_text (connection, print_head (self, FALSE));
  if (!is_head (self)) {
    connection->output.bytes = g_steal_pointer (&self->bytes);
    connection->output.file = g_steal_pointer (&self->file);
    connection->output.offset = self->offset;
    connection->output.length = self->length;
  }
  mill_http_connection_send_last (connection);
}

/* ---- later ---- */

void
mill_http_exchange_hold (MillHttpExchange *self,
    const MillHttpExchangeFuncs *funcs, gpointer user_data)
{
  g_return_if_fail (self->connection->state == MILL_HTTP_HANDLING);
  self->funcs = funcs;
  self->user_data = user_data;
  self->connection->state = MILL_HTTP_HELD;
}

void
mill_http_exchange_release (MillHttpExchange *self)
{
  MillHttpConnection *connection = self->connection;

  g_return_if_fail (connection->state == MILL_HTTP_HELD);
  self->funcs = NULL;
  mill_http_exchange_answer (self);
  mill_http_connection_resume (connection);
}

/* ---- in pieces ---- */

gboolean
mill_http_exchange_begin_chunks (MillHttpExchange *self)
{
  MillHttpConnection *connection = self->connection;
  GString *head;

  g_return_val_if_fail (connection->state == MILL_HTTP_HELD, FALSE);
  self->is_last |= self->request.minor == 0;
  decide_last (self);
  head = print_head (self, TRUE);
  if (is_head (self)) {
    self->funcs = NULL;
    set_text (connection, head);
    mill_http_connection_send_last (connection);
    mill_http_connection_resume (connection);
    return FALSE;
  }
  /* It goes out with the first chunk. */
  g_string_assign (get_lines (self), head->str);
  connection->state = MILL_HTTP_CHUNKING;
  return TRUE;
}

/* Returns: the head, if it is to be sent, to be followed by a size. */
static GString *
begin_chunk (MillHttpExchange *self)
{
  GString *text = self->connection->shared->head;

  g_string_assign (text, self->lines != NULL ? self->lines->str : "");
  if (self->lines != NULL)
    g_string_truncate (self->lines, 0);
  return text;
}

gboolean
mill_http_exchange_send_chunk (MillHttpExchange *self, MillOriginFile *file,
    guint64 offset, guint64 length)
{
  static const gchar end[] = "\r\n";
  MillHttpConnection *connection = self->connection;
  MillHttpOutput *output = &connection->output;
  GString *text = begin_chunk (self);

  g_return_val_if_fail (connection->state == MILL_HTTP_CHUNKING, FALSE);
  if (self->request.minor > 0) {
    g_string_append_printf (text, "%" G_GINT64_MODIFIER "x\r\n", length);
    output->end = end;
    output->n_end = strlen (end);
  }
  set_text (connection, text);
  output->file = mill_origin_files_hold (file);
  output->offset = offset;
  output->length = length;
  mill_http_connection_begin_part (connection);
  return mill_http_connection_send_part (connection);
}

void
mill_http_exchange_end_chunks (MillHttpExchange *self)
{
  MillHttpConnection *connection = self->connection;
  GString *text = begin_chunk (self);

  g_return_if_fail (connection->state == MILL_HTTP_CHUNKING);
  self->funcs = NULL;
  if (self->request.minor > 0)
    g_string_append (text, "0\r\n\r\n");
  set_text (connection, text);
  mill_http_connection_begin_part (connection);
  mill_http_connection_send_last (connection);
  mill_http_connection_resume (connection);
}

void
mill_http_exchange_cut_off (MillHttpExchange *self)
{
  self->funcs = NULL;
  mill_http_connection_end (self->connection);
}
