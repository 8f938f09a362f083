/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What an MPD says of each kind of track. Were it wrong, DASH players would
 * take none, the wrong one, or show it in wrong colours. */
#include "mpd-test.h"

static void
test_video (void)
{
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

int
main (int argc, char **argv)
{
  gint status;

  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  g_test_add_func ("/mpd/video", test_video);
  g_test_add_func ("/mpd/audio", test_audio);
  g_test_add_func ("/mpd/text", test_text);
  g_test_add_func ("/mpd/colour", test_colour);
  g_test_add_func ("/mpd/channels", test_channels);
  g_test_add_func ("/mpd/trick-mode", test_trick_mode);
  status = g_test_run ();
  xmlCleanupParser ();
  return status;
}
