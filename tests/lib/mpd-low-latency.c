/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The MPD of low latency, made from a plain one. Were it wrong, players would
 * ask for segments that are not there, or be seconds behind. */

#include <string.h>

#include "mpd-schema.h"
#include "playlist/mpd-low-latency.h"

#define HEAD                                                             \
  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                         \
  "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" "                        \
  "profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"dynamic\" " \
  "availabilityStartTime=\"2026-01-01T00:00:00.250000Z\" "               \
  "publishTime=\"2026-01-01T00:01:00.000000Z\" "                         \
  "minimumUpdatePeriod=\"PT2.000000S\" "                                 \
  "suggestedPresentationDelay=\"PT6.000000S\" minBufferTime=\"PT2.000000S\">\n"

#define SET_HEAD                                     \
  "  <AdaptationSet id=\"1\" contentType=\"video\" " \
  "mimeType=\"video/mp4\">\n"                        \
  "   <SupplementalProperty schemeIdUri=\"urn:a\" value=\"b\"/>\n"

#define ROLE \
  "   <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"main\"/>\n"

#define VIDEO(fps)                                                  \
  "   <Representation id=\"v\" bandwidth=\"1000\" codecs=\"avc1\" " \
  "width=\"2\" height=\"2\" frameRate=\"" fps "\">\n"

#define AUDIO_HEAD                                   \
  "  <AdaptationSet id=\"2\" contentType=\"audio\" " \
  "mimeType=\"audio/mp4\">\n"

#define AUDIO                                       \
  "   <Representation id=\"a\" bandwidth=\"1000\" " \
  "codecs=\"mp4a.40.2\">\n"

#define TIMELINE(attributes, rows)                                      \
  "    <SegmentTemplate " attributes ">\n     <SegmentTimeline>\n" rows \
  "     </SegmentTimeline>\n    </SegmentTemplate>\n"

#define SET_END "   </Representation>\n  </AdaptationSet>\n"
#define TAIL                                                               \
  " </Period>\n <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-head:2014" \
  "\" value=\"manifest.mpd\"/>\n</MPD>\n"

#define FILES "initialization=\"i.mp4\" media=\"$Number$.m4s\""

/* Numbers from 7 on in a Period that began with 5, four seconds before. */
#define REGULAR                                                                    \
  HEAD " <Period id=\"p5\" start=\"PT10.500000S\">\n" SET_HEAD ROLE VIDEO (        \
      "30") TIMELINE ("timescale=\"90000\" presentationTimeOffset=\"900\" " FILES  \
                      " startNumber=\"7\"",                                        \
      "      <S t=\"360900\" d=\"180000\" r=\"3\"/>\n")                            \
      SET_END AUDIO_HEAD ROLE AUDIO TIMELINE (                                     \
          "timescale=\"48000\" presentationTimeOffset=\"480\" " FILES              \
          " startNumber=\"7\"",                                                    \
          "      <S t=\"192992\" d=\"96256\"/>\n      <S d=\"95232\" r=\"2\"/>\n") \
          SET_END TAIL

#define SERVICE                                                   \
  " <ServiceDescription id=\"0\">\n  <Latency referenceId=\"0\" " \
  "target=\"1300\" max=\"5200\" min=\"650\"/>\n"                  \
  "  <PlaybackRate max=\"1.04\" min=\"0.96\"/>\n </ServiceDescription>\n"

#define REFERENCE(time, dt)                                                \
  "   <ProducerReferenceTime id=\"0\" inband=\"true\" type=\"encoder\" "   \
  "wallClockTime=\"2026-01-01T00:00:10.750000Z\" presentationTime=\"" time \
  "\"/>\n   <Resync type=\"0\" dT=\"" dt "\"/>\n"

