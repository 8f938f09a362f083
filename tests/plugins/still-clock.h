/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

/* A monotonic clock that only the test moves, for the elements and GStreamer:
 * what they decide by time they decide alike on a machine of any load. GLib
 * itself, its main loops and queues go by the real one. The program that has it
 * is linked with export_dynamic. */

void still_clock_stop (void);

/* On from where it stands. */
void still_clock_go (void);

/* By @us. Whoever waits for a moment that is past then has been woken, has done
 * what it had to, and waits again, when this returns. */
void still_clock_move (gint64 us);
