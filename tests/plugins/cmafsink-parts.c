/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Parts of segments. A user would notice: low-latency players that stall at each
 * part that is too long. */
#include "cmafsink-index.h"

/* ---- frame rates ---- */

typedef struct
{
  guint part_ms;
  gint fps_n;
  gint fps_d;
  gboolean in_ms; /* stamps as RTMP has them */
  guint target_ms;
  guint frames; /* of the first part */
} Rate;

/* What 85 % can be filled of, and by how many frames. */
static const Rate rates[] = {
  { 200, 25, 1, FALSE, 200, 5 },
  { 200, 30, 1, TRUE, 200, 6 },
  { 333, 30, 1, FALSE, 334, 10 },
  { 333, 30, 1, TRUE, 334, 10 },
  { 200, 24, 1, FALSE, 167, 4 }, /* 5 do not fit, 4 are 83 % of 200 */
  { 200, 24, 1, TRUE, 167, 4 },
  { 200, 30000, 1001, FALSE, 201, 6 },
  { 333, 25, 1, TRUE, 320, 7 }, /* 8 fit: of 51 the last has what is left */
  { 500, 60, 1, FALSE, 500, 30 },
  { 100, 50, 1, FALSE, 100, 5 },
  { 100, 25, 1, FALSE, 80, 2 },
};

static void
test_rates (gconstpointer data)
{
  const Rate *rate = data;
  Fixture f;
  g_autofree gchar *caps = g_strdup_printf (
      "video/x-h264, stream-format=avc, alignment=au, framerate=%d/%d",
      rate->fps_n, rate->fps_d);
  fixture_init (&f, make_dir (), "part-duration-ms", rate->part_ms, NULL);
  f.video = fixture_add (&f, "video_0", NULL);
  f.audio = fixture_add (&f, "audio_0", NULL);
  gst_harness_set_src_caps (f.video, make_caps (caps, avcc, sizeof avcc));
  gst_harness_set_src_caps (f.audio, audio_caps ());
  guint gop = (guint) (2 * rate->fps_n / rate->fps_d) + 1;
  guint64 next_audio = 0;
  for (guint i = 0; i < 4 * gop; i++) {
    GstClockTime time = gst_util_uint64_scale (i * GST_SECOND,
        (guint) rate->fps_d, (guint) rate->fps_n);
    if (rate->in_ms)
      time = time / GST_MSECOND * GST_MSECOND;
    GstBuffer *frame = make_frame (i % gop == 0, 600);
    GST_BUFFER_PTS (frame) = GST_BUFFER_DTS (frame) = time;
    g_assert_cmpint (gst_harness_push (f.video, frame), ==, GST_FLOW_OK);
    for (; next_audio * AAC_NS < time; next_audio++)
      push_audio (&f,
          gst_util_uint64_scale (next_audio, 1024 * GST_SECOND, 48000));
  }
  g_auto (Index) index = read_index (&f);
  g_assert_cmpuint (index.stream_target, ==, (rate->part_ms + 1) * GST_MSECOND);
  g_assert_cmpuint (target_of (&index, "v576"), ==,
      rate->target_ms * GST_MSECOND);
  assert_rules (&index, "v576", FALSE);
  assert_rules (&index, "a112", FALSE);
  for (guint64 n = 0; n <= index.listed; n++) {
    assert_sum (&f, &index, "v576", n);
    assert_sum (&f, &index, "a112", n);
  }
  g_assert_cmpuint (index.listed, >=, 2);
  GstClockTime first = 0;
  for (guint i = 0; first == 0; i++)
    if (g_str_equal (chunk_at (&index, i)->rendition, "v576"))
      first = chunk_at (&index, i)->duration_ns;
  g_assert_cmpuint ((first + GST_MSECOND) * (guint) rate->fps_n /
          (guint) rate->fps_d / GST_SECOND,
      ==, rate->frames);
  fixture_clear (&f);
}

/* ---- frames of a variable rate ---- */

/* Decoding times run on and none is after its presentation; what is shown when
 * is what came in: @shown, running times in ms from @base on. */
