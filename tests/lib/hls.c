/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* HLS playlists. Were these wrong, players would refuse a stream, stall at its
 * live edge, or fetch what another stream's name told them to. */

#include <locale.h>
#include <string.h>

#include "playlist/hls-bitrate.h"
#include "playlist/hls-media.h"
#include "playlist/hls-multivariant.h"

static gchar *
to_text (GBytes *bytes)
{
  g_autoptr (GBytes) owned = bytes;
  gsize size;
  const gchar *data = g_bytes_get_data (owned, &size);

  return g_strndup (data, size);
}

static gchar *
print_media (const MillHlsMedia *media)
{
  return to_text (mill_hls_media_print (media));
}

/* ---- media playlists ---- */

static void
test_live (void)
{
  const MillHlsSegment segments[] = {
    { "3-7.m4s", "init-3.mp4", 2 * GST_SECOND, 1764000000123456, 0 },
    { "3-8.m4s", "init-3.mp4", 2 * GST_SECOND + 33366667, 1764000002123999, 0 },
  };
  const MillHlsMedia media = {
    .kind = MILL_HLS_LIVE,
    .target_duration_s = 2,
    .media_sequence = 7,
    .discontinuity_sequence = 1,
    .independent_segments = TRUE,
    .segments = segments,
    .n_segments = G_N_ELEMENTS (segments),
  };
  g_autofree gchar *text = print_media (&media);

  g_assert_cmpstr (text, ==,
      "#EXTM3U\n"
      "#EXT-X-VERSION:6\n"
      "#EXT-X-TARGETDURATION:2\n"
      "#EXT-X-MEDIA-SEQUENCE:7\n"
      "#EXT-X-DISCONTINUITY-SEQUENCE:1\n"
      "#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-MAP:URI=\"init-3.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:00:00.123Z\n"
      "#EXTINF:2.000000,\n"
      "3-7.m4s\n"
      "#EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:00:02.123Z\n"
      "#EXTINF:2.033367,\n"
      "3-8.m4s\n");
}

/* Clause 4.4.4.5 and 4.4.2.3: a new init needs its map, a discontinuity
 * repeats it, a gap needs none. */
static void
test_breaks (void)
{
  const MillHlsSegment segments[] = {
    { "1-0.m4s", "init-1.mp4", GST_SECOND, -1, 0 },
    { "1-1.m4s", NULL, GST_SECOND, -1, MILL_HLS_SEGMENT_GAP },
    { "1-2.m4s", "init-1.mp4", GST_SECOND, -1, 0 },
    { "1-3.m4s", "init-1.mp4", GST_SECOND, -1, MILL_HLS_SEGMENT_DISCONTINUITY },
    { "2-4.m4s", "init-2.mp4", GST_SECOND, -1, 0 },
  };
  const MillHlsMedia media = {
    .kind = MILL_HLS_EVENT,
    .target_duration_s = 1,
    .ended = TRUE,
    .segments = segments,
    .n_segments = G_N_ELEMENTS (segments),
  };
  g_autofree gchar *text = print_media (&media);
  const gchar *body = strstr (text, "#EXT-X-PLAYLIST-TYPE");

  g_assert_cmpstr (body, ==,
      "#EXT-X-PLAYLIST-TYPE:EVENT\n"
      "#EXT-X-MAP:URI=\"init-1.mp4\"\n"
      "#EXTINF:1.000000,\n1-0.m4s\n"
      "#EXT-X-GAP\n#EXTINF:1.000000,\n1-1.m4s\n"
      "#EXTINF:1.000000,\n1-2.m4s\n"
      "#EXT-X-DISCONTINUITY\n"
      "#EXT-X-MAP:URI=\"init-1.mp4\"\n"
      "#EXTINF:1.000000,\n1-3.m4s\n"
      "#EXT-X-MAP:URI=\"init-2.mp4\"\n"
      "#EXTINF:1.000000,\n2-4.m4s\n"
      "#EXT-X-ENDLIST\n");
}

