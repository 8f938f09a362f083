/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "scte35/scte35.h"

#include <gst/base/gstbitreader.h>

G_DEFINE_QUARK (mill_scte35_error, mill_scte35_error)

#define TABLE_ID 0xfc /* 9.6.1 */
#define HEAD_SIZE 14 /* up to and with splice_command_type */
#define CRC_SIZE 4
#define PTS_BITS 33
#define PTS_MASK ((G_GUINT64_CONSTANT (1) << PTS_BITS) - 1)

#define TAG_SEGMENTATION 0x02 /* 10.3.3 */
#define IDENTIFIER_CUEI 0x43554549u

/* An older encoder need not tell how long its command is (9.6.1). */
#define COMMAND_LENGTH_UNKNOWN 0xfff

static gboolean
refuse (GError **error, MillScte35Error code, const gchar *what)
{
  g_set_error (error, MILL_SCTE35_ERROR, code, "splice section: %s", what);
  return FALSE;
}

static gboolean
truncated (GError **error)
{
  return refuse (error, MILL_SCTE35_ERROR_TRUNCATED,
      "got less than its lengths say");
}

gsize
mill_scte35_get_size (const guint8 *data, gsize size)
{
  if (size < 3 || data[0] != TABLE_ID)
    return 0;
  return 3 + ((data[1] & 0x0f) << 8 | data[2]);
}

/* A flag, or another small number. The callers have asked how much is left. */
static guint32
take (GstBitReader *bits, guint n)
{
  return gst_bit_reader_get_bits_uint32_unchecked (bits, n);
}

static gboolean
has_bytes (const GstBitReader *bits, gsize n)
{
  return gst_bit_reader_get_remaining (bits) >= 8 * n;
}

/* splice_time(), 9.8.1 */
static gboolean
read_time (GstBitReader *bits, gboolean *has_pts, guint64 *pts)
{
  if (!has_bytes (bits, 1))
    return FALSE;
  *has_pts = take (bits, 1) != 0;
  if (!*has_pts) {
    gst_bit_reader_skip_unchecked (bits, 7);
    return TRUE;
  }
  if (!has_bytes (bits, 4))
    return FALSE;
  gst_bit_reader_skip_unchecked (bits, 6);
  *pts = gst_bit_reader_get_bits_uint64_unchecked (bits, PTS_BITS);
  return TRUE;
}

/* Components have times of their own; only a program as a whole can be spliced
 * here, so they are gone over. */
static gboolean
skip_components (GstBitReader *bits, gboolean is_immediate)
{
  if (!has_bytes (bits, 1))
    return FALSE;
  guint n = take (bits, 8);
  for (guint i = 0; i < n; i++) {
    gboolean has_pts;
    guint64 pts;
    if (!has_bytes (bits, 1))
      return FALSE;
    gst_bit_reader_skip_unchecked (bits, 8);
    if (!is_immediate && !read_time (bits, &has_pts, &pts))
      return FALSE;
  }
  return TRUE;
}

/* break_duration(), 9.8.2 */
static gboolean
read_break_duration (GstBitReader *bits, MillScte35Event *event)
{
  if (!has_bytes (bits, 5))
    return FALSE;
  event->has_duration = TRUE;
  event->auto_return = take (bits, 1) != 0;
  gst_bit_reader_skip_unchecked (bits, 6);
  event->duration = gst_bit_reader_get_bits_uint64_unchecked (bits, PTS_BITS);
  return TRUE;
}