static const gchar regular_made[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" "
    "profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" type=\"dynamic\" "
    "availabilityStartTime=\"2026-01-01T00:00:00.250000Z\" "
    "publishTime=\"2026-01-01T00:01:00.000000Z\" "
    "minimumUpdatePeriod=\"PT2.000000S\" "
    "suggestedPresentationDelay=\"PT1.300000S\" "
    "minBufferTime=\"PT2.000000S\">\n" SERVICE
    " <Period id=\"p5\" start=\"PT10.500000S\">\n" SET_HEAD REFERENCE ("900",
        "18000")
        ROLE VIDEO (
            "30") "    <SegmentTemplate timescale=\"90000\" presentationTimeOffset=\"900\" " FILES
                  " startNumber=\"5\" duration=\"180000\" "
                  "availabilityTimeOffset=\"1.800000\" availabilityTimeComplete=\"false\"/>\n" SET_END
                      AUDIO_HEAD REFERENCE ("480", "9600") ROLE AUDIO
    "    <SegmentTemplate timescale=\"48000\" presentationTimeOffset=\"480\" " FILES
    " startNumber=\"5\" duration=\"96000\" "
    "availabilityTimeOffset=\"1.800000\" availabilityTimeComplete=\"false\"/>\n" SET_END
    " </Period>\n"
    " <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-iso:2014\" "
    "value=\"time\"/>\n"
    " <UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:http-head:2014\" "
    "value=\"manifest.mpd\"/>\n</MPD>\n";

static const MillMpdLowLatency options = { 200000000, "time" };

static gchar *
make_kind (const gchar *plain, const MillMpdLowLatency *wanted,
    MillMpdLowLatencyKind *ret_kind, GError **error)
{
  g_autoptr (GBytes) text = g_bytes_new_static (plain, strlen (plain));
  g_autoptr (GBytes) made =
      mill_mpd_low_latency_make (text, wanted, ret_kind, error);
  xmlDocPtr document;
  gsize size;
  gconstpointer data;

  if (made == NULL)
    return NULL;
  data = g_bytes_get_data (made, &size);
  document = xmlReadMemory (data, (gint) size, "x.mpd", NULL, XML_PARSE_NONET);
  g_assert_nonnull (document);
  mpd_schema_assert_valid (document);
  xmlFreeDoc (document);
  return g_strndup (data, size);
}

static gchar *
make (const gchar *plain, GError **error)
{
  return make_kind (plain, &options, NULL, error);
}

static void
assert_made_with (const gchar *plain, const gchar *wanted)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *made = make (plain, &error);

  g_assert_no_error (error);
  if (strstr (made, wanted) == NULL)
    g_error ("expected '%s' in\n%s", wanted, made);
}

static void
assert_refused (const gchar *plain, gint code)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *made = make (plain, &error);

  g_assert_null (made);
  g_assert_error (error, MILL_MPD_LOW_LATENCY_ERROR, code);
}

/* One video in a Period from 0 on. */
#define ONE(fps, attributes, rows)                                             \
  HEAD " <Period id=\"p0\" start=\"PT0.000000S\">\n" SET_HEAD ROLE VIDEO (fps) \
      TIMELINE (FILES " " attributes, rows) SET_END TAIL

static void
test_exact (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *made = make (REGULAR, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (made, ==, regular_made);
}

/* A publisher that is away: what is told is what there is, in a version after the
 * plain one, and no number that the clock would count. A Period with an end would
 * be the end of the presentation to players. */
static void
test_stands (void)
{
  static const MillMpdLowLatency wanted[] = {
    { 200000000, "time", .stands = TRUE },
    /* 7 to 10 are listed; 11 is of another time. */
    { 200000000, "time", .next_period = 11 },
    { 200000000, "time", .stands = TRUE, .next_period = 5 },
  };
  g_autofree gchar *date = g_strdup (REGULAR);
  gchar *at = strstr (date, "publishTime=\"2026-01-01T00:01:00.000000Z\"");

  memcpy (strstr (at, ".000000Z"), ".001000Z", strlen (".000000Z"));
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++) {
    MillMpdLowLatencyKind kind = MILL_MPD_LOW_LATENCY_COUNTS;
    g_autoptr (GError) error = NULL;
    g_autofree gchar *made = make_kind (REGULAR, &wanted[i], &kind, &error);

    g_assert_no_error (error);
    g_assert_cmpuint (kind, ==, MILL_MPD_LOW_LATENCY_STANDS);
    g_assert_cmpstr (made, ==, date);
  }
}

/* Parts of sound may be longer by a frame: where players may look for the next one
 * says that; when a segment can be asked for is when its first part is there. */
