/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "api-metrics-streams.h"

#define MAX_STREAMS 2000
#define NANOSECOND 1e-9
#define BIT_IN_BYTES 0.125

/** A family whose samples are a number of the ingest node's statistics. */
typedef struct
{
  const gchar *name;
  const gchar *type;
  const gchar *help;
  const gchar *field;
  gdouble unit; /* of the field, in that of the family */
  const gchar *labels; /* after stream and app */
} Family;

/* Families with the same name stand together. */
static const Family families[] = {
  { "millrace_stream_receive_bytes_total", "counter",
      "Bytes of the publisher's connection.", "bytes", 1, "" },
  { "millrace_stream_media_bytes_per_second", "gauge",
      "Media of the last 10 s.", "video-bitrate-10s", BIT_IN_BYTES,
      ",kind=\"video\"" },
  { "millrace_stream_media_bytes_per_second", NULL, NULL, "audio-bitrate-10s",
      BIT_IN_BYTES, ",kind=\"audio\"" },
  { "millrace_stream_frames_total", "counter", "Frames that came.",
      "video-frames", 1, ",kind=\"video\"" },
  { "millrace_stream_frames_total", NULL, NULL, "audio-frames", 1,
      ",kind=\"audio\"" },
  { "millrace_stream_frames_per_second", "gauge",
      "Pictures per second of the last 10 s.", "fps-10s", 1, "" },
  { "millrace_stream_missing_frames_total", "counter",
      "Frames that its time stamps skip.", "missing-frames", 1, "" },
  { "millrace_stream_gaps_total", "counter",
      "Stretches of over 250 ms that its time stamps skip.", "gaps", 1, "" },
  { "millrace_stream_timestamp_jumps_total", "counter",
      "Breaks of the publisher's clock.", "jumps", 1, "" },
  { "millrace_stream_timestamp_repairs_total", "counter",
      "Time stamps held back from going backwards.", "repairs", 1, "" },
  { "millrace_stream_reconnects_total", "counter",
      "How often the publisher came back.", "reconnects", 1, "" },
  { "millrace_stream_keyframe_interval_seconds", "gauge",
      "Between the last two keyframes.", "keyframe-interval", NANOSECOND, "" },
  { "millrace_stream_keyframe_interval_max_seconds", "gauge",
      "The longest of this publisher.", "keyframe-interval-max", NANOSECOND,
      "" },
  { "millrace_stream_av_skew_seconds", "gauge",
      "How much later sound comes than its picture.", "av-skew", NANOSECOND,
      "" },
  { "millrace_stream_jitter_seconds", "gauge",
      "Of arrivals against time stamps, RFC 3550.", "jitter", NANOSECOND, "" },
  { "millrace_stream_lag_seconds", "gauge",
      "How much later frames come than in the best second of a minute.", "lag",
      NANOSECOND, "" },
  { "millrace_stream_rtt_seconds", "gauge",
      "Round trip of the publisher's connection.", "rtt", NANOSECOND, "" },
};

/** A stream with a publisher, or one that it waits for. */
typedef struct
{
  const MillStream *stream;
  GVariant *ingest; /* a{sv} */
} Sample;

static void
clear_sample (gpointer data)
{
  g_variant_unref (((Sample *) data)->ingest);
}

void
mill_api_metrics_streams_add_head (GString *text, const gchar *name,
    const gchar *type, const gchar *help)
{
  g_string_append_printf (text, "# HELP %s %s\n# TYPE %s %s\n", name, help,
      name, type);
}

static const MillStreamReport *
find_report (const MillProcessReport *process, const gchar *name)
{
  for (guint i = 0; i < process->streams->len; i++) {
    const MillStreamReport *report = g_ptr_array_index (process->streams, i);
    if (g_str_equal (report->name, name))
      return report;
  }
  return NULL;
}

