/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "cmaf-subtitles.h"

#include "playlist/hls-multivariant.h"

/* HLS Authoring Specification for Apple Devices, 4.15: what is said, and what
 * sounds. */
#define CHARACTERISTICS_HEARING                     \
  "public.accessibility.transcribes-spoken-dialog," \
  "public.accessibility.describes-music-and-sound"

/** Of the texts that a viewer chooses from. */
typedef struct
{
  const gchar *name;
  guint64 peak_bps;
  guint64 average_bps;
  gboolean has_default;
} Group;

static Group *
find_group (GArray *groups, const gchar *name)
{
  for (guint i = 0; i < groups->len; i++) {
    Group *group = &g_array_index (groups, Group, i);
    if (g_str_equal (group->name, name))
      return group;
  }
  Group added = { .name = name };
  g_array_append_val (groups, added);
  return &g_array_index (groups, Group, groups->len - 1);
}

static MillHlsRendition
describe (const MillCmafRendition *rendition, GStringChunk *strings,
    const Group *group)
{
  const MillCmafFormat *format = &rendition->format;
  gboolean is_forced = (format->text_role & MILL_CMAF_TEXT_FORCED) != 0;
  gboolean hearing = (format->text_role & MILL_CMAF_TEXT_HEARING_IMPAIRED) != 0;
  g_autofree gchar *uri = mill_cmaf_manifest_name_playlist (rendition->name,
      MILL_CMAF_PLAYLIST_MEDIA);
  return (MillHlsRendition){
    .type = MILL_HLS_SUBTITLES,
    .group = group->name,
    .name = rendition->name,
    .language = format->language,
    .uri = g_string_chunk_insert (strings, uri),
    .is_default = format->is_default && !group->has_default,
    .autoselect = TRUE,
    .forced = is_forced,
    .characteristics = hearing ? CHARACTERISTICS_HEARING : NULL,
  };
}

static void
collect (const MillCmafManifest *manifest, GStringChunk *strings,
    GArray *renditions, GArray *groups)
{
  for (guint i = 0; i < manifest->state->renditions->len; i++) {
    const MillCmafRendition *rendition =
        g_ptr_array_index (manifest->state->renditions, i);
    if (rendition->format.kind != MILL_CMAF_TEXT ||
        !mill_cmaf_manifest_lists (manifest, i))
      continue;
    Group *group = find_group (groups, rendition->format.group);
    MillHlsRendition media = describe (rendition, strings, group);
    group->has_default |= media.is_default;
    group->peak_bps = MAX (group->peak_bps, manifest->bitrates[i].peak_bps);
    group->average_bps =
        MAX (group->average_bps, manifest->bitrates[i].average_bps);
    g_array_append_val (renditions, media);
  }
}

void
mill_cmaf_subtitles_add (const MillCmafManifest *manifest,
    GStringChunk *strings, GArray *renditions, GArray *variants)
{
  g_autoptr (GArray) groups = g_array_new (FALSE, TRUE, sizeof (Group));
  guint n_variants = variants->len;
  collect (manifest, strings, renditions, groups);
  for (guint k = 0; k < groups->len; k++) {
    const Group *group = &g_array_index (groups, Group, k);
    for (guint i = 0; i < n_variants; i++) {
      MillHlsVariant with = g_array_index (variants, MillHlsVariant, i);
      with.subtitles_group = group->name;
      with.bandwidth_bps += group->peak_bps;
      with.average_bandwidth_bps += group->average_bps;
      g_array_append_val (variants, with);
    }
  }
  if (groups->len > 0)
    g_array_remove_range (variants, 0, n_variants);
}
