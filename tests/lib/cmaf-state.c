/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* A user would notice: a stream that does not go on after a crash, or a
 * packager that a damaged file makes crash again and again. */
#include "cmaf-state.h"

#include <string.h>

static MillCmafState *
make_state (void)
{
  MillCmafState *state = mill_cmaf_state_new ();
  state->generation = 3;
  state->next_number = 12;
  state->availability_start_us = G_GINT64_CONSTANT (1700000000000000);
  state->target_duration_s = 2;
  state->discontinuity_sequence = 1;
  for (guint i = 0; i < 2; i++) {
    MillCmafCut cut = {
      .number = 10 + i,
      .generation = 3,
      .start = (GstClockTimeDiff) (i * 2 * GST_SECOND),
      .end = (GstClockTimeDiff) ((i + 1) * 2 * GST_SECOND),
      .media_start = (GstClockTimeDiff) (i * 2 * GST_SECOND),
      .wall_us = state->availability_start_us + i * 2000000,
      .period = 10,
      .period_start = 4,
      .period_media = 5,
      .flags = i == 0 ? MILL_CMAF_CUT_DISCONTINUITY : MILL_CMAF_CUT_NONE,
    };
    mill_sliding_list_append (state->cuts, &cut);
  }
  MillCmafFormat video = {
    .kind = MILL_CMAF_VIDEO,
    .timescale = 90000,
    .width = 640,
    .height = 360,
    .fps_n = 30,
    .fps_d = 1,
    .codec = (gchar *) "avc1.64001E",
    .group = (gchar *) "audio",
  };
  MillCmafRendition *rendition =
      mill_cmaf_state_add_rendition (state, "video_0", "v360", &video);
  MillCmafSegment *segment =
      &g_array_index (rendition->segments, MillCmafSegment, 1);
  *segment = (MillCmafSegment){ 180000, 180000, 4711, 0, 44, 1000 };
  return state;
}

