/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

gboolean mill_stream_directory_exists (const gchar *media_dir,
    const gchar *stream);

/* Takes {media_dir}/{stream} away at once (by rename) and removes what was in
 * it in a thread. Symbolic links are removed, not followed. Nothing is
 * reported but to the log: there is nobody left who asked. */
void mill_stream_directory_remove (const gchar *media_dir, const gchar *stream);

G_END_DECLS
