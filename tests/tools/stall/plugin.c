/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors
 *
 * An element that breaks the rule of the pool: its chain function waits until
 * the file of its property `until` exists. The engine would put a queue before
 * any element that may wait, so this one takes a name that it trusts; tests put
 * it on the plugin path of a worker that does not see the real capssetter. */
#include <gst/base/gstbasetransform.h>
#include <gst/gst.h>

#define POLL_US (20 * 1000)
#define LIMIT_US (60 * G_USEC_PER_SEC)

#define STALL_TYPE (stall_get_type ())
G_DECLARE_FINAL_TYPE (Stall, stall, MILL, STALL, GstBaseTransform)

struct _Stall
{
  GstBaseTransform parent;

  gchar *until; /* constant after READY */
};

enum
{
  PROP_0,
  PROP_UNTIL,
};

G_DEFINE_FINAL_TYPE (Stall, stall, GST_TYPE_BASE_TRANSFORM)

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

static GstFlowReturn
stall_transform_ip (GstBaseTransform *base, GstBuffer *buffer)
{
  Stall *self = MILL_STALL (base);

  for (gint64 waited = 0; waited < LIMIT_US; waited += POLL_US) {
    if (g_file_test (self->until, G_FILE_TEST_EXISTS))
      return GST_FLOW_OK;
    g_usleep (POLL_US);
  }
  GST_ELEMENT_ERROR (self, RESOURCE, NOT_FOUND, ("Nobody made the file."),
      ("%s", self->until));
  return GST_FLOW_ERROR;
}

static void
stall_set_property (GObject *object, guint id, const GValue *value,
    GParamSpec *pspec)
{
  Stall *self = MILL_STALL (object);

  g_free (self->until);
  self->until = g_value_dup_string (value);
}

static void
stall_finalize (GObject *object)
{
  g_free (MILL_STALL (object)->until);
  G_OBJECT_CLASS (stall_parent_class)->finalize (object);
}

static void
stall_class_init (StallClass *klass)
{
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  G_OBJECT_CLASS (klass)->set_property = stall_set_property;
  G_OBJECT_CLASS (klass)->finalize = stall_finalize;
  GST_BASE_TRANSFORM_CLASS (klass)->transform_ip = stall_transform_ip;
  g_object_class_install_property (G_OBJECT_CLASS (klass), PROP_UNTIL,
      g_param_spec_string ("until", "Until", "The file to wait for", "",
          G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "Stall", "Filter",
      "Stands still until a file exists", "The millrace authors");
}

static void
stall_init (Stall *self)
{
  self->until = g_strdup ("");
}

static gboolean
plugin_init (GstPlugin *plugin)
{
  return gst_element_register (plugin, "capssetter", GST_RANK_NONE, STALL_TYPE);
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, millstall,
    "A thread that stands still, for tests", plugin_init, MILL_VERSION,
    "MIT/X11", "millrace", "https://millrace.invalid/")
