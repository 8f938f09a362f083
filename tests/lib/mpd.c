/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* MPDs, read back by an XML parser. Were these wrong, DASH players would ask
 * for segments that do not exist, or show them at the wrong time. */

#include <string.h>

#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "mpd-schema.h"
#include "playlist/mpd.h"

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

static xmlDocPtr
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

static xmlDocPtr
parse (const MillMpd *mpd)
{
  xmlDocPtr document = parse_any (mpd);

  mpd_schema_assert_valid (document);
  return document;
}

static gchar *
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

static void
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

static void
assert_vectors (const MillMpd *mpd, const Vector *vectors, gsize n)
{
  xmlDocPtr document = parse (mpd);

  for (gsize i = 0; i < n; i++)
    assert_found (document, vectors[i].expression, vectors[i].expected);
  xmlFreeDoc (document);
}

/* ---- tests ---- */

static void
test_dynamic (void)
{
  static const Vector vectors[] = {
    { "/m:MPD/@type", "dynamic" },
    { "/m:MPD/@profiles", "urn:mpeg:dash:profile:isoff-live:2011" },
    { "/m:MPD/@availabilityStartTime", "2025-11-24T16:00:00.123456Z" },
    { "/m:MPD/@publishTime", "2025-11-24T16:00:10.000000Z" },
    { "/m:MPD/@minimumUpdatePeriod", "PT2.000000S" },
    { "/m:MPD/@timeShiftBufferDepth", "PT30.000000S" },
    { "/m:MPD/@suggestedPresentationDelay", "PT6.000000S" },
    { "/m:MPD/@minBufferTime", "PT2.000000S" },
    { "/m:MPD/@maxSegmentDuration", "PT2.034000S" },
    { "count(/m:MPD/@mediaPresentationDuration)", "0" },
    { "/m:MPD/m:UTCTiming/@schemeIdUri", "urn:mpeg:dash:utc:http-head:2014" },
    { "/m:MPD/m:UTCTiming/@value", "manifest.mpd" },
    { "count(//m:Period)", "1" },
    { "//m:Period/@id", "3-7" },
    { "//m:Period/@start", "PT2.000000S" },
    { "count(//m:Period/@duration)", "0" },
    { "count(//m:AdaptationSet)", "2" },
  };

  assert_vectors (&live, vectors, G_N_ELEMENTS (vectors));
}

static void
test_video (void)
{
#define V "//m:AdaptationSet[@contentType='video']"
  static const Vector vectors[] = {
    { V "/@mimeType", "video/mp4" },
    { V "/@segmentAlignment", "true" },
    { V "/@startWithSAP", "1" },
    { V "/m:Role/@value", "main" },
    { V "//@id[parent::m:Representation]", "v360" },
    { V "//@codecs", "avc1.64001e" },
    { V "//@bandwidth", "800000" },
    { V "//@width", "640" },
    { V "//@height", "360" },
    { V "//@frameRate", "30000/1001" },
    { V "//@sar", "1:1" },
    { V "//@timescale", "90000" },
    { V "//@presentationTimeOffset", "180000" },
    { V "//@initialization", "v360/init-3.mp4" },
    { V "//@media", "v360/3-$Number$.m4s" },
    { V "//@startNumber", "7" },
    /* 7 and 8 are one run, 9 follows on with another duration, 10 comes
     * after a hole in time and needs its @t (5.3.9.6.2). */
    { "count(" V "//m:S)", "3" },
    { V "//m:S[1]/@t", "180000" },
    { V "//m:S[1]/@d", "180000" },
    { V "//m:S[1]/@r", "1" },
    { "count(" V "//m:S[2]/@t)", "0" },
    { V "//m:S[2]/@d", "183003" },
    { "count(" V "//m:S[2]/@r)", "0" },
    { V "//m:S[3]/@t", "726006" },
  };

  assert_vectors (&live, vectors, G_N_ELEMENTS (vectors));
}