/* The example of RFC 8216bis 4.4.5.1.1 in the form that a live playlist has: the
 * end of a break is a second tag of the same ID, and the first stays as it was.
 * All stand before the segments; the tags of before stand at theirs. */
static void
test_date_ranges (void)
{
  static const guint8 out_section[] = { 0xfc, 0x00, 0x2f };
  static const guint8 in_section[] = { 0xfc, 0x00, 0x2a };
  g_autoptr (GBytes) out = g_bytes_new_static (out_section, 3);
  g_autoptr (GBytes) in = g_bytes_new_static (in_section, 3);
  const MillHlsDateRange ranges[] = {
    { "splice-7\n\"", 1764000000123456, -1, 59993000, out, NULL, NULL },
    { "splice-7\n\"", 1764000000123456, 59993000, -1, NULL, in, NULL },
    { "cmd", 1764000001000000, -1, -1, NULL, NULL, out },
  };
  const MillHlsCue begin = { TRUE, FALSE, FALSE, 59993000, 0 };
  const MillHlsCue goes_on = { FALSE, FALSE, TRUE, 59993000, 2000000 };
  const MillHlsCue end = { TRUE, TRUE, FALSE, -1, 0 };
  const MillHlsSegment segments[] = {
    { "0.m4s", "init.mp4", 2 * GST_SECOND, 1764000000123456, .cue = &begin },
    { "1.m4s", "init.mp4", 2 * GST_SECOND, 1764000002123456, .cue = &goes_on },
    { "2.m4s", "init.mp4", 2 * GST_SECOND, 1764000004123456, .cue = &end },
  };
  const MillHlsMedia media = {
    .target_duration_s = 2,
    .segments = segments,
    .n_segments = G_N_ELEMENTS (segments),
    .date_ranges = ranges,
    .n_date_ranges = G_N_ELEMENTS (ranges),
  };
  g_autofree gchar *text = print_media (&media);

  g_assert_cmpstr (strstr (text, "#EXT-X-DATERANGE"), ==,
      "#EXT-X-DATERANGE:ID=\"splice-7 '\","
      "START-DATE=\"2025-11-24T16:00:00.123Z\",PLANNED-DURATION=59.993,"
      "SCTE35-OUT=0xFC002F\n"
      "#EXT-X-DATERANGE:ID=\"splice-7 '\","
      "START-DATE=\"2025-11-24T16:00:00.123Z\",DURATION=59.993,"
      "SCTE35-IN=0xFC002A\n"
      "#EXT-X-DATERANGE:ID=\"cmd\","
      "START-DATE=\"2025-11-24T16:00:01.000Z\",SCTE35-CMD=0xFC002F\n"
      "#EXT-X-MAP:URI=\"init.mp4\"\n"
      "#EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:00:00.123Z\n"
      "#EXT-X-CUE-OUT:59.993\n#EXTINF:2.000000,\n0.m4s\n"
      "#EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:00:02.123Z\n"
      "#EXT-X-CUE-OUT-CONT:ElapsedTime=2.000,Duration=59.993\n"
      "#EXTINF:2.000000,\n1.m4s\n"
      "#EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:00:04.123Z\n"
      "#EXT-X-CUE-IN\n#EXT-X-CUE-OUT\n#EXTINF:2.000000,\n2.m4s\n");
}

/* A VOD always ends; without a map the version floor is that of EXTINF. */
static void
test_vod (void)
{
  const MillHlsSegment segment = { "0.m4s", NULL, 499999, -1, 0 };
  const MillHlsMedia media = {
    .kind = MILL_HLS_VOD,
    .segments = &segment,
    .n_segments = 1,
  };
  g_autofree gchar *text = print_media (&media);

  g_assert_nonnull (strstr (text, "#EXT-X-VERSION:3\n"));
  g_assert_nonnull (strstr (text, "#EXT-X-TARGETDURATION:1\n"));
  g_assert_nonnull (strstr (text, "#EXTINF:0.000500,\n"));
  g_assert_nonnull (strstr (text, "#EXT-X-PLAYLIST-TYPE:VOD\n"));
  g_assert_true (g_str_has_suffix (text, "#EXT-X-ENDLIST\n"));
}

