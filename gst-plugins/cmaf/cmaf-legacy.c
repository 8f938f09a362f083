/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* What a predecessor has left in the directory. */

#include "cmaf-publisher-private.h"

#include <stdio.h>
#include <string.h>

/* ---- its state ---- */

/* Somebody may have been here whose counters are not known: this one's begin at
 * the seconds since 1970, which no counter of segments of a second or more
 * overtakes, so that no name is used again and a player's media sequence does not
 * go back (RFC 8216bis 6.2.2). */
static MillCmafState *
make_successor (void)
{
  MillCmafState *state = mill_cmaf_state_new ();
  state->generation = (guint64) g_get_real_time () / G_USEC_PER_SEC;
  state->next_number = state->generation;
  return state;
}

/* What has been away for the whole of the window is no longer known to players:
 * it would be one more for ever. */
static void
forget_absent (MillCmafState *state)
{
  for (guint i = state->renditions->len; state->cuts->len > 0 && i-- > 0;) {
    const MillCmafRendition *rendition =
        g_ptr_array_index (state->renditions, i);
    guint k = 0;
    while (k < rendition->segments->len &&
        g_array_index (rendition->segments, MillCmafSegment, k).flags &
            MILL_CMAF_SEGMENT_GAP)
      k++;
    if (k == rendition->segments->len)
      g_ptr_array_remove_index (state->renditions, i);
  }
}

void
mill_cmaf_legacy_read (MillCmafPublisher *self)
{
  g_autoptr (GBytes) content = mill_store_lease_dup_content (self->lease);
  if (g_bytes_get_size (content) == 0) {
    /* A server may have what a predecessor sent whose state is elsewhere. */
    self->state = mill_store_is_remote (self->store) ? make_successor ()
                                                     : mill_cmaf_state_new ();
    self->untouched = TRUE;
    self->fresh = TRUE;
    return;
  }
  g_autoptr (GError) error = NULL;
  self->state = mill_cmaf_state_load (content, &error);
  if (self->state != NULL) {
    forget_absent (self->state);
    return;
  }
  self->warning = g_strdup (error->message);
  self->state = make_successor ();
}

void
mill_cmaf_legacy_restore_output (MillCmafPublisher *self, guint i)
{
  const MillCmafRendition *rendition = mill_cmaf_publisher_rendition (self, i);
  mill_cmaf_renditions_add_output (self);
  for (guint k = 0; k < rendition->segments->len; k++)
    mill_cmaf_renditions_count_segment (self, i, k);
  mill_cmaf_listings_begin (self, i);
}

void
mill_cmaf_legacy_forget (MillCmafPublisher *self)
{
  MillCmafState *state = self->state;
  mill_sliding_list_truncate (state->cuts, 0);
  g_ptr_array_set_size (state->renditions, 0);
  mill_cmaf_periods_reset (self->periods, state);
  state->ended = FALSE;
  g_clear_pointer (&state->captions, g_free);
  if (state->markers != NULL)
    mill_cmaf_marker_list_forget (state->markers);
  state->target_duration_s = 0;
  state->discontinuity_sequence = 0;
  state->availability_start_us = 0;
  g_clear_pointer (&state->thumbnails, mill_cmaf_thumbnails_free);
  /* A file is packaged anew as a whole; a stream's numbers are never used
   * twice, for the sake of players that have not noticed its end. */
  if (self->options.mode == MILL_CMAF_VOD)
    state->next_number = 0;
}

/* ---- its files ---- */

static gboolean
has_generation (const MillCmafState *state, guint64 generation)
{
  for (guint k = 0; k < state->cuts->len; k++)
    if (g_array_index (state->cuts, MillCmafCut, k).generation == generation)
      return TRUE;
  return FALSE;
}

/* Numbers are consecutive. */
static gboolean
has_segment (const MillCmafState *state, guint64 generation, guint64 number)
{
  const MillCmafCut *cuts = (const MillCmafCut *) state->cuts->data;
  return state->cuts->len > 0 && number >= cuts[0].number &&
      number - cuts[0].number < state->cuts->len &&
      cuts[number - cuts[0].number].generation == generation;
}

typedef enum
{
  FOREIGN,
  LISTED,
  LEFT_OVER,
} Finding;

/* What @file in the folder of a rendition is; a name that is printed otherwise
 * is not ours. */
