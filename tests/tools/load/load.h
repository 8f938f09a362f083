/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <netdb.h>

#include "rtmp/rtmp-client.h"
#include "wire-image.h"

G_BEGIN_DECLS

/*
 * What the files of rtmp-load share. One thread serves all publishers: an epoll
 * loop (load-loop.c) wakes them, load-publisher.c is what an honest one does,
 * load-fault.c what the others do, load-result.c what is said in the end.
 */

#define MILL_LOAD_NEVER G_MAXINT64

typedef enum
{
  MILL_LOAD_WAITING, /* for its turn to connect */
  MILL_LOAD_CONNECTING, /* TCP, handshake, commands */
  MILL_LOAD_PUBLISHING,
  MILL_LOAD_MISBEHAVING, /* see load-fault.c */
  MILL_LOAD_CLOSING, /* the good-bye is being sent */
  MILL_LOAD_LEAVING, /* it was sent: the server closes */
  MILL_LOAD_DONE,
  MILL_LOAD_REFUSED,
  MILL_LOAD_DISCONNECTED,
} MillLoadState;

typedef enum
{
  MILL_LOAD_HONEST,
  MILL_LOAD_STALL, /* publishes, then is silent and stays */
  MILL_LOAD_HALF_OPEN, /* connects and says nothing */
  MILL_LOAD_SLOW_HANDSHAKE, /* a byte now and then */
  MILL_LOAD_GARBAGE, /* a handshake, then noise */
  MILL_LOAD_TRUNCATE, /* publishes, then ends within a frame */
  MILL_LOAD_RESET, /* publishes, then resets the connection */
  MILL_LOAD_N_FAULTS,
} MillLoadFault;

typedef struct _MillLoad MillLoad;

typedef struct
{
  MillLoad *load;
  guint index;
  MillLoadFault fault;
  MillLoadState state;
  int fd;
  MillRtmpClient *client;
  guint32 events; /* what epoll waits for */

  gint64 next_us; /* when to look at it again */
  gint64 end_us; /* of all its shows; 0 before the first */
  gint64 connect_us; /* of this connection */
  gint64 start_us; /* of this show */
  guint message; /* the next one to be sent whole */
  guint64 round; /* how often the loop was begun anew */
  gsize position; /* in the image */
  guint cycle; /* which one this connection is */

  guint64 n_frames;
  guint64 n_pictures;
  guint64 n_bytes;
  guint n_reconnects;
  guint n_closed; /* by the server, of those that misbehave */
} MillLoadPublisher;

struct _MillLoad
{
  gchar *app;
  gchar *name; /* with %d */
  gchar *tc_url;
  struct addrinfo *address;
  guint chunk_size;
  gint64 duration_us;
  gint64 stagger_us;
  gint64 reconnect_us; /* 0: nobody goes */
  guint n_cycles; /* 0: real time */
  gboolean new_names; /* a name for each cycle */
  guint n_cycle_frames;

  MillWireImage *image;
  MillLoadPublisher *publishers;
  guint n_publishers;
  guint n_left;
  int epoll;
  int timer;

  guint64 n_messages;
  gint64 lag_sum_us;
  gint64 lag_max_us;
  guint n_begun; /* cycles */
  guint n_ended;
  guint n_accepted;
  gint64 accept_sum_us; /* from connect to the answer */
  gint64 accept_max_us;
};

/* ---- load-publisher.c ---- */

void mill_load_publisher_start (MillLoadPublisher *publisher, gint64 now_us);
/* Whatever it may do now. */
void mill_load_publisher_advance (MillLoadPublisher *publisher, gint64 now_us);
/* There is something to read, or the connection is gone. */
void mill_load_publisher_receive (MillLoadPublisher *publisher);
/* It comes back at @next_us. */
void mill_load_publisher_pause (MillLoadPublisher *publisher, gint64 next_us);
/* For good. @why: (nullable): is printed */
void mill_load_publisher_finish (MillLoadPublisher *publisher,
    MillLoadState state, const gchar *why);
/* Bytes the kernel took; -1 when the connection is gone. */
gssize mill_load_publisher_send (MillLoadPublisher *publisher,
    const guint8 *data, gsize size);
/* Between two messages, so that it may say something else. */
gboolean mill_load_publisher_is_between (const MillLoadPublisher *publisher);

/* ---- load-fault.c ---- */

/* "stall" and so on; MILL_LOAD_HONEST when it is none. */
MillLoadFault mill_load_fault_parse (const gchar *name);
const gchar *mill_load_fault_get_name (MillLoadFault fault);
/* Whether it misbehaves instead of the handshake. */
gboolean mill_load_fault_begins_at_once (MillLoadFault fault);
/* Whether its show has lasted long enough for that. */
gboolean mill_load_fault_is_due (const MillLoadPublisher *publisher,
    gint64 now_us);
void mill_load_fault_act (MillLoadPublisher *publisher, gint64 now_us);
/* The server has closed it, or the connection broke. */
void mill_load_fault_on_closed (MillLoadPublisher *publisher);

/* ---- load-loop.c ---- */

void mill_load_loop_run (MillLoad *load);
/* Changes what is waited for at its socket. */
void mill_load_loop_watch (MillLoadPublisher *publisher, guint32 events);

/* ---- load-result.c ---- */

/* One line of JSON on standard output. */
void mill_load_result_print (const MillLoad *load);
/* Nobody who is honest was refused or cut off. */
gboolean mill_load_result_is_clean (const MillLoad *load);

G_END_DECLS
