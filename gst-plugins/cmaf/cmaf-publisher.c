/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "cmaf-publisher-private.h"

#include <string.h>

/* ---- opening ---- */

static gboolean
begin (MillCmafPublisher *self, GError **error)
{
  mill_cmaf_legacy_read (self);
  MillCmafState *state = self->state;
  self->begun_us = mill_cmaf_publisher_now_us (self);
  mill_cmaf_periods_reset (self->periods, state);
  /* What left the playlist just before the predecessor's end was in one that was
   * longer by it, and stays for its own duration too (RFC 8216bis 6.2.2). */
  GstClockTimeDiff stay = mill_cmaf_window_get_duration (self) +
      2 * (GstClockTimeDiff) (state->target_duration_s * GST_SECOND);
  if (state->ended || self->options.mode == MILL_CMAF_VOD)
    mill_cmaf_legacy_forget (self);
  self->continued = state->cuts->len > 0;
  for (guint i = 0; i < state->renditions->len; i++)
    mill_cmaf_legacy_restore_output (self, i);
  mill_cmaf_index_resume (self);
  state->generation++;
  self->first_generation = state->generation;
  mill_cmaf_legacy_find_leftovers (self, self->begun_us + stay / GST_USECOND);
  g_autoptr (GBytes) content = mill_cmaf_state_save (state);
  if (!mill_store_lease_write (self->lease, content, error))
    return FALSE;
  self->state_bytes = g_bytes_get_size (content);
  return mill_cmaf_index_begin (self, error);
}

static gboolean
check_single (const MillCmafPublisher *self, GError **error)
{
  if (!self->options.single_file || mill_store_can_patch (self->store))
    return TRUE;
  g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_FAILED,
      "single-file in '%s': got a store that nothing can be written into again, "
      "expected a directory",
      mill_store_get_location (self->store));
  return FALSE;
}

/* A window that a successor could not read is told of before anything is
 * published. */
gboolean
mill_cmaf_publisher_check (const MillCmafPublisherOptions *options,
    GError **error)
{
  guint64 segments = options->segment_duration > 0
      ? options->dvr_window / options->segment_duration
      : 0;
  if (options->mode != MILL_CMAF_LIVE || segments <= MILL_CMAF_SEGMENTS_MAX)
    return TRUE;
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
      "dvr-window-ms: got %" G_GUINT64_FORMAT ", which is %" G_GUINT64_FORMAT
      " segments of segment-duration-ms %" G_GUINT64_FORMAT
      ", expected at most %u segments",
      options->dvr_window / GST_MSECOND, segments,
      options->segment_duration / GST_MSECOND, MILL_CMAF_SEGMENTS_MAX);
  return FALSE;
}

/* A remote store bounds what waits by itself and drops the oldest; what waits
 * for the disk of its state is bounded here. */
static MillStoreWriter *
make_writer (const MillCmafPublisher *self)
{
  MillStoreWriterOptions options = {
    .mode = self->options.may_wait ? MILL_STORE_WRITER_INLINE
                                   : MILL_STORE_WRITER_AUTO,
  };
  if (mill_store_is_remote (self->store)) {
    options.mode = MILL_STORE_WRITER_THREAD;
    options.max_jobs = G_MAXUINT;
    options.max_bytes = self->options.may_wait ? G_MAXSIZE / 2
                                               : 4 * self->options.queue_bytes;
  }
  return mill_store_writer_new (self->store, &options);
}

