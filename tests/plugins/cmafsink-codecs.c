/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a publisher of HEVC, AV1, VP9, Opus, FLAC, AC-3 or MP3
 * that is refused, plays in wrong colours, on its side or out of step, or that
 * breaks players when it changes what it sends. */
#include "cmafsink-test.h"

/* Records and frames as in tests/lib/codec.c. */
static const guint8 hvcc[] = { 0x01, 0x02, 0x20, 0, 0, 0, 0x90, 0, 0, 0, 0, 0,
  0x7b, 0xf0, 0, 0xfc, 0xfd, 0xfa, 0xfa, 0, 0, 0x0f, 0 };
static const guint8 opus_head[] = { 'O', 'p', 'u', 's', 'H', 'e', 'a', 'd', 1,
  2, 0x38, 0x01, 0x80, 0xbb, 0, 0, 0, 0, 0 };
static const guint8 flac_head[] = { 'f', 'L', 'a', 'C', 0x80, 0, 0, 0x22, 0x12,
  0, 0x12, 0, 0, 0x02, 0x9b, 0, 0x04, 0xff, 0x0b, 0xb8, 0, 0xf0, 0, 0x04, 0x65,
  0, 0x55, 0x0b, 0x82, 0xb4, 0xd2, 0x4e, 0x66, 0xf3, 0xf4, 0x20, 0x19, 0xdc,
  0x4f, 0x97, 0x8b, 0x68 };
static const guint8 av1_key[] = { 0x12, 0x00, 0x0a, 0x0b, 0, 0, 0, 0x04, 0x3c,
  0xfe, 0xcc, 0xfb, 0xf9, 0x00, 0x40, 0x32, 0x02, 0x10, 0x00 };
static const guint8 av1_delta[] = { 0x12, 0x00, 0x32, 0x02, 0x30, 0x00 };
static const guint8 vp9_delta[] = { 0x86, 0x00, 0x40, 0x92 };
static const guint8 ac3_frame[] = { 0x0b, 0x77, 0xb5, 0x0b, 0x1e, 0x40, 0xeb,
  0xf8, 0x40, 0x3e };
static const guint8 eac3_frame[] = { 0x0b, 0x77, 0x03, 0x7f, 0x3f, 0x87, 0xc0,
  0x00, 0x20, 0xf8 };
static const guint8 mp3_frame[] = { 0xff, 0xfb, 0x54, 0xc4, 0x00, 0x09 };

typedef struct
{
  Fixture f;
  GstHarness *pad;
  GstClockTime next;
} Rig;

/* One rendition, "v" or "a", in mode vod; the test pushes, then ends it. */
static void
rig_init (Rig *self, const gchar *pad, GstCaps *caps)
{
  const gchar name[] = { *pad, '\0' };
  g_autofree gchar *property = g_strconcat (pad, "::name", NULL);
  memset (self, 0, sizeof *self);
  fixture_init (&self->f, make_dir (), "mode", 2, NULL);
  self->pad = fixture_add (&self->f, pad, NULL);
  gst_child_proxy_set (GST_CHILD_PROXY (self->f.sink), property, name, NULL);
  if (caps != NULL)
    gst_harness_set_src_caps (self->pad, caps);
}

static GstFlowReturn
rig_push (Rig *self, const guint8 *data, gsize size, gsize padded,
    GstClockTime duration, gboolean delta)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, MAX (size, padded), NULL);
  gst_buffer_memset (buffer, 0, 0, gst_buffer_get_size (buffer));
  gst_buffer_fill (buffer, 0, data, size);
  GST_BUFFER_PTS (buffer) = GST_BUFFER_DTS (buffer) = self->next;
  GST_BUFFER_DURATION (buffer) = duration;
  if (delta)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  self->next += duration;
  return gst_harness_push (self->pad, buffer);
}

static void
rig_end (Rig *self)
{
  gst_harness_push_event (self->pad, gst_event_new_eos ());
  wait_eos (&self->f);
}

static void
rig_clear (Rig *self)
{
  g_clear_pointer (&self->pad, gst_harness_teardown);
  fixture_clear (&self->f);
}

static guint32
fourcc (const gchar *letters)
{
  return MILL_BMFF_FOURCC (letters[0], letters[1], letters[2], letters[3]);
}

/* ---- what only a frame tells ---- */

