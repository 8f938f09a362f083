/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "cmaf-packager.h"

G_BEGIN_DECLS

/**
 * gst_cmaf_report_post:
 * @kind: MILL_CMAF_WARNED: a warning; else an error
 * @error: of a packager, a publisher or their store; its text is for users
 *
 * The one place where what went wrong with packaging becomes a message on the bus.
 * Any thread, without a lock.
 */
void gst_cmaf_report_post (GstElement *element, MillCmafReportKind kind,
    const GError *error);

G_END_DECLS
