/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "admissions.h"
#include "runner.h"

G_BEGIN_DECLS

/* How publishers get in: authentication (publish-gate.h), the decision about
 * their stream (publish.h), and the answer to the worker. */

/* Handler of MillWorkerProxy's "publish-requested"; @user_data: MillRunner */
void mill_runner_publish_take (MillWorkerProxy *worker, guint64 request,
    const MillPublisher *publisher, gpointer user_data);

/* Ends a stream whose publisher may not go on, or sends that away:
 * MillAdmissionsFunc. */
gboolean mill_runner_publish_end (MillStream *stream, const gchar *address,
    MillAdmissionEnd end, const gchar *reason, gpointer user_data);

/* A stream key was changed or deleted: whom it let in may have to go. */
void mill_runner_publish_recheck_key (MillRunner *runner, const gchar *key_id,
    const gchar *app);

/* ---- counters ---- */

guint64 mill_runner_publish_get_requests (MillRunner *runner,
    MillPublishResult result);
/* Refusals: labels ended by NULL, and their counts in the same order. */
const gchar *const *mill_runner_publish_list_reasons (void);
guint64 mill_runner_publish_get_refused (MillRunner *runner,
    const gchar *reason);
guint64 mill_runner_publish_get_ended (MillRunner *runner,
    MillAdmissionEnd end);

G_END_DECLS
