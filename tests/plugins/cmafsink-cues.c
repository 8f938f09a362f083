/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: an advertisement that begins in the middle of a sentence,
 * a break that never ends, a player that stops at a restart in one, or timed
 * metadata that never arrives. */
#include <gst/mpegts/mpegts.h>

#include "cmafsink-test.h"
#include "codec/id3.h"
#include "scte35/scte35.h"

/* Keyframes are closer than segments: cuts at frames 0, 48, 96, ... */
#define GOP 12

static void
begin (Fixture *f, gchar *dir)
{
  fixture_init (f, dir, "segment-duration-ms", 2000, NULL);
  fixture_add_both (f);
}

/* ---- cues ---- */

static void
assert_answer (GstElement *sink, GstStructure *cue, const gchar *code)
{
  g_autoptr (GstStructure) owned = cue;
  g_autoptr (GstStructure) answer = NULL;
  gboolean taken = FALSE;
  g_signal_emit_by_name (sink, "cue", owned, &answer);
  g_assert_nonnull (answer);
  g_assert_true (gst_structure_get_boolean (answer, "taken", &taken));
  g_assert_cmpstr (gst_structure_get_string (answer, "code"), ==, code);
  g_assert_cmpint (taken, ==, code == NULL);
}

static void
cue (Fixture *f, const gchar *text, const gchar *code)
{
  GstStructure *structure = gst_structure_from_string (text, NULL);
  g_assert_nonnull (structure);
  assert_answer (f->sink, structure, code);
}

/* ---- playlists ---- */

/* Value of @key in @line. */
static gchar *
attribute (const gchar *line, const gchar *key)
{
  g_autofree gchar *start = g_strdup_printf ("%s=", key);
  const gchar *at = strstr (line, start);
  if (at == NULL)
    return NULL;
  at += strlen (start);
  gboolean is_quoted = *at == '"';
  at += is_quoted;
  return g_strndup (at, strcspn (at, is_quoted ? "\"" : ",\n"));
}

/* The lines of EXT-X-DATERANGE. */
static GStrv
list_ranges (Fixture *f, const gchar *name)
{
  g_autofree gchar *text = read_text (f, name);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GStrvBuilder) ranges = g_strv_builder_new ();
  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], "#EXT-X-DATERANGE:"))
      g_strv_builder_add (ranges, lines[i]);
  return g_strv_builder_end (ranges);
}

static MillScte35
read_section (const gchar *line, const gchar *key)
{
  g_autofree gchar *hex = attribute (line, key);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  MillScte35 section;
  g_assert_nonnull (hex);
  g_assert_true (g_str_has_prefix (hex, "0x"));
  for (const gchar *at = hex + 2; *at; at += 2) {
    guint8 byte = (guint8) (g_ascii_xdigit_value (at[0]) << 4 |
        g_ascii_xdigit_value (at[1]));
    g_byte_array_append (bytes, &byte, 1);
  }
  g_assert_true (mill_scte35_parse (bytes->data, bytes->len, &section, NULL));
  return section;
}

static void
assert_start (const gchar *line, gint64 expected_us)
{
  g_autofree gchar *date = attribute (line, "START-DATE");
  /* Dates are written in milliseconds. */
  g_assert_cmpint (ABS (parse_date (date) - expected_us), <=, 1000);
}

/* ---- segments ---- */

/** The emsg boxes of a file, and where moof is. */
typedef struct
{
  guint n;
  guint64 times[8];
  guint32 durations[8];
  guint32 ids[8];
  gchar schemes[8][64];
  GBytes *messages[8];
} Messages;

/* Boxes begin anywhere. */
static guint64
get_number (const guint8 *data, guint size)
{
  guint64 number = 0;
  for (guint i = 0; i < size; i++)
    number = number << 8 | data[i];
  return number;
}

static void
read_message (const MillBmffBox *box, Messages *ret)
{
  const guint8 *data = box->payload;
  guint i = ret->n++;
  g_assert_cmpuint (i, <, 8);
  g_assert_cmpuint (data[0], ==, 1);
  g_assert_cmpuint ((guint32) get_number (data + 4, 4), ==, 90000);
  ret->times[i] = get_number (data + 8, 8);
  ret->durations[i] = (guint32) get_number (data + 16, 4);
  ret->ids[i] = (guint32) get_number (data + 20, 4);
  gsize at = 24;
  g_strlcpy (ret->schemes[i], (const gchar *) data + at, 64);
  at += strlen ((const gchar *) data + at) + 1;
  at += strlen ((const gchar *) data + at) + 1;
  ret->messages[i] = g_bytes_new (data + at, box->payload_size - at);
}

