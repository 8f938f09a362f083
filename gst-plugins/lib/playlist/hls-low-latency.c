/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "playlist/hls-low-latency.h"

#include <string.h>

#include "playlist/hls-text-private.h"

/* In target durations: 4.4.3.8 (both at their least), 6.2.2. */
#define SKIP_TARGETS 6
#define HOLD_TARGETS 3
#define PART_WINDOW_TARGETS 3
/* In part targets: 4.4.3.8 says at least two, and should be three. */
#define PART_HOLD_TARGETS 3

/* Clause 8. */
#define VERSION_SKIP 9
#define VERSION_SKIP_DATE_RANGES 10

/* What is printed, and what was found out for it. */
typedef struct
{
  const MillHlsPlain *plain;
  const MillHlsLowLatency *live;
  GString *out;
  guint64 listed_ns; /* of the plain segments */
  guint64 whole_ns; /* to the end of the last segment that is complete */
  guint64 total_ns; /* to the end of the last part */
  guint n_skipped;
  guint64 generation; /* of the last segment printed; G_MAXUINT64: unknown */
} Print;

static const MillHlsPlainSegment *
plain_at (const Print *print, guint i)
{
  return &g_array_index (print->plain->segments, MillHlsPlainSegment, i);
}

static const MillHlsLine *
line_at (const Print *print, guint i)
{
  return &g_array_index (print->plain->lines, MillHlsLine, i);
}

static void
print_line (Print *print, guint i)
{
  const MillHlsLine *line = line_at (print, i);

  g_string_append_len (print->out, line->text, (gssize) line->length);
  g_string_append_c (print->out, '\n');
}

static const MillHlsLiveSegment *
find_live (const Print *print, guint64 number)
{
  for (gsize i = print->live->n_segments; i-- > 0;) {
    if (print->live->segments[i].number == number)
      return &print->live->segments[i];
  }
  return NULL;
}

/* ---- measuring ---- */

static guint64
sum_parts (const MillHlsLiveSegment *segment)
{
  guint64 sum = 0;

  for (gsize i = 0; i < segment->n_parts; i++)
    sum += segment->parts[i].duration_ns;
  return sum;
}

static void
measure (Print *print)
{
  guint64 number = mill_hls_plain_get_next (print->plain);
  const MillHlsLiveSegment *segment;

  for (guint i = 0; i < print->plain->segments->len; i++)
    print->listed_ns += plain_at (print, i)->duration_ns;
  print->whole_ns = print->listed_ns;
  if (print->plain->ended)
    number = G_MAXUINT64;
  while ((segment = find_live (print, number)) != NULL && segment->complete) {
    print->whole_ns += segment->duration_ns;
    number++;
  }
  print->total_ns = print->whole_ns;
  if (segment != NULL)
    print->total_ns += sum_parts (segment);
}

/* 6.2.5.1: those further from the end of the last segment than the Skip
 * Boundary; one that lies across it stays. */
static guint
count_skipped (const Print *print)
{
  guint64 boundary =
      (guint64) mill_hls_low_latency_get_skip_boundary (print->plain) *
      GST_SECOND;
  guint64 at = 0;
  guint n = 0;

  if (print->live->skip == MILL_HLS_SKIP_NONE || print->plain->ended)
    return 0;
  for (; n < print->plain->segments->len; n++) {
    at += plain_at (print, n)->duration_ns;
    if (at + boundary >= print->whole_ns)
      break;
  }
  return n;
}

/* ---- the head ---- */

static void
print_control (Print *print)
{
  const MillHlsLowLatency *live = print->live;
  guint target = print->plain->target_duration_s;

  g_string_append_printf (print->out,
      "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=%u.0,"
      "CAN-SKIP-DATERANGES=YES,HOLD-BACK=%u.0,PART-HOLD-BACK=",
      SKIP_TARGETS * target, HOLD_TARGETS * target);
  mill_hls_text_append_seconds (print->out,
      PART_HOLD_TARGETS * live->hold_target_ns);
  g_string_append_c (print->out, '\n');
  if (live->part_target_ns == 0)
    return;
  g_string_append (print->out, "#EXT-X-PART-INF:PART-TARGET=");
  mill_hls_text_append_seconds (print->out, live->part_target_ns);
  g_string_append_c (print->out, '\n');
}

static gboolean
is_old (const Print *print, const MillHlsLine *line)
{
  g_autofree gchar *text = NULL;

  if (line->kind != MILL_HLS_LINE_DATE_RANGE ||
      print->live->skip != MILL_HLS_SKIP_DATE_RANGES || print->plain->ended ||
      print->live->old_date_ranges == NULL)
    return FALSE;
  text = g_strndup (line->text, line->length);
  return g_hash_table_contains (print->live->old_date_ranges, text);
}