/* Frames before the first that decoding can begin at are of no use; that one
 * has what caps lack. The delimiter has no place in a sample (binding 2.4). */
static void
test_av1 (void)
{
  Rig rig;
  rig_init (&rig, "video_0",
      gst_caps_from_string ("video/x-av1, stream-format=obu-stream, "
                            "alignment=tu, framerate=25/1"));
  rig_push (&rig, av1_delta, sizeof av1_delta, 0, FRAME_NS, TRUE);
  for (guint i = 0; i < 100; i++) {
    gboolean key = i % 50 == 0;
    g_assert_cmpint (rig_push (&rig, key ? av1_key : av1_delta,
                         key ? sizeof av1_key : sizeof av1_delta, 0, FRAME_NS,
                         !key),
        ==, GST_FLOW_OK);
  }
  rig_end (&rig);
  g_autoptr (MillBmffInit) init = read_init (&rig.f, "v/init-1.mp4");
  g_assert_cmpuint (init->codec, ==, fourcc ("av01"));
  g_assert_cmpuint (init->width, ==, 320);
  g_autoptr (MillBmffSegment) segment = read_segment (&rig.f, "v/1-0.m4s");
  g_assert_cmpuint (segment->samples->len, ==, 50);
  g_assert_cmpuint (sample_of (segment, 0).size, ==, sizeof av1_key - 2);
  g_assert_cmpuint (sample_of (segment, 1).size, ==, sizeof av1_delta - 2);
  g_assert_true (contains (&rig.f, "master.m3u8", "av01.0.00M.08"));
  rig_clear (&rig);
}

/* A key frame of VP9 with its size: §6.2.3, 16 bits each, less one. */
static void
push_vp9_key (Rig *rig, guint width, guint height)
{
  guint64 bits = (guint64) (width - 1) << 16 | (height - 1);
  /* marker to color_config are 4 bits past a byte */
  guint8 key[] = { 0x82, 0x49, 0x83, 0x42, (guint8) (bits >> 28),
    (guint8) (bits >> 20), (guint8) (bits >> 12), (guint8) (bits >> 4),
    (guint8) (bits << 4), 0, 0 };
  g_assert_cmpint (rig_push (rig, key, sizeof key, 100, FRAME_NS, FALSE), ==,
      GST_FLOW_OK);
}

/* The size changes with new caps: a new generation, at its key frame. */
static void
test_vp9_change (void)
{
  static const guint sizes[][2] = { { 640, 360 }, { 320, 180 } };
  Rig rig;
  rig_init (&rig, "video_0", NULL);
  for (guint part = 0; part < G_N_ELEMENTS (sizes); part++) {
    g_autofree gchar *caps =
        g_strdup_printf ("video/x-vp9, alignment=super-frame, width=%u, "
                         "height=%u, framerate=25/1",
            sizes[part][0], sizes[part][1]);
    gst_harness_set_src_caps_str (rig.pad, caps);
    for (guint i = 0; i < 50; i++) {
      if (i == 0)
        push_vp9_key (&rig, sizes[part][0], sizes[part][1]);
      else
        rig_push (&rig, vp9_delta, sizeof vp9_delta, 0, FRAME_NS, TRUE);
    }
  }
  rig_end (&rig);
  g_autoptr (MillBmffInit) first = read_init (&rig.f, "v/init-1.mp4");
  g_autoptr (MillBmffInit) second = read_init (&rig.f, "v/init-2.mp4");
  g_assert_cmpuint (first->codec, ==, fourcc ("vp09"));
  g_assert_cmpuint (first->width, ==, 640);
  g_assert_cmpuint (second->width, ==, 320);
  g_assert_cmpuint (count (&rig.f, "v/playlist.m3u8", "#EXT-X-DISCONTINUITY\n"),
      ==, 1);
  rig_clear (&rig);
}

/* Caps that come again in the midst, with what is no news to a decoder, cost no
 * picture, though VP9's are whole only with the next key frame. */