MillCmafPublisher *
mill_cmaf_publisher_open (MillStore *store,
    const MillCmafPublisherOptions *options, MillCmafPublisherDone done,
    gpointer user_data, GError **error)
{
  g_autoptr (MillCmafPublisher) self = g_new0 (MillCmafPublisher, 1);
  self->options = *options;
  if (options->presentation != NULL)
    mill_cmaf_presentation_ref (options->presentation);
  self->done = done;
  self->user_data = user_data;
  self->periods = mill_cmaf_periods_new ();
  g_queue_init (&self->trash);
  g_queue_init (&self->dropped);
  self->rows = g_byte_array_new ();
  self->outputs = mill_cmaf_renditions_new_outputs ();
  self->store = mill_store_ref (store);
  if (!check_single (self, error) ||
      !mill_cmaf_publisher_check (options, error))
    return NULL;
  self->lease = mill_store_take (self->store, MILL_CMAF_STATE_NAME,
      MILL_STORE_TAKE_FREE, error);
  if (self->lease == NULL)
    return NULL;
  if (!begin (self, error))
    return NULL;
  self->writer = make_writer (self);
  return g_steal_pointer (&self);
}

void
mill_cmaf_publisher_free (MillCmafPublisher *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->outputs, g_array_unref);
  mill_cmaf_legacy_withdraw (self);
  g_clear_pointer (&self->rows, g_byte_array_unref);
  g_clear_pointer (&self->options.presentation, mill_cmaf_presentation_unref);
  g_clear_pointer (&self->index_object, mill_store_object_unref);
  g_clear_pointer (&self->index, mill_live_index_free);
  g_clear_pointer (&self->part_targets, g_hash_table_unref);
  g_clear_pointer (&self->writer, mill_store_writer_free);
  g_clear_pointer (&self->lease, mill_store_lease_free);
  g_clear_pointer (&self->store, mill_store_unref);
  g_clear_pointer (&self->state, mill_cmaf_state_free);
  g_clear_pointer (&self->periods, mill_cmaf_periods_free);
  mill_cmaf_trash_clear (self);
  g_free (self->warning);
  g_free (self);
}

void
mill_cmaf_publisher_set_keeper (MillCmafPublisher *self,
    gpointer (*ref) (gpointer), GDestroyNotify unref)
{
  self->keeper_ref = ref;
  self->keeper_unref = unref;
}

const MillCmafState *
mill_cmaf_publisher_get_state (const MillCmafPublisher *self)
{
  return self->state;
}

MillCmafMarkers *
mill_cmaf_publisher_get_markers (const MillCmafPublisher *self)
{
  if (self->state->markers == NULL)
    self->state->markers = mill_cmaf_marker_list_new ();
  return self->state->markers;
}

const gchar *
mill_cmaf_publisher_get_warning (const MillCmafPublisher *self)
{
  return self->warning;
}

gboolean
mill_cmaf_publisher_is_continued (const MillCmafPublisher *self)
{
  return self->continued;
}

gboolean
mill_cmaf_publisher_is_inline (const MillCmafPublisher *self)
{
  return mill_store_writer_is_inline (self->writer);
}

MillCmafBitrate
mill_cmaf_publisher_get_bitrate (const MillCmafPublisher *self, guint i)
{
  const MillHlsBitrate *bitrate =
      &mill_cmaf_publisher_output (self, i)->bitrate;
  const MillHlsBitrate *i_frames =
      &mill_cmaf_publisher_output (self, i)->i_frames_bitrate;
  return (MillCmafBitrate){
    .peak_bps = mill_hls_bitrate_peak_bps (bitrate),
    .average_bps = mill_hls_bitrate_average_bps (bitrate),
    .i_frames_peak_bps = mill_hls_bitrate_peak_bps (i_frames),
    .i_frames_average_bps = mill_hls_bitrate_average_bps (i_frames),
  };
}

GstClockTime
mill_cmaf_publisher_get_part_target (const MillCmafPublisher *self)
{
  return self->part_target;
}

GstClockTime
mill_cmaf_publisher_declare_parts (MillCmafPublisher *self, guint rendition,
    GstClockTime wanted)
{
  return mill_cmaf_index_choose_target (self, rendition, wanted);
}

