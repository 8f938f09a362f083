/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What publisher and server tell each other in connect: a fault here means that
 * an encoder falls back to H.264 although it need not, or that a server which
 * is going down cannot send its publishers elsewhere. */
#include "rtmp/rtmp-capabilities.h"

#include "rtmp-test.h"
#include "rtmp/rtmp-client.h"

/* ---- what a peer says ---- */

#define ALL_CODECS 0x7ffu /* eleven of them */

typedef struct
{
  const gchar *clause;
  const gchar *hex; /* the members of the command object */
  MillRtmpCapabilities capabilities;
} Vector;

#define FOURCC_LIST "000a 666f757243634c697374"
#define VIDEO_MAP "0012 766964656f466f75724363496e666f4d6170"
#define AUDIO_MAP "0012 617564696f466f75724363496e666f4d6170"
#define CAPS_EX "0006 636170734578"

static const Vector vectors[] = {
  { "a classic client", "0003 617070 02 0001 61", { 0 } },
  { "v1 fourCcList: av01, hvc1",
      FOURCC_LIST " 0a 00000002 02 0004 61763031 02 0004 68766331",
      { TRUE, 0, 1u << 1 | 1u << 2 } },
  { "v2 example: upper case, unknown ones",
      FOURCC_LIST " 0a 00000003 02 0004 48766331 02 0004 76766331 05",
      { TRUE, 0, 1u << 1 } },
  { "wildcard", FOURCC_LIST " 0a 00000001 02 0001 2a",
      { TRUE, 0, ALL_CODECS } },
  { "ffmpeg: an ECMA array instead of a strict one",
      FOURCC_LIST " 08 00000001 0001 30 02 0004 4f707573 0000 09",
      { TRUE, 0, 1u << 6 } },
  { "videoFourCcInfoMap and audioFourCcInfoMap",
      VIDEO_MAP " 03 0004 76703039 00 4008000000000000 0000 09" AUDIO_MAP
                " 03 0004 61632d33 00 4010000000000000 0000 09",
      { TRUE, 0, 1u << 3 | 1u << 8 } },
  { "capsEx: reconnect and multitrack", CAPS_EX " 00 4008000000000000",
      { TRUE, 3, 0 } },
  { "capsEx: no number that it could be", CAPS_EX " 00 c008000000000000",
      { 0 } },
  { "capsEx of another type", CAPS_EX " 02 0001 33", { 0 } },
  { "fourCcList of another type", FOURCC_LIST " 02 0004 61763031", { 0 } },
};

/* Members as they come in an object, read back as one value. */
static void
read_members (const gchar *hex, MillRtmpCapabilities *ret_capabilities)
{
  g_autofree gchar *text = g_strdup_printf ("03 %s 000009", hex);
  g_autoptr (GByteArray) bytes = bytes_from_hex (text);
  MillAmf0Reader reader;
  MillAmf0Value object;
  mill_amf0_reader_init (&reader, bytes->data, bytes->len, 8);
  g_assert_true (mill_amf0_read (&reader, &object, NULL));
  mill_rtmp_capabilities_read (&object, ret_capabilities);
}

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    const MillRtmpCapabilities *want = &vectors[i].capabilities;
    MillRtmpCapabilities got;
    g_test_message ("%s", vectors[i].clause);
    read_members (vectors[i].hex, &got);
    g_assert_cmpint (got.is_enhanced, ==, want->is_enhanced);
    g_assert_cmphex (got.caps_ex, ==, want->caps_ex);
    g_assert_cmphex (got.codecs, ==, want->codecs);
  }
}

