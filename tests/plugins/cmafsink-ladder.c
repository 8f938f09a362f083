/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: qualities of a film that do not begin a segment at the
 * same picture, or that lack pictures; a film that never gets done, because the
 * copy and the ladder wait for each other. With the real encoder and link. */
#include "cmafsink-rungs.h"

/* 300 frames with B-frames; keyframes by scene and every 1.4 s at most. */
#define SOURCE                                                \
  "videotestsrc num-buffers=300 pattern=smpte-rp-219 "        \
  "! video/x-raw,width=480,height=360,framerate=25/1 "        \
  "! x264enc speed-preset=veryfast bframes=2 key-int-max=35 " \
  "! video/x-h264,profile=high ! tee name=t "
#define SINK "cmafsink name=c mode=vod location=%s "

typedef struct
{
  gchar *dir;
  GstElement *pipelines[3];
  guint n;
} Graph;

static void
launch (Graph *self, const gchar *format, ...)
{
  va_list args;
  g_autoptr (GError) error = NULL;
  va_start (args, format);
  g_autofree gchar *text = g_strdup_vprintf (format, args);
  va_end (args);
  self->pipelines[self->n++] = gst_parse_launch (text, &error);
  g_assert_no_error (error);
}

/* All of them end, within a minute. */
static void
run (Graph *self)
{
  for (guint i = 0; i < self->n; i++)
    gst_element_set_state (self->pipelines[i], GST_STATE_PLAYING);
  for (guint i = 0; i < self->n; i++) {
    g_autoptr (GstBus) bus = gst_element_get_bus (self->pipelines[i]);
    g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (bus,
        60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    g_assert_nonnull (message);
    g_assert_cmpstr (GST_MESSAGE_TYPE_NAME (message), ==, "eos");
  }
}

static gint64
read_media_time (Fixture *f, const gchar *rendition)
{
  g_autofree gchar *name = g_strdup_printf ("%s/init-1.mp4", rendition);
  g_autoptr (MillBmffInit) init = read_init (f, name);
  return init->media_time;
}

/* Segment by segment: an IDR first, whose decoding time is its presentation
 * time, the same integer as the source's. Returns: frames */
static guint
assert_rendition (Fixture *f, const gchar *rendition)
{
  gint64 edit = read_media_time (f, rendition);
  g_autoptr (GArray) source = read_playlist (f, "v360");
  g_autoptr (GArray) entries = read_playlist (f, rendition);
  guint frames = 0;
  g_assert_cmpuint (entries->len, ==, source->len);
  g_assert_cmpuint (entries->len, >=, 4);
  for (guint i = 0; i < entries->len; i++) {
    const Entry *entry = &g_array_index (entries, Entry, i);
    g_autoptr (MillBmffSegment) own = open_segment (f, rendition, entry);
    g_autoptr (MillBmffSegment) theirs = open_segment (f, "v360", entry);
    g_assert_cmpuint (sample_of (own, 0).decode_time, ==,
        sample_of (theirs, 0).decode_time);
    g_assert_cmpint (sample_of (own, 0).composition_offset, ==, edit);
    g_assert_true (g_array_index (own->chunks, MillBmffSegmentChunk, 0)
                       .independent);
    frames += own->samples->len;
  }
  return frames;
}

static void
finish (Graph *self)
{
  Fixture f = { .dir = self->dir };
  for (guint i = 0; i < self->n; i++) {
    gst_element_set_state (self->pipelines[i], GST_STATE_NULL);
    gst_clear_object (&self->pipelines[i]);
  }
  g_assert_cmpuint (assert_rendition (&f, "v360"), ==, 300);
  g_assert_cmpuint (assert_rendition (&f, "v270"), ==, 300);
  g_assert_cmpuint (assert_rendition (&f, "v180"), ==, 300);
  g_assert_cmpuint (count (&f, "master.m3u8", "#EXT-X-STREAM-INF"), ==, 3);
  g_assert_cmpuint (count (&f, "manifest.mpd", "<AdaptationSet "), ==, 1);
  remove_tree (self->dir);
  g_free (self->dir);
}

static void
test_beside (void)
{
  Graph graph = { .dir = make_dir () };
  launch (&graph,
      SINK SOURCE "t. ! queue ! c.video_0 "
                  "t. ! queue ! abrladder name=l preset=test top=skip "
                  "l.video_0 ! c.video_1 l.video_1 ! c.video_2",
      graph.dir);
  run (&graph);
  finish (&graph);
}

/* Without any queue: one thread feeds the copy and the ladder. */
static void
test_one_thread (void)
{
  Graph graph = { .dir = make_dir () };
  launch (&graph,
      SINK "abrladder name=l preset=test top=skip " SOURCE
           "t. ! c.video_0 t. ! l.video "
           "l.video_0 ! c.video_1 l.video_1 ! c.video_2",
      graph.dir);
  run (&graph);
  finish (&graph);
}

/* The ladder in a graph of its own, over links that push back. */
static void
test_over_links (void)
{
  Graph graph = { .dir = make_dir () };
  g_autofree gchar *in = g_build_filename (graph.dir, "in.sock", NULL);
  g_autofree gchar *out = g_build_filename (graph.dir, "out.sock", NULL);
  launch (&graph,
      SINK SOURCE "t. ! queue ! c.video_0 "
                  "t. ! queue ! millsink location=%s leaky=false "
                  "millsrc name=r location=%s leaky=false "
                  "r.video_0 ! queue ! c.video_1 r.video_1 ! queue ! c.video_2",
      graph.dir, in, out);
  launch (&graph,
      "millsrc location=%s leaky=false ! queue "
      "! abrladder name=l preset=test top=skip "
      "millsink name=s location=%s leaky=false "
      "l.video_0 ! queue ! s.video_0 l.video_1 ! queue ! s.video_1",
      in, out);
  run (&graph);
  finish (&graph);
}

/* A break of a raw source: the ladder makes the keyframe that it begins with, in
 * every rung. */
typedef struct
{
  GstElement *sink;
  guint frame;
  guint taken_at; /* frame; 0: not taken */
} Cue;

/* Until the first picture has come out of the encoders nothing is live. */
static GstPadProbeReturn
on_raw_frame (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  Cue *self = user_data;
  gboolean taken = FALSE;
  self->frame++;
  if (self->taken_at > 0)
    return GST_PAD_PROBE_OK;
  g_autoptr (GstStructure) cue = gst_structure_from_string (
      "cue, type=out, id=(uint)7, time=(guint64)8000000000", NULL);
  g_autoptr (GstStructure) answer = NULL;
  g_signal_emit_by_name (self->sink, "cue", cue, &answer);
  gst_structure_get_boolean (answer, "taken", &taken);
  if (taken)
    self->taken_at = self->frame;
  return GST_PAD_PROBE_OK;
}

static void
test_break (void)
{
  Graph graph = { .dir = make_dir () };
  launch (&graph,
      "videotestsrc num-buffers=300 ! identity name=raw ! "
      "video/x-raw,width=480,height=270,framerate=25/1 ! "
      "abrladder name=l preset=test keyframe-interval-ms=60000 "
      "l.video_0 ! cmafsink name=c mode=event location=%s l.video_1 ! c.",
      graph.dir);
  GstBin *bin = GST_BIN (graph.pipelines[0]);
  g_autoptr (GstElement) raw = gst_bin_get_by_name (bin, "raw");
  g_autoptr (GstPad) pad = gst_element_get_static_pad (raw, "src");
  Cue cue = { .sink = gst_bin_get_by_name (bin, "c") };
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_raw_frame, &cue, NULL);
  run (&graph);
  gst_element_set_state (graph.pipelines[0], GST_STATE_NULL);
  gst_clear_object (&graph.pipelines[0]);
  gst_clear_object (&cue.sink);
  g_assert_cmpuint (cue.taken_at, >, 0);
  g_assert_cmpuint (cue.taken_at, <, 200);
  Fixture f = { .dir = graph.dir };
  const gchar *names[] = { "v270/playlist.m3u8", "v180/playlist.m3u8" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    g_assert_cmpuint (count (&f, names[i], "#EXTINF:8.000000"), ==, 1);
    g_assert_cmpuint (count (&f, names[i], "#EXTINF:4.000000"), ==, 1);
    g_assert_cmpuint (count (&f, names[i], "#EXTINF"), ==, 2);
    g_assert_cmpuint (count (&f, names[i], "SCTE35-OUT=0x"), ==, 1);
  }
  remove_tree (graph.dir);
  g_free (graph.dir);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink/ladder/beside", test_beside);
  g_test_add_func ("/cmafsink/ladder/one-thread", test_one_thread);
  g_test_add_func ("/cmafsink/ladder/over-links", test_over_links);
  g_test_add_func ("/cmafsink/ladder/break", test_break);
  const gint failed = g_test_run ();
  gst_deinit ();
  return failed;
}
