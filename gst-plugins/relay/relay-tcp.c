/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "relay-tcp.h"

/* Not <netinet/tcp.h>, whose tcp_info ends before tcpi_bytes_acked. */
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* Not yet sent; about a third of a second of a picture at 2.5 Mb/s. */
#define MAX_NOT_SENT (96 * 1024)

#define PROBE_AFTER_S 15
#define PROBE_EACH_S 5
#define N_PROBES 3

gboolean
mill_relay_tcp_read (gint fd, MillRelayTcp *ret_tcp)
{
  struct tcp_info info = { 0 };
  socklen_t size = sizeof info;
  gint queued = 0;

  if (getsockopt (fd, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
      size < offsetof (struct tcp_info, tcpi_bytes_received) ||
      ioctl (fd, SIOCOUTQ, &queued) != 0)
    return FALSE;
  /* Linux 5.4 */
  gboolean has_window = size >=
      offsetof (struct tcp_info, tcpi_snd_wnd) + sizeof info.tcpi_snd_wnd;
  guint64 window = has_window ? info.tcpi_snd_wnd : 0;
  *ret_tcp = (MillRelayTcp){
    .acked = info.tcpi_bytes_acked,
    .unacked = queued,
    .edge = info.tcpi_bytes_acked + window,
    .rtt_us = info.tcpi_rtt,
  };
  return TRUE;
}

void
mill_relay_tcp_tune (gint fd)
{
  const struct
  {
    gint level;
    gint name;
    gint value;
  } options[] = {
    { IPPROTO_TCP, TCP_NODELAY, 1 },
    { IPPROTO_TCP, TCP_NOTSENT_LOWAT, MAX_NOT_SENT },
    { SOL_SOCKET, SO_KEEPALIVE, 1 },
    { IPPROTO_TCP, TCP_KEEPIDLE, PROBE_AFTER_S },
    { IPPROTO_TCP, TCP_KEEPINTVL, PROBE_EACH_S },
    { IPPROTO_TCP, TCP_KEEPCNT, N_PROBES },
  };

  /* Each is a help, none a need. */
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    setsockopt (fd, options[i].level, options[i].name, &options[i].value,
        sizeof options[i].value);
}
