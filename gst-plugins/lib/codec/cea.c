/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "codec/cea.h"

#include <gst/base/gstbytereader.h>
#include <string.h>

#define H264_SEI 6
#define HEVC_PREFIX_SEI 39
/* What of an SEI NAL unit is looked at: 31 constructs and what is around them
 * take 110 bytes; others may come before. */
#define SEI_MAX 2048
#define SEI_USER_DATA_T35 4

/* ---- CTA-608 ---- */

/* A code that says how captions of a channel are shown comes before each of
 * them: resume caption loading, roll-up of 2 to 4 rows, resume direct
 * captioning, end of caption. Text and padding have none. */
static void
scan_608 (MillCea *self, guint field, guint8 first, guint8 second)
{
  guint8 code = first & 0x7f;
  guint8 command = second & 0x7f;
  gboolean is_control = (code & 0x76) == 0x14;
  gboolean shows = command == 0x20 || (command >= 0x25 && command <= 0x27) ||
      command == 0x29 || command == 0x2f;
  if (!is_control || !shows)
    return;
  guint channel = 2 * field + ((code & 0x08) != 0 ? 1 : 0);
  self->channels |= 1u << channel;
}

/* ---- CTA-708 ---- */

/* Service blocks, CTA-708-E 6.2. */
static void
scan_packet (MillCea *self, guint length)
{
  guint at = 1;
  while (at < length) {
    guint service = self->packet[at] >> 5;
    guint size = self->packet[at] & 0x1f;
    at++;
    if (service == 7 && size > 0) {
      if (at == length)
        return;
      service = self->packet[at++] & 0x3f;
    }
    if (service == 0)
      return;
    if (size > 0 && at + size <= length)
      self->services |= G_GUINT64_CONSTANT (1) << service;
    at += size;
  }
}

static void
scan_708 (MillCea *self, gboolean begins, guint8 first, guint8 second)
{
  if (begins)
    self->packet_size = 0;
  else if (self->packet_size == 0)
    return;
  if (self->packet_size + 2 > sizeof self->packet)
    return;
  self->packet[self->packet_size++] = first;
  self->packet[self->packet_size++] = second;
  /* 0 is 128 bytes (CTA-708-E 5). */
  guint code = self->packet[0] & 0x3f;
  guint length = code == 0 ? MILL_CEA_PACKET_MAX : 2 * code;
  if (self->packet_size < length)
    return;
  scan_packet (self, length);
  self->packet_size = 0;
}

/* ---- constructs ---- */

gboolean
mill_cea_scan_constructs (MillCea *self, const guint8 *data, gsize size)
{
  MillCea before = *self;
  self->carried = TRUE;
  for (gsize i = 0; i + 3 <= size; i += 3) {
    gboolean valid = (data[i] & 0x04) != 0;
    guint type = data[i] & 0x03;
    if (!valid)
      continue;
    if (type < 2)
      scan_608 (self, type, data[i + 1], data[i + 2]);
    else
      scan_708 (self, type == 3, data[i + 1], data[i + 2]);
  }
  return self->carried != before.carried || self->channels != before.channels ||
      self->services != before.services;
}

/* ---- SEI ---- */

/* ATSC1_data(), SCTE 128-1 8.1: country, provider, "GA94", cc_data, flags with
 * the count, a byte that nobody uses. */
static gboolean
scan_user_data (MillCea *self, const guint8 *data, gsize size)
{
  static const guint8 head[] = { 0xb5, 0x00, 0x31, 'G', 'A', '9', '4', 0x03 };
  if (size < sizeof head + 2 || memcmp (data, head, sizeof head) != 0)
    return FALSE;
  guint8 flags = data[sizeof head];
  gsize length = 3 * (gsize) (flags & 0x1f);
  const guint8 *constructs = data + sizeof head + 2;
  if ((flags & 0x40) == 0)
    return FALSE;
  return mill_cea_scan_constructs (self, constructs,
      MIN (length, size - sizeof head - 2));
}

/* Without emulation prevention (H.264 7.3.1): 00 00 03 -> 00 00. */
static gsize
unescape (const guint8 *data, gsize size, guint8 *ret_data)
{
  gsize n = 0;
  guint zeros = 0;
  for (gsize i = 0; i < size && n < SEI_MAX; i++) {
    if (zeros >= 2 && data[i] == 3) {
      zeros = 0;
      continue;
    }
    zeros = data[i] == 0 ? zeros + 1 : 0;
    ret_data[n++] = data[i];
  }
  return n;
}

/* Bytes of 255, and one that is less (H.264 7.3.2.3.1). */
static gboolean
read_number (GstByteReader *reader, guint *ret_number)
{
  guint8 byte;
  *ret_number = 0;
  do {
    if (!gst_byte_reader_get_uint8 (reader, &byte))
      return FALSE;
    *ret_number += byte;
  } while (byte == 255);
  return TRUE;
}

static gboolean
scan_sei (MillCea *self, const guint8 *payload, gsize size)
{
  guint8 data[SEI_MAX];
  GstByteReader reader;
  gboolean found = FALSE;
  guint type;
  guint length;
  gst_byte_reader_init (&reader, data, (guint) unescape (payload, size, data));
  /* The stop bit is in the last byte. */
  while (gst_byte_reader_get_remaining (&reader) > 1 &&
      read_number (&reader, &type) && read_number (&reader, &length)) {
    guint left = gst_byte_reader_get_remaining (&reader);
    const guint8 *message =
        gst_byte_reader_get_data_unchecked (&reader, MIN (length, left));
    if (type == SEI_USER_DATA_T35)
      found |= scan_user_data (self, message, MIN (length, left));
  }
  return found;
}

gboolean
mill_cea_scan (MillCea *self, MillCodec codec, guint nal_length_size,
    const guint8 *data, gsize size)
{
  gboolean is_hevc = codec == MILL_CODEC_HEVC;
  gsize head = is_hevc ? 2 : 1;
  gboolean found = FALSE;
  gsize at = 0;
  while (size - at > nal_length_size) {
    gsize length = 0;
    for (guint i = 0; i < nal_length_size; i++)
      length = length << 8 | data[at + i];
    at += nal_length_size;
    if (length <= head || length > size - at)
      return found;
    guint type = is_hevc ? data[at] >> 1 & 0x3f : data[at] & 0x1f;
    /* Behind the picture comes nothing that is looked for. */
    if (is_hevc ? type < 32 : type >= 1 && type <= 5)
      return found;
    if (type == (is_hevc ? HEVC_PREFIX_SEI : H264_SEI))
      found |= scan_sei (self, data + at + head, length - head);
    at += length;
  }
  return found;
}
