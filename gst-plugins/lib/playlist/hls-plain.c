/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/hls-plain.h"

#include <string.h>

/* A day of 1 s segments, five lines each; a longer one is not read. */
#define MAX_LINES (1000 * 1000)

static const struct
{
  const gchar *tag; /* what the line is, or begins with and a ':' follows */
  MillHlsLineKind kind;
} tags[] = {
  { "#EXT-X-VERSION", MILL_HLS_LINE_VERSION },
  { "#EXT-X-TARGETDURATION", MILL_HLS_LINE_TARGET_DURATION },
  { "#EXT-X-DATERANGE", MILL_HLS_LINE_DATE_RANGE },
  { "#EXT-X-MAP", MILL_HLS_LINE_MAP },
  { "#EXT-X-KEY", MILL_HLS_LINE_KEY },
  { "#EXTINF", MILL_HLS_LINE_INF },
  { "#EXT-X-GAP", MILL_HLS_LINE_GAP },
  { "#EXT-X-DISCONTINUITY", MILL_HLS_LINE_SEGMENT },
  { "#EXT-X-PROGRAM-DATE-TIME", MILL_HLS_LINE_SEGMENT },
  { "#EXT-X-BYTERANGE", MILL_HLS_LINE_SEGMENT },
  { "#EXT-X-BITRATE", MILL_HLS_LINE_SEGMENT },
  { "#EXT-X-ENDLIST", MILL_HLS_LINE_ENDLIST },
};

/* ---- lines ---- */

/* Returns the value of the tag; NULL when @line is another one. */
static const gchar *
match_tag (const MillHlsLine *line, const gchar *tag, gsize *ret_length)
{
  gsize length = strlen (tag);

  if (line->length < length || memcmp (line->text, tag, length) != 0)
    return NULL;
  if (line->length > length && line->text[length] != ':')
    return NULL;
  *ret_length = line->length > length ? line->length - length - 1 : 0;
  return line->text + MIN (line->length, length + 1);
}

static MillHlsLineKind
classify (const MillHlsLine *line)
{
  gsize length;

  if (line->length > 0 && line->text[0] != '#')
    return MILL_HLS_LINE_URI;
  for (guint i = 0; i < G_N_ELEMENTS (tags); i++) {
    if (match_tag (line, tags[i].tag, &length) != NULL)
      return tags[i].kind;
  }
  return MILL_HLS_LINE_OTHER;
}

static GArray *
split_lines (GBytes *text)
{
  GArray *lines = g_array_new (FALSE, FALSE, sizeof (MillHlsLine));
  gsize size;
  const gchar *at = g_bytes_get_data (text, &size);
  /* Of nothing there is no place to begin at. */
  const gchar *end = size > 0 ? at + size : at;

  while (at < end && lines->len < MAX_LINES) {
    const gchar *stop = memchr (at, '\n', (gsize) (end - at));
    MillHlsLine line = { .text = at };

    if (stop == NULL)
      stop = end;
    line.length = (gsize) (stop - at);
    if (line.length > 0 && line.text[line.length - 1] == '\r')
      line.length--;
    line.kind = classify (&line);
    if (line.length > 0)
      g_array_append_val (lines, line);
    at = stop + 1;
  }
  return lines;
}

static guint64
read_number (const gchar *text, gsize length, guint64 max)
{
  guint64 value = 0;

  for (gsize i = 0; i < length && g_ascii_isdigit (text[i]); i++) {
    guint digit = (guint) g_ascii_digit_value (text[i]);

    if (value > (max - digit) / 10)
      return max;
    value = value * 10 + digit;
  }
  return value;
}

