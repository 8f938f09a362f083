/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Parts of segments. A user would notice: low-latency players that stall at each
 * part that is too long, that play a piece twice or never after a restart of the
 * packager, or that end for good because the part target has changed. */
#include "cmafsink-test.h"

#include "playlist/mpd-low-latency.h"
#include "store/live-index.h"

/* ---- live.index as it is read ---- */

typedef struct
{
  guint64 stream_target;
  GHashTable *targets; /* rendition -> guint64 */
  GArray *chunks; /* MillLiveChunk */
  guint64 listed;
  guint64 next_generation;
  guint64 next_number;
  gboolean ended;
} Index;

static void
on_stream (guint64 target, gpointer data)
{
  ((Index *) data)->stream_target = target;
}

static void
on_rendition (const gchar *name, guint64 target, gpointer data)
{
  /* Told once, before its first chunk. */
  g_assert_true (g_hash_table_insert (((Index *) data)->targets,
      g_strdup (name), g_memdup2 (&target, sizeof target)));
}

static void
on_chunk (const MillLiveChunk *chunk, gpointer data)
{
  g_assert_true (g_hash_table_contains (((Index *) data)->targets,
      chunk->rendition));
  g_array_append_vals (((Index *) data)->chunks, chunk, 1);
}

static void
on_next (guint64 generation, guint64 number, gpointer data)
{
  ((Index *) data)->next_generation = generation;
  ((Index *) data)->next_number = number;
}

static void
on_listed (guint64 generation, guint64 number, guint target, gpointer data)
{
  ((Index *) data)->listed = number;
}

static void
on_end (gpointer data)
{
  ((Index *) data)->ended = TRUE;
}

static const MillLiveReaderFuncs funcs = { on_stream, on_rendition, on_chunk,
  on_next, on_listed, on_end };

static void
clear_index (Index *index)
{
  g_hash_table_unref (index->targets);
  g_array_unref (index->chunks);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Index, clear_index)

static Index
read_index (Fixture *f)
{
  Index index = {
    .targets = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
    .chunks = g_array_new (FALSE, FALSE, sizeof (MillLiveChunk)),
  };
  g_autofree gchar *text = read_text (f, "live.index");
  g_autoptr (MillLiveReader) reader =
      mill_live_index_reader_new (&funcs, &index);
  g_autoptr (GError) error = NULL;
  mill_live_index_reader_feed (reader, text, strlen (text), &error);
  g_assert_no_error (error);
  return index;
}

static guint64
target_of (const Index *index, const gchar *rendition)
{
  const guint64 *target = g_hash_table_lookup (index->targets, rendition);
  g_assert_nonnull (target);
  return *target;
}

static const MillLiveChunk *
chunk_at (const Index *index, guint i)
{
  return &g_array_index (index->chunks, MillLiveChunk, i);
}

static gboolean
is_too_short (const MillLiveChunk *chunk, guint64 target)
{
  return !(chunk->flags &
             (MILL_LIVE_CHUNK_LAST | MILL_LIVE_CHUNK_INDEPENDENT)) &&
      chunk->duration_ns * 100 < target * 85;
}

/* RFC 8216bis 4.4.4.9, and what a playlist is made of. @varies: the last picture
 * of a segment may last so long that there is no room for it in the part before,
 * and nothing else to fill that with. */
static void
assert_rules (const Index *index, const gchar *rendition, gboolean varies)
{
  guint64 target = target_of (index, rendition);
  const MillLiveChunk *before = NULL;
  /* Sound has as many parts as the picture, in whole frames: of AAC at 48 kHz the
   * longest is the first number of frames that is as long as was asked for. */
  if (*rendition == 'a' && target > index->stream_target)
    g_assert_cmpuint (target - index->stream_target, <, AAC_NS);
  else
    g_assert_cmpuint (target, <=, index->stream_target);
  for (guint i = 0; i < index->chunks->len; i++) {
    const MillLiveChunk *chunk = chunk_at (index, i);
    if (!g_str_equal (chunk->rendition, rendition))
      continue;
    g_assert_cmpuint (chunk->duration_ns, <=, target);
    if (before != NULL && is_too_short (before, target)) {
      g_assert_true (varies && (chunk->flags & MILL_LIVE_CHUNK_LAST));
      g_assert_cmpuint (before->duration_ns + chunk->duration_ns, >, target);
    }
    if (before != NULL && !(before->flags & MILL_LIVE_CHUNK_LAST)) {
      g_assert_cmpuint (chunk->number, ==, before->number);
      g_assert_cmpuint (chunk->part, ==, before->part + 1);
      g_assert_cmpuint (chunk->offset, ==, before->offset + before->length);
    } else {
      g_assert_cmpuint (chunk->part, ==, 0);
      g_assert_true (chunk->flags & MILL_LIVE_CHUNK_INDEPENDENT);
    }
    before = chunk;
  }
}