static Finding
judge_file (const MillCmafPublisher *self, const gchar *rendition,
    const gchar *file)
{
  gboolean is_known = mill_cmaf_state_find_rendition (self->state, rendition) !=
      NULL;
  guint64 generation;
  guint64 number;
  gchar rest;
  if (sscanf (file, "%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".m4%c",
          &generation, &number, &rest) == 3 ||
      sscanf (file, "%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".vt%c",
          &generation, &number, &rest) == 3 ||
      sscanf (file, "%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".t%c",
          &generation, &number, &rest) == 3)
    return is_known && has_segment (self->state, generation, number)
        ? LISTED
        : LEFT_OVER;
  /* All of a file that was packaged before: never gone on with. */
  if (sscanf (file, "%" G_GUINT64_FORMAT ".mp%c", &generation, &rest) == 2)
    return LEFT_OVER;
  if (g_str_equal (rendition, MILL_CMAF_THUMBNAILS_NAME) &&
      sscanf (file, "%" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT ".jp%c",
          &generation, &number, &rest) == 3)
    return self->state->thumbnails != NULL &&
            mill_cmaf_thumbnails_find (self->state->thumbnails, generation,
                number) != NULL
        ? LISTED
        : LEFT_OVER;
  if (sscanf (file, "init-%" G_GUINT64_FORMAT ".mp%c", &generation, &rest) == 2)
    return is_known && has_generation (self->state, generation) ? LISTED
                                                                : LEFT_OVER;
  return FOREIGN;
}

/* Media of predecessors that no playlist lists any more, or never did. */
void
mill_cmaf_legacy_find_leftovers (MillCmafPublisher *self, gint64 due)
{
  g_autoptr (GPtrArray) top = mill_store_list (self->store, "", NULL);
  for (guint i = 0; top != NULL && i < top->len; i++) {
    const gchar *entry = g_ptr_array_index (top, i);
    if (!g_str_has_suffix (entry, "/"))
      continue;
    g_autofree gchar *directory = g_strndup (entry, strlen (entry) - 1);
    if (!mill_cmaf_state_is_name (directory))
      continue;
    g_autoptr (GPtrArray) files =
        mill_store_list (self->store, directory, NULL);
    for (guint k = 0; files != NULL && k < files->len; k++) {
      const gchar *file = g_ptr_array_index (files, k);
      if (judge_file (self, directory, file) == LEFT_OVER)
        mill_cmaf_trash_add_name (self,
            g_strdup_printf ("%s/%s", directory, file), due);
    }
  }
}

/* ---- our own ---- */

/* Whether @file is of a generation that this run began. */
static gboolean
is_of_this_run (const MillCmafPublisher *self, const gchar *file)
{
  guint64 generation;
  gchar next;
  gboolean is_named =
      sscanf (file, "init-%" G_GUINT64_FORMAT "%c", &generation, &next) == 2 ||
      (sscanf (file, "%" G_GUINT64_FORMAT "%c", &generation, &next) == 2 &&
          (next == '-' || next == '.'));
  return is_named && generation >= self->first_generation;
}

static void
remove_own (MillCmafPublisher *self, const gchar *directory)
{
  g_autoptr (GPtrArray) files = mill_store_list (self->store, directory, NULL);
  for (guint k = 0; files != NULL && k < files->len; k++) {
    const gchar *file = g_ptr_array_index (files, k);
    g_autofree gchar *name = g_strdup_printf ("%s/%s", directory, file);
    if (is_of_this_run (self, file) &&
        judge_file (self, directory, file) != FOREIGN)
      mill_store_remove (self->store, name, NULL);
  }
  /* Not while there is something in it. */
  mill_store_remove (self->store, directory, NULL);
}

/* A file is listed at its end: what failed before is of no use to anybody, and
 * as large as the film. */
static void
remove_unlisted (MillCmafPublisher *self)
{
  for (guint i = 0; i < self->state->renditions->len; i++)
    remove_own (self, mill_cmaf_publisher_rendition (self, i)->name);
  remove_own (self, MILL_CMAF_THUMBNAILS_NAME);
  if (self->fresh)
    mill_store_remove (self->store, MILL_CMAF_STATE_NAME, NULL);
}

/* A run that failed before it had media, in a directory where nobody was
 * before, leaves nothing behind. No reader can have met its generation. Who
 * opens the claim meanwhile finds that it has lost its name, and makes another.
 */
void
mill_cmaf_legacy_withdraw (MillCmafPublisher *self)
{
  gboolean is_useless = self->options.mode == MILL_CMAF_VOD && !self->listed &&
      !mill_store_is_remote (self->store);
  if ((!self->untouched && !is_useless) || self->lease == NULL ||
      mill_store_lease_is_lost (self->lease))
    return;
  if (is_useless)
    remove_unlisted (self);
  if (self->untouched && self->index != NULL)
    mill_store_remove (self->store, MILL_LIVE_INDEX_NAME, NULL);
  if (self->untouched)
    mill_store_remove (self->store, MILL_CMAF_STATE_NAME, NULL);
  mill_store_withdraw (self->store);
}
