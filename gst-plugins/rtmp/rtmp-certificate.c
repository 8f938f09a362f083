/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "rtmp-certificate.h"

#include <glib/gstdio.h>
#include <sys/stat.h>

GST_DEBUG_CATEGORY_EXTERN (gst_rtmp_server_src_debug);
#define GST_CAT_DEFAULT gst_rtmp_server_src_debug

#define CHECK_PERIOD_US G_USEC_PER_SEC
/* A file that is read for longer is on a disk that has gone away (NFS): whoever
 * reads it is left to it, and another thread reads the others. */
#define STUCK_US (3 * G_USEC_PER_SEC)
/* How long the end of the last one waits for what is being read. */
#define END_WAIT_US G_USEC_PER_SEC

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
  gatomicrefcount refs; /* its owner's, and one while its files are read */

  /* lock */
  GMutex lock;
  gchar *certificate;
  gchar *key; /* nullable: in the certificate's file */
  MillTlsIdentity *identity;
  Stamp stamps[2]; /* of the last attempt, whatever came of it */
  guint reloads; /* how often they were asked for */
  gboolean told_expiry;
  guint loads;
  gchar *error; /* nullable */
  gboolean is_stuck; /* its files do not answer */

  /* watch_lock */
  gboolean is_read; /* by a reader, just now */
};

/** A thread that reads files, and may have to wait for them. */
typedef struct
{
  GThread *thread; /* nullable: it is left behind, nobody waits for its end */
  MillRtmpCertificate *at; /* nullable: what it reads */
  gint64 since_us; /* of that */
  gboolean is_over;
} Reader;

/* Never held over I/O. */
static GMutex watch_lock;
static GCond watch_changed; /* the threads are to end, to read, or have read */
/* watch_lock: */
static GPtrArray *watched; /* (element-type MillRtmpCertificate) (nullable) */
static GThread *watcher; /* nullable: the one that looks after them */
static Reader *reader; /* nullable: the one that reads for it */
static guint n_rounds; /* of reading that have been due */

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
  self->reloads++;
  use_locked (self, identity);
  g_mutex_unlock (&self->lock);
  return TRUE;
}

/* ---- following the files, on a thread of all certificates ---- */

/* What is to be compared, and whether it still is when that is done. */
typedef struct
{
  gchar *certificate;
  gchar *key;
  Stamp stamps[2];
  guint reloads;
} Look;

static void
clear_look (Look *look)
{
  g_free (look->certificate);
  g_free (look->key);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Look, clear_look)

static void
begin_look (MillRtmpCertificate *self, Look *look)
{
  g_mutex_lock (&self->lock);
  look->certificate = g_strdup (self->certificate);
  look->key = g_strdup (self->key);
  look->reloads = self->reloads;
  memcpy (look->stamps, self->stamps, sizeof look->stamps);
  g_mutex_unlock (&self->lock);
}

/* @identity: (transfer full) (nullable): @error says why */
static void
end_look (MillRtmpCertificate *self, const Look *look,
    MillTlsIdentity *identity, const GError *error)
{
  g_mutex_lock (&self->lock);
  /* Who asked for other files meanwhile has them. */
  if (look->reloads == self->reloads) {
    memcpy (self->stamps, look->stamps, sizeof self->stamps);
    if (identity)
      use_locked (self, g_steal_pointer (&identity));
    else {
      g_free (self->error);
      self->error = g_strdup (error->message);
    }
  }
  g_mutex_unlock (&self->lock);
  g_clear_pointer (&identity, mill_tls_identity_unref);
}

/* The files have changed: what is in them, or what is in use. */
static void
follow_files (MillRtmpCertificate *self, const Look *look)
{
  g_autoptr (GError) error = NULL;
  MillTlsIdentity *identity =
      mill_tls_identity_load (look->certificate, look->key, &error);

  if (identity) {
    GST_INFO ("certificate '%s' has changed: %s", look->certificate,
        mill_tls_identity_get_subject (identity));
    warn (identity);
  } else {
    GST_WARNING ("%s; the certificate loaded before stays in use",
        error->message);
  }
  end_look (self, look, identity, error);
}

