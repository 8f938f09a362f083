/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "link-buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gst/video/video.h>

#include "link-bytes.h"
#include "link-event.h"

#define FIXED_SIZE (5 * 8 + 4 + 8 + 1)
#define MAX_METAS 32
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

typedef enum
{
  META_CAPTION = 1,
  META_TIME_CODE,
  META_REFERENCE,
} MetaKind;

/* Without those that GStreamer keeps for itself. */
static guint32
get_flags (guint32 flags)
{
  return flags & ~(guint32) (GST_MINI_OBJECT_FLAG_LAST - 1) &
      ~(guint32) GST_BUFFER_FLAG_TAG_MEMORY;
}

/* ---- writing ---- */

static void
write_caption (GstByteWriter *writer, GstMeta *meta)
{
  GstVideoCaptionMeta *caption = (GstVideoCaptionMeta *) meta;

  gst_byte_writer_put_uint8 (writer, caption->caption_type);
  gst_byte_writer_put_data (writer, caption->data, caption->size);
}

static void
write_time_code (GstByteWriter *writer, GstMeta *meta)
{
  const GstVideoTimeCode *tc = &((GstVideoTimeCodeMeta *) meta)->tc;
  GDateTime *jam = tc->config.latest_daily_jam;

  gst_byte_writer_put_uint32_be (writer, tc->config.fps_n);
  gst_byte_writer_put_uint32_be (writer, tc->config.fps_d);
  gst_byte_writer_put_uint32_be (writer, tc->config.flags);
  gst_byte_writer_put_uint32_be (writer, tc->hours);
  gst_byte_writer_put_uint32_be (writer, tc->minutes);
  gst_byte_writer_put_uint32_be (writer, tc->seconds);
  gst_byte_writer_put_uint32_be (writer, tc->frames);
  gst_byte_writer_put_uint32_be (writer, tc->field_count);
  gst_byte_writer_put_uint8 (writer, jam ? 1 : 0);
  gst_byte_writer_put_int64_be (writer, jam ? g_date_time_to_unix (jam) : 0);
}

static void
write_reference (GstByteWriter *writer, GstMeta *meta)
{
  GstReferenceTimestampMeta *reference = (GstReferenceTimestampMeta *) meta;
  g_autofree gchar *caps = gst_caps_to_string (reference->reference);

  gst_byte_writer_put_uint64_be (writer, reference->timestamp);
  gst_byte_writer_put_uint64_be (writer, reference->duration);
  gst_byte_writer_put_data (writer, (const guint8 *) caps, strlen (caps));
}

static void
write_meta (GstByteWriter *writer, MetaKind kind, GstMeta *meta)
{
  gst_byte_writer_put_uint8 (writer, kind);
  guint at = gst_byte_writer_get_pos (writer);
  gst_byte_writer_put_uint32_be (writer, 0);
  if (kind == META_CAPTION)
    write_caption (writer, meta);
  else if (kind == META_TIME_CODE)
    write_time_code (writer, meta);
  else
    write_reference (writer, meta);
  guint end = gst_byte_writer_get_pos (writer);
  gst_byte_writer_set_pos (writer, at);
  gst_byte_writer_put_uint32_be (writer, end - at - 4);
  gst_byte_writer_set_pos (writer, end);
}

static guint
write_metas (GstByteWriter *writer, GstBuffer *buffer)
{
  gpointer state = NULL;
  guint n_metas = 0;
  GstMeta *meta;

  while (n_metas < MAX_METAS &&
      (meta = gst_buffer_iterate_meta (buffer, &state))) {
    MetaKind kind = 0;
    if (meta->info->api == GST_VIDEO_CAPTION_META_API_TYPE)
      kind = META_CAPTION;
    else if (meta->info->api == GST_VIDEO_TIME_CODE_META_API_TYPE)
      kind = META_TIME_CODE;
    else if (meta->info->api == GST_REFERENCE_TIMESTAMP_META_API_TYPE)
      kind = META_REFERENCE;
    else
      continue;
    write_meta (writer, kind, meta);
    n_metas++;
  }
  return n_metas;
}

