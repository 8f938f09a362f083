/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Splice information sections. Were they read wrongly, a break would begin
 * somewhere else, or what follows it would be replaced too. */

#include <gst/mpegts/mpegts.h>
#include <string.h>

#include "hex.h"
#include "scte35/scte35.h"

/* The samples of SCTE 35 clause 14, and what their text says of them. */
typedef struct
{
  const gchar *clause;
  const gchar *base64;
  MillScte35Command command;
  guint64 pts;
  guint n_events;
  MillScte35Event event; /* without its UPID */
} Vector;

static const Vector vectors[] = {
  { "14.1 placement opportunity start",
      "/DA0AAAAAAAA///wBQb+cr0AUAAeAhxDVUVJSAAAjn/PAAGlmbAICAAAAAAsoKGKNAIAms"
      "nRfg==",
      MILL_SCTE35_TIME_SIGNAL, 0x072bd0050, 1,
      { .id = 0x4800008e,
          .role = MILL_SCTE35_OUT,
          .has_duration = TRUE,
          .duration = 0x0001a599b0,
          .type_id = 0x34,
          .segment_number = 2,
          .upid_type = 8,
          .upid_size = 8 } },
  { "14.2 splice_insert",
      "/DAvAAAAAAAA///wFAVIAACPf+/+c2nALv4AUsz1AAAAAAAKAAhDVUVJAAABNWLbowo=",
      MILL_SCTE35_INSERT, 0x07369c02e, 1,
      { .id = 0x4800008f,
          .role = MILL_SCTE35_OUT,
          .has_duration = TRUE,
          .auto_return = TRUE,
          .duration = 0x00052ccf5 } },
  { "14.3 placement opportunity end",
      "/DAvAAAAAAAA///wBQb+dGKQoAAZAhdDVUVJSAAAjn+fCAgAAAAALKChijUCAKnMZ1g=",
      MILL_SCTE35_TIME_SIGNAL, 0x0746290a0, 1,
      { .id = 0x4800008e,
          .role = MILL_SCTE35_IN,
          .type_id = 0x35,
          .segment_number = 2,
          .upid_type = 8,
          .upid_size = 8 } },
};

static GBytes *
decode (const gchar *base64)
{
  gsize size;
  guchar *data = g_base64_decode (base64, &size);
  return g_bytes_new_take (data, size);
}

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    const Vector *vector = &vectors[i];
    g_autoptr (GBytes) bytes = decode (vector->base64);
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes, &size);
    MillScte35 section;
    g_autoptr (GError) error = NULL;
    g_test_message ("%s", vector->clause);
    g_assert_true (mill_scte35_parse (data, size, &section, &error));
    g_assert_no_error (error);
    g_assert_cmpuint (mill_scte35_get_size (data, size), ==, size);
    g_assert_cmpint (section.command, ==, vector->command);
    g_assert_true (section.has_pts);
    g_assert_cmpuint (section.pts, ==, vector->pts);
    g_assert_cmpuint (section.tier, ==, 0xfff);
    g_assert_cmpuint (section.n_events, ==, vector->n_events);
    MillScte35Event event = section.events[0];
    if (event.upid_size > 0) {
      static const guint8 upid[] = { 0, 0, 0, 0, 0x2c, 0xa0, 0xa1, 0x8a };
      g_assert_cmpmem (event.upid, event.upid_size, upid, sizeof upid);
    }
    event.upid = NULL;
    g_assert_cmpmem (&event, sizeof event, &vector->event, sizeof event);
  }
}

/* 9.6.1: pts_adjustment is added to pts_time, modulo 2^33. */
static void
test_restamp (void)
{
  static const guint64 times[] = { 0, 90000, 0x07369c02e, 0x1ffffffff };
  g_autoptr (GBytes) bytes = decode (vectors[1].base64);
  for (guint i = 0; i < G_N_ELEMENTS (times); i++) {
    g_autoptr (GBytes) moved = mill_scte35_writer_restamp (bytes, times[i]);
    MillScte35 section;
    g_assert_cmpuint (g_bytes_get_size (moved), ==, g_bytes_get_size (bytes));
    g_assert_true (mill_scte35_parse (g_bytes_get_data (moved, NULL),
        g_bytes_get_size (moved), &section, NULL));
    g_assert_cmpuint (section.pts, ==, times[i]);
    g_assert_cmpuint (section.raw_pts, ==, 0x07369c02e);
  }
}