static void
test_longer_part (void)
{
  static const MillMpdLowLatency wanted = { 200000000, "time",
    .longest_part_ns = 214000000 };
  g_autofree gchar *made = make_kind (REGULAR, &wanted, NULL, NULL);

  g_assert_nonnull (strstr (made, "availabilityTimeOffset=\"1.800000\""));
  g_assert_nonnull (strstr (made, "dT=\"10272\""));
  g_assert_null (strstr (made, "dT=\"9600\""));
}

/* The Period that is listed, and those before it, are no Periods to come. */
static void
test_known_periods (void)
{
  for (guint64 n = 0; n <= 10; n += 5) {
    const MillMpdLowLatency wanted = { 200000000, "time", .next_period = n };
    MillMpdLowLatencyKind kind = MILL_MPD_LOW_LATENCY_STANDS;
    g_autofree gchar *made = make_kind (REGULAR, &wanted, &kind, NULL);

    g_assert_cmpuint (kind, ==, MILL_MPD_LOW_LATENCY_COUNTS);
    g_assert_cmpstr (made, ==, regular_made);
  }
}

/* RTMP rounds to milliseconds: 60 frames of 29.97 are 2.002 s, 50 are 1.668333.
 */
static void
test_rounded_stamps (void)
{
  assert_made_with (ONE ("30000/1001", "timescale=\"90000\" startNumber=\"0\"",
                        "<S t=\"0\" d=\"150120\"/><S d=\"150120\"/>"
                        "<S d=\"150210\"/><S d=\"150120\"/>"),
      "timescale=\"90000\" startNumber=\"0\" duration=\"150150\" "
      "availabilityTimeOffset=\"1.468333\"");
  assert_made_with (ONE ("24000/1001", "timescale=\"90000\" startNumber=\"0\"",
                        "<S t=\"0\" d=\"187650\"/><S d=\"187740\"/>"),
      "timescale=\"360000\" startNumber=\"0\" duration=\"750750\"");
}

/* Sound whose own timescale has no such length takes that of the picture. */
static void
test_timescales (void)
{
  assert_made_with (HEAD
      " <Period id=\"p0\" start=\"PT0.000000S\">\n" SET_HEAD ROLE
          VIDEO ("30000/1001")
              TIMELINE (FILES " timescale=\"90000\" startNumber=\"0\"",
                  "<S t=\"0\" d=\"180180\" r=\"3\"/>")
                  SET_END AUDIO_HEAD ROLE AUDIO TIMELINE (FILES
                      " timescale=\"44100\" presentationTimeOffset=\"441\" "
                      "startNumber=\"0\"",
                      "<S t=\"441\" d=\"88064\"/><S d=\"88064\" r=\"2\"/>")
                      SET_END TAIL,
      "timescale=\"90000\" presentationTimeOffset=\"900\" startNumber=\"0\" "
      "duration=\"180180\"");
}

static void
test_earlier_periods (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *made = make (HEAD
      " <Period id=\"p0\" start=\"PT0.000000S\">\n" SET_HEAD ROLE VIDEO ("30")
          TIMELINE (FILES " timescale=\"1\" startNumber=\"0\"",
              "<S t=\"0\" d=\"2\"/>") SET_END
      " </Period>\n <Period id=\"p1\" start=\"PT2.000000S\">\n" SET_HEAD ROLE
          VIDEO ("30") TIMELINE (FILES " timescale=\"1\" startNumber=\"1\"",
              "<S t=\"0\" d=\"2\" r=\"1\"/>") SET_END TAIL,
      &error);

  g_assert_no_error (error);
  g_assert_nonnull (strstr (made, "<S t=\"0\" d=\"2\"/>"));
  g_assert_null (strstr (made, " r=\"1\""));
  g_assert_nonnull (strstr (made, "startNumber=\"1\" duration=\"2\""));
}

