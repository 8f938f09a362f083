/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "record-take.h"

G_BEGIN_DECLS

/*
 * Files that have ended become whole, each by a thread of its own: it may take as
 * long as copying the file, which no frame waits for.
 *
 * Threads: any; one lock inside, for the list of threads.
 */
typedef struct _MillRecordFinish MillRecordFinish;

/**
 * MillRecordFinished:
 * @path: (nullable): where the file is; NULL with @error
 * @warning: (nullable): why the index of an MP4 stays at the end
 * @error: (nullable): why it is not whole
 *
 * Told by the file's thread, without a lock; @owner and @take live meanwhile.
 */
typedef void (*MillRecordFinished) (gpointer owner, const MillRecordTake *take,
    const gchar *path, const GError *warning, const GError *error);

/** @owner: not held: outlives the last thread, see mill_record_finish_wait()
 * Returns: (transfer full) */
MillRecordFinish *mill_record_finish_new (MillRecordFinished func,
    gpointer owner);

/** After mill_record_finish_wait(). */
void mill_record_finish_free (MillRecordFinish *self);

/** @take: (transfer full). @faststart: see mill_record_take_finish() */
void mill_record_finish_begin (MillRecordFinish *self, MillRecordTake *take,
    gboolean faststart);

/** Waits for all threads that were begun; not under a lock that @func takes. */
void mill_record_finish_wait (MillRecordFinish *self);

G_END_DECLS
