/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Messages to the service manager (sd_notify(3)); without libsystemd, or when
 * not started by one, they do nothing. */
void mill_ready_notify (void);
void mill_ready_notify_stopping (void);
void mill_ready_notify_status (const gchar *status);

/* Feeds the service manager's watchdog from the main loop, if it asked for
 * one. Returns: a source id, 0 for none. */
guint mill_ready_start_watchdog (void);

G_END_DECLS
