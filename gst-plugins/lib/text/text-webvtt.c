/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "text/text-webvtt.h"

#include <string.h>

#include "text/text-builder.h"

#define ARROW "-->"
#define SECOND_MS 1000
/* More hours than this are no time of a cue: below what ns can hold. */
#define HOURS_MAX 1000000
/* MPEG-2 timestamps have 33 bits (13818-1 2.4.3.7). */
#define MPEG_WRAP (G_GUINT64_CONSTANT (1) << 33)

/* ---- lines ---- */

typedef struct
{
  const gchar *at;
  const gchar *end;
} Text;

typedef struct
{
  const gchar *at;
  gsize length;
} Line;

static gboolean
next_line (Text *text, Line *ret_line)
{
  if (text->at >= text->end)
    return FALSE;
  const gchar *at = text->at;
  while (at < text->end && *at != '\n' && *at != '\r')
    at++;
  *ret_line = (Line){ text->at, (gsize) (at - text->at) };
  if (at < text->end && *at == '\r' && at + 1 < text->end && at[1] == '\n')
    at++;
  text->at = at + 1;
  return TRUE;
}

static gboolean
starts_with (const Line *line, const gchar *prefix)
{
  gsize length = strlen (prefix);
  return line->length >= length && memcmp (line->at, prefix, length) == 0;
}

static const gchar *
find_arrow (const Line *line)
{
  return g_strstr_len (line->at, (gssize) line->length, ARROW);
}

/* ---- times ---- */

static gboolean
read_number (const gchar **at, const gchar *end, guint digits_min,
    guint digits_max, guint64 *ret_value)
{
  guint n = 0;
  guint64 value = 0;
  while (*at < end && g_ascii_isdigit (**at) && n < digits_max) {
    value = value * 10 + (guint64) (**at - '0');
    (*at)++;
    n++;
  }
  *ret_value = value;
  return n >= digits_min;
}

static gboolean
read_char (const gchar **at, const gchar *end, gchar wanted)
{
  if (*at >= end || **at != wanted)
    return FALSE;
  (*at)++;
  return TRUE;
}

/* WebVTT 4.1: [hh:]mm:ss.mmm; SRT has a comma. */
static gboolean
read_time (const gchar **at, const gchar *end, GstClockTimeDiff *ret_time)
{
  guint64 part[3] = { 0, 0, 0 };
  guint64 milli;
  guint n = 0;
  while (n < 3) {
    if (!read_number (at, end, 2, n == 0 ? 7 : 2, &part[n]))
      return FALSE;
    if (++n == 3 || !read_char (at, end, ':'))
      break;
  }
  if (n < 2 || !(read_char (at, end, '.') || read_char (at, end, ',')) ||
      !read_number (at, end, 3, 3, &milli))
    return FALSE;
  guint64 hours = n == 3 ? part[0] : 0;
  guint64 minutes = part[n - 2];
  guint64 seconds = part[n - 1];
  if (hours > HOURS_MAX || minutes > 59 || seconds > 59)
    return FALSE;
  guint64 total = ((hours * 60 + minutes) * 60 + seconds) * SECOND_MS + milli;
  *ret_time = (GstClockTimeDiff) (total * GST_MSECOND);
  return TRUE;
}

static void
skip_space (const gchar **at, const gchar *end)
{
  while (*at < end && (**at == ' ' || **at == '\t'))
    (*at)++;
}

static gboolean
read_timings (const Line *line, GstClockTimeDiff *start, GstClockTimeDiff *stop,
    gchar **ret_settings)
{
  const gchar *at = line->at;
  const gchar *end = line->at + line->length;
  skip_space (&at, end);
  if (!read_time (&at, end, start))
    return FALSE;
  skip_space (&at, end);
  if (end - at < 3 || memcmp (at, ARROW, 3) != 0)
    return FALSE;
  at += 3;
  skip_space (&at, end);
  if (!read_time (&at, end, stop) || *stop <= *start)
    return FALSE;
  *ret_settings = g_strndup (at, (gsize) (end - at));
  return TRUE;
}

/* ---- cue text ---- */

/* A character reference that cue text has; anything else is its letters. */
static gsize
read_reference (const gchar *at, gsize left, const gchar **ret_text)
{
  static const gchar *const references[][2] = { { "&amp;", "&" },
    { "&lt;", "<" }, { "&gt;", ">" }, { "&nbsp;", "\302\240" },
    { "&lrm;", "\342\200\216" }, { "&rlm;", "\342\200\217" },
    { "&quot;", "\"" }, { "&apos;", "'" }, { "&#39;", "'" } };
  for (guint i = 0; i < G_N_ELEMENTS (references); i++) {
    gsize length = strlen (references[i][0]);
    if (left >= length && memcmp (at, references[i][0], length) == 0) {
      *ret_text = references[i][1];
      return length;
    }
  }
  return 0;
}

static void
put_tag (MillTextBuilder *builder, const gchar *at, gsize length)
{
  g_autofree gchar *tag = g_strndup (at, length);
  if (tag[0] == '/') {
    mill_text_builder_close (builder, tag + 1);
    return;
  }
  gchar *annotation = strpbrk (tag, " \t\r\n");
  if (annotation != NULL)
    *annotation++ = '\0';
  mill_text_builder_open (builder, tag, annotation);
}

