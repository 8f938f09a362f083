/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/** The element "fakeending": a GstBaseSrc that gives one buffer. Asked to end, its
 * loop stands still before it gives out its EOS, until it is paused or its pad is
 * deactivated. */
void fake_source_register (void);

/** Waits until the loop stands there. */
void fake_source_wait_ending (GstElement *source);

/** Returns: whether the pad was deactivated while it stood there */
gboolean fake_source_was_cut_off (GstElement *source);

G_END_DECLS
