/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-multivariant.h"

#include "bmff/bmff-init.h"
#include "cmaf-pathways.h"
#include "cmaf-captions.h"
#include "cmaf-subtitles.h"
#include "playlist/hls-multivariant.h"

/** What the audio renditions of a group add to a variant. */
typedef struct
{
  const gchar *pads; /* name that the pads were given */
  const gchar *group; /* GROUP-ID */
  const gchar *codec; /* of the first */
  GString *codecs; /* of all, comma-separated */
  guint64 peak_bps;
  guint64 average_bps;
} AudioGroup;

static void
clear_group (gpointer data)
{
  g_string_free (((AudioGroup *) data)->codecs, TRUE);
}

static gboolean
is_aac (const gchar *codec)
{
  return g_str_has_prefix (codec, "mp4a.40");
}

/* Whether renditions of the same pads' group come before those of @codec: AAC is
 * what every player has, then what was there first. */
static gboolean
is_preceded (const MillCmafManifest *manifest, const MillCmafFormat *format)
{
  const GPtrArray *renditions = manifest->state->renditions;
  gboolean earlier = TRUE;
  for (guint i = 0; i < renditions->len && !is_aac (format->codec); i++) {
    const MillCmafRendition *other = g_ptr_array_index (renditions, i);
    if (other->format.kind != MILL_CMAF_AUDIO ||
        !g_str_equal (other->format.group, format->group) ||
        !mill_cmaf_manifest_lists (manifest, i))
      continue;
    if (mill_cmaf_manifest_is_one_codec (other->format.codec, format->codec))
      earlier = FALSE;
    else if (earlier || is_aac (other->format.codec))
      return TRUE;
  }
  return FALSE;
}

/* With the codec's letters after it, where it is not the first of its pads. */
static gchar *
name_group (const MillCmafManifest *manifest, const MillCmafFormat *format)
{
  if (!is_preceded (manifest, format))
    return g_strdup (format->group);
  return g_strdup_printf ("%s-%.*s", format->group,
      g_str_has_prefix (format->codec, "mp4a") ? 7 : 4, format->codec);
}

static AudioGroup *
find_group (const MillCmafManifest *manifest, GArray *groups,
    const MillCmafFormat *format, GStringChunk *strings)
{
  for (guint i = 0; i < groups->len; i++) {
    AudioGroup *group = &g_array_index (groups, AudioGroup, i);
    if (g_str_equal (group->pads, format->group) &&
        mill_cmaf_manifest_is_one_codec (group->codec, format->codec))
      return group;
  }
  g_autofree gchar *name = name_group (manifest, format);
  AudioGroup added = {
    .pads = format->group,
    .group = g_string_chunk_insert (strings, name),
    .codec = format->codec,
    .codecs = g_string_new (NULL),
  };
  g_array_append_val (groups, added);
  return &g_array_index (groups, AudioGroup, groups->len - 1);
}

/* Clause 4.4.6.2: every format in any rendition is named. */
static void
add_codec (GString *codecs, const gchar *codec)
{
  g_auto (GStrv) known = g_strsplit (codecs->str, ",", -1);
  if (g_strv_contains ((const gchar *const *) known, codec))
    return;
  g_string_append_printf (codecs, "%s%s", codecs->len > 0 ? "," : "", codec);
}

static gboolean
has_video (const MillCmafManifest *manifest)
{
  for (guint i = 0; i < manifest->state->renditions->len; i++) {
    const MillCmafRendition *rendition =
        g_ptr_array_index (manifest->state->renditions, i);
    if (rendition->format.kind == MILL_CMAF_VIDEO &&
        mill_cmaf_manifest_lists (manifest, i))
      return TRUE;
  }
  return FALSE;
}

