/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/check/gstcheck.h>
#include <gst/check/gsttestclock.h>

G_BEGIN_DECLS

/*
 * A rtmpserversrc with everything it pushes in queues: its pads are linked to
 * sink pads that keep what they get. It runs on a test clock, so that running
 * times are exact, and has a bus of its own.
 */
typedef enum
{
  RECEIVER_VIDEO, /* video_0 */
  RECEIVER_AUDIO, /* audio_0 */
  RECEIVER_VIDEO_1,
  RECEIVER_AUDIO_1,
  RECEIVER_VIDEO_7,
  RECEIVER_N_KINDS,
} ReceiverKind;

typedef struct
{
  GstElement *element;
  GstTestClock *clock;
  GstBus *bus;
  GAsyncQueue *items[RECEIVER_N_KINDS]; /* element-type GstMiniObject */
  GAsyncQueue *signals; /* element-type gchar: "start NAME", "end REASON",
                           "no-more-pads", "pad NAME" */
  GstPad *sinks[RECEIVER_N_KINDS];
  gint losses; /* that the pads were told of; atomic */
  gint flow; /* GstFlowReturn that the next buffers get; atomic */
  gchar *address; /* after receiver_start() */
  /* every buffer waits while it is set */
  GMutex lock;
  GCond cond;
  gboolean blocked;
  guint waiting;
} Receiver;

/* @location: (nullable) */
Receiver *receiver_new (const gchar *location);
/* To PLAYING, with base time 0 and running time @now. */
void receiver_start (Receiver *self, GstClockTime now);
void receiver_free (Receiver *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Receiver, receiver_free)

/* All of these fail the test after 20 s. */
/* Returns: (transfer full): a buffer or an event */
GstMiniObject *receiver_take_item (Receiver *self, ReceiverKind kind);
GstBuffer *receiver_take_buffer (Receiver *self, ReceiverKind kind);
/* The next thing must be an event of @type. */
GstEvent *receiver_take_event (Receiver *self, ReceiverKind kind,
    GstEventType type);
GstEvent *receiver_take_any_event (Receiver *self, ReceiverKind kind);
void receiver_expect_signal (Receiver *self, const gchar *signal);
/* Anything else is passed over. */
void receiver_wait_signal (Receiver *self, const gchar *prefix);
GstMessage *receiver_take_message (Receiver *self, GstMessageType type);
/* One or no message of @type waits: no time passes. */
gboolean receiver_has_message (Receiver *self, GstMessageType type);

/* The time stamp of the next frame in ms; events before it are passed over. */
gint64 receiver_take_dts (Receiver *self, ReceiverKind kind);

void receiver_block (Receiver *self);
void receiver_wait_blocked (Receiver *self);
void receiver_unblock (Receiver *self);

guint64 receiver_get_stat (Receiver *self, const gchar *name);
gchar *receiver_get_state (Receiver *self);
/* Until the stats' state is @state. */
void receiver_wait_state (Receiver *self, const gchar *state);

G_END_DECLS
