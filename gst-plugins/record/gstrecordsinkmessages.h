/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "record-take.h"

G_BEGIN_DECLS

/*
 * What a recordsink says on the bus: the one place where errors of a recording
 * become messages. Any thread, without the sink's lock.
 */

/** @type: GST_MESSAGE_WARNING where the stream goes on without the file, else
 *   GST_MESSAGE_ERROR
 * @error: G_FILE_ERROR, MILL_BMFF_ERROR, GST_STREAM_ERROR */
void gst_record_sink_messages_post_trouble (GstElement *sink,
    GstMessageType type, const GError *error);

/** The file of @take is whole at @path: "recording-done". */
void gst_record_sink_messages_post_done (GstElement *sink,
    const MillRecordTake *take, const gchar *path);

/** Warns of files that a recording to @location before has left. */
void gst_record_sink_messages_post_left (GstElement *sink,
    const gchar *location);

/** A mirrored picture has no place in @container. */
void gst_record_sink_messages_post_mirrored (GstElement *sink,
    MillRecordContainer container);

G_END_DECLS