/* EXT-X-MEDIA for each rendition of audio, and the groups they make. */
static void
collect_audio (const MillCmafManifest *manifest, GStringChunk *strings,
    GArray *renditions, GArray *groups)
{
  for (guint i = 0; i < manifest->state->renditions->len; i++) {
    const MillCmafRendition *rendition =
        g_ptr_array_index (manifest->state->renditions, i);
    const MillCmafFormat *format = &rendition->format;
    if (format->kind != MILL_CMAF_AUDIO ||
        !mill_cmaf_manifest_lists (manifest, i))
      continue;
    guint n_groups = groups->len;
    AudioGroup *group = find_group (manifest, groups, format, strings);
    g_autofree gchar *uri = mill_cmaf_manifest_name_playlist (rendition->name,
        MILL_CMAF_PLAYLIST_MEDIA);
    MillHlsRendition media = {
      .group = group->group,
      .name = rendition->name,
      .language = format->language,
      .uri = g_string_chunk_insert (strings, uri),
      .is_default = format->is_default || groups->len > n_groups,
      .autoselect = TRUE,
      .channels = format->channels,
    };
    g_array_append_val (renditions, media);
    add_codec (group->codecs, format->codec);
    group->peak_bps = MAX (group->peak_bps, manifest->bitrates[i].peak_bps);
    group->average_bps =
        MAX (group->average_bps, manifest->bitrates[i].average_bps);
  }
}

/* At most one default per group: the first that was asked for, or the first. */
static void
settle_defaults (GArray *renditions, const MillCmafManifest *manifest)
{
  for (guint i = 0; i < renditions->len; i++) {
    MillHlsRendition *media = &g_array_index (renditions, MillHlsRendition, i);
    const MillCmafRendition *own =
        mill_cmaf_state_find_rendition (manifest->state, media->name);
    for (guint k = 0; k < i && media->is_default; k++) {
      MillHlsRendition *other =
          &g_array_index (renditions, MillHlsRendition, k);
      if (!other->is_default || !g_str_equal (other->group, media->group))
        continue;
      const MillCmafRendition *before =
          mill_cmaf_state_find_rendition (manifest->state, other->name);
      if (own->format.is_default && !before->format.is_default)
        other->is_default = FALSE;
      else
        media->is_default = FALSE;
    }
  }
}

static void
add_variants (const MillCmafManifest *manifest, guint i, GStringChunk *strings,
    GArray *groups, GArray *variants)
{
  const MillCmafRendition *rendition =
      g_ptr_array_index (manifest->state->renditions, i);
  const MillCmafFormat *format = &rendition->format;
  g_autofree gchar *uri = mill_cmaf_manifest_name_playlist (rendition->name,
      MILL_CMAF_PLAYLIST_MEDIA);
  MillHlsVariant variant = {
    .uri = g_string_chunk_insert (strings, uri),
    .bandwidth_bps = manifest->bitrates[i].peak_bps,
    .average_bandwidth_bps = manifest->bitrates[i].average_bps,
    .codecs = format->codec,
    .width = format->width,
    .height = format->height,
    .fps_n = format->fps_n,
    .fps_d = format->fps_d,
    .range = mill_codec_get_range (&format->colour),
  };
  if (mill_bmff_init_is_turned (format->orientation)) {
    variant.width = format->height;
    variant.height = format->width;
  }
  if (manifest->bitrates[i].i_frames_peak_bps > 0) {
    g_autofree gchar *i_frames =
        mill_cmaf_manifest_name_playlist (rendition->name,
            MILL_CMAF_PLAYLIST_I_FRAMES);
    variant.i_frames_uri = g_string_chunk_insert (strings, i_frames);
    variant.i_frames_bandwidth_bps = manifest->bitrates[i].i_frames_peak_bps;
    variant.i_frames_average_bps = manifest->bitrates[i].i_frames_average_bps;
    variant.i_frames_codecs = format->codec;
  }
  if (format->kind == MILL_CMAF_AUDIO || groups->len == 0) {
    g_array_append_val (variants, variant);
    return;
  }
  for (guint k = 0; k < groups->len; k++) {
    const AudioGroup *group = &g_array_index (groups, AudioGroup, k);
    MillHlsVariant with = variant;
    g_autofree gchar *codecs =
        g_strdup_printf ("%s,%s", format->codec, group->codecs->str);
    with.codecs = g_string_chunk_insert (strings, codecs);
    with.bandwidth_bps += group->peak_bps;
    with.average_bandwidth_bps += group->average_bps;
    with.audio_group = group->group;
    g_array_append_val (variants, with);
  }
}