static void
test_truncated (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autoptr (GBytes) bytes = decode (vectors[i].base64);
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes, &size);
    for (gsize n = 0; n < size; n++) {
      g_autofree guint8 *copy = g_memdup2 (data, MAX (n, 1));
      MillScte35 section;
      g_autoptr (GError) error = NULL;
      g_assert_false (mill_scte35_parse (copy, n, &section, &error));
      g_assert_cmpint (error->domain, ==, MILL_SCTE35_ERROR);
    }
    /* And with lengths inside that say more than there is. */
    for (gsize n = 3; n < size - 4; n++) {
      g_autofree guint8 *copy = g_memdup2 (data, size);
      MillScte35 section;
      copy[n] = 0xff;
      guint32 crc = GUINT32_TO_BE (mill_scte35_writer_get_crc (copy, size - 4));
      memcpy (copy + size - 4, &crc, 4);
      mill_scte35_parse (copy, size, &section, NULL);
    }
  }
}

static void
assert_refused (const gchar *hex, gboolean has_crc, gint code)
{
  g_autoptr (GBytes) bytes = hex_to_bytes (hex);
  gsize size = g_bytes_get_size (bytes);
  g_autofree guint8 *data = g_malloc (size + 4);
  memcpy (data, g_bytes_get_data (bytes, NULL), size);
  if (!has_crc) {
    guint32 crc = GUINT32_TO_BE (mill_scte35_writer_get_crc (data, size));
    memcpy (data + size, &crc, 4);
    size += 4;
  }
  MillScte35 section;
  g_autoptr (GError) error = NULL;
  g_assert_false (mill_scte35_parse (data, size, &section, &error));
  g_assert_error (error, MILL_SCTE35_ERROR, code);
}

static void
test_refused (void)
{
  /* Another table; protocol_version 1; encrypted_packet; a damaged CRC. */
  assert_refused ("00 3011 00 0000000000 ff fff000 00 0000", FALSE,
      MILL_SCTE35_ERROR_INVALID);
  assert_refused ("fc 3011 01 0000000000 ff fff000 00 0000", FALSE,
      MILL_SCTE35_ERROR_UNSUPPORTED);
  assert_refused ("fc 3011 00 8000000000 ff fff000 00 0000", FALSE,
      MILL_SCTE35_ERROR_UNSUPPORTED);
  assert_refused ("fc 3011 00 0000000000 ff fff000 00 0000 01020304", TRUE,
      MILL_SCTE35_ERROR_INVALID);
}

static void
assert_insert (const MillScte35Insert *insert)
{
  g_autoptr (GBytes) bytes = mill_scte35_writer_print (insert);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  MillScte35 section;
  g_autoptr (GError) error = NULL;
  g_assert_true (mill_scte35_parse (data, size, &section, &error));
  g_assert_no_error (error);
  const MillScte35Event *event = &section.events[0];
  g_assert_cmpint (section.command, ==, MILL_SCTE35_INSERT);
  g_assert_cmpuint (section.n_events, ==, 1);
  g_assert_cmpuint (event->id, ==, insert->event_id);
  g_assert_cmpint (event->role, ==,
      insert->is_out ? MILL_SCTE35_OUT : MILL_SCTE35_IN);
  g_assert_cmpint (section.has_pts, ==, !insert->is_immediate);
  if (section.has_pts)
    g_assert_cmpuint (section.pts, ==, insert->pts & 0x1ffffffff);
  g_assert_cmpuint (event->duration, ==, insert->duration);
  g_assert_cmpint (event->auto_return, ==, insert->auto_return);

  /* GStreamer's reader has the same opinion. */
  GstMpegtsSection *theirs =
      gst_mpegts_section_new (500, g_memdup2 (data, size), size);
  const GstMpegtsSCTESIT *sit = gst_mpegts_section_get_scte_sit (theirs);
  g_assert_nonnull (sit);
  g_assert_true (sit->fully_parsed);
  const GstMpegtsSCTESpliceEvent *splice = g_ptr_array_index (sit->splices, 0);
  g_assert_cmpuint (splice->splice_event_id, ==, insert->event_id);
  g_assert_cmpint (splice->out_of_network_indicator, ==, insert->is_out);
  g_assert_cmpint (splice->splice_immediate_flag, ==, insert->is_immediate);
  if (insert->duration > 0)
    g_assert_cmpuint (splice->break_duration, ==, insert->duration);
  if (!insert->is_immediate)
    g_assert_cmpuint (splice->program_splice_time, ==,
        insert->pts & 0x1ffffffff);
  gst_mpegts_section_unref (theirs);
}

