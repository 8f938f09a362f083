/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * All segments of a generation of a rendition in one file: header, index,
 * segments. How long the index is going to be nobody knows before the end, so
 * that room is left for one: nothing is kept in memory, and nothing is copied.
 * Where that is not enough, one reference of the index stands for several
 * segments; playlists list each all the same.
 *
 * Nothing lists a file before its end, so that half of one is never read.
 */

#include "cmaf-publisher-private.h"

#include "bmff/bmff-index.h"

/* For 5457 segments. It costs room on the disk, but no viewer loads it. */
#define INDEX_ROOM (64u << 10)
#define FREE_HEAD 8

static void
put_free_head (MillBmffWriter *writer, gsize size)
{
  mill_bmff_writer_put_u32 (writer, (guint32) size);
  mill_bmff_writer_put_u32 (writer, MILL_BMFF_FOURCC ('f', 'r', 'e', 'e'));
}

/* A box that players go over, until an index takes its place. */
static GBytes *
make_room (void)
{
  g_auto (MillBmffWriter) writer = { 0 };
  put_free_head (&writer, INDEX_ROOM);
  mill_bmff_writer_put_zeros (&writer, INDEX_ROOM - FREE_HEAD);
  return mill_bmff_writer_steal_bytes (&writer);
}

void
mill_cmaf_single_begin (MillCmafPublisher *self, guint i, guint64 generation,
    GBytes *init, MillStoreJob *job)
{
  MillCmafRendition *rendition = mill_cmaf_publisher_rendition (self, i);
  MillCmafOutput *output = mill_cmaf_publisher_output (self, i);
  g_autofree gchar *name =
      mill_cmaf_manifest_name_file (rendition->name, generation);
  g_autoptr (GBytes) room = make_room ();
  MillCmafFile file = {
    .generation = generation,
    .header_bytes = g_bytes_get_size (init),
    .size = g_bytes_get_size (init) + INDEX_ROOM,
  };
  if (output->object != NULL)
    mill_store_job_close (job, output->object);
  g_clear_pointer (&output->object, mill_store_object_unref);
  output->object = mill_store_object_new (self->store, name, MILL_STORE_NEW);
  MillStoreChunk *bytes = mill_store_chunk_new (2);
  mill_store_chunk_add_bytes (bytes, init);
  mill_store_chunk_add_bytes (bytes, room);
  mill_store_job_append (job, output->object, bytes);
  if (rendition->files == NULL)
    rendition->files = g_array_new (FALSE, TRUE, sizeof (MillCmafFile));
  g_array_append_val (rendition->files, file);
}

guint64
mill_cmaf_single_add (MillCmafPublisher *self, guint i, gsize length)
{
  MillCmafRendition *rendition = mill_cmaf_publisher_rendition (self, i);
  MillCmafFile *file = &g_array_index (rendition->files, MillCmafFile,
      rendition->files->len - 1);
  guint64 offset = file->size;
  file->size += length;
  return offset;
}

/* ---- the index ---- */

static guint
get_sap_type (const MillCmafCut *cut, MillCmafKind kind)
{
  if (kind != MILL_CMAF_VIDEO)
    return 1;
  if (cut->flags & MILL_CMAF_CUT_DEPENDENT)
    return 0;
  /* 14496-12 annex I: after an open GOP's first picture come some that cannot
   * be decoded without what was before. */
  return cut->flags & MILL_CMAF_CUT_OPEN ? 3 : 1;
}

