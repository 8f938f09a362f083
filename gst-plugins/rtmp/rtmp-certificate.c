/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-certificate.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

GST_DEBUG_CATEGORY_EXTERN (gst_rtmp_server_src_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_src_debug

#define CHECK_PERIOD_US G_USEC_PER_SEC

/* What tells one content of a file from another without reading it; renewed
 * certificates come as new files behind a link or a rename. */
typedef struct
{
  guint64 device;
  guint64 inode;
  gint64 size;
  gint64 modified_ns;
} Stamp;

struct _MillRtmpCertificate
{
  /* lock */
  GMutex lock;
  gchar *certificate;
  gchar *key; /* nullable: in the certificate's file */
  MillTlsIdentity *identity;
  Stamp stamps[2]; /* of the last attempt, whatever came of it */
  gint64 checked_us;
  gboolean told_expiry;
  guint loads;
  gchar *error; /* nullable */
};

/* ---- files ---- */

static void
take_stamp (const gchar *file, Stamp *ret_stamp)
{
  struct stat info;

  *ret_stamp = (Stamp){ 0 };
  if (file && g_stat (file, &info) == 0)
    *ret_stamp = (Stamp){ info.st_dev, info.st_ino, info.st_size,
      (gint64) info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec };
}

static void
take_stamps (const gchar *certificate, const gchar *key, Stamp *ret_stamps)
{
  take_stamp (certificate, &ret_stamps[0]);
  take_stamp (key, &ret_stamps[1]);
}

static gboolean
equal_stamps (const Stamp *a, const Stamp *b)
{
  for (guint i = 0; i < 2; i++)
    if (a[i].device != b[i].device || a[i].inode != b[i].inode ||
        a[i].size != b[i].size || a[i].modified_ns != b[i].modified_ns)
      return FALSE;
  return TRUE;
}

/* Unix seconds. */
static gint64
get_now (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

static void
warn (MillTlsIdentity *identity)
{
  g_auto (GStrv) warnings =
      mill_tls_identity_list_warnings (identity, get_now ());

  for (gchar **warning = warnings; *warning; warning++)
    GST_WARNING ("%s", *warning);
}

/* @identity: (transfer full) */
static void
use_locked (MillRtmpCertificate *self, MillTlsIdentity *identity)
{
  g_clear_pointer (&self->identity, mill_tls_identity_unref);
  self->identity = identity;
  self->loads++;
  self->told_expiry = get_now () > mill_tls_identity_get_not_after (identity);
  g_clear_pointer (&self->error, g_free);
}

gboolean
mill_rtmp_certificate_reload (MillRtmpCertificate *self,
    const gchar *certificate, const gchar *key, GError **error)
{
  Stamp stamps[2];

  /* Before the reading: a change in between is one for the next time. */
  take_stamps (certificate, key, stamps);
  MillTlsIdentity *identity = mill_tls_identity_load (certificate, key, error);
  if (!identity)
    return FALSE;
  GST_INFO ("certificate '%s' is in use: %s", certificate,
      mill_tls_identity_get_subject (identity));
  warn (identity);
  g_mutex_lock (&self->lock);
  if (self->certificate != certificate) {
    g_free (self->certificate);
    self->certificate = g_strdup (certificate);
    g_free (self->key);
    self->key = g_strdup (key);
  }
  memcpy (self->stamps, stamps, sizeof stamps);
  self->checked_us = g_get_monotonic_time ();
  use_locked (self, identity);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* The files have changed: what is in them, or what is in use. */
static void
follow_files (MillRtmpCertificate *self, const gchar *certificate,
    const gchar *key, const Stamp *stamps)
{
  g_autoptr (GError) error = NULL;
  MillTlsIdentity *identity = mill_tls_identity_load (certificate, key, &error);

  if (identity) {
    GST_INFO ("certificate '%s' has changed: %s", certificate,
        mill_tls_identity_get_subject (identity));
    warn (identity);
  } else {
    GST_WARNING ("%s; the certificate loaded before stays in use",
        error->message);
  }
  g_mutex_lock (&self->lock);
  memcpy (self->stamps, stamps, sizeof self->stamps);
  if (identity) {
    use_locked (self, identity);
  } else {
    g_free (self->error);
    self->error = g_strdup (error->message);
  }
  g_mutex_unlock (&self->lock);
}

/* Returns whether it is time to look; @ret_* (transfer full) are set then. */
static gboolean
begin_check (MillRtmpCertificate *self, gchar **ret_certificate,
    gchar **ret_key, Stamp *ret_stamps)
{
  gint64 now_us = g_get_monotonic_time ();

  g_mutex_lock (&self->lock);
  gboolean is_due = now_us - self->checked_us >= CHECK_PERIOD_US;
  if (is_due) {
    self->checked_us = now_us;
    *ret_certificate = g_strdup (self->certificate);
    *ret_key = g_strdup (self->key);
    memcpy (ret_stamps, self->stamps, sizeof self->stamps);
  }
  g_mutex_unlock (&self->lock);
  return is_due;
}

MillTlsIdentity *
mill_rtmp_certificate_take (MillRtmpCertificate *self)
{
  g_autofree gchar *certificate = NULL;
  g_autofree gchar *key = NULL;
  Stamp before[2];
  Stamp now[2];
  gboolean is_due = begin_check (self, &certificate, &key, before);

  if (is_due) {
    take_stamps (certificate, key, now);
    if (!equal_stamps (before, now))
      follow_files (self, certificate, key, now);
  }
  g_mutex_lock (&self->lock);
  MillTlsIdentity *identity = mill_tls_identity_ref (self->identity);
  gboolean expires = is_due && !self->told_expiry &&
      get_now () > mill_tls_identity_get_not_after (identity);
  if (expires)
    self->told_expiry = TRUE;
  g_mutex_unlock (&self->lock);
  if (expires)
    warn (identity);
  return identity;
}

gboolean
mill_rtmp_certificate_is_of (MillRtmpCertificate *self,
    const gchar *certificate, const gchar *key)
{
  g_mutex_lock (&self->lock);
  gboolean is_of = g_strcmp0 (self->certificate, certificate) == 0 &&
      g_strcmp0 (self->key, key) == 0;
  g_mutex_unlock (&self->lock);
  return is_of;
}

GstStructure *
mill_rtmp_certificate_describe (MillRtmpCertificate *self)
{
  g_mutex_lock (&self->lock);
  GstStructure *structure = gst_structure_new ("tls", "certificate",
      G_TYPE_STRING, self->certificate, "subject", G_TYPE_STRING,
      mill_tls_identity_get_subject (self->identity), "fingerprint",
      G_TYPE_STRING, mill_tls_identity_get_fingerprint (self->identity),
      "not-after", G_TYPE_INT64,
      mill_tls_identity_get_not_after (self->identity), "loads", G_TYPE_UINT,
      self->loads, "error", G_TYPE_STRING, self->error ? self->error : "",
      NULL);
  g_mutex_unlock (&self->lock);
  return structure;
}

/* ---- life ---- */

MillRtmpCertificate *
mill_rtmp_certificate_new (const gchar *certificate, const gchar *key,
    GError **error)
{
  MillRtmpCertificate *self = g_new0 (MillRtmpCertificate, 1);

  g_mutex_init (&self->lock);
  if (mill_rtmp_certificate_reload (self, certificate, key, error))
    return self;
  mill_rtmp_certificate_free (self);
  return NULL;
}

void
mill_rtmp_certificate_free (MillRtmpCertificate *self)
{
  g_clear_pointer (&self->identity, mill_tls_identity_unref);
  g_free (self->certificate);
  g_free (self->key);
  g_free (self->error);
  g_mutex_clear (&self->lock);
  g_free (self);
}
