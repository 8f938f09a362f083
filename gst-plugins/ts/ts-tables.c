/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "ts-tables.h"

#define PACKET MILL_TS_TABLES_PACKET
#define PID_PAT 0u

void
mill_ts_tables_init (MillTsTables *self)
{
  *self = (MillTsTables){
    .pat = g_byte_array_new (),
    .pmt = g_byte_array_new (),
  };
}

void
mill_ts_tables_clear (MillTsTables *self)
{
  g_clear_pointer (&self->pat, g_byte_array_unref);
  g_clear_pointer (&self->pmt, g_byte_array_unref);
}

/* §2.4.3.2 */
static guint
get_pid (const guint8 *packet)
{
  return (guint) (packet[1] & 0x1f) << 8 | packet[2];
}

static gboolean
is_unit_start (const guint8 *packet)
{
  return (packet[1] & 0x40) != 0;
}

/* Where the payload begins, after an adaptation field; PACKET: there is none. */
static guint
find_payload (const guint8 *packet)
{
  guint control = packet[3] >> 4 & 3;
  if ((control & 1) == 0)
    return PACKET;
  guint begin = control == 3 ? 5u + packet[4] : 4u;
  return MIN (begin, PACKET);
}

/* §2.4.4.3: the PID of the first program that is no network information. */
static guint
read_pmt_pid (const guint8 *packet)
{
  guint at = find_payload (packet);
  if (!is_unit_start (packet) || at + 1 >= PACKET)
    return 0;
  at += 1u + packet[at]; /* pointer_field */
  if (at + 8 > PACKET || packet[at] != 0x00)
    return 0;
  guint length = (guint) (packet[at + 1] & 0x0f) << 8 | packet[at + 2];
  guint end = MIN (at + 3 + length, PACKET);
  for (guint i = at + 8; i + 8 <= end; i += 4) {
    guint program = (guint) packet[i] << 8 | packet[i + 1];
    if (program != 0)
      return (guint) (packet[i + 2] & 0x1f) << 8 | packet[i + 3];
  }
  return 0;
}

static gboolean
is_table (const MillTsTables *self, const guint8 *packet)
{
  guint pid = get_pid (packet);
  return pid == PID_PAT || (self->pmt_pid != 0 && pid == self->pmt_pid);
}

static void
keep (MillTsTables *self, const guint8 *packet)
{
  GByteArray *table = get_pid (packet) == PID_PAT ? self->pat : self->pmt;
  if (table == self->pat) {
    guint pid = read_pmt_pid (packet);
    if (pid != 0)
      self->pmt_pid = pid;
  }
  if (is_unit_start (packet))
    g_byte_array_set_size (table, 0);
  g_byte_array_append (table, packet, PACKET);
}

gboolean
mill_ts_tables_watch (MillTsTables *self, const guint8 *packets, gsize size)
{
  gboolean is_first = TRUE;
  gboolean begins = FALSE;
  for (gsize at = 0; at + PACKET <= size; at += PACKET) {
    if (is_table (self, packets + at)) {
      keep (self, packets + at);
      continue;
    }
    if (is_first)
      begins = is_unit_start (packets + at);
    is_first = FALSE;
  }
  return begins;
}

GBytes *
mill_ts_tables_finish_segment (MillTsTables *self, const guint8 *packets,
    gsize size)
{
  GByteArray *out =
      g_byte_array_sized_new ((guint) size + self->pat->len + self->pmt->len);
  if (size < PACKET || get_pid (packets) != PID_PAT) {
    g_byte_array_append (out, self->pat->data, self->pat->len);
    g_byte_array_append (out, self->pmt->data, self->pmt->len);
  }
  g_byte_array_append (out, packets, (guint) size);
  /* §2.4.3.3: it counts the packets of a PID that have a payload, as these do. */
  for (gsize at = 0; at + PACKET <= out->len; at += PACKET) {
    guint8 *packet = out->data + at;
    if (!is_table (self, packet))
      continue;
    guint8 *counter = get_pid (packet) == PID_PAT ? &self->pat_counter
                                                  : &self->pmt_counter;
    packet[3] = (packet[3] & 0xf0) | (*counter & 0x0f);
    *counter = (*counter + 1) & 0x0f;
  }
  return g_byte_array_free_to_bytes (out);
}
