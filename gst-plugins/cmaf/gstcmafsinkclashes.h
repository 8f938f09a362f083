/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "gstcmafsinksettings.h"

G_BEGIN_DECLS

/* Settings of cmafsink that another one leaves no meaning: whoever wrote them
 * believes that they do something, so they are told before anything begins. */

/** Returns: whether each setting has a meaning
 * Errors: GST_RESOURCE_ERROR_SETTINGS, and MILL_STORE_ERROR where the location is
 *   none */
gboolean gst_cmaf_sink_clashes_check (const GstCmafSinkSettings *settings,
    GError **error);

G_END_DECLS
