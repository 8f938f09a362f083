/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "record-faststart.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gst/gst.h>

#include "bytes/bytes.h"

/* An hour of video and sound has about 8 MB of tables. */
#define MOOV_MAX (512u << 20)
#define COPY_BYTES (1u << 20)
/* moov, trak, mdia, minf, stbl */
#define DEPTH_MAX 5

typedef struct
{
  guint64 begin;
  guint64 size;
} Span;

typedef struct
{
  Span ftyp;
  Span moov;
  guint64 end;
} Layout;

static gboolean
fail_errno (const gchar *what, GError **error)
{
  gint code = errno;
  g_set_error (error, G_FILE_ERROR, (gint) g_file_error_from_errno (code),
      "%s: got %s, expected success", what, g_strerror (code));
  return FALSE;
}

static gboolean
fail_format (const gchar *what, GError **error)
{
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
      "index of the recording: got %s, expected a whole MP4 with moov at its "
      "end",
      what);
  return FALSE;
}

static gboolean
read_at (gint fd, guint64 at, guint8 *data, gsize size, GError **error)
{
  while (size > 0) {
    gssize n = pread (fd, data, size, (off_t) at);
    if (n == 0)
      return fail_format ("a file that ends too early", error);
    if (n < 0 && errno != EINTR)
      return fail_errno ("reading the recording", error);
    if (n < 0)
      continue;
    data += n;
    at += (guint64) n;
    size -= (gsize) n;
  }
  return TRUE;
}

static gboolean
write_all (gint fd, const guint8 *data, gsize size, GError **error)
{
  while (size > 0) {
    gssize n = write (fd, data, size);
    if (n < 0 && errno != EINTR)
      return fail_errno ("writing the copy with the index in front", error);
    if (n < 0)
      continue;
    data += n;
    size -= (gsize) n;
  }
  return TRUE;
}

/* ISO/IEC 14496-12, 4.2: the boxes of the file. */
static gboolean
find_boxes (gint fd, Layout *layout, GError **error)
{
  struct stat about;
  if (fstat (fd, &about) != 0)
    return fail_errno ("reading the recording", error);
  layout->end = (guint64) about.st_size;
  for (guint64 at = 0; at < layout->end;) {
    guint8 head[16];
    if (layout->end - at < 8 || !read_at (fd, at, head, 8, error))
      return error != NULL && *error != NULL
          ? FALSE
          : fail_format ("half of a box", error);
    guint64 size = mill_bytes_read_u32 (head);
    if (size == 1) {
      if (layout->end - at < 16 || !read_at (fd, at, head, 16, error))
        return FALSE;
      size = mill_bytes_read_u64 (head + 8);
    }
    if (size < 8 || size > layout->end - at)
      return fail_format ("a box that is longer than the file", error);
    if (memcmp (head + 4, "ftyp", 4) == 0 && at == 0)
      layout->ftyp = (Span){ at, size };
    if (memcmp (head + 4, "moov", 4) == 0)
      layout->moov = (Span){ at, size };
    else if (layout->moov.size > 0 &&
        (memcmp (head + 4, "mdat", 4) == 0 ||
            memcmp (head + 4, "moof", 4) == 0 ||
            memcmp (head + 4, "mfra", 4) == 0))
      return fail_format ("media behind it", error);
    at += size;
  }
  if (layout->ftyp.size == 0 || layout->moov.size == 0 ||
      layout->moov.size > MOOV_MAX)
    return fail_format ("none", error);
  return TRUE;
}

/* 8.7.5: stco has 32 bits for each chunk, co64 has 64. */
static gboolean
shift_chunks (guint8 *box, guint32 size, guint64 shift, GError **error)
{
  guint width = box[4] == 's' ? 4 : 8;
  guint32 count = size < 16 ? G_MAXUINT32 : mill_bytes_read_u32 (box + 12);
  if (size < 16 || (size - 16) / width < count)
    return fail_format ("a table of chunks that is cut", error);
  for (guint32 i = 0; i < count; i++) {
    guint8 *at = box + 16 + (gsize) i * width;
    guint64 offset = width == 4 ? mill_bytes_read_u32 (at)
                                : mill_bytes_read_u64 (at);
    if (width == 4 && offset + shift > G_MAXUINT32)
      return fail_format ("chunks beyond 4 GiB in stco", error);
    if (width == 4)
      mill_bytes_write_u32 (at, (guint32) (offset + shift));
    else
      mill_bytes_write_u64 (at, offset + shift);
  }
  return TRUE;
}

static gboolean
shift_boxes (guint8 *data, gsize size, guint64 shift, guint depth,
    GError **error)
{
  static const gchar *const parents[DEPTH_MAX] = { "moov", "trak", "mdia",
    "minf", "stbl" };
  for (gsize at = 0; at < size;) {
    guint32 length = size - at < 8 ? 0 : mill_bytes_read_u32 (data + at);
    if (length < 8 || length > size - at)
      return fail_format ("a box that is longer than its parent", error);
    const guint8 *type = data + at + 4;
    if (depth < DEPTH_MAX && memcmp (type, parents[depth], 4) == 0) {
      if (!shift_boxes (data + at + 8, length - 8, shift, depth + 1, error))
        return FALSE;
    } else if (depth == DEPTH_MAX &&
        (memcmp (type, "stco", 4) == 0 || memcmp (type, "co64", 4) == 0) &&
        !shift_chunks (data + at, length, shift, error))
      return FALSE;
    at += length;
  }
  return TRUE;
}

static gboolean
copy (gint from, gint to, guint64 at, guint64 end, GError **error)
{
  g_autofree guint8 *block = g_malloc (COPY_BYTES);
  while (at < end) {
    gsize size = (gsize) MIN (end - at, COPY_BYTES);
    if (!read_at (from, at, block, size, error) ||
        !write_all (to, block, size, error))
      return FALSE;
    at += size;
  }
  return TRUE;
}

gboolean
mill_record_faststart (gint from, gint to, GError **error)
{
  Layout layout = { 0 };
  g_autoptr (GError) failure = NULL;
  g_autofree guint8 *moov = NULL;
  guint64 media = 0;
  gboolean ok = find_boxes (from, &layout, &failure);
  if (ok) {
    media = layout.ftyp.begin + layout.ftyp.size;
    moov = g_malloc (layout.moov.size);
    ok = read_at (from, layout.moov.begin, moov, layout.moov.size, &failure) &&
        shift_boxes (moov, layout.moov.size, layout.moov.size, 0, &failure) &&
        copy (from, to, 0, media, &failure) &&
        write_all (to, moov, layout.moov.size, &failure) &&
        copy (from, to, media, layout.moov.begin, &failure) &&
        copy (from, to, layout.moov.begin + layout.moov.size, layout.end,
            &failure);
  }
  if (!ok)
    g_propagate_error (error, g_steal_pointer (&failure));
  return ok;
}
