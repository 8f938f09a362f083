/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What rtmpclientsink is made of and knows no socket: addresses and their
 * secrets, pauses, and the queue that drops. */
#include <gst/gst.h>

#include "relay-address.h"
#include "relay-backoff.h"
#include "relay-queue.h"

/* ---- addresses ---- */

static void
test_addresses (void)
{
  static const struct
  {
    const gchar *location, *key;
    const gchar *expected; /* host|port|tls|app|name|tcUrl|shown */
  } cases[] = {
    { "rtmp://h/live/cam", NULL,
        "h|1935|0|live|cam|rtmp://h/live|rtmp://h/live" },
    { "rtmps://h/live/cam", "",
        "h|443|1|live|cam|rtmps://h/live|rtmps://h/live" },
    { "rtmp://h:1936/a/b/cam?key=s", NULL,
        "h|1936|0|a/b|cam?key=s|rtmp://h:1936/a/b|rtmp://h:1936/a/b" },
    { "rtmp://[::1]:1936/live/cam", NULL,
        "::1|1936|0|live|cam|rtmp://[::1]:1936/live|rtmp://[::1]:1936/live" },
    /* as "Server" and "Stream Key" of encoders */
    { "rtmps://h:443/rtmp/", "k-1?s_bl=1",
        "h|443|1|rtmp|k-1?s_bl=1|rtmps://h:443/rtmp|rtmps://h:443/rtmp" },
    { "rtmp://h/app?token=t", "key",
        "h|1935|0|app?token=t|key|rtmp://h/app?token=t|rtmp://h/app" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (MillRelayAddress) address =
        mill_relay_address_new (cases[i].location, cases[i].key, &error);
    g_assert_no_error (error);
    g_autofree gchar *got = g_strdup_printf ("%s|%u|%d|%s|%s|%s|%s",
        address->host, address->port, address->is_secure, address->app,
        address->name, address->tc_url, address->shown);
    g_assert_cmpstr (got, ==, cases[i].expected);
  }
}

static void
test_redirects (void)
{
  static const struct
  {
    const gchar *from, *url;
    const gchar *expected; /* tcUrl|name; NULL: refused */
  } cases[] = {
    { "rtmp://h/live/cam?k=s", "rtmp://o:1936/live/cam",
        "rtmp://o:1936/live|cam?k=s" },
    { "rtmp://h/live/cam", "rtmp://o/other", "rtmp://o/other|cam" },
    { "rtmp://h/live/cam", "rtmp://o", "rtmp://o/live|cam" },
    { "rtmp://h/live/cam", "/edge", "rtmp://h/edge|cam" },
    { "rtmp://h/live/cam", "rtmps://o/live", "rtmps://o/live|cam" },
    { "rtmps://h/live/cam", "rtmp://o/live", NULL },
    { "rtmp://h/live/cam", "http://o/live", NULL },
    { "rtmp://h/live/cam", "rtmp://u:p@o/live", NULL },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (MillRelayAddress) from =
        mill_relay_address_new (cases[i].from, NULL, NULL);
    g_autoptr (MillRelayAddress) next =
        mill_relay_address_redirect (from, cases[i].url, NULL);
    g_autofree gchar *got =
        next ? g_strdup_printf ("%s|%s", next->tc_url, next->name) : NULL;
    g_assert_cmpstr (got, ==, cases[i].expected);
  }
}

/* A server that repeats a key must not bring it into a log. */
static void
test_secrets (void)
{
  g_autoptr (MillRelayAddress) address =
      mill_relay_address_new ("rtmp://h/app?auth=abcd", "sk_1234?x=secret",
          NULL);
  g_autofree gchar *clean = mill_relay_address_redact (address,
      "no 'sk_1234?x=secret', 'sk_1234' or x=secret in app?auth=abcd");
  g_assert_cmpstr (clean, ==, "no '***', '***' or *** in app?***");
  static const gchar *const masks[][2] = {
    { "rtmp://h/live/cam?k=s", "rtmp://h/live/***" },
    { "rtmp://h:1/a/b/c", "rtmp://h:1/a/b/***" },
    { "rtmp://u:p@h/live/cam", "***" },
    { "nonsense", "***" },
    { "", "" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (masks); i++) {
    g_autofree gchar *shown = mill_relay_address_mask (masks[i][0]);
    g_assert_cmpstr (shown, ==, masks[i][1]);
  }
  g_assert_null (mill_relay_address_mask (NULL));
}

/* ---- formats ---- */

/* The heads that encoders, parsers and demuxers put into caps reach the server
 * as they are: what a decoder needs of them is nowhere else. */
static void
test_heads (void)
{
#define STREAMINFO                                                            \
  "80000022120012000002f10004f30ac440f00000ac449ba95e857124355c11330d327eb66" \
  "b24"
#define OPUS_HEAD "4f707573486561640101380180bb0000000000"
  static const gchar *const cases[][2] = {
    /* opusenc: 312 samples to be skipped */
    { "audio/x-opus, channel-mapping-family=0, channels=1, rate=48000, "
      "stream-count=1, coupled-count=0, streamheader=<(buffer)" OPUS_HEAD
      ", (buffer)4f70757354616773>",
        "90"
        "4f707573" OPUS_HEAD },
    /* flacparse */
    { "audio/x-flac, streamheader=<(buffer)7f464c41430100000"
      "1664c6143" STREAMINFO ", (buffer)84000000>",
        "90"
        "664c6143"
        "664c6143" STREAMINFO },
    /* qtdemux, matroskademux */
    { "audio/x-flac, streamheader=<(buffer)664c6143, (buffer)" STREAMINFO ">",
        "90"
        "664c6143"
        "664c6143" STREAMINFO },
    { "audio/x-flac, streamheader=<(buffer)664c6143>", NULL },
    /* rtmpserversrc, qtdemux: the payload of vpcC; version and flags stay here */
    { "video/x-vp9, alignment=super-frame, "
      "codec_data=(buffer)01000000021fa20910090000",
        "90"
        "76703039"
        "021fa20910090000" },
    /* the record alone */
    { "video/x-vp9, alignment=super-frame, "
      "codec_data=(buffer)021fa20910090000",
        "90"
        "76703039"
        "021fa20910090000" },
    /* vp9parse: no record, level 3.1 of VP Codec ISO Media File Format Binding
     * is the least that 1280x720 fits into */
    { "video/x-vp9, alignment=super-frame, profile=(string)1, width=1280, "
      "height=720, chroma-format=(string)4:4:4, bit-depth-luma=(uint)8",
        "90"
        "76703039"
        "011f860202020000" },
    { "video/x-vp9, alignment=super-frame, profile=(string)2, width=640, "
      "height=360, chroma-format=(string)4:2:0, bit-depth-luma=(uint)10",
        "90"
        "76703039"
        "0215a20202020000" },
    /* vp8enc */
    { "video/x-vp8, profile=(string)0, width=320, height=240",
        "90"
        "76703038"
        "0014820202020000" },
    /* box and record with something behind them, which is no part of either */
    { "video/x-vp9, codec_data=(buffer)01000000021fa20910090000ff",
        "90"
        "76703039"
        "021fa20910090000" },
    { "video/x-vp9, codec_data=(buffer)0100", NULL },
    /* profile 4 */
    { "video/x-vp9, codec_data=(buffer)01000000041fa20910090000", NULL },
    /* of 9 bits, of 4 bits */
    { "video/x-vp9, codec_data=(buffer)01000000021f920910090000", NULL },
    { "video/x-vp9, codec_data=(buffer)021f420910090000", NULL },
    /* chromaSubsampling 4 is reserved */
    { "video/x-vp9, codec_data=(buffer)01000000021fa80910090000", NULL },
    /* version 2 of the box */
    { "video/x-vp9, codec_data=(buffer)02000000021fa20910090000", NULL },
    /* codecInitializationDataSize of VP8 and VP9 is 0 */
    { "video/x-vp9, codec_data=(buffer)01000000021fa2091009000100", NULL },
    { "video/x-vp8, codec_data=(buffer)0014820202020001", NULL },
    /* what a parser would not say */
    { "video/x-vp9, profile=(string)9, width=640, height=360", NULL },
    { "audio/x-opus", NULL },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (cases[i][0]);
    g_autoptr (GError) error = NULL;
    g_autoptr (MillRelayFormat) format = mill_relay_format_new (caps, &error);
    if (!cases[i][1]) {
      g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
      continue;
    }
    g_assert_no_error (error);
    g_autoptr (GByteArray) message = g_byte_array_new ();
    GString *hex = g_string_new (NULL);
    g_assert_true (mill_relay_format_write_sequence (format, message));
    for (guint k = 0; k < message->len; k++)
      g_string_append_printf (hex, "%02x", message->data[k]);
    g_assert_cmpstr (hex->str, ==, cases[i][1]);
    g_string_free (hex, TRUE);
  }
}

/* No beginning of a configuration is taken for one, nor read past its end (which
 * ASan sees). */
static void
test_truncated_vpx (void)
{
  static const guint8 box[] = { 1, 0, 0, 0, 0x02, 0x1f, 0xa2, 0x09, 0x10, 0x09,
    0, 0 };

  for (guint begin = 0; begin <= 4; begin += 4)
    for (gsize size = 0; size < sizeof box - begin; size++) {
      g_autoptr (GstCaps) caps = gst_caps_new_empty_simple ("video/x-vp9");
      g_autoptr (GError) error = NULL;
      g_autoptr (GstBuffer) data = gst_buffer_new_allocate (NULL, size, NULL);
      gst_buffer_fill (data, 0, box + begin, size);
      gst_caps_set_simple (caps, "codec_data", GST_TYPE_BUFFER, data, NULL);
      g_assert_null (mill_relay_format_new (caps, &error));
      g_assert_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT);
    }
}

/* ---- pauses ---- */

static void
test_backoff (void)
{
  MillRelayBackoff backoff = { .min_ms = 500, .max_ms = 30000 };
  guint floor = 500;

  for (guint i = 0; i < 100; i++) {
    guint pause_ms = mill_relay_backoff_next (&backoff);
    g_assert_cmpuint (pause_ms, >=, MIN (floor, 24000));
    g_assert_cmpuint (pause_ms, <=, MIN (floor * 5 / 4, 30000));
    floor = MIN (floor * 2, 100000);
  }
  mill_relay_backoff_reset (&backoff);
  g_assert_cmpuint (mill_relay_backoff_next (&backoff), <=, 625);
}

/* ---- the queue ---- */

static void
push (MillRelayQueue *queue, MillRelayTrack track, gint64 ms,
    gboolean is_keyframe)
{
  static MillRelayFormat *format;
  MillRelayItem *item = g_new (MillRelayItem, 1);

  if (!format) {
    g_autoptr (GstCaps) caps =
        gst_caps_from_string ("audio/x-ac3, framed=true");
    format = mill_relay_format_new (caps, NULL);
    g_assert_nonnull (format);
  }
  *item = (MillRelayItem){ track, mill_relay_format_ref (format),
    gst_buffer_new_allocate (NULL, 100, NULL), ms * GST_MSECOND,
    ms * GST_MSECOND, is_keyframe };
  mill_relay_queue_push (queue, item);
}

/* All that comes out: "V0 A10 ..." */
static gchar *
drain (MillRelayQueue *queue)
{
  GString *text = g_string_new (NULL);

  for (;;) {
    g_autoptr (MillRelayItem) item = mill_relay_queue_pop (queue);
    if (!item)
      return g_string_free (text, FALSE);
    g_string_append_printf (text, "%s%c%d", text->len > 0 ? " " : "",
        item->track == MILL_RELAY_VIDEO ? 'V' : 'A',
        (gint) (item->dts_ns / (gint64) GST_MSECOND));
  }
}

static MillRelayQueue *
new_queue (void)
{
  MillRelayQueue *queue = mill_relay_queue_new ();

  mill_relay_queue_set_room (queue, 2000, 100000);
  mill_relay_queue_set_expected (queue, MILL_RELAY_VIDEO, TRUE);
  mill_relay_queue_set_expected (queue, MILL_RELAY_AUDIO, TRUE);
  return queue;
}

/* Two threads bring them in whatever order: they leave by their times. */
static void
test_order (void)
{
  MillRelayQueue *queue = new_queue ();

  push (queue, MILL_RELAY_AUDIO, 5, TRUE); /* before the first picture */
  push (queue, MILL_RELAY_AUDIO, 30, TRUE);
  g_autofree gchar *nothing = drain (queue);
  push (queue, MILL_RELAY_VIDEO, 0, FALSE); /* no keyframe */
  push (queue, MILL_RELAY_VIDEO, 20, TRUE);
  push (queue, MILL_RELAY_VIDEO, 40, FALSE);
  g_autofree gchar *first = drain (queue);
  push (queue, MILL_RELAY_AUDIO, 50, TRUE);
  g_autofree gchar *more = drain (queue);
  g_assert_cmpstr (nothing, ==, "");
  g_assert_cmpstr (first, ==, "V20 A30");
  g_assert_cmpstr (more, ==, "V40");
  g_assert_cmpuint (mill_relay_queue_get_dropped (queue), ==, 2);
  mill_relay_queue_free (queue);
}

/* A track that says nothing is not waited for longer than a second. */
static void
test_silent_track (void)
{
  MillRelayQueue *queue = new_queue ();

  for (gint ms = 0; ms <= 1000; ms += 500)
    push (queue, MILL_RELAY_VIDEO, ms, ms == 0);
  g_autofree gchar *nothing = drain (queue);
  push (queue, MILL_RELAY_VIDEO, 1001, FALSE);
  g_autofree gchar *all = drain (queue);
  g_assert_cmpstr (nothing, ==, "");
  g_assert_cmpstr (all, ==, "V0 V500 V1000 V1001");
  mill_relay_queue_free (queue);
}

/* Nor until there is no more room, where all of the other would be dropped. */
static void
test_silent_track_little_room (void)
{
  static const struct
  {
    guint max_ms;
    gsize max_bytes;
  } rooms[] = { { 400, 100000 }, { 60000, 1000 } };

  for (guint i = 0; i < G_N_ELEMENTS (rooms); i++) {
    MillRelayQueue *queue = new_queue ();
    guint n_sent = 0;

    mill_relay_queue_set_room (queue, rooms[i].max_ms, rooms[i].max_bytes);
    for (gint ms = 0; ms < 5000; ms += 40) {
      push (queue, MILL_RELAY_VIDEO, ms, ms % 1000 == 0);
      g_autofree gchar *text = drain (queue);
      n_sent += *text != '\0';
    }
    g_assert_cmpuint (n_sent, >, 100);
    g_assert_cmpuint (mill_relay_queue_get_dropped (queue), ==, 0);
    mill_relay_queue_free (queue);
  }
}

/* What is too much goes up to a keyframe, sound with it. */
static void
test_overflow (void)
{
  MillRelayQueue *queue = new_queue ();

  for (gint ms = 0; ms <= 2500; ms += 100) {
    push (queue, MILL_RELAY_VIDEO, ms, ms % 1000 == 0);
    push (queue, MILL_RELAY_AUDIO, ms, TRUE);
    g_assert_cmpuint (mill_relay_queue_get_ms (queue), <=, 2000);
  }
  g_assert_cmpuint (mill_relay_queue_get_dropped (queue), ==, 20);
  g_autoptr (MillRelayItem) item = mill_relay_queue_pop (queue);
  g_assert_cmpint (item->dts_ns, ==, 1000 * GST_MSECOND);
  g_assert_true (item->is_keyframe);
  /* By bytes too, and without a keyframe all of it. */
  mill_relay_queue_clear (queue);
  mill_relay_queue_set_room (queue, 60000, 1000);
  for (gint i = 0; i < 50; i++)
    push (queue, MILL_RELAY_VIDEO, 5000 + i, i == 0);
  g_assert_cmpuint (mill_relay_queue_get_bytes (queue), <=, 1000);
  g_autofree gchar *rest = drain (queue);
  g_assert_cmpstr (rest, ==, "");
  mill_relay_queue_free (queue);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  gst_init (NULL, NULL);
  g_test_add_func ("/relay/addresses", test_addresses);
  g_test_add_func ("/relay/redirects", test_redirects);
  g_test_add_func ("/relay/secrets", test_secrets);
  g_test_add_func ("/relay/heads", test_heads);
  g_test_add_func ("/relay/truncated-vpx", test_truncated_vpx);
  g_test_add_func ("/relay/backoff", test_backoff);
  g_test_add_func ("/relay/order", test_order);
  g_test_add_func ("/relay/silent-track", test_silent_track);
  g_test_add_func ("/relay/silent-track-little-room",
      test_silent_track_little_room);
  g_test_add_func ("/relay/overflow", test_overflow);
  return g_test_run ();
}
