/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafsinkclashes.h"

#include "store/store-location.h"

/** A setting that another one leaves no meaning. */
typedef struct
{
  gboolean clashes;
  const gchar *text; /* "<property>: got <x>, expected <y>" */
} Clash;

static gboolean
refuse_clash (const Clash *clashes, guint n_clashes, GError **error)
{
  for (guint i = 0; i < n_clashes; i++) {
    if (!clashes[i].clashes)
      continue;
    g_set_error_literal (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        clashes[i].text);
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_mode (const GstCmafSinkSettings *self, GError **error)
{
  gboolean live = self->mode == MILL_CMAF_LIVE;
  gboolean vod = self->mode == MILL_CMAF_VOD;
  const Clash clashes[] = {
    { self->single_file && !vod,
        "single-file: got a mode that is not vod, expected vod: such a file is "
        "whole at its end only" },
    { self->part_duration_ms > 0 && vod,
        "part-duration-ms: got parts in mode vod, expected 0, or mode live or "
        "event: nobody waits for the parts of a file" },
    { self->part_duration_ms > self->segment_duration_ms,
        "part-duration-ms: got more than segment-duration-ms, expected that at "
        "most: a segment is made of parts" },
    { self->dvr_window_ms > 0 && !live,
        "dvr-window-ms: got a window in a mode that keeps all segments, "
        "expected 0, or mode live" },
    { self->max_skew_ms > 0 && vod,
        "max-skew-ms: got a time in mode vod, which waits for every rendition, "
        "expected 0, or mode live or event" },
    { self->storage.max_bytes > 0 && !live,
        "max-bytes: got a bound in a mode that keeps all segments, expected 0, "
        "or mode live" },
    { self->epoch_us != 0 && self->program_date_time != GST_CMAF_SINK_MEDIA,
        "epoch-us: got a time that no date is made of, expected 0, or "
        "program-date-time media" },
  };
  return refuse_clash (clashes, G_N_ELEMENTS (clashes), error);
}

static gboolean
check_manifests (const GstCmafSinkSettings *self, GError **error)
{
  const GstCmafSinkPresentation *whole = &self->presentation;
  gboolean starts = whole->start_offset_ms !=
      GST_CMAF_SINK_PRESENTATION_NO_START;
  const Clash clashes[] = {
    { !self->hls && !self->dash,
        "hls: got false as well as dash, expected one of them: nobody finds "
        "segments that nothing lists" },
    { self->audio_variant && !self->hls,
        "audio-variant: got true without HLS, expected hls true" },
    { self->cue_tags && !self->hls,
        "cue-tags: got true without HLS, expected hls true" },
    { self->break_periods && !self->dash,
        "break-periods: got true without DASH, expected dash true" },
    { self->trick_mode_sets && !self->dash,
        "trick-mode-sets: got true without DASH, expected dash true" },
    { starts && !self->hls,
        "start-offset-ms: got a start without HLS, expected hls true" },
    { whole->start_precise && !starts,
        "start-precise: got true without a start, expected start-offset-ms" },
    { gst_value_array_get_size (&whole->session_data) > 0 && !self->hls,
        "session-data: got some without HLS, expected hls true" },
  };
  return refuse_clash (clashes, G_N_ELEMENTS (clashes), error);
}

/* ---- where it goes ---- */

static gboolean
is_set (const gchar *text)
{
  return text != NULL && *text != '\0';
}

/* What is only about requests. */
static gboolean
check_directory (const GstCmafSinkStorage *storage, GError **error)
{
  g_auto (GstCmafSinkStorage) usual = { 0 };
  gst_cmaf_sink_storage_init (&usual);
  const Clash clashes[] = {
    { is_set (storage->state_location),
        "state-location: got a directory beside that of location, expected "
        "none: the state of a directory is in it" },
    { storage->signer != MILL_SIGN_NONE,
        "signer: got one for a directory, expected none, or a URL as location: "
        "only requests are signed" },
    { is_set (storage->credentials),
        "credentials: got a file for a directory, expected none, or a URL as "
        "location" },
    { is_set (storage->tls_ca_file),
        "tls-ca-file: got a file for a directory, expected none, or an https "
        "URL as location" },
    { storage->connections != usual.connections,
        "upload-connections: got a number for a directory, expected a URL as "
        "location" },
    { storage->queue_bytes != usual.queue_bytes,
        "upload-queue-bytes: got a bound for a directory, expected a URL as "
        "location" },
    { storage->timeout_ms != usual.timeout_ms,
        "upload-timeout-ms: got a time for a directory, expected a URL as "
        "location" },
    { storage->stall_timeout_ms != usual.stall_timeout_ms,
        "upload-stall-timeout-ms: got a time for a directory, expected a URL as "
        "location" },
  };
  return refuse_clash (clashes, G_N_ELEMENTS (clashes), error);
}

/* What only a directory has, and what this URL makes no use of. */
static gboolean
check_url (const GstCmafSinkSettings *self, const MillStoreLocation *place,
    GError **error)
{
  const GstCmafSinkStorage *storage = &self->storage;
  gboolean signs = storage->signer != MILL_SIGN_NONE || place->is_s3;
  const Clash clashes[] = {
    { self->single_file,
        "single-file: got a URL as location, expected a directory: what was "
        "sent cannot be written into again" },
    { self->part_duration_ms > 0,
        "part-duration-ms: got parts with a URL as location, expected 0, or a "
        "directory: whole segments are sent" },
    { is_set (storage->credentials) && !signs,
        "credentials: got a file that nothing is signed with, expected signer "
        "bearer or sigv4" },
    { is_set (storage->tls_ca_file) && !g_str_has_prefix (place->url, "https:"),
        "tls-ca-file: got a file for a server without TLS, expected an https "
        "URL" },
  };
  return refuse_clash (clashes, G_N_ELEMENTS (clashes), error);
}

static gboolean
check_place (const GstCmafSinkSettings *self, GError **error)
{
  const GstCmafSinkStorage *storage = &self->storage;
  g_auto (MillStoreLocation) place = { 0 };
  /* That there is none is told when it is to be opened. */
  if (!is_set (self->location))
    return TRUE;
  if (!mill_store_location_parse (self->location, storage->endpoint,
          storage->region, &place, error))
    return FALSE;
  gboolean is_v4 = storage->signer == MILL_SIGN_SIGV4 ||
      (place.is_s3 && storage->signer == MILL_SIGN_NONE);
  const Clash clashes[] = {
    { is_set (storage->endpoint) && !place.is_s3,
        "endpoint: got a server for a location that names its own, expected an "
        "s3:// URL as location" },
    { is_set (storage->region) && !is_v4,
        "region: got one that is in no signature, expected signer sigv4, or an "
        "s3:// URL as location" },
  };
  if (!refuse_clash (clashes, G_N_ELEMENTS (clashes), error))
    return FALSE;
  return place.url == NULL ? check_directory (storage, error)
                           : check_url (self, &place, error);
}

gboolean
gst_cmaf_sink_clashes_check (const GstCmafSinkSettings *settings,
    GError **error)
{
  return check_mode (settings, error) && check_manifests (settings, error) &&
      check_place (settings, error);
}
