/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "relay-settings.h"

#include "relay-address.h"

#define MAX_MS 3600000

typedef struct
{
  MillRelayProp prop;
  const gchar *name;
  const gchar *nick;
  const gchar *blurb;
  guint min;
  guint max;
  guint fallback;
  gsize offset; /* in MillRelaySettings */
} Number;

#define FIELD(name) G_STRUCT_OFFSET (MillRelaySettings, name)

static const Number common[] = {
  { MILL_RELAY_PROP_CONNECT_TIMEOUT_MS, "connect-timeout-ms",
      "Connect time-out",
      "How long an attempt may take until the server accepts, in ms", 1, MAX_MS,
      10000, FIELD (connect_timeout_ms) },
  { MILL_RELAY_PROP_RECONNECT_BACKOFF_MIN_MS, "reconnect-backoff-min-ms",
      "Shortest back-off",
      "Pause before the second attempt, in ms; twice as long each time", 1,
      MAX_MS, 500, FIELD (backoff_min_ms) },
  { MILL_RELAY_PROP_RECONNECT_BACKOFF_MAX_MS, "reconnect-backoff-max-ms",
      "Longest back-off", "Longest pause between attempts, in ms", 1, MAX_MS,
      30000, FIELD (backoff_max_ms) },
};

static const Number of_sink[] = {
  /* With a second in which a dead server may look alive, and half a one between
   * two looks, it is found within 10 s. */
  { MILL_RELAY_PROP_STALL_TIMEOUT_MS, "stall-timeout-ms", "Stall time-out",
      "How long the server may take no byte while some wait, in ms; then the "
      "connection is given up (0 = never)",
      0, MAX_MS, 8000, FIELD (stall_timeout_ms) },
  { MILL_RELAY_PROP_MAX_ATTEMPTS, "max-attempts", "Attempts",
      "Attempts in a row without success before it gives up (0 = never)", 0,
      G_MAXINT, 0, FIELD (max_attempts) },
  { MILL_RELAY_PROP_MAX_QUEUE_MS, "max-queue-ms", "Queue in ms",
      "Media that may wait for the server, in ms; more is dropped up to a "
      "keyframe",
      100, MAX_MS, 5000, FIELD (max_queue_ms) },
  { MILL_RELAY_PROP_MAX_QUEUE_BYTES, "max-queue-bytes", "Queue in bytes",
      "Likewise, in bytes", 65536, G_MAXINT, 16 * 1024 * 1024,
      FIELD (max_queue_bytes) },
};

static const Number of_source[] = {
  { MILL_RELAY_PROP_STALL_TIMEOUT_MS, "stall-timeout-ms", "Stall time-out",
      "How long the server may send nothing, in ms; then the connection is "
      "given up (0 = never)",
      0, MAX_MS, 8000, FIELD (stall_timeout_ms) },
  { MILL_RELAY_PROP_RECONNECT_TIMEOUT_MS, "reconnect-timeout-ms",
      "Reconnect time-out",
      "How long the stream may be away, from the start or in between, before "
      "EOS, in ms (0 = EOS at once)",
      0, G_MAXINT, 30000, FIELD (reconnect_timeout_ms) },
};

static const Number *
get_own (MillRelayRole role, guint *ret_n)
{
  *ret_n = role == MILL_RELAY_ROLE_SINK ? G_N_ELEMENTS (of_sink)
                                        : G_N_ELEMENTS (of_source);
  return role == MILL_RELAY_ROLE_SINK ? of_sink : of_source;
}

/* ---- the class ---- */

static void
install_numbers (GObjectClass *klass, const Number *numbers, guint n_numbers)
{
  for (guint i = 0; i < n_numbers; i++)
    g_object_class_install_property (klass, numbers[i].prop,
        g_param_spec_uint (numbers[i].name, numbers[i].nick, numbers[i].blurb,
            numbers[i].min, numbers[i].max, numbers[i].fallback,
            G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
                GST_PARAM_MUTABLE_READY));
}

