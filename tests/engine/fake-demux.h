/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

/* The element "fakedemux", whose pads appear with the first buffer: those that
 * its property `pads` names ("video_0 audio_0"). Each buffer goes to all. */
void fake_demux_register (void);