gboolean
mill_link_buffer_is_inline (GstBuffer *buffer)
{
  return gst_buffer_get_size (buffer) < MILL_LINK_INLINE_LIMIT;
}

GBytes *
mill_link_buffer_write_head (GstBuffer *buffer, guint16 pad, GError **error)
{
  gsize size = gst_buffer_get_size (buffer);
  gboolean is_inline = mill_link_buffer_is_inline (buffer);
  GstByteWriter writer;

  gst_byte_writer_init_with_size (&writer, 128, FALSE);
  gst_byte_writer_put_uint32_be (&writer, 0);
  gst_byte_writer_put_uint8 (&writer, MILL_LINK_BUFFER);
  gst_byte_writer_put_uint8 (&writer,
      is_inline ? 0 : MILL_LINK_FLAG_DESCRIPTOR);
  gst_byte_writer_put_uint16_be (&writer, pad);
  gst_byte_writer_put_uint64_be (&writer, GST_BUFFER_PTS (buffer));
  gst_byte_writer_put_uint64_be (&writer, GST_BUFFER_DTS (buffer));
  gst_byte_writer_put_uint64_be (&writer, GST_BUFFER_DURATION (buffer));
  gst_byte_writer_put_uint64_be (&writer, GST_BUFFER_OFFSET (buffer));
  gst_byte_writer_put_uint64_be (&writer, GST_BUFFER_OFFSET_END (buffer));
  gst_byte_writer_put_uint32_be (&writer,
      get_flags (GST_BUFFER_FLAGS (buffer)));
  gst_byte_writer_put_uint64_be (&writer, size);
  guint at = gst_byte_writer_get_pos (&writer);
  gst_byte_writer_put_uint8 (&writer, 0);
  guint n_metas = write_metas (&writer, buffer);

  guint head = gst_byte_writer_get_pos (&writer);
  guint8 *data = gst_byte_writer_reset_and_get_data (&writer);
  gsize body = head - MILL_LINK_HEADER_SIZE + (is_inline ? size : 0);
  if (size > MILL_LINK_MAX_PAYLOAD || body > MILL_LINK_MAX_BODY) {
    g_free (data);
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_LIMIT,
        "buffer of a link: got %" G_GSIZE_FORMAT
        " bytes in a message of %" G_GSIZE_FORMAT ", expected at most %u in %u",
        size, body, MILL_LINK_MAX_PAYLOAD, MILL_LINK_MAX_BODY);
    return NULL;
  }
  mill_bytes_write_u32 (data, body);
  data[at] = n_metas;
  return g_bytes_new_take (data, head);
}

static gboolean
write_all (gint fd, const guint8 *data, gsize size)
{
  while (size > 0) {
    gssize written = write (fd, data, size);
    if (written < 0 && errno == EINTR)
      continue;
    if (written <= 0)
      return FALSE;
    data += written;
    size -= written;
  }
  return TRUE;
}

gint
mill_link_buffer_make_memfd (const guint8 *data, gsize size, GError **error)
{
  gint fd = memfd_create ("millrace-link", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  if (fd >= 0 && write_all (fd, data, size) &&
      fcntl (fd, F_ADD_SEALS, SEALS) == 0)
    return fd;
  g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_SYSTEM,
      "cannot make a memfd of %" G_GSIZE_FORMAT " bytes: %s", size,
      g_strerror (errno));
  if (fd >= 0)
    close (fd);
  return -1;
}

/* ---- reading ---- */

static gboolean
fail (const gchar *subject, guint64 got, const gchar *expected, GError **error)
{
  g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_PROTOCOL,
      "link buffer's %s: got %" G_GUINT64_FORMAT ", expected %s", subject, got,
      expected);
  return FALSE;
}