/* Whether this is a Playlist Delta Update: something is left out. */
static gboolean
is_delta (const Print *print)
{
  const gchar *removed = print->live->removed_date_ranges;

  if (print->n_skipped > 0)
    return TRUE;
  if (print->live->skip != MILL_HLS_SKIP_DATE_RANGES || print->plain->ended)
    return FALSE;
  if (removed != NULL && *removed != '\0')
    return TRUE;
  for (guint i = 0; i < print->plain->lines->len; i++) {
    if (is_old (print, line_at (print, i)))
      return TRUE;
  }
  return FALSE;
}

static void
print_head (Print *print, gboolean delta)
{
  guint version = print->plain->version;
  guint least = print->live->skip == MILL_HLS_SKIP_DATE_RANGES
      ? VERSION_SKIP_DATE_RANGES
      : VERSION_SKIP;

  if (delta)
    version = MAX (version, least);
  for (guint i = 0; i < print->plain->n_head; i++) {
    const MillHlsLine *line = line_at (print, i);

    if (line->kind == MILL_HLS_LINE_ENDLIST || is_old (print, line))
      continue;
    if (line->kind == MILL_HLS_LINE_VERSION)
      g_string_append_printf (print->out, "#EXT-X-VERSION:%u\n", version);
    else
      print_line (print, i);
    if (line->kind == MILL_HLS_LINE_TARGET_DURATION)
      print_control (print);
  }
}

/* ---- what is left out ---- */

static void
print_skip (Print *print)
{
  const gchar *removed = print->live->removed_date_ranges;

  g_string_append_printf (print->out, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%u",
      print->n_skipped);
  if (print->live->skip == MILL_HLS_SKIP_DATE_RANGES)
    g_string_append_printf (print->out, ",RECENTLY-REMOVED-DATERANGES=\"%s\"",
        removed != NULL ? removed : "");
  g_string_append_c (print->out, '\n');
}

/* The lines of a skipped segment that are not its own (6.2.5.1: what is not
 * skipped stays). */
static void
print_others (Print *print, const MillHlsPlainSegment *segment)
{
  for (guint i = segment->first; i < segment->end; i++) {
    const MillHlsLine *line = line_at (print, i);

    if (line->kind == MILL_HLS_LINE_DATE_RANGE && !is_old (print, line))
      print_line (print, i);
  }
}

/* What held for the last skipped segment holds for the first that is there:
 * said again, because not every player keeps it over a delta. */
static void
print_inherited (Print *print, const MillHlsPlainSegment *segment)
{
  if (segment->map >= 0 && (guint) segment->map < segment->first)
    print_line (print, (guint) segment->map);
  if (segment->key < 0 || (guint) segment->key >= segment->first)
    return;
  for (guint i = (guint) segment->key;
       line_at (print, i)->kind != MILL_HLS_LINE_URI; i++) {
    if (line_at (print, i)->kind == MILL_HLS_LINE_KEY)
      print_line (print, i);
  }
}

/* ---- segments and parts ---- */

static void
print_parts (Print *print, const MillHlsLiveSegment *segment)
{
  for (gsize i = 0; i < segment->n_parts; i++) {
    const MillHlsPart *part = &segment->parts[i];

    g_string_append (print->out, "#EXT-X-PART:DURATION=");
    mill_hls_text_append_seconds (print->out, part->duration_ns);
    g_string_append_printf (print->out,
        ",URI=\"%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".%" G_GSIZE_FORMAT
        ".m4s\"",
        segment->generation, segment->number, i);
    if (part->gap)
      g_string_append (print->out, ",GAP=YES");
    else if (part->independent)
      g_string_append (print->out, ",INDEPENDENT=YES");
    g_string_append_c (print->out, '\n');
  }
}

/* @start_ns: of the segment. 6.2.2: parts are for the live edge. */
static gboolean
shows_parts (const Print *print, guint64 start_ns)
{
  guint64 window = (guint64) print->plain->target_duration_s *
      PART_WINDOW_TARGETS * GST_SECOND;

  return print->live->part_target_ns > 0 &&
      print->total_ns - MIN (start_ns, print->total_ns) <= window;
}

static void
print_listed (Print *print)
{
  guint64 at = 0;

  for (guint i = 0; i < print->plain->segments->len; i++) {
    const MillHlsPlainSegment *segment = plain_at (print, i);
    const MillHlsLiveSegment *live = find_live (print, segment->number);
    guint64 start = at;

    at += segment->duration_ns;
    print->generation = segment->generation;
    if (i < print->n_skipped) {
      print_others (print, segment);
      continue;
    }
    if (i > 0 && i == print->n_skipped)
      print_inherited (print, segment);
    for (guint k = segment->first; k < segment->end; k++) {
      if (k == segment->inf && live != NULL &&
          live->generation == segment->generation && shows_parts (print, start))
        print_parts (print, live);
      if (line_at (print, k)->kind != MILL_HLS_LINE_ENDLIST &&
          !is_old (print, line_at (print, k)))
        print_line (print, k);
    }
  }
}

