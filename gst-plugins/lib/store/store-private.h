/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <sys/uio.h>

#include "store/store-job.h"
#include "store/store.h"

G_BEGIN_DECLS

/*
 * What a kind of store implements. Names have been checked; every function may
 * block, and is called from several threads at once. Handles are opaque here.
 */

/* @error: (nullable): of the first operation that failed */
typedef void (*MillStoreSettled) (const GError *error, gpointer user_data);

typedef struct
{
  void (*finalize) (MillStore *self);
  /* @pieces: (element-type GBytes): of the content, in order */
  gboolean (*put) (MillStore *self, const gchar *name, GPtrArray *pieces,
      GError **error);
  /* (nullable): over what is there, all of it inside of the object */
  gboolean (*patch) (MillStore *self, const gchar *name, guint64 offset,
      GBytes *content, GError **error);
  GBytes *(*get) (MillStore *self, const gchar *name, gsize max_bytes,
      GError **error);
  gboolean (*stat) (MillStore *self, const gchar *name, guint64 *ret_size,
      GError **error);
  gboolean (*remove) (MillStore *self, const gchar *name, GError **error);
  GPtrArray *(*list) (MillStore *self, const gchar *directory, GError **error);

  /* @ret_size: what is in the object already */
  gpointer (*open) (MillStore *self, const gchar *name, MillStoreMode mode,
      guint64 *ret_size, GError **error);
  /* At @offset, the end: all of it, or cut back to @offset. */
  gboolean (*append) (MillStore *self, gpointer handle, const gchar *name,
      guint64 offset, struct iovec *vectors, guint n_vectors, GError **error);
  gboolean (*close) (MillStore *self, gpointer handle, const gchar *name,
      GError **error);

  gpointer (*take) (MillStore *self, const gchar *name, MillStoreTake how,
      GBytes **ret_content, GError **error);
  gboolean (*write_taken) (MillStore *self, gpointer handle, const gchar *name,
      GBytes *content, GError **error);
  /* (nullable): adds to what is there, or leaves it as it was */
  gboolean (*append_taken) (MillStore *self, gpointer handle, const gchar *name,
      GBytes *content, GError **error);
  gboolean (*is_taken) (MillStore *self, gpointer handle, const gchar *name);
  void (*release) (MillStore *self, gpointer handle);

  /* (nullable): looks how much room there is */
  gboolean (*measure) (MillStore *self, guint64 *ret_free, guint64 *ret_total);

  /* (nullable): the place goes with what was made for it, when it is empty */
  void (*withdraw) (MillStore *self);

  /* Of remote stores only, NULL else. What was begun since the last call, by
   * the one thread that writes, may be under way still: @func is called once
   * when all of it is done, on any thread, maybe before this returns.
   * @troubled: called before, once per trouble, when the server does not take it
   * for a while; it is tried again. */
  void (*settle) (MillStore *self, MillStoreSettled func,
      MillStoreSettled troubled, gpointer user_data);
  /* An object that is not to be, half written. */
  void (*discard) (MillStore *self, gpointer handle);
  /* What is under way fails now. */
  void (*abandon) (MillStore *self);
  void (*get_stats) (MillStore *self, MillStoreStats *ret_stats);
} MillStoreClass;

struct _MillStore
{
  const MillStoreClass *klass;
  gint n_refs; /* atomic */
  gchar *location;
  gboolean is_memory;
  guint64 free_bytes, total_bytes; /* atomic; total is 0: not measured */
};

/* Returns: (transfer full) (element-type GBytes): @content as one piece */
GPtrArray *mill_store_wrap (GBytes *content);

/* References to a lease outlive its release: jobs hold them. */
MillStoreLease *mill_store_lease_ref (MillStoreLease *self);
void mill_store_lease_unref (MillStoreLease *self);

/* Carries the steps out. */
gboolean mill_store_job_run (MillStoreJob *self, MillStore *store,
    GError **error);
/* Calls what mill_store_job_on_trouble() was told. */
void mill_store_job_trouble (MillStoreJob *self, const GError *error);
/* Calls the MillStoreJobDone. */
void mill_store_job_finish (MillStoreJob *self, const GError *error);
gsize mill_store_job_get_size (MillStoreJob *self);
gboolean mill_store_job_is_essential (MillStoreJob *self);

G_END_DECLS
