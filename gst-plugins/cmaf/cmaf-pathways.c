/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-pathways.h"

/* @uri under the pathway's base. */
static const gchar *
place_uri (const MillCmafPathway *pathway, GStringChunk *strings,
    const gchar *uri)
{
  if (uri == NULL || pathway->base == NULL)
    return uri;
  g_autofree gchar *placed = g_strconcat (pathway->base, uri, NULL);
  return g_string_chunk_insert (strings, placed);
}

/* The first pathway keeps the names. */
static const gchar *
name_group (const MillCmafPathway *pathway, gboolean is_first,
    GStringChunk *strings, const gchar *group)
{
  if (group == NULL || is_first)
    return group;
  g_autofree gchar *named = g_strconcat (group, "-", pathway->id, NULL);
  return g_string_chunk_insert (strings, named);
}

static MillHlsRendition
place_rendition (const MillCmafPathway *pathway, gboolean is_first,
    GStringChunk *strings, const MillHlsRendition *rendition)
{
  MillHlsRendition placed = *rendition;
  placed.uri = place_uri (pathway, strings, rendition->uri);
  placed.group = name_group (pathway, is_first, strings, rendition->group);
  placed.is_absolute = pathway->base != NULL;
  return placed;
}

static MillHlsVariant
place_variant (const MillCmafPathway *pathway, gboolean is_first,
    GStringChunk *strings, const MillHlsVariant *variant)
{
  MillHlsVariant placed = *variant;
  placed.uri = place_uri (pathway, strings, variant->uri);
  placed.i_frames_uri = place_uri (pathway, strings, variant->i_frames_uri);
  placed.audio_group =
      name_group (pathway, is_first, strings, variant->audio_group);
  placed.subtitles_group =
      name_group (pathway, is_first, strings, variant->subtitles_group);
  if (variant->closed_captions != NULL && variant->closed_captions[0] != '\0')
    placed.closed_captions =
        name_group (pathway, is_first, strings, variant->closed_captions);
  placed.pathway = pathway->id;
  placed.is_absolute = pathway->base != NULL;
  return placed;
}

/* Those of pathway @p: at the end, or, of the first, in their place. */
static void
place_all (const MillCmafPresentation *presentation, guint p,
    GStringChunk *strings, GArray *renditions, guint n_renditions,
    GArray *variants, guint n_variants)
{
  const MillCmafPathway *pathway =
      &g_array_index (presentation->pathways, MillCmafPathway, p);
  for (guint i = 0; i < n_renditions; i++) {
    MillHlsRendition *from = &g_array_index (renditions, MillHlsRendition, i);
    MillHlsRendition placed = place_rendition (pathway, p == 0, strings, from);
    if (p == 0)
      *from = placed;
    else
      g_array_append_val (renditions, placed);
  }
  for (guint i = 0; i < n_variants; i++) {
    MillHlsVariant *from = &g_array_index (variants, MillHlsVariant, i);
    MillHlsVariant placed = place_variant (pathway, p == 0, strings, from);
    if (p == 0)
      *from = placed;
    else
      g_array_append_val (variants, placed);
  }
}

void
mill_cmaf_pathways_spread (const MillCmafPresentation *presentation,
    GStringChunk *strings, GArray *renditions, GArray *variants)
{
  guint n_renditions = renditions->len;
  guint n_variants = variants->len;
  /* The first takes the place of what the others are copied from. */
  for (guint p = 1; p < presentation->pathways->len; p++)
    place_all (presentation, p, strings, renditions, n_renditions, variants,
        n_variants);
  if (presentation->pathways->len > 0)
    place_all (presentation, 0, strings, renditions, n_renditions, variants,
        n_variants);
}