static void
clear_messages (Messages *self)
{
  for (guint i = 0; i < self->n; i++)
    g_bytes_unref (self->messages[i]);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Messages, clear_messages)

static void
read_messages (Fixture *f, const gchar *name, Messages *ret)
{
  gsize size;
  g_autofree gchar *data = read_bytes (f, name, &size);
  MillBmffReader reader;
  MillBmffBox box;
  gboolean after_moof = FALSE;
  memset (ret, 0, sizeof *ret);
  mill_bmff_reader_init (&reader, (const guint8 *) data, size);
  while (mill_bmff_reader_next (&reader, &box, NULL) == MILL_BMFF_NEXT_BOX) {
    /* 23000-19 7.3.2.4: before moof, never between it and its mdat. */
    if (box.type == MILL_BMFF_FOURCC ('e', 'm', 's', 'g')) {
      g_assert_false (after_moof);
      read_message (&box, ret);
    }
    after_moof = box.type == MILL_BMFF_FOURCC ('m', 'o', 'o', 'f');
  }
}

/* ---- tests ---- */

/* Now means the next keyframe: there is a segment's border in all renditions,
 * and the break begins there to the millisecond. */
static void
test_out_and_in (void)
{
  Fixture f;
  begin (&f, make_dir ());
  push_both (&f, 0, 0, 70, GOP);
  cue (&f, "cue, type=out, id=(uint)7", NULL);
  push_both (&f, 0, 70, 130, GOP);
  cue (&f, "cue, type=in, id=(uint)7", NULL);
  push_both (&f, 0, 130, 250, GOP);

  const gchar *names[] = { "v576/playlist.m3u8", "a112/playlist.m3u8" };
  g_auto (GStrv) ranges = list_ranges (&f, names[0]);
  g_assert_cmpuint (g_strv_length (ranges), ==, 2);
  /* Cuts at frames 0, 48, 72 (out), 120, 132 (in). */
  assert_start (ranges[0], segment_date (&f, names[0], 2));
  g_autofree gchar *id = attribute (ranges[0], "ID");
  g_autofree gchar *id_again = attribute (ranges[1], "ID");
  g_autofree gchar *start = attribute (ranges[0], "START-DATE");
  g_autofree gchar *start_again = attribute (ranges[1], "START-DATE");
  g_autofree gchar *duration = attribute (ranges[1], "DURATION");
  g_assert_cmpstr (id, ==, "scte35-7-1");
  g_assert_cmpstr (id, ==, id_again);
  g_assert_cmpstr (start, ==, start_again);
  g_assert_cmpstr (duration, ==, "2.400");
  g_assert_null (strstr (ranges[0], "DURATION"));
  g_assert_cmpint (segment_date (&f, names[0], 4) -
          segment_date (&f, names[0], 2),
      ==, 2400000);
  MillScte35 out = read_section (ranges[0], "SCTE35-OUT");
  g_assert_cmpint (out.events[0].role, ==, MILL_SCTE35_OUT);
  g_assert_cmpuint (out.events[0].id, ==, 7);
  g_assert_cmpuint (out.pts, ==, 72 * 3600);
  MillScte35 in = read_section (ranges[1], "SCTE35-IN");
  g_assert_cmpint (in.events[0].role, ==, MILL_SCTE35_IN);
  g_assert_cmpuint (in.pts, ==, 132 * 3600);

  /* The same lines, and the same number of segments, in the sound. */
  g_auto (GStrv) audio = list_ranges (&f, names[1]);
  g_assert_true (g_strv_equal ((const gchar *const *) ranges,
      (const gchar *const *) audio));
  g_assert_cmpuint (count (&f, names[0], "#EXTINF"), ==,
      count (&f, names[1], "#EXTINF"));

  /* The message is in the segment that the break begins with, once. */
  g_auto (Messages) messages;
  read_messages (&f, "v576/1-2.m4s", &messages);
  g_assert_cmpuint (messages.n, ==, 1);
  g_assert_cmpstr (messages.schemes[0], ==, "urn:scte:scte35:2013:bin");
  g_assert_cmpuint (messages.times[0], ==, 72 * 3600);
  g_assert_cmpuint (messages.durations[0], ==, G_MAXUINT32);
  MillScte35 section;
  g_assert_true (mill_scte35_parse (g_bytes_get_data (messages.messages[0],
                                        NULL),
      g_bytes_get_size (messages.messages[0]), &section, NULL));
  g_assert_cmpuint (section.pts, ==, 72 * 3600);
  g_auto (Messages) none;
  read_messages (&f, "a112/1-2.m4s", &none);
  g_assert_cmpuint (none.n, ==, 0);
  fixture_clear (&f);
}

