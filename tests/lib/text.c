/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Captions as viewers read them: words are never lost or taken for markup, and
 * stay when they are shown.
 */

#include "bmff/bmff-init.h"
#include "bmff/bmff-reader.h"
#include "bmff/bmff-text.h"
#include "text/text-ass.h"
#include "text/text-builder.h"
#include "text/text-markup.h"
#include "text/text-ttml.h"
#include "text/text-webvtt.h"

#include <string.h>

typedef gchar *(*CleanFunc) (const gchar *data, gsize size);

typedef struct
{
  CleanFunc clean;
  const gchar *in;
  const gchar *out; /* NULL: no words */
} Vector;

static const Vector vectors[] = {
  /* WebVTT 4.2.2: text, tags, references */
  { mill_text_webvtt_clean, "Hello", "Hello" },
  { mill_text_webvtt_clean, "<i>a</i> <b>b</b>", "<i>a</i> <b>b</b>" },
  { mill_text_webvtt_clean, "<v Mary Ann>Hi", "<v Mary Ann>Hi</v>" },
  { mill_text_webvtt_clean, "<v Bob-- >x<c.a-->y", "<v Bob->xy</v>" },
  { mill_text_webvtt_clean, "<c.red.big>x</c>", "<c.red.big>x</c>" },
  { mill_text_webvtt_clean, "<00:00:01.000>one <00:00:02.000>two", "one two" },
  { mill_text_webvtt_clean, "a &lt;b&gt; &amp; c&nbsp;d",
      "a &lt;b&gt; &amp; c\302\240d" },
  { mill_text_webvtt_clean, "a --> b", "a --&gt; b" },
  { mill_text_webvtt_clean, "a\n\n\nb\n", "a\nb" },
  { mill_text_webvtt_clean, "<script>x</script>", "x" },
  { mill_text_webvtt_clean, "<i><b>x</i>y", "<i><b>x</b></i>y" },
  { mill_text_webvtt_clean, "<i></i> \n ", NULL },
  { mill_text_webvtt_clean, "a < b", "a &lt; b" },
  { mill_text_webvtt_clean, "\377\376x", "\357\277\275\357\277\275x" },
  /* Pango, as subparse writes it */
  { mill_text_markup_from_pango, "<i>It&apos;s</i> <u>1 &lt; 2</u>",
      "<i>It's</i> <u>1 &lt; 2</u>" },
  { mill_text_markup_from_pango,
      "<span style=\"italic\" weight=\"bold\">x</span>y", "<i><b>x</b></i>y" },
  { mill_text_markup_from_pango, "Tom & Jerry", "Tom &amp; Jerry" },
  { mill_text_markup_from_pango, "one\ntwo", "one\ntwo" },
  { mill_text_markup_from_plain, "1 < 2\r\n\r\n3 --> 4",
      "1 &lt; 2\n3 --&gt; 4" },
  { mill_text_markup_from_plain, " \n ", NULL },
  /* ASS: fields before the text, overrides, drawings */
  { mill_text_ass_clean, "0,0,Default,,0,0,0,,Hi, {\\i1}you{\\i0}\\Nthere",
      "Hi, <i>you</i>\nthere" },
  { mill_text_ass_clean, "0,0,D,,0,0,0,,{\\b1\\i1}a{\\b0}b{\\r}c",
      "<b><i>a</i></b><i>b</i>c" },
  { mill_text_ass_clean, "0,0,D,,0,0,0,,{\\p1}m 0 0 l 1 1{\\p0}", NULL },
  { mill_text_ass_clean, "0,0,D,,0,0,0,,{\\bord2\\pos(1,2)}x\\hy",
      "x\302\240y" },
  { mill_text_ass_clean, "0,0,D,,0,0,0,,a { b", "a { b" },
  { mill_text_ass_clean, "too,few", NULL },
};

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    const Vector *vector = &vectors[i];
    g_autofree gchar *out = vector->clean (vector->in, strlen (vector->in));
    g_assert_cmpstr (out, ==, vector->out);
  }
}

