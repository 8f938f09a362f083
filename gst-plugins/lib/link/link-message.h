/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * What millsink and millsrc say to each other: messages on a Unix stream
 * socket, all numbers in network order (README.md in this folder).
 *
 *     u32 length of the body   u8 type   u8 flags   u16 pad   body
 *
 * Both ends are of one host and one user, but the bytes are checked as if they
 * came from a stranger: a bound on every size, no type but the known ones, no
 * descriptor but one that a message announces.
 *
 * Threads: none of its own; one thread at a time may use a reader.
 */
#define MILL_LINK_HEADER_SIZE 8
/* Above what an inline payload with captions and the longest caps need. */
#define MILL_LINK_MAX_BODY (128 * 1024)
/* Payload of this size and more travels in a memfd: copying it through the
 * socket costs more than a descriptor does. */
#define MILL_LINK_INLINE_LIMIT (64 * 1024)
#define MILL_LINK_MAX_PAYLOAD (64 * 1024 * 1024)
#define MILL_LINK_MAX_TEXT (64 * 1024 - 1)
#define MILL_LINK_MAX_NAME 64
#define MILL_LINK_VERSION 1

#define MILL_LINK_ERROR (mill_link_message_error_quark ())
GQuark mill_link_message_error_quark (void);

/**
 * MillLinkError:
 * @MILL_LINK_ERROR_PROTOCOL: the peer's bytes are no message of this protocol
 * @MILL_LINK_ERROR_LIMIT: the peer, or what is to be sent, is over a bound
 * @MILL_LINK_ERROR_SYSTEM: the system refuses a descriptor or memory
 */
typedef enum
{
  MILL_LINK_ERROR_PROTOCOL,
  MILL_LINK_ERROR_LIMIT,
  MILL_LINK_ERROR_SYSTEM,
} MillLinkError;

typedef enum
{
  MILL_LINK_HELLO = 1, /* both ways, the first message of each side */
  MILL_LINK_PAD, /* producer: a pad and its name */
  MILL_LINK_PAD_GONE, /* producer */
  MILL_LINK_READY, /* producer: all pads of the moment have been told */
  MILL_LINK_EVENT_STREAM_START, /* producer, as all events but force-key-unit */
  MILL_LINK_EVENT_CAPS,
  MILL_LINK_EVENT_SEGMENT,
  MILL_LINK_EVENT_TAGS,
  MILL_LINK_EVENT_GAP,
  MILL_LINK_EVENT_EOS,
  MILL_LINK_BUFFER, /* producer */
  MILL_LINK_LATENCY, /* producer: what its source adds */
  MILL_LINK_QUERY_LATENCY, /* consumer */
  MILL_LINK_FORCE_KEY_UNIT, /* consumer */
  MILL_LINK_EVENT_FLUSH, /* producer: what came on the pad is void */
  MILL_LINK_TYPES
} MillLinkType;

/* flags */
#define MILL_LINK_FLAG_DESCRIPTOR 0x01 /* the payload is in a memfd */
#define MILL_LINK_FLAG_DISCONT 0x02 /* this consumer missed what came before */

typedef struct
{
  MillLinkType type;
  guint8 flags;
  guint16 pad;
  const guint8 *body; /* of the reader, until its next call */
  gsize size;
  gint fd; /* of the reader, -1: none; taken by steal_fd() */
} MillLinkMessage;

typedef struct
{
  gboolean is_live;
  guint64 min_ns;
  guint64 max_ns; /* GST_CLOCK_TIME_NONE: no bound */
} MillLinkLatency;

/* ---- writing ---- */

/* Returns: (transfer full): a whole message */
GBytes *mill_link_message_new (MillLinkType type, guint16 pad,
    const guint8 *body, gsize size);
GBytes *mill_link_message_new_hello (gboolean is_leaky);
GBytes *mill_link_message_new_pad (guint16 pad, const gchar *name);
GBytes *mill_link_message_new_latency (const MillLinkLatency *latency);

/* ---- reading ---- */

typedef struct _MillLinkReader MillLinkReader;

MillLinkReader *mill_link_message_reader_new (void);
void mill_link_message_reader_free (MillLinkReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillLinkReader, mill_link_message_reader_free)

void mill_link_message_reader_add (MillLinkReader *reader, const guint8 *data,
    gsize size);
/* @fd: (transfer full) */
void mill_link_message_reader_add_fd (MillLinkReader *reader, gint fd);

/* Reads from a socket what is there, at most one buffer full; does not wait.
 * Returns: FALSE at the end of the connection (@error is not set) and on
 * errors; TRUE and *ret_again FALSE when nothing was there. */
gboolean mill_link_message_reader_receive (MillLinkReader *reader, gint socket,
    gboolean *ret_again, GError **error);

/**
 * mill_link_message_reader_next:
 * @ret_message: the next whole message, when *ret_has is TRUE
 *
 * Returns: FALSE when the peer broke the protocol: the connection has to be
 *   closed
 * Errors: MILL_LINK_ERROR_PROTOCOL, MILL_LINK_ERROR_LIMIT
 */
gboolean mill_link_message_reader_next (MillLinkReader *reader,
    MillLinkMessage *ret_message, gboolean *ret_has, GError **error);

/* Returns: (transfer full): the message's descriptor, -1 when it has none */
gint mill_link_message_reader_steal_fd (MillLinkReader *reader,
    MillLinkMessage *message);

gboolean mill_link_message_parse_hello (const MillLinkMessage *message,
    gboolean *ret_is_leaky, GError **error);
/* @ret_name: (transfer full): letters, digits, '_' and '-' */
gboolean mill_link_message_parse_pad (const MillLinkMessage *message,
    gchar **ret_name, GError **error);
gboolean mill_link_message_parse_latency (const MillLinkMessage *message,
    MillLinkLatency *ret_latency, GError **error);

G_END_DECLS