/* A time that is known is told before, and a break with a duration ends by
 * itself; the message is in the media early, and again where it is due. */
static void
test_announced (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "cue-tags", TRUE, "break-periods", TRUE, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 20, GOP);
  cue (&f,
      "cue, type=out, id=(uint)9, time=(guint64)2880000000, "
      "duration=(guint64)2400000000",
      NULL);
  push_both (&f, 0, 20, 60, GOP);
  g_auto (GStrv) early = list_ranges (&f, "v576/playlist.m3u8");
  g_assert_cmpuint (g_strv_length (early), ==, 1);
  g_autofree gchar *planned = attribute (early[0], "PLANNED-DURATION");
  g_assert_cmpstr (planned, ==, "2.400");
  push_both (&f, 0, 60, 250, GOP);
  g_auto (GStrv) late = list_ranges (&f, "v576/playlist.m3u8");
  g_assert_cmpuint (g_strv_length (late), ==, 2);
  g_assert_cmpstr (late[0], ==, early[0]);
  assert_start (late[0], segment_date (&f, "v576/playlist.m3u8", 2));
  g_autofree gchar *duration = attribute (late[1], "DURATION");
  g_assert_cmpstr (duration, ==, "2.400");
  MillScte35 out = read_section (late[0], "SCTE35-OUT");
  g_assert_cmpuint (out.events[0].duration, ==, 216000);
  g_assert_true (out.events[0].auto_return);
  g_assert_cmpint (read_section (late[1], "SCTE35-IN").events[0].role, ==,
      MILL_SCTE35_IN);

  g_auto (Messages) first;
  g_auto (Messages) due;
  read_messages (&f, "v576/1-0.m4s", &first);
  read_messages (&f, "v576/1-2.m4s", &due);
  g_assert_cmpuint (first.n, ==, 1);
  g_assert_cmpuint (due.n, ==, 1);
  g_assert_cmpuint (first.times[0], ==, 72 * 3600);
  g_assert_cmpuint (first.durations[0], ==, 216000);
  g_assert_cmpuint (first.ids[0], ==, due.ids[0]);
  g_assert_true (g_bytes_equal (first.messages[0], due.messages[0]));

  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-CUE-OUT:2.400\n"),
      ==, 1);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8",
                        "#EXT-X-CUE-OUT-CONT:ElapsedTime=1.920,Duration=2.400"),
      ==, 1);
  g_assert_cmpuint (count (&f, "v576/playlist.m3u8", "#EXT-X-CUE-IN\n"), ==, 1);

  /* A Period of its own: the event is at its beginning. */
  g_assert_cmpuint (count (&f, "manifest.mpd", "<Period"), ==, 3);
  g_assert_true (contains (&f, "manifest.mpd",
      "<EventStream schemeIdUri=\"urn:scte:scte35:2014:xml+bin\" "
      "timescale=\"90000\">"));
  g_assert_cmpuint (count (&f, "manifest.mpd",
                        "<Event presentationTime=\"0\" duration=\"216000\""),
      ==, 1);
  g_assert_true (contains (&f, "manifest.mpd",
      "<InbandEventStream schemeIdUri=\"urn:scte:scte35:2013:bin\"/>"));
  fixture_clear (&f);
}