static gboolean
read_caption (GstByteReader *reader, GstBuffer *buffer, GError **error)
{
  guint size = gst_byte_reader_get_remaining (reader);
  guint8 type;

  if (!gst_byte_reader_get_uint8 (reader, &type) ||
      type == GST_VIDEO_CAPTION_TYPE_UNKNOWN ||
      type > GST_VIDEO_CAPTION_TYPE_CEA708_CDP || size < 2)
    return fail ("caption size", size, "a known type and data", error);
  const guint8 *data = gst_byte_reader_get_data_unchecked (reader, size - 1);
  gst_buffer_add_video_caption_meta (buffer, type, data, size - 1);
  return TRUE;
}

static gboolean
read_time_code (GstByteReader *reader, GstBuffer *buffer, GError **error)
{
  guint32 n[8];
  guint8 has_jam;
  gint64 jam_seconds;
  guint size = gst_byte_reader_get_remaining (reader);

  if (size != 8 * 4 + 1 + 8)
    return fail ("time code size", size, "41", error);
  for (guint i = 0; i < G_N_ELEMENTS (n); i++)
    n[i] = mill_link_take_u32 (reader);
  has_jam = mill_link_take_u8 (reader);
  jam_seconds = mill_link_take_u64 (reader);

  if (n[0] == 0 || n[1] == 0 || n[0] > G_MAXINT || n[1] > G_MAXINT)
    return fail ("time code rate", n[0], "a positive fraction", error);
  g_autoptr (GDateTime) jam =
      has_jam ? g_date_time_new_from_unix_utc (jam_seconds) : NULL;
  GstVideoTimeCode *tc = gst_video_time_code_new (n[0], n[1], jam,
      n[2] &
          (GST_VIDEO_TIME_CODE_FLAGS_DROP_FRAME |
              GST_VIDEO_TIME_CODE_FLAGS_INTERLACED),
      n[3], n[4], n[5], n[6], n[7]);
  gboolean is_valid = (!has_jam || jam) && gst_video_time_code_is_valid (tc);
  if (is_valid)
    gst_buffer_add_video_time_code_meta (buffer, tc);
  gst_video_time_code_free (tc);
  return is_valid || fail ("time code rate", n[0], "a valid time code", error);
}

static gboolean
read_reference (GstByteReader *reader, GstBuffer *buffer, GError **error)
{
  guint size = gst_byte_reader_get_remaining (reader);
  guint64 timestamp;
  guint64 duration;

  if (!gst_byte_reader_get_uint64_be (reader, &timestamp) ||
      !gst_byte_reader_get_uint64_be (reader, &duration) ||
      !GST_CLOCK_TIME_IS_VALID (timestamp))
    return fail ("reference timestamp size", size, "a time and caps", error);
  guint left = gst_byte_reader_get_remaining (reader);
  g_autoptr (GstCaps) caps =
      mill_link_event_parse_caps (gst_byte_reader_get_data_unchecked (reader,
                                      left),
          left, error);
  if (!caps)
    return FALSE;
  gst_buffer_add_reference_timestamp_meta (buffer, caps, timestamp, duration);
  return TRUE;
}

static gboolean
read_meta (GstByteReader *reader, GstBuffer *buffer, GError **error)
{
  guint8 kind;
  guint32 size;
  GstByteReader body;

  if (!gst_byte_reader_get_uint8 (reader, &kind) ||
      !gst_byte_reader_get_uint32_be (reader, &size) ||
      !gst_byte_reader_get_sub_reader (reader, &body, size))
    return fail ("meta size", gst_byte_reader_get_remaining (reader),
        "a whole meta", error);
  switch (kind) {
    case META_CAPTION:
      return read_caption (&body, buffer, error);
    case META_TIME_CODE:
      return read_time_code (&body, buffer, error);
    case META_REFERENCE:
      return read_reference (&body, buffer, error);
    default:
      return fail ("meta", kind, "caption, time code or reference", error);
  }
}

typedef struct
{
  gpointer data;
  gsize size;
} Mapping;

