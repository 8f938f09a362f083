/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * An element inside of thumbnailer: puts pictures beside and below each other
 * into one, a tile for each interval of running time. A sheet begins at a
 * multiple of what it covers, so that it is known which one has the picture of
 * any time. Where there was no picture in an interval, the one before is shown.
 *
 * Out go sheets as raw video: the time stamp is the running time of the first
 * tile, the duration that of the tiles there are. A sheet is pushed when it is
 * full, when a picture of a later one comes, and at EOS.
 */
#define MILL_TYPE_THUMBNAIL_SHEET (mill_thumbnail_sheet_get_type ())
G_DECLARE_FINAL_TYPE (MillThumbnailSheet, mill_thumbnail_sheet, MILL,
    THUMBNAIL_SHEET, GstElement)

/**
 * MillThumbnailLayout:
 * @width: of a tile in pixels, even; its height follows from the picture
 * @interval: ns, not 0
 */
typedef struct
{
  guint columns;
  guint rows;
  guint width;
  GstClockTime interval;
} MillThumbnailLayout;

/** Returns: (transfer floating) */
GstElement *mill_thumbnail_sheet_new (const MillThumbnailLayout *layout);

/**
 * mill_thumbnail_sheet_set_once:
 *
 * One picture only: the first that is not of one colour, as a film's first
 * often is. Before data flows.
 */
void mill_thumbnail_sheet_set_once (MillThumbnailSheet *self, gboolean once);

G_END_DECLS