/* What has no parts stays as it is. */
static void
test_other_sets (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *made = make (HEAD
      " <Period id=\"p0\" start=\"PT0.000000S\">\n" SET_HEAD ROLE VIDEO ("30")
          TIMELINE (FILES " timescale=\"1\" startNumber=\"0\"",
              "<S t=\"0\" d=\"2\" r=\"1\"/>") SET_END
      "  <AdaptationSet id=\"2\" contentType=\"video\">\n"
      "   <EssentialProperty "
      "schemeIdUri=\"http://dashif.org/guidelines/trickmode\" value=\"1\"/>\n" AUDIO
          TIMELINE (FILES " timescale=\"1\" startNumber=\"0\"",
              "<S t=\"0\" d=\"1\" r=\"8\"/>") SET_END
      "  <AdaptationSet id=\"3\" contentType=\"text\">\n" AUDIO TIMELINE (FILES
          " timescale=\"1\" startNumber=\"0\"",
          "<S t=\"0\" d=\"1\" r=\"9\"/>") SET_END TAIL,
      &error);

  g_assert_no_error (error);
  g_assert_nonnull (strstr (made, " r=\"8\""));
  g_assert_nonnull (strstr (made, " r=\"9\""));
  g_assert_null (strstr (made, " r=\"1\""));
}

static void
test_refused (void)
{
  gint fit = MILL_MPD_LOW_LATENCY_ERROR_FIT;
  gint invalid = MILL_MPD_LOW_LATENCY_ERROR_INVALID;

  /* One segment tells no length; two of two lengths tell none either. */
  assert_refused (ONE ("30", "timescale=\"10\"", "<S t=\"0\" d=\"20\"/>"), fit);
  assert_refused (ONE ("30", "timescale=\"10\"",
                      "<S t=\"0\" d=\"20\"/><S d=\"30\"/>"),
      fit);
  /* Of one length again, and not where counting puts them. */
  assert_refused (ONE ("30", "timescale=\"10\"",
                      "<S t=\"0\" d=\"20\"/><S d=\"28\"/>"
                      "<S d=\"20\" r=\"5\"/>"),
      fit);
  /* A hole. */
  assert_refused (ONE ("30", "timescale=\"10\"",
                      "<S t=\"0\" d=\"20\"/><S t=\"60\" d=\"20\"/>"),
      fit);
  /* As short as parts. */
  assert_refused (ONE ("30", "timescale=\"10\"",
                      "<S t=\"0\" d=\"2\" r=\"3\"/>"),
      fit);
  assert_refused (ONE ("30", "timescale=\"0\"", "<S t=\"0\" d=\"2\" r=\"3\"/>"),
      invalid);
  assert_refused (ONE ("30", "timescale=\"1\"",
                      "<S t=\"0\" d=\"2\" r=\"99999999999\"/>"),
      invalid);
  assert_refused ("<MPD type=\"static\"><Period/></MPD>", invalid);
  assert_refused ("<MPD type=\"dynamic\"/>", invalid);
}

/* Cut anywhere it is no MPD, and nothing breaks. */
static void
test_truncated (void)
{
  gsize size = strlen (REGULAR) - strlen ("\n");

  for (gsize n = 0; n < size; n++) {
    g_autoptr (GBytes) text = g_bytes_new (REGULAR, n);
    g_autoptr (GError) error = NULL;

    g_assert_null (mill_mpd_low_latency_make (text, &options, NULL, &error));
    g_assert_nonnull (error);
  }
}

static void
test_nested (void)
{
  g_autoptr (GString) deep = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 100; i++)
    g_string_append (deep, "<MPD>");
  g_assert_null (make (deep->str, &error));
  g_assert_error (error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mpd-low-latency/exact", test_exact);
  g_test_add_func ("/mpd-low-latency/stands", test_stands);
  g_test_add_func ("/mpd-low-latency/known-periods", test_known_periods);
  g_test_add_func ("/mpd-low-latency/longer-part", test_longer_part);
  g_test_add_func ("/mpd-low-latency/rounded-stamps", test_rounded_stamps);
  g_test_add_func ("/mpd-low-latency/timescales", test_timescales);
  g_test_add_func ("/mpd-low-latency/earlier-periods", test_earlier_periods);
  g_test_add_func ("/mpd-low-latency/other-sets", test_other_sets);
  g_test_add_func ("/mpd-low-latency/refused", test_refused);
  g_test_add_func ("/mpd-low-latency/truncated", test_truncated);
  g_test_add_func ("/mpd-low-latency/nested", test_nested);
  return g_test_run ();
}