/* What cue text promises, of whatever it was made from. */
static void
check_text (const gchar *text)
{
  guint open = 0;
  g_assert_true (g_utf8_validate (text, -1, NULL));
  g_assert_cmpuint (strlen (text), >, 0);
  g_assert_cmpuint (strlen (text), <, MILL_TEXT_CUE_TEXT_MAX + 2048);
  g_assert_null (strstr (text, "-->"));
  g_assert_null (strstr (text, "\n\n"));
  g_assert_true (text[0] != '\n' && text[strlen (text) - 1] != '\n');
  for (const gchar *at = text; (at = strchr (at, '<')) != NULL; at++) {
    g_assert_nonnull (strchr (at, '>'));
    if (at[1] != '/')
      open++;
    else
      g_assert_cmpuint (open--, >, 0);
  }
  g_assert_cmpuint (open, ==, 0);
}

/* A source that is cut off anywhere gives cue text all the same. */
static void
test_truncated (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++)
    for (gsize size = 0; size < strlen (vectors[i].in); size++) {
      g_autofree gchar *in = g_memdup2 (vectors[i].in, MAX (size, 1));
      g_autofree gchar *out = vectors[i].clean (in, size);
      if (out != NULL)
        check_text (out);
    }
}

static void
test_bounds (void)
{
  g_autofree gchar *much = g_strnfill (100000, 'x');
  g_autofree gchar *text = mill_text_markup_from_plain (much, 100000);
  check_text (text);
  g_autoptr (GString) tags = g_string_new (NULL);
  for (guint i = 0; i < 1000; i++)
    g_string_append (tags, "<i>");
  g_string_append (tags, "deep");
  g_autofree gchar *deep = mill_text_webvtt_clean (tags->str, tags->len);
  check_text (deep);
}

/* ---- files ---- */

static const gchar webvtt[] =
    "\357\273\277WEBVTT - a title\r\n"
    "X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\r\n"
    "\r\n"
    "NOTE\r\n00:00:00.000 --> 00:00:09.000\r\n"
    "\r\n"
    "STYLE\n::cue { color: red }\n\n"
    "first\r\n"
    "00:01.000 --> 00:00:02.500 line:0 region:x align:start evil:\"\r\n"
    "one\r\n<i>two\r\n"
    "\r\n"
    "00:00:04.000 --> 00:00:03.000\nbackwards\n\n"
    "99:59:59.999 --> 100:00:01.000\nlate\n";

static void
test_webvtt_file (void)
{
  g_autoptr (GPtrArray) cues = mill_text_cue_list_new ();
  g_assert_true (mill_text_webvtt_has_timings (webvtt, strlen (webvtt)));
  g_assert_false (mill_text_webvtt_has_timings ("a --> b\n", 8));
  mill_text_webvtt_parse (webvtt, strlen (webvtt), cues);
  /* The comment's timing line is not a cue's: a line with an arrow ends it. */
  const MillTextCue *cue = g_ptr_array_index (cues, cues->len - 2);
  g_assert_cmpstr (cue->id, ==, "first");
  g_assert_cmpstr (cue->settings, ==, "line:0 align:start");
  g_assert_cmpstr (cue->text, ==, "one\n<i>two</i>");
  g_assert_cmpint (cue->start, ==, GST_SECOND);
  g_assert_cmpint (cue->end, ==, 2500 * GST_MSECOND);
  cue = g_ptr_array_index (cues, cues->len - 1);
  g_assert_cmpstr (cue->text, ==, "late");
  g_assert_cmpint (cue->end, ==, 360001 * GST_SECOND);
}

static const gchar ttml[] =
    "<?xml version=\"1.0\"?>\n"
    "<tt:tt xmlns:tt=\"http://www.w3.org/ns/ttml\" "
    "xmlns:ttp=\"http://www.w3.org/ns/ttml#parameter\" "
    "xmlns:tts=\"http://www.w3.org/ns/ttml#styling\" "
    "ttp:frameRate=\"25\" ttp:tickRate=\"1000\">"
    "<tt:head><tt:styling><tt:style xml:id=\"s\" tts:fontStyle=\"italic\"/>"
    "</tt:styling><tt:metadata><tt:desc>not shown</tt:desc></tt:metadata>"
    "</tt:head><tt:body begin=\"10s\"><tt:div>"
    "<tt:p xml:id=\"p1\" begin=\"00:00:01.5\" end=\"00:00:03:05\">a\n   "
    "<tt:span style=\"s\">b</tt:span><tt:br/>c &lt; d</tt:p>"
    "<tt:p begin=\"2000t\" dur=\"1500ms\" tts:fontWeight=\"bold\">e</tt:p>"
    "<tt:p><tt:span begin=\"5s\" end=\"6s\">f</tt:span> "
    "<tt:span begin=\"6s\" end=\"25f\">never</tt:span></tt:p>"
    "</tt:div></tt:body></tt:tt>";

