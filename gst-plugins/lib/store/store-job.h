/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "store/store.h"

G_BEGIN_DECLS

/*
 * A row of steps that are carried out in order, up to the first that fails. A
 * job holds references to what it names. No I/O but where said; one thread at
 * a time.
 */
typedef struct _MillStoreJob MillStoreJob;

/**
 * MillStoreJobDone:
 * @error: (nullable): of the first step that failed; the steps after it were
 *   not carried out
 *
 * Called exactly once for every job that submit() accepted: on the writer
 * thread, or inside submit() when inline. Must not wait, and must not call
 * mill_store_writer_flush(); it may submit.
 */
typedef void (*MillStoreJobDone) (const GError *error, gpointer user_data);

/** Returns: (transfer full) */
MillStoreJob *mill_store_job_new (void);
void mill_store_job_free (MillStoreJob *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStoreJob, mill_store_job_free)

/** @chunk: (transfer full) */
void mill_store_job_append (MillStoreJob *self, MillStoreObject *object,
    MillStoreChunk *chunk);
void mill_store_job_close (MillStoreJob *self, MillStoreObject *object);
void mill_store_job_put (MillStoreJob *self, const gchar *name,
    GBytes *content);
/** @pieces: (element-type GBytes): see mill_store_put_pieces() */
void mill_store_job_put_pieces (MillStoreJob *self, const gchar *name,
    GPtrArray *pieces);
/** See mill_store_patch(). */
void mill_store_job_patch (MillStoreJob *self, const gchar *name,
    guint64 offset, GBytes *content);
void mill_store_job_remove (MillStoreJob *self, const gchar *name);
/** See mill_store_measure(). */
void mill_store_job_measure (MillStoreJob *self);
/** The steps after it are carried out only while @lease is held: else the job
 * fails with LOST. It may be freed (given up) with jobs under way. */
void mill_store_job_require_lease (MillStoreJob *self, MillStoreLease *lease);
void mill_store_job_write_lease (MillStoreJob *self, MillStoreLease *lease,
    GBytes *content);

/** See mill_store_lease_append(). */
void mill_store_job_append_lease (MillStoreJob *self, MillStoreLease *lease,
    GBytes *content);

/** @destroy: (nullable): frees @user_data after @done, or with a job that was
 * refused */
void mill_store_job_on_done (MillStoreJob *self, MillStoreJobDone done,
    gpointer user_data, GDestroyNotify destroy);

/** @trouble: called with what mill_store_job_on_done() has as user_data, before
 * that and as it is, when a remote store does not get the job done at once, once
 * per trouble: it is tried again. */
void mill_store_job_on_trouble (MillStoreJob *self, MillStoreJobDone trouble);

/** The job is taken even by a full queue: for the few at the end of a stream
 * (ENDLIST), never for media. */
void mill_store_job_set_essential (MillStoreJob *self);

G_END_DECLS
