/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "load.h"

#include <sys/resource.h>

typedef struct
{
  guint64 sum, min, max;
} Spread;

/* Over those who are honest. */
static Spread
spread (const MillLoad *load, gsize field)
{
  Spread result = { 0, G_MAXUINT64, 0 };
  for (guint i = 0; i < load->n_publishers; i++) {
    if (load->publishers[i].fault != MILL_LOAD_HONEST)
      continue;
    guint64 value = G_STRUCT_MEMBER (guint64, &load->publishers[i], field);
    result.sum += value;
    result.min = MIN (result.min, value);
    result.max = MAX (result.max, value);
  }
  if (result.min > result.max)
    result.min = 0;
  return result;
}

static guint
count (const MillLoad *load, MillLoadState state)
{
  guint n = 0;
  for (guint i = 0; i < load->n_publishers; i++) {
    const MillLoadPublisher *publisher = &load->publishers[i];
    n += publisher->fault == MILL_LOAD_HONEST && publisher->state == state ? 1
                                                                           : 0;
  }
  return n;
}

static void
print_spread (const gchar *name, Spread value)
{
  g_print ("\"%s\": {\"sum\": %" G_GUINT64_FORMAT
           ", \"min\": %" G_GUINT64_FORMAT ", \"max\": %" G_GUINT64_FORMAT
           "}, ",
      name, value.sum, value.min, value.max);
}

static void
print_times (const gchar *name, gint64 sum_us, guint64 n, gint64 max_us)
{
  gdouble mean_us = n > 0 ? (gdouble) sum_us / (gdouble) n : 0;
  g_print ("\"%s\": {\"mean\": %.3f, \"max\": %.3f}, ", name, mean_us / 1000,
      (gdouble) max_us / 1000);
}

/* Those who misbehave, and how often the server has closed one of them. */
static void
print_faults (const MillLoad *load)
{
  const gchar *comma = "";
  g_print ("\"faults\": {");
  for (guint fault = MILL_LOAD_HONEST + 1; fault < MILL_LOAD_N_FAULTS;
       fault++) {
    guint n = 0;
    guint n_closed = 0;
    for (guint i = 0; i < load->n_publishers; i++) {
      const MillLoadPublisher *publisher = &load->publishers[i];
      if (publisher->fault != fault)
        continue;
      n++;
      n_closed += publisher->n_closed;
    }
    if (n == 0)
      continue;
    g_print ("%s\"%s\": {\"publishers\": %u, \"closed\": %u}", comma,
        mill_load_fault_get_name (fault), n, n_closed);
    comma = ", ";
  }
  g_print ("}, ");
}

static gdouble
get_cpu_s (void)
{
  struct rusage usage;
  getrusage (RUSAGE_SELF, &usage);
  return (gdouble) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
      (gdouble) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) /
      G_USEC_PER_SEC;
}

void
mill_load_result_print (const MillLoad *load)
{
  guint n_reconnects = 0;
  for (guint i = 0; i < load->n_publishers; i++)
    n_reconnects += load->publishers[i].n_reconnects;
  g_print ("{\"publishers\": %u, \"seconds\": %.3f, ", load->n_publishers,
      (gdouble) load->duration_us / G_USEC_PER_SEC);
  print_spread ("frames",
      spread (load, G_STRUCT_OFFSET (MillLoadPublisher, n_frames)));
  print_spread ("video_frames",
      spread (load, G_STRUCT_OFFSET (MillLoadPublisher, n_pictures)));
  print_spread ("bytes",
      spread (load, G_STRUCT_OFFSET (MillLoadPublisher, n_bytes)));
  print_times ("lag_ms", load->lag_sum_us, load->n_messages, load->lag_max_us);
  print_times ("accept_ms", load->accept_sum_us, load->n_accepted,
      load->accept_max_us);
  print_faults (load);
  g_print ("\"cycles\": %u, \"reconnects\": %u, \"refused\": %u, "
           "\"disconnected\": %u, \"cpu_s\": %.3f}\n",
      load->n_ended, n_reconnects, count (load, MILL_LOAD_REFUSED),
      count (load, MILL_LOAD_DISCONNECTED), get_cpu_s ());
}

gboolean
mill_load_result_is_clean (const MillLoad *load)
{
  return count (load, MILL_LOAD_REFUSED) == 0 &&
      count (load, MILL_LOAD_DISCONNECTED) == 0;
}
