/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-thumbnails.h"

#include <string.h>

#define TILES_MAX 20
#define SIZE_MAX_PIXELS 65535

/* Beyond it sums could overflow. */
#define TIME_MAX_MS (G_GUINT64_CONSTANT (1) << 50)

/** As it lies in the file, little-endian. */
typedef struct
{
  guint64 generation;
  guint64 start_ms;
  guint64 bytes;
  guint32 tiles;
  guint32 width;
  guint32 height;
  guint32 columns;
  guint32 rows;
  guint32 interval_ms;
} SavedSheet;
G_STATIC_ASSERT (sizeof (SavedSheet) == 48);

MillCmafThumbnails *
mill_cmaf_thumbnails_new (void)
{
  MillCmafThumbnails *self = g_new0 (MillCmafThumbnails, 1);
  self->sheets = g_array_new (FALSE, FALSE, sizeof (MillCmafSheet));
  return self;
}

void
mill_cmaf_thumbnails_free (MillCmafThumbnails *self)
{
  g_array_unref (self->sheets);
  g_free (self);
}

static const MillCmafSheet *
sheet_at (const MillCmafThumbnails *self, guint i)
{
  return &g_array_index (self->sheets, MillCmafSheet, i);
}

gboolean
mill_cmaf_thumbnails_is_layout (const MillCmafSheetLayout *layout)
{
  return layout->columns >= 1 && layout->columns <= TILES_MAX &&
      layout->rows >= 1 && layout->rows <= TILES_MAX &&
      layout->width >= layout->columns && layout->width <= SIZE_MAX_PIXELS &&
      layout->height >= layout->rows && layout->height <= SIZE_MAX_PIXELS &&
      layout->interval_ms >= 1 && layout->interval_ms <= G_MAXINT;
}

static gboolean
is_sheet (const MillCmafSheet *sheet)
{
  return mill_cmaf_thumbnails_is_layout (&sheet->layout) && sheet->tiles >= 1 &&
      sheet->tiles <= sheet->layout.columns * sheet->layout.rows &&
      sheet->start_ms < TIME_MAX_MS && sheet->generation < TIME_MAX_MS;
}

guint64
mill_cmaf_thumbnails_get_end (const MillCmafSheet *sheet)
{
  return sheet->start_ms +
      (guint64) sheet->layout.columns * sheet->layout.rows *
      sheet->layout.interval_ms;
}

gboolean
mill_cmaf_thumbnails_add (MillCmafThumbnails *self, const MillCmafSheet *sheet)
{
  guint n = self->sheets->len;
  if (!is_sheet (sheet) || n >= MILL_CMAF_SHEETS_MAX)
    return FALSE;
  if (n > 0) {
    const MillCmafSheet *last = sheet_at (self, n - 1);
    if (sheet->generation < last->generation ||
        (sheet->generation == last->generation &&
            sheet->start_ms < mill_cmaf_thumbnails_get_end (last)))
      return FALSE;
  }
  g_array_append_val (self->sheets, *sheet);
  return TRUE;
}

static gint
find_index (const MillCmafThumbnails *self, guint64 generation,
    guint64 start_ms)
{
  for (guint i = self->sheets->len; i > 0; i--)
    if (sheet_at (self, i - 1)->generation == generation &&
        sheet_at (self, i - 1)->start_ms == start_ms)
      return (gint) i - 1;
  return -1;
}

void
mill_cmaf_thumbnails_remove (MillCmafThumbnails *self, guint64 generation,
    guint64 start_ms)
{
  gint i = find_index (self, generation, start_ms);
  if (i >= 0)
    g_array_remove_index (self->sheets, (guint) i);
}

gboolean
mill_cmaf_thumbnails_confirm (MillCmafThumbnails *self, guint64 start_ms)
{
  for (guint i = self->sheets->len; i > 0; i--) {
    MillCmafSheet *sheet = &g_array_index (self->sheets, MillCmafSheet, i - 1);
    if (!sheet->pending || sheet->start_ms != start_ms)
      continue;
    sheet->pending = FALSE;
    return TRUE;
  }
  return FALSE;
}

gboolean
mill_cmaf_thumbnails_is_pending (const MillCmafThumbnails *self)
{
  for (guint i = 0; i < self->sheets->len; i++)
    if (sheet_at (self, i)->pending)
      return TRUE;
  return FALSE;
}

