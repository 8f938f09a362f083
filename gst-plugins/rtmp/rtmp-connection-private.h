/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "rtmp-connection.h"
#include "rtmp-timer.h"
#include "rtmp-watch.h"

G_BEGIN_DECLS

/* What the files of a connection share: rtmp-connection.c, which any thread
 * calls, and rtmp-socket.c and rtmp-ending.c, which its lane runs. */

typedef enum
{
  MILL_RTMP_CONNECTION_HANDSHAKE, /* up to the publish request */
  MILL_RTMP_CONNECTION_ASKING, /* up to the answer; nothing is read */
  MILL_RTMP_CONNECTION_MOVING, /* between two lanes */
  MILL_RTMP_CONNECTION_LIVE,
  MILL_RTMP_CONNECTION_LINGERING, /* sends the last status, discards what comes */
  MILL_RTMP_CONNECTION_CLOSED,
} MillRtmpConnectionState;

struct _MillRtmpConnection
{
  GObject parent;

  /* constant, or set before `asked` */
  gchar *address;
  MillRtmpGuard *guard;
  guint64 guard_key;
  gchar *app;
  gchar *name;
  gchar *query;
  gboolean is_secure;
  gboolean can_reconnect; /* understands a reconnect request */

  /* atomic */
  gint claimed;
  gint flowing;
  gint expired; /* the promise: it must not be interrupted any more */
  guint64 bytes;

  /* guarded by lock */
  GMutex lock;
  MillRtmpLane *lane; /* where it lives */
  MillRtmpLane *target; /* where its owner wants it; nullable */
  const MillRtmpConnectionOwner *owner;
  gpointer owner_data;
  gboolean let_go; /* by its owner, who hears of no end any more */
  MillRtmpConnectionTimes times;
  gboolean accepted;
  gchar *stream; /* set once */
  gboolean closed;

  /* in the lane */
  MillRtmpConnectionState state;
  gboolean has_place; /* of the guard */
  gint fd;
  MillRtmpTls *tls; /* nullable: plain RTMP */
  gboolean reads_again; /* a call is under way */
  MillRtmpSession *session;
  MillRtmpWatch *watch;
  MillRtmpTimer *timer;
  const MillRtmpConnectionHost *host; /* NULL after `left` */
  gpointer host_data;
  const MillRtmpConnectionOwner *live; /* the owner, while LIVE */
  GstPromise *promise;
  gboolean is_stamped; /* the kernel tells when bytes came */
  guint reads; /* while LIVE; wraps */
  GByteArray *pending; /* read, but not consumed before the answer */
  gint64 last_media_us;
  gboolean feeding;
  gchar *close_reason; /* set: close when the session returns */
  gboolean close_lingers;
};

/* ---- rtmp-socket.c: in the lane, unless it says otherwise ---- */

/* For the object's own beginning and end. @fd: (transfer full) */
void mill_rtmp_socket_init (MillRtmpConnection *self, gint fd);
void mill_rtmp_socket_clear (MillRtmpConnection *self);

/* Attaches the socket and its timer to @lane. */
void mill_rtmp_socket_watch (MillRtmpConnection *self, MillRtmpLane *lane);
/* Reads it every @interval_ms (0: as bytes come), and when there is much. Once,
 * when it is watched; without TLS. */
void mill_rtmp_socket_set_interval (MillRtmpConnection *self,
    guint interval_ms);
/* Waits for what the state of the connection wants to send and to read. */
void mill_rtmp_socket_update (MillRtmpConnection *self);
/* Bytes of the publisher to the session, and what follows from them. */
void mill_rtmp_socket_feed (MillRtmpConnection *self, const guint8 *data,
    gsize size);

/* As mill_rtmp_connection_get_rtt_us(). */
gint64 mill_rtmp_socket_get_rtt_us (MillRtmpConnection *self);

/* Sends what waits. Returns FALSE when the connection broke. */
gboolean mill_rtmp_socket_flush (MillRtmpConnection *self);

/* Asks the publisher to go on elsewhere. Both nullable. */
void mill_rtmp_socket_request_reconnect (MillRtmpConnection *self,
    const gchar *tc_url, const gchar *description);

/* ---- rtmp-ending.c: in the lane, unless it says otherwise ---- */

/* At once, without a word. */
void mill_rtmp_ending_close (MillRtmpConnection *self, const gchar *reason);
/* While it waits for an answer: with a status that the publisher can read. */
void mill_rtmp_ending_refuse (MillRtmpConnection *self, const gchar *code,
    const gchar *reason);
/* In every state. @code: (nullable): the status */
void mill_rtmp_ending_drop (MillRtmpConnection *self, const gchar *code,
    const gchar *reason);

/* It publishes, or is gone: its place is free. */
void mill_rtmp_ending_leave_place (MillRtmpConnection *self);

/* The listener is told that the connection has left it, once. */
void mill_rtmp_ending_leave_host (MillRtmpConnection *self);
/* The owner is told of the end, once. Threads: any. */
void mill_rtmp_ending_notify (MillRtmpConnection *self, const gchar *reason);
/* Now, or when the session has returned. @lingers: until its peer has read the
 * last status */
void mill_rtmp_ending_request (MillRtmpConnection *self, gboolean lingers,
    const gchar *reason);
/* Nobody waits for the answer to the publish request any more. */
void mill_rtmp_ending_interrupt_wait (MillRtmpConnection *self);

/* ---- rtmp-socket-warm.c ---- */

/* After a read, in the lane: what is fetched before the next. */
void mill_rtmp_socket_warm_update (MillRtmpConnection *self);

G_END_DECLS
