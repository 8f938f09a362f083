/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "store/store.h"

G_BEGIN_DECLS

/**
 * mill_store_directory_new:
 * @path: absolute or relative to the working directory; made when missing,
 *   with its parents
 *
 * A store that is a directory of files. Objects are made with mode 0644,
 * directories with 0755, both less the umask.
 *
 * Returns: (transfer full)(nullable)
 */
MillStore *mill_store_directory_new (const gchar *path, GError **error);

G_END_DECLS
