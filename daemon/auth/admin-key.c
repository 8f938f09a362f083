/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

#include "admin-key.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <glib/gstdio.h>

#include "secret.h"

/* A key that a person wrote by hand may be shorter than ours, but not
 * guessable at the speed of loopback. */
#define MIN_KEY_LENGTH 16
#define MAX_FILE_BYTES 1024

struct _MillAdminKey
{
  GBytes *hash;
};

G_DEFINE_QUARK (mill_auth_error, mill_auth_error)

static gboolean
fail_errno (GError **error, const gchar *what, const gchar *path)
{
  gint saved = errno;
  g_set_error (error, MILL_AUTH_ERROR, MILL_AUTH_ERROR_KEY_FILE, "%s '%s': %s",
      what, path, g_strerror (saved));
  return FALSE;
}

/* O_EXCL: two daemons that start at once do not overwrite each other's key;
 * the loser reads the winner's. */
static gboolean
create_file (const gchar *path, GError **error)
{
  g_autofree gchar *secret = mill_secret_generate ("mk_");
  g_autofree gchar *line = g_strconcat (secret, "\n", NULL);

  gint fd = g_open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0)
    return errno == EEXIST || fail_errno (error, "create admin key", path);
  gssize written = write (fd, line, strlen (line));
  gboolean synced = written == (gssize) strlen (line) && fsync (fd) == 0;
  if (!synced) {
    fail_errno (error, "write admin key", path);
    g_unlink (path); /* half a key would be taken for a whole one */
  }
  close (fd);
  return synced;
}

static gboolean
check_mode (gint fd, const gchar *path, GError **error)
{
  struct stat info;
  if (fstat (fd, &info) < 0)
    return fail_errno (error, "read admin key", path);
  if ((info.st_mode & 077) == 0)
    return TRUE;
  g_set_error (error, MILL_AUTH_ERROR, MILL_AUTH_ERROR_KEY_FILE,
      "admin key '%s': got mode %04o, expected 0600 (others could read it); "
      "remove the file to have a new one made",
      path, info.st_mode & 07777);
  return FALSE;
}

static gchar *
read_file (const gchar *path, GError **error)
{
  gchar buffer[MAX_FILE_BYTES];
  gint fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) {
    fail_errno (error, "read admin key", path);
    return NULL;
  }
  gssize size = -1;
  if (check_mode (fd, path, error)) {
    size = read (fd, buffer, sizeof buffer - 1);
    if (size < 0)
      fail_errno (error, "read admin key", path);
  }
  close (fd);
  if (size < 0)
    return NULL;
  buffer[size] = '\0';
  return g_strdup (g_strstrip (buffer));
}

MillAdminKey *
mill_admin_key_load (const gchar *state_dir, GError **error)
{
  g_autofree gchar *path = g_build_filename (state_dir, "admin.key", NULL);
  if (!g_file_test (path, G_FILE_TEST_EXISTS) && !create_file (path, error))
    return NULL;
  g_autofree gchar *text = read_file (path, error);
  if (!text)
    return NULL;
  if (strlen (text) < MIN_KEY_LENGTH) {
    g_set_error (error, MILL_AUTH_ERROR, MILL_AUTH_ERROR_KEY_FILE,
        "admin key '%s': got %zu characters, expected at least %d; remove the "
        "file to have a new one made",
        path, strlen (text), MIN_KEY_LENGTH);
    return NULL;
  }
  MillAdminKey *key = g_new0 (MillAdminKey, 1);
  key->hash = mill_secret_hash (text);
  return key;
}

void
mill_admin_key_free (MillAdminKey *key)
{
  if (!key)
    return;
  g_bytes_unref (key->hash);
  g_free (key);
}

gboolean
mill_admin_key_matches (const MillAdminKey *key, const gchar *candidate)
{
  if (!candidate)
    return FALSE;
  /* Hashes, because they are of one length whatever was sent. */
  g_autoptr (GBytes) hash = mill_secret_hash (candidate);
  return mill_secret_equal (key->hash, hash);
}

const gchar *
mill_admin_key_get_id (const MillAdminKey *key)
{
  return "admin";
}