static void
test_caps_again (void)
{
  Rig rig;
  rig_init (&rig, "video_0",
      gst_caps_from_string ("video/x-vp9, framerate=25/1"));
  for (guint i = 0; i < 100; i++) {
    if (i == 20)
      gst_harness_set_src_caps_str (rig.pad,
          "video/x-vp9, framerate=25/1, interlace-mode=progressive");
    if (i % 50 == 0)
      push_vp9_key (&rig, 640, 360);
    else
      rig_push (&rig, vp9_delta, sizeof vp9_delta, 0, FRAME_NS, TRUE);
  }
  rig_end (&rig);
  g_autoptr (MillBmffSegment) segment = read_segment (&rig.f, "v/1-0.m4s");
  g_assert_cmpuint (segment->samples->len, ==, 50);
  g_assert_false (exists (&rig.f, "v/init-2.mp4"));
  rig_clear (&rig);
}

static const struct
{
  const gchar *caps;
  const guint8 *frame;
  gsize size;
  gsize padded;
  guint samples;
  const gchar *entry;
  const gchar *codecs;
  guint channels;
} sounds[] = {
  { "audio/x-ac3, framed=true, alignment=frame", ac3_frame, sizeof ac3_frame,
      1792, 1536, "ac-3", "ac-3", 6 },
  { "audio/x-eac3, framed=true, alignment=frame, rate=48000, channels=2",
      eac3_frame, sizeof eac3_frame, 1792, 1536, "ec-3", "ec-3", 6 },
  /* As the MP4 demuxer of GStreamer 1.22 has it: no layer, wrong channels. */
  { "audio/mpeg, mpegversion=1, rate=48000, channels=2", mp3_frame,
      sizeof mp3_frame, 192, 1152, "mp4a", "mp4a.6B", 1 },
};

static void
test_sound_from_frames (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (sounds); i++) {
    Rig rig;
    rig_init (&rig, "audio_0", gst_caps_from_string (sounds[i].caps));
    for (guint k = 0; k < 200; k++)
      g_assert_cmpint (rig_push (&rig, sounds[i].frame, sounds[i].size,
                           sounds[i].padded,
                           sounds[i].samples * GST_SECOND / 48000, FALSE),
          ==, GST_FLOW_OK);
    rig_end (&rig);
    g_autoptr (MillBmffInit) init = read_init (&rig.f, "a/init-1.mp4");
    g_assert_cmpuint (init->codec, ==, fourcc (sounds[i].entry));
    g_assert_cmpuint (init->timescale, ==, 48000);
    g_assert_cmpuint (init->channels, ==, sounds[i].channels);
    g_autoptr (MillBmffSegment) segment = read_segment (&rig.f, "a/1-0.m4s");
    g_assert_cmpuint (sample_of (segment, 1).decode_time, ==,
        sounds[i].samples);
    g_autofree gchar *codecs =
        g_strdup_printf ("CODECS=\"%s\"", sounds[i].codecs);
    g_assert_true (contains (&rig.f, "master.m3u8", codecs));
    rig_clear (&rig);
  }
}

/* What is not what caps say is an error that names the pad, not a stream that
 * no player can play. */
static void
test_wrong_frame (void)
{
  Rig rig;
  rig_init (&rig, "audio_0", gst_caps_from_string (sounds[0].caps));
  g_assert_cmpint (rig_push (&rig, mp3_frame, sizeof mp3_frame, 192,
                       GST_SECOND / 40, FALSE),
      ==, GST_FLOW_NOT_NEGOTIATED);
  g_autofree gchar *text = pop_text (&rig.f, GST_MESSAGE_ERROR);
  g_assert_nonnull (strstr (text, "audio_0"));
  g_assert_nonnull (strstr (text, "AC-3"));
  rig_clear (&rig);
}

/* ---- frames that last differently ---- */

static GstCaps *
opus_caps (void)
{
  return make_caps ("audio/x-opus, channel-mapping-family=0", opus_head,
      sizeof opus_head);
}

