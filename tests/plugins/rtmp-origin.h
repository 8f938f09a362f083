/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * A server to pull from, on a free loopback port, that plays a film of its own
 * to who comes: configurations, then pictures and sounds at 30 per second, sent
 * as fast as they are taken.
 */
typedef enum
{
  ORIGIN_UNPUBLISH, /* after the film it says that its publisher has gone */
  ORIGIN_CLOSE, /* after the film it closes */
  ORIGIN_STAY, /* after the film it says nothing more */
  ORIGIN_NOT_FOUND, /* it has no such stream */
  ORIGIN_SILENT, /* it says nothing */
} OriginMode;

typedef struct _Origin Origin;

Origin *origin_new (OriginMode mode);
void origin_free (Origin *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Origin, origin_free)

/* "127.0.0.1:port" */
const gchar *origin_get_address (Origin *self);
/* For the connections that come. */
void origin_set_mode (Origin *self, OriginMode mode);
/* Pictures, and sounds, of a film; 30 by default. */
void origin_set_frames (Origin *self, guint n_frames);

/* 20 s at most, which fails the test. */
void origin_wait_connections (Origin *self, guint n);
void origin_wait_closed (Origin *self, guint n);
/* Who asked last: "app/name" */
gchar *origin_dup_play (Origin *self);

G_END_DECLS