/* splice_insert(), 9.7.3 */
static gboolean
read_insert (GstBitReader *bits, MillScte35 *section)
{
  MillScte35Event *event = &section->events[0];
  if (!has_bytes (bits, 5))
    return FALSE;
  section->n_events = 1;
  event->id = take (bits, 32);
  gboolean is_cancelled = take (bits, 1) != 0;
  gst_bit_reader_skip_unchecked (bits, 7);
  if (is_cancelled) {
    event->role = MILL_SCTE35_CANCEL;
    return TRUE;
  }
  if (!has_bytes (bits, 1))
    return FALSE;
  event->role = take (bits, 1) ? MILL_SCTE35_OUT : MILL_SCTE35_IN;
  gboolean is_program = take (bits, 1) != 0;
  gboolean has_duration = take (bits, 1) != 0;
  gboolean is_immediate = take (bits, 1) != 0;
  gst_bit_reader_skip_unchecked (bits, 4);
  if (is_program && !is_immediate &&
      !read_time (bits, &section->has_pts, &section->raw_pts))
    return FALSE;
  if (!is_program && !skip_components (bits, is_immediate))
    return FALSE;
  return !has_duration || read_break_duration (bits, event);
}

/* Which segmentation_type_id is which (table 23, and its clause 10.3.3.6): of
 * what is between a start and an end only breaks and what fills them can be
 * replaced. */
static MillScte35Role
get_role (guint8 type_id)
{
  switch (type_id) {
    case 0x22: /* break */
    case 0x30: /* provider advertisement */
    case 0x32: /* distributor advertisement */
    case 0x34: /* provider placement opportunity */
    case 0x36: /* distributor placement opportunity */
    case 0x38: /* provider overlay placement opportunity */
    case 0x3a: /* distributor overlay placement opportunity */
    case 0x3c: /* provider promo */
    case 0x3e: /* distributor promo */
    case 0x44: /* provider ad block */
    case 0x46: /* distributor ad block */
      return MILL_SCTE35_OUT;
    case 0x23:
    case 0x31:
    case 0x33:
    case 0x35:
    case 0x37:
    case 0x39:
    case 0x3b:
    case 0x3d:
    case 0x3f:
    case 0x45:
    case 0x47:
      return MILL_SCTE35_IN;
    default:
      return MILL_SCTE35_SIGNAL;
  }
}

/* What is behind the head of a descriptor that is not cancelled. */
static gboolean
read_segmentation_body (GstBitReader *bits, MillScte35Event *event)
{
  if (!has_bytes (bits, 1))
    return FALSE;
  gboolean is_program = take (bits, 1) != 0;
  event->has_duration = take (bits, 1) != 0;
  gst_bit_reader_skip_unchecked (bits, 6); /* delivery restrictions */
  if (!is_program) {
    if (!has_bytes (bits, 1))
      return FALSE;
    guint n = take (bits, 8);
    if (!has_bytes (bits, 6 * n))
      return FALSE;
    gst_bit_reader_skip_unchecked (bits, 48 * n);
  }
  if (event->has_duration) {
    if (!has_bytes (bits, 5))
      return FALSE;
    event->duration = gst_bit_reader_get_bits_uint64_unchecked (bits, 40);
  }
  if (!has_bytes (bits, 2))
    return FALSE;
  event->upid_type = (guint8) take (bits, 8);
  event->upid_size = (guint8) take (bits, 8);
  if (!has_bytes (bits, event->upid_size))
    return FALSE;
  event->upid = bits->data + gst_bit_reader_get_pos (bits) / 8;
  gst_bit_reader_skip_unchecked (bits, 8 * event->upid_size);
  if (!has_bytes (bits, 3))
    return FALSE;
  event->type_id = (guint8) take (bits, 8);
  event->segment_number = (guint8) take (bits, 8);
  event->segments_expected = (guint8) take (bits, 8);
  event->role = get_role (event->type_id);
  return TRUE;
}

/* segmentation_descriptor(), 10.3.3: behind its identifier */
static gboolean
read_segmentation (GstBitReader *bits, MillScte35Event *event)
{
  if (!has_bytes (bits, 5))
    return FALSE;
  event->id = take (bits, 32);
  gboolean is_cancelled = take (bits, 1) != 0;
  gst_bit_reader_skip_unchecked (bits, 7);
  if (is_cancelled) {
    event->role = MILL_SCTE35_CANCEL;
    return TRUE;
  }
  return read_segmentation_body (bits, event);
}

