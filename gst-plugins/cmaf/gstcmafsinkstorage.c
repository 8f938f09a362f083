/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "gstcmafsinkstorage.h"

#include <gmodule.h>

#include "store/store-directory.h"
#include "store/store-http.h"
#include "store/store-location.h"

#define DEFAULT_CONNECTIONS 4
#define MAX_CONNECTIONS 64
#define DEFAULT_QUEUE_BYTES (64 * 1024 * 1024)
#define DEFAULT_TIMEOUT_MS 60000
#define DEFAULT_STALL_TIMEOUT_MS 10000
/* Of media that wait, however small they are. */
#define MAX_OBJECTS 1024

enum
{
  PROP_STATE_LOCATION = GST_CMAF_SINK_STORAGE_BEGIN,
  PROP_ENDPOINT,
  PROP_REGION,
  PROP_SIGNER,
  PROP_CREDENTIALS,
  PROP_TLS_CA_FILE,
  PROP_UPLOAD_CONNECTIONS,
  PROP_UPLOAD_QUEUE_BYTES,
  PROP_UPLOAD_TIMEOUT_MS,
  PROP_UPLOAD_STALL_TIMEOUT_MS,
  PROP_MAX_BYTES,
};

#define GST_TYPE_CMAF_SINK_SIGNER (gst_cmaf_sink_signer_get_type ())
static GType
gst_cmaf_sink_signer_get_type (void)
{
  static const GEnumValue values[] = {
    { MILL_SIGN_NONE, "Requests are not signed", "none" },
    { MILL_SIGN_BEARER, "Authorization: Bearer, with a token", "bearer" },
    { MILL_SIGN_SIGV4, "AWS Signature Version 4, for S3", "sigv4" },
    { 0, NULL, NULL },
  };
  static gsize type = 0;
  if (g_once_init_enter (&type))
    g_once_init_leave (&type,
        g_enum_register_static ("GstCmafSinkSigner", values));
  return type;
}

/* ---- the structure ---- */

void
gst_cmaf_sink_storage_init (GstCmafSinkStorage *self)
{
  *self = (GstCmafSinkStorage){
    .connections = DEFAULT_CONNECTIONS,
    .queue_bytes = DEFAULT_QUEUE_BYTES,
    .timeout_ms = DEFAULT_TIMEOUT_MS,
    .stall_timeout_ms = DEFAULT_STALL_TIMEOUT_MS,
  };
}

void
gst_cmaf_sink_storage_clear (GstCmafSinkStorage *self)
{
  g_clear_pointer (&self->state_location, g_free);
  g_clear_pointer (&self->endpoint, g_free);
  g_clear_pointer (&self->region, g_free);
  g_clear_pointer (&self->credentials, g_free);
  g_clear_pointer (&self->tls_ca_file, g_free);
}

void
gst_cmaf_sink_storage_copy (const GstCmafSinkStorage *self,
    GstCmafSinkStorage *ret_copy)
{
  *ret_copy = *self;
  ret_copy->state_location = g_strdup (self->state_location);
  ret_copy->endpoint = g_strdup (self->endpoint);
  ret_copy->region = g_strdup (self->region);
  ret_copy->credentials = g_strdup (self->credentials);
  ret_copy->tls_ca_file = g_strdup (self->tls_ca_file);
}

/* ---- properties ---- */

static gchar **
find_text (const GstCmafSinkStorage *self, guint id)
{
  GstCmafSinkStorage *storage = (GstCmafSinkStorage *) self;
  switch (id) {
    case PROP_STATE_LOCATION:
      return &storage->state_location;
    case PROP_ENDPOINT:
      return &storage->endpoint;
    case PROP_REGION:
      return &storage->region;
    case PROP_CREDENTIALS:
      return &storage->credentials;
    case PROP_TLS_CA_FILE:
      return &storage->tls_ca_file;
    default:
      return NULL;
  }
}

