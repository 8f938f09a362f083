/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <glib.h>

#include "playlist/hls-presentation.h"

G_BEGIN_DECLS

/*
 * What whoever runs a stream says of it as a whole: where players begin, what
 * data goes with it, where else it can be had and who tells players which to
 * take. It goes into the multivariant playlist and the MPD. Unchangeable once
 * it is filled; references may be shared among threads.
 */

#define MILL_CMAF_PRESENTATION_ERROR (mill_cmaf_presentation_error_quark ())
GQuark mill_cmaf_presentation_error_quark (void);

/** @MILL_CMAF_PRESENTATION_ERROR_INVALID: what no playlist may say */
typedef enum
{
  MILL_CMAF_PRESENTATION_ERROR_INVALID,
} MillCmafPresentationError;

/* A stream steered by nobody has its order of pathways in this file. */
#define MILL_CMAF_STEERING_NAME "steering.json"

/**
 * MillCmafPathway:
 * @id: PATHWAY-ID, serviceLocation
 * @base: (nullable): URL of the stream's directory there, ending in '/'; NULL:
 *   where the playlists are
 */
typedef struct
{
  gchar *id;
  gchar *base;
} MillCmafPathway;

/**
 * MillCmafPresentation:
 * @data: (element-type MillHlsSessionData): with strings of their own
 * @pathways: (element-type MillCmafPathway): the one to begin with first
 * @steering_uri: (nullable)
 * @steers: the order of pathways is written beside the playlists
 */
typedef struct
{
  gboolean has_start;
  MillHlsStart start;
  GArray *data;
  GArray *pathways;
  gchar *steering_uri;
  gboolean steers;
} MillCmafPresentation;

/** Returns: (transfer full): one that says nothing */
MillCmafPresentation *mill_cmaf_presentation_new (void);
MillCmafPresentation *mill_cmaf_presentation_ref (MillCmafPresentation *self);
void mill_cmaf_presentation_unref (MillCmafPresentation *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillCmafPresentation,
    mill_cmaf_presentation_unref)

/** @data: copied. Returns: FALSE with @error when clause 4.4.6.4 forbids it */
gboolean mill_cmaf_presentation_add_data (MillCmafPresentation *self,
    const MillHlsSessionData *data, GError **error);

/** @base: (nullable). Returns: FALSE with @error when it is none, or is there */
gboolean mill_cmaf_presentation_add_pathway (MillCmafPresentation *self,
    const gchar *id, const gchar *base, GError **error);

/** @uri: (nullable): of the steering manifest; NULL: one that is written here,
 * when there are several pathways
 * Returns: FALSE with @error when there is nothing to be steered */
gboolean mill_cmaf_presentation_steer (MillCmafPresentation *self,
    const gchar *uri, GError **error);

/** Returns: (transfer full): the steering manifest that names the pathways in
 * their order (RFC 8216bis 7.2, DASH-IF Content Steering) */
GBytes *mill_cmaf_presentation_print_steering (const MillCmafPresentation
        *self);

G_END_DECLS