static void
test_ttml (void)
{
  static const struct
  {
    gint64 start_ms, end_ms;
    const gchar *text;
  } expected[] = {
    { 11500, 13200, "a <i>b</i>\nc &lt; d" },
    { 12000, 13500, "<b>e</b>" },
    { 15000, 16000, "f" },
  };
  g_autoptr (GPtrArray) cues = mill_text_cue_list_new ();
  g_autoptr (GError) error = NULL;
  gboolean ok = mill_text_ttml_parse (ttml, strlen (ttml), cues, &error);
  g_assert_no_error (error);
  g_assert_true (ok);
  g_assert_cmpuint (cues->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < cues->len; i++) {
    const MillTextCue *cue = g_ptr_array_index (cues, i);
    g_assert_cmpstr (cue->text, ==, expected[i].text);
    g_assert_cmpint (cue->start, ==, expected[i].start_ms * GST_MSECOND);
    g_assert_cmpint (cue->end, ==, expected[i].end_ms * GST_MSECOND);
  }
}

static void
test_ttml_hostile (void)
{
  static const gchar *const documents[] = { "", "<", "no xml",
    "<!DOCTYPE t [<!ENTITY a \"&#65;\">]><tt><body><p begin=\"0s\" end=\"1s\">"
    "&a;</p></body></tt>",
    "<tt><body><p begin=\"-1s\" end=\"1e9s\">x</p>" };
  for (guint i = 0; i < G_N_ELEMENTS (documents); i++) {
    g_autoptr (GPtrArray) cues = mill_text_cue_list_new ();
    g_autoptr (GError) error = NULL;
    g_assert_false (mill_text_ttml_parse (documents[i], strlen (documents[i]),
        cues, &error));
    g_assert_error (error, MILL_TEXT_TTML_ERROR, MILL_TEXT_TTML_ERROR_INVALID);
    g_assert_cmpuint (cues->len, <=, 1);
  }
  for (gsize size = 0; size < strlen (ttml); size++) {
    g_autoptr (GPtrArray) cues = mill_text_cue_list_new ();
    g_autofree gchar *in = g_memdup2 (ttml, MAX (size, 1));
    g_assert_false (mill_text_ttml_parse (in, size, cues, NULL));
  }
}

/* Times of elements in others add up: the sum of a few large ones is no time
 * that can be. */
static void
test_ttml_far (void)
{
  static const gchar deep[] =
      "<tt><body begin=\"999999h\"><div begin=\"999999h\">"
      "<div begin=\"999999h\"><p begin=\"999999h\" dur=\"999999h\">x</p>"
      "<p begin=\"0s\" end=\"999999h\">y</p></div></div></body></tt>";
  g_autoptr (GPtrArray) cues = mill_text_cue_list_new ();
  g_autoptr (GError) error = NULL;
  mill_text_ttml_parse (deep, strlen (deep), cues, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < cues->len; i++) {
    const MillTextCue *cue = g_ptr_array_index (cues, i);
    g_assert_cmpint (cue->start, >=, 0);
    g_assert_cmpint (cue->end, >, cue->start);
  }
}

/* ---- writing ---- */

static void
add_cue (GPtrArray *cues, gint64 start_ms, gint64 end_ms, const gchar *text)
{
  g_ptr_array_add (cues,
      mill_text_cue_new (start_ms * (gint64) GST_MSECOND,
          end_ms < 0 ? GST_CLOCK_STIME_NONE : end_ms * (gint64) GST_MSECOND,
          g_strdup (text)));
}

static gchar *
print_webvtt (const GPtrArray *cues, GstClockTimeDiff start,
    GstClockTimeDiff end)
{
  MillTextSegment segment = { cues, start, end };
  g_autoptr (GBytes) bytes = mill_text_webvtt_print (&segment);
  gsize size;
  const gchar *data = g_bytes_get_data (bytes, &size);
  return g_strndup (data, size);
}