const MillCmafSheet *
mill_cmaf_thumbnails_find (const MillCmafThumbnails *self, guint64 generation,
    guint64 start_ms)
{
  gint i = find_index (self, generation, start_ms);
  return i >= 0 ? sheet_at (self, (guint) i) : NULL;
}

gchar *
mill_cmaf_thumbnails_name_sheet (const MillCmafSheet *sheet)
{
  return g_strdup_printf (MILL_CMAF_THUMBNAILS_NAME
      "/%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".jpg",
      sheet->generation, sheet->start_ms);
}

/* ---- WebVTT ---- */

static void
print_time (GString *out, guint64 ms)
{
  g_string_append_printf (out, "%02" G_GUINT64_FORMAT ":%02u:%02u.%03u",
      ms / 3600000, (guint) (ms / 60000 % 60), (guint) (ms / 1000 % 60),
      (guint) (ms % 1000));
}

static void
print_tiles (GString *out, const MillCmafSheet *sheet)
{
  const MillCmafSheetLayout *layout = &sheet->layout;
  g_autofree gchar *name = mill_cmaf_thumbnails_name_sheet (sheet);
  guint width = layout->width / layout->columns;
  guint height = layout->height / layout->rows;
  for (guint i = 0; i < sheet->tiles; i++) {
    guint64 start = sheet->start_ms + (guint64) i * layout->interval_ms;
    g_string_append_c (out, '\n');
    print_time (out, start);
    g_string_append (out, " --> ");
    print_time (out, start + layout->interval_ms);
    g_string_append_printf (out, "\n%s#xywh=%u,%u,%u,%u\n", name,
        i % layout->columns * width, i / layout->columns * height, width,
        height);
  }
}

GBytes *
mill_cmaf_thumbnails_print_webvtt (const MillCmafThumbnails *self)
{
  GString *out = g_string_new ("WEBVTT\n");
  for (guint i = 0; i < self->sheets->len && !sheet_at (self, i)->pending; i++)
    print_tiles (out, sheet_at (self, i));
  return g_string_free_to_bytes (out);
}

/* ---- the state ---- */

GBytes *
mill_cmaf_thumbnails_save (const MillCmafThumbnails *self)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  for (guint i = 0; i < self->sheets->len; i++) {
    const MillCmafSheet *sheet = sheet_at (self, i);
    if (sheet->pending)
      continue;
    SavedSheet saved = {
      .generation = GUINT64_TO_LE (sheet->generation),
      .start_ms = GUINT64_TO_LE (sheet->start_ms),
      .bytes = GUINT64_TO_LE (sheet->bytes),
      .tiles = GUINT32_TO_LE (sheet->tiles),
      .width = GUINT32_TO_LE (sheet->layout.width),
      .height = GUINT32_TO_LE (sheet->layout.height),
      .columns = GUINT32_TO_LE (sheet->layout.columns),
      .rows = GUINT32_TO_LE (sheet->layout.rows),
      .interval_ms = GUINT32_TO_LE (sheet->layout.interval_ms),
    };
    g_byte_array_append (out, (const guint8 *) &saved, sizeof saved);
  }
  return g_byte_array_free_to_bytes (g_steal_pointer (&out));
}

MillCmafThumbnails *
mill_cmaf_thumbnails_load (const guint8 *data, gsize size)
{
  g_autoptr (MillCmafThumbnails) self = mill_cmaf_thumbnails_new ();
  if (size % sizeof (SavedSheet) != 0)
    return NULL;
  for (gsize at = 0; at < size; at += sizeof (SavedSheet)) {
    SavedSheet saved;
    memcpy (&saved, data + at, sizeof saved);
    MillCmafSheet sheet = {
      .generation = GUINT64_FROM_LE (saved.generation),
      .start_ms = GUINT64_FROM_LE (saved.start_ms),
      .bytes = GUINT64_FROM_LE (saved.bytes),
      .tiles = GUINT32_FROM_LE (saved.tiles),
      .layout = {
        .width = GUINT32_FROM_LE (saved.width),
        .height = GUINT32_FROM_LE (saved.height),
        .columns = GUINT32_FROM_LE (saved.columns),
        .rows = GUINT32_FROM_LE (saved.rows),
        .interval_ms = GUINT32_FROM_LE (saved.interval_ms),
      },
    };
    if (!mill_cmaf_thumbnails_add (self, &sheet))
      return NULL;
  }
  return g_steal_pointer (&self);
}
