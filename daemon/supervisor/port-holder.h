/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * mill_port_holder_find:
 * @address: HOST:PORT of a listener that another program has
 *
 * Who listens there, as far as the kernel lets us see: processes of other
 * users only for root. Reads /proc; main thread, when a start has failed.
 *
 * Returns: (transfer full)(nullable): "nginx (process 1234)"
 */
gchar *mill_port_holder_find (const gchar *address);

G_END_DECLS
