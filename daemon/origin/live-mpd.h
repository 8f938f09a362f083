/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/origin/live-stream.h"

G_BEGIN_DECLS

/* The low-latency MPDs of the streams that are asked for, each made once per
 * version of the plain one, and once more where the stream stands: when nothing was
 * told of it for as long as players are behind, or what comes is of another Period.
 * That lasts until the packager writes the next version. Main thread. */
typedef struct _MillLiveMpds MillLiveMpds;

/** What MPDs name: the clock of this server, beside them. */
#define MILL_LIVE_MPD_CLOCK "time"

/** Returns: (transfer full) */
MillLiveMpds *mill_live_mpd_new (void);
void mill_live_mpd_free (MillLiveMpds *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillLiveMpds, mill_live_mpd_free)

/**
 * mill_live_mpd_get:
 * @plain: the MPD that the packager wrote
 * @version: of @plain, for one that was made before
 * @ret_version: (transfer none): of what is returned
 *
 * Returns: (transfer none)(nullable): until the next call; NULL where @plain is
 * what there is, because the stream has ended, or its segments do not fit
 */
GBytes *mill_live_mpd_get (MillLiveMpds *self, MillLiveStream *stream,
    GBytes *plain, const gchar *version, const gchar **ret_version);

G_END_DECLS
