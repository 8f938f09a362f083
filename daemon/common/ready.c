/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "daemon/common/ready.h"

#ifdef MILL_HAVE_SYSTEMD
#include <systemd/sd-daemon.h>

static gboolean
on_watchdog (gpointer user_data)
{
  sd_notify (0, "WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

static void
notify (const gchar *message)
{
  sd_notify (0, message);
}

guint
mill_ready_start_watchdog (void)
{
  guint64 interval_usec;

  if (sd_watchdog_enabled (0, &interval_usec) <= 0)
    return 0;
  /* Half the interval, as sd_watchdog_enabled(3) recommends. */
  return g_timeout_add ((guint) (interval_usec / 2000), on_watchdog, NULL);
}

#else

static void
notify (const gchar *message)
{
}

guint
mill_ready_start_watchdog (void)
{
  return 0;
}

#endif

void
mill_ready_notify (void)
{
  notify ("READY=1");
}

void
mill_ready_notify_stopping (void)
{
  notify ("STOPPING=1");
}

void
mill_ready_notify_status (const gchar *status)
{
  g_autofree gchar *message = g_strconcat ("STATUS=", status, NULL);

  notify (message);
}