static void
assert_times (Fixture *f, const Index *index, const guint *shown, guint n)
{
  guint at = 0;
  for (guint64 number = 0; number <= index->listed; number++) {
    g_autofree gchar *name =
        g_strdup_printf ("v576/1-%" G_GUINT64_FORMAT ".m4s", number);
    g_autoptr (MillBmffSegment) segment = read_segment (f, name);
    /* Each chunk says where it begins, and the one before where it ends. */
    guint64 time =
        g_array_index (segment->chunks, MillBmffSegmentChunk, 0).decode_time;
    for (guint i = 0; i < segment->chunks->len; i++) {
      const MillBmffSegmentChunk *chunk =
          &g_array_index (segment->chunks, MillBmffSegmentChunk, i);
      g_assert_cmpuint (chunk->decode_time, ==, time);
      time += chunk->duration;
    }
    for (guint i = 0; i < segment->samples->len; i++, at++) {
      const MillBmffSegmentSample *sample =
          &g_array_index (segment->samples, MillBmffSegmentSample, i);
      gint64 pts = (gint64) sample->decode_time + sample->composition_offset;
      g_assert_cmpuint (at, <, n);
      g_assert_cmpint (sample->composition_offset, >=, 0);
      g_assert_cmpuint (gst_util_uint64_scale_round ((guint64) pts, 1000,
                            90000),
          ==, shown[at]);
    }
  }
}

/* How long frames last, in ms, over and over. */
static const guint patterns[][8] = {
  { 40, 40, 80, 80, 33, 33, 50, 44 }, { 33, 34, 33, 67, 100, 33, 33, 67 },
  { 28, 45, 31, 52, 29, 90, 33, 92 }, { 17, 150, 17, 150, 17, 16, 16, 17 },
  { 33, 33, 300, 34, 33, 17, 17, 33 }, /* one is longer than a part may be */
};

static void
test_variable (gconstpointer data)
{
  const guint *pattern = data;
  Fixture f;
  guint shown[400];
  guint time = 0;
  fixture_init (&f, make_dir (), "part-duration-ms", 200, NULL);
  f.video = fixture_add (&f, "video_0", NULL);
  gst_harness_set_src_caps (f.video,
      make_caps ("video/x-h264, stream-format=avc, alignment=au", avcc,
          sizeof avcc));
  for (guint i = 0; i < G_N_ELEMENTS (shown); i++) {
    GstBuffer *frame = make_frame (i % 40 == 0, 600);
    GST_BUFFER_PTS (frame) = GST_BUFFER_DTS (frame) = time * GST_MSECOND;
    shown[i] = time;
    g_assert_cmpint (gst_harness_push (f.video, frame), ==, GST_FLOW_OK);
    time += pattern[i % 8];
  }
  g_auto (Index) index = read_index (&f);
  g_assert_cmpuint (index.listed, >=, 2);
  assert_rules (&index, "v576", TRUE);
  for (guint64 n = 0; n <= index.listed; n++)
    assert_sum (&f, &index, "v576", n);
  assert_times (&f, &index, shown, G_N_ELEMENTS (shown));
  fixture_clear (&f);
}

/* hls.js takes a segment for loaded when its playlist tells its end and at most
 * 200 ms of it are missing: one that has not parsed the last part but one when it
 * hears of the last never loads that, and stalls for a second. So the last part is
 * as long as any, and one of sound is longer than what is overlooked. */
#define OVERLOOKED_NS (200 * GST_MSECOND)

typedef struct
{
  guint part_ms;
  guint segment_ms;
  guint rate; /* of the sound */
  gint fps; /* of stamps in ms */
} Ending;

static const Ending endings[] = {
  { 200, 1000, 48000,
      30 }, /* 47 and 46 frames of sound, nine fit into 200 ms */
  { 200, 1000, 44100, 30 },
  { 200, 1000, 48000, 25 },
  { 333, 2000, 48000, 30 },
  { 333, 2000, 44100, 25 }, /* 50 pictures: eight in a part leave two */
  { 250, 1000, 48000, 25 },
  { 500, 2000, 48000, 60 },
};

static GstCaps *
sound_caps (guint rate)
{
  /* AudioSpecificConfig (ISO/IEC 14496-3 1.6.2.1): LC, rate, two channels */
  static const guint8 asc_44100[] = { 0x12, 0x10 };
  g_autofree gchar *caps = g_strdup_printf (
      "audio/mpeg, mpegversion=4, stream-format=raw, rate=%u, channels=2",
      rate);
  return rate == 44100 ? make_caps (caps, asc_44100, sizeof asc_44100)
                       : make_caps (caps, asc, sizeof asc);
}

