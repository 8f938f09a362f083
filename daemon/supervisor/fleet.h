/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "config.h"
#include "event-log.h"
#include "process.h"

G_BEGIN_DECLS

/**
 * MillFleet: the processes of this node: the shared worker and the origin,
 * which it finds or starts, connects to, opens the listeners of, and starts
 * again when they go; and isolated workers, which it only keeps: who asks for
 * one says when it runs.
 *
 * Signals:
 *   "worker-up"   (MillWorkerProxy *worker)   the shared one is connected; in
 *                 the callback that delivers it
 *   "worker-down" (const gchar *reason)
 *   "up"          ()   worker and origin serve their listeners, first time
 *   "failed"      (const GError *error)   the first start did not succeed
 *   "empty"       ()   after mill_fleet_drain(): all are gone, or time is up
 */
#define MILL_TYPE_FLEET (mill_fleet_get_type ())
G_DECLARE_FINAL_TYPE (MillFleet, mill_fleet, MILL, FLEET, GObject)

/* @events: gets what happens to processes */
MillFleet *mill_fleet_new (const MillConfig *config, MillEventLog *events);
void mill_fleet_start (MillFleet *fleet);

/* Tells all to end when they have nothing left to do. */
void mill_fleet_drain (MillFleet *fleet, guint timeout_ms);

/* The certificate of @config, loaded anew, for publishers to come. */
void mill_fleet_reload_tls (MillFleet *fleet, const MillConfig *config);

/* The bounds of @config on connections that do not publish. */
void mill_fleet_reload_bounds (MillFleet *fleet, const MillConfig *config);

/* Lets go of all, which run on. */
void mill_fleet_leave (MillFleet *fleet);

/* Worker and origin serve just now. */
gboolean mill_fleet_is_up (MillFleet *fleet);

/* The shared worker was found running when the fleet started: its streams are
 * those of a millraced before this one. */
gboolean mill_fleet_adopts (MillFleet *fleet);

/* Addresses bound; NULL when not (yet) listening, or not asked to.
 * Returns: (transfer none) (nullable) */
const gchar *mill_fleet_get_rtmp_address (MillFleet *fleet);
const gchar *mill_fleet_get_rtmps_address (MillFleet *fleet);
const gchar *mill_fleet_get_origin_address (MillFleet *fleet);

/* Every process that there is or should be, by id.
 * Returns: (transfer container) (element-type MillProcess) */
GPtrArray *mill_fleet_list (MillFleet *fleet);

/* The isolated worker @id, to be launched by the caller; one that is ending
 * is the same until it has.
 * Returns: (transfer none) */
MillProcess *mill_fleet_take_isolated (MillFleet *fleet, const gchar *id);

/* Ends the isolated workers that a millraced before this one left and nobody
 * has taken. */
void mill_fleet_end_strangers (MillFleet *fleet);

/* How often processes had to be started again. */
guint mill_fleet_get_restarts (MillFleet *fleet);
void mill_fleet_count_restart (MillFleet *fleet);

G_END_DECLS
