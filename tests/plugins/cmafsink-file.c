/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a ladder of a film that lacks frames of some quality,
 * takes all the memory of the machine, or never gets done; a language or a
 * quality that players do not offer. */
#include "cmafsink-rungs.h"
#include "stalled-disk.h"

#define BIG (400 * 1024)
/* What may be queued before a push waits, as frames of that size. */
#define AHEAD ((32 << 20) / BIG + 3)

static void
begin (Ladder *self, guint n)
{
  memset (self, 0, sizeof *self);
  self->gop = 50;
  fixture_init (&self->f, make_dir (), "mode", 2, NULL);
  ladder_init (self, n, 0);
}

static void
assert_frames (Ladder *self, const gchar *name, guint frames)
{
  g_autoptr (GArray) entries = read_playlist (&self->f, name);
  guint n = 0;
  g_assert_cmpuint (count_gaps (&self->f, name), ==, 0);
  for (guint i = 0; i < entries->len; i++) {
    g_autoptr (MillBmffSegment) segment =
        open_segment (&self->f, name, &g_array_index (entries, Entry, i));
    for (guint k = 0; k < segment->samples->len; k++, n++)
      g_assert_cmpuint (sample_of (segment, k).decode_time, ==, n * 3600);
  }
  g_assert_cmpuint (n, ==, frames);
}

/* ---- who waits for whom ---- */

/** Pushes all frames of a rung, and its end. */
typedef struct
{
  Ladder *ladder;
  Rung *rung;
  guint frames;
  gint pushed; /* atomic */
  GstFlowReturn ret;
} Feeder;

static gpointer
feed (gpointer data)
{
  Feeder *self = data;
  for (guint i = 0; i < self->frames && self->ret == GST_FLOW_OK; i++) {
    self->ret = ladder_push_frame (self->ladder, self->rung, i);
    g_atomic_int_set (&self->pushed, (gint) i + 1);
  }
  if (self->ret == GST_FLOW_OK)
    gst_harness_push_event (self->rung->harness, gst_event_new_eos ());
  return NULL;
}

static void
finish (Ladder *self, guint frames)
{
  wait_eos (&self->f);
  for (guint i = 0; i < self->n; i++)
    assert_frames (self, self->rungs[i].name, frames);
  g_assert_cmpuint (assert_aligned (&self->f, "top", "mid"), ==, frames / 50);
  ladder_clear (self);
}

/* Each has a thread of its own: the one ahead waits. For a second, after which
 * it would try again: what is seen later, on a busy machine, tells nothing. */
static void
test_wait (void)
{
  Ladder l;
  begin (&l, 2);
  l.rungs[1].size = BIG;
  Feeder rung = { .ladder = &l, .rung = &l.rungs[1], .frames = 200 };
  gint64 start = g_get_monotonic_time ();
  GThread *thread = g_thread_new ("rung", feed, &rung);
  gint64 now = start;
  /* It would be through by then. */
  while (now < start + 400 * G_TIME_SPAN_MILLISECOND) {
    gint pushed = g_atomic_int_get (&rung.pushed);
    now = g_get_monotonic_time ();
    if (now < start + 900 * G_TIME_SPAN_MILLISECOND)
      g_assert_cmpint (pushed, <=, AHEAD);
    g_thread_yield ();
  }
  for (guint i = 0; i < 200; i++)
    g_assert_cmpint (ladder_push_frame (&l, &l.rungs[0], i), ==, GST_FLOW_OK);
  gst_harness_push_event (l.rungs[0].harness, gst_event_new_eos ());
  g_thread_join (thread);
  finish (&l, 200);
}

/* The one that cuts gets nothing before the other is through (a demuxer that is
 * held up by a full queue): the wait is given up. */
static void
test_never_deadlock (void)
{
  Ladder l;
  begin (&l, 2);
  l.rungs[1].size = BIG;
  Feeder rung = { .ladder = &l, .rung = &l.rungs[1], .frames = 150 };
  GThread *thread = g_thread_new ("rung", feed, &rung);
  g_thread_join (thread);
  g_assert_cmpint (rung.ret, ==, GST_FLOW_OK);
  Feeder top = { .ladder = &l, .rung = &l.rungs[0], .frames = 150 };
  feed (&top);
  finish (&l, 150);
}

/* Whoever looks at the stats, or asks how far it is, does not stand still with
 * the disk: in a worker that is the main loop, and all its streams with it. */
static void
test_stalled (void)
{
  Ladder l;
  begin (&l, 2);
  Feeder rung = { .ladder = &l, .rung = &l.rungs[1], .frames = 200 };
  feed (&rung);
  stalled_disk_stall ("-2.m4s");
  Feeder top = { .ladder = &l, .rung = &l.rungs[0], .frames = 200 };
  GThread *thread = g_thread_new ("top", feed, &top);
  stalled_disk_wait ();
  g_autoptr (GstStructure) stats = stalled_disk_get (l.f.sink, "stats");
  guint64 bytes = 0;
  g_assert_true (gst_structure_get_uint64 (stats, "bytes", &bytes));
  g_assert_cmpuint (bytes, >, 0);
  g_assert_true (gst_structure_has_field (stats, "renditions"));
  gint64 position;
  g_assert_true (gst_element_query_position (l.f.sink, GST_FORMAT_TIME,
      &position));
  g_assert_cmpint (position, >, 0);
  stalled_disk_release ();
  g_thread_join (thread);
  finish (&l, 200);
}