static void
test_round_trip (void)
{
  g_autoptr (MillCmafState) state = make_state ();
  g_autoptr (GBytes) content = mill_cmaf_state_save (state);
  g_autoptr (GError) error = NULL;
  g_autoptr (MillCmafState) again = mill_cmaf_state_load (content, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (again->generation, ==, 3);
  g_assert_cmpuint (again->next_number, ==, 12);
  g_assert_cmpuint (again->cuts->len, ==, 2);
  const MillCmafCut *cut = &g_array_index (again->cuts, MillCmafCut, 1);
  g_assert_cmpuint (cut->number, ==, 11);
  g_assert_cmpint (cut->period_media, ==, 5);
  const MillCmafRendition *rendition =
      mill_cmaf_state_find_rendition (again, "v360");
  g_assert_nonnull (rendition);
  g_assert_cmpstr (rendition->pad, ==, "video_0");
  g_assert_cmpstr (rendition->format.codec, ==, "avc1.64001E");
  g_assert_null (rendition->format.language);
  g_assert_cmpuint (g_array_index (rendition->segments, MillCmafSegment, 1)
                        .bytes,
      ==, 4711);
  g_assert_cmpuint (g_array_index (rendition->segments, MillCmafSegment, 1)
                        .i_frame_bytes,
      ==, 1000);
  g_assert_cmpint (g_array_index (rendition->segments, MillCmafSegment, 0)
                       .flags,
      ==, MILL_CMAF_SEGMENT_GAP);
  g_autoptr (GBytes) bytes = mill_cmaf_state_save (again);
  g_assert_true (g_bytes_equal (bytes, content));
}

static void
add_markers (MillCmafState *state)
{
  static const guint8 section[] = { 0xfc, 0x30, 0x11 };
  state->markers = mill_cmaf_marker_list_new ();
  state->markers->schemes = MILL_CMAF_SCHEME_ID3;
  state->markers->next_serial = 41;
  MillCmafMarker *open = mill_cmaf_marker_add (state->markers,
      MILL_CMAF_MARKER_BREAK, G_GINT64_CONSTANT (1700000001000000));
  open->event_id = G_MAXUINT32;
  open->planned_us = 30000000;
  open->auto_return = TRUE;
  open->message = g_bytes_new_static (section, sizeof section);
  MillCmafMarker *signal = mill_cmaf_marker_add (state->markers,
      MILL_CMAF_MARKER_SIGNAL, G_GINT64_CONSTANT (1700000002000000));
  signal->type_id = 0x10;
}

/* A break must be after a restart what playlists have said of it before. */
/* What text is for, and which captions are inside of the video: a successor
 * tells them before it has found out anew. */
static void
test_text (void)
{
  g_autoptr (MillCmafState) state = make_state ();
  const MillCmafFormat text = {
    .kind = MILL_CMAF_TEXT,
    .timescale = 90000,
    .text_role = MILL_CMAF_TEXT_FORCED,
    .codec = (gchar *) "wvtt",
    .language = (gchar *) "en",
    .group = (gchar *) "subs",
  };
  mill_cmaf_state_add_rendition (state, "text_0", "en", &text);
  state->captions = g_strdup ("CC1=en,SERVICE2");
  g_autoptr (GBytes) saved = mill_cmaf_state_save (state);
  g_autoptr (GError) error = NULL;
  g_autoptr (MillCmafState) again = mill_cmaf_state_load (saved, &error);
  g_assert_no_error (error);
  g_assert_nonnull (again);
  const MillCmafRendition *rendition =
      mill_cmaf_state_find_rendition (again, "en");
  g_assert_nonnull (rendition);
  g_assert_cmpint (rendition->format.kind, ==, MILL_CMAF_TEXT);
  g_assert_cmpint (rendition->format.text_role, ==, MILL_CMAF_TEXT_FORCED);
  g_assert_cmpstr (again->captions, ==, "CC1=en,SERVICE2");
  /* Nobody else could have written these. */
  g_free (state->captions);
  state->captions = g_strdup ("CC9");
  g_autoptr (GBytes) damaged = mill_cmaf_state_save (state);
  g_assert_null (mill_cmaf_state_load (damaged, &error));
  g_assert_error (error, MILL_CMAF_STATE_ERROR, MILL_CMAF_STATE_ERROR_INVALID);
}

static void
test_markers (void)
{
  g_autoptr (MillCmafState) state = make_state ();
  add_markers (state);
  g_autoptr (GBytes) content = mill_cmaf_state_save (state);
  g_autoptr (GError) error = NULL;
  g_autoptr (MillCmafState) again = mill_cmaf_state_load (content, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (again->renditions->len, ==, 1);
  const MillCmafMarkers *markers = again->markers;
  g_assert_cmpuint (markers->next_serial, ==, 43);
  g_assert_cmpint (markers->schemes, ==, MILL_CMAF_SCHEME_ID3);
  g_assert_cmpuint (markers->list->len, ==, 2);
  const MillCmafMarker *marker = mill_cmaf_marker_at (markers, 0);
  g_assert_cmpuint (marker->serial, ==, 41);
  g_assert_cmpuint (marker->event_id, ==, G_MAXUINT32);
  g_assert_cmpint (marker->start_us, ==, G_GINT64_CONSTANT (1700000001000000));
  g_assert_cmpint (marker->planned_us, ==, 30000000);
  g_assert_cmpint (marker->end_us, ==, -1);
  g_assert_true (marker->auto_return);
  g_assert_cmpuint (g_bytes_get_size (marker->message), ==, 3);
  g_assert_null (marker->end_message);
  g_assert_cmpuint (mill_cmaf_marker_at (markers, 1)->type_id, ==, 0x10);
  g_autoptr (GBytes) bytes = mill_cmaf_state_save (again);
  g_assert_true (g_bytes_equal (bytes, content));
}

/* A record of a packager to come is no reason to begin afresh. */
static void
test_unknown_record (void)
{
  static const guint8 record[] = { 'n', 'e', 'w', '!', 2, 0, 0, 0, 1, 2 };
  g_autoptr (MillCmafState) state = make_state ();
  add_markers (state);
  g_autoptr (GBytes) content = mill_cmaf_state_save (state);
  gsize size;
  const guint8 *data = g_bytes_get_data (content, &size);
  g_autoptr (GByteArray) longer = g_byte_array_new ();
  g_byte_array_append (longer, data, (guint) size);
  g_byte_array_append (longer, record, sizeof record);
  gsize sizes = strlen ("millrace-state 3\n");
  guint32 records;
  memcpy (&records, data + sizes + 4, 4);
  records = GUINT32_TO_LE (GUINT32_FROM_LE (records) + sizeof record);
  memcpy (longer->data + sizes + 4, &records, 4);
  g_autoptr (GBytes) unknown = g_bytes_new (longer->data, longer->len);
  g_autoptr (GError) error = NULL;
  g_autoptr (MillCmafState) again = mill_cmaf_state_load (unknown, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (again->markers->list->len, ==, 2);
}

static void
test_truncated (gconstpointer data)
{
  g_autoptr (MillCmafState) state = make_state ();
  if (data != NULL)
    add_markers (state);
  g_autoptr (GBytes) content = mill_cmaf_state_save (state);
  for (gsize size = 0; size < g_bytes_get_size (content); size++) {
    g_autoptr (GBytes) part = g_bytes_new_from_bytes (content, 0, size);
    g_autoptr (GError) error = NULL;
    g_autoptr (MillCmafState) got = mill_cmaf_state_load (part, &error);
    g_assert_null (got);
    g_assert_nonnull (error);
  }
}

/* A packager of the version before left a file without records. */
static void
test_version_2 (void)
{
  g_autoptr (MillCmafState) state = make_state ();
  g_autoptr (GBytes) content = mill_cmaf_state_save (state);
  g_autoptr (GByteArray) old = g_byte_array_new ();
  const guint8 *data = g_bytes_get_data (content, NULL);
  gsize end = g_bytes_get_size (content);
  g_byte_array_append (old, (const guint8 *) "millrace-state 2\n", 17);
  g_byte_array_append (old, data + 25, (guint) (end - 25 - 32));
  g_autoptr (GBytes) bytes = g_bytes_new (old->data, old->len);
  g_autoptr (GError) error = NULL;
  g_autoptr (MillCmafState) got = mill_cmaf_state_load (bytes, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (got->cuts->len, ==, 2);
  g_assert_cmpuint (got->next_number, ==, 12);
}

static void
add_segment (MillCmafState *state)
{
  MillCmafCut cut =
      g_array_index (state->cuts, MillCmafCut, state->cuts->len - 1);
  cut.number++;
  cut.start += 2 * GST_SECOND;
  cut.end += 2 * GST_SECOND;
  cut.media_start += 2 * GST_SECOND;
  cut.flags = MILL_CMAF_CUT_NONE;
  mill_sliding_list_append (state->cuts, &cut);
  MillCmafRendition *rendition = g_ptr_array_index (state->renditions, 0);
  MillCmafSegment segment = { (gint64) cut.number * 180000, 180000,
    cut.number * 100, 0, 40, 60 };
  mill_sliding_list_append (rendition->segments, &segment);
  state->next_number = cut.number + 1;
}

static void
remove_segment (MillCmafState *state)
{
  MillCmafRendition *rendition = g_ptr_array_index (state->renditions, 0);
  if (g_array_index (state->cuts, MillCmafCut, 0).flags &
      MILL_CMAF_CUT_DISCONTINUITY)
    state->discontinuity_sequence++;
  mill_sliding_list_remove_first (state->cuts, 1);
  mill_sliding_list_remove_first (rendition->segments, 1);
}

/* A file that was only added to says what one says that was written anew; when
 * the last record is cut off, what that said before. */
static void
test_appended (void)
{
  g_autoptr (MillCmafState) state = make_state ();
  g_autoptr (GBytes) whole = mill_cmaf_state_save (state);
  g_autoptr (GByteArray) file = g_byte_array_new ();
  g_autoptr (GBytes) before = NULL;
  guint last = 0;
  g_byte_array_append (file, g_bytes_get_data (whole, NULL),
      (guint) g_bytes_get_size (whole));
  for (guint i = 0; i < 20; i++) {
    add_segment (state);
    if (i >= 5)
      remove_segment (state);
    if (i == 18) {
      g_clear_pointer (&before, g_bytes_unref);
      before = mill_cmaf_state_save (state);
    }
    g_autoptr (GBytes) record = mill_cmaf_state_save_last (state);
    last = file->len;
    g_byte_array_append (file, g_bytes_get_data (record, NULL),
        (guint) g_bytes_get_size (record));
  }
  g_autoptr (GBytes) expected = mill_cmaf_state_save (state);
  for (guint size = last; size <= file->len; size++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) content = g_bytes_new (file->data, size);
    g_autoptr (MillCmafState) got = mill_cmaf_state_load (content, &error);
    g_assert_no_error (error);
    g_autoptr (GBytes) saved = mill_cmaf_state_save (got);
    g_assert_true (g_bytes_equal (saved, size < file->len ? before : expected));
  }
  /* A record of a kind that is to come is passed over. */
  static const guint8 unknown[] = { 99, 0, 0, 0, 3, 0, 0, 0, 'a', 'b', 'c' };
  g_byte_array_append (file, unknown, sizeof unknown);
  g_autoptr (GBytes) content = g_bytes_new (file->data, file->len);
  g_autoptr (MillCmafState) got = mill_cmaf_state_load (content, NULL);
  g_assert_nonnull (got);
  g_assert_cmpuint (got->next_number, ==, state->next_number);
}

/* ---- limits: what may be published is what a successor reads ---- */

static MillCmafState *
load (const GByteArray *file, GError **error)
{
  g_autoptr (GBytes) content = g_bytes_new_static (file->data, file->len);
  return mill_cmaf_state_load (content, error);
}

static void
append_bytes (GByteArray *file, GBytes *bytes)
{
  g_byte_array_append (file, g_bytes_get_data (bytes, NULL),
      (guint) g_bytes_get_size (bytes));
  g_bytes_unref (bytes);
}

static void
test_renditions_max (void)
{
  for (guint n = MILL_CMAF_RENDITIONS_MAX; n <= MILL_CMAF_RENDITIONS_MAX + 1;
       n++) {
    g_autoptr (MillCmafState) state = make_state ();
    const MillCmafRendition *first = g_ptr_array_index (state->renditions, 0);
    for (guint i = 1; i < n; i++) {
      g_autofree gchar *name = g_strdup_printf ("v%u", i);
      mill_cmaf_state_add_rendition (state, name, name, &first->format);
    }
    g_autoptr (GByteArray) file = g_byte_array_new ();
    append_bytes (file, mill_cmaf_state_save (state));
    g_autoptr (GError) error = NULL;
    g_autoptr (MillCmafState) again = load (file, &error);
    if (n <= MILL_CMAF_RENDITIONS_MAX) {
      g_assert_no_error (error);
      g_assert_cmpuint (again->renditions->len, ==, n);
    } else {
      g_assert_error (error, MILL_CMAF_STATE_ERROR,
          MILL_CMAF_STATE_ERROR_INVALID);
    }
  }
}

/* A full window slides: the record of the next segment comes before that of the
 * one that leaves is known. */
static void
test_segments_max (void)
{
  g_autoptr (MillCmafState) state = make_state ();
  while (state->cuts->len < MILL_CMAF_SEGMENTS_MAX)
    add_segment (state);
  g_autoptr (GByteArray) file = g_byte_array_new ();
  append_bytes (file, mill_cmaf_state_save (state));
  for (guint i = 0; i < 3; i++) {
    add_segment (state);
    remove_segment (state);
    append_bytes (file, mill_cmaf_state_save_last (state));
  }
  g_autoptr (GError) error = NULL;
  g_autoptr (MillCmafState) again = load (file, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (again->cuts->len, ==, MILL_CMAF_SEGMENTS_MAX);
  g_assert_cmpuint (again->next_number, ==, state->next_number);
  add_segment (state);
  append_bytes (file, mill_cmaf_state_save_last (state));
  g_clear_pointer (&again, mill_cmaf_state_free);
  again = load (file, &error);
  g_assert_error (error, MILL_CMAF_STATE_ERROR, MILL_CMAF_STATE_ERROR_INVALID);
}

/* Damage in a record is found, as it is in what stands before. */
static void
test_broken_record (void)
{
  for (guint at = 0; at < 8 + 32 + 80 + 40; at++) {
    g_autoptr (MillCmafState) state = make_state ();
    g_autoptr (GBytes) whole = mill_cmaf_state_save (state);
    add_segment (state);
    g_autoptr (GBytes) record = mill_cmaf_state_save_last (state);
    g_assert_cmpuint (g_bytes_get_size (record), ==, 8 + 32 + 80 + 40);
    g_autoptr (GByteArray) file = g_byte_array_new ();
    g_byte_array_append (file, g_bytes_get_data (whole, NULL),
        (guint) g_bytes_get_size (whole));
    guint start = file->len;
    g_byte_array_append (file, g_bytes_get_data (record, NULL),
        (guint) g_bytes_get_size (record));
    file->data[start + at] ^= 0x80;
    g_autoptr (GBytes) content = g_bytes_new (file->data, file->len);
    g_autoptr (MillCmafState) got = mill_cmaf_state_load (content, NULL);
    if (got == NULL)
      continue;
    /* What is taken can be saved and is taken again. */
    g_autoptr (GBytes) saved = mill_cmaf_state_save (got);
    g_autoptr (MillCmafState) again = mill_cmaf_state_load (saved, NULL);
    g_assert_nonnull (again);
  }
}

static void
break_generation (MillCmafState *state)
{
  g_array_index (state->cuts, MillCmafCut, 0).generation = 4;
}

static void
break_numbers (MillCmafState *state)
{
  g_array_index (state->cuts, MillCmafCut, 1).number = 14;
  state->next_number = 15;
}

static void
break_order (MillCmafState *state)
{
  g_array_index (state->cuts, MillCmafCut, 1).end = 0;
}

static void
break_count (MillCmafState *state)
{
  MillCmafRendition *rendition = g_ptr_array_index (state->renditions, 0);
  mill_sliding_list_truncate (rendition->segments, 1);
}

static void
break_name (MillCmafState *state)
{
  MillCmafRendition *rendition = g_ptr_array_index (state->renditions, 0);
  g_free (rendition->name);
  rendition->name = g_strdup ("../../etc");
}

static void
break_timescale (MillCmafState *state)
{
  MillCmafRendition *rendition = g_ptr_array_index (state->renditions, 0);
  rendition->format.timescale = 0;
}

static void
break_fraction (MillCmafState *state)
{
  MillCmafRendition *rendition = g_ptr_array_index (state->renditions, 0);
  rendition->format.fps_d = 0;
}

static void
break_next (MillCmafState *state)
{
  state->next_number = 11;
}

static void
break_marker_time (MillCmafState *state)
{
  add_markers (state);
  mill_cmaf_marker_at (state->markers, 0)->start_us = -5;
}

static void
break_marker_end (MillCmafState *state)
{
  add_markers (state);
  mill_cmaf_marker_at (state->markers, 0)->end_us = 1;
}

static void
break_marker_serial (MillCmafState *state)
{
  add_markers (state);
  state->markers->next_serial = 42;
}

static void
test_contradictions (void)
{
  static void (*const breaks[]) (MillCmafState *) = { break_generation,
    break_numbers, break_order, break_count, break_name, break_timescale,
    break_fraction, break_next, break_marker_time, break_marker_end,
    break_marker_serial };
  for (guint i = 0; i < G_N_ELEMENTS (breaks); i++) {
    g_autoptr (MillCmafState) state = make_state ();
    breaks[i](state);
    g_autoptr (GBytes) content = mill_cmaf_state_save (state);
    g_autoptr (GError) error = NULL;
    g_autoptr (MillCmafState) got = mill_cmaf_state_load (content, &error);
    g_assert_null (got);
    g_assert_error (error, MILL_CMAF_STATE_ERROR,
        MILL_CMAF_STATE_ERROR_INVALID);
  }
}

static void
test_names (void)
{
  static const gchar *const good[] = { "a", "v1080-2", "A_b-9" };
  static const gchar *const bad[] = { "", ".", "..", "a/b", "a b", "\xc3\xa4",
    "a\n", "a." };
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    g_assert_true (mill_cmaf_state_is_name (good[i]));
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (mill_cmaf_state_is_name (bad[i]));
  g_autofree gchar *longest = g_strnfill (64, 'x');
  g_autofree gchar *longer = g_strnfill (65, 'x');
  g_assert_true (mill_cmaf_state_is_name (longest));
  g_assert_false (mill_cmaf_state_is_name (longer));
}

/* Ends that are lost on the way: 256 of them, and no break could be told of any
 * more. A break that goes on for longer than planned is kept all the same. */
static void
test_lost_ends (void)
{
  const gint64 hour_us = G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC;
  g_autoptr (MillCmafMarkers) markers = mill_cmaf_marker_list_new ();
  for (guint i = 0; i < 2; i++) {
    MillCmafMarker *marker =
        mill_cmaf_marker_add (markers, MILL_CMAF_MARKER_BREAK, hour_us);
    marker->event_id = i;
    marker->planned_us = i == 0 ? 30 * G_USEC_PER_SEC : -1;
  }
  mill_cmaf_marker_retire (markers, 2 * hour_us);
  g_assert_cmpuint (markers->list->len, ==, 2);
  mill_cmaf_marker_retire (markers, 3 * hour_us);
  g_assert_cmpuint (markers->list->len, ==, 1);
  g_assert_nonnull (mill_cmaf_marker_find_open (markers, 1, 0));
  mill_cmaf_marker_retire (markers, 25 * hour_us);
  g_assert_cmpuint (markers->list->len, ==, 1);
  mill_cmaf_marker_retire (markers, 27 * hour_us);
  g_assert_cmpuint (markers->list->len, ==, 0);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cmaf/state/round-trip", test_round_trip);
  g_test_add_func ("/cmaf/state/text", test_text);
  g_test_add_func ("/cmaf/state/markers", test_markers);
  g_test_add_func ("/cmaf/state/unknown-record", test_unknown_record);
  g_test_add_data_func ("/cmaf/state/truncated", NULL, test_truncated);
  g_test_add_data_func ("/cmaf/state/truncated-markers", "", test_truncated);
  g_test_add_func ("/cmaf/state/version-2", test_version_2);
  g_test_add_func ("/cmaf/state/renditions-max", test_renditions_max);
  g_test_add_func ("/cmaf/state/segments-max", test_segments_max);
  g_test_add_func ("/cmaf/state/appended", test_appended);
  g_test_add_func ("/cmaf/state/broken-record", test_broken_record);
  g_test_add_func ("/cmaf/state/contradictions", test_contradictions);
  g_test_add_func ("/cmaf/state/names", test_names);
  g_test_add_func ("/cmaf/state/lost-ends", test_lost_ends);
  return g_test_run ();
}
