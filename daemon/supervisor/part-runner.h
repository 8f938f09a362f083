/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "fleet.h"
#include "stream-registry.h"

G_BEGIN_DECLS

/** MillPartRunner: gives the parts of streams to isolated workers: has them
 * launched, or finds them running, follows what they report, starts them again
 * when they die. What it does to one part touches no other. Main loop only. */
typedef struct _MillPartRunner MillPartRunner;

/* After each event of a part: @stream's state may have changed. */
typedef void (*MillPartRunnerChanged) (MillStream *stream, gpointer user_data);

MillPartRunner *mill_part_runner_new (MillFleet *fleet,
    MillStreamRegistry *registry, MillPartRunnerChanged changed,
    gpointer user_data);
void mill_part_runner_free (MillPartRunner *runner);

typedef enum
{
  MILL_PART_RUNNER_START,
  MILL_PART_RUNNER_ADOPT, /* a millraced before this one has started them */
} MillPartRunnerHow;

/* Starts the parts of the stream's present run; returns at once. Workers of an
 * earlier run are ended first. */
void mill_part_runner_start (MillPartRunner *runner, MillStream *stream,
    MillPartRunnerHow how);

/* The stream's run is over: its parts end, and nothing is heard of them any
 * more. */
void mill_part_runner_end (MillPartRunner *runner, const gchar *stream);

/* From now on what dies stays so. */
void mill_part_runner_drain (MillPartRunner *runner);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillPartRunner, mill_part_runner_free)

G_END_DECLS
