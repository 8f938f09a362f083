/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */
/* What is in the files that a graph reads, looked at before anything starts: a
 * container that the demuxer does not take is then told by its name, and no
 * sink has made anything yet. */
#include "graph-private.h"

#include <errno.h>
#include <fcntl.h>
#include <gst/base/gsttypefindhelper.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media-kind.h"
#include "plan-private.h"

/* As far as the slowest type finder wants to see. */
#define HEAD_SIZE (128 * 1024)
/* ftyp, moov, mdat and what stands between them: more are fragments. */
#define MAX_BOXES 64

static const gchar *const file_sources[] = { "blockfilesrc", "filesrc", NULL };

static gboolean
is_file_source (GstElement *element)
{
  GstElementFactory *factory = gst_element_get_factory (element);

  return factory && g_strv_contains (file_sources, GST_OBJECT_NAME (factory));
}

gchar *
mill_graph_input_dup_location (GstElement *source)
{
  gchar *location = NULL;

  g_object_get (source, "location", &location, NULL);
  return location;
}

GstElement *
mill_graph_input_get_source (GstElement *element)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (element, "sink");
  g_autoptr (GstPad) peer = sink ? gst_pad_get_peer (sink) : NULL;
  g_autoptr (GstElement) source = peer ? gst_pad_get_parent_element (peer)
                                       : NULL;

  if (is_file_source (element))
    return gst_object_ref (element);
  return source && is_file_source (source) ? g_steal_pointer (&source) : NULL;
}

/* Returns: (transfer full) (nullable): the file that @element is fed from */
static gchar *
dup_file (GstElement *element)
{
  g_autoptr (GstElement) source = mill_graph_input_get_source (element);

  return source ? mill_graph_input_dup_location (source) : NULL;
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

typedef struct
{
  const guint8 *data;
  gsize size;
  guint probability;
  GstCaps *caps; /* (nullable) */
} Finding;

static const guint8 *
peek (gpointer user_data, gint64 offset, guint size)
{
  const Finding *finding = user_data;

  if (offset < 0 || (guint64) offset > finding->size ||
      size > finding->size - (gsize) offset)
    return NULL;
  return finding->data + offset;
}

static void
suggest (gpointer user_data, guint probability, GstCaps *caps)
{
  Finding *finding = user_data;

  if (probability <= finding->probability)
    return;
  finding->probability = probability;
  gst_caps_replace (&finding->caps, caps);
}

/* Returns: (transfer full) (nullable): what those say who know one of @wanted.
 * gst_type_find_helper_for_data_with_caps() asks only those that are not loaded
 * yet. */
static GstCaps *
find_wanted (const guint8 *data, gsize size, GstCaps *wanted)
{
  Finding finding = { .data = data, .size = size };
  GstTypeFind find = { .peek = peek, .suggest = suggest, .data = &finding };
  GList *factories = gst_type_find_factory_get_list ();

  for (GList *l = factories; l; l = l->next) {
    GstCaps *known = gst_type_find_factory_get_caps (l->data);

    if (known && gst_caps_can_intersect (known, wanted))
      gst_type_find_factory_call_function (l->data, &find);
  }
  gst_plugin_feature_list_free (factories);
  return finding.caps;
}

/* Asks those who know the @wanted first, which are few. */
static GstCaps *
find_type (GBytes *head, GstCaps *wanted)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (head, &size);
  GstCaps *found;

  if (size == 0)
    return NULL;
  found = find_wanted (data, size, wanted);
  return found ? found : gst_type_find_helper_for_data (NULL, data, size, NULL);
}

GstCaps *
mill_graph_input_find_type (const gchar *file, GstCaps *wanted,
    gboolean *ret_empty)
{
  g_autoptr (GBytes) head = read_head (file);

  if (ret_empty)
    *ret_empty = head && g_bytes_get_size (head) == 0;
  return head ? find_type (head, wanted) : NULL;
}

/* ---- before the start ---- */