/* EXTINF: seconds with up to nine digits that count. */
static guint64
read_seconds (const gchar *text, gsize length)
{
  guint64 seconds = read_number (text, length, G_MAXUINT32);
  guint64 fraction = 0;
  guint64 unit = GST_SECOND;
  gsize at = 0;

  while (at < length && g_ascii_isdigit (text[at]))
    at++;
  if (at < length && text[at] == '.') {
    for (at++; at < length && g_ascii_isdigit (text[at]) && unit > 1; at++) {
      unit /= 10;
      fraction += unit * (guint64) g_ascii_digit_value (text[at]);
    }
  }
  return seconds * GST_SECOND + fraction;
}

static guint64
read_generation (const MillHlsLine *uri)
{
  gsize digits = 0;

  while (digits < uri->length && g_ascii_isdigit (uri->text[digits]))
    digits++;
  if (digits == 0 || digits == uri->length || uri->text[digits] != '-' ||
      uri->length < 4 || memcmp (uri->text + uri->length - 4, ".m4s", 4) != 0)
    return G_MAXUINT64;
  return read_number (uri->text, digits, G_MAXUINT64);
}

/* ---- the playlist ---- */

/* What is being put together. */
typedef struct
{
  MillHlsPlainSegment segment;
  gboolean begun;
  gboolean has_inf;
  gboolean had_key; /* of this segment */
} Open;

static void
begin (MillHlsPlain *self, Open *open, guint i)
{
  if (open->begun)
    return;
  open->begun = TRUE;
  open->has_inf = FALSE;
  open->had_key = FALSE;
  /* What stands between two segments goes with the second. */
  open->segment.first = self->segments->len > 0 ? self->tail : i;
  open->segment.duration_ns = 0;
  if (self->segments->len == 0)
    self->n_head = i;
}

static void
add_segment_line (MillHlsPlain *self, Open *open, guint i)
{
  const MillHlsLine *line = &g_array_index (self->lines, MillHlsLine, i);
  const gchar *value;
  gsize length;

  begin (self, open, i);
  self->dated |= match_tag (line, "#EXT-X-PROGRAM-DATE-TIME", &length) != NULL;
  if (line->kind == MILL_HLS_LINE_MAP)
    open->segment.map = (gint) i;
  if (line->kind == MILL_HLS_LINE_KEY && !open->had_key) {
    open->segment.key = (gint) i;
    open->had_key = TRUE;
  }
  if (line->kind != MILL_HLS_LINE_INF && line->kind != MILL_HLS_LINE_GAP)
    return;
  if (!open->has_inf)
    open->segment.inf = i;
  open->has_inf = TRUE;
  value = match_tag (line, "#EXTINF", &length);
  if (value != NULL)
    open->segment.duration_ns = read_seconds (value, length);
}

static void
end_segment (MillHlsPlain *self, Open *open, guint i)
{
  begin (self, open, i);
  if (!open->has_inf)
    open->segment.inf = i;
  open->segment.end = i + 1;
  open->segment.number = self->media_sequence + self->segments->len;
  open->segment.generation =
      read_generation (&g_array_index (self->lines, MillHlsLine, i));
  g_array_append_val (self->segments, open->segment);
  self->tail = i + 1;
  open->begun = FALSE;
}

static void
read_line (MillHlsPlain *self, Open *open, guint i)
{
  const MillHlsLine *line = &g_array_index (self->lines, MillHlsLine, i);
  const gchar *value;
  gsize length;

  switch (line->kind) {
    case MILL_HLS_LINE_URI:
      end_segment (self, open, i);
      return;
    case MILL_HLS_LINE_MAP:
    case MILL_HLS_LINE_KEY:
    case MILL_HLS_LINE_INF:
    case MILL_HLS_LINE_GAP:
    case MILL_HLS_LINE_SEGMENT:
      add_segment_line (self, open, i);
      return;
    case MILL_HLS_LINE_ENDLIST:
      self->ended = TRUE;
      return;
    default:
      break;
  }
  /* 4.4.3: what holds for all segments comes before the first. */
  if (self->segments->len > 0 || open->begun)
    return;
  if ((value = match_tag (line, "#EXT-X-VERSION", &length)) != NULL)
    self->version = (guint) read_number (value, length, G_MAXUINT);
  if ((value = match_tag (line, "#EXT-X-TARGETDURATION", &length)) != NULL)
    self->target_duration_s = (guint) read_number (value, length, G_MAXUINT16);
  if ((value = match_tag (line, "#EXT-X-MEDIA-SEQUENCE", &length)) != NULL)
    self->media_sequence = read_number (value, length, G_MAXINT64);
}

