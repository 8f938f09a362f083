/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* MPDs, read back by an XML parser. Were these wrong, DASH players would ask
 * for segments that do not exist, or show them at the wrong time. */
#include "mpd-test.h"

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
  g_test_add_func ("/mpd/set", test_set);
  g_test_add_func ("/mpd/static", test_static);
  g_test_add_func ("/mpd/on-demand", test_on_demand);
  g_test_add_func ("/mpd/steering", test_steering);
  g_test_add_func ("/mpd/periods", test_periods);
  g_test_add_func ("/mpd/events", test_events);
  g_test_add_func ("/mpd/hostile", test_hostile);
  g_test_add_func ("/mpd/refused", test_refused);
  status = g_test_run ();
  xmlCleanupParser ();
  return status;
}
