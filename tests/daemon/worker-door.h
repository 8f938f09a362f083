/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "fixture.h"
#include "flv-file.h"

/* A worker that publishers can knock at, whose supervisor is the test. */
typedef struct
{
  Fixture *fixture;
  FixtureWatch *watch;
  MillWorkerProxy *proxy; /* the watch's */
  gchar *address; /* nullable: of RTMP, host:port */
} WorkerDoor;

/* For g_test_add(): listens on a free port. @data: not looked at */
void worker_door_set_up (WorkerDoor *door, gconstpointer data);
void worker_door_tear_down (WorkerDoor *door, gconstpointer data);

/* Returns: (transfer full)(nullable): where it listens */
gchar *worker_door_listen (WorkerDoor *door, const gchar *kind,
    const gchar *address, GError **error);

/* Waits with a deadline until somebody knocks. */
void worker_door_wait_request (WorkerDoor *door);

/* The same; whoever has knocked first is the caller's to answer. */
guint64 worker_door_take_request (WorkerDoor *door);

/* Lets the first one in. */
gboolean worker_door_accept (WorkerDoor *door, const MillWorkerStart *start,
    GError **error);

/* Returns: (transfer full)(nullable): @file of the stream "demo" */
gchar *worker_door_read_output (WorkerDoor *door, const gchar *file);

/* Two seconds of 160x90 with sound, a keyframe each second; by ffmpeg.
 * Returns: (transfer full) */
MillFlvFile *worker_door_make_movie (void);
