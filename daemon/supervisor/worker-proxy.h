/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "daemon/ipc/graph-spec.h"
#include "daemon/ipc/process-report.h"
#include "daemon/ipc/takeover.h"
#include "daemon/supervisor/peer-link.h"

G_BEGIN_DECLS

/**
 * MillWorkerProxy: a worker as millraced sees it.
 *
 * Signals:
 *   "publish-requested" (guint64 request, const MillPublisher *publisher)
 *       to be answered by mill_worker_proxy_answer_publish_async(). Requests
 *       that were held while nobody was connected come right after connecting:
 *       connect handlers within the callback of connect_async().
 *   "stream-changed" (const MillStreamReport *report)
 *       name, generation, state, publisher and last_error are filled in
 *   "stream-event" (const MillWorkerEvent *event)
 *
 * What is the same for all processes, its end above all, is told by its link.
 *
 * Threads: main loop.
 */
#define MILL_TYPE_WORKER_PROXY (mill_worker_proxy_get_type ())
G_DECLARE_FINAL_TYPE (MillWorkerProxy, mill_worker_proxy, MILL, WORKER_PROXY,
    GObject)

/** What else happened in a stream. */
typedef struct
{
  const gchar *stream;
  guint64 generation;
  const gchar *type; /* "health.warning" */
  GVariant *details; /* a{sv} */
} MillWorkerEvent;

/* Connects, calls Describe and compares the protocol.
 * Errors: MILL_IPC_ERROR.PROTOCOL (the worker was told to drain: it serves its
 * streams to their end), G_IO_ERROR.* */
void mill_worker_proxy_connect_async (const gchar *socket_path,
    GCancellable *cancellable, GAsyncReadyCallback callback,
    gpointer user_data);
/* Returns: (transfer full) (nullable) */
MillWorkerProxy *mill_worker_proxy_connect_finish (GAsyncResult *result,
    GError **error);

/* Its connection: what a worker and the origin have in common.
 * Returns: (transfer none) */
MillPeerLink *mill_worker_proxy_get_link (MillWorkerProxy *proxy);

/* What Describe said when connecting: what runs there already.
 * Returns: (transfer none) */
const MillProcessReport *mill_worker_proxy_get_report (MillWorkerProxy *proxy);
const gchar *mill_worker_proxy_get_id (MillWorkerProxy *proxy);

/* Every call below ends within a deadline (10 s; MILL_IPC_ERROR.TIMEOUT).
 * Errors are MILL_IPC_ERROR.* as ipc.h lists them, or G_IO_ERROR when the
 * connection breaks. */

/* @kind: "rtmp", "rtmps". finish: (transfer full) (nullable): host:port bound */
void mill_worker_proxy_listen_async (MillWorkerProxy *proxy, const gchar *kind,
    const gchar *address, GAsyncReadyCallback callback, gpointer user_data);
gchar *mill_worker_proxy_listen_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error);

/* @key: (nullable). finish: FALSE with the worker's reason. */
void mill_worker_proxy_set_tls_async (MillWorkerProxy *proxy,
    const gchar *certificate, const gchar *key, GAsyncReadyCallback callback,
    gpointer user_data);
gboolean mill_worker_proxy_set_tls_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error);

/* Of connections that do not publish: in all, and of one address; the last is
 * per second. */
typedef struct
{
  guint pending;
  guint pending_per_address;
  guint tls_handshakes_per_address;
} MillWorkerBounds;

void mill_worker_proxy_set_bounds_async (MillWorkerProxy *proxy,
    const MillWorkerBounds *bounds, GAsyncReadyCallback callback,
    gpointer user_data);
gboolean mill_worker_proxy_set_bounds_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error);

void mill_worker_proxy_describe_async (MillWorkerProxy *proxy,
    GAsyncReadyCallback callback, gpointer user_data);
/* Returns: (transfer full) (nullable) */
MillProcessReport *mill_worker_proxy_describe_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error);

typedef struct
{
  const gchar *stream;
  guint64 generation;
  const MillGraphSpec *graph; /* (nullable) for one that runs already */
  MillTakeover takeover; /* of a publisher, for one that runs already */
} MillWorkerStart;

void mill_worker_proxy_start_stream_async (MillWorkerProxy *proxy,
    const MillWorkerStart *start, GAsyncReadyCallback callback,
    gpointer user_data);
gboolean mill_worker_proxy_start_stream_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error);

typedef enum
{
  MILL_WORKER_STOP_EOS, /* finishes its output; "stream-changed" tells */
  MILL_WORKER_STOP_NOW,
} MillWorkerStop;

void mill_worker_proxy_stop_stream_async (MillWorkerProxy *proxy,
    const gchar *stream, MillWorkerStop mode, GAsyncReadyCallback callback,
    gpointer user_data);
gboolean mill_worker_proxy_stop_stream_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error);

/* Accepts: the publisher's media becomes (or continues) a stream.
 * Errors of finish: DESCRIPTION, EXISTS, FAILED, DRAINING: the publisher was
 * refused then; NOT_FOUND: it is gone or timed out. */
void mill_worker_proxy_accept_publish_async (MillWorkerProxy *proxy,
    guint64 request, const MillWorkerStart *start, GAsyncReadyCallback callback,
    gpointer user_data);
gboolean mill_worker_proxy_accept_publish_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error);

/* @code: the RTMP status, "NetStream.Publish.BadName" or ".Denied";
 * @text: what the publisher reads. Nothing is reported. */
void mill_worker_proxy_refuse_publish (MillWorkerProxy *proxy, guint64 request,
    const gchar *code, const gchar *text);

/* Sends one publisher of a stream away; the stream goes on without it.
 * @address: of the publisher, as reports have it
 * @reason: for it to read */
void mill_worker_proxy_drop_publisher (MillWorkerProxy *proxy,
    const gchar *stream, const gchar *address, const gchar *reason);

/* @input: as org.millrace.Worker1.SwitchInput has it */
void mill_worker_proxy_switch_input_async (MillWorkerProxy *proxy,
    const gchar *stream, const gchar *input, GAsyncReadyCallback callback,
    gpointer user_data);
gboolean mill_worker_proxy_switch_input_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error);

/* @cue: a{sv}, as org.millrace.Worker1.Cue has it; a floating one is taken. */
void mill_worker_proxy_cue_async (MillWorkerProxy *proxy, const gchar *stream,
    GVariant *cue, GAsyncReadyCallback callback, gpointer user_data);
gboolean mill_worker_proxy_cue_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error);

void mill_worker_proxy_get_stream_async (MillWorkerProxy *proxy,
    const gchar *stream, GAsyncReadyCallback callback, gpointer user_data);
/* Returns: (transfer full) (nullable) */
MillStreamReport *mill_worker_proxy_get_stream_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error);

void mill_worker_proxy_get_graph_async (MillWorkerProxy *proxy,
    const gchar *stream, GAsyncReadyCallback callback, gpointer user_data);
/* Returns: (transfer full) (nullable): dot text */
gchar *mill_worker_proxy_get_graph_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error);

/* Takes no new publishers, ends when its last stream has. */
void mill_worker_proxy_drain_async (MillWorkerProxy *proxy,
    GAsyncReadyCallback callback, gpointer user_data);
gboolean mill_worker_proxy_drain_finish (MillWorkerProxy *proxy,
    GAsyncResult *result, GError **error);

/* Lets go of the worker, which runs on. No signal after it. */
void mill_worker_proxy_disconnect (MillWorkerProxy *proxy);

G_END_DECLS