static void
warn_of_expiry (MillRtmpCertificate *self)
{
  g_mutex_lock (&self->lock);
  gboolean expires = !self->told_expiry &&
      get_now () > mill_tls_identity_get_not_after (self->identity);
  g_autoptr (MillTlsIdentity) identity = mill_tls_identity_ref (self->identity);
  if (expires)
    self->told_expiry = TRUE;
  g_mutex_unlock (&self->lock);
  if (expires)
    warn (identity);
}

static void
check_files (MillRtmpCertificate *self)
{
  g_auto (Look) look = { 0 };
  Stamp now[2];

  begin_look (self, &look);
  take_stamps (look.certificate, look.key, now);
  if (equal_stamps (look.stamps, now))
    return;
  memcpy (look.stamps, now, sizeof now);
  follow_files (self, &look);
}

static void
unref (gpointer data)
{
  MillRtmpCertificate *self = data;

  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_clear_pointer (&self->identity, mill_tls_identity_unref);
  g_free (self->certificate);
  g_free (self->key);
  g_free (self->error);
  g_mutex_clear (&self->lock);
  g_free (self);
}

static gpointer
add_ref (gconstpointer item, gpointer user_data)
{
  MillRtmpCertificate *self = (MillRtmpCertificate *) item;

  g_atomic_ref_count_inc (&self->refs);
  return self;
}

/* watch_lock. Returns: (transfer full) */
static GPtrArray *
ref_all_locked (void)
{
  GPtrArray *all = g_ptr_array_copy (watched, add_ref, NULL);

  g_ptr_array_set_free_func (all, unref);
  return all;
}

/* Unlocks while it reads. */
static void
read_one_locked (Reader *self, MillRtmpCertificate *certificate)
{
  certificate->is_read = TRUE;
  self->at = certificate;
  self->since_us = g_get_monotonic_time ();
  g_mutex_unlock (&watch_lock);
  check_files (certificate);
  g_mutex_lock (&certificate->lock);
  certificate->is_stuck = FALSE;
  g_mutex_unlock (&certificate->lock);
  g_mutex_lock (&watch_lock);
  certificate->is_read = FALSE;
  self->at = NULL;
  g_cond_broadcast (&watch_changed);
}

/* Reads once a round what no other reader is at. */
static gpointer
read_all (gpointer user_data)
{
  Reader *self = user_data;

  g_mutex_lock (&watch_lock);
  while (!self->is_over) {
    guint round = n_rounds;
    GPtrArray *all = ref_all_locked ();
    for (guint i = 0; i < all->len && !self->is_over; i++) {
      MillRtmpCertificate *certificate = g_ptr_array_index (all, i);
      if (!certificate->is_read)
        read_one_locked (self, certificate);
    }
    g_mutex_unlock (&watch_lock);
    g_ptr_array_unref (all);
    g_mutex_lock (&watch_lock);
    while (!self->is_over && round == n_rounds)
      g_cond_wait (&watch_changed, &watch_lock);
  }
  g_mutex_unlock (&watch_lock);
  g_free (self);
  return NULL;
}

static void
start_reader_locked (void)
{
  reader = g_new0 (Reader, 1);
  reader->thread = g_thread_new ("mill-tls-read", read_all, reader);
}

/* Returns: (nullable): its thread, if it is to be waited for */
static GThread *
end_reader_locked (void)
{
  Reader *self = g_steal_pointer (&reader);
  GThread *thread = self ? self->thread : NULL;

  if (!self)
    return NULL;
  self->is_over = TRUE;
  /* On a disk that does not answer it is left behind. */
  if (self->at)
    g_clear_pointer (&thread, g_thread_unref);
  g_cond_broadcast (&watch_changed);
  return thread;
}

/* What it reads has a thread of its own from now on, until it answers.
 * Returns: (transfer full): the file, to be told of without the lock */
static gchar *
leave_reader_locked (void)
{
  MillRtmpCertificate *stuck = reader->at;
  gchar *certificate;

  g_mutex_lock (&stuck->lock);
  stuck->is_stuck = TRUE;
  certificate = g_strdup (stuck->certificate);
  g_mutex_unlock (&stuck->lock);
  end_reader_locked ();
  return certificate;
}

static void
warn_of_stuck (const gchar *certificate)
{
  GST_WARNING ("certificate '%s': got no answer for %d s, expected a file that "
               "can be read; the certificate loaded before stays in use",
      certificate, (gint) (STUCK_US / G_USEC_PER_SEC));
}

