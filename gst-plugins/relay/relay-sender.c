/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "relay-sender.h"

#include <string.h>

void
mill_relay_sender_init (MillRelaySender *self)
{
  *self = (MillRelaySender){ .message = g_byte_array_new () };
}

void
mill_relay_sender_clear (MillRelaySender *self)
{
  mill_relay_sender_restart (self);
  g_clear_pointer (&self->message, g_byte_array_unref);
}

void
mill_relay_sender_reset (MillRelaySender *self)
{
  self->has_origin = FALSE;
  memset (self->last_ms, 0, sizeof self->last_ms);
}

/* @format: (nullable) */
static void
replace (MillRelayFormat **place, MillRelayFormat *format)
{
  MillRelayFormat *old = *place;

  *place = format ? mill_relay_format_ref (format) : NULL;
  g_clear_pointer (&old, mill_relay_format_unref);
}

void
mill_relay_sender_restart (MillRelaySender *self)
{
  for (guint i = 0; i < MILL_RELAY_N_TRACKS; i++) {
    replace (&self->told[i], NULL);
    replace (&self->described[i], NULL);
  }
}

gboolean
mill_relay_sender_has_told (const MillRelaySender *self,
    const MillRelayItem *item)
{
  return self->told[item->track] == item->format;
}

static void
send_metadata (MillRelaySender *self, MillRelayConnection *connection,
    const MillRelayItem *item, MillRelayFormat *other)
{
  for (guint i = 0; i < MILL_RELAY_N_TRACKS; i++)
    replace (&self->described[i], i == item->track ? item->format : other);
  g_byte_array_set_size (self->message, 0);
  mill_relay_format_write_metadata (self->described[MILL_RELAY_VIDEO],
      self->described[MILL_RELAY_AUDIO], self->message);
  mill_relay_connection_send (connection, MILL_RTMP_MESSAGE_DATA, 0,
      self->message->data, self->message->len);
}

static MillRtmpMessageType
get_message_type (const MillRelayItem *item)
{
  return item->track == MILL_RELAY_VIDEO ? MILL_RTMP_MESSAGE_VIDEO
                                         : MILL_RTMP_MESSAGE_AUDIO;
}

/* Returns: ms on a time line that begins with the first frame ever sent and
 * never goes back on a track */
static gint64
stamp (MillRelaySender *self, const MillRelayItem *item)
{
  if (!self->has_origin) {
    self->has_origin = TRUE;
    self->origin_ns = item->dts_ns;
  }
  gint64 since_ns = item->dts_ns - self->origin_ns;
  gint64 ms = since_ns > 0 ? (since_ns + GST_MSECOND / 2) / (gint64) GST_MSECOND
                           : 0;
  self->last_ms[item->track] = MAX (self->last_ms[item->track], ms);
  return self->last_ms[item->track];
}

/* In signed 24 bits, FLV E.4.3.1 */
static gint32
get_composition_ms (const MillRelaySender *self, const MillRelayItem *item,
    gint64 dts_ms)
{
  gdouble ms = (gdouble) (item->pts_ns - self->origin_ns) / GST_MSECOND -
      dts_ms;

  return (gint32) CLAMP (ms + (ms < 0 ? -0.5 : 0.5), -0x800000, 0x7fffff);
}

/* What must be known before the frame is. */
static void
tell_format (MillRelaySender *self, MillRelayConnection *connection,
    const MillRelayItem *item, gint64 ms)
{
  replace (&self->told[item->track], item->format);
  g_byte_array_set_size (self->message, 0);
  if (mill_relay_format_write_sequence (item->format, self->message))
    mill_relay_connection_send (connection, get_message_type (item),
        (guint32) ms, self->message->data, self->message->len);
}

void
mill_relay_sender_send (MillRelaySender *self, MillRelayConnection *connection,
    const MillRelayItem *item, MillRelayFormat *other)
{
  GstMapInfo map;
  gint64 ms = stamp (self, item);

  if (!gst_buffer_map (item->buffer, &map, GST_MAP_READ))
    return;
  if (self->described[item->track] != item->format)
    send_metadata (self, connection, item, other);
  if (!mill_relay_sender_has_told (self, item))
    tell_format (self, connection, item, ms);
  MillRelayFrame frame = {
    .is_keyframe = item->is_keyframe,
    .composition_ms = get_composition_ms (self, item, ms),
    .data = map.data,
    .size = map.size,
  };
  g_byte_array_set_size (self->message, 0);
  mill_relay_format_write_frame (item->format, self->message, &frame);
  gst_buffer_unmap (item->buffer, &map);
  mill_relay_connection_send (connection, get_message_type (item), (guint32) ms,
      self->message->data, self->message->len);
}
