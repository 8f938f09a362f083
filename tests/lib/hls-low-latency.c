/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The low-latency version of a playlist, rule by rule. A user would notice:
 * players that stop at a playlist that breaks one of them. */

#include <string.h>

#include "playlist/hls-low-latency.h"

#define CONTROL                                                     \
  "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,CAN-SKIP-UNTIL=12.0," \
  "CAN-SKIP-DATERANGES=YES,HOLD-BACK=6.0,PART-HOLD-BACK=1.500000\n"

#define SEGMENT(n) "#EXTINF:2.000000,\n3-" #n ".m4s\n"

#define HEAD(version) \
  "#EXTM3U\n#EXT-X-VERSION:" #version "\n#EXT-X-TARGETDURATION:2\n"
#define SEQUENCE "#EXT-X-MEDIA-SEQUENCE:10\n"
#define MAP "#EXT-X-MAP:URI=\"init-3.mp4\"\n"

static const MillHlsPart parts[] = {
  { .duration_ns = 500000000, .independent = TRUE },
  { .duration_ns = 500000000 },
  { .duration_ns = 1000000000, .gap = TRUE },
};

static gchar *
print (const gchar *plain, const MillHlsLowLatency *live)
{
  g_autoptr (GBytes) text = g_bytes_new_static (plain, strlen (plain));
  g_autoptr (MillHlsPlain) parsed = mill_hls_plain_parse (text);
  g_autoptr (GBytes) printed = NULL;
  gsize size;
  const gchar *data;

  g_assert_nonnull (parsed);
  printed = mill_hls_low_latency_print (parsed, live);
  data = g_bytes_get_data (printed, &size);
  return g_strndup (data, size);
}

static MillHlsLowLatency
make (const MillHlsLiveSegment *segments, gsize n)
{
  return (MillHlsLowLatency){
    .part_target_ns = 500000000,
    .hold_target_ns = 500000000,
    .segments = segments,
    .n_segments = n,
  };
}

/* 4.4.3.7, 4.4.3.8: one with parts and one without say the same of the server. */
static void
test_control (void)
{
  const gchar *plain = HEAD (6) SEQUENCE MAP SEGMENT (10);
  MillHlsLowLatency live = make (NULL, 0);
  g_autofree gchar *with = print (plain, &live);
  g_autofree gchar *without = NULL;

  g_assert_cmpstr (with, ==,
      HEAD (6) CONTROL "#EXT-X-PART-INF:PART-TARGET=0.500000\n" SEQUENCE MAP
          SEGMENT (10) "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"3-11.0.m4s\"\n");
  live.part_target_ns = 0;
  without = print (plain, &live);
  g_assert_cmpstr (without, ==, HEAD (6) CONTROL SEQUENCE MAP SEGMENT (10));
}

/* 4.4.4.9: tags of the segment, parts, then what belongs to it alone. */
static void
test_parts (void)
{
  const gchar *plain = HEAD (6) SEQUENCE
      "#EXT-X-DISCONTINUITY\n" MAP "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n"
      "#EXT-X-UNKNOWN:1\n#EXT-X-GAP\n" SEGMENT (10);
  const MillHlsLiveSegment segment = {
    .generation = 3,
    .number = 10,
    .complete = TRUE,
    .gap = TRUE,
    .duration_ns = 2000000000,
    .parts = parts,
    .n_parts = 3,
  };
  MillHlsLowLatency live = make (&segment, 1);
  g_autofree gchar *text = print (plain, &live);

  g_assert_nonnull (strstr (text,
      "#EXT-X-DISCONTINUITY\n" MAP "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n#EXT-X-UNKNOWN:1\n"
      "#EXT-X-PART:DURATION=0.500000,URI=\"3-10.0.m4s\",INDEPENDENT=YES\n"
      "#EXT-X-PART:DURATION=0.500000,URI=\"3-10.1.m4s\"\n"
      "#EXT-X-PART:DURATION=1.000000,URI=\"3-10.2.m4s\",GAP=YES\n"
      "#EXT-X-GAP\n" SEGMENT (10)));
}

/* A segment that the plain playlist does not list yet, and one that grows; of a
 * new generation: another header, hinted before it is there (4.4.5.3, B.1). */