/* One thread feeds both, all of the rung between two frames of the other. */
static void
test_one_thread (void)
{
  Ladder l;
  begin (&l, 2);
  l.rungs[1].size = BIG;
  g_assert_cmpint (ladder_push_frame (&l, &l.rungs[0], 0), ==, GST_FLOW_OK);
  Feeder rung = { .ladder = &l, .rung = &l.rungs[1], .frames = 150 };
  feed (&rung);
  g_assert_cmpint (rung.ret, ==, GST_FLOW_OK);
  for (guint i = 1; i < 150; i++)
    g_assert_cmpint (ladder_push_frame (&l, &l.rungs[0], i), ==, GST_FLOW_OK);
  gst_harness_push_event (l.rungs[0].harness, gst_event_new_eos ());
  finish (&l, 150);
}

static void
wait_until_blocked (Feeder *feeder)
{
  gint64 deadline = g_get_monotonic_time () + 10 * G_USEC_PER_SEC;
  while (g_atomic_int_get (&feeder->pushed) < AHEAD - 4) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_thread_yield ();
  }
}

/* The graph is stopped, or the pad flushed, while a push waits. */
static void
test_stop_while_waiting (gconstpointer flushes)
{
  Ladder l;
  begin (&l, 2);
  l.rungs[1].size = BIG;
  Feeder rung = { .ladder = &l, .rung = &l.rungs[1], .frames = 10000 };
  GThread *thread = g_thread_new ("rung", feed, &rung);
  wait_until_blocked (&rung);
  if (GPOINTER_TO_INT (flushes))
    gst_harness_push_event (l.rungs[1].harness, gst_event_new_flush_start ());
  else
    gst_element_set_state (l.f.sink, GST_STATE_NULL);
  g_thread_join (thread);
  g_assert_cmpint (rung.ret, ==, GST_FLOW_FLUSHING);
  ladder_clear (&l);
}

/* The copy is through before the encoder has its first frame: by a pad that was
 * not there when it began. */
static void
test_late_pads (void)
{
  Ladder l;
  begin (&l, 1);
  Feeder top = { .ladder = &l, .rung = &l.rungs[0], .frames = 250 };
  for (guint i = 0; i < 250; i++)
    ladder_push_frame (&l, &l.rungs[0], i);
  ladder_add (&l, "mid", 0);
  ladder_add (&l, "low", 0);
  gst_harness_push_event (top.rung->harness, gst_event_new_eos ());
  for (guint i = 1; i < 3; i++) {
    Feeder rung = { .ladder = &l, .rung = &l.rungs[i], .frames = 250 };
    feed (&rung);
  }
  finish (&l, 250);
}

/* Keyframes of another place: nothing is dropped. */
static void
test_misaligned (void)
{
  Ladder l;
  begin (&l, 2);
  for (guint i = 0; i < 150; i++) {
    l.gop = 50;
    ladder_push_frame (&l, &l.rungs[0], i);
    l.gop = 40;
    ladder_push_frame (&l, &l.rungs[1], i);
  }
  ladder_eos (&l);
  wait_eos (&l.f);
  assert_frames (&l, "top", 150);
  assert_frames (&l, "mid", 150);
  ladder_clear (&l);
}

/* ---- what players are offered ---- */

static GstHarness *
add_audio (Ladder *self, guint number, const gchar *language,
    const gchar *group, gboolean is_default)
{
  g_autofree gchar *pad = g_strdup_printf ("audio_%u", number);
  GstHarness *harness = fixture_add (&self->f, pad, NULL);
  g_autoptr (GstPad) own = gst_element_get_static_pad (self->f.sink, pad);
  g_object_set (own, "language", language, "group", group, "default",
      is_default, NULL);
  gst_harness_set_src_caps (harness, audio_caps ());
  return harness;
}

