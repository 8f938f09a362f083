/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "publish-verdict.h"
#include "stream-registry.h"
#include "store.h"
#include "worker-proxy.h"

G_BEGIN_DECLS

/** Why a publisher who was let in has to go all the same; the label of its
 * metric. */
typedef enum
{
  MILL_ADMISSION_REVOKED, /* its key was deleted, disabled, rotated, … */
  MILL_ADMISSION_EXPIRED, /* its key or token, and on_expiry is "end" */
  MILL_ADMISSION_DURATION, /* as long as its key allows */
  MILL_ADMISSION_BITRATE, /* more than its key allows */
} MillAdmissionEnd;
#define MILL_ADMISSION_N_ENDS (MILL_ADMISSION_BITRATE + 1)

const gchar *mill_admissions_end_to_string (MillAdmissionEnd end);

/** MillAdmissions: what the publishers of running streams were let in with,
 * and their end when that is over: of the stream, or of the publisher alone
 * when another one of the stream is there. Kept in the store, so that it
 * survives a restart. Main loop only. */
typedef struct _MillAdmissions MillAdmissions;

/* Ends the stream, or sends one of its publishers away.
 * @address: (nullable): of the publisher; NULL: the whole stream
 * @reason: for people
 * Returns: FALSE when nobody can just now; asked again later */
typedef gboolean (*MillAdmissionsFunc) (MillStream *stream,
    const gchar *address, MillAdmissionEnd end, const gchar *reason,
    gpointer user_data);

/* @registry, @store: outlive the admissions */
MillAdmissions *mill_admissions_new (MillStore *store,
    MillStreamRegistry *registry, MillAdmissionsFunc func, gpointer user_data);
void mill_admissions_free (MillAdmissions *admissions);

/* The one that is asked how much a publisher sends. @worker: (nullable) */
void mill_admissions_set_worker (MillAdmissions *admissions,
    MillWorkerProxy *worker);

/* What a publisher was let in with. */
typedef struct
{
  const MillPublishVerdict *verdict;
  const gchar *address;
  gboolean ends_on_expiry;
} MillAdmission;

/* How many seconds whoever is granted this has to wait because he has sent more
 * than he may; 0: he may come in. */
gint64 mill_admissions_get_wait_s (MillAdmissions *admissions,
    const MillPublishVerdict *verdict);

/* @stream: runs by now */
void mill_admissions_add (MillAdmissions *admissions, const MillStream *stream,
    const MillAdmission *admission);

/* The worker has taken the publisher: from now on its reports have it. */
void mill_admissions_confirm (MillAdmissions *admissions, const gchar *stream,
    const gchar *address);
/* It has not. */
void mill_admissions_withdraw (MillAdmissions *admissions, const gchar *stream,
    const gchar *address);

/* Who is there, and who has left. */
void mill_admissions_take_report (MillAdmissions *admissions,
    const MillStreamReport *report);

/* The stream does not run any more. */
void mill_admissions_forget (MillAdmissions *admissions, const gchar *stream);

/* The stream key of that id was changed or deleted.
 * @ends_on_expiry: what its application says now */
void mill_admissions_recheck_key (MillAdmissions *admissions,
    const gchar *key_id, gboolean ends_on_expiry);

guint64 mill_admissions_get_ended (MillAdmissions *admissions,
    MillAdmissionEnd end);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillAdmissions, mill_admissions_free)

G_END_DECLS
