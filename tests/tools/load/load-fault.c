/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "load.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* What a fault waits for after its show has begun. */
#define SHOW_US (2 * G_USEC_PER_SEC)
/* Between two bytes of a slow handshake. */
#define TRICKLE_US (200 * 1000)
/* Before one that was closed comes back. */
#define PAUSE_US (100 * 1000)

#define HANDSHAKE_BYTES (1 + 2 * 1536)
#define NOISE_BYTES 4096

static const gchar *const names[MILL_LOAD_N_FAULTS] = {
  "honest",
  "stall",
  "half-open",
  "slow-handshake",
  "garbage",
  "truncate",
  "reset",
};

MillLoadFault
mill_load_fault_parse (const gchar *name)
{
  for (guint i = MILL_LOAD_HONEST + 1; i < MILL_LOAD_N_FAULTS; i++) {
    if (strcmp (name, names[i]) == 0)
      return (MillLoadFault) i;
  }
  return MILL_LOAD_HONEST;
}

const gchar *
mill_load_fault_get_name (MillLoadFault fault)
{
  return names[fault];
}

gboolean
mill_load_fault_begins_at_once (MillLoadFault fault)
{
  return fault == MILL_LOAD_HALF_OPEN || fault == MILL_LOAD_SLOW_HANDSHAKE ||
      fault == MILL_LOAD_GARBAGE;
}

gboolean
mill_load_fault_is_due (const MillLoadPublisher *publisher, gint64 now_us)
{
  return publisher->fault != MILL_LOAD_HONEST &&
      publisher->state == MILL_LOAD_PUBLISHING &&
      now_us - publisher->start_us >= SHOW_US;
}

/* Comes back as long as the others publish. */
static void
return_later (MillLoadPublisher *publisher, gint64 now_us)
{
  if (now_us + PAUSE_US < publisher->end_us)
    mill_load_publisher_pause (publisher, now_us + PAUSE_US);
  else
    mill_load_publisher_finish (publisher, MILL_LOAD_DONE, NULL);
}

void
mill_load_fault_on_closed (MillLoadPublisher *publisher)
{
  publisher->n_closed++;
  return_later (publisher, g_get_monotonic_time ());
}

/* As a handshake begins, or as noise: the same bytes on every machine. */
static void
send_bytes (MillLoadPublisher *publisher, gsize size)
{
  guint8 bytes[HANDSHAKE_BYTES + NOISE_BYTES] = { 3 };
  g_autoptr (GRand) rand = g_rand_new_with_seed (publisher->index);
  for (gsize i = HANDSHAKE_BYTES; i < sizeof bytes; i++)
    bytes[i] = (guint8) g_rand_int (rand);
  gssize sent = mill_load_publisher_send (publisher,
      bytes + publisher->position,
      MIN (size, sizeof bytes - publisher->position));
  if (sent > 0)
    publisher->position += (gsize) sent;
}

/* Ends within a frame: the half of the next message, then the end. */
static void
cut_off (MillLoadPublisher *publisher, gint64 now_us)
{
  const MillLoad *load = publisher->load;
  const MillWireMessage *message = &g_array_index (load->image->messages,
      MillWireMessage, publisher->message);
  gsize half = (message->end - publisher->position) / 2;
  if (mill_load_publisher_send (publisher,
          load->image->bytes->data + publisher->position, half) >= 0)
    return_later (publisher, now_us);
}

static void
reset (MillLoadPublisher *publisher, gint64 now_us)
{
  struct linger none = { .l_onoff = 1, .l_linger = 0 };
  setsockopt (publisher->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  return_later (publisher, now_us);
}

void
mill_load_fault_act (MillLoadPublisher *publisher, gint64 now_us)
{
  if (publisher->end_us == 0)
    publisher->end_us = now_us + publisher->load->duration_us;
  if (now_us >= publisher->end_us) {
    mill_load_publisher_finish (publisher, MILL_LOAD_DONE, NULL);
    return;
  }
  publisher->next_us = publisher->end_us;
  switch (publisher->fault) {
    case MILL_LOAD_SLOW_HANDSHAKE:
      publisher->next_us = now_us + TRICKLE_US;
      send_bytes (publisher, 1);
      break;
    case MILL_LOAD_GARBAGE:
      send_bytes (publisher, HANDSHAKE_BYTES + NOISE_BYTES);
      break;
    case MILL_LOAD_TRUNCATE:
      cut_off (publisher, now_us);
      break;
    case MILL_LOAD_RESET:
      reset (publisher, now_us);
      break;
    case MILL_LOAD_STALL:
    case MILL_LOAD_HALF_OPEN:
    case MILL_LOAD_HONEST:
    case MILL_LOAD_N_FAULTS:
    default:
      mill_load_loop_watch (publisher, EPOLLIN);
      break;
  }
}
