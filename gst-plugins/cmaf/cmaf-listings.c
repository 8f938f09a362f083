/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * What is written for players with each segment. The media playlists of a stream
 * that goes on are kept as text: of a window of hours, only what is new is
 * printed. Those of a file are printed once, at its end.
 */

#include "cmaf-multivariant.h"
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
mill_cmaf_listings_renew (MillCmafPublisher *self)
{
  for (guint i = 0; i < self->outputs->len; i++) {
    mill_cmaf_listings_clear (mill_cmaf_publisher_output (self, i));
    mill_cmaf_listings_begin (self, i);
  }
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

/* ---- writing ---- */

static void
put_playlists (MillCmafPublisher *self, MillStoreJob *job,
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
      g_autoptr (GPtrArray) playlist = listing != NULL
          ? mill_cmaf_manifest_hls_print_listing (manifest, which, listing)
          : mill_cmaf_manifest_hls_print (manifest, i, which);
      mill_store_job_put_pieces (job, name, playlist);
    }
}

/* Whether what the multivariant playlist says is no longer true. Averages
 * alone are not worth a new one. */
static gboolean
has_news (MillCmafPublisher *self, const MillCmafManifest *manifest)
{
  gboolean news = self->state->ended || self->captions_changed;
  self->captions_changed = FALSE;
  for (guint i = 0; i < self->state->renditions->len; i++) {
    MillCmafOutput *output = mill_cmaf_publisher_output (self, i);
    gboolean listed = mill_cmaf_manifest_lists (manifest, i);
    if (listed != (output->announced_bps > 0) ||
        manifest->bitrates[i].peak_bps > output->announced_bps ||
        manifest->bitrates[i].i_frames_peak_bps >
            output->announced_i_frames_bps)
      news = TRUE;
    output->announced_i_frames_bps = manifest->bitrates[i].i_frames_peak_bps;
    output->announced_bps = listed ? manifest->bitrates[i].peak_bps : 0;
  }
  return news;
}

/* Where nobody else steers. */
static void
put_steering (const MillCmafPublisher *self, MillStoreJob *job)
{
  const MillCmafPresentation *presentation = self->options.presentation;
  if (presentation == NULL || !presentation->steers)
    return;
  g_autoptr (GBytes) steering =
      mill_cmaf_presentation_print_steering (presentation);
  mill_store_job_put (job, MILL_CMAF_STEERING_NAME, steering);
}

void
mill_cmaf_listings_put (MillCmafPublisher *self, MillStoreJob *job,
    gboolean all)
{
  g_autofree MillCmafBitrate *bitrates = mill_cmaf_bitrates_list (self);
  self->listed = TRUE;
  MillCmafManifest manifest = {
    .state = self->state,
    .bitrates = bitrates,
    .mode = self->options.mode,
    .container = self->options.container,
    .segment_duration = self->options.segment_duration,
    .cue_tags = self->options.cue_tags,
    .audio_variant = self->options.audio_variant,
    .now_us = g_get_real_time (),
    .trick_sets = self->options.trick_sets,
    .dated = self->options.dated,
    .presentation = self->options.presentation,
    .periods = self->periods,
  };
  if (self->options.hls)
    put_playlists (self, job, &manifest);
  if (!all)
    return;
  mill_cmaf_bitrates_note_told (self, bitrates);
  if (self->options.hls && has_news (self, &manifest)) {
    g_autoptr (GBytes) playlist = mill_cmaf_multivariant_print (&manifest);
    mill_store_job_put (job, "master.m3u8", playlist);
    put_steering (self, job);
  }
  if (self->options.dash) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) mpd = mill_cmaf_manifest_mpd_print (&manifest, &error);
    if (mpd != NULL)
      mill_store_job_put (job, "manifest.mpd", mpd);
    else
      g_debug ("manifest.mpd is left as it is: %s", error->message);
  }
}