guint64
mill_cmaf_publisher_begin_generation (MillCmafPublisher *self, guint64 number)
{
  self->state->generation++;
  /* Before anything is named by it, so that no successor uses it again. */
  MillStoreJob *job = mill_cmaf_job_new (self, MILL_CMAF_WROTE_MANIFESTS, 0, 0);
  self->state_stale = TRUE;
  mill_cmaf_saving_put (self, job);
  mill_cmaf_index_announce (self, job, number);
  mill_store_job_set_essential (job);
  mill_cmaf_saving_submit (self, job);
  return self->state->generation;
}

/* ---- renditions ---- */

GError *
mill_cmaf_publisher_refuse_rendition (const MillCmafPublisher *self)
{
  return g_error_new (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
      "renditions in '%s': got one more, expected at most %u, those that have "
      "ended among them",
      mill_store_get_location (self->store), MILL_CMAF_RENDITIONS_MAX);
}

gint
mill_cmaf_publisher_add_rendition (MillCmafPublisher *self, const gchar *pad,
    const gchar *wanted, const gchar *fallback, const MillCmafFormat *format)
{
  return mill_cmaf_renditions_add (self, pad, wanted, fallback, format);
}

void
mill_cmaf_publisher_set_captions (MillCmafPublisher *self,
    const gchar *captions)
{
  if (g_strcmp0 (self->state->captions, captions) == 0)
    return;
  g_free (self->state->captions);
  self->state->captions = g_strdup (captions);
  self->captions_changed = TRUE;
}

void
mill_cmaf_publisher_set_format (MillCmafPublisher *self, guint i,
    const MillCmafFormat *format)
{
  mill_cmaf_renditions_set_format (self, i, format);
}

/* ---- writing ---- */

static void
open_segment (MillCmafPublisher *self, const MillCmafChunkWrite *write)
{
  MillCmafOutput *output = mill_cmaf_publisher_output (self, write->rendition);
  g_autofree gchar *name =
      mill_cmaf_manifest_name_segment (mill_cmaf_publisher_rendition (self,
                                           write->rendition)
                                           ->name,
          self->options.container, write->cut->generation, write->cut->number);
  g_clear_pointer (&output->object, mill_store_object_unref);
  output->object = mill_store_object_new (self->store, name, MILL_STORE_NEW);
  output->offset = 0;
  output->part = 0;
}

static void
put_webvtt (MillCmafPublisher *self, const MillCmafChunkWrite *write,
    MillStoreJob *job)
{
  g_autofree gchar *name =
      mill_cmaf_manifest_name_text (mill_cmaf_publisher_rendition (self,
                                        write->rendition)
                                        ->name,
          write->cut->generation, write->cut->number);
  mill_store_job_put (job, name, write->webvtt);
}

static void
put_init (MillCmafPublisher *self, const MillCmafChunkWrite *write,
    MillStoreJob *job)
{
  if (self->options.single_file) {
    mill_cmaf_single_begin (self, write->rendition, write->cut->generation,
        write->init, job);
    return;
  }
  g_autofree gchar *name =
      mill_cmaf_manifest_name_init (mill_cmaf_publisher_rendition (self,
                                        write->rendition)
                                        ->name,
          write->cut->generation);
  mill_store_job_put (job, name, write->init);
}