static void
test_ahead (void)
{
  const gchar *plain = HEAD (6) SEQUENCE MAP
      "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000Z\n" SEGMENT (10);
  MillHlsLiveSegment segments[] = {
    { .generation = 3,
        .number = 11,
        .complete = TRUE,
        .wall_us = G_GINT64_CONSTANT (1767225602000000),
        .duration_ns = 1000000000,
        .parts = parts,
        .n_parts = 2 },
    { .generation = 4,
        .number = 12,
        .discontinuity = TRUE,
        .wall_us = G_GINT64_CONSTANT (1767225603500000),
        .parts = parts,
        .n_parts = 1 },
  };
  MillHlsLowLatency live = make (segments, 1);
  g_autofree gchar *whole = NULL;
  g_autofree gchar *grows = NULL;

  live.next_generation = 4;
  live.next_number = 12;
  whole = print (plain, &live);
  g_assert_true (g_str_has_suffix (whole,
      SEGMENT (
          10) "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:02.000Z\n"
              "#EXT-X-PART:DURATION=0.500000,URI=\"3-11.0.m4s\",INDEPENDENT=YES\n"
              "#EXT-X-PART:DURATION=0.500000,URI=\"3-11.1.m4s\"\n"
              "#EXTINF:1.000000,\n3-11.m4s\n"
              "#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"init-4.mp4\"\n"
              "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"4-12.0.m4s\"\n"));
  live.n_segments = 2;
  grows = print (plain, &live);
  g_assert_true (g_str_has_suffix (grows,
      "#EXTINF:1.000000,\n3-11.m4s\n#EXT-X-DISCONTINUITY\n"
      "#EXT-X-MAP:URI=\"init-4.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:03.500Z\n"
      "#EXT-X-PART:DURATION=0.500000,URI=\"4-12.0.m4s\",INDEPENDENT=YES\n"
      "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"4-12.1.m4s\"\n"));
}

/* What comes after a segment that this rendition lacks has to wait for it. */
static void
test_no_holes (void)
{
  const MillHlsLiveSegment segment = { .generation = 3,
    .number = 12,
    .parts = parts,
    .n_parts = 1 };
  MillHlsLowLatency live = make (&segment, 1);
  g_autofree gchar *text = print (HEAD (6) SEQUENCE MAP SEGMENT (10), &live);

  g_assert_null (strstr (text, "3-12"));
  g_assert_nonnull (strstr (text, "TYPE=PART,URI=\"3-11.0.m4s\""));
}

/* 6.2.2: parts leave three target durations behind the end. */
static void
test_part_window (void)
{
  const gchar *plain = HEAD (6) SEQUENCE MAP SEGMENT (10) SEGMENT (11)
      SEGMENT (12) SEGMENT (13);
  MillHlsLiveSegment segments[5];
  MillHlsLowLatency live = make (segments, 4);
  g_autofree gchar *text = NULL;
  g_autofree gchar *later = NULL;

  for (guint i = 0; i < 5; i++)
    segments[i] = (MillHlsLiveSegment){ .generation = 3,
      .number = 10 + i,
      .parts = parts,
      .n_parts = 1 };
  text = print (plain, &live);
  g_assert_null (strstr (text, "3-10.0.m4s"));
  g_assert_nonnull (strstr (text, "3-11.0.m4s"));
  live.n_segments = 5;
  later = print (plain, &live);
  g_assert_null (strstr (later, "3-11.0.m4s"));
  g_assert_nonnull (strstr (later, "3-12.0.m4s"));
}

/* 4.4.5.4 */
static void
test_reports (void)
{
  const MillHlsReport reports[] = { { "../a/playlist.m3u8", 12, 3 },
    { "../v/iframes.m3u8", 11, -1 } };
  MillHlsLowLatency live = make (NULL, 0);
  g_autofree gchar *text = NULL;

  live.reports = reports;
  live.n_reports = 2;
  text = print (HEAD (6) SEQUENCE MAP SEGMENT (10), &live);
  g_assert_true (g_str_has_suffix (text,
      "#EXT-X-RENDITION-REPORT:URI=\"../a/playlist.m3u8\",LAST-MSN=12,"
      "LAST-PART=3\n"
      "#EXT-X-RENDITION-REPORT:URI=\"../v/iframes.m3u8\",LAST-MSN=11\n"));
}

