/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * The media playlists of a stream that goes on, kept as text: of a window of
 * hours, only what is new is printed. Those of a file are printed once, at its
 * end.
 */

#include "cmaf-publisher-private.h"

static MillCmafManifest
describe (const MillCmafPublisher *self)
{
  return (MillCmafManifest){
    .state = self->state,
    .mode = self->options.mode,
    .container = self->options.container,
    .segment_duration = self->options.segment_duration,
    .cue_tags = self->options.cue_tags,
    .dated = self->options.dated,
  };
}

/* Whether rendition @i has playlist @which. */
static gboolean
is_wanted (const MillCmafPublisher *self, guint i, MillCmafPlaylist which)
{
  if (!self->options.hls)
    return FALSE;
  return which == MILL_CMAF_PLAYLIST_MEDIA ||
      (self->options.i_frames &&
          mill_cmaf_publisher_rendition (self, i)->format.kind ==
              MILL_CMAF_VIDEO);
}

void
mill_cmaf_listings_begin (MillCmafPublisher *self, guint i)
{
  MillCmafOutput *output = mill_cmaf_publisher_output (self, i);
  MillCmafManifest manifest = describe (self);
  if (self->options.mode == MILL_CMAF_VOD)
    return;
  for (guint which = 0; which < MILL_CMAF_N_PLAYLISTS; which++) {
    if (!is_wanted (self, i, which))
      continue;
    output->listings[which] = mill_hls_listing_new ();
    for (guint k = 0; k < self->state->cuts->len; k++)
      mill_cmaf_manifest_hls_list (&manifest, i, k, which,
          output->listings[which]);
  }
}

void
mill_cmaf_listings_clear (MillCmafOutput *output)
{
  for (guint which = 0; which < MILL_CMAF_N_PLAYLISTS; which++)
    g_clear_pointer (&output->listings[which], mill_hls_listing_free);
}

void
mill_cmaf_listings_add_last (MillCmafPublisher *self)
{
  MillCmafManifest manifest = describe (self);
  for (guint i = 0; i < self->outputs->len; i++)
    for (guint which = 0; which < MILL_CMAF_N_PLAYLISTS; which++) {
      MillHlsListing *listing =
          mill_cmaf_publisher_output (self, i)->listings[which];
      if (listing != NULL)
        mill_cmaf_manifest_hls_list (&manifest, i, self->state->cuts->len - 1,
            which, listing);
    }
}

void
mill_cmaf_listings_remove_first (MillCmafPublisher *self)
{
  for (guint i = 0; i < self->outputs->len; i++)
    for (guint which = 0; which < MILL_CMAF_N_PLAYLISTS; which++) {
      MillHlsListing *listing =
          mill_cmaf_publisher_output (self, i)->listings[which];
      if (listing != NULL)
        mill_hls_listing_remove_first (listing, 1);
    }
}

void
mill_cmaf_listings_put (MillCmafPublisher *self, MillStoreJob *job,
    const MillCmafManifest *manifest)
{
  for (guint i = 0; i < self->state->renditions->len; i++)
    for (guint which = 0; which < MILL_CMAF_N_PLAYLISTS; which++) {
      const MillHlsListing *listing =
          mill_cmaf_publisher_output (self, i)->listings[which];
      if (!is_wanted (self, i, which))
        continue;
      g_autofree gchar *name =
          mill_cmaf_manifest_name_playlist (mill_cmaf_publisher_rendition (self,
                                                i)
                                                ->name,
              which);
      g_autoptr (GBytes) playlist = listing != NULL
          ? mill_cmaf_manifest_hls_print_listing (manifest, which, listing)
          : mill_cmaf_manifest_hls_print (manifest, i, which);
      mill_store_job_put (job, name, playlist);
    }
}
