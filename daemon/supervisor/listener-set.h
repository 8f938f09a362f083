/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "process.h"

G_BEGIN_DECLS

/**
 * MillListenerSet: the listeners that a process is to have, in the order in
 * which they are opened, and where they are: an address that was bound once is
 * asked for again after the process was started anew.
 *
 * Threads: main loop.
 */
typedef struct _MillListenerSet MillListenerSet;

/* @error: (nullable): the listener that could not be opened; those before it
 * are */
typedef void (*MillListenerSetFunc) (const GError *error, gpointer user_data);

MillListenerSet *mill_listener_set_new (MillListenerSetFunc opened,
    gpointer user_data);
/* No call comes after this. */
void mill_listener_set_free (MillListenerSet *self);

/* @kind: "rtmp", "rtmps", "origin"; @address: (nullable): none of this kind */
void mill_listener_set_add (MillListenerSet *self, const gchar *kind,
    const gchar *address);

/* Where @kind is to be from now on, as if it had been there before; with
 * @joins, beside other processes that have the address. */
void mill_listener_set_move (MillListenerSet *self, const gchar *kind,
    const gchar *address, gboolean joins);

/* The PEM files that rtmps is opened with. */
void mill_listener_set_set_tls (MillListenerSet *self, const gchar *certificate,
    const gchar *key);

/* Bounds on connections that do not publish, that a worker gets before its
 * listeners are opened.
 * Returns: whether they were others */
gboolean mill_listener_set_set_bounds (MillListenerSet *self,
    const MillWorkerBounds *bounds);

/* Asks @process, which is connected, for all of them; those that are open
 * already stay as they are. A call under way is forgotten. */
void mill_listener_set_open (MillListenerSet *self, MillProcess *process);

/* The process is gone: what was asked of it is forgotten. */
void mill_listener_set_abandon (MillListenerSet *self);

/* Has @process load the PEM files anew, and logs what comes of it. Does nothing
 * without rtmps. */
void mill_listener_set_reload_tls (MillListenerSet *self, MillProcess *process);

/* Has @process apply the bounds to what is open, and logs what comes of it. */
void mill_listener_set_reload_bounds (MillListenerSet *self,
    MillProcess *process);

/* Returns: (transfer none) (nullable): NULL before it was open */
const gchar *mill_listener_set_get_bound (MillListenerSet *self,
    const gchar *kind);

G_END_DECLS