/* Clause 4.4.3.1: EXTINF rounded to the nearest second is what counts. */
static void
test_rounding (void)
{
  static const struct
  {
    GstClockTime duration;
    guint seconds;
  } vectors[] = {
    { 0, 1 },
    { 1, 1 },
    { 1499999999, 1 },
    { 1500000000, 2 },
    { 4005000000, 4 }, /* ceil would say 5, and change it in mid-stream */
    { 6016000000, 6 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    g_assert_cmpuint (mill_hls_media_round_duration (vectors[i].duration), ==,
        vectors[i].seconds);
}

/* Numbers and names come from elsewhere: no line may be theirs. */
static void
assert_lines (const gchar *text)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  for (gsize i = 0; lines[i] != NULL; i++) {
    g_assert_null (strstr (lines[i], "EVIL") == lines[i] ? lines[i] : NULL);
    g_assert_false (g_str_has_prefix (lines[i], "#EVIL"));
    for (const gchar *at = lines[i]; *at != '\0'; at++)
      g_assert_false (g_ascii_iscntrl (*at));
  }
}

static void
test_hostile_uri (void)
{
  const MillHlsSegment segments[] = {
    { "a\n#EVIL", "i\"\r\n#EVIL", GST_SECOND, -1, 0 },
    { "#EVIL", NULL, GST_SECOND, G_MAXINT64, 0 },
    { "javascript:alert(1)", NULL, GST_SECOND, -1, 0 },
    { "sp ace\\%zz%41\xff", NULL, GST_SECOND, -1, 0 },
  };
  const MillHlsMedia media = {
    .kind = MILL_HLS_LIVE,
    .segments = segments,
    .n_segments = G_N_ELEMENTS (segments),
  };
  g_autofree gchar *text = print_media (&media);

  assert_lines (text);
  g_assert_nonnull (strstr (text, "\na%0A%23EVIL\n"));
  g_assert_nonnull (strstr (text, "URI=\"i%22%0D%0A%23EVIL\"\n"));
  g_assert_nonnull (strstr (text, "\n%23EVIL\n"));
  g_assert_nonnull (strstr (text, "\n./javascript:alert(1)\n"));
  g_assert_nonnull (strstr (text, "\nsp%20ace%5C%25zz%41%FF\n"));
}

/* A process whose user reads decimal commas still writes points. */
static void
test_locale (void)
{
  const MillHlsSegment segment = { "0.m4s", NULL, 1500 * GST_MSECOND, -1, 0 };
  const MillHlsMedia media = { .segments = &segment, .n_segments = 1 };
  g_autofree gchar *text = NULL;

  if (setlocale (LC_NUMERIC, "de_DE.UTF-8") == NULL)
    g_test_message ("no locale with a decimal comma here");
  text = print_media (&media);
  setlocale (LC_NUMERIC, "C");
  g_assert_nonnull (strstr (text, "#EXTINF:1.500000,\n"));
}

/* ---- multivariant playlists ---- */

/* Clauses 4.4.6.1 and 4.4.6.2: what a viewer finds in the menu of captions. */
static void
test_text (void)
{
  const MillHlsRendition renditions[] = {
    { .type = MILL_HLS_SUBTITLES,
        .group = "subs",
        .name = "en",
        .language = "en",
        .uri = "en/playlist.m3u8",
        .is_default = TRUE,
        .characteristics = "public.accessibility.transcribes-spoken-dialog" },
    { .type = MILL_HLS_SUBTITLES,
        .group = "subs",
        .name = "de",
        .language = "de",
        .uri = "de/playlist.m3u8",
        .autoselect = TRUE,
        .forced = TRUE },
    { .type = MILL_HLS_CLOSED_CAPTIONS,
        .group = "cc",
        .name = "CC1",
        .language = "en",
        .autoselect = TRUE,
        .instream_id = "CC1" },
    { .type = MILL_HLS_CLOSED_CAPTIONS,
        .group = "cc",
        .name = "SERVICE2",
        .instream_id = "SERVICE2" },
  };
  const MillHlsVariant variants[] = {
    { .uri = "v/playlist.m3u8",
        .bandwidth_bps = 1000,
        .subtitles_group = "subs",
        .closed_captions = "cc" },
    { .uri = "w/playlist.m3u8",
        .bandwidth_bps = 1000,
        .closed_captions = MILL_HLS_NO_CAPTIONS },
  };
  const MillHlsMultivariant multivariant = {
    .renditions = renditions,
    .n_renditions = G_N_ELEMENTS (renditions),
    .variants = variants,
    .n_variants = G_N_ELEMENTS (variants),
  };
  g_autofree gchar *text =
      to_text (mill_hls_multivariant_print (&multivariant));

  g_assert_cmpstr (text, ==,
      "#EXTM3U\n"
      "#EXT-X-VERSION:7\n"
      "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subs\",NAME=\"en\","
      "LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,CHARACTERISTICS="
      "\"public.accessibility.transcribes-spoken-dialog\","
      "URI=\"en/playlist.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subs\",NAME=\"de\","
      "LANGUAGE=\"de\",AUTOSELECT=YES,FORCED=YES,URI=\"de/playlist.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"CC1\","
      "LANGUAGE=\"en\",AUTOSELECT=YES,INSTREAM-ID=\"CC1\"\n"
      "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"SERVICE2\","
      "INSTREAM-ID=\"SERVICE2\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1000,SUBTITLES=\"subs\","
      "CLOSED-CAPTIONS=\"cc\"\n"
      "v/playlist.m3u8\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=1000,CLOSED-CAPTIONS=NONE\n"
      "w/playlist.m3u8\n");
}

static void
test_multivariant (void)
{
  const MillHlsRendition renditions[] = {
    { "audio", "English", "en", "a128/playlist.m3u8", TRUE, TRUE, 2 },
    { "audio", "Deutsch", "de", "a96/playlist.m3u8", FALSE, TRUE, 6 },
    { "audio", "Commentary", NULL, "c/playlist.m3u8", FALSE, FALSE, 0 },
  };
  const MillHlsVariant variants[] = {
    { "v720/playlist.m3u8", 3128000, 2900000, "avc1.64001f,mp4a.40.2", 1280,
        720, 30000, 1001, "audio" },
    { "v360/playlist.m3u8", 828000, 0, "avc1.64001e,mp4a.40.2", 640, 360, 25, 1,
        "audio" },
  };
  const MillHlsMultivariant multivariant = {
    TRUE,
    renditions,
    G_N_ELEMENTS (renditions),
    variants,
    G_N_ELEMENTS (variants),
  };
  g_autofree gchar *text =
      to_text (mill_hls_multivariant_print (&multivariant));

  g_assert_cmpstr (text, ==,
      "#EXTM3U\n"
      "#EXT-X-VERSION:6\n"
      "#EXT-X-INDEPENDENT-SEGMENTS\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"English\","
      "LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\","
      "URI=\"a128/playlist.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Deutsch\","
      "LANGUAGE=\"de\",AUTOSELECT=YES,CHANNELS=\"6\","
      "URI=\"a96/playlist.m3u8\"\n"
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"Commentary\","
      "URI=\"c/playlist.m3u8\"\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=3128000,AVERAGE-BANDWIDTH=2900000,"
      "CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,"
      "FRAME-RATE=29.970,AUDIO=\"audio\"\n"
      "v720/playlist.m3u8\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=828000,"
      "CODECS=\"avc1.64001e,mp4a.40.2\",RESOLUTION=640x360,"
      "FRAME-RATE=25.000,AUDIO=\"audio\"\n"
      "v360/playlist.m3u8\n");
}

/* Clause 4.4.6.2: each variant tells its range where one has another than SDR,
 * and none does where all are. Sound has none. */
static void
test_range (void)
{
  MillHlsVariant variants[] = {
    { .uri = "hdr", .width = 1920, .height = 1080, .range = MILL_CODEC_PQ },
    { .uri = "hlg", .width = 1280, .height = 720, .range = MILL_CODEC_HLG },
    { .uri = "sdr", .width = 640, .height = 360 },
    { .uri = "sound" },
  };
  const MillHlsMultivariant multivariant = {
    .variants = variants,
    .n_variants = G_N_ELEMENTS (variants),
  };
  g_autofree gchar *text =
      to_text (mill_hls_multivariant_print (&multivariant));
  g_assert_nonnull (strstr (text, "1920x1080,VIDEO-RANGE=PQ\nhdr\n"));
  g_assert_nonnull (strstr (text, "1280x720,VIDEO-RANGE=HLG\nhlg\n"));
  g_assert_nonnull (strstr (text, "640x360,VIDEO-RANGE=SDR\nsdr\n"));
  g_assert_nonnull (strstr (text, "BANDWIDTH=1\nsound\n"));
  variants[0].range = variants[1].range = MILL_CODEC_SDR;
  g_autofree gchar *plain =
      to_text (mill_hls_multivariant_print (&multivariant));
  g_assert_null (strstr (plain, "VIDEO-RANGE"));
}

/* Which variant a player that knows nothing of the network begins with. */
static void
test_order (void)
{
  static const struct
  {
    guint64 before[4];
    guint64 after[4];
  } vectors[] = {
    { { 5000000, 1400000, 2800000, 400000 },
        { 1400000, 400000, 2800000, 5000000 } },
    { { 2200000, 2200001, 100, 50 }, { 2200000, 50, 100, 2200001 } },
    { { 9000000, 8000000, 7000000, 6000000 }, /* none is modest */
        { 6000000, 7000000, 8000000, 9000000 } },
    { { 4, 3, 2, 1 }, { 4, 1, 2, 3 } },
  };
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    MillHlsVariant variants[4] = { 0 };
    for (guint k = 0; k < 4; k++)
      variants[k].bandwidth_bps = vectors[i].before[k];
    mill_hls_multivariant_order (variants, 4);
    for (guint k = 0; k < 4; k++)
      g_assert_cmpuint (variants[k].bandwidth_bps, ==, vectors[i].after[k]);
  }
  mill_hls_multivariant_order (NULL, 0);
}

