/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
#include "failover-slate-file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC_BYTES 12

static gboolean
tell_kind (const guint8 *head, gssize size, MillFailoverSlateFileKind *ret_kind)
{
  static const guint8 png[] = { 0x89, 'P', 'N', 'G' };
  static const guint8 jpeg[] = { 0xff, 0xd8, 0xff };

  if (size >= (gssize) sizeof (png) && memcmp (head, png, sizeof (png)) == 0)
    *ret_kind = MILL_FAILOVER_SLATE_FILE_PNG;
  else if (size >= (gssize) sizeof (jpeg) &&
      memcmp (head, jpeg, sizeof (jpeg)) == 0)
    *ret_kind = MILL_FAILOVER_SLATE_FILE_JPEG;
  /* ISO/IEC 14496-12 §4.3: a file type box comes first. */
  else if (size >= 8 && memcmp (head + 4, "ftyp", 4) == 0)
    *ret_kind = MILL_FAILOVER_SLATE_FILE_MP4;
  else
    return FALSE;
  return TRUE;
}

static const gchar *
describe_errno (gint number)
{
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      return "no such file";
    case EACCES:
    case EPERM:
      return "no permission to read it";
    default:
      return g_strerror (number);
  }
}

/* Returns: (nullable): what it is instead of a file with something in it */
static const gchar *
find_oddity (const struct stat *status)
{
  if (S_ISDIR (status->st_mode))
    return "a directory";
  if (!S_ISREG (status->st_mode))
    return "a device, pipe or socket";
  return status->st_size == 0 ? "an empty file" : NULL;
}

static gboolean
fail (const gchar *location, gint code, const gchar *got, GError **error)
{
  g_set_error (error, GST_RESOURCE_ERROR, code,
      "slate '%s': got %s, expected a PNG, JPEG or MP4 file", location, got);
  return FALSE;
}

static gboolean
check_size (const gchar *location, goffset size, GError **error)
{
  if (size <= (goffset) MILL_FAILOVER_SLATE_FILE_MAX_BYTES)
    return TRUE;
  g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NO_SPACE_LEFT,
      "slate '%s': got %" G_GOFFSET_FORMAT " bytes, expected at most %u (it is "
      "kept in memory)",
      location, size, MILL_FAILOVER_SLATE_FILE_MAX_BYTES);
  return FALSE;
}

static gboolean
check_open (const gchar *location, gint fd, MillFailoverSlateFileKind *ret_kind,
    GError **error)
{
  guint8 head[MAGIC_BYTES];
  struct stat status;

  if (fstat (fd, &status) != 0)
    return fail (location, GST_RESOURCE_ERROR_READ, g_strerror (errno), error);
  const gchar *oddity = find_oddity (&status);
  if (oddity)
    return fail (location, GST_RESOURCE_ERROR_OPEN_READ, oddity, error);
  gssize size = pread (fd, head, sizeof (head), 0);
  if (size < 0)
    return fail (location, GST_RESOURCE_ERROR_READ, g_strerror (errno), error);
  if (tell_kind (head, size, ret_kind))
    return check_size (location, status.st_size, error);
  g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
      "slate '%s': got a file of another kind, expected a PNG, JPEG or MP4 "
      "file",
      location);
  return FALSE;
}

gboolean
mill_failover_slate_file_check (const gchar *location,
    MillFailoverSlateFileKind *ret_kind, GError **error)
{
  gint fd = open (location, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

  if (fd < 0)
    return fail (location,
        errno == ENOENT ? GST_RESOURCE_ERROR_NOT_FOUND
                        : GST_RESOURCE_ERROR_OPEN_READ,
        describe_errno (errno), error);
  gboolean ok = check_open (location, fd, ret_kind, error);
  close (fd);
  return ok;
}
