/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "rtmp-guard.h"
#include "rtmp-lane.h"
#include "rtmp-tls.h"
#include "rtmp-warm.h"
#include "rtmp/rtmp-session.h"

G_BEGIN_DECLS

/**
 * MillRtmpConnection: one publisher: a socket and its RTMP session. It is the
 * GObject that `authorize` hands out and the property `session` takes; to
 * everybody else it is opaque.
 *
 * It is born in its listener's lane, waits there for an answer and moves to the
 * lane of the source that claimed it when that source has started it and the
 * answer was to accept; not a byte of media is read before.
 *
 * Functions are called from any thread unless they say otherwise.
 */
#define MILL_TYPE_RTMP_CONNECTION (mill_rtmp_connection_get_type ())
G_DECLARE_FINAL_TYPE (MillRtmpConnection, mill_rtmp_connection, MILL,
    RTMP_CONNECTION, GObject)

/* In the listener's lane. */
typedef struct
{
  /* it asks to publish: answer by mill_rtmp_connection_wait_for_answer() and
   * mill_rtmp_connection_answer() */
  void (*asked) (MillRtmpConnection *self, gpointer user_data);
  /* it has moved away or is closed; last call */
  void (*left) (MillRtmpConnection *self, gpointer user_data);
} MillRtmpConnectionHost;

/* In the lane given to mill_rtmp_connection_start(). */
typedef struct
{
  void (*started) (gpointer user_data);
  void (*media) (MillRtmpMediaType type, guint32 timestamp_ms,
      GstBuffer *payload, gpointer user_data);
  void (*metadata) (const GstStructure *metadata, gpointer user_data);
  /* a splice information section */
  void (*cue) (GBytes *section, gpointer user_data);
  /* with a read interval: the last byte of the message before came at
   * @arrival_us (monotonic), and nothing after it */
  void (*arrived) (gint64 arrival_us, gpointer user_data);
  /* adds what `media` goes through; nullable */
  void (*warm) (MillRtmpWarm *warm, gpointer user_data);
  /* gone; last call. @reason is for people. Not called after
   * mill_rtmp_connection_drop() */
  void (*ended) (const gchar *reason, gpointer user_data);
} MillRtmpConnectionOwner;

/**
 * MillRtmpConnectionTimes:
 * @idle_timeout_ms: silence after which it counts as lost; 0: never
 * @read_interval_ms: what comes is read this often, and when there is much; 0:
 *   when it comes. Not with TLS
 */
typedef struct
{
  guint idle_timeout_ms;
  guint read_interval_ms;
} MillRtmpConnectionTimes;

/* @fd: (transfer full); @host: (not nullable) static
 * @address: of the peer, for messages. In @lane. */
MillRtmpConnection *mill_rtmp_connection_new (gint fd, const gchar *address,
    MillRtmpLane *lane, const MillRtmpConnectionHost *host, gpointer host_data);

/* Puts TLS between the socket and the session, before it is opened.
 * @identity: (transfer none) */
void mill_rtmp_connection_use_tls (MillRtmpConnection *self,
    MillTlsIdentity *identity);

/* The place that it holds until it publishes or is closed, and who counts why
 * it was closed. Once, before it is opened. */
void mill_rtmp_connection_set_guard (MillRtmpConnection *self,
    MillRtmpGuard *guard, guint64 key);

/* Begins to read; the publish request must come within @timeout_ms. In the
 * listener's lane. */
void mill_rtmp_connection_open (MillRtmpConnection *self, guint timeout_ms);

/* At once; a source that claimed it is told. In the listener's lane. */
void mill_rtmp_connection_close (MillRtmpConnection *self, const gchar *reason);

/* What it asked for, from `asked` on; strings live as long as the object. */
const gchar *mill_rtmp_connection_get_app (MillRtmpConnection *self);
const gchar *mill_rtmp_connection_get_name (MillRtmpConnection *self);
const gchar *mill_rtmp_connection_get_query (MillRtmpConnection *self);
/* From its start on. */
const gchar *mill_rtmp_connection_get_stream (MillRtmpConnection *self);
const gchar *mill_rtmp_connection_get_address (MillRtmpConnection *self);
gboolean mill_rtmp_connection_is_secure (MillRtmpConnection *self);
guint64 mill_rtmp_connection_get_bytes (MillRtmpConnection *self);

/* Refuses by itself, and interrupts @promise, when there is no answer in
 * @timeout_ms. In the listener's lane, from `asked`.
 * @promise: (transfer none) */
void mill_rtmp_connection_wait_for_answer (MillRtmpConnection *self,
    GstPromise *promise, guint timeout_ms);
/* @stream: (nullable): what the stream is called here; its name by default */
void mill_rtmp_connection_accept (MillRtmpConnection *self,
    const gchar *stream);
/* @code, @reason: the RTMP status that the publisher shows. Before acceptance. */
void mill_rtmp_connection_refuse (MillRtmpConnection *self, const gchar *code,
    const gchar *reason);
/* Who was asked let the promise expire, which is a refusal. */
void mill_rtmp_connection_expire (MillRtmpConnection *self);

/* Reserves it for one source. FALSE when another has it or it is closed. */
gboolean mill_rtmp_connection_claim (MillRtmpConnection *self);
gboolean mill_rtmp_connection_is_claimed (MillRtmpConnection *self);

/* By the one that claimed it: attaches it to @lane when it is accepted. */
void mill_rtmp_connection_start (MillRtmpConnection *self, MillRtmpLane *lane,
    const MillRtmpConnectionOwner *owner, gpointer owner_data,
    const MillRtmpConnectionTimes *times);

/* The round trip of its packets, as the kernel has measured it; -1: not known.
 * In its owner's lane. */
gint64 mill_rtmp_connection_get_rtt_us (MillRtmpConnection *self);

/* Stops and goes on reading. */
void mill_rtmp_connection_set_flowing (MillRtmpConnection *self,
    gboolean flowing);

/* Asks the publisher to go on elsewhere; what it sends until it leaves is media
 * as before. Returns FALSE when it has not said that it understands that.
 * @tc_url, @description: (nullable): of mill_rtmp_session_request_reconnect() */
gboolean mill_rtmp_connection_request_reconnect (MillRtmpConnection *self,
    const gchar *tc_url, const gchar *description);

/* Ends it without telling the owner, who has let go.
 * @code, @reason: (nullable): the status that the publisher is shown first
 * @lane: (nullable): the lane in which the caller is: if that is also where the
 *   connection lives, it is over when the function returns */
void mill_rtmp_connection_drop (MillRtmpConnection *self, MillRtmpLane *lane,
    const gchar *code, const gchar *reason);

G_END_DECLS