/* RFC 8216bis 3.1.4: the map, whole cues, and one whose end is still open. */
static void
test_webvtt_segment (void)
{
  g_autoptr (GPtrArray) cues = mill_text_cue_list_new ();
  add_cue (cues, 3500, 4500, "over the border");
  add_cue (cues, 3000, -1, "open");
  mill_text_cue_set_id (g_ptr_array_index (cues, 0), "7");
  mill_text_cue_set_settings (g_ptr_array_index (cues, 0), "line:0");
  g_autofree gchar *text = print_webvtt (cues, 4 * GST_SECOND, 6 * GST_SECOND);
  g_assert_cmpstr (text, ==,
      "WEBVTT\n"
      "X-TIMESTAMP-MAP=LOCAL:00:00:04.000,MPEGTS:360000\n"
      "\n"
      "7\n"
      "00:00:03.500 --> 00:00:04.500 line:0\n"
      "over the border\n"
      "\n"
      "00:00:04.000 --> 00:00:06.000\n"
      "open\n");
}

/* The 90 kHz clock of 33 bits begins anew after 26.5 hours: the map with it. */
static void
test_webvtt_wrap (void)
{
  g_autoptr (GPtrArray) none = mill_text_cue_list_new ();
  const gint64 wrap_ms = ((G_GINT64_CONSTANT (1) << 33) + 89) / 90;
  g_autofree gchar *before = print_webvtt (none,
      (wrap_ms - 1) * (gint64) GST_MSECOND, wrap_ms * (gint64) GST_MSECOND);
  g_autofree gchar *after = print_webvtt (none, wrap_ms * (gint64) GST_MSECOND,
      wrap_ms * (gint64) GST_MSECOND);
  g_assert_cmpstr (before, ==,
      "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:26:30:43.717,MPEGTS:8589934530\n");
  g_assert_cmpstr (after, ==,
      "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:26:30:43.718,MPEGTS:28\n");
}

/* What is written as TTML is read as what it was. */
static void
test_ttml_round_trip (void)
{
  g_autoptr (GPtrArray) cues = mill_text_cue_list_new ();
  g_autoptr (GPtrArray) read = mill_text_cue_list_new ();
  g_autoptr (GError) error = NULL;
  add_cue (cues, 1000, 2000, "<i>a &amp; <b>b</b></i>\n<v Mary>c</v>");
  add_cue (cues, 1500, -1, "open");
  MillTextSegment segment = { cues, GST_SECOND, 3 * GST_SECOND };
  g_autoptr (GBytes) bytes = mill_text_ttml_print (&segment, "en");
  gsize size;
  const gchar *data = g_bytes_get_data (bytes, &size);
  gboolean ok = mill_text_ttml_parse (data, size, read, &error);
  g_assert_no_error (error);
  g_assert_true (ok);
  g_assert_cmpuint (read->len, ==, 2);
  const MillTextCue *first = g_ptr_array_index (read, 0);
  const MillTextCue *second = g_ptr_array_index (read, 1);
  g_assert_cmpstr (first->text, ==, "<i>a &amp; <b>b</b></i>\nc");
  g_assert_cmpint (first->end, ==, 2 * GST_SECOND);
  g_assert_cmpint (second->start, ==, 1500 * GST_MSECOND);
  g_assert_cmpint (second->end, ==, 3 * GST_SECOND);
}

/* ---- WebVTT and TTML in ISOBMFF, 14496-30 ---- */

static gchar *
to_letters (const guint8 *data, gsize size)
{
  GString *out = g_string_new (NULL);
  for (gsize i = 0; i < size; i++)
    g_string_append_c (out, g_ascii_isgraph (data[i]) ? (gchar) data[i] : '.');
  return g_string_free (out, FALSE);
}

/* Samples follow each other without a hole, as long as the segment: nothing, one
 * cue, two, one again. */
static void
test_webvtt_samples (void)
{
  g_autoptr (GPtrArray) cues = mill_text_cue_list_new ();
  g_auto (MillBmffWriter) writer = { 0 };
  g_autoptr (GArray) samples =
      g_array_new (FALSE, FALSE, sizeof (MillBmffSample));
  add_cue (cues, 4500, 5500, "one");
  add_cue (cues, 5000, 9000, "two");
  mill_text_cue_set_settings (g_ptr_array_index (cues, 1), "line:0");
  MillTextSegment segment = { cues, 4 * GST_SECOND, 6 * GST_SECOND };
  mill_bmff_text_put_webvtt (&writer, &segment, 90000, samples);
  g_assert_cmpuint (samples->len, ==, 4);
  guint64 total = 0;
  gsize bytes = 0;
  for (guint i = 0; i < samples->len; i++) {
    const MillBmffSample *sample = &g_array_index (samples, MillBmffSample, i);
    g_autofree gchar *letters = to_letters (writer.data + bytes, sample->size);
    if (i == 0)
      g_assert_cmpstr (letters, ==, "....vtte");
    g_assert_cmpuint (sample->duration, ==, 45000);
    g_assert_true ((strstr (letters,
                        "payl"
                        "one") != NULL) == (i == 1 || i == 2));
    g_assert_true ((strstr (letters,
                        "sttg"
                        "line:0") != NULL) == (i >= 2));
    g_assert_true ((strstr (letters, "vsid") != NULL) == (i >= 1));
    total += sample->duration;
    bytes += sample->size;
  }
  g_assert_cmpuint (total, ==, 180000);
  g_assert_cmpuint (bytes, ==, writer.size);
}

