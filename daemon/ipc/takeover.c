/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/ipc/takeover.h"

const gchar *const mill_takeover_names[] = {
  [MILL_TAKEOVER_REFUSE] = "refuse",
  [MILL_TAKEOVER_REPLACE] = "replace",
  [MILL_TAKEOVER_BACKUP] = "backup",
  NULL,
};

MillTakeover
mill_takeover_from_string (const gchar *text)
{
  for (guint i = 0; mill_takeover_names[i]; i++)
    if (g_str_equal (mill_takeover_names[i], text))
      return (MillTakeover) i;
  return MILL_TAKEOVER_REFUSE;
}
