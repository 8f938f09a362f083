/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "store-nodes.h"

G_BEGIN_DECLS

/* This host as a row of the store, seen now.
 * Returns: (transfer full) */
MillNodeRow *mill_node_describe (void);

G_END_DECLS
