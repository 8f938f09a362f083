/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gio/gio.h>

#include "rtmp/rtmp-session.h"

G_BEGIN_DECLS

/*
 * A server to publish to, on a free loopback port, that does as it is told and
 * keeps what it got. Its connections have a thread each.
 */
typedef enum
{
  TARGET_GOOD,
  TARGET_REFUSE, /* publish is refused with target_set_code() */
  TARGET_REDIRECT, /* connect is answered by a redirect */
  TARGET_SILENT, /* takes the connection and says nothing */
  TARGET_DEAF, /* accepts publish, then reads nothing */
  TARGET_SLOW, /* reads a little at a time */
  TARGET_UNACKNOWLEDGING, /* accepts publish, then says nothing any more */
  TARGET_CLOSE, /* closes after some messages */
  TARGET_GARBAGE, /* answers what is no RTMP */
} TargetMode;

typedef struct
{
  guint connection; /* 1 for the first */
  gboolean is_video;
  gboolean is_config;
  gboolean is_keyframe;
  guint32 timestamp_ms;
  guint8 number; /* the last byte of the payload */
} TargetMessage;

typedef struct _Target Target;

/* @certificate, @key: (nullable): PEM files: TLS */
Target *target_new (TargetMode mode, const gchar *certificate,
    const gchar *key);
void target_free (Target *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Target, target_free)

/* "127.0.0.1:port" */
const gchar *target_get_address (Target *self);

/* For the connections that come. */
void target_set_mode (Target *self, TargetMode mode);
/* The code of a refusal, or the URL of a redirect. */
void target_set_text (Target *self, const gchar *text);
/* Reads no more on any connection, or goes on. */
void target_set_deaf (Target *self, gboolean is_deaf);
/* Asks who publishes to connect again. */
void target_request_reconnect (Target *self);

/* These wait, 20 s at most, which fails the test. */
void target_wait_frames (Target *self, guint n_video, guint n_audio);
void target_wait_connections (Target *self, guint n);
void target_wait_unpublishes (Target *self, guint n);

guint target_count_connections (Target *self);
/* Frames, without configurations */
guint target_count_frames (Target *self, gboolean is_video);
/* What was asked for last: "app/name?query" */
gchar *target_dup_publish (Target *self);
/* onMetaData, the last one. (transfer full) (nullable) */
GstStructure *target_dup_metadata (Target *self);
/* Returns: (transfer full) (element-type TargetMessage) */
GArray *target_copy_messages (Target *self);

G_END_DECLS
