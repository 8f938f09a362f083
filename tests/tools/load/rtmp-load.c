/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/*
 * Publishes one FLV file N times at once in real time, from one thread that
 * spends next to nothing per publisher, so that it can share a machine with
 * the server that is measured. What was sent is printed as one line of JSON.
 *
 *     rtmp-load --url rtmp://127.0.0.1:1935/live/load%d --publishers 100
 *               --seconds 20 [--stagger-ms 20] [--chunk-size 4096] FILE.flv
 *
 * With --reconnect-every each of them goes without a word and comes back. With
 * --fault KIND=N the first N misbehave (stall, half-open, slow-handshake,
 * garbage, truncate, reset); several kinds may be given.
 *
 *     rtmp-load --url rtmp://127.0.0.1:1935/live/load%d --cycles 10000
 *               --publishers 8 [--cycle-frames 5] [--new-names] FILE.flv
 *
 * connects, publishes some frames and says good-bye, 10,000 times in all and 8
 * at a time, as fast as the server answers; %d is one of 8 numbers, or with
 * --new-names the number of the cycle.
 *
 * Exit code: 0 when all that are honest published to the end, 1 when one was
 * refused or cut off, 64 for wrong use, 66 for an unusable file.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <gst/gst.h>

#include "load.h"

#define EXIT_USE 64
#define EXIT_NO_INPUT 66

/* rtmp://host[:port]/app/name; the application is all up to the last slash. */
static gboolean
parse_url (MillLoad *load, const gchar *url)
{
  g_autoptr (GUri) uri =
      g_uri_parse (url, G_URI_FLAGS_ENCODED | G_URI_FLAGS_PARSE_RELAXED, NULL);
  if (uri == NULL || g_strcmp0 (g_uri_get_scheme (uri), "rtmp") != 0)
    return FALSE;
  const gchar *path = g_uri_get_path (uri);
  const gchar *slash = strrchr (path, '/');
  if (slash == NULL || slash == path)
    return FALSE;
  const gchar *query = g_uri_get_query (uri);
  gint port = g_uri_get_port (uri) > 0 ? g_uri_get_port (uri) : 1935;
  load->app = g_strndup (path + 1, (gsize) (slash - path - 1));
  load->name = query == NULL ? g_strdup (slash + 1)
                             : g_strconcat (slash + 1, "?", query, NULL);
  load->tc_url = g_strdup_printf ("rtmp://%s:%d/%s", g_uri_get_host (uri), port,
      load->app);
  g_autofree gchar *service = g_strdup_printf ("%d", port);
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
  return getaddrinfo (g_uri_get_host (uri), service, &hints, &load->address) ==
      0;
}

/* "KIND=N": the next N publishers. */
static gboolean
parse_fault (MillLoad *load, const gchar *text, guint *next)
{
  g_auto (GStrv) parts = g_strsplit (text, "=", 2);
  guint64 n = 0;
  if (parts[0] == NULL || parts[1] == NULL ||
      !g_ascii_string_to_unsigned (parts[1], 10, 1, load->n_publishers - *next,
          &n, NULL))
    return FALSE;
  MillLoadFault fault = mill_load_fault_parse (parts[0]);
  for (guint64 i = 0; i < n; i++)
    load->publishers[(*next)++].fault = fault;
  return fault != MILL_LOAD_HONEST;
}

static gboolean
parse_faults (MillLoad *load, gchar **faults)
{
  guint next = 0;
  for (guint i = 0; faults != NULL && faults[i] != NULL; i++) {
    if (next >= load->n_publishers || !parse_fault (load, faults[i], &next))
      return FALSE;
  }
  return TRUE;
}

