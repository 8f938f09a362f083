/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "record-take.h"

G_BEGIN_DECLS

/*
 * Which frames go into which file: a file begins when it is known what its tracks
 * are, at a keyframe of the leading track (the first video, else the first
 * sound); the next one where it is time, where a track came or changed, or a
 * while after one that could not be written. Every frame is in one file. Tracks
 * wait for the leading one in memory, never in their threads.
 *
 * One thread at a time; the caller has a lock.
 */
typedef struct _MillRecordSession MillRecordSession;
typedef struct _MillRecordTrack MillRecordTrack;

typedef enum
{
  MILL_RECORD_STOP,
  MILL_RECORD_CONTINUE,
} MillRecordOnError;

/**
 * MillRecordSettings:
 * @location: see mill_record_file_new(); empty: nothing is recorded
 * @rotate_duration: ns; 0: never
 * @rotate_bytes: 0: never
 * @max_index_bytes: a file whose index is longer ends; 0: none is too long
 */
typedef struct
{
  gchar *location;
  MillRecordContainer container;
  MillRecordOnError on_error;
  GstClockTime rotate_duration;
  guint64 rotate_bytes;
  guint64 max_index_bytes;
} MillRecordSettings;

/** @settings: copied */
MillRecordSession *mill_record_session_new (const MillRecordSettings *settings);
void mill_record_session_free (MillRecordSession *self);

/** Returns: (transfer none): it lives as long as the session */
MillRecordTrack *mill_record_session_add_track (MillRecordSession *self,
    MillCmafKind kind);

/** What the frames to come are. @format: copied */
void mill_record_session_set_format (MillRecordSession *self,
    MillRecordTrack *track, const MillRecordFormat *format);

/** What comes is a file, as fast as it is read: a track may be any time ahead of
 * one that is there. The first file waits for all, as long as there is memory. */
void mill_record_session_set_patient (MillRecordSession *self);

/** @buffer: (transfer full). Returns: FALSE when nothing is recorded any more */
gboolean mill_record_session_push (MillRecordSession *self,
    MillRecordTrack *track, const MillCmafInput *input, GstBuffer *buffer);

/** Nothing more comes of @track, or it is refused. */
void mill_record_session_end_track (MillRecordSession *self,
    MillRecordTrack *track);

/** What has come and waits is forgotten: the source was moved. The file ends; the
 * next one begins with what comes, also where @track had ended. */
void mill_record_session_flush (MillRecordSession *self,
    MillRecordTrack *track);

/** Returns: (transfer full)(nullable): a file to be finished */
MillRecordTake *mill_record_session_pop_take (MillRecordSession *self);

/** Returns: (transfer full)(nullable): what went wrong */
GError *mill_record_session_pop_error (MillRecordSession *self);

/** Whether all tracks have ended and no file is open. */
gboolean mill_record_session_is_over (const MillRecordSession *self);

/** Returns: (transfer none)(nullable): the file that is written */
const MillRecordTake *mill_record_session_get_take (const MillRecordSession
        *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillRecordSession, mill_record_session_free)

G_END_DECLS
