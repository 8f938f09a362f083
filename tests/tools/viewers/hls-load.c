/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/* Viewers of a low-latency stream, and how long after its write each part is
 * with them. Prints JSON; ends with 1 when an answer was wrong.
 *
 *   hls-load --viewers 2000 --index media/demo/live.index \
 *       http://127.0.0.1:8080/stream/demo/v360
 */
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "viewers.h"

typedef struct
{
  gint viewers;
  gint seconds;
  gint settle;
  gchar *index;
  gchar *mode;
} Options;

static gint
compare_delays (gconstpointer a, gconstpointer b)
{
  const gint64 *x = a;
  const gint64 *y = b;

  return (*x > *y) - (*x < *y);
}

static void
print_delays (const gchar *name, GArray *delays)
{
  static const gdouble quantiles[] = { 0.5, 0.9, 0.99, 1 };
  static const gchar *const names[] = { "p50", "p90", "p99", "max" };

  g_array_sort (delays, compare_delays);
  g_print (" \"%s\": {\"n\": %u", name, delays->len);
  for (guint i = 0; delays->len > 0 && i < G_N_ELEMENTS (quantiles); i++) {
    guint at = MIN (delays->len - 1, (guint) (quantiles[i] * delays->len));

    g_print (", \"%s\": %.1f", names[i],
        g_array_index (delays, gint64, at) / 1000.0);
  }
  g_print ("},\n");
}

/* What the viewers themselves have taken of the machine. */
static void
print_cpu (const Options *options)
{
  struct rusage usage;
  gdouble cpu_s;

  getrusage (RUSAGE_SELF, &usage);
  cpu_s = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec +
      (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
  g_print (" \"cores\": %.2f,\n", cpu_s / (options->seconds + options->settle));
}

static gboolean
parse_mode (const gchar *text, ViewersMode *ret_mode)
{
  static const gchar *const names[] = { "reload", "hint", "wait" };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++) {
    if (g_strcmp0 (text != NULL ? text : "reload", names[i]) == 0) {
      *ret_mode = i;
      return TRUE;
    }
  }
  return FALSE;
}

static gint
run (const Options *options, const ViewersOptions *viewers)
{
  g_autofree gchar *rendition = g_path_get_basename (viewers->path);
  g_autoptr (GError) error = NULL;
  ViewersResult result = { 0 };
  PartClock *clock = part_clock_new (options->index, rendition, &error);

  result.delays_us = g_array_new (FALSE, FALSE, sizeof (gint64));
  result.waits_us = g_array_new (FALSE, FALSE, sizeof (gint64));
  if (clock == NULL ||
      !viewers_run (viewers, clock, options->settle, options->seconds, &result,
          &error)) {
    g_printerr ("hls-load: %s\n", error->message);
    return EXIT_FAILURE;
  }
  g_print ("{\"viewers\": %u, \"seconds\": %d,\n", viewers->n,
      options->seconds);
  print_delays ("part_ms", result.delays_us);
  print_delays ("playlist_ms", result.waits_us);
  print_cpu (options);
  g_print (" \"playlists\": %" G_GUINT64_FORMAT
           ", \"parts\": %" G_GUINT64_FORMAT ", \"bytes\": %" G_GUINT64_FORMAT
           ", \"unknown\": %" G_GUINT64_FORMAT
           ", \"errors\": %" G_GUINT64_FORMAT "}\n",
      result.playlists, result.parts, result.bytes, result.unknown,
      result.errors);
  if (result.first_error != NULL)
    g_printerr ("hls-load: first error: %s\n", result.first_error);
  part_clock_free (clock);
  g_array_unref (result.delays_us);
  g_array_unref (result.waits_us);
  g_free (result.first_error);
  return result.errors > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void
raise_descriptors (void)
{
  struct rlimit limit;

  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
}

int
main (int argc, char **argv)
{
  Options options = { .viewers = 1, .seconds = 10, .settle = 3 };
  const GOptionEntry entries[] = {
    { "viewers", 0, 0, G_OPTION_ARG_INT, &options.viewers, "How many", "N" },
    { "seconds", 0, 0, G_OPTION_ARG_INT, &options.seconds, "Measured", "S" },
    { "settle", 0, 0, G_OPTION_ARG_INT, &options.settle, "Before that", "S" },
    { "index", 0, 0, G_OPTION_ARG_FILENAME, &options.index,
        "The stream's live.index", "FILE" },
    { "mode", 0, 0, G_OPTION_ARG_STRING, &options.mode,
        "reload (default), hint or wait", "MODE" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("URL");
  g_autoptr (GError) error = NULL;
  g_autoptr (GUri) uri = NULL;
  ViewersOptions viewers = { 0 };

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2 ||
      options.index == NULL || options.viewers < 1 ||
      !parse_mode (options.mode, &viewers.mode) ||
      (uri = g_uri_parse (argv[1], G_URI_FLAGS_NONE, &error)) == NULL) {
    g_printerr ("hls-load: %s\n",
        error != NULL ? error->message : "see hls-load --help");
    return 64;
  }
  raise_descriptors ();
  viewers.host = g_uri_get_host (uri);
  viewers.port = g_uri_get_port (uri);
  viewers.path = g_uri_get_path (uri);
  viewers.n = options.viewers;
  return run (&options, &viewers);
}