static void
test_refused (void)
{
  Fixture f;
  begin (&f, make_dir ());
  cue (&f, "cue, type=out, id=(uint)1", "not-live");
  push_both (&f, 0, 0, 30, GOP);
  cue (&f, "cue, type=in, id=(uint)1", "no-break");
  cue (&f, "cue, type=cancel, id=(uint)1", "no-break");
  cue (&f, "cue, type=sideways, id=(uint)1", "invalid");
  cue (&f, "cue, type=out, id=(uint)1, duration=(guint64)0", "invalid");
  cue (&f, "cue, type=out, id=(uint)1, duration=(guint64)86400000000001",
      "invalid");
  cue (&f, "cue, type=metadata", "invalid");
  cue (&f, "cue, type=out, id=(uint)1", NULL);
  cue (&f, "cue, type=out, id=(uint)1", "exists");
  cue (&f, "cue, type=out, id=(uint)2", NULL);
  cue (&f, "cue, type=in, id=(uint)1", NULL);
  cue (&f, "cue, type=in, id=(uint)1", "no-break");
  push_both (&f, 0, 30, 120, GOP);
  push_eos (&f);
  wait_eos (&f);
  cue (&f, "cue, type=out, id=(uint)3", "not-live");
  g_auto (GStrv) ranges = list_ranges (&f, "v576/playlist.m3u8");
  /* 1 begins at the next keyframe and ends at the one after it. */
  g_assert_cmpuint (g_strv_length (ranges), ==, 3);
  g_autofree gchar *duration = attribute (ranges[1], "DURATION");
  g_assert_cmpstr (duration, ==, "0.480");
  fixture_clear (&f);
}

/* What was said in a break must be the same after a kill in it, and the break
 * can be ended. */
static void
test_restart (void)
{
  Fixture f;
  begin (&f, make_dir ());
  push_both (&f, 0, 0, 70, GOP);
  cue (&f, "cue, type=out, id=(uint)7, duration=(guint64)600000000000", NULL);
  push_both (&f, 0, 70, 130, GOP);
  g_auto (GStrv) before = list_ranges (&f, "v576/playlist.m3u8");
  g_assert_cmpuint (g_strv_length (before), ==, 1);
  gchar *dir = g_strdup (f.dir);
  fixture_stop (&f);
  g_free (f.dir);

  begin (&f, dir);
  push_both (&f, 0, 0, 60, GOP);
  g_auto (GStrv) after = list_ranges (&f, "v576/playlist.m3u8");
  g_assert_true (g_strv_equal ((const gchar *const *) before,
      (const gchar *const *) after));
  cue (&f, "cue, type=out, id=(uint)7", "exists");
  cue (&f, "cue, type=in, id=(uint)7", NULL);
  push_both (&f, 0, 60, 150, GOP);
  g_auto (GStrv) ended = list_ranges (&f, "v576/playlist.m3u8");
  g_assert_cmpuint (g_strv_length (ended), ==, 2);
  g_assert_cmpstr (ended[0], ==, before[0]);
  cue (&f, "cue, type=out, id=(uint)7", NULL);
  push_both (&f, 0, 150, 210, GOP);
  g_auto (GStrv) again = list_ranges (&f, "v576/playlist.m3u8");
  g_assert_cmpuint (g_strv_length (again), ==, 3);
  g_autofree gchar *id = attribute (again[0], "ID");
  g_autofree gchar *other = attribute (again[2], "ID");
  g_assert_cmpstr (id, !=, other);
  fixture_clear (&f);
}

/* They leave with the segments that they were over. */
static void
test_window (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), "segment-duration-ms", 1000, "window-segments",
      3, NULL);
  fixture_add_both (&f);
  push_both (&f, 0, 0, 30, 25);
  cue (&f, "cue, type=out, id=(uint)7, duration=(guint64)2000000000", NULL);
  push_both (&f, 0, 30, 130, 25);
  g_auto (GStrv) inside = list_ranges (&f, "v576/playlist.m3u8");
  g_assert_cmpuint (g_strv_length (inside), ==, 2);
  push_both (&f, 0, 130, 260, 25);
  g_auto (GStrv) outside = list_ranges (&f, "v576/playlist.m3u8");
  g_assert_cmpuint (g_strv_length (outside), ==, 0);
  fixture_clear (&f);
}