static guint *
find_number (const GstCmafSinkStorage *self, guint id)
{
  GstCmafSinkStorage *storage = (GstCmafSinkStorage *) self;
  switch (id) {
    case PROP_UPLOAD_CONNECTIONS:
      return &storage->connections;
    case PROP_UPLOAD_TIMEOUT_MS:
      return &storage->timeout_ms;
    case PROP_UPLOAD_STALL_TIMEOUT_MS:
      return &storage->stall_timeout_ms;
    default:
      return NULL;
  }
}

gboolean
gst_cmaf_sink_storage_set (GstCmafSinkStorage *self, guint id,
    const GValue *value)
{
  gchar **text = find_text (self, id);
  guint *number = find_number (self, id);
  if (text != NULL) {
    g_free (*text);
    *text = g_value_dup_string (value);
  } else if (number != NULL) {
    *number = g_value_get_uint (value);
  } else if (id == PROP_SIGNER) {
    self->signer = (MillSignKind) g_value_get_enum (value);
  } else if (id == PROP_UPLOAD_QUEUE_BYTES) {
    self->queue_bytes = g_value_get_uint64 (value);
  } else if (id == PROP_MAX_BYTES) {
    self->max_bytes = g_value_get_uint64 (value);
  } else {
    return FALSE;
  }
  return TRUE;
}

gboolean
gst_cmaf_sink_storage_get (const GstCmafSinkStorage *self, guint id,
    GValue *value)
{
  gchar **text = find_text (self, id);
  guint *number = find_number (self, id);
  if (text != NULL)
    g_value_set_string (value, *text);
  else if (number != NULL)
    g_value_set_uint (value, *number);
  else if (id == PROP_SIGNER)
    g_value_set_enum (value, (gint) self->signer);
  else if (id == PROP_UPLOAD_QUEUE_BYTES)
    g_value_set_uint64 (value, self->queue_bytes);
  else if (id == PROP_MAX_BYTES)
    g_value_set_uint64 (value, self->max_bytes);
  else
    return FALSE;
  return TRUE;
}

#define FLAGS \
  (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY)

static void
install_text (GObjectClass *klass, guint id, const gchar *name,
    const gchar *blurb)
{
  g_object_class_install_property (klass, id,
      g_param_spec_string (name, name, blurb, NULL, FLAGS));
}

static void
install_uint (GObjectClass *klass, guint id, const gchar *name,
    const gchar *blurb, guint least, guint most, guint value)
{
  g_object_class_install_property (klass, id,
      g_param_spec_uint (name, name, blurb, least, most, value, FLAGS));
}

void
gst_cmaf_sink_storage_install (GObjectClass *klass)
{
  g_object_class_install_property (klass, PROP_MAX_BYTES,
      g_param_spec_uint64 ("max-bytes", "max-bytes",
          "Of the segments of a live stream, beyond which the window is "
          "shortened; 0: as many as there is room for",
          0, G_MAXINT64, 0, FLAGS));
  install_text (klass, PROP_STATE_LOCATION, "state-location",
      "Of a URL: local directory of what a restart goes on from; default: one "
      "in the user's state directory");
  install_text (klass, PROP_ENDPOINT, "endpoint",
      "Of s3:// locations: URL of the server; default: that of AWS");
  install_text (klass, PROP_REGION, "region",
      "Of signer sigv4; default: AWS_REGION, or else us-east-1");
  g_object_class_install_property (klass, PROP_SIGNER,
      g_param_spec_enum ("signer", "signer",
          "How requests are signed; s3:// locations take sigv4 for none",
          GST_TYPE_CMAF_SINK_SIGNER, MILL_SIGN_NONE, FLAGS));
  install_text (klass, PROP_CREDENTIALS, "credentials",
      "File with the signer's secrets, in AWS' form; default: the environment");
  install_text (klass, PROP_TLS_CA_FILE, "tls-ca-file",
      "PEM file of the authorities that an https server is checked against; "
      "default: the system's");
  install_uint (klass, PROP_UPLOAD_CONNECTIONS, "upload-connections",
      "Uploads at once", 1, MAX_CONNECTIONS, DEFAULT_CONNECTIONS);
  g_object_class_install_property (klass, PROP_UPLOAD_QUEUE_BYTES,
      g_param_spec_uint64 ("upload-queue-bytes", "upload-queue-bytes",
          "Media that may wait to be sent; beyond, mode vod waits and the "
          "others drop the oldest",
          1, G_MAXINT64, DEFAULT_QUEUE_BYTES, FLAGS));
  install_uint (klass, PROP_UPLOAD_TIMEOUT_MS, "upload-timeout-ms",
      "How long an upload is tried again, in ms", 1000, G_MAXINT,
      DEFAULT_TIMEOUT_MS);
  install_uint (klass, PROP_UPLOAD_STALL_TIMEOUT_MS, "upload-stall-timeout-ms",
      "How long a connection may stand still, in ms (whole seconds count)",
      1000, G_MAXINT, DEFAULT_STALL_TIMEOUT_MS);
}