/* Returns: (transfer full) (element-type Sample) */
static GArray *
list_samples (MillStreamRegistry *registry, const MillProcessReport *process)
{
  GArray *samples = g_array_new (FALSE, FALSE, sizeof (Sample));
  g_autoptr (GPtrArray) streams = mill_stream_registry_list (registry);

  g_array_set_clear_func (samples, clear_sample);
  for (guint i = 0; process && i < streams->len; i++) {
    const MillStream *stream = g_ptr_array_index (streams, i);
    const MillStreamReport *report = find_report (process, stream->row->name);
    GVariant *ingest = report ? mill_stream_report_get_ingest (report) : NULL;
    if (!ingest)
      continue;
    Sample sample = { stream, ingest };
    g_array_append_val (samples, sample);
  }
  return samples;
}

gboolean
mill_api_metrics_streams_read_number (GVariant *dict, const gchar *field,
    gdouble *ret_number)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (dict, field, NULL);

  if (!value)
    return FALSE;
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
    *ret_number = (gdouble) g_variant_get_uint64 (value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_INT64))
    *ret_number = (gdouble) g_variant_get_int64 (value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32))
    *ret_number = g_variant_get_uint32 (value);
  else if (g_variant_is_of_type (value, G_VARIANT_TYPE_DOUBLE))
    *ret_number = g_variant_get_double (value);
  else
    return FALSE;
  return TRUE;
}

void
mill_api_metrics_streams_begin_sample (GString *text, const gchar *name,
    const MillStream *stream)
{
  g_string_append_printf (text, "%s{stream=\"%s\",app=\"%s\"", name,
      stream->row->name, stream->row->app ? stream->row->app : "");
}

static void
add_number (GString *text, const Family *family, const Sample *sample)
{
  gchar number[G_ASCII_DTOSTR_BUF_SIZE];
  gdouble value;

  /* A round trip of -1 is none. */
  if (!mill_api_metrics_streams_read_number (sample->ingest, family->field,
          &value) ||
      (g_str_equal (family->field, "rtt") && value < 0))
    return;
  mill_api_metrics_streams_begin_sample (text, family->name, sample->stream);
  g_string_append_printf (text, "%s} %s\n", family->labels,
      g_ascii_formatd (number, sizeof number, "%.6f", value * family->unit));
}

static void
add_warnings (GString *text, const Sample *sample)
{
  g_autoptr (GVariant) list = g_variant_lookup_value (sample->ingest,
      "warnings", G_VARIANT_TYPE ("av"));

  for (gsize i = 0; list && i < g_variant_n_children (list); i++) {
    g_autoptr (GVariant) boxed = g_variant_get_child_value (list, i);
    g_autoptr (GVariant) item = g_variant_get_variant (boxed);
    const gchar *id = NULL;
    if (!g_variant_lookup (item, "id", "&s", &id))
      continue;
    mill_api_metrics_streams_begin_sample (text, "millrace_stream_warning",
        sample->stream);
    g_string_append_printf (text, ",warning=\"%s\"} 1\n", id);
  }
}

void
mill_api_metrics_streams_add (GString *text, MillStreamRegistry *registry,
    const MillProcessReport *report)
{
  g_autoptr (GArray) samples = list_samples (registry, report);
  guint n = MIN (samples->len, MAX_STREAMS);

  for (guint i = 0; i < G_N_ELEMENTS (families); i++) {
    if (families[i].help)
      mill_api_metrics_streams_add_head (text, families[i].name,
          families[i].type, families[i].help);
    for (guint s = 0; s < n; s++)
      add_number (text, &families[i], &g_array_index (samples, Sample, s));
  }
  mill_api_metrics_streams_add_head (text, "millrace_stream_warning", "gauge",
      "1 for each warning that stands.");
  for (guint s = 0; s < n; s++)
    add_warnings (text, &g_array_index (samples, Sample, s));
  mill_api_metrics_streams_add_head (text, "millrace_stream_metrics_omitted",
      "gauge", "Streams without samples here, because there are too many.");
  g_string_append_printf (text, "millrace_stream_metrics_omitted %u\n",
      samples->len - n);
}
