/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* What a cut does with pads that appear, or never do, and with what other
 * streams publish: nobody is kept waiting for what will not come. */
#include "cut-test.h"
#include "fake-demux.h"

/* ---- pads ---- */

#define DEMUX(pads)                                                                  \
  HEAD                                                                               \
      "  a: { element: fakesrc, props: { num-buffers: 5, filltype: zero, sizetype: " \
      "fixed } }\n"                                                                  \
      "  d: { element: fakedemux, from: [a], props: { pads: \"" pads                 \
      "\" } }\n"                                                                     \
      "  here: { element: fakesink, from: [d.video_3] }\n"                           \
      "  v: { element: fakesink, from: [d.video_3], isolate: true }\n"

/* Pads keep their names, and one that another process wants is no surprise. */
static void
test_pad_names (void)
{
  static const gchar *const names[] = { "video_3", "audio_1" };
  Stream stream;

  stream_init (&stream,
      DEMUX ("audio_1 video_3") "  s: { element: fakesink, from: [d.audio_1], "
                                "isolate: true }\n");
  run_parts (&stream, 3);
  /* Of the other one nothing need have come when all that is wanted has. */
  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    GstElement *end = mill_graph_get_node (stream.parts[i + 1].graph, "link:d");
    g_autoptr (GstPad) pad = gst_element_get_static_pad (end, names[i]);

    g_assert_nonnull (pad);
  }
  stream_clear (&stream);
}

/* What a film lacks is said, and keeps nobody waiting. */
static void
test_pad_never_appears (void)
{
  Stream stream;

  stream_init (&stream,
      DEMUX ("video_3") "  s: { element: fakesink, from: [d.audio_0], isolate: "
                        "true }\n");
  run_parts (&stream, 3);
  assert_said (&stream, 0,
      "warning d: planned pad 'audio_0' for 'link:d' has not appeared and will "
      "not\n");
  assert_said (&stream, 2,
      "warning link:d: planned pad 'audio_0' for 's' has not appeared and will "
      "not\n");
  stream_clear (&stream);
}

static void
test_no_pad_appears (void)
{
  Stream stream;

  stream_init (&stream,
      HEAD
      "  a: { element: fakesrc, props: { num-buffers: 5, filltype: zero, sizetype: fixed "
      "} }\n"
      "  d: { element: fakedemux, from: [a], props: { pads: video_0 } }\n"
      "  here: { element: fakesink, from: [d.video_0] }\n"
      "  s: { element: fakesink, from: [d.audio_0], isolate: true }\n");
  run_parts (&stream, 2);
  assert_said (&stream, 0,
      "warning d: planned pad 'audio_0' for 'link:d' has not appeared and will "
      "not\n");
  assert_said (&stream, 1,
      "warning link:d: planned pad 'audio_0' for 's' has not appeared and will "
      "not\n");
  stream_clear (&stream);
}

/* A source too small for any rung: the packager in the other process has what
 * goes past the ladder, and that is not the end of the stream. */
static void
test_no_pad_of_one_of_two (void)
{
  g_autofree gchar *text = NULL;
  g_autofree gchar *out = NULL;
  Stream stream;

  stream_init (&stream, "");
  out = g_build_filename (stream.dir, "out.sock", NULL);
  text = g_strdup_printf (HEAD
      "  a: { element: fakesrc, props: { num-buffers: 5, sizetype: fixed "
      "} }\n"
      "  b: { element: fakesrc, props: { num-buffers: 5, sizetype: fixed "
      "} }\n"
      "  none: { element: fakedemux, from: [a], props: { pads: \"\" } }\n"
      "  some: { element: fakedemux, from: [b], props: { pads: video_0 } "
      "}\n"
      "  out: { element: millsink, from: [none.video_%%u, some.video_%%u], "
      "isolate: true, props: { location: %s } }\n",
      out);
  g_free (stream.text);
  stream.text = g_steal_pointer (&text);
  run_parts (&stream, 2);
  assert_said (&stream, 0,
      "warning none: planned pad 'video_%u' for 'link:none' has not appeared and "
      "will not\n");
  assert_said (&stream, 1,
      "warning link:none: planned pad 'video_%u' for 'out' has not appeared and "
      "will not\n");
  stream_clear (&stream);
}

/* As in workers: what has ended is stopped at once. */
static void
run_workers (Stream *stream, guint n_parts)
{
  guint n_running = n_parts;

  for (guint i = n_parts; i > 0; i--)
    part_start (stream_build (stream, i - 1));
  while (n_running > 0) {
    g_main_context_iteration (NULL, TRUE);
    for (guint i = 0; i < n_parts; i++) {
      Part *part = &stream->parts[i];

      if (!part->ended || !part->graph)
        continue;
      part_stop (part);
      n_running--;
    }
  }
}