static void
test_audio_only (void)
{
  const MillHlsVariant variant = { .uri = "a128/playlist.m3u8",
    .bandwidth_bps = 130000,
    .codecs = "mp4a.40.2" };
  const MillHlsMultivariant multivariant = {
    .variants = &variant,
    .n_variants = 1,
  };
  g_autofree gchar *text =
      to_text (mill_hls_multivariant_print (&multivariant));

  g_assert_cmpstr (text, ==,
      "#EXTM3U\n#EXT-X-VERSION:6\n"
      "#EXT-X-STREAM-INF:BANDWIDTH=130000,CODECS=\"mp4a.40.2\"\n"
      "a128/playlist.m3u8\n");
}

static void
test_hostile_name (void)
{
  const MillHlsRendition rendition = { "g\"\n#EVIL", "n\",URI=\"x\r\n#EVIL",
    "en\xe2\x80\xa8#EVIL", "a\"\n", FALSE, FALSE, 0 };
  const MillHlsMultivariant multivariant = {
    .renditions = &rendition,
    .n_renditions = 1,
  };
  g_autofree gchar *text =
      to_text (mill_hls_multivariant_print (&multivariant));

  assert_lines (text);
  g_assert_nonnull (strstr (text,
      "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g' #EVIL\","
      "NAME=\"n',URI='x  #EVIL\",LANGUAGE=\"en #EVIL\",URI=\"a%22%0A\"\n"));
}