/* Keys take long to be checked, and files may be on a disk that has gone away:
 * nobody but a reader waits for them. This thread lives as long as there is a
 * certificate. */
static gpointer
follow_all (gpointer user_data)
{
  g_mutex_lock (&watch_lock);
  gint64 next_us = g_get_monotonic_time () + CHECK_PERIOD_US;
  while (watcher == g_thread_self ()) {
    if (g_cond_wait_until (&watch_changed, &watch_lock, next_us))
      continue;
    next_us = g_get_monotonic_time () + CHECK_PERIOD_US;
    g_autofree gchar *stuck = NULL;
    if (reader && reader->at &&
        g_get_monotonic_time () - reader->since_us >= STUCK_US)
      stuck = leave_reader_locked ();
    if (!reader)
      start_reader_locked ();
    n_rounds++;
    g_cond_broadcast (&watch_changed);
    GPtrArray *all = ref_all_locked ();
    g_mutex_unlock (&watch_lock);
    if (stuck)
      warn_of_stuck (stuck);
    for (guint i = 0; i < all->len; i++)
      warn_of_expiry (g_ptr_array_index (all, i));
    g_ptr_array_unref (all);
    g_mutex_lock (&watch_lock);
  }
  g_mutex_unlock (&watch_lock);
  return NULL;
}

static void
watch (MillRtmpCertificate *self)
{
  g_mutex_lock (&watch_lock);
  if (!watched)
    watched = g_ptr_array_new ();
  g_ptr_array_add (watched, self);
  if (!watcher)
    watcher = g_thread_new ("mill-tls", follow_all, NULL);
  g_mutex_unlock (&watch_lock);
}

/* Nothing is left to do for the threads, unless somebody comes meanwhile.
 * @ret_threads: those to be waited for, or NULL */
static void
stop_watching_locked (GThread *ret_threads[2])
{
  gint64 deadline_us = g_get_monotonic_time () + END_WAIT_US;

  while (watched->len == 0 && reader && reader->at &&
      g_cond_wait_until (&watch_changed, &watch_lock, deadline_us))
    ;
  if (watched->len > 0)
    return;
  ret_threads[0] = g_steal_pointer (&watcher);
  ret_threads[1] = end_reader_locked ();
  g_cond_broadcast (&watch_changed);
}

static void
unwatch (MillRtmpCertificate *self)
{
  GThread *threads[2] = { NULL, NULL };

  g_mutex_lock (&watch_lock);
  g_ptr_array_remove (watched, self);
  if (watched->len == 0)
    stop_watching_locked (threads);
  g_mutex_unlock (&watch_lock);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    if (threads[i])
      g_thread_join (threads[i]);
}

/* ---- what is in use ---- */

MillTlsIdentity *
mill_rtmp_certificate_take (MillRtmpCertificate *self)
{
  g_mutex_lock (&self->lock);
  MillTlsIdentity *identity = mill_tls_identity_ref (self->identity);
  g_mutex_unlock (&self->lock);
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
  const gchar *error = self->is_stuck ? "its files do not answer"
      : self->error                   ? self->error
                                      : "";
  GstStructure *structure = gst_structure_new ("tls", "certificate",
      G_TYPE_STRING, self->certificate, "subject", G_TYPE_STRING,
      mill_tls_identity_get_subject (self->identity), "fingerprint",
      G_TYPE_STRING, mill_tls_identity_get_fingerprint (self->identity),
      "not-after", G_TYPE_INT64,
      mill_tls_identity_get_not_after (self->identity), "loads", G_TYPE_UINT,
      self->loads, "error", G_TYPE_STRING, error, NULL);
  g_mutex_unlock (&self->lock);
  return structure;
}

/* ---- life ---- */

MillRtmpCertificate *
mill_rtmp_certificate_new (const gchar *certificate, const gchar *key,
    GError **error)
{
  MillRtmpCertificate *self = g_new0 (MillRtmpCertificate, 1);

  g_atomic_ref_count_init (&self->refs);
  g_mutex_init (&self->lock);
  if (mill_rtmp_certificate_reload (self, certificate, key, error)) {
    watch (self);
    return self;
  }
  unref (self);
  return NULL;
}

void
mill_rtmp_certificate_free (MillRtmpCertificate *self)
{
  unwatch (self);
  unref (self);
}