/* A reference for each segment of @file. @ret_first: time of the first */
static GArray *
collect_references (const MillCmafPublisher *self,
    const MillCmafRendition *rendition, const MillCmafFile *file,
    const MillCmafSegment **ret_first)
{
  GArray *list = g_array_new (FALSE, TRUE, sizeof (MillBmffReference));
  const MillCmafSegment *last = NULL;
  for (guint k = 0; k < rendition->segments->len; k++) {
    const MillCmafCut *cut = mill_cmaf_publisher_cut (self, k);
    const MillCmafSegment *segment =
        &g_array_index (rendition->segments, MillCmafSegment, k);
    if (cut->generation != file->generation ||
        (segment->flags & MILL_CMAF_SEGMENT_GAP))
      continue;
    if (last == NULL) {
      *ret_first = segment;
    } else {
      MillBmffReference *before =
          &g_array_index (list, MillBmffReference, list->len - 1);
      before->size = segment->offset - last->offset;
      /* So that the sum is where the next one begins, also over a hole. */
      if (segment->time > last->time)
        before->duration = (guint64) (segment->time - last->time);
    }
    MillBmffReference reference = {
      .size = file->size - segment->offset,
      .duration = segment->duration,
      .sap_type = get_sap_type (cut, rendition->format.kind),
    };
    g_array_append_val (list, reference);
    last = segment;
  }
  return list;
}

/* As few references as the room is for, each of as many of the old ones. */
static void
merge_references (GArray *list)
{
  guint most =
      (guint) ((INDEX_ROOM - FREE_HEAD - mill_bmff_index_get_size (0)) /
          (mill_bmff_index_get_size (1) - mill_bmff_index_get_size (0)));
  guint factor = (list->len + most - 1) / most;
  guint n = 0;
  if (factor <= 1)
    return;
  for (guint i = 0; i < list->len; i++) {
    MillBmffReference from = g_array_index (list, MillBmffReference, i);
    if (i % factor == 0) {
      g_array_index (list, MillBmffReference, n++) = from;
      continue;
    }
    MillBmffReference *to = &g_array_index (list, MillBmffReference, n - 1);
    to->size += from.size;
    to->duration += from.duration;
  }
  g_array_set_size (list, n);
}

static GBytes *
make_index (const MillCmafPublisher *self, const MillCmafRendition *rendition,
    MillCmafFile *file, GError **error)
{
  const MillCmafSegment *first = NULL;
  g_autoptr (GArray) list = collect_references (self, rendition, file, &first);
  g_auto (MillBmffWriter) writer = { 0 };
  if (list->len == 0)
    return NULL;
  merge_references (list);
  gsize size = mill_bmff_index_get_size (list->len);
  MillBmffIndex index = {
    .track_id = 1,
    .timescale = rendition->format.timescale,
    .earliest_time = (guint64) MAX (first->time, 0),
    .distance = first->offset - file->header_bytes - size,
    .references = (const MillBmffReference *) list->data,
    .n_references = list->len,
  };
  if (!mill_bmff_index_write (&writer, &index, error))
    return NULL;
  file->index_bytes = size;
  put_free_head (&writer, INDEX_ROOM - size);
  return mill_bmff_writer_steal_bytes (&writer);
}

gboolean
mill_cmaf_single_finish (MillCmafPublisher *self, MillStoreJob *job,
    GError **error)
{
  for (guint i = 0; i < self->state->renditions->len; i++) {
    MillCmafRendition *rendition = mill_cmaf_publisher_rendition (self, i);
    MillCmafOutput *output = mill_cmaf_publisher_output (self, i);
    if (output->object != NULL)
      mill_store_job_close (job, output->object);
    g_clear_pointer (&output->object, mill_store_object_unref);
    for (guint k = 0; rendition->files != NULL && k < rendition->files->len;
         k++) {
      MillCmafFile *file = &g_array_index (rendition->files, MillCmafFile, k);
      GError *failure = NULL;
      g_autoptr (GBytes) index = make_index (self, rendition, file, &failure);
      g_autofree gchar *name =
          mill_cmaf_manifest_name_file (rendition->name, file->generation);
      if (failure != NULL) {
        g_propagate_prefixed_error (error, failure, "%s: ", name);
        return FALSE;
      }
      if (index != NULL)
        mill_store_job_patch (job, name, file->header_bytes, index);
    }
  }
  return TRUE;
}
