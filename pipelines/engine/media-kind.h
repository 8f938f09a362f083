/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/** What a pad may carry, coarsely: enough to tell which pads of two elements
 * belong together. */
typedef enum
{
  MILL_MEDIA_KIND_VIDEO = 1 << 0,
  MILL_MEDIA_KIND_AUDIO = 1 << 1,
  MILL_MEDIA_KIND_TEXT = 1 << 2,
  MILL_MEDIA_KIND_OTHER = 1 << 3, /* containers, bytes */
  MILL_MEDIA_KIND_ANY = 15,
} MillMediaKind;

MillMediaKind mill_media_kind_of_caps (const GstCaps *caps);

/* Where the caps are ANY, the name of the template often tells: "video_%u". */
MillMediaKind mill_media_kind_of_pad (const gchar *name_template,
    const GstCaps *caps);

/* One kind, and not several. */
gboolean mill_media_kind_is_single (MillMediaKind kind);

/* All of @caps is raw video or audio. */
gboolean mill_media_kind_is_raw (const GstCaps *caps);

/* "video_0" fits "video_%u"; "src" fits only itself. A template also fits its
 * own name. */
gboolean mill_media_kind_name_fits (const gchar *name_template,
    const gchar *name);

/* The media types of @caps, without fields: "video/x-h264 or video/x-h265".
 * Returns: (transfer full) */
gchar *mill_media_kind_describe (const GstCaps *caps);

/* The same for caps that do not fit @other: where the media type alone does not
 * tell why, with the fields that do: "audio/mpeg (mpegversion=1, layer=3)".
 * Returns: (transfer full) */
gchar *mill_media_kind_describe_beside (const GstCaps *caps,
    const GstCaps *other);

/* "video or audio". Returns: (transfer full) */
gchar *mill_media_kind_describe_kinds (MillMediaKind kinds);

/* The names that people know for the containers in @caps: "Matroska (MKV)";
 * others by their media type. Returns: (transfer full) */
gchar *mill_media_kind_describe_container (const GstCaps *caps);

G_END_DECLS