/* We say that we take each codec of the table, and nothing else. */
static void
test_ours (void)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  mill_amf0_write_object_begin (out);
  mill_rtmp_capabilities_write (out);
  mill_amf0_write_object_end (out);
  MillAmf0Reader reader;
  MillAmf0Value object;
  MillRtmpCapabilities capabilities;
  mill_amf0_reader_init (&reader, out->data, out->len, 8);
  g_assert_true (mill_amf0_read (&reader, &object, NULL));
  mill_rtmp_capabilities_read (&object, &capabilities);
  g_assert_cmphex (capabilities.codecs, ==, ALL_CODECS);
  g_assert_cmphex (capabilities.caps_ex, ==, 0x0f);
  g_assert_true (mill_rtmp_capabilities_has_codec (&capabilities,
      MILL_FLV_KIND_VIDEO, MILL_FLV_FOURCC_AV1));
  g_assert_false (mill_rtmp_capabilities_has_codec (&capabilities,
      MILL_FLV_KIND_AUDIO, MILL_FLV_FOURCC_AV1));

  MillAmf0Value list;
  g_assert_true (mill_amf0_lookup (&object, "fourCcList", &list));
  g_assert_cmpint (list.type, ==, MILL_AMF0_STRICT_ARRAY);
  g_assert_true (mill_amf0_lookup (&object, "audioFourCcInfoMap", &list));
  MillAmf0Value flags;
  g_assert_true (mill_amf0_lookup (&list, ".mp3", &flags));
  g_assert_cmpfloat (flags.number, ==, 4); /* CanForward */
  g_assert_false (mill_amf0_lookup (&list, "hvc1", &flags));
}

/* ---- both ends ---- */

typedef struct
{
  MillRtmpClient *client;
  MillRtmpSession *session;
  MillRtmpCapabilities told; /* to the server, at publish */
  gboolean is_ready;
  guint n_reconnects;
  gchar *tc_url;
  gchar *description;
} Pair;

static void
on_publish (MillRtmpSession *session, const MillRtmpPublish *publish,
    gpointer user_data)
{
  Pair *pair = user_data;
  pair->told = publish->capabilities;
  mill_rtmp_session_accept (session);
}

static void
on_ready (MillRtmpClient *client, gpointer user_data)
{
  Pair *pair = user_data;
  pair->is_ready = TRUE;
}

static void
on_reconnect (MillRtmpClient *client, const gchar *tc_url,
    const gchar *description, gpointer user_data)
{
  Pair *pair = user_data;
  pair->n_reconnects++;
  g_free (pair->tc_url);
  pair->tc_url = g_strdup (tc_url);
  g_free (pair->description);
  pair->description = g_strdup (description);
}

static const MillRtmpSessionEvents session_events = { .publish = on_publish };
static const MillRtmpClientEvents client_events = {
  .ready = on_ready,
  .reconnect = on_reconnect,
};

/* Carries bytes to and fro until both sides are silent.
 * Returns: (transfer full): what the session said */
static GByteArray *
exchange (Pair *pair)
{
  GByteArray *said = g_byte_array_new ();
  for (gboolean moved = TRUE; moved;) {
    gsize size;
    gsize consumed;
    const guint8 *data = mill_rtmp_client_peek_output (pair->client, &size);
    moved = size > 0;
    g_assert_true (mill_rtmp_session_feed (pair->session, data, size, &consumed,
        NULL));
    mill_rtmp_client_drop_output (pair->client, consumed);
    data = mill_rtmp_session_peek_output (pair->session, &size);
    moved = moved || size > 0;
    g_byte_array_append (said, data, (guint) size);
    g_assert_true (mill_rtmp_client_feed (pair->client, data, size, NULL));
    mill_rtmp_session_drop_output (pair->session, size);
  }
  return said;
}

static void
pair_open (Pair *pair, gboolean is_classic)
{
  MillRtmpClientOptions options = {
    .app = "live",
    .name = "demo",
    .tc_url = "rtmp://127.0.0.1/live",
    .is_classic = is_classic,
  };
  *pair = (Pair){ 0 };
  pair->client = mill_rtmp_client_new (&options, &client_events, pair);
  pair->session = mill_rtmp_session_new (NULL, &session_events, pair);
}

