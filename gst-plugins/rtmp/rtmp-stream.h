/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-connection.h"

G_BEGIN_DECLS

/*
 * The one stream of a source: which publisher has it, how long a lost one may
 * stay away, and when it is over. Media goes on to its rtmp-output.
 *
 * Functions are called from any thread unless they say otherwise.
 */
typedef struct _MillRtmpStream MillRtmpStream;

typedef struct
{
  /* in the source's lane; @name: what the stream is called here */
  void (*publish_start) (GstElement *element, const gchar *name);
  /* in the source's lane, or on the thread that stops; @reason is for people */
  void (*publish_end) (GstElement *element, const gchar *reason);
} MillRtmpStreamEvents;

/* @element: (transfer none): outlives the stream; gets pads and errors */
MillRtmpStream *mill_rtmp_stream_new (GstElement *element,
    const MillRtmpStreamEvents *events);
void mill_rtmp_stream_free (MillRtmpStream *self);

/* Silence after which a publisher counts as lost, 0: never. For publishers that
 * start from now on. */
void mill_rtmp_stream_set_idle_timeout (MillRtmpStream *self, guint timeout_ms);
guint mill_rtmp_stream_get_idle_timeout (MillRtmpStream *self);
/* How long a lost publisher may come back before EOS, 0: EOS at once. */
void mill_rtmp_stream_set_reconnect_timeout (MillRtmpStream *self,
    guint timeout_ms);
guint mill_rtmp_stream_get_reconnect_timeout (MillRtmpStream *self);

/* Whether what is below wants to be fast: some of a publisher's habits are
 * warned of then. */
void mill_rtmp_stream_set_low_latency (MillRtmpStream *self,
    gboolean low_latency);
gboolean mill_rtmp_stream_get_low_latency (MillRtmpStream *self);
/* Taken at the start of a publisher; not with low latency. */
void mill_rtmp_stream_set_read_interval (MillRtmpStream *self,
    guint interval_ms);
guint mill_rtmp_stream_get_read_interval (MillRtmpStream *self);

/* The way up and down: on the thread of state changes. */

/* READY->PAUSED
 * @listens: publishers can come, now and later; else the one it was given is
 *   all there is
 * Errors: of mill_rtmp_pool_acquire() */
gboolean mill_rtmp_stream_open (MillRtmpStream *self, gboolean listens,
    GError **error);
/* PAUSED<->PLAYING: does not wait. A push in flight may stand in a sink that
 * prerolls, and goes on only when the whole pipeline does. */
void mill_rtmp_stream_set_playing (MillRtmpStream *self, gboolean playing);
/* PAUSED->READY, before the pads are deactivated: waits for the push in flight,
 * which what is below has let go of (sinks go to READY first). */
void mill_rtmp_stream_close (MillRtmpStream *self);
/* PAUSED->READY, after the pads were deactivated. */
void mill_rtmp_stream_reset (MillRtmpStream *self);
/* READY->NULL: a publisher that was taken but never started is sent away. */
void mill_rtmp_stream_let_go (MillRtmpStream *self);

/* Nobody has it, and it is not over. */
gboolean mill_rtmp_stream_is_free (MillRtmpStream *self);
/* Returns: (nullable): why @connection cannot have it; static */
const gchar *mill_rtmp_stream_find_refusal (MillRtmpStream *self,
    MillRtmpConnection *connection);
/* Returns FALSE when it has another publisher, or somebody else took this one.
 * TRUE for the one that has it already. */
gboolean mill_rtmp_stream_take (MillRtmpStream *self,
    MillRtmpConnection *connection);
/* An accepted publisher belongs to whoever claimed it before the answer, else
 * to this stream, if it is open.
 * @name: (nullable): as for mill_rtmp_connection_accept() */
void mill_rtmp_stream_accept (MillRtmpStream *self,
    MillRtmpConnection *connection, const gchar *name);

/* Ends it, soon. FALSE when it is not open. */
gboolean mill_rtmp_stream_request_end (MillRtmpStream *self);

/* Asks the publisher to go on elsewhere. FALSE when there is none, or it has not
 * said that it understands that.
 * @tc_url, @description: (nullable) */
gboolean mill_rtmp_stream_request_reconnect (MillRtmpStream *self,
    const gchar *tc_url, const gchar *description);
/* Sends the publisher away, who is told @reason; the stream waits for another
 * as after a loss. Waits for what its lane does. FALSE: there was none. */
gboolean mill_rtmp_stream_drop (MillRtmpStream *self, const gchar *reason);

/* Returns: (transfer full) (nullable): the publisher */
MillRtmpConnection *mill_rtmp_stream_dup_session (MillRtmpStream *self);
/* Returns: (transfer full): the element's property `stats` */
GstStructure *mill_rtmp_stream_make_stats (MillRtmpStream *self);

G_END_DECLS
