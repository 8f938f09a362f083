/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cli.h"

G_BEGIN_DECLS

/*
 * SIGINT and SIGTERM of a verb that runs until its end: the first asks for an
 * end in good order, for which there is a deadline while nothing is written; a
 * second, or the deadline, ends the process. That is done by the handlers
 * themselves, so it works whatever the main loop, or an element on the way down,
 * waits for.
 *
 * Threads: main.
 */

/* @on_first: on the main loop, at the first signal.
 * @deadline_s: without an end after it, and without anything written */
void mill_end_signals_install (const MillCli *cli, guint deadline_s,
    void (*on_first) (gpointer user_data), gpointer user_data);

/* The end was asked for otherwise: as after a first signal. */
void mill_end_signals_begin (void);

/* The main loop has ended: a signal ends the process from here on. The deadline
 * holds until mill_end_signals_finish(). */
void mill_end_signals_release (void);

/* All is over. */
void mill_end_signals_finish (void);

G_END_DECLS
