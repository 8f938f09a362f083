/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "ts-lane.h"
#include "ts-packager.h"

G_BEGIN_DECLS

/*
 * The packager's inside, shared by ts-packager (calls, cuts, reports) and
 * ts-publication (what is listed when). Nothing else includes it. Functions that
 * end in _locked expect its lock.
 */
struct _MillTsPackager
{
  MillCmafPublisherOptions options;
  MillCmafReportFunc report;
  GObject *owner; /* not held */

  GMutex lock; /* everything below */
  MillCmafPublisher *publisher;
  MillCmafTimeline *timeline;
  GPtrArray *lanes; /* MillTsLane */
  gboolean has_wall;
  guint64 next_publish;
  gboolean ended;
  gboolean failed;
  GError *trouble; /* of the last write; to be reported */
  gboolean degraded;

  /* Taken under the other one or alone: who writes to a disk that stands still
   * has that. */
  GMutex stats_lock;
  MillTsStats stats;
};

static inline MillTsLane *
mill_ts_packager_get_lane (const MillTsPackager *self, guint i)
{
  return g_ptr_array_index (self->lanes, i);
}

/* ---- ts-publication.c ---- */

/** Lists the segments that all lanes have, or that are waited for no more. */
void mill_ts_publication_run_locked (MillTsPackager *self);

/** The state is known; nothing was listed in this run yet. */
void mill_ts_publication_begin_locked (MillTsPackager *self);

G_END_DECLS
