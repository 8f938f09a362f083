/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "rtmp-arena.h"

#include "rtmp-capabilities.h"
#include "rtmp-limits.h"

G_BEGIN_DECLS

/*
 * The server side of one RTMP connection, without any I/O: bytes go in by
 * mill_rtmp_session_feed(), bytes to send come out of
 * mill_rtmp_session_peek_output(), and what the publisher does arrives through
 * MillRtmpSessionEvents, called from within feed().
 *
 * Threads: none of its own; one thread at a time may use a session.
 * Source: Adobe's Real-Time Messaging Protocol 1.0 (2012), Enhanced RTMP v2.
 */
typedef struct _MillRtmpSession MillRtmpSession;

#define MILL_RTMP_ERROR (mill_rtmp_error_quark ())
GQuark mill_rtmp_error_quark (void);

/**
 * MillRtmpError:
 * @MILL_RTMP_ERROR_HANDSHAKE: the peer does not speak RTMP (unknown version,
 *   bytes that are no handshake)
 * @MILL_RTMP_ERROR_PROTOCOL: a message that the specification forbids
 * @MILL_RTMP_ERROR_STATE: the call does not fit the state (saving in the
 *   middle of a message, answering without a request)
 *
 * Going over a bound is an error of MILL_RTMP_LIMIT_ERROR (rtmp-limits.h).
 */
typedef enum
{
  MILL_RTMP_ERROR_HANDSHAKE,
  MILL_RTMP_ERROR_PROTOCOL,
  MILL_RTMP_ERROR_STATE,
} MillRtmpError;

/** What a publisher asks for; strings belong to the session. */
typedef struct
{
  const gchar *app; /* without query and trailing slash */
  const gchar *name; /* stream name without query */
  const gchar *query; /* of name, else of app or tcUrl; may be "" */
  const gchar *tc_url; /* nullable */
  const gchar *flash_version; /* nullable; the encoder's own name */
  MillRtmpCapabilities capabilities; /* of the encoder */
} MillRtmpPublish;

typedef enum
{
  MILL_RTMP_MEDIA_AUDIO = 8,
  MILL_RTMP_MEDIA_VIDEO = 9,
} MillRtmpMediaType;

/**
 * MillRtmpSessionEvents:
 * @publish: the peer asks to publish. feed() returns after it without
 *   consuming more, and consumes nothing until mill_rtmp_session_accept() or
 *   mill_rtmp_session_refuse() was called (at once or later).
 * @media: one audio or video message: @payload (transfer full) holds the FLV
 *   tag body in one memory, @timestamp_ms is the 32-bit wire time stamp,
 *   extended and unfolded from deltas, not unwrapped.
 * @metadata: onMetaData: the numbers, strings and booleans of its first level
 *   (transfer none).
 * @cue: onAdCue, onCuePoint: the splice information section in it (transfer
 *   none).
 * @unpublish: the peer ended its stream in good order (FCUnpublish,
 *   closeStream, deleteStream); nothing but a new publish comes after it.
 *
 * Any of them may be NULL. None may free the session.
 */
typedef struct
{
  void (*publish) (MillRtmpSession *session, const MillRtmpPublish *publish,
      gpointer user_data);
  void (*media) (MillRtmpSession *session, MillRtmpMediaType type,
      guint32 timestamp_ms, GstBuffer *payload, gpointer user_data);
  void (*metadata) (MillRtmpSession *session, const GstStructure *metadata,
      gpointer user_data);
  void (*unpublish) (MillRtmpSession *session, gpointer user_data);
  void (*cue) (MillRtmpSession *session, GBytes *section, gpointer user_data);
} MillRtmpSessionEvents;

/* @limits: (nullable): NULL takes all defaults. @events is not copied: static. */
MillRtmpSession *mill_rtmp_session_new (const MillRtmpLimits *limits,
    const MillRtmpSessionEvents *events, gpointer user_data);
void mill_rtmp_session_free (MillRtmpSession *session);
void mill_rtmp_session_set_user_data (MillRtmpSession *session,
    gpointer user_data);

/* Consumes bytes from the peer. @ret_consumed is less than @size only while a
 * publish request waits for its answer: keep the rest and feed it again.
 * Returns FALSE when the connection must be closed (send the output first). */
gboolean mill_rtmp_session_feed (MillRtmpSession *session, const guint8 *data,
    gsize size, gsize *ret_consumed, GError **error);

/* Bytes to send; (transfer none), valid until the session is used again. */
const guint8 *mill_rtmp_session_peek_output (MillRtmpSession *session,
    gsize *ret_size);
void mill_rtmp_session_drop_output (MillRtmpSession *session, gsize size);

/* The answer to @publish. A refusal is sent as onStatus level error with
 * @code ("NetStream.Publish.BadName", ".Denied") and @description, which ffmpeg
 * and OBS show; the caller closes after sending. A publisher may also be
 * refused later, from within its events too: what it sends is then ignored. */
void mill_rtmp_session_accept (MillRtmpSession *session);
void mill_rtmp_session_refuse (MillRtmpSession *session, const gchar *code,
    const gchar *description);

/* Asks the publisher to go on elsewhere, at its next keyframe: what it sends
 * until then is media as before.
 * @tc_url: (nullable): where to, absolute or relative to where it is; NULL is
 *   the same address again
 * @description: (nullable): why, for people
 * Returns FALSE, and nothing is sent, when it does not publish or has not said
 * in connect that it understands this (MILL_RTMP_CAPS_RECONNECT). */
gboolean mill_rtmp_session_request_reconnect (MillRtmpSession *session,
    const gchar *tc_url, const gchar *description);

/* The session as a variant and back, possible while no message is half read
 * (Errors: MILL_RTMP_ERROR_STATE) and the output is empty: what a successor
 * process needs to go on with the same socket. @variant is checked like bytes
 * from the network. */
GVariant *mill_rtmp_session_save (MillRtmpSession *session, GError **error);
MillRtmpSession *mill_rtmp_session_load (GVariant *variant,
    const MillRtmpLimits *limits, const MillRtmpSessionEvents *events,
    gpointer user_data, GError **error);

/* What payloads are in, from the first message on. @kind: static */
void mill_rtmp_session_set_memory_kind (MillRtmpSession *session,
    const MillRtmpMemoryKind *kind);

/* Where the payload of the next message is put, unless it is a large one.
 * Returns: (nullable) */
gpointer mill_rtmp_session_peek_room (const MillRtmpSession *session);

/* Whether the last byte fed was the last one of a message. */
gboolean mill_rtmp_session_is_between_messages (const MillRtmpSession *session);

/* All memory but payload that a message of media goes through. */
void mill_rtmp_session_visit (const MillRtmpSession *session,
    MillRtmpVisitFunc visit, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRtmpSession, mill_rtmp_session_free)

G_END_DECLS
