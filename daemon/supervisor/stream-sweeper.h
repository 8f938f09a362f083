/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "stream-registry.h"

G_BEGIN_DECLS

/** MillStreamSweeper: forgets streams that nobody declared, when the worker has
 * removed their directory; removes the directory of those whose worker died. */
typedef struct _MillStreamSweeper MillStreamSweeper;

MillStreamSweeper *mill_stream_sweeper_new (MillStreamRegistry *registry,
    const gchar *media_dir);
void mill_stream_sweeper_free (MillStreamSweeper *sweeper);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStreamSweeper, mill_stream_sweeper_free)

G_END_DECLS
