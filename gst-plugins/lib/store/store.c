/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "store/store.h"

#include <string.h>

#include "store/store-private.h"

/* Memories that one append maps without allocating: a two-second segment of
 * 60 frames/s is 120 samples and a header. */
#define STACK_VECTORS 160

G_DEFINE_QUARK (mill_store_error, mill_store_error)

struct _MillStoreObject
{
  gint n_refs; /* atomic */
  MillStore *store;
  gchar *name;
  MillStoreMode mode;

  gpointer handle; /* NULL until the first append */
  guint64 size; /* atomic */
  gboolean is_closed;
  GError *failure; /* the first one; there are no appends after it */
};

struct _MillStoreLease
{
  gint n_refs; /* atomic */
  MillStore *store;
  gchar *name;

  GMutex lock; /* guards what follows; held over I/O, so never wait for it
                  where the disk may not be waited for */
  gpointer handle; /* NULL once released */
  GBytes *content;
  gboolean has_hole; /* an append has failed */
};

/* ---- names ---- */

static gboolean
is_component (const gchar *start, gsize length)
{
  if (length == 0 || length > 255)
    return FALSE;
  if (start[0] == '.' && (length == 1 || (length == 2 && start[1] == '.')))
    return FALSE;
  for (gsize i = 0; i < length; i++) {
    if (g_ascii_iscntrl (start[i]) || start[i] == '\\')
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_name (const gchar *name)
{
  const gchar *at = name;
  const gchar *slash;

  while ((slash = strchr (at, '/')) != NULL) {
    if (!is_component (at, slash - at))
      return FALSE;
    at = slash + 1;
  }
  return is_component (at, strlen (at));
}

static gboolean
check_name (const gchar *name, GError **error)
{
  g_autofree gchar *shown = NULL;

  if (is_name (name))
    return TRUE;
  shown = g_strescape (name, NULL);
  g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_NAME,
      "object name '%s': got an empty, absolute or escaping path, expected "
      "components that are neither '.' nor '..'",
      shown);
  return FALSE;
}

/* ---- the store ---- */

MillStore *
mill_store_ref (MillStore *self)
{
  g_atomic_int_inc (&self->n_refs);
  return self;
}

void
mill_store_unref (MillStore *self)
{
  if (g_atomic_int_dec_and_test (&self->n_refs))
    self->klass->finalize (self);
}

const gchar *
mill_store_get_location (MillStore *self)
{
  return self->location;
}

gboolean
mill_store_is_memory (MillStore *self)
{
  return self->is_memory;
}

gboolean
mill_store_is_remote (MillStore *self)
{
  return self->klass->settle != NULL;
}

void
mill_store_measure (MillStore *self)
{
  guint64 free_bytes;
  guint64 total_bytes;

  if (self->klass->measure == NULL ||
      !self->klass->measure (self, &free_bytes, &total_bytes))
    return;
  __atomic_store_n (&self->free_bytes, free_bytes, __ATOMIC_RELAXED);
  __atomic_store_n (&self->total_bytes, total_bytes, __ATOMIC_RELEASE);
}

gboolean
mill_store_get_room (MillStore *self, guint64 *ret_free, guint64 *ret_total)
{
  guint64 total_bytes = __atomic_load_n (&self->total_bytes, __ATOMIC_ACQUIRE);

  if (total_bytes == 0)
    return FALSE;
  *ret_free = __atomic_load_n (&self->free_bytes, __ATOMIC_RELAXED);
  *ret_total = total_bytes;
  return TRUE;
}

gboolean
mill_store_get_stats (MillStore *self, MillStoreStats *ret_stats)
{
  if (self->klass->get_stats == NULL)
    return FALSE;
  self->klass->get_stats (self, ret_stats);
  return TRUE;
}

void
mill_store_withdraw (MillStore *self)
{
  if (self->klass->withdraw != NULL)
    self->klass->withdraw (self);
}

void
mill_store_abandon (MillStore *self)
{
  if (self->klass->abandon != NULL)
    self->klass->abandon (self);
}

GPtrArray *
mill_store_wrap (GBytes *content)
{
  GPtrArray *pieces = g_ptr_array_new_full (1, (GDestroyNotify) g_bytes_unref);

  g_ptr_array_add (pieces, g_bytes_ref (content));
  return pieces;
}

gboolean
mill_store_put (MillStore *self, const gchar *name, GBytes *content,
    GError **error)
{
  g_autoptr (GPtrArray) pieces = mill_store_wrap (content);

  return mill_store_put_pieces (self, name, pieces, error);
}

gboolean
mill_store_put_pieces (MillStore *self, const gchar *name, GPtrArray *pieces,
    GError **error)
{
  return check_name (name, error) &&
      self->klass->put (self, name, pieces, error);
}

gboolean
mill_store_can_patch (MillStore *self)
{
  return self->klass->patch != NULL;
}

gboolean
mill_store_patch (MillStore *self, const gchar *name, guint64 offset,
    GBytes *content, GError **error)
{
  g_return_val_if_fail (self->klass->patch != NULL, FALSE);

  return check_name (name, error) &&
      self->klass->patch (self, name, offset, content, error);
}

GBytes *
mill_store_get (MillStore *self, const gchar *name, gsize max_bytes,
    GError **error)
{
  if (!check_name (name, error))
    return NULL;
  return self->klass->get (self, name, max_bytes, error);
}

gboolean
mill_store_stat (MillStore *self, const gchar *name, guint64 *ret_size,
    GError **error)
{
  return check_name (name, error) &&
      self->klass->stat (self, name, ret_size, error);
}

gboolean
mill_store_remove (MillStore *self, const gchar *name, GError **error)
{
  return check_name (name, error) && self->klass->remove (self, name, error);
}

GPtrArray *
mill_store_list (MillStore *self, const gchar *directory, GError **error)
{
  if (directory[0] != '\0' && !check_name (directory, error))
    return NULL;
  return self->klass->list (self, directory, error);
}

/* ---- objects ---- */

MillStoreObject *
mill_store_object_new (MillStore *store, const gchar *name, MillStoreMode mode)
{
  MillStoreObject *self = g_new0 (MillStoreObject, 1);

  self->n_refs = 1;
  self->store = mill_store_ref (store);
  self->name = g_strdup (name);
  self->mode = mode;
  return self;
}

MillStoreObject *
mill_store_object_ref (MillStoreObject *self)
{
  g_atomic_int_inc (&self->n_refs);
  return self;
}

void
mill_store_object_unref (MillStoreObject *self)
{
  if (!g_atomic_int_dec_and_test (&self->n_refs))
    return;
  if (self->handle != NULL && self->store->klass->discard != NULL)
    self->store->klass->discard (self->store, self->handle);
  else if (self->handle != NULL)
    self->store->klass->close (self->store, self->handle, self->name, NULL);
  mill_store_unref (self->store);
  g_clear_error (&self->failure);
  g_free (self->name);
  g_free (self);
}

guint64
mill_store_object_get_size (MillStoreObject *self)
{
  return __atomic_load_n (&self->size, __ATOMIC_RELAXED);
}

static void
set_size (MillStoreObject *self, guint64 size)
{
  __atomic_store_n (&self->size, size, __ATOMIC_RELAXED);
}

static gboolean
open_object (MillStoreObject *self, GError **error)
{
  guint64 size = 0;

  if (self->handle != NULL)
    return TRUE;
  if (!check_name (self->name, error))
    return FALSE;
  self->handle = self->store->klass->open (self->store, self->name, self->mode,
      &size, error);
  if (self->handle != NULL)
    set_size (self, size);
  return self->handle != NULL;
}

/* Maps as many memories of @chunk as can be; the rest is an error, because
 * bytes that cannot be read cannot be written. */
static guint
map_chunk (const MillStoreChunk *chunk, GstMapInfo *maps, struct iovec *vectors)
{
  guint n = mill_store_chunk_get_n_memories (chunk);

  for (guint i = 0; i < n; i++) {
    if (!gst_memory_map (mill_store_chunk_peek (chunk, i), &maps[i],
            GST_MAP_READ))
      return i;
    vectors[i].iov_base = maps[i].data;
    vectors[i].iov_len = maps[i].size;
  }
  return n;
}

static gboolean
append_mapped (MillStoreObject *self, const MillStoreChunk *chunk,
    GstMapInfo *maps, struct iovec *vectors, GError **error)
{
  guint n = mill_store_chunk_get_n_memories (chunk);
  guint n_mapped = map_chunk (chunk, maps, vectors);
  gboolean done = FALSE;

  if (n_mapped == n)
    done = self->store->klass->append (self->store, self->handle, self->name,
        mill_store_object_get_size (self), vectors, n, error);
  else
    g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_FAILED,
        "appending to '%s': memory %u of %u cannot be mapped", self->name,
        n_mapped, n);
  for (guint i = 0; i < n_mapped; i++)
    gst_memory_unmap (mill_store_chunk_peek (chunk, i), &maps[i]);
  return done;
}