/* The parts of a segment last as long, to the microsecond, as its EXTINF. */
static void
assert_sum (Fixture *f, const Index *index, const gchar *rendition,
    guint64 number)
{
  guint64 sum = 0;
  gsize bytes = 0;
  guint64 generation = 0;
  for (guint i = 0; i < index->chunks->len; i++) {
    const MillLiveChunk *chunk = chunk_at (index, i);
    if (!g_str_equal (chunk->rendition, rendition) || chunk->number != number)
      continue;
    sum += chunk->duration_ns;
    bytes += chunk->length;
    generation = chunk->generation;
  }
  guint64 us = (sum + 500) / 1000;
  g_autofree gchar *line =
      g_strdup_printf ("#EXTINF:%" G_GUINT64_FORMAT ".%06" G_GUINT64_FORMAT
                       ",\n%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".m4s\n",
          us / G_USEC_PER_SEC, us % G_USEC_PER_SEC, generation, number);
  g_autofree gchar *playlist = g_strconcat (rendition, "/playlist.m3u8", NULL);
  if (!contains (f, playlist, line))
    g_error ("%s has no '%s'", playlist, line);
  g_autofree gchar *name = g_strdup_printf ("%s/%" G_GUINT64_FORMAT
                                            "-%" G_GUINT64_FORMAT ".m4s",
      rendition, generation, number);
  g_autofree gchar *path = path_of (f, name);
  GStatBuf status;
  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpuint (status.st_size, ==, bytes);
}

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

/* One segment of another length ends low-latency DASH: counting does not lead to
 * what comes after it. A Period begins for those, and the viewer is near to live
 * again. */
static gboolean
is_low_latency (Fixture *f)
{
  MillMpdLowLatency options = { .part_target_ns = 201 * GST_MSECOND };
  g_autofree gchar *text = read_text (f, "manifest.mpd");
  g_autoptr (GBytes) plain = g_bytes_new (text, strlen (text));
  g_autoptr (GBytes) made =
      mill_mpd_low_latency_make (plain, &options, NULL, NULL);
  return made != NULL;
}

static void
test_irregular (void)
{
  Fixture f;
  GString *seen = g_string_new (NULL);
  guint64 next_audio = 0;
  fixture_init (&f, make_dir (), "part-duration-ms", 200, "segment-duration-ms",
      1000, NULL);
  fixture_add_both (&f);
  for (guint i = 0; i < 360; i++) {
    /* A second each, and one of 1.4 s. */
    gboolean sync = i < 150 ? i % 25 == 0 : i >= 160 && (i - 160) % 25 == 0;
    push_video (&f, i * FRAME_NS, i * FRAME_NS, sync);
    for (; next_audio * AAC_NS < (i + 1) * FRAME_NS; next_audio++)
      push_audio (&f,
          gst_util_uint64_scale (next_audio, 1024 * GST_SECOND, 48000));
    if (i % 25 == 20 && i > 60)
      g_string_append_c (seen, is_low_latency (&f) ? 'L' : '-');
  }
  /* Regular; the long one in the playlist; two that are alike, which tell how
   * long they are; and two of the Period that is begun then. */
  g_assert_cmpstr (seen->str, ==, "LLLL----LLLL");
  g_assert_cmpuint (count (&f, "manifest.mpd", "<Period "), ==, 2);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "DISCONTINUITY"), ==, 0);
  g_string_free (seen, TRUE);
  fixture_clear (&f);
}

/* A part is told as soon as there is no room for another frame: not when that
 * comes, and not when the one after it tells how long it was. */
static void
test_at_once (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "part-duration-ms", 200, NULL);
  f.video = fixture_add (&f, "video_0", video_caps ());
  for (guint i = 0; i < 5; i++)
    push_video (&f, i * FRAME_NS, i * FRAME_NS, i == 0);
  g_assert_false (contains (&f, "live.index", "v576 1 0 0 "));
  /* How long the fifth is, the sixth tells. */
  push_video (&f, 5 * FRAME_NS, 5 * FRAME_NS, FALSE);
  g_assert_true (contains (&f, "live.index", "v576 1 0 0 "));
  fixture_clear (&f);
}

/* Nothing of all this is for streams without parts. */
static void
test_without (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 130, 50);
  g_assert_cmpuint (count (&f, "live.index", "#"), ==, 0);
  g_assert_cmpuint (count (&f, "live.index", "v576 "), ==, 2);
  fixture_clear (&f);
}

/* ---- restarts ---- */

