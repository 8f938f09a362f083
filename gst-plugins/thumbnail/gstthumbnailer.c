/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The millrace authors */

/**
 * SECTION:element-thumbnailer
 *
 * Makes small pictures of a video: sheets of many for the seek bar, and one
 * poster. Of encoded video only keyframes are decoded, one an interval.
 *
 *     sink -> picker -> decoder -> tee -> sheet -> jpegenc -> sheets
 *                                   +---> sheet -> jpegenc -> poster
 *
 * Decoding happens in the thread that feeds it; a live source wants a queue that
 * may leak before it.
 */

#include <gst/video/video.h>

#include "thumbnail-picker.h"
#include "thumbnail-sheet.h"

GST_DEBUG_CATEGORY_STATIC (thumbnailer_debug);
#define GST_CAT_DEFAULT thumbnailer_debug

#define DEFAULT_INTERVAL_MS 10000
#define DEFAULT_COLUMNS 5
#define DEFAULT_ROWS 5
#define DEFAULT_TILE_WIDTH 160
#define DEFAULT_QUALITY 75
#define DEFAULT_POSTER_WIDTH 640
#define DEFAULT_POSTER_INTERVAL_MS 0

enum
{
  PROP_INTERVAL_MS = 1,
  PROP_COLUMNS,
  PROP_ROWS,
  PROP_TILE_WIDTH,
  PROP_QUALITY,
  PROP_POSTER_WIDTH,
  PROP_POSTER_INTERVAL_MS,
  N_PROPS,
};

struct _GstThumbnailer
{
  GstBin parent;

  guint values[N_PROPS]; /* object lock */

  GstElement *picker; /* in the bin, as what follows */
  GstElement *tee;
  GstElement *decoder; /* (nullable): streaming thread */
  GstPad *sheets;
  GstPad *poster;
};

#define GST_TYPE_THUMBNAILER (gst_thumbnailer_get_type ())
G_DECLARE_FINAL_TYPE (GstThumbnailer, gst_thumbnailer, GST, THUMBNAILER, GstBin)
G_DEFINE_TYPE (GstThumbnailer, gst_thumbnailer, GST_TYPE_BIN)
GST_ELEMENT_REGISTER_DECLARE (thumbnailer)
GST_ELEMENT_REGISTER_DEFINE_WITH_CODE (thumbnailer, "thumbnailer",
    GST_RANK_NONE, GST_TYPE_THUMBNAILER,
    GST_DEBUG_CATEGORY_INIT (thumbnailer_debug, "thumbnailer", 0,
        "Small pictures of a video"))

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("video/x-h264; video/x-h265; video/x-av1; "
                     "video/x-vp8; video/x-vp9; video/x-raw"));
static GstStaticPadTemplate sheets_template = GST_STATIC_PAD_TEMPLATE ("sheets",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("image/jpeg"));
static GstStaticPadTemplate poster_template = GST_STATIC_PAD_TEMPLATE ("poster",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("image/jpeg"));

static guint
get_value (GstThumbnailer *self, guint id)
{
  GST_OBJECT_LOCK (self);
  guint value = self->values[id];
  GST_OBJECT_UNLOCK (self);
  return value;
}

/* ---- what is decoded ---- */

/* Returns: (transfer floating)(nullable): the best for @caps */
static GstElement *
make_decoder (GstCaps *caps)
{
  GList *all =
      gst_element_factory_list_get_elements (GST_ELEMENT_FACTORY_TYPE_DECODER |
              GST_ELEMENT_FACTORY_TYPE_MEDIA_VIDEO,
          GST_RANK_MARGINAL);
  GList *fitting =
      gst_element_factory_list_filter (all, caps, GST_PAD_SINK, TRUE);
  GstElement *decoder = NULL;
  fitting = g_list_sort (fitting, gst_plugin_feature_rank_compare_func);
  for (GList *item = fitting; item != NULL && decoder == NULL;
       item = item->next)
    decoder = gst_element_factory_create (item->data, NULL);
  gst_plugin_feature_list_free (fitting);
  gst_plugin_feature_list_free (all);
  return decoder;
}

