/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* A request pad of failoverswitch: one track of one input. */
#define GST_TYPE_FAILOVER_SWITCH_PAD (gst_failover_switch_pad_get_type ())
G_DECLARE_FINAL_TYPE (GstFailoverSwitchPad, gst_failover_switch_pad, GST,
    FAILOVER_SWITCH_PAD, GstPad)

struct _GstFailoverSwitchPad
{
  GstPad parent;

  gint priority; /* atomic */

  /* streaming thread */
  GstSegment segment;
  GstCaps *caps;

  /* the switch's lock */
  struct _MillFailoverInput *input; /* (nullable): before the first event */
  guint track;
  gboolean ended;
};

/* Of the switch: its sink pads are its children. */
void gst_failover_switch_pad_init_child_proxy (gpointer g_iface, gpointer data);

G_END_DECLS