static void
test_opus (void)
{
  /* 20 and 60 ms in turn: RFC 6716 table 2 */
  static const guint8 tocs[] = { 0x08, 0x18 };
  static const guint lengths[] = { 960, 2880 };
  Rig rig;
  rig_init (&rig, "audio_0", opus_caps ());
  for (guint i = 0; i < 100; i++)
    rig_push (&rig, &tocs[i % 2], 1, 80, lengths[i % 2] * GST_SECOND / 48000,
        FALSE);
  rig_end (&rig);
  g_autoptr (MillBmffInit) init = read_init (&rig.f, "a/init-1.mp4");
  g_assert_cmpuint (init->codec, ==, fourcc ("Opus"));
  g_assert_cmpint (init->roll_distance, ==, -4);
  g_assert_cmpuint (init->channels, ==, 2);
  g_autoptr (MillBmffSegment) segment = read_segment (&rig.f, "a/1-0.m4s");
  g_assert_cmpuint (sample_of (segment, 1).decode_time, ==, 960);
  g_assert_cmpuint (sample_of (segment, 2).decode_time, ==, 3840);
  g_assert_true (contains (&rig.f, "master.m3u8", "CODECS=\"Opus\""));
  /* Nothing was taken for a jump: the stamps add up to a tick. */
  g_autofree gchar *playlist = read_text (&rig.f, "a/playlist.m3u8");
  gdouble sum = 0;
  for (const gchar *at = playlist; (at = strstr (at, "#EXTINF:")) != NULL; at++)
    sum += g_ascii_strtod (at + strlen ("#EXTINF:"), NULL);
  g_assert_cmpfloat_with_epsilon (sum, 4.0, 0.001);
  rig_clear (&rig);
}

static void
test_flac (void)
{
  /* 4608 samples a frame, and a last one of 128: RFC 9639 9.1.1 */
  static const guint8 whole[] = { 0xff, 0xf8, 0x5a, 0x08, 0x00, 0x81 };
  static const guint8 last[] = { 0xff, 0xf8, 0x6a, 0x08, 0x05, 0x7f };
  Rig rig;
  rig_init (&rig, "audio_0",
      make_caps ("audio/x-flac, framed=true", flac_head, sizeof flac_head));
  for (guint i = 0; i < 10; i++)
    rig_push (&rig, whole, sizeof whole, 500, 4608 * GST_SECOND / 48000, FALSE);
  rig_push (&rig, last, sizeof last, 50, 128 * GST_SECOND / 48000, FALSE);
  rig_end (&rig);
  g_autoptr (MillBmffInit) init = read_init (&rig.f, "a/init-1.mp4");
  g_assert_cmpuint (init->codec, ==, fourcc ("fLaC"));
  g_autoptr (MillBmffSegment) segment = read_segment (&rig.f, "a/1-0.m4s");
  g_assert_cmpuint (segment->samples->len, ==, 11);
  g_assert_cmpuint (sample_of (segment, 10).duration, ==, 128);
  g_assert_true (contains (&rig.f, "master.m3u8", "CODECS=\"fLaC\""));
  rig_clear (&rig);
}

/* ---- HEVC, colours, orientation ---- */

static GstCaps *
hevc_caps (const gchar *more)
{
  g_autofree gchar *text =
      g_strdup_printf ("video/x-h265, stream-format=hvc1, alignment=au, "
                       "width=1920, height=1080, framerate=25/1%s",
          more);
  return make_caps (text, hvcc, sizeof hvcc);
}

/* An access unit of one slice; @type: nal_unit_type, H.265 table 7-1. */
static void
push_hevc (Rig *rig, guint type)
{
  const guint8 unit[] = { 0, 0, 0, 4, (guint8) (type << 1), 1, 0xaf, 0 };
  rig_push (rig, unit, sizeof unit, 0, FRAME_NS, type < 16);
}

static void
push_hevc_gops (Rig *rig, guint keyframe, guint n)
{
  for (guint i = 0; i < n; i++)
    push_hevc (rig, i % 50 == 0 ? keyframe : 1);
}

static void
test_hdr (void)
{
  Rig rig;
  rig_init (&rig, "video_0",
      hevc_caps (", colorimetry=bt2100-pq, mastering-display-info=(string)"
                 "34000:16000:13250:34500:7500:3000:15635:16450:10000000:50, "
                 "content-light-level=(string)1000:400"));
  push_hevc_gops (&rig, 19, 100);
  rig_end (&rig);
  g_autoptr (MillBmffInit) init = read_init (&rig.f, "v/init-1.mp4");
  g_assert_cmpuint (init->codec, ==, fourcc ("hvc1"));
  g_assert_cmpuint (init->colour.transfer, ==, 16);
  g_assert_cmpuint (init->colour.primaries, ==, 9);
  /* mdcv has green first */
  g_assert_cmpuint (init->hdr.primaries[0][0], ==, 13250);
  g_assert_cmpuint (init->hdr.primaries[2][0], ==, 34000);
  g_assert_cmpuint (init->hdr.max_luminance, ==, 10000000);
  g_assert_cmpuint (init->hdr.max_cll, ==, 1000);
  g_assert_true (contains (&rig.f, "master.m3u8", "hvc1.2.4.L123.90"));
  g_assert_true (contains (&rig.f, "master.m3u8", "VIDEO-RANGE=PQ"));
  g_assert_true (contains (&rig.f, "manifest.mpd",
      "<EssentialProperty schemeIdUri=\"urn:mpeg:mpegB:cicp:"
      "TransferCharacteristics\" value=\"16\"/>"));
  rig_clear (&rig);
}