static void
remove_decoder (GstThumbnailer *self)
{
  if (self->decoder == NULL)
    return;
  gst_element_unlink (self->picker, self->decoder);
  gst_element_set_state (self->decoder, GST_STATE_NULL);
  gst_bin_remove (GST_BIN (self), self->decoder);
  self->decoder = NULL;
}

static gboolean
join_decoder (GstThumbnailer *self, GstCaps *caps)
{
  GstElement *decoder = make_decoder (caps);
  if (decoder == NULL) {
    g_autofree gchar *text = gst_caps_to_string (caps);
    GST_ELEMENT_ERROR (self, STREAM, CODEC_NOT_FOUND,
        ("video: no decoder is installed for %s",
            gst_structure_get_name (gst_caps_get_structure (caps, 0))),
        ("%s", text));
    return FALSE;
  }
  /* One keyframe at a time is nothing to share out. */
  if (g_object_class_find_property (G_OBJECT_GET_CLASS (decoder),
          "max-threads"))
    g_object_set (decoder, "max-threads", 1, NULL);
  gst_bin_add (GST_BIN (self), decoder);
  self->decoder = decoder;
  return gst_element_link_many (self->picker, decoder, self->tee, NULL) &&
      gst_element_sync_state_with_parent (decoder);
}

static gboolean
takes (GstElement *decoder, GstCaps *caps)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (decoder, "sink");
  return gst_pad_query_accept_caps (pad, caps);
}

static gboolean
on_caps (GstCaps *caps, gpointer user_data)
{
  GstThumbnailer *self = user_data;
  gboolean raw =
      gst_structure_has_name (gst_caps_get_structure (caps, 0), "video/x-raw");
  if (self->decoder != NULL && !raw && takes (self->decoder, caps))
    return TRUE;
  remove_decoder (self);
  if (!raw)
    return join_decoder (self, caps);
  g_autoptr (GstPad) src = gst_element_get_static_pad (self->picker, "src");
  return gst_pad_is_linked (src) || gst_element_link (self->picker, self->tee);
}

/* A film without pictures ends too: behind the picker there is nothing yet that
 * would tell so. */
static GstPadProbeReturn
on_entry_event (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstThumbnailer *self = user_data;
  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) != GST_EVENT_EOS)
    return GST_PAD_PROBE_OK;
  g_autoptr (GstPad) src = gst_element_get_static_pad (self->picker, "src");
  if (!gst_pad_is_linked (src))
    gst_element_link (self->picker, self->tee);
  return GST_PAD_PROBE_OK;
}

/* ---- what is made ---- */

/* Sheets say in their caps what is where in them. */
static GstPadProbeReturn
on_jpeg_event (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  GstThumbnailer *self = user_data;
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  GstCaps *caps;
  if (GST_EVENT_TYPE (event) != GST_EVENT_CAPS)
    return GST_PAD_PROBE_OK;
  gst_event_parse_caps (event, &caps);
  if (gst_structure_has_field (gst_caps_get_structure (caps, 0),
          "tile-columns"))
    return GST_PAD_PROBE_OK;
  g_autoptr (GstCaps) told = gst_caps_copy (caps);
  GST_OBJECT_LOCK (self);
  gst_caps_set_simple (told, "tile-columns", G_TYPE_INT,
      (gint) self->values[PROP_COLUMNS], "tile-rows", G_TYPE_INT,
      (gint) self->values[PROP_ROWS], "tile-interval", G_TYPE_UINT64,
      self->values[PROP_INTERVAL_MS] * GST_MSECOND, NULL);
  GST_OBJECT_UNLOCK (self);
  GST_PAD_PROBE_INFO_DATA (info) = gst_event_new_caps (told);
  gst_event_unref (event);
  return GST_PAD_PROBE_OK;
}