static gboolean
append_chunk (MillStoreObject *self, const MillStoreChunk *chunk,
    GError **error)
{
  guint n = mill_store_chunk_get_n_memories (chunk);
  GstMapInfo stack_maps[STACK_VECTORS];
  struct iovec stack_vectors[STACK_VECTORS];
  g_autofree GstMapInfo *heap_maps = NULL;
  g_autofree struct iovec *heap_vectors = NULL;

  if (n <= STACK_VECTORS)
    return append_mapped (self, chunk, stack_maps, stack_vectors, error);
  heap_maps = g_new (GstMapInfo, n);
  heap_vectors = g_new (struct iovec, n);
  return append_mapped (self, chunk, heap_maps, heap_vectors, error);
}

gboolean
mill_store_object_append (MillStoreObject *self, const MillStoreChunk *chunk,
    GError **error)
{
  if (self->failure == NULL && self->is_closed)
    g_set_error (&self->failure, MILL_STORE_ERROR, MILL_STORE_ERROR_FAILED,
        "appending to '%s': it is closed", self->name);
  if (self->failure == NULL && open_object (self, &self->failure) &&
      append_chunk (self, chunk, &self->failure)) {
    set_size (self,
        mill_store_object_get_size (self) + mill_store_chunk_get_size (chunk));
    return TRUE;
  }
  if (error != NULL)
    *error = g_error_copy (self->failure);
  return FALSE;
}