static gboolean
takes_text (const GstCaps *taken)
{
  return mill_media_kind_of_caps (taken) == MILL_MEDIA_KIND_TEXT;
}

/* Before a source says it in words of its own, of which each has others.
 * Returns: whether the file can be read; what is named by something else than a
 * path, or by nothing, is not looked at. */
static gboolean
check_source (GstElement *source, GError **error)
{
  g_autofree gchar *file = mill_graph_input_dup_location (source);
  const gchar *node = GST_OBJECT_NAME (source);
  struct stat status;
  gint cause;

  if (!file || !*file)
    return TRUE;
  /* Not opened: the writer of a pipe would lose its reader. */
  if (stat (file, &status) == 0 && S_ISDIR (status.st_mode)) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
        "node '%s': file '%s': got a directory, expected a file", node, file);
    return FALSE;
  }
  if (faccessat (AT_FDCWD, file, R_OK, AT_EACCESS) == 0)
    return TRUE;
  cause = errno;
  if (cause == ENOENT || cause == ENOTDIR)
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
        "node '%s': file '%s': there is none, expected one to read", node,
        file);
  else
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
        "node '%s': file '%s': %s, expected one that user '%s' may read: change "
        "its owner or mode, or those of the directories it is in",
        node, file, g_strerror (cause), g_get_user_name ());
  return FALSE;
}

/* A parser of subtitles looks by itself, but takes nothing for no mistake. */
static gboolean
check_head (GstElement *target, const MillPlan *plan, const gchar *file,
    GError **error)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (target, "sink");
  g_autoptr (GstCaps) taken = gst_pad_get_pad_template_caps (sink);
  gboolean empty;
  g_autoptr (GstCaps) given = mill_graph_input_find_type (file, taken, &empty);
  g_autofree gchar *takes = mill_media_kind_describe_container (taken);
  g_autofree gchar *gives = NULL;

  /* What no type finder knows, the demuxer may still. */
  if (!empty &&
      (!given || !is_demuxer (target) || gst_caps_can_intersect (given, taken)))
    return TRUE;
  gives = given ? mill_media_kind_describe_container (given)
                : g_strdup ("0 bytes");
  g_set_error (error, GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
      "got %s, expected %s", gives, takes);
  mill_graph_explain (target, plan, error);
  g_prefix_error (error, "node '%s': ", GST_OBJECT_NAME (target));
  return FALSE;
}

static gboolean
is_checked (GstElement *element)
{
  g_autoptr (GstPad) sink = gst_element_get_static_pad (element, "sink");
  g_autoptr (GstCaps) taken = sink ? gst_pad_get_pad_template_caps (sink)
                                   : NULL;

  return taken && (is_demuxer (element) || takes_text (taken));
}

/* ---- films that lack their end ---- */

/* In network order, @size bytes of it, at any address. */
static guint64
read_number (const guint8 *at, guint size)
{
  guint64 number = 0;

  for (guint i = 0; i < size; i++)
    number = number << 8 | at[i];
  return number;
}

/* Returns: how long the file must be by the headers of its boxes (ISO/IEC
 * 14496-12 4.2), 0 when it is none of MP4, or is of so many (fragments) that to
 * go from one to the next would take the start of a graph too long. */
static guint64
measure_boxes (gint fd, guint64 size)
{
  guint64 at = 0;
  guint8 head[16];

  for (guint i = 0; at + 8 <= size; i++) {
    guint64 length;

    if (i == MAX_BOXES || pread (fd, head, sizeof head, (off_t) at) < 8 ||
        (i == 0 && memcmp (head + 4, "ftyp", 4) != 0))
      return 0;
    length = read_number (head, 4);
    if (length == 1 && at + 16 <= size)
      length = read_number (head + 8, 8);
    /* 0 reaches to the end of the file. */
    if (length < 8 || length > G_MAXINT64 - at)
      return length == 0 ? size : 0;
    at += length;
  }
  return at;
}

/* The size of an element whose id, of four bytes, is @id (RFC 8794 section 4).
 * @ret_at: behind the size. Returns: FALSE also when the size is unknown */