/* Returns: (transfer full)(nullable): source pad of a branch of the tee */
static GstPad *
add_branch (GstThumbnailer *self, GstElement *sheet)
{
  GstElement *encoder = gst_element_factory_make ("jpegenc", NULL);
  gst_bin_add (GST_BIN (self), sheet);
  if (encoder == NULL) {
    GST_ELEMENT_ERROR (self, CORE, MISSING_PLUGIN,
        ("element 'jpegenc': got no such element, expected it to be installed"),
        (NULL));
    return NULL;
  }
  g_object_set (encoder, "quality", (gint) get_value (self, PROP_QUALITY),
      NULL);
  gst_bin_add (GST_BIN (self), encoder);
  if (!gst_element_link_many (self->tee, sheet, encoder, NULL) ||
      !gst_element_sync_state_with_parent (encoder) ||
      !gst_element_sync_state_with_parent (sheet))
    return NULL;
  return gst_element_get_static_pad (encoder, "src");
}

static gboolean
add_sheets (GstThumbnailer *self)
{
  MillThumbnailLayout layout = {
    .columns = get_value (self, PROP_COLUMNS),
    .rows = get_value (self, PROP_ROWS),
    .width = get_value (self, PROP_TILE_WIDTH) & ~1u,
    .interval = get_value (self, PROP_INTERVAL_MS) * GST_MSECOND,
  };
  g_autoptr (GstPad) src =
      add_branch (self, mill_thumbnail_sheet_new (&layout));
  if (src == NULL)
    return FALSE;
  gst_pad_add_probe (src, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_jpeg_event,
      self, NULL);
  return gst_ghost_pad_set_target (GST_GHOST_PAD (self->sheets), src);
}

static gboolean
add_poster (GstThumbnailer *self)
{
  guint again_ms = get_value (self, PROP_POSTER_INTERVAL_MS);
  MillThumbnailLayout layout = {
    .columns = 1,
    .rows = 1,
    .width = get_value (self, PROP_POSTER_WIDTH) & ~1u,
    .interval = GST_MSECOND *
        MAX (again_ms, get_value (self, PROP_INTERVAL_MS)),
  };
  GstElement *sheet = mill_thumbnail_sheet_new (&layout);
  mill_thumbnail_sheet_set_once (MILL_THUMBNAIL_SHEET (sheet), again_ms == 0);
  g_autoptr (GstPad) src = add_branch (self, sheet);
  return src != NULL &&
      gst_ghost_pad_set_target (GST_GHOST_PAD (self->poster), src);
}

/* ---- states ---- */

static gboolean
begin (GstThumbnailer *self)
{
  mill_thumbnail_picker_set_interval (MILL_THUMBNAIL_PICKER (self->picker),
      get_value (self, PROP_INTERVAL_MS) * GST_MSECOND);
  return add_sheets (self) && add_poster (self);
}

static void
drop_branch (GstThumbnailer *self, GstPad *ghost)
{
  g_autoptr (GstPad) src = gst_ghost_pad_get_target (GST_GHOST_PAD (ghost));
  if (src == NULL)
    return;
  g_autoptr (GstElement) encoder = gst_pad_get_parent_element (src);
  g_autoptr (GstPad) sink = gst_element_get_static_pad (encoder, "sink");
  g_autoptr (GstPad) peer = gst_pad_get_peer (sink);
  g_autoptr (GstElement) sheet = gst_pad_get_parent_element (peer);
  g_autoptr (GstPad) entry = gst_element_get_static_pad (sheet, "sink");
  g_autoptr (GstPad) exit = gst_pad_get_peer (entry);
  gst_ghost_pad_set_target (GST_GHOST_PAD (ghost), NULL);
  gst_element_set_state (encoder, GST_STATE_NULL);
  gst_element_set_state (sheet, GST_STATE_NULL);
  gst_bin_remove_many (GST_BIN (self), sheet, encoder, NULL);
  gst_element_release_request_pad (self->tee, exit);
}

static GstStateChangeReturn
gst_thumbnailer_change_state (GstElement *element, GstStateChange transition)
{
  GstThumbnailer *self = GST_THUMBNAILER (element);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !begin (self))
    return GST_STATE_CHANGE_FAILURE;
  GstStateChangeReturn ret = GST_ELEMENT_CLASS (gst_thumbnailer_parent_class)
                                 ->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY ||
      (transition == GST_STATE_CHANGE_READY_TO_PAUSED &&
          ret == GST_STATE_CHANGE_FAILURE)) {
    remove_decoder (self);
    gst_element_unlink (self->picker, self->tee);
    drop_branch (self, self->sheets);
    drop_branch (self, self->poster);
  }
  return ret;
}