gboolean
mill_store_object_close (MillStoreObject *self, GError **error)
{
  gpointer handle = g_steal_pointer (&self->handle);

  self->is_closed = TRUE;
  return handle == NULL ||
      self->store->klass->close (self->store, handle, self->name, error);
}

/* ---- leases ---- */

MillStoreLease *
mill_store_take (MillStore *self, const gchar *name, MillStoreTake how,
    GError **error)
{
  MillStoreLease *lease;
  GBytes *content = NULL;
  gpointer handle;

  if (!check_name (name, error))
    return NULL;
  handle = self->klass->take (self, name, how, &content, error);
  if (handle == NULL)
    return NULL;
  lease = g_new0 (MillStoreLease, 1);
  lease->n_refs = 1;
  lease->store = mill_store_ref (self);
  lease->name = g_strdup (name);
  lease->handle = handle;
  lease->content = content;
  g_mutex_init (&lease->lock);
  return lease;
}

MillStoreLease *
mill_store_lease_ref (MillStoreLease *self)
{
  g_atomic_int_inc (&self->n_refs);
  return self;
}

void
mill_store_lease_unref (MillStoreLease *self)
{
  if (!g_atomic_int_dec_and_test (&self->n_refs))
    return;
  if (self->handle != NULL)
    self->store->klass->release (self->store, self->handle);
  mill_store_unref (self->store);
  g_bytes_unref (self->content);
  g_mutex_clear (&self->lock);
  g_free (self->name);
  g_free (self);
}

void
mill_store_lease_free (MillStoreLease *self)
{
  gpointer handle;

  g_mutex_lock (&self->lock);
  handle = g_steal_pointer (&self->handle);
  g_mutex_unlock (&self->lock);
  if (handle != NULL)
    self->store->klass->release (self->store, handle);
  mill_store_lease_unref (self);
}

GBytes *
mill_store_lease_dup_content (MillStoreLease *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return g_bytes_ref (self->content);
}

gboolean
mill_store_lease_write (MillStoreLease *self, GBytes *content, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->handle == NULL) {
    g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_LOST,
        "writing '%s': the lease was given up", self->name);
    return FALSE;
  }
  if (!self->store->klass->write_taken (self->store, self->handle, self->name,
          content, error))
    return FALSE;
  g_bytes_unref (self->content);
  self->content = g_bytes_ref (content);
  self->has_hole = FALSE;
  return TRUE;
}

gboolean
mill_store_lease_can_append (MillStoreLease *self)
{
  return self->store->klass->append_taken != NULL;
}

gboolean
mill_store_lease_append (MillStoreLease *self, GBytes *content, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  if (self->handle == NULL) {
    g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_LOST,
        "adding to '%s': the lease was given up", self->name);
    return FALSE;
  }
  if (self->has_hole) {
    g_set_error (error, MILL_STORE_ERROR, MILL_STORE_ERROR_FAILED,
        "adding to '%s': something before it is missing", self->name);
    return FALSE;
  }
  self->has_hole = !self->store->klass->append_taken (self->store, self->handle,
      self->name, content, error);
  return !self->has_hole;
}

gboolean
mill_store_lease_is_lost (MillStoreLease *self)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&self->lock);

  return self->handle == NULL ||
      !self->store->klass->is_taken (self->store, self->handle, self->name);
}
