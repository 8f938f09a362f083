/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "choice-report.h"
#include "input-report.h"

G_BEGIN_DECLS

/**
 * MillStreamState:
 * @MILL_STREAM_STARTING: the graph runs, no media has come yet
 * @MILL_STREAM_LIVE: media flows
 * @MILL_STREAM_RECONNECTING: the publisher is away, the graph holds
 * @MILL_STREAM_STOPPING: end of stream is on its way to the sinks
 * @MILL_STREAM_FAILED: the graph reported an error and was stopped; the report
 *   stays until StopStream or a new start
 * @MILL_STREAM_ENDED: finished its output; only in StreamChanged
 * @MILL_STREAM_GONE: stopped without finishing; only in StreamChanged
 */
typedef enum
{
  MILL_STREAM_STARTING,
  MILL_STREAM_LIVE,
  MILL_STREAM_RECONNECTING,
  MILL_STREAM_STOPPING,
  MILL_STREAM_FAILED,
  MILL_STREAM_ENDED,
  MILL_STREAM_GONE,
} MillStreamState;

typedef struct
{
  gchar *name; /* also its directory below the stream's */
  gchar *kind; /* video, audio, text */
  gchar *codec; /* RFC 6381 */
  guint width; /* 0 unless video */
  guint height;
  guint64 bitrate_bps;
  gchar *state; /* as the packager says it: waiting, live, late, ended */
} MillRenditionReport;

typedef struct
{
  gchar *name;
  guint64 generation;
  guint64 epoch_ns;
  MillStreamState state;
  gint64 since; /* Unix seconds of the last change of state */
  MillPublisher *publisher; /* nullable: a stream without one */
  GPtrArray *inputs; /* (element-type MillInputReport) */
  MillChoiceReport *choice; /* nullable: nothing chooses between inputs */
  GPtrArray *renditions; /* (element-type MillRenditionReport) */
  GVariant *nodes; /* a{sv}: node name -> a{sv} of its stats; never NULL */
  gchar *ingest; /* nullable: the node that has the publisher */
  gchar *last_error; /* "" when none */
} MillStreamReport;

/* "starting", "live", ... as REST and D-Bus write it. */
const gchar *mill_stream_report_state_to_string (MillStreamState state);
/* Returns: FALSE for an unknown word, @ret_state untouched. */
gboolean mill_stream_report_state_from_string (const gchar *text,
    MillStreamState *ret_state);

/* What the node with the publisher counts.
 * Returns: (transfer full) (nullable): an a{sv} */
GVariant *mill_stream_report_get_ingest (const MillStreamReport *report);

MillRenditionReport *mill_stream_report_add_rendition (MillStreamReport
        *report);

/* Returns: (transfer full): everything empty. */
MillStreamReport *mill_stream_report_new (const gchar *name,
    guint64 generation);
MillStreamReport *mill_stream_report_copy (const MillStreamReport *report);
void mill_stream_report_free (MillStreamReport *report);

/* As the a{sv} of GetStream; missing keys are empty.
 * Returns: (transfer full); to_variant: floating */
MillStreamReport *mill_stream_report_new_from_variant (GVariant *variant);
GVariant *mill_stream_report_to_variant (const MillStreamReport *report);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillStreamReport, mill_stream_report_free)

G_END_DECLS