/* ---- opening ---- */

/* HTTP costs what loads its libraries, so only who has a URL loads them. */
static MillStoreHttpNew
load_http (GstElement *element, GError **error)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  g_autoptr (GstPlugin) plugin = factory
      ? gst_plugin_feature_get_plugin (GST_PLUGIN_FEATURE (factory))
      : NULL;
  const gchar *file = plugin ? gst_plugin_get_filename (plugin) : NULL;
  g_autofree gchar *directory = g_path_get_dirname (file ? file : ".");
  g_autofree gchar *path =
      g_build_filename (directory, MILL_STORE_HTTP_MODULE, NULL);
  GModule *module = g_module_open (path, G_MODULE_BIND_LOCAL);
  gpointer function = NULL;
  if (module != NULL) {
    /* It has a thread. */
    g_module_make_resident (module);
    if (g_module_symbol (module, MILL_STORE_HTTP_FUNCTION, &function))
      return (MillStoreHttpNew) function;
  }
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
      "module for HTTP '%s': %s; millrace was built or installed without it",
      path, g_module_error ());
  return NULL;
}

static MillStore *
open_http (const GstCmafSinkStorage *self, GstElement *element,
    const MillStoreLocation *location, gboolean drops, GError **error)
{
  MillStoreHttpNew new_http = load_http (element, error);
  MillStoreHttpOptions options = {
    .url = location->url,
    .state_path = self->state_location,
    .sign = {
      .kind = location->is_s3 && self->signer == MILL_SIGN_NONE
          ? MILL_SIGN_SIGV4
          : self->signer,
      .credentials = self->credentials,
      .region = self->region,
      .service = "s3",
    },
    .tls_ca_file = self->tls_ca_file,
    .connections = self->connections,
    .max_bytes = drops ? self->queue_bytes : 0,
    .max_objects = drops ? MAX_OBJECTS : 0,
    .give_up_ms = self->timeout_ms,
    .stall_timeout_ms = self->stall_timeout_ms,
  };
  return new_http != NULL ? new_http (&options, error) : NULL;
}

MillStore *
gst_cmaf_sink_storage_open (const GstCmafSinkStorage *self, GstElement *element,
    const gchar *location, gboolean drops, GError **error)
{
  g_auto (MillStoreLocation) place = { 0 };
  if (location == NULL || *location == '\0') {
    g_set_error_literal (error, GST_RESOURCE_ERROR,
        GST_RESOURCE_ERROR_NOT_FOUND,
        "location: got none, expected a directory or a URL");
    return NULL;
  }
  if (!mill_store_location_parse (location, self->endpoint, self->region,
          &place, error))
    return NULL;
  if (place.path != NULL)
    return mill_store_directory_new (place.path, error);
  return open_http (self, element, &place, drops, error);
}
