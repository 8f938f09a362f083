/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store/store-job.h"

#include "store/store-private.h"

typedef enum
{
  STEP_APPEND,
  STEP_CLOSE,
  STEP_PUT,
  STEP_REMOVE,
  STEP_REQUIRE_LEASE,
  STEP_WRITE_LEASE,
  STEP_APPEND_LEASE,
  STEP_PATCH,
  STEP_MEASURE,
} StepKind;

typedef struct
{
  StepKind kind;
  MillStoreObject *object;
  MillStoreChunk *chunk;
  gchar *name;
  GPtrArray *pieces;
  GBytes *content;
  MillStoreLease *lease;
  guint64 offset;
} Step;

struct _MillStoreJob
{
  GArray *steps;
  gsize size;
  gboolean is_essential;
  MillStoreJobDone done;
  MillStoreJobDone trouble;
  gpointer user_data;
  GDestroyNotify destroy;
};

static void
clear_step (Step *step)
{
  g_clear_pointer (&step->object, mill_store_object_unref);
  g_clear_pointer (&step->chunk, mill_store_chunk_free);
  g_clear_pointer (&step->name, g_free);
  g_clear_pointer (&step->pieces, g_ptr_array_unref);
  g_clear_pointer (&step->content, g_bytes_unref);
  g_clear_pointer (&step->lease, mill_store_lease_unref);
}

MillStoreJob *
mill_store_job_new (void)
{
  MillStoreJob *self = g_new0 (MillStoreJob, 1);

  self->steps = g_array_sized_new (FALSE, TRUE, sizeof (Step), 4);
  g_array_set_clear_func (self->steps, (GDestroyNotify) clear_step);
  return self;
}

void
mill_store_job_free (MillStoreJob *self)
{
  if (self->destroy != NULL)
    self->destroy (self->user_data);
  g_array_unref (self->steps);
  g_free (self);
}

void
mill_store_job_append (MillStoreJob *self, MillStoreObject *object,
    MillStoreChunk *chunk)
{
  Step step = {
    .kind = STEP_APPEND,
    .object = mill_store_object_ref (object),
    .chunk = chunk,
  };

  self->size += mill_store_chunk_get_size (chunk);
  g_array_append_val (self->steps, step);
}

void
mill_store_job_close (MillStoreJob *self, MillStoreObject *object)
{
  Step step = { .kind = STEP_CLOSE, .object = mill_store_object_ref (object) };

  g_array_append_val (self->steps, step);
}

void
mill_store_job_put (MillStoreJob *self, const gchar *name, GBytes *content)
{
  g_autoptr (GPtrArray) pieces = mill_store_wrap (content);

  mill_store_job_put_pieces (self, name, pieces);
}

void
mill_store_job_put_pieces (MillStoreJob *self, const gchar *name,
    GPtrArray *pieces)
{
  Step step = {
    .kind = STEP_PUT,
    .name = g_strdup (name),
    .pieces = g_ptr_array_ref (pieces),
  };

  for (guint i = 0; i < pieces->len; i++)
    self->size += g_bytes_get_size (pieces->pdata[i]);
  g_array_append_val (self->steps, step);
}

void
mill_store_job_patch (MillStoreJob *self, const gchar *name, guint64 offset,
    GBytes *content)
{
  Step step = {
    .kind = STEP_PATCH,
    .name = g_strdup (name),
    .content = g_bytes_ref (content),
    .offset = offset,
  };

  self->size += g_bytes_get_size (content);
  g_array_append_val (self->steps, step);
}

void
mill_store_job_remove (MillStoreJob *self, const gchar *name)
{
  Step step = { .kind = STEP_REMOVE, .name = g_strdup (name) };

  g_array_append_val (self->steps, step);
}

void
mill_store_job_measure (MillStoreJob *self)
{
  Step step = { .kind = STEP_MEASURE };

  g_array_append_val (self->steps, step);
}

void
mill_store_job_require_lease (MillStoreJob *self, MillStoreLease *lease)
{
  Step step = {
    .kind = STEP_REQUIRE_LEASE,
    .lease = mill_store_lease_ref (lease),
  };

  g_array_append_val (self->steps, step);
}

static void
add_lease_step (MillStoreJob *self, StepKind kind, MillStoreLease *lease,
    GBytes *content)
{
  Step step = {
    .kind = kind,
    .lease = mill_store_lease_ref (lease),
    .content = g_bytes_ref (content),
  };

  self->size += g_bytes_get_size (content);
  g_array_append_val (self->steps, step);
}

void
mill_store_job_write_lease (MillStoreJob *self, MillStoreLease *lease,
    GBytes *content)
{
  add_lease_step (self, STEP_WRITE_LEASE, lease, content);
}

void
mill_store_job_append_lease (MillStoreJob *self, MillStoreLease *lease,
    GBytes *content)
{
  add_lease_step (self, STEP_APPEND_LEASE, lease, content);
}

void
mill_store_job_on_done (MillStoreJob *self, MillStoreJobDone done,
    gpointer user_data, GDestroyNotify destroy)
{
  g_return_if_fail (self->done == NULL);

  self->done = done;
  self->user_data = user_data;
  self->destroy = destroy;
}

void
mill_store_job_on_trouble (MillStoreJob *self, MillStoreJobDone trouble)
{
  self->trouble = trouble;
}

void
mill_store_job_set_essential (MillStoreJob *self)
{
  self->is_essential = TRUE;
}

gboolean
mill_store_job_is_essential (MillStoreJob *self)
{
  return self->is_essential;
}

gsize
mill_store_job_get_size (MillStoreJob *self)
{
  return self->size;
}

static gboolean
require_lease (MillStoreLease *lease, MillStore *store, GError **error)
{
  if (!mill_store_lease_is_lost (lease))
    return TRUE;
  g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_LOST,
      "writing to '%s': another packager has taken over, or it was removed",
      mill_store_get_location (store));
  return FALSE;
}

static gboolean
run_step (const Step *step, MillStore *store, GError **error)
{
  switch (step->kind) {
    case STEP_APPEND:
      return mill_store_object_append (step->object, step->chunk, error);
    case STEP_CLOSE:
      return mill_store_object_close (step->object, error);
    case STEP_PUT:
      return mill_store_put_pieces (store, step->name, step->pieces, error);
    case STEP_PATCH:
      return mill_store_patch (store, step->name, step->offset, step->content,
          error);
    case STEP_REMOVE:
      return mill_store_remove (store, step->name, error);
    case STEP_MEASURE:
      mill_store_measure (store);
      return TRUE;
    case STEP_REQUIRE_LEASE:
      return require_lease (step->lease, store, error);
    case STEP_WRITE_LEASE:
      return mill_store_lease_write (step->lease, step->content, error);
    case STEP_APPEND_LEASE:
      return mill_store_lease_append (step->lease, step->content, error);
  }
  g_return_val_if_reached (FALSE);
}

gboolean
mill_store_job_run (MillStoreJob *self, MillStore *store, GError **error)
{
  for (guint i = 0; i < self->steps->len; i++) {
    if (!run_step (&g_array_index (self->steps, Step, i), store, error))
      return FALSE;
  }
  return TRUE;
}

void
mill_store_job_trouble (MillStoreJob *self, const GError *error)
{
  if (self->trouble != NULL)
    self->trouble (error, self->user_data);
}

void
mill_store_job_finish (MillStoreJob *self, const GError *error)
{
  if (self->done != NULL)
    self->done (error, self->user_data);
}