gboolean
mill_cmaf_publisher_write_chunk (MillCmafPublisher *self,
    MillCmafChunkWrite *write, GError **error)
{
  MillCmafOutput *output = mill_cmaf_publisher_output (self, write->rendition);
  gboolean single = self->options.single_file;
  MillStoreJob *job = mill_cmaf_job_new (self, MILL_CMAF_WROTE_CHUNK,
      write->rendition, write->cut->number);
  if (write->init != NULL)
    put_init (self, write, job);
  if (write->webvtt != NULL && self->options.hls)
    put_webvtt (self, write, job);
  if (write->begins && !single)
    open_segment (self, write);
  MillStoreChunk *bytes = mill_store_chunk_new (1 + write->memories->len);
  mill_store_chunk_add_bytes (bytes, write->header);
  for (guint i = 0; i < write->memories->len; i++)
    mill_store_chunk_add (bytes,
        gst_memory_ref (g_ptr_array_index (write->memories, i)));
  gsize length = mill_store_chunk_get_size (bytes);
  mill_store_job_append (job, output->object, bytes);
  write->offset = single ? mill_cmaf_single_add (self, write->rendition, length)
                         : 0;
  if (write->ends && !single)
    mill_store_job_close (job, output->object);
  mill_cmaf_index_add (self, job, write, length);
  output->offset += length;
  output->part++;
  if (write->ends && !single)
    g_clear_pointer (&output->object, mill_store_object_unref);
  if (mill_store_writer_submit (self->writer, job, error))
    return TRUE;
  self->index_stale = TRUE;
  return FALSE;
}

gboolean
mill_cmaf_publisher_close_segment (MillCmafPublisher *self, guint rendition,
    guint64 number)
{
  MillCmafOutput *output = mill_cmaf_publisher_output (self, rendition);
  if (output->object == NULL || !mill_store_is_remote (self->store))
    return FALSE;
  MillStoreJob *job =
      mill_cmaf_job_new (self, MILL_CMAF_WROTE_CHUNK, rendition, number);
  mill_store_job_close (job, output->object);
  mill_store_job_set_essential (job);
  g_clear_pointer (&output->object, mill_store_object_unref);
  mill_store_writer_submit (self->writer, job, NULL);
  return TRUE;
}

/* ---- publishing ---- */

GError *
mill_cmaf_publisher_refuse_segment (const MillCmafPublisher *self)
{
  if (self->options.mode != MILL_CMAF_EVENT ||
      self->state->cuts->len < MILL_CMAF_SEGMENTS_MAX)
    return NULL;
  return g_error_new (GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
      "segments in '%s': got one more, expected at most %u in mode event; "
      "segment-duration-ms can be longer, or mode be live",
      mill_store_get_location (self->store), MILL_CMAF_SEGMENTS_MAX);
}

void
mill_cmaf_publisher_add (MillCmafPublisher *self, const MillCmafCut *cut,
    const MillCmafSegment *segments)
{
  mill_cmaf_window_add (self, cut, segments);
}

/* What a predecessor's playlists list is listed until they are replaced, however
 * long nobody sends: only then does its stay begin (RFC 8216bis 6.2.2). */
static void
replace_predecessor (MillCmafPublisher *self, gint64 now)
{
  if (!self->replaced)
    mill_cmaf_trash_postpone (self, now - self->begun_us);
  self->replaced = TRUE;
}

void
mill_cmaf_publisher_shift_dates (MillCmafPublisher *self, guint64 number,
    gint64 us)
{
  MillCmafState *state = self->state;
  guint k = state->cuts->len;
  while (k > 0 && mill_cmaf_publisher_cut (self, k - 1)->number >= number)
    mill_cmaf_publisher_cut (self, --k)->wall_us += us;
  if (k == 0 && state->cuts->len > 0 && !self->continued)
    state->availability_start_us += us;
  mill_cmaf_index_shift (self, number, us);
  if (k == state->cuts->len)
    return;
  if (k > 0)
    mill_cmaf_window_move_periods (self, k);
  mill_cmaf_listings_renew (self);
  self->state_stale = TRUE;
}

void
mill_cmaf_publisher_write_state (MillCmafPublisher *self)
{
  MillStoreJob *job = mill_cmaf_job_new (self, MILL_CMAF_WROTE_MANIFESTS, 0, 0);
  mill_cmaf_saving_put (self, job);
  mill_cmaf_index_renew (self, job);
  mill_cmaf_saving_submit (self, job);
}

