/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

/* What crosses a link: encoded media. Raw media stays inside one process. */
#define MILL_LINK_VIDEO_CAPS                                             \
  "video/x-h264; video/x-h265; video/x-h266; video/x-av1; video/x-vp8; " \
  "video/x-vp9; video/mpeg; image/jpeg"
#define MILL_LINK_AUDIO_CAPS                                              \
  "audio/mpeg; audio/x-opus; audio/x-vorbis; audio/x-ac3; audio/x-eac3; " \
  "audio/x-flac; audio/x-alaw; audio/x-mulaw"
#define MILL_LINK_TEXT_CAPS                                        \
  "text/x-raw; closedcaption/x-cea-608; closedcaption/x-cea-708; " \
  "application/x-subtitle-vtt; application/ttml+xml; "             \
  "application/x-ass; application/x-ssa"