static void
test_written (void)
{
  static const MillScte35Insert inserts[] = {
    { 7, TRUE, FALSE, 12345678, 2700000, TRUE },
    { 7, FALSE, FALSE, 0x3ffffffff, 0, FALSE },
    { G_MAXUINT32, TRUE, TRUE, 0, 0, FALSE },
    { 0, FALSE, TRUE, 0, 0, FALSE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (inserts); i++)
    assert_insert (&inserts[i]);
}

/* What other encoders do: command length unknown; one cancelled; components. */
static void
test_forms (void)
{
  static const struct
  {
    const gchar *hex;
    MillScte35Role role;
    gboolean has_pts;
  } forms[] = {
    /* time_signal, splice_command_length 0xFFF, descriptor cancelled */
    { "fc 3021 00 0000000000 ff ffffff 06 fe00001000 000b 0209 43554549 "
      "00000009 ff",
        MILL_SCTE35_CANCEL, TRUE },
    /* splice_insert, cancelled */
    { "fc 3016 00 0000000000 ff fff005 05 00000009 ff 0000", MILL_SCTE35_CANCEL,
        FALSE },
    /* splice_insert of two components, out, no duration */
    { "fc 3026 00 0000000000 ff fff015 05 00000009 7f 8f 02 01 fe00001000 02 7f "
      "0001 00 00 00 0000",
        MILL_SCTE35_OUT, FALSE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (forms); i++) {
    g_autoptr (GBytes) bytes = hex_to_bytes (forms[i].hex);
    gsize size = g_bytes_get_size (bytes);
    g_autofree guint8 *data = g_malloc (size + 4);
    memcpy (data, g_bytes_get_data (bytes, NULL), size);
    data[2] = (guint8) (size + 1);
    guint32 crc = GUINT32_TO_BE (mill_scte35_writer_get_crc (data, size));
    memcpy (data + size, &crc, 4);
    MillScte35 section;
    g_autoptr (GError) error = NULL;
    g_test_message ("form %u", i);
    g_assert_true (mill_scte35_parse (data, size + 4, &section, &error));
    g_assert_cmpuint (section.n_events, ==, 1);
    g_assert_cmpuint (section.events[0].id, ==, 9);
    g_assert_cmpint (section.events[0].role, ==, forms[i].role);
    g_assert_cmpint (section.has_pts, ==, forms[i].has_pts);
  }
}

/* Some send more bytes than the section has: it goes on without them. */
static void
test_trimmed (void)
{
  MillScte35Insert insert = { .event_id = 1, .is_out = TRUE };
  for (guint i = 0; i < 2; i++) {
    insert.is_immediate = i == 0;
    g_autoptr (GBytes) whole = mill_scte35_writer_print (&insert);
    g_autofree guint8 *more = g_malloc0 (g_bytes_get_size (whole) + 9);
    memcpy (more, g_bytes_get_data (whole, NULL), g_bytes_get_size (whole));
    g_autoptr (GBytes) longer =
        g_bytes_new (more, g_bytes_get_size (whole) + 9);
    g_autoptr (GBytes) stamped = mill_scte35_writer_restamp (longer, 0);
    g_assert_true (g_bytes_equal (stamped, whole));
  }
}

/* section_length is 4093 at most (9.6.1): what keeps sections counts on it. */
static void
test_longest (void)
{
  MillScte35Insert insert = { .event_id = 1, .is_out = TRUE, .pts = 90000 };
  g_autoptr (GBytes) whole = mill_scte35_writer_print (&insert);
  gsize size;
  const guint8 *data = g_bytes_get_data (whole, &size);
  for (gsize length = MILL_SCTE35_SIZE_MAX; length <= MILL_SCTE35_SIZE_MAX + 2;
       length++) {
    g_autofree guint8 *section = g_malloc0 (length);
    g_autoptr (GError) error = NULL;
    MillScte35 parsed;
    /* Stuffing goes before CRC_32. */
    memcpy (section, data, size - 4);
    section[1] = (guint8) ((section[1] & 0xf0) | (length - 3) >> 8);
    section[2] = (guint8) (length - 3);
    guint32 crc = mill_scte35_writer_get_crc (section, length - 4);
    for (guint i = 0; i < 4; i++)
      section[length - 4 + i] = (guint8) (crc >> (24 - 8 * i));
    g_assert_true (mill_scte35_parse (section, length, &parsed, &error) ==
        (length == MILL_SCTE35_SIZE_MAX));
    if (length > MILL_SCTE35_SIZE_MAX)
      g_assert_error (error, MILL_SCTE35_ERROR, MILL_SCTE35_ERROR_INVALID);
  }
}

gint
main (gint argc, gchar **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (&argc, &argv);
  gst_mpegts_initialize ();
  g_test_add_func ("/scte35/vectors", test_vectors);
  g_test_add_func ("/scte35/restamp", test_restamp);
  g_test_add_func ("/scte35/truncated", test_truncated);
  g_test_add_func ("/scte35/refused", test_refused);
  g_test_add_func ("/scte35/written", test_written);
  g_test_add_func ("/scte35/forms", test_forms);
  g_test_add_func ("/scte35/trimmed", test_trimmed);
  g_test_add_func ("/scte35/longest", test_longest);
  return g_test_run ();
}