/* ---- the object ---- */

static void
gst_thumbnailer_set_property (GObject *object, guint id, const GValue *value,
    GParamSpec *pspec)
{
  GstThumbnailer *self = GST_THUMBNAILER (object);
  GST_OBJECT_LOCK (self);
  self->values[id] = g_value_get_uint (value);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_thumbnailer_get_property (GObject *object, guint id, GValue *value,
    GParamSpec *pspec)
{
  g_value_set_uint (value, get_value (GST_THUMBNAILER (object), id));
}

static void
gst_thumbnailer_class_init (GstThumbnailerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      G_PARAM_CONSTRUCT | GST_PARAM_MUTABLE_READY;

  object_class->set_property = gst_thumbnailer_set_property;
  object_class->get_property = gst_thumbnailer_get_property;
  g_object_class_install_property (object_class, PROP_INTERVAL_MS,
      g_param_spec_uint ("interval-ms", "Interval",
          "Time that a tile is for, in ms", 100, G_MAXINT, DEFAULT_INTERVAL_MS,
          flags));
  g_object_class_install_property (object_class, PROP_COLUMNS,
      g_param_spec_uint ("columns", "Columns", "Tiles beside each other", 1, 20,
          DEFAULT_COLUMNS, flags));
  g_object_class_install_property (object_class, PROP_ROWS,
      g_param_spec_uint ("rows", "Rows", "Tiles below each other", 1, 20,
          DEFAULT_ROWS, flags));
  g_object_class_install_property (object_class, PROP_TILE_WIDTH,
      g_param_spec_uint ("tile-width", "Width of tiles",
          "In pixels, even; the height follows from the picture", 16, 1920,
          DEFAULT_TILE_WIDTH, flags));
  g_object_class_install_property (object_class, PROP_QUALITY,
      g_param_spec_uint ("quality", "Quality", "Of the JPEG files, in percent",
          1, 100, DEFAULT_QUALITY, flags));
  g_object_class_install_property (object_class, PROP_POSTER_WIDTH,
      g_param_spec_uint ("poster-width", "Width of the poster",
          "In pixels, even; the height follows from the picture", 16, 3840,
          DEFAULT_POSTER_WIDTH, flags));
  g_object_class_install_property (object_class, PROP_POSTER_INTERVAL_MS,
      g_param_spec_uint ("poster-interval-ms", "Interval of the poster",
          "Time after which there is a new one, in ms; 0: never", 0, G_MAXINT,
          DEFAULT_POSTER_INTERVAL_MS, flags));

  element_class->change_state = gst_thumbnailer_change_state;
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &sheets_template);
  gst_element_class_add_static_pad_template (element_class, &poster_template);
  gst_element_class_set_static_metadata (element_class, "Thumbnailer",
      "Filter/Converter/Video",
      "Makes sheets of small pictures, and a poster, of a video", "millrace");
}

static GstPad *
add_source (GstThumbnailer *self, GstStaticPadTemplate *static_template)
{
  g_autoptr (GstPadTemplate) template =
      gst_static_pad_template_get (static_template);
  GstPad *ghost =
      gst_ghost_pad_new_no_target_from_template (static_template->name_template,
          template);
  gst_element_add_pad (GST_ELEMENT (self), ghost);
  return ghost;
}

static void
gst_thumbnailer_init (GstThumbnailer *self)
{
  self->picker = mill_thumbnail_picker_new (on_caps, self);
  self->tee = gst_element_factory_make ("tee", NULL);
  g_object_set (self->tee, "allow-not-linked", TRUE, NULL);
  gst_bin_add_many (GST_BIN (self), self->picker, self->tee, NULL);
  g_autoptr (GstPadTemplate) template =
      gst_static_pad_template_get (&sink_template);
  g_autoptr (GstPad) entry = gst_element_get_static_pad (self->picker, "sink");
  gst_pad_add_probe (entry, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_entry_event,
      self, NULL);
  gst_element_add_pad (GST_ELEMENT (self),
      gst_ghost_pad_new_from_template ("sink", entry, template));
  self->sheets = add_source (self, &sheets_template);
  self->poster = add_source (self, &poster_template);
}