/* Many long cues that come and go one by one while all are on: each sample has
 * all of them, which would be a gigabyte. */
static void
test_webvtt_many (void)
{
  g_autoptr (GPtrArray) cues = mill_text_cue_list_new ();
  g_auto (MillBmffWriter) writer = { 0 };
  g_autoptr (GArray) samples =
      g_array_new (FALSE, FALSE, sizeof (MillBmffSample));
  g_autofree gchar *text = g_strnfill (MILL_TEXT_CUE_TEXT_MAX, 'x');
  guint64 total = 0;
  gsize bytes = 0;
  for (guint i = 0; i < 512; i++)
    add_cue (cues, i, 2000 - i, text);
  MillTextSegment segment = { cues, 0, 2 * GST_SECOND };
  mill_bmff_text_put_webvtt (&writer, &segment, 90000, samples);
  g_assert_cmpuint (writer.size, >, MILL_TEXT_CUE_TEXT_MAX);
  g_assert_cmpuint (writer.size, <, 4 << 20);
  for (guint i = 0; i < samples->len; i++) {
    const MillBmffSample *sample = &g_array_index (samples, MillBmffSample, i);
    g_assert_cmpuint (sample->size, >=, 8);
    total += sample->duration;
    bytes += sample->size;
  }
  g_assert_cmpuint (total, ==, 180000);
  g_assert_cmpuint (bytes, ==, writer.size);
}

static void
test_headers (void)
{
  static const struct
  {
    MillCodec codec;
    const gchar *entry;
    const gchar *brand;
    const gchar *handler;
    const gchar *head;
  } headers[] = {
    { MILL_CODEC_WVTT, "wvtt", "cwvt", "text", "nmhd" },
    { MILL_CODEC_STPP, "stpp", "im1t", "subt", "sthd" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (headers); i++) {
    MillCodecInfo info;
    g_autoptr (GBytes) record = mill_codec_init_text (headers[i].codec, &info);
    g_autoptr (GError) error = NULL;
    g_auto (MillBmffWriter) writer = { 0 };
    MillBmffTrack track = {
      .track_id = 1,
      .timescale = 90000,
      .language = "deu",
      .codec = &info,
      .codec_data = record,
    };
    g_assert_true (mill_bmff_init_write (&writer, &track, &error));
    g_assert_no_error (error);
    g_autofree gchar *letters = to_letters (writer.data, writer.size);
    g_assert_nonnull (strstr (letters, headers[i].entry));
    g_assert_nonnull (strstr (letters, headers[i].brand));
    g_assert_nonnull (strstr (letters, headers[i].handler));
    g_assert_nonnull (strstr (letters, headers[i].head));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/text/vectors", test_vectors);
  g_test_add_func ("/text/truncated", test_truncated);
  g_test_add_func ("/text/bounds", test_bounds);
  g_test_add_func ("/text/webvtt/file", test_webvtt_file);
  g_test_add_func ("/text/webvtt/segment", test_webvtt_segment);
  g_test_add_func ("/text/webvtt/wrap", test_webvtt_wrap);
  g_test_add_func ("/text/ttml/document", test_ttml);
  g_test_add_func ("/text/ttml/hostile", test_ttml_hostile);
  g_test_add_func ("/text/ttml/far", test_ttml_far);
  g_test_add_func ("/text/ttml/round-trip", test_ttml_round_trip);
  g_test_add_func ("/text/bmff/samples", test_webvtt_samples);
  g_test_add_func ("/text/bmff/many", test_webvtt_many);
  g_test_add_func ("/text/bmff/headers", test_headers);
  return g_test_run ();
}