/* ---- bit rates ---- */

/* Clause 4.4.6.2: sets of 0.5 to 1.5 target durations. */
static void
test_bitrate_sets (void)
{
  MillHlsBitrate rate;

  mill_hls_bitrate_init (&rate, 2 * GST_SECOND);
  g_assert_cmpuint (mill_hls_bitrate_peak_bps (&rate), ==, 0);
  g_assert_cmpuint (mill_hls_bitrate_average_bps (&rate), ==, 0);

  mill_hls_bitrate_add (&rate, 250000, 2 * GST_SECOND);
  g_assert_cmpuint (mill_hls_bitrate_peak_bps (&rate), ==, 1000000);
  /* 0.4 s at 20 Mbit/s: too short to be a set of its own, and the set with
   * its neighbour (2.4 s) is 1.25 MB. */
  mill_hls_bitrate_add (&rate, 1000000, 400 * GST_MSECOND);
  g_assert_cmpuint (mill_hls_bitrate_peak_bps (&rate), ==, 4166667);
  /* 0.6 s: with the one before it is 1 s, the shortest set there is. */
  mill_hls_bitrate_add (&rate, 25000, 600 * GST_MSECOND);
  g_assert_cmpuint (mill_hls_bitrate_peak_bps (&rate), ==, 8200000);
  g_assert_cmpuint (mill_hls_bitrate_average_bps (&rate), ==, 3400000);
}

