/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-handshake.h"

#include <string.h>

#include "rtmp-session.h"
#include "bytes/bytes.h"

#define DIGEST_SIZE 32

/* A digest block is 4 bytes whose sum gives the place, then 760 bytes. */
#define BLOCK_RANGE 728

/* "Genuine Adobe Flash Player 001" (30 bytes) or "Genuine Adobe Flash Media
 * Server 001" (36 bytes), then 32 bytes common to both. The text alone signs
 * C1 and S1, all of it C2 and S2. */
static const guint8 player_key[62] =
    "Genuine Adobe Flash Player 001"
    "\xf0\xee\xc2\x4a\x80\x68\xbe\xe8\x2e\x00\xd0\xd1\x02\x9e\x7e\x57"
    "\x6e\xec\x5d\x2d\x29\x80\x6f\xab\x93\xb8\xe6\x36\xcf\xeb\x31\xae";
static const guint8 server_key[68] =
    "Genuine Adobe Flash Media Server 001"
    "\xf0\xee\xc2\x4a\x80\x68\xbe\xe8\x2e\x00\xd0\xd1\x02\x9e\x7e\x57"
    "\x6e\xec\x5d\x2d\x29\x80\x6f\xab\x93\xb8\xe6\x36\xcf\xeb\x31\xae";

typedef struct
{
  const guint8 *bytes;
  gsize text_size;
  gsize full_size;
} Key;

static const Key keys[] = {
  [MILL_RTMP_HANDSHAKE_CLIENT] = { player_key, 30, sizeof player_key },
  [MILL_RTMP_HANDSHAKE_SERVER] = { server_key, 36, sizeof server_key },
};

gboolean
mill_rtmp_handshake_check_version (guint8 version, GError **error)
{
  if (version == MILL_RTMP_HANDSHAKE_VERSION)
    return TRUE;
  const gchar *looks_like = "";
  if (version == 0x16)
    looks_like = " (TLS: use an rtmps address for RTMPS)";
  else if (version == 6 || version == 8)
    looks_like = " (RTMPE is not supported)";
  else if (g_ascii_isupper (version))
    looks_like = " (HTTP?)";
  g_set_error (error, MILL_RTMP_ERROR, MILL_RTMP_ERROR_HANDSHAKE,
      "RTMP version: got %u%s, expected %u", version, looks_like,
      MILL_RTMP_HANDSHAKE_VERSION);
  return FALSE;
}

/* HMAC-SHA256 over @packet without the digest at @skip; none is skipped when
 * @skip is the end of what is signed. */
static void
sign (const guint8 *key, gsize key_size, const guint8 *packet, gsize skip,
    guint8 *ret_digest)
{
  g_autoptr (GHmac) hmac = g_hmac_new (G_CHECKSUM_SHA256, key, key_size);
  g_hmac_update (hmac, packet, (gssize) skip);
  gsize rest = skip + DIGEST_SIZE;
  if (rest < MILL_RTMP_HANDSHAKE_SIZE)
    g_hmac_update (hmac, packet + rest,
        (gssize) (MILL_RTMP_HANDSHAKE_SIZE - rest));
  gsize size = DIGEST_SIZE;
  g_hmac_get_digest (hmac, ret_digest, &size);
}

static gsize
locate_digest (const guint8 *packet, MillRtmpHandshakeKind kind)
{
  gsize block = kind == MILL_RTMP_HANDSHAKE_DIGEST_0 ? 8 : 772;
  gsize sum = 0;
  for (guint i = 0; i < 4; i++)
    sum += packet[block + i];
  return block + 4 + sum % BLOCK_RANGE;
}

MillRtmpHandshakeKind
mill_rtmp_handshake_detect (const guint8 *packet, MillRtmpHandshakeRole sender,
    gsize *ret_offset)
{
  static const MillRtmpHandshakeKind kinds[] = {
    MILL_RTMP_HANDSHAKE_DIGEST_0,
    MILL_RTMP_HANDSHAKE_DIGEST_1,
  };
  const Key *key = &keys[sender];
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    gsize offset = locate_digest (packet, kinds[i]);
    guint8 digest[DIGEST_SIZE];
    sign (key->bytes, key->text_size, packet, offset, digest);
    if (memcmp (digest, packet + offset, DIGEST_SIZE) == 0) {
      if (ret_offset != NULL)
        *ret_offset = offset;
      return kinds[i];
    }
  }
  return MILL_RTMP_HANDSHAKE_SIMPLE;
}

/* Only against accidental repetition, nothing secret depends on it. */
static void
fill_random (guint8 *bytes, gsize size)
{
  for (gsize i = 0; i < size; i += 4) {
    guint32 random = g_random_int ();
    memcpy (bytes + i, &random, MIN (4, size - i));
  }
}

void
mill_rtmp_handshake_make_first (guint8 *packet, MillRtmpHandshakeKind kind,
    MillRtmpHandshakeRole sender, guint32 time_ms)
{
  mill_bytes_write_u32 (packet, time_ms);
  fill_random (packet + 8, MILL_RTMP_HANDSHAKE_SIZE - 8);
  if (kind == MILL_RTMP_HANDSHAKE_SIMPLE) {
    mill_bytes_write_u32 (packet + 4, 0); /* section 5.2.3 */
    return;
  }
  /* A version that is not zero announces a digest: of a player or a server
   * which are known to know it. */
  mill_bytes_write_u32 (packet + 4,
      sender == MILL_RTMP_HANDSHAKE_CLIENT ? 0x0a002d02 : 0x04050001);
  gsize offset = locate_digest (packet, kind);
  const Key *key = &keys[sender];
  sign (key->bytes, key->text_size, packet, offset, packet + offset);
}

void
mill_rtmp_handshake_make_second (guint8 *packet, const guint8 *peer,
    MillRtmpHandshakeRole sender, guint32 time_ms)
{
  MillRtmpHandshakeRole peer_role = sender == MILL_RTMP_HANDSHAKE_CLIENT
      ? MILL_RTMP_HANDSHAKE_SERVER
      : MILL_RTMP_HANDSHAKE_CLIENT;
  gsize peer_offset = 0;
  if (mill_rtmp_handshake_detect (peer, peer_role, &peer_offset) ==
      MILL_RTMP_HANDSHAKE_SIMPLE) {
    /* Section 5.2.4: the peer's time and bytes back, with the time of reading
     * in between. */
    memcpy (packet, peer, MILL_RTMP_HANDSHAKE_SIZE);
    mill_bytes_write_u32 (packet + 4, time_ms);
    return;
  }
  const Key *key = &keys[sender];
  guint8 packet_key[DIGEST_SIZE];
  g_autoptr (GHmac) hmac =
      g_hmac_new (G_CHECKSUM_SHA256, key->bytes, key->full_size);
  g_hmac_update (hmac, peer + peer_offset, DIGEST_SIZE);
  gsize size = sizeof packet_key;
  g_hmac_get_digest (hmac, packet_key, &size);

  gsize signature = MILL_RTMP_HANDSHAKE_SIZE - DIGEST_SIZE;
  fill_random (packet, signature);
  sign (packet_key, sizeof packet_key, packet, signature, packet + signature);
}
