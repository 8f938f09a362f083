/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <string.h>

#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "mpd-schema.h"
#include "playlist/mpd.h"

/* A live MPD of a picture and a sound, and what is found in one by XPath. */

static const MillMpdSegment video_segments[] = {
  { 7, 180000, 180000 }, { 8, 360000, 180000 }, { 9, 540000, 183003 },
  { 10, 726006, 180000 }, /* 3003 ticks after the end of 9 */
};

static const MillMpdSegment audio_segments[] = {
  { 7, 96256, 95232 },
  { 8, 191488, 96256 },
};

#define VIDEO                                                         \
  .id = "v360", .set = 1, .content = MILL_MPD_VIDEO, .is_main = TRUE, \
  .codecs = "avc1.64001e", .bandwidth_bps = 800000, .width = 640,     \
  .height = 360, .fps_n = 30000, .fps_d = 1001, .timescale = 90000,   \
  .init = "v360/init-3.mp4", .media = "v360/3-$Number$.m4s"

#define AUDIO                                                         \
  .id = "a128", .set = 2, .content = MILL_MPD_AUDIO, .is_main = TRUE, \
  .language = "en", .codecs = "mp4a.40.2", .bandwidth_bps = 130000,   \
  .sample_rate = 48000, .channels = 2, .timescale = 48000,            \
  .init = "a128/init-3.mp4", .media = "a128/3-$Number$.m4s"

static const MillMpdRepresentation representations[] = {
  { VIDEO, .presentation_time_offset = 180000, .segments = video_segments,
      .n_segments = G_N_ELEMENTS (video_segments) },
  { AUDIO, .presentation_time_offset = 96000, .segments = audio_segments,
      .n_segments = G_N_ELEMENTS (audio_segments) },
};

static const MillMpdPeriod period = {
  .id = "3-7",
  .start = 2 * GST_SECOND,
  .duration = GST_CLOCK_TIME_NONE,
  .representations = representations,
  .n_representations = G_N_ELEMENTS (representations),
};

static const MillMpd live = {
  .kind = MILL_MPD_DYNAMIC,
  .availability_start_us = 1764000000123456,
  .publish_us = 1764000010000000,
  .minimum_update_period = 2 * GST_SECOND,
  .time_shift_buffer_depth = 30 * GST_SECOND,
  .suggested_presentation_delay = 6 * GST_SECOND,
  .min_buffer_time = 2 * GST_SECOND,
  .max_segment_duration = 2034 * GST_MSECOND,
  .duration = GST_CLOCK_TIME_NONE,
  .utc_timing = "manifest.mpd",
  .periods = &period,
  .n_periods = 1,
};

/* ---- reading it back ---- */

#define V "//m:AdaptationSet[@contentType='video']"

static inline xmlDocPtr
parse_any (const MillMpd *mpd)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = mill_mpd_print (mpd, &error);
  xmlDocPtr document;

  g_assert_no_error (error);
  document = xmlReadMemory (g_bytes_get_data (bytes, NULL),
      g_bytes_get_size (bytes), "manifest.mpd", NULL, XML_PARSE_NONET);
  g_assert_nonnull (document);
  return document;
}

static inline xmlDocPtr
parse (const MillMpd *mpd)
{
  xmlDocPtr document = parse_any (mpd);

  mpd_schema_assert_valid (document);
  return document;
}

static inline gchar *
find (xmlDocPtr document, const gchar *expression)
{
  xmlXPathContextPtr context = xmlXPathNewContext (document);
  xmlXPathObjectPtr result;
  xmlChar *text;
  gchar *copy;

  xmlXPathRegisterNs (context, BAD_CAST "m",
      BAD_CAST "urn:mpeg:dash:schema:mpd:2011");
  result = xmlXPathEvalExpression (BAD_CAST expression, context);
  g_assert_nonnull (result);
  text = xmlXPathCastToString (result);
  copy = g_strdup ((gchar *) text);
  xmlFree (text);
  xmlXPathFreeObject (result);
  xmlXPathFreeContext (context);
  return copy;
}

static inline void
assert_found (xmlDocPtr document, const gchar *expression,
    const gchar *expected)
{
  g_autofree gchar *got = find (document, expression);

  if (!g_str_equal (got, expected))
    g_error ("%s: got '%s', expected '%s'", expression, got, expected);
}

typedef struct
{
  const gchar *expression;
  const gchar *expected;
} Vector;

static inline void
assert_vectors (const MillMpd *mpd, const Vector *vectors, gsize n)
{
  xmlDocPtr document = parse (mpd);

  for (gsize i = 0; i < n; i++)
    assert_found (document, vectors[i].expression, vectors[i].expected);
  xmlFreeDoc (document);
}
