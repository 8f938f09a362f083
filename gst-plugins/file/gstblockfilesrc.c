/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * SECTION:element-blockfilesrc
 *
 * Reads a file in large blocks. Where filesrc reads each frame that a demuxer
 * asks for by itself, this hands out pieces of what it has read, without a copy.
 */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <gst/base/gstbasesrc.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file-blocks.h"

GST_DEBUG_CATEGORY_STATIC (blockfilesrc_debug);
#define GST_CAT_DEFAULT blockfilesrc_debug

#define DEFAULT_BLOCK_SIZE (256 * 1024)
#define MAX_BLOCK_SIZE (64 * 1024 * 1024)

/* What is pushed at a time where nobody pulls. */
#define PUSH_SIZE (64 * 1024)

enum
{
  PROP_LOCATION = 1,
  PROP_BLOCK_SIZE,
};

struct _GstBlockFileSrc
{
  GstBaseSrc parent;

  /* object lock */
  gchar *location;
  guint block_size;

  /* between start and stop */
  gint fd;
  guint64 size;
  MillFileBlocks *blocks;
};

#define GST_TYPE_BLOCK_FILE_SRC (gst_block_file_src_get_type ())
G_DECLARE_FINAL_TYPE (GstBlockFileSrc, gst_block_file_src, GST, BLOCK_FILE_SRC,
    GstBaseSrc)
G_DEFINE_TYPE (GstBlockFileSrc, gst_block_file_src, GST_TYPE_BASE_SRC)
GST_ELEMENT_REGISTER_DECLARE (blockfilesrc)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (blockfilesrc, "blockfilesrc",
    GST_RANK_NONE, GST_TYPE_BLOCK_FILE_SRC,
    GST_DEBUG_CATEGORY_INIT (blockfilesrc_debug, "blockfilesrc", 0,
        "File source in blocks"))

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

/* ---- the file ---- */

static void
post_open_error (GstBlockFileSrc *self, const gchar *location, gint cause)
{
  if (cause == ENOENT)
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("file '%s': there is none", location), (NULL));
  else
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ,
        ("file '%s': %s", location, g_strerror (cause)), (NULL));
}

static gboolean
check_regular (GstBlockFileSrc *self, const gchar *location, gint fd)
{
  struct stat status;
  if (fstat (fd, &status) != 0) {
    post_open_error (self, location, errno);
    return FALSE;
  }
  if (!S_ISREG (status.st_mode)) {
    GST_ELEMENT_ERROR (self, RESOURCE, OPEN_READ,
        ("file '%s': got a %s, expected a regular file; filesrc reads others",
            location, S_ISDIR (status.st_mode) ? "directory" : "device"),
        (NULL));
    return FALSE;
  }
  self->size = (guint64) status.st_size;
  return TRUE;
}