static void
test_bitrate_edges (void)
{
  MillHlsBitrate rate;

  /* One short file: the average is all there is. */
  mill_hls_bitrate_init (&rate, 6 * GST_SECOND);
  mill_hls_bitrate_add (&rate, 125000, GST_SECOND);
  g_assert_cmpuint (mill_hls_bitrate_peak_bps (&rate), ==, 1000000);

  /* A segment longer than any set counts alone. */
  mill_hls_bitrate_init (&rate, 2 * GST_SECOND);
  mill_hls_bitrate_add (&rate, 1250000, 10 * GST_SECOND);
  mill_hls_bitrate_add (&rate, 125000, 2 * GST_SECOND);
  g_assert_cmpuint (mill_hls_bitrate_peak_bps (&rate), ==, 1000000);

  /* What a gap parts is not contiguous. */
  mill_hls_bitrate_init (&rate, 2 * GST_SECOND);
  mill_hls_bitrate_add (&rate, 1000000, 500 * GST_MSECOND);
  mill_hls_bitrate_break (&rate);
  mill_hls_bitrate_add (&rate, 1000000, 500 * GST_MSECOND);
  for (guint i = 0; i < 100; i++)
    mill_hls_bitrate_add (&rate, 0, 2 * GST_SECOND);
  g_assert_cmpuint (mill_hls_bitrate_peak_bps (&rate), ==, 3200000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  g_test_add_func ("/hls/media/live", test_live);
  g_test_add_func ("/hls/media/breaks", test_breaks);
  g_test_add_func ("/hls/media/date-ranges", test_date_ranges);
  g_test_add_func ("/hls/media/vod", test_vod);
  g_test_add_func ("/hls/media/rounding", test_rounding);
  g_test_add_func ("/hls/media/hostile-uri", test_hostile_uri);
  g_test_add_func ("/hls/media/locale", test_locale);
  g_test_add_func ("/hls/multivariant/full", test_multivariant);
  g_test_add_func ("/hls/multivariant/text", test_text);
  g_test_add_func ("/hls/multivariant/range", test_range);
  g_test_add_func ("/hls/multivariant/order", test_order);
  g_test_add_func ("/hls/multivariant/audio-only", test_audio_only);
  g_test_add_func ("/hls/multivariant/hostile-name", test_hostile_name);
  g_test_add_func ("/hls/bitrate/sets", test_bitrate_sets);
  g_test_add_func ("/hls/bitrate/edges", test_bitrate_edges);
  return g_test_run ();
}