MillHlsPlain *
mill_hls_plain_parse (GBytes *text)
{
  g_autoptr (MillHlsPlain) self = g_new0 (MillHlsPlain, 1);
  Open open = { .segment = { .map = -1, .key = -1 } };
  gsize size;
  const gchar *data = g_bytes_get_data (text, &size);

  if (size < 7 || memcmp (data, "#EXTM3U", 7) != 0)
    return NULL;
  self->text = g_bytes_ref (text);
  self->version = 1;
  self->lines = split_lines (text);
  self->segments = g_array_new (FALSE, FALSE, sizeof (MillHlsPlainSegment));
  self->n_head = self->lines->len;
  for (guint i = 0; i < self->lines->len; i++)
    read_line (self, &open, i);
  if (self->target_duration_s == 0)
    return NULL;
  if (self->segments->len == 0)
    self->tail = self->n_head;
  return g_steal_pointer (&self);
}

void
mill_hls_plain_free (MillHlsPlain *self)
{
  g_clear_pointer (&self->lines, g_array_unref);
  g_clear_pointer (&self->segments, g_array_unref);
  g_clear_pointer (&self->text, g_bytes_unref);
  g_free (self);
}

guint64
mill_hls_plain_get_next (const MillHlsPlain *self)
{
  return self->media_sequence + self->segments->len;
}

/* ---- attributes ---- */

gchar *
mill_hls_plain_dup_quoted (const MillHlsLine *line, const gchar *name)
{
  const gchar *at = memchr (line->text, ':', line->length);
  const gchar *end = line->text + line->length;
  gsize length = strlen (name);

  /* 4.2: NAME=value, separated by commas; a quoted value may hold one. */
  while (at != NULL && ++at < end) {
    const gchar *equals = memchr (at, '=', (gsize) (end - at));
    const gchar *value = equals != NULL ? equals + 1 : end;
    gboolean quoted = value < end && *value == '"';
    const gchar *stop;

    if (equals == NULL)
      return NULL;
    if (quoted)
      value++;
    stop = memchr (value, quoted ? '"' : ',', (gsize) (end - value));
    if (stop == NULL)
      stop = end;
    if (quoted && (gsize) (equals - at) == length &&
        memcmp (at, name, length) == 0)
      return g_strndup (value, (gsize) (stop - value));
    at = stop < end ? memchr (stop, ',', (gsize) (end - stop)) : NULL;
  }
  return NULL;
}

static void
add_once (GPtrArray *list, gchar *uri)
{
  g_autofree gchar *owned = uri;

  if (uri != NULL &&
      !g_ptr_array_find_with_equal_func (list, uri, g_str_equal, NULL))
    g_ptr_array_add (list, g_steal_pointer (&owned));
}

GPtrArray *
mill_hls_plain_list_playlists (GBytes *multivariant)
{
  GPtrArray *list = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GArray) lines = split_lines (multivariant);

  for (guint i = 0; i < lines->len; i++) {
    const MillHlsLine *line = &g_array_index (lines, MillHlsLine, i);
    gsize length;

    if (line->kind == MILL_HLS_LINE_URI)
      add_once (list, g_strndup (line->text, line->length));
    else if (match_tag (line, "#EXT-X-MEDIA", &length) != NULL ||
        match_tag (line, "#EXT-X-I-FRAME-STREAM-INF", &length) != NULL)
      add_once (list, mill_hls_plain_dup_quoted (line, "URI"));
  }
  return list;
}