#define RANGE_LINE(id) \
  "#EXT-X-DATERANGE:ID=\"" id "\",START-DATE=\"2026-01-01T00:00:00Z\""
#define RANGE(id) RANGE_LINE (id) "\n"
#define RANGE_END(id) RANGE_LINE (id) ",DURATION=4.0\n"

/* 6.2.5.1: nine segments and a break between them; the boundary is 12 s before
 * the end, and one that lies on it stays. */
static void
test_skip (void)
{
  const gchar *plain = HEAD (6) SEQUENCE RANGE ("old") RANGE_END ("old")
      MAP SEGMENT (10) RANGE ("new")
          SEGMENT (11) "#EXT-X-DISCONTINUITY\n" MAP SEGMENT (12) SEGMENT (13)
              SEGMENT (14) SEGMENT (15) SEGMENT (16) SEGMENT (17) SEGMENT (18);
  g_autoptr (GHashTable) old = g_hash_table_new (g_str_hash, g_str_equal);
  MillHlsLowLatency live = make (NULL, 0);
  g_autofree gchar *text = NULL;
  g_autofree gchar *second = NULL;

  live.skip = MILL_HLS_SKIP_SEGMENTS;
  text = print (plain, &live);
  g_assert_cmpstr (text, ==,
      HEAD (9) CONTROL
      "#EXT-X-PART-INF:PART-TARGET=0.500000\n" SEQUENCE RANGE ("old")
          RANGE_END ("old") "#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n" RANGE (
              "new") "#EXT-X-DISCONTINUITY\n" MAP SEGMENT (12) SEGMENT (13)
              SEGMENT (14) SEGMENT (15) SEGMENT (16) SEGMENT (17) SEGMENT (
                  18) "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"3-19.0.m4s\"\n");
  g_hash_table_add (old, (gpointer) RANGE_LINE ("old"));
  live.skip = MILL_HLS_SKIP_DATE_RANGES;
  live.old_date_ranges = old;
  live.removed_date_ranges = "a\tb";
  second = print (plain, &live);
  g_assert_true (g_str_has_prefix (second, "#EXTM3U\n#EXT-X-VERSION:10\n"));
  g_assert_null (strstr (second, RANGE ("old")));
  /* The same ID, and not told before. */
  g_assert_nonnull (strstr (second, RANGE_END ("old")));
  g_assert_nonnull (strstr (second,
      "#EXT-X-SKIP:SKIPPED-SEGMENTS=2,RECENTLY-REMOVED-DATERANGES=\"a\tb\"\n"));
  g_assert_nonnull (strstr (second, RANGE ("new")));
}

/* What is still held from a skipped segment is told with the first that is not. */
static void
test_skip_inherits (void)
{
  const gchar *plain = HEAD (6) SEQUENCE MAP
      "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n" SEGMENT (10) SEGMENT (11)
          SEGMENT (12) SEGMENT (13) SEGMENT (14) SEGMENT (15) SEGMENT (16)
              SEGMENT (17);
  MillHlsLowLatency live = make (NULL, 0);
  g_autofree gchar *text = NULL;

  live.skip = MILL_HLS_SKIP_SEGMENTS;
  text = print (plain, &live);
  g_assert_nonnull (strstr (text,
      "#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n" MAP
      "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n" SEGMENT (11)));
}

/* Nothing old enough: the whole playlist; and after the end always that. */
static void
test_skip_nothing (void)
{
  const gchar *few = HEAD (6) SEQUENCE MAP SEGMENT (10) SEGMENT (11);
  const gchar *ended = HEAD (6) SEQUENCE MAP SEGMENT (10) SEGMENT (11)
      SEGMENT (12) SEGMENT (13) SEGMENT (14) SEGMENT (15) SEGMENT (16)
          SEGMENT (17) "#EXT-X-ENDLIST\n";
  const gchar *const plains[] = { few, ended };

  for (guint i = 0; i < G_N_ELEMENTS (plains); i++) {
    MillHlsLowLatency live = make (NULL, 0);
    g_autofree gchar *whole = print (plains[i], &live);
    g_autofree gchar *text = NULL;

    live.skip = MILL_HLS_SKIP_DATE_RANGES;
    live.removed_date_ranges = "";
    text = print (plains[i], &live);
    g_assert_cmpstr (text, ==, whole);
  }
}

