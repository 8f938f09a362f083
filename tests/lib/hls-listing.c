/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Media playlists that are kept as text. Were these wrong, a stream would stop
 * playing when its first segments have left, or cost more the longer it can be
 * rewound. */

#include <string.h>

#include "playlist/hls-listing.h"

static gchar *
print (const MillHlsListing *listing, MillHlsMedia head)
{
  g_autoptr (GBytes) bytes = mill_hls_listing_print (listing, &head);
  gsize size;
  const gchar *data = g_bytes_get_data (bytes, &size);

  return g_strndup (data, size);
}

static const MillHlsSegment row[] = {
  { "1-0.m4s", "init-1.mp4", GST_SECOND, 1764000000000000, 0 },
  { "1-1.m4s", "init-1.mp4", GST_SECOND, 1764000001000000, 0 },
  { "1-2.m4s", NULL, GST_SECOND, 1764000002000000, MILL_HLS_SEGMENT_GAP },
  { "1-3.m4s", "init-1.mp4", GST_SECOND, 1764000003000000, 0 },
  { "2-4.m4s", "init-2.mp4", GST_SECOND, 1764000004000000,
      MILL_HLS_SEGMENT_DISCONTINUITY },
  { "2-5.m4s", "init-2.mp4", GST_SECOND, 1764000005000000, 0 },
};

/* However much of it has left, it says what a new playlist of the rest says. */
static void
test_slides (void)
{
  g_autoptr (MillHlsListing) listing = mill_hls_listing_new ();

  for (guint i = 0; i < G_N_ELEMENTS (row); i++)
    mill_hls_listing_append (listing, &row[i]);
  for (guint first = 0; first < G_N_ELEMENTS (row); first++) {
    MillHlsMedia head = { .target_duration_s = 1, .media_sequence = first };
    g_autofree gchar *text = print (listing, head);
    MillHlsMedia media = head;

    g_assert_cmpuint (mill_hls_listing_get_length (listing), ==,
        G_N_ELEMENTS (row) - first);
    media.segments = row + first;
    media.n_segments = G_N_ELEMENTS (row) - first;
    /* A gap at the front needs no map, but one that is there does no harm. */
    if (row[first].init_uri != NULL) {
      g_autoptr (GBytes) bytes = mill_hls_media_print (&media);

      g_assert_cmpmem (text, strlen (text), g_bytes_get_data (bytes, NULL),
          g_bytes_get_size (bytes));
    } else {
      g_assert_cmpstr (text, ==,
          "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:1\n"
          "#EXT-X-MEDIA-SEQUENCE:2\n"
          "#EXT-X-MAP:URI=\"init-1.mp4\"\n"
          "#EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:00:02.000Z\n"
          "#EXT-X-GAP\n#EXTINF:1.000000,\n1-2.m4s\n"
          "#EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:00:03.000Z\n"
          "#EXTINF:1.000000,\n1-3.m4s\n"
          "#EXT-X-DISCONTINUITY\n"
          "#EXT-X-MAP:URI=\"init-2.mp4\"\n"
          "#EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:00:04.000Z\n"
          "#EXTINF:1.000000,\n2-4.m4s\n"
          "#EXT-X-PROGRAM-DATE-TIME:2025-11-24T16:00:05.000Z\n"
          "#EXTINF:1.000000,\n2-5.m4s\n");
    }
    mill_hls_listing_remove_first (listing, 1);
  }
  mill_hls_listing_remove_first (listing, 1);
  g_assert_cmpuint (mill_hls_listing_get_length (listing), ==, 0);
}

/* A window of hours slides: its text is in pieces, of which the first may have
 * left in part, and it is what a new playlist of the same segments is. */
static void
test_long_window (void)
{
  g_autoptr (MillHlsListing) listing = mill_hls_listing_new ();
  const guint window = 2000;
  const guint total = 5000;
  g_autofree MillHlsSegment *all = g_new0 (MillHlsSegment, total);
  g_autoptr (GStringChunk) strings = g_string_chunk_new (4096);

  for (guint i = 0; i < total; i++) {
    gchar uri[32];
    guint first = i + 1 > window ? i + 1 - window : 0;

    g_snprintf (uri, sizeof uri, "%u-%u.m4s", 1 + i / 777, i);
    all[i] = (MillHlsSegment){
      .uri = g_string_chunk_insert (strings, uri),
      .init_uri = i / 777 % 2 == 0 ? "init-1.mp4" : "init-2.mp4",
      .duration = 2 * GST_SECOND,
      .program_date_time_us = G_GINT64_CONSTANT (1764000000000000) +
          i * G_GINT64_CONSTANT (2000000),
      .flags = i > 0 && i % 777 == 0 ? MILL_HLS_SEGMENT_DISCONTINUITY : 0,
    };
    mill_hls_listing_append (listing, &all[i]);
    if (i >= window)
      mill_hls_listing_remove_first (listing, 1);
    if (i % 61 != 0 && i != total - 1)
      continue;
    MillHlsMedia media = {
      .target_duration_s = 2,
      .media_sequence = first,
      .segments = all + first,
      .n_segments = i + 1 - first,
    };
    g_autofree gchar *text = print (listing, media);
    g_autoptr (GBytes) whole = mill_hls_media_print (&media);
    g_assert_cmpmem (text, strlen (text), g_bytes_get_data (whole, NULL),
        g_bytes_get_size (whole));
  }
}

