/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * MillTakeover: what becomes of a second publisher of a stream
 * @MILL_TAKEOVER_REFUSE: it is turned away while the first one is there
 * @MILL_TAKEOVER_REPLACE: it takes the place of the first, who is sent away,
 *   where the stream has no place left
 * @MILL_TAKEOVER_BACKUP: it takes a free place beside the first, if the
 *   description has one
 *
 * Whoever has the right to publish may always take a place that somebody has
 * lost.
 */
typedef enum
{
  MILL_TAKEOVER_REFUSE,
  MILL_TAKEOVER_REPLACE,
  MILL_TAKEOVER_BACKUP,
} MillTakeover;

/* As the configuration and D-Bus write them; ended by NULL. */
extern const gchar *const mill_takeover_names[];

/* Returns: REFUSE for an unknown word */
MillTakeover mill_takeover_from_string (const gchar *text);

G_END_DECLS