static void
pair_clear (Pair *pair)
{
  mill_rtmp_client_free (pair->client);
  mill_rtmp_session_free (pair->session);
  g_free (pair->tc_url);
  g_free (pair->description);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Pair, pair_clear)

static gboolean
contains (const GByteArray *bytes, const gchar *text)
{
  return memmem (bytes->data, bytes->len, text, strlen (text)) != NULL;
}

static void
test_exchange (void)
{
  g_auto (Pair) pair = { 0 };
  pair_open (&pair, FALSE);
  g_autoptr (GByteArray) said = exchange (&pair);
  g_assert_true (pair.is_ready);
  g_assert_cmphex (pair.told.codecs, ==, ALL_CODECS);
  g_assert_cmphex (mill_rtmp_client_get_capabilities (pair.client)->codecs, ==,
      ALL_CODECS);
  g_assert_true (contains (said, "videoFourCcInfoMap"));
}

/* An old encoder gets the answer that it knows. */
static void
test_classic (void)
{
  g_auto (Pair) pair = { 0 };
  pair_open (&pair, TRUE);
  g_autoptr (GByteArray) said = exchange (&pair);
  g_assert_true (pair.is_ready);
  g_assert_false (pair.told.is_enhanced);
  g_assert_true (contains (said, "NetConnection.Connect.Success"));
  g_assert_false (contains (said, "FourCc"));
  g_assert_false (contains (said, "capsEx"));
}

/* "Reconnect Request": also after the session went to another process. */
static void
test_reconnect (void)
{
  g_auto (Pair) pair = { 0 };
  pair_open (&pair, FALSE);
  g_assert_false (mill_rtmp_session_request_reconnect (pair.session, NULL,
      NULL)); /* nobody publishes yet */
  g_byte_array_unref (exchange (&pair));
  g_assert_true (mill_rtmp_session_request_reconnect (pair.session,
      "rtmp://127.0.0.1:1936/live", "updates"));
  g_byte_array_unref (exchange (&pair));
  g_assert_cmpuint (pair.n_reconnects, ==, 1);
  g_assert_cmpstr (pair.tc_url, ==, "rtmp://127.0.0.1:1936/live");
  g_assert_cmpstr (pair.description, ==, "updates");

  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) state = mill_rtmp_session_save (pair.session, &error);
  g_assert_no_error (error);
  mill_rtmp_session_free (pair.session);
  pair.session =
      mill_rtmp_session_load (state, NULL, &session_events, &pair, &error);
  g_assert_no_error (error);
  g_assert_true (mill_rtmp_session_request_reconnect (pair.session, NULL,
      NULL));
  g_byte_array_unref (exchange (&pair));
  g_assert_cmpuint (pair.n_reconnects, ==, 2);
  g_assert_null (pair.tc_url);
}

/* Who has not said that it understands is not asked. */
static void
test_no_reconnect (void)
{
  g_auto (Pair) pair = { 0 };
  pair_open (&pair, TRUE);
  g_byte_array_unref (exchange (&pair));
  g_assert_true (pair.is_ready);
  g_assert_false (mill_rtmp_session_request_reconnect (pair.session, NULL,
      NULL));
  g_autoptr (GByteArray) said = exchange (&pair);
  g_assert_cmpuint (said->len, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  init_gstreamer ();
  g_test_add_func ("/rtmp/capabilities/vectors", test_vectors);
  g_test_add_func ("/rtmp/capabilities/ours", test_ours);
  g_test_add_func ("/rtmp/capabilities/exchange", test_exchange);
  g_test_add_func ("/rtmp/capabilities/classic", test_classic);
  g_test_add_func ("/rtmp/capabilities/reconnect", test_reconnect);
  g_test_add_func ("/rtmp/capabilities/no-reconnect", test_no_reconnect);
  return g_test_run ();
}
