/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/* The properties that rtmpclientsink and rtmpclientsrc have in common, and
 * those that are numbers. */
typedef enum
{
  MILL_RELAY_PROP_LOCATION = 1,
  MILL_RELAY_PROP_STREAM_KEY,
  MILL_RELAY_PROP_TLS_CA_FILE,
  MILL_RELAY_PROP_TLS_VALIDATION,
  MILL_RELAY_PROP_CONNECT_TIMEOUT_MS,
  MILL_RELAY_PROP_STALL_TIMEOUT_MS,
  MILL_RELAY_PROP_RECONNECT_BACKOFF_MIN_MS,
  MILL_RELAY_PROP_RECONNECT_BACKOFF_MAX_MS,
  /* of the sink */
  MILL_RELAY_PROP_MAX_ATTEMPTS,
  MILL_RELAY_PROP_MAX_QUEUE_MS,
  MILL_RELAY_PROP_MAX_QUEUE_BYTES,
  /* of the source */
  MILL_RELAY_PROP_RECONNECT_TIMEOUT_MS,
  MILL_RELAY_N_PROPS, /* from here on an element's own */
} MillRelayProp;

typedef enum
{
  MILL_RELAY_ROLE_SINK,
  MILL_RELAY_ROLE_SOURCE,
} MillRelayRole;

/** Their values. */
typedef struct
{
  gchar *location; /* nullable */
  gchar *stream_key; /* nullable */
  gchar *tls_ca_file; /* nullable */
  gboolean tls_validation;
  guint connect_timeout_ms;
  guint stall_timeout_ms;
  guint backoff_min_ms;
  guint backoff_max_ms;
  guint max_attempts;
  guint max_queue_ms;
  guint max_queue_bytes;
  guint reconnect_timeout_ms;
} MillRelaySettings;

void mill_relay_settings_install (GObjectClass *klass, MillRelayRole role);

/* Sets the defaults. */
void mill_relay_settings_init (MillRelaySettings *self, MillRelayRole role);
void mill_relay_settings_clear (MillRelaySettings *self);
void mill_relay_settings_copy (const MillRelaySettings *self,
    MillRelaySettings *ret_copy);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (MillRelaySettings, mill_relay_settings_clear)

/* Posts an error on @element, whose OBJECT_LOCK guards them, when the location
 * makes no sense. Empty is none, which only a sink may have. */
gboolean mill_relay_settings_check (MillRelaySettings *self,
    GstElement *element);

/* The caller holds the lock that guards them.
 * Returns FALSE when @prop is none of them. */
gboolean mill_relay_settings_set (MillRelaySettings *self, guint prop,
    const GValue *value);
gboolean mill_relay_settings_get (MillRelaySettings *self, guint prop,
    GValue *value);

G_END_DECLS