void
mill_cmaf_publisher_write_manifests (MillCmafPublisher *self,
    gboolean manifests)
{
  MillStoreJob *job = mill_cmaf_job_new (self, MILL_CMAF_WROTE_MANIFESTS, 0, 0);
  gint64 now = mill_cmaf_publisher_now_us (self);
  replace_predecessor (self, now);
  /* What is removed may be the room that the rest needs. */
  mill_cmaf_trash_remove_due (self, job, now);
  /* Without room for a playlist there is no other way than this one. */
  if (mill_cmaf_room_is_gone (self))
    mill_cmaf_trash_remove_dropped (self, job);
  if (self->options.mode == MILL_CMAF_LIVE)
    mill_store_job_measure (job);
  /* The state goes first: a successor may list a segment that nobody was told
   * of, but must not forget one that somebody was. */
  mill_cmaf_saving_put (self, job);
  mill_cmaf_listings_put (self, job, manifests);
  mill_cmaf_index_list (self, job);
  mill_cmaf_trash_remove_dropped (self, job);
  mill_cmaf_saving_submit (self, job);
}

void
mill_cmaf_publisher_write_markers (MillCmafPublisher *self, gboolean manifests)
{
  MillStoreJob *job = mill_cmaf_job_new (self, MILL_CMAF_WROTE_MANIFESTS, 0, 0);
  replace_predecessor (self, mill_cmaf_publisher_now_us (self));
  self->state_stale = TRUE;
  mill_cmaf_saving_put (self, job);
  mill_cmaf_listings_put (self, job, manifests);
  mill_cmaf_saving_submit (self, job);
}

void
mill_cmaf_publisher_note_failure (MillCmafPublisher *self)
{
  self->index_stale = TRUE;
  self->state_stale = TRUE;
  for (guint i = 0; i < self->outputs->len; i++)
    mill_cmaf_publisher_output (self, i)->announced_bps = 0;
}

void
mill_cmaf_publisher_end (MillCmafPublisher *self)
{
  g_autoptr (GError) error = NULL;
  self->state->ended = TRUE;
  mill_cmaf_window_begin_at_zero (self);
  MillStoreJob *job = mill_cmaf_job_new (self, MILL_CMAF_WROTE_END, 0, 0);
  /* What playlists list is whole before they list it. */
  if (self->options.single_file &&
      !mill_cmaf_single_finish (self, job, &error)) {
    mill_store_job_free (job);
    self->done (MILL_CMAF_WROTE_MANIFESTS, 0, 0, error, self->user_data);
    return;
  }
  mill_cmaf_listings_put (self, job, TRUE);
  mill_cmaf_index_end (self, job);
  /* Nothing is to come that could do it later. */
  if (self->options.mode == MILL_CMAF_VOD)
    mill_cmaf_trash_remove_due (self, job, G_MAXINT64);
  self->state_stale = TRUE;
  mill_cmaf_saving_put (self, job);
  mill_store_job_set_essential (job);
  mill_cmaf_saving_submit (self, job);
}

gboolean
mill_cmaf_publisher_is_behind (const MillCmafPublisher *self)
{
  return self->options.may_wait && mill_store_is_remote (self->store) &&
      mill_store_writer_get_queued_bytes (self->writer) >
      self->options.queue_bytes;
}

GError *
mill_cmaf_publisher_explain_room (MillCmafPublisher *self)
{
  return mill_cmaf_room_explain (self);
}

guint64
mill_cmaf_publisher_get_shrunk (const MillCmafPublisher *self)
{
  return self->n_shrunk;
}

gboolean
mill_cmaf_publisher_get_store_stats (const MillCmafPublisher *self,
    MillStoreStats *ret_stats)
{
  return mill_store_get_stats (self->store, ret_stats);
}

void
mill_cmaf_publisher_abandon (MillCmafPublisher *self)
{
  mill_store_abandon (self->store);
}

gboolean
mill_cmaf_publisher_flush (MillCmafPublisher *self, gint64 timeout_us)
{
  return mill_store_writer_flush (self->writer, timeout_us);
}