/* (transfer full) the variants in order, by the first letter of their names */
static gchar *
list_variants (Ladder *l)
{
  GString *letters = g_string_new (NULL);
  g_autofree gchar *master = read_text (&l->f, "master.m3u8");
  g_auto (GStrv) lines = g_strsplit (master, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (lines[i][0] != '#' && lines[i][0] != '\0')
      g_string_append_c (letters, lines[i][0]);
  return g_string_free (letters, FALSE);
}

static void
assert_offer (Ladder *l)
{
  /* Three qualities with two groups of sound each. */
  g_assert_cmpuint (count (&l->f, "master.m3u8", "#EXT-X-STREAM-INF"), ==, 6);
  g_assert_cmpuint (count (&l->f, "master.m3u8", "#EXT-X-MEDIA:TYPE=AUDIO"), ==,
      3);
  g_assert_cmpuint (count (&l->f, "master.m3u8", "AUDIO=\"audio\""), ==, 3);
  g_assert_cmpuint (count (&l->f, "master.m3u8", "AUDIO=\"comment\""), ==, 3);
  /* of six variants, and of three I-frame playlists */
  g_assert_cmpuint (count (&l->f, "master.m3u8", "AVERAGE-BANDWIDTH="), ==, 9);
  g_assert_cmpuint (count (&l->f, "master.m3u8", "#EXT-X-I-FRAME-STREAM-INF"),
      ==, 3);
  g_assert_cmpuint (count (&l->f, "master.m3u8", "LANGUAGE=\"de\",DEFAULT"), ==,
      1);
  g_assert_cmpuint (count (&l->f, "master.m3u8", "LANGUAGE=\"en\",AUTOSELECT"),
      ==, 1);
  /* The best that is modest enough leads, then from the least on. */
  g_autofree gchar *variants = list_variants (l);
  g_assert_cmpstr (variants, ==, "mllmtt");
  g_assert_cmpuint (count (&l->f, "manifest.mpd", "contentType=\"video\""), ==,
      1);
  g_assert_true (contains (&l->f, "manifest.mpd", "maxWidth=\"720\""));
  g_assert_true (contains (&l->f, "manifest.mpd", "maxFrameRate=\"25\""));
  g_assert_true (contains (&l->f, "manifest.mpd", "startWithSAP=\"1\""));
  g_assert_cmpuint (count (&l->f, "manifest.mpd", "contentType=\"audio\""), ==,
      3);
  /* Video, and the sound that is the default. */
  g_assert_cmpuint (count (&l->f, "manifest.mpd", "value=\"main\""), ==, 2);
  g_assert_cmpuint (count (&l->f, "manifest.mpd", "value=\"alternate\""), ==,
      2);
}

static void
test_offer (void)
{
  Ladder l;
  begin (&l, 3);
  static const gsize sizes[] = { 20000, 9000, 2000 };
  for (guint i = 0; i < 3; i++)
    l.rungs[i].size = sizes[i];
  GstHarness *sounds[] = { add_audio (&l, 0, "en", "audio", FALSE),
    add_audio (&l, 1, "de", "audio", TRUE),
    add_audio (&l, 2, "en", "comment", FALSE) };
  ladder_run (&l, 150);
  for (guint i = 0; i < 3; i++) {
    l.f.audio = sounds[i];
    push_both (&l.f, 0, 0, 150, 50);
    gst_harness_push_event (sounds[i], gst_event_new_eos ());
  }
  l.f.audio = NULL;
  ladder_eos (&l);
  wait_eos (&l.f);
  assert_offer (&l);
  gst_element_set_state (l.f.sink, GST_STATE_NULL);
  for (guint i = 0; i < 3; i++)
    gst_harness_teardown (sounds[i]);
  ladder_clear (&l);
}

/* The sound is read to its end before the picture says where segments begin:
 * only what nothing follows is the last one (23009-1 6.3.4.2). */
static void
test_sound_ends_first (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "mode", 2, NULL);
  fixture_add_both (&f);
  GstHarness *video = f.video;
  GstHarness *audio = f.audio;
  f.audio = NULL;
  push_both (&f, 0, 0, 75, 50);
  f.video = NULL;
  f.audio = audio;
  push_both (&f, 0, 0, 125, 50);
  gst_harness_push_event (audio, gst_event_new_eos ());
  f.video = video;
  f.audio = NULL;
  push_both (&f, 0, 75, 125, 50);
  gst_harness_push_event (video, gst_event_new_eos ());
  wait_eos (&f);
  f.audio = audio;
  for (guint n = 0; n < 3; n++) {
    g_autofree gchar *name = g_strdup_printf ("a112/1-%u.m4s", n);
    gsize size;
    g_autofree gchar *data = read_bytes (&f, name, &size);
    g_assert_cmpint (memmem (data, 64, "lmsg", 4) != NULL, ==, n == 2);
  }
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
#define TEST(name, func) g_test_add_func ("/cmafsink/file/" name, func)
  TEST ("wait", test_wait);
  TEST ("never-deadlock", test_never_deadlock);
  TEST ("stalled", test_stalled);
  TEST ("one-thread", test_one_thread);
  TEST ("late-pads", test_late_pads);
  TEST ("misaligned", test_misaligned);
  TEST ("offer", test_offer);
  TEST ("sound-ends-first", test_sound_ends_first);
  g_test_add_data_func ("/cmafsink/file/stop-while-waiting",
      GINT_TO_POINTER (FALSE), test_stop_while_waiting);
  g_test_add_data_func ("/cmafsink/file/flush-while-waiting",
      GINT_TO_POINTER (TRUE), test_stop_while_waiting);
  const gint failed = g_test_run ();
  gst_deinit ();
  return failed;
}