/* A segment that this rendition has, and the playlists list when all have it.
 */
static void
print_unlisted (Print *print, const MillHlsLiveSegment *segment)
{
  if (segment->discontinuity)
    g_string_append (print->out, "#EXT-X-DISCONTINUITY\n");
  if (!(segment->gap && segment->n_parts == 0) &&
      (segment->discontinuity || segment->generation != print->generation))
    g_string_append_printf (print->out,
        "#EXT-X-MAP:URI=\"init-%" G_GUINT64_FORMAT ".mp4\"\n",
        segment->generation);
  if (print->plain->dated)
    mill_hls_text_append_date_time (print->out, segment->wall_us);
  print_parts (print, segment);
  print->generation = segment->generation;
  if (!segment->complete)
    return;
  if (segment->gap)
    g_string_append (print->out, "#EXT-X-GAP\n");
  g_string_append (print->out, "#EXTINF:");
  mill_hls_text_append_seconds (print->out, segment->duration_ns);
  g_string_append_printf (print->out,
      ",\n%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".m4s\n",
      segment->generation, segment->number);
}

/* ---- what is to come ---- */

static void
print_hint (Print *print, guint64 number, gsize part)
{
  const MillHlsLowLatency *live = print->live;
  guint64 generation = print->generation;

  if (part == 0 && live->next_generation > 0 && number >= live->next_number)
    generation = live->next_generation;
  if (generation == G_MAXUINT64)
    return;
  /* B.1: what the hinted part needs beyond the last one. */
  if (generation != print->generation)
    g_string_append_printf (print->out,
        "#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"init-%" G_GUINT64_FORMAT ".mp4\"\n",
        generation);
  g_string_append_printf (print->out,
      "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"%" G_GUINT64_FORMAT
      "-%" G_GUINT64_FORMAT ".%" G_GSIZE_FORMAT ".m4s\"\n",
      generation, number, part);
}

/* Returns how many parts the segment @number has, the first that is not
 * complete. */
static gsize
print_ahead (Print *print, guint64 *ret_number)
{
  guint64 number = mill_hls_plain_get_next (print->plain);
  const MillHlsLiveSegment *segment;

  while ((segment = find_live (print, number)) != NULL) {
    /* Announced and nothing yet: there is nothing to apply a tag to. */
    if (segment->n_parts > 0 || segment->complete)
      print_unlisted (print, segment);
    if (!segment->complete)
      break;
    number++;
  }
  *ret_number = number;
  return segment != NULL ? segment->n_parts : 0;
}

static void
print_reports (Print *print)
{
  for (gsize i = 0; i < print->live->n_reports; i++) {
    const MillHlsReport *report = &print->live->reports[i];

    g_string_append (print->out, "#EXT-X-RENDITION-REPORT:URI=\"");
    mill_hls_text_append_uri (print->out, report->uri);
    g_string_append_printf (print->out, "\",LAST-MSN=%" G_GUINT64_FORMAT,
        report->last_msn);
    if (report->last_part >= 0)
      g_string_append_printf (print->out, ",LAST-PART=%" G_GINT64_FORMAT,
          report->last_part);
    g_string_append_c (print->out, '\n');
  }
}

static void
print_tail (Print *print)
{
  for (guint i = print->plain->tail; i < print->plain->lines->len; i++) {
    if (line_at (print, i)->kind != MILL_HLS_LINE_ENDLIST &&
        !is_old (print, line_at (print, i)))
      print_line (print, i);
  }
}

GBytes *
mill_hls_low_latency_print (const MillHlsPlain *plain,
    const MillHlsLowLatency *live)
{
  Print print = { .plain = plain, .live = live, .generation = G_MAXUINT64 };
  gboolean delta;
  guint64 number = 0;
  gsize parts;

  measure (&print);
  print.n_skipped = count_skipped (&print);
  delta = is_delta (&print);
  print.out = g_string_sized_new (g_bytes_get_size (plain->text) + 4096);
  print_head (&print, delta);
  if (delta)
    print_skip (&print);
  print_listed (&print);
  print_tail (&print);
  if (plain->ended) {
    g_string_append (print.out, "#EXT-X-ENDLIST\n");
    return g_string_free_to_bytes (print.out);
  }
  parts = print_ahead (&print, &number);
  if (live->part_target_ns > 0)
    print_hint (&print, number, parts);
  print_reports (&print);
  return g_string_free_to_bytes (print.out);
}

guint
mill_hls_low_latency_get_skip_boundary (const MillHlsPlain *plain)
{
  return SKIP_TARGETS * plain->target_duration_s;
}