static gboolean
read_ebml (gint fd, guint64 at, guint32 id, guint64 *ret_at, guint64 *ret_size)
{
  guint8 head[12];
  guint length = 1;

  if (pread (fd, head, sizeof head, (off_t) at) != sizeof head ||
      read_number (head, 4) != id || head[4] == 0)
    return FALSE;
  while (!(head[4] & (0x80 >> (length - 1))))
    length++;
  *ret_size = read_number (head + 4, length) &
      ((G_GUINT64_CONSTANT (1) << (7 * length)) - 1);
  *ret_at = at + 4 + length;
  return *ret_size != (G_GUINT64_CONSTANT (1) << (7 * length)) - 1;
}

/* Returns: how long the file must be by its Segment (RFC 9559 section 5.1), 0
 * when it is none of Matroska or does not say so. */
static guint64
measure_segment (gint fd)
{
  guint64 at;
  guint64 size;

  if (!read_ebml (fd, 0, 0x1a45dfa3, &at, &size) || size > HEAD_SIZE ||
      !read_ebml (fd, at + size, 0x18538067, &at, &size))
    return 0;
  return at + size;
}

static void
check_end (GstElement *source)
{
  g_autofree gchar *file = mill_graph_input_dup_location (source);
  gint fd = file ? open (file, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
  struct stat status;
  guint64 expected = 0;

  if (fd < 0)
    return;
  gboolean measured = fstat (fd, &status) == 0 && S_ISREG (status.st_mode);
  if (measured)
    expected = MAX (measure_boxes (fd, (guint64) status.st_size),
        measure_segment (fd));
  close (fd);
  if (measured && expected > (guint64) status.st_size)
    mill_graph_pads_warn (source,
        "file '%s': got %" G_GUINT64_FORMAT
        " bytes, expected %" G_GUINT64_FORMAT
        ": its end is missing, also of what is made of it; copy it again "
        "from where it came",
        file, (guint64) status.st_size, expected);
}

gboolean
mill_graph_input_check (GstBin *pipeline, MillPlan *plan, GError **error)
{
  for (guint i = 0; i < plan->nodes->len; i++) {
    const MillPlanNode *node = g_ptr_array_index (plan->nodes, i);
    g_autoptr (GstElement) element = gst_bin_get_by_name (pipeline, node->name);
    g_autofree gchar *file =
        element && is_checked (element) ? dup_file (element) : NULL;

    if (element && is_file_source (element) && !check_source (element, error))
      return FALSE;
    if (file && !check_head (element, plan, file, error))
      return FALSE;
    if (element && is_file_source (element))
      check_end (element);
  }
  return TRUE;
}

/* ---- tracks without anything in them ---- */

static GstPadProbeReturn
on_data (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstElement *from = user_data;
  g_autofree gchar *file = NULL;
  g_autoptr (GstElement) element = NULL;

  if (!(GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM))
    return GST_PAD_PROBE_REMOVE;
  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) != GST_EVENT_EOS)
    return GST_PAD_PROBE_OK;
  file = dup_file (from);
  element = gst_pad_get_parent_element (pad);
  if (file && element)
    mill_graph_pads_warn (from,
        "file '%s': got nothing in it for '%s.%s', expected a sample at least; "
        "that track is empty",
        file, GST_OBJECT_NAME (element), GST_PAD_NAME (pad));
  return GST_PAD_PROBE_REMOVE;
}

void
mill_graph_input_guard (GstBin *pipeline, const MillPlanLink *link,
    GstPad *sink)
{
  g_autoptr (GstElement) from = gst_bin_get_by_name (pipeline, link->from_node);
  g_autoptr (GstElement) source = from ? mill_graph_input_get_source (from)
                                       : NULL;

  if (source && source != from)
    gst_pad_add_probe (sink,
        GST_PAD_PROBE_TYPE_BUFFER | GST_PAD_PROBE_TYPE_BUFFER_LIST |
            GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
        on_data, g_steal_pointer (&from), gst_object_unref);
}
