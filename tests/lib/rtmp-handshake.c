/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* The handshake: a fault here means that Flash-era encoders and ffmpeg do not
 * connect at all. */
#include "rtmp/rtmp-handshake.h"

#include "rtmp-test.h"

typedef struct
{
  MillRtmpHandshakeRole sender;
  MillRtmpHandshakeKind kind;
  guint factor, offset; /* byte i of the packet is i * factor + offset */
  gsize digest_offset;
  const gchar *digest;
  const gchar *answer_key; /* of the other side's second packet */
} Vector;

/* Computed with Python's hmac module, not with the code under test. */
static const Vector vectors[] = {
  { MILL_RTMP_HANDSHAKE_CLIENT, MILL_RTMP_HANDSHAKE_DIGEST_0, 7, 13, 330,
      "2057e4afbdb4878c7ea5c46b360c2f9afd84d349797de2d5ebdca4b21c8df1e3",
      "0c4978b2a4a28452c4f207dcdd6af48d5b02af88c6b5e1d34351464caecc4e37" },
  { MILL_RTMP_HANDSHAKE_SERVER, MILL_RTMP_HANDSHAKE_DIGEST_0, 7, 13, 330,
      "83c349bbadf94c8a6e6678c8cbab26ac42c4fc6550a3e7bc8a363570d128802d",
      "b572053e21cd99a6527a5780af9178a8cb5df53fc3efa0c3bb0e63b22cb8888b" },
  { MILL_RTMP_HANDSHAKE_CLIENT, MILL_RTMP_HANDSHAKE_DIGEST_1, 251, 1, 966,
      "77a2c80bdff3df2b0c89fd76728baaac46efc0bddb8315c49dc7290600f9bc83",
      "e9e4b6247096c26dd7bc82c3d451bc76190f0158739d61ff7664db3e48b69f71" },
  { MILL_RTMP_HANDSHAKE_SERVER, MILL_RTMP_HANDSHAKE_DIGEST_1, 251, 1, 966,
      "75881b22b370197c993107ee2a1b5c2d68c7c7f3ff2fea2829102ebc65e60da0",
      "965378cf46166d66058f844ce48b47bc04a95a3f8d43d613730e9fc667e8fb4b" },
};

static MillRtmpHandshakeRole
other (MillRtmpHandshakeRole role)
{
  return role == MILL_RTMP_HANDSHAKE_CLIENT ? MILL_RTMP_HANDSHAKE_SERVER
                                            : MILL_RTMP_HANDSHAKE_CLIENT;
}

/* The last 32 bytes sign the rest under the key that follows from the digest
 * of the packet that is answered. */
static void
check_answer (const guint8 *answer, const gchar *key_hex)
{
  g_autoptr (GByteArray) key = bytes_from_hex (key_hex);
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, key->data, key->len);
  g_hmac_update (hmac, answer, MILL_RTMP_HANDSHAKE_SIZE - 32);
  guint8 digest[32];
  gsize size = sizeof digest;
  g_hmac_get_digest (hmac, digest, &size);
  g_assert_cmpmem (digest, 32, answer + MILL_RTMP_HANDSHAKE_SIZE - 32, 32);
}

static void
test_vectors (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    const Vector *vector = &vectors[i];
    guint8 packet[MILL_RTMP_HANDSHAKE_SIZE];
    for (guint j = 0; j < sizeof packet; j++)
      packet[j] = (guint8) (j * vector->factor + vector->offset);
    g_autoptr (GByteArray) digest = bytes_from_hex (vector->digest);
    memcpy (packet + vector->digest_offset, digest->data, digest->len);

    gsize offset = 0;
    g_assert_cmpint (mill_rtmp_handshake_detect (packet, vector->sender,
                         &offset),
        ==, vector->kind);
    g_assert_cmpuint (offset, ==, vector->digest_offset);
    g_assert_cmpint (mill_rtmp_handshake_detect (packet, other (vector->sender),
                         &offset),
        ==, MILL_RTMP_HANDSHAKE_SIMPLE);

    guint8 answer[MILL_RTMP_HANDSHAKE_SIZE];
    mill_rtmp_handshake_make_second (answer, packet, other (vector->sender), 0);
    check_answer (answer, vector->answer_key);

    packet[vector->digest_offset + 31] ^= 1;
    g_assert_cmpint (mill_rtmp_handshake_detect (packet, vector->sender,
                         &offset),
        ==, MILL_RTMP_HANDSHAKE_SIMPLE);
  }
}

/* Whatever is random in a packet, its digest is found again. */
static void
test_round_trip (void)
{
  for (guint i = 0; i < 200; i++) {
    MillRtmpHandshakeKind kind = i % 3;
    MillRtmpHandshakeRole role = i % 2;
    guint8 packet[MILL_RTMP_HANDSHAKE_SIZE];
    mill_rtmp_handshake_make_first (packet, kind, role, 0x01020304);
    g_assert_cmpint (mill_rtmp_handshake_detect (packet, role, NULL), ==, kind);
    static const guint8 time[] = { 1, 2, 3, 4 };
    g_assert_cmpmem (packet, 4, time, 4);
  }
}

/* Section 5.2.4 of RTMP 1.0: time, own time, and the peer's bytes. */
static void
test_simple_echo (void)
{
  guint8 first[MILL_RTMP_HANDSHAKE_SIZE];
  guint8 second[MILL_RTMP_HANDSHAKE_SIZE];
  mill_rtmp_handshake_make_first (first, MILL_RTMP_HANDSHAKE_SIMPLE,
      MILL_RTMP_HANDSHAKE_CLIENT, 0x01020304);
  mill_rtmp_handshake_make_second (second, first, MILL_RTMP_HANDSHAKE_SERVER,
      0x05060708);
  static const guint8 times[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
  g_assert_cmpmem (second, 8, times, 8);
  g_assert_cmpmem (second + 8, sizeof second - 8, first + 8, sizeof first - 8);
}

/* A peer that speaks something else is told apart in words. */
static void
test_version (void)
{
  static const struct
  {
    guint8 version;
    const gchar *word;
  } cases[] = {
    { 'G', "HTTP" },
    { 0x16, "TLS" },
    { 6, "RTMPE" },
    { 0, "expected 3" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_false (mill_rtmp_handshake_check_version (cases[i].version,
        &error));
    g_assert_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_HANDSHAKE);
    g_assert_nonnull (strstr (error->message, cases[i].word));
  }
  g_assert_true (mill_rtmp_handshake_check_version (3, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rtmp/handshake/vectors", test_vectors);
  g_test_add_func ("/rtmp/handshake/round-trip", test_round_trip);
  g_test_add_func ("/rtmp/handshake/simple-echo", test_simple_echo);
  g_test_add_func ("/rtmp/handshake/version", test_version);
  return g_test_run ();
}