/* Two segments are listed and 1.2 s of the third are told. */
static void
begin_stream (Fixture *f, gchar *dir)
{
  fixture_init (f, dir, "part-duration-ms", 200, NULL);
  fixture_add_both (f);
  push_both (f, 0, 0, 133, 50);
}

static void
test_go_on (void)
{
  Fixture f;
  gchar *dir = make_dir ();
  begin_stream (&f, g_strdup (dir));
  g_auto (Index) before = read_index (&f);
  g_assert_cmpuint (before.listed, ==, 1);
  fixture_stop (&f);
  /* A chunk that was written, and not told of. */
  g_autofree gchar *segment = path_of (&f, "v576/1-2.m4s");
  FILE *file = g_fopen (segment, "ab");
  g_assert_cmpuint (fwrite (avcc, 1, sizeof avcc, file), ==, sizeof avcc);
  fclose (file);
  g_free (f.dir);

  /* With other ideas of what a part is. */
  fixture_init (&f, dir, "part-duration-ms", 500, NULL);
  fixture_add_both (&f);
  gst_element_set_state (f.sink, GST_STATE_PLAYING);
  g_auto (Index) after = read_index (&f);
  g_assert_cmpuint (after.stream_target, ==, before.stream_target);
  g_assert_cmpuint (target_of (&after, "v576"), ==,
      target_of (&before, "v576"));
  g_assert_cmpuint (after.next_generation, ==, 2);
  g_assert_cmpuint (after.next_number, ==, 3);
  /* What was told is told again; the last part of what had begun is its end. */
  g_assert_cmpuint (after.chunks->len, ==, before.chunks->len);
  for (guint i = 0; i < before.chunks->len; i++) {
    const MillLiveChunk *was = chunk_at (&before, i);
    gboolean found = FALSE;
    for (guint k = 0; k < after.chunks->len; k++) {
      const MillLiveChunk *is = chunk_at (&after, k);
      found |= g_str_equal (is->rendition, was->rendition) &&
          is->number == was->number && is->part == was->part &&
          is->generation == 1 && is->offset == was->offset &&
          is->length == was->length && is->duration_ns == was->duration_ns;
    }
    g_assert_true (found);
  }
  push_both (&f, 0, 0, 130, 50);
  g_auto (Index) end = read_index (&f);
  assert_rules (&end, "v576", FALSE);
  assert_rules (&end, "a112", FALSE);
  assert_sum (&f, &end, "v576", 2);
  assert_sum (&f, &end, "a112", 2);
  g_assert_true (contains (&f, "v576/playlist.m3u8",
      "\n1-2.m4s\n#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"init-2.mp4\"\n"));
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-GAP"), ==, 0);
  g_autoptr (MillBmffSegment) whole = read_segment (&f, "v576/1-2.m4s");
  g_assert_cmpuint (whole->samples->len % 5, ==, 0);
  push_eos (&f);
  wait_eos (&f);
  g_auto (Index) ended = read_index (&f);
  g_assert_true (ended.ended);
  fixture_clear (&f);
}

/* An index that is damaged, or gone, costs parts and nothing else. */
static void
test_damaged (void)
{
  static const gchar *const texts[] = { "", "garbage\n",
    "millrace-live 2\n#stream 201000000\nv576 1 2 0 0 99999999 4000000000 "
    "200000000 I 1\n" };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    Fixture f;
    gchar *dir = make_dir ();
    begin_stream (&f, g_strdup (dir));
    fixture_stop (&f);
    g_autofree gchar *path = path_of (&f, "live.index");
    g_assert_true (g_file_set_contents (path, texts[i], -1, NULL));
    g_free (f.dir);
    fixture_init (&f, dir, "part-duration-ms", 200, NULL);
    fixture_add_both (&f);
    push_both (&f, 0, 0, 130, 50);
    g_assert_true (contains (&f, "v576/playlist.m3u8", "\n2-2.m4s"));
    g_assert_false (contains (&f, "v576/playlist.m3u8", "\n1-2.m4s"));
    g_assert_true (contains (&f, "live.index", "v576 2 2 0 0 "));
    fixture_clear (&f);
  }
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
  g_test_add_func ("/cmafsink/parts/irregular", test_irregular);
  g_test_add_func ("/cmafsink/parts/at-once", test_at_once);
  g_test_add_func ("/cmafsink/parts/without", test_without);
  g_test_add_func ("/cmafsink/parts/go-on", test_go_on);
  g_test_add_func ("/cmafsink/parts/damaged", test_damaged);
  const gint failed = g_test_run ();
  /* The leaks tracer reports when GStreamer is deinitialised. */
  gst_deinit ();
  return failed;
}
