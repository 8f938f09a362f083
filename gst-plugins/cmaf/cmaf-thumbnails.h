/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * Sheets of small pictures that a stream has beside its media: which ones there
 * are, as part of the state, and the WebVTT file that tells players which tile
 * shows which time. Times are on the media's timeline, in ms.
 *
 * Pure logic, no I/O; one thread at a time.
 */

/* Where sheets are, {generation}-{start}.jpg; the WebVTT file beside it. */
#define MILL_CMAF_THUMBNAILS_NAME "thumbnails"
#define MILL_CMAF_POSTER_NAME "poster.jpg"

/* A day of sheets of 4 s, far more than anybody keeps. */
#define MILL_CMAF_SHEETS_MAX 21600

/**
 * MillCmafSheetLayout:
 * @width, @height: of a sheet, in pixels
 * @interval_ms: time that a tile is for
 */
typedef struct
{
  guint width;
  guint height;
  guint columns;
  guint rows;
  guint interval_ms;
} MillCmafSheetLayout;

/**
 * MillCmafSheet:
 * @tiles: how many of its places have a picture
 * @pending: it is on its way to a server, which has not confirmed it: nothing
 *   names it, nor what comes after it
 */
typedef struct
{
  guint64 generation;
  guint64 start_ms;
  guint64 bytes;
  guint tiles;
  gboolean pending;
  MillCmafSheetLayout layout;
} MillCmafSheet;

/** @sheets: (element-type MillCmafSheet): in the order of time */
typedef struct
{
  GArray *sheets;
} MillCmafThumbnails;

/** Returns: (transfer full): without sheets */
MillCmafThumbnails *mill_cmaf_thumbnails_new (void);
void mill_cmaf_thumbnails_free (MillCmafThumbnails *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCmafThumbnails, mill_cmaf_thumbnails_free)

/** Returns: whether a sheet may look so */
gboolean mill_cmaf_thumbnails_is_layout (const MillCmafSheetLayout *layout);

/** Adds a sheet that is later than those there are, else it is left out.
 * Returns: whether it was added */
gboolean mill_cmaf_thumbnails_add (MillCmafThumbnails *self,
    const MillCmafSheet *sheet);

/** @sheet could not be written. */
void mill_cmaf_thumbnails_remove (MillCmafThumbnails *self, guint64 generation,
    guint64 start_ms);

/** The pending sheet of @start_ms is there. Returns: whether there was one */
gboolean mill_cmaf_thumbnails_confirm (MillCmafThumbnails *self,
    guint64 start_ms);

/** Returns: whether a sheet is pending */
gboolean mill_cmaf_thumbnails_is_pending (const MillCmafThumbnails *self);

/** Returns: (transfer none)(nullable) */
const MillCmafSheet *mill_cmaf_thumbnails_find (const MillCmafThumbnails *self,
    guint64 generation, guint64 start_ms);

/** Returns: where @sheet's time ends, were it full, ms */
guint64 mill_cmaf_thumbnails_get_end (const MillCmafSheet *sheet);

/** Returns: (transfer full): name in the stream's directory */
gchar *mill_cmaf_thumbnails_name_sheet (const MillCmafSheet *sheet);

/** Returns: (transfer full): WebVTT with a cue for each tile, whose text is the
 * URI of its sheet with a spatial media fragment (Media Fragments URI 1.0,
 * 4.2.2) */
GBytes *mill_cmaf_thumbnails_print_webvtt (const MillCmafThumbnails *self);

/** Returns: (transfer full): as a record of the state */
GBytes *mill_cmaf_thumbnails_save (const MillCmafThumbnails *self);

/** Returns: (transfer full)(nullable): NULL when it is damaged */
MillCmafThumbnails *mill_cmaf_thumbnails_load (const guint8 *data, gsize size);

G_END_DECLS