/* The same of a film, whose sender waits for whoever takes it: that stays until
 * the film is over, although it makes nothing of it. */
static void
test_film_for_nothing (void)
{
  g_autofree gchar *text = NULL;
  g_autofree gchar *out = NULL;
  Stream stream;

  stream_init (&stream, "");
  out = g_build_filename (stream.dir, "out.sock", NULL);
  text = g_strdup_printf (HEAD
      "  film: { element: videotestsrc, props: { num-buffers: 600 } }\n"
      "  in: { element: x264enc, from: [film], props: { tune: "
      "zerolatency, speed-preset: ultrafast, threads: 1 } }\n"
      "  none: { element: fakedemux, from: [in], isolate: true, props: { "
      "pads: \"\" } }\n"
      "  out: { element: millsink, from: [in, none.video_%%u], props: { "
      "location: %s } }\n",
      out);
  g_free (stream.text);
  stream.text = g_steal_pointer (&text);
  run_workers (&stream, 2);
  assert_said (&stream, 0,
      "warning link:none: planned pad 'video_%u' for 'out' has not appeared and "
      "will not\n");
  assert_said (&stream, 1,
      "warning none: planned pad 'video_%u' for 'link:none' has not appeared and "
      "will not\n");
  stream_clear (&stream);
}

/* ---- other streams ---- */

#define PUBLISHED                                                            \
  HEAD "  picture: { element: videotestsrc, props: { is-live: true } }\n"    \
       "  in: { element: x264enc, from: [picture], publish: true, props: { " \
       "tune: zerolatency, speed-preset: ultrafast, key-int-max: 10 } }\n"   \
       "  own: { element: fakesink, from: [in] }\n"
#define TAKER                                                                 \
  HEAD "  parse: { element: h264parse, from: [\"stream:cut/in.video_0\"] }\n" \
       "  out: { element: fakesink, from: [parse] }\n"

/* Another graph takes from it, leaves, and comes again; it does not notice. */
static void
test_stream (void)
{
  Stream stream;
  Seen given;
  Seen taken;

  stream_init (&stream, PUBLISHED);
  seen_init (&given);
  seen_init (&taken);
  Part *part = stream_build (&stream, 0);
  part_watch (part, "in", "src", &given);
  part_start (part);
  g_free (stream.text);
  stream.text = g_strdup (TAKER);
  Part *taker = &stream.parts[1];
  for (guint i = 0; i < 2; i++) {
    stream_build_as (&stream, 0, taker);
    part_watch (taker, "parse", "sink", &taken);
    part_start (taker);
    wait_more (&taken, 10);
    part_stop (taker);
    wait_more (&given, 10);
  }
  assert_within (&taken, &given);
  stream_clear (&stream);
  seen_clear (&given);
  seen_clear (&taken);
}

static void
test_no_such_stream (void)
{
  Stream stream;

  stream_init (&stream, TAKER);
  stream.timeout_ms = 50;
  Part *part = stream_build (&stream, 0);
  g_autofree gchar *said =
      g_strdup_printf ("failed stream:cut/in: Nobody publishes on "
                       "'%s/cut.in'.\n",
          stream.dir);
  part_start (part);
  while (!*part->said->str)
    g_main_context_iteration (NULL, TRUE);
  assert_said (&stream, 0, said);
  stream_clear (&stream);
}

/* A mistake on the link is said with the node whose media it is. */
static void
test_socket_taken (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree gchar *path = NULL;
  Stream stream;

  stream_init (&stream, LIVE);
  path = g_build_filename (stream.dir, "cut.in", NULL);
  g_assert_true (g_file_set_contents (path, "", 0, NULL));
  stream_build (&stream, 0);
  g_assert_false (mill_graph_start (stream.parts[0].graph, &error));
  g_assert_nonnull (strstr (error->message, "node 'link:in': "));
  g_assert_nonnull (strstr (error->message, path));
  g_remove (path);
  stream_clear (&stream);
}

int
main (int argc, char **argv)
{
  engine_test_init (&argc, &argv);
  fake_demux_register ();
  g_test_add_func ("/cut/pad-names", test_pad_names);
  g_test_add_func ("/cut/pad-never-appears", test_pad_never_appears);
  g_test_add_func ("/cut/no-pad-appears", test_no_pad_appears);
  g_test_add_func ("/cut/stream", test_stream);
  g_test_add_func ("/cut/no-such-stream", test_no_such_stream);
  g_test_add_func ("/cut/no-pad-of-one-of-two", test_no_pad_of_one_of_two);
  g_test_add_func ("/cut/film-for-nothing", test_film_for_nothing);
  g_test_add_func ("/cut/socket-taken", test_socket_taken);
  return engine_test_run ();
}