static gboolean
gst_block_file_src_start (GstBaseSrc *src)
{
  GstBlockFileSrc *self = GST_BLOCK_FILE_SRC (src);
  GST_OBJECT_LOCK (self);
  g_autofree gchar *location = g_strdup (self->location);
  guint block_size = self->block_size;
  GST_OBJECT_UNLOCK (self);
  if (location == NULL || *location == '\0') {
    GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND,
        ("property 'location': not set, expected a file's path"), (NULL));
    return FALSE;
  }
  /* Not to hang on a pipe; of a regular file it means nothing. */
  gint fd = g_open (location, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  if (fd < 0) {
    post_open_error (self, location, errno);
    return FALSE;
  }
  if (!check_regular (self, location, fd)) {
    g_close (fd, NULL);
    return FALSE;
  }
  posix_fadvise (fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  self->fd = fd;
  self->blocks = mill_file_blocks_new (fd, block_size);
  return TRUE;
}

static gboolean
gst_block_file_src_stop (GstBaseSrc *src)
{
  GstBlockFileSrc *self = GST_BLOCK_FILE_SRC (src);
  g_clear_pointer (&self->blocks, mill_file_blocks_free);
  if (self->fd >= 0)
    g_close (self->fd, NULL);
  self->fd = -1;
  return TRUE;
}

static gboolean
gst_block_file_src_is_seekable (GstBaseSrc *src)
{
  return TRUE;
}

static gboolean
gst_block_file_src_get_size (GstBaseSrc *src, guint64 *size)
{
  *size = GST_BLOCK_FILE_SRC (src)->size;
  return TRUE;
}

static GstFlowReturn
gst_block_file_src_create (GstBaseSrc *src, guint64 offset, guint length,
    GstBuffer **ret_buffer)
{
  GstBlockFileSrc *self = GST_BLOCK_FILE_SRC (src);
  g_autoptr (GError) error = NULL;
  GstBuffer *buffer =
      mill_file_blocks_get (self->blocks, offset, length, &error);
  if (buffer == NULL) {
    GST_ELEMENT_ERROR (self, RESOURCE, READ, ("%s", error->message), (NULL));
    return GST_FLOW_ERROR;
  }
  gsize size = gst_buffer_get_size (buffer);
  if (size == 0 && length > 0) {
    gst_buffer_unref (buffer);
    return GST_FLOW_EOS;
  }
  GST_BUFFER_OFFSET (buffer) = offset;
  GST_BUFFER_OFFSET_END (buffer) = offset + size;
  *ret_buffer = buffer;
  return GST_FLOW_OK;
}

/* ---- the object ---- */

static void
gst_block_file_src_set_property (GObject *object, guint id, const GValue *value,
    GParamSpec *pspec)
{
  GstBlockFileSrc *self = GST_BLOCK_FILE_SRC (object);
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_LOCATION:
      g_free (self->location);
      self->location = g_value_dup_string (value);
      break;
    case PROP_BLOCK_SIZE:
      self->block_size = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_block_file_src_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  GstBlockFileSrc *self = GST_BLOCK_FILE_SRC (object);
  GST_OBJECT_LOCK (self);
  switch (id) {
    case PROP_LOCATION:
      g_value_set_string (value, self->location);
      break;
    case PROP_BLOCK_SIZE:
      g_value_set_uint (value, self->block_size);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_block_file_src_finalize (GObject *object)
{
  g_free (GST_BLOCK_FILE_SRC (object)->location);
  G_OBJECT_CLASS (gst_block_file_src_parent_class)->finalize (object);
}

static void
gst_block_file_src_class_init (GstBlockFileSrcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSrcClass *src_class = GST_BASE_SRC_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_READY;

  object_class->set_property = gst_block_file_src_set_property;
  object_class->get_property = gst_block_file_src_get_property;
  object_class->finalize = gst_block_file_src_finalize;
  g_object_class_install_property (object_class, PROP_LOCATION,
      g_param_spec_string ("location", "Location", "Path of a regular file",
          NULL, flags));
  g_object_class_install_property (object_class, PROP_BLOCK_SIZE,
      g_param_spec_uint ("block-size", "Block size",
          "How much is read at a time, in bytes", 4096, MAX_BLOCK_SIZE,
          DEFAULT_BLOCK_SIZE, flags));

  src_class->start = gst_block_file_src_start;
  src_class->stop = gst_block_file_src_stop;
  src_class->is_seekable = gst_block_file_src_is_seekable;
  src_class->get_size = gst_block_file_src_get_size;
  src_class->create = gst_block_file_src_create;

  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "File source in blocks",
      "Source/File",
      "Reads a file in large blocks, of which buffers are pieces", "millrace");
}

static void
gst_block_file_src_init (GstBlockFileSrc *self)
{
  self->fd = -1;
  self->block_size = DEFAULT_BLOCK_SIZE;
  gst_base_src_set_blocksize (GST_BASE_SRC (self), PUSH_SIZE);
}
