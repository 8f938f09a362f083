/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "admin-key.h"
#include "fleet.h"
#include "runner.h"
#include "store-nodes.h"

G_BEGIN_DECLS

#define MILL_SUPERVISOR_ERROR (mill_supervisor_error_quark ())
GQuark mill_supervisor_error_quark (void);

/**
 * MillSupervisorError:
 * @MILL_SUPERVISOR_ERROR_DIRECTORY: one of its directories cannot be used
 * @MILL_SUPERVISOR_ERROR_RUNNING: another millraced uses this runtime_dir
 */
typedef enum
{
  MILL_SUPERVISOR_ERROR_DIRECTORY,
  MILL_SUPERVISOR_ERROR_RUNNING,
} MillSupervisorError;

/**
 * MillSupervisor: wires the modules of millraced; what api/ sees of them.
 *
 * Signals:
 *   "ready"    ()                       everything serves, first time
 *   "failed"   (const GError *error)    the start did not succeed
 *   "stopped"  ()                       after mill_supervisor_stop()
 */
#define MILL_TYPE_SUPERVISOR (mill_supervisor_get_type ())
G_DECLARE_FINAL_TYPE (MillSupervisor, mill_supervisor, MILL, SUPERVISOR,
    GObject)

/* Makes the directories, takes the lock of runtime_dir, opens the store.
 * Returns: (transfer full) (nullable) */
MillSupervisor *mill_supervisor_new (MillConfig *config, GError **error);

void mill_supervisor_start (MillSupervisor *supervisor);

typedef enum
{
  MILL_SUPERVISOR_DRAIN, /* streams end by EOS, then the processes */
  MILL_SUPERVISOR_LEAVE, /* processes and streams run on for a successor */
} MillSupervisorStop;

/* "stopped" follows, within a bound. A second call changes nothing. */
void mill_supervisor_stop (MillSupervisor *supervisor, MillSupervisorStop how);

/* Takes over what may change while streams run, and says in the log what
 * takes effect at the next start only. */
void mill_supervisor_reload (MillSupervisor *supervisor, MillConfig *config);

/* Publishers are taken, streams are served and the store answers.
 * Returns: FALSE with @error saying what is missing. */
gboolean mill_supervisor_check_ready (MillSupervisor *supervisor,
    GError **error);

/* (transfer none) */
const MillConfig *mill_supervisor_get_config (MillSupervisor *supervisor);
const MillAdminKey *mill_supervisor_get_admin_key (MillSupervisor *supervisor);
const MillNodeRow *mill_supervisor_get_node (MillSupervisor *supervisor);
MillStore *mill_supervisor_get_store (MillSupervisor *supervisor);
MillCatalog *mill_supervisor_get_catalog (MillSupervisor *supervisor);
MillStreamRegistry *mill_supervisor_get_registry (MillSupervisor *supervisor);
MillRunner *mill_supervisor_get_runner (MillSupervisor *supervisor);
MillFleet *mill_supervisor_get_fleet (MillSupervisor *supervisor);
MillEventLog *mill_supervisor_get_events (MillSupervisor *supervisor);

G_END_DECLS