/* Sound alone, behind all that has a picture, so that no player begins with it.
 * It names no group: then what it plays is itself. */
static void
add_audio_variants (const MillCmafManifest *manifest, GArray *renditions,
    GArray *variants)
{
  const gchar *captions = variants->len > 0
      ? g_array_index (variants, MillHlsVariant, 0).closed_captions
      : NULL;
  for (guint i = 0; i < renditions->len; i++) {
    const MillHlsRendition *media =
        &g_array_index (renditions, MillHlsRendition, i);
    if (media->type != MILL_HLS_AUDIO || !media->is_default)
      continue;
    guint k = 0;
    while (g_ptr_array_index (manifest->state->renditions, k) !=
        mill_cmaf_state_find_rendition (manifest->state, media->name))
      k++;
    const MillCmafRendition *rendition =
        g_ptr_array_index (manifest->state->renditions, k);
    MillHlsVariant variant = {
      .uri = media->uri,
      .bandwidth_bps = manifest->bitrates[k].peak_bps,
      .average_bandwidth_bps = manifest->bitrates[k].average_bps,
      .codecs = rendition->format.codec,
      /* Clause 4.4.6.2: NONE on all variants or on none. */
      .closed_captions =
          g_strcmp0 (captions, MILL_HLS_NO_CAPTIONS) == 0 ? captions : NULL,
    };
    g_array_append_val (variants, variant);
  }
}

GBytes *
mill_cmaf_multivariant_print (const MillCmafManifest *manifest)
{
  g_autoptr (GStringChunk) strings = g_string_chunk_new (1024);
  g_autoptr (GArray) renditions =
      g_array_new (FALSE, TRUE, sizeof (MillHlsRendition));
  g_autoptr (GArray) groups = g_array_new (FALSE, TRUE, sizeof (AudioGroup));
  g_array_set_clear_func (groups, clear_group);
  g_autoptr (GArray) variants =
      g_array_new (FALSE, TRUE, sizeof (MillHlsVariant));
  MillCmafKind kind = has_video (manifest) ? MILL_CMAF_VIDEO : MILL_CMAF_AUDIO;
  if (kind == MILL_CMAF_VIDEO)
    collect_audio (manifest, strings, renditions, groups);
  settle_defaults (renditions, manifest);
  for (guint i = 0; i < manifest->state->renditions->len; i++) {
    const MillCmafRendition *rendition =
        g_ptr_array_index (manifest->state->renditions, i);
    if (rendition->format.kind == kind &&
        mill_cmaf_manifest_lists (manifest, i))
      add_variants (manifest, i, strings, groups, variants);
  }
  mill_cmaf_subtitles_add (manifest, strings, renditions, variants);
  mill_cmaf_captions_add (manifest, strings, renditions, variants);
  mill_hls_multivariant_order ((MillHlsVariant *) variants->data,
      variants->len);
  if (manifest->audio_variant && kind == MILL_CMAF_VIDEO)
    add_audio_variants (manifest, renditions, variants);
  const MillCmafPresentation *presentation = manifest->presentation;
  MillHlsSteering steering = { 0 };
  if (presentation != NULL)
    mill_cmaf_pathways_spread (presentation, strings, renditions, variants);
  if (presentation != NULL && presentation->steering_uri != NULL)
    steering = (MillHlsSteering){
      .uri = presentation->steering_uri,
      .pathway = g_array_index (presentation->pathways, MillCmafPathway, 0).id,
    };
  MillHlsMultivariant multivariant = {
    .independent_segments = mill_cmaf_manifest_is_independent (manifest),
    .renditions = (const MillHlsRendition *) renditions->data,
    .n_renditions = renditions->len,
    .variants = (const MillHlsVariant *) variants->data,
    .n_variants = variants->len,
  };
  if (presentation != NULL) {
    multivariant.start = presentation->has_start ? &presentation->start : NULL;
    multivariant.session_data =
        (const MillHlsSessionData *) presentation->data->data;
    multivariant.n_session_data = presentation->data->len;
  }
  multivariant.steering = steering.uri != NULL ? &steering : NULL;
  return mill_hls_multivariant_print (&multivariant);
}