/* A version that is still being written does not change with the listing. */
static void
test_shared_pieces (void)
{
  g_autoptr (MillHlsListing) listing = mill_hls_listing_new ();
  MillHlsMedia head = { .target_duration_s = 1 };

  for (guint i = 0; i < 2000; i++)
    mill_hls_listing_append (listing, &row[i % G_N_ELEMENTS (row)]);
  g_autoptr (GBytes) before = mill_hls_listing_print (listing, &head);
  g_autoptr (GPtrArray) pieces = mill_hls_listing_print_pieces (listing, &head);
  g_assert_cmpuint (pieces->len, >, 3);
  for (guint i = 0; i < 3000; i++) {
    mill_hls_listing_append (listing, &row[i % G_N_ELEMENTS (row)]);
    mill_hls_listing_remove_first (listing, 1);
  }
  gsize at = 0;
  for (guint i = 0; i < pieces->len; i++) {
    gsize size;
    const guint8 *data = g_bytes_get_data (pieces->pdata[i], &size);
    g_assert_cmpmem (data, size,
        (const guint8 *) g_bytes_get_data (before, NULL) + at, size);
    at += size;
  }
  g_assert_cmpuint (at, ==, g_bytes_get_size (before));
}

/* Clauses 4.4.4.2, 4.4.4.5 and 4.4.3.6, and the floors of clause 8. */
static void
test_ranges (void)
{
  const MillHlsSegment segments[] = {
    { "1.mp4", "1.mp4", 2 * GST_SECOND, -1, 0, { 900, 5000 }, { 0, 700 } },
    { "1.mp4", "1.mp4", 2 * GST_SECOND, -1, 0, { 5900, 4000 }, { 0, 700 } },
  };
  const MillHlsMedia media = {
    .kind = MILL_HLS_VOD,
    .target_duration_s = 2,
    .i_frames_only = TRUE,
    .segments = segments,
    .n_segments = G_N_ELEMENTS (segments),
  };
  g_autoptr (GBytes) bytes = mill_hls_media_print (&media);

  g_assert_cmpstr (g_bytes_get_data (bytes, NULL), ==,
      "#EXTM3U\n#EXT-X-VERSION:5\n#EXT-X-TARGETDURATION:2\n"
      "#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n"
      "#EXT-X-I-FRAMES-ONLY\n"
      "#EXT-X-MAP:URI=\"1.mp4\",BYTERANGE=\"700@0\"\n"
      "#EXTINF:2.000000,\n#EXT-X-BYTERANGE:5000@900\n1.mp4\n"
      "#EXTINF:2.000000,\n#EXT-X-BYTERANGE:4000@5900\n1.mp4\n"
      "#EXT-X-ENDLIST\n");
}

/* A map of other bytes of the same file is another map. */
static void
test_map_of_another_range (void)
{
  const MillHlsSegment segments[] = {
    { "1.mp4", "1.mp4", GST_SECOND, -1, 0, { 900, 50 }, { 0, 700 } },
    { "1.mp4", "1.mp4", GST_SECOND, -1, 0, { 950, 40 }, { 990, 70 } },
  };
  g_autoptr (MillHlsListing) listing = mill_hls_listing_new ();
  g_autofree gchar *text = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (segments); i++)
    mill_hls_listing_append (listing, &segments[i]);
  text = print (listing, (MillHlsMedia){ .target_duration_s = 1 });
  g_assert_nonnull (strstr (text, "BYTERANGE=\"70@990\""));
}

/* A day of it costs no more memory than what is listed. */
static void
test_long (void)
{
  g_autoptr (MillHlsListing) listing = mill_hls_listing_new ();
  gsize size = 0;

  for (guint i = 0; i < 43200; i++) {
    MillHlsSegment segment = row[0];
    g_autofree gchar *uri = g_strdup_printf ("1-%05u.m4s", i);
    g_autofree gchar *text = NULL;

    segment.uri = uri;
    mill_hls_listing_append (listing, &segment);
    if (mill_hls_listing_get_length (listing) > 100)
      mill_hls_listing_remove_first (listing, 1);
    if (i < 100 || i % 5000 != 0)
      continue;
    text = print (listing, (MillHlsMedia){ .media_sequence = 10000 });
    if (size == 0)
      size = strlen (text);
    g_assert_cmpuint (strlen (text), ==, size);
    g_assert_nonnull (strstr (text, uri));
  }
}

gint
main (gint argc, gchar **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hls/listing/slides", test_slides);
  g_test_add_func ("/hls/listing/ranges", test_ranges);
  g_test_add_func ("/hls/listing/map-of-another-range",
      test_map_of_another_range);
  g_test_add_func ("/hls/listing/long", test_long);
  g_test_add_func ("/hls/listing/long-window", test_long_window);
  g_test_add_func ("/hls/listing/shared-pieces", test_shared_pieces);
  return g_test_run ();
}
