/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The three packets either side sends before RTMP begins: one byte of version,
 * then twice 1,536 bytes. Two flavours: simple (Adobe RTMP 1.0 section 5.2) and
 * the one with digests that Flash Player and Flash Media Server used, which is
 * not in the specification: HMAC-SHA256 digests at two possible places
 * ("schemes") under keys that begin with "Genuine Adobe".
 */
#define MILL_RTMP_HANDSHAKE_SIZE 1536
#define MILL_RTMP_HANDSHAKE_VERSION 3

typedef enum
{
  MILL_RTMP_HANDSHAKE_SIMPLE,
  MILL_RTMP_HANDSHAKE_DIGEST_0, /* digest block at byte 8 */
  MILL_RTMP_HANDSHAKE_DIGEST_1, /* digest block at byte 772 */
} MillRtmpHandshakeKind;

typedef enum
{
  MILL_RTMP_HANDSHAKE_CLIENT,
  MILL_RTMP_HANDSHAKE_SERVER,
} MillRtmpHandshakeRole;

/* Errors: MILL_RTMP_ERROR_HANDSHAKE, with what the byte looks like */
gboolean mill_rtmp_handshake_check_version (guint8 version, GError **error);

/* Finds a valid digest of @sender in C1 or S1 (@packet, 1,536 bytes). */
MillRtmpHandshakeKind mill_rtmp_handshake_detect (const guint8 *packet,
    MillRtmpHandshakeRole sender, gsize *ret_offset);

/* Fills in C1 or S1: all of @packet, random but for time and digest. */
void mill_rtmp_handshake_make_first (guint8 *packet, MillRtmpHandshakeKind kind,
    MillRtmpHandshakeRole sender, guint32 time_ms);

/* Fills in C2 or S2, the answer to @peer, the C1 or S1 of the other side. */
void mill_rtmp_handshake_make_second (guint8 *packet, const guint8 *peer,
    MillRtmpHandshakeRole sender, guint32 time_ms);

G_END_DECLS