static void
test_metadata (void)
{
  Fixture f;
  fixture_init (&f, make_dir (), NULL, NULL);
  fixture_add_both (&f);
  GstHarness *meta = gst_harness_new_with_element (f.sink, "meta_%u", NULL);
  gst_harness_set_src_caps_str (meta, "meta/x-id3, parsed=true");
  push_both (&f, 0, 0, 30, 50);
  cue (&f, "cue, type=metadata, key=title, value=\"Sch\\303\\266n\"", NULL);
  g_autoptr (GBytes) tag = mill_id3_new_text ("k", "v");
  GstBuffer *buffer = gst_buffer_new_wrapped_bytes (tag);
  GST_BUFFER_PTS (buffer) = 2400 * GST_MSECOND;
  g_assert_cmpint (gst_harness_push (meta, buffer), ==, GST_FLOW_OK);
  /* No tag: gone over. */
  buffer = gst_buffer_new_memdup ("ID3", 3);
  GST_BUFFER_PTS (buffer) = 2500 * GST_MSECOND;
  g_assert_cmpint (gst_harness_push (meta, buffer), ==, GST_FLOW_OK);
  push_both (&f, 0, 30, 160, 50);
  g_auto (Messages) first;
  g_auto (Messages) second;
  read_messages (&f, "v576/1-0.m4s", &first);
  read_messages (&f, "v576/1-1.m4s", &second);
  g_assert_cmpuint (first.n, ==, 2);
  g_assert_cmpstr (first.schemes[0], ==, "https://aomedia.org/emsg/ID3");
  g_assert_cmpuint (first.times[0] / 3600, >=, 29);
  g_assert_cmpuint (first.times[1], ==, 2400 * 90);
  g_assert_cmpuint (second.n, ==, 1);
  g_assert_cmpuint (second.ids[0], ==, first.ids[1]);
  g_assert_true (g_bytes_equal (second.messages[0], tag));
  g_assert_true (contains (&f, "manifest.mpd",
      "<InbandEventStream schemeIdUri=\"https://aomedia.org/emsg/ID3\"/>"));
  g_assert_false (contains (&f, "v576/playlist.m3u8", "DATERANGE"));
  gst_harness_teardown (meta);
  fixture_clear (&f);
}

/* An encoder of ours makes the keyframe that a break wants. */
static void
test_keyframe_request (void)
{
  Fixture f;
  begin (&f, make_dir ());
  push_both (&f, 0, 0, 30, 1000);
  cue (&f, "cue, type=out, id=(uint)7, time=(guint64)5000000000", NULL);
  for (;;) {
    g_autoptr (GstEvent) event = gst_harness_try_pull_upstream_event (f.video);
    g_assert_nonnull (event);
    if (!gst_event_has_name (event, "GstForceKeyUnit"))
      continue;
    GstClockTime time;
    const GstStructure *structure = gst_event_get_structure (event);
    g_assert_true (gst_structure_get_clock_time (structure, "running-time",
        &time));
    g_assert_cmpuint (ABS ((gint64) time - (gint64) (5 * GST_SECOND)), <=,
        5 * GST_MSECOND);
    break;
  }
  fixture_clear (&f);
}

/* A stream that had its end in a break: the next one of its name is not in it. */
static void
test_anew (void)
{
  Fixture f;
  begin (&f, make_dir ());
  push_both (&f, 0, 0, 70, GOP);
  cue (&f, "cue, type=out, id=(uint)7", NULL);
  push_both (&f, 0, 70, 130, GOP);
  g_auto (GStrv) before = list_ranges (&f, "v576/playlist.m3u8");
  g_assert_cmpuint (g_strv_length (before), ==, 1);
  push_eos (&f);
  wait_eos (&f);
  gchar *dir = g_strdup (f.dir);
  fixture_stop (&f);
  g_free (f.dir);

  begin (&f, dir);
  push_both (&f, 0, 0, 60, GOP);
  g_auto (GStrv) after = list_ranges (&f, "v576/playlist.m3u8");
  g_assert_cmpuint (g_strv_length (after), ==, 0);
  cue (&f, "cue, type=in, id=(uint)7", "no-break");
  cue (&f, "cue, type=out, id=(uint)7", NULL);
  push_both (&f, 0, 60, 130, GOP);
  g_auto (GStrv) again = list_ranges (&f, "v576/playlist.m3u8");
  g_assert_cmpuint (g_strv_length (again), ==, 1);
  /* A player that has not noticed the end does not take it for the old one. */
  g_autofree gchar *id = attribute (before[0], "ID");
  g_autofree gchar *other = attribute (again[0], "ID");
  g_assert_cmpstr (id, !=, other);
  fixture_clear (&f);
}

gint
main (gint argc, gchar **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmafsink/cues/out-and-in", test_out_and_in);
  g_test_add_func ("/cmafsink/cues/announced", test_announced);
  g_test_add_func ("/cmafsink/cues/refused", test_refused);
  g_test_add_func ("/cmafsink/cues/restart", test_restart);
  g_test_add_func ("/cmafsink/cues/anew", test_anew);
  g_test_add_func ("/cmafsink/cues/window", test_window);
  g_test_add_func ("/cmafsink/cues/metadata", test_metadata);
  g_test_add_func ("/cmafsink/cues/keyframe-request", test_keyframe_request);
  return g_test_run ();
}
