/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* What is in the files that a graph reads, looked at before anything starts: a
 * container that the demuxer does not take is then told by its name, and no
 * sink has made anything yet. */
#include "graph-private.h"

#include <fcntl.h>
#include <gst/base/gsttypefindhelper.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media-kind.h"
#include "plan-private.h"

/* As far as the slowest type finder wants to see. */
#define HEAD_SIZE (128 * 1024)

static const gchar *const file_sources[] = { "blockfilesrc", "filesrc", NULL };

static gchar *
dup_location (GstElement *element)
{
  GstElementFactory *factory = gst_element_get_factory (element);
  gchar *location = NULL;

  if (factory && g_strv_contains (file_sources, GST_OBJECT_NAME (factory)))
    g_object_get (element, "location", &location, NULL);
  return location;
}

gchar *
mill_graph_input_dup_file (GstElement *element)
{
  g_autoptr (GstPad) sink =
      element ? gst_element_get_static_pad (element, "sink") : NULL;
  g_autoptr (GstPad) peer = sink ? gst_pad_get_peer (sink) : NULL;
  g_autoptr (GstElement) source = peer ? gst_pad_get_parent_element (peer)
                                       : NULL;

  return source ? dup_location (source) : NULL;
}

/* Returns: (transfer full) (nullable): the first bytes of a regular file; NULL
 * when it is none, or cannot be read, which filesrc tells. */
static GBytes *
read_head (const gchar *file)
{
  g_autofree guint8 *head = g_malloc (HEAD_SIZE);
  struct stat status;
  gssize size = -1;
  gint fd = open (file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

  if (fd < 0)
    return NULL;
  if (fstat (fd, &status) == 0 && S_ISREG (status.st_mode))
    size = pread (fd, head, HEAD_SIZE, 0);
  close (fd);
  return size < 0 ? NULL : g_bytes_new_take (g_steal_pointer (&head), size);
}

/* Elements other than demuxers find their way into more than they name. */
static gboolean
is_demuxer (GstElement *element)
{
  const gchar *klass =
      gst_element_get_metadata (element, GST_ELEMENT_METADATA_KLASS);

  return klass && g_strrstr (klass, "Demux");
}

/* Returns: (transfer full) (nullable): asks those who know the @wanted first,
 * which are few */
static GstCaps *
find_type (const guint8 *data, gsize size, GstCaps *wanted)
{
  GstCaps *found;

  if (size == 0)
    return NULL;
  found =
      gst_type_find_helper_for_data_with_caps (NULL, data, size, wanted, NULL);
  return found ? found : gst_type_find_helper_for_data (NULL, data, size, NULL);
}

static gboolean
check_head (GstElement *target, const gchar *file, GBytes *head, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (head, &size);
  g_autoptr (GstPad) sink = gst_element_get_static_pad (target, "sink");
  g_autoptr (GstCaps) taken = gst_pad_get_pad_template_caps (sink);
  g_autoptr (GstCaps) given = find_type (data, size, taken);
  g_autofree gchar *takes = mill_media_kind_describe_container (taken);
  g_autofree gchar *gives = NULL;

  /* What no type finder knows, the demuxer may still. */
  if ((size > 0 && !given) || (given && gst_caps_can_intersect (given, taken)))
    return TRUE;
  gives = given ? mill_media_kind_describe_container (given)
                : g_strdup ("0 bytes");
  g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
      "node '%s': file '%s': got %s, expected %s", GST_OBJECT_NAME (target),
      file, gives, takes);
  return FALSE;
}

gboolean
mill_graph_input_check (GstBin *pipeline, MillPlan *plan, GError **error)
{
  for (guint i = 0; i < plan->nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (plan->nodes, i);
    g_autoptr (GstElement) element = gst_bin_get_by_name (pipeline, node->name);
    g_autofree gchar *file = element && is_demuxer (element)
        ? mill_graph_input_dup_file (element)
        : NULL;
    g_autoptr (GBytes) head = file ? read_head (file) : NULL;

    if (head && !check_head (element, file, head, error))
      return FALSE;
  }
  return TRUE;
}
