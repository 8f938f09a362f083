/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "link/link-message.h"

G_BEGIN_DECLS

/*
 * The consumer's end of a link: a source's pads as the producer tells of them,
 * and what is pushed on them. They outlive connections: a producer that comes
 * back goes on on the pads of the same names.
 *
 * Threads: the streaming thread only, but for get_id().
 */
typedef struct _MillLinkPads MillLinkPads;

/* video_%u, audio_%u and text_%u */
void mill_link_pads_add_templates (GstElementClass *klass);

/* What a pad gets that is made. */
typedef struct
{
  GstPadEventFunction event;
  GstPadQueryFunction query;
} MillLinkPadsFuncs;

/**
 * mill_link_pads_new:
 * @element: (transfer none): its class has the templates
 * @is_live: does a pad that is flushing, as one whose branch is being stopped,
 *   leave the others going?
 */
MillLinkPads *mill_link_pads_new (GstElement *element,
    const MillLinkPadsFuncs *funcs, gboolean is_live);
/* Removes the pads from the element. */
void mill_link_pads_free (MillLinkPads *pads);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillLinkPads, mill_link_pads_free)

/**
 * mill_link_pads_take:
 * @message: any of a producer but hello and latency
 * @ret_flow: of the pads together, when it was a buffer
 *
 * A pad that nobody is linked to is no reason to end once one was linked: it
 * may be the only one left for a while.
 *
 * Errors: MILL_LINK_ERROR when the peer broke the protocol
 */
gboolean mill_link_pads_take (MillLinkPads *pads,
    const MillLinkMessage *message, GstFlowReturn *ret_flow, GError **error);

/* The connection is gone: what comes next on each pad is DISCONT. */
void mill_link_pads_disconnect (MillLinkPads *pads);
/* Has all that the producer told of had EOS? */
gboolean mill_link_pads_has_ended (const MillLinkPads *pads);
/* EOS on all pads that have not had it. */
void mill_link_pads_end (MillLinkPads *pads);
gboolean mill_link_pads_is_empty (const MillLinkPads *pads);

/* Returns: the number of @pad in this connection, 0: it is not told of.
 * Threads: any */
guint16 mill_link_pads_get_id (GstPad *pad);

G_END_DECLS
