/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

/* Heartbeats come when run_heartbeats() says so, and who is sent away has as long
 * for the last words as a test needs to come to them, also from libsoup, which
 * closes a WebSocket. Everything else that waits for seconds is left alone. */
void run_heartbeats (void);