static void
push_ending (Fixture *f, const Ending *ending, guint seconds)
{
  guint gop = ending->segment_ms * (guint) ending->fps / 1000;
  guint64 next = 0;
  for (guint i = 0; i < seconds * (guint) ending->fps; i++) {
    GstClockTime time = i * GST_SECOND / (guint) ending->fps / GST_MSECOND *
        GST_MSECOND;
    GstBuffer *frame = make_frame (i % gop == 0, 600);
    GST_BUFFER_PTS (frame) = GST_BUFFER_DTS (frame) = time;
    g_assert_cmpint (gst_harness_push (f->video, frame), ==, GST_FLOW_OK);
    for (GstClockTime at; (at = gst_util_uint64_scale (next, 1024 * GST_SECOND,
                               ending->rate)) < time;
         next++)
      push_audio (f, at);
  }
}

static void
test_endings (gconstpointer data)
{
  const Ending *ending = data;
  Fixture f;
  g_autofree gchar *video = g_strdup_printf (
      "video/x-h264, stream-format=avc, alignment=au, framerate=%d/1",
      ending->fps);
  fixture_init (&f, make_dir (), "part-duration-ms", ending->part_ms,
      "segment-duration-ms", ending->segment_ms, NULL);
  f.video = fixture_add (&f, "video_0", make_caps (video, avcc, sizeof avcc));
  f.audio = fixture_add (&f, "audio_0", sound_caps (ending->rate));
  push_ending (&f, ending, 20);
  g_auto (Index) index = read_index (&f);
  guint n_last = 0;
  GHashTableIter renditions;
  gpointer name;
  g_hash_table_iter_init (&renditions, index.targets);
  while (g_hash_table_iter_next (&renditions, &name, NULL)) {
    gboolean sound = *(const gchar *) name == 'a';
    const MillLiveChunk *before = NULL;
    assert_rules (&index, name, FALSE);
    for (guint i = 0; i < index.chunks->len; i++) {
      const MillLiveChunk *chunk = chunk_at (&index, i);
      if (!g_str_equal (chunk->rendition, name))
        continue;
      if (chunk->flags & MILL_LIVE_CHUNK_LAST) {
        g_assert_nonnull (before);
        g_assert_cmpuint (chunk->duration_ns + GST_MSECOND, >=,
            before->duration_ns);
        if (sound)
          g_assert_cmpuint (chunk->duration_ns, >, OVERLOOKED_NS);
        n_last++;
      }
      before = chunk;
    }
  }
  g_assert_cmpuint (n_last, >=, 14);
  fixture_clear (&f);
}

/* Sound that comes when playlists are there has no longer parts than the stream
 * has: PART-HOLD-BACK is made of the longest, and a player that sees it change may
 * give up (RFC 8216bis 6.2.1). */
static void
test_late_sound (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "part-duration-ms", 200, "segment-duration-ms",
      1000, "startup-timeout-ms", 500, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  push_both (&f, 0, 0, 100, 25);
  g_assert_true (contains (&f, "v576/playlist.m3u8", "\n1-2.m4s"));
  f.audio = fixture_add (&f, "audio_0", audio_caps ());
  push_both (&f, 0, 100, 225, 25);
  g_auto (Index) index = read_index (&f);
  g_assert_cmpuint (target_of (&index, "a112"), <=, index.stream_target);
  assert_rules (&index, "a112", FALSE);
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rates); i++) {
    g_autofree gchar *name =
        g_strdup_printf ("/cmafsink/parts/rates/%d-%d-of-%u%s", rates[i].fps_n,
            rates[i].fps_d, rates[i].part_ms, rates[i].in_ms ? "-in-ms" : "");
    g_test_add_data_func (name, &rates[i], test_rates);
  }
  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++) {
    g_autofree gchar *name =
        g_strdup_printf ("/cmafsink/parts/variable-rate/%u", i);
    g_test_add_data_func (name, patterns[i], test_variable);
  }
  for (guint i = 0; i < G_N_ELEMENTS (endings); i++) {
    g_autofree gchar *name =
        g_strdup_printf ("/cmafsink/parts/endings/%u-%u-%u-%d",
            endings[i].part_ms, endings[i].segment_ms, endings[i].rate,
            endings[i].fps);
    g_test_add_data_func (name, &endings[i], test_endings);
  }
  g_test_add_func ("/cmafsink/parts/late-sound", test_late_sound);
  const gint failed = g_test_run ();
  /* The leaks tracer reports when GStreamer is deinitialised. */
  gst_deinit ();
  return failed;
}
