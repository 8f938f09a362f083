/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "bus-queue.h"
#include "daemon/common/peer-server.h"
#include "daemon/ipc/mill-ipc-worker1.h"
#include "daemon/worker/retention.h"
#include "daemon/worker/rtmp-door.h"
#include "daemon/worker/worker.h"

G_BEGIN_DECLS

/* What the files of MillWorker share. Each calls only those below it: worker,
 * worker-methods, worker-door and worker-table, worker-life.
 * Threads: main loop. */
struct _MillWorker
{
  GObject parent;

  /* Main loop. */
  gchar *id;
  MillWorkerKind kind;
  gchar *links_dir; /* runtime_dir/links */
  gchar *media_dir;
  guint orphan_timeout_s;
  gint64 since;
  MillIpcWorker1 *skeleton;
  MillPeerServer *server;
  gboolean described; /* to the supervisor that is connected */
  MillBusQueue *queue;
  MillRetention *retention;
  MillRtmpDoor *door; /* nullable: no listener */
  GHashTable *streams; /* (element-type utf8 MillWorkerStream) */
  gboolean had_stream;
  gboolean had_supervisor;
  gboolean draining;
  gboolean shutting_down;
  guint orphan_timer_id;
  guint shutdown_timer_id;
};

G_END_DECLS
