/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

#include "sign/sign-settings.h"
#include "store/store.h"

G_BEGIN_DECLS

/*
 * The properties that say how a server is written to, as a structure, and the
 * store that they and a location stand for. The element keeps it under its
 * object lock.
 */

typedef struct
{
  guint64 max_bytes;
  gchar *state_location;
  gchar *endpoint;
  gchar *region;
  MillSignKind signer;
  gchar *credentials;
  gchar *tls_ca_file;
  guint connections;
  guint64 queue_bytes;
  guint timeout_ms;
  guint stall_timeout_ms;
} GstCmafSinkStorage;

/** Ids of these properties. */
#define GST_CMAF_SINK_STORAGE_BEGIN 64
#define GST_CMAF_SINK_STORAGE_END 80

/** With the values of properties that nobody has set. */
void gst_cmaf_sink_storage_init (GstCmafSinkStorage *self);
void gst_cmaf_sink_storage_clear (GstCmafSinkStorage *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (GstCmafSinkStorage,
    gst_cmaf_sink_storage_clear)

/** @ret_copy: (out): for gst_cmaf_sink_storage_clear() */
void gst_cmaf_sink_storage_copy (const GstCmafSinkStorage *self,
    GstCmafSinkStorage *ret_copy);

/** The properties, with the ids that set and get know. */
void gst_cmaf_sink_storage_install (GObjectClass *klass);

/** Returns: FALSE when @id is none of these */
gboolean gst_cmaf_sink_storage_set (GstCmafSinkStorage *self, guint id,
    const GValue *value);
gboolean gst_cmaf_sink_storage_get (const GstCmafSinkStorage *self, guint id,
    GValue *value);

/**
 * gst_cmaf_sink_storage_open:
 * @element: whose plugin has the module for HTTP beside it
 * @drops: when the server is too slow, what has waited longest is dropped
 *
 * Blocks on the disk.
 *
 * Returns: (transfer full)(nullable)
 * Errors: GST_RESOURCE_ERROR, MILL_STORE_ERROR and those of
 *   mill_store_http_new()
 */
MillStore *gst_cmaf_sink_storage_open (const GstCmafSinkStorage *self,
    GstElement *element, const gchar *location, gboolean drops, GError **error);

G_END_DECLS
