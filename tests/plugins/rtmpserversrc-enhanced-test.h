/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmpserversrc-test.h"

#include "rtmp/flv-ex-writer.h"

/* A publisher that sends the extended form, and what a pad says of it. */

/* 320x180 at 25 fps, each by an encoder: x265, libaom. */
#define HVCC                                                                 \
  "0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff0160" \
  "0000030090000003000003003c959809a10001002b420101016000000300900000030000" \
  "03003ca00a080b9f796566924caf016808000003000800000300c840a200010007440"    \
  "1c172b46240"
#define AV1C "81000c000a0b000000043cfeccdaf90040"

static inline GByteArray *
parse_hex (const gchar *hex)
{
  GByteArray *bytes = g_byte_array_new ();

  for (; hex[0] && hex[1]; hex += 2) {
    guint8 byte = g_ascii_xdigit_value (hex[0]) * 16 +
        g_ascii_xdigit_value (hex[1]);
    g_byte_array_append (bytes, &byte, 1);
  }
  return bytes;
}

/* One message of one or two tracks. */
typedef struct
{
  MillFlvKind kind;
  guint packet_type;
  MillFlvExMultitrack multitrack;
  guint32 ts;
  guint32 nano;
  gboolean is_delta;
} Send;

typedef struct
{
  guint id;
  guint32 fourcc;
  const gchar *hex;
  gint32 composition_ms;
} Part;

static inline void
send_parts (Publisher *publisher, const Send *send, const Part *parts, guint n)
{
  MillFlvExHeader header = {
    .kind = send->kind,
    .frame_type = send->is_delta ? 2 : 1,
    .packet_type = send->packet_type,
    .multitrack = send->multitrack,
    .nano_offset = send->nano,
  };
  g_autoptr (GPtrArray) bytes =
      g_ptr_array_new_with_free_func ((GDestroyNotify) g_byte_array_unref);
  g_autofree MillFlvExBody *bodies = g_new0 (MillFlvExBody, n);
  g_autoptr (GByteArray) out = g_byte_array_new ();

  for (guint i = 0; i < n; i++) {
    GByteArray *body = parse_hex (parts[i].hex);
    g_ptr_array_add (bytes, body);
    bodies[i] = (MillFlvExBody){ parts[i].id, parts[i].fourcc,
      parts[i].composition_ms, body->data, body->len };
  }
  mill_flv_ex_writer_write (out, &header, bodies, n);
  publisher_send_bytes (publisher,
      send->kind == MILL_FLV_KIND_VIDEO ? MILL_RTMP_MESSAGE_VIDEO
                                        : MILL_RTMP_MESSAGE_AUDIO,
      send->ts, out);
}

#define NO_TRACKS .multitrack = MILL_FLV_EX_NO_MULTITRACK

static inline void
send_video (Publisher *publisher, guint packet_type, guint32 ts, guint32 fourcc,
    const gchar *hex)
{
  Send send = { MILL_FLV_KIND_VIDEO, packet_type, NO_TRACKS, .ts = ts };
  Part part = { 0, fourcc, hex, 0 };

  send_parts (publisher, &send, &part, 1);
}

/* The next event of @type on a pad; everything before is passed over. */
static inline GstEvent *
wait_event (Receiver *receiver, ReceiverKind kind, GstEventType type)
{
  for (;;) {
    GstMiniObject *item = receiver_take_item (receiver, kind);

    if (GST_IS_EVENT (item) && GST_EVENT_TYPE (item) == type)
      return GST_EVENT (item);
    gst_mini_object_unref (item);
  }
}

static inline GstCaps *
wait_caps (Receiver *receiver, ReceiverKind kind)
{
  g_autoptr (GstEvent) event = wait_event (receiver, kind, GST_EVENT_CAPS);
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  return gst_caps_ref (caps);
}

/* All fields of @expected are in @caps with these values. */
static inline void
expect_caps (GstCaps *caps, const gchar *expected)
{
  g_autoptr (GstCaps) want = gst_caps_from_string (expected);
  g_autofree gchar *got = gst_caps_to_string (caps);

  fail_unless (gst_caps_is_subset (caps, want), "got %s, expected %s", got,
      expected);
}
