/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "config.h"
#include "origin-proxy.h"
#include "process-launcher.h"
#include "worker-proxy.h"

G_BEGIN_DECLS

/**
 * MillFleet: the processes of this node: the shared worker and the origin.
 * Finds those that run, starts those that do not, connects to both alike,
 * opens their listeners, and does it again when one goes.
 *
 * Signals:
 *   "worker-up"   (MillWorkerProxy *worker)   connected; in the callback that
 *                 delivers it
 *   "worker-down" (const gchar *reason)
 *   "up"          ()   worker and origin serve their listeners, first time
 *   "failed"      (const GError *error)   the first start did not succeed
 *   "empty"       ()   after mill_fleet_drain(): both are gone, or time is up
 */
#define MILL_TYPE_FLEET (mill_fleet_get_type ())
G_DECLARE_FINAL_TYPE (MillFleet, mill_fleet, MILL, FLEET, GObject)

MillFleet *mill_fleet_new (const MillConfig *config);
void mill_fleet_start (MillFleet *fleet);

/* Tells both to end when they have nothing left to do. */
void mill_fleet_drain (MillFleet *fleet, guint timeout_ms);

/* Lets go of both, which run on. */
void mill_fleet_leave (MillFleet *fleet);

/* Both serve just now. */
gboolean mill_fleet_is_up (MillFleet *fleet);

/* Addresses bound; NULL when not (yet) listening, or not asked to.
 * Returns: (transfer none) (nullable) */
const gchar *mill_fleet_get_rtmp_address (MillFleet *fleet);
const gchar *mill_fleet_get_origin_address (MillFleet *fleet);

/* Returns: (transfer none) (nullable) */
MillWorkerProxy *mill_fleet_get_worker (MillFleet *fleet);
MillOriginProxy *mill_fleet_get_origin (MillFleet *fleet);

/* Cores used lately: 1.0 is one core. */
gdouble mill_fleet_get_worker_cpu (MillFleet *fleet);
gdouble mill_fleet_get_origin_cpu (MillFleet *fleet);

/* How often processes had to be started again. */
guint mill_fleet_get_restarts (MillFleet *fleet);

G_END_DECLS