/* 4.4.5.3: nothing is hinted, or reported, behind EXT-X-ENDLIST. */
static void
test_end (void)
{
  const MillHlsReport report = { "../a/playlist.m3u8", 12, 3 };
  MillHlsLowLatency live = make (NULL, 0);
  g_autofree gchar *text = NULL;

  live.reports = &report;
  live.n_reports = 1;
  text = print (HEAD (6) SEQUENCE MAP SEGMENT (10) "#EXT-X-ENDLIST\n", &live);
  g_assert_true (g_str_has_suffix (text, SEGMENT (10) "#EXT-X-ENDLIST\n"));
}

/* ---- what it is made of ---- */

static void
test_plain (void)
{
  const gchar *text = "#EXTM3U\r\n#EXT-X-TARGETDURATION:2\r\n"
                      "#EXT-X-MEDIA-SEQUENCE:7\r\n#EXT-X-MAP:URI=\"i\"\r\n"
                      "#EXTINF:1.5,title\r\n12-7.m4s\r\n#EXTINF:2,\r\nb.vtt";
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));
  g_autoptr (MillHlsPlain) plain = mill_hls_plain_parse (bytes);
  const MillHlsPlainSegment *segments =
      (const MillHlsPlainSegment *) plain->segments->data;

  g_assert_cmpuint (plain->segments->len, ==, 2);
  g_assert_cmpuint (plain->version, ==, 1);
  g_assert_cmpuint (segments[0].number, ==, 7);
  g_assert_cmpuint (segments[0].generation, ==, 12);
  g_assert_cmpuint (segments[0].duration_ns, ==, 1500000000);
  g_assert_cmpint (segments[1].map, ==, segments[0].map);
  g_assert_cmpuint (segments[1].generation, ==, G_MAXUINT64);
  g_assert_cmpuint (mill_hls_plain_get_next (plain), ==, 9);
  g_assert_false (plain->dated || plain->ended);
}

static void
test_plain_refused (void)
{
  static const gchar *const texts[] = { "", "#EXTM3", "hello\n", "#EXTM3U\n",
    "#EXTM3U\n#EXTINF:2,\na.m4s\n#EXT-X-TARGETDURATION:2\n" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GBytes) bytes = g_bytes_new_static (texts[i], strlen (texts[i]));

    g_assert_null (mill_hls_plain_parse (bytes));
  }
}

static void
test_playlists (void)
{
  const gchar *text =
      "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a, URI=\",GROUP-ID=\"g\","
      "URI=\"a/p.m3u8\"\n#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1\nv/p.m3u8\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=2\nv/p.m3u8\n"
      "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"v/i.m3u8\"\n";
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));
  g_autoptr (GPtrArray) list = mill_hls_plain_list_playlists (bytes);

  g_assert_cmpuint (list->len, ==, 3);
  g_assert_cmpstr (list->pdata[0], ==, "a/p.m3u8");
  g_assert_cmpstr (list->pdata[1], ==, "v/p.m3u8");
  g_assert_cmpstr (list->pdata[2], ==, "v/i.m3u8");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hls-low-latency/control", test_control);
  g_test_add_func ("/hls-low-latency/parts", test_parts);
  g_test_add_func ("/hls-low-latency/ahead", test_ahead);
  g_test_add_func ("/hls-low-latency/no-holes", test_no_holes);
  g_test_add_func ("/hls-low-latency/part-window", test_part_window);
  g_test_add_func ("/hls-low-latency/reports", test_reports);
  g_test_add_func ("/hls-low-latency/skip", test_skip);
  g_test_add_func ("/hls-low-latency/skip-inherits", test_skip_inherits);
  g_test_add_func ("/hls-low-latency/skip-nothing", test_skip_nothing);
  g_test_add_func ("/hls-low-latency/end", test_end);
  g_test_add_func ("/hls-plain/read", test_plain);
  g_test_add_func ("/hls-plain/refused", test_plain_refused);
  g_test_add_func ("/hls-plain/playlists", test_playlists);
  return g_test_run ();
}
