/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "amf0.h"
#include "flv-fourcc.h"

G_BEGIN_DECLS

/*
 * What the two ends of a connection tell each other in connect and its result.
 * Source: Enhanced RTMP v2, "Enhancing NetConnection connect Command"; v1 has
 * fourCcList alone.
 */

/* CapsExMask */
typedef enum
{
  MILL_RTMP_CAPS_RECONNECT = 0x01,
  MILL_RTMP_CAPS_MULTITRACK = 0x02,
  MILL_RTMP_CAPS_MOD_EX = 0x04,
  MILL_RTMP_CAPS_TIMESTAMP_NANO_OFFSET = 0x08,
} MillRtmpCapsEx;

/**
 * MillRtmpCapabilities: all zero is a peer that knows the classic form only
 * @is_enhanced: it has named at least one of the properties
 * @caps_ex: MillRtmpCapsEx, and bits that nobody knows yet
 * @codecs: bit i is set when it named the i-th of mill_flv_fourcc_list(), in
 *   whatever property, or any by "*"
 */
typedef struct
{
  gboolean is_enhanced;
  guint32 caps_ex;
  guint32 codecs;
} MillRtmpCapabilities;

/* @object: what connect or its result has; other types tell nothing */
void mill_rtmp_capabilities_read (const MillAmf0Value *object,
    MillRtmpCapabilities *ret_capabilities);

/* What we take and do, as members of an object that is being written. */
void mill_rtmp_capabilities_write (GByteArray *body);

/* Whether the peer named that codec. */
gboolean mill_rtmp_capabilities_has_codec (const MillRtmpCapabilities
                                               *capabilities,
    MillFlvKind kind, guint32 fourcc);

G_END_DECLS