static void
test_audio (void)
{
#define A "//m:AdaptationSet[@contentType='audio']"
  static const Vector vectors[] = {
    { A "/@mimeType", "audio/mp4" },
    { A "/@lang", "en" },
    { A "//@audioSamplingRate", "48000" },
    { A "//m:AudioChannelConfiguration/@value", "2" },
    { A "//m:AudioChannelConfiguration/@schemeIdUri",
        "urn:mpeg:dash:23003:3:audio_channel_configuration:2011" },
    { "count(" A "//@width)", "0" },
    { A "//m:S[1]/@t", "96256" },
    { A "//m:S[2]/@d", "96256" },
  };

  assert_vectors (&live, vectors, G_N_ELEMENTS (vectors));
}

/* 23009-1 5.8.4.8, 5.8.4.9: a player that does not know an essential property
 * leaves the set alone, which is right where it would show a grey picture. */
#define T "//m:AdaptationSet[@contentType='text']"

/* 23009-1 5.8.5.5 and SCTE 214-1: what a viewer finds in the menu of captions. */
static void
test_text (void)
{
  static const MillMpdSegment segment = { 1, 0, 180000 };
  static const Vector vectors[] = {
    { T "/@mimeType", "application/mp4" },
    { T "/@lang", "de" },
    { T "//@codecs", "wvtt" },
    { "count(" T "/m:Role)", "2" },
    { T "/m:Role[1]/@value", "main" },
    { T "/m:Role[2]/@value", "caption" },
    { "count(" T "//m:AudioChannelConfiguration)", "0" },
    { "//m:Accessibility[1]/@schemeIdUri", "urn:scte:dash:cc:cea-608:2015" },
    { "//m:Accessibility[1]/@value", "CC1=eng" },
    { "//m:Accessibility[2]/@schemeIdUri", "urn:scte:dash:cc:cea-708:2015" },
    { "count(//m:Accessibility[2]/@value)", "0" },
  };
  const MillMpdRepresentation both[] = {
    { .id = "v",
        .set = 1,
        .content = MILL_MPD_VIDEO,
        .is_main = TRUE,
        .captions_608 = "CC1=eng",
        .captions_708 = "",
        .timescale = 90000,
        .init = "init-1.mp4",
        .media = "1-$Number$.m4s",
        .segments = &segment,
        .n_segments = 1 },
    { .id = "de",
        .set = 2,
        .content = MILL_MPD_TEXT,
        .language = "de",
        .is_main = TRUE,
        .text_role = MILL_MPD_CAPTION,
        .codecs = "wvtt",
        .timescale = 90000,
        .init = "init-1.mp4",
        .media = "1-$Number$.m4s",
        .segments = &segment,
        .n_segments = 1 },
  };
  const MillMpdPeriod two = { .id = "p1",
    .representations = both,
    .n_representations = G_N_ELEMENTS (both) };
  MillMpd mpd = live;
  mpd.periods = &two;

  assert_vectors (&mpd, vectors, G_N_ELEMENTS (vectors));
}

static void
test_colour (void)
{
#define CICP(name, what) \
  "//m:" name "[@schemeIdUri='urn:mpeg:mpegB:cicp:" what "']/@value"
  static const struct
  {
    MillCodecColour colour;
    const gchar *element; /* NULL: none */
    const gchar *transfer;
  } cases[] = {
    { { TRUE, 9, 16, 9, FALSE }, "EssentialProperty", "16" },
    { { TRUE, 9, 18, 9, FALSE }, "EssentialProperty", "18" },
    { { TRUE, 9, 14, 9, FALSE }, "SupplementalProperty", "14" },
    { { TRUE, 1, 1, 1, FALSE }, NULL, NULL }, /* what players assume */
    { { FALSE, 0, 0, 0, FALSE }, NULL, NULL },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MillMpdRepresentation video = representations[0];
    MillMpdPeriod only = period;
    MillMpd mpd = live;
    video.colour = cases[i].colour;
    only.representations = &video;
    only.n_representations = 1;
    mpd.periods = &only;
    mpd.n_periods = 1;
    if (cases[i].element == NULL) {
      static const Vector none[] = {
        { "count(//m:EssentialProperty | //m:SupplementalProperty)", "0" },
      };
      assert_vectors (&mpd, none, G_N_ELEMENTS (none));
      continue;
    }
    g_autofree gchar *path =
        g_strdup_printf (CICP ("%s", "TransferCharacteristics"),
            cases[i].element);
    g_autofree gchar *matrix =
        g_strdup_printf (CICP ("%s", "MatrixCoefficients"), cases[i].element);
    const Vector vectors[] = {
      { path, cases[i].transfer },
      { matrix, "9" },
      { "count(//m:EssentialProperty | //m:SupplementalProperty)", "3" },
    };
    assert_vectors (&mpd, vectors, G_N_ELEMENTS (vectors));
  }
#undef CICP
}