static void
install_texts (GObjectClass *klass, MillRelayRole role)
{
  const GParamFlags settable = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_READY;

  g_object_class_install_property (klass, MILL_RELAY_PROP_LOCATION,
      g_param_spec_string ("location", "Location",
          role == MILL_RELAY_ROLE_SINK
              ? "rtmp[s]://host[:port]/app/name, or without the name and with "
                "stream-key; empty: nothing is sent anywhere. Reads back "
                "without its name"
              : "rtmp[s]://host[:port]/app/name, or without the name and with "
                "stream-key. Reads back without its name",
          NULL, settable));
  g_object_class_install_property (klass, MILL_RELAY_PROP_STREAM_KEY,
      g_param_spec_string ("stream-key", "Stream key",
          "Name of the stream at the server; with it, all of the location's "
          "path is the application",
          NULL,
          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
  g_object_class_install_property (klass, MILL_RELAY_PROP_TLS_VALIDATION,
      g_param_spec_boolean ("tls-validation", "Check the certificate",
          "Whether a server of rtmps must show a certificate that is signed, "
          "valid and for its name",
          TRUE, settable));
  g_object_class_install_property (klass, MILL_RELAY_PROP_TLS_CA_FILE,
      g_param_spec_string ("tls-ca-file", "CA file",
          "PEM file of those who may sign that certificate; NULL: the system's",
          NULL, settable));
}

void
mill_relay_settings_install (GObjectClass *klass, MillRelayRole role)
{
  guint n_own;
  const Number *own = get_own (role, &n_own);

  install_texts (klass, role);
  install_numbers (klass, common, G_N_ELEMENTS (common));
  install_numbers (klass, own, n_own);
}

/* ---- the values ---- */

static guint *
get_field (MillRelaySettings *self, const Number *number)
{
  return (guint *) G_STRUCT_MEMBER_P (self, number->offset);
}

void
mill_relay_settings_init (MillRelaySettings *self, MillRelayRole role)
{
  guint n_own;
  const Number *own = get_own (role, &n_own);

  *self = (MillRelaySettings){ .tls_validation = TRUE };
  for (guint i = 0; i < G_N_ELEMENTS (common); i++)
    *get_field (self, &common[i]) = common[i].fallback;
  for (guint i = 0; i < n_own; i++)
    *get_field (self, &own[i]) = own[i].fallback;
}

void
mill_relay_settings_clear (MillRelaySettings *self)
{
  g_clear_pointer (&self->location, g_free);
  g_clear_pointer (&self->stream_key, g_free);
  g_clear_pointer (&self->tls_ca_file, g_free);
}

void
mill_relay_settings_copy (const MillRelaySettings *self,
    MillRelaySettings *ret_copy)
{
  *ret_copy = *self;
  ret_copy->location = g_strdup (self->location);
  ret_copy->stream_key = g_strdup (self->stream_key);
  ret_copy->tls_ca_file = g_strdup (self->tls_ca_file);
}

/* Returns: (transfer full) (nullable): what is wrong with them */
static gchar *
find_mistake (const MillRelaySettings *self, gboolean is_sink)
{
  g_autoptr (GError) error = NULL;

  if (is_sink && self->location && *self->location == '\0')
    return NULL;
  if (!self->location)
    return g_strdup ("location: got none, expected for instance "
                     "rtmp://127.0.0.1:1935/live/demo");
  g_autoptr (MillRelayAddress) address =
      mill_relay_address_new (self->location, self->stream_key, &error);
  return address ? NULL : g_strdup (error->message);
}

gboolean
mill_relay_settings_check (MillRelaySettings *self, GstElement *element)
{
  GST_OBJECT_LOCK (element);
  gboolean is_sink = GST_OBJECT_FLAG_IS_SET (element, GST_ELEMENT_FLAG_SINK);
  g_autofree gchar *mistake = find_mistake (self, is_sink);
  GST_OBJECT_UNLOCK (element);
  if (mistake)
    GST_ELEMENT_ERROR (element, RESOURCE, SETTINGS, ("%s", mistake), (NULL));
  return !mistake;
}

/* Returns: (nullable) */
static guint *
find_number (MillRelaySettings *self, guint prop)
{
  for (guint i = 0; i < G_N_ELEMENTS (common); i++)
    if (common[i].prop == prop)
      return get_field (self, &common[i]);
  for (guint i = 0; i < G_N_ELEMENTS (of_sink); i++)
    if (of_sink[i].prop == prop)
      return get_field (self, &of_sink[i]);
  for (guint i = 0; i < G_N_ELEMENTS (of_source); i++)
    if (of_source[i].prop == prop)
      return get_field (self, &of_source[i]);
  return NULL;
}

static void
replace_text (gchar **text, const GValue *value)
{
  g_free (*text);
  *text = g_value_dup_string (value);
}

gboolean
mill_relay_settings_set (MillRelaySettings *self, guint prop,
    const GValue *value)
{
  guint *number = find_number (self, prop);

  if (number)
    *number = g_value_get_uint (value);
  else if (prop == MILL_RELAY_PROP_LOCATION)
    replace_text (&self->location, value);
  else if (prop == MILL_RELAY_PROP_STREAM_KEY)
    replace_text (&self->stream_key, value);
  else if (prop == MILL_RELAY_PROP_TLS_CA_FILE)
    replace_text (&self->tls_ca_file, value);
  else if (prop == MILL_RELAY_PROP_TLS_VALIDATION)
    self->tls_validation = g_value_get_boolean (value);
  else
    return FALSE;
  return TRUE;
}

gboolean
mill_relay_settings_get (MillRelaySettings *self, guint prop, GValue *value)
{
  guint *number = find_number (self, prop);

  if (number)
    g_value_set_uint (value, *number);
  else if (prop == MILL_RELAY_PROP_LOCATION)
    g_value_take_string (value, mill_relay_address_mask (self->location));
  else if (prop == MILL_RELAY_PROP_TLS_CA_FILE)
    g_value_set_string (value, self->tls_ca_file);
  else if (prop == MILL_RELAY_PROP_TLS_VALIDATION)
    g_value_set_boolean (value, self->tls_validation);
  else
    return FALSE;
  return TRUE;
}
