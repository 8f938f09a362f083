/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include "diagnostics.h"
#include "daemon/common/log.h"
#include "daemon/ipc/takeover.h"
#include "attempt-limit.h"
#include "jwt-auth.h"
#include "publish-auth.h"
#include "webhook-auth.h"

G_BEGIN_DECLS

/** An RTMP application: which description its streams run, and who may
 * publish to it. */
typedef struct
{
  gchar *name;
  gchar *pipeline; /* name of a stored or shipped description, or a path */
  MillPublishAuth auth; /* the ways that it has, together */
  MillJwtSettings *jwt; /* nullable: not one of the ways */
  MillWebhookSettings *webhook; /* nullable: not one of the ways */
  gboolean ends_on_expiry; /* a stream ends with the key that let it in */
  MillTakeover takeover;
  GHashTable *params; /* name -> text, for the description */
  MillPlace pipeline_place; /* line 0: not from a file; file is never set */
  MillPlace takeover_place;
} MillApp;

/** What the configuration says. Every field has a default, so that an empty
 * file runs. Reference counted and immutable. */
typedef struct
{
  gint refs;
  gchar *file; /* nullable */

  gchar *listen_rtmp; /* nullable HOST:PORT; NULL: off */
  gchar *listen_rtmps; /* nullable */
  gchar *listen_origin; /* nullable */
  gchar *listen_api; /* nullable */
  gchar *listen_obs; /* nullable */

  gchar *tls_certificate; /* nullable: PEM file, for listen_rtmps */
  gchar *tls_key; /* nullable: it is in the certificate's file */

  gchar *public_origin; /* nullable URL: by default from the listener */
  gchar *public_rtmp; /* nullable URL */

  gchar *state_dir;
  gchar *runtime_dir;
  gchar *media_dir;
  gchar *store;

  GPtrArray *apps; /* (element-type MillApp) in the order of the file */

  MillAttemptRules publish_limits;
  guint max_pending; /* connections of a listener that do not publish */
  guint max_pending_per_address;
  guint max_tls_handshakes_per_address; /* per second */

  guint workers_shared;
  guint workers_origins;
  guint workers_orphan_timeout_s;
  guint workers_max_streams; /* 0: as many as come */
  guint workers_max_isolated; /* processes for publishers' isolated nodes */

  MillLogLevel log_level;
  MillLogFormat log_format;
} MillConfig;

/* Everything by default, for this user.
 * Returns: (transfer full) */
MillConfig *mill_config_new (void);

/* All mistakes are reported in one go.
 * Returns: (transfer full) (nullable): NULL when @diagnostics got an error. */
MillConfig *mill_config_new_from_data (const gchar *data, gsize size,
    const gchar *file, MillDiagnostics *diagnostics);
MillConfig *mill_config_new_from_file (const gchar *path,
    MillDiagnostics *diagnostics);

/* For whoever looks for further mistakes, and runs nothing of it.
 * Returns: (transfer full) (nullable): NULL when it cannot be read; else what is
 *   right of it. An app may lack its pipeline. */
MillConfig *mill_config_new_to_check (const gchar *path,
    MillDiagnostics *diagnostics);

MillConfig *mill_config_ref (MillConfig *config);
void mill_config_unref (MillConfig *config);

/* Returns: (transfer none) (nullable) */
const MillApp *mill_config_find_app (const MillConfig *config,
    const gchar *name);

/* Whether nobody is to see what @app says for @param. */
typedef gboolean (*MillConfigSecretFunc) (const MillApp *app,
    const gchar *param);

/* Every setting with its value, as a configuration file.
 * @is_secret: (nullable): whose value is "***" there
 * Returns: (transfer full) */
gchar *mill_config_to_yaml (const MillConfig *config,
    MillConfigSecretFunc is_secret);

/* Names of settings that differ and only take effect at the next start.
 * Returns: (transfer full) */
gchar **mill_config_needs_restart (const MillConfig *a, const MillConfig *b);

/* @next, but what only takes effect at a start is as in @running.
 * Returns: (transfer full) */
MillConfig *mill_config_merge (const MillConfig *running,
    const MillConfig *next);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (MillConfig, mill_config_unref)

G_END_DECLS