/* Channels: ISO/IEC 23091-3 where it has a number, Dolby's scheme for Dolby. */
static void
test_channels (void)
{
  static const struct
  {
    guint channels;
    guint configuration;
    guint dolby;
    const gchar *scheme;
    const gchar *value;
  } cases[] = {
    { 8, 7, 0, "urn:mpeg:dash:23003:3:audio_channel_configuration:2011", "7" },
    { 8, 0, 0, "urn:mpeg:dash:23003:3:audio_channel_configuration:2011", "12" },
    { 6, 6, 0xf801, "tag:dolby.com,2014:dash:audio_channel_configuration:2011",
        "F801" },
    { 1, 1, 0x4000, "tag:dolby.com,2014:dash:audio_channel_configuration:2011",
        "4000" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    MillMpdRepresentation audio = representations[1];
    MillMpdPeriod only = period;
    MillMpd mpd = live;
    audio.channels = cases[i].channels;
    audio.channel_configuration = cases[i].configuration;
    audio.dolby_channels = cases[i].dolby;
    only.representations = &audio;
    only.n_representations = 1;
    mpd.periods = &only;
    mpd.n_periods = 1;
    const Vector vectors[] = {
      { "//m:AudioChannelConfiguration/@schemeIdUri", cases[i].scheme },
      { "//m:AudioChannelConfiguration/@value", cases[i].value },
      { "count(//m:AudioChannelConfiguration)", "1" },
    };
    assert_vectors (&mpd, vectors, G_N_ELEMENTS (vectors));
  }
}

/* After EOS, and for a VOD: nothing of a clock is left in it. */
static void
test_static (void)
{
  static const Vector vectors[] = {
    { "/m:MPD/@type", "static" },
    { "/m:MPD/@mediaPresentationDuration", "PT8.066667S" },
    { "count(/m:MPD/@availabilityStartTime | /m:MPD/@publishTime | "
      "/m:MPD/@minimumUpdatePeriod | /m:MPD/@timeShiftBufferDepth | "
      "/m:MPD/@suggestedPresentationDelay | //m:UTCTiming)",
        "0" },
  };
  MillMpd vod = live;

  vod.kind = MILL_MPD_STATIC;
  vod.duration = 8066667000;
  assert_vectors (&vod, vectors, G_N_ELEMENTS (vectors));
}

/* One file with an index (23009-1 8.3, 5.3.9.2): a player that was told wrong
 * bytes would take media for an index. */
static void
test_on_demand (void)
{
  static const Vector vectors[] = {
    { "/m:MPD/@profiles", "urn:mpeg:dash:profile:isoff-on-demand:2011" },
    { "count(//m:SegmentTemplate)", "0" },
    { "string(//m:Representation/m:BaseURL)", "v360/1.mp4" },
    { "//m:SegmentBase/@indexRange", "700-811" },
    { "//m:SegmentBase/@timescale", "90000" },
    { "//m:SegmentBase/m:Initialization/@range", "0-699" },
    { "//m:AdaptationSet/@subsegmentAlignment", "true" },
    { "//m:AdaptationSet/@subsegmentStartsWithSAP", "1" },
    { "count(//@segmentAlignment | //@startWithSAP)", "0" },
  };
  MillMpdRepresentation video = { VIDEO, .segments = video_segments,
    .n_segments = 2 };
  const MillMpdPeriod period = { "a", 0, GST_CLOCK_TIME_NONE, NULL, &video, 1 };
  MillMpd vod = live;

  video.file = "v360/1.mp4";
  video.header = (MillMpdRange){ 0, 700 };
  video.index = (MillMpdRange){ 700, 112 };
  vod.kind = MILL_MPD_STATIC;
  vod.duration = 4 * GST_SECOND;
  vod.periods = &period;
  vod.n_periods = 1;
  assert_vectors (&vod, vectors, G_N_ELEMENTS (vectors));
}

/* Pictures to jump through (23009-1 5.3.9.3, DASH-IF IOP 3.2.9). */
static void
test_trick_mode (void)
{
  static const MillMpdRange ranges[] = { { 32, 100 }, { 36, 1 } };
  static const Vector vectors[] = {
    { "count(//m:AdaptationSet)", "2" },
    { "//m:AdaptationSet[2]/m:EssentialProperty/@schemeIdUri",
        "http://dashif.org/guidelines/trickmode" },
    { "//m:AdaptationSet[2]/m:EssentialProperty/@value", "1" },
    { "count(//m:AdaptationSet[2]/m:Role)", "0" },
    { "//m:AdaptationSet[2]/m:Representation/@maxPlayoutRate", "32" },
    { "//m:AdaptationSet[2]/m:Representation/@codingDependency", "false" },
    { "count(//m:SegmentList/m:SegmentURL)", "2" },
    { "//m:SegmentList/m:Initialization/@sourceURL", "v360/init-3.mp4" },
    { "//m:SegmentURL[1]/@media", "v360/3-7.m4s" },
    { "//m:SegmentURL[1]/@mediaRange", "32-131" },
    { "//m:SegmentURL[2]/@mediaRange", "36-36" },
  };
  MillMpdRepresentation reps[] = {
    { VIDEO, .segments = video_segments, .n_segments = 2 },
    { VIDEO, .segments = video_segments, .n_segments = 2 },
  };
  const MillMpdPeriod period = { "a", 0, GST_CLOCK_TIME_NONE, NULL, reps, 2 };
  MillMpd vod = live;

  reps[1].id = "trick";
  reps[1].set = 1001;
  reps[1].trick_set = 1;
  reps[1].ranges = ranges;
  vod.kind = MILL_MPD_STATIC;
  vod.duration = 4 * GST_SECOND;
  vod.periods = &period;
  vod.n_periods = 1;
  assert_vectors (&vod, vectors, G_N_ELEMENTS (vectors));
}

/* Places, and who chooses; no URL can end its element. */
static void
test_steering (void)
{
  static const Vector vectors[] = {
    { "count(/m:MPD/m:BaseURL)", "2" },
    { "string(/m:MPD/m:BaseURL[@serviceLocation='a'])", "./" },
    { "string(/m:MPD/m:BaseURL[@serviceLocation='b'])",
        "https://b.example/x/?a=1&b=<2>" },
    { "string(/m:MPD/m:ContentSteering)", "https://s.example/?a&b" },
    { "/m:MPD/m:ContentSteering/@defaultServiceLocation", "a" },
    { "/m:MPD/m:ContentSteering/@queryBeforeStart", "true" },
    { "count(/m:MPD/m:ContentSteering/preceding-sibling::m:Period)", "0" },
  };
  static const MillMpdBase bases[] = {
    { "a", NULL },
    { "b", "https://b.example/x/?a=1&b=<2>" },
  };
  MillMpd mpd = live;

  mpd.bases = bases;
  mpd.n_bases = G_N_ELEMENTS (bases);
  mpd.steering_uri = "https://s.example/?a&b";
  assert_vectors (&mpd, vectors, G_N_ELEMENTS (vectors));
}

/* Two rungs in one set, a second Period after a gap, an empty representation
 * and an empty Period. */
static void
test_periods (void)
{
  static const Vector vectors[] = {
    { "count(//m:Period)", "2" },
    { "count(//m:Period[1]//m:Representation)", "2" },
    { "count(//m:Period[1]/m:AdaptationSet)", "1" },
    { "count(//m:Period[1]//@startWithSAP)", "0" },
    { "count(//m:Period[2]//m:Representation)", "1" },
    { "//m:Period[2]//m:SupplementalProperty/@schemeIdUri",
        "urn:mpeg:dash:period-continuity:2015" },
    { "//m:Period[2]//m:SupplementalProperty/@value", "a" },
    { "//m:Period[2]/@start", "PT6.000000S" },
  };
  const MillMpdRepresentation first[] = {
    { VIDEO, .segments = video_segments, .n_segments = 2 },
    { VIDEO, .segments = video_segments, .n_segments = 1,
        .cut_without_sap = TRUE },
    { AUDIO },
  };
  const MillMpdRepresentation second[] = {
    { VIDEO },
    { VIDEO, .segments = &video_segments[2], .n_segments = 2 },
  };
  const MillMpdPeriod periods[] = {
    { "a", 0, 6 * GST_SECOND, NULL, first, G_N_ELEMENTS (first) },
    { "b", 6 * GST_SECOND, GST_CLOCK_TIME_NONE, "a", second,
        G_N_ELEMENTS (second) },
    { "c", 9 * GST_SECOND, GST_CLOCK_TIME_NONE, NULL, second, 1 },
  };
  MillMpd mpd = live;

  mpd.periods = periods;
  mpd.n_periods = G_N_ELEMENTS (periods);
  assert_vectors (&mpd, vectors, G_N_ELEMENTS (vectors));
}

/* What a player is told of breaks in the MPD, and that its segments have event
 * messages (23009-1 5.10.2, 5.10.3; SCTE 214-1 6.7). */
static void
test_events (void)
{
  static const guint8 section[] = { 0xfc, 0x30, 0x11 };
  static const gchar *const schemes[] = { "urn:scte:scte35:2013:bin", NULL };
#define E "/m:MPD/m:Period/m:EventStream"
  static const Vector vectors[] = {
    { "count(" E ")", "1" },
    { E "/@schemeIdUri", "urn:scte:scte35:2014:xml+bin" },
    { E "/@timescale", "90000" },
    { "count(" E "/m:Event)", "2" },
    { E "/m:Event[1]/@presentationTime", "90000" },
    { E "/m:Event[1]/@duration", "2700000" },
    { E "/m:Event[1]/@id", "41" },
    { "namespace-uri(" E "/m:Event[1]/*)",
        "http://www.scte.org/schemas/35/2016" },
    { E "/m:Event[1]/*[local-name()='Signal']/*[local-name()='Binary']",
        "/DAR" },
    { "count(" E "/m:Event[2]/@duration)", "0" },
    /* The order of the schema: before the first set. */
    { "count(" E "/following-sibling::m:AdaptationSet)", "2" },
    { V "/m:InbandEventStream/@schemeIdUri", "urn:scte:scte35:2013:bin" },
    { "count(//m:InbandEventStream)", "1" },
    { "count(" V "/m:InbandEventStream/following-sibling::m:Role)", "1" },
  };
  g_autoptr (GBytes) bytes = g_bytes_new_static (section, sizeof section);
  const MillMpdEvent events[] = {
    { 41, 90000, 2700000, bytes },
    { 42, 180000, MILL_MPD_EVENT_NO_DURATION, bytes },
  };
  MillMpdRepresentation with[] = { representations[0], representations[1] };
  MillMpdPeriod eventful = period;
  MillMpd mpd = live;

  with[0].event_schemes = schemes;
  eventful.representations = with;
  eventful.events = events;
  eventful.n_events = G_N_ELEMENTS (events);
  mpd.periods = &eventful;
  assert_vectors (&mpd, vectors, G_N_ELEMENTS (vectors));
}

static void
test_hostile (void)
{
  MillMpdRepresentation rep = { VIDEO, .segments = video_segments,
    .n_segments = 1 };
  MillMpdPeriod hostile = period;
  MillMpd mpd = live;
  xmlDocPtr document;

  rep.id = "\"/><evil a=\"&\x01\xff";
  rep.language = "]]>";
  rep.media = "$Number$.m4s?a&b<c>";
  hostile.representations = &rep;
  hostile.n_representations = 1;
  mpd.periods = &hostile;
  /* Names that no schema allows, and still XML. */
  document = parse_any (&mpd);
  assert_found (document, "count(//m:evil)", "0");
  assert_found (document, "//m:Representation/@id",
      "\"/><evil a=\"& \xef\xbf\xbd");
  assert_found (document, "//@media", "$Number$.m4s?a&b<c>");
  xmlFreeDoc (document);
}

static void
assert_refused (const MillMpdSegment *segments, gsize n, guint32 timescale,
    const gchar *expected)
{
  g_autoptr (GError) error = NULL;
  MillMpdRepresentation rep = { VIDEO, .segments = segments, .n_segments = n };
  MillMpdPeriod wrong = period;
  MillMpd mpd = live;

  rep.timescale = timescale;
  wrong.representations = &rep;
  wrong.n_representations = 1;
  mpd.periods = &wrong;
  g_assert_null (mill_mpd_print (&mpd, &error));
  g_assert_error (error, MILL_MPD_ERROR, MILL_MPD_ERROR_INVALID);
  g_assert_cmpstr (error->message, ==, expected);
}

/* What would send a player to segments that are not there. */
static void
test_refused (void)
{
  const MillMpdSegment gap[] = { { 1, 0, 10 }, { 3, 20, 10 } };
  const MillMpdSegment overlap[] = { { 1, 0, 10 }, { 2, 9, 10 } };
  const MillMpdSegment empty[] = { { 1, 0, 0 } };
  g_autoptr (GError) error = NULL;
  MillMpd endless = live;

  assert_refused (gap, 2, 90000,
      "segment of representation 'v360': got number 3, expected 2 (a gap needs "
      "a new Period)");
  assert_refused (overlap, 2, 90000,
      "segment 2 of representation 'v360': got time 9, expected 10 or later");
  assert_refused (empty, 1, 90000,
      "duration of segment 1 of representation 'v360': got 0, expected more");
  assert_refused (empty, 1, 0,
      "timescale of representation 'v360': got 0, expected ticks per second");

  endless.kind = MILL_MPD_STATIC;
  g_assert_null (mill_mpd_print (&endless, &error));
  g_assert_error (error, MILL_MPD_ERROR, MILL_MPD_ERROR_INVALID);
}

/* What a set may come to (ISO/IEC 23009-1 5.3.3.2, 5.3.7): of the
 * representations that it lists; a start without a keyframe in one of them is
 * no promise of the set. */
static void
test_set (void)
{
  MillMpdRepresentation ladder[] = {
    { VIDEO, .segments = video_segments, .n_segments = 2 },
    { VIDEO, .segments = video_segments, .n_segments = 2 },
    { VIDEO }, /* without segments: not in this Period */
  };
  MillMpdPeriod one = period;
  MillMpd mpd = live;

  ladder[1].id = "v720";
  ladder[1].width = 1280;
  ladder[1].height = 720;
  ladder[1].fps_n = 15;
  ladder[1].fps_d = 1;
  ladder[1].cut_without_sap = TRUE;
  ladder[2].id = "v2160";
  ladder[2].width = 3840;
  ladder[2].height = 2160;
  one.representations = ladder;
  one.n_representations = G_N_ELEMENTS (ladder);
  mpd.periods = &one;
  static const Vector vectors[] = {
    { "count(//m:AdaptationSet)", "1" },
    { "count(//m:Representation)", "2" },
    { "string(//m:AdaptationSet/@maxWidth)", "1280" },
    { "string(//m:AdaptationSet/@maxHeight)", "720" },
    { "string(//m:AdaptationSet/@maxFrameRate)", "30000/1001" },
    { "string(//m:AdaptationSet/@segmentAlignment)", "true" },
    { "count(//m:AdaptationSet/@startWithSAP)", "0" },
  };
  assert_vectors (&mpd, vectors, G_N_ELEMENTS (vectors));
}

int
main (int argc, char **argv)
{
  gint status;

  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  g_test_add_func ("/mpd/dynamic", test_dynamic);
  g_test_add_func ("/mpd/video", test_video);
  g_test_add_func ("/mpd/audio", test_audio);
  g_test_add_func ("/mpd/text", test_text);
  g_test_add_func ("/mpd/colour", test_colour);
  g_test_add_func ("/mpd/channels", test_channels);
  g_test_add_func ("/mpd/set", test_set);
  g_test_add_func ("/mpd/static", test_static);
  g_test_add_func ("/mpd/on-demand", test_on_demand);
  g_test_add_func ("/mpd/steering", test_steering);
  g_test_add_func ("/mpd/trick-mode", test_trick_mode);
  g_test_add_func ("/mpd/periods", test_periods);
  g_test_add_func ("/mpd/events", test_events);
  g_test_add_func ("/mpd/hostile", test_hostile);
  g_test_add_func ("/mpd/refused", test_refused);
  status = g_test_run ();
  xmlCleanupParser ();
  return status;
}