gchar *
mill_text_webvtt_clean (const gchar *data, gsize size)
{
  g_auto (MillTextBuilder) builder = { 0 };
  gsize i = 0;
  while (i < size) {
    const gchar *close = data[i] == '<' ? memchr (data + i, '>', size - i)
                                        : NULL;
    const gchar *letter;
    gsize used = data[i] == '&' ? read_reference (data + i, size - i, &letter)
                                : 0;
    if (close != NULL) {
      gsize length = (gsize) (close - data) - i - 1;
      put_tag (&builder, data + i + 1, length);
      i += length + 2;
    } else if (used > 0) {
      mill_text_builder_put (&builder, letter, -1);
      i += used;
    } else {
      gsize n = 1;
      while (i + n < size && data[i + n] != '<' && data[i + n] != '&')
        n++;
      mill_text_builder_put (&builder, data + i, (gssize) n);
      i += n;
    }
  }
  return mill_text_builder_finish (&builder);
}

/* ---- files ---- */

gboolean
mill_text_webvtt_has_timings (const gchar *data, gsize size)
{
  Text text = { data, data + size };
  Line line;
  while (next_line (&text, &line)) {
    GstClockTimeDiff start;
    GstClockTimeDiff end;
    g_autofree gchar *settings = NULL;
    if (starts_with (&line, "WEBVTT") ||
        read_timings (&line, &start, &end, &settings))
      return TRUE;
  }
  return FALSE;
}

/* The lines up to the next blank one, or to timings that nobody has put a blank
 * line before: those are left in @text. */
static Line
read_body (Text *text)
{
  Line body = { text->at, 0 };
  Line line;
  while (next_line (text, &line) && line.length > 0) {
    if (find_arrow (&line) != NULL) {
      text->at = line.at;
      break;
    }
    body.length = (gsize) (line.at - body.at) + line.length;
  }
  return body;
}

static void
read_cue (Text *text, const Line *timings, const Line *id, GPtrArray *cues)
{
  GstClockTimeDiff start;
  GstClockTimeDiff end;
  g_autofree gchar *settings = NULL;
  gboolean valid = read_timings (timings, &start, &end, &settings);
  Line body = read_body (text);
  if (!valid || cues->len >= MILL_TEXT_CUES_MAX)
    return;
  gchar *words = mill_text_webvtt_clean (body.at, body.length);
  if (words == NULL)
    return;
  MillTextCue *cue = mill_text_cue_new (start, end, words);
  mill_text_cue_set_settings (cue, settings);
  if (id->length > 0) {
    g_autofree gchar *name = g_strndup (id->at, id->length);
    mill_text_cue_set_id (cue, name);
  }
  g_ptr_array_add (cues, cue);
}

void
mill_text_webvtt_parse (const gchar *data, gsize size, GPtrArray *cues)
{
  Text text = { data, data + size };
  Line before = { data, 0 };
  Line line;
  if (size >= 3 && memcmp (data, "\357\273\277", 3) == 0)
    text.at += 3;
  while (next_line (&text, &line)) {
    if (find_arrow (&line) != NULL) {
      read_cue (&text, &line, &before, cues);
      before.length = 0;
    } else if (starts_with (&line, "NOTE") || starts_with (&line, "STYLE") ||
        starts_with (&line, "REGION") || starts_with (&line, "WEBVTT")) {
      read_body (&text);
      before.length = 0;
    } else {
      before = line;
    }
  }
}

/* ---- writing ---- */

static guint64
to_ms (GstClockTimeDiff time)
{
  return gst_util_uint64_scale_round ((guint64) MAX (time, 0), 1, GST_MSECOND);
}

static void
append_time (GString *out, guint64 ms)
{
  g_string_append_printf (out, "%02" G_GUINT64_FORMAT ":%02u:%02u.%03u",
      ms / (3600 * SECOND_MS), (guint) (ms / (60 * SECOND_MS) % 60),
      (guint) (ms / SECOND_MS % 60), (guint) (ms % SECOND_MS));
}

static void
append_cue (GString *out, const MillTextSegment *segment,
    const MillTextCue *cue)
{
  gboolean is_open = !GST_CLOCK_STIME_IS_VALID (cue->end);
  guint64 start =
      to_ms (is_open ? MAX (cue->start, segment->start) : cue->start);
  guint64 end = to_ms (is_open ? segment->end : cue->end);
  if (end <= start)
    return;
  g_string_append_c (out, '\n');
  if (cue->id != NULL)
    g_string_append_printf (out, "%s\n", cue->id);
  append_time (out, start);
  g_string_append (out, " " ARROW " ");
  append_time (out, end);
  if (cue->settings != NULL)
    g_string_append_printf (out, " %s", cue->settings);
  g_string_append_printf (out, "\n%s\n", cue->text);
}

GBytes *
mill_text_webvtt_print (const MillTextSegment *segment)
{
  GString *out = g_string_new ("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:");
  /* Whole milliseconds, which are whole ticks: the map is exact. */
  guint64 start = to_ms (segment->start);
  append_time (out, start);
  g_string_append_printf (out, ",MPEGTS:%" G_GUINT64_FORMAT "\n",
      start * 90 % MPEG_WRAP);
  for (guint i = 0; i < segment->cues->len; i++)
    append_cue (out, segment, g_ptr_array_index (segment->cues, i));
  return g_string_free_to_bytes (out);
}