static void
allow_descriptors (void)
{
  struct rlimit limit;
  getrlimit (RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit (RLIMIT_NOFILE, &limit);
}

static void
prepare (MillLoad *load)
{
  allow_descriptors ();
  load->publishers = g_new0 (MillLoadPublisher, load->n_publishers);
  load->n_left = load->n_publishers;
  for (guint i = 0; i < load->n_publishers; i++) {
    load->publishers[i].load = load;
    load->publishers[i].index = i;
    load->publishers[i].fd = -1;
  }
}

static void
clear_load (MillLoad *load)
{
  for (guint i = 0; i < load->n_publishers; i++)
    mill_rtmp_client_free (load->publishers[i].client);
  g_free (load->publishers);
  mill_wire_image_free (load->image);
  g_free (load->app);
  g_free (load->name);
  g_free (load->tc_url);
  if (load->address != NULL)
    freeaddrinfo (load->address);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MillLoad, clear_load)

static int
use (const gchar *message)
{
  g_printerr ("rtmp-load: error: %s\n", message);
  return EXIT_USE;
}

/* What the command line says. */
typedef struct
{
  gchar *url;
  gint n_publishers;
  gdouble seconds;
  gint stagger_ms;
  gint chunk_size;
  gdouble reconnect_s;
  gchar **faults;
  gint n_cycles;
  gint n_cycle_frames;
  gboolean new_names;
} Options;

static void
clear_options (Options *options)
{
  g_free (options->url);
  g_strfreev (options->faults);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, clear_options)

static gboolean
parse_options (Options *options, int *argc, char ***argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "url", 0, 0, G_OPTION_ARG_STRING, &options->url,
        "rtmp://HOST[:PORT]/APP/NAME with %d for the number", "URL" },
    { "publishers", 0, 0, G_OPTION_ARG_INT, &options->n_publishers,
        "how many at once", "N" },
    { "seconds", 0, 0, G_OPTION_ARG_DOUBLE, &options->seconds, "each of them",
        "S" },
    { "stagger-ms", 0, 0, G_OPTION_ARG_INT, &options->stagger_ms,
        "between two of their starts", "MS" },
    { "chunk-size", 0, 0, G_OPTION_ARG_INT, &options->chunk_size, "in bytes",
        "N" },
    { "reconnect-every", 0, 0, G_OPTION_ARG_DOUBLE, &options->reconnect_s,
        "each goes and comes back", "S" },
    { "fault", 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->faults,
        "how many misbehave, and how: stall, half-open, slow-handshake, "
        "garbage, truncate, reset",
        "KIND=N" },
    { "cycles", 0, 0, G_OPTION_ARG_INT, &options->n_cycles,
        "connect, publish, good-bye, so often in all", "N" },
    { "cycle-frames", 0, 0, G_OPTION_ARG_INT, &options->n_cycle_frames,
        "frames of a cycle", "N" },
    { "new-names", 0, 0, G_OPTION_ARG_NONE, &options->new_names,
        "%d is the number of the cycle", NULL },
    G_OPTION_ENTRY_NULL,
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("FILE.flv");
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse (context, argc, argv, error);
}

static gboolean
are_sane (const Options *options)
{
  return options->url != NULL && options->n_publishers >= 1 &&
      options->seconds > 0 && options->stagger_ms >= 0 &&
      options->chunk_size >= 128 && options->chunk_size <= 0xffffff &&
      options->reconnect_s >= 0 && options->n_cycles >= 0 &&
      options->n_cycle_frames >= 1;
}

int
main (int argc, char **argv)
{
  g_auto (Options) options = {
    .n_publishers = 1,
    .seconds = 20,
    .stagger_ms = 20,
    .chunk_size = 4096,
    .n_cycle_frames = 5,
  };
  g_autoptr (GError) error = NULL;
  if (!parse_options (&options, &argc, &argv, &error))
    return use (error->message);
  if (argc != 2 || !are_sane (&options))
    return use ("expected --url, one file and sane numbers; see --help");
  /* messages of the server come in buffers, without any plugin */
  g_setenv ("GST_REGISTRY_DISABLE", "yes", TRUE);
  gst_init (NULL, NULL);

  g_auto (MillLoad) load = {
    .n_publishers = (guint) options.n_publishers,
    .duration_us = (gint64) (options.seconds * G_USEC_PER_SEC),
    .stagger_us = (gint64) options.stagger_ms * 1000,
    .chunk_size = (guint) options.chunk_size,
    .reconnect_us = (gint64) (options.reconnect_s * G_USEC_PER_SEC),
    .n_cycles = (guint) options.n_cycles,
    .n_cycle_frames = (guint) options.n_cycle_frames,
    .new_names = options.new_names,
  };
  prepare (&load);
  if (!parse_url (&load, options.url))
    return use ("--url: expected rtmp://HOST[:PORT]/APP/NAME that resolves");
  if (!parse_faults (&load, options.faults))
    return use ("--fault: expected KIND=N, no more than there are publishers");
  g_autoptr (MillFlvFile) file = mill_flv_file_open (argv[1], &error);
  if (file != NULL)
    load.image = mill_wire_image_new (file, load.chunk_size, &error);
  if (load.image == NULL) {
    g_printerr ("rtmp-load: error: %s\n", error->message);
    return EXIT_NO_INPUT;
  }
  mill_load_loop_run (&load);
  mill_load_result_print (&load);
  return mill_load_result_is_clean (&load) ? EXIT_SUCCESS : EXIT_FAILURE;
}