/* splice_descriptor(), 10.2, as many as there are */
static gboolean
read_descriptors (const guint8 *data, gsize size, MillScte35 *section)
{
  while (size > 0) {
    if (size < 2 || size - 2 < data[1])
      return FALSE;
    guint length = data[1];
    GstBitReader bits = GST_BIT_READER_INIT (data + 2, length);
    gboolean is_ours = length >= 4 && data[0] == TAG_SEGMENTATION &&
        take (&bits, 32) == IDENTIFIER_CUEI;
    if (is_ours && section->n_events < MILL_SCTE35_EVENTS_MAX) {
      MillScte35Event event = { 0 };
      if (!read_segmentation (&bits, &event))
        return FALSE;
      section->events[section->n_events++] = event;
    }
    data += 2 + length;
    size -= 2 + length;
  }
  return TRUE;
}

/* From splice_command() on, @size up to CRC_32 */
static gboolean
read_body (const guint8 *data, gsize size, guint command_length,
    MillScte35 *section)
{
  GstBitReader bits = GST_BIT_READER_INIT (data, (guint) size);
  if (command_length != COMMAND_LENGTH_UNKNOWN && command_length > size)
    return FALSE;
  if (command_length != COMMAND_LENGTH_UNKNOWN)
    bits.size = command_length;
  switch (section->command) {
    case MILL_SCTE35_INSERT:
      return read_insert (&bits, section);
    case MILL_SCTE35_TIME_SIGNAL:
      if (!read_time (&bits, &section->has_pts, &section->raw_pts))
        return FALSE;
      break;
    default:
      return TRUE;
  }
  gsize offset = command_length != COMMAND_LENGTH_UNKNOWN
      ? command_length
      : gst_bit_reader_get_pos (&bits) / 8;
  if (size - offset < 2)
    return FALSE;
  gsize length = (gsize) data[offset] << 8 | data[offset + 1];
  if (size - offset - 2 < length)
    return FALSE;
  return read_descriptors (data + offset + 2, length, section);
}

gboolean
mill_scte35_parse (const guint8 *data, gsize size, MillScte35 *ret_section,
    GError **error)
{
  MillScte35 section = { 0 };
  gsize length = mill_scte35_get_size (data, size);
  if (length == 0)
    return refuse (error, MILL_SCTE35_ERROR_INVALID,
        "got another table, expected table_id 0xFC");
  if (length > MILL_SCTE35_SIZE_MAX)
    return refuse (error, MILL_SCTE35_ERROR_INVALID,
        "got a section_length above 4093");
  if (length > size || length < HEAD_SIZE + 2 + CRC_SIZE)
    return truncated (error);
  if (mill_scte35_writer_get_crc (data, length) != 0)
    return refuse (error, MILL_SCTE35_ERROR_INVALID, "CRC_32 does not fit");
  GstBitReader bits = GST_BIT_READER_INIT (data + 3, (guint) length - 3);
  if (take (&bits, 8) != 0)
    return refuse (error, MILL_SCTE35_ERROR_UNSUPPORTED,
        "got another protocol_version, expected 0");
  if (take (&bits, 1) != 0)
    return refuse (error, MILL_SCTE35_ERROR_UNSUPPORTED, "it is encrypted");
  gst_bit_reader_skip_unchecked (&bits, 6);
  guint64 adjustment =
      gst_bit_reader_get_bits_uint64_unchecked (&bits, PTS_BITS);
  gst_bit_reader_skip_unchecked (&bits, 8); /* cw_index */
  section.tier = (guint16) take (&bits, 12);
  guint command_length = take (&bits, 12);
  section.command = take (&bits, 8);
  if (!read_body (data + HEAD_SIZE, length - HEAD_SIZE - CRC_SIZE,
          command_length, &section))
    return truncated (error);
  section.pts = (section.raw_pts + adjustment) & PTS_MASK;
  *ret_section = section;
  return TRUE;
}