/* CRA pictures (21) begin segments, but players are not promised that these can
 * be decoded without the one before; with IDR (19) they are. */
static void
test_open_gop (void)
{
  static const guint keyframes[] = { 19, 21 };
  for (guint i = 0; i < G_N_ELEMENTS (keyframes); i++) {
    Rig rig;
    rig_init (&rig, "video_0", hevc_caps (""));
    push_hevc_gops (&rig, keyframes[i], 150);
    rig_end (&rig);
    g_assert_cmpuint (count (&rig.f, "v/playlist.m3u8", "#EXTINF"), ==, 3);
    g_assert_cmpuint (count (&rig.f, "master.m3u8", "INDEPENDENT-SEGMENTS"), ==,
        keyframes[i] == 19);
    g_assert_cmpuint (count (&rig.f, "manifest.mpd", "startWithSAP=\"1\""), ==,
        keyframes[i] == 19);
    rig_clear (&rig);
  }
}

static void
test_in_band (void)
{
  Rig rig;
  GstCaps *caps = hevc_caps ("");
  gst_caps_set_simple (caps, "stream-format", G_TYPE_STRING, "hev1", NULL);
  rig_init (&rig, "video_0", caps);
  push_hevc_gops (&rig, 19, 100);
  rig_end (&rig);
  g_autoptr (MillBmffInit) init = read_init (&rig.f, "v/init-1.mp4");
  g_assert_cmpuint (init->codec, ==, fourcc ("hev1"));
  g_assert_true (contains (&rig.f, "master.m3u8", "hev1.2.4.L123.90"));
  rig_clear (&rig);
}

static void
push_orientation (Rig *rig, const gchar *value)
{
  gst_harness_push_event (rig->pad,
      gst_event_new_tag (gst_tag_list_new (GST_TAG_IMAGE_ORIENTATION, value,
          NULL)));
}

/* A tag that comes after the caps is in the first header; one that comes later
 * begins a new generation, as every change does. */
static void
test_orientation (void)
{
  Rig rig;
  rig_init (&rig, "video_0", hevc_caps (""));
  push_orientation (&rig, "rotate-90");
  push_hevc_gops (&rig, 19, 50);
  push_orientation (&rig, "rotate-90");
  push_hevc_gops (&rig, 19, 50);
  push_orientation (&rig, "rotate-0");
  push_hevc_gops (&rig, 19, 50);
  rig_end (&rig);
  g_autoptr (MillBmffInit) first = read_init (&rig.f, "v/init-1.mp4");
  g_autoptr (MillBmffInit) second = read_init (&rig.f, "v/init-2.mp4");
  g_assert_cmpint (first->matrix[1], ==, 0x10000);
  g_assert_cmpint (second->matrix[0], ==, 0x10000);
  g_assert_false (exists (&rig.f, "v/init-3.mp4"));
  rig_clear (&rig);
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink-codecs/av1", test_av1);
  g_test_add_func ("/cmafsink-codecs/vp9-change", test_vp9_change);
  g_test_add_func ("/cmafsink-codecs/caps-again", test_caps_again);
  g_test_add_func ("/cmafsink-codecs/sound-from-frames",
      test_sound_from_frames);
  g_test_add_func ("/cmafsink-codecs/wrong-frame", test_wrong_frame);
  g_test_add_func ("/cmafsink-codecs/opus", test_opus);
  g_test_add_func ("/cmafsink-codecs/flac", test_flac);
  g_test_add_func ("/cmafsink-codecs/hdr", test_hdr);
  g_test_add_func ("/cmafsink-codecs/open-gop", test_open_gop);
  g_test_add_func ("/cmafsink-codecs/in-band", test_in_band);
  g_test_add_func ("/cmafsink-codecs/orientation", test_orientation);
  return g_test_run ();
}