static void
free_mapping (gpointer user_data)
{
  Mapping *mapping = user_data;

  munmap (mapping->data, mapping->size);
  g_free (mapping);
}

/* The seals keep the producer from changing or cutting off what is mapped
 * (fcntl(2)); without them a read could end in SIGBUS. */
static GstMemory *
map_payload (gint fd, gsize size, GError **error)
{
  struct stat info;
  gint seals = fcntl (fd, F_GET_SEALS);
  gint needed = F_SEAL_SHRINK | F_SEAL_WRITE;

  if (seals < 0 || (seals & needed) != needed || fstat (fd, &info) < 0) {
    fail ("descriptor", seals, "a memfd sealed against change", error);
    return NULL;
  }
  if ((guint64) info.st_size != size) {
    fail ("memfd size", info.st_size, "the size that the message tells", error);
    return NULL;
  }
  /* Private: kernels before 6.7 refuse a shared mapping of a sealed file. */
  gpointer data = mmap (NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED) {
    g_set_error (error, MILL_LINK_ERROR, MILL_LINK_ERROR_SYSTEM,
        "cannot map a payload of %" G_GSIZE_FORMAT " bytes: %s", size,
        g_strerror (errno));
    return NULL;
  }
  Mapping *mapping = g_new (Mapping, 1);
  *mapping = (Mapping){ data, size };
  return gst_memory_new_wrapped (GST_MEMORY_FLAG_READONLY, data, size, 0, size,
      mapping, free_mapping);
}

static GstMemory *
read_payload (const MillLinkMessage *message, GstByteReader *reader,
    guint64 size, GError **error)
{
  guint left = gst_byte_reader_get_remaining (reader);
  gboolean is_inline = message->fd < 0;

  if (size > MILL_LINK_MAX_PAYLOAD || (!is_inline && size == 0)) {
    fail ("size", size, "1 to 67108864", error);
    return NULL;
  }
  if (left != (is_inline ? size : 0)) {
    fail ("inline bytes", left, is_inline ? "its size" : "none", error);
    return NULL;
  }
  if (!is_inline)
    return map_payload (message->fd, size, error);
  gpointer copy =
      g_memdup2 (gst_byte_reader_get_data_unchecked (reader, left), left);
  return gst_memory_new_wrapped (0, copy, left, 0, left, copy, g_free);
}

GstBuffer *
mill_link_buffer_read (const MillLinkMessage *message, GError **error)
{
  GstByteReader reader;

  if (message->type != MILL_LINK_BUFFER || message->size < FIXED_SIZE) {
    fail ("message", message->size, "at least 53 bytes", error);
    return NULL;
  }
  gst_byte_reader_init (&reader, message->body, message->size);
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();
  GST_BUFFER_PTS (buffer) = mill_link_take_u64 (&reader);
  GST_BUFFER_DTS (buffer) = mill_link_take_u64 (&reader);
  GST_BUFFER_DURATION (buffer) = mill_link_take_u64 (&reader);
  GST_BUFFER_OFFSET (buffer) = mill_link_take_u64 (&reader);
  GST_BUFFER_OFFSET_END (buffer) = mill_link_take_u64 (&reader);
  GST_BUFFER_FLAG_SET (buffer, get_flags (mill_link_take_u32 (&reader)));
  guint64 size = mill_link_take_u64 (&reader);
  guint n_metas = mill_link_take_u8 (&reader);
  if (n_metas > MAX_METAS) {
    fail ("metas", n_metas, "at most 32", error);
    return NULL;
  }
  for (guint i = 0; i < n_metas; i++)
    if (!read_meta (&reader, buffer, error))
      return NULL;

  if (size > 0 || message->fd >= 0 || gst_byte_reader_get_remaining (&reader)) {
    GstMemory *memory = read_payload (message, &reader, size, error);
    if (!memory)
      return NULL;
    gst_buffer_append_memory (buffer, memory);
  }
  if (message->flags & MILL_LINK_FLAG_DISCONT)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  return g_steal_pointer (&buffer);
}
