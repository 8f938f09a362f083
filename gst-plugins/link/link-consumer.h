/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "link/link-message.h"

G_BEGIN_DECLS

/*
 * One message on its way to consumers, shared by them, and the writing of such
 * to one socket.
 */
typedef struct
{
  gatomicrefcount refs;
  GBytes *head; /* the message, or what comes before the payload */
  GstBuffer *payload; /* nullable */
  MillLinkType type;
  guint16 pad;
  gboolean is_key;
  gsize size;
} MillLinkFrame;

/* @head: (transfer full) @payload: (transfer full) (nullable) */
MillLinkFrame *mill_link_consumer_frame_new (GBytes *head, GstBuffer *payload,
    guint16 pad);
MillLinkFrame *mill_link_consumer_frame_ref (MillLinkFrame *frame);
void mill_link_consumer_frame_unref (MillLinkFrame *frame);

/* The frame that a socket is in the middle of. */
typedef struct
{
  MillLinkFrame *frame; /* nullable */
  gboolean is_discont;
  gsize sent;
} MillLinkOutput;

typedef enum
{
  MILL_LINK_SENT,
  MILL_LINK_FULL, /* the socket takes more later */
  MILL_LINK_EXHAUSTED, /* no descriptors or memory: try again later */
  MILL_LINK_BROKEN,
} MillLinkSendResult;

/* Sends the rest of output's frame, without waiting, and clears it when it is
 * sent. */
MillLinkSendResult mill_link_consumer_send (MillLinkOutput *output, gint fd);
void mill_link_consumer_clear (MillLinkOutput *output);

G_END_DECLS
